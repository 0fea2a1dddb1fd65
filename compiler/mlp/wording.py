"""Compute expressions as text.

In: a ``ValueExpr``.  Out: what a person would write.  Not for: keeping what was written (spans have that).
"""

from __future__ import annotations

from compiler.computing import (
    Arithmetic,
    Choice,
    Compared,
    Contained,
    Fixed,
    Junction,
    LookedUp,
    Negation,
    Negative,
    Read,
    ValueExpr,
)

STRENGTH = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "//": 6, "mod": 6}


def shown(expression: ValueExpr, around: int = 0) -> str:
    """``around``: how strongly the operator around this binds."""
    text, strength = _shown(expression)
    return f"({text})" if strength < around else text


def _shown(expression: ValueExpr) -> tuple[str, int]:
    match expression:
        case Read(name):
            return name, 9
        case Fixed(value):
            return (f'"{value}"', 9) if isinstance(value, str) else (str(value).lower(), 9)
        case Arithmetic(operator, left, right) | Junction(operator, left, right):
            strength = STRENGTH[operator]
            return f"{shown(left, strength)} {operator} {shown(right, strength + 1)}", strength
        case Compared(operator, left, right):
            return f"{shown(left, 5)} {operator} {shown(right, 5)}", 4
        case Contained(operand, values):
            listed = ", ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in values)
            return f"{shown(operand, 5)} in {{{listed}}}", 4
        case Negative(operand):
            return f"-{shown(operand, 7)}", 7
        case Negation(operand):
            return f"not {shown(operand, 4)}", 3
        case Choice(condition, then, otherwise):
            return f"if {shown(condition)} then {shown(then)} else {shown(otherwise)}", 0
        case LookedUp():
            name = expression.table if expression.table.isidentifier() else f"[{expression.table}]"
            return f"{name}({shown(expression.argument)})", 9
