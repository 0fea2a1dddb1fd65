"""What a student is told about a wrong answer to the course's own exercises is true of that answer, and says enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.exact import Matrix, Scalar
from headspec.course.answer import Answer
from headspec.course.checking import check_answer
from headspec.course.exercise import Exercise
from headspec.course.files.loading import find_exercise
from headspec.course.handing_in.reading import read_answer
from headspec.course.results import Mistake


def listed(exercise: Exercise, name: str) -> Answer:
    return read_answer(exercise, text=next(w.answer for w in exercise.wrong if w.name == name))


def told(number: str, text: str) -> tuple[Mistake, ...]:
    exercise = find_exercise(number)
    return check_answer(exercise, read_answer(exercise, text=text)).mistakes


def test_a_listed_code_does_not_hide_what_is_known_of_the_answer() -> None:
    exercise = find_exercise("2c")
    found = check_answer(exercise, listed(exercise, "turned forwards")).mistakes
    assert found[0].code == "turned-the-wrong-way"
    assert "`key.where == query.where + 1`" in found[0].says


def test_what_moves_nothing_is_not_every_other_head_that_moves_nothing() -> None:
    """The transpose moves nothing that can be reached, either, and is listed; zero is not it."""
    zero = "W_V = rows 0, 0, 0, 0, 0, 0, 0, 0\nW_O = columns v_0, v_1, v_2, v_3, v_4, v_5, v_6, v_7"
    assert [m.code for m in told("2e", zero)] == ["copies-nothing"]


def test_a_listed_answer_is_read_with_its_own_earlier_heads() -> None:
    """`head 1 writes onto the content` leaves head 2 nothing to read; so does a head 2 that is zero."""
    exercise = find_exercise("3")
    teachers = next(w.says for w in exercise.wrong if w.name == "head 1 writes onto the content")
    written = check_answer(exercise, listed(exercise, "head 1 writes onto the content")).mistakes
    zero = check_answer(exercise, listed(exercise, "head 2 looks at nothing")).mistakes
    order = check_answer(exercise, listed(exercise, "written in another order than read")).mistakes
    assert teachers and written[0].says == teachers
    assert [m.code for m in zero] == ["uniform"] and "is zero" in zero[0].says
    assert order[0].says == next(w.says for w in exercise.wrong if w.name == "written in another order than read")


def test_nothing_is_said_of_turned_content_where_no_content_is_compared() -> None:
    found = told("4a", "W_Q = rows one.one, one.one, 0, 0\nW_K = rows one.one, 2*one.one, -one.one, one.one")
    assert found == ()
    both = "rows content.a, content.b, content.c, content.d, 0, 0, 0, 0"
    assert "turned-by-the-distance" in [m.code for m in told("4b", f"W_Q = {both}\nW_K = {both}")]


@pytest.mark.parametrize("goal", ["", " - 2*one.one", " + 4*one.one", " + 6*one.one"])
def test_plain_numbers_are_not_turned(goal: str) -> None:
    """Positions as numbers: a wrong shift is so many steps, and has no cosines."""
    found = told("8a", f"W_Q = rows 2*step.value{goal}, -one.one\nW_K = rows place.value, place.square")
    assert found and found[0].code in ("off-by-one", "off-by-several")
    assert not any("turn" in m.says or "cosine" in m.says for m in found)


@pytest.mark.parametrize(("scale", "same"), [(5, True), (4, False)])
def test_a_listed_answer_at_a_stated_temperature_counts_with_its_d_head(scale: int, same: bool) -> None:
    """With a fifth row of zeros the scores are divided by sqrt(5), not by sqrt(4)."""
    exercise = find_exercise("5a")
    name = "the two kinds confused"
    says = next(w.says for w in exercise.wrong if w.name == name)
    matrices = {}
    for key, matrix in listed(exercise, name).matrices.items():
        wider = Matrix(5, matrix.columns, matrix.entries)
        matrices[key] = wider.scale(Scalar.sqrt(scale) / Scalar.sqrt(4)) if key[1] == "W_Q" else wider
    found = check_answer(exercise, replace(listed(exercise, name), matrices=matrices)).mistakes
    assert (says in [m.says for m in found]) is same


def test_a_tie_is_only_said_to_be_a_tie() -> None:
    """Content compared with content ties in 2c, and is wrong by more than that."""
    content = "rows u_cont_0, u_cont_1, u_cont_2, u_cont_3"
    tie = next(m for m in told("2c", f"W_Q = {content}\nW_K = {content}") if m.code == "only-by-a-tie")
    assert "exactly the same score" in tie.says and "right by a tie" not in tie.says


def test_what_rounding_alone_leaves_open_is_said_to_be_so() -> None:
    """The fast pair twice as loud is right enough; sheared by 10^8, its scores cancel more than float32 holds."""
    exercise = find_exercise("2c")
    ours = read_answer(exercise, text=exercise.solution)
    louder = Matrix.from_rows([[2 if i == j < 2 else int(i == j) for j in range(4)] for i in range(4)])
    shear = Matrix.from_rows([[10**8 if (i, j) == (0, 2) else int(i == j) for j in range(4)] for i in range(4)])
    matrices = {key: shear @ louder @ m if key[1] == "W_Q" else m for key, m in ours.matrices.items()}
    matrices["previous", "W_K"] = shear.inverse().T @ ours.matrices["previous", "W_K"]
    (found,) = check_answer(exercise, replace(ours, matrices=matrices)).checks
    assert found.verdict == "undecided" and "in float32" in found.message and "off by" in found.message
