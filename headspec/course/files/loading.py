"""Exercises from files: the packaged course, or a teacher's own folder.

In: a number (``2c``), a path, a folder.  Out: ``Exercise``, sound and with all shapes; or SpecError with every mistake
of the file at once.  Specs are resolved, never compiled; ``outline`` does not even read them.
Not for: what a file has to say (``exercise_file``, ``givens``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean, for_each
from headspec.course.exercise import AnswerKind, Exercise
from headspec.files import read_text
from headspec.specs_path import specs_folder

SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """An exercise in a list: what can be said without reading its spec."""

    number: str
    order: int
    part: int
    title: str
    source: str
    kind: AnswerKind
    hints: int
    path: Path


def course_folder() -> Path | None:
    """Where the packaged exercises are, or None where there are none."""
    folder = specs_folder()
    return folder / "exercises" if folder is not None and (folder / "exercises").is_dir() else None


def exercise_files(folder: Path | None = None) -> dict[str, Path]:
    """Number -> file, of the packaged course or of a teacher's ``folder``, in alphabetical order.

    Raises SpecError E0740 when there is no such folder, or no exercise in it."""
    place = folder if folder is not None else course_folder()
    if place is None or not place.is_dir():
        raise SpecError(Diagnostic("E0740", f"there is no folder `{place or 'specs/exercises'}` of exercises"))
    found = {path.stem: path for path in sorted(place.glob(f"*{SUFFIX}"))}
    if not found:
        help = "an exercise is a file such as `2c.toml`: docs/exercises.md says how to write one"
        raise SpecError(Diagnostic("E0740", f"there are no exercises in `{place}`", help=help))
    return found


def load_exercise(path: Path) -> Exercise:
    """The exercise in the file at ``path``.

    Raises SpecError E0601..E0603 (not readable), E0741 (not TOML), E0742..E0746 (every mistake in it, at once)."""
    from headspec.course.files.exercise_file import read_exercise
    from headspec.course.files.givens import check_mistakes, hold_against_spec

    exercise, page = read_exercise(path, read_text(path))
    exercise = hold_against_spec(exercise, page)
    check_mistakes(exercise, page)
    page.collector.check()
    return exercise


def find_exercise(word: str, folder: Path | None = None) -> Exercise:
    """The exercise that ``word`` means: ``2c`` (also ``2C``, ``2(c)``), or the path of a .toml file.

    Raises SpecError E0740 when there is none, with the nearest number."""
    return load_exercise(find_file(word, folder))


def find_file(word: str, folder: Path | None = None) -> Path:
    """The file that ``word`` means; see ``find_exercise``."""
    path = Path(word)
    if path.suffix == SUFFIX:
        if path.is_file():
            return path
        raise SpecError(Diagnostic("E0740", f"there is no file `{word}`", help="an exercise's number will do: `2c`"))
    files = exercise_files(folder)
    plain = {_plain(number): path for number, path in files.items()}
    if _plain(word) in plain:
        return plain[_plain(word)]
    known = ", ".join(entry.number for entry in outline(folder))
    help = did_you_mean(_plain(word), plain) or f"the exercises are {known}"
    raise SpecError(Diagnostic("E0740", f"there is no exercise `{word}`", help=help))


def _plain(word: str) -> str:
    """``2(c)``, ``2.C`` and ``exercise 2c`` all mean ``2c``."""
    return re.sub(r"[^\w]", "", re.sub(r"(?i)\A\s*ex(ercise)?\b", "", word)).lower()


def course() -> tuple[Exercise, ...]:
    """The packaged exercises in the order of the course; read once."""
    return _course()


@cache
def _course() -> tuple[Exercise, ...]:
    exercises = for_each(exercise_files().values(), load_exercise)
    return tuple(sorted(exercises, key=lambda e: (e.order, e.number)))


def outline(folder: Path | None = None) -> tuple[Entry, ...]:
    """What a list shows of every exercise, in the order of the course; the given specs are not looked at."""
    entries = for_each(exercise_files(folder).values(), _entry)
    return tuple(sorted(entries, key=lambda e: (e.order, e.number)))


def _entry(path: Path) -> Entry:
    from headspec.course.files.exercise_file import read_exercise

    exercise, page = read_exercise(path, read_text(path))
    page.collector.check()
    e = exercise
    return Entry(e.number, e.order, e.part, e.title, e.source, e.kind, len(e.hints), path)
