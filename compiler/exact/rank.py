"""Ranks, certified: a minor that is nonzero modulo a prime at a stated specialisation.

In: an exact matrix.  Out: ``RankCertificate``.  The certificate proves rank >= ``rank``; a factorisation with that
many rows proves the other half.  Not for: factorising.

Why it proves it.  The prime p is 1 modulo the order of every root of unity that occurs (4 q for every odd prime q
under a square root, 8 for 2), so the field of p elements holds all of them; sending the roots of unity to powers of
``zeta``, square roots to Gauss sums of these, and the free generators (symbols, e^(i/D), e^(i alpha/D)) to the stated
nonzero values is a ring homomorphism.  A minor that is not zero after it was not zero before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd, lcm
from random import Random
from typing import TYPE_CHECKING

from compiler.exact.roots import factor, legendre_signs
from compiler.exact.scalar import Scalar
from compiler.exact.terms import UNIT

if TYPE_CHECKING:
    from compiler.exact.matrix import Matrix

SMALLEST_PRIME = 1 << 61
EXACT_BELOW = 3_317_044_064_679_887_385_961_981
"""Below this the first thirteen bases of Miller and Rabin decide primality (Sorenson and Webster 2015)."""
GAUSS_LIMIT = 5000
Row = dict[int, int]


@dataclass(frozen=True, slots=True)
class RankCertificate:
    """The minor of ``rows`` x ``columns`` (``rank`` each) is nonzero modulo ``prime`` at ``specialisation``.

    Names in ``specialisation``: ``order`` and ``zeta`` (a root of unity of exactly that order), ``s:NAME`` a symbol,
    ``a:NAME/D`` for e^(i NAME/D), ``r/D`` for e^(i/D), ``sqrt:q`` a root of a large prime q."""

    rank: int
    prime: int
    specialisation: dict[str, int] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()

    def verify(self, matrix: Matrix) -> bool:
        """Recompute the minor from ``matrix`` alone; False for anything that does not prove rank >= ``rank``."""
        if not self._well_formed(matrix):
            return False
        try:
            image = Specialisation(self.prime, self.specialisation)
            if not is_proved_prime(self.prime, image.order, image.zeta) or not image.is_homomorphism():
                return False
            place = {row: i for i, row in enumerate(self.rows)}
            wanted = set(self.columns)
            minor: dict[int, Row] = {i: {} for i in range(self.rank)}
            for (row, column), entry in matrix.entries.items():
                if row in place and column in wanted:
                    minor[place[row]][column] = image.of(entry)
        except (ArithmeticError, KeyError, ValueError):
            return False
        return len(eliminate(minor, self.prime)) == self.rank

    def _well_formed(self, matrix: Matrix) -> bool:
        sizes = len(self.rows) == len(self.columns) == self.rank
        distinct = len(set(self.rows)) == len(set(self.columns)) == self.rank
        inside = all(0 <= r < matrix.rows for r in self.rows) and all(0 <= c < matrix.columns for c in self.columns)
        return sizes and distinct and inside and self.prime > 1

    def to_json(self) -> dict[str, object]:
        return {
            "rank": self.rank,
            "prime": self.prime,
            "specialisation": dict(sorted(self.specialisation.items())),
            "rows": list(self.rows),
            "columns": list(self.columns),
        }


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

    def is_homomorphism(self) -> bool:
        """zeta has exactly the stated order, free generators are units, and stated roots are roots."""
        p = self.prime
        if self.order < 1 or pow(self.zeta, self.order, p) != 1:
            return False
        if any(pow(self.zeta, self.order // q, p) == 1 for q, _ in factor(self.order)):
            return False
        if any(value % p == 0 for value in self.values.values()):
            return False
        roots = {int(name[5:]): v for name, v in self.values.items() if name.startswith("sqrt:")}
        return all(self.order % q and q > 2 and (v * v - q) % p == 0 for q, v in roots.items())

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
            value = 1
            for q, _ in factor(radicand):
                value = value * self._prime_root(q) % self.prime
            self._roots[radicand] = value
        return self._roots[radicand]

    def _prime_root(self, q: int) -> int:
        """sqrt 2 = zeta_8 + 1/zeta_8; sqrt q = g or -i g with g = sum_j (j/q) zeta_q^j."""
        stated = self.values.get(f"sqrt:{q}")
        if stated is not None:
            return stated
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


def choose_specialisation(scalars: Iterable[Scalar], seed: int) -> tuple[int, dict[str, int]]:
    """A prime above 2^61 and values for every generator in ``scalars``, the same for the same seed."""
    order, denominators, names, large = _generators(scalars)
    random = Random(seed)
    prime = _prime_in_class(order, large, random)
    generators = [f"{name}/{d}" for name, d in sorted(denominators.items())] + sorted(names)
    values = {name: random.randrange(2, prime) for name in generators}
    values |= {f"sqrt:{q}": square_root(q, prime) for q in sorted(large)}
    if order > 1:
        values |= {"order": order, "zeta": _root_of_unity(order, prime, random)}
    return prime, values


def _generators(scalars: Iterable[Scalar]) -> tuple[int, dict[str, int], set[str], set[int]]:
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
    primes = {q for radicand in radicands for q, _ in factor(radicand)}
    large = {q for q in primes if q >= GAUSS_LIMIT}
    for q in primes - large:
        order = lcm(order, 8 if q == 2 else q if q % 4 == 1 else 4 * q)
    return order, denominators, names, large


def _prime_in_class(order: int, large: set[int], random: Random) -> int:
    """A prime = 1 modulo ``order`` of which every member of ``large`` is a square."""
    step = lcm(order, 2)
    candidate = (SMALLEST_PRIME // step + random.randrange(1 << 16)) * step + 1
    while not is_prime(candidate) or any(pow(q, (candidate - 1) // 2, candidate) != 1 for q in large):
        candidate += step
    return candidate


def _root_of_unity(order: int, prime: int, random: Random) -> int:
    while True:
        zeta = pow(random.randrange(2, prime), (prime - 1) // order, prime)
        if all(pow(zeta, order // q, prime) != 1 for q, _ in factor(order)):
            return zeta


def is_prime(number: int) -> bool:
    """Miller-Rabin with the first thirteen primes: exact below ``EXACT_BELOW``, a strong hint above."""
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if number < 2 or any(number % b == 0 for b in bases):
        return number in bases
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_strong_probable(number, base, odd, twos) for base in bases)


def is_proved_prime(number: int, order: int, zeta: int) -> bool:
    """``is_prime`` where that decides; above, Pocklington's theorem: zeta has the order ``order`` > sqrt(number) modulo
    every prime factor, so each of them is 1 modulo ``order``, larger than the square root, and there is but one."""
    if number < EXACT_BELOW:
        return is_prime(number)
    return (
        order * order > number
        and pow(zeta, order, number) == 1
        and all(gcd(pow(zeta, order // q, number) - 1, number) == 1 for q, _ in factor(order))
    )


def _strong_probable(number: int, base: int, odd: int, twos: int) -> bool:
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def square_root(value: int, prime: int) -> int:
    """A square root of a square modulo a prime (Tonelli and Shanks)."""
    odd, twos = prime - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    nonsquare = next(z for z in range(2, prime) if pow(z, (prime - 1) // 2, prime) == prime - 1)
    step, root, rest = pow(nonsquare, odd, prime), pow(value, (odd + 1) // 2, prime), pow(value, odd, prime)
    while rest != 1:
        depth, square = 0, rest
        while square != 1:
            square, depth = square * square % prime, depth + 1
        power = pow(step, 1 << (twos - depth - 1), prime)
        twos, step = depth, power * power % prime
        root, rest = root * power % prime, rest * step % prime
    return root


def eliminate(rows: Mapping[int, Row], prime: int, most: int | None = None) -> list[tuple[int, int]]:
    """Pivots (row, column) of a sparse matrix modulo ``prime``; stops at ``most`` of them."""
    pivots: dict[int, Row] = {}
    chosen: list[tuple[int, int]] = []
    for index in sorted(rows, key=lambda i: (len(rows[i]), i)):
        if len(chosen) == most:
            break
        row = _reduced(rows[index], pivots, prime)
        if row:
            column = min(row)
            scale = pow(row[column], -1, prime)
            pivots[column] = {c: v * scale % prime for c, v in row.items()}
            chosen.append((index, column))
    return chosen


def _reduced(row: Row, pivots: Mapping[int, Row], prime: int) -> Row:
    """``row`` with every pivot column cleared, from left to right."""
    row = {c: v % prime for c, v in row.items() if v % prime}
    while True:
        column = min((c for c in row if c in pivots), default=None)
        if column is None:
            return row
        factor_ = row[column]
        for c, v in pivots[column].items():
            value = (row.get(c, 0) - factor_ * v) % prime
            if value:
                row[c] = value
            else:
                row.pop(c, None)


def certify_rank(matrix: Matrix, seed: int = 0) -> RankCertificate:
    """The rank of ``matrix`` over its field of symbols, with the minor that proves it is no less.

    It is the rank of a random specialisation: too small with probability below rank * degree / 2^61."""
    prime, values = choose_specialisation(matrix.entries.values(), seed)
    image = Specialisation(prime, values)
    rows: dict[int, Row] = {}
    columns: set[int] = set()
    known: dict[int, int] = {}
    for (row, column), entry in matrix.entries.items():
        if id(entry) not in known:
            known[id(entry)] = image.of(entry)
        rows.setdefault(row, {})[column] = known[id(entry)]
        columns.add(column)
    pivots = sorted(eliminate(rows, prime, most=min(len(rows), len(columns))))
    return RankCertificate(len(pivots), prime, values, tuple(r for r, _ in pivots), tuple(sorted(c for _, c in pivots)))
