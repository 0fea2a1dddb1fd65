"""Part 1 of the course: its order, its givens, and that its wrong answers are wrong, not unreadable.

What every exercise of the course has to do (accept its right answers, refuse its wrong ones) is tested elsewhere, for
all of them alike.
"""

from __future__ import annotations

import pytest

from compiler.exact import Matrix
from headspec.course.exercise import Exercise
from headspec.course.files.loading import find_exercise, outline
from headspec.course.handing_in.reading import read_answer

SPELLED_OTHERWISE = ("in LaTeX", "in coordinates", "grouped by heads", "as a head", "as heads", "for row vectors")
WARM_UPS = ("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8")
HEADS = ("1a", "1b", "2a", "2b", "2c", "2d", "2e", "2f", "3")
NUMBERS = (*WARM_UPS, "1a", "1b", "1c", "1d", "1e", "2a", "2b", "2c", "2d", "2e", "2f", "3")


def test_it_is_all_there_and_in_order() -> None:
    entries = [entry for entry in outline() if entry.part == 1]
    assert tuple(entry.number for entry in entries) == NUMBERS
    assert len({entry.order for entry in entries}) == len(entries)
    assert all(entry.source.startswith("Elhage et al. 2021, exercises, ") for entry in entries)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_answer_of_the_file_can_be_read(number: str) -> None:
    """A wrong answer that is refused for its spelling shows nothing about the checks."""
    exercise = find_exercise(number)
    for answer in (exercise.solution, *(a.answer for a in exercise.right), *(a.answer for a in exercise.wrong)):
        read_answer(exercise, text=answer)


@pytest.mark.parametrize("number", HEADS)
def test_no_two_answers_are_the_same(number: str) -> None:
    """As exact matrices: right answers differ from the solution and from each other, wrong ones from each other."""
    exercise = find_exercise(number)
    assert not _repeated(exercise, [a.answer for a in exercise.wrong])
    others = [a.answer for a in exercise.right if not a.name.startswith(SPELLED_OTHERWISE)]
    assert len(others) >= 5
    assert not _repeated(exercise, [exercise.solution, *others])


def _repeated(exercise: Exercise, answers: list[str]) -> list[str]:
    """Answers with the matrices of an earlier one; heads of a spec have none of their own and are left out."""
    seen: list[dict[tuple[str, str], Matrix]] = []
    repeated = []
    for text in answers:
        matrices = dict(read_answer(exercise, text=text).matrices)
        if matrices and matrices in seen:
            repeated.append(text)
        seen.append(matrices)
    return repeated


@pytest.mark.parametrize("number", ["2a", "2b", "2c", "2d", "2e", "2f", "3"])
def test_the_stream_holds_content_and_position_both(number: str) -> None:
    """So that a head can read the wrong one of the two."""
    program = find_exercise(number).program
    assert program is not None
    assert {"content", "where"} <= {embed.target for embed in program.embeds}


@pytest.mark.parametrize("number", ["2d", "2e", "2f", "3"])
def test_a_copy_stands_at_every_distance(number: str) -> None:
    """The promises speak at the last letter; sequences bring its copy from next to it to as far as the context goes."""
    program = find_exercise(number).program
    assert program is not None
    first = 1 if number == "3" else 0
    distances = set()
    for tokens in (
        row for length in program.sequences.lengths() for row in program.sequences.enumerate(length).tolist()
    ):
        copies = [k for k in range(first, len(tokens) - 1) if tokens[k] == tokens[-1]]
        assert len(copies) <= 1
        distances |= {len(tokens) - 1 - k for k in copies}
    assert distances == set(range(1, program.context - first))
