"""Syntax -> exact numbers, within bounds.

In: ``dsl.tree.Expr``.  Out: ``Scalar``.  Errors: ``ValueError`` with a plain sentence, which the caller turns into a
diagnostic with a span.  Nothing is evaluated as Python.  Not for: relations and expect-predicates.
"""

from __future__ import annotations

from compiler.exact.angle import Angle
from compiler.exact.bounds import LARGEST_EXPONENT, MOST_TERMS, bounded, check_power, check_work
from compiler.exact.roots import LARGEST_PRIME, check_turn_terms, factor
from compiler.exact.scalar import Scalar
from dsl.expressions import Binary, Call, Expr, Name, Number, Unary


def evaluate(expression: Expr) -> Scalar:
    """The number that ``expression`` means; symbols stay symbols."""
    match expression:
        case Number(value):
            return bounded(Scalar.rational(value))
        case Name("pi"):
            return Scalar.pi()
        case Name(name):
            return Scalar.symbol(name)
        case Unary("-", operand):
            return -evaluate(operand)
        case Binary(operator, left, right):
            return bounded(_binary(operator, left, right))
        case Call(function, (argument,)):
            return bounded(_call(function, evaluate(argument)))
        case Call(function, arguments):
            raise ValueError(f"{function} takes one argument, not {len(arguments)}")
        case _:
            raise ValueError("expected a number: integers, decimals, + - * / ^, sqrt, cos, sin, pi, symbols")


def _binary(operator: str, left: Expr, right: Expr) -> Scalar:
    a, b = evaluate(left), evaluate(right)
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return _product(a, b)
        case "/":
            return _product(a, b.inverse())
        case "^":
            return _power(a, b)
        case _:
            raise ValueError(f"'{operator}' does not stand in an exact number; + - * / ^ do")


def _product(a: Scalar, b: Scalar) -> Scalar:
    if len(a.terms) * len(b.terms) > 20 * MOST_TERMS:
        raise ValueError(f"this product has too many terms (at most {MOST_TERMS} are kept)")
    return bounded(a * b)


def _power(base: Scalar, exponent: Scalar) -> Scalar:
    if not exponent.is_rational() or exponent.as_fraction().denominator != 1:
        raise ValueError(f"only whole-number powers are exact, not ^({exponent})")
    count = exponent.as_fraction().numerator
    if abs(count) > LARGEST_EXPONENT:
        raise ValueError(f"powers go up to {LARGEST_EXPONENT}, not {count}")
    out, factor_ = Scalar.rational(1), base if count >= 0 else base.inverse()
    check_power(factor_, abs(count))
    done = 0
    for _ in range(abs(count)):
        done += len(out.terms) * len(factor_.terms)
        check_work(done)
        out = _product(out, factor_)
    return out


def _call(function: str, argument: Scalar) -> Scalar:
    match function:
        case "sqrt":
            if not argument.is_rational():
                raise ValueError(f"sqrt takes a rational number, not {argument}")
            return Scalar.sqrt(argument.as_fraction())
        case "cos" | "sin":
            angle = Angle.from_scalar(argument)
            check_turn(angle)
            return Scalar.cos(angle) if function == "cos" else Scalar.sin(angle)
        case _:
            raise ValueError(f"'{function}' is not a function of numbers; sqrt, cos and sin are")


def check_turn(angle: Angle) -> None:
    """``ValueError`` where the angle's part of a turn has a denominator that exact arithmetic does not carry."""
    for prime, _ in factor(angle.turns.denominator):
        if prime > LARGEST_PRIME:
            raise ValueError(f"a turn is divided by a multiple of {prime}; primes up to {LARGEST_PRIME} are supported")
    check_turn_terms(angle.turns)
