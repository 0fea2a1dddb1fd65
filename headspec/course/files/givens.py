"""What an exercise says of its given spec, held against that spec: heads, directions, symbols, shapes.

In: an ``Exercise`` as it was read, and its page.  Out: the exercise with the shapes of what is asked; mistakes go to
the page.  The spec is resolved, never compiled.  Not for: judging answers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dsl.diagnostics import SpecError, did_you_mean
from headspec.course.exercise import Asked, Exercise
from headspec.course.files.fields import Page
from headspec.course.files.toml_places import Path

if TYPE_CHECKING:
    from compiler.program import Program


_DIAGNOSTIC = re.compile(r"E0\d{3}\Z")


def hold_against_spec(exercise: Exercise, page: Page) -> Exercise:
    """The exercise with the shapes of its matrices.  A mistake in the given spec is reported with the file's own."""
    try:
        program = exercise.program
    except SpecError as error:
        page.collector.found += error.diagnostics
        return exercise
    if program is None:
        return exercise
    _check_heads(exercise, program, page)
    _check_names(exercise, program, page)
    if exercise.kind == "values":
        _check_values(exercise, page)
    _check_properties(exercise, page)
    asked = tuple(_with_shape(item, program.width) for item in exercise.asked)
    return replace(exercise, asked=asked)


def _with_shape(item: Asked, width: int) -> Asked:
    """W_Q, W_K, W_V (d_head, d_model), W_O (d_model, d_head)."""
    if not item.matrix or item.shape is None:
        return item
    d_head = item.shape[0]
    return replace(item, shape=(width, d_head) if item.matrix == "W_O" else (d_head, width))


def _check_heads(exercise: Exercise, program: Program, page: Page) -> None:
    names = [head.name for head in program.heads]
    told: set[str] = set()
    for path, name in _heads_named(exercise, page):
        if name and name not in names and name not in told:
            told.add(name)
            help = did_you_mean(name, names) or _known("its heads are", names)
            page.fault("E0746", path, f"the given spec has no head `{name}`", label="no such head", help=help)


def _heads_named(exercise: Exercise, page: Page) -> list[tuple[Path, str]]:
    heads = list(dict.fromkeys(item.head for item in exercise.asked))
    asked: list[tuple[Path, str]] = [(("asked", i, "head"), name) for i, name in enumerate(heads)]
    return asked + [(("check", i, "head"), check.head) for i, check in enumerate(exercise.checks)]


def _check_names(exercise: Exercise, program: Program, page: Page) -> None:
    known = program.coordinate_names
    taken = {s.name: "a subspace" for s in program.subspaces} | {s.name: "a symbol" for s in program.symbols}
    for name, direction in exercise.names.items():
        path = ("given", "names", name)
        if direction not in known:
            help = did_you_mean(direction, known) or _known("its directions are", known)
            page.fault(
                "E0746", path, f"the given spec has no direction `{direction}`", label="no such place", help=help
            )
        if name in taken:
            page.fault(
                "E0746", path, f"`{name}` is {taken[name]} of the given spec already", help="choose another name"
            )


def _check_properties(exercise: Exercise, page: Page) -> None:
    """The options of a property are known where it is judged; here its mistakes get their line."""
    from headspec.course.judging.properties import require_property

    for i, check in enumerate(exercise.checks):
        if check.kind == "property":
            try:
                require_property(exercise, check)
            except SpecError as error:
                span = page.span(("check", i, "property"))
                page.collector.found += [replace(d, span=d.span or span) for d in error.diagnostics]


def check_mistakes(exercise: Exercise, page: Page) -> None:
    """``mistake`` is a code that the checker knows, a diagnostic's code, or one of the teacher's own with a word."""
    from headspec.course.naming.mistakes import CODES

    for i, wrong in enumerate(exercise.wrong):
        if not wrong.mistake or wrong.mistake in CODES or _DIAGNOSTIC.match(wrong.mistake) or wrong.says:
            continue
        help = did_you_mean(wrong.mistake, CODES) or "docs/exercises.md lists them; one of your own needs `says`"
        message = f"the checker knows no mistake `{wrong.mistake}`"
        page.fault("E0744", ("wrong", i, "mistake"), message, label="not a mistake it can name", help=help)


def _check_values(exercise: Exercise, page: Page) -> None:
    from dsl.parser import parse
    from dsl.tree import ParamDecl, SymbolDecl

    tree = parse(exercise.spec_text, exercise.spec_name)
    known = [item.name for item in tree.statements if isinstance(item, SymbolDecl | ParamDecl)]
    for i, item in enumerate(exercise.asked):
        if item.name not in known:
            help = did_you_mean(item.name, known) or _known("it declares", known)
            message = f"the given spec has no symbol or param `{item.name}`"
            page.fault("E0746", ("asked", i, "name"), message, label="not declared", help=help)


def _known(words: str, names: list[str] | tuple[str, ...]) -> str:
    return f"{words} {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}" if names else f"{words} none"
