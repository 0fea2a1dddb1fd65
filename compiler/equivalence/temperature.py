"""One factor tau > 0 with a_j = tau b_j for all j, over exact numbers with symbols.

In: pairs of ``Scalar``.  Out: ``Factor``, or None.  Not for: where the pairs come from.

Exact numbers are divided by monomials only.  tau is looked for as a monomial (a rational, a symbol, their products);
where it is none, proportionality is decided by cross-multiplication, a_j b_p = a_p b_j, and tau stays a fraction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from compiler.exact import Scalar

Conditions = list[tuple[Scalar, Scalar]]

SAMPLES = (Fraction(1), Fraction(1, 7), Fraction(5), Fraction(31, 10), Fraction(1, 50), Fraction(40))
"""Values that symbols are given, in turn, where the sign of tau is not plain to see."""


@dataclass(frozen=True, slots=True)
class Factor:
    """tau as text, and as a number where it has one."""

    text: str
    value: float | None


def factor_between(conditions: Conditions) -> Factor | None:
    """tau > 0 with a = tau b for every condition (a, b); None where there is none.

    Where all b are 0 every a has to be, and tau is 1.  Symbols count as positive."""
    if not any(b for _, b in conditions):
        return Factor("1", 1.0) if not any(a for a, _ in conditions) else None
    a, b = min((pair for pair in conditions if pair[1]), key=lambda pair: len(pair[1].terms))
    if not a:
        return None
    for tau in _monomial_quotients(a, b):
        if all(x == y * tau for x, y in conditions):
            return Factor(str(tau), _number(tau)) if _is_positive(tau, Scalar.rational(1)) else None
    if not proportional(conditions, (a, b)) or not _is_positive(a, b):
        return None
    return Factor(f"({a})/({b})", None)


def proportional(conditions: Conditions, pivot: tuple[Scalar, Scalar]) -> bool:
    """a_j b_p = a_p b_j for every j."""
    return all(a * pivot[1] == pivot[0] * b for a, b in conditions)


def _monomial_quotients(a: Scalar, b: Scalar) -> Iterator[Scalar]:
    """Candidates for a / b of one term each: exact where b has one term, else quotients of terms."""
    if len(b.terms) == 1:
        yield a / b
        return
    if len(a.terms) != len(b.terms):
        return
    first = Scalar(dict([next(iter(sorted(b.terms.items(), key=repr)))]))
    for key, coefficient in a.terms.items():
        yield Scalar({key: coefficient}) / first


def _number(tau: Scalar) -> float | None:
    return None if tau.symbols() else tau.to_float()


def _is_positive(a: Scalar, b: Scalar) -> bool:
    """Is a / b > 0 wherever the symbols are tried?  A single term is decided by its coefficient."""
    names = sorted(a.symbols() | b.symbols())
    for shift in range(len(SAMPLES) if names else 1):
        values = {name: SAMPLES[(shift + i) % len(SAMPLES)] for i, name in enumerate(names)}
        if a.to_float(values) * b.to_float(values) <= 0:
            return False
    return True
