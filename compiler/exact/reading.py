"""A canonical number as a reader would write it: coefficients, square roots, cosines, sines and powers.

In: a ``Scalar``.  Out: ``Piece``s whose sum it is.  Not for: arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from heapq import heappop, heappush
from math import lcm
from typing import Literal

from compiler.exact.angle import Angle
from compiler.exact.coprime import coprime_base
from compiler.exact.roots import HALF, QUARTER, Rational, Root, factor, multiply_radicands, reduce_root, tidy
from compiler.exact.scalar import Scalar
from compiler.exact.terms import Exponents, Powers

Group = dict[Root, Rational]
"""Coefficients of e^(2 pi i turn) sqrt(radicand)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """coefficient * sqrt(radicand) * prod symbol^power * (1, or cos or sin of an angle)."""

    coefficient: Rational
    radicand: int
    powers: Powers
    function: Literal["", "cos", "sin"]
    angle: Angle


def pieces(scalar: Scalar) -> list[Piece]:
    """The terms of a real number: each exponential is joined with its conjugate to a cosine or a sine."""
    found: dict[tuple[object, ...], Piece] = {}
    for (powers, radians, angles), group in _groups(scalar).items():
        for (turn, radicand), coefficient in _shortest(group, bool(radians or angles)).items():
            function, angle, sign = _function(Angle(turn, radians, angles))
            if function is None:
                continue
            key = (radicand, powers, function, angle)
            before = found[key].coefficient if key in found else 0
            found[key] = Piece(tidy(before + coefficient * sign), radicand, powers, function, angle)
    return sorted((p for p in found.values() if p.coefficient), key=_order)


def _groups(scalar: Scalar) -> dict[tuple[Powers, Rational, Exponents], Group]:
    """Terms by symbol powers and free angle; of a free angle and its negative only the upright one, counted twice."""
    out: dict[tuple[Powers, Rational, Exponents], Group] = {}
    for (turn, radicand, radians, angles, powers), coefficient in scalar.terms.items():
        leading = angles[0][1] if angles else radians
        if leading >= 0:
            group = out.setdefault((powers, radians, angles), {})
            group[turn, radicand] = coefficient * (2 if leading else 1)
    return out


# ---------------------------------------------------------------- shorter forms
# The canonical basis leaves two powers of every root of prime order out, so cos(pi/7) may be a sum there.  A group
# that is one cosine, up to a factor and, without a free angle, a summand, is shown as that.

LARGEST_ORDER = 2048
MOST_RADICANDS = 16


def _shortest(group: Group, free: bool) -> Group:
    surds = all(4 % Fraction(turn).denominator == 0 for turn, _ in group)
    if len(group) < 2 or (surds and not free):
        return group
    for outside in _outsides(group):
        short = _one_cosine(group, outside, free)
        if short is not None:
            return short
    return group


def _one_cosine(group: Group, outside: int, free: bool) -> Group | None:
    """``group`` as summand + factor * sqrt(outside) * one root of unity, if it is that."""
    inner = _over_root(group, outside)
    order = lcm(8 if free else 1, *(Fraction(turn).denominator for turn, _ in inner), *(d for _, d in inner))
    if order > LARGEST_ORDER:
        return None
    signature, scale, constant = _signature(inner, not free)
    known = _table(order, free).get(signature)
    if known is None:
        return None
    turn, unit_scale, unit_constant = known
    factor = Fraction(scale) / unit_scale
    short: Group = {(0, outside): constant - factor * unit_constant, (turn, outside): factor}
    return {root: c for root, c in short.items() if c}


def _outsides(group: Group) -> list[int]:
    """What may stand before the cosine, under a root: products of parts of the radicands and of primes of the turns;
    the least ``MOST_RADICANDS`` of these, in ascending order."""
    primes = {prime for turn, _ in group for prime, _ in factor(Fraction(turn).denominator)}
    parts = coprime_base([*primes, *(radicand for _, radicand in group)])
    found: list[int] = []
    heap = [(1, 0)]
    while heap and len(found) < MOST_RADICANDS:
        product, start = heappop(heap)
        found.append(product)
        for i in range(start, len(parts)):
            heappush(heap, (product * parts[i], i + 1))
    return found


def _over_root(group: Group, outside: int) -> Group:
    """group / sqrt(outside), in canonical form."""
    if outside == 1:
        return group
    out: Group = {}
    for (turn, radicand), coefficient in group.items():
        inner, common = multiply_radicands(radicand, outside)
        for t, d, c in reduce_root(turn, inner):
            out[t, d] = out.get((t, d), 0) + c * coefficient * Fraction(common, outside)
    return {root: c for root, c in out.items() if c}


Signature = tuple[tuple[Rational, int, Rational], ...]


@lru_cache(maxsize=64)
def _table(order: int, free: bool) -> dict[Signature, tuple[Fraction, Rational, Rational]]:
    """From the form of cos(2 pi k / order), or e^(2 pi i k / order) where ``free``, to k / order."""
    out: dict[Signature, tuple[Fraction, Rational, Rational]] = {}
    for k in range(1, order if free else order // 2 + 1):
        turn = Fraction(k, order)
        group: Group = {}
        for part, weight in ((turn, 1),) if free else ((turn, HALF), (-turn, HALF)):
            for t, d, c in reduce_root(part, 1):
                group[t, d] = group.get((t, d), 0) + c * weight
        signature, scale, constant = _signature({root: c for root, c in group.items() if c}, not free)
        out.setdefault(signature, (turn, scale, constant))
    return out


def _signature(group: Group, drop_constant: bool) -> tuple[Signature, Rational, Rational]:
    """The terms divided by the first one, that one's coefficient, and the rational summand left aside."""
    constant = group.get((0, 1), 0) if drop_constant else 0
    terms = sorted((t, d, c) for (t, d), c in group.items() if not (drop_constant and (t, d) == (0, 1)))
    scale = terms[0][2] if terms else 1
    return tuple((t, d, Fraction(c) / scale) for t, d, c in terms), scale, constant


# ---------------------------------------------------------------- cosines and sines


def _function(angle: Angle) -> tuple[Literal["", "cos", "sin"] | None, Angle, int]:
    """cos(angle) as a function, an angle with a small part of a turn, and a sign; None for cos(pi/2) = 0."""
    turn = angle.turns % 1
    sign = 1
    if turn >= HALF:
        turn, sign = turn - HALF, -1
    if angle.radians or angle.symbols:
        if turn >= QUARTER:
            return "sin", Angle(tidy(turn - QUARTER), angle.radians, angle.symbols), -sign
        return "cos", Angle(tidy(turn), angle.radians, angle.symbols), sign
    if turn > QUARTER:
        turn, sign = HALF - turn, -sign
    if turn == QUARTER:
        return None, Angle(), 0
    return ("cos" if turn else ""), Angle(tidy(turn)), sign


def _order(piece: Piece) -> tuple[object, ...]:
    angle = piece.angle
    return (
        sum(abs(power) for _, power in piece.powers),
        piece.powers,
        piece.function,
        [(name, Fraction(e)) for name, e in angle.symbols],
        angle.radians,
        angle.turns,
        piece.radicand,
    )
