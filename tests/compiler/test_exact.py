"""Exact numbers: canonical forms, zero tests, syntax, bounds, printing."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import sympy

from compiler.exact import Angle, Scalar
from dsl.parser import parse_expression


def s(text: str) -> Scalar:
    return Scalar.from_expression(parse_expression(text))


def turn(numerator: int, denominator: int) -> Angle:
    return Angle(turns=F(numerator, denominator))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("cos(pi/3)", "1/2"),
        ("cos(pi/4)^2", "1/2"),
        ("sqrt(2)*cos(pi/4)", "1"),
        ("cos(2*pi/5)", "(sqrt(5) - 1)/4"),
        ("sin(pi/3)", "sqrt(3)/2"),
        ("cos(pi/12)", "(sqrt(6) + sqrt(2))/4"),
        ("8*cos(pi/9)*cos(2*pi/9)*cos(4*pi/9)", "1"),
        ("cos(2*pi/7) + cos(4*pi/7) + cos(6*pi/7)", "-1/2"),
        ("8*sin(2*pi/7)*sin(4*pi/7)*sin(6*pi/7)", "sqrt(7)"),
        ("16*(cos(2*pi/17) + cos(8*pi/17) + cos(4*pi/17) + cos(16*pi/17))^2", "(sqrt(17) - 1)^2"),
        ("sqrt(5)*cos(2*pi/5)", "(5 - sqrt(5))/4"),
        ("sqrt(6)*sqrt(10)", "2*sqrt(15)"),
        ("cos(a + 2*pi/3) + cos(a) + cos(a - 2*pi/3)", "0"),
        ("cos(a + pi/2)", "-sin(a)"),
        ("cos(a)*cos(b) - sin(a)*sin(b)", "cos(a + b)"),
        ("cos(1)^2 + sin(1)^2", "1"),
        ("2*sin(1/2)*cos(1/2)", "sin(1)"),
        ("1/sqrt(2)", "sqrt(2)/2"),
        ("b/b^3", "1/b^2"),
        ("0.1 + 0.2", "0.3"),
    ],
)
def test_equal_numbers_have_equal_forms(left: str, right: str) -> None:
    assert s(left) == s(right)
    assert hash(s(left)) == hash(s(right))
    assert (s(left) - s(right)).is_zero()


@pytest.mark.parametrize(
    "text", ["cos(pi/7)", "sqrt(2) - 1", "cos(1) - cos(2)", "a - b", "cos(a) - cos(b)", "sqrt(2) + sqrt(3) - sqrt(5)"]
)
def test_nonzero_numbers_are_not_zero(text: str) -> None:
    assert not s(text).is_zero()


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6, 8, 9, 12, 15, 16, 17, 30, 49, 60, 113])
def test_all_roots_of_unity_sum_to_zero(order: int) -> None:
    assert Scalar.sum(Scalar.cos(turn(j, order)) for j in range(order)).is_zero()
    assert Scalar.sum(Scalar.sin(turn(j, order)) for j in range(order)).is_zero()
    assert Scalar.sum(Scalar.cos(turn(j, order)) for j in range(1, order)) == Scalar.rational(-1)


@pytest.mark.parametrize("order", [5, 7, 8, 9, 12, 16, 20, 35])
def test_every_cosine_agrees_with_sympy(order: int) -> None:
    for j in range(order):
        ours, theirs = Scalar.cos(turn(j, order)), sympy.cos(2 * sympy.pi * sympy.Rational(j, order))
        assert abs(sympy.N(ours.to_sympy() - theirs, 40)) < 1e-35
        assert ours.to_float() == pytest.approx(float(theirs), rel=1e-15)


def test_large_square_roots_stay_one_term() -> None:
    root = Scalar.sqrt(127 * 113)
    assert len(root.terms) == 1
    assert root * root == Scalar.rational(127 * 113)
    assert Scalar.sqrt(F(9, 8)) == s("3/4*sqrt(2)")


@pytest.mark.parametrize(
    ("text", "turns", "radians", "symbols"),
    [
        ("2*pi/10", F(1, 10), 0, ()),
        ("alpha*3/2", 0, 0, (("alpha", F(3, 2)),)),
        ("1/10", 0, F(1, 10), ()),
        ("pi - beta/2 + 3", F(1, 2), 3, (("beta", F(-1, 2)),)),
    ],
)
def test_angles_from_syntax(text: str, turns: F, radians: F, symbols: tuple[tuple[str, F], ...]) -> None:
    assert Angle.from_expression(parse_expression(text)) == Angle(turns, radians, symbols)


@pytest.mark.parametrize("text", ["pi*alpha", "alpha^2", "sqrt(2)", "pi^2", "cos(1)", "alpha*beta", "2*pi/10007"])
def test_what_is_no_angle_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an angle|are supported"):
        Angle.from_expression(parse_expression(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/(a + b)", "division by a sum"),
        ("1/(a - a)", "division by zero"),
        ("sqrt(0 - 1)", "square root of -1"),
        ("sqrt(a)", "sqrt takes a rational"),
        ("a^65", "powers go up to 64"),
        ("a^(1/2)", "whole-number powers"),
        ("a^b", "whole-number powers"),
        ("(a + b + cos(a) + cos(b) + d + e + f + g + sqrt(2))^64", "terms"),
        ("((9^64)^64)^64", "binary digits"),
        ("sqrt(1000000000000000000000000000057)", "too large"),
        ("tan(1)", "not a function of numbers"),
        ('"a" + 1', "expected a number"),
    ],
)
def test_what_is_not_representable_is_refused_in_plain_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        s(text)


@pytest.mark.parametrize(
    ("text", "printed", "latex"),
    [
        ("2*beta*cos(alpha_0)", "2*beta*cos(alpha_0)", r"2 \beta \cos\left(\alpha_{0}\right)"),
        ("sqrt(2)/2", "1/2*sqrt(2)", r"\frac{1}{2} \sqrt{2}"),
        ("0 - sin(a)", "-sin(a)", r"-\sin\left(a\right)"),
        ("1 - cos(pi/7)", "1 - cos(pi/7)", r"1 - \cos\left(\frac{1}{7} \pi\right)"),
        ("cos(4*pi/9)", "cos(4*pi/9)", r"\cos\left(\frac{4}{9} \pi\right)"),
        ("3*sqrt(2)*sin(2*pi/7)", "3*sqrt(2)*cos(3*pi/14)", r"3 \sqrt{2} \cos\left(\frac{3}{14} \pi\right)"),
        ("sqrt(65)*cos(2*pi/65)", "sqrt(65)*cos(2*pi/65)", r"\sqrt{65} \cos\left(\frac{2}{65} \pi\right)"),
        ("a - a", "0", "0"),
        ("1/beta", "1/beta", r"\beta^{-1}"),
        ("3/2*sqrt(2)/beta^2", "3/2*sqrt(2)/beta^2", r"\frac{3}{2} \sqrt{2} \beta^{-2}"),
        ("cos(a)^2", "1/2 + 1/2*cos(2*a)", r"\frac{1}{2} + \frac{1}{2} \cos\left(2 a\right)"),
        ("cos(3/10)*s_previous", "s_previous*cos(3/10)", r"s_{\mathrm{previous}} \cos\left(\frac{3}{10}\right)"),
    ],
)
def test_printing(text: str, printed: str, latex: str) -> None:
    assert str(s(text)) == printed
    assert s(text).to_latex() == latex
    assert s(printed) == s(text)


def test_to_sympy_marks_positive_symbols() -> None:
    expression = s("2*beta*cos(a) + pi").to_sympy({"beta"})
    beta, a = sympy.Symbol("beta", positive=True), sympy.Symbol("a", real=True)
    assert sympy.expand(expression - 2 * beta * sympy.cos(a) - sympy.pi) == 0


def test_substitution_reaches_into_angles() -> None:
    value = s("beta*cos(3*a + pi/3)")
    assert value.symbols() == {"a", "beta"}
    assert value.substitute({"a": F(1, 2)}) == s("beta*cos(3/2 + pi/3)")
    assert value.substitute({"a": s("2*b + 1"), "beta": s("1/b")}) == s("cos(6*b + 3 + pi/3)/b")
    assert s("a - 1/3").substitute({"a": F(1, 3)}).is_zero()


def test_enclosures_survive_cancellation_and_zero() -> None:
    middle, radius = s("a - 1").enclose({"a": 1 + F(1, 10**60)})
    assert abs(middle - F(1, 10**60)) <= radius
    assert s("a - 1").to_float({"a": 1 + F(1, 10**60)}) == 1e-60
    assert s("cos(a) - cos(1)").to_float({"a": F(1)}) == 0.0
    assert s("cos(a) - cos(1)").to_float({"a": 1 + F(1, 10**50)}) == pytest.approx(-8.414709848078965e-51, rel=1e-15)
    assert s("a^64").to_float({"a": F(10**9)}) == float("inf")
    with pytest.raises(ValueError, match="symbol a has no value"):
        s("a").to_float({})
    with pytest.raises(ValueError, match="division by zero"):
        s("1/a").to_float({"a": 0})


def test_pi_is_a_number_and_no_free_symbol() -> None:
    assert s("pi/2").symbols() == frozenset()
    assert s("pi/2").to_float({}) == 1.5707963267948966
    assert s("1/pi^2").to_float({}) == pytest.approx(0.10132118364233778, rel=1e-15)


@pytest.mark.parametrize("order", [7, 9, 15, 16, 17, 20, 24, 60, 113])
def test_every_cosine_of_a_turn_prints_as_short_as_it_was_written(order: int) -> None:
    free = Angle.symbol("a")
    for j in range(order):
        for angle in (turn(j, order), turn(j, order) + free):
            for value in (Scalar.cos(angle), Scalar.sin(angle)):
                assert s(str(value)) == value
                assert len(str(value)) <= 40, str(value)


def test_cosines_of_odd_turns_are_multiplied_in_their_short_form() -> None:
    """One of the cosines of 65ths of a turn has 21 canonical terms; products are taken of the two it was made of."""
    value = Scalar.cos(turn(63, 65))
    longest = max((Scalar.cos(turn(j, 65)) for j in range(65)), key=lambda c: len(c.terms))
    assert (len(longest.terms), len(longest.short)) == (21, 2)
    assert len((longest * Scalar.symbol("beta")).short) == 2
    assert longest * value + value * longest == Scalar.rational(2) * value * longest
    total = Scalar.sum(Scalar.cos(turn(j, 65)) ** 2 for j in range(65))
    assert total == Scalar.rational(F(65, 2))
    assert len(total.short) == 1


@pytest.mark.parametrize("turns", [F(1, 7), F(5, 7), F(-3, 20), F(1, 2), F(9, 8)])
def test_cos_is_even_and_sin_odd_and_both_have_a_period(turns: F) -> None:
    cos, sin = Scalar.cos(Angle(turns=turns)), Scalar.sin(Angle(turns=turns))
    assert Scalar.cos(Angle(turns=-turns)) == Scalar.cos(Angle(turns=turns + 3)) == cos
    assert Scalar.sin(Angle(turns=turns + 3)) == sin == -Scalar.sin(Angle(turns=-turns))
    assert Scalar.sin(Angle(turns=turns + F(1, 4))) == cos
    assert cos * cos + sin * sin == Scalar.rational(1)
