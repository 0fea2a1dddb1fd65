"""Sparse exact matrices: algebra, cutting and joining, rank certificates, tables."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import pytest
import sympy

from compiler.exact import Angle, Matrix, Scalar, matrix_to_json, render_matrix
from compiler.exact.modular import EXACT_BELOW

A = Angle.symbol("alpha_0")
COS, SIN, BETA = Scalar.cos(A), Scalar.sin(A), Scalar.symbol("beta")
ROTATION = Matrix.from_rows([[COS, -SIN], [SIN, COS]])


def test_a_rotation_is_orthogonal() -> None:
    assert ROTATION @ ROTATION.T == Matrix.identity(2)
    assert ROTATION.scale(BETA).to_sympy({"beta"}).shape == (2, 2)
    assert (ROTATION @ ROTATION).trace() == 2 * Scalar.cos(A * 2)


def test_zeros_are_dropped_and_places_are_checked() -> None:
    matrix = Matrix(2, 2, {(0, 0): COS - COS, (1, 1): COS})
    assert list(matrix.nonzeros()) == [(1, 1, COS)]
    with pytest.raises(AssertionError):
        Matrix(1, 1, {(1, 0): COS})


def test_cutting_and_joining() -> None:
    matrix = Matrix.from_rows([[1, 2, 3], [4, 5, 6]])
    assert matrix.submatrix([1, 0], [2]) == Matrix.from_rows([[6], [3]])
    assert matrix.submatrix([0], [0, 1, 2]).stack(matrix.submatrix([1], [0, 1, 2])) == matrix
    assert matrix.submatrix([0, 1], [0]).hstack(matrix.submatrix([0, 1], [1, 2])) == matrix
    assert matrix.row(1) == {j: Scalar.rational(4 + j) for j in range(3)}
    assert matrix.column(0) == {0: Scalar.rational(1), 1: Scalar.rational(4)}
    assert matrix.to_sympy() == sympy.Matrix([[1, 2, 3], [4, 5, 6]])


def test_substitution() -> None:
    assert ROTATION.scale(BETA).symbols() == {"alpha_0", "beta"}
    assert ROTATION.scale(BETA).substitute({"alpha_0": F(0), "beta": 2}) == Matrix.identity(2).scale(2)


MIXED = Matrix.from_rows(
    [
        [Scalar.sqrt(5), Scalar.cos(Angle(turns=F(1, 5))), COS],
        [Scalar.sqrt(3), BETA / Scalar.sqrt(2), Scalar.cos(Angle(turns=F(1, 16), symbols=(("gamma", F(1, 3)),)))],
        [Scalar.sqrt(10**11 + 3), Scalar.pi(), Scalar.cos(A * F(1, 2))],
    ]
)


def test_rank_certificates_verify_over_every_kind_of_number() -> None:
    certificate = MIXED.rank()
    assert certificate.rank == 3
    assert certificate.verify(MIXED)
    assert MIXED.rank() == certificate
    assert MIXED.rank(seed=1) != certificate


def test_the_image_respects_relations_between_roots() -> None:
    relation = Scalar.cos(Angle(turns=F(1, 7))) * Scalar.sqrt(7)
    rows = [[relation, Scalar.sqrt(7)], [Scalar.rational(7) * Scalar.cos(Angle(turns=F(1, 7))), Scalar.rational(7)]]
    assert Matrix.from_rows(rows).rank().rank == 1
    eighths = [
        [Scalar.cos(Angle(turns=F(1, 16))) * Scalar.sqrt(2), Scalar.cos(Angle(turns=F(1, 16)))],
        [2, Scalar.sqrt(2)],
    ]
    assert Matrix.from_rows(eighths).rank().rank == 1


def test_corrupted_certificates_fail() -> None:
    certificate = MIXED.rank()
    values = certificate.specialisation
    corrupted = [
        replace(certificate, rank=4),
        replace(certificate, rank=4, rows=(0, 1, 2, 3), columns=(0, 1, 2, 3)),
        replace(certificate, rows=(0, 1, 1)),
        replace(certificate, columns=(0, 1, 3)),
        replace(certificate, prime=certificate.prime + 2),
        replace(certificate, prime=15),
        replace(certificate, specialisation={}),
        replace(certificate, specialisation={**values, "zeta": 1}),
        replace(certificate, specialisation={**values, "order": values["order"] * 2}),
        replace(certificate, specialisation={**values, "s:beta": 0}),
        replace(certificate, specialisation={k: v for k, v in values.items() if k != "s:pi"}),
        replace(certificate, specialisation={k: v + k.startswith("sqrt:") for k, v in values.items()}),
    ]
    assert not any(bad.verify(MIXED) for bad in corrupted)
    singular = Matrix.from_rows([[COS, COS], [BETA, BETA]])
    honest = singular.rank()
    assert honest.rank == 1
    assert not replace(honest, rank=2, rows=(0, 1), columns=(0, 1)).verify(singular)


def test_tables() -> None:
    assert render_matrix(ROTATION, ["cos0", "sin0"], ["a", "b"]) == (
        "                 a              b\ncos0  cos(alpha_0)  -sin(alpha_0)\nsin0  sin(alpha_0)   cos(alpha_0)"
    )
    assert render_matrix(Matrix.from_rows([[1, BETA]]), latex=True) == ("\\begin{bmatrix}\n1 & \\beta\n\\end{bmatrix}")
    wide = Matrix(100, 100, {(3, 40): COS})
    assert render_matrix(wide) == "cos(alpha_0)\n100 x 100; rows and columns of zeros are left out"
    assert render_matrix(Matrix.identity(20)).startswith("20 x 20, 20 nonzeros\n0, 0: 1\n")
    assert render_matrix(Matrix.zeros(0, 3)) == "(0 x 3)"


def test_json() -> None:
    found = matrix_to_json(Matrix.from_rows([[BETA, COS]]), ["r"], ["a", "b"], {"beta": F(3, 2)})
    assert found == {
        "shape": [1, 2],
        "row_names": ["r"],
        "column_names": ["a", "b"],
        "nonzeros": [
            {"row": 0, "column": 0, "exact": "beta", "float": 1.5},
            {"row": 0, "column": 1, "exact": "cos(alpha_0)", "float": None},
        ],
    }


def test_many_different_roots_still_have_a_certificate() -> None:
    primes = (101, 103, 107, 109, 113, 127)
    matrix = Matrix(6, 6, {(i, i): Scalar.sqrt(q) + Scalar.cos(Angle(turns=F(1, 64))) for i, q in enumerate(primes)})
    certificate = matrix.rank()
    assert certificate.rank == 6
    assert certificate.verify(matrix)


def test_any_number_of_roots_has_a_certificate_with_a_proved_prime() -> None:
    primes = [q for q in range(3, 200, 2) if all(q % d for d in range(3, q, 2))]
    matrix = Matrix(45, 45, {(i, i): Scalar.sqrt(q) for i, q in enumerate(primes)})
    certificate = matrix.rank()
    assert certificate.prime > EXACT_BELOW
    assert certificate.rank == 45
    assert certificate.verify(matrix)
    order = certificate.specialisation["order"]
    composite = certificate.prime * (certificate.prime + 2)
    assert not replace(certificate, prime=composite).verify(matrix)
    assert not replace(certificate, specialisation={**certificate.specialisation, "order": order // 3}).verify(matrix)
