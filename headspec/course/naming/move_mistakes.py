"""Typical mistakes in what a head moves: W_O W_V beside ours.

In: two OV circuits that differ, and a ``Glimpse`` of the keys.  Out: ``Mistake`` s.  Not for: telling whether they
differ (``compiler.equivalence``).

What is moved is compared row by row, in floats and from every key that there can be: ``mine[r]`` is what coordinate r
should receive, ``theirs[r]`` what it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from headspec.course.naming import wording
from headspec.course.naming.glimpse import Floats, Glimpse
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.program import Program

CLOSE = 1e-5
"""Rows closer than this, relative to their size, are the same: as for moves that are right up to rounding."""
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

    def close(self, a: Floats, b: Floats) -> bool:
        """Beside the size of the two rows: slow directions may be a thousandth of the others."""
        scale = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
        return self.empty(a - b) or bool(np.abs(a - b).max(initial=0.0) <= CLOSE * scale)

    def empty(self, row: Floats) -> bool:
        largest = max(np.abs(self.mine).max(initial=0.0), np.abs(self.theirs).max(initial=0.0))
        return bool(np.abs(row).max(initial=0.0) <= ROUNDING * largest)

    @cached_property
    def occupied(self) -> frozenset[int]:
        """The coordinates that should receive something."""
        return frozenset(r for r in range(len(self.mine)) if not self.empty(self.mine[r]))

    @cached_property
    def off(self) -> frozenset[int]:
        """Those of them that receive something else, or nothing."""
        return frozenset(r for r in self.occupied if not self.close(self.theirs[r], self.mine[r]))

    @cached_property
    def missing(self) -> frozenset[int]:
        return frozenset(r for r in self.off if self.empty(self.theirs[r]))

    @cached_property
    def extra(self) -> frozenset[int]:
        """The coordinates that should receive nothing, and do."""
        free = set(range(len(self.mine))) - self.occupied
        return frozenset(r for r in free if not self.empty(self.theirs[r]))

    def places(self, rows: frozenset[int]) -> str:
        return wording.places(self.program, rows)


def move_mistakes(program: Program, answer: Matrix, ours: Matrix, glimpse: Glimpse) -> list[Mistake]:
    """What is wrong with ``answer``, the most specific first; empty where no word for it is found."""
    width = min(program.width, ours.rows)
    theirs, mine = glimpse.moved(answer).T[:width], glimpse.moved(ours).T[:width]
    moves = Moves(program, answer, ours, glimpse, theirs, mine)
    whole = [*_transposed(moves), *_nothing(moves), *_scaled(moves)]
    return whole or list(_by_rows(moves))


# ---------------------------------------------------------------- the whole


def _transposed(moves: Moves) -> Iterator[Mistake]:
    ours = moves.glimpse.matrix(moves.ours)
    turned = moves.glimpse.matrix(moves.answer) - ours.T
    if np.abs(turned).max(initial=0.0) <= ROUNDING * np.abs(ours).max(initial=0.0):
        says = "W_O W_V is the transpose of what it should be: it reads where it should write, and writes where it "
        says += "should read. W_V stands on the right and reads; W_O stands on the left and writes."
        yield Mistake("transposed", says)


def _nothing(moves: Moves) -> Iterator[Mistake]:
    if moves.missing == moves.occupied and moves.occupied and not moves.extra:
        says = "Nothing is moved: W_O W_V is zero on everything that this head can find. Do the columns of W_O and the "
        says += "rows of W_V belong to each other, and does W_V read what is there?"
        yield Mistake("copies-nothing", says)


def _scaled(moves: Moves) -> Iterator[Mistake]:
    from headspec.course.judging.ratios import common_ratio

    square = float((moves.mine**2).sum())
    factor = float((moves.mine * moves.theirs).sum()) / square if square else 0.0
    wrong = moves.extra or not all(moves.close(moves.theirs[r], factor * moves.mine[r]) for r in moves.occupied)
    if wrong or abs(factor) < ROUNDING or abs(factor - 1) < CLOSE:
        return
    if abs(factor + 1) < CLOSE:
        yield Mistake("sign", "What is moved has the wrong sign: change that of W_V or of W_O, not of both.")
        return
    exact = common_ratio(moves.answer, moves.ours)
    shown = str(exact) if exact is not None and len(str(exact)) < 24 else f"about {factor:.4g}"
    says = f"What is moved is {shown} times what it should be. No softmax evens that out, as it does with scores: here "
    yield Mistake("scaled-copy", says + "the size counts.")


# ---------------------------------------------------------------- row by row


def _by_rows(moves: Moves) -> Iterator[Mistake]:
    """Each coordinate that is off is explained once; what goes astray beside them is said as well."""
    target = _targets(moves)
    if target:
        yield _elsewhere(moves, target)
    left = moves.off - target.keys()
    for rows, mistake in _from_elsewhere(moves, left - moves.missing):
        left = left - rows
        yield mistake
    mixed = {r for r in left - moves.missing if _right_without_the_rest(moves, r)}
    astray = moves.extra - set(target.values())
    if astray or mixed:
        yield Mistake("copies-too-much", _too_much(moves, astray, frozenset(mixed)))
    missing = moves.missing & left
    if missing:
        says = f"Only a part is moved: nothing arrives in {moves.places(missing)}, where something should."
        yield Mistake("copies-only-part", says)
    rest = left - missing - mixed
    if rest and len(rest) < len(moves.occupied):
        says = f"What arrives in {moves.places(rest)} is not what should. See which row of W_V is read there."
        yield Mistake("copies-something-else", says)


def _targets(moves: Moves) -> dict[int, int]:
    """Where the coordinates that are off have gone, where all of them are found again; else empty."""
    found: dict[int, int] = {}
    for row in sorted(moves.off):
        free = [r for r in range(len(moves.mine)) if r not in found.values() and (r in moves.off or r in moves.extra)]
        other = next((r for r in free if r != row and moves.close(moves.theirs[r], moves.mine[row])), None)
        if other is None:
            return {}
        found[row] = other
    return found


def _elsewhere(moves: Moves, target: dict[int, int]) -> Mistake:
    wanted, got = moves.places(frozenset(target)), moves.places(frozenset(target.values()))
    if set(target.values()) <= set(target):
        says = f"What is moved arrives in another order than it should: look at what each of {wanted} receives."
        return Mistake("copies-in-another-order", says)
    says = f"The right thing is moved to the wrong place: what belongs in {wanted} goes to {got}."
    return Mistake("copies-to-the-wrong-subspace", says)


def _from_elsewhere(moves: Moves, rows: frozenset[int]) -> Iterator[tuple[frozenset[int], Mistake]]:
    """Rows that would be ours if another subspace of the same size were read."""
    from compiler.exact import Matrix

    for source in moves.program.subspaces:
        reading = {i for i, j in moves.ours.entries if j in source.coordinates} & rows
        for other in moves.program.subspaces:
            if not reading or other.name == source.name or len(other.coordinates) != len(source.coordinates):
                continue
            columns = dict(zip(source.coordinates, other.coordinates, strict=True))
            entries = {(i, columns.get(j, j)): e for (i, j), e in moves.ours.entries.items() if i in reading}
            moved = moves.glimpse.moved(Matrix(*moves.ours.shape, entries)).T
            same = {r for r in reading if moves.close(moves.theirs[r], moved[r])}
            if same == reading:
                says = f"It writes to the right place, and reads the wrong subspace at the key: `{other.name}` where "
                says += f"`{source.name}` is meant. Mend W_V."
                yield frozenset(same), Mistake("copies-from-the-wrong-subspace", says)
                break


def _right_without_the_rest(moves: Moves, row: int) -> bool:
    """Would the row be right if only what ours reads there were read?"""
    from compiler.exact import Matrix

    read = moves.ours.by_row.get(row, {})
    kept = {(row, j): e for j, e in moves.answer.row(row).items() if j in read}
    moved = moves.glimpse.moved(Matrix(*moves.answer.shape, kept)).T[row]
    return len(kept) < len(moves.answer.row(row)) and moves.close(moved, moves.mine[row])


def _too_much(moves: Moves, astray: frozenset[int], mixed: frozenset[int]) -> str:
    parts = [f"{moves.places(astray)} should receive nothing, and what is written there stays there"] if astray else []
    if mixed:
        read = {j for r in mixed for j in moves.answer.row(r).keys() - moves.ours.row(r).keys()}
        parts.append(
            f"beside what {moves.places(mixed)} should receive, {moves.places(frozenset(read))} is read as well"
        )
    return f"More is moved than should be: {wording.listed(parts)}."
