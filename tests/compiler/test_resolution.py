"""From tree to program: what a spec means once every name is known.  What is refused: ``tests/specs/bad``."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from compiler.claims import HeadExpectation, OutputExpectation
from compiler.encodings import OneHot
from compiler.heads import Among, Condition, Copy, Equal, Offset, Prefer, Related, Relation
from compiler.program import Alibi, Program, Rotary
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.expressions import Comparison, Member, Number, Text
from dsl.parser import parse, parse_expression

TOP = """\
tokens a..c, 0..3, <bos>
context 6
param k = 2
symbol beta > 0
table next: "a" -> "b", "b" -> "c"
table near: "a" -> {"a", "b"}
table digit_of: "a" -> 1, "b" -> 2
subspace content : onehot(tokens)
subspace digit : onehot(0..3)
subspace where : phase(positions)
subspace index : scalar(positions)
subspace square : quadratic(positions)
subspace guess like content
embed token -> content
embed token -> digit
embed position -> where
embed position -> index
embed position -> square
"""


def program(text: str, **settings: int) -> Program:
    return resolve(parse(text), {name: Fraction(value) for name, value in settings.items()})


def with_lines(*lines: str, top: str = TOP) -> Program:
    return program(top + "layer\n  head it\n    " + "\n    ".join(lines) + "\n")


def relation(text: str, top: str = TOP) -> Relation:
    return with_lines(f"attend {text}", top=top).head("it").terms[0].relation


def codes(text: str, **settings: int) -> list[str]:
    with pytest.raises(SpecError) as caught:
        program(text, **settings)
    return [d.code for d in caught.value.diagnostics]


# ------------------------------------------------------------------ the whole


def test_defaults() -> None:
    p = program("tokens a, b\n")
    assert (p.context, p.mass, p.dtype, p.biases, p.width) == (64, Fraction(99, 100), "float32", False, 0)
    assert p.positions is None and p.basis.kind == "axis" and p.layers == () and p.predict == ()
    assert p.sequences.count(3) == 8
    assert resolve(parse("tokens a\n", name="specs/library/tiny.head")).name == "tiny"


def test_settings_replace_params_and_give_symbols_values() -> None:
    text = "tokens a..z\nparam n = 8\nparam half = n/2\nsymbol beta > 0 = 3\ncontext n\nsubspace s : dims(half)\n"
    assert (program(text).context, program(text).width) == (8, 4)
    changed = program(text, n=20, beta=5)
    assert (changed.context, changed.width) == (20, 10)
    assert changed.symbols[0].value == Number(Fraction(5))
    assert codes(text, m=3) == ["E0206"]
    assert codes(text, beta=-1) == ["E0211"]


def test_ranges_of_tokens_are_reckoned() -> None:
    text = 'param p = 5\ntokens 0..p - 1, "="\ncontext 3\nsequences (0..p - 2) (p - 3..(p*1 - 1)) "="\n'
    assert program(text).tokens == ("0", "1", "2", "3", "4", "=")
    assert program(text).sequences.count() == 12
    assert program(text, p=7).tokens == (*"0123456", "=")
    assert program(text, p=7).sequences.count() == 18
    assert program("tokens -1..1\n").tokens == ("-1", "0", "1")


def test_a_name_in_a_range_of_tokens_is_a_letter_beside_letters_and_a_param_beside_numbers() -> None:
    params = "param p = 3\nparam b = 1\nparam low = 2\n"
    assert program(params + "tokens a..p\n").tokens == tuple("abcdefghijklmnop")
    assert program(params + "tokens 0..p\n").tokens == tuple("0123")
    assert program(params + "tokens low..p\n").tokens == tuple("23")
    assert program(params + "tokens (b)..(p)\n").tokens == tuple("123")
    assert program(params + "tokens p, b\n").tokens == ("p", "b")
    assert codes(params + "tokens b..p\n") == ["E0209"]


def test_sequences_know_ranges_repeats_and_the_word_tokens() -> None:
    p = program("tokens a..c, <bos>\nparam n = 4\ncontext n\nsequences <bos> (a..b | c){1,n - 1}\n")
    assert p.sequences.lengths() == (2, 3, 4) and p.sequences.count(3) == 9
    assert program("tokens a, b\ncontext 3\nsequences a tokens?\n").sequences.count() == 3


def test_all_independent_mistakes_are_reported_at_once() -> None:
    text = "tokens a, b\nmass 2\nsubspace s : onehut(tokens)\nlayer\n  head h\n    attend key.t == query.s\npredict u\n"
    assert codes(text) == ["E0211", "E0301", "E0204", "E0204"]


def test_large_numbers_are_refused_before_anything_is_built() -> None:
    start = time.perf_counter()
    for line in ("subspace s : onehot(0..10^12)", "context 10^9", "residual 10^9", "subspace s : code(tokens, 10^9)"):
        assert codes(f"tokens a..z\n{line}\n") == ["E0320"]
    assert codes("tokens 0..999999999999\n") == ["E0320"]
    assert codes("tokens a\nparam n = 9^9^9\n") == ["E0320"]
    assert time.perf_counter() - start < 1


def test_deep_expressions_are_a_diagnostic() -> None:
    with pytest.raises(SpecError):
        program("tokens a\nparam n = " + "+".join(["1"] * 20_000) + "\n")


# ------------------------------------------------------------------ layout


def test_pinned_subspaces_first_and_the_others_in_the_gaps() -> None:
    p = program(
        "tokens a..c\ncontext 8\nresidual 10\nsubspace one : dims(2)\nsubspace two : onehot(tokens) at 1, 4..5\n"
        "subspace three : phase(positions, 1)\n"
    )
    assert [s.coordinates for s in p.subspaces] == [(0, 2), (1, 4, 5), (3, 6)]
    assert p.width == 10
    assert p.coordinate_names[:7] == ("one.0", "two.a", "one.1", "three.cos0", "two.b", "two.c", "three.sin0")
    assert p.coordinate_names[9] == "x9"


def test_width_is_what_the_subspaces_need() -> None:
    assert program("tokens a\nsubspace one : dims(2)\nsubspace two : dims(1) at 6\n").width == 7


def test_basis() -> None:
    text = "tokens a\nsubspace s : dims(2)\nbasis "
    assert program(text + "hadamard\n").basis.kind == "hadamard"
    assert program(text + "rotation(3, 4, 5)\n").basis.arguments == tuple(Number(Fraction(n)) for n in (3, 4, 5))
    rows = program(text + "[[1, 0], [1, 1]]\n").basis.vectors
    assert [[e.value for e in row if isinstance(e, Number)] for row in rows] == [[1, 0], [1, 1]]


def test_positions() -> None:
    assert program("tokens a\npositions alibi\n").positions == Alibi()
    rotary = program("tokens a\npositions rotary(base = 500, dims = 6, layout = pairs)\n").positions
    assert rotary == Rotary(Fraction(500), 6, "pairs")
    assert program("tokens a\npositions rotary\n").positions == Rotary(Fraction(10000), 16, "half")


# ------------------------------------------------------------------ relations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key.content == query.content", Equal("content", "content")),
        ("key.where == query.where - 1", Equal("where", "where", -1)),
        ("query.where == key.where + k", Equal("where", "where", -2)),
        ("key.where + 1 == query.where + 3", Equal("where", "where", 2)),
        ("1 + key.digit == query.digit", Equal("digit", "digit", -1)),
        ("key.square == query.index + 1", Equal("square", "index", 1)),
        ("key.where == query.digit", Equal("where", "digit")),
        ("key.digit == query.where", Equal("digit", "where")),
        ('key.content == "a"', Among("content", ("a",))),
        ('"a" == key.content', Among("content", ("a",))),
        ("key.content == 3", Among("content", ("3",))),
        ('key.content in {"a".."b", "<bos>"}', Among("content", ("a", "b", "<bos>"))),
        ("key.digit in {1..k}", Among("digit", (1, 2))),
        ("key.digit != 1", Among("digit", (0, 2, 3))),
        ("key.digit < 2", Among("digit", (0, 1))),
        ("2 <= key.digit", Among("digit", (2, 3))),
        ("key.digit + 1 == 3", Among("digit", (2,))),
        ("key.where == 5", Among("where", (5,))),
        ('next(key.content) == "c"', Among("content", ("b",))),
    ],
)
def test_relations_have_one_normal_form(text: str, expected: Relation) -> None:
    assert relation(text) == expected


def test_tables_are_relations_between_values() -> None:
    table = Related("content", "content", (("a", ("b",)), ("b", ("c",))))
    assert relation("key.content == next(query.content)") == table
    assert relation("next(query.content) == key.content") == table
    back = Related("content", "content", (("b", ("a",)), ("c", ("b",))))
    assert relation("next(key.content) == query.content") == back
    near = Related("content", "content", (("a", ("a", "b")),))
    assert relation("key.content in near(query.content)") == near
    cross = Related("digit", "content", (("a", (1,)), ("b", (2,))))
    assert relation("key.digit == digit_of(query.content)") == cross
    shifted = Related("digit", "content", (("a", (0,)), ("b", (1,))))
    assert relation("key.digit + 1 == digit_of(query.content)") == shifted


@pytest.mark.parametrize("operator", ["!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("shift", [-2, 0, 1])
def test_comparisons_are_triangular_tables(operator: str, shift: int) -> None:
    compare = {"!=": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}[operator]
    found = relation(f"key.digit {operator} query.digit + {shift}".replace("+ -", "- "))
    assert isinstance(found, Related)
    pairs = {(q, key) for q, keys in found.pairs for key in keys}
    assert pairs == {(q, key) for q in range(4) for key in range(4) if compare(key, q + shift)}
    assert all(keys for _, keys in found.pairs)


def test_offsets_under_rotary_positions() -> None:
    top = TOP + "positions rotary(dims = 8)\n"
    assert relation("key.position == query.position - 1", top) == Offset(-1)
    assert relation("query.position == key.position + 2", top) == Offset(-2)
    assert relation("key.position == query.position", top) == Offset(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("query.digit == 3", Condition("digit", (3,))),
        ("3 > query.digit", Condition("digit", (0, 1, 2))),
        ("query.position >= 4", Condition("position", (4, 5))),
        ('query.content in {"a", "b"}', Condition("content", ("a", "b"))),
        ("query.content == 0", Condition("content", ("0",))),
    ],
)
def test_conditions(text: str, expected: Condition) -> None:
    assert with_lines(f"attend key.content == query.content when {text}").head("it").terms[0].when == expected


def test_a_whole_head() -> None:
    head = with_lines(
        "attend key.content == query.content strength 3/2*k",
        "avoid key.where == query.where strength 2*beta",
        'rest key.content == "<bos>"',
        "prefer latest by index",
        "copy key.content -> guess",
    ).head("it")
    assert [term.negated for term in head.terms] == [False, True]
    assert head.terms[0].strength == Number(Fraction(3))
    assert head.terms[1].strength == parse_expression("2*beta")
    assert head.rests[0].condition == Among("content", ("<bos>",))
    assert head.prefer == Prefer("latest", "index")
    assert not head.is_soft


# ------------------------------------------------------------------ copies

ONE = Number(Fraction(1))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("copy key.content -> guess", Copy("content", "guess", ONE)),
        ("copy 1/2 * key.content -> guess", Copy("content", "guess", Number(Fraction(1, 2)))),
        ("copy -key.content -> guess", Copy("content", "guess", Number(Fraction(-1)))),
        ("copy key.content / 4 -> guess", Copy("content", "guess", Number(Fraction(1, 4)))),
        ("copy key.digit + 1 -> digit", Copy("digit", "digit", ONE, 1)),
        ("copy 3 * (key.index - k) -> index", Copy("index", "index", Number(Fraction(3)), -2)),
        ("copy key.digit -> index", Copy("digit", "index", ONE)),
        ("copy key.square -> index", Copy("square", "index", ONE)),
        ("copy key.content through next -> guess", Copy("content", "guess", ONE, 0, (("a", "b"), ("b", "c")))),
        ("copy key.content through digit_of -> digit", Copy("content", "digit", ONE, 0, (("a", 1), ("b", 2)))),
        ("copy key.content through digit_of -> guess", Copy("content", "guess", ONE, 0, (("a", "1"), ("b", "2")))),
    ],
)
def test_copies(line: str, expected: Copy) -> None:
    assert with_lines(line).head("it").copies == (expected,)


def test_symbols_stay_in_coefficients() -> None:
    (copy,) = with_lines("copy beta * key.content -> guess").head("it").copies
    assert copy.coefficient == parse_expression("beta")


def test_a_shift_before_a_table_is_worked_into_the_table() -> None:
    top = TOP + "table double: 0 -> 0, 1 -> 2, 2 -> 4\nsubspace even : onehot({0, 2, 4})\n"
    (copy,) = with_lines("copy key.digit + 1 through double -> even", top=top).head("it").copies
    assert copy.shift == 0 and copy.table == ((0, 2), (1, 4))


# ------------------------------------------------------------------ matrices


def test_matrices_over_named_basis_vectors() -> None:
    p = with_lines(
        "W_Q = rows beta*index.value - (index.value + 2*where.cos1)/2, 0",
        "W_K = rows where.sin0, where.cos0",
        "W_V = rows digit.3",
        'W_O = columns content."<bos>"',
    )
    head, at = p.head("it"), p.coordinate_names.index
    query, key, value, output = (head.matrix(name) for name in ("W_Q", "W_K", "W_V", "W_O"))
    assert query and key and value and output
    assert (query.rows, query.columns) == (2, p.width) and (output.rows, output.columns) == (p.width, 1)
    assert {(i, j) for i, j, _ in query.entries} == {(0, at("index.value")), (0, at("where.cos1"))}
    assert (0, at("where.cos1"), Number(Fraction(-1))) in query.entries
    assert key.entries == ((0, at("where.sin0"), ONE), (1, at("where.cos0"), ONE))
    assert value.entries == ((0, at("digit.3"), ONE),)
    assert output.entries == ((at("content.<bos>"), 0, ONE),)
    assert head.is_soft


def test_entries_are_sparse() -> None:
    p = program(
        "tokens a, b\nsubspace s : onehot(tokens)\nembed token -> s\nlayer\n  head h\n"
        "    W_Q = [[1, 0], [0, sqrt(2)]]\n    W_K = [[1, 0], [0, 1]]\n"
    )
    matrix = p.head("h").matrix("W_Q")
    assert matrix is not None and [(i, j) for i, j, _ in matrix.entries] == [(0, 0), (1, 1)]


def test_matrices_that_write_count_as_writers() -> None:
    p = program(
        TOP + "layer\n  head one\n    W_V = rows content.a\n    W_O = columns guess.b\n"
        "layer\n  head two\n    attend key.guess == query.content\n"
    )
    assert len(p.heads) == 2


# ------------------------------------------------------------------ places


def test_pinned_heads_first_and_the_others_in_the_gaps() -> None:
    line = "\n    attend key.content == query.content\n  head "
    p = program(
        TOP + "layer\n  head one" + line + "two at 0.0" + line + "three at 0.5" + line + "four" + line[:-8] + "\n"
    )
    assert [(h.name, h.index) for h in p.heads] == [("two", 0), ("one", 1), ("four", 2), ("three", 5)]
    assert p.head("L0H5").name == "three"


# ------------------------------------------------------------------ claims


def test_expectations_have_their_params_replaced() -> None:
    p = program(
        TOP + "layer\n  head it\n    copy key.content -> guess\npredict guess\n"
        'expect head it: key.position == query.position - k otherwise token[0] == 3\nexpect "a b" -> "c"\n'
    )
    head, output = p.expectations
    assert isinstance(head, HeadExpectation) and isinstance(head.predicate, Comparison)
    assert head.predicate == parse_expression("key.position == query.position - 2")
    assert head.otherwise == parse_expression("token[0] == 3")
    assert output == OutputExpectation(("a", "b"), "c")


def test_predict_reads_integers_that_tokens_spell() -> None:
    assert program(TOP + "predict digit\n").predict == ("digit",)


def test_members_may_be_quoted() -> None:
    assert parse_expression('content."<bos>"') == Member("content", "<bos>")
    assert parse_expression('"a"') == Text("a")
    assert isinstance(program(TOP).subspace("digit").encoding, OneHot)


# ------------------------------------------------------------------ repeats of one length


TIED = "tokens 0, 1, <p>, <eoi>, <eos>\ncontext 9\n"


def test_repeats_that_say_one_length_are_equally_long():
    p = program(TIED + "sequences <p> (x: 0..1){L} <eoi> (s: 0..1){L} <eos>\n")
    assert p.sequences.lengths() == (5, 7, 9)
    assert p.sequences.count() == 4 + 16 + 64


def test_a_free_length_may_be_bounded_and_there_may_be_two():
    p = program(TIED + "sequences 0{L: 0..2} <p> 1{L} 0{M: 1..2} 1{M}\n")
    assert p.sequences.count() == 6
    assert [p.sequences.count(n) for n in range(10)] == [0, 0, 0, 1, 0, 2, 0, 2, 0, 1]


def test_alternatives_of_one_free_length_are_taken_one_by_one():
    p = program(TIED + "sequences <p> (x: 0..1){L: 1..3} <eoi> 0{L} | (y: 1){L} (<eoi> | <eos>) (z: 0..1){L}\n")
    assert [p.sequences.count(n) for n in range(10)] == [0, 0, 0, 4, 2, 8, 4, 16, 8, 0]
    assert len(p.sequences.shapes) == 6 and all(shape.runs is not None for shape in p.sequences.shapes)


def test_a_declared_count_is_no_free_length():
    p = program(TIED + "param L = 2\nsequences 0{L} (1 | <p>){L}\n")
    assert p.sequences.lengths() == (4,) and p.sequences.count() == 4


@pytest.mark.parametrize(("line", "help"), [("tokens a-c", "a..c"), ("subspace s : phase(0-3)", "0..3")])
def test_a_subtraction_where_a_set_stands_is_taken_for_a_range(line: str, help: str) -> None:
    text = line if line.startswith("tokens") else f"tokens a, b\n{line}"
    with pytest.raises(SpecError) as caught:
        resolve(parse(f"model m\ncontext 4\n{text}\n"))
    assert f"did you mean the range `{help}`?" in str(caught.value)


def test_what_is_never_written_is_told_once_and_how_to_write_it() -> None:
    head = "layer\n  head h\n    attend key.where == query.where - 1\n    rest key.where == 0\n"
    with pytest.raises(SpecError) as caught:
        resolve(parse(f"model m\ntokens a, b\ncontext 4\nsubspace where : phase(positions)\n{head}"))
    assert [d.code for d in caught.value.diagnostics] == ["E0414"]
    assert "`embed position -> where`" in str(caught.value)


def test_an_empty_spec_is_named() -> None:
    with pytest.raises(SpecError, match=r"E0207.*\n --> empty.head:1:1"):
        resolve(parse("", "empty.head"))


@pytest.mark.parametrize(
    ("sequences", "beyond"),
    [("a{1,4}", True), ("a (a|b b){3}", True), ("a b c a", True), ("a{3}", False), ("a a*", False), ("tokens+", False)],
)
def test_sequences_beyond_the_context_are_remarked(sequences: str, beyond: bool) -> None:
    text = f"model m\ntokens a, b, c\ncontext 3\nsequences {sequences} | a\n"
    assert any("more tokens than the context of 3" in remark for remark in resolve(parse(text)).remarks) == beyond
