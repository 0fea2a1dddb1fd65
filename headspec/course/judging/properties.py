"""Checks by property: what many right answers have in common, decided by exact ranks.

In: an ``Exercise``, a ``Check`` of kind ``property`` and an ``Answer``.  Out: ``CheckResult``.  Not for: answers that
have to be the same head as ours (``compiler.equivalence``).

A property is asked of circuits and of the spaces that they read and write, never of single entries: any gauge, any
order and any choice of dimensions counts.  Spaces are compared in named coordinates, where directions are orthonormal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from headspec.course.judging import property_judges as judges
from headspec.course.judging.property_judges import Case, Finding
from headspec.course.results import CheckResult

if TYPE_CHECKING:
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise


@dataclass(frozen=True, slots=True)
class Property:
    """``kinds``: option -> what it has to be (``head``, ``subspaces``, ``count``, ``flag`` or the words allowed);
    ``defaults``: the options that may be left out."""

    judge: Callable[[Case], Finding]
    kinds: Mapping[str, str | tuple[str, ...]]
    defaults: Mapping[str, object]


# ---------------------------------------------------------------- from outside


def judge_property(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Does the answer have the property?  SpecError E0770 to E0772 where the exercise does not ask for it properly."""
    found = require_property(exercise, check)
    options = {**found.defaults, **check.options}
    case = _case(exercise, check, answer, options)
    finding = found.judge(case)
    figures = tuple(f"{name}: {value}" for name, value in finding.numbers.items())
    return CheckResult(
        name=check.name,
        kind=check.kind,
        head=check.head,
        verdict="right" if finding.right else "wrong",
        message=finding.message,
        figures=figures,
        mistakes=finding.mistakes,
        numbers=dict(finding.numbers),
    )


def require_property(exercise: Exercise, check: Check) -> Property:
    """The property that ``check`` names, its options checked; a teacher's mistake is a SpecError (E0770 to E0772)."""
    name = str(check.options.get("property", ""))
    if name not in PROPERTIES:
        known = ", ".join(f"`{p}`" for p in PROPERTIES)
        raise _mistake(check, "E0770", f"there is no property `{name}`", did_you_mean(name, PROPERTIES) or f"{known}")
    found = PROPERTIES[name]
    _require_names(check, name, found)
    _require_head(exercise, check, "head", check.head)
    for option, kind in found.kinds.items():
        if option in check.options:
            _require_value(exercise, check, option, kind)
    return found


def _require_names(check: Check, name: str, found: Property) -> None:
    given = [option for option in check.options if option != "property"]
    unknown = [option for option in given if option not in found.kinds]
    missing = [option for option in found.kinds if option not in given and option not in found.defaults]
    takes = f"`{name}` takes {', '.join(found.kinds)}"
    if unknown:
        help = did_you_mean(unknown[0], found.kinds) or takes
        raise _mistake(check, "E0771", f"`{name}` has no option `{unknown[0]}`", help)
    if missing:
        raise _mistake(check, "E0771", f"`{name}` needs the option `{missing[0]}`", takes)


def _require_value(exercise: Exercise, check: Check, option: str, kind: str | tuple[str, ...]) -> None:
    value = check.options[option]
    match kind:
        case "head":
            _require_head(exercise, check, option, str(value))
        case "subspaces":
            _require_subspaces(exercise, check, option)
        case "count":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 4096:
                raise _mistake(check, "E0772", f"`{option}` is not a number of dimensions", "write a whole number")
        case "flag":
            if not isinstance(value, bool):
                raise _mistake(check, "E0772", f"`{option}` is neither true nor false", "write `true` or `false`")
        case tuple():
            if value not in kind:
                raise _mistake(check, "E0772", f"`{option}` cannot be `{value}`", f"one of {', '.join(kind)}")


def _require_head(exercise: Exercise, check: Check, option: str, head: str) -> None:
    names = [h.name for h in exercise.program.heads] if exercise.program else []
    if head not in names:
        help = did_you_mean(head, names) or f"the heads of the given spec are {', '.join(names) or 'none'}"
        raise _mistake(check, "E0772", f"`{option}` names no head of the given spec: `{head}`", help)


def _require_subspaces(exercise: Exercise, check: Check, option: str) -> None:
    names = [s.name for s in exercise.program.subspaces] if exercise.program else []
    for word in judges.words(check.options[option]):
        if word not in names:
            help = did_you_mean(word, names) or f"the subspaces are {', '.join(names)}"
            raise _mistake(check, "E0772", f"`{option}` names no subspace of the given spec: `{word}`", help)


def _mistake(check: Check, code: str, message: str, help: str) -> SpecError:
    return SpecError(Diagnostic(code, f"check `{check.name}`: {message}", help=help))


def _case(exercise: Exercise, check: Check, answer: Answer, options: Mapping[str, object]) -> Case:
    from headspec.course.judging.handed_in import answer_matrices

    assert exercise.program is not None, "a property is asked of a head"
    names = {check.head} | ({str(options["through"])} if "through" in options else set())
    heads = {name: answer_matrices(exercise, answer, name) for name in names}
    places = {s.name: frozenset(s.coordinates) for s in exercise.program.subspaces}
    return Case(check.head, heads, options, places, judges.float_rank if answer.numeric else judges.exact_rank)


PROPERTIES: Mapping[str, Property] = {
    "splits": Property(
        judges.splits, {"through": "head", "moved_on": "count", "fresh": "count"}, {"moved_on": 1, "fresh": 3}
    ),
    "rank": Property(judges.rank, {"circuit": ("QK", "OV"), "equals": "count"}, {}),
    "composition": Property(
        judges.composition, {"through": "head", "composition": ("Q", "K", "V"), "zero": "flag"}, {"zero": True}
    ),
    "writes-into": Property(judges.writes_into, {"subspaces": "subspaces"}, {}),
    "reads-from": Property(
        judges.reads_from, {"subspaces": "subspaces", "side": ("query", "key", "value")}, {"side": "value"}
    ),
}
"""``check.options["property"]`` -> how it is judged.  ``docs/exercises.md`` lists them."""
