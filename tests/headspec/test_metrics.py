"""Peakiness, invariance and accuracy, against figures worked out by hand and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headspec
from headspec.metrics import (
    Accuracy,
    Meter,
    accuracy,
    expect_references,
    iteration_references,
    measure,
)
from tests.headspec.iterations import COPY

EOI = 9


def pattern_of(rows: list[list[float]]) -> np.ndarray:
    n = len(rows)
    return np.array([[row + [0.0] * (n - len(row)) for row in rows]])


# ------------------------------------------------------------------ where a head should look


def by_loops(sequence: list[int], first: int) -> tuple[np.ndarray, np.ndarray]:
    """The definition, entry by entry."""
    n = len(sequence)
    fetch, find = np.zeros((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    if EOI in sequence:
        e = sequence.index(EOI)
        for step in range(1, e - first + 1):
            if e + step < n:
                fetch[e + step, e] = True
            if e + step - 1 < n:
                find[e + step - 1, first + step - 1] = True
    return fetch, find


@given(st.lists(st.sampled_from([0, 1, EOI]), min_size=1, max_size=9), st.integers(0, 2))
def test_the_promises_of_an_iteration_head(sequence: list[int], first: int) -> None:
    fetch, find = iteration_references([sequence], EOI, first=first)
    for found, expected in zip((fetch[0], find[0]), by_loops(sequence, first), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_promises_of_a_whole_text() -> None:
    """e = 4: A1[q, 4] for q = 5, 6, 7 and A2[4, 1], A2[5, 2], A2[6, 3]."""
    fetch, find = iteration_references([[7, 0, 1, 1, EOI, 0, 1, 1, 8]], EOI)
    assert np.argwhere(fetch[0]).tolist() == [[5, 4], [6, 4], [7, 4]]
    assert np.argwhere(find[0]).tolist() == [[4, 1], [5, 2], [6, 3]]


def test_expect_lines_promise_the_same() -> None:
    program = headspec.compile(COPY).program
    eoi = program.tokens.index("<eoi>")
    tokens = np.array([[program.tokens.index(t) for t in ["<copy>", "1", "0", "0", "<eoi>", "1", "0", "0"]]])
    fetch, find = iteration_references(tokens, eoi)
    stated = expect_references(program, "fetch", tokens)
    np.testing.assert_array_equal(stated[:, 5:], fetch[:, 5:])  # A1 leaves out <eoi> itself
    assert np.argwhere(stated[0, :5]).tolist() == [[4, 4]]
    stated = expect_references(program, "find", tokens)
    np.testing.assert_array_equal(stated[:, :7], find[:, :7])
    assert np.argwhere(stated[0, 7]).tolist() == [[4]]  # at q = 2e - 1 the same rule lands on <eoi>
    assert not expect_references(program, "nobody", tokens).any()


def test_of_several_expect_lines_the_first_that_speaks_counts() -> None:
    lines = "expect head fetch: key.position == query.position - 2\nexpect head fetch: key.position == 0\n"
    stated = COPY.partition("expect head fetch")[0] + lines
    program = headspec.compile(stated).program
    found = expect_references(program, "fetch", np.zeros((1, 4), dtype=int))
    assert np.argwhere(found[0]).tolist() == [[0, 0], [1, 0], [2, 0], [3, 1]]


# ------------------------------------------------------------------ peakiness


def test_peakiness_by_hand() -> None:
    pattern = pattern_of([[1.0], [0.4, 0.6], [0.1, 0.2, 0.7], [0.5, 0.1, 0.2, 0.2]])
    promised = np.zeros((1, 4, 4), dtype=bool)
    promised[0, [1, 2, 3], [1, 2, 0]] = True
    found = measure(pattern, promised)
    assert (found.queries, found.invariance) == (3, None)
    assert found.peaky_abs == pytest.approx((0.6 + 0.7 + 0.5) / 3)
    assert found.peaky_thres == pytest.approx(2 / 3)  # 0.5 is not above 0.5


def test_several_promised_keys_count_together() -> None:
    pattern = pattern_of([[1.0], [0.5, 0.5], [0.4, 0.4, 0.2]])
    promised = np.zeros((1, 3, 3), dtype=bool)
    promised[0, 2, :2] = True
    found = measure(pattern, promised)
    assert (found.peaky_abs, found.peaky_thres) == (pytest.approx(0.8), 1.0)


def test_what_is_no_number_is_no_attention() -> None:
    pattern = pattern_of([[1.0], [np.nan, np.nan]])
    found = measure(pattern, np.array([[[True, False], [True, False]]]))
    assert found.peaky_abs == pytest.approx(0.5)


def test_without_a_promise_there_is_no_figure() -> None:
    found = measure(pattern_of([[1.0], [0.5, 0.5]]), np.zeros((1, 2, 2), dtype=bool))
    assert found.to_json() == {"queries": 0, "peaky_abs": None, "peaky_thres": None, "invariance": None}


# ------------------------------------------------------------------ invariance


def test_invariance_by_hand() -> None:
    """One promised entry, 0.9 in one sequence and 0.5 in the other: their standard deviation is 0.4 / sqrt(2)."""
    patterns = np.concatenate([pattern_of([[1.0], [0.1, 0.9]]), pattern_of([[1.0], [0.5, 0.5]])])
    promised = np.zeros((2, 2, 2), dtype=bool)
    promised[:, 1, 1] = True
    assert measure(patterns, promised).invariance == pytest.approx(1 - 0.4 / 2**0.5)


def test_a_pattern_that_does_not_depend_on_the_tokens_is_invariant() -> None:
    patterns = np.repeat(pattern_of([[1.0], [0.3, 0.7]]), 5, axis=0)
    promised = np.ones((5, 2, 2), dtype=bool)
    assert measure(patterns, promised).invariance == 1.0


@given(st.integers(2, 9), st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=False))
def test_metrics_do_not_depend_on_batches(count: int, n: int, size: int, chance: object) -> None:
    rng = np.random.default_rng(chance.randrange(1 << 30))  # type: ignore[attr-defined]
    patterns, promised = rng.random((count, n, n)), rng.random((count, n, n)) < 0.5
    promised[0, 0, 0] = True
    meter = Meter()
    for start in range(0, count, size):
        meter.add(patterns[start : start + size], promised[start : start + size])
    found, whole = meter.measures(), measure(patterns, promised)
    deviations = patterns.std(axis=0, ddof=1)[promised.any(axis=0)]
    assert whole.invariance == pytest.approx(1 - deviations.mean())
    assert (found.peaky_abs, found.invariance) == (pytest.approx(whole.peaky_abs), pytest.approx(whole.invariance))
    assert (found.queries, found.peaky_thres) == (whole.queries, whole.peaky_thres)


def test_lengths_are_not_mixed() -> None:
    """Patterns of two lengths, each the same in all its sequences, are invariant."""
    meter = Meter()
    for n, weight in ((2, 0.9), (3, 0.2)):
        patterns = np.full((4, n, n), weight)
        meter.add(patterns, np.ones((4, n, n), dtype=bool))
    assert meter.measures().invariance == 1.0


# ------------------------------------------------------------------ accuracy


def test_accuracy_by_hand() -> None:
    judged = [[False, True, True], [False, True, True], [True, True, False], [False, False, False]]
    right = [[True, True, True], [True, True, False], [False, True, True], [True, True, True]]
    found = accuracy(right, judged)
    assert found == Accuracy(judged=6, right=4, sequences=3, whole=1)
    assert (found.tokens, found.tails) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found + found == Accuracy(12, 8, 6, 2)


def test_accuracy_of_nothing() -> None:
    assert (Accuracy().tokens, Accuracy().tails) == (None, None)
    assert Accuracy().to_json()["tokens"] is None


def test_the_module_is_public() -> None:
    assert headspec.metrics.measure is measure
