"""Damaged weights: the verifier must say of every mutant exactly what a plain count over all sequences says.

The truth here is told by loops over tokens, without the reference interpreter, the predicates or the torch module.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import headspec
from backends.lowered import Lowered
from backends.lowering import lower
from backends.numpy_model import NumpyModel
from headspec.verification.comparing import verify_model

SPEC = """
model small_induction
tokens a, b, c, <bos>
context 6
sequences <bos> (a..c){1,5}
subspace content : onehot(tokens)
subspace where : phase(positions, 2)
subspace before : onehot(tokens)
subspace guess : onehot(tokens)
embed token -> content
embed position -> where
layer
  head previous
    attend key.where == query.where - 1
    rest key.content == "<bos>"
    copy key.content -> before
layer
  head induction
    attend key.before == query.content
    rest key.content == "<bos>"
    copy key.content -> guess
predict guess
"""


class Observed:
    """The float64 oracle, seen as the verifier sees any model."""

    device, dtype = "cpu", "float64"

    def __init__(self, lowered: Lowered) -> None:
        self.model = NumpyModel(lowered)

    def observe(self, tokens: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        run = self.model.forward(tokens)
        return list(run.patterns), run.logits


def right_keys(tokens: list[int], head: int, query: int) -> list[int]:
    """What the two heads should look at, in words of positions."""
    if head == 0:
        return [max(0, query - 1)]
    following = [k for k in range(1, query + 1) if tokens[k - 1] == tokens[query]]
    return following or [0]


def is_right(model: Observed, batches: list[np.ndarray]) -> bool:
    """Every head, query and sequence: mass and equal shares on the right keys, and a right output."""
    for tokens in batches:
        patterns, logits = model.observe(tokens)
        for b, sequence in enumerate(tokens.tolist()):
            for query in range(len(sequence)):
                for head in (0, 1):
                    row, keys = patterns[head][b, 0, query], right_keys(sequence, head, query)
                    if row[keys].sum() < 0.99 or any(abs(row[k] - 1 / len(keys)) > 0.01 for k in keys):
                        return False
            counts = np.bincount([sequence[k] for k in right_keys(sequence, 1, len(sequence) - 1)], minlength=4)
            if counts[logits[b, -1].argmax()] < counts.max():
                return False
    return True


@pytest.fixture(scope="module")
def lowered() -> Lowered:
    return lower(headspec.compile(SPEC).weights)


@pytest.fixture(scope="module")
def batches(lowered: Lowered) -> list[np.ndarray]:
    language = lowered.program.sequences
    return [language.enumerate(length) for length in language.lengths()]


def mutants(lowered: Lowered) -> list[tuple[str, Lowered]]:
    """Every nonzero of every matrix of every head zeroed, negated, and moved to the next column."""
    found = []
    for h, head in enumerate(lowered.heads):
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            matrix = getattr(head, name)
            for row, column in zip(*np.nonzero(matrix), strict=True):
                for kind in ("zeroed", "negated", "moved"):
                    damaged = matrix.copy()
                    damaged[row, column] = -matrix[row, column] if kind == "negated" else 0.0
                    if kind == "moved":
                        damaged[row, (column + 1) % matrix.shape[1]] += matrix[row, column]
                    heads = tuple(replace(x, **{name: damaged}) if i == h else x for i, x in enumerate(lowered.heads))
                    found.append((f"{head.name}.{name}[{row}, {column}] {kind}", replace(lowered, heads=heads)))
    return found


def test_the_undamaged_model_is_right(lowered: Lowered, batches: list[np.ndarray]) -> None:
    model = Observed(lowered)
    assert is_right(model, batches)
    assert verify_model(lowered.program, model).holds


def test_every_mutant_is_judged_as_the_count_judges_it(lowered: Lowered, batches: list[np.ndarray]) -> None:
    wrong = 0
    for name, damaged in mutants(lowered):
        model = Observed(damaged)
        truth = is_right(model, batches)
        assert verify_model(lowered.program, model, exhaustive=True).holds == truth, name
        wrong += not truth
    assert wrong > 0.8 * len(mutants(lowered))
