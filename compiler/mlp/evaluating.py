"""The value of a compute expression as a function of what it reads.

In: a ``ValueExpr`` and the places at which the values of its parts will stand.  Out: a function from a tuple of values
to an integer, a text or a truth value.  Not for: the reference meaning, which has an interpreter of its own
(``reference``) and shares none of this.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
from compiler.encodings import Value

Answer = Value | bool
Function = Callable[[Sequence[Any]], Any]


class NoValue(Exception):
    """The expression has no value here: division by zero, or an argument that a table lacks."""


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "mod": operator.mod,
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def function_of(expression: ValueExpr, reads: Mapping[str, int], parts: Mapping[int, int] = {}) -> Function:
    """The function from a tuple to the value of ``expression``: ``reads[name]`` is where the value of a subspace stands
    in the tuple (None: nothing), ``parts[id(part)]`` that of a part (which is then not looked into).

    It raises NoValue where the value is not decided: only what is needed is looked at (of a choice the branch that is
    taken, of ``and`` and ``or`` one side where that decides)."""

    def build(part: ValueExpr) -> Function:
        if id(part) in parts:
            return operator.itemgetter(parts[id(part)])
        match part:
            case Fixed(value):
                return lambda _: value
            case Read(name):
                return _read(reads[name])
            case Negative(operand):
                inner = build(operand)
                return lambda row: -inner(row)
            case Contained(operand, values):
                inner, inside = build(operand), frozenset(values)
                return lambda row: inner(row) in inside
            case Negation(operand):
                inner = build(operand)
                return lambda row: not inner(row)
            case Choice(condition, then, otherwise):
                asked, one, other = build(condition), build(then), build(otherwise)
                return lambda row: one(row) if asked(row) else other(row)
            case LookedUp():
                return _looked_up(part, build(part.argument))
            case _:
                return _binary(part, build(part.left), build(part.right))

    return build(expression)


def _binary(part: Arithmetic | Compared | Junction, left: Function, right: Function) -> Function:
    if isinstance(part, Junction):
        return _joined(left, right, decisive=part.operator == "or")
    if isinstance(part, Compared):
        compare = COMPARISONS[part.operator]
        return lambda row: compare(left(row), right(row))
    apply = ARITHMETIC[part.operator]
    if part.operator not in ("//", "mod"):
        return lambda row: apply(left(row), right(row))

    def divided(row: Sequence[Any]) -> int:
        divisor = right(row)
        if divisor == 0:
            raise NoValue("division by zero")
        return apply(left(row), divisor)

    return divided


def _read(place: int) -> Function:
    def read(row: Sequence[Any]) -> Value:
        if row[place] is None:
            raise NoValue("nothing is shown")
        return row[place]  # type: ignore[no-any-return]

    return read


def _joined(left: Function, right: Function, *, decisive: bool) -> Function:
    """``decisive`` on either side decides."""

    def joined(row: Sequence[Any]) -> bool:
        try:
            if bool(left(row)) == decisive:
                return decisive
        except NoValue:
            if bool(right(row)) == decisive:
                return decisive
            raise
        return bool(right(row))

    return joined


def _looked_up(part: LookedUp, argument: Function) -> Function:
    images = dict(part.pairs)

    def look(row: Sequence[Any]) -> Value:
        found = images.get(argument(row))
        if found is None:
            raise NoValue(f"no image in `{part.table}`")
        return found

    return look
