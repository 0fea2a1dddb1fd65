"""Equal entries of a matrix that stand in a line or a block, which a list shows on one line.

In: an exact ``Matrix``.  Out: ``Run`` s that hold every nonzero once.  Not for: how they are written (``text``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar

SHARED = 3  # so many equal entries share a line
STEPS = {(0, 1): "along the row", (1, 1): "down the diagonal", (1, 0): "down the column"}


@dataclass(frozen=True, slots=True)
class Run:
    """Equal entries: ``length`` from (row, column) on, ``step`` (rows, columns) apart; and so ``height`` times, each a
    row lower."""

    row: int
    column: int
    step: tuple[int, int]
    length: int
    height: int = 1

    def places(self) -> list[tuple[int, int]]:
        down, along = self.step
        lines = range(self.row, self.row + self.height)
        return [(row + i * down, self.column + i * along) for row in lines for i in range(self.length)]

    @property
    def size(self) -> int:
        return self.length * self.height


def runs_of(matrix: Matrix) -> list[Run]:
    """In row-major order of where they begin; each takes as many entries as it can of those that are left."""
    runs: list[Run] = []
    taken: set[tuple[int, int]] = set()
    for (i, j), value in sorted_entries(matrix):
        if (i, j) not in taken:
            lines = [_run(matrix, i, j, step, value, taken) for step in STEPS]
            run = max((*lines, _block(matrix, lines[0], value, taken)), key=lambda run: run.size)
            run = run if run.size >= SHARED else Run(i, j, (0, 1), 1)
            taken.update(run.places())
            runs.append(run)
    return runs


def _run(matrix: Matrix, i: int, j: int, step: tuple[int, int], value: Scalar, taken: set[tuple[int, int]]) -> Run:
    length, (down, along) = 1, step
    while (place := (i + length * down, j + length * along)) not in taken and matrix.entries.get(place) == value:
        length += 1
    return Run(i, j, step, length)


def _block(matrix: Matrix, top: Run, value: Scalar, taken: set[tuple[int, int]]) -> Run:
    """The run ``top`` of a row with the equal ones below it."""
    block, below = top, replace(top, row=top.row + 1)
    while all(place not in taken and matrix.entries.get(place) == value for place in below.places()):
        block, below = replace(block, height=block.height + 1), replace(below, row=below.row + 1)
    return block


def sorted_entries(matrix: Matrix) -> list[tuple[tuple[int, int], Scalar]]:
    """Nonzero entries in row-major order."""
    return sorted(matrix.entries.items(), key=lambda entry: entry[0])
