"""What a subspace holds at every position of a batch.

In: codes of values, shares.  Out: ``Symbolic`` (combinations of encoded values) or ``Raw`` (coordinates).
Not for: what a relation sees of it (``reading``), nor how attention moves it (``moving``).

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
    Subspace,
    of_one_value,
)
from compiler.reference.numbers import NOTHING, Codec, Floats, Ints, Numbers, lookup

Bools = NDArray[np.bool_]
Kinds = NDArray[np.uint8]

EXACT = 1e-12
NEAR = 1e-9


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
