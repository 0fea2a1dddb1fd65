"""One canonical form for products of roots of unity and square roots.

In: a turn t and a squarefree d, meaning e^(2 pi i t) sqrt(d).  Out: the same number as a rational combination of
basis elements.  Not for: angles that are no rational part of a turn (they are free generators, see ``scalar``).

The basis of the field of all roots of unity is a tensor product over the primes p.  A turn splits into its p-parts t_p,
and t_p into a leading digit and a rest: t_p = digit/p + rest, 0 <= rest < 1/p (for p = 2: eighths instead of halves).
The rests are a basis over the p-th (8th) roots of unity, and for these we take
    p = 2:  1, i, sqrt 2, i sqrt 2,
    p odd:  1, zeta, zeta^2, ... without one power whose exponent is a square mod p and one whose exponent is not, and
            instead of those two the Gauss sum g = sum_j (j/p) zeta^j, which is sqrt p or i sqrt p (p = 1, 3 mod 4).
The powers left out follow from  sum over squares of zeta^j = (-1 + g)/2,  sum over non-squares = (-1 - g)/2.
So cos(pi/3) is 1/2, cos(pi/4) is sqrt(2)/2, cos(2 pi/5) is (sqrt(5) - 1)/4 without anyone asking, equal numbers have
equal forms, and sqrt(127) stays one term.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import gcd, isqrt

Rational = int | Fraction
"""An exact rational; integers are kept as ``int`` because that is several times faster."""

Root = tuple[Rational, int]
"""(turn in [0, 1), squarefree integer): e^(2 pi i turn) * sqrt(integer)."""

QUARTER = Fraction(1, 4)
HALF = Fraction(1, 2)
LARGEST_PRIME = 4999
"""Roots of unity of a larger prime order are refused: one of them may take as many terms as the order."""
LARGEST_TRIAL = 10**6
MOST_TERMS = 20_000


def tidy(value: Rational) -> Rational:
    """``value`` as an int where it is one."""
    if type(value) is int:
        return value
    return value.numerator if value.denominator == 1 else value


@lru_cache(maxsize=1 << 12)
def factor(number: int) -> tuple[tuple[int, int], ...]:
    """The primes of a positive integer and their exponents; ``ValueError`` where two of them are above 10^6."""
    found: list[tuple[int, int]] = []
    rest, prime = number, 2
    while prime * prime <= rest and prime <= LARGEST_TRIAL and rest.bit_length() <= 4096:
        exponent = 0
        while rest % prime == 0:
            rest //= prime
            exponent += 1
        if exponent:
            found.append((prime, exponent))
        prime += 1 if prime == 2 else 2
    if rest > LARGEST_TRIAL**2:
        shown = str(number) if number < 10**40 else f"a number of {number.bit_length()} binary digits"
        raise ValueError(f"{shown} is too large to be taken apart into primes")
    return (*found, (rest, 1)) if rest > 1 else tuple(found)


def split_square(number: int) -> tuple[int, int]:
    """(a, d) with number = a^2 d and d squarefree."""
    whole = isqrt(number)
    if whole * whole == number:
        return whole, 1
    outside, inside = 1, 1
    for prime, exponent in factor(number):
        outside *= prime ** (exponent // 2)
        inside *= prime ** (exponent % 2)
    return outside, inside


def multiply_radicands(a: int, b: int) -> tuple[int, int]:
    """(d, g) with sqrt(a) sqrt(b) = g sqrt(d), for squarefree a and b."""
    common = gcd(a, b)
    return a * b // (common * common), common


@lru_cache(maxsize=1 << 17)
def reduce_root(turn: Rational, radicand: int) -> tuple[tuple[Rational, int, Rational], ...]:
    """e^(2 pi i turn) sqrt(radicand) as terms (turn, radicand, coefficient) of the canonical basis."""
    check_turn_terms(turn)
    terms: dict[Root, Rational] = {(turn % 1, radicand): 1}
    for prime, _ in factor(Fraction(turn).denominator):
        if prime != 2:
            terms = _spread(terms, lambda t, d, p=prime: _reduce_odd(p, t, d))  # type: ignore[misc]
    terms = _spread(terms, _reduce_two)
    return tuple((tidy(t), d, tidy(c)) for (t, d), c in terms.items() if c)


def check_turn_terms(turn: Rational) -> None:
    """``ValueError`` where e^(2 pi i turn) has more than ``MOST_TERMS`` terms: (p + 1)/2 for every odd prime whose
    leading digit is left out of the basis."""
    count = 1
    for prime, _ in factor(Fraction(turn).denominator):
        if prime != 2 and _leading_digit(turn % 1, prime, prime) in _classes(prime)[0]:
            count *= (prime + 1) // 2
    if count > MOST_TERMS:
        raise ValueError(f"a root of unity of this order has about {count} terms (at most {MOST_TERMS} are kept)")


def _spread(terms: dict[Root, Rational], rule: Callable[[Rational, int], dict[Root, Rational]]) -> dict[Root, Rational]:
    out: dict[Root, Rational] = {}
    for (turn, radicand), coefficient in terms.items():
        for root, factor_ in rule(turn, radicand).items():
            out[root] = out.get(root, 0) + coefficient * factor_
    return out


def _leading_digit(turn: Rational, prime: int, parts: int) -> int:
    """floor(parts * t_p), where t_p is the p-part of ``turn``."""
    denominator = Fraction(turn).denominator
    power = 1
    while denominator % (power * prime) == 0:
        power *= prime
    numerator = Fraction(turn).numerator * pow(denominator // power, -1, power) % power if power > 1 else 0
    return parts * numerator // power


def _reduce_two(turn: Rational, radicand: int) -> dict[Root, Rational]:
    """zeta_8 = sqrt(2)/2 (1 + i); i^2 = -1."""
    eighths = _leading_digit(turn, 2, 8)
    if eighths == 0 or eighths == 2:
        return {(turn, radicand): 1}
    rest = (turn - Fraction(eighths, 8)) % 1
    quarters, odd = divmod(eighths, 2)
    if not odd:
        return {_turned(rest, quarters, radicand): _sign(quarters)}
    inner, coefficient = (2 * radicand, HALF) if radicand % 2 else (radicand // 2, Fraction(1))
    return {_turned(rest, q, inner): _sign(q) * coefficient for q in (quarters, quarters + 1)}


def _turned(rest: Rational, quarters: int, radicand: int) -> Root:
    return (rest + QUARTER) % 1 if quarters % 2 else rest, radicand


def _sign(quarters: int) -> int:
    return -1 if quarters % 4 >= 2 else 1


def _reduce_odd(prime: int, turn: Rational, radicand: int) -> dict[Root, Rational]:
    digit = _leading_digit(turn, prime, prime)
    if digit == 0:
        return {(turn, radicand): 1}
    rest = turn - Fraction(digit, prime)
    if radicand % prime == 0:
        return _multiply_gauss_sum(prime, digit, rest, radicand // prime)
    return _reduce_digit(prime, digit, rest, radicand)


def _multiply_gauss_sum(prime: int, digit: int, rest: Rational, radicand: int) -> dict[Root, Rational]:
    """sqrt(p) zeta^digit, by sqrt(p) = g or -i g with g = sum_j (j/p) zeta^j."""
    _, signs = _classes(prime)
    start = rest if prime % 4 == 1 else rest - QUARTER
    out: dict[Root, Rational] = {}
    for j in range(1, prime):
        for root, coefficient in _reduce_digit(prime, (digit + j) % prime, start, radicand).items():
            out[root] = out.get(root, 0) + signs[j] * coefficient
    return out


def _reduce_digit(prime: int, digit: int, rest: Rational, radicand: int) -> dict[Root, Rational]:
    """zeta^digit e^(2 pi i rest) sqrt(radicand), where p does not divide the radicand."""
    left_out, signs = _classes(prime)
    if digit not in left_out:
        return {((rest + Fraction(digit, prime)) % 1, radicand): 1}
    gauss = rest if prime % 4 == 1 else rest + QUARTER
    out: dict[Root, Rational] = {
        (rest % 1, radicand): -HALF,
        (gauss % 1, radicand * prime): signs[digit] * HALF,
    }
    for j in range(1, prime):
        if signs[j] == signs[digit] and j != digit:
            out[((rest + Fraction(j, prime)) % 1, radicand)] = -1
    return out


@lru_cache(maxsize=256)
def _classes(prime: int) -> tuple[frozenset[int], tuple[int, ...]]:
    """The two exponents left out of the basis (the largest square and non-square), and (j/p) for every j."""
    if prime > LARGEST_PRIME:
        raise ValueError(f"roots of unity of order {prime} are not supported (primes up to {LARGEST_PRIME} are)")
    squares = {j * j % prime for j in range(1, prime)}
    signs = tuple(0 if j == 0 else 1 if j in squares else -1 for j in range(prime))
    return frozenset(max(j for j in range(prime) if signs[j] == s) for s in (1, -1)), signs


def legendre_signs(prime: int) -> tuple[int, ...]:
    """(j/p) for j = 0 .. p - 1, p an odd prime."""
    return _classes(prime)[1]
