"""Answers in plain text: what is recognised, what each form becomes, and how mistakes read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import expressions as E
from dsl.answers.reading import AnswerText, Assigned, parse_answer, parse_value
from dsl.diagnostics import SpecError
from dsl.layout import MAX_ERRORS, MAX_NESTING
from dsl.parser import MAX_CHARACTERS, parse, parse_expression
from tests.dsl.goldens import GOLDEN, compare


def one(text: str) -> Assigned:
    (assigned,) = parse_answer(text).assigned
    return assigned


def named(text: str) -> list[tuple[str, str | int | None]]:
    return [(item.name, item.head) for item in parse_answer(text).assigned]


def codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_answer(text)
    return [d.code for d in caught.value.diagnostics]


def exprs(*texts: str) -> tuple[E.Expr, ...]:
    return tuple(parse_expression(text) for text in texts)


# ------------------------------------------------------------------ the forms of a value


def test_entries_rows_columns_expressions() -> None:
    assert one("W_Q = [[1, 0], [0, cos(alpha_0)]]") == Assigned(
        "W_Q", None, "entries", exprs("[1, 0]", "[0, cos(alpha_0)]")
    )
    rows = "where.cos0, cos(a)*where.cos0 - sin(a)*where.sin0"
    assert one(f"W_K = rows {rows}") == Assigned(
        "W_K", None, "rows", exprs("where.cos0", "cos(a)*where.cos0 - sin(a)*where.sin0")
    )
    assert one("W_O = columns v.0, u_1") == Assigned("W_O", None, "columns", exprs("v.0", "u_1"))
    assert one("beta = 3/2") == Assigned("beta", None, "expression", exprs("3/2"))
    assert one("[[1, 0],\n [0, 1]]") == Assigned("", None, "entries", exprs("[1, 0]", "[0, 1]"))
    assert one("rows where.cos0, where.sin0").form == "rows"


@pytest.mark.parametrize(
    ("text", "name", "head"),
    [
        ("W_Q = 0", "W_Q", None),
        ("W_Q1 = 0", "W_Q", 1),
        ("W_V^2 = 0", "W_V", 2),
        ("W^12_V = 0", "W_V", 12),
        ("W^{(1)}_V = 0", "W_V", 1),
        ("W_{V,3} = 0", "W_V", 3),
        ("W_out = 0", "W_O", None),
        ("W_{out} = 0", "W_O", None),
        ("W_out2 = 0", "W_O", 2),
        ("W_{out}^1 = 0", "W_O", 1),
        ("previous.W_Q = 0", "W_Q", "previous"),
        ("W_net1 = 0", "W_net", 1),
        ("W_{net}^2 = 0", "W_net", 2),
        ("score = 0", "score", None),
        ("alpha_0 = 0", "alpha_0", None),
        ("x1 := 0", "x1", None),
        ("h = 0", "h", None),
    ],
)
def test_names(text: str, name: str, head: str | int | None) -> None:
    assert named(text) == [(name, head)]


def test_one_value_under_two_names() -> None:
    first, second = parse_answer("W_Q1 = W_K1 = [[1]]").assigned
    assert (first.name, second.name, first.items) == ("W_Q", "W_K", second.items)


def test_heads_group_assignments() -> None:
    text = 'head previous d_head 4\n  "doc"\n  W_Q = [[1]]\n  W_K = [[1]]\nhead next\n  W_Q = [[2]]\nW_V = [[3]]'
    assert named(text) == [("W_Q", "previous"), ("W_K", "previous"), ("W_Q", "next"), ("W_V", None)]


def test_spans_are_in_the_students_text() -> None:
    text = "```text\r\n% mine\r\nW_Q = [[1, 0], # first\r\n       [0, 1]]\r\nW_K =\r\n  [[2]]\r\n```\r\n"
    answer = parse_answer(text, "a.txt")
    assert [item.span.text for item in answer.assigned] == [
        "W_Q = [[1, 0], # first\n       [0, 1]]",
        "W_K =\n  [[2]]",
    ]
    assert answer.assigned[0].items[1].span.text == "[0, 1]"
    assert answer.source.name == "a.txt"
    assert "# first" in answer.source.text


# ------------------------------------------------------------------ heads, specs, bare words

HEAD = "head b\n  attend key.a == query.a\n  W_V = [[1]]\n"


def test_heads_of_a_spec() -> None:
    layer = parse("layer\n  " + HEAD.replace("\n  ", "\n    ")).statements[0]
    assert parse_answer("layer\n  " + HEAD.replace("\n  ", "\n    ")).layers == (layer,)
    assert parse_answer(HEAD).layers == (layer,)
    assert parse_answer(HEAD + HEAD.replace("b", "c", 1)).layers[1].heads[0].name == "c"
    both = parse_answer(HEAD + "W_Q = [[1]]")
    assert both.layers == (layer,) and both.assigned[0].name == "W_Q"


def test_a_whole_spec() -> None:
    text = "```\nmodel m\ntokens a, b  # two\n```"
    spec = parse_answer(text).spec
    assert spec == parse("model m\ntokens a, b")
    assert spec is not None and spec.comments[0].text == "# two"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a, c", "a, c"),
        ("\n  ac  # because\n", "ac"),
        ("<bos> a b a", "<bos> a b a"),
        ("( ( ) )", "( ( ) )"),
        ("2*cos(alpha)", "2*cos(alpha)"),
        ('"#" a', '"#" a'),
        ("model = 3", None),
        ("x == 3", "x == 3"),
        (r"$\frac{1}{2}$", r"$\frac{1}{2}$"),
    ],
)
def test_bare_words(text: str, bare: str | None) -> None:
    answer = parse_answer(text)
    assert (answer.bare or None) == bare
    assert bool(answer.assigned) == (bare is None)


def test_a_value_alone() -> None:
    assert parse_value("# so:\n 2*cos(alpha)") == parse_expression("2*cos(alpha)")
    assert parse_value("d_head").span.text == "d_head"
    for text in ("", "[[1, 0]]", "1\n2", "1 2"):
        with pytest.raises(SpecError):
            parse_value(text)


# ------------------------------------------------------------------ mistakes

MISTAKES = {
    "ragged_rows": "W_Q = [[1, 0, 0], [0, 1], [0, 0, 1]]",
    "missing_bracket": "W_Q = [[1, 0], [0, 1]\nW_K1 = [[1, 0], [0, 1]]",
    "lower_case": "W_q = [[1]]\nw_k2 = [[1]]\nW_Out = [[1]]",
    "missing_sign": "x = 2x\ny = 2 x\nz = [[cos(a) b, 1 0]]",
    "decimal_comma": "x = 0,5\nW_Q = [[0,5, 1], [1, 0]]\n",
    "empty": "# nothing yet\n",
    "too_deep": "x = " + "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1),
    "nearly_rows": "W_Q = row u_cos, u_sin\nW_K = ROWS u_cos, u_sin\nW_V = rows: u_cos\nW_O = cols u_cos",
    "no_rows": "W_Q = [1, 0]\nW_K = []\nW_V = np.array([[1]])\nW_O = [[1; 0]]",
    "no_equal_sign": "W_Q [[1, 0]]",
    "twice": "W_Q = [[1]]\nW_Q = [[2]]",
    "not_of_an_answer": "subspace a : onehot(tokens)\nattend key.a == query.a\nhead b\nW_Q = [[1]]\nhello\n",
    "dots": "W_Q = [[1, ..., 0]]\nW_K = [[1, … ]]",
    "empty_entry": "W_Q = [[1, , 0]]\nW_K =\nW_V = [[1, 0,]]",
    "wrong_head": "W_Q0 = [[1]]\nhead a\n  b.W_Q = [[1]]\n  W_Q^T = [[1]]",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_messages(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_answer(MISTAKES[name])
    assert all(d.help for d in caught.value.diagnostics)
    compare(GOLDEN / "answer_errors" / f"{name}.txt", str(caught.value) + "\n")


def test_no_golden_is_left_over() -> None:
    from tests.dsl.test_formulas import MISTAKES as FORMULAS
    from tests.dsl.test_latex import MISTAKES as LATEX

    written = sorted(path.stem for path in (GOLDEN / "answer_errors").glob("*.txt"))
    assert written == sorted([*MISTAKES, *LATEX, *FORMULAS])


def test_independent_mistakes_are_reported_together() -> None:
    text = "W_Q = [[1, 0], [0]]\nW_K = [[1 2]]\nW_q = [[1]]\nbeta = 0,5"
    assert codes(text) == ["E0705", "E0712", "E0703", "E0713"]
    assert len(codes("x = 1 1\n" * 200)) == MAX_ERRORS


def test_bounds() -> None:
    assert codes("x" * (MAX_CHARACTERS + 1)) == ["E0715"]
    assert codes("x = " + "9" * 1001) == ["E0715"]
    assert codes("x = " + "1+" * 300 + "1") == ["E0715"]
    assert one("x = " + "9" * 1000).items == (E.Number(Fraction(10**1000 - 1)),)
    wide = "W_Q = [[" + "1, " * 5_000 + "1]]"
    (row,) = one(wide).items
    assert isinstance(row, E.ListOf) and len(row.items) == 5_001


def test_characters_that_cannot_be_seen() -> None:
    assert codes("a\u202eb") == ["E0101"]
    assert codes("W_Q = [[1\x00]]") == ["E0101"]


# ------------------------------------------------------------------ any text at all

PIECES = st.sampled_from(
    [
        "W_Q",
        "W_{out}",
        "^1",
        " = ",
        "[[",
        "]]",
        "[",
        "]",
        ", ",
        "\n",
        "\n  ",
        "1",
        "0,5",
        "x",
        "cos(",
        ")",
        "rows ",
        "*",
    ]
    + ["columns ", "head a", "layer", "model m", "attend key.a == query.b", "```", "#", "%", '"', "\\", "$", "&", "..."]
    + [
        "\\begin{bmatrix}",
        "\\end{bmatrix}",
        "\\\\",
        "\\frac",
        "{",
        "}",
        "^T",
        "\\cos",
        "u^{\\cos}_0",
        "where.cos0",
        "=",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join)))
def test_any_text_is_an_answer_or_a_diagnostic(text: str) -> None:
    try:
        answer = parse_answer(text, vectors=("u_cos_0",))
    except SpecError as error:
        assert all(d.message and d.code for d in error.diagnostics)
        return
    assert isinstance(answer, AnswerText)
    assert answer.assigned or answer.layers or answer.spec is not None or answer.bare
    for item in answer.assigned:
        assert item.items and 0 <= item.span.start < item.span.stop <= len(answer.source.text)
        if item.form == "entries":
            assert len({len(row.items) for row in item.items if isinstance(row, E.ListOf)}) == 1


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_a_value_or_a_diagnostic(text: str) -> None:
    try:
        parse_value(text)
    except SpecError as error:
        assert error.diagnostics
