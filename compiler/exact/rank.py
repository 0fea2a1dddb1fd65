"""Ranks, certified from below: a minor that is not zero.

In: an exact matrix.  Out: ``RankCertificate``.  The certificate proves rank >= ``rank``; a factorisation with that
many rows proves the other half, as an identity between exact numbers.  Not for: factorising.

What is proved is the rank over the field of symbols: for all their values but those where the minor vanishes.  No
certificate rests on a conjecture.  There are two kinds:

*Modulo a prime.*  ``specialisation`` is a ring homomorphism from the numbers, with their generators taken as free
variables, to the integers modulo ``prime``; a minor that is not zero after it was not zero before.  The generators
have to be as free as they are taken for.  Symbols are, by what they mean.  e^(i r) for rational r are, by the theorem
of Lindemann and Weierstrass: for distinct r they are linearly independent over the algebraic numbers.  One of pi, ln 2,
ln 3 .. alone is: it is transcendental (Lindemann).  But of pi beside e^i, of pi beside ln 2, or of two logarithms it is
not known whether they are algebraically independent (Schanuel's conjecture says so).

*By enclosures*, where numbers of the last sort meet, or where so many roots occur that no prime is found soon: symbols
get the rational ``values``, the minor is eliminated in interval arithmetic at ``bits`` places (``minors``), and no
pivot's ball holds 0.  So the minor is not zero, whatever relations there may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from compiler.exact.constants import is_constant
from compiler.exact.minors import certain_pivots
from compiler.exact.modular import eliminate, is_proved_prime
from compiler.exact.numeric import Ball, ball
from compiler.exact.scalar import Scalar
from compiler.exact.specialisation import Specialisation, choose_specialisation

if TYPE_CHECKING:
    from compiler.exact.matrix import Matrix

FIRST_BITS, MOST_BITS = 128, 1 << 12
"""Binary places of enclosures: doubled until no pivot is missing, or there are so many."""


@dataclass(frozen=True, slots=True)
class RankCertificate:
    """The minor of ``rows`` x ``columns`` (``rank`` each) is not zero: modulo ``prime`` at ``specialisation``, or,
    where ``bits`` is not 0, by enclosures with so many binary places at ``values``.

    Names in ``specialisation``: ``order`` and ``zeta`` (a root of unity of exactly that order), ``s:NAME`` a symbol,
    ``a:NAME/D`` for e^(i NAME/D), ``r/D`` for e^(i/D), ``sqrt:b`` a root of a b without small primes."""

    rank: int
    prime: int
    specialisation: dict[str, int] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    bits: int = 0
    values: dict[str, Fraction] = field(default_factory=dict)

    def verify(self, matrix: Matrix) -> bool:
        """Recompute the minor from ``matrix`` alone; False for anything that does not prove rank >= ``rank``."""
        if not self._well_formed(matrix):
            return False
        rows, columns = set(self.rows), set(self.columns)
        minor = [(place, e) for place, e in matrix.entries.items() if place[0] in rows and place[1] in columns]
        try:
            return self._enclosed(minor) if self.bits else self._modular(minor)
        except (ArithmeticError, KeyError, ValueError):
            return False

    def _well_formed(self, matrix: Matrix) -> bool:
        sizes = len(self.rows) == len(self.columns) == self.rank
        distinct = len(set(self.rows)) == len(set(self.columns)) == self.rank
        inside = all(0 <= r < matrix.rows for r in self.rows) and all(0 <= c < matrix.columns for c in self.columns)
        return sizes and distinct and inside and (0 < self.bits <= MOST_BITS or self.prime > 1)

    def _modular(self, minor: list[Entry]) -> bool:
        image = Specialisation(self.prime, self.specialisation)
        if not is_proved_prime(self.prime, image.order, image.zeta) or not image.is_homomorphism():
            return False
        if not are_free(entry for _, entry in minor):
            return False
        return len(eliminate(_images(minor, image), self.prime)) == self.rank

    def _enclosed(self, minor: list[Entry]) -> bool:
        if any(is_constant(name) for name in self.values):
            return False
        return len(certain_pivots(_balls(minor, self.values, self.bits), self.bits)) == self.rank

    def to_json(self) -> dict[str, object]:
        """``prime`` is 0 where the proof is by enclosures, ``bits`` where it is modulo a prime."""
        return {
            "rank": self.rank,
            "prime": self.prime,
            "specialisation": dict(sorted(self.specialisation.items())),
            "rows": list(self.rows),
            "columns": list(self.columns),
            "bits": self.bits,
            "values": {name: str(value) for name, value in sorted(self.values.items())},
        }


Entry = tuple[tuple[int, int], Scalar]


def certify_rank(matrix: Matrix, seed: int = 0) -> RankCertificate:
    """The rank of ``matrix`` over its field of symbols, with the minor that proves it is no less.

    It is the rank of a random specialisation: too small with probability below rank * degree / 2^61.  By enclosures it
    may also be too small because a minor is too near 0 to be told from it at ``MOST_BITS`` places."""
    entries = list(matrix.entries.items())
    chosen = choose_specialisation((entry for _, entry in entries), seed)
    if chosen is None:
        return _by_enclosures(entries, Random(seed), len({row for (row, _), _ in entries}))
    prime, values = chosen
    images = _images(entries, Specialisation(prime, values))
    columns = {column for (_, column), _ in entries}
    pivots = sorted(eliminate(images, prime, most=min(len(images), len(columns))))
    if are_free(entry for _, entry in entries):
        return _certificate(pivots, prime, values)
    rows, columns = {row for row, _ in pivots}, {column for _, column in pivots}
    minor = [((row, column), entry) for (row, column), entry in entries if row in rows and column in columns]
    return _by_enclosures(minor, Random(seed), len(pivots))


def _certificate(pivots: list[tuple[int, int]], prime: int, values: dict[str, int]) -> RankCertificate:
    rows, columns = tuple(sorted(r for r, _ in pivots)), tuple(sorted(c for _, c in pivots))
    return RankCertificate(len(pivots), prime, values, rows, columns)


def are_free(scalars: Iterable[Scalar]) -> bool:
    """Is it a theorem that the generators in ``scalars`` satisfy no relation but those of roots? (See the top.)"""
    constants: set[str] = set()
    radians = False
    for key in {key for scalar in scalars for key in scalar.terms}:
        constants |= {name for part in (key[3], key[4]) for name, _ in part if is_constant(name)}
        radians = radians or bool(key[2])
    return len(constants) + radians <= 1


def _images(entries: Iterable[Entry], image: Specialisation) -> dict[int, dict[int, int]]:
    """The matrix modulo a prime, row by row; equal entries are looked at once."""
    rows: dict[int, dict[int, int]] = {}
    known: dict[int, int] = {}
    for (row, column), entry in entries:
        if id(entry) not in known:
            known[id(entry)] = image.of(entry)
        rows.setdefault(row, {})[column] = known[id(entry)]
    return rows


# ---------------------------------------------------------------- enclosures


def _by_enclosures(entries: list[Entry], random: Random, wanted: int) -> RankCertificate:
    """As many pivots as can be told from 0, up to ``wanted``."""
    names = sorted({name for _, entry in entries for name in entry.symbols()})
    values = {name: Fraction(random.randrange(1000, 3000), 1000) for name in names}
    best: tuple[int, list[tuple[int, int]]] = (FIRST_BITS, [])
    bits = FIRST_BITS
    while bits <= MOST_BITS and len(best[1]) < wanted:
        found = certain_pivots(_balls(entries, values, bits), bits)
        best = max(best, (bits, found), key=lambda one: len(one[1]))
        bits *= 2
    bits, pivots = best
    rows, columns = tuple(sorted(r for r, _ in pivots)), tuple(sorted(c for _, c in pivots))
    return RankCertificate(len(pivots), 0, {}, rows, columns, bits, values)


def _balls(entries: Iterable[Entry], values: Mapping[str, Fraction], bits: int) -> dict[int, dict[int, Ball]]:
    rows: dict[int, dict[int, Ball]] = {}
    known: dict[Scalar, Ball] = {}
    for (row, column), entry in entries:
        if entry not in known:
            known[entry] = ball(entry, values, bits)
        rows.setdefault(row, {})[column] = known[entry]
    return rows
