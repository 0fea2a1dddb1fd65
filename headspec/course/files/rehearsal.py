"""A teacher's test of an exercise: is what must be accepted accepted, and what must be refused refused?

In: ``Exercise``.  Out: ``Rehearsal``, a line for the solution and for every [[right]] and [[wrong]] answer.
Not for: students' answers (``checking``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

from dsl.diagnostics import SpecError
from headspec.course.exercise import Exercise, WrongAnswer
from headspec.course.results import Result
from headspec.terminal import PLAIN, Style


@dataclass(frozen=True, slots=True)
class Case:
    """One answer of the exercise file; ``found`` says what the checker made of it."""

    kind: Literal["solution", "right", "wrong"]
    name: str
    holds: bool
    found: str
    mistakes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Keys: kind, name, holds, found, mistakes, seconds."""
        return {
            "kind": self.kind,
            "name": self.name,
            "holds": self.holds,
            "found": self.found,
            "mistakes": list(self.mistakes),
            "seconds": round(self.seconds, 4),
        }


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """All answers of one exercise file."""

    number: str
    title: str
    cases: tuple[Case, ...]

    @property
    def holds(self) -> bool:
        return all(case.holds for case in self.cases)

    def to_json(self) -> dict[str, object]:
        """Keys: exercise, title, holds, cases."""
        cases = [case.to_json() for case in self.cases]
        return {"exercise": self.number, "title": self.title, "holds": self.holds, "cases": cases}


def rehearse(exercise: Exercise) -> Rehearsal:
    """Judge the exercise's own answers."""
    cases = [_accepted(exercise, "solution", "our solution", exercise.solution)]
    cases += [_accepted(exercise, "right", right.name, right.answer) for right in exercise.right]
    cases += [_refused(exercise, wrong) for wrong in exercise.wrong]
    return Rehearsal(exercise.number, exercise.title, tuple(cases))


def _accepted(exercise: Exercise, kind: Literal["solution", "right"], name: str, answer: str) -> Case:
    started = time.perf_counter()
    result = _judge(exercise, answer)
    seconds = time.perf_counter() - started
    if isinstance(result, SpecError):
        return Case(kind, name, False, _first_line(result), (), seconds)
    reasons = [f"{check.verdict}: {check.message}" for check in result.checks if not check.right]
    found = "; ".join(reasons) or ", ".join(dict.fromkeys(check.verdict for check in result.checks))
    return Case(kind, name, result.right, found, (), seconds)


def _refused(exercise: Exercise, wrong: WrongAnswer) -> Case:
    """Refused, with the mistake expected among those named; a mistake such as E0712 is a diagnostic's code.

    The checker is asked without this entry of the file first, which would name the mistake by itself."""
    started = time.perf_counter()
    result = _judge(_without(exercise, wrong), wrong.answer)
    alone = isinstance(result, Result) and wrong.mistake not in {m.code for m in result.mistakes}
    if alone:
        result = _judge(exercise, wrong.answer)
    seconds = time.perf_counter() - started
    if isinstance(result, SpecError):
        codes = tuple(d.code for d in result.diagnostics)
        holds = not wrong.mistake or wrong.mistake in codes
        expected = "" if holds else f"; expected was the mistake {wrong.mistake}"
        return Case("wrong", wrong.name, holds, _first_line(result) + expected, codes, seconds)
    codes = tuple(dict.fromkeys(mistake.code for mistake in result.mistakes))
    if result.right:
        return Case("wrong", wrong.name, False, "it is accepted", codes, seconds)
    holds = not wrong.mistake or wrong.mistake in codes
    named = f"named {', '.join(codes)}" if codes else "no mistake named"
    if holds and alone and wrong.mistake and not wrong.says:
        named += f" ({wrong.mistake} by this file alone)"
    found = named if holds else f"{named}; expected was {wrong.mistake}"
    return Case("wrong", wrong.name, holds, found, codes, seconds)


def _without(exercise: Exercise, wrong: WrongAnswer) -> Exercise:
    """The exercise without one of its wrong answers; what has been compiled of it already is kept."""
    other = replace(exercise, wrong=tuple(entry for entry in exercise.wrong if entry is not wrong))
    for name in ("program", "weights"):
        if name in exercise.__dict__:  # a cached property
            other.__dict__[name] = exercise.__dict__[name]
    return other


def _judge(exercise: Exercise, answer: str) -> Result | SpecError:
    from headspec.course.checking import check_answer
    from headspec.course.handing_in.reading import read_answer

    try:
        return check_answer(exercise, read_answer(exercise, text=answer))
    except SpecError as error:
        return error


def _first_line(error: SpecError) -> str:
    first = error.diagnostics[0]
    return f"{first.code}: {first.message}"


def render_rehearsal(rehearsal: Rehearsal, style: Style = PLAIN) -> str:
    """A verdict, and a line for every answer."""
    word = style.verdict(rehearsal.holds, "holds" if rehearsal.holds else "DOES NOT HOLD")
    lines = [f"{rehearsal.number}  {rehearsal.title}: {word}"]
    width = max((len(case.name) for case in rehearsal.cases), default=0)
    for case in rehearsal.cases:
        mark = style.verdict(case.holds, "ok   " if case.holds else "WRONG")
        lines.append(f"  {mark}  {case.kind:<8}  {case.name:<{width}}  {case.seconds:6.2f} s  {case.found}")
    for kind, section in (("right", "[[right]]"), ("wrong", "[[wrong]]")):
        if not any(case.kind == kind for case in rehearsal.cases):
            lines.append(f"  (no {section} answers: a check that nobody has seen fail, or accept another, is no check)")
    return "\n".join(lines)
