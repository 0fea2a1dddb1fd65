"""Expressions -> text, with the fewest parentheses.

In: an expression (parsed, or built by a program).  Out: its canonical text, on one line.  Law: reading it gives the
same tree again.  Not for: statements (``printer``).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import assert_never

from dsl import expressions as E

_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(1, 11)
_BINARY = {
    "or": (_OR, _OR, _AND),
    "and": (_AND, _AND, _NOT),
    "+": (_SUM, _SUM, _PRODUCT),
    "-": (_SUM, _SUM, _PRODUCT),
    "*": (_PRODUCT, _PRODUCT, _UNARY),
    "/": (_PRODUCT, _PRODUCT, _UNARY),
    "//": (_PRODUCT, _PRODUCT, _UNARY),
    "mod": (_PRODUCT, _PRODUCT, _UNARY),
    "^": (_POWER, _ATOM, _UNARY),
}
"""Operator -> its own level, and the least level of its left and right operands."""

TIGHT = ("*", "/", "//", "^")
"""Operators without spaces around them, between plain numbers and names."""
_WORD = re.compile(r"\w+")


def print_expression(expr: E.Expr) -> str:
    """``expr`` on one line, with the fewest parentheses."""
    return _expression(expr, _CHOICE)


def print_operand(expr: E.Expr) -> str:
    """``expr`` as a side of a comparison, or of an arrow: what binds less than a sum stands in parentheses."""
    return _expression(expr, _SUM)


def _expression(expr: E.Expr, least: int) -> str:
    text, level = _levelled(expr)
    return f"({text})" if level < least else text


def _levelled(expr: E.Expr) -> tuple[str, int]:
    """The text of ``expr`` and the level of its outermost operator."""
    match expr:
        case E.Number(value):
            return _number(value)
        case E.Text(value):
            return quote(value), _ATOM
        case E.Truth(value):
            return ("true" if value else "false"), _ATOM
        case E.Name(name):
            return name, _ATOM
        case E.Member(owner, member):
            bare = isinstance(member, E.Label) or _WORD.fullmatch(member)
            return f"{owner}.{member if bare else quote(member)}", _ATOM
        case E.Call(function, arguments):
            return f"{function}({print_items(arguments)})", _ATOM
        case E.TokenAt(index):
            return f"token[{print_expression(index)}]", _ATOM
        case E.Unary("-", operand):
            return f"-{_expression(operand, _UNARY)}", _UNARY
        case E.Unary(_, operand):
            return f"not {_expression(operand, _NOT)}", _NOT
        case E.Binary():
            return _binary(expr)
        case E.Comparison(operator, left, right):
            return f"{_expression(left, _SUM)} {operator} {_expression(right, _SUM)}", _COMPARISON
        case E.Conditional(condition, then, otherwise):
            words = ("if", "then", "else")
            parts = (print_expression(part) for part in (condition, then, otherwise))
            return " ".join(f"{word} {part}" for word, part in zip(words, parts, strict=True)), _CHOICE
        case E.Summation(term, variable, values):
            return f"sum({print_expression(term)} for {variable} in {print_item(values)})", _ATOM
        case E.Range(low, high):
            return f"{_expression(low, _SUM)}..{_expression(high, _SUM)}", 0
        case E.SetOf(members):
            return f"{{{print_items(members)}}}", _ATOM
        case E.ListOf(items):
            return f"[{print_items(items)}]", _ATOM
        case _:
            assert_never(expr)


def _binary(expr: E.Binary) -> tuple[str, int]:
    """``a + b`` is spaced, and so is ``1/2 * key.a``; products of plain numbers and names are tight: ``2*pi/10``."""
    level, left, right = _BINARY[expr.operator]
    tight = expr.operator in TIGHT and not _reads_feature(expr)
    sign = expr.operator if tight else f" {expr.operator} "
    return f"{_expression(expr.left, left)}{sign}{_expression(expr.right, right)}", level


def _reads_feature(expr: E.Expr) -> bool:
    """Whether an operand of this product is itself ``key.A`` or ``query.A``."""
    sides = (expr.left, expr.right) if isinstance(expr, E.Binary) else ()
    return any(isinstance(s, E.Member) and s.owner in ("key", "query") for s in sides)


def print_items(items: tuple[E.Expr, ...]) -> str:
    """``items`` separated by commas, as in a set or a list."""
    return ", ".join(print_item(item) for item in items)


def print_item(item: E.Expr) -> str:
    """An item of a list, a set or a call, where ranges may stand bare."""
    return _levelled(item)[0] if isinstance(item, E.Range) else print_expression(item)


def _number(value: Fraction) -> tuple[str, int]:
    sign, value = ("-", -value) if value < 0 else ("", value)
    digits = _decimal_digits(value.denominator)
    if digits is None:
        return f"{sign}{value.numerator}/{value.denominator}", _PRODUCT
    text = str(value.numerator * 10**digits // value.denominator)
    if digits:
        text = text.rjust(digits + 1, "0")
        text = f"{text[:-digits]}.{text[-digits:]}"
    return sign + text, _UNARY if sign else _ATOM


def _decimal_digits(denominator: int) -> int | None:
    """How many decimals write 1/denominator exactly; None when none do."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def quote(text: str) -> str:
    """``text`` as a quoted token."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
