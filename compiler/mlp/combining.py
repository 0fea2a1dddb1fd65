"""Several integers as one: combinations that decide the value of a function.

In: a function as a table over tuples of integers.  Out: ``Combination``s: weights w, and the value at every
s = w . tuple, wherever that decides it.  Not for: sums of logarithms (``codes``).

Small weights are tried where the tuples are few, and radix codes, in which each entry counts more than all before it
together can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from compiler.mlp.evaluating import Answer

RIDGE_POINTS = 4096
"""A code may take so many values."""

SPAN = 1 << 16
"""Sums that lie so close together are told apart by their places, others are sorted."""

SMALL = 4096
"""Small combinations are tried where there are at most so many tuples."""

COEFFICIENTS = (1, -1, 2, -2, 3, -3)

Ints = NDArray[np.int64]
Table = Mapping[tuple[int, ...], Answer]
Weights = tuple[int, ...]


@dataclass(frozen=True)
class Combination:
    """s = weights . tuple takes the values ``points`` (in order), at which the function is ``answers[kinds]``."""

    weights: Weights
    points: Ints
    kinds: Ints
    answers: tuple[Answer, ...]

    @property
    def table(self) -> dict[int, Answer]:
        return {
            point: self.answers[kind] for point, kind in zip(self.points.tolist(), self.kinds.tolist(), strict=True)
        }


def integer_codes(table: Table) -> list[Combination]:
    """Combinations of the entries of the tuples that decide the value: small ones and radix codes."""
    places = np.array(list(table), dtype=np.int64)
    kinds = {answer: kind for kind, answer in enumerate(dict.fromkeys(table.values()))}
    values = np.array([kinds[answer] for answer in table.values()], dtype=np.int64)
    found: list[Combination] = []
    for weights in dict.fromkeys(_tried(places)):
        decided = _decided(places @ np.array(weights, dtype=np.int64), values)
        if decided is not None:
            found.append(Combination(weights, *decided, tuple(kinds)))
    return found


def _tried(places: Ints) -> Iterator[Weights]:
    count, width = places.shape
    if count <= SMALL and width <= 3:
        for rest in product((0, *COEFFICIENTS), repeat=width - 1):
            for first in (1, 2, 3):
                yield (first, *rest)
    yield from _radix(places)


def _decided(sums: Ints, values: Ints) -> tuple[Ints, Ints] | None:
    """The different sums in order, and the value at each; None where one sum has two values, or there are too many."""
    low, high = int(sums.min()), int(sums.max())
    if high - low < SPAN:  # a place for every sum between them
        value_at = np.full(high - low + 1, -1, dtype=np.int64)
        value_at[sums - low] = values
        if (value_at[sums - low] != values).any():
            return None
        points = np.flatnonzero(value_at >= 0)
        return (points + low, value_at[points]) if len(points) <= RIDGE_POINTS else None
    order = np.argsort(sums, kind="stable")
    ordered, same = sums[order], values[order]
    new = np.ones(len(sums), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    if new.sum() > RIDGE_POINTS or (~new[1:] & (same[1:] != same[:-1])).any():
        return None
    return ordered[new], same[new]


def _radix(places: Ints) -> Iterator[Weights]:
    """Codes in which each entry counts more than all before it can."""
    width = places.shape[1]
    sizes = [int(high) - int(low) + 1 for low, high in zip(places.min(axis=0), places.max(axis=0), strict=True)]
    orders = [tuple(range(width)), tuple(reversed(range(width)))]
    if width == 3:
        orders += [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)]
    for order in orders:
        for signs in product((1, -1), repeat=width - 1):
            weights, unit = [0] * width, 1
            for i, sign in zip(order, (1, *signs), strict=True):
                weights[i] = sign * unit
                unit *= sizes[i]
            if unit <= 4 * RIDGE_POINTS:
                yield tuple(weights)
