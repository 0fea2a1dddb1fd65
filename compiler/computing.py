"""What a ``compute`` line says: expressions over the values of subspaces, typed and with every name known.

In: nothing (pure data, made by ``resolution``).  Out: frozen types that the reference meaning and the circuits both
read.  Not for: evaluating them (``reference``) or realising them (``mlp``).

Values are integers, texts (tokens) and truth values.  ``//`` and ``mod`` round towards minus infinity, as in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dsl.span import Span

Value = int | str


@dataclass(frozen=True, slots=True)
class Read:
    """The value that ``subspace`` holds at this position."""

    subspace: str
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant: an integer, a token's text, or a truth value."""

    value: Value | bool
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Literal["+", "-", "*", "//", "mod"]
    left: ValueExpr
    right: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negative:
    operand: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """Of two integers, or (``==`` and ``!=``) of two texts."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: ValueExpr
    right: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Contained:
    """``x in {1, 4}``."""

    operand: ValueExpr
    values: tuple[Value, ...]
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Junction:
    operator: Literal["and", "or"]
    left: ValueExpr
    right: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negation:
    operand: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """``if condition then one else other``."""

    condition: ValueExpr
    then: ValueExpr
    otherwise: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The image of ``argument`` in a table, all of whose arguments have single images."""

    table: str
    pairs: tuple[tuple[Value, Value], ...]
    argument: ValueExpr
    span: Span = field(default_factory=Span, compare=False, repr=False)


ValueExpr = Read | Fixed | Arithmetic | Negative | Compared | Contained | Junction | Negation | Choice | LookedUp


def parts(expression: ValueExpr) -> tuple[ValueExpr, ...]:
    """The expressions directly below."""
    match expression:
        case Read() | Fixed():
            return ()
        case Arithmetic() | Compared() | Junction():
            return (expression.left, expression.right)
        case Choice(condition, then, otherwise):
            return (condition, then, otherwise)
        case LookedUp():
            return (expression.argument,)
        case _:
            return (expression.operand,)


def read_subspaces(expression: ValueExpr) -> tuple[str, ...]:
    """The subspaces that ``expression`` reads, in order of first mention."""
    return tuple(dict.fromkeys(_reads(expression)))


def _reads(expression: ValueExpr) -> Iterator[str]:
    if isinstance(expression, Read):
        yield expression.subspace
    for part in parts(expression):
        yield from _reads(part)
