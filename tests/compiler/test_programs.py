"""Whole programs from tree to types: computes, families, layouts, and lines that are put into layers."""

from __future__ import annotations

import itertools
import random

import pytest

from compiler.claims import OutputExpectation
from compiler.computing import Arithmetic, Choice, Compared, Compute, Fixed, LookedUp, Negative, Read
from compiler.heads import Among
from compiler.program import Program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse

TOP = """\
tokens 0..9, "+", "="
context 8
table next: 0 -> 1, 1 -> 2, 2 -> 0
subspace digit : onehot(0..9)
subspace letter : onehot(tokens)
embed token -> digit
embed token -> letter
"""


def program(text: str) -> Program:
    return resolve(parse(text))


def errors(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        program(text)
    return [d.render() for d in caught.value.diagnostics]


def compute(expression: str, target: str = "onehot(0..100)") -> Compute:
    (found,) = program(f"{TOP}subspace out : {target}\ncompute out = {expression}\n").computes
    return found


# ------------------------------------------------------------------ expressions


def test_an_expression_is_typed_part_by_part() -> None:
    assert compute("digit + 2*(3 - 1)").value == Arithmetic("+", Read("digit"), Fixed(4))
    assert compute('if letter == "+" then 1 else digit').value == Choice(
        Compared("==", Read("letter"), Fixed("+")), Fixed(1), Read("digit")
    )
    assert compute("next(digit mod 3)").value == LookedUp(
        "next", ((0, 1), (1, 2), (2, 0)), Arithmetic("mod", Read("digit"), Fixed(3))
    )


def test_functions_are_choices() -> None:
    digit, three = Read("digit"), Fixed(3)
    assert compute("min(digit, 3)").value == Choice(Compared("<=", digit, three), digit, three)
    assert compute("max(digit, 3)").value == Choice(Compared(">=", digit, three), digit, three)
    assert compute("abs(digit)").value == Choice(Compared("<", digit, Fixed(0)), Negative(digit), digit)


def test_an_integer_becomes_the_token_that_spells_it() -> None:
    value = compute("digit", "onehot(tokens)").value
    assert isinstance(value, LookedUp) and value.argument == Read("digit")
    assert value.pairs == tuple((n, str(n)) for n in range(10))


def test_the_place_of_an_expression_is_kept() -> None:
    value = compute("digit + digit mod 3").value
    assert value.span.text == "digit + digit mod 3"
    assert isinstance(value, Arithmetic) and value.right.span.text == "digit mod 3"


# ------------------------------------------------------------------ ranges


def test_an_error_shows_inputs_that_lead_there() -> None:
    (text,) = errors(TOP + "subspace out : onehot(0..9)\ncompute out = digit + 1\n")
    assert "the value can be 10" in text and "for instance with digit = 9" in text


def test_inputs_that_nothing_ties_are_named() -> None:
    head = "head {}\n  attend key.letter == query.letter\n  copy key.digit -> other\n"
    lines = "subspace other : scalar(0..4)\nsubspace out : scalar(0..12)\n" + head.format("one") + head.format("two")
    (text,) = errors(TOP + lines + "compute out = other + digit\n")
    assert "for instance with other = 4, digit = 9" in text
    assert "taken for possible beside every other value: any value of `other`" in text


def test_what_one_token_decides_is_taken_together() -> None:
    assert program(TOP + 'subspace out : onehot(0..9)\ncompute out = if letter == "9" then 0 else digit + 1\n')


def test_only_positions_of_a_token_count() -> None:
    stage = 'tokens 0..1, "="\ncontext 6\nsequences (0..1){2,4} "="\n' + "\n".join(
        (
            "subspace letter : onehot(tokens)",
            "subspace where : onehot(positions)",
            "subspace out : onehot(0..2)",
            "embed token -> letter",
            "embed position -> where",
        )
    )
    assert program(stage + '\ncompute out = if letter == "=" then where - 2 else 0\n')
    assert errors(stage + '\ncompute out = if letter == "=" then where - 3 else 0\n')


OPERANDS = ("digit", "other", "3", "0", "(digit - other)", "(digit mod 2)")
OPERATORS = ("+", "-", "*", "//", "mod")
TESTS = ("digit < other", "digit == 2", "other != 0", "digit in {0, 2}")


def _drawn(rng: random.Random, depth: int) -> str:
    if not depth:
        return rng.choice(OPERANDS)
    inner = [_drawn(rng, depth - 1) for _ in range(2)]
    match rng.randrange(6):
        case 0:
            test = f"{rng.choice(TESTS)} {rng.choice(('and', 'or'))} not ({inner[0]}) > ({inner[1]})"
            return f"(if {test} then {inner[0]} else {inner[1]})"
        case 1:
            return f"next({inner[0]})"
        case 2:
            return f"(if {rng.choice(TESTS)} then {inner[0]} else {inner[1]})"
        case _:
            return f"({inner[0]} {rng.choice(OPERATORS)} {inner[1]})"


class NoValue(Exception):
    pass


def _evaluate(expr: object, values: dict[str, int]) -> int:
    """The value of a tree by itself, as the language says it; written apart from what is tested."""
    from dsl import expressions as E

    match expr:
        case E.Number(value):
            return int(value)
        case E.Name(name):
            return values[name]
        case E.Unary("not", operand):
            return 1 - _evaluate(operand, values)
        case E.Call("next", (argument,)):
            found = _evaluate(argument, values)
            if found not in (0, 1, 2):
                raise NoValue
            return (found + 1) % 3
        case E.Conditional(condition, then, otherwise):
            return _evaluate(then if _evaluate(condition, values) else otherwise, values)
        case E.Comparison("in", left, E.SetOf(members)):
            return int(_evaluate(left, values) in [_evaluate(m, values) for m in members])
        case E.Comparison(operator, left, right):
            one, two = _evaluate(left, values), _evaluate(right, values)
            return int({"<": one < two, ">": one > two, "==": one == two, "!=": one != two}[operator])
        case E.Binary(("and" | "or") as operator, left, right):
            return _joined(operator, left, right, values)
        case E.Binary(operator, left, right):
            one, two = _evaluate(left, values), _evaluate(right, values)
            if operator in ("//", "mod") and two == 0:
                raise NoValue
            return {"+": one + two, "-": one - two, "*": one * two}.get(
                operator, one // (two or 1) if operator == "//" else one % (two or 1)
            )
    raise AssertionError(expr)


def _joined(operator: str, left: object, right: object, values: dict[str, int]) -> int:
    decisive, found = int(operator == "or"), []
    for side in (left, right):
        try:
            found.append(_evaluate(side, values))
        except NoValue:
            found.append(None)
    if decisive in found:
        return decisive
    if None in found:
        raise NoValue
    return 1 - decisive


def test_verdicts_are_those_of_trying_every_pair() -> None:
    """Random expressions of two inputs: refused exactly if some pair has no value, or one outside of -9..20."""
    from dsl.parser import parse_expression

    rng = random.Random(4)
    verdicts = []
    stage = TOP.replace("context 8", "context 3") + "subspace other : onehot(0..2)\nembed position -> other\n"
    stage = stage.replace("0..9", "0..3") + "subspace out : scalar(-9..20)\n"
    for _ in range(150):
        text = _drawn(rng, rng.randrange(1, 4))
        wrong = False
        for digit, other in itertools.product(range(4), range(3)):
            try:
                wrong |= not -9 <= _evaluate(parse_expression(text), {"digit": digit, "other": other}) <= 20
            except NoValue:
                wrong = True
        try:
            program(f"{stage}compute out = {text}\n")
            refused = False
        except SpecError as error:
            codes = {d.code for d in error.diagnostics}
            if codes == {"E0213"}:  # a constant divided by 0 is refused before
                continue
            assert codes <= {"E0480", "E0482", "E0483"}, (text, codes)
            refused = True
        assert refused == wrong, text
        verdicts.append(wrong)
    assert {True, False} == set(verdicts)


# ------------------------------------------------------------------ scheduling


CHAIN = (
    "head one\n  attend key.letter == query.letter\n  copy key.digit -> a",
    "compute b = (a + digit) mod 10",
    "compute c = (b + a) mod 10",
    "head two\n  attend key.c == query.digit\n  copy key.b -> d",
    "head three\n  attend key.digit == query.a\n  copy key.digit -> e",
    "compute f = (d + e) mod 10",
)
SPACES = "".join(f"subspace {name} : onehot(0..9)\n" for name in "abcdef")


def _where(p: Program) -> dict[str, int]:
    return {h.name: h.layer for h in p.heads} | {c.target: c.layer for c in p.computes}


def test_lines_of_the_first_level_run_as_early_as_they_can_whatever_their_order() -> None:
    wanted = {"one": 0, "b": 0, "c": 1, "three": 1, "two": 2, "f": 2}
    rng = random.Random(0)
    for _ in range(12):
        lines = rng.sample(CHAIN, len(CHAIN))
        assert _where(program(TOP + SPACES + "\n".join(lines) + "\npredict f\n")) == wanted


def test_layers_stay_as_written_and_loose_lines_go_between() -> None:
    text = TOP + SPACES + "layer\n  " + CHAIN[0].replace("\n", "\n  ")
    text += (
        "\nlayer\n  " + CHAIN[3].replace("\n", "\n  ") + "\n" + "\n".join((*CHAIN[1:3], *CHAIN[4:])) + "\npredict f\n"
    )
    assert _where(program(text)) == {"one": 0, "b": 0, "c": 1, "three": 1, "two": 2, "f": 2}


def test_computes_of_one_layer_that_wait_for_one_another_spill() -> None:
    text = TOP + SPACES + "layer\n  compute a = digit\n  compute b = a\n  compute c = b\nlayer\n"
    text += "  head h\n    attend key.c == query.digit\n    copy key.c -> d\npredict d\n"
    p = program(text)
    assert _where(p) == {"a": 0, "b": 1, "c": 2, "h": 3}
    assert [len(layer) for layer in p.layers] == [0, 0, 0, 1]
    assert p.remarks == (
        "`compute b` reads `a`, which its own layer computes: it runs in layer 1",
        "`compute c` reads `b`, which its own layer computes: it runs in layer 2",
    )


def test_a_compute_that_reads_what_was_there_before_does_not_spill() -> None:
    p = program(TOP + SPACES + "layer\n  compute digit = 0\n  compute b = digit\npredict b\n")
    assert _where(p) == {"digit": 0, "b": 0} and p.remarks == ()


def test_a_pinned_head_waits_for_its_layer() -> None:
    text = (
        TOP + SPACES + "compute b = digit\nhead h at 2.1\n  attend key.b == query.digit\n  copy key.b -> c\npredict c\n"
    )
    p = program(text)
    assert _where(p) == {"b": 0, "h": 2} and [len(layer) for layer in p.layers] == [0, 0, 1]


def test_a_circle_is_named() -> None:
    lines = "compute a = b\ncompute b = c\ncompute c = a\ncompute d = a\n"
    (text,) = errors(TOP + SPACES + lines)
    for name, read in ("ab", "bc", "ca"):
        assert f"`compute {name}` reads `{read}`, which `compute {read}` writes" in text
    assert "compute d" not in text.split("-->")[0]


# ------------------------------------------------------------------ families and layouts


FAMILY = """\
for i in 0..2
  table shift[i]: 0 -> i, 1 -> 3*i
  subspace a[i] : onehot(0..9)
  subspace out[i] like a[i]
  embed token -> a[i]
  for q in primes(2, 5)
    subspace r[q, i] : onehot(0..q - 1)
    compute r[q, i] = a[i] mod q
  layer
    head get[i]
      for j in {0, 2}
        attend key.a[j] == query.a[i] + j
      copy key.a[i] -> out[i]
  predict out[i]
  expect head get[i]: key.position <= i
compute r[2, 0] = shift[1](r[2, 0] mod 2) mod 2
"""


def _written_out() -> str:
    parts = []
    for i in range(3):
        parts.append(f"table shift[{i}]: 0 -> {i}, 1 -> {3 * i}\nsubspace a[{i}] : onehot(0..9)")
        parts.append(f"subspace out[{i}] like a[{i}]\nembed token -> a[{i}]")
        parts += [f"subspace r[{q}, {i}] : onehot(0..{q - 1})\ncompute r[{q}, {i}] = a[{i}] mod {q}" for q in (2, 3)]
        parts.append(f"layer\n  head get[{i}]\n    attend key.a[0] == query.a[{i}] + 0")
        parts.append(f"    attend key.a[2] == query.a[{i}] + 2\n    copy key.a[{i}] -> out[{i}]")
        parts.append(f"predict out[{i}]\nexpect head get[{i}]: key.position <= {i}")
    return "\n".join(parts) + "\ncompute r[2, 0] = shift[1](r[2, 0] mod 2) mod 2\n"


def test_membership_among_primes_is_a_set_written_out() -> None:
    """In compute lines, in relations and in claims; a table of that name has one argument."""
    text = """\
tokens 0..9
context 4
param p = 8
subspace a : onehot(0..9)
subspace out : onehot(0..9)
embed token -> a
layer
  head get
    attend key.a in SET
    copy key.a -> out
compute out = if a in SET then 1 else 0
predict out
expect head get: token[key.position] in SET
"""
    assert program(text.replace("SET", "primes(3, p)")) == program(text.replace("SET", "{3, 5, 7}"))
    assert "E0490" in errors(text.replace("SET", "primes(8, 10)"))[0]
    tabled = text.replace("a in SET", "a == primes(query.a)", 1).replace("a in SET", "primes(a) == 3")
    images = ", ".join(f"{i} -> 3" for i in range(10))
    tabled = tabled.replace("expect head", "# ").replace("context", f"table primes: {images}\ncontext")
    assert isinstance(program(tabled).computes[0].value, Choice)


def test_a_family_is_what_it_is_written_out() -> None:
    top = "tokens 0..9\ncontext 4\n"
    family, written = program(top + FAMILY.replace("compute r[2, 0] = shift[1](r[2, 0] mod 2) mod 2\n", "")), None
    written = program(top + _written_out().replace("compute r[2, 0] = shift[1](r[2, 0] mod 2) mod 2\n", ""))
    assert family == written
    assert [s.name for s in family.subspaces][:4] == ["a[0]", "out[0]", "r[2, 0]", "r[3, 0]"]
    assert family.predict == ("out[0]", "out[1]", "out[2]")


def test_a_member_of_a_family_keeps_its_place_in_the_text() -> None:
    p = program("tokens 0..9\ncontext 4\nfor i in 0..1\n  subspace a[i] : onehot(0..9)\n  embed token -> a[i]\n")
    assert {line.span.text for line in p.embeds} == {"embed token -> a[i]"}


def test_families_count_over_tokens_and_params() -> None:
    p = program('tokens a..c\ncontext 4\nparam n = 1\nfor t in {"a", "c"}\n  subspace s[t, n] : onehot({t, "b"})\n')
    assert [s.name for s in p.subspaces] == ['s["a", 1]', 's["c", 1]']
    assert [s.components for s in p.subspaces] == [("a", "b"), ("c", "b")]


def test_a_range_one_short_is_an_empty_family_and_one_further_down_a_slip() -> None:
    text = "tokens 0..9\ncontext 4\nfor i in 0..2\n  for j in i + 1..{end}\n    subspace s[i, j] : onehot(0..9)\n"
    assert [s.name for s in program(text.format(end=2)).subspaces] == ["s[0, 1]", "s[0, 2]", "s[1, 2]"]
    with pytest.raises(SpecError, match="E0209"):
        program(text.format(end=0))


LAYOUT = 'tokens 0..9, "+", "="\nlayout a[0..1] "+" b0 b1 "=" c\n'


def test_a_layout_names_positions_and_says_what_is_valid() -> None:
    stage = "subspace where : onehot(slots)\nembed position -> where\nsubspace d : onehot(0..9)\nembed token -> d\n"
    lines = "layer\n  head h\n    attend key.where == a[1] when query.where in {b1, c - 1}\n    copy key.d -> d\n"
    p = program(LAYOUT + stage + lines)
    assert p.context == 7 and p.sequences.lengths() == (7,) and p.sequences.count() == 12**5
    term = p.head("h").terms[0]
    assert term.relation == Among("where", (1,))
    assert term.when is not None and term.when.values == (4, 5)


def test_a_layout_beside_sequences_and_context() -> None:
    p = program(LAYOUT + 'context 9\nsequences (0..9){2} "+" (0..9){2} "=" (0..9)\n')
    assert p.context == 9 and p.sequences.count() == 10**5


# ------------------------------------------------------------------ claims and settings


def test_generated_claims_and_activation() -> None:
    stage = "tokens a, b, <p>, <e>\ncontext 7\nsequences <p> (a | b){L} <e> (a | b){L}\n"
    stage += "subspace t : onehot(tokens)\nembed token -> t\npredict t\nactivation gelu\n"
    p = program(stage + 'expect "<p> a b <e>" ->* "a b"\nexpect "<p> a" -> "b"\n')
    assert p.activation == "gelu"
    first, second = p.expectations
    assert isinstance(first, OutputExpectation) and isinstance(second, OutputExpectation)
    assert (first.prompt, first.answer, first.generated) == (("<p>", "a", "b", "<e>"), "a", ("a", "b"))
    assert second.generated is None
    (text,) = errors(stage + 'expect "<p> a <e>" ->* "a b b"\n')
    assert "what is read while generating" in text
