"""Typical mistakes of heads under rotary positions, where a score is no bilinear form of two residual vectors.

In: W_Q and W_K of the answer and of ours, for a head in the first layer.  Out: ``Mistake`` s.  Not for: heads that read
positions from the stream (``variants``).

Scores are compared in floats, at every token at every position; what softmax does not see is taken off first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headspec.course.naming.glimpse import CLOSE, Floats, Glimpse
from headspec.course.naming.variants import other_shifts, shift_says
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from compiler.pipeline import Weights
    from compiler.program import Rotary
    from headspec.course.judging.handed_in import HeadMatrices


@dataclass(frozen=True)
class Turning:
    """Every (token, position) that can occur, and which of them occur together; ``angles``: those of the pairs."""

    residual: Floats
    positions: Floats
    queries: NDArray[np.int64]
    keys: NDArray[np.int64]
    rotary: Rotary
    angles: Floats

    def turned(self, rows: Floats, steps: Floats, layout: str | None = None) -> Floats:
        """(states, d_head) queries or keys, each pair turned by steps * its angle."""
        first, second = self.pairs(layout)
        out = rows.copy()
        turn = steps[:, None] * self.angles[None, :]
        a, b = rows[:, first], rows[:, second]
        out[:, first], out[:, second] = a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)
        return out

    def pairs(self, layout: str | None = None) -> tuple[list[int], list[int]]:
        half = self.rotary.dims // 2
        if (layout or self.rotary.layout) == "half":
            return list(range(half)), list(range(half, 2 * half))
        return list(range(0, 2 * half, 2)), list(range(1, 2 * half, 2))

    def parts(self, W_Q: Floats, W_K: Floats, ahead: int = 0) -> Floats:
        """``scores`` of each pair of rows, and of the rows that stand still, (pairs, parts)."""
        groups = [[i, j] for i, j in zip(*self.pairs(), strict=True)]
        groups.append(list(range(self.rotary.dims, len(W_Q))))
        columns = []
        for rows in groups:
            kept = np.zeros((len(W_Q), 1))
            kept[rows] = 1.0
            columns.append(self.scores(kept * W_Q, W_K, ahead))
        seen: Floats = np.stack(columns, axis=1)
        return seen[:, np.abs(seen).max(axis=0) > 0]

    def scores(
        self, W_Q: Floats, W_K: Floats, ahead: int = 0, layout: str | None = None, still: bool = False
    ) -> Floats:
        """Differences to the own score, for queries turned ``ahead`` steps more; ``still``: nothing turns."""
        steps: Floats = self.positions * (0.0 if still else 1.0)
        further: Floats = steps + float(ahead)
        queries = self.turned(self.residual @ W_Q.T, further, layout)[self.queries]
        keys = self.turned(self.residual @ W_K.T, steps, layout)
        seen: Floats = np.einsum("pd,pd->p", queries, keys[self.keys] - keys[self.queries])
        return seen


def rotary_mistakes(weights: Weights, name: str, theirs: HeadMatrices, ours: HeadMatrices) -> list[Mistake]:
    """What is wrong with the W_Q and W_K of head ``name``; empty for later layers, and where no word is found."""
    from compiler.program import Rotary

    program = weights.program
    head = program.head(name)
    if not isinstance(program.positions, Rotary) or program.biases or head.layer:
        return []
    turning = _turning(weights, program.positions)
    view = Glimpse(None, weights.bindings, turning.residual, turning.queries, turning.keys)  # for floats alone
    q, k, our_q, our_k = (view.matrix(m) for m in (theirs.W_Q, theirs.W_K, ours.W_Q, ours.W_K))
    seen = turning.scores(q, k)
    if np.abs(seen).max(initial=0.0) <= 1e-9 * np.abs(turning.residual @ q.T).max() * np.abs(k).max():
        return [Mistake("uniform", "All keys score the same, so attention spreads evenly over them.")]
    right = turning.parts(our_q, our_k)
    if _sum_of(seen, right):
        return []
    found: dict[str, Mistake] = {}
    for code, says, parts in _variants(turning, weights, name, our_q, our_k):
        if _sum_of(seen, parts):
            found.setdefault(code, Mistake(code, says))
    for code, says, scores in _readings(turning, q, k):
        says_nothing = np.abs(scores).max() <= 1e-9 * np.abs(seen).max()
        if not says_nothing and _sum_of(scores, right):
            found.setdefault(code, Mistake(code, says))
    return list(found.values())


def _sum_of(scores: Floats, parts: Floats) -> bool:
    """Are the scores a sum of ``parts`` (pairs, parts), each at least 0 times?  How loud each pair of rows is does not
    matter."""
    factors = np.linalg.lstsq(parts, scores, rcond=None)[0]
    largest = np.abs(scores).max(initial=0.0)
    near = np.abs(scores - parts @ factors).max(initial=0.0) <= CLOSE * largest
    return bool(near and (factors * np.abs(parts).max(axis=0) >= -CLOSE * largest).all())


def _turning(weights: Weights, rotary: Rotary) -> Turning:
    from compiler.circuits import rotary_angle
    from compiler.equivalence.pairs import pairs_together

    program = weights.program
    pairs = sorted(pairs_together(program.sequences))
    places = sorted({place for pair in pairs for place in pair})
    number = {place: i for i, place in enumerate(places)}
    bare = Glimpse(None, weights.bindings, np.zeros((0, 0)), np.zeros(0, np.int64), np.zeros(0, np.int64))
    tokens, where = bare.matrix(weights.W_E), bare.matrix(weights.W_pos)
    residual = np.array([tokens[:, t] + where[:, p] for t, p in places])
    angles = [_float(rotary_angle(rotary, p), weights.bindings) for p in range(rotary.dims // 2)]
    q, k = np.array([(number[a], number[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2).T
    return Turning(residual, np.array([float(p) for _, p in places]), q, k, rotary, np.array(angles))


def _float(angle: object, values: Mapping[str, Fraction]) -> float:
    from compiler.exact import Angle

    assert isinstance(angle, Angle)
    return float(angle.radians) + sum(float(weight) * float(values[name]) for name, weight in angle.symbols)


Named = tuple[str, str, Floats]
"""(code, what to say, scores or their parts)."""


def _variants(turning: Turning, weights: Weights, name: str, W_Q: Floats, W_K: Floats) -> Iterator[Named]:
    """Ours with a mistake in it."""
    from compiler.heads import Offset

    terms = weights.program.head(name).terms
    relations = [term.relation for term in terms if isinstance(term.relation, Offset)]
    for relation in relations[:1]:
        for code, new in other_shifts(relation.shift):
            parts = turning.parts(W_Q, W_K, new - relation.shift)
            yield code, shift_says(code, relation, Offset(new)), parts
    swapped = "Queries and keys have changed places: what W_Q should do W_K does, and the other way round."
    yield "queries-and-keys-swapped", swapped, turning.parts(W_K, W_Q)
    sign = "The sign is wrong: your scores are smallest where they should be largest. Change that of W_Q or of W_K."
    yield "sign", sign, turning.parts(-W_Q, W_K)


def _readings(turning: Turning, W_Q: Floats, W_K: Floats) -> Iterator[Named]:
    """The answer, read in another way, that would be right."""
    dims = turning.rotary.dims
    says = f"It would be right if nothing turned: rows 0 to {dims - 1} of W_Q and W_K are turned by the position, so "
    says += "what is compared there counts for less the farther away it is."
    yield "turned-by-the-distance", says, turning.scores(W_Q, W_K, still=True)
    other = "pairs" if turning.rotary.layout == "half" else "half"
    first, second = turning.pairs()
    says = f"The rows are paired in another way: here row {first[0]} turns with row {second[0]}."
    yield "wrong-layout", says, turning.scores(W_Q, W_K, layout=other)
