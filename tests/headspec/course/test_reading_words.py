"""Letters, tokens, numbers by name, and formulas."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

from compiler.exact import Scalar
from headspec.course.exercise import Asked, Check, Exercise
from headspec.course.handing_in.reading import read_answer
from tests.headspec.course.making import (
    PREVIOUS,
    TWO_HEADS,
    code,
    exact,
    make_exercise,
    refused,
    save,
)

# ------------------------------------------------------------------ words and numbers

CHOICES = {"a": "W_Q", "b": "W_K", "c": "W_V", "d": "W_O"}


@pytest.mark.parametrize("text", ["ac", "a, c", "A C", "a and c", "c a", "(a), (c)", "a\nc", "`ac`", "a; c.", "aca"])
def test_letters(text: str) -> None:
    exercise = make_exercise("choice", choices=CHOICES)
    assert read_answer(exercise, text=text).choice == {"a", "c"}
    assert read_answer(exercise, objects={"answer": text}).choice == {"a", "c"}


@pytest.mark.parametrize("text", ["", "e", "ae", "W_Q", "and", "a, x"])
def test_letters_that_are_no_choice(text: str) -> None:
    found = refused(make_exercise("choice", choices=CHOICES), text=text)
    assert found[0].code == "E0727" and "a: W_Q" in found[0].figures


def test_letters_from_json(tmp_path: Path) -> None:
    exercise = make_exercise("choice", choices=CHOICES)
    for value in ({"answer": "ac"}, {"answer": ["a", "c"]}, "a c", ["a", "c"]):
        assert read_answer(exercise, files=[save(tmp_path / "a.json", json.dumps(value))]).choice == {"a", "c"}
    assert code(exercise, files=[save(tmp_path / "a.json", {"answer": 3})]) == "E0731"


@pytest.mark.parametrize(
    "text", ["<bos> a b a", "<bos>, a, b, a", '"<bos> a b a"', "<bos>\na\nb\na\n", '"<bos>" "a" "b" "a"']
)
def test_tokens(text: str) -> None:
    exercise = make_exercise("sequence", spec=TWO_HEADS)
    assert read_answer(exercise, text=text).tokens == ("<bos>", "a", "b", "a")


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("", "E0728", "separated by spaces"),
        ("<bos> a x", "E0728", "not a token"),
        ("<bos> aba", "E0728", "a b a"),
        ("<bo> a", "E0728", "<bos>"),
        ("a b a", "E0729", "sequences <bos> (a..d){1,5}"),
        ("<bos> a b a b a b", "E0729", "lengths 2 to 6; this one has 7"),
    ],
)
def test_tokens_that_are_no_sequence(text: str, expected: str, words: str) -> None:
    found = refused(make_exercise("sequence", spec=TWO_HEADS), text=text)
    assert found[0].code == expected and words in found[0].render()


def rank() -> Exercise:
    return make_exercise(
        "number", (Asked("rank"),), PREVIOUS, checks=(Check("rank", "equal", options={"equals": "w + 2"}),)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", "4"),
        ("rank = 8/two", "4"),
        (r"\frac{8}{2}", "4"),
        ("2*cos(alpha_0)", "2*cos(alpha_0)"),
        ("w/2 + d_model", "w/2 + d_model"),
    ],
)
def test_numbers(text: str, value: str) -> None:
    found = read_answer(rank(), text=text).expressions["rank"]
    assert Scalar.from_expression(found) == exact(value)


@pytest.mark.parametrize(
    "value", [4, Fraction(8, 2), sympy.Integer(4), np.int64(4), np.array(4), torch.tensor(4.0), "4", "8/two", 4.0]
)
def test_numbers_as_objects(value: object) -> None:
    answer = read_answer(rank(), objects={"rank": value})
    assert Scalar.from_expression(answer.expressions["rank"]) == exact("4") and not answer.numeric
    assert read_answer(rank(), objects={"rank": 0.1}).numeric


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gamma", "E0720"),
        ("where.cos0", "E0720"),
        ("tan(1)", "E0720"),
        ("rang = 4", "E0726"),
        ("[[1]]", "E0731"),
        ("rank = 1/0", "E0213"),
        ("", "E0701"),
    ],
)
def test_numbers_that_do_not_fit(text: str, expected: str) -> None:
    assert code(rank(), text=text) == expected


def test_several_numbers_have_names() -> None:
    exercise = make_exercise("values", (Asked("alpha_0"), Asked("alpha_1")), PREVIOUS)
    assert set(read_answer(exercise, text="alpha_0 = 1/2\nalpha_1 = 0.6283").expressions) == {"alpha_0", "alpha_1"}
    assert code(exercise, text="3") == "E0726"
    assert code(exercise, text="alpha_0 = 1") == "E0725"
    assert code(exercise, text="alpha_0 = 1\nalpha_1 = alpha_0") == "E0720"


# ------------------------------------------------------------------ formulas


def formulas(*names: str) -> Exercise:
    return make_exercise("formula", tuple(Asked(name) for name in names))


def test_formulas_stay_text() -> None:
    assert read_answer(formulas("score"), text="x_q^T W_Q^T W_K x_k").formulas == {"score": "x_q^T W_Q^T W_K x_k"}
    text = "# two\nscore = x_q^T W_Q^T\n  W_K x_k\nmoved := W_O W_V x_k"
    assert read_answer(formulas("score", "moved"), text=text).formulas == {
        "score": "x_q^T W_Q^T W_K x_k",
        "moved": "W_O W_V x_k",
    }
    latex = "$score = x_q^T W_Q^T W_K x_k$\n\\[ moved = W_O \\cdot W_V x_k \\]"
    assert read_answer(formulas("score", "moved"), text=latex).formulas["moved"] == r"W_O \cdot W_V x_k"
    objects = {"score": "x_q", "moved": "x_k"}
    assert read_answer(formulas("score", "moved"), objects=objects).formulas == objects


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("score = x", "E0725"),
        ("x", "E0726"),
        ("score = x\nmove = y", "E0726"),
        ("score = x\nscore = y", "E0726"),
        ("", "E0725"),
    ],
)
def test_formulas_that_do_not_fit(text: str, expected: str) -> None:
    assert code(formulas("score", "moved"), text=text) == expected
