"""Can a rest key fit, together with another key?  Then no weights can realise the head.

In: a ``Stream`` and a head with ``rest``. Out: a ``Conflict`` (a query, a rest key and another key that all
lines accept) or None. Not for: scores.

Why it matters. A rest key has one score, below what fits. Where it fits too, and something else fits beside
it, the meaning is an equal share for both, which that one score cannot give. (Where only rest keys fit,
they win anyway.) What a line says is decided here from tokens and positions alone; what depends on an
earlier head's result counts as possible, except at position 0, where a token sees only itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from compiler.circuits.features import embedded_value
from compiler.circuits.stream import Stream
from compiler.encodings import Encoding, Quadratic, ScalarValue, Value
from compiler.heads import Among, Condition, Equal, Head, Offset, Related, Relation, Term

Mask = npt.NDArray[np.bool_]

LONGEST = 2048
"""Pairs of positions are looked at up to this length; what happens at all happens by then."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A query at which the rest key satisfies every active line, beside another key that does too, or another rest
    key that does not."""

    query: tuple[str, int]
    rest: tuple[str, int]
    other: tuple[str, int]


@dataclass(frozen=True, slots=True)
class RestKey:
    """A token that is a rest key at ``places``, or (not ``certain``) may be; ``named``: a rest line names it."""

    token: str
    places: frozenset[int]
    subspace: str
    certain: bool
    named: bool


def rest_keys(stream: Stream, head: Head) -> list[RestKey]:
    """Every token and place that can be a rest key; all of them where an earlier head decides it."""
    found: list[RestKey] = []
    for rest in head.rests:
        name, values = rest.condition.key, set(rest.condition.values)
        embed = stream.embeds.get(name)
        plain = embed is not None and embed.matrix is None and name not in stream.written
        for token in stream.program.read_tokens:
            places = stream.program.sequences.positions_of(token)
            named = plain and embed is not None and embed.source == "token"
            if (
                named
                and embed is not None
                and embedded_value(embed, token, 0, stream.subspaces[name].encoding) not in values
            ):
                continue
            if plain and not named and embed is not None:
                encoding = stream.subspaces[name].encoding
                places &= {p for p in places if embedded_value(embed, token, p, encoding) in values}
            if places:
                found.append(RestKey(token, frozenset(places), name, plain, named))
    return found


def find_twice(keys: list[RestKey]) -> RestKey | None:
    """A key that rest lines on different subspaces name: it would be given the score of the rest keys twice."""
    for i, key in enumerate(keys):
        for other in keys[:i]:
            if other.token == key.token and other.subspace != key.subspace and other.places & key.places:
                return key
    return None


def find_conflict(
    stream: Stream, head: Head, active: tuple[int, ...], keys: list[RestKey], settled: frozenset[int]
) -> Conflict | None:
    """The first conflict among queries for which exactly the lines ``active`` speak.

    ``settled`` are the lines whose own score is taken away from rest keys."""
    search = _Search(stream, head, active, keys, settled=settled.issuperset(active))
    if not any(_names_one_key(stream, head.terms[i]) for i in active):
        found = next(search.conflicts(), None)
        if found is not None:
            return found
    lines = [head.terms[i] for i in active if i in settled]
    return next(search.rest_conflicts(lines), None) if lines else None


def _names_one_key(stream: Stream, term: Term) -> bool:
    """A line that compares the key's own position with one number accepts one key at most."""
    if term.negated:
        return False
    match term.relation:
        case Offset():
            return True
        case Equal(key, _, _):
            return stream.is_positional(stream.subspaces[key])
        case Among(key, values):
            return len(values) == 1 and stream.is_positional(stream.subspaces[key])
        case Related():
            return False


class _Search:
    """What each line says of a rest key and of any other key, by tokens and by positions."""

    def __init__(
        self, stream: Stream, head: Head, active: tuple[int, ...], keys: list[RestKey], *, settled: bool
    ) -> None:
        self.stream = stream
        self.head = head
        self.keys = keys
        self.spare = settled
        self.resting: dict[str, set[int]] = {}
        for key in (k for k in keys if k.certain):
            self.resting.setdefault(key.token, set()).update(key.places)
        self.lines = [head.terms[i] for i in active]
        self.silent = [t for i, t in enumerate(head.terms) if i not in active]
        self.length = min(stream.program.sequences.longest, LONGEST)
        self.sequences = stream.program.sequences

    # ---------------------------------------------------------------- what decides a side

    def _source(self, name: str) -> str:
        """``token`` or ``position`` where that alone decides the value, else ``unknown``."""
        embed = self.stream.embeds.get(name)
        if name == "position":
            return "position"
        if embed is None or embed.matrix is not None or name in self.stream.written:
            return "unknown"
        return embed.source

    def _value(self, name: str, token: str, position: int) -> Value | None:
        if name == "position":
            return position
        encoding = self.stream.subspaces[name].encoding
        return _or_zero(encoding, embedded_value(self.stream.embeds[name], token, position, encoding))

    # ---------------------------------------------------------------- lines that tokens decide

    def _token_accepts(self, term: Term, query: str, key: str, *, rest: bool) -> bool:
        """False only if the tokens alone show that this line rejects the key."""
        relation = term.relation
        if isinstance(relation, Offset):
            return True
        asked = None if isinstance(relation, Among) else relation.query
        if asked is not None and self._source(asked) != "token":
            return True
        found: Value | None
        if rest:
            known = self.stream.known_value(self.stream.subspaces[relation.key], key, self.head.layer)
            if known is None:
                return True
            found = _or_zero(self.stream.subspaces[relation.key].encoding, known.value)
        elif self._source(relation.key) == "token":
            found = self._value(relation.key, key, 0)
        else:
            return True
        wanted = None if asked is None else self._value(asked, query, 0)
        return _holds(relation, wanted, found) != term.negated

    def _token_speaks(self, when: Condition, query: str) -> bool | None:
        if self._source(when.feature) != "token":
            return None
        return self._value(when.feature, query, 0) in when.values

    def _query_token(self, query: str) -> bool:
        speaks = [self._token_speaks(t.when, query) for t in self.lines if t.when is not None]
        others = [self._token_speaks(t.when, query) for t in self.silent if t.when is not None]
        return False not in speaks and True not in others

    # ---------------------------------------------------------------- lines that positions decide

    def _positions_accept(self) -> Mask:
        """(query position, key position): False only if positions alone show that some line rejects the key."""
        n = self.length
        allowed: Mask = np.tri(n, dtype=bool)
        for term in self.lines:
            allowed &= self._line_mask(term)
        for term in (*self.lines, *self.silent):
            if term.when is not None and self._source(term.when.feature) == "position":
                values = set(term.when.values)
                speaks = np.array([self._value(term.when.feature, "", p) in values for p in range(n)])
                allowed &= (speaks if term in self.lines else ~speaks)[:, None]
        return allowed

    def _line_mask(self, term: Term) -> Mask:
        n, relation = self.length, term.relation
        everything: Mask = np.ones((n, n), dtype=bool)
        if isinstance(relation, Offset):
            q, k = np.indices((n, n))
            offset: Mask = (k == q + relation.shift) != term.negated
            return offset
        asked = None if isinstance(relation, Among) else relation.query
        if self._source(relation.key) != "position" or (asked is not None and self._source(asked) != "position"):
            return everything
        keys = [self._value(relation.key, "", p) for p in range(n)]
        mask = np.zeros((n, n), dtype=bool)
        place: dict[Value, list[int]] = {}
        for p, value in enumerate(keys):
            if value is not None:
                place.setdefault(value, []).append(p)
        for p in range(n):
            wanted = None if asked is None else self._value(asked, "", p)
            mask[p, [k for v in _accepted(relation, wanted) for k in place.get(v, [])]] = True
        accepted: Mask = mask != term.negated
        return accepted

    # ---------------------------------------------------------------- the search

    def conflicts(self) -> Iterator[Conflict]:
        """A rest key fits, and so does a key that is none."""
        for rest, query in self._fitting():
            if others := self._others(query):
                yield from self._places(query, rest, others)

    def rest_conflicts(self, settled: list[Term]) -> Iterator[Conflict]:
        """A rest key fits, and another may fail a line whose score neither of them is given: they would look alike."""
        for rest, query in self._fitting():
            for other in self.keys:
                if not all(self._token_decides(term, query, other.token) for term in settled):
                    yield from self._pairs(query, rest, other)

    def _fitting(self) -> Iterator[tuple[RestKey, str]]:
        for rest in self.keys:
            for query in self.stream.program.read_tokens:
                if self._query_token(query) and all(
                    self._token_accepts(t, query, rest.token, rest=rest.named) for t in self.lines
                ):
                    yield rest, query

    def _token_decides(self, term: Term, query: str, key: str) -> bool:
        """True only if the tokens alone show that this line accepts the key."""
        relation = term.relation
        if isinstance(relation, Offset) or self._source(relation.key) != "token":
            return False
        if not isinstance(relation, Among) and self._source(relation.query) != "token":
            return False
        return self._token_accepts(term, query, key, rest=False)

    @cached_property
    def _accepted_places(self) -> Mask:
        return self._positions_accept()

    def _others(self, query: str) -> list[str]:
        candidates = [t for t in self.stream.program.read_tokens if self._key_places(t)]
        return [t for t in candidates if all(self._token_accepts(line, query, t, rest=False) for line in self.lines)]

    def _key_places(self, token: str) -> frozenset[int]:
        """Where this token is no rest key."""
        places = self.sequences.positions_of(token)
        return places - self.resting[token] if token in self.resting else places

    def _places(self, query: str, rest: RestKey, others: list[str]) -> Iterator[Conflict]:
        """Positions for the three tokens; others with the same possible positions are tried once (the query's own token
        beside them: it alone may be the query itself)."""
        tried: set[tuple[frozenset[int], bool]] = set()
        for other in others:
            where = self._key_places(other)
            if (where, other == query) in tried:
                continue
            tried.add((where, other == query))
            keys = self._mask(where) & self._accepted_places
            yield from self._triples(query, rest, other, keys, spare=self.spare)

    def _pairs(self, query: str, rest: RestKey, other: RestKey) -> Iterator[Conflict]:
        n = self.length
        keys: Mask = self._mask(other.places) & np.tri(n, dtype=bool)
        yield from self._triples(query, rest, other.token, keys, spare=False)

    def _triples(self, query: str, rest: RestKey, other: str, keys: Mask, *, spare: bool) -> Iterator[Conflict]:
        """(query, key) among ``keys`` beside the rest key, each at a position of its own token."""
        queries = self._mask(self.sequences.positions_of(query))
        for place in sorted(p for p in rest.places if p < self.length):
            rows = queries & self._accepted_places[:, place]
            if query != rest.token:
                rows[place] = False
            both = keys & rows[:, None]
            both[:, self._spared(place) if spare else [place]] = False
            if query != other:
                np.fill_diagonal(both, False)
            hits = np.argwhere(both)
            if len(hits):
                q, k = (int(x) for x in hits[0])
                yield Conflict((query, q), (rest.token, place), (other, k))

    def _spared(self, place: int) -> Mask:
        """Other keys that make no conflict: the rest key itself, and those that `prefer` puts before it (where the rest
        key has its rest score alone, which lies below what fits)."""
        keys = np.arange(self.length)
        spared: Mask = keys == place
        prefer = self.head.prefer
        if prefer is None or self._source(prefer.by) != "position":
            return spared
        shown = np.array([int(self._value(prefer.by, "", p) or 0) for p in range(self.length)])
        before: Mask = shown > shown[place] if prefer.direction == "latest" else shown < shown[place]
        return np.asarray(spared | before)

    def _mask(self, places: Collection[int]) -> Mask:
        mask = np.zeros(self.length, dtype=bool)
        mask[[p for p in places if p < self.length]] = True
        return mask


def _or_zero(encoding: Encoding, value: Value | None) -> Value | None:
    """A number that is not written reads as 0, also where its range leaves 0 out."""
    return 0 if value is None and isinstance(encoding, ScalarValue | Quadratic) else value


def _accepted(relation: Relation, wanted: Value | None) -> tuple[Value, ...]:
    """The key values that satisfy the relation for a query value (None: the query is empty)."""
    match relation:
        case Among(_, values):
            return values
        case Equal(_, _, shift):
            if wanted is None:
                return ()
            return (wanted + shift if isinstance(wanted, int) else wanted,)
        case Related(_, _, pairs):
            return next((images for value, images in pairs if value == wanted), ())
        case Offset():
            raise AssertionError("offsets are positions already")


def _holds(relation: Relation, wanted: Value | None, found: Value | None) -> bool:
    return found is not None and found in _accepted(relation, wanted)
