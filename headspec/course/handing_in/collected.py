"""What has been read of an answer so far: numbers, matrices and formulas by name, or the whole in one piece.

In: an ``Exercise``, and pieces from ``texts`` and ``values``.  Out: ``Answer``, in one convention, once everything
that was asked for is there.  Not for: reading the pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.answer import Answer, Convention
from headspec.course.exercise import Asked, Exercise
from headspec.course.handing_in.conventions import Given, orient
from headspec.course.handing_in.objects import wrong_sort
from headspec.course.handing_in.targets import Targets

if TYPE_CHECKING:
    from compiler.resolution.answers import Stage
    from dsl.expressions import Expr
    from dsl.span import Span

NUMBERS = ("number", "values")
_NAME = re.compile(r"[^\W\d]\w*")
_FUNCTIONS = frozenset(("sqrt", "cos", "sin", "min", "max", "pi", "or", "mod"))
SIZES = ("d_head", "d_model", "n_heads", "n_layers", "n_ctx", "d_vocab")
FORMS = {
    "heads": "matrices (`W_Q = [[..], ..]`, `W_K = rows where.cos0, ..`) or heads of a spec",
    "matrices": "matrices (`NAME = [[..], ..]`)",
    "spec": "heads of a spec (`layer`, and `head` blocks below it)",
    "formula": "formulas (`NAME = W_O W_V x_k`)",
    "number": "numbers (`NAME = 3/4`)",
    "values": "numbers (`NAME = 3/4`)",
    "choice": "letters (`a, c`)",
    "sequence": "tokens, separated by spaces",
}
"""What the text of an answer to each kind of exercise is made of."""


@dataclass
class Collected:
    """What has been read of one answer so far."""

    exercise: Exercise
    convention: Convention | None
    name: str
    answer: Answer | None = None
    givens: dict[Asked, Given] = field(default_factory=dict)
    expressions: dict[Asked, Expr] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)
    numeric: bool = False

    @cached_property
    def targets(self) -> Targets:
        return Targets(self.exercise)

    @cached_property
    def stage(self) -> Stage:
        """The names that may stand in this answer."""
        from compiler.resolution.answers import open_stage
        from dsl.parser import parse

        exercise = self.exercise
        if exercise.kind == "values":
            return open_stage(None, None, {}, ())
        further = _names_of_numbers(exercise) if exercise.kind == "number" else frozenset()
        tree = parse(exercise.spec_text, exercise.spec_name) if exercise.spec_text else None
        return open_stage(exercise.program, tree, exercise.names, further)

    def put_whole(self, answer: Answer) -> None:
        """An answer that is one piece: letters, tokens, heads of a spec."""
        if self.answer is not None or self.givens:
            wrong_sort("this answer", "comes in several pieces", f"hand in {FORMS[self.exercise.kind]}, in one piece")
        self.answer = answer

    def put_number(self, asked: Asked, expression: Expr, numeric: bool, span: Span | None = None) -> None:
        """A number for ``asked``; E0726 for a second one."""
        if asked in self.expressions:
            _twice(asked.name, span)
        self.expressions[asked] = expression
        self.numeric = self.numeric or numeric

    def put_matrix(self, given: Given) -> None:
        """A matrix; E0726 where there is one of this name."""
        if given.asked in self.givens:
            _twice(given.label, given.span)
        self.givens[given.asked] = given

    def finish(self) -> Answer:
        """Everything that was asked for, in one convention; E0725 where something is missing."""
        if self.answer is not None:
            return replace(self.answer, name=self.name)
        kind = self.exercise.kind
        if kind == "formula":
            missing = [item for item in self.targets.asked if not self.formulas.get(item.name)]
            self.targets.check_all([item for item in self.targets.asked if item not in missing], "the answer")
            return Answer(formulas=dict(self.formulas), name=self.name)
        if kind in NUMBERS:
            self.targets.check_all(self.expressions, "the answer")
            found = {asked.name: expression for asked, expression in self.expressions.items()}
            return Answer(expressions=found, numeric=self.numeric, name=self.name)
        if not self.givens:
            wrong_sort("this answer", "is empty", f"hand in {FORMS[kind]}")
        self.targets.check_all(self.givens, "the answer")
        turned = orient(self.exercise, list(self.givens.values()), self.convention)
        return Answer(turned.matrices, numeric=turned.numeric, convention=turned.convention, name=self.name)


def _names_of_numbers(exercise: Exercise) -> frozenset[str]:
    """What a number may be made of besides the symbols of the spec: sizes, and what the statement speaks of, which is
    what our own answer needs."""
    sizes = {size for pair in exercise.shapes.values() for size in pair if size.isidentifier()}
    ours = (str(check.options.get(key, "")) for check in exercise.checks for key in ("equals", "low", "high"))
    return frozenset({*SIZES, *sizes, *(name for text in ours for name in _NAME.findall(text))}) - _FUNCTIONS


def nameless(where: str, targets: Targets, span: Span | None) -> NoReturn:
    """E0726: ``where`` could be any of what is asked for."""
    message = f"{where} has no name, and several things are asked for"
    help = f"say which it is: {targets.listing(targets.asked)} (for files `NAME=path`)"
    raise SpecError(Diagnostic("E0726", message, span, "which one is it?" if span else "", help))


def _twice(name: str, span: Span | None) -> NoReturn:
    raise SpecError(Diagnostic("E0726", f"`{name}` is given twice", span, "again" if span else "", "keep one of them"))
