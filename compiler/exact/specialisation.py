"""Exact numbers modulo a prime: a ring homomorphism, given by the images of the generators.

In: ``Scalar``s.  Out: a prime and values for all generators that occur; the images.  Not for: ranks (``rank``).

The prime p is 1 modulo the order n of every root of unity that occurs (4 q for every odd prime q below ``GAUSS_LIMIT``
under a square root, 8 for 2), so the field of p elements holds all of them: roots of unity go to powers of ``zeta``,
these square roots to Gauss sums of them.  What is left under square roots, without small primes, is written over a
coprime base of its own (``coprime``); p is chosen such that its elements b are squares, and sqrt b goes to a root.
That is a homomorphism: a product of different b's is no square in Q(zeta), for a prime that divides it ramifies in the
field of its square root and not in Q(zeta), as b and n are coprime.  Free generators (symbols, e^(i/D), e^(i alpha/D))
go to any nonzero values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm
from random import Random

from compiler.exact.coprime import are_coprime, coprime_base, powers_over
from compiler.exact.modular import is_prime, square_root
from compiler.exact.roots import factor, legendre_signs
from compiler.exact.scalar import Scalar
from compiler.exact.terms import UNIT

SMALLEST_PRIME = 1 << 61
GAUSS_LIMIT = 5000
MOST_ORDER_BITS = 1024
MOST_ROOTS = 8
"""Square roots without Gauss sums, at most: each halves the primes that will do."""


class Specialisation:
    """The homomorphism from ``Scalar`` to the integers modulo ``prime`` that sends generators to ``values``."""

    def __init__(self, prime: int, values: Mapping[str, int]) -> None:
        self.prime = prime
        self.values = values
        self.order = values.get("order", 1)
        self.zeta = values.get("zeta", 1)
        self._known: dict[tuple[str, int, int], int] = {}
        parts = {name.rpartition("/"): value for name, value in values.items()}
        self._bases = {name: (int(d), value) for (name, slash, d), value in parts.items() if slash}
        self._roots: dict[int, int] = {}
        self._stated = tuple(int(name[5:]) for name in values if name.startswith("sqrt:"))

    def is_homomorphism(self) -> bool:
        """zeta has exactly the stated order, free generators are units, and stated roots are roots."""
        p = self.prime
        if self.order < 1 or pow(self.zeta, self.order, p) != 1:
            return False
        if any(pow(self.zeta, self.order // q, p) == 1 for q, _ in factor(self.order)):
            return False
        if any(value % p == 0 for value in self.values.values()):
            return False
        if not are_coprime((self.order, *self._stated)):
            return False
        return all(b > 2 and (self.values[f"sqrt:{b}"] ** 2 - b) % p == 0 for b in self._stated)

    def of(self, scalar: Scalar) -> int:
        """The image of ``scalar``; ``KeyError`` where a generator has no value."""
        terms = scalar.terms
        if len(terms) == 1 and UNIT in terms:
            return self._rational(terms[UNIT])
        total = 0
        for (turn, radicand, radians, angles, powers), coefficient in terms.items():
            value = self._rational(coefficient)
            if turn:
                exponent = Fraction(turn) * self.order
                if exponent.denominator != 1:
                    raise ValueError("the specialisation has no root of unity of this order")
                value = value * pow(self.zeta, exponent.numerator, self.prime)
            if radicand != 1:
                value = value * self._root(radicand)
            if radians:
                value = value * self._power("r", radians)
            for name, weight in angles:
                value = value * self._power(f"a:{name}", weight)
            for name, power in powers:
                value = value * pow(self.values[f"s:{name}"], power, self.prime)
            total += value
        return total % self.prime

    def _rational(self, value: int | Fraction) -> int:
        if type(value) is int:
            return value % self.prime
        if value.denominator % self.prime == 0:
            raise ValueError("the prime divides a denominator")
        return value.numerator * pow(value.denominator, -1, self.prime) % self.prime

    def _power(self, name: str, weight: int | Fraction) -> int:
        """(e^(i name / D))^(weight * D), with the D that the specialisation states."""
        key = (name, weight.numerator, weight.denominator)
        if key not in self._known:
            denominator, base = self._bases[name]
            exponent = weight * denominator
            if exponent.denominator != 1:
                raise ValueError(f"{name}/{denominator} is too coarse for {weight}")
            self._known[key] = pow(base, exponent.numerator, self.prime)
        return self._known[key]

    def _root(self, radicand: int) -> int:
        if radicand not in self._roots:
            small, rest = _small_primes(radicand)
            value = 1
            for q in small:
                value = value * self._gauss_root(q) % self.prime
            for b in powers_over(self._stated, rest):  # radicands are squarefree: every power is 1
                value = value * self.values[f"sqrt:{b}"] % self.prime
            self._roots[radicand] = value
        return self._roots[radicand]

    def _gauss_root(self, q: int) -> int:
        """sqrt 2 = zeta_8 + 1/zeta_8; sqrt q = g or -i g with g = sum_j (j/q) zeta_q^j."""
        step = 8 if q == 2 else q
        if self.order % step or (q % 4 == 3 and self.order % 4):
            raise ValueError(f"the specialisation has no square root of {q}")
        root = pow(self.zeta, self.order // step, self.prime)
        if q == 2:
            return (root + pow(root, -1, self.prime)) % self.prime
        gauss, power = 0, 1
        for sign in legendre_signs(q):
            gauss += sign * power
            power = power * root % self.prime
        return gauss % self.prime if q % 4 == 1 else -pow(self.zeta, self.order // 4, self.prime) * gauss % self.prime


def choose_specialisation(scalars: Iterable[Scalar], seed: int) -> tuple[int, dict[str, int]] | None:
    """A prime above 2^61 and values for every generator in ``scalars``, the same for the same seed.

    None where too many roots occur for such a prime to be found soon."""
    order, denominators, names, base = _generators(scalars)
    if order.bit_length() > MOST_ORDER_BITS or len(base) > MOST_ROOTS:
        return None
    random = Random(seed)
    prime = _prime_in_class(order, base, random)
    generators = [f"{name}/{d}" for name, d in sorted(denominators.items())] + sorted(names)
    values = {name: random.randrange(2, prime) for name in generators}
    values |= {f"sqrt:{b}": square_root(b % prime, prime) for b in base}
    if order > 1:
        values |= {"order": order, "zeta": _root_of_unity(order, prime, random)}
    return prime, values


def _generators(scalars: Iterable[Scalar]) -> tuple[int, dict[str, int], set[str], tuple[int, ...]]:
    order = 1
    radicands: set[int] = set()
    denominators: dict[str, int] = {}
    names: set[str] = set()
    for key in {key for scalar in scalars for key in scalar.terms}:
        order = lcm(order, key[0].denominator)
        radicands.add(key[1])
        for name, weight in (*((f"a:{n}", w) for n, w in key[3]), *((("r", key[2]),) if key[2] else ())):
            denominators[name] = lcm(denominators.get(name, 1), weight.denominator)
        names |= {f"s:{name}" for name, _ in key[4]}
    parts = [_small_primes(radicand) for radicand in radicands]
    for q in {q for small, _ in parts for q in small}:
        order = lcm(order, 8 if q == 2 else q if q % 4 == 1 else 4 * q)
    return order, denominators, names, coprime_base(rest for _, rest in parts)


@lru_cache(maxsize=1 << 12)
def _small_primes(radicand: int) -> tuple[tuple[int, ...], int]:
    """The primes below ``GAUSS_LIMIT`` that divide a squarefree number, and what is left of it."""
    found: list[int] = []
    for divisor in range(2, GAUSS_LIMIT):
        if radicand == 1:
            break
        if radicand % divisor == 0:
            found.append(divisor)
            radicand //= divisor
    return tuple(found), radicand


def _prime_in_class(order: int, squares: tuple[int, ...], random: Random) -> int:
    """A prime = 1 modulo ``order`` of which every one of ``squares`` is a square."""
    step = lcm(order, 2)
    candidate = (SMALLEST_PRIME // step + random.randrange(1 << 16)) * step + 1
    while not is_prime(candidate) or any(pow(b, (candidate - 1) // 2, candidate) != 1 for b in squares):
        candidate += step
    return candidate


def _root_of_unity(order: int, prime: int, random: Random) -> int:
    while True:
        zeta = pow(random.randrange(2, prime), (prime - 1) // order, prime)
        if all(pow(zeta, order // q, prime) != 1 for q, _ in factor(order)):
            return zeta
