"""The whole model that an answer stands for: our solution with the answer's matrices in their places.

In: ``Exercise`` and ``Answer``.  Out: ``Weights`` (exact), and ``Lowered`` (floats) with heads sharpened at will.  Not
for: judging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from compiler.exact import Matrix, Scalar
from compiler.head_weights import HeadWeights, padded
from compiler.pipeline import Weights

if TYPE_CHECKING:
    from backends.lowered import Lowered
    from headspec.course.answer import Answer
    from headspec.course.exercise import Exercise

QUERY_SIDE = ("W_Q", "W_K")
VALUE_SIDE = ("W_V", "W_O")


def completed(exercise: Exercise, answer: Answer) -> Weights:
    """Our weights, with the matrices of ``answer`` in place of ours.

    A head's matrices may have another d_head than ours: rows of zeros fill up, and W_Q is multiplied by
    sqrt(d_head / own d_head), so that scores / sqrt(d_head) stay what they were."""
    if answer.weights is not None:
        return answer.weights
    heads = tuple(_with_matrices(head, answer) for head in exercise.weights.heads)
    return replace(exercise.weights, heads=heads)


def _with_matrices(head: HeadWeights, answer: Answer) -> HeadWeights:
    given = {name: answer.matrices[key] for key in answer.matrices if key[0] == head.head.name for name in [key[1]]}
    if not given:
        return head
    W_Q, W_K = _pair(given, QUERY_SIDE, head)
    W_V, W_O = _pair(given, VALUE_SIDE, head)
    own = W_Q.rows
    size = max(own, W_V.rows)
    if size != own:
        W_Q = W_Q.scale(Scalar.sqrt(size) / Scalar.sqrt(own))
    zeros = Matrix.zeros(size, 1)
    asks = "W_Q" in given or "W_K" in given
    return replace(
        head,
        d_head=size,
        W_Q=padded(W_Q, size),
        W_K=padded(W_K, size),
        W_V=padded(W_V, size),
        W_O=padded(W_O.T, size).T,
        b_Q=zeros if asks else padded(head.b_Q, size),
        b_K=zeros if asks else padded(head.b_K, size),
        b_V=zeros if "W_V" in given else padded(head.b_V, size),
        qk_certificate=None,
        ov_certificate=None,
    )


def _pair(given: Mapping[str, Matrix], names: tuple[str, str], ours: HeadWeights) -> tuple[Matrix, Matrix]:
    first, second = (given.get(name, getattr(ours, name)) for name in names)
    return first, second


def sharpened(lowered: Lowered, factors: Mapping[str, float]) -> Lowered:
    """The same model, with all scores of each head named multiplied by its factor."""
    heads = []
    for head in lowered.heads:
        factor = factors.get(head.name, 1.0)
        heads.append(replace(head, W_Q=head.W_Q * factor, b_Q=head.b_Q * factor, slope=head.slope * factor))
    return replace(lowered, heads=tuple(heads))
