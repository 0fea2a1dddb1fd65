"""The valid inputs as they are written: tokens, one after another, of several kinds, repeated, named.

In: nothing (pure data).  Out: frozen dataclasses in one closed union, ``Pattern``, every node with its span.  Not for:
which sequences they allow (``compiler.resolution.patterns``).
"""

from __future__ import annotations

from dataclasses import dataclass

from dsl.expressions import Expr, Range, span_field
from dsl.span import Span


@dataclass(frozen=True, slots=True)
class TokenPattern:
    """One token: a literal (``<bos>``, ``a``, ``"("``), or any of several (``a..z``, ``tokens``)."""

    items: tuple[TokenItem, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class TokenItem:
    """``a`` (then ``last`` is None), or the range ``a..z`` / ``0..9`` / ``0..p - 1``.  ``tokens`` means all of them.

    A bare or quoted word is a text; whatever has a sign or parentheses is arithmetic."""

    first: str | Expr
    last: str | Expr | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ConcatPattern:
    parts: tuple[Pattern, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ChoicePattern:
    options: tuple[Pattern, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class RepeatPattern:
    """``P{low,high}``; ``*`` is {0,None}, ``+`` is {1,None}, ``?`` is {0,1}; None = up to the context.

    ``P{L}`` with an L that nothing declares ties all repeats that say L to one length; ``P{L: 1..32}`` says ``within``
    which bounds."""

    body: Pattern
    low: Expr
    high: Expr | None
    within: Range | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class NamedPattern:
    """``(x: P)``: a name for what stands there."""

    name: str
    body: Pattern
    span: Span = span_field()


Pattern = TokenPattern | ConcatPattern | ChoicePattern | RepeatPattern | NamedPattern
