"""Patterns of tokens -> text.

In: what ``sequences`` and ``tokens`` say, as a tree.  Out: its canonical text, on one line.  Not for: the arithmetic
in it (``expressions``).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import assert_never

from dsl import expressions as E
from dsl import token_patterns as P
from dsl.printing.expressions import TIGHT, print_expression, print_item, quote

_BARE_TOKEN = re.compile(r'\w+|<[^<>\s"#(),\[\]{}]+>')


def print_pattern(pattern: P.Pattern, least: int = 0) -> str:
    """``pattern``; in parentheses where its outermost operator binds less than level ``least``."""
    match pattern:
        case P.ChoicePattern(options):
            text, level = " | ".join(print_pattern(o, 1) for o in options), 0
        case P.ConcatPattern(parts):
            text, level = " ".join(print_pattern(p, 2) for p in parts), 1
        case P.RepeatPattern(body, low, high, within):
            count = _count(low, high) if within is None else f"{{{print_expression(low)}: {print_item(within)}}}"
            text, level = print_pattern(body, 4) + count, 2
        case P.NamedPattern(name, body):
            return f"({name}: {print_pattern(body)})"
        case P.TokenPattern(items):
            text, level = ", ".join(print_token_item(i) for i in items), 3 if items[0].last else 4
        case _:
            assert_never(pattern)
    return f"({text})" if level < least else text


def _count(low: E.Expr, high: E.Expr | None) -> str:
    match low, high:
        case E.Number(Fraction(numerator=0, denominator=1)), None:
            return "*"
        case E.Number(Fraction(numerator=1, denominator=1)), None:
            return "+"
        case E.Number(Fraction(numerator=0, denominator=1)), E.Number(Fraction(numerator=1, denominator=1)):
            return "?"
        case _, None:
            return f"{{{print_expression(low)},}}"
        case _:
            bounds = [print_expression(b) for b in ((low,) if low == high else (low, high))]
            return "{" + (", " if " " in "".join(bounds) else ",").join(bounds) + "}"


def print_token_item(item: P.TokenItem, *, in_pattern: bool = True) -> str:
    """A token, or ``first..last``; ``in_pattern`` a sign may be one of the pattern's own, and is kept apart."""
    ends = (end for end in (item.first, item.last) if end is not None)
    return "..".join(_token_end(end, in_pattern) for end in ends)


def _token_end(end: str | E.Expr, in_pattern: bool) -> str:
    """A word as it is; arithmetic in parentheses, where ``tokens`` (or, sooner, a pattern) would not read it bare."""
    if isinstance(end, str):
        return end if _BARE_TOKEN.fullmatch(end) else quote(end)
    bare = isinstance(end, E.Binary | E.Unary) and (_is_difference(end) if in_pattern else _is_plain(end))
    return print_expression(end) if bare else f"({print_expression(end)})"


def _is_difference(expr: E.Expr) -> bool:
    """``p - q - 1``, whose minus repeats nothing in a pattern."""
    match expr:
        case E.Binary("-", left, right):
            return _is_difference(left) and _is_word(right)
        case _:
            return _is_word(expr)


def _is_plain(expr: E.Expr) -> bool:
    match expr:
        case E.Binary(operator, left, right):
            return operator in ("+", "-", *TIGHT) and _is_plain(left) and _is_plain(right)
        case E.Unary("-", operand):
            return _is_plain(operand)
        case _:
            return _is_word(expr)


def _is_word(expr: E.Expr) -> bool:
    """A number or a name that is one word among tokens too."""
    match expr:
        case E.Number(value):
            return value >= 0 and value.denominator == 1
        case E.Name(name):
            return not isinstance(name, E.Label) and name.isidentifier()
        case _:
            return isinstance(expr, E.Text)
