"""Factors multiply back, are as thin as the certificate says, and stand in a readable order."""

from __future__ import annotations

from fractions import Fraction as F
from random import Random

import pytest

from compiler.exact import Angle, Matrix, Scalar
from compiler.factorization import explain_rank, factorize, maximum_matching, minimum_cover

BETA = Scalar.symbol("beta")


def rotation(frequencies: int, size: int, shift: int) -> Matrix:
    entries: dict[tuple[int, int], Scalar] = {}
    for j in range(frequencies):
        angle = Angle.symbol(f"alpha_{j}") * shift
        c, s = BETA * Scalar.cos(angle), BETA * Scalar.sin(angle)
        x, y = 2 * j, 2 * j + 1
        entries |= {(x, x): c, (x, y): s, (y, x): -s, (y, y): c}
    return Matrix(size, size, entries)


def test_a_previous_token_head_reads_its_keys_plainly() -> None:
    factors = factorize(rotation(3, 10, 1))
    assert factors.dimension == 6
    assert factors.is_least
    assert factors.right == Matrix(6, 10, {(i, i): Scalar.rational(1) for i in range(6)})
    mirrored = factorize(rotation(3, 10, 1), prefer="rows")
    assert mirrored.left == factors.right
    assert mirrored.certificate.verify(rotation(3, 10, 1))


def test_shared_subspaces_are_found() -> None:
    first = Matrix(8, 8, {(i, i): BETA for i in range(3)})
    second = Matrix(8, 8, {(i + 3, i): Scalar.symbol("gamma") for i in range(3)})
    factors = factorize(first + second)
    assert factors.dimension == 3
    assert explain_rank([("first", first), ("second", second), ("both", first + second)]) == [
        ("first", 3),
        ("second", 3),
        ("both", 3),
    ]


@pytest.mark.parametrize("factor", [Scalar.rational(1), BETA, Scalar.cos(Angle.symbol("a")) + BETA])
def test_rank_below_cover_is_reached_where_dependencies_are_rational(factor: Scalar) -> None:
    core = Matrix.from_rows([[1, 2, 3], [2, 4, 6], [1, 1, F(1, 2)]])
    factors = factorize(core.scale(factor))
    assert factors.dimension == 2
    assert factors.is_least


def test_dependent_columns_with_different_symbols() -> None:
    columns = Matrix.from_rows([[BETA, 2 * BETA, 0], [Scalar.pi(), 2 * Scalar.pi(), 0], [1, 2, 0]])
    assert factorize(columns).dimension == 1
    assert factorize(columns.T).dimension == 1


def test_symbolic_dependencies_keep_the_cover_and_the_certificate_says_so() -> None:
    gamma = Scalar.symbol("gamma")
    outer = Matrix.from_rows([[BETA * BETA, BETA * gamma], [gamma * BETA, gamma * gamma]])
    factors = factorize(outer)
    assert (factors.dimension, factors.certificate.rank, factors.is_least) == (2, 1, False)
    assert factors.certificate.verify(outer)


def test_zero_and_empty() -> None:
    factors = factorize(Matrix.zeros(4, 5))
    assert (factors.left.shape, factors.right.shape, factors.certificate.rank) == ((0, 4), (0, 5), 0)
    assert factors.certificate.verify(Matrix.zeros(4, 5))


def test_matching_follows_long_alternating_paths() -> None:
    size = 2000
    chain = {(i, i + 1): BETA for i in range(size - 1)} | {(i, i): BETA for i in range(size)}
    matrix = Matrix(size, size, chain)
    row_of, column_of = maximum_matching(matrix)
    assert len(row_of) == len(column_of) == size
    assert all((row, column) in matrix.entries for column, row in row_of.items())
    rows, columns = minimum_cover(matrix)
    assert len(rows) + len(columns) == size
    assert all(i in set(rows) or j in set(columns) for i, j in matrix.entries)


def test_a_large_circuit_needs_what_its_nonzeros_need() -> None:
    factors = factorize(rotation(64, 4096, 1))
    assert factors.dimension == factors.certificate.rank == 128
    assert len(factors.left.entries) + len(factors.right.entries) == 256 + 128


def test_the_same_circuit_gives_the_same_factors_whatever_the_order_of_entries() -> None:
    target = rotation(4, 20, 3)
    shuffled = list(target.entries.items())
    Random(1).shuffle(shuffled)
    again = factorize(Matrix(20, 20, dict(shuffled)))
    first = factorize(target)
    assert list(first.left.nonzeros()) == list(again.left.nonzeros())
    assert list(first.right.nonzeros()) == list(again.right.nonzeros())


def test_rows_of_the_factors_follow_the_residual_coordinates() -> None:
    tall, flat = {(row, 5): BETA for row in range(3)}, {(7, column): BETA for column in (2, 3, 4)}
    factors = factorize(Matrix(8, 8, tall | flat | {(6, 0): BETA, (3, 7): BETA}))
    assert [min(factors.right.row(d)) for d in range(factors.dimension)] == [0, 2, 5, 7]
    assert [min(factors.left.row(d)) for d in range(factors.dimension)] == [6, 7, 0, 3]
