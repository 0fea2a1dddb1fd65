"""Specs that say what the model generates: held against plain addition, and shown to fail when they should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import headspec
from compiler.reference.completion import complete, is_valid
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from headspec.devices import observe_torch
from headspec.verification.comparing import verify_model
from tests.compiler.adding import ADDITION

LONGER = (Path(__file__).parents[2] / "specs/systems/programs/addition.head").read_text(encoding="utf-8")


def short(text: str) -> str:
    """The same with digits 0..3 in the prompt, so that all sequences are few."""
    return text.replace('0..9{2} "+" 0..9{2}', '7..9{2} "+" 0..2{2}')


def codes(error: SpecError) -> list[str]:
    return [diagnostic.code for diagnostic in error.diagnostics]


def test_completion_adds() -> None:
    program = resolve(parse(ADDITION))
    assert program.generate is not None
    filled = complete(program, program.generate.prompts.enumerate(9))
    a, b = filled[:, 0] + 10 * filled[:, 1], filled[:, 3] + 10 * filled[:, 4]
    assert (filled[:, 6] + 10 * filled[:, 7] + 100 * filled[:, 8] == a + b).all() and len(filled) == 10_000


def test_every_prompt_is_verified() -> None:
    result = headspec.verify(headspec.compile(short(ADDITION)), device="cpu", exhaustive=True)
    assert result.holds and result.complete
    assert result.sequences == 81
    assert [(line.checked, line.wrong) for line in result.expectations] == [(81, 0)] * 3
    assert result.generated is not None and result.generated.prompts == 32 and result.generated.tokens == 96
    assert result.outputs.undetermined == 2 * 81  # before the first + nothing rests


def test_a_wrong_claim_is_reported_with_its_sequence() -> None:
    text = short(ADDITION).replace("//10^k mod 10", "//10^k mod 9")
    result = headspec.verify(headspec.compile(text), device="cpu")
    line = result.expectations[0]
    assert not result.holds and result.outputs.holds
    assert 0 < line.wrong < line.checked == 81
    assert line.worst is not None and "the spec's own meaning predicts" in str(result)
    shown = line.worst.to_json()
    digits = [int(t) for t in shown["tokens"] if t not in "+="]  # type: ignore[attr-defined]
    total = digits[0] + digits[2] + 10 * (digits[1] + digits[3])
    assert shown["predicted"] == str(total % 10) and shown["right"] == [str(total % 9)]


def test_a_claim_where_nothing_is_generated_is_held_against_the_model() -> None:
    text = short(ADDITION) + "expect out after 2 == 1\n"
    result = headspec.verify(headspec.compile(text), device="cpu")
    assert [line.wrong for line in result.expectations] == [0, 0, 0, 81]
    assert "predicted 0, right is 1" in str(result)


def test_a_model_with_another_weight_fails() -> None:
    model = headspec.compile(short(ADDITION))
    module = model.torch(device="cpu")
    assert headspec.verify(model, device="cpu").holds
    weights = dict(module.named_parameters()) | dict(module.named_buffers())
    changed = weights[next(name for name in weights if "W_out" in name)]
    changed.data[:] = changed.data.roll(1, dims=-1)
    result = verify_model(model.program, observe_torch(module))
    assert not result.outputs.holds and any(not line.holds for line in result.expectations)
    assert result.generated is not None and not result.generated.holds


def test_a_digit_that_nothing_determines() -> None:
    text = short(ADDITION).replace(
        '    rest   key.mark == "+"\n    copy   key.digit -> sum', "    copy   key.digit -> sum"
    )
    with pytest.raises(SpecError) as caught:
        headspec.verify(headspec.compile(text), device="cpu")
    assert codes(caught.value) == ["E0493"]
    assert "`7 7 + 0 0 = 7 7`" in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].span is not None and caught.value.diagnostics[0].span.text == "generate c[0..2]"


def test_a_digit_that_is_not_allowed() -> None:
    program = resolve(parse(short(ADDITION).replace('"=" 0..9{3}', '"=" 0..8{2} 0..1')))
    assert program.generate is not None
    with pytest.raises(SpecError) as caught:
        complete(program, program.generate.prompts.enumerate(9))
    assert codes(caught.value) == ["E0494"]
    assert "after `7 7 + 0 2 = 7` the spec's own meaning predicts `9`" in caught.value.diagnostics[0].message


def test_valid_texts_have_the_right_digits() -> None:
    program = resolve(parse(ADDITION))
    ids = [program.tokens.index(token) for token in ["7", "8", "+", "5", "4", "=", "2", "3", "1"]]
    assert all(is_valid(program, np.array(ids[:n])) for n in range(1, 10))
    assert not is_valid(program, np.array([*ids[:6], 3]))
    assert not is_valid(program, np.array([*ids[:8], 0]))
    model = headspec.compile(ADDITION)
    assert model.run("7 8 + 5 4 =", generate=3).valid and not model.run("7 8 + 5 4 = 3").valid


# ------------------------------------------------------------------ named parts, of any length

NAMED = LONGER.replace("param n = 8", "param n = 2").replace("\ntable ending", "generate c, carry\n\ntable ending")


def test_named_parts_of_any_length() -> None:
    program = resolve(parse(NAMED.split("expect")[0]))
    assert program.generate is not None
    assert program.generate.prompts.count() == 10**2 + 10**4
    filled = complete(program, program.generate.prompts.enumerate(8))
    one = filled[:, 1] + filled[:, 3]
    assert (filled[:, 5] + 10 * filled[:, 6] == one).all() and len(filled) == 100


def test_named_parts_are_verified() -> None:
    text = NAMED.replace("0..9){L: 1..n}", "4..6){L: 1..n}").replace("(b: 0..9)", "(b: 3..5)").split("expect")[0]
    result = headspec.verify(headspec.compile(text), device="cpu")
    assert result.holds and result.complete and result.sequences == 9 + 81
    assert result.generated is not None and result.generated.prompts == 9 + 32


def test_without_the_line_any_digit_may_stand_there() -> None:
    program = resolve(parse(ADDITION.replace("generate c[0..2]", "")))
    assert program.generate is None and program.sequences.count() == 10**7
    assert replace(program, generate=None) == program
