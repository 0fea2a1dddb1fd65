"""What is handed in at a command line or in Python, on its way to the checker.

In: words such as ``answer.txt``, ``-``, ``W_Q=q.npy``; a text; objects by name.  Out: ``Answer``.  A text is never
taken for a file name, nor the other way round.  Not for: what answers look like (``reading``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.answer import Answer, Convention
from headspec.course.exercise import Exercise

NUMBERS = (".npy", ".npz", ".safetensors", ".json", ".csv")
MAX_BYTES = 1 << 20
_PAIR = re.compile(r"(?P<name>[^\W\d][\w^.{}]*)=(?P<file>.+)\Z", re.DOTALL)


def files_of(words: Sequence[str]) -> list[Path]:
    """The files that the words of a command line name, in order; none for ``-``."""
    return [Path(pair["file"] if (pair := _pair(word)) else word) for word in words if word != "-"]


def read_words(exercise: Exercise, words: Sequence[str], text: str | None, convention: Convention | None) -> Answer:
    """``words`` as they stand after ``check N``, or the ``--answer`` text.

    SpecError E0747 for none or several of them; the errors of ``reading`` for what is in them."""
    from headspec.course.handing_in.reading import read_answer

    if (text is None) == (not words):
        raise SpecError(_unclear(exercise, none=text is None))
    if text is not None:
        return read_answer(exercise, text=text, name="<answer>", convention=convention)
    pairs = [_pair(word) for word in words]
    if all(pairs):
        names = [pair["name"] for pair in pairs if pair]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SpecError(Diagnostic("E0747", f"`{twice}` is handed in twice", help="one file for each name"))
        files = {pair["name"]: Path(pair["file"]) for pair in pairs if pair}
        return read_answer(exercise, files=files, convention=convention)
    if len(words) > 1:
        raise SpecError(_unclear(exercise, none=False))
    if words[0] == "-":
        return read_answer(exercise, text=_standard_input(), name="<stdin>", convention=convention)
    return read_file(exercise, Path(words[0]), convention)


def read_file(exercise: Exercise, path: Path, convention: Convention | None = None) -> Answer:
    """The answer in one file: numbers by the ending of its name, else text."""
    from headspec.course.handing_in.reading import read_answer
    from headspec.files import read_text

    if path.suffix.lower() in NUMBERS:
        return read_answer(exercise, files=[path], convention=convention)
    return read_answer(exercise, text=read_text(path), name=str(path), convention=convention)


def read_python(
    exercise: Exercise,
    answer: str | Path | Mapping[str, object] | object,
    objects: Mapping[str, object],
    convention: Convention | None,
) -> Answer:
    """What ``exercises.check`` is given: a text, a path, a mapping, one object, or objects by name."""
    from headspec.course.handing_in.reading import read_answer

    if answer is None and not objects:
        raise SpecError(_unclear(exercise, none=True))
    if answer is not None and objects:
        raise SpecError(_unclear(exercise, none=False))
    if isinstance(answer, Path):
        return read_file(exercise, answer, convention)
    if isinstance(answer, str):
        return read_answer(exercise, text=answer, name="<answer>", convention=convention)
    if isinstance(answer, Mapping):
        objects = {str(name): value for name, value in answer.items()}
    elif answer is not None:
        objects = {_only(exercise): answer}
    return read_answer(exercise, objects=objects, convention=convention)


def _only(exercise: Exercise) -> str:
    """The name of the one thing that is asked for."""
    if len(exercise.asked) == 1:
        return exercise.asked[0].name
    raise SpecError(_unclear(exercise, none=False))


def _pair(word: str) -> re.Match[str] | None:
    return None if Path(word).is_file() else _PAIR.match(word)


def _standard_input() -> str:
    """UTF-8, whatever the terminal speaks.  SpecError E0747 (closed, or too long), E0601 (fails), E0602 (not UTF-8)."""
    from headspec.files import decode_text

    if sys.stdin is None:
        raise SpecError(Diagnostic("E0747", "standard input is closed", help="hand in a file, or --answer"))
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(Diagnostic("E0601", f"standard input cannot be read: {error.strerror or error}")) from None
    if len(data) > MAX_BYTES:
        raise SpecError(Diagnostic("E0747", "there is more than 1 MiB on standard input", help="hand in a file"))
    return decode_text("<stdin>", data)


def _unclear(exercise: Exercise, *, none: bool) -> Diagnostic:
    number = exercise.number
    message = "no answer is handed in" if none else "several answers are handed in at once"
    names = ", ".join(dict.fromkeys(item.name for item in exercise.asked))
    help = f'one file, `-`, NAME=FILE pairs or --answer "..."; `headspec exercise show {number}` has a form to fill in'
    figures = (f"asked for: {names}",) if names else ()
    return Diagnostic("E0747", message, help=help, figures=figures)
