"""Wrong answers that a teacher has listed: does one that was handed in come to the same?

In: an ``Exercise`` with its wrong answers, and an answer.  Out: ``Mistake`` s with the teacher's words.  Not for:
mistakes that every course has (``mistakes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headspec.course.codes import CODES
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from dsl.tree import Expr
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise
    from headspec.course.facts import Facts


def listed_mistakes(
    exercise: Exercise, answer: Answer, check: Check | None = None, facts: Facts | None = None
) -> tuple[Mistake, ...]:
    """The wrong answers of the exercise file that this answer comes to.

    Heads: the same pattern, or the same move, as ``check`` says (with ``facts``), where the teacher has a word on it.
    Other kinds: the same choice, sequence, number or matrix."""
    from dsl.diagnostics import SpecError

    found: list[Mistake] = []
    for wrong in exercise.wrong:
        if not wrong.says and (exercise.kind == "heads" or wrong.mistake not in CODES):
            continue
        try:
            other = _read(exercise, wrong.answer)
        except SpecError:
            continue  # an example of what cannot be read
        if _comes_to(exercise, answer, other, check, facts):
            found.append(Mistake(wrong.mistake or "listed", wrong.says or f"{CODES[wrong.mistake].capitalize()}."))
    return tuple(found)


def _read(exercise: Exercise, text: str) -> Answer:
    from headspec.course.reading import read_answer

    return read_answer(exercise, text=text)


def _comes_to(exercise: Exercise, answer: Answer, other: Answer, check: Check | None, facts: Facts | None) -> bool:
    if exercise.kind in ("heads", "spec"):
        return check is not None and facts is not None and _same_head(exercise, other, check, facts)
    if exercise.kind == "choice":
        return answer.choice == other.choice
    if exercise.kind == "sequence":
        return bool(answer.tokens) and answer.tokens == other.tokens
    if exercise.kind == "matrices":
        return bool(answer.matrices) and dict(answer.matrices) == dict(other.matrices)
    same_names = answer.expressions.keys() == other.expressions.keys()
    return same_names and all(_same_number(e, other.expressions[n]) for n, e in answer.expressions.items())


def _same_number(a: Expr, b: Expr) -> bool:
    from compiler.exact.quotients import equal_numbers

    try:
        return equal_numbers(a, b)
    except ValueError:
        return a == b


def _same_head(exercise: Exercise, other: Answer, check: Check, facts: Facts) -> bool:
    """Does the listed answer have the same circuit as the one handed in?"""
    from compiler.equivalence import same_move, same_pattern
    from headspec.course.handed_in import answer_matrices

    if facts.scene is None or check.kind not in ("pattern", "move"):
        return False
    try:
        matrices = answer_matrices(exercise, other, facts.head)
    except KeyError:
        return False
    compare = same_pattern if check.kind == "pattern" else same_move
    circuit = matrices.QK if check.kind == "pattern" else matrices.OV
    return bool(compare(facts.scene, facts.answer, circuit, facts.values))
