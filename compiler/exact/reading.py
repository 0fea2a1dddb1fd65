"""A canonical number as a reader would write it: coefficients, square roots, cosines, sines and powers.

In: a ``Scalar``.  Out: ``Piece``s whose sum it is.  Not for: arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from compiler.exact.angle import Angle
from compiler.exact.roots import HALF, QUARTER, Rational, tidy
from compiler.exact.scalar import Scalar


@dataclass(frozen=True, slots=True)
class Piece:
    """coefficient * sqrt(radicand) * prod symbol^power * (1, or cos or sin of an angle)."""

    coefficient: Rational
    radicand: int
    powers: tuple[tuple[str, int], ...]
    function: Literal["", "cos", "sin"]
    angle: Angle


def pieces(scalar: Scalar) -> list[Piece]:
    """The terms of a real number: each exponential is joined with its conjugate to a cosine or a sine."""
    found: dict[tuple[object, ...], Piece] = {}
    for (turn, radicand, radians, angles, powers), coefficient in scalar.terms.items():
        angle, coefficient = _upright(Angle(turn, radians, angles), coefficient)
        function, angle, sign = _function(angle)
        if function is None or not coefficient * sign:
            continue
        key = (radicand, powers, function, angle)
        before = found[key].coefficient if key in found else 0
        found[key] = Piece(tidy(before + coefficient * sign), radicand, powers, function, angle)
    return sorted((p for p in found.values() if p.coefficient), key=_order)


def _upright(angle: Angle, coefficient: Rational) -> tuple[Angle, Rational]:
    """The conjugate where that has the positive leading exponent: the real part is the same."""
    leading = angle.symbols[0][1] if angle.symbols else angle.radians
    return (-angle if leading < 0 else angle), coefficient


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
