"""MLPs against a direct reading of their expressions, on every combination of inputs, in fractions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.encodings import OneHot, Quadratic, ScalarValue
from compiler.mlp.building import build_mlps, realise_computes
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from tests.compiler.interpreting import Undefined, Value, meaning, stream, vector, written

HEADER = """\
model tried
tokens "-3", "-2", "-1", 0..112, "a"
context 4
subspace seen : onehot(tokens)
subspace digit : scalar(0..9)
subspace flag : onehot(0..1)
embed token -> seen
embed token -> digit
embed token -> flag
"""

INPUTS = {
    "a": "scalar(0..9)",
    "b": "scalar(0..9)",
    "x": "onehot(0..9)",
    "y": "onehot(0..9)",
    "c": "onehot(0..1)",
    "d": "scalar(0..1)",
    "n": "scalar(-3..3)",
    "q": "quadratic(0..9)",
    "r": "quadratic(-2..4)",
    "m": "onehot(0..10)",
    "k": "onehot(0..10)",
    "t": "onehot(tokens)",
    "u": "onehot(tokens)",
}
COPIED = {"a": "digit", "b": "digit", "x": "digit", "y": "digit"}


def spec(target: str, expression: str, *, extra: str = "", used: Mapping[str, str] = INPUTS) -> str:
    """A model whose head writes every input (from whatever holds its values), and which then computes."""
    lines = [f"subspace {name} : {encoding}" for name, encoding in used.items()]
    lines += [f"subspace from_{name} : {encoding}" for name, encoding in used.items()]
    lines += [f"embed token -> from_{name}" for name in used]
    lines += [f"subspace out : {target}", extra, "layer", "  head any", "    attend key.seen == query.seen"]
    lines += [f"    copy key.from_{name} -> {name}" for name in used]
    return HEADER + "\n".join([*lines, f"  compute out = {expression}", "predict out", ""])


def made(text: str) -> tuple[Program, MlpWeights]:
    program = resolve(parse(text))
    [mlp] = build_mlps(program, realise_computes(program))
    return program, mlp


def values(program: Program, name: str) -> list[Value]:
    match program.subspace(name).encoding:
        case OneHot(found):
            return list(found)
        case ScalarValue(low, high) | Quadratic(low, high):
            return list(range(low, high + 1))
    raise AssertionError(name)


def situations(program: Program, names: list[str]) -> Iterator[dict[str, Value | None]]:
    for row in product(*(values(program, name) for name in names)):
        yield dict(zip(names, row, strict=True))


def assert_exact(program: Program, mlp: MlpWeights, names: list[str]) -> int:
    """The MLP adds exactly the encoded value at every combination of ``names``; how many had one."""
    [compute] = program.computes
    target = program.subspace(compute.target)
    count = 0
    for shown in situations(program, names):
        try:
            wanted = vector(target.encoding, meaning(compute.value, shown))
        except Undefined:
            continue
        if wanted is None:
            continue
        found = written(mlp, stream(program, {**shown, "seen": "a"}))
        assert [found[c] for c in target.coordinates] == wanted, shown
        assert not any(entry for i, entry in enumerate(found) if i not in target.coordinates)
        count += 1
    return count


def used_in(expression: str) -> dict[str, str]:
    names = set("".join(ch if ch.isalnum() else " " for ch in expression).split())
    return {name: encoding for name, encoding in INPUTS.items() if name in names}


def check(target: str, expression: str, extra: str = "", tokens: str = "0..112") -> MlpWeights:
    used = used_in(expression)
    program, mlp = made(spec(target, expression, extra=extra, used=used).replace("0..112", tokens))
    assert assert_exact(program, mlp, list(used)) > 0
    assert len(mlp.labels) == mlp.W_in.rows
    return mlp


# -------------------------------------------------------------------- sizes

SIZES = [
    ("scalar(0..18)", "a + b", 1),
    ("scalar(-9..18)", "2*a - b", 2),
    ("scalar(0..9)", "(a + b) mod 10", 3),
    ("scalar(0..9)", "(x + b) mod 10", 3),
    ("onehot(0..9)", "(x + y) mod 10", 19),
    ("quadratic(0..9)", "a", 5),
    ("quadratic(0..18)", "x + y", 10),
    ("scalar(0..1)", "(c + d) mod 2", 2),
    ("scalar(0..9)", "max(a, b)", 2),
    ("scalar(0..9)", "min(x, b)", 2),
    ("scalar(0..9)", "abs(a - b)", 2),
    ("scalar(0..81)", "a*b", 17),
    ("scalar(-9..9)", "n*d + 2*(n*c)", 3),
    ("scalar(0..81)", "a*y", 4),
    ("scalar(0..81)", "x*y", 4),
    ("scalar(0..9)", "if c == 1 then a else b", 2),
    ("scalar(0..9)", "if a > 4 then b else 0", 2),
    ("scalar(0..9)", "if a < 4 then 3 else 0", 2),
    ("onehot(0..9)", "if c == 1 then x else y", 20),
    ("onehot(0..1)", "if c == 1 and d == 1 then 1 else 0", 2),
    ("onehot(0..10)", "(m*k + 1) mod 11", 20),
    ("onehot(0..10)", "m", 11),
    ("scalar(0..10)", "m", 1),
]


@pytest.mark.parametrize(("target", "expression", "neurons"), SIZES, ids=[f"{e} -> {t}" for t, e, _ in SIZES])
def test_the_value_is_exact_and_the_neurons_are_few(target: str, expression: str, neurons: int) -> None:
    mlp = check(target, expression, extra="subspace one : constant")
    assert mlp.W_in.rows <= neurons


def test_the_next_state_of_parity_is_one_neuron_where_the_sum_is_there_already() -> None:
    program, mlp = made(HEADER + "\n".join([
        "subspace s : scalar(-2..2)", "subspace bit : scalar(0..1)", "subspace one : constant", "embed token -> bit",
        "layer", "  head any", "    attend key.seen == query.seen", "    copy key.bit -> s", "    copy key.bit -> s",
        "  compute s = -2 * (s // 2)", "",
    ]))  # fmt: skip
    assert mlp.W_in.rows == 1
    for sum_ in (0, 1, 2):
        found = written(mlp, stream(program, {"s": sum_, "seen": "a"}))
        assert sum_ + found[program.subspace("s").coordinates[0]] == sum_ % 2


def test_addition_modulo_113() -> None:
    used = {"v": "scalar(0..112)", "w": "scalar(0..112)"}
    lines = [f"subspace {n} : {e}\nsubspace from_{n} : {e}\nembed token -> from_{n}" for n, e in used.items()]
    copies = [f"    copy key.from_{n} -> {n}" for n in used]
    text = HEADER + "\n".join([*lines, "subspace one : constant", "subspace out : scalar(0..112)", "layer",
        "  head any", "    attend key.seen == query.seen", *copies, "  compute out = (v + w) mod 113", ""])  # fmt: skip
    program, mlp = made(text)
    assert mlp.W_in.rows == 3
    assert assert_exact(program, mlp, ["v", "w"]) == 113**2


def test_tokens_are_compared_looked_up_and_chosen() -> None:
    table = 'table turn: "0" -> "1", "1" -> "0", "a" -> "a"'
    check("onehot(tokens)", 'if t in {"0", "1", "a"} then turn(t) else "3"', table, tokens="0..3")
    check("onehot(tokens)", 'if t == "a" then u else if t == "0" then turn(t) else "3"', table, tokens="0..3")
    check("onehot(0..1)", "if t == u then 1 else 0", "subspace one : constant", tokens="0..3")


# -------------------------------------------------------------------- constants, bases, activations


def test_without_any_constant_a_one_hot_that_is_read_gives_it() -> None:
    text = spec("scalar(0..9)", "(x + a) mod 10", used=used_in("x a")).replace("embed token -> seen", "")
    text = text.replace("    attend key.seen == query.seen\n", "    attend key.flag == query.flag\n")
    program, mlp = made(text)
    assert assert_exact(program, mlp, ["x", "a"]) == 100


def test_biases_hold_the_constants() -> None:
    program, mlp = made(spec("onehot(0..9)", "(a + b) mod 10", extra="biases allowed", used=used_in("a b")))
    assert not mlp.b_in.is_zero() and not mlp.b_out.is_zero()
    assert assert_exact(program, mlp, ["a", "b"]) == 100
    without = made(spec("onehot(0..9)", "(a + b) mod 10", used=used_in("a b")))[1]
    assert without.b_in.is_zero() and without.b_out.is_zero() and without.W_in.rows == mlp.W_in.rows + 1


def test_products_take_one_neuron_under_a_gated_activation() -> None:
    program, mlp = made(spec("scalar(-27..27)", "n*a", extra="activation reglu", used=used_in("n a")))
    assert mlp.activation == "reglu" and mlp.W_gate is not None and mlp.W_in.rows <= 2
    assert assert_exact(program, mlp, ["n", "a"]) == 70
    sawtooth = made(spec("scalar(0..9)", "(a + b) mod 10", extra="activation reglu", used=used_in("a b")))
    assert assert_exact(*sawtooth, ["a", "b"]) == 100


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_smooth_activations_are_relu_at_a_power_of_two(activation: str) -> None:
    import math

    used = used_in("a b")
    program, mlp = made(spec("scalar(0..9)", "(a + b) mod 10", extra=f"activation {activation}", used=used))
    reference = made(spec("scalar(0..9)", "(a + b) mod 10", used=used))[1]
    scale = (
        next(iter(mlp.W_in.entries.values())).as_fraction() / next(iter(reference.W_in.entries.values())).as_fraction()
    )
    assert scale.denominator == 1 and math.log2(scale) == int(math.log2(scale))
    assert mlp.W_in == reference.W_in.scale(scale)
    act = {"gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2, "silu": lambda z: z / (1 + math.exp(-z))}[
        activation
    ]
    target = program.subspace("out").coordinates[0]
    for shown in situations(program, ["a", "b"]):
        x = [float(entry) for entry in stream(program, {**shown, "seen": "a"})]
        pre = [sum(float(mlp.W_in[i, j].as_fraction()) * x[j] for j in range(len(x))) for i in range(mlp.W_in.rows)]
        found = sum(float(mlp.W_out[target, i].as_fraction()) * act(z) for i, z in enumerate(pre))
        assert abs(found - (shown["a"] + shown["b"]) % 10) < 1e-5  # type: ignore[operator]
    assert any(activation in note for note in mlp.notes)


# -------------------------------------------------------------------- what is not looked at


def test_of_a_choice_only_the_branch_that_is_taken_matters() -> None:
    """The other branch may be empty, or a mixture of its values."""
    from fractions import Fraction

    for target, expression in (
        ("scalar(0..9)", "if c == 1 then a else x"),
        ("onehot(0..9)", "if c == 1 then y else x"),
    ):
        used = used_in(expression)
        program, mlp = made(spec(target, expression, used=used))
        coordinates = program.subspace("out").coordinates
        kept = next(name for name in used if name in "ay")
        for value in range(10):
            wanted = vector(program.subspace("out").encoding, value)
            empty = written(mlp, stream(program, {"c": 1, kept: value, "seen": "a"}))
            assert [empty[i] for i in coordinates] == wanted
            x = stream(program, {"c": 1, kept: value, "seen": "a"})
            for i in program.subspace("x").coordinates[:4]:
                x[i] += Fraction(1, 4)
            assert [written(mlp, x)[i] for i in coordinates] == wanted


# -------------------------------------------------------------------- any expression

SMALL = {"a": "scalar(0..2)", "x": "onehot(0..2)", "n": "scalar(-1..1)", "r": "quadratic(-1..1)"}
numbers = st.sampled_from([*SMALL, "1", "2", "3"])


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compared = st.builds("({} {} {})".format, inner, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner)
    among = st.builds("({} in {{0, 2}})".format, inner)
    plain = compared | among
    return (
        plain
        | st.builds("({} {} {})".format, plain, st.sampled_from(["and", "or"]), plain)
        | st.builds("(not {})".format, plain)
    )


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sums = st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner)
    divided = st.builds("({} {} {})".format, inner, st.sampled_from(["//", "mod"]), st.sampled_from(["2", "3"]))
    chosen = st.builds("(if {} then {} else {})".format, conditions(inner), inner, inner)
    return sums | divided | chosen | st.builds("max({}, {})".format, inner, inner)


@settings(max_examples=120, deadline=None)
@given(
    st.recursive(numbers, larger, max_leaves=5),
    st.sampled_from(["scalar", "onehot", "quadratic"]),
    st.booleans(),
    st.sampled_from(["relu", "reglu"]),
)
def test_any_expression_over_few_values_is_realised(
    expression: str, encoding: str, biases: bool, activation: str
) -> None:
    used = {
        name: e for name, e in SMALL.items() if name in "".join(c if c.isalnum() else " " for c in expression).split()
    }
    reach = 260 if encoding == "onehot" else 800
    extra = f"subspace one : constant\nactivation {activation}" + ("\nbiases allowed" if biases else "")
    try:
        text = spec(f"{encoding}(-{reach}..{reach})", expression, extra=extra, used=used)
        program, mlp = made(text.replace('"-3", "-2", "-1", 0..112', '"-1", 0..2'))
    except SpecError as error:  # what is not always looked at may be anything, and then not every code will do
        assert {d.code for d in error.diagnostics} == {"E0520"} and any(word in expression for word in ("if", "max"))
        return
    assert assert_exact(program, mlp, list(used)) > 0


# -------------------------------------------------------------------- refusals


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        realise_computes(resolve(parse(text)))
    return caught.value


def test_what_needs_two_layers_names_a_part() -> None:
    used = {"v": "scalar(0..300)", "w": "scalar(0..300)"}
    text = spec("scalar(0..6)", "(v*w) mod 7", extra="subspace one : constant", used=used)
    error = refusal(text.replace("0..112", "0..300"))
    [found] = error.diagnostics
    assert found.code == "E0520" and found.help is not None and "`v*w`" in found.help


def test_phases_show_no_values() -> None:
    places = "subspace where : phase(positions, 2)\nembed position -> where\nsubspace one : constant"
    [found] = refusal(spec("scalar(0..9)", "where + 1", extra=places, used={})).diagnostics
    assert found.code == "E0522"
