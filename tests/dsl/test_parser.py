"""The parser: one line of each kind, spans, blocks, and what surrounds them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dsl import expressions as E
from dsl import head_lines as L
from dsl import token_patterns as P
from dsl import tree as T
from dsl.diagnostics import SpecError
from dsl.parser import MAX_CHARACTERS, _grammar, parse, parse_expression
from dsl.printing.expressions import print_expression
from dsl.words import CONNECTIVES, HEAD_LINES, OPENERS, STATEMENTS


def one(text: str) -> T.Statement:
    (statement,) = parse(text).statements
    return statement


def number(value: int | str) -> E.Number:
    return E.Number(Fraction(value))


def name(text: str) -> E.Name:
    return E.Name(text)


def codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text)
    return [d.code for d in caught.value.diagnostics]


STATEMENT_CASES: dict[str, T.Statement] = {
    "model m": T.ModelDecl("m"),
    'model m\n  "a"\n  "b"': T.ModelDecl("m", "a\nb"),
    'tokens a..z, 0..9, <bos>, "(", "a b"': T.TokensDecl(
        (
            P.TokenItem("a", "z"),
            P.TokenItem("0", "9"),
            P.TokenItem("<bos>"),
            P.TokenItem("("),
            P.TokenItem("a b"),
        )
    ),
    'tokens 0..p - 1, k + 1..2*k, (a)..(p), "="': T.TokensDecl(
        (
            P.TokenItem("0", E.Binary("-", name("p"), number(1))),
            P.TokenItem(E.Binary("+", name("k"), number(1)), E.Binary("*", number(2), name("k"))),
            P.TokenItem(name("a"), name("p")),
            P.TokenItem("="),
        )
    ),
    "context 64": T.SettingDecl("context", number(64)),
    "mass 0.99": T.SettingDecl("mass", number("99/100")),
    "dtype float32": T.SettingDecl("dtype", name("float32")),
    "biases allowed": T.SettingDecl("biases", name("allowed")),
    "residual 2*k": T.SettingDecl("residual", E.Binary("*", number(2), name("k"))),
    "basis hadamard": T.BasisDecl("hadamard"),
    "basis rotation(3, 4, 5)": T.BasisDecl("rotation", (number(3), number(4), number(5))),
    "basis [[1, 0], [1, 1]]": T.BasisDecl(
        "vectors", (E.ListOf((number(1), number(0))), E.ListOf((number(1), number(1))))
    ),
    "positions alibi": T.PositionsDecl("alibi"),
    "positions rotary(base = 10000, layout = half)": T.PositionsDecl(
        "rotary", (T.Option("base", number(10000)), T.Option("layout", name("half")))
    ),
    "symbol beta": T.SymbolDecl("beta"),
    "symbol beta > 0 = 3": T.SymbolDecl("beta", True, number(3)),
    "param k = 2": T.ParamDecl("k", number(2)),
    'table opens: "(" -> ")", "[" -> {"]", 1}': T.TableDecl(
        "opens",
        (
            T.TableEntry(E.Text("("), E.Text(")")),
            T.TableEntry(E.Text("["), E.SetOf((E.Text("]"), number(1)))),
        ),
    ),
    "subspace where : phase(positions, 8, magnitudes = [1]) at 0..3, 5": T.SubspaceDecl(
        "where",
        T.Encoding("phase", (name("positions"), number(8)), (T.Option("magnitudes", E.ListOf((number(1),))),)),
        None,
        (E.Range(number(0), number(3)), number(5)),
    ),
    "subspace before like content": T.SubspaceDecl("before", None, "content"),
    "subspace one : constant": T.SubspaceDecl("one", T.Encoding("constant")),
    "embed token -> content": T.EmbedDecl("token", "content"),
    "embed 113*token mod q -> high": T.EmbedDecl(
        "token",
        "high",
        None,
        E.Binary("mod", E.Binary("*", E.Number(Fraction(113)), E.Name("token")), E.Name("q")),
    ),
    "embed -1 * position^2 -> step": T.EmbedDecl(
        "position",
        "step",
        None,
        E.Binary("*", E.Unary("-", number(1)), E.Binary("^", E.Name("position"), number(2))),
    ),
    "embed position -> low = [[1], [0]]": T.EmbedDecl(
        "position", "low", E.ListOf((E.ListOf((number(1),)), E.ListOf((number(0),))))
    ),
    "predict guess": T.PredictDecl("guess"),
    "predict guess as tokens": T.PredictDecl("guess", True),
    'expect "<bos> a" -> "b"': T.ExpectOutput("<bos> a", "b"),
    'expect "<bos> a" ->* "b c"': T.ExpectOutput("<bos> a", "b c", generated=True),
    "activation reglu": T.SettingDecl("activation", name("reglu")),
    'layout a0 "+" b[0..1]': T.LayoutDecl(
        (T.Slot("a0"), T.Slot(None, "+"), T.Slot(E.Label("b", (E.Range(number(0), number(1)),), "0..1")))
    ),
    "compute a = if b == 1 then c else not d": T.ComputeDecl(
        "a",
        E.Conditional(E.Comparison("==", name("b"), number(1)), name("c"), E.Unary("not", name("d"))),
    ),
    "head h\n  prefer latest by a[i, 2]": T.HeadDecl(
        "h", lines=(L.PreferLine("latest", E.Label("a", (name("i"), number(2)), "i, 2")),)
    ),
    "for q in primes(2, p)\n  predict r[q]\n  for i in {1}\n    compute s[i] = t[i](r[q])": T.ForDecl(
        "q",
        E.Call("primes", (number(2), name("p"))),
        (
            T.PredictDecl(E.Label("r", (name("q"),), "q")),
            T.ForDecl(
                "i",
                E.SetOf((number(1),)),
                (
                    T.ComputeDecl(
                        E.Label("s", (name("i"),), "i"),
                        E.Call(E.Label("t", (name("i"),), "i"), (E.Name(E.Label("r", (name("q"),), "q")),)),
                    ),
                ),
            ),
        ),
    ),
    "layer\n  for i in 0..1\n    head h[i]\n      for j in 0..1\n        copy key.a[j] -> b\n  compute c = 1": (
        T.LayerDecl(
            (
                T.ForDecl(
                    "i",
                    E.Range(number(0), number(1)),
                    (
                        T.HeadDecl(
                            E.Label("h", (name("i"),), "i"),
                            lines=(
                                T.ForDecl(
                                    "j",
                                    E.Range(number(0), number(1)),
                                    (L.CopyLine(E.Member("key", E.Label("a", (name("j"),), "j")), "b"),),
                                ),
                            ),
                        ),
                    ),
                ),
                T.ComputeDecl("c", number(1)),
            )
        )
    ),
    "expect head h: key.position == 1 otherwise true": T.ExpectHead(
        "h", E.Comparison("==", E.Member("key", "position"), number(1)), E.Truth(True)
    ),
}


@pytest.mark.parametrize("text", STATEMENT_CASES)
def test_statement(text: str) -> None:
    assert one(text) == STATEMENT_CASES[text]


A, B = E.Member("key", "a"), E.Member("query", "b")
SAME = E.Comparison("==", A, B)
HEAD_LINE_CASES: dict[str, T.HeadLine] = {
    "attend key.a == query.b": L.AttendLine(SAME),
    "avoid key.a == query.b": L.AttendLine(SAME, negated=True),
    "attend key.a == query.b strength auto": L.AttendLine(SAME),
    "attend key.a == query.b strength 3/2 when key.a == query.b": L.AttendLine(
        SAME, when=SAME, strength=E.Binary("/", number(3), number(2))
    ),
    "attend key.a == query.b share 1/2 when key.a == query.b": L.AttendLine(
        SAME, when=SAME, share=E.Binary("/", number(1), number(2))
    ),
    "attend key.share == share share 1": L.AttendLine(
        E.Comparison("==", E.Member("key", "share"), E.Name("share")), share=number(1)
    ),
    "attend key.a in {1, 4}": L.AttendLine(E.Comparison("in", A, E.SetOf((number(1), number(4))))),
    "attend key.a == opens(query.b)": L.AttendLine(E.Comparison("==", A, E.Call("opens", (B,)))),
    'rest key.a == "<bos>"': L.RestLine(E.Comparison("==", A, E.Text("<bos>"))),
    "prefer latest by index": L.PreferLine("latest", "index"),
    "prefer earliest by position": L.PreferLine("earliest", "position"),
    "copy 1/2 * key.a + 1 through t -> c": L.CopyLine(
        E.Binary("+", E.Binary("*", E.Binary("/", number(1), number(2)), A), number(1)), "c", "t"
    ),
    "W_Q = [[1, cos(a)]]": L.MatrixLine("W_Q", "entries", (E.ListOf((number(1), E.Call("cos", (name("a"),)))),)),
    "W_K = rows where.cos0, 2*where.sin0": L.MatrixLine(
        "W_K", "rows", (E.Member("where", "cos0"), E.Binary("*", number(2), E.Member("where", "sin0")))
    ),
    'W_O = columns v.0, v."<bos>"': L.MatrixLine("W_O", "columns", (E.Member("v", "0"), E.Member("v", "<bos>"))),
}


@pytest.mark.parametrize("text", HEAD_LINE_CASES)
def test_head_line(text: str) -> None:
    assert one(f"layer\n  head h\n    {text}") == T.LayerDecl((T.HeadDecl("h", lines=(HEAD_LINE_CASES[text],)),))


def test_head_says_where_and_how_wide_in_any_order() -> None:
    layer = one('layer\n  head h soft d_head 8 at 0.10\n    "Doc."\n  head idle\n')
    assert layer == T.LayerDecl((T.HeadDecl("h", (0, 10), number(8), True, "Doc."), T.HeadDecl("idle")))


BOS, LETTER = P.TokenPattern((P.TokenItem("<bos>"),)), P.TokenPattern((P.TokenItem("a", "z"),))
PATTERN_CASES: dict[str, P.Pattern] = {
    "<bos>": BOS,
    "<bos> (a..z){1,63}": P.ConcatPattern((BOS, P.RepeatPattern(LETTER, number(1), number(63)))),
    "<bos> | a..z": P.ChoicePattern((BOS, LETTER)),
    "0..p - 1 a+ (0..(2*p)){2}": P.ConcatPattern(
        (
            P.TokenPattern((P.TokenItem("0", E.Binary("-", name("p"), number(1))),)),
            P.RepeatPattern(P.TokenPattern((P.TokenItem("a"),)), number(1), None),
            P.RepeatPattern(
                P.TokenPattern((P.TokenItem("0", E.Binary("*", number(2), name("p"))),)), number(2), number(2)
            ),
        )
    ),
    "<bos>?": P.RepeatPattern(BOS, number(0), number(1)),
    "<bos>*": P.RepeatPattern(BOS, number(0), None),
    "<bos>+": P.RepeatPattern(BOS, number(1), None),
    "<bos>{n}": P.RepeatPattern(BOS, name("n"), name("n")),
    "<bos>{2,}": P.RepeatPattern(BOS, number(2), None),
    "(<bos> a..z)* tokens": P.ConcatPattern(
        (
            P.RepeatPattern(P.ConcatPattern((BOS, LETTER)), number(0), None),
            P.TokenPattern((P.TokenItem("tokens"),)),
        )
    ),
    'layer "when"': P.ConcatPattern((P.TokenPattern((P.TokenItem("layer"),)), P.TokenPattern((P.TokenItem("when"),)))),
}


@pytest.mark.parametrize("text", PATTERN_CASES)
def test_pattern(text: str) -> None:
    assert one(f"sequences {text}") == T.SequencesDecl(PATTERN_CASES[text])


def test_numbers_are_exact() -> None:
    assert parse_expression("0.1") == number("1/10")
    assert parse_expression("12345678901234567890.5") == number("24691357802469135781/2")


def test_precedence() -> None:
    assert parse_expression("-a^2") == E.Unary("-", E.Binary("^", name("a"), number(2)))
    assert parse_expression("2^-1") == E.Binary("^", number(2), E.Unary("-", number(1)))
    assert parse_expression("not a == b and c") == E.Binary(
        "and", E.Unary("not", E.Comparison("==", name("a"), name("b"))), name("c")
    )
    assert parse_expression("token[key.position - 1] == token[0]") == E.Comparison(
        "==", E.TokenAt(E.Binary("-", E.Member("key", "position"), number(1))), E.TokenAt(number(0))
    )


def test_escapes() -> None:
    assert parse_expression(r'"\"\\\n\t"') == E.Text('"\\\n\t')


# ------------------------------------------------------------------ spans


def test_every_span_covers_its_own_words() -> None:
    text = "# first\nsubspace where : phase(positions) at 4..7  # c\nlayer\n  head h\n    copy   key.a + 1 -> b\n"
    subspace, layer = parse(text).statements
    assert isinstance(subspace, T.SubspaceDecl) and subspace.encoding is not None
    assert isinstance(layer, T.LayerDecl)
    copy = layer.heads[0].lines[0]
    assert isinstance(copy, L.CopyLine)
    assert subspace.span.text == "subspace where : phase(positions) at 4..7"
    assert subspace.name_span.text == "where"
    assert subspace.encoding.span.text == "phase(positions)"
    assert layer.heads[0].name_span.text == "h"
    assert layer.heads[0].span.text == "head h\n    copy   key.a + 1 -> b"
    assert (copy.span.line, copy.span.column) == (5, 5)
    assert copy.value.span.text == "key.a + 1"
    assert copy.target_span.text == "b"


def test_spans_of_an_expression() -> None:
    expression = parse_expression("2 * (a + b)")
    assert isinstance(expression, E.Binary)
    assert expression.span.text == "2 * (a + b)"
    assert expression.right.span.text == "a + b"


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize(
    "text",
    [
        "layer\r\n  head h\r\n    copy key.a -> b\r\n",
        "layer\r  head h\r    copy key.a -> b",
        "\ufefflayer\n\n\n  head h  # c\n # odd\n\n    copy key.a -> b   ",
        "layer\n\thead h\n\t\tcopy key.a -> b",
        "  layer\n    head h\n      copy key.a -> b",
        "layer\n head h\n       copy key.a ->b\n   \n\t\n",
        "layer\n  head h\n    copy (key.a  # why\n\n  # because\n) -> b",
    ],
)
def test_layout_does_not_change_the_meaning(text: str) -> None:
    assert one(text) == T.LayerDecl((T.HeadDecl("h", lines=(L.CopyLine(A, "b"),)),))


def test_a_line_goes_on_after_a_comma() -> None:
    assert one("tokens a,\nb,\n\n  # c\n  c") == T.TokensDecl((P.TokenItem("a"), P.TokenItem("b"), P.TokenItem("c")))


def test_a_keyword_ends_an_unclosed_line() -> None:
    assert codes("subspace a : onehot({1, 2)\npredict (\nlayer\n") == ["E0103", "E0103", "E0109"]


def test_comments_are_kept() -> None:
    comments = parse('# a\nmodel m # b\n  # c\n  "# not this"\n').comments
    assert [(c.text, c.own_line) for c in comments] == [("# a", True), ("# b", False), ("# c", True)]


def test_nothing_is_a_spec() -> None:
    assert parse("").statements == parse("\n\n# c\n").statements == ()


def test_several_mistakes_are_reported_at_once() -> None:
    text = "modle m\ntokens a,\nlayer\n  head h\n    attend key.a = query.b\n    copy key.a b\npredict\n"
    assert codes(text) == ["E0105", "E0119", "E0112", "E0117", "E0119"]


def test_mistakes_below_a_head_of_the_first_level_are_found() -> None:
    assert codes("head h\n  copy key.a b\n") == ["E0117"]


def test_an_index_is_kept_with_its_parts() -> None:
    decl = one("predict digit[ i+1,2 ]")
    assert isinstance(decl, T.PredictDecl) and isinstance(decl.subspace, E.Label)
    assert decl.subspace == "digit[i + 1, 2]" and decl.subspace.base == "digit"
    assert decl.subspace.indices == (E.Binary("+", name("i"), number(1)), number(2))
    assert decl.subspace.indices[0].span.text == "i+1"


def test_families_nest_so_deep() -> None:
    lines = [f"{'  ' * i}for i{i} in 0..1" for i in range(9)] + ["  " * 9 + "predict a"]
    assert codes("\n".join(lines)) == ["E0115"]
    deep = [f"{' ' * i}for i{i} in 0..1" for i in range(600)]
    assert codes("\n".join(deep)) == ["E0115"]


def test_a_flood_of_mistakes_is_cut_short() -> None:
    assert len(codes("foo\n" * 200)) == 50


def test_too_long_a_text() -> None:
    assert codes("#" * (MAX_CHARACTERS + 1)) == ["E0115"]


@pytest.mark.parametrize("text", ["", "  ", "# c", "a\nb", "a\n  b", "a b", "(", "1..2"])
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(SpecError):
        parse_expression(text)


# ------------------------------------------------------------------ one list of words


def test_grammar_and_words_agree() -> None:
    patterns = {t.name: t.pattern.value for t in _grammar().terminals}
    excluded = patterns["NAME"].split("(?!(")[1].split(")")[0].split("|")
    assert sorted(excluded) == sorted(CONNECTIVES)
    spelt = " ".join(patterns.values())
    assert all(word in spelt or word.startswith("W_") for word in OPENERS)
    assert not set(STATEMENTS) & set(HEAD_LINES)


def test_what_the_model_writes() -> None:
    spec = parse("generate c[0..2*n - 1], end")
    assert isinstance(spec.statements[0], T.GenerateDecl)
    assert [str(slot.name) for slot in spec.statements[0].slots] == ["c[0..2*n - 1]", "end"]


def test_a_claim_about_an_output_in_a_family() -> None:
    family = parse("for k in 0..3\n  expect out after c[k] - 1 == sum(10^i*token[a[i]] for i in 0..k)").statements[0]
    assert isinstance(family, T.ForDecl)
    claim = family.body[0]
    assert isinstance(claim, T.ExpectValue) and claim.subspace == "out"
    assert print_expression(claim.after) == "c[k] - 1"
    assert isinstance(claim.value, E.Summation) and claim.value.variable == "i"
    assert claim.value.variable_span.text == "i"


def test_sum_and_after_are_no_words_of_the_language() -> None:
    spec = parse("subspace sum : onehot(0..3)\nsubspace after like sum\nexpect after after sum == sum(0 for i in {1})")
    claim = spec.statements[2]
    assert isinstance(claim, T.ExpectValue)
    assert (claim.subspace, claim.after) == ("after", E.Name("sum"))


@pytest.mark.parametrize(
    ("text", "column"),
    [("expect out after 3 <= 4", 20), ("compute out = max(i for i in 0..3)", 15), ("generate", 9), ("generate 3", 10)],
)
def test_claims_and_generated_parts_that_cannot_be_read(text: str, column: int) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert found.span is not None and found.span.start == column - 1
