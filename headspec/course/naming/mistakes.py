"""Naming what went wrong: typical mistakes, and those that a teacher has listed.

In: a refused answer and the ``Facts`` of its check.  Out: at most three ``Mistake`` s, the most specific first.  Not
for: verdicts. An answer is right or wrong before it comes here, and one whose mistake has no name is refused all the
same.

A mistake is named when the answer is *the same head* as ours with that mistake in it (``variants``, ``move_mistakes``),
as ``compiler.equivalence`` decides: at any temperature, in any gauge.  What is worth deciding is seen in floats first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from headspec.course.naming.codes import CODES
from headspec.course.naming.facts import Facts
from headspec.course.naming.listed import listed_mistakes
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise
    from headspec.course.naming.glimpse import Glimpse
    from headspec.course.naming.variants import Variant

__all__ = ["CODES", "Facts", "listed_mistakes", "name_mistakes", "value_mistakes"]

MOST = 3
IMPLIED = {"reads-the-wrong-subspace": "queries-and-keys-swapped"}
"""What is not worth saying where the other has been said."""


def name_mistakes(exercise: Exercise, answer: Answer, check: Check, facts: Facts) -> tuple[Mistake, ...]:
    """The mistakes that can be named, at most three, the most specific first; those a teacher has listed lead."""
    from headspec.course.naming.softness import softness

    found = [*listed_mistakes(exercise, answer, check, facts)]
    match check.kind:
        case "pattern":
            found += _structural(exercise, answer, check, facts)
            if not any(mistake.code == "uniform" for mistake in found):
                found += softness(exercise, check, facts)
        case "move":
            found += _structural(exercise, answer, check, facts)
        case "equal":
            from headspec.course.naming.matrix_mistakes import matrix_mistakes

            found += matrix_mistakes(facts.answer, facts.ours, facts.values)
    return _first(found)


def value_mistakes(exercise: Exercise, answer: Answer, check: Check) -> tuple[Mistake, ...]:
    """The same for exercises that ask for no heads: what a teacher has listed, and matrices entry by entry.

    Raises SpecError where the exercise is at fault."""
    found = [*listed_mistakes(exercise, answer, check)]
    if exercise.kind == "matrices" and check.kind == "equal":
        from headspec.course.judging.algebra import _our_matrix as our_matrix
        from headspec.course.judging.values import asked_name
        from headspec.course.naming.matrix_mistakes import matrix_mistakes

        given = answer.matrices.get(("", asked_name(exercise, check)))
        values = exercise.weights.bindings if answer.numeric else None
        if given is not None:
            found += matrix_mistakes(given, our_matrix(exercise, check), values)
    return _first(found)


def _first(found: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """One mistake for each code, at most ``MOST``.

    A code that a teacher has listed without a word of his own keeps its place, and takes the words that fit the answer
    where there are some."""
    by_code: dict[str, Mistake] = {}
    for mistake in found:
        if mistake.code not in by_code or _is_general(by_code[mistake.code]):
            by_code[mistake.code] = mistake
    return tuple(by_code.values())[:MOST]


def _is_general(mistake: Mistake) -> bool:
    """Does it say no more than what its code means?"""
    return mistake.says.casefold() == f"{CODES.get(mistake.code, '')}.".casefold()


# ---------------------------------------------------------------- the same head, with a mistake in it


def _structural(exercise: Exercise, answer: Answer, check: Check, facts: Facts) -> list[Mistake]:
    from headspec.course.judging.handed_in import answer_matrices, our_matrices
    from headspec.course.naming.glimpse import look

    if check.kind == "move":
        scene = None if check.on == "everywhere" else facts.scene
        return _moves(exercise, replace(facts, scene=scene))
    if facts.scene is None:
        from headspec.course.naming.rotary_mistakes import rotary_mistakes

        theirs, ours = answer_matrices(exercise, answer, facts.head), our_matrices(exercise, facts.head)
        return rotary_mistakes(exercise.weights, facts.head, theirs, ours)
    glimpse = look(facts.scene, facts.values or exercise.weights.bindings, facts.ours.columns)
    found = _patterns(exercise, answer, facts, glimpse)
    return found or _before(exercise, answer, facts, glimpse)


def _patterns(exercise: Exercise, answer: Answer, facts: Facts, glimpse: Glimpse) -> list[Mistake]:
    from headspec.course.naming.nearly import nearly
    from headspec.course.naming.variants import our_head, pattern_variants

    theirs, ours = glimpse.scores(facts.answer), glimpse.scores(facts.ours)
    if glimpse.no_scores(theirs, facts.answer):
        return [Mistake("uniform", _uniform(facts))]
    if glimpse.same_scores(theirs, ours):
        return []
    our = our_head(exercise.weights, facts.head)
    found: dict[str, Mistake] = {}
    for variant in pattern_variants(our, facts.ours, facts.values):
        if variant.code in found or IMPLIED.get(variant.code) in found:
            continue
        if glimpse.same_scores(theirs, glimpse.scores(variant.circuit)) and _is(variant, facts, glimpse):
            found[variant.code] = Mistake(variant.code, variant.says)
            if len(found) == MOST:
                break
    if found:
        return list(found.values())
    return nearly(exercise, answer, facts, glimpse, our)


def _is(variant: Variant, facts: Facts, glimpse: Glimpse) -> bool:
    """Exactly: is the answer this variant, on the pairs that are looked at?"""
    from compiler.equivalence import same_pattern

    assert glimpse.scene is not None
    return bool(same_pattern(glimpse.scene, facts.answer, variant.circuit, facts.values))


def _uniform(facts: Facts) -> str:
    zero = "W_Q^T W_K is zero" if facts.answer.is_zero() else "W_Q^T W_K is the same for all keys of a query"
    return f"All keys score the same, so attention spreads evenly over them: {zero} on everything that can be reached."


def _before(exercise: Exercise, answer: Answer, facts: Facts, glimpse: Glimpse) -> list[Mistake]:
    """The head itself is right, or cannot be told: what earlier heads brought to it, where that was handed in."""
    from compiler.equivalence import reachable
    from headspec.course.judging.handed_in import answer_matrices, our_matrices

    program = exercise.weights.program
    found: list[Mistake] = []
    for head in program.heads:
        if head.layer >= program.head(facts.head).layer or not answer.matrices.keys() & _moving(head.name):
            continue
        theirs, ours = answer_matrices(exercise, answer, head.name).OV, our_matrices(exercise, head.name).OV
        if theirs != ours:
            scene = reachable(exercise.weights, head)
            moved = _moves(exercise, replace(facts, head=head.name, answer=theirs, ours=ours, scene=scene))
            found += [Mistake(m.code, f"In head `{head.name}`: {m.says[0].lower()}{m.says[1:]}") for m in moved]
    return found


def _moving(head: str) -> set[tuple[str, str]]:
    return {(head, "W_V"), (head, "W_O")}


def _moves(exercise: Exercise, facts: Facts) -> list[Mistake]:
    from headspec.course.naming.glimpse import look
    from headspec.course.naming.move_mistakes import move_mistakes
    from headspec.course.naming.nearly import wrong_entries

    glimpse = look(facts.scene, facts.values or exercise.weights.bindings, facts.ours.columns)
    found = move_mistakes(exercise.weights.program, facts.answer, facts.ours, glimpse)
    if not found or found[0].code == "copies-something-else":
        return wrong_entries(exercise, facts, "W_O W_V", "what goes to", "from") + found
    return found
