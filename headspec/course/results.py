"""What a check found: verdicts, counterexamples, mistakes, in the order a person wants to read them.

In: nothing (pure data).  Out: ``Result`` and its JSON, which graders rely on: keys are added, never renamed.
Not for: finding it (``checking``), nor drawing it (``report``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["exact", "rounded", "enough", "right", "wrong", "undecided"]
"""exact: the same on everything reachable, by exact algebra, for all values of the symbols.
rounded: the same up to the rounding of the numbers handed in, with a stated bound.
enough: not the same head, but every reachable input gets the mass asked for; the worst case is stated.
right: a right answer of a kind that has no degrees (a number, a choice, a property).
undecided: neither proved nor refuted within the bounds of the checker (not accepted, and said so)."""

ACCEPTED = ("exact", "rounded", "enough", "right")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A valid sequence on which the answer does what it should not.

    ``pattern`` is the answer's attention at ``query`` over keys 0..query, ``expected`` the shares that it should have.
    ``sharpened`` says how to replay it: multiply W_Q of each head named there by its number (none where the exercise
    states the temperature)."""

    tokens: tuple[str, ...]
    head: str
    query: int
    pattern: tuple[float, ...]
    expected: tuple[float, ...]
    mass: float
    sentence: str
    sharpened: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Keys: tokens, head, query, pattern, expected, mass, sentence, sharpened."""
        return {
            "tokens": list(self.tokens),
            "head": self.head,
            "query": self.query,
            "pattern": list(self.pattern),
            "expected": list(self.expected),
            "mass": self.mass,
            "sentence": self.sentence,
            "sharpened": dict(self.sharpened),
        }


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake that can be named: a ``code`` of ``mistakes.CODES`` and what to tell the student."""

    code: str
    says: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check of an exercise found.  ``message`` is a sentence or two; ``figures`` are further lines (the
    canonical form, the gauge, the worst mass); ``numbers`` the same for programs."""

    name: str
    kind: str
    head: str
    verdict: Verdict
    message: str
    figures: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    counterexample: Counterexample | None = None
    numbers: dict[str, object] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        return self.verdict in ACCEPTED

    def to_json(self) -> dict[str, object]:
        """Keys: name, kind, head, verdict, right, message, figures, mistakes, counterexample, numbers."""
        return {
            "name": self.name,
            "kind": self.kind,
            "head": self.head or None,
            "verdict": self.verdict,
            "right": self.right,
            "message": self.message,
            "figures": list(self.figures),
            "mistakes": [{"code": m.code, "says": m.says} for m in self.mistakes],
            "counterexample": self.counterexample.to_json() if self.counterexample else None,
            "numbers": self.numbers,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What the checker says of one answer to one exercise.  ``score`` is the share of checks that are right."""

    exercise: str
    title: str
    checks: tuple[CheckResult, ...]
    seconds: float = field(default=0.0, compare=False)
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return bool(self.checks) and all(check.right for check in self.checks)

    @property
    def score(self) -> float:
        return sum(check.right for check in self.checks) / max(1, len(self.checks))

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return tuple(mistake for check in self.checks for mistake in check.mistakes)

    @property
    def counterexample(self) -> Counterexample | None:
        """That of the first check that has one."""
        return next((check.counterexample for check in self.checks if check.counterexample), None)

    def __bool__(self) -> bool:
        return self.right

    def to_json(self) -> dict[str, object]:
        """Keys: exercise, title, right, score, checks, notes, seconds."""
        return {
            "exercise": self.exercise,
            "title": self.title,
            "right": self.right,
            "score": self.score,
            "checks": [check.to_json() for check in self.checks],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 4),
        }

    def __str__(self) -> str:
        from headspec.course.pages.report import render_result

        return render_result(self)

    def _repr_html_(self) -> str:
        from headspec.course.pages.report import result_html

        return result_html(self)
