"""Copies as OV circuits: what a head moves from the key it looks at into the query's stream.

In: a ``Copy``. Out: the matrix M with M x_k written at the query. Not for: splitting M into W_V and W_O
(``factorization``).
"""

from __future__ import annotations

from fractions import Fraction

from compiler.circuits.features import ONE, feature, phase_angles, placed, scalar
from compiler.circuits.stream import Entries, Stream
from compiler.encodings import (
    Code,
    Constant,
    Dims,
    OneHot,
    Pairs,
    Phase,
    PhasePairs,
    Quadratic,
    ScalarValue,
    Subspace,
    Value,
)
from compiler.exact import Matrix, Scalar
from compiler.heads import Copy


def copy_matrix(stream: Stream, copy: Copy) -> Matrix:
    source, target = stream.subspaces[copy.source], stream.subspaces[copy.target]
    entries = _copy_entries(stream, copy, source, target)
    return stream.matrix(entries).scale(scalar(copy.coefficient))


def _copy_entries(stream: Stream, copy: Copy, source: Subspace, target: Subspace) -> Entries:
    match source.encoding, target.encoding:
        case _, (Pairs() | PhasePairs()):
            pairs = zip(source.coordinates, target.coordinates, strict=True)
            return {(t, s): ONE for s, t in pairs}
        case OneHot(values), _:
            return _copy_one_hot(copy, source, values, target)
        case Phase(), Phase():
            return _copy_phase(copy, source, target)
        case ((ScalarValue() | Quadratic()), (ScalarValue() | Quadratic())):
            return _copy_integer(stream, copy, source, target)
        case ((Code() | Dims() | Constant()), _):
            pairs = zip(source.coordinates, target.coordinates, strict=True)
            return {(t, s): ONE for s, t in pairs}
        case _:
            raise AssertionError("resolution checks that the encodings fit")


def _copy_one_hot(copy: Copy, source: Subspace, values: tuple[Value, ...], target: Subspace) -> Entries:
    images = None if copy.table is None else dict(copy.table)
    entries: Entries = {}
    for coordinate, value in zip(source.coordinates, values, strict=True):
        image = value if images is None else images.get(value)
        if image is None:
            continue
        moved = image + copy.shift if isinstance(image, int) else image
        for row, entry in placed(target, feature(target.encoding, moved)).items():
            entries[(row, coordinate)] = entry
    return entries


def _copy_phase(copy: Copy, source: Subspace, target: Subspace) -> Entries:
    """Each pair turned forwards by shift * alpha_j (and rescaled where the magnitudes differ)."""
    assert isinstance(source.encoding, Phase) and isinstance(target.encoding, Phase)
    entries: Entries = {}
    for j, angle in enumerate(phase_angles(source.encoding)):
        ratio = ONE
        if source.encoding.magnitudes[j] != target.encoding.magnitudes[j]:
            ratio = scalar(target.encoding.magnitudes[j]) / scalar(source.encoding.magnitudes[j])
        turn = angle * Fraction(copy.shift)
        c, s = ratio * Scalar.cos(turn), ratio * Scalar.sin(turn)
        sc, ss = source.coordinates[2 * j], source.coordinates[2 * j + 1]
        tc, ts = target.coordinates[2 * j], target.coordinates[2 * j + 1]
        entries |= {(tc, sc): c, (tc, ss): -s, (ts, sc): s, (ts, ss): c}
    return entries


def _copy_integer(stream: Stream, copy: Copy, source: Subspace, target: Subspace) -> Entries:
    """(v + k)^2 = v^2 + 2 k v + k^2; the constant comes from a direction that is always 1 at the key."""
    k = copy.shift
    entries = {(target.coordinates[0], source.coordinates[0]): ONE}
    square = isinstance(target.encoding, Quadratic)
    if square:
        entries[(target.coordinates[1], source.coordinates[1])] = ONE
    if not k:
        return entries
    if square:
        entries[(target.coordinates[1], source.coordinates[0])] = Scalar.rational(2 * k)
    for c, entry in stream.one(copy.span, "adding a constant to a copied number").items():
        _add(entries, (target.coordinates[0], c), entry * Scalar.rational(k))
        if square:
            _add(entries, (target.coordinates[1], c), entry * Scalar.rational(k * k))
    return entries


def _add(entries: Entries, place: tuple[int, int], amount: Scalar) -> None:
    entries[place] = entries.get(place, Scalar.rational(0)) + amount
