"""What every part of the circuits needs to know about the residual stream.

In: a ``Program``. Out: ``Stream``: subspaces by name, who embeds and writes them, the functional that is
always 1, indicators of query conditions, and which values are known for a token. Not for: scores and moves
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits.features import ONE, Feature, embedded_value, holds, nonzero
from compiler.computing import Compute, read_subspaces
from compiler.encodings import Constant, Dims, OneHot, Phase, PhasePairs, Subspace, Value
from compiler.exact import Matrix, Scalar
from compiler.heads import Condition, Copy, Head
from compiler.mlp.evaluating import NoValue, function_of
from compiler.one_key import Plain
from compiler.program import EmbedLine, Program
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Number
from dsl.span import Span

Entries = dict[tuple[int, int], Scalar]


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is certain; None is the empty one (the zero vector)."""

    value: Value | None


def copied_value(copy: Copy, value: Value | None) -> Value | None:
    """The value that a copy of ``value`` means: through the table, then shifted."""
    if value is None:
        return None
    image = value if copy.table is None else dict(copy.table).get(value)
    return image + copy.shift if isinstance(image, int) else image


class Stream:
    """Facts about a program's residual stream, looked up once; nothing in it changes.

    ``dimension`` is width, or width + 1 where biases are allowed: the extra coordinate is the constant 1."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.dimension = program.width + (1 if program.biases else 0)
        self.subspaces = {s.name: s for s in program.subspaces}
        self.embeds: dict[str, EmbedLine] = {e.target: e for e in program.embeds}
        self.written = written_subspaces(program)
        self.constant = self._constant_functional()
        written_by = program.heads, program.computes
        self.plain = Plain.of(program.subspaces, program.embeds, *written_by, program.tokens, program.sequences)

    def written_by(self, layer: int) -> set[str]:
        """Subspaces that something has written into when the MLP of ``layer`` reads them."""
        heads = (h for h in self.program.heads if h.layer <= layer)
        return _written(self.program, heads, (c for c in self.program.computes if c.layer < layer))

    def _constant_functional(self) -> Feature | None:
        """Coordinates whose weighted sum is 1 at every position: a constant direction, a bias, or all
        coordinates of a one-hot that every token (or position) is embedded in and nobody writes to."""
        for subspace in self.program.subspaces:
            if isinstance(subspace.encoding, Constant):
                return {subspace.coordinates[0]: ONE}
        if self.program.biases:
            return {self.program.width: ONE}
        for subspace in self.program.subspaces:
            if isinstance(subspace.encoding, OneHot) and self.always_shows(subspace):
                return dict.fromkeys(subspace.coordinates, ONE)
        return None

    def always_shows(self, subspace: Subspace) -> bool:
        """True where every token (or position) is embedded in the subspace and nobody writes to it."""
        embed = self.embeds.get(subspace.name)
        if embed is None or embed.matrix is not None or subspace.name in self.written:
            return False
        encoding = subspace.encoding
        if embed.source == "position":
            return all(embedded_value(embed, "", p, encoding) is not None for p in range(self.program.context))
        return all(embedded_value(embed, t, 0, encoding) is not None for t in self.program.read_tokens)

    def one(self, span: Span, wanted_by: str) -> Feature:
        """The constant functional, or E0430: nothing in the stream is always 1."""
        if self.constant is None:
            raise SpecError(
                Diagnostic(
                    "E0430",
                    f"{wanted_by} needs a constant, and no direction of the stream is always 1",
                    span,
                    "this line compares with a constant",
                    help="add `subspace one : constant`, or say `biases allowed`",
                )
            )
        return self.constant

    def indicator(self, when: Condition) -> Feature:
        """A query-side functional that is 1 where the condition holds and 0 elsewhere."""
        subspace = self.gate_subspace(when)
        name = subspace.name
        if not isinstance(subspace.encoding, OneHot):
            raise SpecError(
                Diagnostic(
                    "E0431",
                    f"`when` needs an exact indicator, and `{name}` is not one-hot",
                    when.span,
                    "a linear map of this encoding is not 0 or 1",
                    help=f"read the condition from a one-hot subspace (`subspace {name} : onehot(..)`)",
                )
            )
        hot = one_hot_coordinates(subspace)
        return {hot[v]: ONE for v in when.values if v in hot}

    def gate_subspace(self, when: Condition) -> Subspace:
        """The subspace that a condition is read from."""
        return self.subspaces[self.position_one_hot(when) if when.feature == "position" else when.feature]

    def position_one_hot(self, when: Condition) -> str:
        for subspace in self.program.subspaces:
            if not self.is_positional(subspace):
                continue
            if isinstance(subspace.encoding, OneHot) and all(holds(subspace.encoding, v) for v in when.values):
                return subspace.name
        raise SpecError(
            Diagnostic(
                "E0431",
                "`when query.position` needs an exact indicator of the position",
                when.span,
                "no one-hot subspace holds these positions",
                help="add `subspace slot : onehot(positions)` and `embed position -> slot`",
            )
        )

    def known_value(self, read: Subspace, token: str, layer: int) -> Known | None:
        """What a key that holds ``token`` certainly shows in ``read`` to a head of ``layer``; None if that varies.

        Embedded values are known where the token (or its only position) decides them. A token that can only stand at
        position 0 sees nothing but itself there, so what it copies is its own, with weight exactly 1.  What is computed
        from known values is known."""
        return self._known(read, token, layer, layer)

    def _known(self, read: Subspace, token: str, layer: int, computes: int) -> Known | None:
        """The same after the heads of layers below ``layer`` and the lines of layers below ``computes``."""
        lines = [c for c in self.program.computes if c.target == read.name and c.layer < computes]
        writers = [(h, c) for h in self.program.heads if h.layer < layer for c in h.copies if c.target == read.name]
        if lines:
            alone = len(lines) == 1 and not writers and read.name not in self.embeds
            return self._known_result(lines[0], token) if alone else None
        embed = self.embeds.get(read.name)
        if any(_output_rows(h) & set(read.coordinates) for h in self.program.heads if h.layer < layer):
            return None
        if not writers:
            return self._known_embedding(read, token)
        if embed is not None or len(writers) > 1 or self.program.sequences.positions_of(token) != {0}:
            return None
        [(head, copy)] = writers
        if copy.coefficient != Number(Fraction(1)):
            return None
        source = self._known(self.subspaces[copy.source], token, head.layer, head.layer)
        return None if source is None else Known(copied_value(copy, source.value))

    def _known_result(self, compute: Compute, token: str) -> Known | None:
        """What a line gives for this token, if that is certain (sums of phases are not exact)."""
        names = read_subspaces(compute.value)
        if any(isinstance(self.subspaces[name].encoding, Phase | PhasePairs) for name in names):
            return None
        known = [self._known(self.subspaces[name], token, compute.layer + 1, compute.layer) for name in names]
        values = [None if found is None else found.value for found in known]
        try:
            result = function_of(compute.value, {name: i for i, name in enumerate(names)})(values)
        except NoValue:
            return None
        value = int(result) if isinstance(result, bool) else result
        return Known(value) if holds(self.subspaces[compute.target].encoding, value) else None

    def _known_embedding(self, read: Subspace, token: str) -> Known | None:
        embed = self.embeds.get(read.name)
        if embed is None:
            return None if isinstance(read.encoding, Constant | Dims) else Known(None)
        if embed.matrix is not None:
            return None
        if embed.source == "token":
            return Known(embedded_value(embed, token, 0, read.encoding))
        places = self.program.sequences.positions_of(token)
        return Known(embedded_value(embed, token, min(places), read.encoding)) if len(places) == 1 else None

    def values_together(self, gate: Subspace, other: Subspace) -> dict[Value, set[Value | None]]:
        """For every value of ``gate``, what ``other`` shows at the same time; both embed the same token or position."""
        lines = self.embeds[gate.name], self.embeds[other.name]
        positional = lines[0].source == "position"
        places = range(self.program.sequences.longest) if positional else (0,) * len(self.program.read_tokens)
        tokens = ("",) * len(places) if positional else self.program.read_tokens
        found: dict[Value, set[Value | None]] = {}
        for token, place in zip(tokens, places, strict=True):
            value = embedded_value(lines[0], token, place, gate.encoding)
            if value is not None:
                found.setdefault(value, set()).add(embedded_value(lines[1], token, place, other.encoding))
        return found

    def is_positional(self, subspace: Subspace) -> bool:
        """True where the subspace holds the token's own position (no expression of it) and nothing else ever."""
        embed = self.embeds.get(subspace.name)
        if embed is None or embed.source != "position" or embed.images is not None:
            return False
        return subspace.name not in self.written

    def outer(self, left: Feature, right: Feature) -> Matrix:
        """The circuit (left . x_q) (right . x_k)."""
        entries = {(i, j): a * b for i, a in left.items() for j, b in right.items()}
        return self.matrix(entries)

    def matrix(self, entries: Entries) -> Matrix:
        """A square circuit over all coordinates from its entries; zeros are dropped."""
        return Matrix(self.dimension, self.dimension, nonzero(entries))


def one_hot_coordinates(subspace: Subspace) -> dict[Value, int]:
    """Value -> residual coordinate, of a one-hot subspace."""
    assert isinstance(subspace.encoding, OneHot)
    return dict(zip(subspace.encoding.values, subspace.coordinates, strict=True))


def written_subspaces(program: Program) -> set[str]:
    """Subspaces that a head writes into (by a copy, or by an explicit W_O that touches them), or a compute line."""
    return _written(program, program.heads, program.computes)


def _written(program: Program, heads: Iterable[Head], computes: Iterable[Compute]) -> set[str]:
    heads = tuple(heads)
    written = {copy.target for head in heads for copy in head.copies} | {compute.target for compute in computes}
    rows = {row for head in heads for row in _output_rows(head)}
    return written | {s.name for s in program.subspaces if rows & set(s.coordinates)}


def _output_rows(head: Head) -> set[int]:
    matrix = head.matrix("W_O")
    return set() if matrix is None else {row for row, _, _ in matrix.entries}
