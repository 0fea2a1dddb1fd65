"""Functions of a code: steps along one direction on which its values lie far enough apart.

In: the vectors of a code's values, and what is wanted at each.  Out: a ``Sum``: two neurons for every step; None where
no direction was found that tells values with different results apart.  Not for: numbers and one-hots (``ridges``).

The value v lies at p_v = u . vector(v), an exact algebraic number.  The order of the p_v is decided by enclosures:
those of neighbours with different results are disjoint.  Between these lie two dyadic knots, about an eighth of the gap
from either, so that the function is flat around every point.

Steps D_j over gaps g_j have slopes of about 4/3 D_j / g_j, and what rounding does is bounded by their sum times the
largest |u . x| (``activations.rounding``).  So u is the vector of small integers that a search finds for the least
reach(u) * sum_j |D_j| / g_j: gaps that are wide where the results differ much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from compiler.circuits.features import Feature, feature
from compiler.encodings import Code, Subspace, Value
from compiler.exact import Scalar
from compiler.mlp.directions import Direction, least_steep
from compiler.mlp.forms import Form
from compiler.mlp.ridges import Ridge
from compiler.mlp.vectors import Frozen, Sum, Vector, frozen, minus, scaled, size

METHOD = "steps along one direction of the code"
BITS = 128
"""Of the enclosures that decide which point comes first."""

MOST = 4096
"""So many values are looked at."""

QUARTER = Fraction(1, 4)


@dataclass(frozen=True)
class Point:
    """Where a value lies on the direction, and what is wanted there: middle - radius <= exact <= middle + radius."""

    exact: Scalar
    middle: Fraction
    radius: Fraction
    wanted: Vector


def staircase(subspace: Subspace, wanted: Sequence[tuple[Value, Vector]]) -> Sum | None:
    """The function that gives ``wanted`` at every value of a code."""
    encoding = subspace.encoding
    assert isinstance(encoding, Code)
    vectors = [feature(encoding, value) for value, _ in wanted]
    if not vectors or len(vectors) > MOST or any(e.symbols() for vector in vectors for e in vector.values()):
        return None
    kinds = list(dict.fromkeys(frozen(vector) for _, vector in wanted))
    if len(kinds) == 1:
        return Sum("affine", constant=kinds[0])
    places = tuple(tuple(vector.get(i, _ZERO).to_float() for i in range(encoding.size)) for vector in vectors)
    direction = least_steep(places, tuple(kinds.index(frozen(vector)) for _, vector in wanted), _distances(kinds))
    points = None if direction is None else _ordered(direction, vectors, [vector for _, vector in wanted])
    if direction is None or points is None:
        return None
    form = Form.of(dict(zip(subspace.coordinates, direction, strict=True)))
    return _steps(form, points)


_ZERO = Scalar.rational(0)


def _distances(kinds: Sequence[Frozen]) -> tuple[tuple[float, ...], ...]:
    """How far apart two results are, in the entry where they are farthest."""
    return tuple(tuple(size(minus(dict(a), dict(b))) for b in kinds) for a in kinds)


def _ordered(direction: Direction, vectors: Sequence[Feature], wanted: Sequence[Vector]) -> list[Point] | None:
    """The points from left to right; None where two with different results are not told apart."""
    points = []
    for vector, result in zip(vectors, wanted, strict=True):
        exact = _ZERO
        for i, entry in vector.items():
            exact = exact + entry * direction[i]
        points.append(Point(exact, *exact.enclose(bits=BITS), result))
    points.sort(key=lambda point: point.middle)
    for one, other in zip(points, points[1:], strict=False):
        if one.wanted != other.wanted and one.middle + one.radius >= other.middle - other.radius:
            return None
    return points


def _steps(form: Form, points: Sequence[Point]) -> Sum:
    knots: list[Fraction] = []
    slopes: list[Vector] = [{}]
    pieces, least = [points[0].wanted], Fraction(0)
    for one, other in zip(points, points[1:], strict=False):
        if one.wanted != other.wanted:
            low, high = one.middle + one.radius, other.middle - other.radius
            rise, end = _knots(low, high)
            flat = min(rise - low, high - end)
            least = min(least, flat) if knots else flat
            knots += [rise, end]
            slopes += [scaled(minus(other.wanted, one.wanted), 1 / (end - rise)), {}]
            pieces.append(other.wanted)
    assert least > 0, "every point lies on a flat piece"
    ridge = Ridge(tuple(knots), tuple(slopes), knots[0], points[0].wanted, flat=True)
    steepest = float(QUARTER / least)  # an error of the whole flat width counts as the quarter of a step
    found = ridge.as_sum(form, 2 * _middle(pieces, slopes), label="step")
    return replace(found, method=METHOD, slopes=((form, steepest),))


def _middle(pieces: Sequence[Vector], slopes: Sequence[Vector]) -> int:
    """The flat piece to start from, one where nothing is written if there is any, with weights alike on either side."""
    steep = [size(slope) for slope in slopes[1::2]]
    zeros = [i for i, vector in enumerate(pieces) if not vector]
    return min(zeros or range(len(pieces)), key=lambda i: (max(sum(steep[:i]), sum(steep[i:])), i))


def _knots(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """About an eighth of the gap from either end, of small denominators: off by a 32nd of the gap at most."""
    gap = high - low
    unit = Fraction(2) ** (math.floor(math.log2(gap)) - 4)
    return _nearest(low + gap / 8, unit), _nearest(high - gap / 8, unit)


def _nearest(number: Fraction, unit: Fraction) -> Fraction:
    return unit * math.floor(number / unit + Fraction(1, 2))
