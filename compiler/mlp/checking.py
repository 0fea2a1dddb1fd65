"""Neurons held against the expression that they are for, before any matrix is made.

In: finished neurons, their domain, the expression and the target.  Out: nothing; an AssertionError where they give
another value.  Not for: floats (``activations``), or the model as a whole (``headspec.verification.comparing``).

All combinations of inputs are gone through, or some of them, where there are very many.  What is added up is rational:
times a common denominator it is whole, in 64 bits where it fits and otherwise in integers of any size.  An entry that
is no rational is a rational combination of monomials, and each of its coefficients is added up for itself: monomials
are linearly independent (``exact.scalar``), so the sum is right where all of its coefficients are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.computing import ValueExpr
from compiler.different import LARGEST, largest
from compiler.mlp.affine import Finished
from compiler.mlp.domains import Domain
from compiler.mlp.evaluating import NoValue, function_of
from compiler.mlp.forms import Form
from compiler.mlp.targets import Target
from compiler.mlp.vectors import Vector

CHECKED = 100_000
"""So many products of neurons and inputs are worked out."""

Whole = NDArray[Any]
"""Integers, of 64 bits or of any size."""

Shown = list[tuple[tuple[int, ...], Vector]]
"""The row of every group, and what is wanted there."""

Place = int | tuple[int, Hashable]
"""A component of the target; of entries that are not rational also the monomial."""


def check(domain: Domain, value: ValueExpr, target: Target, found: Finished) -> None:
    """The neurons give ``value`` for every combination of inputs (for some of them, where there are very many)."""
    shown = _shown(domain, value, target, max(64, CHECKED // max(1, len(found.bends))))
    wrong = _first_wrong(domain, found, shown)
    assert wrong is None, (value, [group.rows[r] for group, r in zip(domain.groups, wrong[0], strict=True)], wrong[1])


def _shown(domain: Domain, value: ValueExpr, target: Target, most: int) -> Shown:
    """Combinations of inputs at which there is a value that the target holds."""
    function = function_of(value, {n: i for i, n in enumerate(n for g in domain.groups for n in g.names)})
    found: Shown = []
    for place in _places([len(group.rows) for group in domain.groups], most):
        row = [entry for group, r in zip(domain.groups, place, strict=True) for entry in group.rows[r]]
        try:
            wanted = target.vector(function(row))
        except NoValue:
            continue
        if wanted is not None:
            found.append((place, wanted))
    return found


def _places(sizes: list[int], most: int) -> Iterable[tuple[int, ...]]:
    total = 1
    for size in sizes:
        total *= size
    if total <= most:
        return product(*(range(size) for size in sizes))
    draw = random.Random(0)
    ends = list(product(*((0, size - 1) for size in sizes)))[:most]
    return [*ends, *(tuple(draw.randrange(size) for size in sizes) for _ in range(most))]


def _coefficients(vector: Vector) -> Mapping[Place, Fraction]:
    """``vector`` in rational numbers."""
    found: dict[Place, Fraction] = {}
    for i, entry in vector.items():
        if isinstance(entry, Fraction):
            found[i] = entry
        else:
            found |= {(i, monomial): Fraction(coefficient) for monomial, coefficient in entry.terms.items()}
    return found


# -------------------------------------------------------------------- whole numbers


@dataclass(frozen=True)
class _Read:
    """A form at every combination of inputs: ``whole`` / ``below``."""

    whole: Whole
    below: int

    @staticmethod
    def of(domain: Domain, direction: Form, places: NDArray[np.int64]) -> _Read:
        """``direction`` has no constant."""
        shares = domain.contributions(direction)
        below = math.lcm(1, *(share.denominator for rows in shares for share in rows))
        columns = [[int(share * below) for share in rows] for rows in shares]
        reach = sum(max(map(abs, rows), default=0) for rows in columns)
        whole = np.zeros(len(places), dtype=_kind(reach))
        for column, rows in zip(columns, places.T, strict=True):
            whole = whole + np.array(column, dtype=whole.dtype)[rows]
        return _Read(whole, below)

    def affine(self, scale: Fraction, constant: Fraction) -> _Read:
        """scale * this + constant."""
        below = math.lcm(scale.denominator * self.below, constant.denominator)
        factor, moved = int(scale * below) // self.below, int(constant * below)
        kind = _kind(abs(factor) * largest(self.whole) + abs(factor) + abs(moved))
        return _Read(self.whole.astype(kind) * factor + moved, below)

    def times(self, other: _Read) -> _Read:
        kind = _kind(largest(self.whole) * largest(other.whole))
        return _Read(self.whole.astype(kind) * other.whole.astype(kind), self.below * other.below)


def _first_wrong(domain: Domain, found: Finished, shown: Shown) -> tuple[tuple[int, ...], Vector] | None:
    """The first combination at which something else is written, and what is wanted there."""
    places = np.array([place for place, _ in shown], dtype=np.int64).reshape(len(shown), len(domain.groups))
    sums: dict[Place, list[tuple[Fraction, _Read]]] = {}
    always = _Read(np.ones(len(shown), dtype=np.int64), 1)
    for i, entry in _coefficients(found.constant).items():
        sums.setdefault(i, []).append((entry, always))
    directions: dict[Form, _Read] = {}

    def read(form: Form) -> _Read:
        direction, scale, constant = form.primitive
        if direction not in directions:
            directions[direction] = _Read.of(domain, direction, places)
        return directions[direction].affine(scale, constant)

    for bend in found.bends:
        seen = read(bend.form)
        given = _Read(np.maximum(seen.whole, 0), seen.below)
        if bend.factor is not None:
            given = given.times(read(bend.factor))
        for i, entry in _coefficients(bend.out).items():
            sums.setdefault(i, []).append((entry, given))
    kinds = {id(wanted): _coefficients(wanted) for _, wanted in shown}
    which = {key: number for number, key in enumerate(kinds)}
    kind = np.array([which[id(wanted)] for _, wanted in shown], dtype=np.int64)
    wrong = np.zeros(len(shown), dtype=np.bool_)
    for i in sums.keys() | {i for wanted in kinds.values() for i in wanted}:
        wanted = [vector.get(i, Fraction(0)) for vector in kinds.values()]
        wrong |= _differ(sums.get(i, []), wanted, kind)
    return shown[int(wrong.argmax())] if wrong.any() else None


def _differ(terms: Sequence[tuple[Fraction, _Read]], wanted: Sequence[Fraction], kind: NDArray[np.int64]) -> Whole:
    """Where the sum of entry * number is not ``wanted[kind]``."""
    entries = [entry / read.below for entry, read in terms]
    below = math.lcm(*(number.denominator for number in (*entries, *wanted)))
    weights, goals = [int(entry * below) for entry in entries], [int(goal * below) for goal in wanted]
    reach = sum(abs(w) * largest(read.whole) for w, (_, read) in zip(weights, terms, strict=True))
    fit = _kind(max([reach, *map(abs, weights), *map(abs, goals)], default=0))
    total = np.zeros(len(kind), dtype=fit)
    for weight, (_, read) in zip(weights, terms, strict=True):
        total = total + read.whole.astype(fit) * weight
    return np.asarray(total != np.array(goals, dtype=fit)[kind])


def _kind(reach: int) -> Any:
    return np.int64 if reach < LARGEST else np.object_
