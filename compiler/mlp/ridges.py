"""Exact piecewise-linear functions of one number: a knot only where the slope changes.

In: a direction s of the stream, the points that it can take, and the vector wanted at each.  Out: ``Ridge``, and its
neurons.  Not for: which s (``choosing``).

Between and beyond the points the function is free: a segment between two lines that meet between its ends is left out
(one knot instead of two), unless its ends are equal (between those it stays flat, so that a mixture of values which
all mean the same means that too).  Where it costs no more, the function is flat around every point (knots at
quarters), so that small errors of s do nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from compiler.mlp.forms import Form
from compiler.mlp.vectors import Bend, Frozen, Sum, Vector, frozen, minus, plus, ratio, scaled, size


@dataclass(frozen=True)
class Ridge:
    """f(s) with knots ``knots`` and ``slopes`` (one more); f(anchor) = value, on the first piece.  ``known`` are the
    heights at all knots, if they are known."""

    knots: tuple[Fraction, ...]
    slopes: tuple[Vector, ...]
    anchor: Fraction
    value: Vector
    flat: bool = False
    known: tuple[Vector, ...] = ()

    @cached_property
    def heights(self) -> tuple[Vector, ...]:
        """f at every knot."""
        if self.known:
            return self.known
        found, place, height = [], self.anchor, self.value
        for knot, slope in zip(self.knots, self.slopes, strict=False):
            height, place = plus(height, scaled(slope, knot - place)), knot
            found.append(height)
        return tuple(found)

    @cached_property
    def jumps(self) -> tuple[Vector, ...]:
        """How the slope changes at every knot."""
        known: dict[tuple[int, int], Vector] = {}
        for before, after in zip(self.slopes, self.slopes[1:], strict=False):
            key = (id(before), id(after))
            if key not in known:
                known[key] = minus(after, before)
        return tuple(known[id(b), id(a)] for b, a in zip(self.slopes, self.slopes[1:], strict=False))

    @cached_property
    def steepest(self) -> float:
        return 1.0 if self.flat else max(map(size, {id(slope): slope for slope in self.slopes}.values()))

    def line(self, piece: int) -> tuple[Vector, Vector]:
        """(constant, slope) of the line that piece number ``piece`` lies on."""
        place, height = (self.knots[piece - 1], self.heights[piece - 1]) if piece else (self.anchor, self.value)
        return minus(height, scaled(self.slopes[piece], place)), self.slopes[piece]

    def at(self, point: Fraction) -> Vector:
        constant, slope = self.line(bisect_left(self.knots, point))
        return plus(constant, scaled(slope, point))

    def shares_a_neuron(self, piece: int, ends: tuple[Fraction, ...]) -> bool:
        """May a knot share its neuron with what passes the line of ``piece`` on?  That bends at one of ``ends`` (the
        least and the greatest of s, and 0), or where the line is 0."""
        constant, slope = self.line(piece)
        if not slope:
            return False
        zero = ratio(constant, slope)
        return not self.number_of.keys().isdisjoint(ends) or (zero is not None and -zero in self.number_of)

    @cached_property
    def number_of(self) -> dict[Fraction, int]:
        """The number of the knot at a place."""
        return {knot: i for i, knot in enumerate(self.knots)}

    def as_sum(self, form: Form, piece: int, *, label: str = "bend") -> Sum:
        """constant + slope * s of ``piece``, and a neuron for every knot: relu(s - t) after it, relu(t - s) before."""
        constant, slope = self.line(piece)
        back, bends = form.times(-1), []
        assert form.primitive and back.primitive  # worked out once for all neurons
        for i, knot in enumerate(self.knots):
            towards = form.plus(-knot) if i >= piece else back.plus(knot)
            bends.append(Bend(towards, self.jumps[i], f"{label} at {knot}"))
        terms = ((form, slope),) if slope else ()
        return Sum("piecewise linear", terms, tuple(constant.items()), tuple(bends), ((form, self.steepest),))

    def around(self, form: Form, i: int, *, label: str = "bend") -> Sum:
        """f(t) and two neurons at knot number ``i``, relu(s - t) and relu(t - s), with the others to either side."""
        knot = self.knots[i]
        flat = self.as_sum(form, i, label=label)
        bends = [b for n, b in enumerate(flat.bends) if n != i]
        before, after = form.times(-1).plus(knot), form.plus(-knot)
        at = f"{label} at {knot}"
        pivot = [Bend(before, scaled(self.slopes[i], -1), at), Bend(after, self.slopes[i + 1], at)]
        return Sum(flat.method, (), tuple(self.heights[i].items()), (*pivot, *bends), flat.slopes)

    def pieces(self) -> list[int]:
        """Pieces worth starting from: two of every slope, flat ones first; and the last, where the function ends at 0:
        it needs no constant then, also where it began at something else.

        Of those with one slope the first, and, before it, the one nearest to the middle: from there the neurons look
        to either side, half of them are awake at once, and the numbers that they add up stay small."""
        keys = {id(slope): frozen(slope) for slope in self.slopes}
        distinct: dict[Frozen, list[int]] = {}
        for i, slope in enumerate(self.slopes):
            distinct.setdefault(keys[id(slope)], []).append(i)
        middle = len(self.slopes) // 2
        found: list[int] = []
        for _, same in sorted(distinct.items(), key=lambda item: (bool(self.slopes[item[1][0]]), item[1][0])):
            found += dict.fromkeys((min(same, key=lambda i: abs(i - middle)), same[0]))
        last = len(self.knots)
        if last not in found and not self.slopes[last] and self.line(last) == ({}, {}):
            found.insert(1, last)
        return found


def interpolate(points: Sequence[int], vectors: Sequence[Vector]) -> Ridge:
    """The function through all points with knots at points only where the slope changes; then fewer, if they can be."""
    if len(points) == 1:
        return Ridge((), ({},), Fraction(points[0]), vectors[0])
    slopes = _slopes(points, vectors)
    meetings: dict[tuple[int, int, int, int], Fraction | None] = {}  # by the three slopes, each of which is one object
    at = [i for i in range(1, len(points) - 1) if slopes[i] is not slopes[i - 1]]
    knots: list[Fraction] = []
    kept: list[Vector] = [slopes[0]]
    heights: list[Vector] = []
    i = 0
    while i < len(at):
        place = at[i]
        if i + 1 < len(at) and at[i + 1] == place + 1:
            left, middle, right = slopes[place - 1 : place + 2]
            gap = points[place + 1] - points[place]
            key = id(left), id(middle), id(right), gap
            if key not in meetings:
                meetings[key] = _meeting(left, middle, right, gap)
            offset = meetings[key]
            if offset is not None:
                knots.append(points[place] + offset)
                kept.append(slopes[place + 1])
                heights.append(plus(vectors[place], scaled(left, offset)))
                i += 2
                continue
        knots.append(Fraction(points[place]))
        kept.append(slopes[place])
        heights.append(vectors[place])
        i += 1
    return Ridge(tuple(knots), tuple(kept), Fraction(points[0]), vectors[0], known=tuple(heights))


def _slopes(points: Sequence[int], vectors: Sequence[Vector]) -> list[Vector]:
    """The slope after every point but the last; equal slopes are one object."""
    known: dict[tuple[int, int, int], Vector] = {}
    same: dict[Frozen, Vector] = {}
    found: list[Vector] = []
    for p, q, v, w in zip(points, points[1:], vectors, vectors[1:], strict=False):
        key = (id(v), id(w), q - p)
        if key not in known:
            slope = scaled(minus(w, v), Fraction(1, q - p)) if v != w else {}
            known[key] = same.setdefault(frozen(slope), slope)
        found.append(known[key])
    return found


def _meeting(left: Vector, middle: Vector, right: Vector, gap: int) -> Fraction | None:
    """How far behind a point the line before it meets the line after the next point, if that is strictly between the
    two; ``middle`` is the slope between them, ``gap`` apart."""
    bend = minus(left, right)
    if not bend or not middle:
        return None
    # v + left t = w + right (t - gap), that is (left - right) t = w - v - right gap
    offset = ratio(scaled(minus(middle, right), gap), bend)
    return offset if offset is not None and 0 < offset < gap else None


def flat_steps(points: Sequence[int], vectors: Sequence[Vector]) -> Ridge:
    """The function that is flat around every point and rises in the middle half between two points that differ."""
    knots: list[Fraction] = []
    flat: Vector = {}
    slopes: list[Vector] = [flat]
    heights: list[Vector] = []
    for i, slope in enumerate(_slopes(points, vectors)):
        if slope:
            p, q = points[i], points[i + 1]
            quarter = Fraction(q - p, 4)
            knots += [p + quarter, q - quarter]
            slopes += [scaled(slope, 2), flat]
            heights += vectors[i : i + 2]
    return Ridge(tuple(knots), tuple(slopes), Fraction(points[0]), vectors[0], flat=True, known=tuple(heights))


def shapes(points: Sequence[int], vectors: Sequence[Vector]) -> list[Ridge]:
    """The function with the fewest knots; before it the one that is flat around every point, if it costs no more."""
    sharp = interpolate(points, vectors)
    steps = sum(v is not w and v != w for v, w in zip(vectors, vectors[1:], strict=False))
    return [flat_steps(points, vectors), sharp] if 2 * steps <= len(sharp.knots) + 1 else [sharp]
