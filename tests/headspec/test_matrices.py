"""Listings of large matrices: every nonzero in exactly one line, equal ones together."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.exact import Matrix
from headspec.matrices.named import NamedMatrix
from headspec.matrices.runs import runs_of
from headspec.matrices.text import render_matrix


def named(rows: list[list[int]]) -> NamedMatrix:
    matrix = Matrix.from_rows(rows)
    row_names, column_names = (tuple(f"{side}{i}" for i in range(matrix.shape["rc".index(side)])) for side in "rc")
    return NamedMatrix("m", matrix, row_names, column_names)


@pytest.mark.parametrize("seed", range(20))
def test_every_nonzero_stands_in_one_line(seed: int) -> None:
    matrix = Matrix.from_rows(np.random.default_rng(seed).integers(0, 3, (9, 14)).tolist())
    places: list[tuple[int, int]] = []
    for run in runs_of(matrix):
        places += run.places()
        assert {matrix.entries[place] for place in run.places()} == {matrix.entries[run.row, run.column]}
    assert sorted(places) == sorted(matrix.entries)


def test_equal_entries_share_a_line() -> None:
    rows = [[0] * 14 for _ in range(6)]
    for i in range(4):
        rows[i][i], rows[i][13] = 1, 2  # a diagonal and a column
    rows[4][4:9] = rows[5][4:9] = [3] * 5  # a block
    rows[5][10:14] = [4, 5, 5, 5]  # one alone, and a row
    assert render_matrix(named(rows)).splitlines()[1:] == [
        "  [r0, c0] ... [r3, c3]  1  (4 down the diagonal)",
        "  [r0, c13] ... [r3, c13]  2  (4 down the column)",
        "  [r4, c4] ... [r5, c8]  3  (a block of 2 x 5)",
        "  [r5, c10]  4",
        "  [r5, c11] ... [r5, c13]  5  (3 along the row)",
    ]
