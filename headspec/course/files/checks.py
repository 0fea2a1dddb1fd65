"""The checks of an exercise file: what each judges, and the keys that go with its kind.

In: the ``[[check]]`` tables of a TOML file.  Out: ``Check`` s; mistakes go to the page.  Not for: judging
(``headspec.course.judging``).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, cast, get_args

from dsl.diagnostics import did_you_mean
from headspec.course.exercise import AnswerKind, Asked, Check, CheckKind, Exercise
from headspec.course.files.fields import Page, Table

FITTING: Mapping[str, tuple[CheckKind, ...]] = {
    "heads": ("pattern", "move", "property", "promises"),
    "matrices": ("equal",),
    "formula": ("equal",),
    "number": ("equal", "between"),
    "choice": ("equal",),
    "sequence": ("breaks", "keeps"),
    "values": ("promises", "equal", "between"),
    "spec": ("promises",),
}
"""Answer kind -> the kinds of check that can judge it."""
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "pattern": ("free",),
    "move": (),
    "property": ("property",),
    "equal": ("equals", "tolerance"),
    "between": ("low", "high"),
    "promises": ("exhaustive", "samples"),
    "breaks": ("ends_with",),
    "keeps": ("ends_with",),
}
"""Kind of check -> the keys that only it has; ``property`` takes any further keys that its property needs."""
COMMON = ("name", "kind", "head", "temperature", "on", "mass", "dtype")
DTYPES = ("float64", "float32", "float16", "bfloat16")


def read_checks(top: Table, kind: AnswerKind, asked: tuple[Asked, ...]) -> tuple[Check, ...]:
    """All of them, in order; E0743 where there is none."""
    tables = top.tables("check", required=True)
    if "check" in top.data and not tables:
        top.fault("check", "there are no checks", label="nothing would be judged", help="add [[check]]")
    return tuple(_check(table, kind, asked) for table in tables)


def _check(table: Table, answer: AnswerKind, asked: tuple[Asked, ...]) -> Check:
    kind = cast(CheckKind, table.word("kind", get_args(CheckKind)))
    if kind not in FITTING[answer] and table.data.get("kind") == kind:
        help = f"an answer of kind `{answer}` is judged by {' or '.join(FITTING[answer])}"
        message = f"a check of kind `{kind}` cannot judge an answer of kind `{answer}`"
        table.fault("kind", message, code="E0745", label="does not go with this exercise", help=help)
    check = Check(
        name=table.text("name", example="where it looks"),
        kind=kind,
        head=_check_head(table, kind, asked),
        temperature=cast(Literal["free", "stated"], table.word("temperature", ("free", "stated"), "free")),
        on=cast(Literal["reachable", "everywhere"], table.word("on", ("reachable", "everywhere"), "reachable")),
        mass=_mass(table),
        dtype=table.word("dtype", DTYPES) if "dtype" in table.data else None,
        options=_options(table, kind, answer, asked),
    )
    table.known.append("dtype")
    table.finish()
    return check


def _mass(table: Table) -> Fraction | None:
    mass = table.rational("mass")
    if mass is not None and not 0 < mass < 1:
        table.fault(
            "mass", f"`mass` is {mass}", label="a share between 0 and 1 is expected", help='write mass = "0.99"'
        )
    return mass


def _check_head(table: Table, kind: CheckKind, asked: tuple[Asked, ...]) -> str:
    """The head that is judged; it need not be said where only one is asked for."""
    heads = list(dict.fromkeys(item.head for item in asked if item.head))
    head = table.text("head", "")
    if head and heads and head not in heads and kind in ("pattern", "move", "property"):
        help = did_you_mean(head, heads) or f"asked for are {', '.join(heads)}"
        table.fault("head", f"head `{head}` is not among those asked for", code="E0745", label="not asked", help=help)
    if head or kind not in ("pattern", "move", "property", "breaks", "keeps"):
        return head
    if len(heads) == 1:
        return heads[0]
    table.page.fault("E0743", table.path, f"{table.title} has no `head`", label="which head is judged?")
    return ""


def _options(table: Table, kind: CheckKind, answer: str, asked: tuple[Asked, ...]) -> dict[str, object]:
    """The keys that only this kind of check has, as they were written, with exact bounds."""
    table.known += OPTIONS[kind]
    match kind:
        case "equal":
            table.text("equals", example="ac" if answer == "choice" else "d_head")
            if "tolerance" in table.data:
                table.rational("tolerance")
        case "between":
            bounds = {side: table.rational(side) for side in ("low", "high") if side in table.data}
            _check_bounds(table, bounds)
            return dict(bounds)
        case "pattern":
            table.names("free")
        case "breaks" | "keeps":
            table.text("ends_with", "")
        case "promises":
            table.flag("exhaustive", False)
            table.integer("samples", 500)
        case "property":
            table.text("property", example="splits")
            table.known += _property_options(table)
    if kind in ("equal", "between") and kind in FITTING[answer] and answer != "choice":
        _check_asked(table, asked)
    own = OPTIONS[kind] if kind != "property" else _property_options(table)
    return {key: table.data[key] for key in own if key in table.data}


def _property_options(table: Table) -> list[str]:
    """Which of them a property takes is known where it is judged (``properties``)."""
    return [key for key in table.data if key not in COMMON]


def check_letters(exercise: Exercise, page: Page) -> None:
    """The right choices are among the choices."""
    for i, check in enumerate(exercise.checks):
        if exercise.kind == "choice" and check.kind == "equal":
            letters = [letter for letter in str(check.options.get("equals", "")).lower() if letter.isalpha()]
            if not letters or any(letter not in exercise.choices for letter in letters):
                help = f"the choices are {', '.join(exercise.choices)}"
                message = "`equals` has a letter that is no choice" if letters else "`equals` has no letter"
                page.fault("E0745", ("check", i, "equals"), message, help=help)


def _check_bounds(table: Table, bounds: Mapping[str, object]) -> None:
    if not bounds:
        help = 'add low = "3", high = "4", or one of the two'
        table.page.fault("E0743", table.path, f"{table.title} has neither `low` nor `high`", help=help)
    low, high = bounds.get("low"), bounds.get("high")
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        table.fault("low", f"`low` {low} is above `high` {high}", label="no number is between them")


def _check_asked(table: Table, asked: tuple[Asked, ...]) -> None:
    """With several things asked for, the check's name says which of them it judges."""
    names = [item.name for item in asked]
    name = table.data.get("name")
    if len(names) > 1 and isinstance(name, str) and name not in names:
        help = did_you_mean(name, names) or f"asked for are {', '.join(names)}"
        table.fault("name", f"`{name}` is not asked for", code="E0745", label="says what is judged", help=help)
