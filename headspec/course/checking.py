"""The checker: an exercise and an answer in, a ``Result`` out; one check after the other.

In: ``Exercise`` and ``Answer``.  Out: ``Result``.  Not for: how an answer was read (``handing_in``), nor the judging of
one kind of check (``judging``) and the naming of mistakes (``naming``).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from headspec.course.results import CheckResult, Result

if TYPE_CHECKING:
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise
    from headspec.course.judging.bench import Bench, Judged
    from headspec.course.naming.mistakes import Facts


def check_answer(exercise: Exercise, answer: Answer) -> Result:
    """Every check of ``exercise``, held against ``answer``.

    Raises SpecError for an answer that cannot be compiled or run at all, and for an exercise that is at fault."""
    started = time.perf_counter()
    found = _check_heads(exercise, answer) if exercise.kind == "heads" else _check_values(exercise, answer)
    return Result(exercise.number, exercise.title, found, time.perf_counter() - started, _notes(exercise, answer))


def _check_heads(exercise: Exercise, answer: Answer) -> tuple[CheckResult, ...]:
    from headspec.course.judging.bench import Bench
    from headspec.course.judging.sizes import check_sizes

    bench = Bench(exercise, answer)
    check_sizes(bench.weights, bench.values)
    return tuple(_check_head(bench, check) for check in exercise.checks)


def _check_head(bench: Bench, check: Check) -> CheckResult:
    from headspec.course.judging.move_judge import judge_move
    from headspec.course.judging.pattern_judge import judge_pattern
    from headspec.course.judging.properties import judge_property
    from headspec.course.judging.values import judge_value
    from headspec.course.naming.mistakes import name_mistakes

    exercise, answer = bench.exercise, bench.answer
    if check.kind == "property":
        return judge_property(exercise, check, answer)
    if check.kind not in ("pattern", "move"):
        return judge_value(exercise, check, replace(answer, weights=bench.weights))
    judged = judge_pattern(bench, check) if check.kind == "pattern" else judge_move(bench, check)
    if judged.result.right:
        return _with_canonical_form(bench, check, judged)
    return replace(judged.result, mistakes=name_mistakes(exercise, answer, check, _facts(bench, check, judged)))


def _facts(bench: Bench, check: Check, judged: Judged) -> Facts:
    from headspec.course.naming.mistakes import Facts

    theirs, ours = bench.theirs(check.head), bench.ours(check.head)
    looks = check.kind == "pattern"
    return Facts(
        head=check.head,
        answer=theirs.QK if looks else theirs.OV,
        ours=ours.QK if looks else ours.OV,
        scene=judged.scene,
        values=bench.values if bench.answer.numeric else None,
        needed=judged.needed,
        tie=judged.tie,
        given_mass=judged.result.counterexample.mass if judged.result.counterexample else None,
    )


def _with_canonical_form(bench: Bench, check: Check, judged: Judged) -> CheckResult:
    """The answer as we would write it, and what takes it there."""
    from headspec.course.judging.canonical import canonical_form

    result = judged.result
    if result.verdict != "exact":
        return result
    figures, numbers = canonical_form(bench.exercise, bench.answer, check.head, check.kind, judged.scene)
    return replace(result, figures=(*result.figures, *figures), numbers={**result.numbers, **numbers})


def _check_values(exercise: Exercise, answer: Answer) -> tuple[CheckResult, ...]:
    return tuple(_check_value(exercise, answer, check) for check in exercise.checks)


def _check_value(exercise: Exercise, answer: Answer, check: Check) -> CheckResult:
    from headspec.course.judging.values import judge_value
    from headspec.course.naming.mistakes import value_mistakes

    result = judge_value(exercise, check, answer)
    if result.right:
        return result
    named = value_mistakes(exercise, answer, check)
    return replace(result, mistakes=(*named, *(m for m in result.mistakes if m not in named)))


def _notes(exercise: Exercise, answer: Answer) -> tuple[str, ...]:
    """What the reader has to know about how the answer was understood."""
    notes = []
    if answer.convention == "row":
        notes.append("Your matrices were read as row vectors times matrix (x W_Q), and transposed.")
    if answer.numeric:
        notes.append(
            "Your numbers are floats: they were taken exactly, with the values that the exercise gives its symbols."
        )
    return tuple(notes)
