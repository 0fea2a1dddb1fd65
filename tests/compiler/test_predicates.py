"""Predicates of ``expect head`` on small sequences, with masks written by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.claims import HeadExpectation
from compiler.predicates import evaluate_predicate, expectation_targets
from dsl.diagnostics import SpecError
from dsl.expressions import Binary, Comparison, Expr, Member, Name, Range, SetOf, Text, TokenAt, Truth, Unary
from tests.compiler.handmade_programs import number

WORDS = ("a", "b", "c", "3", "12", "None")
Q, K = Member("query", "position"), Member("key", "position")
A, B, C, THREE, TWELVE = range(5)


def mask(expr: Expr, *row: int) -> list[list[bool]]:
    result = evaluate_predicate(expr, np.array([row]), WORDS, 16)
    assert result.shape == (1, len(row), len(row))
    assert result.dtype == np.bool_
    return result[0].tolist()


def where(expr: Expr, *row: int) -> set[tuple[int, int]]:
    """The (query, key) pairs at which it holds."""
    return {(q, k) for q, line in enumerate(mask(expr, *row)) for k, true in enumerate(line) if true}


def same(left: Expr, right: Expr) -> Comparison:
    return Comparison("==", left, right)


def test_positions():
    previous = same(K, Binary("-", Q, number(1)))
    assert where(previous, A, A, A) == {(1, 0), (2, 1)}
    assert where(Comparison("<", K, Q), A, A) == {(1, 0)}
    assert where(Comparison("!=", K, Q), A, A) == {(1, 0), (0, 1)}
    assert where(same(Binary("*", K, number(2)), Q), A, A, A) == {(0, 0), (2, 1)}


def test_the_induction_predicate():
    followed = same(TokenAt(Binary("-", K, number(1))), TokenAt(Q))
    # a b c a: the query at 3 reads a; the key 1 follows the a at 0.
    assert {(q, k) for q, k in where(followed, A, B, C, A) if k <= q} == {(3, 1)}


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_an_index_outside_the_sequence_makes_every_comparison_false(operator: str):
    before = Comparison(operator, TokenAt(Binary("-", K, number(1))), Text("zzz"))  # type: ignore[arg-type]
    assert not any(line[0] for line in mask(before, A, B))
    after = Comparison(operator, TokenAt(Binary("+", K, number(1))), number(3))  # type: ignore[arg-type]
    assert not any(line[-1] for line in mask(after, THREE, THREE, THREE))


def test_not_negates_the_false_comparison():
    outside = same(TokenAt(number(9)), Text("a"))
    assert where(outside, A) == set()
    assert where(Unary("not", outside), A) == {(0, 0)}
    assert where(Comparison("in", TokenAt(number(-1)), SetOf((Text("a"),))), A) == set()


def test_division_rounds_down_and_by_zero_is_false():
    assert where(same(Binary("//", K, number(2)), number(1)), A, A, A, A) == {(q, k) for q in range(4) for k in (2, 3)}
    assert where(same(Binary("mod", Binary("-", K, number(1)), number(3)), number(2)), A, A) == {(0, 0), (1, 0)}
    for operator in ("//", "mod"):
        by_key = Binary(operator, Q, K)  # type: ignore[arg-type]
        assert not any(line[0] for line in mask(Comparison(">=", by_key, number(-99)), A, A))
        assert not any(line[0] for line in mask(Comparison("!=", by_key, number(-99)), A, A))


def test_tokens_compare_as_texts_and_with_integers():
    here = TokenAt(K)
    assert [mask(same(here, number(n)), A, THREE, TWELVE)[0] for n in (3, 12, 4)] == [
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]
    assert mask(Comparison("!=", here, number(3)), A, THREE)[0] == [True, False]
    assert mask(Comparison("!=", here, Text("nowhere")), A, THREE)[0] == [True, True]
    assert mask(Comparison(">", here, number(3)), A, THREE, TWELVE)[0] == [False, False, True]
    assert mask(same(Binary("+", here, number(9)), number(12)), A, THREE)[0] == [False, True]
    # 2 < 12 as numbers, though not as texts; token against token goes by number too.
    assert mask(Comparison("<", TokenAt(K), TokenAt(number(1))), THREE, TWELVE)[0] == [True, False]


def test_a_token_can_be_an_index():
    assert mask(same(TokenAt(TokenAt(number(0))), Text("c")), THREE, A, B, C)[0] == [True] * 4


def test_sets_and_ranges():
    among = Comparison("in", K, SetOf((number(0), Range(number(2), number(3)))))
    assert mask(among, A, A, A, A, A)[0] == [True, False, True, True, False]
    assert mask(Comparison("in", TokenAt(K), SetOf((Range(Text("a"), Text("b")),))), A, B, C)[0] == [True, True, False]
    assert mask(Comparison("in", TokenAt(K), Range(number(0), number(9))), A, THREE, TWELVE)[0] == [False, True, False]
    assert mask(Comparison("in", TokenAt(K), SetOf((number(3), Text("a")))), A, THREE, B)[0] == [True, True, False]


def test_truth_and_connectives():
    assert where(Truth(True), A) == {(0, 0)}
    assert where(Truth(False), A) == set()
    first, second = same(K, number(0)), same(Q, number(1))
    assert where(Binary("and", first, second), A, A) == {(1, 0)}
    assert where(Binary("or", first, second), A, A) == {(0, 0), (1, 0), (1, 1)}


@pytest.mark.parametrize("bad", [K, number(1), same(K, Name("beta")), same(Member("key", "content"), Text("a"))])
def test_what_is_no_predicate_is_refused(bad: Expr):
    with pytest.raises(SpecError) as caught:
        mask(bad, A)
    assert caught.value.diagnostics[0].code == "E0452"


def test_targets_are_causal_and_otherwise_speaks_where_nothing_does():
    predicate = same(TokenAt(K), Text("b"))
    support, speaks = expectation_targets(HeadExpectation("h", predicate, None), np.array([[A, B, B]]), WORDS, 4)
    assert support[0].tolist() == [[False] * 3, [False, True, False], [False, True, True]]
    assert speaks.tolist() == [[False, True, True]]
    otherwise = HeadExpectation("h", predicate, same(K, number(0)))
    support, speaks = expectation_targets(otherwise, np.array([[A, B, B]]), WORDS, 4)
    assert support[0].tolist() == [[True, False, False], [False, True, False], [False, True, True]]
    assert speaks.all()


# ------------------------------------------------------------------ against a loop


numbers_ = st.recursive(
    st.one_of(st.just(K), st.just(Q), st.integers(-3, 4).map(number), st.builds(TokenAt, st.just(K))),
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "//", "mod"]), inner, inner), st.builds(TokenAt, inner)
    ),
    max_leaves=4,
)
statements = st.recursive(
    st.builds(Comparison, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers_, numbers_),
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from(["and", "or"]), inner, inner), st.builds(Unary, st.just("not"), inner)
    ),
    max_leaves=4,
)


class Undefined(Exception):
    pass


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
}
ORDER: dict[str, Callable[[object, object], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


def slow_value(expr: Expr, words: list[str], q: int, k: int) -> int | str:
    match expr:
        case TokenAt(index):
            i = slow_number(index, words, q, k)
            if not 0 <= i < len(words):
                raise Undefined
            return words[i]
        case Binary(operator, left, right):
            a, b = slow_number(left, words, q, k), slow_number(right, words, q, k)
            if operator in ("//", "mod") and b == 0:
                raise Undefined
            return ARITHMETIC[operator](a, b)
        case Member(owner):
            return q if owner == "query" else k
        case _:
            return int(expr.value)  # type: ignore[union-attr, arg-type]


def slow_number(expr: Expr, words: list[str], q: int, k: int) -> int:
    value = slow_value(expr, words, q, k)
    try:
        return int(value)
    except ValueError:
        raise Undefined from None


def slow(expr: Expr, words: list[str], q: int, k: int) -> bool:
    match expr:
        case Unary(_, operand):
            return not slow(operand, words, q, k)
        case Binary(operator, left, right):
            sides = slow(left, words, q, k), slow(right, words, q, k)
            return all(sides) if operator == "and" else any(sides)
        case Comparison(operator, left, right):
            try:
                if operator in ("==", "!="):
                    return ORDER[operator](str(slow_value(left, words, q, k)), str(slow_value(right, words, q, k)))
                return ORDER[operator](slow_number(left, words, q, k), slow_number(right, words, q, k))
            except Undefined:
                return False
    raise AssertionError(expr)


@given(statements, st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_masks_agree_with_a_loop(expr: Expr, row: list[int]):
    words = [WORDS[i] for i in row]
    expected = {(q, k) for q, k in itertools.product(range(len(row)), repeat=2) if slow(expr, words, q, k)}
    assert where(expr, *row) == expected
