"""Bounds of a compute expression from bounds of what it reads, each input on its own.

In: a ``ValueExpr``, the least and the greatest value of every subspace it reads.  Out: ``Interval``.  Not for: tokens
(their ids are no numbers, and their bounds say nothing) or examples (``ranges``).
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


def bounds(part: ValueExpr, reads: Mapping[str, tuple[int, int]]) -> Interval:
    """The interval of ``part``; truth values lie in 0..1."""
    inner = [bounds(p, reads) for p in parts(part)]
    certain = all(i.certain for i in inner)
    low, high, sure = _bounds(part, inner, reads)
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
