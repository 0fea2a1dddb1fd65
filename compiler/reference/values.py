"""What a subspace holds at every position of a batch, and how attention moves it.

In: embedded values, supports, copies.  Out: ``Symbolic`` (combinations of encoded values) or ``Raw`` (coordinates).
Not for: deciding where a head attends (``reference``, ``reference_soft``).

One-hot, phase and code subspaces, and pairs of phases, are ``Symbolic`` for as long as only hard heads write to them by
``copy``; scalar, quadratic, constant, other pairs and raw dims, and whatever a soft head or an explicit W_O writes to,
are ``Raw``.

Shares of a mixture are float64, not fractions: integer counts divided once are correct to 1e-16, so distinct shares
after one average over at most 4096 keys differ by more than 5e-8.  Sums within 1e-12 of 0 or 1 are those; two shares
within 1e-12 are equal; a gap between 1e-12 and 1e-9 is too fine to call and makes the reading undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from compiler.encodings import (
    AnyPairs,
    Code,
    OneHot,
    Pairs,
    Phase,
    PhasePairs,
    Quadratic,
    ScalarValue,
    Subspace,
    of_one_value,
)
from compiler.heads import Copy
from compiler.reference.numbers import NOTHING, Codec, Floats, Ints, Numbers, lookup, shifted

Bools = NDArray[np.bool_]
Kinds = NDArray[np.uint8]

EXACT = 1e-12
NEAR = 1e-9

PLACES = 1 << 22
"""So many vectors, times pairs, are compared at once."""


class Kind(IntEnum):
    """What a relation sees when it reads a subspace at a position."""

    EMPTY = 0
    PURE = 1
    MIXED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """``kind`` (B, n) and, where PURE, the value's ``code`` (B, n); ``NOTHING`` elsewhere."""

    kind: Kinds
    code: Ints

    def open(self) -> Bools:
        """Where a relation that reads this is undetermined."""
        return np.asarray(self.kind >= Kind.MIXED)

    def value(self, codec: Codec, row: int, position: int) -> int | str | Kind:
        kind = Kind(int(self.kind[row, position]))
        return codec.value(int(self.code[row, position])) if kind is Kind.PURE else kind


@dataclass(frozen=True, slots=True)
class Symbolic:
    """Combinations of encoded values: pure ones by code, mixtures as rows of ``shares``.

    ``shares[slot[b, p]]`` are the shares of ``universe`` (sorted codes) where MIXED; ``slot`` is 0 elsewhere."""

    kind: Kinds
    code: Ints
    slot: Ints
    universe: Ints
    shares: Floats

    @property
    def reading(self) -> Reading:
        return Reading(self.kind, self.code)


@dataclass(frozen=True, slots=True)
class Raw:
    """Coordinates (B, n, size), and where they are known."""

    vectors: Floats
    known: Bools


Held = Symbolic | Raw


@dataclass(frozen=True, slots=True)
class Attention:
    """Where a head looks: ``support`` (B, n, n) and ``known`` (B, n); ``weights`` (B, n, n) for a soft head
    and one with shares."""

    support: Bools
    known: Bools
    weights: Floats | None = None

    def pattern(self) -> Floats:
        """(B, n, n): uniform over the support, or the weights."""
        if self.weights is not None:
            return self.weights
        count = self.support.sum(axis=2, keepdims=True)
        return np.asarray(self.support / np.maximum(count, 1))


def symbolic(kind: Kinds, code: Ints) -> Symbolic:
    """No mixtures."""
    return Symbolic(kind, code, np.zeros(kind.shape, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 0)))


def from_codes(code: Ints) -> Symbolic:
    """Pure where ``code`` is a code, empty where it is ``NOTHING``."""
    return symbolic(np.where(code == NOTHING, Kind.EMPTY, Kind.PURE).astype(np.uint8), code)


def from_shares(kind: Kinds, code: Ints, rows: Ints, universe: Ints, shares: Floats) -> Symbolic:
    """``kind`` and ``code`` as given, but for the flat positions ``rows``, which hold ``shares`` of ``universe``."""
    present = np.abs(shares) > EXACT
    count = present.sum(axis=1)
    first = present.argmax(axis=1) if shares.shape[1] else np.zeros(len(rows), dtype=np.int64)
    single = (count == 1) & (np.abs(shares.sum(axis=1) - 1) <= EXACT)
    kind, code = kind.copy(), code.copy()
    kind.flat[rows] = np.where(count == 0, Kind.EMPTY, np.where(single, Kind.PURE, Kind.MIXED))
    code.flat[rows] = np.where(single, universe[first], NOTHING) if len(universe) else NOTHING
    mixed = np.flatnonzero((count > 0) & ~single)
    slot = np.zeros(kind.shape, dtype=np.int64)
    slot.flat[rows[mixed]] = np.arange(len(mixed))
    return Symbolic(kind, code, slot, universe, np.where(present, shares, 0.0)[mixed])


def dense(held: Symbolic, rows: Ints, universe: Ints) -> Floats:
    """(M, U): the shares of ``universe`` (which holds every code that occurs) at the flat positions ``rows``."""
    result = np.zeros((len(rows), len(universe)))
    kind = held.kind.flat[rows]
    pure = np.flatnonzero(kind == Kind.PURE)
    result[pure, lookup(held.code.flat[rows[pure]], universe)[0]] = 1.0
    mixed = np.flatnonzero(kind == Kind.MIXED)
    if len(mixed):
        columns = lookup(held.universe, universe)[0]
        result[np.ix_(mixed, columns)] = held.shares[held.slot.flat[rows[mixed]]]
    return result


def occurring(held: Symbolic) -> Ints:
    """The codes that occur anywhere in ``held``, sorted."""
    return np.union1d(held.code[held.kind == Kind.PURE], held.universe)


def add(left: Symbolic, right: Symbolic) -> Symbolic:
    """The sum, position by position; unknown where either is."""
    unknown = (left.kind == Kind.UNKNOWN) | (right.kind == Kind.UNKNOWN)
    take_right = left.kind == Kind.EMPTY
    kind = np.where(unknown, Kind.UNKNOWN, np.where(take_right, right.kind, left.kind)).astype(np.uint8)
    code = np.where(unknown, NOTHING, np.where(take_right, right.code, left.code))
    both = ~unknown & (left.kind != Kind.EMPTY) & (right.kind != Kind.EMPTY)
    rows = np.flatnonzero(both | (kind == Kind.MIXED))
    if not len(rows):
        return symbolic(kind, code)
    universe = np.union1d(occurring(left), occurring(right))
    return from_shares(kind, code, rows, universe, dense(left, rows, universe) + dense(right, rows, universe))


def to_raw(held: Held, subspace: Subspace, numbers: Numbers) -> Raw:
    """The coordinates of what ``held`` stands for."""
    if isinstance(held, Raw):
        return held
    encoding = of_one_value(subspace.encoding)
    size = numbers.size(encoding)
    vectors = np.zeros((held.kind.size, size))
    pure = np.flatnonzero(held.kind == Kind.PURE)
    if len(pure):
        codes, inverse = np.unique(held.code.flat[pure], return_inverse=True)
        vectors[pure] = numbers.features(encoding, codes)[inverse]
    mixed = np.flatnonzero(held.kind == Kind.MIXED)
    if len(mixed):
        vectors[mixed] = held.shares[held.slot.flat[mixed]] @ numbers.features(encoding, held.universe)
    return Raw(vectors.reshape(*held.kind.shape, size), held.kind != Kind.UNKNOWN)


# ------------------------------------------------------------------ reading


def read(held: Held, subspace: Subspace, numbers: Numbers) -> Reading:
    """What a relation sees: coordinates are decoded where they equal an encoded value within 1e-9."""
    if isinstance(held, Symbolic):
        return _paired(held, subspace.encoding) if isinstance(subspace.encoding, PhasePairs) else held.reading
    code, empty = _decode(held.vectors, subspace, numbers)
    kind = np.where(code != NOTHING, Kind.PURE, np.where(empty, Kind.EMPTY, Kind.MIXED))
    kind = np.where(held.known, kind, Kind.UNKNOWN).astype(np.uint8)
    return Reading(kind, np.where(kind == Kind.PURE, code, NOTHING))


def _paired(held: Symbolic, encoding: PhasePairs) -> Reading:
    """Pairs where one value stands twice, or two once each; one alone is no pair."""
    low, high = encoding.of.low, encoding.of.high
    shown = held.shares != 0
    once, twice = np.abs(held.shares - 1) <= EXACT, np.abs(held.shares - 2) <= EXACT
    clear = (~shown | once | twice).all(axis=1) & (once.sum(axis=1) + 2 * twice.sum(axis=1) == 2)
    pairs = np.full(len(shown) + 1, NOTHING, dtype=np.int64)  # the last one is for what is no mixture
    if len(held.universe):
        least, most = held.universe[shown.argmax(axis=1)], held.universe[::-1][shown[:, ::-1].argmax(axis=1)]
        clear &= (low <= least) & (most <= high)
        pairs[:-1] = np.where(clear, (least - low) * (high - low + 1) + most - low, NOTHING)
    code = pairs[np.where(held.kind == Kind.MIXED, held.slot, len(shown))]
    kind = np.where(held.kind == Kind.PURE, Kind.MIXED, np.where(code != NOTHING, Kind.PURE, held.kind))
    return Reading(kind.astype(np.uint8), code)


def _decode(vectors: Floats, subspace: Subspace, numbers: Numbers) -> tuple[Ints, Bools]:
    """(code or ``NOTHING``, is it the zero vector); an empty number reads as 0."""
    encoding = subspace.encoding
    empty = np.asarray((np.abs(vectors) <= NEAR).all(axis=2))
    match encoding:
        case ScalarValue() | Quadratic():
            whole = np.round(vectors[..., 0])
            close = np.abs(vectors[..., 0] - whole) <= NEAR
            if isinstance(encoding, Quadratic):
                close &= np.abs(vectors[..., 1] - whole * whole) <= NEAR
            return np.where(close, whole, NOTHING).astype(np.int64), empty
        case Pairs():
            return _pair(vectors, encoding, numbers), empty
        case PhasePairs():  # two opposite points add up to nothing, which is no pair here
            return np.where(empty, NOTHING, _pair(vectors, encoding, numbers)), empty
        case OneHot() | Code() | Phase():
            values = numbers.values(encoding)
            features = numbers.features(encoding, values)
            flat = vectors.reshape(-1, vectors.shape[2])
            best = (flat @ features.T).argmax(axis=1)
            close = (np.abs(flat - features[best]) <= NEAR).all(axis=1) & ~empty.reshape(-1)
            return np.where(close, values[best], NOTHING).reshape(empty.shape), empty
        case _:
            return np.full(empty.shape, NOTHING, dtype=np.int64), empty


def _pair(vectors: Floats, encoding: AnyPairs, numbers: Numbers) -> Ints:
    """The one pair whose sum stands there; ``NOTHING`` where there is none, or several."""
    values = numbers.values(encoding)
    features = numbers.features(encoding, values)
    flat = vectors.reshape(-1, vectors.shape[2])
    rows = max(1, PLACES // len(values))
    blocks = [_nearest_pair(flat[i : i + rows], values, features) for i in range(0, len(flat), rows)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *blocks]).reshape(vectors.shape[:2])


def _nearest_pair(flat: Floats, values: Ints, features: Floats) -> Ints:
    nearest = flat @ features.T - (features * features).sum(axis=1) / 2
    best = nearest.argmax(axis=1)
    close = (np.abs(flat - features[best]) <= NEAR).all(axis=1)
    nearest[np.arange(len(flat)), best] = -np.inf
    second = features[nearest.argmax(axis=1)]
    alone = ~(np.abs(flat - second) <= NEAR).all(axis=1) if len(values) > 1 else np.ones_like(close)
    return np.where(close & alone, values[best], NOTHING)


# ------------------------------------------------------------------ moving


def moved_codes(codes: Ints, copy: Copy, target: Subspace, numbers: Numbers) -> Ints:
    """What ``copy`` makes of each value: + shift, then through the table, then as ``target`` holds it."""
    codes = shifted(codes, copy.shift)
    if copy.table is not None:
        arguments = numbers.codec.codes(tuple(argument for argument, _ in copy.table))
        images = numbers.codec.codes(tuple(image for _, image in copy.table))
        index, found = lookup(codes, arguments)
        codes = np.where(found, np.append(images, NOTHING)[index], NOTHING)
    return numbers.canonical(of_one_value(target.encoding), codes)


def unknown_sources(attention: Attention, known: Bools) -> Bools:
    """(B, n): which queries look at a key whose value is not known."""
    if known.all():
        return np.zeros(known.shape, dtype=np.bool_)
    return np.asarray((attention.support & ~known[:, None, :]).any(axis=2))


def transport(held: Symbolic, attention: Attention, copy: Copy, target: Subspace, numbers: Numbers) -> Symbolic:
    """coefficient * mean over the support of the moved values, for a hard head."""
    batch, n = held.kind.shape
    unknown = ~attention.known | unknown_sources(attention, held.kind != Kind.UNKNOWN)
    count = np.where(unknown, 0, attention.support.sum(axis=2))
    key = attention.support.argmax(axis=2)
    here = np.arange(batch)[:, None]
    code = moved_codes(held.code[here, key], copy, target, numbers)
    code = np.where(count == 1, code, NOTHING)
    kind = np.where(unknown, Kind.UNKNOWN, np.where(code != NOTHING, Kind.PURE, Kind.EMPTY)).astype(np.uint8)
    coefficient = numbers.number(copy.coefficient)
    simple = (count == 0) | ((count == 1) & (held.kind[here, key] != Kind.MIXED) & (coefficient == 1))
    rows = np.flatnonzero(~simple)
    if not len(rows):
        return symbolic(kind, code)
    moved = moved_codes(occurring(held), copy, target, numbers)
    universe = np.unique(moved[moved != NOTHING])
    shares = _summed(held, attention.support, rows, copy, target, universe, numbers)
    shares *= coefficient
    shares /= count.flat[rows][:, None]
    return from_shares(kind, code, rows, universe, shares)


def _summed(
    held: Symbolic, support: Bools, rows: Ints, copy: Copy, target: Subspace, universe: Ints, numbers: Numbers
) -> Floats:
    """(M, U): the moved values of all keys in the support of each flat query in ``rows``, added up."""
    n = held.kind.shape[1]
    row, key = np.nonzero(support.reshape(-1, n)[rows])
    source = (rows[row] // n) * n + key
    column, found = lookup(moved_codes(held.code.flat[source], copy, target, numbers), universe)
    pure = (held.kind.flat[source] == Kind.PURE) & found
    width = len(universe)
    counts = np.bincount(row[pure] * width + column[pure], minlength=len(rows) * width)
    result = counts.reshape(len(rows), width).astype(np.float64)
    if len(held.shares):
        _add_mixed(result, held, support, rows, _moved_shares(held, copy, target, universe, numbers))
    return result


def _moved_shares(held: Symbolic, copy: Copy, target: Subspace, universe: Ints, numbers: Numbers) -> Floats:
    column, found = lookup(moved_codes(held.universe, copy, target, numbers), universe)
    result = np.zeros((len(universe), len(held.shares)))
    np.add.at(result, column[found], held.shares.T[found])
    return result.T


def _add_mixed(result: Floats, held: Symbolic, support: Bools, rows: Ints, shares: Floats) -> None:
    """Adds the mixed keys, one sequence at a time (a product of its support with their shares)."""
    n = held.kind.shape[1]
    for b in np.unique(rows // n):
        mixed = np.flatnonzero(held.kind[b] == Kind.MIXED)
        begin, end = np.searchsorted(rows, [b * n, (b + 1) * n])
        if len(mixed):
            looks = support[b][np.ix_(rows[begin:end] - b * n, mixed)].astype(np.float64)
            result[begin:end] += looks @ shares[held.slot[b, mixed]]


def linear_map(copy: Copy, source: Subspace, target: Subspace, numbers: Numbers) -> tuple[Floats, Floats]:
    """(matrix, bias) with moved coordinates = matrix @ coordinates + bias, coefficient left out."""
    size = numbers.size(target.encoding)
    zero = np.zeros(size)
    match source.encoding, target.encoding:
        case _, (Pairs() | PhasePairs()):
            return np.eye(size), zero
        case OneHot(), _:
            moved = moved_codes(numbers.values(source.encoding), copy, target, numbers)
            features = numbers.features(target.encoding, np.where(moved == NOTHING, 0, moved))
            return (features * (moved != NOTHING)[:, None]).T, zero
        case Phase(), Phase():
            return rotation(source.encoding, target.encoding, copy.shift, numbers), zero
        case ((ScalarValue() | Quadratic()), (ScalarValue() | Quadratic())):
            k = float(copy.shift)
            full = np.array([[1.0, 0.0], [2 * k, 1.0]])
            return full[:size, : numbers.size(source.encoding)], np.array([k, k * k])[:size]
        case _:
            assert len(source.coordinates) == size, "resolution checks that the encodings fit"
            return np.eye(size), zero


def rotation(source: Phase, target: Phase, shift: int, numbers: Numbers) -> Floats:
    """Every pair turned by shift * frequency, and rescaled from the source's to the target's magnitudes."""
    angles = shift * numbers.frequencies(source)
    ratio = numbers.magnitudes(target) / numbers.magnitudes(source)
    result = np.zeros((2 * len(angles), 2 * len(angles)))
    for j, (angle, scale) in enumerate(zip(angles, ratio, strict=True)):
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        result[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, -s], [s, c]]
    return result


def transport_raw(
    held: Held, attention: Attention, copy: Copy, source: Subspace, target: Subspace, numbers: Numbers
) -> Raw:
    """coefficient * (attention-weighted mean of the moved coordinates)."""
    raw = to_raw(held, source, numbers)
    matrix, bias = linear_map(copy, source, target, numbers)
    moved = raw.vectors @ matrix.T + bias
    known = attention.known & ~unknown_sources(attention, raw.known)
    mean = mean_over_keys(attention, moved)
    return Raw(mean * numbers.number(copy.coefficient), known)


def mean_over_keys(attention: Attention, vectors: Floats) -> Floats:
    """(B, n, d): sum_k pattern[q, k] vectors[k]; a sum of the support divided once, for a hard head."""
    if attention.weights is not None:
        return attention.weights @ vectors
    count = attention.support.sum(axis=2, keepdims=True)
    if (count <= 1).all():
        key = attention.support.argmax(axis=2)
        return np.asarray(vectors[np.arange(len(key))[:, None], key] * count)
    return np.asarray((attention.support.astype(np.float64) @ vectors) / np.maximum(count, 1))
