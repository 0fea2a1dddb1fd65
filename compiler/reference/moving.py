"""How attention moves what a subspace holds: means over the keys that are attended to, through a copy.

In: what the source holds, an ``Attention``, a ``Copy``.  Out: what is added to the target.  Not for: deciding where a
head attends (``fit``, ``soft``).
"""

from __future__ import annotations

import numpy as np

from compiler.encodings import (
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
from compiler.reference.numbers import NOTHING, Floats, Ints, Numbers, lookup, shifted
from compiler.reference.values import (
    Attention,
    Bools,
    Held,
    Kind,
    Raw,
    Symbolic,
    from_shares,
    occurring,
    symbolic,
    to_raw,
)


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
