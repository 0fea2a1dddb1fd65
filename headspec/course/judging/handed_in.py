"""The matrices of an answer's heads, in named coordinates: what was handed in, and ours for what was not asked.

In: ``Exercise`` and ``Answer``.  Out: ``HeadMatrices`` of a head.  Not for: judging them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.pipeline import Weights
    from headspec.course.answer import Answer
    from headspec.course.exercise import Exercise


@dataclass(frozen=True, slots=True)
class HeadMatrices:
    """W_Q, W_K, W_V (d_head, d_model), W_O (d_model, d_head), over named directions (``content.a``)."""

    W_Q: Matrix
    W_K: Matrix
    W_V: Matrix
    W_O: Matrix

    @property
    def QK(self) -> Matrix:
        """W_Q^T W_K, (d_model, d_model): rows by what the query shows, columns by what the key shows."""
        return self.W_Q.T @ self.W_K

    @property
    def OV(self) -> Matrix:
        """W_O W_V, (d_model, d_model): rows by what is written, columns by what is read."""
        return self.W_O @ self.W_V


def our_matrices(exercise: Exercise, head: str) -> HeadMatrices:
    """Our solution's matrices of ``head``; KeyError if there is no such head."""
    return _named(exercise.weights, head)


def answer_matrices(exercise: Exercise, answer: Answer, head: str) -> HeadMatrices:
    """The answer's matrices of ``head``, ours for those that were not handed in; KeyError if there is no such head."""
    from headspec.course.judging.completing import completed

    return _named(completed(exercise, answer), head)


def _named(weights: Weights, name: str) -> HeadMatrices:
    """A head's matrices with the change of basis undone: W B for what reads, B^-1 W_O for what writes."""
    from compiler.circuits.basis import exact_basis

    wanted = weights.program.head(name).name
    head = next(h for h in weights.heads if h.head.name == wanted)
    basis = exact_basis(weights.program.basis, weights.program.width)
    if basis is None:
        return HeadMatrices(head.W_Q, head.W_K, head.W_V, head.W_O)
    return HeadMatrices(
        head.W_Q @ basis.vectors, head.W_K @ basis.vectors, head.W_V @ basis.vectors, basis.dual @ head.W_O
    )
