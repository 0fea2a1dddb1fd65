"""Repeats of one length: ``<p> (0..1){L} <eoi> (0..1){L} <eos>`` for every L that fits.

In: *shapes* (one pattern for each value of the free lengths), the token list and the context.  Out: a
``RepeatedLanguage``, their union, behind the interface of ``SequenceLanguage``.  Not for: patterns of one automaton.

No automaton knows how long two repeats are; but each length of the whole has few shapes.  So every question is asked
length by length, and an automaton is built for the lengths that are asked for.  Most shapes are *rigid*, a fixed set
of tokens at each position, and need none for counting and recognising: L = 4000 is as quick as L = 4.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.automaton_language import build_language
from compiler.inputs.patterns import Alt, Cat, Pattern, Rep, Tok, most_of
from compiler.inputs.sequences import Ids, Place, Policy, SequenceLanguage

KEPT = 8
"""How many automata are kept for the next question."""

Run = tuple[frozenset[str], int]
"""So many tokens in a row, each any of the set."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern with its lengths up to the context (bit n: n tokens), and its runs if it is rigid."""

    pattern: Pattern
    lengths: int
    runs: tuple[Run, ...] | None

    @property
    def places(self) -> Iterator[tuple[frozenset[str], int, int]]:
        """The tokens of each run, where it begins and where it ends; nothing unless rigid."""
        start = 0
        for tokens, times in self.runs or ():
            yield tokens, start, start + times
            start += times

    @property
    def count(self) -> int:
        assert self.runs is not None
        return prod(len(tokens) ** times for tokens, times in self.runs)


def repeated_language(patterns: Iterable[Pattern], tokens: tuple[str, ...], context: int) -> RepeatedLanguage:
    """The union of ``patterns``, as far as they fit into ``context``.

    Raises ValueError: "no sequence ..." where none fits."""
    found = dict.fromkeys(shape for pattern in patterns if (shape := _shape(pattern, context)).lengths)
    if not found:
        raise ValueError(f"no sequence of the pattern fits into the context of {context}")
    return RepeatedLanguage(tokens, context, tuple(found))


def _shape(pattern: Pattern, context: int) -> Shape:
    runs = _runs(pattern)
    if runs is None:
        return Shape(pattern, _lengths(pattern, context) & ~1, None)
    runs = _joined(runs)
    length = sum(times for _, times in runs)
    return Shape(pattern, 1 << length if 0 < length <= context else 0, runs)


@dataclass(frozen=True)
class RepeatedLanguage(SequenceLanguage):
    """A union of shapes, looked at length by length."""

    shapes: tuple[Shape, ...]
    _built: OrderedDict[int, SequenceLanguage] = field(default_factory=OrderedDict, compare=False, repr=False)

    # -------------------------------------------------------------- lengths and counts

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        mask = 0
        for shape in self.shapes:
            mask |= shape.lengths
        return tuple(_bits(mask))

    def lengths(self) -> tuple[int, ...]:
        return self._lengths

    @cached_property
    def _by_length(self) -> dict[int, tuple[Shape, ...]]:
        found: dict[int, list[Shape]] = {}
        for shape in self.shapes:
            for length in _bits(shape.lengths):
                found.setdefault(length, []).append(shape)
        return {length: tuple(shapes) for length, shapes in found.items()}

    def of_length(self, length: int) -> SequenceLanguage:
        """A language that has the same sequences of ``length`` (and perhaps shorter ones); ``length`` occurs."""
        if length not in self._built:
            options = tuple(shape.pattern for shape in self._by_length[length])
            self._built[length] = build_language(Alt(options), self.tokens, length)
            while len(self._built) > KEPT:
                self._built.popitem(last=False)
        self._built.move_to_end(length)
        return self._built[length]

    def count(self, length: int | None = None) -> int:
        if length is None:
            return sum(self.count(n) for n in self._lengths)
        if length not in self._by_length:
            return 0
        shapes = self._by_length[length]
        if all(shape.runs is not None for shape in shapes) and _disjoint(shapes):
            return sum(shape.count for shape in shapes)
        return self.of_length(length).count(length)

    # -------------------------------------------------------------- membership

    def accepts_all(self, ids: Ids) -> NDArray[np.bool_]:
        length = ids.shape[1]
        shapes = self._by_length.get(length, ())
        if any(shape.runs is None for shape in shapes):
            return self.of_length(length).accepts_all(ids)
        valid = np.zeros(len(ids), dtype=np.bool_)
        for shape in shapes:
            valid |= self._fits(shape, ids)
        return valid

    def begins(self, ids: Sequence[int] | Ids) -> bool:
        row = np.asarray(ids, dtype=np.int64)
        for shape in self.shapes:
            if shape.lengths.bit_length() <= len(row):
                continue
            if shape.runs is not None and self._fits(shape, row[None, :])[0]:
                return True
            if shape.runs is None and build_language(shape.pattern, self.tokens, self.context).begins(row):
                return True
        return False

    def _fits(self, shape: Shape, ids: Ids) -> NDArray[np.bool_]:
        """Which rows are beginnings of a rigid shape."""
        valid = np.ones(len(ids), dtype=np.bool_)
        for tokens, start, stop in shape.places:
            valid &= np.isin(ids[:, start:stop], self._ids(tokens)).all(axis=1)
        return valid

    def _ids(self, tokens: frozenset[str]) -> list[int]:
        return self._ids_of_set.setdefault(tokens, [i for i, token in enumerate(self.tokens) if token in tokens])

    @cached_property
    def _ids_of_set(self) -> dict[frozenset[str], list[int]]:
        return {}

    @cached_property
    def _standing(self) -> dict[frozenset[str], NDArray[np.bool_]]:
        """Set of tokens -> the positions at which each of them can stand, for sets that stand together somewhere."""
        steps: dict[frozenset[str], NDArray[np.int64]] = {}
        for shape in self.shapes:
            for tokens, start, stop in shape.places:
                step = steps.setdefault(tokens, np.zeros(self.context + 1, dtype=np.int64))
                step[start] += 1
                step[stop] -= 1
        standing = {tokens: np.cumsum(step)[:-1] > 0 for tokens, step in steps.items()}
        for shape in self.shapes:
            if shape.runs is None:
                language = build_language(shape.pattern, self.tokens, self.context)
                for position in range(language.longest):
                    tokens = language.tokens_at(position)
                    standing.setdefault(tokens, np.zeros(self.context, dtype=np.bool_))[position] = True
        return standing

    def positions_of(self, token: str) -> frozenset[int]:
        found = np.zeros(self.context, dtype=np.bool_)
        for tokens, positions in self._standing.items():
            if token in tokens:
                found |= positions
        return frozenset(np.flatnonzero(found).tolist())

    def tokens_at(self, position: int) -> frozenset[str]:
        if not 0 <= position < self.context:
            return frozenset()
        return frozenset().union(*(tokens for tokens, positions in self._standing.items() if positions[position]))

    def most_of(self, tokens: frozenset[str]) -> int:
        return max(most_of(shape.pattern, tokens, self.context) for shape in self.shapes)

    # -------------------------------------------------------------- making sequences

    def enumerate(self, length: int) -> Ids:
        if length not in self._by_length:
            return np.zeros((0, max(length, 0)), dtype=np.int64)
        return self.of_length(length).enumerate(length)

    def sample(self, rng: np.random.Generator, length: int, n: int, policy: Policy = "random") -> Ids:
        if length not in self._by_length:
            raise ValueError(f"there is no valid sequence of length {length}")
        return self.of_length(length).sample(rng, length, n, policy)

    # -------------------------------------------------------------- what stands together

    def is_free(self) -> bool:
        """Never taken for free: repeats of one length tie the length of the whole to what stands where."""
        return False

    def places_together(self) -> dict[Place, set[Place]]:
        whole = Alt(tuple(shape.pattern for shape in self.shapes))
        if sum(shape.lengths.bit_length() for shape in self.shapes) > 20_000:
            raise ValueError(f"the places of {len(self.shapes)} shapes are too many to go through")
        return build_language(whole, self.tokens, self.context).places_together()


# ------------------------------------------------------------------ shapes


def _disjoint(shapes: Sequence[Shape]) -> bool:
    """Do no two of these rigid shapes share a sequence: does each pair differ for certain at some place?"""
    return all(_apart(one, other) for i, one in enumerate(shapes) for other in shapes[:i])


def _apart(one: Shape, other: Shape) -> bool:
    theirs = list(other.places)
    return any(
        not tokens & others and start < end and begin < stop
        for tokens, start, stop in one.places
        for others, begin, end in theirs
    )


def is_rigid(pattern: Pattern) -> bool:
    """Whether ``pattern`` allows one set of tokens at each position, whatever stands elsewhere."""
    return _runs(pattern) is not None


def _runs(pattern: Pattern) -> tuple[Run, ...] | None:
    """The runs of a rigid pattern: one set of tokens at each position, whatever stands elsewhere."""
    match pattern:
        case Tok(tokens):
            return ((tokens, 1),)
        case Cat(parts):
            return _all_runs([_runs(part) for part in parts])
        case Alt(options):
            made = [_runs(option) for option in options]
            if any(runs is None or [times for _, times in runs] != [1] for runs in made):
                return None
            return ((frozenset().union(*(runs[0][0] for runs in made if runs)), 1),)
        case Rep(body, low, high):
            runs = _runs(body)
            if runs is None or low != high:
                return None
            return ((runs[0][0], runs[0][1] * low),) if len(runs) == 1 else runs * low
    assert_never(pattern)


def _all_runs(parts: list[tuple[Run, ...] | None]) -> tuple[Run, ...] | None:
    found: list[Run] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return tuple(found)


def _joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Without empty runs, and neighbours of one set joined."""
    joined: list[Run] = []
    for tokens, times in runs:
        if joined and joined[-1][0] == tokens:
            joined[-1] = (tokens, joined[-1][1] + times)
        elif times:
            joined.append((tokens, times))
    return tuple(joined)


def _lengths(pattern: Pattern, context: int) -> int:
    """Bit n: some string of ``pattern`` has n tokens, n <= context."""
    match pattern:
        case Tok(tokens):
            return 2 if tokens else 0
        case Cat(parts):
            mask = 1
            for part in parts:
                mask = _sums(mask, _lengths(part, context), context)
            return mask
        case Alt(options):
            mask = 0
            for option in options:
                mask |= _lengths(option, context)
            return mask
        case Rep(body, low, high):
            once = _lengths(body, context)
            more = context if high is None else high - low
            return _sums(_times(once, low, context), _times(once | 1, more, context), context) if more >= 0 else 0
    assert_never(pattern)


def _sums(one: int, other: int, context: int) -> int:
    """All sums of a length of the one and a length of the other."""
    few, many = (one, other) if one.bit_count() <= other.bit_count() else (other, one)
    total = 0
    for shift in _bits(few):
        total |= many << shift
    return total & ((1 << (context + 1)) - 1)


def _times(mask: int, number: int, context: int) -> int:
    """All sums of ``number`` lengths."""
    result = 1
    while number and mask != 1:
        if number & 1:
            result = _sums(result, mask, context)
        mask, number = _sums(mask, mask, context), number >> 1
    return result


def _bits(mask: int) -> list[int]:
    return [i for i, digit in enumerate(reversed(bin(mask))) if digit == "1"]
