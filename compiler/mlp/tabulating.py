"""Expressions over many inputs at once, in 64-bit integers.

In: an expression, and an array for everything that is read.  Out: an array of its values; the sums that numbers from
several groups can have.  Not for: texts, or integers that may not fit; for these, which are few, ``evaluating`` goes
through the inputs one by one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    ValueExpr,
)
from compiler.different import LARGEST, Rows, different, largest
from compiler.encodings import Value
from compiler.mlp.evaluating import COMPARISONS, Answer, NoValue, function_of

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class TooWide(Exception):
    """A text, or an integer that may not fit into 64 bits."""


@dataclass(frozen=True)
class Column:
    """A value for every row (truth as booleans), where ``known``."""

    value: NDArray[Any]
    known: Bools

    @property
    def numbers(self) -> Ints:
        return self.value.astype(np.int64)

    @property
    def truth(self) -> Bools:
        return np.asarray(self.value != 0)


def tabulated(expression: ValueExpr, given: Mapping[int, NDArray[Any]], rows: int) -> Column:
    """``expression``, where ``given[id(part)]`` has the values of parts that are not looked into.

    As in ``evaluating.function_of`` only what is needed has to be known.  Raises TooWide."""

    def column(part: ValueExpr) -> Column:
        if id(part) in given:
            return Column(given[id(part)], np.ones(rows, dtype=np.bool_))
        match part:
            case Fixed(value):
                return Column(np.full(rows, _checked(value)), np.ones(rows, dtype=np.bool_))
            case Negative(operand):
                inner = column(operand)
                return Column(-inner.numbers, inner.known)
            case Negation(operand):
                inner = column(operand)
                return Column(~inner.truth, inner.known)
            case Contained(operand, values):
                inner = column(operand)
                return Column(np.isin(inner.numbers, [_checked(value) for value in values]), inner.known)
            case LookedUp(pairs=pairs):
                return _looked_up(pairs, column(part.argument))
            case Choice(condition, then, otherwise):
                return _chosen(column(condition), column(then), column(otherwise))
            case Arithmetic() | Compared() | Junction():
                return _joined(part, column(part.left), column(part.right))
            case _:
                raise AssertionError("what is read is given")

    return column(expression)


def _checked(value: Value | bool) -> int | bool:
    if isinstance(value, str) or abs(value) >= LARGEST:
        raise TooWide
    return value


def _looked_up(pairs: Iterable[tuple[Value, Value]], argument: Column) -> Column:
    images = sorted((_checked(key), _checked(image)) for key, image in pairs)
    if not images:
        raise TooWide
    keys, found = (np.array(side, dtype=np.int64) for side in zip(*images, strict=True))
    place = np.minimum(np.searchsorted(keys, argument.numbers), len(keys) - 1)
    return Column(found[place], argument.known & (keys[place] == argument.numbers))


def _chosen(condition: Column, then: Column, otherwise: Column) -> Column:
    taken = condition.truth
    known = condition.known & np.where(taken, then.known, otherwise.known)
    return Column(np.where(taken, then.value, otherwise.value), known)


def _joined(part: Arithmetic | Compared | Junction, left: Column, right: Column) -> Column:
    known = left.known & right.known
    if isinstance(part, Compared):
        return Column(COMPARISONS[part.operator](left.numbers, right.numbers), known)  # type: ignore[arg-type]
    if isinstance(part, Junction):
        decisive = part.operator == "or"
        decided = (left.known & (left.truth == decisive)) | (right.known & (right.truth == decisive))
        return Column(decided == decisive, decided | known)
    return _reckoned(part.operator, left.numbers, right.numbers, known)


def _reckoned(operator: str, one: Ints, other: Ints, known: Bools) -> Column:
    match operator:
        case "+" | "-":
            _check(largest(one) + largest(other))
            return Column(one + other if operator == "+" else one - other, known)
        case "*":
            _check(largest(one) * largest(other))
            return Column(one * other, known)
    divisor = np.where(other == 0, 1, other)
    value = one // divisor if operator == "//" else one % divisor
    return Column(value, known & (other != 0))


def _check(reach: int) -> None:
    if reach >= LARGEST:
        raise TooWide


# -------------------------------------------------------------------- a table over rows of integers


@dataclass(frozen=True)
class Rule:
    """decode((weights . values + constant) / below), of the values of some directions: what a part's number means."""

    weights: list[int]
    constant: int
    below: int
    decode: Callable[[int], Answer]


def values_at(expression: ValueExpr, rules: Mapping[int, Rule], places: Rows) -> dict[tuple[int, ...], Answer]:
    """The value at every row of ``places`` that has one; ``rules[id(part)]`` says what a part is there."""
    try:
        return _at_once(expression, rules, places)
    except TooWide:
        return _one_by_one(expression, rules, places)


def _at_once(expression: ValueExpr, rules: Mapping[int, Rule], places: Rows) -> dict[tuple[int, ...], Answer]:
    """The value at every row of ``places``, by arrays.  Raises TooWide."""
    given = {
        part: decoded(combined(places, rule.weights, rule.constant, rule.below), rule.decode)
        for part, rule in rules.items()
    }
    column = tabulated(expression, given, len(places))
    shown = places[column.known].tolist()
    return dict(zip(map(tuple, shown), column.value[column.known].tolist(), strict=True))


def _one_by_one(expression: ValueExpr, rules: Mapping[int, Rule], places: Rows) -> dict[tuple[int, ...], Answer]:
    inner = function_of(expression, {}, {part: i for i, part in enumerate(rules)})
    table: dict[tuple[int, ...], Answer] = {}
    for values in map(tuple, places.tolist()):
        row = [
            rule.decode((sum(map(operator.mul, rule.weights, values)) + rule.constant) // rule.below)
            for rule in rules.values()
        ]
        try:
            table[values] = inner(row)
        except NoValue:
            continue
    return table


# -------------------------------------------------------------------- integers that stand together


def combined(places: Rows, weights: Sequence[int], constant: int, below: int) -> Ints:
    """(weights . row + constant) / below for every row of ``places``.  Raises TooWide."""
    reach = sum(abs(w) * largest(column) for w, column in zip(weights, places.T, strict=True)) + abs(constant)
    _check(max([reach, below, *map(abs, weights)]))
    return np.asarray((places.astype(np.int64) @ np.array(weights, dtype=np.int64) + constant) // below)


def decoded(numbers: Ints, decode: Callable[[int], Value | bool]) -> NDArray[Any]:
    """What ``decode`` makes of each number.  Raises TooWide for texts."""
    if decode is int:
        return numbers
    different, place = np.unique(numbers, return_inverse=True)
    return np.array([_checked(decode(int(number))) for number in different])[place]


def as_rows(points: Sequence[int]) -> Rows:
    """One integer in each row."""
    fits = all(abs(point) < LARGEST for point in (*points[:1], *points[-1:]))
    return np.array(points, dtype=np.int64 if fits else np.object_).reshape(-1, 1)


def sums(groups: Sequence[Sequence[tuple[int, ...]]], width: int, most: int) -> Rows | None:
    """All sums of one row of each group, in order; None if these are more than ``most``."""
    if all(groups) and at_least(groups, width) > most:
        return None
    reach = sum(max((abs(n) for row in group for n in row), default=0) for group in groups)
    kind = np.int64 if reach < LARGEST else np.object_
    found: Rows = np.zeros((int(all(groups)), width), dtype=kind)
    for group in groups if width else ():
        if len(found) * len(group) > 4 * most:
            return None
        more: Rows = np.array(group, dtype=kind).reshape(len(group), width)
        found = different((found[:, None, :] + more[None, :, :]).reshape(-1, width))
        if len(found) > most:
            return None
    return found


def at_least(groups: Sequence[Sequence[tuple[int, ...]]], width: int) -> int:
    """A lower bound on the number of different sums of one row of each group, none of them empty.

    Groups that change no number in common are independent: their counts multiply.  Of others A, B, .. there are at
    least |A| + |B| - 1 + .. sums: those along a chain that grows in one group after the other."""
    parts: list[tuple[set[int], int]] = []
    for group in groups:
        moved, more = {i for i in range(width) if len({row[i] for row in group}) > 1}, len(set(group)) - 1
        touching = [part for part in parts if part[0] & moved]
        parts = [part for part in parts if not part[0] & moved]
        parts.append((moved.union(*(p for p, _ in touching)), more + sum(count for _, count in touching)))
    return math.prod(1 + count for _, count in parts)
