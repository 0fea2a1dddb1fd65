"""Exact arithmetic in a spec: params replaced, rational parts folded, names checked.

In: an ``Expr`` and the ``Scope``.  Out: an ``Expr`` over numbers, ``+ - * / ^``, ``sqrt cos sin``, ``pi`` and
symbols (``fold``), or a rational or integer where one is needed.  Not for: algebra (``compiler.exact``).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from compiler import limits
from compiler.resolution.scope import AlreadyReported, Scope, fail, unknown
from dsl.expressions import Binary, Call, Expr, Name, Number, Unary
from dsl.span import Span

FUNCTIONS = ("sqrt", "cos", "sin", "min", "max")


def fold(scope: Scope, expr: Expr) -> Expr:
    """``expr`` with params replaced and rational parts computed; errors E0203, E0212, E0213."""
    match expr:
        case Number():
            return expr
        case Name(name):
            return _fold_name(scope, name, expr.span)
        case Unary("-", operand):
            inner = fold(scope, operand)
            return (
                Number(-inner.value, span=expr.span) if isinstance(inner, Number) else Unary("-", inner, span=expr.span)
            )
        case Binary(operator, left, right) if operator in ("+", "-", "*", "/", "^", "//", "mod"):
            return _fold_binary(expr, fold(scope, left), fold(scope, right))
        case Call(function, arguments):
            return _fold_call(scope, function, arguments, expr.span)
        case _:
            fail(
                "E0212",
                "a number is expected here",
                expr.span,
                label="not a number",
                help="numbers are integers, decimals, params, symbols, pi, and + - * / ^ sqrt cos sin of them",
            )


def _fold_name(scope: Scope, name: str, span: Span) -> Expr:
    if name in scope.params:
        return Number(scope.params[name], span=span)
    if name in scope.symbols or name == "pi":
        return Name(name, span=span)
    if name in scope.broken:
        raise AlreadyReported
    known = (*scope.params, *scope.symbols, "pi")
    unknown("E0203", "symbol or param", name, span, known, f"declare it: `symbol {name}` or `param {name} = 1`")


def _fold_call(scope: Scope, function: str, arguments: tuple[Expr, ...], span: Span) -> Expr:
    if function not in FUNCTIONS:
        unknown("E0203", "function", function, span, FUNCTIONS, "numbers know only sqrt, cos, sin, min and max")
    if function in ("min", "max"):
        return _fold_extreme(scope, function, arguments, span)
    if len(arguments) != 1:
        fail("E0212", f"`{function}` takes one argument, not {len(arguments)}", span, help=f"write `{function}(x)`")
    inner = fold(scope, arguments[0])
    if isinstance(inner, Number):
        if function == "sqrt":
            return _fold_sqrt(inner.value, span)
        if inner.value == 0:
            return Number(Fraction(1 if function == "cos" else 0), span=span)
    return Call(function, (inner,), span=span)


def _fold_extreme(scope: Scope, function: str, arguments: tuple[Expr, ...], span: Span) -> Expr:
    values = [fraction(scope, argument, f"an argument of `{function}`") for argument in arguments]
    if not values:
        fail("E0212", f"`{function}` takes at least one argument", span, help=f"write `{function}(k, 2)`")
    return Number(min(values) if function == "min" else max(values), span=span)


def _fold_sqrt(value: Fraction, span: Span) -> Expr:
    if value < 0:
        fail(
            "E0213",
            f"sqrt of the negative number {shown(value)}",
            span,
            label="not a real number",
            help="only sqrt of 0 or more",
        )
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Number(Fraction(top, bottom), span=span)
    return Call("sqrt", (Number(value, span=span),), span=span)


def _fold_binary(expr: Binary, left: Expr, right: Expr) -> Expr:
    if isinstance(right, Number):
        _check_right(expr, left, right.value)
    elif expr.operator in ("^", "//", "mod"):
        fail(
            "E0213",
            f"the right side of `{expr.operator}` must be a rational number",
            right.span,
            help="write an integer",
        )
    if not (isinstance(left, Number) and isinstance(right, Number)):
        if expr.operator in ("//", "mod"):
            fail(
                "E0213",
                f"`{expr.operator}` needs rational numbers on both sides",
                expr.span,
                help="use integers and params",
            )
        return Binary(expr.operator, left, right, span=expr.span)
    return Number(_bounded(_compute(expr.operator, left.value, right.value), expr.span), span=expr.span)


def _bounded(value: Fraction, span: Span) -> Fraction:
    """E0320 where a number, small steps before it, has become too long to print."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    limits.check_size(bits, limits.NUMBER_BITS, "bits in one number", span)
    return value


def shown(value: Fraction) -> str:
    """For a message: what is very long by its ends."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:24]}..{text[-8:]} ({len(text):,} characters)"


def _check_right(expr: Binary, left: Expr, right: Fraction) -> None:
    if expr.operator in ("/", "//", "mod") and right == 0:
        fail("E0213", "division by zero", expr.span, label="the divisor is 0", help="give a divisor that is not 0")
    if expr.operator != "^":
        return
    if right.denominator != 1:
        fail("E0213", f"the exponent {shown(right)} is not an integer", expr.span, help="write sqrt(x) for x^(1/2)")
    limits.check_size(abs(right.numerator), limits.EXPONENT, "as an exponent", expr.span)
    if isinstance(left, Number):
        if left.value == 0 and right < 0:
            fail("E0213", "division by zero", expr.span, label="0 to a negative power")
        bits = max(left.value.numerator.bit_length(), left.value.denominator.bit_length())
        limits.check_size(bits * abs(right.numerator), limits.NUMBER_BITS, "bits in one number", expr.span)


def _compute(operator: str, left: Fraction, right: Fraction) -> Fraction:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "//":
            return Fraction(left // right)
        case "mod":
            return left % right
        case _:
            return left ** int(right)


def fraction(scope: Scope, expr: Expr, what: str) -> Fraction:
    """The rational value of ``expr``; E0212 when a symbol or root remains. ``what`` names its role."""
    folded = fold(scope, expr)
    if isinstance(folded, Number):
        return folded.value
    fail(
        "E0212",
        f"{what} must be a rational number",
        expr.span,
        label="this is not rational",
        help="use integers, decimals, fractions and params; symbols may stand in strengths and matrices only",
    )


def integer(scope: Scope, expr: Expr, what: str) -> int:
    """The integer value of ``expr``; E0212 otherwise."""
    value = fraction(scope, expr, what)
    if value.denominator != 1:
        fail(
            "E0212",
            f"{what} must be an integer, not {shown(value)}",
            expr.span,
            label="not an integer",
            help="write a whole number",
        )
    return value.numerator


def size(scope: Scope, expr: Expr, what: str, limit: int) -> int:
    """An integer between 1 and ``limit``; E0211 below, E0320 above."""
    value = integer(scope, expr, what)
    if value < 1:
        fail(
            "E0211",
            f"{what} must be at least 1, not {shown(Fraction(value))}",
            expr.span,
            label="too small",
            help="write 1 or more",
        )
    limits.check_size(value, limit, f"as {what}", expr.span)
    return value
