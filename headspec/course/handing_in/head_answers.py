"""Answers that are written as heads of a spec: put on the given stage, compiled, and taken apart into matrices.

In: an ``Exercise``, and the ``layer`` blocks or the whole spec of an answer.  Out: ``Program``, ``Weights`` and the
matrices that were asked for.  Not for: merging trees (``compiler.resolution.answer_heads``), nor judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsl.diagnostics import Collector, Diagnostic, SpecError, did_you_mean, for_each
from headspec.course.answer import Answer
from headspec.course.exercise import Asked, Exercise

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.head_weights import HeadWeights
    from compiler.heads import Head
    from compiler.pipeline import Weights
    from compiler.program import Program
    from dsl.answers.text import AnswerText
    from dsl.expressions import Expr
    from dsl.span import Span
    from dsl.tree import LayerDecl, Spec


def read_heads(exercise: Exercise, text: AnswerText) -> Answer:
    """The answer whose model is the given stage with these heads.

    SpecError E0725 (a head that is asked for is not there), E0724 (d_head), E0730 (another stage), E0721 (no exact
    number), and everything that ``resolve`` and ``compile_program`` say, at its place in the answer."""
    program = _program(exercise, text)
    _check_numbers(program)
    weights = _compiled(program, text)
    _check_sizes(exercise, weights)
    return Answer(
        matrices=_asked_matrices(exercise, weights),
        program=program,
        weights=weights,
        numeric=_has_rounded(text),
        name=text.source.name,
    )


def _program(exercise: Exercise, text: AnswerText) -> Program:
    from compiler.resolution import resolve
    from compiler.resolution.answer_heads import check_same_stage, put_heads
    from dsl.parser import parse
    from dsl.tree import LayerDecl

    ours = exercise.program
    assert ours is not None, exercise.number
    given = parse(exercise.spec_text, exercise.spec_name)
    stage, layers = given, text.layers
    if text.spec is not None:
        stage, layers = text.spec, tuple(s for s in text.spec.statements if isinstance(s, LayerDecl))
        check_same_stage(ours, given, resolve(_without_claims(text.spec)), text.spec)
    heads = tuple(dict.fromkeys(item.head for item in exercise.asked if item.head))
    layers = _with_asked_heads(heads, layers, text)
    dropped = [head.name for head in ours.heads] if exercise.kind == "spec" else heads
    return resolve(put_heads(given, layers, dropped, text.source.name, stage))


def _without_claims(spec: Spec) -> Spec:
    """Claims of the answer's own are not looked at: its heads are held to those of the exercise."""
    from dataclasses import replace

    from dsl.tree import ExpectHead, ExpectOutput

    return replace(spec, statements=tuple(s for s in spec.statements if not isinstance(s, ExpectHead | ExpectOutput)))


def _with_asked_heads(heads: Sequence[str], layers: tuple[LayerDecl, ...], text: AnswerText) -> tuple[LayerDecl, ...]:
    """The layers; where one head is asked for and one is given, it is that one, whatever it is called."""
    from compiler.resolution.answer_heads import called

    given = {head.name: head for layer in layers for head in layer.heads}
    missing = [name for name in heads if name not in given]
    if not missing:
        return layers
    if len(heads) == 1 and len(given) == 1:
        return called(layers, heads[0])
    collector = Collector()
    for name in missing:
        near = did_you_mean(name, given)
        help = f"{near} the heads asked for are {', '.join(heads)}" if near else f"write `head {name}` in a layer"
        collector.add("E0725", f"head `{name}` is not in the answer", _start(layers, text), label="", help=help)
    collector.check()
    return layers


def _start(layers: Sequence[LayerDecl], text: AnswerText) -> Span | None:
    return layers[0].span if layers else text.spec.span if text.spec is not None else None


# ------------------------------------------------------------------ numbers


def _check_numbers(program: Program) -> None:
    """E0721 for numbers in head lines that exact arithmetic does not carry (1/(1 + alpha), cos(alpha^2))."""
    from compiler.exact.importing import evaluate_expression

    numbers = [(head, expr) for head in program.heads for expr in _numbers(head)]
    for_each(numbers, lambda pair: evaluate_expression(pair[1], f"head `{pair[0].name}`", pair[1].span))


def _numbers(head: Head) -> list[Expr]:
    strengths = [term.strength for term in head.terms if term.strength is not None]
    entries = [entry for _, matrix in head.explicit for _, _, entry in matrix.entries]
    return [*strengths, *(copy.coefficient for copy in head.copies), *entries]


def _has_rounded(text: AnswerText) -> bool:
    from compiler.exact.importing import has_rounded_decimal
    from compiler.resolution.answers import leaves
    from dsl.head_lines import MatrixLine
    from dsl.tree import LayerDecl

    statements = text.layers if text.spec is None else text.spec.statements
    heads = [head for s in statements if isinstance(s, LayerDecl) for head in s.heads]
    lines = [line for head in heads for line in head.lines if isinstance(line, MatrixLine)]
    return any(has_rounded_decimal(leaf) for line in lines for leaf in leaves(line.items))


def _compiled(program: Program, text: AnswerText) -> Weights:
    from compiler.pipeline import compile_program

    try:
        return compile_program(program)
    except ValueError as error:
        span = program.heads[0].span if program.heads else None
        help = "numbers are exact here: integers, decimals, + - * / ^, sqrt, cos, sin, pi and symbols"
        raise SpecError(Diagnostic("E0721", f"the heads cannot be made exact: {error}", span, help=help)) from None


# ------------------------------------------------------------------ matrices


def _check_sizes(exercise: Exercise, weights: Weights) -> None:
    """E0724 where a head needs more dimensions than the exercise gives it."""
    collector = Collector()
    for item in exercise.asked:
        allowed = _d_head(item)
        if allowed is None:
            continue
        found = weights.head(item.head)
        if found.d_head > allowed:
            message = f"head `{item.head}` has d_head {found.d_head}, and the exercise gives it {allowed}"
            help = f"say what it reads and moves in {allowed} dimensions"
            collector.add("E0724", message, found.head.span, label="too many dimensions", help=help)
    collector.check()


def _d_head(item: Asked) -> int | None:
    return None if item.shape is None or not item.matrix else item.shape[1 if item.matrix == "W_O" else 0]


def _asked_matrices(exercise: Exercise, weights: Weights) -> dict[tuple[str, str], Matrix]:
    """What was asked for, over named directions, filled up with zeros to the d_head asked for; W_Q is then multiplied
    by sqrt(d_head / own d_head), so that scores / sqrt(d_head) stay what they are."""
    from headspec.course.judging.handed_in import answer_matrices

    found: dict[tuple[str, str], Matrix] = {}
    for item in exercise.asked:
        if item.matrix:
            head = weights.head(item.head)
            matrix = getattr(answer_matrices(exercise, Answer(weights=weights), item.head), item.matrix)
            found[item.head, item.matrix] = _filled(item, matrix, head)
    return found


def _filled(item: Asked, matrix: Matrix, head: HeadWeights) -> Matrix:
    from compiler.exact import Matrix as Exact
    from compiler.exact import Scalar

    wanted = _d_head(item)
    if wanted is None or wanted == head.d_head or item.shape is None:
        return matrix
    if item.matrix == "W_Q":
        matrix = matrix.scale(Scalar.sqrt(wanted) / Scalar.sqrt(head.d_head))
    return Exact(*item.shape, matrix.entries)
