"""The basis of the whole residual stream: how named coordinates lie in it, exactly.

In: a ``Basis`` and the width D. Out: ``B`` (columns u_i: stream x = B c for named coordinates c) and its
dual ``B_inverse`` (c = B_inverse x), both exact. For orthogonal bases the dual is the transpose; for any
other the rows of (B^T B)^-1 B^T. Not for: where a subspace's coordinates are (that is layout, in
``resolution``).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits.features import scalar
from compiler.exact import Matrix, Scalar
from compiler.program import Basis
from dsl.diagnostics import Diagnostic, SpecError


@dataclass(frozen=True, slots=True)
class ExactBasis:
    """``vectors`` has the basis vectors as columns; ``dual`` reads named coordinates back (dual @ vectors = 1)."""

    vectors: Matrix
    dual: Matrix


def exact_basis(basis: Basis, width: int) -> ExactBasis | None:
    """The exact basis, or None for the axis-aligned one.  Raises SpecError E0340 where the vectors are dependent."""
    match basis.kind:
        case "axis":
            return None
        case "hadamard":
            vectors = _hadamard(width)
        case "reflection":
            vectors = _reflection(width)
        case "rotation":
            vectors = _rotation(basis, width)
        case "vectors":
            return _given(basis, width)
    return ExactBasis(vectors, vectors.T)


def _hadamard(width: int) -> Matrix:
    """H_ij = (-1)^popcount(i & j) / sqrt(D) (Sylvester); symmetric and orthogonal, rational where D = 4^k."""
    size = Scalar.sqrt(Fraction(1, width))
    entries = {(i, j): -size if (i & j).bit_count() % 2 else size for i in range(width) for j in range(width)}
    return Matrix(width, width, entries)


def _reflection(width: int) -> Matrix:
    """I - (2/D) 1 1^T (Householder): symmetric, orthogonal, rational for every D."""
    off = Scalar.rational(Fraction(-2, width))
    on = Scalar.rational(1 - Fraction(2, width))
    entries = {(i, j): on if i == j else off for i in range(width) for j in range(width)}
    return Matrix(width, width, {place: e for place, e in entries.items() if not e.is_zero()})


def _rotation(basis: Basis, width: int) -> Matrix:
    """Neighbouring pairs turned by the angle of a Pythagorean triple: cos = a/c, sin = b/c."""
    a, b, c = (scalar(argument) for argument in basis.arguments)
    cosine, sine = a / c, b / c
    entries: dict[tuple[int, int], Scalar] = {}
    for i in range(0, width - 1, 2):
        entries |= {(i, i): cosine, (i, i + 1): -sine, (i + 1, i): sine, (i + 1, i + 1): cosine}
    if width % 2:
        entries[(width - 1, width - 1)] = Scalar.rational(1)
    return Matrix(width, width, {place: e for place, e in entries.items() if not e.is_zero()})


def _given(basis: Basis, width: int) -> ExactBasis:
    """Rows of ``vectors`` are u_0, u_1, ...; B^T B = I is checked exactly, else B is inverted over the rationals."""
    rows = {(i, j): scalar(entry) for i, row in enumerate(basis.vectors) for j, entry in enumerate(row)}
    transposed = Matrix(width, width, {place: e for place, e in rows.items() if not e.is_zero()})
    vectors = transposed.T
    if transposed @ vectors == Matrix.identity(width):
        return ExactBasis(vectors, transposed)
    try:
        return ExactBasis(vectors, vectors.inverse())
    except ValueError as error:
        raise SpecError(
            Diagnostic(
                "E0340",
                f"these basis vectors have no exact dual: {error}",
                basis.span,
                "the rows must be independent, and rational unless they are orthonormal",
                help="give independent rational rows, or orthonormal ones (then cos, sin and sqrt are fine)",
            )
        ) from None
