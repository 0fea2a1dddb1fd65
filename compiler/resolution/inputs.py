"""Which values can stand together at a position when a compute line reads them.

In: the resolved heads, embeds, compute lines and valid inputs.  Out: ``Table``: one row for every combination that may
occur, or None where there are too many.  Not for: what is computed from them (``ranges``).

What is certain: a subspace that only an embedding writes is a function of its token or position; one that a single
head copies into is a function of the key it looks at (a number only where no two keys can share the attention, since
it is their mean), which is no later than the query and, if the head says so, one of those that its constant lines
allow; one that a single compute line writes holds what that line gives.  Everything
else is taken for free: any value of its encoding, whatever stands elsewhere.  A value that is shown nowhere
(a token outside the set) leaves its row out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compiler.computing import Compute
from compiler.different import different
from compiler.encodings import AnyPairs, ScalarValue, Subspace, Value
from compiler.heads import Among, Copy, Head
from compiler.inputs.sequences import SequenceLanguage
from compiler.one_key import Plain
from compiler.program import EmbedLine
from compiler.resolution.embeds import held
from compiler.resolution.encoded import kind_of, values_of
from compiler.resolution.sets import show
from dsl.expressions import Number

Ints = NDArray[np.int64]
MOST_ROWS = 1 << 21
MOST_PLACES = 1 << 18
ABSENT = np.iinfo(np.int64).min
"""Stands where a subspace shows nothing."""

POSITION = "position"
_ONE = Number(Fraction(1))


@dataclass(frozen=True)
class Origin:
    """Where the value of a subspace comes from: the ``source`` at the own position, or at the key of ``head``."""

    head: str | None
    source: Literal["token", "position"]
    copy: Copy | None = None
    images: tuple[tuple[Value, Value], ...] | None = None


@dataclass
class Table:
    """``columns[name][row]``: an integer, or for tokens their id.  ``free`` names what was taken to be independent."""

    columns: dict[str, Ints] = field(default_factory=dict)
    rows: int = 1
    free: tuple[str, ...] = ()

    def join(self, other: Table, most: int) -> Table | None:
        """Every row of the one with every row of the other; None where they are more than ``most``."""
        if self.rows * other.rows > most:
            return None
        one, two = np.divmod(np.arange(self.rows * other.rows), other.rows)
        columns = {name: column[one] for name, column in self.columns.items()}
        columns |= {name: column[two] for name, column in other.columns.items()}
        return Table(columns, self.rows * other.rows, (*self.free, *other.free))

    def where(self, mask: NDArray[np.bool_]) -> Table:
        return Table({n: c[mask] for n, c in self.columns.items()}, int(mask.sum()), self.free)

    def distinct(self, names: Iterable[str]) -> Table:
        """The columns ``names`` alone, each combination once, without rows in which one shows nothing."""
        names = tuple(names)
        if not names:
            return Table(rows=min(self.rows, 1), free=self.free)
        stacked = np.stack([self.columns[name] for name in names], axis=1)
        stacked = different(stacked[(stacked != ABSENT).all(axis=1)])
        return Table(dict(zip(names, stacked.T, strict=True)), len(stacked), self.free)


@dataclass
class Inputs:
    """What is known about the values of subspaces.  ``images[name]``: what its only compute line can give."""

    tokens: tuple[str, ...]
    subspaces: Mapping[str, Subspace]
    embeds: Sequence[EmbedLine]
    layers: Sequence[Sequence[Head]]
    computes: Sequence[Compute]
    sequences: SequenceLanguage
    images: dict[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.token_ids = {token: i for i, token in enumerate(self.tokens)}
        self.heads = {head.name: head for layer in self.layers for head in layer}
        self._places: Table | None = None
        everything = self.subspaces.values(), self.embeds, self.heads.values(), self.computes
        self._plain = Plain.of(*everything, self.tokens, self.sequences)

    # ------------------------------------------------------------------ codes

    def code(self, value: Value) -> int:
        """Integers stand for themselves, tokens for their ids."""
        return self.token_ids.get(value, ABSENT) if isinstance(value, str) else value

    def value(self, name: str, code: int) -> Value:
        return self.tokens[code] if kind_of(self.subspaces[name].encoding) == "tokens" else code

    def text(self, name: str, code: int) -> str:
        """The value as a person writes it; of pairs both."""
        encoding = self.subspaces[name].encoding
        if isinstance(encoding, AnyPairs):
            return f"{{{', '.join(map(show, encoding.pair(code)))}}}"
        return show(self.value(name, code))

    def all_values(self, name: str) -> Ints:
        """Every value that the encoding, or the only line that writes the subspace, can give."""
        if name in self.images:
            return self.images[name]
        values = values_of(self.subspaces[name].encoding)
        if isinstance(values, range):
            return np.arange(values.start, values.stop, dtype=np.int64)
        return np.array([self.code(value) for value in values], dtype=np.int64)

    # ------------------------------------------------------------------ origins

    def origin(self, name: str, heads_before: int, computes_before: int) -> Origin | None:
        """Where ``name`` comes from, if that is one token or position; ``.._before``: the layers that have run."""
        embeds = [line for line in self.embeds if line.target == name]
        heads = [h for layer in self.layers[:heads_before] for h in layer]
        copies = [(head, copy) for head in heads for copy in head.copies if copy.target == name]
        computed = any(c.target == name for c in self.computes if c.layer < computes_before)
        if computed or any(head.matrix("W_O") is not None for head in heads) or len(embeds) + len(copies) != 1:
            return None
        if embeds:
            return None if embeds[0].matrix is not None else Origin(None, embeds[0].source, images=embeds[0].images)
        head, copy = copies[0]
        source = self.origin(copy.source, head.layer, head.layer)
        if source is None or source.head is not None or head.is_soft or head.has_shares or copy.coefficient != _ONE:
            return None
        if isinstance(self.subspaces[name].encoding, ScalarValue) and not self._plain.looks_at_one(head):
            return None  # means of numbers are numbers
        return Origin(head.name, source.source, copy, source.images)

    def shown(self, name: str, origin: Origin, sources: Ints) -> Ints:
        """What ``name`` shows for each token id or position of ``sources``."""
        count = len(self.tokens) if origin.source == "token" else self.sequences.longest
        values: list[Value] = list(self.tokens) if origin.source == "token" else list(range(count))
        known, copy = _members(self.subspaces[name]), origin.copy
        read = known if copy is None else _members(self.subspaces[copy.source])
        table = None if copy is None or copy.table is None else dict(copy.table)
        images = None if origin.images is None else dict[Value, Value](origin.images)
        codes = np.full(count, ABSENT, dtype=np.int64)
        for i, value in enumerate(values):
            found = held(value if images is None else images.get(value), read)
            if table is not None:
                found = None if found is None else table.get(found)
            elif copy is not None and isinstance(found, int):
                found += copy.shift
            found = held(found, known)
            if found is not None:
                codes[i] = self.code(found)
        return codes[sources]

    # ------------------------------------------------------------------ places

    @property
    def places(self) -> Table:
        """Every (token, position) that a valid sequence holds; the two alone where the pairs are too many."""
        if self._places is None:
            longest = self.sequences.longest
            if longest * len(self.tokens) > MOST_PLACES:
                here = [t for t in range(len(self.tokens)) if self.sequences.positions_of(self.tokens[t])]
                wide = Table({"token": np.array(here, dtype=np.int64)}, len(here))
                joined = wide.join(Table({POSITION: np.arange(longest)}, longest), MOST_ROWS)
                self._places = joined if joined is not None else wide
            else:
                pairs = [
                    (t, p)
                    for p in range(longest)
                    for t in sorted(self.token_ids[token] for token in self.sequences.tokens_at(p))
                ]
                stacked = np.array(pairs, dtype=np.int64).T
                self._places = Table({"token": stacked[0], POSITION: stacked[1]}, len(pairs))
        return self._places

    def keys_of(self, head: Head) -> Table:
        """The places at which ``head`` may look, by its lines on constants and its rest keys."""
        places = self.places
        fits = np.ones(places.rows, dtype=np.bool_)
        for term in head.terms:
            if isinstance(term.relation, Among) and term.when is None:
                holds = self._holds(term.relation, head, places)
                fits &= ~holds if term.negated else holds
        for rest in head.rests:
            fits |= self._holds(rest.condition, head, places)
        return places.where(fits)

    def _holds(self, relation: Among, head: Head, places: Table) -> NDArray[np.bool_]:
        """Where the key satisfies ``relation``; everywhere if that is not known."""
        origin = self.origin(relation.key, head.layer, head.layer)
        if origin is None or origin.head is not None or origin.source not in places.columns:
            return np.ones(places.rows, dtype=np.bool_)
        shown = self.shown(relation.key, origin, places.columns[origin.source])
        return np.isin(shown, [self.code(value) for value in relation.values])

    # ------------------------------------------------------------------ tables

    def table(self, names: Sequence[str], layer: int, most: int = MOST_ROWS) -> Table | None:
        """The combinations of ``names`` that the MLP of ``layer`` may find; None where they are more than ``most``.

        Where it is the positions that are too many, keys may also come later than the query that looks at them."""
        found = self._table(names, layer, most, causal=True)
        return self._table(names, layer, most, causal=False) if found is None else found

    def _table(self, names: Sequence[str], layer: int, most: int, *, causal: bool) -> Table | None:
        origins = {name: self.origin(name, layer + 1, layer) for name in names}
        own = [n for n, o in origins.items() if o and o.head is None]
        table: Table | None = self._own(own, origins)
        if table is not None and not causal:
            table = table.distinct(own)
        for head in dict.fromkeys(o.head for o in origins.values() if o and o.head):
            moved = [n for n, o in origins.items() if o and o.head == head]
            seen = self._seen(self.heads[head], moved, origins)
            table = None if table is None else table.join(seen if causal else seen.distinct(moved), most)
            if table is None:
                return None
            if causal:
                if POSITION in table.columns:
                    table = table.where(table.columns["key"] <= table.columns[POSITION])
                table.columns.pop("key")
        for name in names:
            if origins[name] is None and table is not None:
                values = self.all_values(name)
                table = table.join(Table({name: values}, len(values), (name,)), most)
        return None if table is None else table.distinct(names)

    def draw(self, names: Sequence[str], layer: int, rng: np.random.Generator, count: int) -> Table:
        """Random combinations, ends of ranges more often; as in ``table``, so fewer rows may be left."""
        origins = {name: self.origin(name, layer + 1, layer) for name in names}
        tables = [self._own([n for n, o in origins.items() if o and o.head is None], origins)]
        for head in dict.fromkeys(o.head for o in origins.values() if o and o.head):
            seen = self._seen(self.heads[head], [n for n, o in origins.items() if o and o.head == head], origins)
            seen.columns[f"key of {head}"] = seen.columns.pop("key")
            tables.append(seen)
        free = tuple(name for name, origin in origins.items() if origin is None)
        tables += [Table({name: self.all_values(name)}, len(self.all_values(name))) for name in free]
        columns: dict[str, Ints] = {}
        for table in tables:
            rows = rng.integers(0, max(1, table.rows), count)
            ends = np.array(
                [int(f(c)) for c in table.columns.values() if table.rows for f in (np.argmin, np.argmax)] or [0]
            )
            rows = np.where(rng.random(count) < 0.25, rng.choice(ends, count), rows)
            columns |= {name: column[rows] for name, column in table.columns.items() if table.rows}
        fits = np.ones(count, dtype=np.bool_)
        for name in [name for name in columns if name.startswith("key of ")]:
            fits &= columns.pop(name) <= columns.get(POSITION, np.array(self.sequences.longest))
        if not all(table.rows for table in tables):
            fits[:] = False
        return Table({name: columns.get(name, fits.astype(np.int64))[fits] for name in names}, int(fits.sum()), free)

    def apart(self, names: Sequence[str], layer: int) -> dict[tuple[str, str], int]:
        """The least value of a - b, for a that holds the own position and b that of a key, which is no later."""
        origins = {name: self.origin(name, layer + 1, layer) for name in names}
        places = {n: o for n, o in origins.items() if o and o.source == "position" and o.images is None}
        own = [n for n, o in places.items() if o.head is None]
        keys = {n: o.copy for n, o in places.items() if o.copy is not None}
        return {(a, b): -copy.shift for a in own for b, copy in keys.items() if copy.table is None}

    def _own(self, names: list[str], origins: Mapping[str, Origin | None]) -> Table:
        """What stands at the position itself, with the position."""
        places = self.places
        columns = {name: self._column(name, origins, places) for name in names}
        if POSITION in places.columns:
            columns[POSITION] = places.columns[POSITION]
        return Table(columns, places.rows).distinct(columns)

    def _seen(self, head: Head, names: list[str], origins: Mapping[str, Origin | None]) -> Table:
        """What the key of ``head`` shows, with its position under the name ``key``."""
        places = self.keys_of(head)
        columns = {name: self._column(name, origins, places) for name in names}
        columns["key"] = places.columns.get(POSITION, np.zeros(places.rows, dtype=np.int64))
        return Table(columns, places.rows).distinct(columns)

    def _column(self, name: str, origins: Mapping[str, Origin | None], places: Table) -> Ints:
        origin = origins[name]
        assert origin is not None
        if origin.source not in places.columns:
            return np.full(places.rows, ABSENT, dtype=np.int64)
        return self.shown(name, origin, places.columns[origin.source])


def _members(subspace: Subspace) -> Container[Value]:
    values = values_of(subspace.encoding)
    return values if isinstance(values, range) else frozenset(values)
