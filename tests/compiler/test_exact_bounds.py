"""Sizes of exact numbers: refused before work, printed whole, and never rounded to zero unproved."""

from __future__ import annotations

import math
from fractions import Fraction as F

import pytest

import headspec
from compiler.exact import Angle, Scalar
from compiler.exact.bounds import LARGEST_POWER, MOST_TERMS, check_power
from compiler.exact.numeric import UNDERFLOW
from compiler.exact.quotients import equal_numbers
from compiler.exact.reading import pieces
from dsl.diagnostics import SpecError
from dsl.parser import parse_expression


def s(text: str) -> Scalar:
    return Scalar.from_expression(parse_expression(text))


def number_of_terms(base: str, count: int) -> int:
    """By multiplying out."""
    return len(s(f"({base})^{count}").terms)


# ------------------------------------------------------------------ powers


@pytest.mark.parametrize(
    ("base", "count", "terms"), [("a + b + c", 5, 21), ("1 + a + a^2", 9, 19), ("a*c + a*d + b*c + b*d", 6, 49)]
)
def test_the_terms_of_a_power_are_counted_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch, base: str, count: int, terms: int
) -> None:
    assert number_of_terms(base, count) == terms
    monkeypatch.setattr("compiler.exact.bounds.MOST_TERMS", terms)
    check_power(s(base), count)
    monkeypatch.setattr("compiler.exact.bounds.MOST_TERMS", terms - 1)
    with pytest.raises(ValueError, match="too many terms"):
        check_power(s(base), count)


def test_a_long_power_is_refused_before_anything_is_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    products = 0
    multiply = Scalar.__mul__

    def counted(self: Scalar, other: Scalar | F) -> Scalar:
        nonlocal products
        products += 1
        return multiply(self, other)

    base = parse_expression("(a + b + c + d)^60")
    monkeypatch.setattr(Scalar, "__mul__", counted)
    with pytest.raises(ValueError, match="too many terms"):
        Scalar.from_expression(base)
    assert products == 0
    with pytest.raises(ValueError, match="too many terms"):
        equal_numbers(parse_expression("((a + b + c + d)/(a - b))^60"), parse_expression("1"))
    assert products < 10


def test_powers_that_fold_together_are_kept() -> None:
    assert s("(cos(a) + sin(a))^24") == s("(1 + 2*sin(a)*cos(a))^12")
    assert len(s("(sqrt(2) + sqrt(3) + sqrt(5))^40").terms) == 4
    assert number_of_terms("a + b + c", 64) == 65 * 66 // 2


def test_a_power_of_many_roots_is_refused_by_its_work() -> None:
    roots = " + ".join(f"sqrt({q})" for q in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53))
    with pytest.raises(ValueError, match=f"at most {MOST_TERMS}"):
        s(f"({roots})^64")


def test_powers_of_powers_stay_low() -> None:
    assert s(f"(b^64)^{LARGEST_POWER // 64}").enclose({"b": F(3)})[0] == 3**LARGEST_POWER
    for text in ("((b^64)^64)^64", "((pi^64)^64)^64", "((1/b^64)^64)^2"):
        with pytest.raises(ValueError, match="power of"):
            s(text)


def test_every_number_in_a_term_is_bounded() -> None:
    assert s("cos(a/7)^2").terms
    long = "((2^64)^64)^4"
    for text in (f"({long})^2", f"1/({long})^2", f"cos(a/({long} + 1))*cos(a/({long} + 3))"):
        with pytest.raises(ValueError, match="binary digits"):
            s(text)


# ------------------------------------------------------------------ roots of unity


def test_a_root_of_unity_with_too_many_terms_is_refused() -> None:
    """Every leading digit is the greatest square, so each prime spreads over half of its powers."""
    primes = (3, 5, 7, 11, 13, 17, 19, 23, 29)
    greatest = {p: max(j for j in range(1, p) if pow(j, (p - 1) // 2, p) == 1) for p in primes}
    turns = [sum((F(greatest[p], p) for p in primes[:n]), F(0)) % 1 for n in (4, 9)]
    assert len(Scalar.cos(Angle(turns=turns[0])).terms) > 100
    with pytest.raises(ValueError, match="root of unity of this order"):
        Scalar.cos(Angle(turns=turns[1]))
    with pytest.raises(ValueError, match="root of unity of this order"):
        s(f"cos({2 * turns[1].numerator}*pi/{turns[1].denominator})")


# ------------------------------------------------------------------ floats


def test_nothing_is_rounded_to_zero_that_is_not() -> None:
    """An integer beside a large multiple of cos(1): what is left is near 1, and took more places than there were."""
    large = s("((2^64)^64)^4*2^64*cos(1)")
    whole = Scalar.rational(int(large.enclose({}, 1 << 15)[0]))
    left = large - whole
    assert left.to_float() == pytest.approx(float(left.enclose({}, 1 << 15)[0]), rel=1e-14) != 0


def test_what_underflows_is_zero_and_what_cannot_be_told_is_not() -> None:
    tiny = Scalar.cos(Angle(radians=1)) * F(1, 1 << UNDERFLOW)
    assert tiny.to_float() == 0.0
    assert (tiny * 8).to_float() == 2.0 ** (2 - UNDERFLOW)
    for bits, factor, there in ((1 << 12, 1, False), (1000, 1, True), (2040, 1 << 1040, True)):
        left = (s("pi") - Scalar.rational(s("pi").enclose({}, bits)[0])) * factor
        assert bool(left.to_float()) == there


# ------------------------------------------------------------------ printing


def test_many_roots_before_one_cosine_are_printed() -> None:
    primes = [q for q in range(2, 120) if all(q % d for d in range(2, q))]
    number = s("cos(x)*(" + " + ".join(f"sqrt({q})" for q in primes) + ")")
    assert len(pieces(number)) == len(primes)


@pytest.mark.parametrize("radicand", [2, 6, 22, 10**11 + 3])
@pytest.mark.parametrize("order", [7, 13, 15])
def test_a_root_before_a_cosine_is_found_again(radicand: int, order: int) -> None:
    for k in range(1, order):
        number = Scalar.sqrt(radicand) * Scalar.cos(Angle(turns=F(k, order)))
        assert len(pieces(number)) <= 2, str(number)


@pytest.mark.parametrize(
    "text", ["cos(x)*(sqrt(100000000003) + sqrt(100000000019))", "sqrt(100000000003)*sqrt(100000000019)*cos(pi/7)"]
)
def test_roots_that_cannot_be_taken_apart_are_printed(text: str) -> None:
    large = str(100000000003 * 100000000019)
    printed = str(s(text))
    assert "sqrt" in printed and (large in printed or "sqrt(100000000003)" in printed)


def test_numbers_of_many_digits_are_printed_whole() -> None:
    """Python itself writes no integer of more than 4300 digits."""
    number = s("((2^64)^64)^4*a + cos(((2^64)^64)^4)/(3^64)^64")
    text, power = str(number), 2 ** (64 * 64 * 4)
    assert f"cos({digits(power)})" in text and f"{digits(power)}*a" in text and len(digits(power)) == 4933
    assert digits(power) in number.to_latex()
    primes = [q for q in range(2, 14000) if all(q % d for d in range(2, int(q**0.5) + 1))]
    root = Scalar({(0, math.prod(primes), 0, (), ()): 1})
    assert str(root) == f"sqrt({digits(math.prod(primes))})" and digits(math.prod(primes)) in root.to_latex()
    assert str(s("-12345678901234567890/7*a")) == "-12345678901234567890/7*a"
    assert str(Scalar.rational(-(10**9000) - 7)) == "-1" + "0" * 8999 + "7"


def digits(number: int) -> str:
    head, tail = divmod(number, 10**2500)
    return f"{head if head < 10**2500 else digits(head)}{str(tail).zfill(2500)}"


# ------------------------------------------------------------------ specs

SPEC = """\
model exact
tokens a..c
context 4
symbol b = 3
subspace letter : onehot(tokens)
subspace place  : onehot(positions)
subspace turned : phase(positions, frequencies = [FREQUENCY])
subspace out    : onehot(tokens)
embed token    -> letter
embed position -> place
embed position -> turned
head one
  attend key.place == query.place - 1 strength STRENGTH
  copy   key.letter -> out
"""


@pytest.mark.parametrize(
    ("strength", "frequency", "words"),
    [
        ("1/(pi - cos(1))", "1", "division by a sum"),
        ("((b^64)^64)^64", "1", "power of b"),
        ("(cos(1) + cos(2/3) + cos(b) + cos(b/3))^64", "1", "too many terms"),
        ("sqrt(10^40 + 1)", "1", "too large to be taken apart"),
        ("1", "sqrt(2)", "not an angle"),
    ],
)
def test_a_number_that_is_not_exact_is_a_diagnostic_with_its_place(strength: str, frequency: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(SPEC.replace("STRENGTH", strength).replace("FREQUENCY", frequency)).weights
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "E0213" and words in diagnostic.message
    assert diagnostic.span is not None and diagnostic.span.text in (strength, frequency)
