"""Formulas in matrices and vectors: spellings, the one form of each tree, text and back, and how mistakes read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.answers.formulas import (
    Call,
    Formula,
    Identity,
    Negated,
    Product,
    Scaled,
    Sum,
    Symbol,
    Transpose,
    formula_text,
    parse_formula,
)
from dsl.diagnostics import SpecError
from tests.dsl.goldens import GOLDEN, compare

A, B, C = Symbol("A"), Symbol("B"), Symbol("C")
HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "x_q^T W_Q^T W_K x_k",
        "x_q' * W_Q' @ W_K · x_k",
        "x_q.T @ W_Q.T @ W_K @ x_k",
        r"$x_q^\top W_Q^{\top} \cdot W_K x_k$",
        r"x_q^{T} \, W_{Q}^{T} \, W_{K} \times x_{k}",
        "x_qᵀ W_Qᵀ W_K x_k",
        "x_q^TW_Q^TW_Kx_k".replace("W_Kx", "W_K x"),
        "transpose(x_q) (transpose(W_Q) W_K) x_k",
        r"\[ \mathbf{x}_q^T (W_Q^T W_K) x_k \]",
        "score = x_q^T W_Q^T W_K x_k  # so",
    ],
)
def test_one_formula_in_many_spellings(text: str) -> None:
    names = [Transpose(Symbol("x_q")), Transpose(Symbol("W_Q")), Symbol("W_K"), Symbol("x_k")]
    assert parse_formula(text) == Product(tuple(names))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("W_Q^1", "W_Q1"),
        ("W^1_Q", "W_Q1"),
        ("W_Q1", "W_Q1"),
        ("W_{out}^{2}", "W_O2"),
        (r"W_{\text{net}}^1", "W_net1"),
        ("first.OV", "first.OV"),
        ("previous.W_Q", "previous.W_Q"),
        ("A_{qk}", "A_qk"),
        ("W_{OV}", "W_OV"),
        ("W_QK", "W_QK"),
        ("x^1", "x1"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert parse_formula(text) == Symbol(name)
    assert parse_formula(f"({text})^T") == Transpose(Symbol(name))


def test_index_and_transpose_at_once() -> None:
    assert parse_formula("W_Q^{1T}") == parse_formula("(W_Q^1)^T") == Transpose(Symbol("W_Q1"))


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("A B C", Product((A, B, C))),
        ("A (B C)", Product((A, B, C))),
        ("A + B - C", Sum((A, B, Negated(C)))),
        ("A - (B - C)", Sum((A, Negated(Sum((B, Negated(C))))))),
        ("-A B", Negated(Product((A, B)))),
        ("2 A B / 4", Scaled(HALF, Product((A, B)))),
        (r"\frac{1}{2} (A + B)", Scaled(HALF, Sum((A, B)))),
        (r"\frac{A}{2}", Scaled(HALF, A)),
        ("-(-2 A)", Scaled(Fraction(2), A)),
        ("A (2 B)", Product((A, Scaled(Fraction(2), B)))),
        ("1 A", A),
        ("Id + A", Sum((Identity(), A))),
        (r"\mathrm{Id} A + A Id", Sum((A, A))),
        ("3", Scaled(Fraction(3), Identity())),
        ("1 - 2*3/4", Scaled(Fraction(-1, 2), Identity())),
        ("A^T^T", Transpose(Transpose(A))),
        ("softmax(A^T B)", Call("softmax", (Product((Transpose(A), B)),))),
        (r"\operatorname{softmax}\left(A\right)", Call("softmax", (A,))),
        ("sum_k(A B)", Call("sum_k", (Product((A, B)),))),
        (r"\sum_{k \le q} A B + C", Sum((Call("sum_k", (Product((A, B)),)), C))),
        (r"\sum_{k=0}^{q} A", Call("sum_k", (A,))),
        (r"C \sum_k A B", Product((C, Call("sum_k", (Product((A, B)),))))),
    ],
)
def test_trees(text: str, formula: Formula) -> None:
    assert parse_formula(text) == formula


def test_spans() -> None:
    formula = parse_formula("h = A B + (W_Q^1)^T")
    assert isinstance(formula, Sum)
    assert [term.span.text for term in formula.terms] == ["A B", "(W_Q^1)^T"]


# ------------------------------------------------------------------ text and back


def test_names_that_look_like_two() -> None:
    formula = parse_formula("W_{QVx} A")
    assert formula == Product((Symbol("W_QVx"), A))
    assert parse_formula(formula_text(formula)) == formula


@pytest.mark.parametrize("text", [r"\text{softmax} A", r"\mathrm{sum}_k", r"\mathrm{sqrt} A", 'content."<bos>" A'])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_formula(text)
    assert [d.code for d in caught.value.diagnostics] == ["E0717"]


def test_text() -> None:
    text = "A^T (B + 2 C) - 1/2 W_Q1 (A B)^T + softmax(-A) (sum_k(B)) + Id - 3"
    assert formula_text(parse_formula(text)) == text


NAMES = st.sampled_from(["A", "W_Q", "W_K1", "first.OV", "x_q", "A_qk", "Id", "2", "1/3", "0", "1"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from([" + ", " - ", " ", " * "]), inner).map(lambda p: f"({p[0]}){p[1]}({p[2]})"),
        inner.map(lambda f: f"({f})^T"),
        inner.map(lambda f: f"-({f})"),
        inner.map(lambda f: f"({f}) / 2"),
        inner.map(lambda f: f"softmax({f})"),
        inner.map(lambda f: f"sum_k({f})"),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(NAMES, _grow, max_leaves=10))
def test_text_and_back(text: str) -> None:
    formula = parse_formula(text)
    assert parse_formula(formula_text(formula)) == formula


# ------------------------------------------------------------------ mistakes

MISTAKES = {
    "formula_inverse": "W_Q^{-1} x",
    "formula_power": "(A + B)^2",
    "formula_division": "A / B",
    "formula_by_zero": "A / (1 - 1)",
    "formula_root": "x^T y / sqrt(d_head)",
    "formula_two_equal_signs": "h = W_O x = y",
    "formula_bracket": "(A + B",
    "formula_ends": "A +",
    "formula_number": "A 2",
    "formula_entries": r"\begin{bmatrix} 1 & 0 \end{bmatrix} x",
    "formula_command": r"W_Q \otimes W_K",
    "formula_empty": "% nothing",
    "formula_comma": "A, B",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_messages(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_formula(MISTAKES[name])
    assert all(d.help for d in caught.value.diagnostics)
    compare(GOLDEN / "answer_errors" / f"{name}.txt", str(caught.value) + "\n")


def test_bounds() -> None:
    for text in ("(" * 65 + "A" + ")" * 65, "A " * 300, "9" * 1001, " * ".join(["9" * 900] * 20), "A" + "'" * 20_000):
        with pytest.raises(SpecError) as caught:
            parse_formula(text)
        assert [d.code for d in caught.value.diagnostics] == ["E0715"]


PIECES = st.sampled_from(
    [
        "W_Q",
        "A",
        "x_k",
        "^T",
        "^1",
        "^{-1}",
        "_",
        "(",
        ")",
        " ",
        "+",
        "-",
        "*",
        "/",
        "2",
        "Id",
        "softmax(",
        "sum_k",
        "=",
    ]
    + ["\\sum_k", "\\frac", "{", "}", "'", ".T", ",", "\\cdot", "\\begin{bmatrix}", "&", "\\foo", "[", "]", "sqrt", "…"]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=15).map("".join)))
def test_any_text_is_a_formula_or_a_diagnostic(text: str) -> None:
    try:
        formula = parse_formula(text)
    except SpecError as error:
        assert error.diagnostics
        return
    assert parse_formula(formula_text(formula)) == formula
