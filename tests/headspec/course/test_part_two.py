"""Part 2 of the course: its order, that its wrong answers are wrong and not unreadable, and the facts that it tells.

What every exercise of the course has to do (accept its right answers, refuse its wrong ones) is tested elsewhere, for
all of them alike; here the figures in statements and explanations are worked out again, in plain numbers.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

import headspec
from dsl.diagnostics import SpecError
from headspec.course.checking import check_answer
from headspec.course.exercise import Exercise
from headspec.course.files.loading import find_exercise, outline
from headspec.course.handing_in.reading import read_answer

NUMBERS = (
    "4a",
    "4b",
    "4c",
    "5a",
    "5b",
    "5c",
    "5d",
    "6a",
    "6b",
    "6c",
    "7a",
    "7b",
    "7c",
    "7d",
    "8a",
    "8b",
    "9a",
    "9b",
    "9c",
)


def test_it_is_all_there_and_in_order() -> None:
    entries = [entry for entry in outline() if entry.part == 2]
    assert tuple(entry.number for entry in entries) == NUMBERS
    assert len({entry.order for entry in entries}) == len(entries)
    assert min(entry.order for entry in entries) > max(entry.order for entry in outline() if entry.part == 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_enough_answers_and_each_refusal_has_a_word(number: str) -> None:
    exercise = find_exercise(number)
    assert len(exercise.hints) >= 3
    assert len({answer.answer.strip() for answer in (*exercise.right, *exercise.wrong)}) == len(
        (*exercise.right, *exercise.wrong)
    )
    assert exercise.solution not in {answer.answer for answer in exercise.right}
    assert len(exercise.right) >= 5
    assert len([w for w in exercise.wrong if not w.mistake.startswith("E") and _readable(exercise, w.answer)]) >= 8
    assert all(wrong.mistake or wrong.says for wrong in exercise.wrong)


def _readable(exercise: Exercise, text: str) -> bool:
    try:
        read_answer(exercise, text=text)
    except SpecError:
        return False
    return True


# ------------------------------------------------------------------ resting, and two copies


@pytest.mark.parametrize("sequence", [right.answer for right in find_exercise("5b").right])
def test_the_other_circuit_keeps_its_promise_where_the_pointer_breaks_it(sequence: str) -> None:
    pattern = headspec.compile(find_exercise("5b").spec_text).run(sequence).pattern("induction")[-1]
    tokens = sequence.split()
    following = [k for k in range(1, len(tokens)) if tokens[k - 1] == tokens[-1]]
    assert pattern[following].tolist() == pytest.approx([1 / len(following)] * len(following), abs=0.005)


def test_the_pointer_lands_between_the_copies() -> None:
    pattern = headspec.compile(find_exercise("5b").spec_text).run("<bos> a b c d a d a").pattern("next")[-1]
    assert pattern[4] > 0.99


def test_the_mean_of_two_positions() -> None:
    alpha, m = 0.6, 3
    mean = (np.exp(1j * alpha * m) + np.exp(1j * alpha * (m + 4))) / 2
    assert abs(mean) ** 2 == pytest.approx(math.cos(2 * alpha) ** 2)
    assert mean / abs(mean) == pytest.approx(np.exp(1j * alpha * (m + 2)))
    assert abs(mean) == pytest.approx(0.36, abs=0.005)


# ------------------------------------------------------------------ lengths


def test_the_least_beta() -> None:
    low, high = (find_exercise("6a").checks[0].options[side] for side in ("low", "high"))
    least = 4 * math.log(63 * 99)
    assert float(low) < least - 0.05 and least + 0.05 < float(high)  # type: ignore[arg-type]
    assert math.exp(least / 4) / (math.exp(least / 4) + 63) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("frequencies", "mass"),
    [
        ((math.pi / 2, math.pi / 8, math.pi / 32), 0.9998),
        ((1, 0.1, 0.01), 0.86),
        ((1, 0.3, 0.1), 0.96),
        ((2 * math.pi / 3, 2 * math.pi / 5, 2 * math.pi / 7), 0.976),
    ],
)
def test_what_frequencies_reach(frequencies: tuple[float, ...], mass: float) -> None:
    reached = []
    for q in range(1, 64):
        scores = [10 * sum(math.cos(a * (q - 1 - k)) for a in frequencies) for k in range(q + 1)]
        reached.append(math.exp(scores[q - 1]) / sum(map(math.exp, scores)))
    assert min(reached) == pytest.approx(mass, abs=0.005 if mass < 0.97 else 0.0005)


# ------------------------------------------------------------------ composition


def test_the_scores_and_singular_values() -> None:
    rows_v = np.array([[1, 1, 0, 0, 0], [1, -1, 0, 0, 0], [0, 0, 0.5, 0, 0], [0, 0, 0, 0, 1]])  # moved.0..3, middle.3
    passed = rows_v[:, :4]
    assert np.linalg.svd(passed)[1] == pytest.approx([math.sqrt(2), math.sqrt(2), 0.5, 0])
    norm = np.linalg.norm
    assert norm(passed) / (norm(rows_v) * 2) == pytest.approx(math.sqrt(357) / 42)


def test_the_table_of_who_reads_whom_is_that_of_the_spec() -> None:
    """Three of twelve products are not zero: those that the solution of 7a names."""
    exercise = find_exercise("7a")
    weights = {head.head.name: head for head in exercise.weights.heads}
    letters = iter("abcdefghijkl")
    composing = ""
    for reader, writer in product(("after", "match"), ("previous", "mark")):
        written, read = weights[writer].OV, weights[reader]
        for circuit in (read.QK.transpose(), read.QK, read.OV):
            letter = next(letters)
            composing += letter if (circuit @ written).entries else ""
    assert composing == "cdh" == exercise.checks[0].options["equals"]


# ------------------------------------------------------------------ counting


@pytest.mark.parametrize("text", ["<bos> b", "<bos> a", "<bos> a b a a", "<bos> a a a a a a"])
def test_the_share_tells_the_count(text: str) -> None:
    exercise = find_exercise("9a")
    share = headspec.compile(exercise.spec_text).run(text).pattern("counter")[-1][0]
    assert 1 / share - 1 == pytest.approx(text.count("a"), rel=0.02, abs=0.01)


def test_the_count_by_a_line_for_each_answer() -> None:
    u, w = 9 / 10, 1 / 10
    logits = sorted(((2 * c * u - c * c * w, c) for c in range(30)), reverse=True)
    assert logits[0] == pytest.approx((8.1, 9))
    assert logits[0][0] - logits[1][0] == pytest.approx(0.1)


# ------------------------------------------------------------------ what a verdict has to see


def test_equal_shares_among_any_tokens_can_be_proved() -> None:
    """9^8 sequences: by the worst token for each position, where several keys share."""
    exercise = find_exercise("6c")
    (found,) = check_answer(exercise, read_answer(exercise, text=exercise.solution)).checks
    assert found.verdict == "enough"
    assert float(str(found.numbers["mass"])) == pytest.approx(0.9911, abs=1e-4)
