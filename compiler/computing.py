"""``compute`` lines: expressions over the values of subspaces, typed and with every name known.

In: nothing (pure data, made by ``resolution``).  Out: frozen types that the reference meaning and the circuits both
read.  Not for: evaluating them (``reference``) or realising them (``mlp``).

Values are integers, texts (tokens) and truth values.  ``//`` and ``mod`` round towards minus infinity, as in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from compiler.encodings import Encoding, Value
from dsl.span import Span


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


# ------------------------------------------------------------------ the lines


@dataclass(frozen=True, slots=True)
class Compute:
    """``compute target = value`` in ``layer``, after its heads: target += the encoded value, at every position.

    Where one layer of neurons cannot do a line, the compiler computes parts of it first: ``part_of`` names the target
    that such a part is for, and ``written`` is what the whole line says, of which ``value`` is the last step.
    ``number`` counts the lines of the spec in order of writing, families written out."""

    target: str
    value: ValueExpr
    layer: int
    span: Span = field(default_factory=Span, compare=False, repr=False)
    number: int = field(default=-1, compare=False, repr=False)
    written: ValueExpr | None = None
    part_of: str = ""

    @property
    def meaning(self) -> ValueExpr:
        """The expression as it was written."""
        return self.value if self.written is None else self.written


@dataclass(frozen=True, slots=True)
class Part:
    """A step of a line: ``value`` is computed into a subspace ``name`` of its own, in a layer before the line."""

    name: str
    encoding: Encoding
    value: ValueExpr


@dataclass(frozen=True, slots=True)
class Split:
    """How line ``number`` is done in steps: first the ``parts`` (each may read those before it), then ``rest``."""

    number: int
    parts: tuple[Part, ...]
    rest: ValueExpr
