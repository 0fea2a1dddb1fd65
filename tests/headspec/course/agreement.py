"""The checker's verdict, the brute force's, and the replay of the counterexample through the NumPy model.

In: draws.  Out: ``Disagreement`` s.  Used by the tests (some hundred draws) and by the benchmark (ten thousand).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np

from backends.lowering import lower
from backends.numpy_model import NumpyModel
from headspec.course.judging.bench import Bench
from headspec.course.judging.completing import completed, sharpened
from headspec.course.judging.pattern_judge import judge_pattern
from headspec.course.results import CheckResult
from tests.headspec.course.brute_force import INSTANCES, Instance, is_right
from tests.headspec.course.drawing_answers import Draw, draw, exercise_of


@dataclass
class Agreement:
    """``counts``: verdicts by (instance, verdict); ``disagreements`` in words."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


def compare(count: int, seed: int, instances: tuple[Instance, ...] = INSTANCES) -> Iterator[Agreement]:
    """Draws ``count`` answers; yields the running agreement after each."""
    rng = Random(seed)
    agreement = Agreement()
    for number in range(count):
        instance = instances[number % len(instances)]
        drawn = draw(instance, rng)
        for word in _compare(instance, drawn, agreement):
            agreement.disagreements.append(f"{instance.name}: {drawn.how}: {word}")
        yield agreement


def _compare(instance: Instance, drawn: Draw, agreement: Agreement) -> Iterator[str]:
    exercise = exercise_of(instance.name)
    bench = Bench(exercise, drawn.answer)
    results = [judge_pattern(bench, check).result for check in exercise.checks]
    verdict = next((r.verdict for r in results if not r.right), min(r.verdict for r in results))
    agreement.counts[instance.name, verdict] += 1
    right = all(result.right for result in results)
    brute = is_right(instance, drawn.floats)
    if right != brute or verdict == "undecided":
        yield f"the checker says {verdict}, brute force says {'right' if brute else 'wrong'}"
    for result in results:
        if result.verdict == "wrong":
            yield from _replay(bench, result)


def _replay(bench: Bench, result: CheckResult) -> Iterator[str]:
    """The counterexample, run through the plain NumPy transformer."""
    shown = result.counterexample
    if shown is None:
        yield "refused without a counterexample"
        return
    program = bench.exercise.weights.program
    ids = np.array([[program.tokens.index(token) for token in shown.tokens]])
    if not program.sequences.accepts(ids[0]):
        yield f"{shown.tokens} is no valid sequence"
    lowered = sharpened(lower(completed(bench.exercise, bench.answer)), shown.sharpened)
    head = program.head(shown.head)
    row = NumpyModel(lowered).forward(ids).patterns[head.layer][0, head.index, shown.query, : shown.query + 1]
    if not np.allclose(row, shown.pattern, atol=1e-6):
        yield f"replayed, the pattern is {row}, not {shown.pattern}"
    right = np.array(shown.expected) > 0
    share = 1 / right.sum()
    mass = float(program.mass)
    if row[right].sum() >= mass and np.abs(row[right] - share).max() <= 1 - mass:
        yield f"replayed, the promise is kept: {row}"
