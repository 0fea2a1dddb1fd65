"""Logarithms over a coprime base: zero tests, ranks that rest on no conjecture, enclosures."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction as F

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiler.exact import Angle, Matrix, RankCertificate, Scalar
from compiler.exact.coprime import are_coprime, coprime_base, powers_over
from compiler.exact.logarithms import Logarithms, refinement
from compiler.exact.minors import certain_pivots
from compiler.exact.numeric import divide, multiply
from compiler.exact.rank import MOST_BITS

P, Q, R = 2**61 - 1, 2**89 - 1, 2**107 - 1
"""Primes; the tests know that, the code has no way to find the factors of their products."""
HARD = (P, Q, R, P * Q, P * R, Q * Q * R, 10**30 + 57, 6, 35, 1009 * 1013)

numbers = st.lists(st.sampled_from((2, 3, 7, 1009, 1013, P, Q, R)), max_size=4).map(math.prod)
rationals = st.builds(F, numbers, numbers)


def ln(number: int) -> Scalar:
    """A logarithm as it stands, over no base."""
    return Scalar.symbol(f"ln({number})")


# ------------------------------------------------------------------ coprime bases


@given(st.lists(numbers, max_size=8))
def test_all_numbers_are_products_over_a_coprime_base(given_numbers: list[int]) -> None:
    base = coprime_base(given_numbers)
    assert are_coprime(base) and all(element > 1 for element in base)
    assert all(math.gcd(a, b) == 1 for i, a in enumerate(base) for b in base[:i])
    for number in given_numbers:
        assert math.prod(element**power for element, power in powers_over(base, number).items()) == number


def test_a_base_by_hand() -> None:
    assert coprime_base([P * Q, Q * R, 1]) == (P, Q, R)
    assert coprime_base([P * Q]) == (P * Q,), "nothing tells the factors apart, and nothing needs to"
    assert coprime_base([12, 18]) == (2, 3)
    assert are_coprime([4, 9, 25]) and not are_coprime([4, 9, 6])
    with pytest.raises(ValueError, match="no product"):
        powers_over([6], 12)


# ------------------------------------------------------------------ zero tests


@given(st.lists(rationals, min_size=1, max_size=5))
def test_the_logarithm_of_a_product_is_the_sum_of_logarithms(values: list[F]) -> None:
    product = math.prod(values, start=F(1))
    logarithms = Logarithms.of_all([*values, product])
    assert Scalar.sum(logarithms.of(value) for value in values) == logarithms.of(product)


@given(rationals, rationals)
def test_logarithms_are_equal_where_the_numbers_are(one: F, other: F) -> None:
    logarithms = Logarithms.of_all([one, other])
    assert (logarithms.of(one) == logarithms.of(other)) == (one == other)
    assert (logarithms.of(one) - logarithms.of(other)).is_zero() == (one == other)


def test_only_positive_numbers_have_one() -> None:
    with pytest.raises(ValueError, match="not a real number"):
        Logarithms([]).of(F(0))
    with pytest.raises(ValueError, match="no product"):
        Logarithms([Q]).of(F(P))


def test_different_bases_are_brought_to_one() -> None:
    left, right = ln(P * Q) - ln(6), ln(P) + ln(Q) - ln(2) - ln(3)
    assert left != right
    common = refinement([left, right])
    assert left.substitute(common) == right.substitute(common)
    assert refinement([ln(6), ln(35), ln(P * Q)]) == {}


def test_logarithms_are_numbers_and_not_free() -> None:
    number = ln(10) * ln(P * Q) / Scalar.pi()
    assert number.symbols() == frozenset() and number.names() == {"ln(10)", f"ln({P * Q})", "pi"}
    assert number.to_float() == pytest.approx(math.log(10) * math.log(P * Q) / math.pi, rel=1e-15)
    assert (Scalar.rational(1) / ln(2)).to_float() == pytest.approx(1 / math.log(2), rel=1e-15)
    assert (ln(6) - ln(2)).to_float() == pytest.approx(math.log(3), rel=1e-15)


@pytest.mark.parametrize("bits", [64, 200])
def test_enclosures_hold_the_value(bits: int) -> None:
    for number in (2, 3, 10**40 + 1):
        for power in (-3, -1, 1, 2):
            value = Scalar.rational(1)
            for _ in range(abs(power)):
                value = value * ln(number) if power > 0 else value / ln(number)
            middle, radius = value.enclose({}, bits)
            finer, finest = value.enclose({}, 600)
            assert abs(middle - finer) <= radius + finest
            assert radius < F(max(1, number.bit_length()) ** 3 * 16, 1 << bits)


# ------------------------------------------------------------------ ranks


def test_dependent_logarithms_do_not_raise_the_rank() -> None:
    """The rows are equal numbers, written over different bases."""
    matrix = Matrix.from_rows([[ln(P * Q), ln(6)], [ln(P) + ln(Q), ln(2) + ln(3)]])
    certificate = matrix.rank()
    assert certificate.rank == 1 and certificate.verify(matrix)
    tall = replace(certificate, rank=2, rows=(0, 1), columns=(0, 1))
    assert not tall.verify(matrix)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(rationals, rationals), min_size=2, max_size=4), st.integers(-3, 3), st.randoms())
def test_multiples_of_a_row_do_not_raise_the_rank(row: list[tuple[F, F]], factor: int, random: object) -> None:
    """Second row: factor times the first, its logarithms written as one logarithm each, over no base."""
    first = [Logarithms.of_all([a, b]).of(a) + Logarithms.of_all([b]).of(b) for a, b in row]
    powers = [(a * b) ** factor for a, b in row]
    second = [_written_as_one(value) for value in powers]
    matrix = Matrix.from_rows([first, second])
    certificate = matrix.rank()
    assert certificate.rank == (0 if all(a * b == 1 for a, b in row) else 1)
    assert certificate.verify(matrix)


def _written_as_one(value: F) -> Scalar:
    total = Scalar.rational(0)
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        total = total + ln(number) * sign if number > 1 else total
    return total


@given(st.permutations(HARD))
@settings(deadline=None, max_examples=20)
def test_products_of_logarithms_are_told_apart_by_enclosures(order: list[int]) -> None:
    """ln a ln d = ln b ln c is no identity of the coprime base here; that it is false is seen, not assumed."""
    a, b, c, d = (ln(number) for number in order[:4])
    matrix = Matrix.from_rows([[a, b], [c, d]])
    certificate = matrix.rank()
    assert certificate.rank == 2 and certificate.bits and not certificate.prime
    assert certificate.verify(matrix)


def test_which_numbers_need_enclosures() -> None:
    """One transcendental number is free; of two of them nobody knows."""
    beta, e = Scalar.symbol("beta"), Scalar.cos(Angle(radians=F(1, 7)))
    free = ([beta, e], [beta, Scalar.pi()], [ln(2), beta], [ln(2), ln(2) * ln(2)])
    open_ = ([e, Scalar.pi()], [ln(2), ln(3)], [ln(2), Scalar.pi()], [ln(2), e])
    for enclosed, cases in ((False, free), (True, open_)):
        for one, other in cases:
            matrix = Matrix.from_rows([[one, Scalar.rational(1)], [Scalar.rational(2), other]])
            certificate = matrix.rank()
            assert certificate.rank == 2 and bool(certificate.bits) == enclosed
            assert certificate.verify(matrix)


def test_a_proof_modulo_a_prime_is_not_taken_where_independence_is_open() -> None:
    free = Matrix.from_rows([[Scalar.symbol("a"), Scalar.symbol("b")], [Scalar.symbol("c"), Scalar.symbol("a")]])
    logarithms = free.substitute({"a": ln(2), "b": ln(3), "c": ln(5)})
    proof = free.rank()
    renamed = {"a": "ln(2)", "b": "ln(3)", "c": "ln(5)"}
    values = {f"s:{renamed[name[2:]]}": value for name, value in proof.specialisation.items()}
    assert proof.verify(free) and not replace(proof, specialisation=values).verify(logarithms)


def test_corrupted_enclosures_fail() -> None:
    matrix = Matrix.from_rows([[ln(2), ln(3), Scalar.symbol("s")], [ln(5), ln(7), ln(2)], [ln(6), ln(21), ln(4)]])
    honest = matrix.rank()
    assert honest.rank == 3 and honest.verify(matrix)
    singular = Matrix.from_rows([[ln(2), ln(3)], [ln(4), ln(9)]])
    assert singular.rank().rank == 1
    bad = [
        replace(honest, rank=2),
        replace(honest, bits=2),
        replace(honest, bits=2 * MOST_BITS),
        replace(honest, bits=-1),
        replace(honest, values={}),
        replace(honest, values={**honest.values, "ln(2)": F(7)}),
        replace(honest, rows=(0, 1, 1)),
    ]
    assert not any(certificate.verify(matrix) for certificate in bad)
    assert not RankCertificate(2, 0, {}, (0, 1), (0, 1), 512).verify(singular)
    assert honest.to_json()["bits"] == honest.bits and honest.to_json()["prime"] == 0


def test_minors_near_zero_take_more_places() -> None:
    """ln 2 and a rational within 2^-200 of it."""
    near = ln(2).enclose({}, 200)[0]
    matrix = Matrix.from_rows([[ln(2), Scalar.rational(near), ln(3)], [1, 1, 0], [0, 0, ln(5)]])
    certificate = matrix.rank()
    assert certificate.rank == 3 and certificate.bits > 128
    assert certificate.verify(matrix) and not replace(certificate, bits=128).verify(matrix)


fixed = st.integers(-(1 << 12), 1 << 12)


@example(4096, 50, 4096, 50, 1.0, 1.0)
@given(fixed, st.integers(0, 50), fixed, st.integers(0, 50), st.floats(-1, 1), st.floats(-1, 1))
def test_products_and_quotients_of_balls_hold_those_of_their_numbers(
    a: int, a_error: int, b: int, b_error: int, left: float, right: float
) -> None:
    x, y = F(a) + a_error * F(left), F(b) + b_error * F(right)
    middle, error = multiply((a, a_error), (b, b_error), 8)
    assert abs(x * y / 2**8 - middle) <= error
    if abs(b) > b_error:
        middle, error = divide((a, a_error), (b, b_error), 8)
        assert abs(x / y * 2**8 - middle) <= error


def test_balls_that_hold_zero_are_no_pivots() -> None:
    one = 1 << 20
    assert certain_pivots({0: {0: (one, 1)}, 1: {0: (one, 1), 1: (1, 1)}}, 20) == [(0, 0)]
    assert certain_pivots({0: {0: (one, 1)}, 1: {0: (one, 1), 1: (9, 1)}}, 20) == [(0, 0), (1, 1)]
    assert certain_pivots({0: {0: (one, one)}}, 20) == []
    doubled = {0: {0: (one, 0), 1: (3 * one, 0)}, 1: {0: (2 * one, 0), 1: (6 * one, 0)}}
    assert len(certain_pivots(doubled, 20)) == 1


# ------------------------------------------------------------------ many roots


def test_roots_of_products_of_large_primes() -> None:
    a, b = 10**11 + 3, 10**11 + 19
    root = Scalar.sqrt(a) * Scalar.sqrt(b)
    same = Matrix.from_rows([[root, Scalar.sqrt(a)], [Scalar.rational(b), Scalar.sqrt(b)]])
    both = Matrix.from_rows([[root, Scalar.sqrt(a)], [Scalar.sqrt(b), Scalar.rational(2)]])
    for matrix, rank in ((same, 1), (both, 2)):
        certificate = matrix.rank()
        assert certificate.rank == rank and certificate.verify(matrix)


def test_more_roots_than_a_prime_can_have_are_enclosed() -> None:
    primes = [q for q in range(5003, 5300, 2) if all(q % d for d in range(3, 80, 2))]
    matrix = Matrix.from_rows([[Scalar.sqrt(q) for q in primes[i : i + 5]] for i in range(0, 20, 5)])
    certificate = matrix.rank()
    assert certificate.rank == 4 and certificate.bits and certificate.verify(matrix)
    small = [q for q in range(3, 2000, 2) if all(q % d for d in range(3, 45, 2) if d < q)]
    diagonal = Matrix(len(small), len(small), {(i, i): Scalar.sqrt(q) for i, q in enumerate(small)})
    certificate = diagonal.rank()
    assert certificate.rank == len(small) and certificate.bits and certificate.verify(diagonal)
