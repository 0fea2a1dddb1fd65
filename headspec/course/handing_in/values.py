"""Values that were handed in, from Python or from files of numbers: matrices, numbers, texts, and names for these.

In: a value, and ``Collected``, which it goes into.  Out: nothing but what is collected; E0720-E0736.  Not for: one
matrix or number (``objects``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.answer import Convention
from headspec.course.exercise import Asked
from headspec.course.handing_in.collected import FORMS, Collected, nameless
from headspec.course.handing_in.objects import given_matrix, given_number, wrong_sort
from headspec.course.handing_in.targets import Targets, plain
from headspec.course.handing_in.texts import add_text


def add_value(collected: Collected, value: object, name: str, where: str, head: str | int | None = None) -> None:
    """A value, called ``name`` (or, with "", by no name of its own), from ``where``."""
    if isinstance(value, Mapping):
        _add_mapping(collected, value, name, where, head)
        return
    kind = collected.exercise.kind
    if kind in ("choice", "sequence") or (isinstance(value, str) and not name):
        add_text(collected, _as_text(value, where, kind), f"<{where}>" if isinstance(value, str) else "<answer>")
        return
    asked = collected.targets.find(name, head) if name else collected.targets.only()
    if asked is None:
        nameless(where, collected.targets, None)
    label = f"{head}.{name}" if head else name or asked.name
    _add_named(collected, value, asked, label)


def _add_named(collected: Collected, value: object, asked: Asked, label: str) -> None:
    match collected.exercise.kind:
        case "heads" | "matrices":
            text = _matrix_text(value, asked)
            if text is not None:
                add_text(collected, text, f"<{label}>", asked)
            else:
                collected.put_matrix(given_matrix(collected.stage, asked, value, label))
        case "number" | "values":
            if isinstance(value, str):
                add_text(collected, value, f"<{label}>", asked)
            else:
                collected.put_number(asked, *given_number(collected.stage, value, label))
        case _:
            add_text(collected, _as_text(value, label, collected.exercise.kind), f"<{label}>", asked)


def _add_mapping(
    collected: Collected, values: Mapping[object, object], name: str, where: str, head: str | int | None
) -> None:
    """Names within names: a head's matrices, or the whole under ``answer`` or ``matrices``."""
    if name:
        if plain(name) not in map(plain, collected.targets.heads) or head:
            message = f"`{name}` in {where} holds further names, and is no head of exercise {collected.exercise.number}"
            raise SpecError(Diagnostic("E0726", message, help=_heads_help(collected.targets)))
        head = name
    array = _single_array(values)
    if array is not None and not head:
        add_value(collected, array, "", where)
        return
    for key, value in values.items():
        word = str(key)
        if collected.targets.knows(word) or not _meta(collected, word, value, where):
            add_value(collected, value, word, where, head)


def _meta(collected: Collected, word: str, value: object, where: str) -> bool:
    """Whether ``word`` speaks of the answer as a whole; then it is dealt with."""
    match word:
        case "answer" | "answers" | "matrices" | "text":
            add_value(collected, value, "", where)
        case "exercise":
            if str(value) != collected.exercise.number:
                wrong_sort(where, f"answers exercise {value}", f"this is exercise {collected.exercise.number}")
        case "convention":
            collected.convention = collected.convention or _convention(value, where)
        case _:
            return False
    return True


def _matrix_text(value: object, asked: Asked) -> str | None:
    """What stands right of ``=`` for a text, or for a list of texts that are residual vectors; None for the rest."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return f"{'columns' if asked.matrix == 'W_O' else 'rows'} {', '.join(cast('Sequence[str]', value))}"
    return None


def _as_text(value: object, where: str, kind: str) -> str:
    """Letters or tokens as one text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(item, str) for item in value):
        return " ".join(cast("Sequence[str]", value))
    wrong_sort(f"`{where}`", f"holds a {type(value).__name__}", f"hand in {FORMS[kind]}, as text")


def _single_array(values: Mapping[object, object]) -> object | None:
    """The only array of a file that has one, under the name that NumPy gives to what has none."""
    return values["arr_0"] if list(values) == ["arr_0"] else None


def _convention(value: object, where: str) -> Convention:
    words = str(value).casefold().replace(",", " ").split()
    said: Iterator[Convention] = (c for c in ("column", "row") if c in words or f"{c}s" in words)
    found = next(said, None)
    if found is None:
        wrong_sort(where, f"has a convention `{str(value)[:40]}`", "the convention is `column` or `row`")
    return found


def _heads_help(targets: Targets) -> str:
    if targets.heads:
        return f"its heads are {', '.join(f'`{head}`' for head in targets.heads)}"
    return f"asked for: {targets.listing(targets.asked)}"
