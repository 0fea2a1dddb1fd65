"""Which piece of a piecewise-linear function its neurons start from: priced first, and built only where it may win.

In: a ``Ridge``, the form that it is a function of, and the fewest neurons that were found before.  Out: ``Sum``s.  Not
for: which form (``choosing``), or the knots (``ridges``).

A function with k knots takes k neurons from whichever piece it starts, and for the line of that piece up to two more,
which may be neurons that knots have already.  So its price is told without its neurons.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from compiler.mlp.affine import Cost, Finished, finish
from compiler.mlp.domains import Domain
from compiler.mlp.forms import Form
from compiler.mlp.ridges import Ridge
from compiler.mlp.vectors import Bend, Sum, Vector, plus, scaled

PIECES = 8
"""So many pieces of one function are started from."""


@dataclass
class Fewest:
    """The smallest of what was found so far; and the leanest, with the fewest neurons beside its affine part, which may
    share neurons with those of other parts of a sum."""

    found: Finished | None = None
    lean: Finished | None = None

    @property
    def neurons(self) -> int:
        return sys.maxsize if self.found is None else len(self.found.bends)

    def wants(self, bends: int, cost: Cost) -> bool:
        """Would something of that cost be taken, with ``bends`` neurons beside its affine part?"""
        return self._smaller(cost) or self._leaner(bends, cost)

    def beats(self, knots: int) -> bool:
        """Is everything with so many knots, of which the line may make one superfluous, certain not to be taken?"""
        return knots - 1 > self.neurons and self.lean is not None and knots > len(self.lean.sum.bends)

    def take(self, one: Finished) -> None:
        if self._smaller(one.cost):
            self.found = one
        if self._leaner(len(one.sum.bends), one.cost):
            self.lean = one

    def _smaller(self, cost: Cost) -> bool:
        return self.found is None or cost < self.found.cost

    def _leaner(self, bends: int, cost: Cost) -> bool:
        return self.lean is None or (bends, cost) < (len(self.lean.sum.bends), self.lean.cost)


def every_piece(ridge: Ridge, form: Form) -> Iterator[Sum]:
    """From each of the pieces worth starting from."""
    for piece in ridge.pieces()[:PIECES]:
        yield ridge.as_sum(form, piece)
    for i in _pivots(ridge):
        yield ridge.around(form, i)


def _pivots(ridge: Ridge) -> range:
    """Knots that a function without a flat piece may be built around."""
    return range(min(len(ridge.knots), PIECES) if all(ridge.slopes) else 0)


@dataclass(frozen=True)
class Pricing:
    """Prices what ``every_piece`` gives of one function."""

    ridge: Ridge
    form: Form
    domain: Domain
    biases: bool

    def cheapest(self, best: Fewest) -> Iterator[Sum]:
        """What may take the place of ``best``: pieces whose line shares a neuron with a knot, and the best other."""
        ridge, form, count = self.ridge, self.form, len(self.ridge.knots)
        ends = (*self.domain.range_of(form.plus(-form.constant)), Fraction(0))
        others: list[tuple[Cost, int, bool]] = []
        for piece in ridge.pieces()[:PIECES]:
            if not ridge.shares_a_neuron(piece, ends):
                others.append((self.piece(piece), piece, False))
            elif best.wants(count, self.piece(piece)):
                yield ridge.as_sum(form, piece)
        others += [(self.pivot(i), i, True) for i in _pivots(ridge)]
        if others:
            cost, i, pivot = min(others, key=lambda other: other[0])
            if cost[0] <= best.neurons and best.wants(count + pivot, cost):
                yield ridge.around(form, i) if pivot else ridge.as_sum(form, i)

    def piece(self, piece: int) -> Cost:
        """The cost of ``ridge.as_sum(form, piece)``."""
        count, numbers = self._knots
        for bend in self._line(piece):
            i = self._knot_like(bend, piece)
            if i is None:
                count, numbers = count + 1, numbers + bend.form.numbers
            elif not plus(self.ridge.jumps[i], scaled(bend.out, self._relative(bend))):
                count, numbers = count - 1, numbers - self._at(i).numbers
        return count, numbers

    def pivot(self, i: int) -> Cost:
        """The cost of ``ridge.around(form, i)``."""
        count, numbers = self._knots
        always = () if self.biases else self._affine({}, self.ridge.heights[i])
        return count + 1 + len(always), numbers + self._at(i).numbers + sum(b.form.numbers for b in always)

    @cached_property
    def _knots(self) -> Cost:
        """The cost of one neuron for every knot."""
        _, scale, constant = self.form.primitive
        places = [constant - knot for knot in self.ridge.knots] if constant else self.ridge.knots
        each = abs(scale.numerator) + scale.denominator
        return len(places), sum(each + abs(place.numerator) + place.denominator for place in places)

    def _at(self, i: int) -> Form:
        return self.form.plus(-self.ridge.knots[i])

    def _line(self, piece: int) -> tuple[Bend, ...]:
        """The neurons of the line of ``piece``.  Where others are, b_out takes a constant, if there are biases."""
        constant, slope = self.ridge.line(piece)
        if self.biases and not slope and self.ridge.knots:
            return ()
        return self._affine(slope, constant)

    def _affine(self, slope: Vector, constant: Vector) -> tuple[Bend, ...]:
        terms = ((self.form, slope),) if slope else ()
        return finish(Sum("affine", terms, tuple(constant.items())), self.domain, biases=self.biases).bends

    def _knot_like(self, bend: Bend, piece: int) -> int | None:
        """The knot whose neuron reads what ``bend`` reads, up to a positive factor."""
        direction, scale, constant = bend.form.primitive
        own, size, offset = self.form.primitive
        if direction != own:
            return None
        forward = (scale > 0) == (size > 0)
        away = self._relative(bend, inverse=True) * constant
        i = self.ridge.number_of.get(offset - away if forward else offset + away)
        return i if i is not None and (i >= piece) == forward else None

    def _relative(self, bend: Bend, *, inverse: bool = False) -> Fraction:
        """How much more ``bend`` reads of the direction than the neuron of a knot does."""
        factor = abs(bend.form.primitive[1]) / abs(self.form.primitive[1])
        return 1 / factor if inverse else factor
