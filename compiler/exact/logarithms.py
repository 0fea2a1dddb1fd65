"""Natural logarithms of rationals: exact combinations over a coprime base, and rationals as near as one likes.

In: positive rationals; a positive integer and a number of bits.  Out: ``Scalar``s in the logarithms ``ln(b)`` of
pairwise coprime integers b > 1; a rational within 2^-bits of a logarithm.  Not for: whose logarithms
(``circuits.shares``).

Numbers are not taken apart into primes: their common divisors do (``coprime``).  Nothing is lost:

  Theorem 1.  Logarithms of pairwise coprime integers b_1 .. b_n > 1 are linearly independent over Q.
  Proof.  A relation with rational coefficients, times their denominator and with the negative ones on the other side,
  says that two products of powers of different b's are equal.  Each b has a prime that divides no other b.  By unique
  factorisation it stands to the same power on both sides, and on one side it does not stand at all: the power is 0.
  Theorem 2 (Baker 1966; Lindemann where n = 0).  Then 1, pi, ln b_1 .. ln b_n are linearly independent over the
  algebraic numbers (i pi is a logarithm of -1, and independent of real ones).

So a number that is linear in pi and in logarithms over one coprime base is zero only if every coefficient is, and
comparing terms decides it.  Of *products* of logarithms nothing is known: that ln 2 and ln 3 are algebraically
independent is a case of Schanuel's conjecture.  See ``rank`` for what is proved of minors all the same.

Numbers over different bases are brought to a common one by ``refinement``; until then their forms may differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from compiler.exact.constants import logarithm_name, logarithm_of
from compiler.exact.coprime import are_coprime, coprime_base, powers_over
from compiler.exact.scalar import Scalar

SMALL = tuple(n for n in range(2, 1000) if all(n % d for d in range(2, int(n**0.5) + 1)))
"""These primes are taken out first, so that readers see ln(2) and ln(5)."""


class Logarithms:
    """Logarithms of rationals whose numerators and denominators are products of ``numbers`` and of small primes."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.base = coprime_base(_taken_apart(number)[1] for number in set(numbers))

    @staticmethod
    def of_all(values: Iterable[Fraction]) -> Logarithms:
        return Logarithms(part for value in values for part in (value.numerator, value.denominator))

    def of(self, value: Fraction) -> Scalar:
        """ln(value); ``ValueError`` for one that is not positive, or no product of the numbers given."""
        if value <= 0:
            raise ValueError(f"the logarithm of {value} is not a real number")
        parts = ((self._powers(value.numerator), 1), (self._powers(value.denominator), -1))
        total = Scalar({})
        for powers, sign in parts:
            total = total + Scalar({(0, 1, 0, (), ((logarithm_name(b), 1),)): sign * n for b, n in powers.items()})
        return total

    def _powers(self, number: int) -> dict[int, int]:
        small, rest = _taken_apart(number)
        return small | powers_over(self.base, rest)


@lru_cache(maxsize=1 << 12)
def _taken_apart(number: int) -> tuple[dict[int, int], int]:
    """(small prime -> power, what is left)."""
    found: dict[int, int] = {}
    for prime in SMALL:
        if number == 1:
            break
        while number % prime == 0:
            number //= prime
            found[prime] = found.get(prime, 0) + 1
    return found, number


def refinement(scalars: Iterable[Scalar]) -> dict[str, Scalar]:
    """What to substitute for logarithms in ``scalars``, so that all stand over one coprime base; often nothing."""
    different = {id(scalar): scalar for scalar in scalars}.values()
    names = {name: logarithm_of(name) for scalar in different for name in scalar.names()}
    numbers = {name: number for name, number in names.items() if number is not None}
    if are_coprime(numbers.values()):
        return {}
    logarithms = Logarithms(numbers.values())
    return {name: logarithms.of(Fraction(number)) for name, number in numbers.items()}


@lru_cache(maxsize=1 << 10)
def logarithm(number: int, bits: int) -> Fraction:
    """ln(number), within 2^-bits: k ln 2 + ln m with number = 2^k m, 2/3 < m <= 4/3, each by the series of atanh.

    ln m = 2 atanh z, z = (m - 1)/(m + 1), |z| <= 1/5; every term loses less than a unit of 2^-work, there are fewer
    than ``work`` of them, and k is below the length of ``number``."""
    if number < 1:
        raise ValueError(f"the logarithm of {number} is not a real number")
    work = bits + bits.bit_length() + number.bit_length().bit_length() + 8
    power = (number - 1).bit_length()
    if 3 * number <= 2 << power:  # m = number / 2^power lies above 1/2
        power -= 1
    total = power * _twice_atanh(1, 3, work) + _twice_atanh(number - (1 << power), number + (1 << power), work)
    return Fraction(total >> (work - bits - 1), 1 << (bits + 1))


def _twice_atanh(top: int, bottom: int, bits: int) -> int:
    """2 atanh(top/bottom) in units of 2^-bits: 2 sum z^(2j+1)/(2j+1)."""
    term = (top << (bits + 1)) // bottom
    total, odd, square = term, 1, (top * top << bits) // (bottom * bottom)
    while abs(term) > 1:
        term = term * square >> bits
        odd += 2
        total += term // odd
    return total
