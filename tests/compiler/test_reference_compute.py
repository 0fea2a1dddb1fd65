"""What ``compute`` lines mean: held against a plain evaluation in Python, and by hand where nothing is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.computing import (
    Arithmetic,
    Choice,
    Compared,
    Compute,
    Contained,
    Fixed,
    Junction,
    LookedUp,
    Negation,
    Negative,
    Read,
    ValueExpr,
)
from compiler.encodings import Encoding, OneHot, Quadratic, ScalarValue
from compiler.heads import Equal, Head, Related, Term
from compiler.program import Program
from compiler.reference import Kind, Meaning, Status, interpret
from tests.compiler.handmade_programs import copy, ids, number, phase, program

DIGITS = ("0", "1", "2", "3")
CONTEXT = 6
TURN = phase(0, 9)  # frequencies 1 and 1/10: no period

SPACES: dict[str, Encoding] = {
    "text": OneHot(DIGITS, ordered=False),
    "digit": OneHot((0, 1, 2, 3), ordered=True),
    "scale": ScalarValue(0, CONTEXT),
    "square": Quadratic(0, CONTEXT),
    "place": TURN,
    "empty": OneHot((0, 1), ordered=True),
    "mean": OneHot((0, 1, 2, 3), ordered=True),
    "out": OneHot(tuple(range(-60, 61)), ordered=True),
    "out_number": ScalarValue(-60, 60),
    "out_square": Quadratic(-60, 60),
    "out_phase": phase(-60, 60),
    "out_text": OneHot(DIGITS, ordered=False),
}
EMBEDS = [("token", "text"), ("token", "digit"), ("position", "scale"), ("position", "square"), ("position", "place")]
AVERAGE = Head("average", 0, 0, copies=(copy("digit", "mean"),))


def with_computes(*computes: Compute, layers: int = 1) -> Program:
    made = program(DIGITS, CONTEXT, SPACES, EMBEDS, [[AVERAGE], *([[]] * (layers - 1))], ("out",))
    return dataclasses.replace(made, computes=computes)


def stream(tokens: list[int], q: int) -> dict[str, Any]:
    """What every subspace holds at position q; None where it is no value."""
    seen = set(tokens[: q + 1])
    numbers = dict.fromkeys(("scale", "square", "place"), q)
    mean = tokens[q] if len(seen) == 1 else None
    return {"text": DIGITS[tokens[q]], "digit": tokens[q], "empty": None, "mean": mean} | numbers


# ------------------------------------------------------------------ a second evaluation, one position at a time


def run(expression: ValueExpr, held: Mapping[str, Any]) -> Any:
    """The value as Python reckons it; None where it is not determined."""
    match expression:
        case Read(name):
            return held[name]
        case Fixed(value):
            return value
        case Arithmetic(operator, left, right):
            return arithmetic(operator, run(left, held), run(right, held))
        case Negative(operand):
            value = run(operand, held)
            return None if value is None else -value
        case Compared(operator, left, right):
            a, b = run(left, held), run(right, held)
            return None if a is None or b is None else eval_comparison(operator, a, b)
        case Contained(operand, values):
            value = run(operand, held)
            return None if value is None else value in values
        case Junction(operator, left, right):
            sides = {run(left, held), run(right, held)}
            if (operator == "or") in sides:
                return operator == "or"
            return None if None in sides else operator == "and"
        case Negation(operand):
            value = run(operand, held)
            return None if value is None else not value
        case Choice(condition, then, otherwise):
            chosen = run(condition, held)
            return None if chosen is None else run(then if chosen else otherwise, held)
        case LookedUp(_, pairs, argument):
            return dict(pairs).get(run(argument, held))


def arithmetic(operator: str, a: int | None, b: int | None) -> int | None:
    if a is None or b is None or (operator in ("//", "mod") and b == 0):
        return None
    results: dict[str, Callable[[], int]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "//": lambda: a // b,
        "mod": lambda: a % b,
    }
    found = results[operator]()
    return found if abs(found) < 2**40 else None


def eval_comparison(operator: str, a: Any, b: Any) -> bool:
    if operator in ("==", "!="):
        return (a == b) == (operator == "==")
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


integers: st.SearchStrategy[ValueExpr] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["digit", "scale", "square", "place", "mean", "empty"]).map(Read),
        st.integers(-9, 9).map(Fixed),
        st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "//", "mod"]), integers, integers),
        st.builds(Negative, integers),
        st.builds(Choice, truths, integers, integers),
        st.builds(LookedUp, st.just("t"), st.just(((0, 5), (2, -7), (3, 3))), integers),
        st.builds(LookedUp, st.just("s"), st.just((("0", 2), ("1", 4), ("3", 0))), texts),
    )
)
texts: st.SearchStrategy[ValueExpr] = st.deferred(
    lambda: st.one_of(
        st.just(Read("text")),
        st.sampled_from(DIGITS).map(Fixed),
        st.builds(Choice, truths, texts, texts),
        st.builds(LookedUp, st.just("u"), st.just(((0, "3"), (1, "1"), (2, "2"))), integers),
    )
)
truths: st.SearchStrategy[ValueExpr] = st.deferred(
    lambda: st.one_of(
        st.booleans().map(Fixed),
        st.builds(Compared, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), integers, integers),
        st.builds(Compared, st.sampled_from(["==", "!="]), texts, texts),
        st.builds(Contained, integers, st.just((1, 2, 5))),
        st.builds(Contained, texts, st.just(("0", "3"))),
        st.builds(Junction, st.sampled_from(["and", "or"]), truths, truths),
        st.builds(Negation, truths),
    )
)
sequences = st.lists(st.integers(0, 3), min_size=1, max_size=CONTEXT)


def held(meaning: Meaning, name: str, q: int) -> Any:
    return meaning.values[name].value(meaning.codec, 0, q)


@given(expression=integers, tokens=sequences, target=st.sampled_from(["out", "out_number", "out_square", "out_phase"]))
def test_law_integers_are_what_python_says(expression: ValueExpr, tokens: list[int], target: str) -> None:
    p = with_computes(Compute(target, expression, 0))
    meaning = interpret(p, ids(p, " ".join(DIGITS[t] for t in tokens)), with_values=True)
    for q in range(len(tokens)):
        expected = run(expression, stream(tokens, q))
        inside = expected is not None and -60 <= expected <= 60
        assert held(meaning, target, q) == (expected if inside else Kind.UNKNOWN)


@given(expression=texts, tokens=sequences)
def test_law_texts_are_what_python_says(expression: ValueExpr, tokens: list[int]) -> None:
    p = with_computes(Compute("out_text", expression, 0))
    meaning = interpret(p, ids(p, " ".join(DIGITS[t] for t in tokens)), with_values=True)
    for q in range(len(tokens)):
        expected = run(expression, stream(tokens, q))
        assert held(meaning, "out_text", q) == (Kind.UNKNOWN if expected is None else expected)


@given(condition=truths, tokens=sequences)
def test_law_truth_values_choose(condition: ValueExpr, tokens: list[int]) -> None:
    p = with_computes(Compute("out", Choice(condition, Fixed(1), Fixed(0)), 0))
    meaning = interpret(p, ids(p, " ".join(DIGITS[t] for t in tokens)), with_values=True)
    for q in range(len(tokens)):
        expected = run(condition, stream(tokens, q))
        assert held(meaning, "out", q) == (Kind.UNKNOWN if expected is None else int(expected))


# ------------------------------------------------------------------ by hand


def value(expression: ValueExpr, text: str = "1 2", target: str = "out") -> Any:
    """What ``expression`` is at the last of the tokens."""
    p = with_computes(Compute(target, expression, 0))
    tokens = ids(p, text)
    return held(interpret(p, tokens, with_values=True), target, tokens.shape[1] - 1)


EMPTY, MIXED = Read("empty"), Read("mean")
YES, NO = Fixed(True), Fixed(False)
UNSURE = Compared("==", EMPTY, Fixed(1))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (EMPTY, None),
        (MIXED, None),
        (Arithmetic("*", Fixed(0), EMPTY), None),
        (Choice(YES, Fixed(3), EMPTY), 3),
        (Choice(NO, Fixed(3), MIXED), None),
        (Choice(NO, EMPTY, Fixed(4)), 4),
        (Choice(UNSURE, Fixed(3), Fixed(3)), None),
        (Choice(Junction("and", NO, UNSURE), Fixed(1), Fixed(0)), 0),
        (Choice(Junction("and", UNSURE, NO), Fixed(1), Fixed(0)), 0),
        (Choice(Junction("and", UNSURE, YES), Fixed(1), Fixed(0)), None),
        (Choice(Junction("or", UNSURE, YES), Fixed(1), Fixed(0)), 1),
        (Choice(Junction("or", NO, UNSURE), Fixed(1), Fixed(0)), None),
        (Choice(Negation(UNSURE), Fixed(1), Fixed(0)), None),
        (Arithmetic("//", Fixed(-7), Fixed(2)), -4),
        (Arithmetic("mod", Fixed(-7), Fixed(3)), 2),
        (Arithmetic("mod", Fixed(7), Fixed(-3)), -2),
        (Arithmetic("//", Fixed(7), Arithmetic("-", Read("digit"), Fixed(2))), None),
        (Arithmetic("*", Fixed(10**12), Fixed(10**12)), None),
        (Arithmetic("*", Fixed(2**33), Fixed(2**33)), None),
        (Fixed(61), None),
        (LookedUp("t", ((1, 9),), Read("digit")), None),
        (LookedUp("t", ((2, 9),), Read("digit")), 9),
    ],
)
def test_what_is_determined(expression: ValueExpr, expected: int | None) -> None:
    assert value(expression) == (Kind.UNKNOWN if expected is None else expected)


def test_a_mean_of_equal_values_is_that_value() -> None:
    assert value(MIXED, "2 2 2") == 2


def test_a_number_that_nothing_was_written_to_is_zero() -> None:
    assert value(Arithmetic("+", Read("out_number"), Fixed(5))) == 5


def test_a_number_outside_its_range_is_undetermined() -> None:
    """``scale`` is declared as 0..6: an MLP is exact there and nowhere else."""
    twice = Compute("scale", Fixed(6), 0)
    then = Compute("out", Read("scale"), 1)
    p = with_computes(twice, then, layers=2)
    meaning = interpret(p, ids(p, "0 1"), with_values=True)
    assert [held(meaning, "out", q) for q in (0, 1)] == [6, Kind.UNKNOWN]


def test_a_value_is_added_to_what_is_there() -> None:
    added = with_computes(Compute("out_number", Read("digit"), 0), Compute("out_number", Read("scale"), 0))
    meaning = interpret(added, ids(added, "3 2"), with_values=True)
    assert [held(meaning, "out_number", q) for q in (0, 1)] == [3, 3]
    twice = with_computes(Compute("out", Read("digit"), 0), Compute("out", Read("scale"), 0))
    assert held(interpret(twice, ids(twice, "3 2"), with_values=True), "out", 1) is Kind.MIXED


def test_computes_of_a_layer_do_not_see_each_other_and_those_of_the_next_do() -> None:
    first, second = Compute("out_number", Fixed(7), 0), Compute("out", Read("out_number"), 0)
    same = with_computes(first, second)
    assert held(interpret(same, ids(same, "0"), with_values=True), "out", 0) == 0
    later = with_computes(first, dataclasses.replace(second, layer=1), layers=2)
    assert held(interpret(later, ids(later, "0"), with_values=True), "out", 0) == 7


def test_computes_see_what_the_heads_of_their_layer_wrote_and_heads_of_the_next_see_the_result() -> None:
    """The count of ones so far is not a value; whether all so far are equal is."""
    look = Head("look", 1, 0, (Term(Equal("digit", "out")),), copies=(copy("digit", "mean"),))
    p = with_computes(Compute("out", Arithmetic("+", MIXED, Fixed(1)), 0), layers=2)
    p = dataclasses.replace(p, layers=(p.layers[0], (look,)))
    meaning = interpret(p, ids(p, "1 1 2"))
    assert meaning.head("look").status[0].tolist() == [Status.UNCLAIMED, Status.UNCLAIMED, Status.UNDETERMINED]
    meaning = interpret(p, ids(p, "1 1"), with_values=True)
    assert held(meaning, "out", 1) == 2


def test_a_key_that_is_not_determined_opens_the_query() -> None:
    look = Head("look", 1, 0, (Term(Related("out", "digit", tuple((d, (d,)) for d in range(4)))),))
    p = with_computes(Compute("out", MIXED, 0), layers=2)
    p = dataclasses.replace(p, layers=(p.layers[0], (look,)))
    assert interpret(p, ids(p, "1 1")).head("look").status[0].tolist() == [Status.FIT, Status.FIT]
    assert interpret(p, ids(p, "1 2")).head("look").status[0].tolist() == [Status.FIT, Status.UNDETERMINED]


def test_predictions_read_what_was_computed() -> None:
    p = with_computes(Compute("out", Arithmetic("mod", Arithmetic("+", Read("digit"), Fixed(1)), Fixed(4)), 0))
    prediction = interpret(p, ids(p, "0 3 1"), every_position=True).predictions[0]
    assert prediction.right[0].argmax(axis=1).tolist() == [1, 0, 2]
    assert prediction.determined.all()
    undetermined = with_computes(Compute("out", EMPTY, 0))
    assert not interpret(undetermined, ids(undetermined, "0")).predictions[0].determined.any()


def test_a_circle_that_closes_keeps_one_of_its_values() -> None:
    tenth = phase(0, 9, number(0))
    closed = dataclasses.replace(with_computes(Compute("out_phase", Fixed(12), 0)))
    assert held(interpret(closed, ids(closed, "0"), with_values=True), "out_phase", 0) == 12
    spaces = SPACES | {"out_phase": tenth}
    made = program(DIGITS, CONTEXT, spaces, EMBEDS, [[AVERAGE]])
    made = dataclasses.replace(made, computes=(Compute("out_phase", Fixed(12), 0),))
    assert held(interpret(made, ids(made, "0"), with_values=True), "out_phase", 0) == 0
