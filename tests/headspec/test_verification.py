"""A right model holds; every way of being wrong is noticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from compiler.claims import HeadExpectation, OutputExpectation
from compiler.program import Program
from dsl.expressions import Truth
from headspec.verification.comparing import verify_model

Fake = Any
Build = Callable[..., Program]
verify = verify_model


def test_a_right_model_holds(program: Program, fake: Fake) -> None:
    result = verify(program, fake())
    assert result.holds and bool(result)
    assert result.basis == "expect"
    assert result.complete and result.sequences == sum(3**k for k in range(1, 6))
    assert result.positions == sum(3**k * (k + 1) for k in range(1, 6))
    assert [h.name for h in result.heads] == ["previous", "induction"]
    assert result.heads[0].min_mass == pytest.approx(0.999)
    assert result.heads[0].argmax_agreement == 1
    assert result.outputs.checked > 0 and result.outputs.min_margin is not None and result.outputs.min_margin > 0
    assert [line.checked > 0 for line in result.expectations] == [True, True, True]


def test_json_has_the_promised_keys(program: Program, fake: Fake) -> None:
    found = json.loads(json.dumps(verify(program, fake()).to_json(), allow_nan=False))
    assert {
        "spec", "device", "dtype", "basis", "sequences", "positions", "heads", "outputs", "expectations", "notes",
        "holds",
    } <= found.keys()  # fmt: skip
    assert {
        "name", "layer", "index", "min_mass", "mean_mass", "argmax_agreement", "max_tv", "unclaimed", "undetermined",
        "worst",
    } <= found["heads"][0].keys()  # fmt: skip
    assert {"tokens", "query", "pattern", "expected"} <= found["heads"][0]["worst"].keys()
    assert {"checked", "wrong", "undetermined", "min_margin", "first_wrong"} <= found["outputs"].keys()
    assert {"line", "text", "checked", "skipped", "wrong", "worst", "holds"} <= found["expectations"][0].keys()
    assert found["basis"] == "expect" and found["holds"] is True


def test_without_expect_lines_the_report_says_so(fake: Fake, build_program: Build) -> None:
    result = verify(build_program(expectations=False), fake())
    assert result.basis == "reference" and result.holds
    assert "no `expect` lines" in str(result)


def test_too_blunt_attention_is_noticed(program: Program, fake: Fake) -> None:
    result = verify(program, fake(sharp=0.985))
    assert not result.holds
    assert result.heads[0].min_mass == pytest.approx(0.985)
    assert result.heads[0].worst is not None and not result.heads[0].worst.holds
    assert "DOES NOT HOLD" in str(result) and "0.985" in str(result)


# Each damage changes one thing that some sequence shows; (what, which part of the report convicts it).


def _head(layer: int, change: object) -> object:
    def damage(tokens: np.ndarray, patterns: list[np.ndarray], logits: np.ndarray) -> object:
        if tokens.shape[1] == 5:
            change(tokens, patterns[layer][:, 0])  # type: ignore[operator]
        return patterns, logits

    return damage


def _swap(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[0, 3, [1, 2]] = pattern[0, 3, [2, 1]]


def _nan(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[-1, 2, 0] = np.nan


def _double(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[0, 2] *= 2


def _negative(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[0, 3, 0] -= 0.3
    pattern[0, 3, 1] += 0.3


def _future(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[0, 2, 4] = 0.001
    pattern[0, 2, 1] -= 0.001


def _infinite(tokens: np.ndarray, pattern: np.ndarray) -> None:
    pattern[0, 2, 1] = np.inf


def _uneven(tokens: np.ndarray, pattern: np.ndarray) -> None:
    """Where two keys share, take 0.05 from one and give it to the other."""
    for row in pattern.reshape(-1, pattern.shape[-1]):
        shared = np.flatnonzero(np.isclose(row, 0.4995))
        if len(shared) == 2:
            row[shared] += (0.05, -0.05)


def _leaking(tokens: np.ndarray, pattern: np.ndarray) -> None:
    """Two keys that share lose 0.007 each, which is near enough one by one but not together."""
    for row in pattern.reshape(-1, pattern.shape[-1]):
        shared = np.flatnonzero(np.isclose(row, 0.4995))
        if len(shared) == 2:
            row[shared] -= 0.007
            row[0] += 0.014


def _extra(tokens: np.ndarray, pattern: np.ndarray) -> None:
    """More than 1 in all, with every right key as it should be."""
    pattern[0, 3, 0] += 0.005


@pytest.mark.parametrize(
    ("layer", "change"),
    [
        (0, _swap),
        (0, _nan),
        (1, _nan),
        (0, _double),
        (0, _negative),
        (0, _future),
        (0, _infinite),
        (1, _uneven),
        (1, _leaking),
        (0, _extra),
    ],
)
def test_every_wrong_pattern_is_noticed(program: Program, layer: int, change: object, fake: Fake) -> None:
    result = verify(program, fake(damage=_head(layer, change)))
    assert not result.holds
    assert not result.heads[layer].holds and result.heads[1 - layer].holds
    bare = verify(replace(program, expectations=()), fake(damage=_head(layer, change)))
    assert not bare.holds and bare.outputs.holds
    assert result.heads[layer].wrong >= 1
    json.dumps(result.to_json(), allow_nan=False)
    assert "DOES NOT HOLD" in str(result)


@pytest.mark.parametrize("value", [np.nan, np.inf, 5.0])
def test_a_wrong_output_is_noticed(program: Program, value: float, fake: Fake) -> None:
    def damage(tokens: np.ndarray, patterns: list[np.ndarray], logits: np.ndarray) -> object:
        for sequence, row in zip(tokens, logits, strict=True):
            if list(sequence) == [0, 1, 2, 1]:
                row[-1, 3] = value
        return patterns, logits

    result = verify(program, fake(damage=damage))
    assert not result.holds and all(head.holds for head in result.heads)
    assert result.outputs.wrong == 1
    assert result.outputs.first_wrong is not None
    assert result.outputs.first_wrong.tokens == ("<bos>", "a", "b", "a")
    assert result.outputs.first_wrong.right == ("b",)


def test_a_tie_between_right_and_wrong_is_wrong(program: Program, fake: Fake) -> None:
    def damage(tokens: np.ndarray, patterns: list[np.ndarray], logits: np.ndarray) -> object:
        return patterns, np.zeros_like(logits)

    result = verify(program, fake(damage=damage))
    assert result.outputs.wrong == result.outputs.checked > 0
    assert result.outputs.min_margin == 0


def test_an_expectation_is_judged_apart_from_the_reference(program: Program, fake: Fake) -> None:
    """A model that follows the reference and an ``expect`` line that says otherwise: the line convicts."""
    wrong = HeadExpectation("previous", Truth(True), None)
    result = verify(replace(program, expectations=(wrong,)), fake())
    assert all(head.holds for head in result.heads) and result.outputs.holds
    assert not result.holds and result.expectations[0].wrong > 0


def test_an_expected_answer_is_checked(program: Program, fake: Fake) -> None:
    lines = (OutputExpectation(("<bos>", "a", "b", "c", "a"), "c"),)
    result = verify(replace(program, expectations=lines), fake())
    assert not result.holds
    assert 'expect "<bos> a b c a" -> "c"' in str(result)


def test_an_expectation_that_never_speaks_is_reported(program: Program, fake: Fake) -> None:
    lines = (HeadExpectation("previous", Truth(False), None),)
    result = verify(replace(program, expectations=lines), fake())
    assert result.holds and result.expectations[0].checked == 0
    assert "never applied" in str(result)


def test_the_mass_of_the_spec_is_the_limit(program: Program, fake: Fake) -> None:
    strict, lax = replace(program, mass=Fraction(9999, 10000)), replace(program, mass=Fraction(9, 10))
    assert not verify(strict, fake()).holds
    assert verify(lax, fake(sharp=0.95)).holds


def test_sampling_is_reproducible_and_reaches_both_ends(fake: Fake, build_program: Build) -> None:
    program = build_program(context=12)
    first, again, other = (verify(program, fake(), samples=100, seed=seed) for seed in (3, 3, 4))
    assert first.holds and not first.complete
    assert first.lengths == (2, 12)
    assert first.heads[1].worst == again.heads[1].worst
    assert first.sequences == again.sequences == other.sequences
    assert 80 <= first.sequences <= 130


def test_exhaustive_looks_at_every_sequence(fake: Fake, build_program: Build) -> None:
    program = build_program(context=7)
    result = verify(program, fake(), exhaustive=True, exhaustive_limit=0)
    assert result.complete and result.sequences == program.sequences.count()


def test_progress_ends_at_all(program: Program, fake: Fake) -> None:
    seen: list[tuple[int, int]] = []
    verify(program, fake(), progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1][0] == seen[-1][1]
