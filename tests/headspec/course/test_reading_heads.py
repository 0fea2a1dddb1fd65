"""Answers written as heads of a spec, or as a whole spec."""

from __future__ import annotations

import pytest

from compiler.exact import Scalar
from headspec.course.exercise import Asked
from headspec.course.handing_in.reading import read_answer
from tests.headspec.course.making import (
    PREVIOUS,
    TWO_HEADS,
    K,
    Q,
    asked_of,
    code,
    exact,
    make_exercise,
    previous,
    refused,
    two_heads,
)

HEAD = """layer
  head previous
    attend key.where == query.where - 1
"""


def test_a_head_of_a_spec_is_compiled_on_the_given_stage() -> None:
    answer = read_answer(previous(), text=HEAD)
    assert answer.weights is not None and answer.program is not None
    assert answer.program.head("previous").terms and answer.program.subspaces == previous().program.subspaces  # type: ignore[union-attr]
    assert answer.matrices[Q].shape == (4, 12) and set(answer.matrices) == {Q, K}


def test_a_narrower_head_keeps_its_scores() -> None:
    exercise = make_exercise(asked=asked_of("previous", "W_Q W_K", 8, 12), spec=PREVIOUS)
    answer = read_answer(exercise, text=HEAD)
    assert answer.weights is not None
    own = answer.weights.head("previous")
    assert own.d_head == 4 and answer.matrices[Q].shape == (8, 12)
    assert answer.matrices[Q].T @ answer.matrices[K] == own.QK.scale(Scalar.sqrt(2))


def test_the_only_head_may_have_any_name_and_others_stay_ours() -> None:
    answer = read_answer(previous(), text=HEAD.replace("head previous", "head mine"))
    assert answer.program is not None and [h.name for h in answer.program.heads] == ["previous"]
    exercise = make_exercise(asked=asked_of("second", "W_Q W_K", 10, 21), spec=TWO_HEADS)
    one = "layer\n  head second\n    attend key.before == query.content\n    copy key.content -> guess\n"
    answer = read_answer(exercise, text=one)
    assert answer.program is not None and [[h.name for h in layer] for layer in answer.program.layers] == [
        ["first"],
        ["second"],
    ]
    assert len(answer.program.expectations) == 1


def test_heads_that_are_asked_for_have_to_be_there() -> None:
    text = "layer\n  head first\n    attend key.place == query.place - 1\n"
    found = refused(two_heads(), text=text)
    assert found[0].code == "E0725" and "second" in found[0].message


MATRICES = """layer
  head previous
    W_Q = rows where.cos0, where.sin0
    W_K = rows where.cos0, where.sin0
"""


def test_matrices_in_heads_of_a_spec() -> None:
    answer = read_answer(previous(), text=MATRICES)
    assert answer.weights is not None and answer.weights.head("previous").d_head == 2
    assert answer.matrices[Q][0, 4] == exact("sqrt(2)")  # scores are divided by sqrt(4) now, and were by sqrt(2)
    assert answer.matrices[K][0, 4] == exact("1")


@pytest.mark.parametrize(
    ("old", "new", "expected", "underlined"),
    [
        ("key.where ==", "key.wher ==", "E0204", "key.wher"),
        ("- 1", "- 1 strength 1/(1+alpha_0)", "E0721", "1/(1+alpha_0)"),
        ("- 1", "- 1\n    copy cos(alpha_0^2)*key.content -> before", "E0721", "cos(alpha_0^2)"),
        ("head previous", "head previous d_head 9", "E0724", None),
    ],
)
def test_mistakes_in_heads_are_underlined_in_the_answer(
    old: str, new: str, expected: str, underlined: str | None
) -> None:
    found = refused(previous(), text=HEAD.replace(old, new), name="mine.head")
    assert found[0].code == expected and found[0].span is not None
    assert found[0].span.source.name == "mine.head" and found[0].span.source.text.startswith("layer")
    if underlined:
        assert found[0].span.text == underlined


def test_a_whole_spec_on_the_same_stage() -> None:
    spec = PREVIOUS.replace("- 1", "- 1 strength gain").replace("param two", "symbol gain = 40\nparam two")
    answer = read_answer(previous(), text=spec.strip() + "\nexpect head previous: key.position == 0\n")
    assert answer.weights is not None and "gain" in answer.matrices[Q].symbols() and answer.program is not None
    assert answer.program.expectations == ()


@pytest.mark.parametrize(
    ("old", "new", "word", "line"),
    [
        ("tokens a..d", "tokens a..e", "tokens", "tokens a..e"),
        ("context 6", "context 7", "context", "context 7"),
        ("sequences (a..d){2,6}", "sequences (a..d){1,6}", "sequences", "sequences (a..d){1,6}"),
        ("symbol alpha_0 = 0.6", "symbol alpha_0 = 0.7", "alpha_0", "symbol alpha_0 = 0.7"),
        (
            "subspace before  : onehot(tokens)",
            "subspace before : onehot(tokens) at 8..11\nsubspace more : dims(1)",
            "more",
            "subspace more : dims(1)",
        ),
        ("frequencies = [alpha_0, alpha_1])", "frequencies = [alpha_1, alpha_0])", "where", None),
        (
            "embed token    -> content\n",
            "embed token -> content\nembed token -> before\n",
            "before",
            "embed token -> before",
        ),
        ("context 6", "context 6\nbiases allowed", "biases", "biases allowed"),
        ("context 6", "context 6\npositions alibi", "positional", "positions alibi"),
        ("context 6", "context 6\nbasis rotation(3, 4, 5)", "basis", "basis rotation(3, 4, 5)"),
        ("context 6", "context 6\nresidual 13", "residual", "residual 13"),
    ],
)
def test_another_stage_is_refused(old: str, new: str, word: str, line: str | None) -> None:
    assert old in PREVIOUS
    found = refused(previous(), text=PREVIOUS.replace(old, new).strip(), name="mine.head")
    assert [d.code for d in found] == ["E0730"]
    assert word in found[0].message and found[0].span is not None and found[0].span.source.name == "mine.head"
    if line is not None:
        assert found[0].span.text == line


def test_all_heads_of_a_model() -> None:
    exercise = make_exercise("spec", (Asked("", head="second"),), TWO_HEADS)
    text = TWO_HEADS[TWO_HEADS.index("layer") : TWO_HEADS.index("predict")].replace("first", "earlier")
    answer = read_answer(exercise, text=text)
    assert answer.program is not None and [h.name for h in answer.program.heads] == ["earlier", "second"]
    assert answer.program.predict == ("guess",) and not answer.program.expectations
    assert code(exercise, text="W_V = rows content.a") == "E0726"


def test_heads_and_matrices_are_not_mixed() -> None:
    assert code(previous(), text=HEAD + "W_Q = rows u_cos_0\n") == "E0731"
    assert code(make_exercise("number", (Asked("rank"),), PREVIOUS), text=HEAD) == "E0731"
