"""Which turns a phase makes on a circle of N points, where a spec only says how many; and after how many it closes.

In: a period N and a count.  Out: integers k, for the frequencies 2 pi k/N.  Or in: a phase; out: its period.  Not for:
phases of positions whose turns the compiler chooses (``sharpness.frequencies``), which have no period.

Two values that are s apart score sum_k (1 - cos(2 pi k s/N)) less than equal ones; where an MLP has added up two
phases that were d apart, frequency k counts |cos(pi k d/N)| times (``mlp.phases``; all of it for k = N/2, whose
product is exact).  Chosen are turns whose least sum over all d and all s > 0 is large.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from compiler.encodings import Phase
from dsl.expressions import Binary, Expr, Name, Number, Unary

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STARTS = 4

SEEN = 512
"""Of circles with more than twice as many points so many of the d and of the s are looked at."""

WORK = 4_000_000
"""About how many entries are added up to replace one turn; on large circles fewer turns are tried for it."""

CLIMB = 500_000_000
"""About how many entries are added up in one climb, some seconds' worth: many turns are not all replaced."""


@cache
def choose_turns(count: int, period: int) -> tuple[int, ...]:
    """``count`` different turns in 1..N//2, ascending: the best that a seeded local search finds.

    From a few random sets one turn after the other is replaced by the best there is, until none gets better.
    Multiplying all turns by a unit modulo N changes nothing, so many sets are best alike."""
    seen = min(SEEN, period // 2)
    tried = _some(1, period // 2, max(count + 8, WORK // (seen * seen)))
    if count >= len(tried):
        return tuple(range(1, count + 1))
    random = np.random.Generator(np.random.PCG64(20_221_012))
    starts = [[int(k) for k in random.choice(tried, count, replace=False)] for _ in range(STARTS)]
    return tuple(sorted(max(_climb(turns, period, tried) for turns in starts)[1]))


def _climb(turns: list[int], period: int, tried: Ints) -> tuple[float, list[int]]:
    """Until none gets better, or ``CLIMB`` is used up."""
    least, changed, left = least_margin(turns, period), True, CLIMB
    entries = (len(turns) + len(tried)) * min(SEEN, period // 2 + 1) ** 2
    while changed:
        changed = False
        for place in range(len(turns)):
            left -= entries
            if left < 0:
                return least, turns
            others = turns[:place] + turns[place + 1 :]
            rest = margins(others, period)
            for k in (int(k) for k in tried if int(k) not in turns):
                found = float((rest + margins([k], period)).min())
                if found > least + 1e-9:
                    least, turns, changed = found, [*turns[:place], k, *turns[place + 1 :]], True
    return least, turns


def margins(turns: list[int], period: int) -> Floats:
    """(d, s) -> sum_k |cos(pi k d/N)| (1 - cos(2 pi k s/N)), d in 0..N//2, s in 1..N//2; all others are like these."""
    apart, steps = _some(0, period // 2, SEEN), _some(1, period // 2, SEEN)
    found = np.zeros((len(apart), len(steps)))
    for k in turns:
        gains = np.ones(len(apart)) if 2 * k == period else np.abs(np.cos(np.pi * k * apart / period))
        found += np.outer(gains, 1 - np.cos(2 * np.pi * k * steps / period))
    return found


def least_margin(turns: list[int], period: int) -> float:
    return float(margins(turns, period).min())


@cache
def _some(low: int, high: int, most: int) -> Ints:
    """low..high in order, or ``most`` of them, both ends included."""
    every = np.arange(low, high + 1)
    if len(every) <= most:
        return every
    inner = np.random.Generator(np.random.PCG64(high)).choice(every[1:-1], most - 2, replace=False)
    return np.sort(np.concatenate([every[:1], inner, every[-1:]]))


# ------------------------------------------------------------------ after how many a given phase closes


@lru_cache(maxsize=64)
def period_of(phase: Phase) -> int | None:
    """The least P with P * frequency a whole number of turns for every pair; None where there is none, or only one so
    long (more than twice the range) that no sums of two values come to it."""
    if phase.frequencies is None:
        return None
    period = 1
    for frequency in phase.frequencies:
        multiple = _of_pi(frequency)
        if multiple is None:
            return None
        period = math.lcm(period, (multiple / 2).denominator)
    return period if period <= 2 * (phase.high - phase.low + 1) else None


def _of_pi(expr: Expr) -> Fraction | None:
    """The rational that pi is multiplied by; None where the number is no such multiple."""
    parts = _linear(expr)
    return parts[1] if parts is not None and parts[0] == 0 else None


def _linear(expr: Expr) -> tuple[Fraction, Fraction] | None:
    """(a, b) with a + b pi the number, if it is one of these."""
    match expr:
        case Number(value):
            return value, Fraction(0)
        case Name("pi"):
            return Fraction(0), Fraction(1)
        case Unary("-", operand):
            found = _linear(operand)
            return None if found is None else (-found[0], -found[1])
        case Binary(operator, left, right):
            one, other = _linear(left), _linear(right)
            return None if one is None or other is None else _combined(operator, one, other)
        case _:
            return None


def _combined(
    operator: str, one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]
) -> tuple[Fraction, Fraction] | None:
    (a, b), (c, d) = one, other
    match operator:
        case "+":
            return a + c, b + d
        case "-":
            return a - c, b - d
        case "*" if b == 0 or d == 0:
            return a * c, a * d + b * c
        case "/" if d == 0 and c != 0:
            return a / c, b / c
        case _:
            return None
