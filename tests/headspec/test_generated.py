"""Generated text: what a model appends to prompts, and how a verification holds it to the meaning."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headspec
from compiler.claims import OutputExpectation
from compiler.program import Program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from headspec.cli import main
from headspec.devices import observe_torch
from headspec.generation import Generated
from headspec.model import Model
from headspec.verification.comparing import verify_model
from headspec.verification.generated import _valid_steps, continue_greedily, first_determined

COPY = """\
model echo
  "Three letters, =, and the three letters again."
tokens a, b, "="
context 7
sequences (a | b){{3}} "=" {answer}
subspace content : onehot(tokens)
subspace where : onehot(positions)
subspace guess : onehot(tokens)
embed token -> content
embed position -> where
layer
  head back
    attend key.where == query.where - 3
    copy key.content -> guess
predict guess
"""


def copying(*stated: tuple[str, str], answer: str = "(a | b){3}") -> Program:
    """The spec with an ``expect "PROMPT" ->* "TEXT"`` line for each pair."""
    program = resolve(parse(COPY.format(answer=answer)))
    lines = [OutputExpectation(tuple(p.split()), "", generated=tuple(t.split())) for p, t in stated]
    return replace(program, expectations=tuple(lines))


@pytest.fixture(scope="module")
def compiled() -> Model:
    return Model(copying())


RIGHT = ("a b b =", "a b b")


@dataclass
class Observed:
    """A compiled model whose passes, or whose generated texts, may be damaged."""

    inner: Any
    passes: Callable[[Any, Any], None] = lambda tokens, logits: None
    texts: Callable[[Any], None] = lambda texts: None
    device: str = "cpu"
    dtype: str = "float32"

    def observe(self, tokens: Any) -> Any:
        patterns, logits = self.inner.observe(tokens)
        logits = logits.copy()
        self.passes(tokens, logits)
        return patterns, logits

    def generate(self, tokens: Any, n: int) -> Any:
        texts = self.inner.generate(tokens, n).copy()
        self.texts(texts)
        return texts


@dataclass
class Passes:
    """A model that cannot generate by itself."""

    inner: Any
    device: str = "cpu"
    dtype: str = "float32"

    def observe(self, tokens: Any) -> Any:
        return self.inner.observe(tokens)


@pytest.fixture(scope="module")
def observed(compiled: Model) -> Any:
    return observe_torch(compiled.torch(device="cpu"))


# ------------------------------------------------------------------ verification


@pytest.mark.parametrize("alone", [False, True])
def test_a_right_model_generates_what_is_meant(observed: Any, alone: bool) -> None:
    result = verify_model(copying(RIGHT), Passes(observed) if alone else observed)
    assert result.holds and result.generated is not None
    assert 1 < result.generated.prompts <= 8  # of 64 sequences, 8 prompts
    assert result.generated.tokens == 3 * result.generated.prompts
    assert (result.generated.wrong, result.generated.undetermined, result.generated.outside) == (0, 0, 0)
    assert [figures.length for figures in result.generated.lengths] == [7]
    # Predicted at = and after it; at the first three nothing is in sight, so nothing is claimed.
    assert result.outputs.every_position
    assert (result.outputs.checked, result.outputs.undetermined) == (64 * 4, 64 * 3)
    assert [(line.checked, line.holds) for line in result.expectations] == [(1, True)]
    assert "generated: all right" in str(result) and "after every token" in str(result)
    assert 'expect "a b b =" ->* "a b b"' in str(result)


def test_the_report_for_programs_has_it_all(observed: Any) -> None:
    found = json.loads(json.dumps(verify_model(copying(RIGHT), observed).to_json(), allow_nan=False))
    assert {"prompts", "tokens", "wrong", "undetermined", "outside", "first_wrong", "lengths", "holds"} == set(
        found["generated"]
    )
    assert found["outputs"]["every_position"] is True
    assert found["outputs"]["lengths"] == [{"length": 7, "checked": 256, "wrong": 0}]


def test_without_such_a_line_only_the_last_prediction_is_judged(observed: Any) -> None:
    result = verify_model(copying(), observed)
    assert result.generated is None and not result.outputs.every_position
    assert (result.outputs.checked, result.outputs.undetermined) == (64, 0)
    assert result.to_json()["generated"] is None


def damage_at(position: int) -> Callable[[Any, Any], None]:
    def change(tokens: Any, logits: Any) -> None:
        if logits.shape[1] > position:
            logits[:, position, 0] = 100.0

    return change


def test_a_prediction_that_is_wrong_on_the_way_is_noticed(observed: Any) -> None:
    broken = Observed(observed, passes=damage_at(4))
    assert verify_model(copying(), broken).holds
    result = verify_model(copying(RIGHT), broken)
    assert not result.holds and not result.outputs.holds and all(head.holds for head in result.heads)
    assert result.outputs.first_wrong is not None
    assert len(result.outputs.first_wrong.tokens) == 5 and result.outputs.first_wrong.right == ("b",)
    assert result.outputs.wrong == 32
    assert [(f.length, f.checked, f.wrong) for f in result.outputs.lengths] == [(7, 256, 32)]


def test_a_text_that_is_wrong_though_every_pass_is_right_is_noticed(observed: Any) -> None:
    """As a stale cache would make it."""

    def change(texts: Any) -> None:
        texts[:, 5] = 1 - texts[:, 5]

    result = verify_model(copying(RIGHT), Observed(observed, texts=change))
    assert result.outputs.holds and not result.holds
    assert result.generated is not None and result.generated.wrong == result.generated.prompts > 0
    assert result.generated.first_wrong is not None and len(result.generated.first_wrong.tokens) == 5
    assert result.generated.tokens == 2 * result.generated.prompts  # what follows a wrong token is not looked at
    assert [(f.checked, f.wrong) for f in result.generated.lengths] == [(result.generated.prompts,) * 2]
    (line,) = result.expectations
    worst = line.worst.to_json() if line.worst else {}
    assert (worst["position"], worst["generated"], worst["expected"]) == (1, ["a", "a", "b"], ["a", "b", "b"])
    assert worst["tokens"] == ["a", "b", "b", "=", "a"]
    assert "they part at generated token 2: a, not b" in str(result)
    assert "the first wrong generated token" in str(result) and "length 7:" in str(result)


@pytest.mark.parametrize(("stated", "position"), [("a b a", 2), ("b b b", 0), ("a a b", 1), ("= b b", 0)])
def test_a_stated_text_is_judged_apart_from_the_reference(observed: Any, stated: str, position: int) -> None:
    result = verify_model(copying(("a b b =", stated)), observed)
    assert not result.holds and result.outputs.holds and result.generated is not None and result.generated.holds
    worst = result.expectations[0].worst
    assert worst is not None and worst.to_json()["position"] == position


def test_a_token_that_is_no_likelier_than_another_is_not_generated_for_sure(observed: Any) -> None:
    def tie(tokens: Any, logits: Any) -> None:
        logits[:, -1, :2] = 1.0

    result = verify_model(copying(("a b b =", "a")), Observed(observed, passes=tie))
    assert not result.expectations[0].holds
    assert "no likelier" in str(result)


def test_beyond_the_valid_sequences_nothing_is_judged(observed: Any) -> None:
    """Only answers of a's are valid: the model rightly copies b's, and the text is followed as far as it is valid."""
    program = copying(("a a a =", "a a a"), answer="a{3}")
    result = verify_model(program, observed)
    assert result.holds and result.generated is not None
    assert result.generated.prompts == 8 and result.generated.outside == 6  # not "a a a" and "a a b"
    assert "end outside `sequences`" in str(result)


def test_a_spec_that_predicts_two_things_is_not_generated_from(observed: Any) -> None:
    program = copying(RIGHT)
    result = verify_model(replace(program, predict=("guess", "content")), observed)
    assert result.generated is not None and result.generated.prompts == 0
    assert "generated: nothing" in str(result)


def test_the_first_place_where_a_stated_text_fails_is_named(observed: Any) -> None:
    """A tie at its first token, another token generated at its second."""

    def tie(tokens: Any, logits: Any) -> None:
        logits[:, 3, :2] = 1.0

    def change(texts: Any) -> None:
        texts[:, 5] = 1 - texts[:, 5]

    result = verify_model(copying(RIGHT), Observed(observed, passes=tie, texts=change))
    worst = result.expectations[0].worst
    assert worst is not None and worst.to_json()["position"] == 0


def test_figures_are_by_length_whatever_the_batches(observed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = copying(RIGHT, answer="(a | b){1,3}")
    monkeypatch.setattr("headspec.verification.sampling.BATCH_BYTES", 8 * 49 * 3)
    result = verify_model(program, observed)
    assert result.holds and result.generated is not None
    assert [(f.length, f.checked) for f in result.outputs.lengths] == [(5, 16 * 2), (6, 32 * 3), (7, 64 * 4)]
    assert [f.length for f in result.generated.lengths] == [5, 6, 7]
    assert all(f.checked >= 8 for f in result.generated.lengths)


@given(rows=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5))
def test_law_the_prompt_ends_where_all_is_determined(rows: list[list[bool]]) -> None:
    found = first_determined(np.array(rows))
    for row, start in zip(rows, found, strict=True):
        assert start == next(p for p in range(6) if all(row[p:5]))


@given(text=st.lists(st.integers(0, 2), min_size=7, max_size=7), begin=st.integers(0, 5))
def test_law_steps_are_judged_while_the_text_is_valid(text: list[int], begin: int) -> None:
    program = copying()
    language = program.sequences
    text[: begin + 1] = [0, 1, 0, 2, 1, 1, 0][: begin + 1]
    expected = sum(language.begins(text[: i + 1]) for i in range(begin, 6))
    assert _valid_steps(program, np.array(text), begin) == expected


# ------------------------------------------------------------------ Model.generate


def test_texts_of_different_lengths_come_back_in_order(compiled: Model) -> None:
    found = compiled.generate(["a b b = a", "b a b =", "b b b = b", "a a b ="], 2, device="cpu")
    assert [g.tokens for g in found] == [("b", "b"), ("b", "a"), ("b", "b"), ("a", "a")]
    assert [g.prompt for g in found][1] == ("b", "a", "b", "=")
    assert compiled.generate("b a b =", 3, device="cpu") == Generated(("b", "a", "b", "="), ("b", "a", "b"), False)
    assert compiled.generate([], 3, device="cpu") == []
    assert str(found[1]) == "b a" and found[1].text == "b a b = b a"
    assert found[1].to_json() == {"prompt": ["b", "a", "b", "="], "generated": ["b", "a"], "stopped": False}


def test_a_text_ends_with_the_token_that_stops_it(compiled: Model) -> None:
    found = compiled.generate(["a b a =", "a a b =", "a a a ="], 3, stop="b", device="cpu")
    assert [(g.tokens, g.stopped) for g in found] == [
        (("a", "b"), True),
        (("a", "a", "b"), True),
        (("a", "a", "a"), False),
    ]


def test_generation_is_what_passes_over_the_whole_text_say(compiled: Model) -> None:
    module = compiled.torch(device="cpu")
    prompts = np.array([[0, 1, 1, 2], [1, 0, 0, 2]])
    slow = continue_greedily(Passes(observe_torch(module)), prompts, 3)
    assert continue_greedily(observe_torch(module), prompts, 3).tolist() == slow.tolist()


def test_prompts_in_small_batches(compiled: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [f"{x} {y} b =" for x in "ab" for y in "ab"]
    whole = compiled.generate(prompts, 3, device="cpu")
    monkeypatch.setattr("headspec.generation.CACHE", 1)
    assert compiled.generate(prompts, 3, device="cpu") == whole


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("E0607", lambda m: m.generate("a x", 1)),
        ("E0607", lambda m: m.generate("a", 1, stop="x")),
        ("E0607", lambda m: m.generate("", 1)),
        ("E0509", lambda m: m.generate(["a", "a b b = a"], 3)),
        ("E0509", lambda m: m.generate("a", -1)),
    ],
)
def test_what_cannot_be_generated_is_refused(compiled: Model, code: str, action: Callable[[Model], object]) -> None:
    with pytest.raises(SpecError) as error:
        action(compiled)
    assert [d.code for d in error.value.diagnostics] == [code]


def test_a_model_that_predicts_nothing_does_not_go_on() -> None:
    with pytest.raises(SpecError, match="E0455"):
        Model(replace(copying(), predict=())).generate("a", 1)


# ------------------------------------------------------------------ run


def test_run_goes_on_and_looks_at_the_whole_text(compiled: Model) -> None:
    result = compiled.run("a b b =", generate=3)
    assert result.tokens == ("a", "b", "b", "=", "a", "b", "b") and result.generated == 3 and result.valid
    assert result.pattern("back")[6, 3] > 0.99
    assert result.to_json()["generated"] == ["a", "b", "b"]
    lines = str(result).splitlines()
    assert lines[0] == "a b b =" and lines[-1].endswith("a b b")
    assert compiled.run("a b b =").to_json()["generated"] == []


def test_the_beginning_of_a_sequence_is_valid_where_the_spec_generates() -> None:
    assert Model(copying(RIGHT)).run("a b b =").valid
    assert not Model(copying()).run("a b b =").valid
    assert not Model(copying(RIGHT)).run("= a").valid


def test_the_command_line_generates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "copy.head"
    path.write_text(COPY.format(answer="(a | b){3}"))
    assert main(["run", str(path), "a b b =", "--generate", "3", "--stop", "b", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["generated"] == ["a", "b"] and found["tokens"] == ["a", "b", "b", "=", "a", "b"]
    assert main(["run", str(path), "a b b =", "--stop", "b"]) == 2
    assert "E0608" in capsys.readouterr().err
    assert main(["run", str(path), "a b b =", "--generate", "9"]) == 2
    assert "at most 3" in capsys.readouterr().err


def test_generated_is_a_public_name() -> None:
    assert headspec.Generated is Generated
