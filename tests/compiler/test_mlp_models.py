"""Whole models with MLPs: held against their reference meaning, in floats; what leaks may do to a computed value."""

from __future__ import annotations

from pathlib import Path

import pytest

import headspec
from compiler.sharpness.kernels import KernelReader

PARITY = """\
model parity
tokens 0, 1, <p>, <eoi>, <eos>
context 14
sequences <p> (x: 0..1){L} <eoi> (s: 0..1){L} <eos>
table number: "0" -> 0, "1" -> 1, "<eoi>" -> 2
table name: 0 -> "0", 1 -> "1", 2 -> "<eos>"
subspace content : onehot(tokens)
subspace state   : onehot(0..1)
subspace index   : quadratic(positions)
subspace here    : scalar(positions)
subspace end     : scalar(positions)
subspace goal    : scalar(-14..14)
subspace input   : onehot(0..2)
subspace guess   : onehot(tokens)
embed token    -> content
embed token    -> state
embed position -> index
embed position -> here
layer
  head find
    attend key.content == "<eoi>"
    rest   key.content == "<p>"
    copy   key.here -> end
  compute goal = here - end + 1
layer
  head fetch
    attend key.index == query.goal
    copy   key.content through number -> input
  compute guess = if input == 2 then "<eos>" else name(if content == "<eoi>" then input else (state + input) mod 2)
predict guess
expect "<p> 1 1 0 <eoi>" -> "1"
expect "<p> 1 1 0 <eoi> 1" -> "0"
expect "<p> 1 1 0 <eoi> 1 0 0" -> "<eos>"
expect "<p> 1 1 0 <eoi>" ->* "1 0 0 <eos>"
"""


@pytest.mark.parametrize(
    "line",
    ["", "activation reglu", "activation gelu", "activation silu", "biases allowed", "basis reflection"],
)
def test_parity_holds_for_every_sequence(line: str) -> None:
    model = headspec.compile(PARITY.replace("context 14", f"context 14\n{line}"))
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked > 7000


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_parity_holds_in_other_float_types(dtype: str) -> None:
    wide = PARITY.replace("head find", "head find d_head 16").replace("head fetch", "head fetch d_head 16")
    model = headspec.compile(wide, dtype=dtype)
    assert headspec.verify(model, exhaustive=True, device="cpu").holds


COPY = """\
model copied
tokens 0, 1, <p>, <eoi>, <eos>
context 14
sequences <p> (x: 0..1){L} <eoi> (s: 0..1){L} <eos>
table after: "0" -> "0", "1" -> "1", "<eoi>" -> "<eos>"
subspace content : onehot(tokens)
subspace here : phase(0..14, 4)
subspace end like here
subspace goal like here
subspace guess : onehot(tokens)
subspace one : constant
embed token    -> content
embed position -> here
layer
  head find
    attend key.content == "<eoi>"
    rest   key.content == "<p>"
    copy   key.here -> end
  compute goal = here - end + 1
layer
  head fetch
    attend key.here == query.goal
    copy   key.content through after -> guess
predict guess
expect "<p> 1 1 0 <eoi>" ->* "1 1 0 <eos>"
"""


@pytest.mark.parametrize("activation", ["relu", "reglu", "gelu", "silu"])
def test_phases_subtracted_by_an_mlp_find_their_keys(activation: str) -> None:
    model = headspec.compile(COPY.replace("context 14", f"context 14\nactivation {activation}"))
    [mlp] = model.weights.mlps
    assert mlp.W_in.rows % 4 == 0 and "phase product" in mlp.notes[0]
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked > 1000


def test_a_head_that_feeds_a_computation_leaks_no_more_than_that_bears() -> None:
    plain = headspec.compile(PARITY).weights.strengths
    leaks = {report.head: report.leak for report in plain.reports}
    assert leaks["find"] * 12 < 1 / 8  # `end` lies in 0..12, and the match wants `goal` within an eighth
    steep = PARITY.replace("(state + input) mod 2", "(9*state + 9*input) mod 2")
    assert {r.head: r.leak for r in headspec.compile(steep).weights.strengths.reports}["fetch"] <= leaks["fetch"]


def test_a_stated_strength_that_is_too_soft_for_a_computation_is_refused() -> None:
    soft = PARITY.replace('key.content == "<eoi>"', 'key.content == "<eoi>" strength 9', 1)
    with pytest.raises(headspec.SpecError) as caught:
        assert headspec.compile(soft).weights
    [found] = caught.value.diagnostics
    assert found.code == "E0506" and any("compute" in figure for figure in found.figures)


def test_leaks_are_followed_through_lines() -> None:
    weights = headspec.compile(PARITY).weights
    from compiler.circuits.stream import Stream
    from compiler.mlp.building import realise_computes

    program = weights.program
    reader = KernelReader(Stream(program), {}, realise_computes(program))
    find, fetch = program.heads
    assert reader.feeds(find) and not reader.feeds(fetch)
    assert reader.shares(find)["end"] == 1
    assert reader.shares(find)["goal"] == pytest.approx(12 / 28)
    assert reader.noise("goal") == 0
    reader.note_leak(find, 0.01)
    assert reader.noise("goal") == pytest.approx(0.01 * 12 / 28)
    assert reader.computing_tolerance(find) <= 0.25 / 12


def test_computed_values_are_looked_for_as_keys() -> None:
    """A later head may look for what an MLP wrote at the key."""
    text = """\
model fives
tokens 0..4, <bos>
context 5
sequences <bos> (0..4){1,4}
subspace content : onehot(tokens)
subspace digit   : onehot(0..4)
subspace twice   : onehot(0..4)
subspace guess   : onehot(tokens)
subspace one     : constant
embed token -> content
embed token -> digit
layer
  compute twice = if content == "<bos>" then 0 else 2*digit mod 5
layer
  head doubled
    attend key.twice == query.digit
    avoid  key.content == "<bos>"
    rest   key.content == "<bos>"
    copy   key.content -> guess
predict guess
expect "<bos> 3 2 1" -> "3"
"""
    assert headspec.verify(headspec.compile(text), exhaustive=True, device="cpu").holds


def test_the_library_of_systems_compiles() -> None:
    root = Path(__file__).parents[2] / "specs" / "systems"
    for path in sorted(root.rglob("parity_integers.head")):
        assert headspec.compile(path).weights.mlps
