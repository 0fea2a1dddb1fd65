"""Rigorous enclosures of exact numbers, and their nearest floats.

In: a ``Scalar`` and rational values for its symbols.  Out: a middle and a radius, or a float64.  Not for: deciding
whether a number is zero (its canonical form says so).

Method.  Fixed-point integers m meaning m / 2^P, each with an error bound in units of 2^-P.  cos and sin come from the
Taylor series at an argument reduced to [-pi/4, pi/4] by an exact multiple of pi/2, with P + guard working bits: every
step of the series rounds by less than 4 units, there are fewer than P/2 + 8 steps and the terms alternate, so the guard
bits absorb the sum; after the final shift the error is below 2 units of 2^-P (``cos_sin``).  pi is Machin's
16 atan(1/5) - 4 atan(1/239) with 32 guard bits.  Square roots are ``isqrt``, wrong by less than a unit.  All
bounds are rounded up.  Only the real part is summed: a ``Scalar`` stands for a real number, its imaginary parts cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import isqrt

from compiler.exact.constants import is_constant, logarithm_of
from compiler.exact.logarithms import logarithm
from compiler.exact.roots import Rational
from compiler.exact.scalar import Scalar
from compiler.exact.terms import UNIT, Monomial

FIRST_BITS, MOST_BITS = 128, 1 << 14
UNDERFLOW = 1076
"""What is at most 2^-1076 is nearer to 0 than to any other float64."""

Ball = tuple[int, int]
"""(middle, error bound), both in units of 2^-P."""


@lru_cache(maxsize=64)
def pi_fixed(bits: int) -> int:
    """pi * 2^bits, wrong by less than two units."""
    work = bits + 32
    return (16 * _arctan_inverse(5, work) - 4 * _arctan_inverse(239, work)) >> 32


def _arctan_inverse(number: int, bits: int) -> int:
    term = (1 << bits) // number
    total, square, odd, sign = term, number * number, 1, 1
    while term:
        term //= square
        odd += 2
        sign = -sign
        total += sign * (term // odd)
    return total


def cos_sin(turn: Rational, radians: Rational, bits: int) -> Ball:
    """cos and sin of 2 pi turn + radians as integers in units of 2^-bits, each wrong by less than 2 units.

    Signs and quarter turns are taken off first, so that angles that differ by them alone are worked out once."""
    if radians.numerator < 0 or (not radians and turn.numerator < 0):
        cosine, sine = cos_sin(-turn, -radians, bits)
        return cosine, -sine
    quarters, rest = divmod(4 * turn.numerator, turn.denominator)
    below = _cos_sin(rest, 4 * turn.denominator, radians.numerator, radians.denominator, bits)
    return _quarter_turns(below, quarters)


def _quarter_turns(pair: Ball, quarters: int) -> Ball:
    cosine, sine = pair
    match quarters % 4:
        case 0:
            return cosine, sine
        case 1:
            return -sine, cosine
        case 2:
            return -cosine, -sine
        case _:
            return sine, -cosine


@lru_cache(maxsize=1 << 17)
def _cos_sin(tn: int, td: int, rn: int, rd: int, bits: int) -> Ball:
    if not rn and 4 % td == 0:
        quarter = (4 * tn // td) % 4
        return ((1, 0, -1, 0)[quarter] << bits), ((0, 1, 0, -1)[quarter] << bits)
    work = bits + 16 + bits.bit_length() + max(0, (abs(rn) // rd).bit_length())
    pi = pi_fixed(work)
    theta = 2 * pi * (tn % td) // td + (rn << work) // rd
    quarters = (2 * theta + pi // 2) // pi
    cosine, sine = _taylor(theta - quarters * pi // 2, work)
    shift = work - bits
    cosine, sine = cosine >> shift, sine >> shift
    return _quarter_turns((cosine, sine), quarters)


def _taylor(x: int, work: int) -> Ball:
    square = x * x >> work
    cosine = even = 1 << work
    sine = odd = x
    n = 1
    while max(abs(even), abs(odd)) > 2:
        even = -(even * square >> work) // (n * (n + 1))
        odd = -(odd * square >> work) // ((n + 1) * (n + 2))
        cosine += even
        sine += odd
        n += 2
    return cosine, sine


def multiply(a: Ball, b: Ball, bits: int) -> Ball:
    error = abs(a[0]) * b[1] + abs(b[0]) * a[1] + a[1] * b[1]
    return a[0] * b[0] >> bits, (error >> bits) + 2


def divide(a: Ball, b: Ball, bits: int) -> Ball:
    """a/b for a ball b without 0: |x/y - a/b| = |(x - a) - (a/b) (y - b)| / |y| <= (r_a + |a/b| r_b) / (|b| - r_b)."""
    middle = (a[0] << bits) // b[0]
    error = (a[1] << bits) + (abs(middle) + 1) * b[1]
    return middle, error // (abs(b[0]) - b[1]) + 2


def _scale(a: Ball, factor: Rational) -> Ball:
    numerator, denominator = factor.numerator, factor.denominator
    return a[0] * numerator // denominator, a[1] * abs(numerator) // denominator + 2


@lru_cache(maxsize=1 << 10)
def _root(radicand: int, bits: int) -> Ball:
    return isqrt(radicand << (2 * bits)), 1


@lru_cache(maxsize=1 << 10)
def _constant_power(name: str, exponent: int, bits: int) -> Ball:
    """A power of pi or of a logarithm."""
    number = logarithm_of(name)
    base = (pi_fixed(bits), 2) if number is None else (int(logarithm(number, bits) * (1 << bits)), 2)
    if exponent < 0:
        base = divide((1 << bits, 0), base, bits)
    out: Ball = (1 << bits, 0)
    for _ in range(abs(exponent)):
        out = multiply(out, base, bits)
    return out


def _value(bindings: Mapping[str, Rational], name: str) -> Rational:
    try:
        return bindings[name]
    except KeyError:
        raise ValueError(f"the symbol {name} has no value") from None


def _monomial(key: Monomial, coefficient: Rational, bindings: Mapping[str, Rational], bits: int) -> Ball:
    """The real part of coefficient * monomial."""
    turn, radicand, radians, angles, powers = key
    for name, weight in angles:
        radians = radians + weight * _value(bindings, name)
    ball: Ball = (1 << bits, 0)
    if turn or radians:
        ball = (cos_sin(turn, radians, bits)[0], 2)
    if radicand != 1:
        ball = multiply(ball, _root(radicand, bits), bits)
    for name, exponent in powers:
        if name not in bindings and is_constant(name):
            ball = multiply(ball, _constant_power(name, exponent, bits), bits)
        else:
            coefficient = coefficient * _power(name, _value(bindings, name), exponent)
    return ball if coefficient == 1 else _scale(ball, coefficient)


def _power(name: str, value: Rational, exponent: int) -> Rational:
    if not value and exponent < 0:
        raise ValueError(f"division by zero: the symbol {name} is 0")
    return Fraction(value) ** exponent


def ball(scalar: Scalar, bindings: Mapping[str, Rational], bits: int) -> Ball:
    """(middle, error) in units of 2^-bits."""
    middle = error = 0
    for key, coefficient in scalar.short.items():
        m, e = _monomial(key, coefficient, bindings, bits)
        middle += m
        error += e
    return middle, error


def enclose(scalar: Scalar, bindings: Mapping[str, Rational], bits: int = FIRST_BITS) -> tuple[Fraction, Fraction]:
    """(middle, radius), |value - middle| <= radius: 0 for rationals, otherwise a small multiple of 2^-bits."""
    if scalar.is_rational():
        return scalar.as_fraction(), Fraction(0)
    middle, error = ball(scalar, bindings, bits)
    return Fraction(middle, 1 << bits), Fraction(error, 1 << bits)


def to_float(scalar: Scalar, bindings: Mapping[str, Rational]) -> float:
    """The nearest float64 or its neighbour; more bits are taken until cancellation leaves 60 of them."""
    terms = scalar.terms
    if not terms:
        return 0.0
    if len(terms) == 1 and UNIT in terms:
        return _quotient(terms[UNIT].numerator, terms[UNIT].denominator)
    bits, most = FIRST_BITS, MOST_BITS + max(c.numerator.bit_length() for c in terms.values())
    while bits <= 2 * most:
        middle, error = ball(scalar, bindings, bits)
        if abs(middle) >= error << 60:
            return _quotient(middle, 1 << bits)
        if bits == FIRST_BITS and scalar.substitute(bindings).is_zero():
            return 0.0
        if bits >= UNDERFLOW and abs(middle) + error <= 1 << (bits - UNDERFLOW):
            return 0.0
        bits *= 2
    raise ValueError("this number is too near to 0 to be told from it")


def _quotient(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator
    except OverflowError:
        return float("inf") if numerator > 0 else float("-inf")
