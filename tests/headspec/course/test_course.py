"""Every exercise of the course keeps what it promises: its right answers are accepted, its wrong ones refused with the
mistake named; and the same of answers that are drawn, not written."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from random import Random

import numpy as np
import pytest

from backends.lowering import lower
from backends.numpy_model import NumpyModel
from compiler.exact import Matrix, Scalar
from headspec.course.answer import Answer
from headspec.course.checking import check_answer
from headspec.course.exercise import Exercise
from headspec.course.files.loading import course
from headspec.course.files.rehearsal import rehearse
from headspec.course.handing_in.reading import read_answer
from headspec.course.judging.completing import completed, sharpened
from headspec.course.results import Counterexample

pytestmark = pytest.mark.slow
NUMBERS = [exercise.number for exercise in course()]
MATRICES = [e.number for e in course() if e.kind == "heads" and any(c.kind in ("pattern", "move") for c in e.checks)]


@cache
def exercise_called(number: str) -> Exercise:
    return next(exercise for exercise in course() if exercise.number == number)


@pytest.mark.parametrize("number", NUMBERS)
def test_right_answers_are_accepted_and_wrong_ones_refused(number: str) -> None:
    failed = [(case.kind, case.name, case.found) for case in rehearse(exercise_called(number)).cases if not case.holds]
    assert failed == []


@pytest.mark.parametrize("number", NUMBERS)
def test_there_is_enough_of_everything(number: str) -> None:
    exercise = exercise_called(number)
    assert len(exercise.right) >= 5 and len(exercise.wrong) >= 8
    assert len({right.answer.strip() for right in exercise.right}) == len(exercise.right)
    assert len({wrong.answer.strip() for wrong in exercise.wrong}) == len(exercise.wrong)
    assert len(exercise.hints) >= 3 and exercise.why and exercise.explanation and exercise.source


BARE = ("That one is not right.", "` is not right.")


@pytest.mark.parametrize("number", NUMBERS)
def test_every_wrong_answer_gets_a_diagnosis(number: str) -> None:
    """A mistake by name, the teacher's word, a counterexample, or at least what about it is wrong: never a bare no."""
    exercise = exercise_called(number)
    for wrong in exercise.wrong:
        if wrong.mistake or wrong.says:
            continue  # rehearsed above
        refused = check_answer(exercise, read_answer(exercise, text=wrong.answer))
        for check in refused.checks:
            told = check.mistakes or check.counterexample or not check.message.endswith(BARE)
            assert check.right or told, (wrong.name, check.message)


def test_the_course_is_whole_and_in_order() -> None:
    parts = [exercise.part for exercise in course()]
    assert len(parts) >= 25 and parts == sorted(parts)
    assert [n for n in NUMBERS if n[0] in "123"] == [
        "1a",
        "1b",
        "1c",
        "1d",
        "1e",
        "2a",
        "2b",
        "2c",
        "2d",
        "2e",
        "2f",
        "3",
    ]


# ------------------------------------------------------------------ drawn answers


def solution_of(exercise: Exercise) -> dict[tuple[str, str], Matrix]:
    return {(a.head, a.matrix): getattr(exercise.weights.head(a.head), a.matrix) for a in exercise.asked if a.matrix}


def regauged(matrices: dict[tuple[str, str], Matrix], rng: Random) -> dict[tuple[str, str], Matrix]:
    """Every circuit's factors with an integer shear between them."""
    out = dict(matrices)
    for (head, name), matrix in matrices.items():
        other = {"W_Q": "W_K", "W_V": "W_O"}.get(name)
        if other is None or (head, other) not in matrices or matrix.rows < 2:
            continue
        i, j = rng.sample(range(matrix.rows), 2)
        c = Scalar.rational(rng.choice([-3, -1, 2]))
        one = Matrix.identity(matrix.rows)
        shear, inverse = one + Matrix(*one.shape, {(i, j): c}), one - Matrix(*one.shape, {(i, j): c})
        out[head, name] = shear @ matrix
        partner = matrices[head, other]
        out[head, other] = inverse.T @ partner if other == "W_K" else partner @ inverse
    return out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("number", MATRICES)
def test_a_gauge_changes_nothing(number: str, seed: int) -> None:
    exercise = exercise_called(number)
    if exercise.weights.program.positions is not None:
        pytest.skip("rotary positions turn rows: a shear between them is another head")
    result = check_answer(exercise, Answer(matrices=regauged(solution_of(exercise), Random(seed))))
    assert result.right and {check.verdict for check in result.checks} <= {"exact", "right"}, str(result)


@pytest.mark.parametrize("number", MATRICES)
def test_numbers_in_float32_are_as_good(number: str) -> None:
    exercise = exercise_called(number)
    values = exercise.weights.bindings

    def in_float32(entry: Scalar) -> Scalar:
        return Scalar.rational(Fraction(float(np.float32(entry.to_float(values)))))

    rounded = {
        key: Matrix(*m.shape, {place: in_float32(entry) for place, entry in m.entries.items()})
        for key, m in solution_of(exercise).items()
    }
    result = check_answer(exercise, Answer(matrices=rounded, numeric=True))
    assert result.right, str(result)


@pytest.mark.parametrize("number", MATRICES)
def test_refusals_of_drawn_mutants_can_be_replayed(number: str) -> None:
    """One entry changed: what is refused with a sequence is refused there by the plain NumPy transformer too."""
    exercise, rng = exercise_called(number), Random(7)
    for _ in range(8):
        matrices = dict(solution_of(exercise))
        key = rng.choice(sorted(matrices))
        matrix = matrices[key]
        place = (rng.randrange(matrix.rows), rng.randrange(matrix.columns))
        changed = matrix[place] + Scalar.rational(rng.choice([-2, -1, 1, 3]))
        matrices[key] = Matrix(*matrix.shape, {**matrix.entries, place: changed})
        answer = Answer(matrices=matrices)
        for check in check_answer(exercise, answer).checks:
            assert check.verdict != "undecided", check.message
            if check.counterexample is not None:
                replay(exercise, answer, check.counterexample)
            elif not check.right:
                assert check.message and check.kind in ("move", "property")


def replay(exercise: Exercise, answer: Answer, shown: Counterexample) -> None:
    weights = completed(exercise, answer)
    program = weights.program
    ids = np.array([[program.tokens.index(token) for token in shown.tokens]])
    assert program.sequences.accepts(ids[0])
    head = program.head(shown.head)
    run = NumpyModel(sharpened(lower(weights), shown.sharpened)).forward(ids)
    row = run.patterns[head.layer][0, head.index, shown.query, : shown.query + 1]
    np.testing.assert_allclose(row, shown.pattern, atol=1e-5)
    right = np.array(shown.expected) > 0
    mass = float(program.mass)
    assert row[right].sum() < mass or np.abs(row[right] - 1 / right.sum()).max() > 1 - mass
