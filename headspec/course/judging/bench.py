"""One answer to one exercise, on the bench: its weights, its floats, what its heads can see, each worked out once.

In: an ``Exercise`` and an ``Answer``.  Out: ``Bench``, which the judges read, and ``Judged``, what they hand back.  Not
for: judging.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from backends.lowered import Lowered
from backends.lowering import lower
from backends.numpy_model import NumpyModel
from compiler.equivalence import Scene, reachable
from compiler.head_weights import HeadWeights
from compiler.heads import Head
from compiler.pipeline import Weights
from headspec.course.answer import Answer
from headspec.course.exercise import Exercise
from headspec.course.judging.completing import completed, sharpened
from headspec.course.judging.evidence import Evidence, evidence_for
from headspec.course.judging.factors import least_factor, tie_width
from headspec.course.judging.rounding import score_error
from headspec.course.results import CheckResult

FEEDING = 8.0
"""How much sharper than just sharp enough a head is made whose result another head reads."""


@dataclass(frozen=True)
class Judged:
    """``needed``: the factor by which the scores would have to be multiplied (None: no factor does it).
    ``tie``: (right key, other key) with equal scores in the counterexample."""

    result: CheckResult
    scene: Scene | None = None
    needed: float | None = None
    tie: tuple[int, int] | None = None


@dataclass
class Bench:
    """One answer to one exercise, with what several checks need worked out once."""

    exercise: Exercise
    answer: Answer
    _factors: dict[str, float] = field(default_factory=dict)
    _evidence: dict[str, Evidence] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Weights:
        return completed(self.exercise, self.answer)

    @cached_property
    def lowered(self) -> Lowered:
        return lower(self.weights)

    @cached_property
    def values(self) -> Mapping[str, Fraction]:
        return {**self.exercise.weights.bindings, **self.weights.bindings}

    def head(self, name: str) -> Head:
        return self.exercise.weights.program.head(name)

    def ours(self, name: str) -> HeadWeights:
        return self.exercise.weights.head(name)

    def theirs(self, name: str) -> HeadWeights:
        return next(h for h in self.weights.heads if h.head.name == self.head(name).name)

    def scene(self, name: str) -> Scene:
        moves = {h.head.name: h.OV for h in self.weights.heads}
        known = {h.head.name for h in self.exercise.weights.heads}
        return reachable(self.exercise.weights, self.head(name), {n: ov for n, ov in moves.items() if n in known})

    # -------------------------------------------------------------- floats

    def upstream(self, name: str) -> dict[str, float]:
        """Factors of the heads before ``name``: as sharp as it takes where their temperature is free."""
        layer = self.head(name).layer
        earlier = [h.name for h in self.exercise.weights.program.heads if h.layer < layer]
        return {other: self.factor(other) for other in earlier if self.is_free(other)}

    def is_free(self, name: str) -> bool:
        """Is the head handed in, and its temperature left free?"""
        asked = any(one.head == name and one.matrix in ("W_Q", "W_K") for one in self.exercise.asked)
        checks = [c for c in self.exercise.checks if c.kind == "pattern" and c.head == name]
        return asked and all(check.temperature == "free" for check in checks)

    def factor(self, name: str) -> float:
        """How much an earlier head of free temperature is sharpened; 1 where no factor makes it right."""
        if name not in self._factors:
            program, evidence = self.exercise.weights.program, self.evidence(name)
            least = least_factor(evidence, float(program.mass), tie_width(evidence, program.dtype))
            self._factors[name] = 1.0 if least is None else 2.0 ** math.ceil(math.log2(least * FEEDING))
        return self._factors[name]

    def evidence(self, name: str) -> Evidence:
        if name not in self._evidence:
            model = NumpyModel(sharpened(self.lowered, self.upstream(name)))
            self._evidence[name] = evidence_for(model, self.exercise.weights.program, self.head(name))
        return self._evidence[name]

    def error(self, name: str, dtype: str, factor: float) -> float:
        return score_error(self.lowered, self.head(name).name, dtype, {**self.upstream(name), name: factor})
