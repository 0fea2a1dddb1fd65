"""Exact numbers: rational combinations of monomials in roots of unity, square roots, e^(i angle) and symbols.

In: rationals, symbols, square roots, angles, or syntax.  Out: ``Scalar``, a canonical form: equal numbers have equal
``terms``, so equality, hashing and the zero test are structural.  Not for: linear algebra (``matrix``).

A monomial is  e^(2 pi i turn) sqrt(radicand) e^(i radians) prod_a e^(i x_a a) prod_s s^(n_s):  turn and radicand in
the basis of ``roots``; radians and x_a rational; n_s integers, possibly negative.  e^(i r) for distinct rationals r are
linearly independent over the algebraic numbers (Lindemann-Weierstrass) and symbols are free, so the form is exact.

Two kinds of numbers stand among the symbols: ``pi`` (as a number, not as part of a turn) and logarithms ``ln(n)``,
over a coprime base (``logarithms``).  Equal terms are equal numbers with them too.  That different terms are different
numbers is a theorem for polynomials in one of them, and for what is linear in them (Baker); beyond, it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from compiler.exact.angle import Angle, add_exponents
from compiler.exact.constants import is_constant
from compiler.exact.roots import HALF, QUARTER, Rational, split_square
from compiler.exact.terms import UNIT, Monomial, Terms, add_powers, add_product, add_terms, canonical, tidied

if TYPE_CHECKING:
    from dsl.expressions import Expr


class Scalar:
    """An exact real number in canonical form; immutable.

    >>> str(Scalar.sqrt(2) * Scalar.cos(Angle(turns=Fraction(1, 8))))
    '1'
    """

    __slots__ = ("_hash", "short", "terms")
    terms: Terms
    short: Terms
    """The same number with as few terms as it was made of: sqrt(65) cos(2 pi/65) has two, and 40 in canonical form."""

    def __init__(self, raw: Terms) -> None:
        """From any sum of monomials; most callers want a constructor below."""
        if any(key[0] for key in raw):
            self.terms = canonical(raw)
            self.short = self.terms if len(self.terms) <= len(raw) else tidied(raw)
        else:
            self.terms = self.short = tidied(raw)
        self._hash: int | None = None

    # -------------------------------------------------------------- constructors

    @staticmethod
    def rational(value: Rational) -> Scalar:
        return Scalar({UNIT: value})

    @staticmethod
    def symbol(name: str) -> Scalar:
        return Scalar({(0, 1, 0, (), ((name, 1),)): 1})

    @staticmethod
    def pi() -> Scalar:
        return Scalar.symbol("pi")

    @staticmethod
    def sqrt(value: Rational) -> Scalar:
        """The square root of a non-negative rational; ``ValueError`` if negative, or too large to take apart."""
        if value < 0:
            raise ValueError(f"the square root of {value} is not a real number")
        if value == 0:
            return ZERO
        outside, inside = split_square(value.numerator * value.denominator)
        return Scalar({(0, inside, 0, (), ()): Fraction(outside, value.denominator)})

    @staticmethod
    def cos(angle: Angle) -> Scalar:
        """(e^(iA) + e^(-iA)) / 2."""
        return _exponentials(angle, 0, HALF, HALF)

    @staticmethod
    def sin(angle: Angle) -> Scalar:
        """(-i e^(iA) + i e^(-iA)) / 2."""
        return _exponentials(angle, QUARTER, -HALF, HALF)

    @staticmethod
    def from_expression(expression: Expr) -> Scalar:
        """From syntax: integers, decimals, + - * / ^, sqrt, cos, sin, pi, symbols; else a plain ``ValueError``."""
        from compiler.exact.expressions import evaluate

        return evaluate(expression)

    @staticmethod
    def sum(scalars: Iterable[Scalar]) -> Scalar:
        out: Terms = {}
        for scalar in scalars:
            add_terms(out, scalar.short)
        return Scalar(out)

    # -------------------------------------------------------------- arithmetic

    def __add__(self, other: Scalar) -> Scalar:
        out = dict(self.short)
        add_terms(out, other.short)
        return Scalar(out)

    def __sub__(self, other: Scalar) -> Scalar:
        out = dict(self.short)
        add_terms(out, other.short, -1)
        return Scalar(out)

    def __neg__(self) -> Scalar:
        return self * -1

    def __mul__(self, other: Scalar | Rational) -> Scalar:
        if not isinstance(other, Scalar):
            return _scaled(self, other)
        if other.terms == _ONE_TERMS:
            return self
        if self.terms == _ONE_TERMS:
            return other
        out: Terms = {}
        add_product(out, self.short, other.short)
        return Scalar(out)

    __rmul__ = __mul__

    def inverse(self) -> Scalar:
        """1 / self for a number of one term; ``ValueError`` for zero and for sums."""
        if not self.terms:
            raise ValueError("division by zero")
        if len(self.terms) > 1:
            raise ValueError(f"division by a sum is not supported: 1/({self})")
        [((turn, radicand, radians, angles, powers), coefficient)] = self.terms.items()
        negated = (-radians, add_exponents((), angles, -1), add_powers((), powers, -1))
        return Scalar({(-turn % 1, radicand, *negated): 1 / (Fraction(coefficient) * radicand)})

    def __truediv__(self, other: Scalar | Rational) -> Scalar:
        """Division by a rational or by a number of one term (``ValueError`` otherwise)."""
        return self * (other if isinstance(other, Scalar) else Scalar.rational(other)).inverse()

    def __pow__(self, exponent: int) -> Scalar:
        base = self if exponent >= 0 else self.inverse()
        out = ONE
        for _ in range(abs(exponent)):
            out = out * base
        return out

    # -------------------------------------------------------------- questions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scalar) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __bool__(self) -> bool:
        return bool(self.terms)

    def is_zero(self) -> bool:
        return not self.terms

    def is_rational(self) -> bool:
        return not self.terms or (len(self.terms) == 1 and UNIT in self.terms)

    def as_fraction(self) -> Fraction:
        """The value of a rational number; ``ValueError`` for any other."""
        if not self.is_rational():
            raise ValueError(f"{self} is not a rational number")
        return Fraction(self.terms.get(UNIT, 0))

    def symbols(self) -> frozenset[str]:
        """Free names, those inside angles included; ``pi`` and logarithms are numbers."""
        return frozenset(name for name in self.names() if not is_constant(name))

    def names(self) -> frozenset[str]:
        """All names of generators: of symbols, of ``pi`` and of logarithms."""
        return frozenset(name for key in self.terms for part in (key[3], key[4]) for name, _ in part)

    def substitute(self, values: Mapping[str, Rational | Scalar]) -> Scalar:
        """Replace symbols, inside angles too (there by an angle: see ``Angle.from_scalar``)."""
        if not self.names() & values.keys():
            return self
        out: Terms = {}
        for (turn, radicand, radians, angles, powers), coefficient in self.short.items():
            angle = _substituted(Angle(turn, radians, angles), values)
            kept = tuple((n, e) for n, e in powers if n not in values)
            monomial: Monomial = (angle.turns % 1, radicand, angle.radians, angle.symbols, kept)
            factor = ONE
            for name, exponent in powers:
                if name in values:
                    factor = factor * as_scalar(values[name]) ** exponent
            add_product(out, {monomial: coefficient}, factor.short)
        return Scalar(out)

    # -------------------------------------------------------------- numbers and words

    def enclose(self, bindings: Mapping[str, Rational] | None = None, bits: int = 128) -> tuple[Fraction, Fraction]:
        """(middle, radius) with |value - middle| <= radius, at ``bits`` binary places; see ``numeric``."""
        from compiler.exact.numeric import enclose

        return enclose(self, bindings or {}, bits)

    def to_float(self, bindings: Mapping[str, Rational] | None = None) -> float:
        """The nearest float64, or its neighbour; ``ValueError`` for a symbol without a value."""
        from compiler.exact.numeric import to_float

        return to_float(self, bindings or {})

    def to_sympy(self, positive: Iterable[str] = ()) -> Any:
        """A SymPy expression in cos and sin; names in ``positive`` become positive symbols, others real ones."""
        from compiler.exact.printing import scalar_to_sympy

        return scalar_to_sympy(self, frozenset(positive))

    def to_latex(self) -> str:
        from compiler.exact.printing import scalar_to_latex

        return scalar_to_latex(self)

    def __str__(self) -> str:
        from compiler.exact.printing import scalar_to_text

        return scalar_to_text(self)

    def __repr__(self) -> str:
        return f"Scalar({self})"


_ONE_TERMS: Terms = {UNIT: 1}
ZERO = Scalar({})
ONE = Scalar(_ONE_TERMS)


def _trusted(terms: Terms, short: Terms) -> Scalar:
    """A scalar from canonical terms without zeros or integral fractions, and a shorter form, unchecked."""
    scalar = Scalar.__new__(Scalar)
    scalar.terms, scalar.short = terms, short
    scalar._hash = None
    return scalar


def _scaled(scalar: Scalar, factor: Rational) -> Scalar:
    terms = tidied({key: c * factor for key, c in scalar.terms.items()})
    if scalar.short is scalar.terms:
        return _trusted(terms, terms)
    return _trusted(terms, tidied({key: c * factor for key, c in scalar.short.items()}))


def as_scalar(value: Rational | Scalar) -> Scalar:
    return value if isinstance(value, Scalar) else Scalar.rational(value)


def _exponentials(angle: Angle, turn: Rational, plus: Rational, minus: Rational) -> Scalar:
    """plus * e^(i (angle + turn)) + minus * e^(i (-angle + turn)), where minus is plus or -plus."""
    if angle.turns and not angle.radians and not angle.symbols:
        turned = angle.turns % 1
        if 2 * turned <= 1:
            return _of_turns(turned, turn, plus, minus)
        mirrored = _of_turns(1 - turned, turn, plus, minus)
        return mirrored if plus == minus else -mirrored
    negated = tuple([(name, -e) for name, e in angle.symbols])
    turned, free = angle.turns, negated or angle.radians
    forward: Monomial = ((turn + turned) % 1 if turned else turn, 1, angle.radians, angle.symbols, ())
    back: Monomial = ((turn - turned) % 1 if turned else turn, 1, -angle.radians, negated, ())
    if free and not turned:
        terms = {forward: plus, back: minus}
        return _trusted(terms, terms)
    raw: Terms = {forward: plus}
    raw[back] = raw.get(back, 0) + minus
    return Scalar(raw)


@lru_cache(maxsize=1024)
def _of_turns(turns: Rational, turn: Rational, plus: Rational, minus: Rational) -> Scalar:
    """The same of an angle in turns.  A circle of N values asks for N of them many times, in long canonical form."""
    raw: Terms = {((turn + turns) % 1, 1, 0, (), ()): plus}
    back: Monomial = ((turn - turns) % 1, 1, 0, (), ())
    raw[back] = raw.get(back, 0) + minus
    return Scalar(raw)


def _substituted(angle: Angle, values: Mapping[str, Rational | Scalar]) -> Angle:
    out = Angle(angle.turns, angle.radians, tuple((n, e) for n, e in angle.symbols if n not in values))
    for name, exponent in angle.symbols:
        if name in values:
            out = out + Angle.from_scalar(as_scalar(values[name])) * exponent
    return out
