"""What a relation sees when it reads a subspace: a value, nothing, a mixture, or what is not known.

In: what a subspace holds.  Out: ``Reading``.  Not for: what a relation makes of it (``fit``).
"""

from __future__ import annotations

import numpy as np

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
)
from compiler.reference.numbers import NOTHING, Floats, Ints, Numbers
from compiler.reference.values import (
    EXACT,
    NEAR,
    Bools,
    Held,
    Kind,
    Reading,
    Symbolic,
)

PLACES = 1 << 22
"""So many vectors, times pairs, are compared at once."""


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
