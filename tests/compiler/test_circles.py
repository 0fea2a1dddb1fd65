"""Phases with a period: how frequencies are written, which are chosen, and products of signs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import headspec
from compiler.encodings import Phase
from compiler.resolution import resolve
from compiler.resolution.circles import choose_turns, least_margin
from compiler.resolution.encodings import fourier_frequencies
from dsl.parser import parse
from dsl.span import Span

ADDITION = """\
model sum
tokens 0..112, "="
context 3
activation {activation}
sequences (0..{last}) (0..{last}) "="
subspace number : phase(0..{last}, {count}, period = {last} + 1)
subspace x like number
subspace y like number
subspace sum like number
subspace where : onehot(positions)
embed token -> number
embed position -> where
layer
  head first
    attend key.where == 0
    copy key.number -> x
  head second
    attend key.where == 1
    copy key.number -> y
  compute sum = {expression}
predict sum
"""


def encoding(text: str) -> Phase:
    found = resolve(parse(f"tokens a\ncontext 4\nsubspace s : {text}\nembed position -> s\n")).subspace("s").encoding
    assert isinstance(found, Phase)
    return found


def test_frequencies_count_turns_in_a_period() -> None:
    assert encoding("phase(0..6, frequencies = [1, 2, 3], period = 7)").frequencies == fourier_frequencies(6, Span())


def test_a_number_of_frequencies_may_be_the_least_of_several() -> None:
    assert encoding("phase(0..6, min(4, 7//2, 1 + 7//3), period = 7)").count == 3
    assert encoding("phase(0..6, max(1, 7//4), period = 7)").count == 1


@pytest.mark.parametrize(
    ("count", "code"), [("min()", "E0212"), ("min(sqrt(2), 1)", "E0212"), ("least(1, 2)", "E0203")]
)
def test_extremes_of_what_is_no_number_are_refused(count: str, code: str) -> None:
    with pytest.raises(headspec.SpecError) as caught:
        encoding(f"phase(0..6, {count}, period = 7)")
    assert code in [d.code for d in caught.value.diagnostics]


def by_hand(turns: tuple[int, ...], n: int) -> float:
    """The least margin over all pairs of numbers and all wrong results, from its definition."""
    gains = {(k, d): 1.0 if 2 * k == n else abs(np.cos(np.pi * k * d / n)) for k in turns for d in range(n)}
    return float(
        min(
            sum(gains[k, d] * (1 - np.cos(2 * np.pi * k * s / n)) for k in turns) for d in range(n) for s in range(1, n)
        )
    )


@pytest.mark.parametrize(("count", "n"), [(1, 2), (1, 3), (2, 6), (2, 13), (3, 12), (3, 17)])
def test_chosen_turns_are_near_the_best_there_are(count: int, n: int) -> None:
    chosen = choose_turns(count, n)
    assert len(set(chosen)) == count and all(1 <= k <= n // 2 for k in chosen)
    assert least_margin(list(chosen), n) == pytest.approx(by_hand(chosen, n))
    best = max(by_hand(turns, n) for turns in combinations(range(1, n // 2 + 1), count))
    assert by_hand(chosen, n) >= 0.99 * best


def test_the_choice_is_better_than_the_turns_of_a_trained_model() -> None:
    published = by_hand((14, 35, 41, 42, 52), 113)
    assert by_hand(choose_turns(5, 113), 113) > 2 * published > 0


@pytest.mark.parametrize("activation", ["relu", "gelu", "reglu"])
@pytest.mark.parametrize("expression", ["x + y", "x - y", "x + y + 1", "1 - x - y"])
@pytest.mark.parametrize(("last", "count"), [(1, 1), (5, 2), (6, 2)])
def test_every_sum_comes_out(last: int, count: int, expression: str, activation: str) -> None:
    """2 is one sign; 6 a sign and a circle of three; 7 has circles only."""
    text = ADDITION.format(last=last, count=count, expression=expression, activation=activation)
    model = headspec.compile(text)
    n = last + 1
    for a in range(n):
        for b in range(n):
            wanted = {"x + y": a + b, "x - y": a - b, "x + y + 1": a + b + 1, "1 - x - y": 1 - a - b}[expression]
            assert model.run(f"{a} {b} =").prediction == str(wanted % n)


def test_a_circle_of_four_has_opposite_numbers_that_cancel() -> None:
    """At a - b = 2 the frequency 1 vanishes, and 2 alone does not tell 0 from 2."""
    text = ADDITION.format(last=3, count=2, expression="x + y", activation="relu")
    with pytest.raises(headspec.SpecError) as caught:
        headspec.verify(headspec.compile(text))
    assert [d.code for d in caught.value.diagnostics] == ["E0523"]
