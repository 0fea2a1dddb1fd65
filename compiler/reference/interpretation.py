"""The reference meaning of a program: attention as sets of keys, values as what they stand for; no matrices.

In: a ``Program`` and token ids (B, n).  Out: a ``Meaning``: per head the keys it attends to and whether that is a
claim, per predicted subspace the tokens that are right.  Not for: strengths, margins, weights.  No code is shared with
the compiled side (``exact``, ``circuits``, ``factorization``, ``sharpness``): the two are held against each other.

Three-valued logic (Kleene): a line that reads a mixture, or the result of an undetermined or unclaimed query, is
neither true nor false of a key.  A key fits if every active line is satisfied, does not if one is not, and is *open*
otherwise; a query with an open key that could matter is undetermined.  Any relation on an empty value is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compiler.computing import Compute, read_subspaces
from compiler.encodings import (
    Code,
    Constant,
    Dims,
    OneHot,
    Pairs,
    Phase,
    PhasePairs,
    Quadratic,
    ScalarValue,
    Subspace,
    of_one_value,
)
from compiler.heads import Condition, Copy, Head
from compiler.program import EmbedLine, Program
from compiler.reference.compute import Scene, computed
from compiler.reference.fit import Facts, fit
from compiler.reference.leads import Leads
from compiler.reference.meaning import HeadMeaning, Meaning, Prediction, Status, joined
from compiler.reference.moving import mean_over_keys, transport, transport_raw, unknown_sources
from compiler.reference.numbers import NOTHING, Codec, Floats, Ints, Numbers, all_bindings
from compiler.reference.predictions import prediction
from compiler.reference.reading import read
from compiler.reference.soft import Stream, attend_softly, matrix_of
from compiler.reference.strays import Strays
from compiler.reference.values import Attention, Bools, Held, Kind, Raw, Reading, Symbolic, add, from_codes, to_raw

ENTRIES_PER_CHUNK = 16_000_000
SPARE = ""


def interpret(
    program: Program,
    tokens: Ints,
    bindings: Mapping[str, float] = {},
    *,
    every_position: bool = False,
    with_values: bool = False,
) -> Meaning:
    """The reference meaning of ``program`` on token ids (B, n), all of one length.

    ``bindings`` give numbers to symbols, over their declared values.  Memory is about B * n * n bytes per head.
    Raises SpecError E0501 where a soft score, a coefficient or a decoding needs a symbol that has no value."""
    tokens = np.asarray(tokens, dtype=np.int64)
    count, n = tokens.shape
    numbers = Numbers(Codec(), all_bindings(program, bindings))
    size = max(1, ENTRIES_PER_CHUNK // (n * max(n, program.width)))
    parts = []
    for begin in range(0, max(count, 1), size):
        run = _Run(program, numbers, tokens[begin : begin + size])
        parts.append(run.meaning(every_position, with_values))
    return parts[0] if len(parts) == 1 else joined(parts)


class _Run:
    """One batch on its way through the layers; ``held`` says what every subspace holds at the moment."""

    def __init__(self, program: Program, numbers: Numbers, tokens: Ints) -> None:
        self.program = program
        self.numbers = numbers
        self.tokens = tokens
        self.batch, self.n = tokens.shape
        self.subspaces = {subspace.name: subspace for subspace in program.subspaces}
        spare = _spare_coordinates(program)
        self.subspaces[SPARE] = Subspace(SPARE, Dims(len(spare)), spare, tuple(str(i) for i in range(len(spare))))
        self.strays = Strays(program, numbers, tokens.shape)
        self.leads = Leads(program, self.subspaces, numbers, self.strays)
        self.held: dict[str, Held] = {name: self._initial(s) for name, s in self.subspaces.items()}
        for embed in program.embeds:
            self._write(embed.target, self._embedded(embed))

    def meaning(self, every_position: bool, with_values: bool) -> Meaning:
        heads: list[HeadMeaning] = []
        for number, layer in enumerate(self.program.layers):
            heads += self._layer(layer)
            self._compute(number)
            self.leads.note_computed(number)
        self.leads.note_basis(self._raw)
        predictions = tuple(self._predicted(name, every_position) for name in self.program.predict)
        names = [s.name for s in self.program.subspaces] if with_values else []
        values = {name: self._read(name) for name in names}
        return Meaning(tuple(heads), predictions, values, self.numbers.codec)

    def _predicted(self, name: str, every_position: bool) -> Prediction:
        return prediction(self.program, self.subspaces[name], self.held[name], self.leads, every_position)

    # -------------------------------------------------------------- the embedding

    def _initial(self, subspace: Subspace) -> Held:
        encoding = subspace.encoding
        if isinstance(encoding, (OneHot, Phase, Code, PhasePairs)) and not isinstance(encoding, Pairs):
            return from_codes(np.full(self.tokens.shape, NOTHING, dtype=np.int64))
        size = self.numbers.size(subspace.encoding)
        fill = 1.0 if isinstance(subspace.encoding, Constant) else 0.0
        return Raw(np.full((*self.tokens.shape, size), fill), np.ones(self.tokens.shape, dtype=np.bool_))

    def _embedded(self, embed: EmbedLine) -> Held:
        positions = np.broadcast_to(np.arange(self.n), self.tokens.shape)
        index = self.tokens if embed.source == "token" else positions
        encoding = of_one_value(self.subspaces[embed.target].encoding)
        if embed.matrix is not None:
            used = np.unique(index)
            rows = np.array([[self.numbers.number(x) for x in embed.matrix[i]] for i in used], dtype=np.float64)
            return Raw(rows[np.searchsorted(used, index)], np.ones(index.shape, dtype=np.bool_))
        if embed.images is not None:
            images = dict(embed.images)
            sources = self.program.tokens if embed.source == "token" else range(self.n)
            codes = np.array([images.get(source, NOTHING) for source in sources], dtype=np.int64)[index]
            codes = np.where(np.isin(codes, self.numbers.values(encoding)), codes, NOTHING)
        elif embed.source == "token":
            codes = self.numbers.token_codes(encoding, self.program.tokens)[index]
        else:
            codes = np.where(np.isin(index, self.numbers.values(encoding)), index, NOTHING)
        if isinstance(encoding, (ScalarValue, Quadratic)):
            codes = np.where(codes == NOTHING, 0, codes)
            vectors = self.numbers.features(encoding, codes.reshape(-1)).reshape(*codes.shape, -1)
            return Raw(vectors, np.ones(index.shape, dtype=np.bool_))
        return from_codes(self.numbers.canonical(encoding, codes))

    # -------------------------------------------------------------- reading and writing

    def _write(self, name: str, more: Held) -> None:
        held = self.held[name]
        if isinstance(held, Symbolic) and isinstance(more, Symbolic):
            self.held[name] = add(held, more)
            return
        left, right = (to_raw(part, self.subspaces[name], self.numbers) for part in (held, more))
        self.held[name] = Raw(left.vectors + right.vectors, left.known & right.known)

    def _raw(self, name: str) -> Raw:
        return to_raw(self.held[name], self.subspaces[name], self.numbers)

    def _read(self, name: str) -> Reading:
        return read(self.held[name], self.subspaces[name], self.numbers)

    def _coordinates(self, columns: tuple[int, ...]) -> Raw:
        """The residual coordinates ``columns``: known where every subspace that they belong to is."""
        vectors = np.zeros((*self.tokens.shape, len(columns)))
        known = np.ones(self.tokens.shape, dtype=np.bool_)
        wanted = {column: i for i, column in enumerate(columns)}
        for name, subspace in self.subspaces.items():
            inside = [(local, wanted[c]) for local, c in enumerate(subspace.coordinates) if c in wanted]
            if inside:
                raw = self._raw(name)
                local, place = (list(side) for side in zip(*inside, strict=True))
                vectors[..., place] = raw.vectors[..., local]
                known = known & raw.known
        return Raw(vectors, known)

    # -------------------------------------------------------------- layers and heads

    def _layer(self, layer: tuple[Head, ...]) -> list[HeadMeaning]:
        """All heads read the stream as the layer finds it; then all of them write."""
        readings: dict[str, Reading] = {}

        def reading(name: str) -> Reading:
            return readings.setdefault(name, self._read(name)) if name not in readings else readings[name]

        meanings: list[HeadMeaning] = []
        written: list[tuple[str, Held]] = []
        facts = Facts(self.tokens.shape, reading, self.numbers, self.subspaces, self.strays.where)
        astray: list[tuple[str, Bools]] = []
        runaway: list[tuple[str, Bools]] = []
        slack: list[tuple[str, Floats]] = []
        self.leads.note_basis(self._raw)
        for head in layer:
            meaning, attention = self._attend(head, facts)
            meanings.append(meaning)
            written += [(copy.target, self._copied(copy, attention)) for copy in head.copies]
            runaway += [(copy.target, self.strays.leaking([copy.source])) for copy in head.copies]
            astray += [(copy.target, self.strays.copied(copy, attention)) for copy in head.copies]
            written += self._explicitly_moved(head, attention)
            slack += self.leads.brought(head, self._raw, self._coordinates)
        for name, more in written:
            self._write(name, more)
        for name, off in slack:
            self.leads.add(name, off)
        for name in {name for head in layer for name in self._touched(head)}:
            self.strays.note_span(name, self.held[name])
        for name, where in astray:
            self.strays.note(name, where)
        for name, where in runaway:
            self.strays.note_runaway(name, where)
        return meanings

    def _compute(self, layer: int) -> None:
        """All computes of a layer read the stream as its heads leave it; then all of them write."""
        scene = Scene(self._read, self._bear, self.numbers, self.subspaces)
        mine = [compute for compute in self.program.computes if compute.layer == layer]
        results = [(line, computed(line, scene, self.tokens.shape), self._unfit(line)) for line in mine]
        for line, more, unfit in results:
            self._write(line.target, more)
            self.strays.note(line.target, ~more.known if isinstance(more, Raw) else more.kind == Kind.UNKNOWN)
            self.strays.note_runaway(line.target, unfit)

    def _unfit(self, line: Compute) -> Bools:
        """(B, n): where the line reads what its neurons are not made for."""
        bearable = [self._bear(name) for name in read_subspaces(line.value)]
        return ~np.logical_and.reduce(bearable) if bearable else np.zeros(self.tokens.shape, dtype=np.bool_)

    def _bear(self, name: str) -> Bools:
        return self.strays.bearable(name, self.held[name])

    def _attend(self, head: Head, facts: Facts) -> tuple[HeadMeaning, Attention]:
        if head.is_soft:

            def indicator(condition: Condition) -> Floats:
                return self._indicator(condition, facts)

            stream = Stream(self.program, self.numbers, self._raw, self._coordinates, indicator)
            attention = attend_softly(head, stream, self.batch, self.n)
            status = np.where(attention.known, Status.SOFT, Status.UNDETERMINED).astype(np.uint8)
            return HeadMeaning(head.name, attention.support, status, attention.weights), attention
        result = fit(head, facts)
        status = np.select(
            [result.undetermined, result.unclaimed, result.resting, result.idle],
            [Status.UNDETERMINED, Status.UNCLAIMED, Status.REST, Status.IDLE],
            default=Status.FIT,
        ).astype(np.uint8)
        meaning = HeadMeaning(head.name, result.support, status, result.weights)
        return meaning, Attention(result.support, meaning.claimed, result.weights)

    def _indicator(self, condition: Condition, facts: Facts) -> Floats:
        """1 where the condition holds; for a mixture in a one-hot, the share for which it does."""
        subspace = self.subspaces.get(condition.feature)
        if subspace is None or not isinstance(subspace.encoding, OneHot):
            return facts.condition(condition)[0].astype(np.float64)
        chosen = np.isin(self.numbers.values(subspace.encoding), self.numbers.codec.codes(condition.values))
        return np.asarray(self._raw(condition.feature).vectors[..., chosen].sum(axis=2))

    def _copied(self, copy: Copy, attention: Attention) -> Held:
        source, target = self.subspaces[copy.source], self.subspaces[copy.target]
        held = self.held[copy.source]
        symbolic_target = isinstance(self.held[copy.target], Symbolic)
        if isinstance(held, Symbolic) and symbolic_target and attention.weights is None:
            moved: Held = transport(held, attention, copy, target, self.numbers)
        else:
            moved = transport_raw(held, attention, copy, source, target, self.numbers)
        return _undetermined(moved, self.strays.leaking([copy.source]))

    def _explicitly_moved(self, head: Head, attention: Attention) -> list[tuple[str, Held]]:
        """W_O W_V applied to the attended coordinates, split up by the subspaces that it writes to."""
        value, output = head.matrix("W_V"), head.matrix("W_O")
        if value is None or output is None:
            return []
        columns = tuple(sorted({column for _, column, _ in value.entries}))
        raw = self._coordinates(columns)
        moved = matrix_of(output, self.numbers) @ matrix_of(value, self.numbers)[:, list(columns)]
        vectors = mean_over_keys(attention, raw.vectors) @ moved.T
        read = [s.name for s in self.program.subspaces if set(s.coordinates) & set(columns)]
        known = attention.known & ~unknown_sources(attention, raw.known) & ~self.strays.leaking(read)
        touched = [self.subspaces[name] for name in self._touched(head)]
        return [(s.name, Raw(vectors[..., list(s.coordinates)], known)) for s in touched]

    def _touched(self, head: Head) -> list[str]:
        """The subspaces that W_O writes to."""
        output = head.matrix("W_O")
        rows = set() if output is None else {row for row, _, _ in output.entries}
        return [name for name, s in self.subspaces.items() if rows & set(s.coordinates)]


def _undetermined(held: Held, where: Bools) -> Held:
    """The same, and unknown at these positions."""
    if not where.any():
        return held
    if isinstance(held, Raw):
        return replace(held, known=held.known & ~where)
    kind = np.where(where, Kind.UNKNOWN, held.kind).astype(np.uint8)
    return replace(held, kind=kind, code=np.where(where, NOTHING, held.code), slot=np.where(where, 0, held.slot))


def _spare_coordinates(program: Program) -> tuple[int, ...]:
    """Residual coordinates of no subspace: explicit matrices may write to them and read them again."""
    if not any(head.explicit for head in program.heads):
        return ()
    used = {coordinate for subspace in program.subspaces for coordinate in subspace.coordinates}
    return tuple(i for i in range(program.width) if i not in used)
