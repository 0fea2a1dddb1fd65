"""Answers in LaTeX: the same as plain text, in all its spellings; and how mistakes read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.answers.math_names import read_name
from dsl.answers.reading import Assigned, parse_answer, parse_value
from dsl.diagnostics import SpecError
from dsl.parser import parse_expression
from tests.dsl.goldens import GOLDEN, compare

VECTORS = ("u_cos_0", "u_sin_0", "u_cont_0", "v_0", "v_1")


def one(text: str) -> Assigned:
    (assigned,) = parse_answer(text, vectors=VECTORS).assigned
    return assigned


def plain(text: str) -> Assigned:
    (assigned,) = parse_answer(text).assigned
    return assigned


def bmatrix(inside: str) -> str:
    return rf"W_Q = \begin{{bmatrix}} {inside} \end{{bmatrix}}"


# ------------------------------------------------------------------ matrices


@pytest.mark.parametrize(
    "text",
    [
        r"W_Q = \begin{bmatrix} 1 & 0 \\ 0 & \cos(\alpha_0) \end{bmatrix}",
        r"$W_Q = \begin{pmatrix} 1 & 0 \\ 0 & \cos(\alpha_0) \\ \end{pmatrix}$.",
        r"\[ W_Q = \left[ \begin{array}{c|c} 1 & 0 \\ \hline 0 & \cos \alpha_0 \end{array} \right] \]",
        "$$\\begin{aligned}\nW_{Q} &= \\left( \\begin{matrix}\n1 & 0 \\\\[2pt] % first\n0 & \\cos{\\alpha_0}\n"
        "\\end{matrix} \\right)\\end{aligned}$$",
        r"\mathbf{W}_Q = \begin{bmatrix} 1 & 0 \\ 0 & \cos\left(\alpha_{0}\right) \end{bmatrix}^{\top}",
        r"W_Q = [[1, 0], [0, \cos(\alpha_0)]]",
        "```latex\n\\begin{align*}\nW_Q &= \\begin{smallmatrix}1&0\\\\0&\\cos(α_0)\\end{smallmatrix}\n\\end{align*}\n"
        "```",
    ],
)
def test_one_matrix_in_many_spellings(text: str) -> None:
    assert one(text) == plain("W_Q = [[1, 0], [0, cos(alpha_0)]]")


def test_factors_and_transposes() -> None:
    assert one(r"W_Q = \beta \begin{bmatrix} 1 & 0 & x \end{bmatrix}") == plain("W_Q = [[beta, 0, beta*x]]")
    assert one(r"W_Q = -\begin{bmatrix} 1 & 0 \end{bmatrix}^T") == plain("W_Q = [[-1], [0]]")
    scaled = r"W_Q = \frac{1}{\sqrt{2}} \cdot \left( \begin{matrix} 1 \\ x \end{matrix} \right)^\top"
    assert one(scaled) == plain("W_Q = [[1/sqrt(2), 1/sqrt(2)*x]]")
    assert one(r"W_Q = -2\begin{bmatrix} x & 0 \end{bmatrix}") == plain("W_Q = [[-2*x, 0]]")
    assert one(r"W_Q = (\begin{bmatrix} x & 0 \end{bmatrix}^T)^T") == plain("W_Q = [[x, 0]]")
    assert one(r"W_Q = [[1, \alpha]]^T") == plain("W_Q = [[1], [alpha]]")


def test_rows_and_columns_of_basis_vectors() -> None:
    rows = one(bmatrix(r"\cos(\alpha_0) u^{\cos}_0 + \sin(\alpha_0) u^{\sin}_0 \\ -\beta u_0^{\text{cont}} \\ 0"))
    assert rows == plain("W_Q = rows cos(alpha_0)*u_cos_0 + sin(alpha_0)*u_sin_0, -(beta*u_cont_0), 0")
    assert one(bmatrix(r"(u^{\cos}_0)^T \\ \alpha {u^{\sin}_0}^\top")) == plain("W_Q = rows u_cos_0, alpha*u_sin_0")
    columns = r"W_{out} = \begin{bmatrix} v_0^T & v_1 \end{bmatrix}"
    assert one(columns) == plain("W_O = columns v_0, v_1")
    assert one(r"W_Q = \begin{bmatrix} v_0 & v_1 \end{bmatrix}^T") == plain("W_Q = rows v_0, v_1")
    assert one(bmatrix(r"where.cos0 \\ \alpha\, where.sin0")) == plain("W_Q = rows where.cos0, alpha*where.sin0")
    assert one(bmatrix(r"v_0^T")).form == "rows"
    assert one(r"W_O = \begin{bmatrix} v_0 \end{bmatrix}").form == "columns"
    assert one(r"W_Q = rows \cos(\alpha) v_0, v_1") == plain("W_Q = rows cos(alpha)*v_0, v_1")


def test_scripts_in_braces_are_enough() -> None:
    assert one("W_{out} = columns v_{0}, 2*v_1 # so") == plain("W_O = columns v_0, 2*v_1")
    assert one("W_{Q} = rows u^{cos}_0, x^{2} v_0").items == (*plain("W_Q = rows u_cos_0, x^2*v_0").items,)


def test_names_are_vectors_only_where_they_are_said_to_be() -> None:
    text = bmatrix(r"v_0 \\ v_1")
    assert parse_answer(text, vectors=("v_0",)).assigned[0].form == "rows"
    assert parse_answer(text).assigned[0] == plain("W_Q = [[v_0], [v_1]]")


def test_one_entry_is_an_expression() -> None:
    assert one(bmatrix(r"\frac12")) == plain("W_Q = 1/2")
    assert one(r"\beta = 2") == plain("beta = 2")
    (bare,) = parse_answer(r"\begin{bmatrix} 1 & 0 \end{bmatrix}").assigned
    assert (bare.name, bare.head, bare.form) == ("", None, "entries")


def test_several_equations() -> None:
    text = (
        r"$W_Q^1 = W_K^1 = \begin{bmatrix} 1 & 2 \end{bmatrix},$ and $W^{2}_{V} = \begin{bmatrix} 3 & 4 \end{bmatrix}$"
    )
    assert [(a.name, a.head) for a in parse_answer(text).assigned] == [("W_Q", 1), ("W_K", 1), ("W_V", 2)]
    heads = "head previous\n  W_Q = [[\\alpha]]\n  W_K = [[1]]\nhead next:\n  W_Q = [[2]]"
    named = [(a.name, a.head) for a in parse_answer(heads).assigned]
    assert named == [("W_Q", "previous"), ("W_K", "previous"), ("W_Q", "next")]
    assert one(r"W_Q^{\text{previous}} = \beta").head == "previous"
    broken = "\\begin{align}\nx &= 1 \\\\\n  & + \\beta \\\\\ny &= 2\n\\end{align}"
    assert list(parse_answer(broken).assigned) == [plain("x = 1 + beta"), plain("y = 2")]


# ------------------------------------------------------------------ expressions


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{a}{b}", "a/b"),
        (r"\tfrac{1}{2} x", "1/2*x"),
        (r"\frac12 x", "1/2*x"),
        (r"\dfrac{\pi}{4}", "pi/4"),
        (r"\sqrt{2}", "sqrt(2)"),
        (r"\sqrt2 x", "sqrt(2)*x"),
        (r"\cos\alpha_0", "cos(alpha_0)"),
        (r"\cos 2\alpha", "cos(2*alpha)"),
        (r"\cos(2\alpha)x", "cos(2*alpha)*x"),
        (r"\cos^2(x)", "cos(x)^2"),
        (r"\cos^{2}\alpha", "cos(alpha)^2"),
        (r"\cos\frac{\pi}{3}", "cos(pi/3)"),
        (r"2\beta", "2*beta"),
        (r"-\beta u", "-(beta*u)"),
        (r"a \cdot b \times c", "a*b*c"),
        (r"a\cdot -b", "a*-b"),
        (r"x^2", "x^2"),
        (r"\alpha^2_0", "alpha_0^2"),
        (r"2^{10}", "2^10"),
        (r"x^{-1}", "x^-1"),
        (r"x^{n+1}", "x^(n+1)"),
        (r"(a+b)(a-b)", "(a+b)*(a-b)"),
        (r"\left( a + b \right)^2", "(a+b)^2"),
        (r"a/b\,c", "a/b*c"),
        (r"\theta_{10}", "theta_10"),
        (r"\alpha + .5", "alpha + 0.5"),
        (r"\mathrm{d}_{\text{head}}", "d_head"),
        (r"where.cos0\!\cdot 2", "where.cos0*2"),
    ],
)
def test_expressions(latex: str, text: str) -> None:
    assert parse_value(f"${latex}$") == parse_expression(text)


def test_spans() -> None:
    answer = parse_answer(r"$W_Q = \begin{bmatrix} 1 & \cos(\alpha_0) \end{bmatrix}$")
    row = answer.assigned[0].items[0]
    assert row.span.text == r"1 & \cos(\alpha_0)"
    assert answer.assigned[0].span.text == r"W_Q = \begin{bmatrix} 1 & \cos(\alpha_0) \end{bmatrix}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"u^{\cos}_0", "u_cos_0"),
        (r"u_0^{\cos}", "u_cos_0"),
        (r"u^\cos_0", "u_cos_0"),
        (r"u^{\text{cont}}_{3}", "u_cont_3"),
        (r"u_{\cos, 0}", "u_cos_0"),
        (r"\vec{u}_0", "u_0"),
        (r"W_Q^{1T}", "W_Q1"),
        (r"W_{\text{out}}^{(2)}", "W_O2"),
        (r"A_{q,k}", "A_qk"),
        (r"β_1", "beta_1"),
        (r"W_QW_K", "W_Q"),
        (r"W_Q^TW_K", "W_Q"),
        ('content."<bos>"', "content.<bos>"),
        (r"my_space.cos1", "my_space.cos1"),
    ],
)
def test_scripts(text: str, name: str) -> None:
    written = read_name(text, 0)
    assert written is not None and written.full == name and written.trouble is None


# ------------------------------------------------------------------ mistakes

MISTAKES = {
    "latex_ragged_rows": bmatrix(r"1 & 0 \\ 0 \\ 0 & 1"),
    "latex_comma": bmatrix(r"1,0 \\ 0; 1"),
    "latex_unknown_command": bmatrix(r"1 & \aplha \\ \foo & \tan(x)"),
    "latex_unclosed": r"W_Q = \begin{bmatrix} 1 & 0" + "\n" + r"W_K = \begin{bmatrix} 1 & 0 \end{pmatrix}",
    "latex_unknown_environment": r"W_Q = \begin{bmatix} 1 & 0 \end{bmatix}",
    "latex_dots": bmatrix(r"1 & \cdots & 0 \\ 0 & \ddots & 1"),
    "latex_empty_entry": bmatrix(r"1 & \\ & 1"),
    "latex_side_by_side": bmatrix(r"1 0 \\ 0 1"),
    "latex_products": r"W_Q = \begin{bmatrix} 1 & 0 \end{bmatrix} + \begin{bmatrix} 0 & 1 \end{bmatrix}",
    "latex_vector_in_grid": bmatrix(r"v_0 & 0 \\ 0 & v_1"),
    "latex_outside": r"\alpha = 1 & 2",
    "latex_decimal_comma": r"\alpha = 0,5",
    "latex_lower_case": r"W_q = \begin{bmatrix} 1 & 0 \end{bmatrix}",
    "latex_not_a_name": r"\alpha_{n+1} = 3",
    "latex_no_value": r"\alpha = , \beta = 1 +",
    "latex_left_of_equal": r"W_Q^T = \begin{bmatrix} 1 & 0 \end{bmatrix}",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_messages(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_answer(MISTAKES[name], vectors=VECTORS)
    assert all(d.help and d.span for d in caught.value.diagnostics)
    compare(GOLDEN / "answer_errors" / f"{name}.txt", str(caught.value) + "\n")


def test_every_wrong_entry_is_reported() -> None:
    with pytest.raises(SpecError) as caught:
        parse_answer(bmatrix(r"1 + & \foo \\ 2 3 & \cdots") + "\n" + r"W_K = \beta +")
    assert [d.code for d in caught.value.diagnostics] == ["E0710", "E0707", "E0712", "E0711", "E0710"]


def test_bounds() -> None:
    for text in (r"\alpha = " + "(" * 65 + "1" + ")" * 65, r"\alpha = " + "x+" * 300 + "x", r"\alpha = " + "1" * 1001):
        with pytest.raises(SpecError) as caught:
            parse_answer(text)
        assert [d.code for d in caught.value.diagnostics] == ["E0715"]


# ------------------------------------------------------------------ laws

LEAVES = st.sampled_from(
    [("alpha", r"\alpha"), ("2", "2"), ("x_1", "x_{1}"), ("1/2", r"\frac{1}{2}"), ("u_cos_0", r"u^{\cos}_0")]
)


def _grow(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: (f"({p[0][0]}) + ({p[1][0]})", rf"\left({p[0][1]}\right) + ({p[1][1]})")),
        two.map(lambda p: (f"({p[0][0]}) * ({p[1][0]})", f"({p[0][1]})({p[1][1]})")),
        two.map(lambda p: (f"({p[0][0]}) / ({p[1][0]})", rf"\frac{{{p[0][1]}}}{{{p[1][1]}}}")),
        inner.map(lambda p: (f"-({p[0]})", f"-({p[1]})")),
        inner.map(lambda p: (f"cos({p[0]})", rf"\cos\left({p[1]}\right)")),
        inner.map(lambda p: (f"sqrt({p[0]})", rf"\sqrt{{{p[1]}}}")),
        inner.map(lambda p: (f"({p[0]})^2", f"({p[1]})^{{2}}")),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(LEAVES, _grow, max_leaves=8))
def test_latex_says_what_plain_text_says(pair: tuple[str, str]) -> None:
    text, latex = pair
    assert parse_value(f"${latex}$") == parse_expression(text)
