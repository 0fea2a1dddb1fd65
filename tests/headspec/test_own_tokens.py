"""``predict SUBSPACE as tokens``: several answers after one text, each with tokens of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import headspec
from backends.torch_model import TorchModel
from headspec.devices import observe_torch
from headspec.verification.comparing import verify_model
from headspec.verification.outputs import block_of, block_with

SPEC = """\
model both
tokens 0..6, "="
context 3
sequences 0..6 0..6 "="
subspace seen  : onehot({0, 1, 2, 3, 4, 5, 6})
subspace where : onehot(positions)
subspace sum   : scalar(0..12)
subspace low   : scalar(0..2)
subspace turn  : onehot(0..4)
subspace one   : constant
embed token -> seen
embed position -> where
layer
  head first
    attend key.where == 0
    copy   key.seen -> sum
  head second
    attend key.where == 1
    copy   key.seen -> sum
  compute low = sum mod 3
  compute turn = sum mod 5
predict low as tokens
predict turn as tokens
expect "6 5 =" -> "low=2"
expect "6 5 =" -> "turn=1"
expect low after 2 == (token[0] + token[1]) mod 3
expect turn after 2 == if token[0] + token[1] < 5 then token[0] + token[1] else (token[0] + token[1]) mod 5
"""


@pytest.fixture(scope="module")
def model() -> headspec.Model:
    return headspec.compile(SPEC)


def test_the_vocabulary_grows_at_its_end(model: headspec.Model) -> None:
    program = model.program
    assert program.read_tokens == tuple("0123456=")
    assert program.tokens[8:] == ("low=0", "low=1", "low=2", "turn=0", "turn=1", "turn=2", "turn=3", "turn=4")
    assert program.sequences.count() == 49
    assert block_of(program, "turn").tolist() == [False] * 11 + [True] * 5
    assert block_with(program, "low=1").tolist() == [False] * 8 + [True] * 3 + [False] * 5
    assert block_with(program, "3").tolist() == [True] * 8 + [False] * 8


def test_both_answers_are_right_after_every_text(model: headspec.Model) -> None:
    report = headspec.verify(model)
    assert report.holds and report.outputs is not None
    assert (report.outputs.checked, report.outputs.wrong) == (98, 0)
    for a in range(7):
        for b in range(7):
            assert model.run(f"{a} {b} =").prediction == f"low={(a + b) % 3} turn={(a + b) % 5}"


def test_each_answer_is_judged_on_its_own(model: headspec.Model) -> None:
    """A bias for one wrong answer of `turn` is found, and `low` does not mind."""
    lowered = model.lowered
    bias = lowered.b_U.copy()
    bias[model.program.tokens.index("turn=3")] = 5

    report = verify_model(model.program, observe_torch(TorchModel.from_lowered(replace(lowered, b_U=bias))))
    assert report.outputs is not None and report.outputs.wrong == sum(
        (a + b) % 5 != 3 for a in range(7) for b in range(7)
    )
    assert [line.wrong for line in report.expectations] == [0, 1, 0, 40]


def test_a_declared_constant_takes_the_place_of_b_U(model: headspec.Model) -> None:
    assert not model.lowered.b_U.any() and all(not mlp.b_in.any() for mlp in model.lowered.mlps)
    allowed = headspec.compile(SPEC.replace("model both", "model both\nbiases allowed"))
    assert np.count_nonzero(allowed.lowered.b_U) == 2  # of 2cy - c^2 for c = 1 and 2


def test_it_can_be_saved(model: headspec.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "both")
    loaded = headspec.load(tmp_path / "both")
    assert loaded.config.tokens == model.program.tokens
    assert headspec.verify(loaded).holds


def test_too_many_tokens_are_refused_once() -> None:
    with pytest.raises(headspec.SpecError) as caught:
        headspec.compile(SPEC.replace("scalar(0..2)", "scalar(0..65000)").replace("onehot(0..4)", "scalar(0..65000)"))
    assert [d.code for d in caught.value.diagnostics] == ["E0320"]


def test_a_false_claim_fails() -> None:
    report = headspec.verify(headspec.compile(SPEC.replace("token[1]) mod 3", "2*token[1]) mod 3")))
    assert [line.wrong for line in report.expectations] == [0, 0, sum(b % 3 > 0 for b in range(7)) * 7, 0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('tokens 0..6, "="', 'tokens 0..6, "=", "low=1"'), "E0208"),
        (('-> "turn=1"', '-> "turn=7"'), "E0210"),
        (('"6 5 =" -> "low=2"', '"6 low=1 =" -> "low=2"'), "E0210"),
        (('-> "turn=1"', '->* "turn=1"'), "E0210"),
        (("predict turn as tokens", "predict turn as digits"), "E0111"),
    ],
)
def test_mistakes(change: tuple[str, str], code: str) -> None:
    with pytest.raises(headspec.SpecError) as caught:
        headspec.compile(SPEC.replace(*change))
    assert [d.code for d in caught.value.diagnostics] == [code]
