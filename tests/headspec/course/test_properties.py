"""Properties accept every answer that has them, in any gauge and order, and say what is wrong with the others."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.exact import Matrix, Scalar
from dsl.diagnostics import SpecError
from headspec.course.answer import Answer
from headspec.course.exercise import Check, Exercise
from headspec.course.files.loading import find_exercise
from headspec.course.judging.properties import judge_property, require_property
from headspec.course.results import CheckResult

SPLITS = Check("what it reads", "property", "second", options={"property": "splits", "through": "first"})


@cache
def exercise() -> Exercise:
    return find_exercise("1b")


def unit_rows(*reads: dict[int, int] | int) -> Matrix:
    """One row for each: a direction of the stream, or a combination of them."""
    rows = [{read: 1} if isinstance(read, int) else read for read in reads]
    return Matrix(len(rows), 16, {(i, j): Scalar.rational(v) for i, row in enumerate(rows) for j, v in row.items()})


def judged(read: Matrix, written: Matrix, check: Check = SPLITS, numeric: bool = False) -> CheckResult:
    """``written`` is the transpose of W_O."""
    answer = Answer(matrices={("second", "W_V"): read, ("second", "W_O"): written.T}, numeric=numeric)
    return judge_property(exercise(), check, answer)


OUT = unit_rows(12, 13, 14, 15)


def codes(result: CheckResult) -> list[str]:
    return [mistake.code for mistake in result.mistakes]


# ---------------------------------------------------------------- splits


def unimodular(numbers: list[int]) -> Matrix:
    """An invertible matrix of integers: a lower times an upper triangle with ones on the diagonal."""
    lower = [[1 if i == j else (numbers[4 * i + j] if j < i else 0) for j in range(4)] for i in range(4)]
    upper = [[1 if i == j else (numbers[4 * i + j] if j > i else 0) for j in range(4)] for i in range(4)]
    return Matrix.from_rows(lower) @ Matrix.from_rows(upper)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(range(8, 12)),
    st.permutations([4, 5, 6, 7, 12, 13, 14, 15]),
    st.permutations(range(16)),
    st.lists(st.integers(-3, 3), min_size=16, max_size=16),
)
def test_every_choice_of_dimensions_in_every_gauge(
    moved: int, fresh: list[int], targets: list[int], numbers: list[int]
) -> None:
    gauge = unimodular(numbers)
    read, written = unit_rows(moved, *fresh[:3]), unit_rows(*targets[:4])
    result = judged(gauge @ read, gauge.inverse().T @ written)
    assert result.verdict == "right", result.message
    assert result.mistakes == ()


def test_combinations_of_dimensions_within_each_part() -> None:
    read = unit_rows({8: 1, 10: -2}, {4: 1, 12: 1}, {5: 3, 6: 1}, {7: 1, 6: 1})
    assert judged(read, OUT).right
    turned = unit_rows({8: 3, 9: 4}, 4, 5, 6).scale(Scalar.rational(1) / 5)
    assert judged(turned, OUT).right


def test_symbols_in_the_gauge() -> None:
    c, s = Scalar.symbol("c"), Scalar.symbol("s")
    gauge = Matrix(4, 4, {(0, 0): c, (1, 1): s, (2, 2): c * s, (3, 3): Scalar.rational(1), (0, 3): s})
    assert judged(gauge @ unit_rows(8, 4, 5, 6), OUT).right


def test_floats_are_ranked_up_to_their_rounding() -> None:
    near = {8: Scalar.rational(1), 0: Scalar.rational(1) / 10**9}
    read = Matrix(4, 16, {(0, j): e for j, e in near.items()} | {(i, i + 3): Scalar.rational(1) for i in (1, 2, 3)})
    assert judged(read, OUT, numeric=True).right
    assert not judged(read, OUT).right


WRONG = [
    ("reads-nothing-moved", unit_rows(4, 5, 6, 7), OUT),
    ("moves-on-too-much", unit_rows(8, 9, 4, 5), OUT),
    ("moves-on-too-much", unit_rows(8, 9, 10, 11), OUT),
    ("reads-what-head-1-reads", unit_rows(8, 4, 5, 0), OUT),
    ("reads-what-head-1-reads", unit_rows(8, 4, 5, {6: 1, 1: 1}), OUT),
    ("mixes-moved-and-fresh", unit_rows({8: 1, 7: 1}, 4, 5, 6), OUT),
    ("rank-too-small", unit_rows(8, 4, 5, {4: 1, 5: 1}), OUT),
    ("rank-too-small", unit_rows(8, 4, 5, 6), unit_rows(12, 13, 14, 14)),
    ("rank-too-small", unit_rows({}, {}, {}, {}), OUT),
    ("rank-too-large", unit_rows(8, 4, 5, 6, 7), unit_rows(12, 13, 14, 15, 0)),
    ("rank-too-large", unit_rows(8, 4, 5, 6, {9: 1, 7: 1}), unit_rows(12, 13, 14, 15, 0)),
]


@pytest.mark.parametrize(("code", "read", "written"), WRONG, ids=[f"{i}-{w[0]}" for i, w in enumerate(WRONG)])
def test_wrong_splits_are_named(code: str, read: Matrix, written: Matrix) -> None:
    result = judged(read, written)
    assert result.verdict == "wrong" and code in codes(result)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_a_wrong_split_stays_wrong_in_another_gauge(order: tuple[int, ...]) -> None:
    gauge = unimodular([3 * i % 5 - 2 for i in range(16)])
    for code, read, written in WRONG[:7]:
        mixed = gauge @ read.submatrix(order, range(16))
        result = judged(mixed, gauge.inverse().T @ written.submatrix(order, range(16)))
        assert code in codes(result)


def test_the_message_counts_the_parts() -> None:
    message = judged(unit_rows(8, 4, 5, 0), OUT).message
    assert "one from what `first` wrote, as asked" in message
    assert "two that `first` neither reads nor writes (asked for: three)" in message
    assert "one that overlaps with what `first` reads" in message


# ---------------------------------------------------------------- the others


def options(**given: object) -> Check:
    return replace(SPLITS, options=given)


READ = unit_rows(8, 4, 5, 6)


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (options(property="rank", circuit="OV", equals=4), True),
        (options(property="rank", circuit="OV", equals=3), False),
        (options(property="composition", through="first", composition="V", zero=False), True),
        (options(property="composition", through="first", composition="V"), False),
        (options(property="composition", through="first", composition="K"), True),
        (options(property="composition", through="first", composition="Q", zero=False), False),
        (options(property="writes-into", subspaces="out"), True),
        (options(property="writes-into", subspaces=["moved", "low"]), False),
        (options(property="reads-from", subspaces=["moved", "middle"]), True),
        (options(property="reads-from", subspaces="moved"), False),
    ],
    ids=str,
)
def test_other_properties(check: Check, right: bool) -> None:
    result = judged(READ, OUT, check)
    assert result.right is right
    assert (codes(result) == []) is right


def test_their_mistakes_have_codes() -> None:
    found = [
        codes(judged(READ, OUT, check))
        for check in (
            options(property="rank", circuit="OV", equals=5),
            options(property="rank", circuit="OV", equals=3),
            options(property="composition", through="first", composition="V"),
            options(property="composition", through="first", composition="Q", zero=False),
            options(property="writes-into", subspaces="low"),
            options(property="reads-from", subspaces="low"),
        )
    ]
    assert found == [
        ["rank-too-small"],
        ["rank-too-large"],
        ["composes"],
        ["does-not-compose"],
        ["writes-elsewhere"],
        ["reads-elsewhere"],
    ]


def test_a_head_that_writes_nothing_writes_nowhere() -> None:
    assert not judged(READ, unit_rows({}, {}, {}, {}), options(property="writes-into", subspaces="out")).right


# ---------------------------------------------------------------- teachers' mistakes


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("E0770", options(property="splitz")),
        ("E0770", options()),
        ("E0771", options(property="splits")),
        ("E0771", options(property="rank", circuit="OV", equal=4)),
        ("E0772", options(property="splits", through="nobody")),
        ("E0772", options(property="splits", through="first", moved_on=-1)),
        ("E0772", options(property="splits", through="first", fresh=True)),
        ("E0772", options(property="rank", circuit="KV", equals=1)),
        ("E0772", options(property="composition", through="first", composition="V", zero=1)),
        ("E0772", options(property="writes-into", subspaces=["out", "outside"])),
        ("E0772", replace(options(property="rank", circuit="OV", equals=1), head="nobody")),
    ],
    ids=str,
)
def test_what_an_exercise_may_not_ask(code: str, check: Check) -> None:
    with pytest.raises(SpecError) as caught:
        require_property(exercise(), check)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert check.name in caught.value.diagnostics[0].message and caught.value.diagnostics[0].help


# ---------------------------------------------------------------- floats


def in_floats(matrix: Matrix, size: float) -> Matrix:
    from fractions import Fraction

    import numpy as np

    values = {place: np.float32(entry.to_float({}) * size) for place, entry in matrix.entries.items()}
    entries = {place: Scalar.rational(Fraction(float(value))) for place, value in values.items()}
    return Matrix(matrix.rows, matrix.columns, entries)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_the_size_of_floats_does_not_matter(size: float) -> None:
    turn = Matrix.from_rows([[Scalar.sqrt(2), 1, 0, 0], [-1, Scalar.sqrt(2), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    read = turn @ unit_rows(8, 4, 5, 6)
    assert judged(in_floats(read, size), in_floats(turn @ OUT, 1.0), numeric=True).right
    two = judged(in_floats(turn @ unit_rows(8, 9, 5, 6), size), in_floats(turn @ OUT, 1.0), numeric=True)
    assert codes(two) == ["moves-on-too-much"]
    none = judged(in_floats(turn @ unit_rows(4, 5, 6, 7), size), in_floats(turn @ OUT, 1.0), numeric=True)
    assert codes(none) == ["reads-nothing-moved"]


def test_rounding_does_not_compose() -> None:
    """1e-8 where zero should be, as a turn in float32 leaves it."""
    check = Check("apart", "property", "second", options={"property": "composition", "through": "first",
                                                          "composition": "V", "zero": True})  # fmt: skip
    noise = Matrix(4, 16, {(i, 8 + i): Scalar.rational(1) / 10**8 for i in range(4)})
    assert judged(unit_rows(4, 5, 6, 7) + noise, OUT, check, numeric=True).right
    assert not judged(unit_rows(4, 5, 6, 7) + noise, OUT, check).right
    assert not judged(unit_rows(4, 5, 6, 8), OUT, check, numeric=True).right
