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


def split_among(conditions: list[tuple[Scalar, ...]]) -> list[Scalar] | None:
    """Factors tau_i > 0 with a = sum_i tau_i b_i for every condition (a, b_1, .., b_m); None if none are found.

    Each is read off a condition in which only one term is left that is not known yet."""
    count = len(conditions[0]) - 1 if conditions else 0
    found: dict[int, Scalar] = {}
    while len(found) < count:
        step = _next_factor(conditions, found, count)
        if step is None:
            return None
        found[step[0]] = step[1]
    for a, *terms in conditions:
        if a != Scalar.sum(found[i] * term for i, term in enumerate(terms)):
            return None
    return [found[i] for i in range(count)]


def _next_factor(
    conditions: list[tuple[Scalar, ...]], found: dict[int, Scalar], count: int
) -> tuple[int, Scalar] | None:
    for a, *terms in conditions:
        unknown = [i for i in range(count) if i not in found and terms[i]]
        if len(unknown) == 1:
            left = a - Scalar.sum(found[i] * terms[i] for i in found)
            factor = factor_between([(left, terms[unknown[0]])])
            if factor is None:
                return None
            tau = next((t for t in _monomial_quotients(left, terms[unknown[0]]) if terms[unknown[0]] * t == left), None)
            return None if tau is None else (unknown[0], tau)
    return None
