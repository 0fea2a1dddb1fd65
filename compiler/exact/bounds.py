"""How large an exact number may be; powers are refused before they are multiplied out.

In: a number; a sum and a whole exponent.  Out: the number, nothing, or ``ValueError``.  Not for: the arithmetic
(``scalar``), nor sizes of specs (``compiler.limits``).

The monomials of a power differ at least where symbols and angles do.  Those parts are vectors of rationals, and the
vectors that occur in base^n are the sums of n of the base's: whole numbers, once each vector is written in one mixed
radix.  Counting them costs a small part of multiplying out.
"""

from __future__ import annotations

from math import lcm

from compiler.exact.roots import Rational
from compiler.exact.scalar import Scalar
from compiler.exact.terms import Monomial

LARGEST_EXPONENT = 64
MOST_TERMS = 10_000
MOST_BITS = 20_000
LARGEST_POWER = 1024
"""Of one symbol, in one term: (b^64)^64 is refused, for a value of b would be raised to it."""


def check_power(base: Scalar, count: int) -> None:
    """``ValueError`` where base^count, for count >= 0, has more than ``MOST_TERMS`` terms (before any cancel)."""
    codes = _codes(base, count)
    if len(codes) <= 1:
        return
    found = {0}
    for _ in range(count):
        found = {one + other for one in found for other in codes}
        if len(found) > MOST_TERMS:
            raise ValueError(f"this power has too many terms (at most {MOST_TERMS} are kept)")


def check_work(done: int) -> None:
    """``ValueError`` where a power has taken ``done`` products of terms, and that is too many."""
    if done > 20 * MOST_TERMS:
        raise ValueError(f"this power has too many terms to be multiplied out (at most {MOST_TERMS} are kept)")


def _codes(base: Scalar, count: int) -> set[int]:
    """The free part of every monomial as one integer, such that sums of ``count`` of them stay different."""
    vectors = [_free_part(key) for key in base.terms]
    names = sorted({name for vector in vectors for name in vector})
    scale = lcm(*(weight.denominator for vector in vectors for weight in vector.values()))
    whole = [[int(vector.get(name, 0) * scale) for name in names] for vector in vectors]
    radix = 2 * count * max((abs(entry) for vector in whole for entry in vector), default=0) + 1
    return {sum(entry * radix**place for place, entry in enumerate(vector)) for vector in whole}


def _free_part(key: Monomial) -> dict[tuple[str, str], Rational]:
    _, _, radians, angles, powers = key
    found: dict[tuple[str, str], Rational] = {("angle", name): weight for name, weight in angles}
    found |= {("power", name): exponent for name, exponent in powers}
    return found | ({("radians", ""): radians} if radians else {})


def bounded(value: Scalar) -> Scalar:
    """``value``; ``ValueError`` where it has too many terms, or one of its numbers too many digits."""
    if len(value.terms) > MOST_TERMS:
        raise ValueError(f"this number has too many terms (at most {MOST_TERMS} are kept)")
    for (turn, radicand, radians, angles, powers), coefficient in value.terms.items():
        numbers = (turn, radicand, radians, coefficient, *(weight for _, weight in angles))
        if any(max(n.numerator.bit_length(), n.denominator.bit_length()) > MOST_BITS for n in numbers):
            raise ValueError(f"this number has more than {MOST_BITS} binary digits")
        for name, power in powers:
            if abs(power) > LARGEST_POWER:
                raise ValueError(f"the {abs(power)}th power of {name} is too high (up to {LARGEST_POWER} are kept)")
    return value
