"""Numbers of other libraries as exact numbers: Python's, and SymPy's by their structure.

In: int, Fraction, float, Decimal, text, ``Scalar``, SymPy expressions; lists of lists and SymPy matrices of them.  Out:
``Scalar``, ``Expr`` or ``Matrix``, and whether some entry was a rounded float.  Not for: arrays of NumPy and torch
(``backends.numbers``), nor which names may stand in an entry.

A SymPy expression is walked node by node: integers, rationals, floats, symbols, sums, products, whole powers, square
roots of rationals, cos, sin and pi.  Text is parsed by the language's own grammar.  Nothing is evaluated.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, NoReturn

from compiler import limits
from compiler.exact.matrix import Matrix
from compiler.exact.scalar import ZERO, Scalar
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Binary, BinaryOperator, Call, Expr, Name, Number, Unary
from dsl.span import Span

SHORT_BITS = 20
"""A float of at most so many significant bits is taken for an exact number (1/2, -3, 0.375), a longer one for a
rounded one."""
MOST_NODES = 100_000
MOST_DEPTH = 200
MOST_DIGITS = 1000
SYMPY_FORMS = "integers, rationals, floats, symbols, + - *, whole powers, square roots of rationals, cos, sin and pi"
NUMBER_FORMS = "give int, Fraction, float, SymPy expressions, or text such as '1/2' and 'cos(alpha_0)'"


@dataclass(frozen=True, slots=True)
class Imported:
    """A matrix, and whether some entry came as a float that is not a short one (``SHORT_BITS``)."""

    matrix: Matrix
    numeric: bool


# ------------------------------------------------------------------ floats


def is_short(value: float, bits: int = SHORT_BITS) -> bool:
    """Whether a finite float has at most ``bits`` significant bits: k / 2^j with a small odd k."""
    mantissa, _ = math.frexp(value)
    whole = abs(int(mantissa * (1 << 53)))
    return whole == 0 or (whole // (whole & -whole)).bit_length() <= bits


def float_scalar(value: float, where: str) -> Scalar:
    """The exact binary value; E0735 for NaN and the infinities."""
    if not math.isfinite(value):
        help = "an answer is made of finite numbers; a number too large for a float may be given as text"
        fail_number("E0735", f"{where} is {value}", help)
    return Scalar.rational(Fraction(value))


# ------------------------------------------------------------------ one number


def import_scalar(value: object, where: str) -> tuple[Scalar, bool]:
    """An exact number, and whether it was a rounded float.  ``where`` names it in errors (``W_Q[0, 3]``).

    SpecError E0721 (no exact number), E0734 (too long), E0735 (not finite), and those of the grammar for text."""
    if isinstance(value, Scalar):
        return value, False
    plain = _plain(value)
    if isinstance(plain, float):
        return float_scalar(plain, where), not is_short(plain)
    if isinstance(plain, Fraction):
        return Scalar.rational(_bounded(plain, where)), False
    expression, numeric = import_expression(value, where)
    return evaluate_expression(expression, where), numeric


def import_expression(value: object, where: str) -> tuple[Expr, bool]:
    """A number as syntax, and whether some part of it was a rounded float.  Errors as of ``import_scalar``."""
    match _plain(value):
        case Fraction() as exact:
            return Number(_bounded(exact, where)), False
        case float() as rounded:
            return Number(float_scalar(rounded, where).as_fraction()), not is_short(rounded)
        case Scalar() as scalar:
            return _parse(str(scalar), where), False
        case Decimal() as decimal:
            return _import_decimal(decimal, where)
        case str() as text:
            expression = _parse(text, where)
            return expression, has_rounded_decimal(expression)
    if is_sympy(value):
        walk = _Walk(where)
        return walk.read(value, 0), walk.numeric
    fail_number("E0721", f"{where} is {_described(value)}, not a number", NUMBER_FORMS)


def _plain(value: object) -> object:
    """Whole and rational numbers (NumPy's too) as ``Fraction``, other real ones as ``float``; the rest as it is."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, float) or is_sympy(value):
        return value
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    return float(value) if isinstance(value, numbers.Real) else value


def evaluate_expression(expression: Expr, where: str, span: Span | None = None) -> Scalar:
    """``Scalar.from_expression`` with its refusals as a diagnostic, E0721."""
    try:
        return Scalar.from_expression(expression)
    except ValueError as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    place = span if span is not None else expression.span
    help = (
        "entries are exact numbers: integers, decimals, + - * / ^, sqrt, cos, sin, pi and the symbols of the exercise"
    )
    shown = place if place.text else None
    raise SpecError(Diagnostic("E0721", f"{where}: {reason}", shown, "not an exact number", help))


def has_rounded_decimal(expression: Expr) -> bool:
    """Whether a decimal of four or more places (0.8253) stands in ``expression``: such a one was rounded by somebody.

    A decimal is the only literal that is not whole: a fraction is a division."""
    match expression:
        case Number(value):
            return 10**3 % value.denominator != 0 and not _is_dyadic(value)
        case Unary(_, operand):
            return has_rounded_decimal(operand)
        case Binary(_, left, right):
            return has_rounded_decimal(left) or has_rounded_decimal(right)
        case Call(_, arguments):
            return any(has_rounded_decimal(argument) for argument in arguments)
        case _:
            return False


def _is_dyadic(value: Fraction) -> bool:
    short = abs(value.numerator).bit_length() <= SHORT_BITS
    return short and value.denominator & (value.denominator - 1) == 0


def _import_decimal(value: Decimal, where: str) -> tuple[Expr, bool]:
    if not value.is_finite():
        fail_number("E0735", f"{where} is {value}", "an answer is made of finite numbers")
    if abs(value.adjusted()) > MOST_DIGITS:
        _too_long(where)
    expression = Number(_bounded(Fraction(value), where))
    return expression, has_rounded_decimal(expression)


def _bounded(value: Fraction, where: str) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * MOST_DIGITS:
        _too_long(where)
    return value


def _too_long(where: str) -> NoReturn:
    fail_number("E0734", f"{where} has more than {MOST_DIGITS} digits", "no entry of an answer needs so many digits")


def _parse(text: str, where: str) -> Expr:
    from dsl.parser import parse_expression

    return parse_expression(text, f"<{where}>")


def _described(value: object) -> str:
    if value is None:
        return "None"
    kind = type(value)
    return f"a {kind.__qualname__}" if kind.__module__ == "builtins" else f"a {kind.__module__}.{kind.__qualname__}"


def fail_number(code: str, message: str, help: str) -> NoReturn:
    raise SpecError(Diagnostic(code, message, help=help))


# ------------------------------------------------------------------ SymPy


def is_sympy(value: object) -> bool:
    """Whether this is a SymPy object; SymPy is not imported for the question."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Basic | sympy.MatrixBase)


def is_sympy_matrix(value: object) -> bool:
    """Whether this is a SymPy matrix with entries (not a ``MatrixSymbol``)."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.MatrixBase)


class _Walk:
    """One walk over a SymPy expression, with a count of its nodes; ``numeric`` is set by a rounded float."""

    def __init__(self, where: str) -> None:
        import sympy

        self.sympy: Any = sympy
        self.where = where
        self.nodes = 0
        self.numeric = False

    def read(self, node: Any, depth: int) -> Expr:
        sympy = self.sympy
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > MOST_DEPTH:
            fail_number("E0734", f"{self.where} is too large an expression", "give a simpler one")
        if isinstance(node, sympy.Rational):
            return Number(_bounded(Fraction(int(node.p), int(node.q)), self.where))
        if isinstance(node, sympy.Float):
            return self._float(node)
        if node is sympy.pi:
            return Name("pi")
        if isinstance(node, sympy.Symbol):
            return Name(self._plain_name(node))
        if isinstance(node, sympy.Add | sympy.Mul):
            operator: BinaryOperator = "+" if isinstance(node, sympy.Add) else "*"
            return self._joined(operator, [self.read(part, depth + 1) for part in node.args])
        if isinstance(node, sympy.Pow):
            return self._power(node, depth)
        if isinstance(node, sympy.cos | sympy.sin):
            return Call("cos" if isinstance(node, sympy.cos) else "sin", (self.read(node.args[0], depth + 1),))
        self._refuse(node)

    def _plain_name(self, node: Any) -> str:
        """The name of a symbol; one with brackets would be taken for a number such as ``ln(2)``."""
        if "(" in node.name:
            fail_number("E0721", f"{self.where} holds a symbol called `{node.name}`", "give symbols plain names")
        return str(node.name)

    def _float(self, node: Any) -> Expr:
        if not node.is_finite:
            fail_number("E0735", f"{self.where} is {node}", "an answer is made of finite numbers")
        sign, mantissa, exponent, _ = (int(part) for part in node._mpf_)
        if abs(exponent) > 4 * MOST_DIGITS:
            _too_long(self.where)
        value = Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent
        if abs(mantissa).bit_length() > SHORT_BITS:  # SymPy keeps mantissas odd
            self.numeric = True
        return Number(_bounded(value, self.where))

    def _power(self, node: Any, depth: int) -> Expr:
        base, exponent = node.args
        if exponent.is_Integer:
            return Binary("^", self.read(base, depth + 1), Number(Fraction(int(exponent))))
        if exponent.is_Rational and exponent.q == 2 and base.is_Rational:
            root = Call("sqrt", (self.read(base, depth + 1),))
            return root if exponent.p == 1 else Binary("^", root, Number(Fraction(int(exponent.p))))
        self._refuse(node)

    @staticmethod
    def _joined(operator: BinaryOperator, parts: Sequence[Expr]) -> Expr:
        """Halved again and again, so that a long sum is not a deep tree."""
        if len(parts) <= 2:
            return reduce(lambda left, right: Binary(operator, left, right), parts)
        middle = len(parts) // 2
        return Binary(operator, _Walk._joined(operator, parts[:middle]), _Walk._joined(operator, parts[middle:]))

    def _refuse(self, node: Any) -> NoReturn:
        kind = type(node).__name__
        fail_number(
            "E0721",
            f"{self.where} holds a SymPy `{kind}`, which is not read",
            f"SymPy parts that are read: {SYMPY_FORMS}",
        )


# ------------------------------------------------------------------ matrices


def import_matrix(value: object, where: str) -> Imported:
    """An exact matrix from a ``Matrix``, a SymPy matrix, or rows (lists or tuples) of numbers.

    Errors as of ``import_scalar``, and E0736 (not two-dimensional, or rows of several lengths)."""
    if isinstance(value, Matrix):
        return Imported(value, False)
    if is_sympy_matrix(value):
        return _import_sympy_matrix(value, where)
    rows, columns = table_shape(value, where)
    assert isinstance(value, list | tuple)
    cells = [((i, j), cell) for i, row in enumerate(value) for j, cell in enumerate(row) if not _is_plain_zero(cell)]
    return _import_cells(rows, columns, cells, where)


def table_shape(value: object, where: str) -> tuple[int, int]:
    """(rows, columns) of a list of lists; E0736 unless it is one, E0734 above a million entries."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(row, list | tuple) for row in value):
        found = _described(value) if not isinstance(value, list | tuple) else "not a list of rows"
        fail_number("E0736", f"{where} is {found}", "a matrix is a list of rows: `[[1, 0], [0, 1]]`")
    lengths = [len(row) for row in value]
    odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        found = f"row 0 of {where} has {lengths[0]} entries, and row {odd} has {lengths[odd]}"
        fail_number("E0736", found, "give every row the same length")
    if not lengths[0]:
        fail_number("E0736", f"{where} has empty rows", "a matrix has at least one entry")
    check_entries(sum(lengths), where)
    return len(lengths), lengths[0]


def check_entries(count: int, where: str) -> None:
    """E0734 above ``limits.EXPLICIT_ENTRIES`` numbers."""
    if count > limits.EXPLICIT_ENTRIES:
        most = f"{limits.EXPLICIT_ENTRIES:,}"
        fail_number("E0734", f"{where} has {count:,} entries, and the most is {most}", "give one head's matrix")


def _is_plain_zero(cell: object) -> bool:
    return isinstance(cell, int | float) and cell == 0


def _import_sympy_matrix(value: Any, where: str) -> Imported:
    rows, columns = (int(size) for size in value.shape)
    check_entries(rows * columns, where)
    if not rows or not columns:
        fail_number("E0736", f"{where} is {rows} x {columns}", "a matrix has at least one entry")
    cells = [((int(i), int(j)), cell) for (i, j), cell in value.todok().items()]
    return _import_cells(rows, columns, cells, where)


def _import_cells(rows: int, columns: int, cells: Sequence[tuple[tuple[int, int], object]], where: str) -> Imported:
    """Equal floats and texts are read once; the mistakes of several cells are reported together (the first few)."""
    known: dict[object, tuple[Scalar, bool]] = {}
    wrong: list[Diagnostic] = []
    entries: dict[tuple[int, int], Scalar] = {}
    numeric = False
    for (i, j), cell in cells:
        try:
            found = known.get(cell) if type(cell) in (float, str) else None
            if found is None:
                found = import_scalar(cell, f"{where}[{i}, {j}]")
                if type(cell) in (float, str):
                    known[cell] = found
        except SpecError as error:
            wrong += error.diagnostics
            if len(wrong) >= 5:
                break
            continue
        numeric = numeric or found[1]
        if found[0] != ZERO:
            entries[i, j] = found[0]
    if wrong:
        raise SpecError(wrong)
    return Imported(Matrix(rows, columns, entries), numeric)
