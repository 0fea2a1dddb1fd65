"""Laws of the exact algebra: rings, rotations, enclosures, ranks, factors, lowering."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F

import mpmath
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.exact import Angle, Matrix, Scalar
from compiler.factorization import factorize

FEW = settings(max_examples=60, deadline=None)

rationals = st.builds(F, st.integers(-6, 6), st.integers(1, 6))
turns = st.builds(F, st.integers(-30, 30), st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 24]))
names = st.sampled_from(["alpha", "beta"])
angles = st.builds(
    lambda t, r, x: Angle(turns=t) + Angle(radians=r) + Angle.symbol("alpha") * x,
    st.one_of(st.just(F(0)), turns),
    st.one_of(st.just(F(0)), rationals),
    st.one_of(st.just(F(0)), rationals),
)
atoms = st.one_of(
    rationals.map(Scalar.rational),
    names.map(Scalar.symbol),
    st.sampled_from([2, 3, 5, 6, 7, 15]).map(Scalar.sqrt),
    angles.map(Scalar.cos),
    angles.map(Scalar.sin),
)
scalars = st.recursive(
    atoms,
    lambda inner: st.one_of(st.builds(Scalar.__add__, inner, inner), st.builds(Scalar.__mul__, inner, inner)),
    max_leaves=4,
)
integers = st.integers(-2, 2)
BINDINGS = {"alpha": F(7, 5), "beta": F(-3, 11)}


def matrices(rows: int, columns: int, entries: st.SearchStrategy[Scalar]) -> st.SearchStrategy[Matrix]:
    places = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    return st.dictionaries(places, entries, max_size=8).map(lambda found: Matrix(rows, columns, found))


def rotation(angle: Angle) -> Matrix:
    c, s = Scalar.cos(angle), Scalar.sin(angle)
    return Matrix.from_rows([[c, -s], [s, c]])


@FEW
@given(scalars, scalars, scalars)
def test_scalars_form_a_commutative_ring(a: Scalar, b: Scalar, c: Scalar) -> None:
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert (a - a).is_zero()
    assert a + Scalar.rational(0) == a == a * Scalar.rational(1)
    assert hash(a * (b + c)) == hash(a * b + a * c)


@FEW
@given(matrices(3, 3, scalars), matrices(3, 3, scalars), matrices(3, 3, atoms))
def test_matrices_form_a_ring(a: Matrix, b: Matrix, c: Matrix) -> None:
    assert a @ (b + c) == a @ b + a @ c
    assert (a @ b) @ c == a @ (b @ c)
    assert (a @ b).T == b.T @ a.T
    assert a - a == Matrix.zeros(3, 3)
    assert Matrix.identity(3) @ a == a


@FEW
@given(angles, angles)
def test_rotations_add_their_angles(p: Angle, q: Angle) -> None:
    assert rotation(p) @ rotation(q) == rotation(p + q)
    assert rotation(p) @ rotation(q).T == rotation(p - q)
    assert Scalar.cos(p) ** 2 + Scalar.sin(p) ** 2 == Scalar.rational(1)
    assert rotation(p * 3) == rotation(p) @ rotation(p) @ rotation(p)


@FEW
@given(st.integers(2, 40), st.integers(1, 40))
def test_roots_of_unity_sum_to_zero(order: int, step: int) -> None:
    total = Scalar.sum(Scalar.cos(Angle(turns=F(j * step, order))) for j in range(order))
    assert total == Scalar.rational(order if step % order == 0 else 0)


def independent_value(scalar: Scalar) -> mpmath.mpf:
    """The value at BINDINGS by mpmath alone, term by term, at 100 digits."""
    total = mpmath.mpf(0)
    for (turn, radicand, radians, exponents, powers), coefficient in scalar.terms.items():
        angle = 2 * mpmath.pi * _mp(turn) + _mp(radians)
        angle += sum(_mp(weight * BINDINGS[name]) for name, weight in exponents)
        value = _mp(coefficient) * mpmath.sqrt(radicand) * mpmath.cos(angle)
        for name, power in powers:
            value *= _mp(BINDINGS[name]) ** power
        total += value
    return total


def _mp(value: F | int) -> mpmath.mpf:
    return mpmath.mpf(value.numerator) / value.denominator


@FEW
@given(scalars, st.sampled_from([20, 64, 128, 200]))
def test_enclosures_contain_the_value(scalar: Scalar, bits: int) -> None:
    middle, radius = scalar.enclose(BINDINGS, bits)
    with mpmath.workdps(100):
        value = independent_value(scalar)
        assert abs(value - _mp(middle)) <= _mp(radius) + mpmath.mpf(10) ** -90
        assert radius <= F(1 << 16, 1 << bits) * (1 + abs(middle))
        found = scalar.to_float(BINDINGS)
        if scalar.substitute(BINDINGS).is_zero():
            assert found == 0.0
        else:
            assert abs(found - value) <= abs(value) * mpmath.mpf(2) ** -52


def _with_value(scalar: Scalar) -> tuple[Scalar, mpmath.mpf]:
    with mpmath.workdps(60):
        return scalar, +independent_value(scalar)


def _angle_with_value(angle: Angle) -> tuple[Angle, mpmath.mpf]:
    with mpmath.workdps(60):
        value = 2 * mpmath.pi * _mp(angle.turns) + _mp(angle.radians)
        return angle, value + sum(_mp(weight * BINDINGS[name]) for name, weight in angle.symbols)


def _at_sixty(function: Callable[..., mpmath.mpf]) -> Callable[..., mpmath.mpf]:
    def rounded(*values: mpmath.mpf) -> mpmath.mpf:
        with mpmath.workdps(60):
            return function(*values)

    return rounded


valued_angles = angles.map(_angle_with_value)
valued = st.recursive(
    st.one_of(
        rationals.map(Scalar.rational).map(_with_value),
        names.map(Scalar.symbol).map(_with_value),
        st.sampled_from([2, 3, 5, 7]).map(lambda d: (Scalar.sqrt(d), _at_sixty(mpmath.sqrt)(d))),
        valued_angles.map(lambda a: (Scalar.cos(a[0]), _at_sixty(mpmath.cos)(a[1]))),
        valued_angles.map(lambda a: (Scalar.sin(a[0]), _at_sixty(mpmath.sin)(a[1]))),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: (a[0] + b[0], _at_sixty(mpmath.fadd)(a[1], b[1])), inner, inner),
        st.builds(lambda a, b: (a[0] * b[0], _at_sixty(mpmath.fmul)(a[1], b[1])), inner, inner),
    ),
    max_leaves=6,
)


@FEW
@given(valued)
def test_canonical_forms_keep_the_value(pair: tuple[Scalar, mpmath.mpf]) -> None:
    """The same expression computed by mpmath beside us, which knows nothing of canonical forms."""
    scalar, value = pair
    middle, radius = scalar.enclose(BINDINGS, 160)
    with mpmath.workdps(60):
        assert abs(value - _mp(middle)) <= _mp(radius) + mpmath.mpf(10) ** -50 * (1 + abs(value))


@FEW
@given(scalars)
def test_substitution_then_value_is_value(scalar: Scalar) -> None:
    inside = scalar.substitute(BINDINGS)
    assert inside.symbols() == frozenset()
    assert inside.to_float() == scalar.to_float(BINDINGS)


@settings(max_examples=25, deadline=None)
@given(scalars)
def test_to_sympy_is_the_same_number(scalar: Scalar) -> None:
    expression = scalar.to_sympy()
    values = {
        s: sympy.Rational(BINDINGS[str(s)].numerator, BINDINGS[str(s)].denominator) for s in expression.free_symbols
    }
    difference = sympy.N(expression.subs(values), 40, maxn=200) - sympy.Float(mpmath.nstr(_reference(scalar), 50), 40)
    assert abs(difference) < 1e-30


def _reference(scalar: Scalar) -> mpmath.mpf:
    with mpmath.workdps(60):
        return +independent_value(scalar)


@FEW
@given(st.lists(st.lists(integers, min_size=4, max_size=4), min_size=1, max_size=5))
def test_rank_equals_sympys(rows: list[list[int]]) -> None:
    matrix = Matrix.from_rows(rows)
    certificate = matrix.rank()
    assert certificate.rank == sympy.Matrix(rows).rank()
    assert certificate.verify(matrix)


@FEW
@given(matrices(5, 6, st.one_of(scalars, rationals.map(Scalar.rational))), st.sampled_from(["columns", "rows"]))
def test_factors_multiply_back(target: Matrix, prefer: str) -> None:
    factors = factorize(target, prefer=prefer)  # type: ignore[arg-type]
    assert factors.left.T @ factors.right == target
    assert factors.certificate.verify(target)
    assert factors.certificate.rank <= factors.dimension <= min(target.shape)


@FEW
@given(matrices(4, 2, rationals.map(Scalar.rational)), matrices(2, 5, rationals.map(Scalar.rational)))
def test_rational_factors_have_as_many_rows_as_the_rank(left: Matrix, right: Matrix) -> None:
    factors = factorize((left @ right).scale(Scalar.symbol("beta")))
    assert factors.is_least
    assert factors.dimension <= 2


@FEW
@given(matrices(3, 3, scalars), matrices(3, 3, scalars))
def test_lowering_is_a_homomorphism_and_gives_the_right_numbers(a: Matrix, b: Matrix) -> None:
    with mpmath.workdps(50):
        product = a @ b
        for i in range(3):
            for j in range(3):
                terms = [independent_value(a[i, k]) * independent_value(b[k, j]) for k in range(3)]
                size = sum(abs(t) for t in terms)
                assert abs(product[i, j].to_float(BINDINGS) - sum(terms, mpmath.mpf(0))) <= size * 2.0**-52
