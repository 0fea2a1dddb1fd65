"""Anything a student hands in -> ``Answer``.

In: an ``Exercise`` and a text, files, or Python objects.  Out: ``Answer``; or a SpecError that says what was expected.
Not for: judging.

    text      matrices, heads of a spec, formulas, letters, tokens        texts, head_answers, plain_answers
    files     texts, and numbers by name                                  data_files
    objects   SymPy, NumPy, torch, lists                                  values, objects
    all of it, in one convention                                          collected, conventions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headspec.course.answer import Answer, Convention
from headspec.course.exercise import Exercise
from headspec.course.handing_in.collected import FORMS, Collected
from headspec.course.handing_in.objects import wrong_sort
from headspec.course.handing_in.texts import add_text
from headspec.course.handing_in.values import add_value


def read_answer(
    exercise: Exercise,
    *,
    text: str | None = None,
    name: str = "<answer>",
    files: Mapping[str, Path] | Sequence[Path] = (),
    objects: Mapping[str, object] | None = None,
    convention: Convention | None = None,
) -> Answer:
    """The answer that was handed in as a ``text`` (shown under ``name`` in errors), or as ``files`` (by the name of
    what each holds, or names are looked for in the files), or as Python ``objects`` by name.

    ``convention`` is needed only where shapes leave it open.  Entries (coordinates) are those of the residual stream;
    names of directions are what they are in a spec.  Raises SpecError: E0701-E0719 (text), E0720-E0736 (the rest), and
    for heads of a spec whatever their compilation says."""
    sources = [source for source in (text, files or None, objects) if source is not None]
    if len(sources) != 1:
        found = "nothing is handed in" if not sources else "an answer is one of: a text, files, objects"
        wrong_sort("this answer:", found, f"exercise {exercise.number} asks for {FORMS[exercise.kind]}")
    collected = Collected(exercise, convention, name)
    if text is not None:
        add_text(collected, text, name)
    elif objects is not None:
        add_value(collected, objects, "", "the call")
    else:
        _add_files(collected, files)
    return collected.finish()


def _add_files(collected: Collected, files: Mapping[str, Path] | Sequence[Path]) -> None:
    """Files by the name of what they hold, or files in which (or in whose names) the names are looked for."""
    from headspec.course.handing_in.data_files import is_text, read_values
    from headspec.files import read_text

    named = files.items() if isinstance(files, Mapping) else [("", path) for path in files]
    for name, path in named:
        path = Path(path)
        if is_text(path):
            add_text(collected, read_text(path), str(path), collected.targets.find(name) if name else None)
        else:
            value = read_values(path)
            add_value(collected, value, name or _from_stem(collected, path, value), str(path))


def _from_stem(collected: Collected, path: Path, value: object) -> str:
    """``W_Q.npy`` says what it holds; names within a file say it better."""
    return path.stem if collected.targets.knows(path.stem) and not isinstance(value, Mapping) else ""
