"""Wrong answers that a teacher has listed: does one that was handed in come to the same?

In: an ``Exercise`` with its wrong answers, and an answer.  Out: ``Mistake`` s with the teacher's words.  Not for:
mistakes that every course has (``mistakes``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from headspec.course.naming.codes import CODES
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from compiler.equivalence import Sameness, Scene
    from compiler.exact import Matrix
    from dsl.expressions import Expr
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise
    from headspec.course.naming.facts import Facts


def listed_mistakes(
    exercise: Exercise, answer: Answer, check: Check | None = None, facts: Facts | None = None
) -> tuple[Mistake, ...]:
    """The wrong answers of the exercise file that this answer comes to; only where the teacher has a word on them, or
    names the mistake.

    Heads: the same pattern, or the same move, as ``check`` says (with ``facts``).  Other kinds: the same choice,
    sequence, number, matrices or heads."""
    from dsl.diagnostics import SpecError

    found: list[Mistake] = []
    for wrong in exercise.wrong:
        if not wrong.says and wrong.mistake not in CODES:
            continue
        other = _read(_Same(exercise), wrong.answer)
        try:
            same = other is not None and _comes_to(exercise, answer, other, check, facts)
        except SpecError:
            continue  # an example of what cannot be compiled
        if same:
            found.append(Mistake(wrong.mistake or "listed", wrong.says or _sentence(CODES[wrong.mistake])))
    return tuple(found)


def _sentence(text: str) -> str:
    """With a capital and a full stop; `W_Q` further on keeps its own capitals."""
    return f"{text[:1].upper()}{text[1:]}."


@dataclass(frozen=True)
class _Same:
    """An exercise as a key of a cache, by identity."""

    exercise: Exercise

    def __hash__(self) -> int:
        return id(self.exercise)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.exercise is self.exercise


@lru_cache(maxsize=256)
def _read(key: _Same, text: str) -> Answer | None:
    """The listed answer, read once; None where it is an example of what cannot be read."""
    from dsl.diagnostics import SpecError
    from headspec.course.handing_in.reading import read_answer

    try:
        return read_answer(key.exercise, text=text)
    except SpecError:
        return None


def _comes_to(exercise: Exercise, answer: Answer, other: Answer, check: Check | None, facts: Facts | None) -> bool:
    match exercise.kind:
        case "heads":
            return check is not None and facts is not None and _same_head(exercise, answer, other, check, facts)
        case "spec":
            return _same_lines(answer, other)
        case "choice":
            return answer.choice == other.choice
        case "sequence":
            return bool(answer.tokens) and answer.tokens == other.tokens
        case "matrices":
            return bool(answer.matrices) and dict(answer.matrices) == dict(other.matrices)
    if answer.formulas:
        return answer.formulas.keys() == other.formulas.keys() and all(
            _same_formula(exercise, text, other.formulas[name]) for name, text in answer.formulas.items()
        )
    same_names = answer.expressions.keys() == other.expressions.keys()
    return (
        bool(answer.expressions)
        and same_names
        and all(_same_number(e, other.expressions[n]) for n, e in answer.expressions.items())
    )


def _same_lines(answer: Answer, other: Answer) -> bool:
    """The same heads, but for their names and what is said about them."""
    if answer.program is None or other.program is None:
        return False
    first, second = (
        [[replace(head, name="", doc=None) for head in layer] for layer in program.layers]
        for program in (answer.program, other.program)
    )
    return first == second


def _same_number(a: Expr, b: Expr) -> bool:
    from compiler.exact.quotients import equal_numbers

    try:
        return equal_numbers(a, b)
    except ValueError:
        return a == b


def _same_formula(exercise: Exercise, a: str, b: str) -> bool:
    """Equal for all matrices; where a product does not fit, so that neither has a value, written alike."""
    from dsl.diagnostics import SpecError

    if a.split() == b.split():
        return True
    try:
        return _equal_formulas(exercise, a, b)
    except SpecError:
        return "".join(a.split()) == "".join(b.split())


def _equal_formulas(exercise: Exercise, a: str, b: str) -> bool:
    """Raises SpecError where one of them has no shape."""
    from compiler.formulas.comparing import canonical, difference
    from dsl.answers.formulas import parse_formula

    first, second = (canonical(parse_formula(text, exercise.number), exercise.shapes) for text in (a, b))
    return difference(first, second) is None


def _same_head(exercise: Exercise, answer: Answer, other: Answer, check: Check, facts: Facts) -> bool:
    """Does the listed answer have the circuit that was handed in?  At any temperature, unless one is stated.

    Circuits that do nothing at all come to the same only where they are the same matrix: there are many reasons for
    doing nothing."""
    from headspec.course.judging.handed_in import answer_matrices

    if facts.scene is None:
        return bool(answer.matrices) and dict(answer.matrices) == dict(other.matrices)
    matrices = answer_matrices(exercise, other, facts.head)
    scene = _with_moves(exercise, other, facts.scene, facts.head)
    if check.kind == "move":
        return _same_moves(scene, facts, matrices.OV)
    same = _same_pattern(exercise, scene, facts, matrices.QK)
    if not same or check.temperature == "free":
        return bool(same)
    size = answer_matrices(exercise, answer, facts.head).W_Q.rows
    return abs((same.factor or 0.0) * math.sqrt(matrices.W_Q.rows / size) - 1) <= 1e-6


def _with_moves(exercise: Exercise, other: Answer, scene: Scene, name: str) -> Scene:
    """The scene in which the listed answer's head reads what the listed answer's earlier heads have moved."""
    from compiler.equivalence import reachable
    from headspec.course.judging.handed_in import answer_matrices

    head = exercise.weights.program.head(name)
    earlier = [h.name for h in exercise.weights.program.heads if h.layer < head.layer]
    if not any(handed and matrix in ("W_V", "W_O") for handed, matrix in other.matrices if handed in earlier):
        return scene
    moves = {before: answer_matrices(exercise, other, before).OV for before in earlier}
    return replace(scene, our_vectors=reachable(exercise.weights, head, moves).vectors)


def _same_moves(scene: Scene, facts: Facts, other: Matrix) -> bool:
    from compiler.equivalence import same_move

    if not same_move(scene, facts.answer, other, facts.values):
        return False
    return not (other @ scene.our_vectors).is_zero() or facts.answer == other


def _same_pattern(exercise: Exercise, scene: Scene, facts: Facts, other: Matrix) -> Sameness | None:
    """What looks the same in floats is compared exactly, on few pairs."""
    from compiler.equivalence import same_pattern
    from headspec.course.naming.glimpse import look

    assert facts.scene is not None
    glimpse = look(facts.scene, facts.values or exercise.weights.bindings, facts.answer.columns)
    assert glimpse.scene is not None
    if glimpse.no_scores(glimpse.scores(facts.answer), facts.answer):
        alike = facts.answer == other and (scene is facts.scene or scene.our_vectors == scene.vectors)
        return same_pattern(scene, facts.answer, other, facts.values) if alike else None
    if scene is not facts.scene:
        return same_pattern(scene, facts.answer, other, facts.values)
    if not glimpse.alike(facts.answer, other):
        return None
    return same_pattern(glimpse.scene, facts.answer, other, facts.values)
