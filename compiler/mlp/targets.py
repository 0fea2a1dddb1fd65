"""What a value is in the subspace that a line writes to.

In: a subspace.  Out: ``Target``.  Not for: what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compiler.circuits.features import feature, holds
from compiler.computing import Choice, Fixed, LookedUp, Read, ValueExpr
from compiler.different import largest
from compiler.encodings import Code, OneHot, Phase, ScalarValue, Subspace, Value
from compiler.mlp.evaluating import Answer
from compiler.mlp.vectors import Frozen, Vector, frozen, minus, scaled, size

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FACTOR = 1 << 29
"""Differences of two integers below it, times each other, fit into 64 bits, and so do differences of these."""


@dataclass(frozen=True)
class Target:
    """``vector(value)`` by component; ``linear`` where the vector of a sum is the sum of vectors (a scalar)."""

    subspace: Subspace
    known: dict[Value, Vector | None] = field(default_factory=dict, compare=False)
    slopes: dict[tuple[Value, Value, int], int] = field(default_factory=dict, compare=False)
    numbered: dict[Frozen, int] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return self.subspace.name

    @property
    def linear(self) -> bool:
        return isinstance(self.subspace.encoding, ScalarValue)

    def vector(self, value: Value | bool) -> Vector | None:
        """None where the target cannot hold the value: such inputs are free."""
        key = int(value) if isinstance(value, bool) else value
        if key not in self.known:
            self.known[key] = self._vector(key)
        return self.known[key]

    def _vector(self, value: Value) -> Vector | None:
        encoding = self.subspace.encoding
        if not holds(encoding, value):
            return None
        entries = feature(encoding, value)
        if not isinstance(encoding, Phase | Code):
            return {i: Fraction(entry.as_fraction()) for i, entry in entries.items()}
        return dict(entries)

    def knots(self, points: Ints, kinds: Ints, answers: Sequence[Answer]) -> int:
        """About how many neurons a piecewise-linear function takes that is ``answers[kinds]`` at ``points``."""
        bending, rising = self._steps(points, kinds, answers)
        return min(int(bending.sum()), 2 * int(rising.sum()))

    def least(self, points: Ints, kinds: Ints, answers: Sequence[Answer]) -> int:
        """So many knots it has at least: where two changes of slope may become one, one of the two is left."""
        bending, rising = self._steps(points, kinds, answers)
        count = int(bending.sum())
        if isinstance(self.subspace.encoding, OneHot):
            return count
        if not self._fits(points, answers):
            return (min(count, 2 * int(rising.sum())) + 1) // 2
        rises, gaps = _rises(kinds, answers), np.diff(points)
        turns = np.sign(rises[1:] * gaps[:-1] - rises[:-1] * gaps[1:])
        meets = (turns[1:] * turns[:-1] > 0) & (rises[1:-1] != 0)  # the slope lies between those beside it
        ends = np.flatnonzero(np.diff(np.concatenate([[False], meets, [False]])))
        return count - int(((ends[1::2] - ends[::2] + 1) // 2).sum())

    def _steps(self, points: Ints, kinds: Ints, answers: Sequence[Answer]) -> tuple[Bools, Bools]:
        """Where the slope changes (at all points but the ends), and where it is not 0 (after all points but the
        last)."""
        gaps, rising = np.diff(points), kinds[1:] != kinds[:-1]
        if self._fits(points, answers):
            rises = _rises(kinds, answers)
            return rises[1:] * gaps[:-1] != rises[:-1] * gaps[1:], rising
        if isinstance(self.subspace.encoding, OneHot):  # two steps between unit vectors, one after the other, differ
            return rising[1:] | rising[:-1], rising
        slopes = self._slopes(gaps, kinds, answers)
        return slopes[1:] != slopes[:-1], slopes != 0

    def _fits(self, points: Ints, answers: Sequence[Answer]) -> bool:
        """Are these numbers so small that products of two differences are exact in 64 bits?"""
        return self.linear and max(largest(points), *(abs(int(answer)) for answer in answers)) < FACTOR

    def _slopes(self, gaps: Ints, kinds: Ints, answers: Sequence[Answer]) -> Ints:
        """The slope after every point but the last, by number."""
        lengths, step_of = np.unique(gaps, return_inverse=True)
        code = (kinds[:-1] * len(answers) + kinds[1:]) * len(lengths) + step_of
        different, which = np.unique(code, return_inverse=True)
        return np.array([self._slope(answers, lengths, int(step)) for step in different], dtype=np.int64)[which]

    def _slope(self, answers: Sequence[Answer], gaps: Ints, step: int) -> int:
        """A number for the slope of a line from one value to another; 0 if it is flat."""
        values, gap = divmod(step, len(gaps))
        left, right = (
            int(answers[kind]) if isinstance(answers[kind], bool) else answers[kind]
            for kind in divmod(values, len(answers))
        )
        key = (left, right, int(gaps[gap]))
        if key not in self.slopes:
            rise = minus(self.vector(right) or {}, self.vector(left) or {})
            slope = frozen(scaled(rise, Fraction(1, key[2])))
            self.slopes[key] = self.numbered.setdefault(slope, len(self.numbered) + 1) if slope else 0
        return self.slopes[key]

    def largest(self, values: Iterable[Value | bool]) -> float:
        return max((size(self.vector(value) or {}) for value in values), default=0.0)


def _rises(kinds: Ints, answers: Sequence[Answer]) -> Ints:
    """From every point to the next."""
    return np.diff(np.array([int(answer) for answer in answers], dtype=np.int64)[kinds])


ANY_NUMBER = Target(Subspace("part", ScalarValue(-(2**60), 2**60), (0,), ("value",)))
"""For asking whether a part of a line could be a line of its own."""


def any_token(texts: frozenset[str]) -> Target:
    """The same for a part that is one of ``texts``."""
    words = tuple(sorted(texts))
    return Target(Subspace("part", OneHot(words, ordered=False), tuple(range(len(words))), words))


def texts_of(part: ValueExpr, subspaces: Mapping[str, Subspace]) -> frozenset[str]:
    """The tokens that ``part`` may be; none if it is a number or a truth value."""
    match part:
        case Choice(_, then, otherwise):
            return texts_of(then, subspaces) | texts_of(otherwise, subspaces)
        case LookedUp(pairs=pairs):
            values: Iterable[Value] = (image for _, image in pairs)
        case Fixed(str(text)):
            values = [text]
        case Read(name):
            encoding = subspaces[name].encoding
            values = encoding.values if isinstance(encoding, OneHot | Code) else ()
        case _:
            values = ()
    return frozenset(value for value in values if isinstance(value, str))
