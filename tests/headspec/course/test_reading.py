"""Matrices as text and LaTeX, in either convention, and that nothing handed in is a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.exact import Matrix, Scalar
from dsl.diagnostics import SpecError
from headspec.course.exercise import Asked
from headspec.course.handing_in.reading import read_answer
from tests.headspec.course.making import (
    PREVIOUS,
    TWO_HEADS,
    K,
    Q,
    asked_of,
    code,
    exact,
    make_exercise,
    previous,
    refused,
    square,
    two_heads,
)

ROWS = """
W_Q = rows where.cos0, where.sin0, where.cos1, where.sin1
W_K = rows cos(alpha_0)*where.cos0 - sin(alpha_0)*where.sin0, sin(alpha_0)*u_cos_0 + cos(alpha_0)*u_sin_0,
           cos(alpha_1)*u_cos_1 - sin(alpha_1)*u_sin_1, sin(alpha_1)*u_cos_1 + cos(alpha_1)*u_sin_1
"""


# ------------------------------------------------------------------ text


def test_rows_of_directions_become_exact_matrices() -> None:
    answer = read_answer(previous(), text=ROWS)
    assert answer.convention == "column" and not answer.numeric and answer.name == "<answer>"
    assert answer.matrices[Q].shape == answer.matrices[K].shape == (4, 12)
    assert answer.matrices[Q] == Matrix(4, 12, {(i, 4 + i): Scalar.rational(1) for i in range(4)})
    assert answer.matrices[K][0, 5] == exact("-sin(alpha_0)") and answer.matrices[K][1, 4] == exact("sin(alpha_0)")


def test_entries_rows_and_latex_say_the_same() -> None:
    entries = "W_Q = [[0,0,0,0, 1,0,0,0, 0,0,0,0], [0,0,0,0, 0,1/two,0,0, 0,0,0,0]]\nW_K = rows u_cos_0, 2*where.sin0"
    latex = r"""
        W_Q = \begin{bmatrix} u^{\cos}_0 \\ \frac{1}{2} u^{\sin}_0 \end{bmatrix} \\
        W_K = \begin{bmatrix} u^{\cos}_0 \\ 2 u^{\sin}_0 \end{bmatrix}
    """
    rows = "W_Q = rows u_cos_0, u_sin_0/2\nW_K = rows where.cos0, where.sin0*2"
    answers = [read_answer(previous(), text=text).matrices for text in (entries, latex, rows)]
    assert answers[0] == answers[1] == answers[2]


def test_a_smaller_head_is_filled_up_with_zeros_and_a_larger_one_refused() -> None:
    answer = read_answer(previous(), text="W_Q = rows u_cos_0\nW_K = rows u_cos_0")
    assert answer.matrices[Q].shape == (4, 12) and len(answer.matrices[Q].entries) == 1
    five = ", ".join(["u_cos_0"] * 5)
    assert code(previous(), text=f"W_Q = rows {five}\nW_K = rows {five}") == "E0724"
    assert code(previous(), text="W_Q = rows u_cos_0, u_sin_0\nW_K = rows u_cos_0") == "E0724"


def test_zero_alone_is_a_matrix_of_zeros() -> None:
    answer = read_answer(previous(), text="W_Q = 0\nW_K = rows 0, 0, 0, 0")
    assert answer.matrices[Q] == answer.matrices[K] == Matrix.zeros(4, 12)


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (("W_V1", "W_O1", "W_V2", "W_O2"), "1122"),
        (("W_V^1", "W_{out}^1", "W_V^2", "W_{out}^2"), "1122"),
        (("first.W_V", "first.W_O", "second.W_V", "second.W_O"), "1122"),
        (("W_V_1", "W_out1", "W_V_2", "W_out2"), "1122"),
    ],
)
def test_heads_are_named_in_several_ways(names: tuple[str, ...], places: str) -> None:
    values = ("rows content.a", "columns before.a", "rows content.b", "columns guess.b")
    answer = read_answer(two_heads(), text="\n".join(f"{n} = {v}" for n, v in zip(names, values, strict=True)))
    assert answer.matrices["first", "W_V"].entries.keys() == {(0, 0)}
    assert answer.matrices["second", "W_V"].entries.keys() == {(0, 1)}
    assert answer.matrices["second", "W_O"].entries.keys() == {(17, 0)}


GROUPED = """
head first
  W_V = rows content.a
  W_O = columns before.a
head second
  W_V = rows content.b
  W_O = columns guess.b
"""


def test_heads_may_be_grouped() -> None:
    assert len(read_answer(two_heads(), text=GROUPED).matrices) == 4


def test_a_head_asked_for_alone_may_keep_its_number() -> None:
    exercise = make_exercise(asked=asked_of("second", "W_V", 6, 21), spec=TWO_HEADS)
    for name in ("W_V", "W_V1", "W_V2", "second.W_V"):
        assert ("second", "W_V") in read_answer(exercise, text=f"{name} = rows content.a").matrices
    assert code(exercise, text="W_V3 = rows content.a") == "E0726"


@pytest.mark.parametrize(
    ("text", "expected", "underlined"),
    [
        ("W_Q = rows wher.cos0\nW_K = rows u_cos_0", "E0720", "wher.cos0"),
        ("W_Q = rows where.cos7\nW_K = rows u_cos_0", "E0720", "where.cos7"),
        ("W_Q = rows u_cos_9\nW_K = rows u_cos_0", "E0720", "u_cos_9"),
        ("W_Q = rows cos(alpha_9)*u_cos_0\nW_K = rows u_cos_0", "E0720", "alpha_9"),
        ("W_Q = rows u_cos_0*u_cos_0\nW_K = rows u_cos_0", "E0421", "u_cos_0*u_cos_0"),
        ("W_Q = rows 3\nW_K = rows u_cos_0", "E0421", "3"),
        ("W_Q = rows 1/(1+alpha_0)*u_cos_0\nW_K = rows u_cos_0", "E0721", None),
        ("W_Q = rows cos(alpha_0^2)*u_cos_0\nW_K = rows u_cos_0", "E0721", "cos(alpha_0^2)"),
        ("W_Q = [[u_cos_0]]\nW_K = rows u_cos_0", "E0720", "u_cos_0"),
        ("W_Q = rows u_cos_0", "E0725", None),
        ("W_Q = rows u_cos_0\nW_K = rows u_cos_0\nW_V = rows u_cos_0", "E0726", None),
        ("W_Q1 = rows u_cos_0\nW_Q = rows u_cos_0\nW_K = rows u_cos_0", "E0726", None),
        ("W_Q = alpha_0\nW_K = rows u_cos_0", "E0731", None),
        ("a, c", "E0731", None),
        ("[[1, 0], [0, 1]]", "E0726", None),
    ],
)
def test_mistakes_in_texts_are_underlined(text: str, expected: str, underlined: str | None) -> None:
    found = refused(previous(), text=text, name="mine.txt")
    assert found[0].code == expected
    if found[0].span is not None:
        assert found[0].span.source.name == "mine.txt"
    if underlined is not None:
        assert found[0].span is not None and found[0].span.text == underlined


def test_unknown_names_come_with_a_suggestion_and_all_at_once() -> None:
    found = refused(previous(), text="W_Q = rows wher.cos0, alpha_O*u_cos_0\nW_K = rows u_cos_0")
    assert [d.code for d in found] == ["E0720", "E0720"]
    assert "where.cos0" in str(found[0].help) and "alpha_0" in str(found[1].help)


def test_decimals_with_many_places_mark_an_answer_as_numeric() -> None:
    assert read_answer(previous(), text="W_Q = rows 0.8253*u_cos_0\nW_K = rows u_cos_0").numeric
    assert not read_answer(previous(), text="W_Q = rows 0.25*u_cos_0\nW_K = rows u_cos_0").numeric


# ------------------------------------------------------------------ conventions


FOUR = np.arange(48).reshape(4, 12)


def test_a_convention_is_understood_from_shapes() -> None:
    column = read_answer(previous(), objects={"W_Q": FOUR, "W_K": FOUR + 1})
    row = read_answer(previous(), objects={"W_Q": FOUR.T, "W_K": (FOUR + 1).T})
    assert (column.convention, row.convention) == ("column", "row")
    assert column.matrices == row.matrices


def test_all_matrices_share_a_convention() -> None:
    found = refused(previous(), objects={"W_Q": FOUR, "W_K": FOUR.T})
    assert found[0].code == "E0723" and "W_Q" in found[0].message and "W_K" in found[0].message


def test_columns_of_queries_are_the_row_convention() -> None:
    answer = read_answer(previous(), text="W_Q = columns u_cos_0\nW_K = columns u_sin_0")
    assert answer.convention == "row" and answer.matrices[Q].entries.keys() == {(0, 4)}


def test_values_written_like_keys_are_told_apart() -> None:
    found = refused(previous("W_V W_O"), text="W_V = rows content.a\nW_O = rows before.a")
    assert found[0].code == "E0723" and "columns" in str(found[0].help)


def test_a_square_answer_is_asked_for_its_convention() -> None:
    turned = [[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 3], [0, 0, 4, 0]]
    objects = {"W_Q": turned, "W_K": np.eye(4)}
    found = refused(square(), objects=objects)
    assert found[0].code == "E0723" and "--convention" in str(found[0].help) and "convention=" in str(found[0].help)
    column = read_answer(square(), objects=objects, convention="column")
    row = read_answer(square(), objects=objects, convention="row")
    assert column.matrices[Q] == row.matrices[Q].T == Matrix.from_rows(turned)


def test_a_square_answer_that_is_the_same_both_ways_is_taken() -> None:
    shear = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    inverse = np.array([[1, 0, 0, 0], [-1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert read_answer(square(), objects={"W_Q": shear, "W_K": inverse}).convention == "column"
    assert code(square(), objects={"W_Q": shear, "W_K": shear}) == "E0723"


def test_rows_of_directions_leave_nothing_open_in_a_square() -> None:
    answer = read_answer(square(), text="W_Q = rows u_sin_0, u_cos_0, 0, 0\nW_K = rows 2*u_cos_0, u_sin_0, 0, 0")
    assert answer.convention == "column"
    assert code(square(), text="W_Q = rows u_sin_0\nW_K = rows u_cos_0", convention="row") == "E0722"


def test_an_unmixed_hint_fixes_the_others() -> None:
    three = [[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 3]]
    exercise = make_exercise(
        asked=asked_of("previous", "W_Q", 4, 4) + asked_of("previous", "W_V", 4, 4), spec=square().spec_text
    )
    answer = read_answer(exercise, objects={"W_Q": np.array(three + [[1, 0, 0, 0]]), "W_V": np.array(three)})
    assert answer.convention == "column"


@pytest.mark.parametrize(
    ("shape", "expected", "words"),
    [
        ((4, 11), "E0722", "1 column missing"),
        ((4, 13), "E0722", "1 column too many"),
        ((3, 5), "E0722", "the stream has 12"),
        ((12, 12), "E0724", "product"),
        ((5, 12), "E0724", "d_head is 4"),
        ((12, 5), "E0724", "d_head is 4"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(shape: tuple[int, int], expected: str, words: str) -> None:
    found = refused(previous(), objects={"W_Q": np.ones(shape), "W_K": np.ones((4, 12))})
    assert found[0].code == expected
    assert words in found[0].render()


def test_a_named_convention_has_to_fit() -> None:
    assert code(previous(), objects={"W_Q": FOUR, "W_K": FOUR}, convention="row") == "E0722"


def test_a_matrix_defined_by_a_formula_is_in_the_convention_of_the_statement() -> None:
    exercise = make_exercise("matrices", (Asked("W_net1", shape=(2, 2)), Asked("W_net2", shape=(2, 3))))
    answer = read_answer(exercise, text="W_net1 = [[0, 1], [0, 0]]\nW_net^2 = [[1, 2, 3], [4, 5, 6]]")
    assert answer.matrices["", "W_net1"].entries.keys() == {(0, 1)} and answer.convention == "column"
    row = read_answer(exercise, objects={"W_net1": [[0, 1], [0, 0]], "W_net2": [[1, 4], [2, 5], [3, 6]]})
    assert row.matrices["", "W_net2"] == answer.matrices["", "W_net2"]
    assert row.matrices["", "W_net1"].entries.keys() == {(1, 0)} and row.convention == "row"
    assert code(exercise, text="W_net1 = [[1]]\nW_net2 = [[1, 2, 3], [4, 5, 6]]") == "E0722"


def test_numbers_are_coordinates_of_the_stream_in_any_basis() -> None:
    spec = PREVIOUS.replace("embed token ", "basis rotation(3, 4, 5)\nembed token ", 1)
    exercise = make_exercise(asked=asked_of("previous", "W_Q W_K W_V W_O", 4, 12), spec=spec)
    head = exercise.weights.head("previous")
    from headspec.course.judging.handed_in import our_matrices

    ours = our_matrices(exercise, "previous")
    of_stream = {name: getattr(head, name) for name in ("W_Q", "W_K", "W_V", "W_O")}
    answer = read_answer(exercise, objects=of_stream)
    for name in of_stream:
        padded = answer.matrices["previous", name]
        assert padded.entries == getattr(ours, name).entries, name


# ------------------------------------------------------------------ nothing is a crash

CHOICES = {"a": "W_Q", "b": "W_K"}
RANK = make_exercise("number", (Asked("rank"),), PREVIOUS)
FORMULA = make_exercise("formula", (Asked("f"),))


@given(st.text(max_size=60))
def test_any_text_is_an_answer_or_a_diagnostic(text: str) -> None:
    for exercise in (
        previous(),
        RANK,
        make_exercise("choice", choices=CHOICES),
        make_exercise("sequence", spec=TWO_HEADS),
    ):
        try:
            read_answer(exercise, text=text)
        except SpecError as error:
            assert error.diagnostics


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(["W_Q", "W_K", "answer", "matrices", "previous", "convention", "x"]), x, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_any_value_is_an_answer_or_a_diagnostic(value: object) -> None:
    for exercise in (previous(), RANK, FORMULA, make_exercise("choice", choices=CHOICES)):
        try:
            read_answer(exercise, objects={"answer": value})
        except SpecError as error:
            assert error.diagnostics
