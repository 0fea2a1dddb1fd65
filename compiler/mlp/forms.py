"""Affine forms of the residual stream: what a neuron reads.

In: weights by residual coordinate and a constant.  Out: ``Form``, immutable, over the rationals.  Not for: numbers that
are not rational (phases build their neurons directly, see ``phases``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class Form:
    """sum of weight * coordinate + constant; ``weights`` is sorted by coordinate and holds no zeros."""

    weights: tuple[tuple[int, Fraction], ...] = ()
    constant: Fraction = Fraction(0)

    @staticmethod
    def of(weights: Mapping[int, Fraction | int], constant: Fraction | int = 0) -> Form:
        kept = tuple(sorted((c, Fraction(w)) for c, w in weights.items() if w))
        return Form(kept, Fraction(constant))

    @staticmethod
    def fixed(constant: Fraction | int) -> Form:
        return Form((), Fraction(constant))

    @cached_property
    def by_coordinate(self) -> dict[int, Fraction]:
        return dict(self.weights)

    @property
    def is_constant(self) -> bool:
        return not self.weights

    def __add__(self, other: Form) -> Form:
        total = dict(self.weights)
        for coordinate, weight in other.weights:
            total[coordinate] = total.get(coordinate, Fraction(0)) + weight
        return Form.of(total, self.constant + other.constant)

    def __sub__(self, other: Form) -> Form:
        return self + other.times(-1)

    def times(self, factor: Fraction | int) -> Form:
        if factor == 1:
            return self
        return Form(tuple((c, w * factor) for c, w in self.weights) if factor else (), self.constant * factor)

    def plus(self, constant: Fraction | int) -> Form:
        moved = Form(self.weights, self.constant + constant)
        for known in ("by_coordinate", "_weights_hash"):  # what the weights alone decide is not worked out again
            if known in self.__dict__:
                moved.__dict__[known] = self.__dict__[known]
        if "primitive" in self.__dict__:
            direction, scale, _ = self.primitive
            moved.__dict__["primitive"] = (direction, scale, moved.constant)
        return moved

    @cached_property
    def _weights_hash(self) -> int:
        return hash(self.weights)

    def __hash__(self) -> int:
        return hash((self._weights_hash, self.constant))

    @cached_property
    def primitive(self) -> tuple[Form, Fraction, Fraction]:
        """(direction, scale, constant) with self = scale * direction + constant: the direction has coprime integer
        weights, the first of them positive, and no constant."""
        if not self.weights:
            return self.plus(-self.constant), Fraction(1), self.constant
        numerator = math.gcd(*(w.numerator for _, w in self.weights))
        denominator = math.lcm(*(w.denominator for _, w in self.weights))
        scale = Fraction(numerator, denominator) * (1 if self.weights[0][1] > 0 else -1)
        direction = Form(self.weights if scale == 1 else tuple((c, w / scale) for c, w in self.weights))
        return direction, scale, self.constant

    @property
    def numbers(self) -> int:
        """How large its two numbers are: the scale of the direction and the constant, with their denominators."""
        scale, constant = self.primitive[1], self.constant
        return abs(scale.numerator) + scale.denominator + abs(constant.numerator) + constant.denominator


def total(forms: Iterable[Form]) -> Form:
    """The sum of all forms."""
    result = Form()
    for form in forms:
        result = result + form
    return result
