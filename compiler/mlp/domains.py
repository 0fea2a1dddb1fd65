"""Which values can stand together at a position: the inputs of a compute line.

In: the ``Stream``, a layer, and the subspaces that are read.  Out: ``Domain``: groups of inputs that one token (or one
position) decides together, each with all its rows; groups are independent of each other.  Not for: which of these
combinations a valid sequence really shows (all of them are taken for possible).

A subspace that nothing but its embedding has written shows what its token or position says (None where it is empty,
which leaves its coordinates 0); any other is on its own, with the values that ``possible`` finds.

Entries of codes may be algebraic numbers.  Rationals within 2^-120 stand for them here: bounds are rounded outwards to
integers, and whoever reads a code keeps his knots farther than that from its points (``staircases``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product

from compiler.circuits.features import feature
from compiler.circuits.stream import Stream
from compiler.computing import ValueExpr
from compiler.encodings import Code, OneHot, Phase, ScalarValue, Subspace, Value
from compiler.mlp.evaluating import Answer, NoValue, function_of
from compiler.mlp.forms import Form
from compiler.mlp.possible import possible_values, shown_value

Row = tuple[Value | None, ...]
Rational = int | Fraction


@dataclass(frozen=True)
class Group:
    """Inputs that are decided together; ``rows[i]`` has a value for each of ``names``.  ``key`` is a one-hot among
    them that tells the rows apart, if there is one; ``full`` are those that show a value at every position."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    key: str | None
    full: tuple[str, ...] = ()


@dataclass(frozen=True)
class Domain:
    """Independent groups; together they hold every input that is read.  The last three fields remember what was worked
    out."""

    groups: tuple[Group, ...]
    subspaces: dict[str, Subspace]
    known: dict[Form, list[list[Rational]]] = field(default_factory=dict, compare=False, repr=False)
    ends: dict[Form, list[tuple[Rational, Rational]]] = field(default_factory=dict, compare=False, repr=False)
    reaches: dict[Form, Fraction] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def entries(self) -> list[list[dict[int, Rational]]]:
        """Residual coordinate -> number, for every row of every group (integers, but for codes)."""
        return [[self._entries(group.names, row) for row in group.rows] for group in self.groups]

    def _entries(self, names: Iterable[str], row: Row) -> dict[int, Rational]:
        found: dict[int, Rational] = {}
        for name, value in zip(names, row, strict=True):
            found |= numbers(self.subspaces[name], value)
        return found

    @property
    def place(self) -> dict[str, tuple[int, int]]:
        """Name -> (group, index within its rows)."""
        return {name: (g, i) for g, group in enumerate(self.groups) for i, name in enumerate(group.names)}

    def contributions(self, form: Form) -> list[list[Rational]]:
        """What every row of every group adds to ``form`` (its constant aside)."""
        direction, scale, _ = form.primitive
        if direction not in self.known:
            self.known[direction] = [_shares(direction, rows) for rows in self.entries]
        found = self.known[direction]
        if scale == 1:
            return found
        factor = int(scale) if scale.denominator == 1 else scale
        return [[factor * share for share in shares] for shares in found]

    def extremes(self, form: Form) -> list[tuple[Rational, Rational]]:
        """The least and the greatest share of every group, also where it is empty or shows a mixture."""
        direction, scale, _ = form.primitive
        if direction not in self.ends:
            groups = zip(self.groups, self.entries, strict=True)
            self.ends[direction] = [self._ends(direction, group, rows) for group, rows in groups]
        ends = [(scale * low, scale * high) for low, high in self.ends[direction]]
        return [(low, high) if scale > 0 else (high, low) for low, high in ends]

    def _ends(self, direction: Form, group: Group, rows: list[dict[int, Rational]]) -> tuple[Rational, Rational]:
        encodings = [self.subspaces[name].encoding for name in group.names]
        if any(isinstance(encoding, Code) for encoding in encodings):
            return _box(direction, rows)
        if len(encodings) == 1 and isinstance(encodings[0], ScalarValue):
            order = [row[0] for row in group.rows]  # of tokens, where they show an expression: not ascending
            rows = [rows[order.index(end)] for end in (min(order), max(order))] if order else []  # type: ignore[type-var]
        shares = [0, *_shares(direction, rows)]
        return min(shares), max(shares)

    def range_of(self, form: Form) -> tuple[Fraction, Fraction]:
        """Bounds on ``form``, also where inputs are empty or show mixtures of their values."""
        ends = self.extremes(form)
        return form.constant + sum(low for low, _ in ends), form.constant + sum(high for _, high in ends)

    def spread(self, form: Form, names: Iterable[str]) -> Fraction:
        """How far ``form`` can move when the subspaces ``names`` show anything else (or, in part, nothing)."""
        kept = {c for name in names for c in self.subspaces[name].coordinates}
        ends = self.extremes(Form(tuple((c, w) for c, w in form.weights if c in kept)))
        return Fraction(sum(high - low for low, high in ends))

    def combinations(self) -> int:
        """How many combinations of rows there are."""
        return combinations(self.groups)


def combinations(groups: Iterable[Group]) -> int:
    """How many there are of rows of ``groups``, one of each."""
    return math.prod(len(group.rows) for group in groups)


def values_over(groups: Sequence[Group], expression: ValueExpr) -> Iterator[tuple[tuple[int, ...], Answer]]:
    """(row of each of ``groups``, value) wherever ``expression``, which reads nothing else, has a value."""
    function = function_of(expression, {name: i for i, name in enumerate(n for g in groups for n in g.names)})
    for place in product(*(range(len(group.rows)) for group in groups)):
        row = [entry for group, r in zip(groups, place, strict=True) for entry in group.rows[r]]
        try:
            value = function(row)
        except NoValue:
            continue
        yield place, value


def _shares(direction: Form, rows: Iterable[dict[int, Rational]]) -> list[Rational]:
    weights = {c: int(w) for c, w in direction.weights}
    return [sum(entry * weights[c] for c, entry in row.items() if c in weights) for row in rows]


def _box(direction: Form, rows: Iterable[dict[int, Rational]]) -> tuple[int, int]:
    """Integers around what coordinates give that are each between the ends of their own."""
    rows, low, high = list(rows), Fraction(0), Fraction(0)
    for coordinate, weight in direction.weights:
        shares = [Fraction(0), *(weight * row.get(coordinate, 0) for row in rows)]
        low, high = low + min(shares), high + max(shares)
    return math.floor(low), math.ceil(high)


def numbers(subspace: Subspace, value: Value | None) -> dict[int, Rational]:
    """Residual coordinate -> entry, or what stands for it (phases have none here, nor codes with symbols)."""
    if value is None or isinstance(subspace.encoding, Phase):
        return {}
    if isinstance(subspace.encoding, Code):
        entries = feature(subspace.encoding, value)
        known = {subspace.coordinates[i]: e.enclose()[0] for i, e in entries.items() if not e.symbols()}
        return {c: int(e) if e.denominator == 1 else e for c, e in known.items()}
    if isinstance(subspace.encoding, ScalarValue):
        return {subspace.coordinates[0]: int(value)}
    found = feature(subspace.encoding, value)
    return {subspace.coordinates[i]: int(entry.as_fraction()) for i, entry in found.items()}


def domain_of(stream: Stream, names: Iterable[str], layer: int) -> Domain:
    """The inputs ``names`` as the MLP of ``layer`` finds them."""
    names = tuple(names)
    sources: dict[str, list[str]] = {}
    groups: list[Group] = []
    for name in names:
        source = decided_by(stream, name, layer)
        if source is None:
            groups.append(_alone(stream, stream.subspaces[name], layer))
        else:
            sources.setdefault(source, []).append(name)
    groups += [_together(stream, source, tuple(found), layer) for source, found in sources.items()]
    return Domain(tuple(groups), stream.subspaces)


def decided_by(stream: Stream, name: str, layer: int) -> str | None:
    """``token`` or ``position`` where that alone has written the subspace by the MLP of ``layer``."""
    embed = stream.embeds.get(name)
    if embed is None or embed.matrix is not None or name in stream.written_by(layer):
        return None
    return embed.source


def always_shows(stream: Stream, name: str, layer: int) -> bool:
    """Does an embedding alone, for every token (or position), show a value here?  The rows of a group do not tell:
    those that are empty throughout are left out."""
    source = decided_by(stream, name, layer)
    if source is None:
        return False
    encoding, embed = stream.subspaces[name].encoding, stream.embeds[name]
    return all(shown_value(encoding, embed, *place) is not None for place in _places(stream, source))


def _places(stream: Stream, source: str) -> list[tuple[str, int]]:
    if source == "token":
        return [(token, 0) for token in stream.program.read_tokens]
    return [("", position) for position in range(stream.program.sequences.longest)]


def _alone(stream: Stream, subspace: Subspace, layer: int) -> Group:
    rows = tuple((value,) for value in possible_values(stream, subspace.name, layer))
    return Group((subspace.name,), rows, subspace.name if isinstance(subspace.encoding, OneHot) else None)


def _together(stream: Stream, source: str, names: tuple[str, ...], layer: int) -> Group:
    """The rows that a token (or a position) gives; with a one-hot that tells them apart, if the stream has one."""
    shown = _places(stream, source)
    rows = _rows(stream, names, shown)
    full = tuple(name for name in names if _is_full(stream, name, shown))
    keys = [n for n in names if _tells_apart(stream, names, rows, n)]
    if not keys:
        for name in stream.embeds:
            if decided_by(stream, name, layer) == source and isinstance(stream.subspaces[name].encoding, OneHot):
                more = _rows(stream, (*names, name), shown)
                if len({row[:-1] for row in more}) == len(rows) and _tells_apart(stream, (*names, name), more, name):
                    return Group((*names, name), tuple(more), name, full)
    return Group(names, tuple(rows), keys[0] if keys else None, full)


def _is_full(stream: Stream, name: str, shown: list[tuple[str, int]]) -> bool:
    """Is it a one-hot that every token (or position) has a value in?"""
    encoding, embed = stream.subspaces[name].encoding, stream.embeds[name]
    return isinstance(encoding, OneHot) and all(shown_value(encoding, embed, *place) is not None for place in shown)


def _rows(stream: Stream, names: tuple[str, ...], shown: list[tuple[str, int]]) -> list[Row]:
    found: dict[Row, None] = {}
    for token, position in shown:
        values = tuple(
            shown_value(stream.subspaces[name].encoding, stream.embeds[name], token, position) for name in names
        )
        if any(value is not None for value in values):
            found[values] = None
    return list(found)


def _tells_apart(stream: Stream, names: tuple[str, ...], rows: list[Row], name: str) -> bool:
    shown = {row[names.index(name)] for row in rows}
    return isinstance(stream.subspaces[name].encoding, OneHot) and len(shown) == len(rows) and None not in shown
