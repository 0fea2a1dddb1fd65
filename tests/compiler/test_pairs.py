"""Pairs of values as sums of their vectors, and MLPs that read codes: by hand, in fractions, and as whole models."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations_with_replacement, product
from random import Random

import mpmath
import numpy as np
import pytest

import headspec
from compiler.encodings import Pairs
from compiler.mlp.activations import rounding
from compiler.mlp.building import build_mlps, realise_computes
from compiler.mlp.directions import least_steep
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from compiler.reference import Kind, interpret
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from tests.compiler.interpreting import written

PRISM = "[{}]".format(
    ", ".join(
        f"[1, cos({d}*pi/5), sin({d}*pi/5), cos({2 * d}*pi/5), sin({2 * d}*pi/5), {(-1) ** d}]" for d in range(10)
    )
)
"""Phi(d) = [1, cos 2 pi d/10, sin 2 pi d/10, cos 2 pi d/5, sin 2 pi d/5, (-1)^d]."""

SPEC = """\
model pairs
tokens 0..9, "="
layout a b "="
sequences (0..9){{2}} "="
subspace slot : onehot(slots)
subspace digit : code(0..9, 6, vectors = {vectors})
subspace mix : pairs(digit)
subspace out : {target}
subspace one : constant
embed position -> slot
embed token -> digit
layer
  head both
    attend key.slot in {{a, b}} when query.slot == b + 1
    attend key.slot == a when query.slot == a
    copy {factor} * key.digit -> mix
  compute out = {value}
predict out
{expect}
"""


def spec(
    value: str = "first(mix)*second(mix) mod 10", target: str = "scalar(0..9)", factor: str = "2", expect: str = ""
) -> str:
    return SPEC.format(vectors=PRISM, value=value, target=target, factor=factor, expect=expect)


def made(text: str) -> tuple[Program, MlpWeights]:
    program = resolve(parse(text))
    [mlp] = build_mlps(program, realise_computes(program))
    return program, mlp


def on_prism(digit: int) -> list[Fraction]:
    """Phi(digit) within 10^-58."""
    with mpmath.workdps(60):
        angle = mpmath.pi * digit / 5
        entries = [1, mpmath.cos(angle), mpmath.sin(angle), mpmath.cos(2 * angle), mpmath.sin(2 * angle)]
        return [Fraction(str(entry)) for entry in entries] + [Fraction((-1) ** digit)]


def stream_with(program: Program, mix: list[Fraction], slot: int) -> list[Fraction]:
    found = [Fraction(0)] * program.width
    for name, entries in [("mix", mix), ("one", [Fraction(1)])]:
        for coordinate, entry in zip(program.subspace(name).coordinates, entries, strict=True):
            found[coordinate] = entry
    found[program.subspace("slot").coordinates[slot]] = Fraction(1)
    return found


CLAIM = "expect out after b + 1 == token[a]*token[b] mod 10"

# -------------------------------------------------------------------- what is read, exactly

FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "first(mix)*second(mix)": lambda a, b: a * b,
    "second(mix) - first(mix)": lambda a, b: b - a,
    "(first(mix) + 3*second(mix)) mod 7": lambda a, b: (a + 3 * b) % 7,
    "if first(mix) == second(mix) then 40 else first(mix)": lambda a, b: 40 if a == b else a,
}


@pytest.mark.parametrize("value", list(FUNCTIONS))
def test_any_function_of_a_pair_is_exact_at_all_55_sums(value: str) -> None:
    program, mlp = made(spec(value, "scalar(0..81)"))
    [place] = program.subspace("out").coordinates
    for a, b in combinations_with_replacement(range(10), 2):
        both = [x + y for x, y in zip(on_prism(a), on_prism(b), strict=True)]
        found = written(mlp, stream_with(program, both, 2))
        assert found[place] == FUNCTIONS[value](a, b), (a, b)


def test_a_one_hot_may_say_the_result() -> None:
    program, mlp = made(spec("first(mix)*second(mix) mod 10", "onehot(0..9)"))
    places = program.subspace("out").coordinates
    for a, b in combinations_with_replacement(range(10), 2):
        both = [x + y for x, y in zip(on_prism(a), on_prism(b), strict=True)]
        found = written(mlp, stream_with(program, both, 2))
        assert [found[c] for c in places] == [Fraction(a * b % 10 == digit) for digit in range(10)]


def test_steps_are_flat_around_every_sum() -> None:
    program, mlp = made(spec("first(mix)*second(mix)", "scalar(0..81)"))
    [place], random = program.subspace("out").coordinates, Random(0)
    for a, b in combinations_with_replacement(range(10), 2):
        both = [x + y + Fraction(random.randint(-9, 9), 50_000) for x, y in zip(on_prism(a), on_prism(b), strict=True)]
        assert written(mlp, stream_with(program, both, 2))[place] == a * b


def test_there_are_two_neurons_for_every_step_and_no_more() -> None:
    program, mlp = made(spec("first(mix)*second(mix)", "scalar(0..81)"))
    read = [mlp.W_in.entries.get((0, c)) for c in program.subspace("mix").coordinates]
    u = [Fraction(0) if entry is None else entry.as_fraction() for entry in read]
    places = []
    for a, b in combinations_with_replacement(range(10), 2):
        both = [x + y for x, y in zip(on_prism(a), on_prism(b), strict=True)]
        places.append((sum(w * x for w, x in zip(u, both, strict=True)), a * b))
    products = [product_ for _, product_ in sorted(places)]
    assert len(mlp.labels) == 2 * sum(p != q for p, q in zip(products, products[1:], strict=False))


def test_a_leak_that_the_gain_allows_changes_nothing() -> None:
    """A share e of anything else moves the result by at most e * gain; below a quarter, by nothing."""
    program, mlp = made(spec("first(mix)*second(mix)", "scalar(0..81)"))
    [line], [place] = realise_computes(program), program.subspace("out").coordinates
    leak, random = Fraction(1, 4) / Fraction(line.gains["mix"]), Random(0)
    for a, b in combinations_with_replacement(range(10), 2):
        for c, d in [(random.randrange(10), random.randrange(10)) for _ in range(4)]:
            entries = zip(on_prism(a), on_prism(b), on_prism(c), on_prism(d), strict=True)
            blurred = [(1 - leak) * (w + x) + leak * (y + z) for w, x, y, z in entries]
            assert written(mlp, stream_with(program, blurred, 2))[place] == a * b


def test_a_condition_closes_all_steps_whatever_mixture_stands_there() -> None:
    program, mlp = made(spec("if slot == b + 1 then first(mix)*second(mix) else 7", "scalar(0..81)"))
    [place] = program.subspace("out").coordinates
    sums = [[2 * entry for entry in on_prism(digit)] for digit in range(10)]
    ends = [{min(Fraction(0), *column), max(column)} for column in zip(*sums, strict=True)]
    for corner in product(*ends):
        assert written(mlp, stream_with(program, list(corner), 1))[place] == 7
    open_ = [x + y for x, y in zip(on_prism(6), on_prism(7), strict=True)]
    assert written(mlp, stream_with(program, open_, 2))[place] == 42


def test_a_condition_closes_steps_of_a_code_that_is_empty() -> None:
    """Nothing, 0 on every direction, lies far to the left of all four values, and every neuron looks to the left."""
    vectors = "[[60, 80], [800/17, 1500/17], [500/13, 1200/13], [28, 96]]"
    text = f"""\
model closed
tokens 0..9
context 2
subspace slot : onehot(0..1)
subspace digit : code(0..3, 2, vectors = {vectors})
subspace seen like digit
subspace out : scalar(0..9)
subspace one : constant
embed position -> slot
embed token -> digit
layer
  head own
    attend key.slot == query.slot
    copy key.digit -> seen
  compute out = if slot == 1 then seen else 4
predict out
"""
    program, mlp = made(text)
    [place], numbers = program.subspace("out").coordinates, [Fraction(0)] * program.width
    numbers[program.subspace("one").coordinates[0]] = Fraction(1)
    numbers[program.subspace("slot").coordinates[0]] = Fraction(1)
    assert written(mlp, numbers)[place] == 4


def test_a_condition_on_what_may_be_empty_closes_where_the_other_side_decides() -> None:
    """`mark` is written by a head and may show nothing; where it does, the slot still says that nothing is taken."""
    text = spec("if mark == 1 and slot == b + 1 then first(mix)*second(mix) else 0", "scalar(0..81)")
    text = text.replace("subspace one", "subspace mark : onehot(0..9)\nsubspace bare : onehot(0..9)\nsubspace one")
    text = text.replace("embed token -> digit", "embed token -> digit\nembed token -> bare")
    program, mlp = made(text.replace("-> mix\n", "-> mix\n    copy key.bare -> mark\n"))
    [place] = program.subspace("out").coordinates
    both = [x + y for x, y in zip(on_prism(8), on_prism(9), strict=True)]
    marks = program.subspace("mark").coordinates
    for slot, mark, wanted in [(2, 1, 72), (2, 3, 0), (1, 1, 0), (1, None, 0)]:
        stream = stream_with(program, both, slot)
        if mark is not None:
            stream[marks[mark]] = Fraction(1)
        assert written(mlp, stream)[place] == wanted, (slot, mark)


def test_the_search_is_wide_where_results_differ_much() -> None:
    """Between 0 and 100 lies a wide gap on the first axis, a narrow one on the second."""
    places = ((0.0, 0.0), (10.0, 1.0), (11.0, -9.0))
    found = least_steep(places, (0, 1, 2), ((0.0, 100.0, 101.0), (100.0, 0.0, 1.0), (101.0, 1.0, 0.0)))
    assert found is not None and abs(found[0]) > abs(found[1])
    assert least_steep(((1.0, 0.0), (1.0, 0.0)), (0, 1), ((0.0, 1.0), (1.0, 0.0))) is None


# -------------------------------------------------------------------- the reference meaning


def held(text: str, tokens: list[int]) -> tuple[Kind, object]:
    program = resolve(parse(text))
    meaning = interpret(program, np.array([tokens]), with_values=True)
    reading = meaning.values["mix"]
    encoding = program.subspace("mix").encoding
    assert isinstance(encoding, Pairs)
    found = reading.value(meaning.codec, 0, -1)
    return Kind(int(reading.kind[0, -1])), encoding.members[found] if isinstance(found, int) and not isinstance(
        found, Kind
    ) else found


@pytest.mark.parametrize(("a", "b"), [(3, 8), (8, 3), (0, 0), (9, 9), (0, 9)])
def test_two_keys_in_equal_shares_are_a_pair(a: int, b: int) -> None:
    assert held(spec(), [a, b, 10]) == (Kind.PURE, (min(a, b), max(a, b)))


def test_one_key_with_everything_is_that_value_twice() -> None:
    text = spec().replace("key.slot in {a, b} when", "key.slot == a when")
    assert held(text, [4, 7, 10]) == (Kind.PURE, (4, 4))


@pytest.mark.parametrize("factor", ["5/2", "3", "-2"])
def test_other_multiples_of_a_mean_are_no_pair(factor: str) -> None:
    assert held(spec(factor=factor), [3, 8, 10])[0] is Kind.MIXED


def test_three_keys_and_uneven_shares_are_no_pair() -> None:
    text = (
        spec()
        .replace("layout a b", "layout a b z")
        .replace("{a, b} when query.slot == b + 1", "{a, b, z} when query.slot == z + 1")
    )
    assert held(text, [3, 8, 5, 10])[0] is Kind.MIXED
    uneven = (
        spec()
        .replace("when query.slot == b + 1", "when query.slot == b + 1 share 1/4")
        .replace(
            "    attend key.slot == a when query.slot == a\n",
            "    attend key.slot == b + 1 when query.slot == b + 1 share 1/2\n",
        )
    )
    assert held(uneven, [3, 8, 10])[0] is Kind.MIXED


SQUARE = "[[cos(pi/6), sin(pi/6)], [cos(pi/4), sin(pi/4)], [cos(5*pi/4), sin(5*pi/4)], [cos(7*pi/6), sin(7*pi/6)]]"
"""Of 0, 1, 2, 3: opposite ones add up to nothing, {0, 3} as {1, 2}."""


def test_sums_that_are_equal_are_no_pair() -> None:
    text = spec("first(mix) + second(mix)").replace(
        f"code(0..9, 6, vectors = {PRISM})", f"code(0..3, 2, vectors = {SQUARE})"
    )
    assert held(text, [0, 2, 10]) == (Kind.PURE, (0, 2))
    assert held(text, [1, 2, 10])[0] is not Kind.PURE
    realise_computes(resolve(parse(text)))  # 0 + 3 is 1 + 2
    with pytest.raises(SpecError) as error:
        realise_computes(resolve(parse(text.replace("first(mix) + ", ""))))
    assert [d.code for d in error.value.diagnostics] == ["E0522"]


def test_two_heads_may_bring_one_value_each() -> None:
    text = spec(factor="1").replace("key.slot in {a, b} when", "key.slot == a when")
    text = text.replace(
        "  compute",
        "  head other\n    attend key.slot == b when query.slot == b + 1\n    copy key.digit -> mix\n  compute",
    )
    assert held(text, [6, 2, 10]) == (Kind.PURE, (2, 6))
    assert headspec.verify(headspec.compile(text + CLAIM), exhaustive=True, device="cpu").holds


def test_a_pair_may_be_copied_on() -> None:
    text = spec().replace('"="\nsequences (0..9){2} "="', '"=" "="\nsequences (0..9){2} "=" "="')
    text = text.replace("subspace out", "subspace far like mix\nsubspace out")
    text = text.replace(
        "  compute",
        "layer\n  head on\n    attend key.slot == b + 1 when query.slot == b + 2\n    copy key.mix -> far\n  compute",
    )
    text = text.replace("(mix)", "(far)") + CLAIM.replace("b + 1", "b + 2")
    assert headspec.verify(headspec.compile(text), exhaustive=True, device="cpu").holds


# -------------------------------------------------------------------- whole models


@pytest.mark.parametrize(
    "line",
    [
        "",
        "dtype float64",
        "activation reglu",
        "biases allowed",
        "basis reflection",
        "activation gelu",
        "activation silu",
    ],
)
def test_products_of_all_pairs_hold(line: str) -> None:
    model = headspec.compile(spec(expect=CLAIM).replace("tokens 0", f"{line}\ntokens 0"))
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked >= 100


def test_pairs_of_tokens_and_of_one_hots() -> None:
    text = """\
model order
tokens x, y, z, "="
layout a b "="
sequences (x | y | z){2} "="
subspace slot : onehot(slots)
subspace letter : onehot({"x", "y", "z"})
subspace mix : pairs(letter)
subspace out : onehot({"x", "y", "z"})
embed position -> slot
embed token -> letter
layer
  head both
    attend key.slot in {a, b} when query.slot == b + 1
    copy 2 * key.letter -> mix
  compute out = if first(mix) == "y" then second(mix) else first(mix)
predict out
expect "x z =" -> "x"
expect "z y =" -> "z"
expect "y y =" -> "y"
"""
    result = headspec.verify(headspec.compile(text), exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked > 0


def test_figures_bound_what_the_neurons_that_are_awake_add_up() -> None:
    program, mlp = made(spec("if slot == b + 1 then first(mix)*second(mix) else 0", "scalar(0..81)"))
    [line] = realise_computes(program)
    figures = line.figures
    assert figures is not None
    W_in = np.array([[0.0] * program.width for _ in mlp.labels])
    for (row, column), entry in mlp.W_in.entries.items():
        W_in[row, column] = entry.to_float()
    [place] = program.subspace("out").coordinates
    out = np.array([abs(mlp.W_out.entries[place, i].to_float()) for i in range(len(mlp.labels))])
    felt = given = 0.0
    for a, b in combinations_with_replacement(range(10), 2):
        both = [x + y for x, y in zip(on_prism(a), on_prism(b), strict=True)]
        x = np.array([float(entry) for entry in stream_with(program, both, 2)])
        value = W_in @ x
        felt = max(felt, float((out * (np.abs(W_in) @ np.abs(x)))[value > 0].sum()))
        given = max(given, float(out @ np.maximum(value, 0)))
    assert felt <= figures.felt < 4 * felt
    assert given <= figures.total < 4 * given
    assert figures.felt < float(figures.reach) * figures.written / 2, "one side only"


def test_rounding_stays_within_its_bound() -> None:
    """The float32 model writes each product within what the bound of its line allows."""
    text = spec("first(mix)*second(mix)", "scalar(0..81)")
    model = headspec.compile(text)
    [line] = realise_computes(model.program)
    assert line.figures is not None
    bound = rounding("float32", line.figures)
    assert 1e-4 < bound < 1 / 8
    for a, b in product(range(10), repeat=2):
        logits = model.run(f"{a} {b} =").logits[-1]  # 2cy - c^2 for the number y
        assert abs((logits[1] - logits[0] + 1) / 2 - a * b) < bound


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_floats_that_cannot_hold_the_steps_are_refused(dtype: str) -> None:
    text = spec("first(mix)*second(mix)", "scalar(0..81)").replace("tokens 0", f"dtype {dtype}\ntokens 0")
    with pytest.raises(SpecError) as error:
        realise_computes(resolve(parse(text)))
    assert "E0524" in {d.code for d in error.value.diagnostics}


def test_where_steps_have_no_layer_either_the_float_type_is_named_too() -> None:
    with pytest.raises(SpecError) as error:
        assert headspec.compile(spec("20*(first(mix)*second(mix))", "scalar(0..1620)")).weights
    assert {d.code for d in error.value.diagnostics} == {"E0520", "E0524"}
    [coarse] = [d for d in error.value.diagnostics if d.code == "E0524"]
    assert coarse.help is not None and "float64" in coarse.help


# -------------------------------------------------------------------- codes

READ = """\
model read
tokens 0..{top}
context 3
{lines}
subspace digit : code(0..{top}, {size}{vectors})
subspace out : {target}
subspace one : constant
embed token -> digit
layer
  compute out = {value}
predict out
"""


def random_vectors(random: Random, count: int) -> str:
    """Points of one circle, at rational places."""
    places = random.sample(range(-9, 10), count)
    rows = [f"[{Fraction(1 - t * t, 1 + t * t)}, {Fraction(2 * t, 1 + t * t)}]" for t in map(Fraction, places)]
    return f", vectors = [{', '.join(rows)}]"


@pytest.mark.parametrize("seed", range(12))
def test_any_function_of_a_random_code(seed: int) -> None:
    random = Random(seed)
    top, target = random.randint(1, 7), random.choice(["onehot(0..9)", "scalar(0..9)", "code(0..9, 4)"])
    size, vectors = random.choice([(3, ""), (2, random_vectors(random, top + 1))])
    value = random.choice([f"(digit*digit + {seed}) mod 10", f"if digit in {{0, {top}}} then {seed % 10} else digit"])
    line = random.choice(
        ["", "activation gelu", "activation silu", "activation reglu", "biases allowed", "dtype float64"]
    )
    text = READ.format(
        top=9 if "code" in target else top,
        lines=line,
        size=4 if "code" in target else size,
        vectors="" if "code" in target else vectors,
        target=target,
        value=value,
    )
    result = headspec.verify(headspec.compile(text), exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked > 0


def test_a_code_that_a_symbol_stands_in_is_refused() -> None:
    vectors = ", vectors = [[beta, 0], [0, beta]]"
    text = READ.format(
        top=1, lines="symbol beta > 0 = 3", size=2, vectors=vectors, target="scalar(0..9)", value="digit"
    )
    with pytest.raises(SpecError) as error:
        realise_computes(resolve(parse(text)))
    [found] = error.value.diagnostics
    assert found.code == "E0522" and "digit" in found.message


def test_a_product_of_two_codes_takes_a_layer_more() -> None:
    text = """\
model two
tokens 0..3, "="
layout a b "="
sequences (0..3){2} "="
subspace slot : onehot(slots)
subspace digit : code(0..3, 2)
subspace left like digit
subspace right like digit
subspace out : scalar(0..9)
subspace one : constant
embed position -> slot
embed token -> digit
head one_
  attend key.slot == a when query.slot == b + 1
  copy key.digit -> left
head other
  attend key.slot == b when query.slot == b + 1
  copy key.digit -> right
compute out = left*right
predict out
expect out after b + 1 == token[a]*token[b]
"""
    model = headspec.compile(text.replace("tokens 0..3,", "tokens 0..9,"))
    assert len(model.weights.mlps) == 2
    assert headspec.verify(model, exhaustive=True, device="cpu").holds


# -------------------------------------------------------------------- mistakes

MISTAKES = [
    ("mix : pairs(digit)", "mix : pairs()", "E0302"),
    ("mix : pairs(digit)", "mix : pairs(0..9)", "E0302"),
    ("mix : pairs(digit)", "mix : pairs(digits)", "E0204"),
    ("mix : pairs(digit)", "mix : pairs(mix)", "E0307"),
    ("mix : pairs(digit)", "mix : pairs(one)", "E0303"),
    ("mix : pairs(digit)", "mix : pairs(digit)\nsubspace more : pairs(mix)", "E0303"),
    ("mix : pairs(digit)", "mix : pairs(digit)\nsubspace word : code(0..3, 2)\nsubspace two : pairs(word)", "E0305"),
    ("mix : pairs(digit)", "mix : pairs(digit)\nsubspace word : code(0..1, 1)\nsubspace two : pairs(word)", "E0305"),
    ("copy 2 * key.digit -> mix", "copy key.digit -> mix", "E0495"),
    ("copy 2 * key.digit -> mix", "copy -3/2 * key.digit -> mix", "E0495"),
    ("attend key.slot == a when", "attend key.mix == query.mix when", "E0405"),
    ("attend key.slot == a when", "attend key.mix == 3 when", "E0405"),
    ("predict out", "predict mix", "E0423"),
    ("compute out =", "compute mix = 3\n  compute out =", "E0484"),
    ("= first(mix)*second(mix) mod 10", "= mix", "E0486"),
    ("= first(mix)*second(mix) mod 10", "= first(slot)", "E0486"),
    ("= first(mix)*second(mix) mod 10", "= first(3)", "E0486"),
    ("= first(mix)*second(mix) mod 10", "= second(mixed)", "E0204"),
    ("= first(mix)*second(mix) mod 10", "= first(mix)*second(mix)", "E0480"),
    ("copy 2 * key.digit -> mix", "copy 2 * key.slot -> mix", "E0416"),
    ("copy 2 * key.digit -> mix", "copy key.digit + 1 -> mix", "E0416"),
    ("copy 2 * key.digit -> mix", "copy key.mix -> digit", "E0416"),
]


@pytest.mark.parametrize(("old", "new", "code"), MISTAKES)
def test_mistakes(old: str, new: str, code: str) -> None:
    text = spec()
    assert old in text
    with pytest.raises(SpecError) as error:
        resolve(parse(text.replace(old, new)))
    assert code in [d.code for d in error.value.diagnostics]
    assert all(d.help for d in error.value.diagnostics)


def test_examples_name_both_values_of_a_pair() -> None:
    with pytest.raises(SpecError) as error:
        resolve(parse(spec("first(mix)*second(mix)")))
    assert any("mix = {" in figure for d in error.value.diagnostics for figure in d.figures)
