"""Lines that one layer of neurons cannot do: in steps, held against what the line says as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headspec
from compiler import spilling
from compiler.computing import Choice
from compiler.mlp.rewriting import variants
from compiler.program import Program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from headspec.devices import observe_torch
from headspec.verification.comparing import verify_model
from tests.compiler.interpreting import Undefined, Value, meaning
from tests.compiler.test_mlp import SMALL, larger, situations

TOP = """\
model steps
tokens 0..9, <bos>
context 3
sequences <bos> (0..9){2}
subspace one : constant
subspace content : onehot(tokens)
subspace digit : scalar(0..9)
subspace place : onehot(positions)
subspace before : scalar(0..9)
subspace third : scalar(0..9)
subspace made : TARGET
embed token -> content
embed token -> digit
embed position -> place
"""
HEADS = """\
head previous
  attend key.place == query.place - 1
  rest key.content == "<bos>"
  copy key.digit -> before
head second
  attend key.place == 1
  rest key.content == "<bos>"
  copy key.digit -> third
"""
END = """\
subspace tens : onehot(0..9)
compute tens = abs(made) // 1000
predict tens
"""


def spec(line: str, target: str = "scalar(-999..9999)", heads: str = HEADS, end: str = END, extra: str = "") -> str:
    return TOP.replace("TARGET", target) + extra + heads + line + "\n" + end


def holds(text: str) -> headspec.Model:
    """The compiled model does what the program says that is resolved without any steps, on every valid sequence."""
    model = headspec.compile(text)
    written = resolve(parse(text))
    assert all(c.written is None and not c.part_of for c in written.computes)
    assert [h.layer for h in written.heads] == [h.layer for h in model.weights.program.heads], "the heads stay"
    module = model.torch(device="cpu")
    assert verify_model(written, observe_torch(module), exhaustive=True).holds
    assert headspec.verify(model, exhaustive=True, device="cpu").holds
    return model


def steps(program: Program) -> dict[str, int]:
    return {c.target: c.layer for c in program.computes if c.part_of}


# -------------------------------------------------------------------- steps


@pytest.mark.parametrize(
    ("line", "layers"),
    [
        ("compute made = digit*digit*before*third", 2),
        ("compute made = max(digit*digit*before, before*third*third) - third*digit*before", 2),
    ],
)
def test_a_line_is_done_in_as_many_layers_as_it_takes(line: str, layers: int) -> None:
    model = holds(spec(line))
    program = model.weights.program
    assert steps(program)
    assert max(c.layer for c in program.computes if c.target == "made") == layers - 1
    [remark] = program.remarks
    assert (
        "`made`" in remark and f"it takes {layers}" in remark and all(f"`{name}`" in remark for name in steps(program))
    )


def test_what_reads_the_line_waits_for_it() -> None:
    end = """\
subspace guess : onehot(tokens)
head later
  attend key.place == query.made
  rest key.content == "<bos>"
  copy key.content -> guess
predict guess
"""
    model = headspec.compile(
        spec("compute made = digit*before mod 7 // 3", "onehot(0..2)", end=end, extra="neurons 30\n")
    )
    program = model.weights.program
    assert steps(program) and program.head("later").layer == max(c.layer for c in program.computes) + 1
    assert headspec.verify(model, exhaustive=True, device="cpu").holds


SEEK = """\
head seek
  attend key.content == "5"
  copy key.digit -> before
"""


def test_a_part_that_is_looked_at_under_a_condition_takes_the_condition_with_it() -> None:
    """Where no 5 is seen ``before`` may be anything, and the line is still worth ``digit``."""
    line = "compute made = if digit > 4 then digit*before mod 7 else digit"
    program = holds(spec(line, "onehot(0..9)", heads=SEEK, end="predict made\n", extra="neurons 40\n")).weights.program
    [step] = [c for c in program.computes if c.part_of]
    assert isinstance(step.value, Choice) and step.layer == 0


# -------------------------------------------------------------------- blocks, room, limits


BLOCKS = """\
layer
  head previous
    attend key.place == query.place - 1
    rest key.content == "<bos>"
    copy key.digit -> before
  head second
    attend key.place == 1
    rest key.content == "<bos>"
    copy key.digit -> third
layer
  compute made = EXPRESSION
"""
PRODUCT = "digit*digit*before*third"


def blocks(expression: str, extra: str = "") -> str:
    end = "subspace tens : onehot(0..9)\nlayer\n  compute tens = made // 1000\npredict tens\n"
    return spec(BLOCKS.replace("EXPRESSION", expression), "scalar(0..9999)", heads="", end=end, extra=extra)


def refused(text: str) -> tuple[str, str]:
    """The refusal, beside which a float type may be named that would need no steps (E0524)."""
    with pytest.raises(SpecError) as caught:
        headspec.compile(text).weights  # noqa: B018
    [found] = [d for d in caught.value.diagnostics if d.code != "E0524"]
    return found.code, f"{found.message} {found.help}"


def test_blocks_stay_as_written_and_steps_run_in_those_before() -> None:
    program = holds(blocks(PRODUCT)).weights.program
    assert set(steps(program).values()) == {0} and len(program.layers) == 3


def test_without_a_layer_before_a_line_in_a_block_is_refused() -> None:
    code, said = refused(blocks(PRODUCT).replace("layer\n  compute made", "  compute made"))
    assert code == "E0520" and "written in layer 0 itself" in said and "first column" in said


def test_steps_take_the_coordinates_that_are_left() -> None:
    needed = resolve(parse(spec(f"compute made = {PRODUCT}"))).width
    wide = holds(spec(f"compute made = {PRODUCT}", extra=f"residual {needed + 4}\n")).weights.program
    assert wide.width == needed + 4
    [step] = [wide.subspace(name) for name in steps(wide)]
    assert step.coordinates == (needed,)


def test_no_room_for_a_step_is_an_error() -> None:
    needed = resolve(parse(spec(f"compute made = {PRODUCT}"))).width
    code, said = refused(spec(f"compute made = {PRODUCT}", extra=f"residual {needed}\n"))
    assert code == "E0310" and "made.part1" in said and f"`residual {needed + 1}`" in said


def test_a_line_with_too_many_neurons_is_done_in_steps_where_that_takes_fewer() -> None:
    line, target = "compute made = digit*before mod 7", "scalar(0..6)"
    end = "subspace same : onehot(0..6)\ncompute same = made\npredict same\n"
    one = headspec.compile(spec(line, target, end=end))
    assert not steps(one.weights.program) and max(m.W_in.rows for m in one.weights.mlps) > 40
    two = holds(spec(line, target, end=end, extra="neurons 40\n"))
    assert steps(two.weights.program) and max(m.W_in.rows for m in two.weights.mlps) <= 40
    assert refused(spec(line, target, end=end, extra="neurons 8\n"))[0] == "E0521"


# -------------------------------------------------------------------- what else has to hold


def test_a_saved_model_is_read_with_its_steps(tmp_path: Path) -> None:
    model = headspec.compile(spec(f"compute made = {PRODUCT}"))
    loaded = headspec.load(model.save(tmp_path / "model"), device="cpu")
    assert loaded.program == model.weights.program and set(steps(loaded.program)) <= loaded.subspaces.keys()
    assert headspec.verify(loaded, samples=200).holds


def test_a_program_that_needs_no_steps_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = spec("compute made = digit + before")
    lines: list[str] = []
    real = spilling.try_line
    monkeypatch.setattr(spilling, "try_line", lambda stream, c: lines.append(c.target) or real(stream, c))
    monkeypatch.setattr(spilling, "resolve", None)
    program = resolve(parse(text))
    assert spilling.in_layers(program)[0] is program
    assert sorted(lines) == ["made", "tens"]


numbers = st.sampled_from([*SMALL, "1", "2", "3"])


@settings(max_examples=200, deadline=None)
@given(st.recursive(numbers, larger, max_leaves=6))
def test_expressions_written_otherwise_are_worth_the_same(expression: str) -> None:
    text = TOP.replace("TARGET", "scalar(-99999..99999)")
    text += "".join(f"subspace {name} : {encoding}\nembed token -> {name}\n" for name, encoding in SMALL.items())
    try:
        [compute] = resolve(parse(text + f"compute made = {expression} mod 5 + {expression}\n")).computes
    except SpecError:
        return
    for shown in situations(resolve(parse(text)), list(SMALL)):
        values: list[Value | None] = []
        for written in variants(compute.value):
            try:
                values.append(meaning(written, shown))
            except Undefined:
                values.append(None)
        assert len(set(values)) == 1


wide = st.sampled_from(["digit", "before", "third", "2", "3"])


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(wide, larger, max_leaves=6))
def test_what_is_not_refused_holds(expression: str) -> None:
    """Random lines, of which about a third take two layers or three."""
    text = spec(f"compute made = ({expression}) mod 10", "onehot(0..9)", end="predict made\n")
    try:
        model = headspec.compile(text)
        assert model.weights
    except SpecError as error:
        assert all(d.code >= "E0430" for d in error.diagnostics), error
        return
    module = model.torch(device="cpu")
    assert verify_model(resolve(parse(text)), observe_torch(module), exhaustive=True).holds


EMPTY = """\
model empty
tokens 0..4, "="
layout a[0..1] "="
sequences (0..4){2} "="
subspace slot  : onehot(positions)
subspace one   : constant
subspace oh    : code(0..4, 3)
subspace e     : scalar(0..4)
subspace seen  : scalar(0..4)
subspace r     : scalar(0..6)
embed position -> slot
embed token -> oh
embed 4 - token -> e
head back
  attend key.slot == a[0] when query.slot == a[1]
  attend key.slot == 2 when query.slot == 2
  copy key.e -> seen
compute r = (if seen in {3, 4} then oh mod 5 else e + seen) mod 7
predict r as tokens
expect r after 2 == 0
"""


def test_a_step_of_a_branch_that_is_not_taken_may_read_nothing() -> None:
    """`=` shows nothing in `oh`: what stands in the other branch keeps its condition when it becomes a step."""
    model = headspec.compile(EMPTY)
    assert any(compute.part_of for compute in model.weights.program.computes)
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and result.outputs.undetermined == 0 and result.outputs.checked == 25
