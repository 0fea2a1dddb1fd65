"""Minors that are not zero, by interval arithmetic.

In: a sparse matrix of balls (``numeric.Ball``), each around a real number.  Out: pivots: the minor of their rows and
columns is not zero, whatever the numbers in the balls are.  Not for: where the balls come from (``rank``).

Gaussian elimination in balls.  Take any real matrix with its entries in the balls: the same steps, done exactly on that
matrix, give entries within the balls of this elimination, since every operation encloses its result.  A pivot is taken
only where its ball is without 0, so the exact elimination divides by it too, and the minor is, up to its sign, the
product of the pivots (Moore, Kearfott and Cloud 2009, section 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.exact.numeric import Ball, divide, multiply

Row = dict[int, Ball]


def certain_pivots(rows: Mapping[int, Row], bits: int) -> list[tuple[int, int]]:
    """(row, column) of every pivot; balls count in units of 2^-bits."""
    pivots: dict[int, Row] = {}
    chosen: list[tuple[int, int]] = []
    for index in sorted(rows, key=lambda i: (len(rows[i]), i)):
        row = _reduced(rows[index], pivots, bits)
        column = max(row, key=lambda c: abs(row[c][0]) - row[c][1], default=None)
        if column is not None and abs(row[column][0]) > row[column][1]:
            pivots[column] = {c: divide(entry, row[column], bits) for c, entry in row.items() if c != column}
            chosen.append((index, column))
    return chosen


def _reduced(row: Row, pivots: Mapping[int, Row], bits: int) -> Row:
    """``row`` without the pivot columns, in the order in which the pivots were found."""
    row = dict(row)
    for column, pivot in pivots.items():
        factor = row.pop(column, None)
        if factor is None:
            continue
        for c, entry in pivot.items():
            middle, error = multiply(factor, entry, bits)
            before = row.get(c, (0, 0))
            row[c] = before[0] - middle, before[1] + error
    return row
