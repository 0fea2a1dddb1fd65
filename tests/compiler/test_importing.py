"""Numbers of Python and SymPy are taken over exactly, or refused in words."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from compiler.exact import Matrix, Scalar
from compiler.exact.importing import (
    evaluate_expression,
    has_rounded_decimal,
    import_expression,
    import_matrix,
    import_scalar,
    is_short,
)
from dsl.diagnostics import SpecError
from dsl.parser import parse_expression

ALPHA, BETA = sympy.symbols("alpha beta")


def exact(text: str) -> Scalar:
    return Scalar.from_expression(parse_expression(text))


def code_of(value: object) -> str:
    with pytest.raises(SpecError) as found:
        import_scalar(value, "W_Q[0, 0]")
    return found.value.diagnostics[0].code


# ------------------------------------------------------------------ one number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (-7, "-7"),
        (True, "1"),
        (Fraction(1, 3), "1/3"),
        (0.5, "1/2"),
        (Decimal("0.125"), "1/8"),
        (np.int64(4), "4"),
        (np.float32(0.25), "1/4"),
        ("cos(alpha)/2", "cos(alpha)/2"),
        (sympy.Rational(2, 3), "2/3"),
        (sympy.Float("0.5"), "1/2"),
        (sympy.pi, "pi"),
        (sympy.sqrt(2), "sqrt(2)"),
        (1 / sympy.sqrt(2), "1/sqrt(2)"),
        (sympy.sqrt(sympy.Rational(2, 3)), "sqrt(2/3)"),
        (sympy.Integer(2) ** sympy.Rational(3, 2), "2*sqrt(2)"),
        (sympy.cos(ALPHA) * BETA**2 - 3, "cos(alpha)*beta^2 - 3"),
        (BETA**-1, "1/beta"),
        (sympy.sin(2 * ALPHA + sympy.pi / 2), "cos(2*alpha)"),
        (sympy.sin(ALPHA) ** 2 + sympy.cos(ALPHA) ** 2, "1"),
    ],
)
def test_numbers_are_read_exactly(value: object, text: str) -> None:
    found, numeric = import_scalar(value, "x")
    assert found == exact(text)
    assert not numeric
    expression, _ = import_expression(value, "x")
    assert evaluate_expression(expression, "x") == exact(text)


@pytest.mark.parametrize("value", [0.1, math.cos(0.6), sympy.Float(0.1), "0.8253", Decimal("0.8253"), np.float32(0.1)])
def test_rounded_numbers_are_marked_and_keep_their_value(value: object) -> None:
    found, numeric = import_scalar(value, "x")
    assert numeric
    assert found.as_fraction() == Fraction(str(value)) if isinstance(value, str | Decimal) else Fraction(float(value))  # type: ignore[arg-type]


@given(st.integers(-(2**20) + 1, 2**20 - 1), st.integers(-60, 60))
def test_short_floats_are_not_marked(mantissa: int, exponent: int) -> None:
    value = math.ldexp(mantissa, exponent)
    assert is_short(value)
    assert import_scalar(value, "x") == (Scalar.rational(Fraction(value)), False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_its_binary_value(value: float) -> None:
    scalar, _ = import_scalar(value, "x") if abs(value) < 1e300 and (not value or abs(value) > 1e-300) else (None, None)
    assert scalar is None or scalar.as_fraction() == Fraction(value)


def test_a_mantissa_of_one_more_bit_is_long() -> None:
    assert is_short(float(2**20 - 1)) and not is_short(float(2**20 + 1))


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("1/3", False),
        ("0.5", False),
        ("0.001", False),
        ("0.0625", False),
        ("0.8253", True),
        ("2*cos(0.1234)", True),
        ("-0.00001", True),
    ],
)
def test_decimals_of_four_places_were_rounded(text: str, rounded: bool) -> None:
    assert has_rounded_decimal(parse_expression(text)) is rounded


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("nan"), Decimal("inf"), np.float32("inf")])
def test_numbers_are_finite(value: object) -> None:
    assert code_of(value) == "E0735"


@pytest.mark.parametrize(
    "value", [10**2000, Fraction(1, 10**2000), sympy.Integer(10) ** 2000, Decimal("1e100000000"), Decimal("1e-99999")]
)
def test_numbers_have_a_bounded_size(value: object) -> None:
    assert code_of(value) == "E0734"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1 + 2j,
        [1],
        object(),
        b"1",
        sympy.I,
        sympy.oo,
        sympy.exp(ALPHA),
        sympy.tan(ALPHA),
        sympy.sqrt(ALPHA),
        ALPHA**BETA,
        ALPHA ** sympy.Rational(1, 3),
        sympy.Integer(2) ** sympy.Rational(1, 3),
        1 / (1 + ALPHA),
        sympy.cos(ALPHA**2),
        sympy.Derivative(sympy.Function("f")(ALPHA), ALPHA),
        sympy.MatrixSymbol("M", 2, 2),
        sympy.Eq(ALPHA, 1),
    ],
)
def test_everything_else_is_refused(value: object) -> None:
    assert code_of(value) in ("E0721", "E0735")


def test_text_is_parsed_and_never_evaluated() -> None:
    assert code_of("__import__('os').getcwd()").startswith("E01")
    assert code_of("(1).__class__").startswith("E01")


def test_large_sympy_trees_are_refused_before_they_are_walked_to_the_end() -> None:
    deep = ALPHA
    for _ in range(300):
        deep = sympy.cos(deep, evaluate=False)
    assert code_of(deep) == "E0734"


def test_a_long_sum_is_no_deep_tree() -> None:
    total = sympy.Add(*(k * sympy.cos(k * ALPHA) for k in range(1, 1500)))
    found, _ = import_scalar(total, "x")
    assert len(found.terms) == 2 * 1499


numbers = st.one_of(
    st.fractions(max_denominator=50).map(
        lambda x: (sympy.Rational(x.numerator, x.denominator), f"({x.numerator})/{x.denominator}")
    ),
    st.sampled_from(["alpha", "beta"]).map(lambda name: (sympy.Symbol(name), name)),
    st.integers(1, 12).map(lambda k: (sympy.sqrt(k), f"sqrt({k})")),
    st.integers(-3, 3).map(lambda k: (sympy.cos(k * ALPHA), f"cos({k}*alpha)")),
)
sums = st.recursive(
    numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda x: (combined(x[0][0], x[1], x[2][0]), f"({x[0][1]}) {x[1]} ({x[2][1]})")
    ),
    max_leaves=6,
)


def combined(left: sympy.Expr, operator: str, right: sympy.Expr) -> sympy.Expr:
    return left + right if operator == "+" else left - right if operator == "-" else left * right


@given(sums)
def test_sympy_says_the_same_as_text(pair: tuple[sympy.Expr, str]) -> None:
    assert import_scalar(pair[0], "x")[0] == exact(pair[1])


# ------------------------------------------------------------------ matrices


@given(st.lists(st.lists(st.fractions(max_denominator=9), min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_matrix_is_the_same_from_every_source(rows: list[list[Fraction]]) -> None:
    wanted = Matrix.from_rows(rows)
    text = [
        [f"{x.numerator}/{x.denominator}" if x >= 0 else f"-{-x.numerator}/{x.denominator}" for x in row]
        for row in rows
    ]
    of_sympy = sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in row] for row in rows])
    for source in (rows, tuple(map(tuple, rows)), text, of_sympy, sympy.ImmutableSparseMatrix(of_sympy), wanted):
        found = import_matrix(source, "W_Q")
        assert found.matrix == wanted and not found.numeric


def test_symbols_stay_symbols() -> None:
    found = import_matrix(sympy.Matrix([[sympy.cos(ALPHA), 0], [0, BETA]]), "W_Q")
    assert found.matrix[0, 0] == exact("cos(alpha)") and found.matrix.symbols() == {"alpha", "beta"}


@pytest.mark.parametrize("value", [[], [[]], [1, 2], [[1], [1, 2]], 3, None, [[[1]]], {"a": 1}, sympy.zeros(0, 3)])
def test_what_is_no_matrix_is_refused(value: object) -> None:
    with pytest.raises(SpecError) as found:
        import_matrix(value, "W_Q")
    assert found.value.diagnostics[0].code in ("E0736", "E0721")


def test_a_sparse_matrix_of_sympy_is_not_made_dense() -> None:
    with pytest.raises(SpecError) as found:
        import_matrix(sympy.SparseMatrix(10**6, 10**6, {(0, 0): 1}), "W_Q")
    assert found.value.diagnostics[0].code == "E0734"


def test_mistakes_in_several_cells_are_told_together() -> None:
    with pytest.raises(SpecError) as found:
        import_matrix([["1/", 1], [math.nan, None]], "W_Q")
    assert len(found.value.diagnostics) == 3
    assert "W_Q[1, 0]" in str(found.value)
