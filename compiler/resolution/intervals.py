"""Bounds of a compute expression from bounds of what it reads.

In: a ``ValueExpr``, the least and the greatest value of every subspace it reads, and least differences between some.
Out: ``Interval``.  Not for: tokens (their ids are no numbers, and their bounds say nothing) or examples (``ranges``).

Every part is bounded from the bounds of its own parts; sums and differences of inputs once more as a whole, so that
``where - start`` knows that a key is no later than its query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.computing import (
    Arithmetic,
    Choice,
    Fixed,
    LookedUp,
    Negative,
    Read,
    ValueExpr,
    parts,
)


@dataclass(frozen=True)
class Interval:
    """``low`` to ``high``; ``certain`` if there is always a value; ``largest``: the largest size of any part."""

    low: int
    high: int
    certain: bool = True
    largest: int = 0


@dataclass(frozen=True)
class Known:
    """``reads[a]``: least and greatest value of a; ``apart[a, b]``: the least value of a - b."""

    reads: Mapping[str, tuple[int, int]]
    apart: Mapping[tuple[str, str], int]


def bounds(part: ValueExpr, known: Known) -> Interval:
    """The interval of ``part``; truth values lie in 0..1."""
    inner = [bounds(p, known) for p in parts(part)]
    certain = all(i.certain for i in inner)
    low, high, sure = _bounds(part, inner, known.reads)
    form = _linear(part) if isinstance(part, Arithmetic | Negative) else None
    if form is not None:
        low = max(low, _least(form, known))
        high = min(high, -_least({name: -factor for name, factor in form.items()}, known))
    size = max(abs(low), abs(high), *(i.largest for i in inner))
    return Interval(low, high, certain and sure, size)


def _bounds(part: ValueExpr, inner: list[Interval], reads: Mapping[str, tuple[int, int]]) -> tuple[int, int, bool]:
    match part:
        case Read(name):
            return (*reads[name], True)
        case Fixed(value):
            number = 0 if isinstance(value, str) else int(value)
            return number, number, True
        case Negative():
            return -inner[0].high, -inner[0].low, True
        case Arithmetic():
            return _arithmetic(part.operator, *inner)
        case Choice():
            return min(inner[1].low, inner[2].low), max(inner[1].high, inner[2].high), True
        case LookedUp(pairs=pairs):
            images = [image for _, image in pairs if isinstance(image, int)] or [0]
            known = {argument for argument, _ in pairs}
            few = inner[0].high - inner[0].low <= len(pairs)
            total = few and all(a in known for a in range(inner[0].low, inner[0].high + 1))
            return min(images), max(images), total
        case _:
            return 0, 1, True


Form = dict[str | None, int]
"""Name -> factor; None -> what is added."""


def _linear(part: ValueExpr) -> Form | None:
    """``part`` as a sum of multiples of inputs; None if it is none."""
    match part:
        case Read(name):
            return {name: 1}
        case Fixed(value) if not isinstance(value, str):
            return {None: int(value)}
        case Negative(operand):
            return _sum(_linear(operand), -1, {}, 0)
        case Arithmetic("+" | "-", left, right):
            return _sum(_linear(left), 1, _linear(right), 1 if part.operator == "+" else -1)
        case Arithmetic("*", Fixed(int(value)), other) | Arithmetic("*", other, Fixed(int(value))):
            return _sum(_linear(other), value, {}, 0)
    return None


def _sum(one: Form | None, times: int, other: Form | None, more: int) -> Form | None:
    if one is None or other is None:
        return None
    return {name: times * one.get(name, 0) + more * other.get(name, 0) for name in {*one, *other}}


def _least(form: Form, known: Known) -> int:
    """A lower bound of a form: pairs whose difference is known first, what is left by itself."""
    left, total = dict(form), 0
    for (a, b), least in known.apart.items():
        shared = min(left.get(a, 0), -left.get(b, 0))
        if shared > 0:
            total += shared * least
            left[a] -= shared
            left[b] += shared
    for name, factor in left.items():
        low, high = (1, 1) if name is None else known.reads[name]
        total += factor * (low if factor > 0 else high)
    return total


def _arithmetic(operator: str, one: Interval, two: Interval) -> tuple[int, int, bool]:
    match operator:
        case "+":
            return one.low + two.low, one.high + two.high, True
        case "-":
            return one.low - two.high, one.high - two.low, True
        case "*":
            corners = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
            return min(corners), max(corners), True
        case "//":
            divisors = [d for d in (two.low, -1, 1, two.high) if d and two.low <= d <= two.high]
            corners = [a // d for a in (one.low, one.high) for d in divisors] or [0]
            return min(corners), max(corners), not two.low <= 0 <= two.high
    if two.low == two.high > 0 and one.low // two.low == one.high // two.low:
        return one.low % two.low, one.high % two.low, True
    return min(0, two.low + 1), max(0, two.high - 1), not two.low <= 0 <= two.high
