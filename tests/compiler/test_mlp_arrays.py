"""What the MLP compiler does with arrays, against the same by one value at a time."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.computing import (
    Arithmetic,
    Choice,
    Compared,
    Contained,
    Fixed,
    Junction,
    LookedUp,
    Negation,
    Negative,
    Read,
    ValueExpr,
)
from compiler.different import different
from compiler.encodings import Phase, ScalarValue, Subspace
from compiler.exact import Scalar
from compiler.mlp import combining
from compiler.mlp.affine import Finished, finish
from compiler.mlp.checking import check
from compiler.mlp.choosing import Chooser
from compiler.mlp.combining import integer_codes
from compiler.mlp.domains import Domain, Group
from compiler.mlp.evaluating import NoValue, function_of
from compiler.mlp.forms import Form
from compiler.mlp.pieces import Fewest, Pricing, every_piece
from compiler.mlp.reading import Reader
from compiler.mlp.ridges import shapes
from compiler.mlp.tabulating import Rule, TooWide, at_least, combined, sums, tabulated, values_at
from compiler.mlp.targets import Target
from compiler.mlp.vectors import Vector
from dsl.expressions import Number

LOW, HIGH = -2, 3
NAMES = ("a", "b")

numbers = st.deferred(
    lambda: st.one_of(
        st.sampled_from([Read(name) for name in NAMES]),
        st.integers(-4, 4).map(Fixed),
        st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "//", "mod"]), numbers, numbers),
        st.builds(Negative, numbers),
        st.builds(Choice, truths, numbers, numbers),
        st.builds(LookedUp, st.just("t"), st.just(((0, 5), (1, -3), (2, 0))), numbers),
    )
)
truths = st.deferred(
    lambda: st.one_of(
        st.builds(Compared, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers, numbers),
        st.builds(Contained, numbers, st.just((-1, 2))),
        st.builds(Junction, st.sampled_from(["and", "or"]), truths, truths),
        st.builds(Negation, truths),
    )
)


def reads(value: ValueExpr) -> list[Read]:
    """Every place of a read, each an object of its own."""
    if isinstance(value, Read):
        return [value]
    below = [getattr(value, name) for name in value.__dataclass_fields__]
    return [read for part in below if hasattr(part, "span") for read in reads(part)]


@settings(max_examples=200, deadline=None)
@given(value=st.one_of(numbers, truths))
def test_all_rows_at_once_are_as_one_by_one(value: ValueExpr) -> None:
    rows = list(product(range(LOW, HIGH + 1), repeat=len(NAMES)))
    columns = dict(zip(NAMES, np.array(rows, dtype=np.int64).T, strict=True))
    try:
        found = tabulated(value, {id(read): columns[read.subspace] for read in reads(value)}, len(rows))
    except TooWide:
        return
    function = function_of(value, {name: i for i, name in enumerate(NAMES)})
    for row, shown, known in zip(rows, found.value.tolist(), found.known.tolist(), strict=True):
        try:
            wanted = function(row)
        except NoValue:
            assert not known
        else:
            assert known and shown == wanted


def test_what_may_not_fit_is_left_to_integers_of_any_size() -> None:
    wide = Arithmetic("*", Fixed(1 << 40), Fixed(1 << 40))
    for value in (wide, Fixed(1 << 62), Arithmetic("+", Fixed(1 << 61), Fixed(1 << 61)), Fixed("a")):
        with pytest.raises(TooWide):
            tabulated(value, {}, 1)
    with pytest.raises(TooWide):
        combined(np.array([[1 << 40]]), [1 << 40], 0, 1)


def test_texts_and_wide_integers_are_gone_through_one_by_one() -> None:
    places, read = np.array([[0], [1]]), Read("t")
    letter = {id(read): Rule([1], 0, 1, lambda number: "ab"[number])}
    assert values_at(Compared("==", read, Fixed("b")), letter, places) == {(0,): False, (1,): True}
    wide = {id(read): Rule([1 << 70], 5, 1, int)}
    assert values_at(Arithmetic("+", read, Fixed(1)), wide, places) == {(0,): 6, (1,): (1 << 70) + 6}
    assert values_at(Arithmetic("//", Fixed(1), read), {id(read): Rule([1], 0, 1, int)}, places) == {(1,): 1}


@given(rows=st.lists(st.tuples(st.integers(-3, 3), st.integers(-(2**40), 2**40), st.integers(-1, 1))))
def test_different_rows_are_in_order_each_once(rows: list[tuple[int, int, int]]) -> None:
    found = different(np.array(rows, dtype=np.int64).reshape(-1, 3))
    assert list(map(tuple, found.tolist())) == sorted(set(rows))


def test_rows_of_integers_of_any_size_stay_exact() -> None:
    rows = [(1 << 80, 0), (0, 1), (1 << 80, 0), (-1, 1 << 90)]
    assert list(map(tuple, different(np.array(rows, dtype=np.object_)).tolist())) == sorted(set(rows))


@given(groups=st.lists(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=4), max_size=4))
def test_sums_are_those_of_one_row_of_each_group(groups: list[list[tuple[int, int]]]) -> None:
    found = sums(groups, 2, 1 << 10)
    assert found is not None
    wanted = {(sum(one for one, _ in rows), sum(two for _, two in rows)) for rows in product(*groups)}
    assert list(map(tuple, found.tolist())) == sorted(wanted)


@given(
    groups=st.lists(
        st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 1)), min_size=1, max_size=4),
        max_size=4,
    )
)
def test_there_are_at_least_as_many_sums_as_is_said(groups: list[list[tuple[int, int, int]]]) -> None:
    wanted = {tuple(map(sum, zip((0, 0, 0), *rows, strict=True))) for rows in product(*groups)}
    assert at_least(groups, 3) <= len(wanted)
    apart = [[(r, 0, 0) for r in range(4)], [(0, r, 0) for r in range(5)], [(0, 1, r) for r in range(6)]]
    assert at_least(apart, 3) == 120 and sums(apart, 3, 119) is None


def test_too_many_sums_are_none() -> None:
    assert sums([[(i, 0) for i in range(10)], [(0, i) for i in range(10)]], 2, 99) is None
    assert [len(found) for found in (sums([[()], [()]], 0, 1), sums([[()], []], 0, 1)) if found is not None] == [1, 0]


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=30, unique=True), st.data())
def test_codes_are_the_same_by_places_and_by_sorting(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    weights = data.draw(st.tuples(st.integers(1, 3), st.integers(-3, 3)))
    table = {row: (weights[0] * row[0] + weights[1] * row[1]) // 2 for row in rows}
    by_places = integer_codes(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combining, "SPAN", 0)
        by_sorting = integer_codes(table)
    assert [(c.weights, c.table) for c in by_places] == [(c.weights, c.table) for c in by_sorting]
    assert weights in {c.weights for c in by_places}, "half of it, rounded down, is decided by it"
    for code in by_places:
        sums = {row: sum(w * n for w, n in zip(code.weights, row, strict=True)) for row in rows}
        assert list(code.table) == sorted(set(sums.values()))
        assert all(code.table[sums[row]] == answer for row, answer in table.items())


# -------------------------------------------------------------------- pieces of a function


def chooser(low: int, high: int, *, biases: bool) -> Chooser:
    subspace = Subspace("s", ScalarValue(low, high), (0,), ("value",))
    group = Group(("s",), tuple((value,) for value in range(low, high + 1)), None)
    return Chooser(Reader(Domain((group,), {"s": subspace})), biases, gated_units=False)


@settings(max_examples=200, deadline=None)
@given(st.integers(-4, 4), st.lists(st.integers(-3, 3), min_size=2, max_size=9), st.booleans())
def test_the_piece_that_is_built_is_the_cheapest_of_all(low: int, values: list[int], biases: bool) -> None:
    points = list(range(low, low + len(values)))
    vectors: list[Vector] = [{0: Fraction(value)} if value else {} for value in values]
    tried, form = chooser(points[0], points[-1], biases=biases), Form.of({0: 1})
    for ridge in shapes(points, vectors):
        every = [tried._finish(one) for one in every_piece(ridge, form)]
        built = [tried._finish(one) for one in Pricing(ridge, form, tried.domain, biases).cheapest(Fewest())]
        assert min(one.cost for one in built) == min(one.cost for one in every)
        least = tried_least(vectors, points)
        assert all(least <= len(one.bends) for one in every)
        assert least <= len(ridge.knots) - 1
    assert least == len(ridge.knots) - 1, "the last shape is the one with the fewest knots"


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-4, 4),
    st.lists(st.integers(-3, 3), min_size=1, max_size=9),
    st.booleans(),
    st.fractions(-2, 2, max_denominator=3).filter(bool),
    st.integers(-2, 2),
)
def test_what_is_priced_is_what_is_built(
    low: int, values: list[int], biases: bool, scale: Fraction, constant: int
) -> None:
    points = list(range(low, low + len(values)))
    vectors: list[Vector] = [{0: Fraction(value)} if value else {} for value in values]
    tried, form = chooser(points[0], points[-1], biases=biases), Form.of({0: scale}, constant)
    for ridge in shapes(points, vectors):
        priced = Pricing(ridge, form, tried.domain, biases)
        for piece in ridge.pieces():
            assert priced.piece(piece) == tried._finish(ridge.as_sum(form, piece)).cost
        for i in range(len(ridge.knots) if all(ridge.slopes) else 0):
            assert priced.pivot(i) == tried._finish(ridge.around(form, i)).cost


def tried_least(vectors: list[Vector], points: list[int]) -> int:
    """``Target.least`` of a line's value, less the knot that may share its neuron with what is passed on."""
    target = Target(Subspace("out", ScalarValue(-9, 9), (0,), ("value",)))
    answers = [int(vector.get(0, 0)) for vector in vectors]  # type: ignore[arg-type]
    kinds = {answer: kind for kind, answer in enumerate(dict.fromkeys(answers))}
    return target.least(np.array(points), np.array([kinds[a] for a in answers]), list(kinds)) - 1


# -------------------------------------------------------------------- neurons against their expression


def found_for(value: ValueExpr, biases: bool = True) -> tuple[Domain, Target, Finished]:
    tried = chooser(-3, 6, biases=biases)
    target = Target(Subspace("out", ScalarValue(-40, 40), (0,), ("value",)))
    found = tried.smallest(value, target)
    assert found is not None
    return tried.domain, target, found


VALUE = Arithmetic("*", Read("s"), Arithmetic("mod", Read("s"), Fixed(3)))


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("scale", [1, Fraction(1, 3), 2**70])
def test_neurons_are_held_against_their_expression(biases: bool, scale: Fraction | int) -> None:
    domain, target, found = found_for(VALUE, biases)
    bends = tuple(
        type(b)(b.form.times(scale), {i: e / scale for i, e in b.out.items()}, b.label)  # type: ignore[operator]
        for b in found.bends
    )
    check(domain, VALUE, target, Finished(found.sum, bends, found.constant))
    for i, bend in enumerate(bends):
        for wrong in (
            type(bend)(bend.form.plus(Fraction(1, 2)), bend.out, ""),
            type(bend)(bend.form, {0: bend.out[0] + Fraction(1, 2**80)}, ""),  # type: ignore[operator]
        ):
            spoiled = Finished(found.sum, (*bends[:i], wrong, *bends[i + 1 :]), found.constant)
            with pytest.raises(AssertionError):
                check(domain, VALUE, target, spoiled)


def test_entries_that_are_not_rational_are_held_against_their_expression() -> None:
    """cos and sin of s mod 3, also where an error has monomials of its own, or cancels in one of two components."""
    tried, value = chooser(-3, 6, biases=True), Arithmetic("mod", Read("s"), Fixed(3))
    phase = Phase(0, 2, 1, (Number(Fraction(1)),), (Number(Fraction(1)),))
    target = Target(Subspace("turn", phase, (0, 1), ("cos0", "sin0")))
    found = tried.smallest(value, target)
    assert found is not None
    check(tried.domain, value, target, found)
    for i, bend in enumerate(found.bends):
        for wrong in ({0: bend.out[0], 1: bend.out[1] + Scalar.sqrt(2)}, {0: bend.out[0]}):  # type: ignore[operator]
            spoiled = (*found.bends[:i], type(bend)(bend.form, wrong, ""), *found.bends[i + 1 :])
            with pytest.raises(AssertionError):
                check(tried.domain, value, target, Finished(found.sum, spoiled, found.constant))
    with pytest.raises(AssertionError):
        check(tried.domain, value, target, Finished(found.sum, found.bends, {}))


def test_a_constant_that_is_missing_is_found() -> None:
    value = Arithmetic("+", VALUE, Fixed(20))
    domain, target, found = found_for(value)
    assert found.constant
    with pytest.raises(AssertionError):
        check(domain, value, target, Finished(found.sum, found.bends, {}))


def test_nothing_to_write_takes_no_neurons() -> None:
    domain, target, found = found_for(Arithmetic("*", Read("s"), Fixed(0)))
    assert not finish(found.sum, domain, biases=False).bends
    check(domain, Fixed(0), target, found)
