"""Typical mistakes in what a head moves: W_O W_V beside ours.

In: two OV circuits, a ``Glimpse`` of the keys.  Out: ``Variant`` s that say how ours would have to be changed to be the
answer.  Not for: telling exactly whether it is (``mistakes``).

What is moved is compared row by row: ``written[r]`` is what coordinate r receives from every key that there can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headspec.course import wording
from headspec.course.glimpse import CLOSE, Floats, Glimpse
from headspec.course.ratios import common_ratio
from headspec.course.variants import Variant

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.program import Program

ROUNDING = 1e-7
"""What is smaller than this, beside all that is moved, is nothing."""


@dataclass(frozen=True)
class Moves:
    """The answer's OV circuit and ours; ``theirs`` and ``mine`` (d_model, states): what every coordinate receives."""

    program: Program
    answer: Matrix
    ours: Matrix
    glimpse: Glimpse
    theirs: Floats
    mine: Floats

    def right(self, row: int) -> bool:
        return self.close(self.theirs[row], self.mine[row])

    def close(self, a: Floats, b: Floats) -> bool:
        """Beside the size of the two rows: slow directions may be a thousandth of the others."""
        scale = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
        return self.empty(a - b) or bool(np.abs(a - b).max(initial=0.0) <= CLOSE * scale)

    def empty(self, row: Floats) -> bool:
        largest = max(np.abs(self.mine).max(initial=0.0), np.abs(self.theirs).max(initial=0.0))
        return bool(np.abs(row).max(initial=0.0) <= ROUNDING * largest)

    @property
    def occupied(self) -> list[int]:
        """The coordinates that should receive something."""
        return [r for r in range(len(self.mine)) if not self.empty(self.mine[r])]


def move_variants(program: Program, answer: Matrix, ours: Matrix, glimpse: Glimpse) -> Iterator[Variant]:
    """How ours would have to be changed to be the answer, the most specific change first."""
    width = min(program.width, ours.rows)
    theirs, mine = glimpse.moved(answer).T[:width], glimpse.moved(ours).T[:width]
    moves = Moves(program, answer, ours, glimpse, theirs, mine)
    yield from _whole(moves)
    yield from _nothing(moves)
    yield from _elsewhere(moves)
    yield from _rows(moves)
    yield from _from_elsewhere(moves)
    yield from _otherwise(moves)


# ---------------------------------------------------------------- the whole


def _nothing(moves: Moves) -> Iterator[Variant]:
    from compiler.exact import Matrix

    if all(moves.empty(row) for row in moves.theirs):
        says = "Nothing is moved: W_O W_V is zero on everything that this head can find. Do the columns of W_O and the "
        says += "rows of W_V belong to each other, and does W_V read what is there?"
        yield Variant("copies-nothing", says, Matrix.zeros(*moves.ours.shape))


def _whole(moves: Moves) -> Iterator[Variant]:
    says = "W_O W_V is the transpose of what it should be: it reads where it should write, and writes where it should "
    says += "read. W_V stands on the right and reads; W_O stands on the left and writes."
    turned = moves.glimpse.matrix(moves.answer) - moves.glimpse.matrix(moves.ours).T
    if np.abs(turned).max(initial=0.0) <= ROUNDING * np.abs(moves.glimpse.matrix(moves.ours)).max(initial=0.0):
        yield Variant("transposed", says, moves.ours.T)
    free = (moves.answer.symbols() | moves.ours.symbols()) - moves.glimpse.values.keys()
    ratio = common_ratio(moves.answer, moves.ours, None if free else moves.glimpse.values)
    exact = common_ratio(moves.answer, moves.ours)
    for factor in (exact, ratio):
        if factor is not None and not (factor.is_rational() and factor.as_fraction() in (0, 1)):
            shown = str(factor) if len(str(factor)) < 24 else f"about {factor.to_float(moves.glimpse.values):.4g}"
            says = f"What is moved is {shown} times what it should be. No softmax evens that out, as it does with "
            says += "scores: here the size counts."
            yield Variant("scaled-copy", says, moves.ours.scale(factor))


# ---------------------------------------------------------------- written elsewhere


def _elsewhere(moves: Moves) -> Iterator[Variant]:
    """Rows of ours that the answer has at other coordinates."""
    target = {r: _found_at(moves, r) for r in moves.occupied if not moves.right(r)}
    if not target or any(new is None for new in target.values()):
        return
    rows = {old: new for old, new in target.items() if new is not None}
    if len(set(rows.values())) < len(rows):
        return
    from compiler.exact import Matrix

    entries = {(rows.get(i, i), j): entry for (i, j), entry in moves.ours.entries.items()}
    circuit = Matrix(*moves.ours.shape, entries)
    if set(rows.values()) <= set(rows):
        says = "What is moved arrives in another order than it should: look at what each of "
        says += f"{wording.places(moves.program, rows)} receives."
        yield Variant("copies-in-another-order", says, circuit)
        return
    says = "It moves what it should, and writes it to the wrong place: what belongs in "
    says += f"{wording.places(moves.program, rows)} goes to {wording.places(moves.program, rows.values())}."
    yield Variant("copies-to-the-wrong-subspace", says, circuit)


def _found_at(moves: Moves, row: int) -> int | None:
    """Another coordinate that receives what ``row`` should; of several, the one at the same distance as its neighbours
    would be is not looked for: the first that is not right as it is."""
    for other in range(len(moves.theirs)):
        if other != row and moves.close(moves.theirs[other], moves.mine[row]) and not moves.right(other):
            return other
    return None


# ---------------------------------------------------------------- read elsewhere


def _from_elsewhere(moves: Moves) -> Iterator[Variant]:
    """Ours with another subspace of the same size in the place of one that is read."""
    from compiler.exact import Matrix

    program = moves.program
    read = {j for _, j in moves.ours.entries}
    for source in program.subspaces:
        if not read & set(source.coordinates):
            continue
        for other in program.subspaces:
            if other.name == source.name or len(other.coordinates) != len(source.coordinates):
                continue
            if not moves.answer.by_column.keys() & set(other.coordinates):
                continue
            columns = dict(zip(source.coordinates, other.coordinates, strict=True))
            entries = {(i, columns.get(j, j)): entry for (i, j), entry in moves.ours.entries.items()}
            says = f"It writes to the right place, and reads the wrong subspace at the key: `{other.name}` where "
            says += f"`{source.name}` is meant. Mend W_V."
            yield Variant("copies-from-the-wrong-subspace", says, Matrix(*moves.ours.shape, entries))


# ---------------------------------------------------------------- too little, too much


def _rows(moves: Moves) -> Iterator[Variant]:
    """Rows that are missing, and rows that should be empty."""
    from compiler.exact import Matrix

    occupied = set(moves.occupied)
    missing = {r for r in occupied if moves.empty(moves.theirs[r])}
    extra = {r for r in range(len(moves.theirs)) if r not in occupied and not moves.empty(moves.theirs[r])}
    stray = Matrix(*moves.ours.shape, {(i, j): e for (i, j), e in moves.answer.entries.items() if i in extra})
    kept = Matrix(*moves.ours.shape, {(i, j): e for (i, j), e in moves.ours.entries.items() if i not in missing})
    circuit = kept + stray
    if missing and missing != occupied:
        says = f"Only a part is moved: {wording.places(moves.program, missing)} should receive something and does not."
        yield Variant("copies-only-part", says, circuit)
    if extra and missing != occupied:
        says = f"More is moved than should be: {wording.places(moves.program, extra)} should receive nothing, and what "
        says += "is written there stays there for every later head."
        yield Variant("copies-too-much", says, circuit)


def _otherwise(moves: Moves) -> Iterator[Variant]:
    """Some of the right coordinates receive something else, and nothing goes astray."""
    from compiler.exact import Matrix

    occupied = moves.occupied
    wrong = {r for r in occupied if not moves.right(r)}
    if not wrong or (len(wrong) == len(occupied) and len(wrong) > 1):
        return
    theirs = {(i, j): e for (i, j), e in moves.answer.entries.items() if i in wrong}
    kept = {(i, j): e for (i, j), e in moves.ours.entries.items() if i not in wrong}
    says = f"What arrives in {wording.places(moves.program, wrong)} is not what should; everything else is right. See "
    says += "which row of W_V is read there."
    yield Variant("copies-something-else", says, Matrix(*moves.ours.shape, kept | theirs))
