"""Arrays of integers: rows, each once and in order; how large the entries are.

In: rows.  Out: the different ones.  Not for: where the rows come from.

Rows are told apart as numbers in mixed radix, by flags where these are few: many times as fast as sorting rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
"""Integers: of 64 bits where they fit, of any size otherwise."""

LARGEST = 1 << 62
FLAGS = 1 << 22
"""Numbers below this are told apart by flags, others are sorted."""


def largest(values: Rows) -> int:
    """The largest absolute value; 0 of none."""
    return max(abs(int(values.min(initial=0))), abs(int(values.max(initial=0))))


def different(rows: Rows) -> Rows:
    """The rows in order, each once."""
    if not len(rows):
        return rows
    lows = [int(low) for low in rows.min(axis=0)]
    sizes = [int(high) - low + 1 for low, high in zip(lows, rows.max(axis=0), strict=True)]
    total = math.prod(sizes)
    if total >= LARGEST:
        return np.array(sorted(set(map(tuple, rows.tolist()))), dtype=rows.dtype)
    code = np.zeros(len(rows), dtype=np.int64)
    for low, size, column in zip(lows, sizes, rows.T, strict=True):
        code = code * size + (column - low).astype(np.int64)
    code = _once(code, total)
    columns = []
    for low, size in zip(reversed(lows), reversed(sizes), strict=True):
        code, digit = np.divmod(code, size)
        columns.append(digit.astype(rows.dtype) + low)
    return np.stack(columns[::-1], axis=1)


def _once(code: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    if total > FLAGS:
        return np.unique(code)
    flags = np.zeros(total, dtype=np.bool_)
    flags[code] = True
    return np.flatnonzero(flags)
