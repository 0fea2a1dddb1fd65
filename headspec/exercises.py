"""The course from Python: exercises, hints, and a checker that knows many right answers.

>>> from headspec import exercises                                        # doctest: +SKIP
>>> exercises.show("2c")                                                  # doctest: +SKIP
>>> exercises.check("2c", W_Q=[[...]], W_K=[[...]])                       # doctest: +SKIP

In: an exercise's number (``2c``) or the path of a teacher's file; answers as text, files or objects.  Out: values that
show themselves in a terminal and in a notebook.  SpecError where the input is at fault.  Not for: the command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headspec.course.answer import Convention
from headspec.terminal import Drawing

if TYPE_CHECKING:
    from headspec.course.exercise import Exercise
    from headspec.course.files.loading import Entry
    from headspec.course.pages.progress import Progress, Record
    from headspec.course.results import Result

__all__ = ["Words", "check", "hint", "list", "progress", "show", "solution"]


class Words(Drawing):
    """Text that a prompt shows as it is, and a notebook as Markdown."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """One exercise in the list; ``solved`` and ``attempts`` are from the progress that is kept."""

    number: str
    title: str
    part: int
    kind: str
    hints: int
    solved: bool
    attempts: int


class Listing(tuple[Summary, ...]):
    """All exercises, in the order of the course."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(f"{_mark(s)} {s.number:<4} {s.title}" for s in self)

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{_mark(s)}</td><td><b>{escape(s.number)}</b></td>"
            f"<td style='text-align:left'>{escape(s.title)}</td></tr>"
            for s in self
        )
        return f"<table>{rows}</table>"


def _mark(summary: Summary) -> str:
    return "✓" if summary.solved else "·" if summary.attempts else " "


@dataclass(frozen=True)
class Shown:
    """An exercise as ``show`` prints it; ``json`` has everything that an answer is built from."""

    exercise: Exercise

    @property
    def json(self) -> dict[str, object]:
        from headspec.course.pages.showing import exercise_json

        return exercise_json(self.exercise)

    def __str__(self) -> str:
        from headspec.course.pages.showing import render_exercise

        return render_exercise(self.exercise)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        from headspec.course.pages.showing import exercise_markdown

        return exercise_markdown(self.exercise)


# ------------------------------------------------------------------ the five calls


def list(folder: str | Path | None = None) -> Listing:
    """The exercises of the course, or of a teacher's ``folder``."""
    from headspec.course.files.loading import outline
    from headspec.course.pages.progress import key_of, read_progress

    kept = read_progress()
    entries = outline(Path(folder) if folder is not None else None)
    return Listing(_summary(entry, kept.of(key_of(entry.path))) for entry in entries)


def _summary(entry: Entry, record: Record) -> Summary:
    solved = record.solved is not None
    return Summary(entry.number, entry.title, entry.part, entry.kind, entry.hints, solved, record.attempts)


def show(number: str | Path) -> Shown:
    """What is given and what is asked.  SpecError E0740 when there is no such exercise."""
    return Shown(_find(number))


def check(
    number: str | Path,
    answer: str | Path | Mapping[str, object] | object = None,
    *,
    convention: Convention | None = None,
    **matrices: object,
) -> Result:
    """Judge an answer; the result is true when it is right.

    ``answer`` is a text, a ``Path`` of a file, a mapping of names to matrices, or the one thing asked for; ``matrices``
    are SymPy, NumPy or torch matrices or lists by name (``W_Q=...``).  ``convention`` is ``"column"`` (W_Q is
    d_head x d_model) or ``"row"`` (transposed), where shapes leave it open.  The attempt is noted in the progress."""
    from headspec.course.checking import check_answer
    from headspec.course.handing_in.submitting import read_python
    from headspec.course.pages.progress import key_of, note_attempt

    exercise = _find(number)
    result = check_answer(exercise, read_python(exercise, answer, matrices, _convention(convention)))
    _tell(note_attempt(key_of(exercise), right=result.right, score=result.score))
    return result


def _convention(word: str | None) -> Convention | None:
    from headspec.settings import check_choice

    if word is None:
        return None
    return "row" if check_choice("convention", word, ("column", "row")) == "row" else "column"


def hint(number: str | Path, level: int = 1) -> Words:
    """Hint ``level``, from 1 (gentle) on.  SpecError E0748 when there are fewer."""
    from headspec.course.pages.helping import hint_text
    from headspec.course.pages.progress import key_of, note_hint

    exercise = _find(number)
    text = hint_text(exercise, level)
    _tell(note_hint(key_of(exercise), level))
    return Words(text)


def solution(number: str | Path) -> Words:
    """Our answer and why it is right.  That it was looked at is noted in the progress."""
    from headspec.course.pages.helping import solution_text
    from headspec.course.pages.progress import key_of, note_solution

    exercise = _find(number)
    _tell(note_solution(key_of(exercise)))
    return Words(solution_text(exercise))


def progress() -> Progress:
    """What has been tried and solved so far."""
    from headspec.course.pages.progress import read_progress

    kept = read_progress()
    _tell(kept)
    return kept


def _find(number: str | Path) -> Exercise:
    from headspec.course.files.loading import find_exercise

    return find_exercise(str(number))


def _tell(kept: Progress) -> None:
    notices: Iterable[str] = kept.notices
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)
