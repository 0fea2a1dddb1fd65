"""Exact matrices by name, with the names of their rows and columns.

In: ``Weights`` and a name such as ``W_Q``.  Out: ``NamedMatrix``.  Not for: computing a matrix that the weights do not
hold already; text and LaTeX (``text``, ``latex``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.head_weights import HeadWeights
    from compiler.pipeline import Weights
    from compiler.program import Program

HEAD_MATRICES = ("W_Q", "W_K", "W_V", "W_O", "QK", "OV", "b_Q", "b_K", "b_V")
MODEL_MATRICES = ("W_E", "W_pos", "W_U", "b_U")
GRID_COLUMNS = 12  # a matrix of so few rows or columns is drawn whole


@dataclass(frozen=True, slots=True)
class NamedMatrix:
    """``matrix`` with a title (``previous W_Q``) and a name for every row and column."""

    title: str
    matrix: Matrix
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    rank: int | None = None

    def __post_init__(self) -> None:
        assert len(self.row_names) == self.matrix.rows, (self.title, len(self.row_names), self.matrix.rows)
        assert len(self.column_names) == self.matrix.columns, (self.title, self.matrix.columns)


def residual_names(program: Program) -> tuple[str, ...]:
    """``where.cos0`` for axis-aligned models; in another basis a coordinate is of no one subspace: ``x0``"""
    if program.basis.kind == "axis":
        return program.coordinate_names
    return tuple(f"x{i}" for i in range(program.width))


def find_head(weights: Weights, word: str) -> HeadWeights:
    """The weights of the head called ``word`` or labelled ``L0H1``; SpecError E0606 if there is none."""
    for head in weights.heads:
        if head.head.is_called(word):
            return head
    names = [head.head.name for head in weights.heads]
    raise SpecError(
        Diagnostic(
            "E0606",
            f"there is no head `{word}` in this model",
            help=did_you_mean(word, names) or f"its heads are {', '.join(names) or 'none'}",
        )
    )


def find_matrix(weights: Weights, name: str, head: str | None = None) -> NamedMatrix:
    """The matrix ``name`` of ``head``, or of the model.  SpecError E0606 when there is none of that name.

    A head's matrix without a head is taken from the only head, if there is only one."""
    if name in MODEL_MATRICES:
        return _of_model(weights, name)
    if name not in HEAD_MATRICES:
        raise SpecError(_unknown_matrix(name))
    if head is not None:
        return of_head(find_head(weights, head), name, residual_names(weights.program))
    if len(weights.heads) != 1:
        names = ", ".join(h.head.name for h in weights.heads)
        raise SpecError(Diagnostic("E0606", f"{name} of which head?", help=f"name one of {names}"))
    return of_head(weights.heads[0], name, residual_names(weights.program))


def find_matrices(weights: Weights, name: str, head: str | None = None) -> list[NamedMatrix]:
    """As ``find_matrix``; but a head's matrix without a head is that of every head."""
    if head is None and name in HEAD_MATRICES:
        residual = residual_names(weights.program)
        return [of_head(one, name, residual) for one in weights.heads]
    return [find_matrix(weights, name, head)]


def _unknown_matrix(name: str) -> Diagnostic:
    known = (*HEAD_MATRICES, *MODEL_MATRICES)
    return Diagnostic(
        "E0606",
        f"there is no matrix `{name}`",
        help=did_you_mean(name, known) or did_you_mean(name.upper(), known) or f"the matrices are {', '.join(known)}",
    )


def of_head(weights: HeadWeights, name: str, residual: tuple[str, ...]) -> NamedMatrix:
    """One of ``HEAD_MATRICES``; QK is indexed (query coordinate, key coordinate), OV (written, read)."""
    matrix: Matrix = getattr(weights, name)
    inner = tuple(str(i) for i in range(weights.d_head))
    title = f"{weights.head.name} {name}"
    match name:
        case "W_Q" | "W_K" | "W_V":
            return NamedMatrix(title, matrix, inner, residual)
        case "W_O":
            return NamedMatrix(title, matrix, residual, inner)
        case "QK" | "OV":
            certificate = weights.qk_certificate if name == "QK" else weights.ov_certificate
            names = (extended(residual, matrix.rows), extended(residual, matrix.columns))
            return NamedMatrix(title, matrix, *names, _rank(certificate))
    return NamedMatrix(title, matrix, inner, ("bias",))


def extended(names: tuple[str, ...], size: int) -> tuple[str, ...]:
    """Circuits of a model with biases have one more coordinate, the constant 1."""
    return names if len(names) == size else (*names, *(["bias"] * (size - len(names))))


def _rank(certificate: object) -> int | None:
    rank = getattr(certificate, "rank", None)
    return rank if isinstance(rank, int) else None


def _of_model(weights: Weights, name: str) -> NamedMatrix:
    residual, tokens = residual_names(weights.program), weights.program.tokens
    positions = tuple(str(p) for p in range(weights.program.context))
    match name:
        case "W_E":
            return NamedMatrix(name, weights.W_E, residual, tokens)
        case "W_pos":
            return NamedMatrix(name, weights.W_pos, residual, positions)
        case "W_U":
            return NamedMatrix(name, weights.W_U, tokens, residual)
    return NamedMatrix(name, weights.b_U, tokens, ("bias",))


def occupied(named: NamedMatrix) -> tuple[list[int], list[int]]:
    """Rows and columns to draw: all rows of a small factor, otherwise those with an entry."""
    matrix = named.matrix
    rows = sorted({i for i, _ in matrix.entries})
    if matrix.rows <= GRID_COLUMNS:
        rows = list(range(matrix.rows))
    return rows, sorted({j for _, j in matrix.entries})
