"""The checker's verdicts against an independent brute force; ten thousand draws are a benchmark's business
(``benchmarks/checker_agreement.py``)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.headspec.course.agreement import Agreement, compare
from tests.headspec.course.brute_force import INSTANCES, PAIR, PREVIOUS, Instance, is_right
from tests.headspec.course.drawing_answers import exercise_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    *_, last = compare(360, seed=20)
    return last


def test_no_verdict_differs_and_every_refusal_can_be_replayed(agreement: Agreement) -> None:
    assert agreement.disagreements == []


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda i: i.name)
def test_the_draws_try_both_sides(agreement: Agreement, instance: Instance) -> None:
    """Right and wrong answers of every instance occur, or agreement would say little."""
    verdicts = {verdict: n for (name, verdict), n in agreement.counts.items() if name == instance.name}
    assert verdicts["wrong"] >= 8 and verdicts["exact"] >= 5 and verdicts.get("enough", 0) >= 1


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda i: i.name)
def test_brute_force_knows_our_own_answers(instance: Instance) -> None:
    from backends.lowering import lower

    lowered = {head.name: head for head in lower(exercise_of(instance.name).weights).heads}
    ours = {(head, name): getattr(lowered[head], name) for head, names in instance.asked for name in names}
    assert is_right(instance, ours)
    for key, matrix in ours.items():
        if key[1] == "W_Q":
            assert not is_right(instance, {**ours, key: -matrix}) or instance.name == "none"


def test_brute_force_writes_the_stage_as_the_compiler_does() -> None:
    """The residual vectors by hand are those of the compiled spec."""
    from backends.lowering import lower

    for instance in (PREVIOUS, PAIR):
        lowered = lower(exercise_of(instance.name).weights)
        for tokens in instance.sequences[::7]:
            x = lowered.W_E[list(tokens)] + lowered.W_pos[: len(tokens)]
            np.testing.assert_allclose(x, instance.vectors(tokens), atol=1e-12)
