"""Trying a compute line on many inputs at once: the value of every row, and where a part has none.

In: a typed expression and a table of inputs, one row for each combination.  Out: ``Result``, ``Trouble``.  Not for:
which inputs there are (``inputs``), nor what follows from a trouble (``ranges``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
from compiler.resolution.inputs import ABSENT, Inputs, Ints, Table

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Result:
    """A value for every row (tokens by their ids, truth as 0 or 1), where ``known``."""

    value: Ints
    known: Bools


@dataclass(frozen=True)
class Trouble:
    """A part that has no value in the rows of ``rows``."""

    part: Arithmetic | LookedUp
    rows: Bools
    argument: Ints


@dataclass
class Trial:
    """Evaluates an expression on every row of a table, and notes where a part has no value.

    Of a choice only the branch taken matters; of ``and`` and ``or`` one side where it decides."""

    inputs: Inputs
    table: Table
    troubles: list[Trouble] = field(default_factory=list)

    def evaluate(self, part: ValueExpr) -> Result:
        match part:
            case Read(name):
                value = self.table.columns[name]
                return Result(value, value != ABSENT)
            case Fixed(value):
                code = int(value) if isinstance(value, bool) else self.inputs.code(value)
                return Result(np.full(self.table.rows, code, dtype=np.int64), self.all)
            case Negative(operand):
                inner = self.evaluate(operand)
                return Result(-inner.value, inner.known)
            case Negation(operand):
                inner = self.evaluate(operand)
                return Result(1 - inner.value, inner.known)
            case Contained(operand, values):
                inner = self.evaluate(operand)
                codes = [self.inputs.code(value) for value in values]
                return Result(np.isin(inner.value, codes).astype(np.int64), inner.known)
            case Compared(operator, left, right):
                one, two = self.evaluate(left), self.evaluate(right)
                return Result(_COMPARE[operator](one.value, two.value).astype(np.int64), one.known & two.known)
            case Arithmetic():
                return self.arithmetic(part)
            case Junction(operator, left, right):
                return _junction(operator, self.evaluate(left), self.evaluate(right))
            case Choice(condition, then, otherwise):
                return _choice(self.evaluate(condition), self.evaluate(then), self.evaluate(otherwise))
            case LookedUp():
                return self.looked_up(part)

    @property
    def all(self) -> Bools:
        return np.ones(self.table.rows, dtype=np.bool_)

    def arithmetic(self, part: Arithmetic) -> Result:
        one, two = self.evaluate(part.left), self.evaluate(part.right)
        known = one.known & two.known
        match part.operator:
            case "+":
                return Result(one.value + two.value, known)
            case "-":
                return Result(one.value - two.value, known)
            case "*":
                return Result(one.value * two.value, known)
        zero = known & (two.value == 0)
        self.troubles.append(Trouble(part, zero, two.value))
        divisor = np.where(two.value == 0, 1, two.value)
        value = one.value // divisor if part.operator == "//" else one.value % divisor
        return Result(value, known & ~zero)

    def looked_up(self, part: LookedUp) -> Result:
        argument = self.evaluate(part.argument)
        codes = np.array([self.inputs.code(a) for a, _ in part.pairs], dtype=np.int64)
        images = np.array([self.inputs.code(b) for _, b in part.pairs], dtype=np.int64)
        order = np.argsort(codes)
        place = np.minimum(np.searchsorted(codes[order], argument.value), len(codes) - 1)
        found = codes[order][place] == argument.value
        self.troubles.append(Trouble(part, argument.known & ~found, argument.value))
        return Result(images[order][place], argument.known & found)


_COMPARE: dict[str, Callable[[Ints, Ints], Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _junction(operator: str, left: Result, right: Result) -> Result:
    decisive = 0 if operator == "and" else 1
    decided = (left.known & (left.value == decisive)) | (right.known & (right.value == decisive))
    return Result(np.where(decided, decisive, 1 - decisive), decided | (left.known & right.known))


def _choice(condition: Result, then: Result, otherwise: Result) -> Result:
    taken = condition.value == 1
    known = condition.known & np.where(taken, then.known, otherwise.known)
    return Result(np.where(taken, then.value, otherwise.value), known)
