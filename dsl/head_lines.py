"""The lines of a head as they are written: where it attends, what it copies, matrices that are given outright.

In: nothing (pure data).  Out: frozen dataclasses in one closed union, ``Line``, every node with its span.  Not for:
families of lines, nor the head that they stand in (``tree``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsl.expressions import Expr, span_field
from dsl.span import Span


@dataclass(frozen=True, slots=True)
class AttendLine:
    """``attend RELATION [when CONDITION] [strength EXPR] [share EXPR]``; ``avoid`` when ``negated``."""

    relation: Expr
    negated: bool = False
    when: Expr | None = None
    strength: Expr | None = None
    share: Expr | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class RestLine:
    condition: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class PreferLine:
    direction: Literal["latest", "earliest"]
    by: str
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class CopyLine:
    """``copy [COEFFICIENT *] key.SOURCE [+ SHIFT] [through TABLE] -> TARGET``; ``value`` holds all before
    ``through`` as written."""

    value: Expr
    target: str
    through: str | None = None
    span: Span = span_field()
    target_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """``W_Q = [[..], ..]`` (coordinates), ``= rows v, ..`` or ``= columns v, ..`` (combinations of named
    basis vectors such as ``cos(a)*where.cos0 + sin(a)*where.sin0``)."""

    name: Literal["W_Q", "W_K", "W_V", "W_O"]
    form: Literal["entries", "rows", "columns"]
    items: tuple[Expr, ...]
    span: Span = span_field()


Line = AttendLine | RestLine | PreferLine | CopyLine | MatrixLine
