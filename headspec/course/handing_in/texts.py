"""The text of an answer, or a piece of one, read.

In: a text, and ``Collected``, which it goes into.  Out: nothing but what is collected; E0701-E0719 and E0731.
Not for: what stands in the text of each kind of exercise (``dsl.answers``, ``head_answers``, ``plain_answers``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.answer import Answer
from headspec.course.exercise import Asked
from headspec.course.handing_in.collected import FORMS, NUMBERS, Collected, nameless
from headspec.course.handing_in.conventions import Given
from headspec.course.handing_in.objects import wrong_sort

if TYPE_CHECKING:
    from dsl.answers.text import AnswerText, Assigned
    from dsl.expressions import Expr
    from dsl.span import Span


def add_text(collected: Collected, text: str, name: str, asked: Asked | None = None) -> None:
    """A whole text; or, for ``asked``, what stands right of ``=``."""
    from headspec.course.handing_in.plain_answers import read_choice, read_formulas, read_tokens

    match collected.exercise.kind:
        case "choice":
            collected.put_whole(Answer(choice=read_choice(collected.exercise, text, name)))
        case "sequence":
            collected.put_whole(Answer(tokens=read_tokens(collected.exercise, text, name)))
        case "formula" if asked is not None:
            collected.formulas[asked.name] = text.strip()
        case "formula":
            collected.formulas |= read_formulas(collected.exercise, text, name)
        case _:
            _add_parsed(collected, text, name, asked)


def _add_parsed(collected: Collected, text: str, name: str, asked: Asked | None) -> None:
    from dsl.answers.reading import parse_answer

    if asked is not None:
        text = f"{asked.matrix or asked.name} = {text}"
    found = parse_answer(text, name, vectors=frozenset(collected.exercise.names))
    if found.layers or found.spec is not None:
        _add_heads(collected, found)
        return
    if found.bare:
        _add_bare(collected, found, name)
    for item in found.assigned:
        _add_assigned(collected, item, asked or _target(collected, item))


def _add_heads(collected: Collected, found: AnswerText) -> None:
    from headspec.course.handing_in.head_answers import read_heads

    if collected.exercise.kind not in ("heads", "spec"):
        wrong_sort("heads of a spec", "are not asked for", f"hand in {FORMS[collected.exercise.kind]}")
    if found.assigned or collected.givens:
        wrong_sort("this answer", "gives heads and matrices", "hand in one or the other; heads may hold matrices")
    collected.put_whole(read_heads(collected.exercise, found))


def _target(collected: Collected, item: Assigned) -> Asked:
    alone = collected.targets.only()
    if not item.name:
        return alone if alone is not None else nameless("this matrix", collected.targets, item.span)
    return collected.targets.find(item.name, item.head, item.span)


def _add_assigned(collected: Collected, item: Assigned, asked: Asked) -> None:
    if collected.exercise.kind in NUMBERS:
        if item.form != "expression":
            _not_asked(asked, "a matrix", "a number", item.span)
        _add_number(collected, asked, item.items[0], item.span)
        return
    if collected.exercise.kind == "spec":
        help = f"hand in {FORMS['spec']}"
        raise SpecError(Diagnostic("E0731", "matrices alone are not asked for", item.span, help=help))
    collected.put_matrix(_given(collected, item, asked))


def _given(collected: Collected, item: Assigned, asked: Asked) -> Given:
    from compiler.exact import Matrix
    from compiler.exact.importing import Imported
    from compiler.resolution.answers import read_matrix
    from dsl.expressions import Number

    if item.form == "expression":
        if not (isinstance(item.items[0], Number) and item.items[0].value == 0 and asked.shape):
            _not_asked(asked, "an expression", "a matrix", item.span)
        zeros = Imported(Matrix.zeros(*asked.shape), False)
        return Given(asked, asked.shape, lambda: zeros, asked.name, item.span, "zeros")
    found = read_matrix(collected.stage, item.form, item.items, item.span, f"`{asked.name}`")
    vectors = item.form if item.form in ("rows", "columns") else ""
    return Given(asked, found.matrix.shape, lambda: found, asked.name, item.span, vectors)


def _add_bare(collected: Collected, found: AnswerText, name: str) -> None:
    from dsl.answers.reading import parse_value

    alone = collected.targets.only()
    if collected.exercise.kind not in NUMBERS:
        message = f"exercise {collected.exercise.number} asks for {FORMS[collected.exercise.kind]}"
        raise SpecError(
            Diagnostic("E0731", message, help=f"asked for: {collected.targets.listing(collected.targets.asked)}")
        )
    if alone is None:
        nameless("this number", collected.targets, None)
    expression = parse_value(found.bare, name)
    _add_number(collected, alone, expression, expression.span)


def _add_number(collected: Collected, asked: Asked, expression: Expr, span: Span | None) -> None:
    from compiler.exact.importing import has_rounded_decimal
    from compiler.resolution.answers import read_number

    collected.put_number(asked, read_number(collected.stage, expression), has_rounded_decimal(expression), span)


def _not_asked(asked: Asked, found: str, wanted: str, span: Span) -> NoReturn:
    help = "write `[[1, 0], [0, 1]]`, `rows where.cos0, ..` or `columns ..`" if wanted == "a matrix" else "write `3/4`"
    message = f"`{asked.name}` is {found}, and {wanted} is asked for"
    raise SpecError(Diagnostic("E0731", message, span, f"not {wanted}", help))
