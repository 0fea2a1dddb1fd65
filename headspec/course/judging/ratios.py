"""Exact quotients of numbers and matrices: what one thing has to be multiplied by to become another.

In: ``Scalar``s and ``Matrix`` es.  Out: a quotient of one term, where there is one; the factor that all entries share.
Not for: solving equations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar


def quotient(numerator: Scalar, denominator: Scalar) -> Scalar | None:
    """numerator / denominator where that is a rational times roots and powers of symbols; else None."""
    from compiler.exact import Scalar

    if denominator.is_zero():
        return None
    if numerator.is_zero():
        return numerator
    if len(denominator.terms) == 1:
        return numerator / denominator
    if len(numerator.terms) < len(denominator.terms):
        return None
    first, size = next(iter(denominator.terms.items()))
    lead = Scalar({first: size})
    for monomial, coefficient in numerator.terms.items():
        candidate = Scalar({monomial: coefficient}) / lead
        if candidate * denominator == numerator:
            return candidate
    return None


def common_ratio(answer: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None = None) -> Scalar | None:
    """The t that most entries of ``answer`` are of those of ``ours``; None where no two entries can be divided.

    With ``values`` the entries are floats, and t the rational nearest to the ratio of the largest ones."""
    from compiler.exact import Scalar

    if values is not None:
        ratio = _float_ratio(answer, ours, values)
        return None if ratio is None else Scalar.rational(ratio)
    found = Counter(q for place, entry in ours.entries.items() if (q := quotient(answer[place], entry)) is not None)
    nonzero = [ratio for ratio, _ in found.most_common() if not ratio.is_zero()]
    return nonzero[0] if nonzero else None


def _float_ratio(answer: Matrix, ours: Matrix, values: Mapping[str, Fraction]) -> Fraction | None:
    """The least-squares factor over all entries, at ``values``."""
    pairs = [(answer[place].to_float(values), e.to_float(values)) for place, e in ours.entries.items()]
    square = sum(b * b for _, b in pairs)
    if square == 0.0:
        return None
    return near_fraction(sum(a * b for a, b in pairs) / square)


def near_fraction(value: float) -> Fraction:
    """The simple fraction behind a float, where one lies within 1e-6 of it; else the float itself."""
    simple = Fraction(value).limit_denominator(64)
    return simple if abs(float(simple) - value) <= 1e-6 * max(1.0, abs(value)) else Fraction(value)


def positive(scalar: Scalar, symbols: Mapping[str, bool]) -> bool:
    """True where a number of one term is certainly positive: its symbols are (``symbols``: name -> declared > 0)."""
    if len(scalar.terms) != 1:
        return False
    [((turn, _, radians, angles, powers), coefficient)] = scalar.terms.items()
    plain = not turn and not radians and not angles
    return plain and coefficient > 0 and all(symbols.get(name, False) or power % 2 == 0 for name, power in powers)


def content(matrix: Matrix) -> Scalar:
    """The positive rational and the powers of symbols that all entries share: 14 for ``[[14 cos a, -14 sin a]]``."""
    from compiler.exact import Scalar
    from compiler.exact.reading import pieces

    found = [piece for entry in matrix.entries.values() for piece in pieces(entry)]
    if not found:
        return Scalar.rational(1)
    numbers = [Fraction(piece.coefficient) for piece in found]
    size = Fraction(gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers)))
    shared = dict(found[0].powers)
    for piece in found[1:]:
        powers = dict(piece.powers)
        shared = {name: _least(power, powers.get(name, 0)) for name, power in shared.items()}
    roots = {piece.radicand for piece in found}
    out = Scalar.rational(size) * (Scalar.sqrt(roots.pop()) if len(roots) == 1 else Scalar.rational(1))
    for name, power in shared.items():
        out = out * Scalar.symbol(name) ** power
    return out


def _least(a: int, b: int) -> int:
    """The power that two powers share: none where they have different signs."""
    if a * b <= 0:
        return 0
    return min(a, b) if a > 0 else max(a, b)
