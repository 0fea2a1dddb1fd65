"""An exercise file as the typed ``Exercise``: its keys, their types, and which go together.

In: the text of a TOML file.  Out: ``Exercise`` and the ``Page`` that gathers what is wrong with the file; shapes are
left open where they need the given spec.  Not for: what that spec says (``givens``), nor finding files (``loading``).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import cast, get_args

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.span import Source, Span
from headspec.course.exercise import AnswerKind, Asked, Exercise, RightAnswer, WrongAnswer
from headspec.course.files.checks import check_letters, read_checks
from headspec.course.files.fields import Page, Table

MAX_CHARACTERS = 1 << 18
MATRICES = ("W_Q", "W_K", "W_V", "W_O")
NEEDS_SPEC = ("heads", "sequence", "values", "spec")
_NAME = re.compile(r"[^\W\d]\w*\Z")
_LETTER = re.compile(r"[a-z]\Z")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


def read_exercise(path: Path, text: str) -> tuple[Exercise, Page]:
    """Raises SpecError when the text is no TOML (E0741) or of no known kind; all other mistakes are in the page's
    collector."""
    page = Page(Source(str(path), text))
    top = Table(page, _read_toml(page.source))
    kind = cast(AnswerKind, top.word("kind", get_args(AnswerKind)))
    page.collector.check()  # almost everything else depends on the kind
    given = top.table("given")
    spec_name, spec_text = _given_spec(given, path, kind)
    asked = _asked(top, kind)
    exercise = Exercise(
        number=path.stem,
        order=top.integer("order", 1000, low=0),
        part=top.integer("part", 1, low=0, high=99),
        title=top.text("title", example="Look one position back"),
        source=top.text("source", ""),
        statement=top.text("statement", example='""what is given, what is asked""').strip(),
        why=top.text("why", "").strip(),
        kind=kind,
        asked=asked,
        checks=read_checks(top, kind, asked),
        hints=tuple(hint.strip() for hint in top.texts("hints", example='["gentle", "more", "nearly all"]')),
        solution=top.text("solution", example='""the answer, as a student would hand it in""').strip(),
        explanation=top.text("explanation", "").strip(),
        right=tuple(_right(table) for table in top.tables("right")),
        wrong=tuple(_wrong(table) for table in top.tables("wrong")),
        choices=_choices(top, kind),
        shapes=_shapes(top),
        spec_text=spec_text,
        spec_name=spec_name,
        names=_names(given),
        path=path,
    )
    check_letters(exercise, page)
    given.finish()
    top.finish()
    return exercise, page


def _read_toml(source: Source) -> dict[str, object]:
    if len(source.text) > MAX_CHARACTERS:
        message = f"`{source.name}` has more than {MAX_CHARACTERS // 1024} KiB"
        raise SpecError(Diagnostic("E0741", message, help="an exercise is a page or two: is this the right file?"))
    try:
        return tomllib.loads(source.text)
    except RecursionError:
        raise SpecError(Diagnostic("E0741", f"`{source.name}` has brackets nested too deeply")) from None
    except ValueError as error:
        raise SpecError(_not_toml(source, str(error))) from None


def _not_toml(source: Source, reason: str) -> Diagnostic:
    match = _AT.search(reason)
    words = _AT.sub("", reason)
    words = words[:1].lower() + words[1:]
    start = len(source.text.rstrip())
    if match and match[1]:
        lines = source.text.split("\n")
        start = sum(len(line) + 1 for line in lines[: int(match[1]) - 1]) + int(match[2]) - 1
    help = 'a quotation mark inside a text is written \\"; texts with backslashes stand between triple apostrophes'
    return Diagnostic("E0741", "this is not TOML", Span(start, start + 1, source), words, help)


# ------------------------------------------------------------------ what is given


def _given_spec(given: Table, path: Path, kind: str) -> tuple[str, str]:
    """Name and text of the given spec: a file beside the exercise, or the spec itself."""
    from headspec.files import read_text

    found = given.text("spec", "")
    if not found.strip():
        if kind in NEEDS_SPEC:
            help = 'write spec = "NAME.head" below [given], a file beside this one, or the spec itself in """ ... """'
            message = f"an exercise of kind `{kind}` needs a given spec"
            given.page.fault("E0743", given.path, message, label="`spec` is missing", help=help)
        return "", ""
    if "\n" in found.strip():
        return f"{path} (given.spec)", found
    file = path.parent / found.strip()
    if file.suffix != ".head":
        help = "one line names a .head file beside the exercise; several lines are the spec itself"
        given.fault("spec", f"`{found.strip()}` is no .head file", code="E0746", label="not a spec", help=help)
        return "", ""
    if not file.is_file():
        near = did_you_mean(file.name, [other.name for other in path.parent.glob("*.head")])
        help = near or f"it is looked for in `{path.parent}`"
        given.fault("spec", f"there is no file `{found.strip()}`", code="E0746", label="no such file", help=help)
        return "", ""
    return str(file), read_text(file)


def _names(given: Table) -> dict[str, str]:
    names = given.table("names")
    for name in names.data:
        if not _NAME.match(name):
            names.fault(name, f"`{name}` is no name", label="letters, digits and _ only")
    return names.entries()


# ------------------------------------------------------------------ what is asked


def _asked(top: Table, kind: str) -> tuple[Asked, ...]:
    tables = top.tables("asked", required=kind in ("heads", "matrices", "formula", "number", "values"))
    if kind == "heads":
        several = len(tables) > 1
        return tuple(asked for i, table in enumerate(tables) for asked in _asked_head(table, i + 1 if several else 0))
    if kind == "spec":
        return tuple(_finished(table, Asked("", head=table.text("head"))) for table in tables)
    return tuple(_asked_name(table, kind) for table in tables)


def _asked_head(table: Table, number: int) -> list[Asked]:
    """One thing asked for each matrix; ``shape`` holds d_head for now, twice: the given spec has d_model."""
    head, d_head = table.text("head", example="previous"), table.integer("d_head", low=1, high=4096)
    names = table.texts("matrices", example='["W_Q", "W_K"]')
    for name in names:
        if name not in MATRICES:
            help = did_you_mean(name, MATRICES) or f"the matrices of a head are {', '.join(MATRICES)}"
            table.fault("matrices", f"`{name}` is no matrix of a head", help=help)
    asked = [Asked(f"{name}{number or ''}", head, name, (d_head, d_head)) for name in names]
    table.finish()
    return asked


def _asked_name(table: Table, kind: str) -> Asked:
    name = table.text("name", example="W_net1")
    if kind != "matrices":
        return _finished(table, Asked(name))
    shape = table.sizes("shape")
    if shape is None and "shape" not in table.data:
        message = f"{table.title} has no `shape`"
        table.page.fault("E0743", table.path, message, label="`shape` is missing", help="add shape = [16, 16]")
    return _finished(table, Asked(name, shape=shape))


def _finished(table: Table, asked: Asked) -> Asked:
    table.finish()
    return asked


def _choices(top: Table, kind: str) -> dict[str, str]:
    table = top.table("choices")
    choices = table.entries()
    for letter in choices:
        if not _LETTER.match(letter):
            table.fault(letter, f"`{letter}` is no letter for a choice", label="one lower-case letter is expected")
    if kind == "choice" and len(choices) < 2:
        help = 'below [choices], one line for each: a = "W_Q and W_K"'
        top.page.fault("E0743", ("choices",), "an exercise of kind `choice` needs two [choices] or more", help=help)
    return choices


def _shapes(top: Table) -> dict[str, tuple[str, str]]:
    table = top.table("shapes")
    shapes = {name: table.texts(name, example='["d_head", "d_model"]') for name in table.data}
    for name, shape in shapes.items():
        if shape and len(shape) != 2:
            table.fault(name, f"the shape of `{name}` is [rows, columns]", label="two sizes in quotation marks")
    return {name: (shape[0], shape[1]) for name, shape in shapes.items() if len(shape) == 2}


# ------------------------------------------------------------------ examples


def _right(table: Table) -> RightAnswer:
    found = RightAnswer(table.text("name"), table.text("answer").strip("\n"))
    table.finish()
    return found


def _wrong(table: Table) -> WrongAnswer:
    found = WrongAnswer(
        table.text("name"), table.text("answer").strip("\n"), table.text("mistake", ""), table.text("says", "").strip()
    )
    table.finish()
    return found
