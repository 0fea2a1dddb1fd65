"""When are two written numbers equal?  Quotients of exact numbers, roots of symbols, least and greatest of several.

In: two ``dsl.tree.Expr``.  Out: whether they are equal for all values of their symbols.  Errors: ``ValueError`` with a
plain sentence.  Not for: entries of matrices, which are plain ``Scalar``s (``expressions``).

a/b = c/d is decided as a d = c b.  A symbol s that stands under a root anywhere is taken to be positive and written as
the square of a new symbol, so that sqrt(s) is that symbol and the form stays exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from compiler.exact.angle import Angle
from compiler.exact.bounds import LARGEST_EXPONENT, MOST_TERMS, bounded, check_power
from compiler.exact.expressions import check_turn
from compiler.exact.numeric import FIRST_BITS
from compiler.exact.numeric import MOST_BITS as MOST_BITS_ENCLOSED
from compiler.exact.roots import Rational
from compiler.exact.scalar import ONE, Scalar
from dsl.expressions import Binary, Call, Expr, Name, Number, Unary

FUNCTIONS = frozenset({"sqrt", "cos", "sin"})
EXTREMES = frozenset({"min", "max"})


@dataclass(frozen=True, slots=True)
class Quotient:
    """top / bottom, bottom not zero."""

    top: Scalar
    bottom: Scalar = ONE

    def equals(self, other: Quotient) -> bool:
        return _product(self.top, other.bottom) == _product(other.top, self.bottom)

    def rational(self) -> Fraction | None:
        """The value where it is a rational number."""
        if self.top.is_rational() and self.bottom.is_rational():
            return self.top.as_fraction() / self.bottom.as_fraction()
        return None

    def at(self, values: Mapping[str, Rational]) -> Quotient:
        """With numbers for symbols.  Raises ValueError for a negative one under a root, and where bottom becomes 0."""
        known: dict[str, Rational | Scalar] = dict(values)
        names = self.top.symbols() | self.bottom.symbols()
        known |= {_root(name): Scalar.sqrt(value) for name, value in values.items() if _root(name) in names}
        top, bottom = self.top.substitute(known), self.bottom.substitute(known)
        if bottom.is_zero():
            raise ValueError("division by zero")
        return Quotient(top, bottom)

    def compared(self, other: Quotient) -> int:
        """-1, 0 or 1 as this number is below, at or above ``other``.  Raises ValueError where symbols are left."""
        difference = _product(self.top, other.bottom) - _product(other.top, self.bottom)
        return sign(difference) * sign(self.bottom) * sign(other.bottom)


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or greatest (``function`` min or max) of several numbers that are not all rational."""

    function: str
    parts: tuple[Quotient, ...]

    def equals(self, other: Extreme) -> bool:
        return self.function == other.function and self._covers(other) and other._covers(self)

    def _covers(self, other: Extreme) -> bool:
        return all(any(part.equals(mine) for mine in self.parts) for part in other.parts)


def equal_numbers(left: Expr, right: Expr) -> bool:
    """Whether the two are equal for all values of their symbols (those under a root: all positive values).

    ``min`` and ``max`` may stand outermost.  Raises ValueError for what is not such a number."""
    rooted = frozenset(_rooted(left)) | frozenset(_rooted(right))
    a, b = _outermost(left, rooted), _outermost(right, rooted)
    if isinstance(a, Quotient) and isinstance(b, Quotient):
        return a.equals(b)
    return isinstance(a, Extreme) and isinstance(b, Extreme) and a.equals(b)


def quotient(expression: Expr) -> Quotient:
    """``expression`` as a quotient of two exact numbers, symbols free.  Raises ValueError."""
    return _read(expression, frozenset(_rooted(expression)))


def symbols_of(expression: Expr) -> frozenset[str]:
    """The names of the symbols in ``expression``; pi is none."""
    return frozenset(node.name for node in _nodes(expression) if isinstance(node, Name)) - {"pi"}


def sign(number: Scalar) -> int:
    """-1, 0 or 1, decided by the canonical form and by ever finer enclosures.  ValueError where symbols are left."""
    left = sorted(number.symbols() - {"pi"})
    if left:
        raise ValueError(f"the symbol {left[0]} has no value")
    if number.is_zero():
        return 0
    bits = FIRST_BITS
    while bits <= MOST_BITS_ENCLOSED:
        middle, radius = number.enclose({}, bits)
        if abs(middle) > radius:
            return 1 if middle > 0 else -1
        bits *= 4
    raise ValueError("this number is too near to a limit to be told from it")


# -------------------------------------------------------------------- reading


def _outermost(expression: Expr, rooted: frozenset[str]) -> Quotient | Extreme:
    if not (isinstance(expression, Call) and expression.function in EXTREMES):
        return _read(expression, rooted)
    parts = tuple(_read(argument, rooted) for argument in expression.arguments)
    values = [part.rational() for part in parts]
    known = [value for value in values if value is not None]
    if len(known) == len(parts):
        return Quotient(Scalar.rational(min(known) if expression.function == "min" else max(known)))
    return parts[0] if len(parts) == 1 else Extreme(expression.function, parts)


def _read(expression: Expr, rooted: frozenset[str]) -> Quotient:
    match expression:
        case Number(value):
            return Quotient(Scalar.rational(value))
        case Name("pi"):
            return Quotient(Scalar.pi())
        case Name(name) if name in rooted:
            return Quotient(Scalar.symbol(_root(name)) ** 2)
        case Name(name):
            return Quotient(Scalar.symbol(name))
        case Unary("-", operand):
            inner = _read(operand, rooted)
            return Quotient(-inner.top, inner.bottom)
        case Binary(operator, left, right):
            return _combine(operator, _read(left, rooted), _read(right, rooted))
        case Call(function, (argument,)) if function in FUNCTIONS:
            return _apply(function, _read(argument, rooted))
        case Call(function) if function in EXTREMES:
            raise ValueError(f"`{function}` stands outermost only: {function}(a, b)")
        case Call(function, arguments) if function in FUNCTIONS:
            raise ValueError(f"{function} takes one argument, not {len(arguments)}")
        case Call(function):
            raise ValueError(f"'{function}' is not a function of exact numbers; sqrt, cos and sin are")
        case _:
            raise ValueError("expected a number: integers, decimals, + - * / ^, sqrt, cos, sin, pi, symbols")


def _combine(operator: str, a: Quotient, b: Quotient) -> Quotient:
    match operator:
        case "+" | "-":
            second = b.top if operator == "+" else -b.top
            if a.bottom == b.bottom:
                return Quotient(bounded(a.top + second), a.bottom)
            return Quotient(
                bounded(_product(a.top, b.bottom) + _product(second, a.bottom)), _product(a.bottom, b.bottom)
            )
        case "*":
            return Quotient(_product(a.top, b.top), _product(a.bottom, b.bottom))
        case "/":
            return _divided(a, b)
        case "^":
            return _power(a, b)
        case _:
            raise ValueError(f"'{operator}' does not stand in an exact number; + - * / ^ do")


def _divided(a: Quotient, b: Quotient) -> Quotient:
    if b.top.is_zero():
        raise ValueError("division by zero")
    return Quotient(_product(a.top, b.bottom), _product(a.bottom, b.top))


def _power(base: Quotient, exponent: Quotient) -> Quotient:
    count = exponent.rational()
    if count is None or count.denominator > 2:
        raise ValueError("only whole and half powers are exact")
    if abs(count) > LARGEST_EXPONENT:
        raise ValueError(f"powers go up to {LARGEST_EXPONENT}, not {count}")
    if count.denominator == 2:
        base, count = _square_root(base), 2 * count
    if count < 0:
        base = _divided(Quotient(ONE), base)
    check_power(base.top, abs(int(count)))
    check_power(base.bottom, abs(int(count)))
    out = Quotient(ONE)
    for _ in range(abs(int(count))):
        out = _combine("*", out, base)
    return out


def _apply(function: str, argument: Quotient) -> Quotient:
    if function == "sqrt":
        return _square_root(argument)
    angle = Angle.from_scalar(argument.top / argument.bottom)
    check_turn(angle)
    return Quotient(Scalar.cos(angle) if function == "cos" else Scalar.sin(angle))


def _square_root(argument: Quotient) -> Quotient:
    """sqrt(p/q) of monomials p, q, or of a quotient of the squares of such."""
    value = argument.rational()
    if value is not None:
        return Quotient(Scalar.sqrt(value))
    return Quotient(_monomial_root(argument.top), _monomial_root(argument.bottom))


def _monomial_root(value: Scalar) -> Scalar:
    """The square root of c s^2 t^4 ..; ValueError for a sum, or where no square stands."""
    if len(value.terms) == 1:
        [((turn, radicand, radians, angles, powers), coefficient)] = value.terms.items()
        if not turn and radicand == 1 and not radians and not angles and all(n % 2 == 0 for _, n in powers):
            out = Scalar.sqrt(Fraction(coefficient))
            for name, exponent in powers:
                out = out * Scalar.symbol(name) ** (exponent // 2)
            return out
    raise ValueError("sqrt takes a rational number, a symbol, or a product of these")


# -------------------------------------------------------------------- helpers


def _root(name: str) -> str:
    return f"sqrt({name})"


def _rooted(expression: Expr) -> Iterator[str]:
    """The names of the symbols that stand under a root."""
    for node in _nodes(expression):
        match node:
            case Call("sqrt", (argument,)):
                yield from symbols_of(argument)
            case Binary("^", base, exponent) if not isinstance(exponent, Number):
                yield from symbols_of(base)


def _nodes(expression: Expr) -> Iterator[Expr]:
    pending = [expression]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case Unary(_, operand):
                pending.append(operand)
            case Binary(_, left, right):
                pending += [left, right]
            case Call(_, arguments):
                pending += arguments


def _product(a: Scalar, b: Scalar) -> Scalar:
    if len(a.terms) * len(b.terms) > 2 * MOST_TERMS:
        raise ValueError(f"this number has too many terms (at most {MOST_TERMS} are kept)")
    return bounded(a * b)
