"""Small exercises made by hand, so that the tests of answers need no exercise files.

In: what is asked, and a spec.  Out: ``Exercise``; what reading an answer to one refuses.  Not for: checks (an exercise
made here has none).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compiler.exact import Scalar
from dsl.diagnostics import Diagnostic, SpecError
from dsl.parser import parse_expression
from headspec.course.exercise import AnswerKind, Asked, Check, Exercise
from headspec.course.handing_in.reading import read_answer

PREVIOUS = """
model previous
symbol alpha_0 = 0.6
symbol alpha_1 = 0.1
param two = 2
tokens a..d
context 6
sequences (a..d){2,6}

subspace content : onehot(tokens)
subspace where   : phase(positions, frequencies = [alpha_0, alpha_1])
subspace before  : onehot(tokens)

embed token    -> content
embed position -> where

layer
  head previous d_head 4
    attend key.where == query.where - 1
    copy   key.content -> before
"""
"""d_model is 12: content 0-3, where 4-7, before 8-11."""

SQUARE = """
model square
symbol alpha_0 = 0.6
symbol alpha_1 = 0.1
tokens a..d
context 6
subspace where : phase(positions, frequencies = [alpha_0, alpha_1])
embed position -> where
layer
  head previous d_head 4
    attend key.where == query.where - 1
"""
"""d_model is 4, and so is d_head."""

TWO_HEADS = """
model induction
tokens a..d, <bos>
context 6
sequences <bos> (a..d){1,5}
subspace content : onehot(tokens)
subspace place   : onehot(positions)
subspace before  : onehot(tokens)
subspace guess   : onehot(tokens)
embed token    -> content
embed position -> place
layer
  head first
    attend key.place == query.place - 1
    rest   key.content == "<bos>"
    copy   key.content -> before
layer
  head second
    attend key.before == query.content
    avoid  key.content == "<bos>"
    rest   key.content == "<bos>"
    copy   key.content -> guess
predict guess
expect head first: key.position == query.position - 1 otherwise key.position == 0
"""
"""d_model is 21: content 0-4, place 5-10, before 11-15, guess 16-20."""

NAMES = {
    "u_cos_0": "where.cos0",
    "u_sin_0": "where.sin0",
    "u_cos_1": "where.cos1",
    "u_sin_1": "where.sin1",
}


def make_exercise(
    kind: AnswerKind = "heads",
    asked: tuple[Asked, ...] = (),
    spec: str = "",
    *,
    names: dict[str, str] | None = None,
    choices: dict[str, str] | None = None,
    shapes: dict[str, tuple[str, str]] | None = None,
    checks: tuple[Check, ...] = (),
) -> Exercise:
    """An exercise with no words: only what reading and judging an answer needs."""
    return Exercise(
        number="9z",
        order=1,
        part=1,
        title="Made by hand",
        source="",
        statement="",
        why="",
        kind=kind,
        asked=asked,
        checks=checks,
        hints=(),
        solution="",
        explanation="",
        right=(),
        wrong=(),
        choices=choices or {},
        shapes=shapes or {},
        spec_text=spec,
        spec_name="given.head",
        names=names or {},
        path=Path("9z.toml"),
    )


def asked_of(head: str, matrices: str, d_head: int, d_model: int, number: str = "") -> tuple[Asked, ...]:
    """``W_Q W_O`` of a head, with their shapes."""
    shapes = {True: (d_model, d_head), False: (d_head, d_model)}
    return tuple(Asked(f"{name}{number}", head, name, shapes[name == "W_O"]) for name in matrices.split())


def previous(matrices: str = "W_Q W_K") -> Exercise:
    """Matrices of a head of 4 dimensions over a stream of 12."""
    return make_exercise(asked=asked_of("previous", matrices, 4, 12), spec=PREVIOUS, names=NAMES)


def square(matrices: str = "W_Q W_K") -> Exercise:
    """Matrices of a head of 4 dimensions over a stream of 4."""
    return make_exercise(asked=asked_of("previous", matrices, 4, 4), spec=SQUARE, names=NAMES)


def two_heads(matrices: str = "W_V W_O") -> Exercise:
    """Matrices of two heads of 6 dimensions over a stream of 21."""
    asked = asked_of("first", matrices, 6, 21, "1") + asked_of("second", matrices, 6, 21, "2")
    return make_exercise(asked=asked, spec=TWO_HEADS)


Q, K = ("previous", "W_Q"), ("previous", "W_K")


def exact(text: str) -> Scalar:
    return Scalar.from_expression(parse_expression(text))


def refused(exercise: Exercise, **handed_in: Any) -> list[Diagnostic]:
    """What reading this answer complains of."""
    with pytest.raises(SpecError) as found:
        read_answer(exercise, **handed_in)
    for diagnostic in found.value.diagnostics:
        assert diagnostic.message and diagnostic.render() and diagnostic.to_json()
    return list(found.value.diagnostics)


def code(exercise: Exercise, **handed_in: Any) -> str:
    return refused(exercise, **handed_in)[0].code


def save(path: Path, value: object) -> Path:
    """A text as it is, anything else as JSON."""
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path
