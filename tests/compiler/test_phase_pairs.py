"""Pairs of phases: two angles in one place, of which neurons read the sum.  By hand, by brute force, as models."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement, product
from math import cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headspec
from backends.subspaces import subspaces_to_json
from compiler.circuits.stream import Stream
from compiler.encodings import Phase, PhasePairs
from compiler.mlp.building import build_mlps, realise_computes
from compiler.mlp.lines import Line
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from compiler.reference import Kind, interpret
from compiler.resolution import resolve
from compiler.sharpness.facts import Facts
from compiler.sharpness.frequencies import complete_frequencies
from dsl.diagnostics import Diagnostic, SpecError
from dsl.parser import parse
from dsl.printing.printer import print_spec

SPEC = """\
model pairs
tokens 0..6, "="
context 3
sequences 0..6 0..6 "="
subspace number : phase(0..6, frequencies = [1, 2], magnitudes = [1, 3], period = 7)
subspace both : pairs(number)
subspace where : onehot(positions)
embed token -> number
embed position -> where
layer
  head units
    attend key.where == 0
    copy key.number -> both
  head tens
    attend key.where == 1
    copy key.number -> both
  compute number = first(both) + second(both)
predict number
expect number after 2 == (token[0] + token[1]) mod 7
"""
SUM = "first(both) + second(both)"
TENS = "  head tens\n    attend key.where == 1\n    copy key.number -> both\n"


def changed(changes: Mapping[str, str], text: str = SPEC) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def holds(text: str) -> headspec.Verification:
    report = headspec.verify(headspec.compile(text), exhaustive=True, device="cpu")
    assert report.holds and report.outputs.checked and report.outputs.undetermined == 0
    return report


def refused(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as error:
        realise_computes(resolve(parse(text)))
    assert all(d.help and d.span is not None for d in error.value.diagnostics)
    return error.value.diagnostics


# -------------------------------------------------------------------- the neurons


def made(text: str) -> tuple[Program, Line, MlpWeights]:
    program = resolve(parse(text))
    [line] = realise_computes(program)
    return program, line, build_mlps(program, [line])[0]


def told(program: Program, mlp: MlpWeights, stream: Mapping[str, list[float]], target: str) -> list[float]:
    """What the MLP adds to ``target`` where the stream shows this, and 1 in the last entry of ``where``."""
    x = np.zeros(program.width)
    for name, entries in stream.items():
        x[list(program.subspace(name).coordinates)] = entries
    x[program.subspace("where").coordinates[-1]] = 1
    hidden = np.zeros(mlp.W_in.rows)
    for (i, j), entry in mlp.W_in.entries.items():
        hidden[i] += entry.to_float() * x[j]
    for (i, _), entry in mlp.b_in.entries.items():
        hidden[i] += entry.to_float()
    out = np.zeros(program.width)
    for (i, j), entry in mlp.W_out.entries.items():
        out[i] += entry.to_float() * max(hidden[j], 0.0)
    return [float(out[c]) for c in program.subspace(target).coordinates]


TURNS, MAGNITUDES = (1, 2), (1, 3)


def angles(value: int) -> list[float]:
    """The vector of one value of ``number``."""
    turned = zip(TURNS, MAGNITUDES, strict=True)
    return [m * f(2 * pi * k * value / 7) for k, m in turned for f in (cos, sin)]


@pytest.mark.parametrize(
    ("expression", "sign", "shift"),
    [(SUM, 1, 0), ("second(both) + 3 + first(both)", 1, 3), ("2 - first(both) - second(both)", -1, 2)],
)
def test_neurons_read_the_sum_of_two_vectors(expression: str, sign: int, shift: int) -> None:
    program, line, mlp = made(changed({SUM: expression}))
    assert line.product is not None and mlp.W_in.rows == 5 * len(TURNS) and line.product.differences == (0, 6)
    for a, b in combinations_with_replacement(range(7), 2):
        both = [x + y for x, y in zip(angles(a), angles(b), strict=True)]
        found = told(program, mlp, {"both": both}, "number")
        for j, (k, magnitude) in enumerate(zip(TURNS, MAGNITUDES, strict=True)):
            gain, angle = abs(cos(pi * k * (a - b) / 7)), 2 * pi * k * (sign * (a + b) + shift) / 7
            x, y = (entry / magnitude for entry in found[2 * j : 2 * j + 2])
            off = hypot(x - gain * cos(angle), y - gain * sin(angle))
            assert off <= gain * line.product.aliasing + 1e-12, (a, b, k)


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("biases", ["", "biases allowed\n"])
def test_a_pair_of_signs_is_read_exactly_by_three_neurons(shift: int, biases: str) -> None:
    changes = {
        "0..6": "0..1",
        "frequencies = [1, 2], magnitudes = [1, 3], period = 7": "1, period = 2",
        "mod 7": "mod 2",
    }
    text = changed({**changes, "model pairs": f"model pairs\n{biases}", SUM: f"{SUM} + {shift}"})
    program, line, mlp = made(text)
    assert mlp.W_in.rows == 3 and "3 for a sign" in line.method
    for a, b in product((0, 1), repeat=2):
        [x, y] = told(program, mlp, {"both": [(-1.0) ** a + (-1.0) ** b, 0.0]}, "number")
        assert (x, y) == ((-1.0) ** (a + b + shift), 0.0)
    holds(changed({"(token[0] + token[1])": f"(token[0] + token[1] + {shift})"}, text))


def test_margins_count_every_pair() -> None:
    """What the compiler bounds, against all pairs and all wrong answers one by one."""
    program, line, mlp = made(SPEC)
    assert line.product is not None
    weights = np.array([float(m * m) for m in MAGNITUDES])
    bound = line.product.margins(np.array([2 * pi * k / 7 for k in TURNS]), weights, 6)[1:].min()
    least = np.inf
    for a, b in combinations_with_replacement(range(7), 2):
        found = told(program, mlp, {"both": [x + y for x, y in zip(angles(a), angles(b), strict=True)]}, "number")
        scores = [sum(x * y for x, y in zip(angles(c), found, strict=True)) for c in range(7)]
        right = scores.pop((a + b) % 7)
        least = min(least, right - max(scores))
    assert 0.05 < bound <= least + 1e-9


def test_a_leak_moves_the_answer_by_no_more_than_is_reckoned_with() -> None:
    """A share e of another number in the place of one of the two."""
    program, line, mlp = made(SPEC)
    worst, leak = 0.0, 1e-3
    for a, b, other in product(range(7), repeat=3):
        places = list(zip(angles(a), angles(b), angles(other), strict=True))
        right = told(program, mlp, {"both": [x + y for x, y, _ in places]}, "number")
        blurred = told(program, mlp, {"both": [(1 - leak) * x + y + leak * z for x, y, z in places]}, "number")
        moved = [abs(x - y) / MAGNITUDES[i // 2] for i, (x, y) in enumerate(zip(right, blurred, strict=True))]
        worst = max(worst, *moved)
    assert 0 < worst <= line.gains["both"] * leak


# -------------------------------------------------------------------- the reference meaning


def held(text: str, tokens: list[int], name: str = "both") -> tuple[Kind, tuple[int, int] | None]:
    program = resolve(parse(text))
    reading = interpret(program, np.array([tokens]), with_values=True).values[name]
    encoding = program.subspace(name).encoding
    assert isinstance(encoding, PhasePairs)
    kind = Kind(int(reading.kind[0, -1]))
    return kind, encoding.pair(int(reading.code[0, -1])) if kind is Kind.PURE else None


@pytest.mark.parametrize(("a", "b"), [(3, 5), (5, 3), (0, 0), (6, 6), (0, 6)])
def test_two_heads_bring_one_value_each(a: int, b: int) -> None:
    assert held(SPEC, [a, b, 7]) == (Kind.PURE, (min(a, b), max(a, b)))


def test_one_value_alone_is_half_a_pair_and_nothing_is_none() -> None:
    assert held(changed({TENS: "", SUM: "number", "= number": "= number"}), [3, 5, 7])[0] is Kind.MIXED
    assert held(changed({"key.where == 1": "key.where == 2"}), [3, 5, 7])[0] is Kind.MIXED
    neither = changed({"key.where == 0": "key.where == 2", "key.where == 1": "key.where == 2"})
    assert held(neither, [3, 5, 7])[0] is Kind.EMPTY


def test_three_values_and_other_shares_are_no_pair() -> None:
    third = TENS.replace("tens", "again")
    assert held(changed({TENS: TENS + third}), [3, 5, 7])[0] is Kind.MIXED
    assert held(changed({TENS: TENS + third}), [5, 5, 7])[0] is Kind.MIXED
    part = third.replace("== 1", "== 2").replace("key.number", "1/2 * key.less")
    beside = {TENS: TENS + part, "embed token -> number": "embed token -> number\nembed position -> less"}
    less = {"subspace where": "subspace less like number\nsubspace where"}
    assert held(changed({**beside, **less}), [3, 5, 7])[0] is Kind.MIXED
    assert held(changed({"copy key.number": "copy 2 * key.number"}), [3, 5, 7])[0] is Kind.MIXED
    assert held(changed({"copy key.number": "copy 3/2 * key.number"}), [3, 5, 7])[0] is Kind.MIXED


def test_one_head_may_bring_both_in_equal_shares() -> None:
    one = {TENS: "", "key.where == 0": "key.where in {0, 1} when query.where == 2", "copy ": "copy 2 * "}
    assert held(changed(one), [5, 3, 7]) == (Kind.PURE, (3, 5))
    assert held(changed(one), [4, 4, 7]) == (Kind.PURE, (4, 4))
    holds(changed(one))


def test_shares_are_counted_too() -> None:
    """Coordinates are looked up where a head weighs its keys: the same pairs."""
    line = "    attend key.where == {} when query.where == 2 share {}\n"
    lines = line.format(0, "1/2") + line.format(1, "1/2")
    one = {TENS: "", "    attend key.where == 0\n": lines, "copy ": "copy 2 * "}
    assert held(changed(one), [5, 3, 7]) == (Kind.PURE, (3, 5))
    uneven = changed({"1/2": "1/4"}, changed(one)).replace("    copy 2", line.format(2, "1/2") + "    copy 2")
    assert held(uneven, [5, 3, 7])[0] is not Kind.PURE
    sign = changed(
        {"0..6": "0..1", "frequencies = [1, 2], magnitudes = [1, 3], period = 7": "1, period = 2"}, changed(one)
    )
    assert held(sign, [1, 1, 2]) == (Kind.PURE, (1, 1))
    assert held(sign, [0, 1, 2])[0] is Kind.EMPTY  # coordinates alone cannot tell opposite points from nothing


def test_a_matrix_may_bring_one_of_the_two() -> None:
    """What W_O writes is not counted beforehand, and looked up where it stands; elsewhere it makes no difference."""
    names = ["cos0", "sin0", "cos1", "sin1"]
    rows = "    W_V = rows " + ", ".join(f"number.{name}" for name in names)
    columns = "    W_O = columns " + ", ".join(f"both.{name}" for name in names)
    given = TENS.replace("    copy key.number -> both", f"{rows}\n{columns}")
    assert held(changed({TENS: given}), [5, 3, 7]) == (Kind.PURE, (3, 5))
    aside = {"subspace where": "subspace aside like number\nsubspace where", TENS: given.replace("both", "aside")}
    assert "E0495" in [d.code for d in refused(changed(aside))]


def test_opposite_points_are_a_pair_though_their_sum_is_nothing() -> None:
    """Modulo 2 the vectors of 0 and 1 cancel; what was added is known all the same."""
    text = changed({"0..6": "0..1", "frequencies = [1, 2], magnitudes = [1, 3], period = 7": "1, period = 2"})
    assert held(text, [0, 1, 2]) == (Kind.PURE, (0, 1))
    assert held(text, [1, 1, 2]) == (Kind.PURE, (1, 1))


# -------------------------------------------------------------------- half a pair


HALF = {"embed token -> number": "embed token -> both\nembed 2*token mod 7 -> number"}


def test_an_embedding_is_half_a_pair_that_heads_bring_on() -> None:
    """As in `remainders_fourier`: what stands at the digits makes room for the pair and the answer at "="."""
    text = changed({**HALF, "0\n    copy key.number": "0\n    copy key.both", "+ token[1]": "+ 2*token[1]"})
    assert held(text, [3, 5, 7]) == (Kind.PURE, (3, 3)) and 2 * 5 % 7 == 3
    assert held(text, [3, 6, 7]) == (Kind.PURE, (3, 5))
    holds(text)


def test_what_is_embedded_and_what_a_head_brings_are_a_pair() -> None:
    text = """\
model neighbours
tokens 0..4
context 5
subspace sum : phase(0..4, 2, period = 5)
subspace both : pairs(sum)
subspace where : onehot(positions)
embed token -> both
embed position -> where
layer
  head previous
    attend key.where == query.where - 1
    rest key.where == 0
    copy key.both -> both
  compute sum = first(both) + second(both)
predict sum
expect "3 4" -> "2"
expect "2 3 4 1" -> "0"
expect "3" -> "1"
"""
    holds(text)


def test_codes_may_be_embedded_as_halves_too() -> None:
    text = """\
model neighbours
tokens 0..3
context 4
subspace digit : code(0..3, 3)
subspace both : pairs(digit)
subspace larger : scalar(0..3)
subspace where : onehot(positions)
embed token -> both
embed position -> where
layer
  head previous
    attend key.where == query.where - 1
    rest key.where == 0
    copy key.both -> both
  compute larger = second(both)
predict larger
expect "3 1" -> "3"
expect "2 3 0 1" -> "1"
"""
    vectors = "[[1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, 1, 1]]"
    holds(text.replace("code(0..3, 3)", f"code(0..3, 3, vectors = {vectors})"))


def test_a_pair_may_be_copied_on() -> None:
    changes = {
        '0..6 "="\nsub': '0..6 "=" "="\nsub',
        "context 3": "context 4",
        "= first": "= first",
        "after 2": "after 3",
    }
    text = changed(
        {**changes, "subspace where": "subspace far like both\nsubspace where", SUM: SUM.replace("both", "far")}
    )
    on = "layer\n  head on\n    attend key.where == 2\n    copy key.both -> far\n  compute"
    holds(text.replace("  compute", on))


def test_what_is_leaked_of_a_pair_counts_for_all_that_is_added_there() -> None:
    """What a head leaks of a subspace weighs as many values as may stand there: one before two heads add to it."""
    halves = changed({**HALF, "0\n    copy key.number": "0\n    copy key.both"})
    on = "layer\n  head on\n    attend key.where == 2\n    copy key.both -> far\n  compute"
    program = resolve(
        parse(halves.replace("subspace where", "subspace far like both\nsubspace where").replace("  compute", on))
    )
    facts = Facts(Stream(program), {})
    assert [facts.carried(head.copies[0]) for head in program.heads] == [1.0, 1.0, 3.0]


# -------------------------------------------------------------------- whole models


@pytest.mark.parametrize(
    "line",
    ["dtype float64", "biases allowed", "basis reflection", "activation reglu", "activation gelu", "activation silu"],
)
def test_all_sums_hold(line: str) -> None:
    holds(changed({"tokens 0": f"{line}\ntokens 0"}))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_family_of_sums_holds(data: st.DataObject) -> None:
    """Random circles, signs and shifts, half a pair or whole values: every output against Python's own %."""
    p = data.draw(st.integers(2, 9), label="p")
    count = data.draw(st.integers(1, max(1, p // 2)), label="frequencies")
    sign, shift = data.draw(st.sampled_from([1, -1])), data.draw(st.integers(-3, 3))
    half = data.draw(st.booleans(), label="half a pair is embedded")
    factors = {0: 1, 1: data.draw(st.integers(0, p - 1)) if half else 1}
    total = f"{shift} + {SUM}" if sign == 1 else f"{shift} - first(both) - second(both)"
    text = changed(
        {
            "0..6": f"0..{p - 1}",
            "frequencies = [1, 2], magnitudes = [1, 3], period = 7": f"{count}, period = {p}",
            SUM: total,
            "expect number after 2 == (token[0] + token[1]) mod 7\n": "",
        }
    )
    if half:
        embeds = f"embed token -> both\nembed {factors[1]}*token mod {p} -> number"
        text = changed({"embed token -> number": embeds, "0\n    copy key.number": "0\n    copy key.both"}, text)
    try:
        model = headspec.compile(text)
        _ = model.weights
    except SpecError as error:
        assert {d.code for d in error.diagnostics} == {"E0523"} and p % 2 == 0, text
        return
    for a, b in product(range(p), repeat=2):
        wanted = (shift + sign * (a + factors[1] * b)) % p
        assert model.run(f"{a} {b} =").prediction == str(wanted), (a, b, text)
    assert headspec.verify(model, exhaustive=True, device="cpu").outputs.undetermined == 0


def test_even_circles_may_leave_no_margin() -> None:
    """On a circle of 4 points opposite ones cancel: {0, 2} shows what {1, 3} does."""
    changes = {"0..6": "0..3", "frequencies = [1, 2], magnitudes = [1, 3], period = 7": "1, period = 4"}
    assert [d.code for d in refused(changed({**changes, "mod 7": "mod 4"}))] == ["E0523"]


# -------------------------------------------------------------------- what is refused

OTHER = "subspace other : phase(0..6, frequencies = [3], period = 7)\nsubspace where"
WHERE = {"subspace where": OTHER}
WIDE = {"pairs(number)": "pairs(number)\nsubspace wide : phase(0..2000, 2)\nsubspace many : pairs(wide)"}
HOT = {"subspace where": "subspace hot : onehot(0..6)\nsubspace where"}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({SUM: "first(both)"}, "E0522", "first(both)"),
        ({SUM: "second(both) - first(both)"}, "E0522", "second(both) - first(both)"),
        ({SUM: "first(both) + first(both)"}, "E0522", "first(both) + first(both)"),
        ({SUM: "(first(both) * second(both)) mod 7"}, "E0522", "(first(both) * second(both)) mod 7"),
        ({**HOT, "compute number = " + SUM: f"compute hot = ({SUM}) mod 7"}, "E0522", f"({SUM}) mod 7"),
        ({SUM: f"if where == 2 then {SUM} else 0"}, "E0522", f"if where == 2 then {SUM} else 0"),
        ({SUM: f"{SUM} + number"}, "E0523", None),
        ({**WHERE, "compute number": "compute other"}, "E0523", None),
        ({TENS: ""}, "E0495", "both"),
        ({"copy key.number -> both": "copy 1/3 * key.number -> both"}, "E0495", "both"),
        ({SUM: "both"}, "E0486", "both"),
        ({"compute number": "compute both"}, "E0484", "both"),
        ({"predict number": "predict both"}, "E0423", None),
        ({"copy key.number": "copy key.number + 1"}, "E0416", None),
        ({**WHERE, "key.where == 1\n    copy key.number": "key.where == 1\n    copy key.other"}, "E0416", None),
        ({"attend key.where == 1": "attend key.both == query.both"}, "E0405", "key.both == query.both"),
        ({"pairs(number)": "pairs(number)\nsubspace four : pairs(both)"}, "E0303", "both"),
        (WIDE, "E0320", None),
        ({"embed token -> number": "embed token -> number\nembed token -> both = [[1, 2, 3, 4]]"}, "E0314", None),
    ],
)  # fmt: skip
def test_mistakes(changes: dict[str, str], code: str, words: str | None) -> None:
    found = [d for d in refused(changed(changes)) if d.code == code]
    assert found
    assert words is None or found[0].span is not None and found[0].span.text == words


def test_a_line_says_what_it_would_take_to_be_read() -> None:
    [one] = refused(changed({SUM: "first(both)"}))
    assert "sum of its two values" in one.message and "first(both) + second(both)" in (one.help or "")
    [half] = refused(changed({TENS: ""}))
    assert half.figures == ("head units adds 1 of `number`",)


def test_examples_name_both_values_of_a_pair() -> None:
    narrow = changed({", period = 7": "", SUM: f"{SUM} + 1"})
    assert any("both = {" in figure for d in refused(narrow) for figure in d.figures)


def test_frequencies_are_chosen_for_a_pair_as_for_its_values() -> None:
    free = changed({"frequencies = [1, 2], magnitudes = [1, 3], period = 7": "3", "compute number =": "compute sum ="})
    wide = changed({"subspace where": "subspace sum : phase(0..12, 3)\nsubspace where"}, free)
    program = complete_frequencies(resolve(parse(wide)))
    number, both = program.subspace("number").encoding, program.subspace("both").encoding
    assert isinstance(number, Phase) and number.frequencies is not None and both == PhasePairs(number)


# -------------------------------------------------------------------- what is written down


def test_a_saved_model_says_what_the_pairs_are_of() -> None:
    found = subspaces_to_json(resolve(parse(SPEC)))
    assert found["both"]["encoding"] == {"kind": "pairs", "of": found["number"]["encoding"]}
    assert found["both"]["components"] == ["cos0", "sin0", "cos1", "sin1"]


def test_the_formatter_keeps_pairs() -> None:
    text = print_spec(parse(SPEC))
    assert "pairs(number)" in text and resolve(parse(text)) == resolve(parse(SPEC))


# -------------------------------------------------------------------- one phase twice


DOUBLE = [("x + x", "2*token[0]"), ("x - x", "0*token[0]"), ("2 - x - x", "2 - 2*token[0]")]


@pytest.mark.parametrize(("line", "wanted"), DOUBLE)
def test_a_phase_may_be_added_to_itself(line: str, wanted: str) -> None:
    text = f"""\
model double
tokens 0..4
context 1
subspace x : phase(0..4, 2, period = 5)
subspace y like x
embed token -> x
layer
  compute y = {line}
predict y
expect y after 0 == ({wanted}) mod 5
"""
    holds(text)
