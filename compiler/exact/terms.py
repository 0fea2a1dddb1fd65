"""Sums of monomials as dictionaries: the arithmetic under ``Scalar``.

In and out: ``Terms``, a map from monomial to rational coefficient.  Terms may be *raw* (any turn, any way of writing a
number) or *canonical* (turns and radicands in the basis of ``roots``: one way only).  Sums and products are taken raw
and brought to canonical form once, at the end.  Not for: anything a caller outside this package should see.
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.exact.angle import add_exponents
from compiler.exact.roots import Rational, multiply_radicands, reduce_root, tidy

Exponents = tuple[tuple[str, Rational], ...]
Powers = tuple[tuple[str, int], ...]
Monomial = tuple[Rational, int, Rational, Exponents, Powers]
"""(turn, radicand, radians, angle exponents, symbol powers)."""
Terms = dict[Monomial, Rational]

UNIT: Monomial = (0, 1, 0, (), ())


def add_product(out: Terms, a: Mapping[Monomial, Rational], b: Mapping[Monomial, Rational]) -> None:
    """out += a * b, in place; the result is raw."""
    for ka, ca in a.items():
        for kb, cb in b.items():
            coefficient = ca * cb
            if ka == UNIT or kb == UNIT:
                key = kb if ka == UNIT else ka
            else:
                key, common = _multiplied(ka, kb)
                coefficient *= common
            out[key] = out.get(key, 0) + coefficient


def _multiplied(a: Monomial, b: Monomial) -> tuple[Monomial, int]:
    """a * b = common * monomial."""
    turn = a[0] + b[0]
    radicand, common = multiply_radicands(a[1], b[1])
    radians = tidy(a[2] + b[2])
    turn = turn - 1 if turn >= 1 else turn
    return (turn, radicand, radians, add_exponents(a[3], b[3]), add_powers(a[4], b[4])), common


def add_powers(a: Powers, b: Powers, sign: int = 1) -> Powers:
    """a + sign * b for sorted (name, power) tuples; zero powers are left out."""
    if not b:
        return a
    total = dict(a)
    for name, power in b:
        total[name] = total.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in total.items() if power))


def add_terms(out: Terms, terms: Mapping[Monomial, Rational], factor: int = 1) -> None:
    """out += factor * terms, in place."""
    for key, coefficient in terms.items():
        out[key] = out.get(key, 0) + factor * coefficient


def tidied(terms: Mapping[Monomial, Rational]) -> Terms:
    """Without zeros, and with integers as ints."""
    return {key: tidy(coefficient) for key, coefficient in terms.items() if coefficient}


def canonical(raw: Mapping[Monomial, Rational]) -> Terms:
    """The same number in the one form that all equal numbers share."""
    out: Terms = {}
    for (turn, radicand, radians, angles, powers), coefficient in raw.items():
        if not turn:
            key: Monomial = (0, radicand, radians, angles, powers)
            out[key] = out.get(key, 0) + coefficient
            continue
        for turn_, radicand_, factor in reduce_root(turn, radicand):
            key = (turn_, radicand_, radians, angles, powers)
            out[key] = out.get(key, 0) + coefficient * factor
    return tidied(out)
