"""A named matrix as text: a grid where it is narrow, else a list of its entries.

In: ``NamedMatrix``.  Out: text, with names for rows and columns.  Not for: LaTeX (``latex``), JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent
from typing import TYPE_CHECKING

from headspec.matrices.latex import render_latex
from headspec.matrices.named import GRID_COLUMNS, NamedMatrix, extended, occupied
from headspec.matrices.runs import STEPS, Run, runs_of

if TYPE_CHECKING:
    from compiler.exact import Matrix

GRID_WIDTH = 150
LISTED = 400


def render_matrix(named: NamedMatrix, *, latex: bool = False) -> str:
    """A grid of the columns (and, for circuits, rows) that are not zero; a list of entries when it is too wide."""
    if latex:
        return render_latex(named)
    if not named.matrix.entries:
        return f"{_heading(named)}\n  (zero)"
    return "\n".join([_heading(named), *_body(named)])


def draw_circuit(matrix: Matrix, residual: tuple[str, ...]) -> str:
    """A matrix between residual streams (a net head, a virtual head) as ``render_matrix`` draws it, without heading."""
    rows, columns = (extended(residual, size) for size in matrix.shape)
    return dedent("\n".join(_body(NamedMatrix("", matrix, rows, columns))))


def _body(named: NamedMatrix) -> list[str]:
    rows, columns = occupied(named)
    if len(columns) <= GRID_COLUMNS:
        grid = _grid(named, rows, columns)
        if max(map(len, grid)) <= GRID_WIDTH:
            return grid
    return _listing(named)


def _heading(named: NamedMatrix) -> str:
    matrix, count = named.matrix, len(named.matrix.entries)
    rank = "" if named.rank is None else f", rank {named.rank}"
    return f"{named.title}  ({matrix.rows} x {matrix.columns}), {count} nonzero{'s' * (count != 1)}{rank}"


def _grid(named: NamedMatrix, rows: Sequence[int], columns: Sequence[int]) -> list[str]:
    entries = named.matrix.entries
    cells = [["", *(named.column_names[j] for j in columns)]]
    for i in rows:
        cells.append([named.row_names[i], *(str(entries[i, j]) if (i, j) in entries else "." for j in columns)])
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _listing(named: NamedMatrix) -> list[str]:
    """One line per nonzero, in row-major order; equal entries of a row, a diagonal, a column or a block share one."""
    lines = [_run_text(named, run) for run in runs_of(named.matrix)]
    if len(lines) <= LISTED:
        return lines
    return [*lines[:LISTED], f"  ... and {len(lines) - LISTED} more lines (--json gives all)"]


def _run_text(named: NamedMatrix, run: Run) -> str:
    i, j = run.row, run.column
    first = f"[{named.row_names[i]}, {named.column_names[j]}]"
    if run.size == 1:
        return f"  {first}  {named.matrix.entries[i, j]}"
    row, column = run.places()[-1]
    way = f"{run.length} {STEPS[run.step]}" if run.height == 1 else f"a block of {run.height} x {run.length}"
    last = f"[{named.row_names[row]}, {named.column_names[column]}]"
    return f"  {first} ... {last}  {named.matrix.entries[i, j]}  ({way})"
