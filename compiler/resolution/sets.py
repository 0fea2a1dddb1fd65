"""Finite sets of values: ``tokens``, ``positions``, ``0..9``, ``"a".."z"``, ``{1, 4}``; and the tokens themselves.

In: ``Expr`` or ``TokenItem`` and the ``Scope``.  Out: ``Values``: a sequence (a ``range`` where it can be one, so
that nothing large is built before ``limits`` has seen it) and its kind.  Not for: encodings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from compiler import limits
from compiler.encodings import Value
from compiler.resolution.numbers import integer
from compiler.resolution.scope import AlreadyReported, Scope, fail
from dsl.diagnostics import Note
from dsl.expressions import Binary, Expr, Name, Number, Range, SetOf, Text, Unary
from dsl.span import Span
from dsl.token_patterns import TokenItem
from dsl.tree import TokensDecl

Kind = Literal["tokens", "integers"]
KIND_NAMES = {"tokens": "tokens", "integers": "integers"}


@dataclass(frozen=True)
class Values:
    """A finite set in order. ``kind`` says whether its members are tokens or integers."""

    kind: Kind
    members: Sequence[Value]

    @property
    def is_range(self) -> bool:
        return isinstance(self.members, range)


# ------------------------------------------------------------------ the tokens


def resolve_tokens(scope: Scope, decl: TokensDecl) -> tuple[str, ...]:
    """The vocabulary in order; E0208 for a token given twice, E0209 for a range that is none."""
    seen: dict[str, Span] = {}
    for item in decl.items:
        with scope.attempt("tokens"):
            for token in token_range(scope, item):
                if token in seen:
                    _twice(token, item.span, seen[token])
                seen[token] = item.span
            limits.check_size(len(seen), limits.TOKENS, "tokens", item.span)
    return tuple(seen)


def _twice(token: str, span: Span, first: Span) -> None:
    fail(
        "E0208",
        f'token "{token}" is declared twice',
        span,
        label="declared again here",
        help="each token stands once in `tokens`; remove one of the two",
        notes=(Note(first, "first declared here"),),
    )


def token_range(scope: Scope, item: TokenItem) -> tuple[str, ...]:
    """The texts of ``a..z`` (single characters), ``0..12`` or ``0..p - 1`` (integers), or of one token.

    A bare name is the param of that name beside a number; beside a letter that names no param it is a letter."""
    first, last = item.first, item.last
    if last is None:
        return (_single(first, item.span),)
    ends = [_end_kind(scope, end) for end in (first, last)]
    if isinstance(first, str) and isinstance(last, str):
        shown = f"{first}..{last}"
        if ends == ["either", "either"]:
            help = f"write `({first})..({last})` for the numbers; for the letters rename one of the params"
            fail("E0209", f"`{shown}` may be letters or params", item.span, label="both are params", help=help)
        if "digits" in ends and "text" in ends and (first + last).isalnum():
            help = f"for numbers declare `param {last} = ..`; characters are several ranges: `0..9, A..Z, a..z`"
            fail("E0209", f"`{shown}` joins a digit and a letter", item.span, label="mixed ends", help=help)
        if "number" not in ends and set(ends) != {"digits", "either"}:
            return text_range(first, last, item.span)
    low, high = (_bounded(scope, _number(end, item.span)) for end in (first, last))
    _check_ascending(low, high, low, high, item.span)
    limits.check_size(high - low + 1, limits.TOKENS, "tokens in one range", item.span)
    return tuple(str(i) for i in range(low, high + 1))


def _single(token: str | Expr, span: Span) -> str:
    if isinstance(token, str):
        return token
    help = 'only the ends of a range are worked out: `0..p - 1`; a token that is spelt so is quoted, `"-1"`'
    help = _range_meant(span) or help
    fail("E0209", "arithmetic is no token", span, label="not a range", help=help)


def _range_meant(span: Span) -> str | None:
    """``a-z`` and ``0 - 9`` are subtractions, and seldom meant as such."""
    match = re.fullmatch(r"(\w+)\s*-\s*(\w+)", span.text)
    return f"did you mean the range `{match[1]}..{match[2]}`?" if match else None


def _end_kind(scope: Scope, end: str | Expr) -> Literal["digits", "number", "either", "text"]:
    """``either``: a param whose name is a letter too."""
    if not isinstance(end, str):
        return "number"
    if _is_integer(end):
        return "digits"
    if scope.declared.get(end, ("",))[0] != "param":
        return "text"
    return "either" if len(end) == 1 else "number"


def _number(end: str | Expr, span: Span) -> Expr:
    if not isinstance(end, str):
        return end
    return Number(Fraction(int(end)), span=span) if _is_integer(end) else Name(end, span=span)


def text_range(first: str, last: str, span: Span) -> tuple[str, ...]:
    """All texts from ``first`` to ``last``; E0209 unless both are integers or both single characters."""
    if _is_integer(first) and _is_integer(last):
        low, high = int(first), int(last)
        _check_ascending(low, high, first, last, span)
        limits.check_size(high - low + 1, limits.TOKENS, "tokens in one range", span)
        return tuple(str(i) for i in range(low, high + 1))
    if len(first) == 1 and len(last) == 1:
        _check_ascending(ord(first), ord(last), first, last, span)
        limits.check_size(ord(last) - ord(first) + 1, limits.TOKENS, "tokens in one range", span)
        return tuple(chr(i) for i in range(ord(first), ord(last) + 1))
    fail(
        "E0209",
        f"`{first}..{last}` is not a range of tokens",
        span,
        label="neither two characters nor two integers",
        help="write a range of single characters, `a..z`, or of integers, `0..9`",
    )


def _is_integer(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12 and str(int(text)) == text


def _check_ascending(low: int, high: int, first: object, last: object, span: Span) -> None:
    if low > high:
        fail(
            "E0209",
            f"the range `{first}..{last}` runs downwards",
            span,
            label="empty range",
            help=f"both ends are included and the smaller comes first: `{last}..{first}`",
        )


# ------------------------------------------------------------------ sets in expressions


def resolve_set(scope: Scope, expr: Expr) -> Values:
    """The finite set that ``expr`` names; errors E0209, E0210, E0212, E0214, E0215, E0320."""
    match expr:
        case Name("tokens"):
            if not scope.tokens:
                raise AlreadyReported
            return Values("tokens", scope.tokens)
        case Name("positions"):
            return Values("integers", range(scope.context))
        case Name("slots") if scope.layout:
            return Values("integers", range(len(scope.layout)))
        case Range():
            return resolve_range(scope, expr)
        case SetOf(members):
            return _resolve_members(scope, members, expr.span)
        case _:
            fail(
                "E0215",
                "a set of values is expected here",
                expr.span,
                label="not a set",
                help=_range_meant(expr.span) or 'sets are `tokens`, `positions`, `0..9`, `"a".."z"` or `{1, 4, 7}`',
            )


def resolve_range(scope: Scope, expr: Range) -> Values:
    """``LOW..HIGH`` over integers (lazily) or over known tokens."""
    match expr.low, expr.high:
        case Text(first), Text(last):
            texts = text_range(first, last, expr.span)
            return Values("tokens", tuple(scope.token(text, expr.span) for text in texts))
        case (Text(), _) | (_, Text()):
            fail(
                "E0209",
                "a range joins two integers or two quoted tokens",
                expr.span,
                label="mixed ends",
                help='write `0..9` or `"a".."z"`',
            )
        case _:
            low = _bounded(scope, expr.low)
            high = _bounded(scope, expr.high)
            _check_ascending(low, high, low, high, expr.span)
            limits.check_size(high - low + 1, limits.VALUES, "values in one set", expr.span)
            return Values("integers", range(low, high + 1))


def _bounded(scope: Scope, expr: Expr) -> int:
    value = integer(scope, expr, "an end of a range")
    limits.check_size(abs(value), limits.OFFSET, "as an end of a range", expr.span)
    return value


def _resolve_members(scope: Scope, members: tuple[Expr, ...], span: Span) -> Values:
    if not members:
        fail("E0215", "an empty set has no use here", span, label="no values", help="give at least one value: `{0}`")
    parts = [(_member(scope, member), member.span) for member in members]
    kinds = {part.kind for part, _ in parts}
    if len(kinds) > 1:
        fail(
            "E0214", "a set holds tokens or integers, not both", span, label="mixed", help="quote every token, or none"
        )
    seen: dict[Value, Span] = {}
    for part, place in parts:
        limits.check_size(len(seen) + len(part.members), limits.VALUES, "values in one set", place)
        for value in part.members:
            if value in seen:
                note = (Note(seen[value], "first here"),)
                fail(
                    "E0214",
                    f"{show(value)} stands twice in one set",
                    place,
                    label="again here",
                    help="remove one",
                    notes=note,
                )
            seen[value] = place
    return Values(parts[0][0].kind, tuple(seen))


def _member(scope: Scope, expr: Expr) -> Values:
    if isinstance(expr, Range):
        return resolve_range(scope, expr)
    value = constant(scope, expr)
    return Values("tokens" if isinstance(value, str) else "integers", (value,))


def constant(scope: Scope, expr: Expr) -> Value:
    """One value: a known quoted token, or an integer."""
    match expr:
        case Text(text):
            return scope.token(text, expr.span)
        case Number() | Name() | Unary("-") | Binary():
            value = integer(scope, expr, "a value")
            limits.check_size(abs(value), limits.OFFSET, "as a value", expr.span)
            return value
        case _:
            fail(
                "E0215",
                "a value is expected here",
                expr.span,
                label="not a value",
                help='write an integer or a quoted token: `3` or `"a"`',
            )


def show(value: Value) -> str:
    """``"a"`` or ``3``, as a spec writes it."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def show_all(values: Iterable[Value], most: int = 6) -> str:
    """The first few values, and how many more."""
    texts = [show(v) for v in values]
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + rest
