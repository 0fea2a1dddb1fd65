"""Many answers to one exercise: each judged, then counted.

In: an ``Exercise`` and the files that were handed in.  Out: ``Grade``, one for each; a line, a summary, a table.
Nothing in an answer is run.  Not for: judging one (``checking``); a time limit (``docs/grading.md`` has a script that
gives each answer a process of its own).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.terminal import PLAIN, Style, plain_label

if TYPE_CHECKING:
    from headspec.course.answer import Convention
    from headspec.course.exercise import Exercise
    from headspec.course.results import Result

COLUMNS = ("answer", "right", "score", "says")


@dataclass(frozen=True, slots=True)
class Grade:
    """What became of one answer: a ``result``, or the ``diagnostics`` for which it cannot be read."""

    answer: str
    result: Result | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def right(self) -> bool:
        return self.result is not None and self.result.right

    @property
    def score(self) -> float:
        return 0.0 if self.result is None else self.result.score

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The codes of what is wrong, each once."""
        if self.result is None:
            return tuple(dict.fromkeys(found.code for found in self.diagnostics))
        return tuple(dict.fromkeys(mistake.code for mistake in self.result.mistakes))

    @property
    def says(self) -> str:
        """A sentence."""
        if self.result is None:
            first = self.diagnostics[0]
            return f"{first.message} [{first.code}]" + (f" (line {first.span.line})" if first.span else "")
        wrong = [check for check in self.result.checks if not check.right]
        if not wrong:
            return "right"
        named = [mistake.says + f" [{mistake.code}]" for check in wrong for mistake in check.mistakes]
        return " ".join(named or [check.message for check in wrong])

    def to_json(self) -> dict[str, object]:
        """Keys: answer, right, score, result (null where it cannot be read), diagnostics."""
        return {
            "answer": self.answer,
            "right": self.right,
            "score": self.score,
            "result": None if self.result is None else self.result.to_json(),
            "diagnostics": [found.to_json() for found in self.diagnostics],
        }


def grade(exercise: Exercise, answer: str, convention: Convention | None = None) -> Grade:
    """The answer in the file ``answer``, judged."""
    from headspec.course.checking import check_answer
    from headspec.course.handing_in.submitting import read_words

    try:
        return Grade(answer, check_answer(exercise, read_words(exercise, [answer], None, convention)))
    except SpecError as error:
        return Grade(answer, None, error.diagnostics)


def render_grade(found: Grade, width: int, style: Style = PLAIN) -> str:
    """One line: the verdict, the file, and what is wrong with it."""
    verdict = "right" if found.right else "unread" if found.result is None else f"{found.score:.0%}"
    told = "" if found.right else ", ".join(found.mistakes) or "no mistake by name"
    return f"  {style.verdict(found.right, f'{verdict:<6}')}  {plain_label(found.answer):<{width}}  {told}".rstrip()


def render_summary(grades: Sequence[Grade]) -> str:
    """How many are right, and which mistakes how often."""
    right, unread = sum(found.right for found in grades), sum(found.result is None for found in grades)
    lines = [f"{right} of {len(grades)} right, {len(grades) - right - unread} not right, {unread} cannot be read"]
    counts = Counter(code for found in grades if not found.right for code in found.mistakes)
    if counts:
        lines.append("mistakes: " + ", ".join(f"{code} {count}" for code, count in counts.most_common()))
    return "\n".join(lines)


def as_csv(grades: Iterable[Grade]) -> str:
    """One row for each answer: answer, right, score, says."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for found in grades:
        table.writerow((_cell(found.answer), int(found.right), f"{found.score:g}", _cell(found.says)))
    return text.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
