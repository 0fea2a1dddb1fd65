"""Formulas: the canonical form against matrices of random numbers, and what is said of those that differ."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from compiler.exact import Matrix, Scalar
from compiler.exact.angle import Angle
from compiler.formulas.comparing import canonical, difference, evaluate, names_of, same
from dsl.answers.formulas import formula_text, parse_formula
from dsl.diagnostics import SpecError

Numbers = NDArray[Any]
Values = dict[str, Numbers]

SHAPES = {
    "W_Q": ("d_head", "d_model"),
    "W_K": ("d_head", "d_model"),
    "W_V": ("d_head", "d_model"),
    "W_O": ("d_model", "d_head"),
    "S": ("d_model", "d_model"),
    "T": ("d_model", "d_model"),
    "X": ("d_model", "n"),
    "A": ("n", "n"),
    "A_qk": ("1", "1"),
    "x_q": ("d_model", "1"),
    "x_k": ("d_model", "1"),
    "u": ("d_model", "1"),
    "v": ("d_head", "1"),
    "w": ("n", "1"),
    "B": ("n", "d_head"),
    "G": ("d_head", "d_head"),
}


# -------------------------------------------------------------------- the oracle
# A written formula is made together with a function that computes it: nothing here reads the tree.

Written = tuple[str, Callable[[Values], Numbers]]


def values(seed: int) -> Values:
    """Random integers for every name; the sizes are random too, and all different."""
    random = Random(seed)
    model, head, n = random.sample(range(3, 7), 3)
    sizes = {"d_model": model, "d_head": head, "n": n, "1": 1}

    def matrix(rows: str, columns: str) -> Numbers:
        entries = [[random.randint(-9, 9) for _ in range(sizes[columns])] for _ in range(sizes[rows])]
        return np.array(entries, dtype=object)

    return {name: matrix(*shape) for name, shape in SHAPES.items()} | {"sizes": sizes}  # type: ignore[dict-item]


def strange(rows: Numbers) -> Numbers:
    """Stands for softmax: some function of each row, different for different rows; of a column, of its entries."""
    if rows.shape[1] == 1 and rows.shape[0] > 1:
        return strange(rows.T).T
    mixed = [[Random(hash((tuple(map(int, row)), j))).randint(-9, 9) for j in range(len(row))] for row in rows]
    return np.array(mixed, dtype=object)


@st.composite
def written(draw: st.DrawFn, shape: tuple[str, str], depth: int) -> Written:
    """A formula of ``shape``: a sum, product, multiple, transpose or softmax of smaller ones, or a name."""
    names = [name for name, found in SHAPES.items() if found == shape]
    turned = [name for name, found in SHAPES.items() if found == (shape[1], shape[0])]
    kinds = ["name"] * bool(names) + ["transposed name"] * bool(turned)
    if depth > 0:
        kinds = [*kinds, "sum", "product", "product", "multiple", "transpose", "number"]
        kinds += ["identity"] * (shape[0] == shape[1] != "1") + ["softmax"] * (depth > 1)
    kind = draw(st.sampled_from(kinds))
    less = max(0, depth - 1)
    match kind:
        case "name":
            name = draw(st.sampled_from(names))
            return name, lambda at: at[name]
        case "transposed name":
            name = draw(st.sampled_from(turned))
            return f"{name}^T", lambda at: at[name].T
        case "identity":
            return "Id", lambda at: np.eye(int(at["sizes"][shape[0]]), dtype=int).astype(object)  # type: ignore[call-overload]
        case "multiple":
            factor = draw(st.integers(-3, 3))
            text, value = draw(written(shape, less))
            return f"{factor} ({text})", lambda at: factor * value(at)
        case "transpose":
            text, value = draw(written((shape[1], shape[0]), less))
            return f"({text})^T", lambda at: value(at).T
        case "softmax":
            text, value = draw(written(shape, less - 1))
            assume(re.search(r"(?<!\w)(?!Id|softmax)[A-Za-z]", text))  # rows of a known length
            return f"softmax({text})", lambda at: strange(value(at))
    return draw(combined(kind, shape, less))


@st.composite
def combined(draw: st.DrawFn, kind: str, shape: tuple[str, str], depth: int) -> Written:
    if kind == "sum":
        (a, f), (b, g) = draw(written(shape, depth)), draw(written(shape, depth))
        sign = draw(st.sampled_from([1, -1]))
        return f"({a} {'+' if sign > 0 else '-'} ({b}))", lambda at: f(at) + sign * g(at)
    if kind == "number":
        (a, f), (b, g) = draw(written(("1", "1"), depth)), draw(written(shape, depth))
        first = draw(st.booleans())
        return (f"({a}) ({b})" if first else f"({b}) ({a})"), lambda at: f(at)[0, 0] * g(at)
    middle = draw(st.sampled_from(["d_model", "d_model", "d_head", "n", "1"]))
    (a, f), (b, g) = draw(written((shape[0], middle), depth)), draw(written((middle, shape[1]), depth))
    if draw(st.booleans()):
        return f"(({b})^T ({a})^T)^T", lambda at: f(at) @ g(at)
    return f"({a}) ({b})", lambda at: f(at) @ g(at)


shapes = st.sampled_from([("1", "1"), ("d_model", "1"), ("d_head", "d_model"), ("d_model", "d_model"), ("n", "n")])


def agree(a: Callable[[Values], Numbers], b: Callable[[Values], Numbers]) -> bool:
    return all(np.array_equal(a(values(seed)), b(values(seed))) for seed in (1, 2, 3))


@settings(max_examples=100, deadline=None)
@given(shapes.flatmap(lambda shape: st.tuples(written(shape, 3), written(shape, 3))))
def test_two_formulas_are_the_same_when_they_agree_for_all_matrices(pair: tuple[Written, Written]) -> None:
    (a, f), (b, g) = pair
    assert same(parse_formula(a), parse_formula(b), SHAPES) == agree(f, g), (a, b)


@settings(max_examples=100, deadline=None)
@given(shapes.flatmap(lambda shape: st.tuples(written(shape, 1), written(shape, 1))))
def test_small_formulas_which_are_often_the_same(pair: tuple[Written, Written]) -> None:
    (a, f), (b, g) = pair
    assert same(parse_formula(a), parse_formula(b), SHAPES) == agree(f, g), (a, b)


@settings(max_examples=40, deadline=None)
@given(shapes.flatmap(lambda shape: written(shape, 3)))
def test_the_canonical_form_is_the_same_formula(formula: Written) -> None:
    """It is written out, parsed again, and has itself for its canonical form."""
    text, value = formula
    found = canonical(parse_formula(text), SHAPES)
    if "softmax(0)" in str(found):
        return  # whose size is no longer written
    again = parse_formula(str(found))
    assert difference(canonical(again, SHAPES), found) is None
    assert difference(canonical(parse_formula(formula_text(parse_formula(text))), SHAPES), found) is None


@settings(max_examples=60, deadline=None)
@given(shapes.flatmap(lambda shape: written(shape, 3)), st.integers(1, 10**6))
def test_values_are_those_of_the_matrices(formula: Written, seed: int) -> None:
    text, value = formula
    if "softmax" in text:
        return
    at = values(seed)
    matrices = {name: Matrix.from_rows(at[name].tolist()) for name in SHAPES}
    tree = parse_formula(text)
    try:
        found = evaluate(tree, {name: matrices[name] for name in names_of(tree)})
    except SpecError as error:  # nothing but multiples of an identity without a size
        assert error.diagnostics[0].code == "E0764" and canonical(tree, SHAPES).shape is None
        return
    wanted = value(at)
    if found.shape != wanted.shape:  # numbers times an identity without a size
        assert found.shape == (1, 1)
        return
    assert [[found[i, j].as_fraction() for j in range(found.columns)] for i in range(found.rows)] == wanted.tolist()


# -------------------------------------------------------------------- what is the same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_q^T W_Q^T W_K x_k", "(W_K x_k)^T (W_Q x_q)"),
        ("W_O W_V X A^T", "(A X^T (W_O W_V)^T)^T"),
        ("(Id + S) (Id + S)", "Id + 2 S + S S"),
        ("W_O (x_q^T u) W_V", "(u^T x_q) W_O W_V"),
        ("x_q x_q^T x_k", "(x_k^T x_q) x_q"),
        ("(x_q^T u)(x_k^T u)", "u^T x_k u^T x_q"),
        ("A_qk^T u", "u A_qk"),
        ("1 + x_q^T u", "u^T x_q + 1"),
        ("(x_q^T u) Id + S", "S + (u^T x_q)"),
        ("S - S + T", "T"),
        ("softmax(X^T S X)", "softmax((X^T S^T X)^T)"),
        ("softmax(X^T S u)", "softmax(u^T S^T X)^T"),
        ("sum_k(A_qk W_O W_V x_k)", "W_O W_V sum_k(A_qk x_k)"),
        ("sum_k(A_qk (x_k + u))", "sum_k(A_qk x_k) + (sum_k(A_qk)) u"),
        ("sum_k(u^T S x_k)", "u^T S sum_k(x_k)"),
        ("sum_k(x_k x_k^T)", "sum_k(x_k x_k^T)^T"),
        ("sum_k(2 x_k)^T", "2 sum_k(x_k^T)"),
    ],
)
def test_what_is_the_same(one: str, other: str) -> None:
    assert same(parse_formula(one), parse_formula(other), SHAPES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("S T", "T S"),
        ("S", "S^T"),
        ("softmax(X^T S X)", "softmax(X^T S^T X)"),
        ("softmax(S)^T", "softmax(S^T)"),
        ("softmax(S) + softmax(T)", "softmax(S + T)"),
        ("sum_k(A_qk x_k)", "A_qk x_k"),
        ("sum_k(A_qk x_k)", "(sum_k(A_qk)) x_k"),
        ("sum_k(A_qk x_k)", "sum_k(x_k)"),
        ("x_q x_k^T", "x_k x_q^T"),
    ],
)
def test_what_is_not(one: str, other: str) -> None:
    assert not same(parse_formula(one), parse_formula(other), SHAPES)


# -------------------------------------------------------------------- what differs

SCORE, OUTPUT = "x_q^T W_Q^T W_K x_k", "W_O W_V X A^T"


@pytest.mark.parametrize(
    ("given", "right", "words"),
    [
        ("2 x_q^T W_Q^T W_K x_k", SCORE, "it is 2 times what is right"),
        ("-x_q^T W_Q^T W_K x_k", SCORE, "its sign is wrong"),
        ("x_k^T W_Q^T W_K x_q", SCORE, "`W_K` and `W_Q` have changed places"),
        ("x_q^T W_K^T W_K x_k", SCORE, "`W_K` stands there too often"),
        ("x_q^T W_V^T W_K x_k", SCORE, "`W_V` does not belong there"),
        ("x_q^T x_k", SCORE, "2 factors are missing"),
        ("x_q^T W_Q^T W_K W_O W_V x_k", SCORE, "`W_O` and `W_V` are factors too many"),
        ("W_Q^T W_K", SCORE, "it is a matrix of the shape (d_model, d_model), and a number is asked for"),
        ("W_K x_k", SCORE, "it is a column of d_head numbers, and a number is asked for"),
        ("x_q^T W_Q^T W_K x_k + x_q^T x_k", SCORE, "the term `x_k^T x_q` does not belong there"),
        ("W_O W_V X A", OUTPUT, "the factors are right, but not which of them are transposed"),
        ("(W_O W_V)^T X A^T", OUTPUT,
         "the factors are right, but not their order, nor which of them are transposed"),
        ("W_O W_V X", OUTPUT, "a factor is missing"),
        ("W_O W_V X A^T A", OUTPUT, "`A` is one factor too many"),
        ("X - X", OUTPUT, "everything in it cancels"),
        ("X", "X + W_O W_V X A^T", "a term is missing"),
        ("X + 2 W_O W_V X A^T", "X + W_O W_V X A^T", "`W_O W_V X A^T` is taken 2 times"),
        ("S + T^T", "S + T", "the term `T^T` does not belong there; a term is missing"),
        ("S T", "T S", "`S` and `T` have changed places"),
        ("W_K^T W_Q", "W_Q^T W_K", "`W_K^T W_Q` is the transpose of what is right"),
        ("S S T", "S T S", "the factors are right, but not their order"),
    ],
)  # fmt: skip
def test_differences_in_words(given: str, right: str, words: str) -> None:
    found = difference(canonical(parse_formula(given), SHAPES), canonical(parse_formula(right), SHAPES))
    assert found == words


def test_what_is_right_is_never_named() -> None:
    """A term or a factor that is missing is counted, not told."""
    found = difference(canonical(parse_formula("X"), SHAPES), canonical(parse_formula(OUTPUT), SHAPES))
    assert found == "3 factors are missing"


# -------------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("text", "code", "message", "underlined"),
    [
        ("W_O W_R x_k", "E0760", "`W_R` is not given", "W_R"),
        ("x_q^T W_Q W_K x_k", "E0761",
         "`x_q^T` (1, d_model) cannot be multiplied by `W_Q` (d_head, d_model)", "x_q^T W_Q"),
        ("W_O W_V (X + A)", "E0762", "`X` (d_model, n) and `A` (n, n) cannot be added", "A"),
        ("Id + X", "E0762", "`Id` (square) and `X` (d_model, n) cannot be added", "X"),
        ("W_Q x_q x_k", "E0761", "`x_q` (d_model, 1) cannot be multiplied by `x_k` (d_model, 1)", "x_q x_k"),
    ],
)  # fmt: skip
def test_mistakes_are_underlined(text: str, code: str, message: str, underlined: str) -> None:
    with pytest.raises(SpecError) as caught:
        canonical(parse_formula(text), SHAPES)
    [found] = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert found.span is not None and found.span.text == underlined
    assert found.help


@pytest.mark.parametrize(
    "text",
    [
        " ".join(["(S + T)"] * 40),
        " ".join(["S"] * 80),
        " + ".join([" ".join(["(S + T)"] * 10 + ["S"] * 40)] * 2),
        "softmax(" + " ".join(["softmax(" + " ".join(["(S + T)"] * 10) + ")"] * 12) + ")",
    ],
    ids=["many terms", "a long product", "much work", "long names"],
)
def test_large_formulas_are_refused_soon(text: str) -> None:
    started = time.process_time()
    with pytest.raises(SpecError, match="E0763"):
        canonical(parse_formula(text), SHAPES)
    assert time.process_time() - started < 20  # not a measurement: without a bound this does not end


# -------------------------------------------------------------------- values


def test_values_keep_symbols_and_names_of_heads() -> None:
    turn = Scalar.cos(Angle(symbols=(("alpha", 1),)))
    matrices = {"first.OV": Matrix.from_rows([[turn, 0], [0, 1]]), "second.OV": Matrix.from_rows([[0, 1], [turn, 0]])}
    tree = parse_formula("second.OV first.OV - 1/2 Id")
    assert names_of(tree) == ("second.OV", "first.OV")
    half = Scalar.rational(1) / 2
    assert evaluate(tree, matrices) == Matrix.from_rows([[-half, 1], [turn * turn, -half]])


@pytest.mark.parametrize(("text", "code"), [("softmax(M)", "E0764"), ("Id", "E0764"), ("M N", "E0760")])
def test_what_has_no_value(text: str, code: str) -> None:
    with pytest.raises(SpecError, match=code):
        evaluate(parse_formula(text), {"M": Matrix.identity(2)})
