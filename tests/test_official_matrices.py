"""The exercises' compiled heads against the matrices that answer them, exactly and with the symbols free.

The right-hand sides are written here by hand, row by row, from the exercises' conventions: W_Q, W_K, W_V have rows
that read a direction, W_O columns that write one, R_t = [[cos t, -sin t], [sin t, cos t]].  Nothing of the compiler but
its number type is used for them.  A head is the same head under any gauge, so W_Q^T W_K and W_O W_V are compared, the
first up to a positive factor (the temperature and the sqrt(d_head) that the exercises leave out).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from compiler.exact import Angle, Matrix, Scalar
from compiler.head_weights import HeadWeights
from compiler.pipeline import Weights, compile_program
from compiler.resolution import resolve
from dsl.parser import parse

EXERCISES = Path(__file__).resolve().parent.parent / "specs" / "exercises"
Row = dict[int, Scalar]
ONE = Scalar.rational(1)


@cache
def exercise(part: str) -> Weights:
    path = EXERCISES / f"{part}.head"
    return compile_program(resolve(parse(path.read_text(encoding="utf-8"), str(path)), {}))


def head(part: str, name: str) -> HeadWeights:
    return exercise(part).head(name)


def directions(part: str, *subspaces: str) -> list[int]:
    """The residual coordinates u_0, u_1, ... of some subspaces, in order."""
    program = exercise(part).program
    return [c for name in subspaces for c in program.subspace(name).coordinates]


def reads(coordinates: Sequence[int]) -> list[Row]:
    """One row per direction: u_0, u_1, ..."""
    return [{c: ONE} for c in coordinates]


def turned(coordinates: Sequence[int], sign: int, alphas: Sequence[str] = ("alpha_0", "alpha_1")) -> list[Row]:
    """blockdiag(R_{sign alpha_0}, R_{sign alpha_1}) applied to the rows ucos, usin."""
    rows: list[Row] = []
    for j, name in enumerate(alphas):
        cosine = Scalar.cos(Angle.symbol(name))
        sine = Scalar.sin(Angle.symbol(name)) * sign
        u_cos, u_sin = coordinates[2 * j], coordinates[2 * j + 1]
        rows.append({u_cos: cosine, u_sin: -sine})
        rows.append({u_cos: sine, u_sin: cosine})
    return rows


def rows(part: str, given: Sequence[Row]) -> Matrix:
    width = exercise(part).program.width
    return Matrix(len(given), width, {(i, j): e for i, row in enumerate(given) for j, e in row.items()})


def same_up_to_a_positive_factor(found: Matrix, official: Matrix) -> bool:
    """found == tau * official with tau > 0, without dividing: found_ij * official_0 == found_0 * official_ij."""
    (i, j, first) = next(official.nonzeros())
    lead = found[i, j]
    bindings = {"gain": 1, "beta": 1, "alpha_0": 1, "alpha_1": 1, "lambda_0": 1, "lambda_1": 1}
    if (lead * first).to_float(bindings) <= 0:
        return False
    return found.scale(first) == official.scale(lead)


OFFICIAL_QK = {
    "2a same": lambda c, u, v: (reads(c), reads(c)),
    "2b here": lambda c, u, v: (reads(u), reads(u)),
    "2c previous": lambda c, u, v: (turned(u, -1), reads(u)),
    "2d duplicate": lambda c, u, v: (reads(c) + minus_beta(u), reads(c) + reads(u)),
    "2e duplicate": lambda c, u, v: (reads(c) + minus_beta(u), reads(c) + reads(u)),
    "2f duplicate": lambda c, u, v: (reads(c) + minus_beta(u), reads(c) + reads(u)),
    "2f next": lambda c, u, v: (turned(v, +1), reads(u)),
    "3 previous": lambda c, u, v: (turned(u, -1), reads(u)),
    "3 induction": lambda c, u, v: (reads(c), reads(v)),
}


def minus_beta(coordinates: Sequence[int]) -> list[Row]:
    return [{c: -Scalar.symbol("beta")} for c in coordinates]


def found_and_official(key: str) -> tuple[Matrix, Matrix]:
    part, name = key.split()
    named = {s.name for s in exercise(part).program.subspaces}
    c, u, v = (directions(part, s) if s in named else [] for s in ("content", "where", "v"))
    W_Q, W_K = OFFICIAL_QK[key](c, u, v)
    return head(part, name).QK, rows(part, W_Q).T @ rows(part, W_K)


@pytest.mark.parametrize("key", OFFICIAL_QK)
def test_where_it_looks(key: str) -> None:
    found, official = found_and_official(key)
    assert same_up_to_a_positive_factor(found, official)


@pytest.mark.parametrize("key", OFFICIAL_QK)
def test_it_needs_no_more_dimensions_than_the_exercise_gives(key: str) -> None:
    part, name = key.split()
    assert head(part, name).d_head == (8 if name == "duplicate" else 4)


@pytest.mark.parametrize("part", ["2b", "2c", "2d", "2e", "2f", "3"])
def test_symbols_stay_free_in_the_matrices(part: str) -> None:
    symbols = exercise(part).heads[0].QK.symbols() | exercise(part).W_pos.symbols()
    assert {"alpha_0", "alpha_1", "lambda_0", "lambda_1"} <= symbols


def test_the_comparison_can_fail() -> None:
    """Turned the wrong way, with the wrong sign, or with the two kinds of term weighed otherwise: not the same."""
    found, official = found_and_official("2c previous")
    u = directions("2c", "where")
    assert not same_up_to_a_positive_factor(found, rows("2c", turned(u, +1)).T @ rows("2c", reads(u)))
    assert not same_up_to_a_positive_factor(found, -official)
    found, _ = found_and_official("2d duplicate")
    c, u = directions("2d", "content"), directions("2d", "where")
    both = rows("2d", reads(c + u))
    assert not same_up_to_a_positive_factor(found, both.T @ both)


# ------------------------------------------------------------------ what is moved


def unit(size: int, places: Sequence[tuple[int, int]]) -> Matrix:
    return Matrix(size, size, dict.fromkeys(places, ONE))


def test_1a_moves_dimensions_0_to_3_to_8_to_11() -> None:
    first = head("1a", "first")
    assert (first.W_V.shape, first.W_O.shape) == ((4, 16), (16, 4))
    assert first.OV == unit(16, [(8 + i, i) for i in range(4)])


def test_1b_one_row_reads_the_first_head_and_three_read_what_it_does_not_touch() -> None:
    first, second = head("1b", "first"), head("1b", "second")
    read = {column for _, column, _ in second.W_V.nonzeros()}
    written = {row for row, _, _ in first.W_O.nonzeros()}
    touched = written | {column for _, column, _ in first.W_V.nonzeros()}
    assert len(read) == 4 and len(read & written) == 1 and len(read - touched) == 3
    assert second.OV == unit(16, [(12, 4), (13, 5), (14, 6), (15, 8)])


def test_1d_one_entry_goes_two_back_and_eight_go_one_back() -> None:
    first, second = head("1b", "first").OV, head("1b", "second").OV
    assert second @ first == unit(16, [(15, 0)])
    assert second + first == unit(16, [(12, 4), (13, 5), (14, 6), (15, 8)] + [(8 + i, i) for i in range(4)])


def test_2e_moves_eight_position_dimensions() -> None:
    duplicate = head("2e", "duplicate")
    W_V = rows("2e", reads(directions("2e", "where", "slow")))
    W_O = rows("2e", reads(directions("2e", "v", "v_slow"))).T
    assert duplicate.OV == W_O @ W_V
    assert (duplicate.W_V.shape[0], duplicate.W_O.shape[1]) == (8, 8)


def test_3_moves_the_content_to_v() -> None:
    W_V = rows("3", reads(directions("3", "content")))
    W_O = rows("3", reads(directions("3", "v"))).T
    assert head("3", "previous").OV == W_O @ W_V


@pytest.mark.parametrize("part", ["2b", "2c", "2d", "2e", "2f", "3"])
def test_position_embedding_is_what_the_exercise_says(part: str) -> None:
    """(u_jcos, u_jsin) . x_n = lambda_j (cos alpha_j n, sin alpha_j n)."""
    weights = exercise(part)
    u = directions(part, "where")
    for n in range(weights.program.context):
        for j in range(2):
            magnitude, angle = Scalar.symbol(f"lambda_{j}"), Angle.symbol(f"alpha_{j}") * n
            assert weights.W_pos[u[2 * j], n] == magnitude * Scalar.cos(angle)
            assert weights.W_pos[u[2 * j + 1], n] == magnitude * Scalar.sin(angle)
