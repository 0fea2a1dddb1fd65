"""``expect`` and ``predict`` lines: claims over tokens and positions, and where the answer is read.

In: their statements and the ``Scope``.  Out: ``HeadExpectation``, ``OutputExpectation`` with params replaced and every
name checked.  Not for: whether a claim holds (``headspec.verification.comparing``).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from fractions import Fraction
from typing import Literal, NoReturn

from compiler import limits
from compiler.claims import HeadExpectation, OutputExpectation
from compiler.encodings import AnyPairs, Constant, Dims, Subspace
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import OwnToken
from compiler.resolution.embeds import holds_any
from compiler.resolution.encoded import name_of, values_of
from compiler.resolution.numbers import integer
from compiler.resolution.scope import AlreadyReported, Scope, fail, unknown
from compiler.resolution.sets import resolve_range, show_all
from dsl.diagnostics import Note, did_you_mean
from dsl.expressions import (
    Binary,
    Call,
    Comparison,
    Expr,
    Member,
    Name,
    Number,
    Range,
    SetOf,
    Text,
    TokenAt,
    Truth,
    Unary,
)
from dsl.span import Span
from dsl.tree import ExpectHead, ExpectOutput, PredictDecl

Type = Literal["number", "token", "truth"]
FORMS = '`key.position == query.position - 1`, `token[key.position] == "a"`, joined by and, or, not'


# ------------------------------------------------------------------ predict


def resolve_predicts(scope: Scope, decls: Sequence[PredictDecl]) -> tuple[str, ...]:
    """The subspaces that are decoded; E0423 where their values are no tokens."""
    found: dict[str, PredictDecl] = {}
    for decl in decls:
        with scope.attempt():
            subspace = scope.subspace(decl.subspace, decl.span.word(decl.subspace))
            if decl.subspace in found:
                message = f"`{decl.subspace}` is predicted twice"
                notes = (Note(found[decl.subspace].span, "first here"),)
                fail("E0423", message, decl.span, label="again here", help="remove one", notes=notes)
            found[decl.subspace] = decl
            _check_decoded(scope, decl, subspace)
    return tuple(found)


def _check_decoded(scope: Scope, decl: PredictDecl, subspace: Subspace) -> None:
    encoding = subspace.encoding
    if isinstance(encoding, Dims | Constant | AnyPairs):
        message = f"`{subspace.name}` is {name_of(encoding)} and holds no values to decode"
        help = "predict a subspace over tokens: `onehot(tokens)`"
        fail("E0423", message, decl.span, label="no values", help=help)
    if not decl.own and not holds_any(subspace, scope.tokens):
        message = f"no value of `{subspace.name}` is a token"
        help = "predict a subspace whose values are tokens, or integers that tokens spell"
        figures = (f"{subspace.name}: {show_all(tuple(values_of(encoding)))}",)
        fail("E0423", message, decl.span, label="nothing to predict", help=help, figures=figures)


def resolve_own_tokens(scope: Scope, decls: Sequence[PredictDecl]) -> tuple[OwnToken, ...]:
    """``remainder=3`` for every value of a subspace that is predicted ``as tokens``; E0208, E0320."""
    own: list[OwnToken] = []
    mine = [decl for decl in decls if decl.own and decl.subspace in scope.subspaces]
    values = [values_of(scope.subspaces[decl.subspace].encoding) for decl in mine]
    limits.check_size(
        len(scope.tokens) + sum(map(len, values)), limits.TOKENS, "tokens", mine[0].span if mine else None
    )
    for decl, here in zip(mine, values, strict=True):
        with scope.attempt():
            said = [OwnToken(f"{decl.subspace}={value}", decl.subspace, value) for value in here]
            own += said
            for token in said:
                if token.text in scope.token_ids:
                    help = f"rename `{decl.subspace}`, or the token"
                    message = f'a value of `{decl.subspace}` is said by "{token.text}", which is declared already'
                    fail("E0208", message, decl.span, label="brings tokens of its own", help=help)
    return tuple(own)


# ------------------------------------------------------------------ expect head


def resolve_head_expectation(scope: Scope, decl: ExpectHead) -> HeadExpectation:
    """A checked claim about one head; errors E0451-E0453, E0210, E0203."""
    if decl.head not in scope.heads:
        if f"head {decl.head}" in scope.broken:
            raise AlreadyReported
        unknown("E0451", "head", decl.head, decl.span.word(decl.head), scope.heads, "declare it in a layer: `head {}`")
    predicate = _truth(scope, decl.predicate)
    otherwise = None if decl.otherwise is None else _truth(scope, decl.otherwise)
    return HeadExpectation(decl.head, predicate, otherwise, decl.span)


def _truth(scope: Scope, expr: Expr) -> Expr:
    match expr:
        case Truth():
            return expr
        case Unary("not", operand):
            return Unary("not", _truth(scope, operand), span=expr.span)
        case Binary("and" | "or", left, right):
            return Binary(expr.operator, _truth(scope, left), _truth(scope, right), span=expr.span)
        case Comparison():
            return _comparison(scope, expr)
        case Call():
            _ill_typed(
                expr.span,
                "tables are not known to `expect`, which is about tokens and positions only",
                f"write {FORMS}",
            )
        case _:
            _ill_typed(expr.span, "`expect` takes a statement, which is true or false", f"write {FORMS}")


def _ill_typed(span: Span, message: str, help: str) -> NoReturn:
    fail("E0452", message, span, label="not a statement about tokens and positions", help=help)


def _comparison(scope: Scope, expr: Comparison) -> Expr:
    left, kind = _term(scope, expr.left)
    if expr.operator == "in":
        return Comparison("in", left, _set(scope, expr.right), span=expr.span)
    if isinstance(expr.right, SetOf | Range):
        _ill_typed(expr.right.span, f"`{expr.operator}` compares with one value, not with a set", "write `in`")
    right, other = _term(scope, expr.right)
    if expr.operator in ("<", "<=", ">", ">="):
        for side, sort in ((left, kind), (right, other)):
            if sort == "token" and not (isinstance(side, TokenAt) and any(_spells(t) for t in scope.tokens)):
                _ill_typed(
                    expr.span,
                    f"`{expr.operator}` needs numbers, and tokens have no order",
                    "compare positions, or use `==`",
                )
    if {kind, other} == {"number", "token"}:
        _check_mixed(scope, expr, left if kind == "number" else right)
    return Comparison(expr.operator, left, right, span=expr.span)


def _check_mixed(scope: Scope, expr: Comparison, number: Expr) -> None:
    """A token may be compared with an integer that some token spells, or with arithmetic where tokens spell numbers."""
    if isinstance(number, Number):
        scope.token(str(number.value), number.span)
    elif not any(_spells(token) for token in scope.tokens):
        _ill_typed(
            expr.span,
            "a position is compared with a token",
            "compare positions with positions, `token[..]` with tokens",
        )


def _spells(token: str) -> bool:
    return token.lstrip("-").isdecimal()


def _set(scope: Scope, expr: Expr) -> Expr:
    match expr:
        case SetOf(members):
            return SetOf(tuple(_set_member(scope, member) for member in members), span=expr.span)
        case Range():
            return _set_member(scope, expr)
        case _:
            _ill_typed(expr.span, "`in` needs a set on its right", 'write `in {0, 1}`, `in 0..3` or `in {"a".."z"}`')


def _set_member(scope: Scope, expr: Expr) -> Expr:
    if not isinstance(expr, Range):
        return _term(scope, expr)[0]
    if isinstance(expr.low, Text) or isinstance(expr.high, Text):
        resolve_range(scope, expr)
        return expr
    return Range(_number(scope, expr.low), _number(scope, expr.high), span=expr.span)


def _term(scope: Scope, expr: Expr) -> tuple[Expr, Type]:
    """One side of a comparison, and whether it is a number or a token."""
    match expr:
        case Text(text):
            scope.token(text, expr.span)
            return expr, "token"
        case TokenAt(index):
            return TokenAt(_number(scope, index), span=expr.span), "token"
        case Member("key" | "query", "position"):
            return expr, "number"
        case Member(owner, member):
            _member(scope, owner, member, expr.span)
        case Number() | Name():
            return Number(Fraction(integer(scope, expr, "a number in `expect`")), span=expr.span), "number"
        case Unary("-", operand):
            return Unary("-", _operand(scope, operand), span=expr.span), "number"
        case Binary("+" | "-" | "*" | "//" | "mod", left, right):
            return Binary(expr.operator, _operand(scope, left), _operand(scope, right), span=expr.span), "number"
        case Binary("/" | "^", _, _):
            _ill_typed(
                expr.span, f"`{expr.operator}` is not known to `expect`, which counts in integers", "use + - * // mod"
            )
        case _:
            _ill_typed(expr.span, "this is neither a position nor a token", f"write {FORMS}")


def _member(scope: Scope, owner: str, member: str, span: Span) -> NoReturn:
    if member == "position" or owner not in ("key", "query"):
        near = did_you_mean(owner, ("key", "query"))
        _ill_typed(span, f"`{owner}.{member}` is neither a position nor a token", near or f"write {FORMS}")
    if member not in scope.subspaces:
        near = did_you_mean(member, ("position",))
        _ill_typed(span, f"`{owner}.{member}` is neither a position nor a token", near or f"write {FORMS}")
    fail(
        "E0453",
        "`expect` lines are about tokens and positions only",
        span,
        label=f"`{member}` is a subspace",
        help=f"write {FORMS}",
    )


def _number(scope: Scope, expr: Expr) -> Expr:
    inner, kind = _term(scope, expr)
    if kind != "number":
        _ill_typed(expr.span, "a position is expected here", "write `token[key.position - 1]`")
    return inner


def _operand(scope: Scope, expr: Expr) -> Expr:
    """A side of arithmetic: a number, or a token where some token spells one."""
    inner, kind = _term(scope, expr)
    if kind == "token" and not (isinstance(inner, TokenAt) and any(_spells(token) for token in scope.tokens)):
        _ill_typed(expr.span, "arithmetic needs numbers, and this is a token", "count with positions")
    return inner


# ------------------------------------------------------------------ expect "..." -> "..."


def resolve_output_expectation(
    scope: Scope,
    decl: ExpectOutput,
    sequences: SequenceLanguage,
    predicts: Sequence[PredictDecl],
    own: Container[str] = (),
) -> OutputExpectation:
    """A checked prompt and answer; errors E0210, E0454 (the prompt is no valid input), E0455 (nothing is predicted)."""
    prompt = tuple(decl.prompt.split())
    answers = tuple(decl.answer.split()) if decl.generated else (decl.answer,)
    for token in prompt if not decl.generated and decl.answer in own else (*prompt, *answers):
        scope.token(token, decl.span.word(token))
    if not predicts:
        help = "say where the answer is read: `predict SUBSPACE`"
        fail(
            "E0455", "the model predicts nothing, so it has no answer", decl.span, label="no `predict` line", help=help
        )
    if not answers:
        help = 'write what is generated: `->* "a b"`'
        fail("E0454", "nothing is generated", decl.span, label="no token after `->*`", help=help)
    for read, what in ((prompt, "the prompt"), ((*prompt, *answers[:-1]), "what is read while generating")):
        why = _why_invalid(scope, read, sequences)
        if why:
            help = "give a beginning of what `sequences` allows: every claim is about valid inputs only"
            fail("E0454", f"{what} begins no valid input", decl.span, label=why, help=help)
    return OutputExpectation(prompt, answers[0], decl.span, answers if decl.generated else None)


def _why_invalid(scope: Scope, prompt: tuple[str, ...], sequences: SequenceLanguage) -> str | None:
    if not prompt:
        return "it is empty"
    if len(prompt) > sequences.context:
        return f"{len(prompt)} tokens do not fit into the context of {sequences.context}"
    if sequences.begins([scope.token_ids[token] for token in prompt]):
        return None
    for position, token in enumerate(prompt):
        allowed = sequences.tokens_at(position)
        if token not in allowed:
            here = [t for t in scope.tokens if t in allowed]
            return f'"{token}" cannot stand at position {position}; ' + (
                f"{show_all(here)} can" if here else "no sequence is so long"
            )
    return "`sequences` does not allow these tokens in this order"
