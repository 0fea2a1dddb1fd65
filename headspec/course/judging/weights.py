"""Judging a head: does it look where it should, does it move what it should?

In: an ``Exercise``, an ``Answer``, a ``Check`` of kind ``pattern`` or ``move``.  Out: ``Judged``: a ``CheckResult`` and
the facts by which a mistake can be named.  Not for: naming it (``mistakes``).

Where a head looks is decided in three steps.  *Exactly right*: the same pattern as ours on everything reachable
(``compiler.equivalence``).  *Right enough*: on every valid sequence at least the mass asked for, in the float type
stated (``evidence``, ``rounding``).  *Wrong*: the smallest valid sequence that shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from backends.lowering import Lowered, lower
from backends.numpy_model import NumpyModel
from compiler.equivalence import Sameness, Scene, is_bilinear, reachable, same_family, same_move, same_pattern
from compiler.exact import Matrix
from compiler.heads import Head
from compiler.pipeline import HeadWeights, Weights
from headspec.course.answer import Answer
from headspec.course.exercise import Check, Exercise
from headspec.course.judging.completing import completed, sharpened
from headspec.course.judging.evidence import TIE, Evidence, Row, Worst, evidence_for
from headspec.course.judging.rounding import UNIT, mass_in_floats, score_error
from headspec.course.judging.sentences import counterexample
from headspec.course.results import CheckResult, Counterexample, Verdict

MARGINS = (1.0, 1.02, 1.1, 1.3, 2.0, 4.0, 16.0)
"""How much sharper than just sharp enough a head of free temperature is made, to leave room for rounding."""
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
            least = least_factor(evidence, float(program.mass), _tie_width(evidence, program.dtype))
            self._factors[name] = 1.0 if least is None else 2.0 ** math.ceil(math.log2(least * FEEDING))
        return self._factors[name]

    def evidence(self, name: str) -> Evidence:
        if name not in self._evidence:
            model = NumpyModel(sharpened(self.lowered, self.upstream(name)))
            self._evidence[name] = evidence_for(model, self.exercise.weights.program, self.head(name))
        return self._evidence[name]

    def error(self, name: str, dtype: str, factor: float) -> float:
        return score_error(self.lowered, self.head(name).name, dtype, {**self.upstream(name), name: factor})


# ------------------------------------------------------------------ where it looks


def judge_pattern(bench: Bench, check: Check) -> Judged:
    """Does the head of ``check`` attend as ours does, or well enough?"""
    scene = bench.scene(check.head) if is_bilinear(bench.exercise.weights.program) else None
    same = _sameness(bench, check, scene) if scene is not None else None
    if same is not None:
        return Judged(_same_result(check, same), scene)
    return replace(_judge_by_mass(bench, check), scene=scene)


def _sameness(bench: Bench, check: Check, scene: Scene) -> Sameness | None:
    """How the two patterns are the same, if they are."""
    theirs, ours = bench.theirs(check.head), bench.ours(check.head)
    values = bench.values if bench.answer.numeric else None
    same = same_pattern(scene, theirs.QK, ours.QK, values)
    if not same and values is None and check.options.get("free"):
        same = _same_family(bench, check, scene)
    if not same:
        return None
    if check.temperature == "free":
        return same
    scale = (same.factor or 0.0) * math.sqrt(ours.d_head / theirs.d_head)
    return same if abs(scale - 1) <= 1e-6 else None


def _same_family(bench: Bench, check: Check, scene: Scene) -> Sameness:
    """Our lines, each with a strength of its own, where the strengths contain symbols that are free to choose."""
    name = bench.head(check.head).name
    circuit = next(c for c in bench.exercise.weights.circuits.heads if c.head.name == name)
    terms = [
        (term.matrix if term.cancel is None else term.matrix + term.cancel, term.strength) for term in circuit.terms
    ]
    free = check.options["free"]
    names = frozenset(str(word) for word in free) if isinstance(free, (list, tuple)) else frozenset([str(free)])
    return same_family(scene, bench.theirs(check.head).QK, terms, names)


def _same_result(check: Check, same: Sameness) -> CheckResult:
    # The factor itself is in the numbers: ours is that of the strengths we chose, which a student never sees.
    times = "" if same.temperature == "1" else ", up to a factor on all scores, which is free here"
    if same.kind == "exact":
        message = f"On everything that can be reached, it looks where our head looks{times}."
        verdict: Verdict = "exact"
    else:
        message = (
            f"Up to the rounding of your numbers it looks where our head looks{times}: "
            f"the patterns differ by at most {same.distance:.1g} in total variation."
        )
        verdict = "rounded"
    numbers: dict[str, object] = {"temperature": same.temperature, "distance": same.distance}
    return CheckResult(check.name, check.kind, check.head, verdict, message, numbers=numbers)


# ------------------------------------------------------------------ by mass, on every valid sequence


def least_factor(evidence: Evidence, mass: float, tie: float = 0.0) -> float | None:
    """The least factor > 0 on the scores at which every row has ``mass`` on its right keys; None if there is none, or
    some margin is at most ``tie``.

    Above a positive margin every mass rises with the factor: the factor of the worst row is found by bisection, and
    again for the row that is worst then, until none is left."""
    margin, _ = evidence.least_margin()
    if margin <= tie:
        return None
    factor = 2.0**-40 / (evidence.spread or 1.0)
    for _ in range(200):
        worst = evidence.worst(factor)
        if worst.mass >= mass:
            return factor
        factor = max(_factor_of_row(worst.row, mass), factor * (1 + 1e-12))
    return None


def _tie_width(evidence: Evidence, dtype: str) -> float:
    """Margins up to this count as ties: the float type cannot tell such scores apart at any temperature."""
    return max(TIE, 4 * UNIT[dtype]) * evidence.spread


def _factor_of_row(row: Row, mass: float) -> float:
    low, high = 0.0, 1.0
    while row.mass(high) < mass and high < 2.0**60:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if row.mass(middle) >= mass else (middle, high)
    return high


def _judge_by_mass(bench: Bench, check: Check) -> Judged:
    program = bench.exercise.weights.program
    mass, dtype = float(check.mass or program.mass), check.dtype or program.dtype
    evidence = bench.evidence(check.head)
    tie = _tie_width(evidence, dtype)
    least = least_factor(evidence, mass, tie)
    if check.temperature == "stated":
        return _judge_as_it_is(bench, check, evidence, mass, dtype, least)
    if least is None:
        return _separates_nothing(bench, check, evidence, mass, tie)
    for room in MARGINS:
        factor = least * room
        worst = evidence.worst(factor)
        if _holds(bench, check, worst, mass, dtype, factor, evidence):
            return Judged(_enough(bench, check, evidence, worst, mass, dtype, factor), needed=factor)
    worst = evidence.worst(least)
    if worst.uneven > 1 - mass and not _is_bound(evidence):
        return Judged(_refused(bench, check, worst.uneven_row, least, mass), needed=None)
    return Judged(_open(bench, check, worst, mass, least, evidence))


def _judge_as_it_is(
    bench: Bench, check: Check, evidence: Evidence, mass: float, dtype: str, least: float | None
) -> Judged:
    worst = evidence.worst(1.0)
    if _holds(bench, check, worst, mass, dtype, 1.0, evidence):
        return Judged(_enough(bench, check, evidence, worst, mass, dtype, 1.0), needed=1.0)
    if worst.mass < mass or (worst.uneven > 1 - mass and not _is_bound(evidence)):
        row = evidence.smallest_failure(1.0, mass)
        return Judged(_refused(bench, check, row, None, mass), needed=least, tie=_tie(row, evidence))
    return Judged(_open(bench, check, worst, mass, 1.0, evidence), needed=least)


def _is_bound(evidence: Evidence) -> bool:
    """Is the distance from equal shares a bound, not a figure of one row?"""
    from headspec.course.judging.independent import Independent

    return isinstance(evidence, Independent)


def _holds(
    bench: Bench, check: Check, worst: Worst, mass: float, dtype: str, factor: float, evidence: Evidence
) -> bool:
    """Also in floats: odds shift by at most e^(2 error), so a share p by at most p (1 - p) (e^(2 error) - 1)."""
    error = bench.error(check.head, dtype, factor)
    least = mass_in_floats(worst.mass, error, evidence.longest, dtype)
    uneven = 1 - least if evidence.single else worst.uneven + math.expm1(min(2 * error, 50.0)) / 4
    return least >= mass and uneven <= 1 - mass + 1e-12


def _enough(
    bench: Bench, check: Check, evidence: Evidence, worst: Worst, mass: float, dtype: str, factor: float
) -> CheckResult:
    error = bench.error(check.head, dtype, factor)
    least = mass_in_floats(worst.mass, error, evidence.longest, dtype)
    sharp = "" if check.temperature == "stated" else f", once its scores are multiplied by {factor:.3g}"
    before = " (the heads before it being as sharp as they should)" if bench.upstream(check.head) else ""
    message = (
        f"{_but(bench)} at least {least:.4f} on the right keys on every valid sequence "
        f"up to length {evidence.longest}, in {dtype}{sharp}{before}."
    )
    figures = (
        f"looked at: {evidence.how}",
        f"least mass {worst.mass:.6f}, and scores off by at most {error:.1e} in {dtype}",
    )
    numbers: dict[str, object] = {"mass": least, "factor": factor, "sequences": evidence.count, "dtype": dtype}
    return CheckResult(check.name, check.kind, check.head, "enough", message, figures, numbers=numbers)


def _but(bench: Bench) -> str:
    """Only where scores are a bilinear form has the answer been compared with our head."""
    if is_bilinear(bench.exercise.weights.program):
        return "Not the same head as ours, but right enough:"
    return "Right:"


def _open(bench: Bench, check: Check, worst: Worst, mass: float, factor: float, evidence: Evidence) -> CheckResult:
    """Too close to call, and why."""
    dtype = check.dtype or bench.exercise.weights.program.dtype
    if _is_bound(evidence) and worst.mass >= mass and worst.uneven > 1 - mass:
        why = f"the right keys have {mass:g} together on every sequence; that they share it equally is not proved"
    else:
        error = bench.error(check.head, dtype, factor)
        why = (
            f"reckoned exactly, the right keys get {worst.mass:.6g} where {mass:g} is asked; in {dtype} the scores of "
            f"these matrices may be off by {error:.1g}, and that is too much. Let large numbers cancel less"
        )
    message = f"Neither proved nor refuted: {why}."
    return CheckResult(check.name, check.kind, check.head, "undecided", message, (f"looked at: {evidence.how}",))


def _separates_nothing(bench: Bench, check: Check, evidence: Evidence, mass: float, tie: float) -> Judged:
    """A right key does not score above a wrong one: no temperature helps."""
    row = evidence.smallest_failure(1.0, mass, tied=tie)
    factor = 4 * math.log(len(row.scores) * mass / (1 - mass) + 1) / (evidence.spread or 1.0)
    result = _refused(bench, check, row, factor, mass)
    return Judged(result, needed=None, tie=_tie(row, evidence))


def _refused(bench: Bench, check: Check, row: Row, factor: float | None, mass: float) -> CheckResult:
    shown = _shown(bench, check, row, factor, mass)
    message = shown.sentence[0].upper() + shown.sentence[1:] + "."
    if factor is not None:
        message += (
            " No temperature mends that: a right key has to score above every other one, and equally with the rest."
        )
    return CheckResult(check.name, check.kind, check.head, "wrong", message, counterexample=shown)


def _shown(bench: Bench, check: Check, row: Row, factor: float | None, mass: float) -> Counterexample:
    program = bench.exercise.weights.program
    factors = bench.upstream(check.head) | ({} if factor is None else {bench.head(check.head).name: factor})
    shares = row.right / row.right.sum()
    return counterexample(
        [program.tokens[i] for i in row.tokens],
        check.head,
        row.query,
        row.pattern(1.0 if factor is None else factor).tolist(),
        shares.tolist(),
        mass,
        factors,
    )


def _tie(row: Row, evidence: Evidence) -> tuple[int, int] | None:
    """The least right key and the best other one, where their scores are equal."""
    others = np.flatnonzero(~row.right)
    if not len(others) or abs(row.margin) > TIE * (evidence.spread or 1.0):
        return None
    right = np.flatnonzero(row.right)
    return int(right[row.scores[right].argmin()]), int(others[row.scores[others].argmax()])


# ------------------------------------------------------------------ what it moves


def judge_move(bench: Bench, check: Check) -> Judged:
    """Does the head of ``check`` move what ours moves, from every key (or residual vector) that there can be?"""
    theirs, ours = bench.theirs(check.head), bench.ours(check.head)
    values = bench.values if bench.answer.numeric else None
    scene = bench.scene(check.head)
    if check.on == "everywhere":
        same = same_everywhere(theirs.OV, ours.OV, values)
    else:
        same = same_move(scene, theirs.OV, ours.OV, values)
    where = "from every residual vector" if check.on == "everywhere" else "from everything that a key can hold"
    numbers: dict[str, object] = {"distance": same.distance}
    if same:
        rounded = f", up to the rounding of your numbers ({same.distance:.1g})" if same.kind == "rounded" else ""
        message = f"It moves what our head moves, {where}{rounded}."
        verdict: Verdict = "rounded" if same.kind == "rounded" else "exact"
        return Judged(CheckResult(check.name, check.kind, check.head, verdict, message, numbers=numbers), scene)
    message = _wrong_move(bench, check, scene, theirs.OV)
    return Judged(CheckResult(check.name, check.kind, check.head, "wrong", message, numbers=numbers), scene)


def same_everywhere(theirs: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None) -> Sameness:
    """Entry by entry; with values, up to rounding relative to the largest entry."""
    left = theirs - ours
    if left.is_zero():
        return Sameness("exact")
    if values is None:
        return Sameness("different", "1", 1.0)
    largest = max((abs(e.to_float(values)) for e in ours.entries.values()), default=0.0) or 1.0
    distance = max(abs(e.to_float(values)) for e in left.entries.values()) / largest
    return Sameness("rounded" if distance <= 1e-5 else "different", "1", distance)


def _wrong_move(bench: Bench, check: Check, scene: Scene, ov: Matrix) -> str:
    """The first thing that is not moved as it should be, in words."""
    names = bench.exercise.weights.program.coordinate_names
    ours = bench.ours(check.head).OV
    if check.on == "everywhere":
        i, j, _ = next((ov - ours).nonzeros())
        theirs_entry, our_entry = ov[i, j], ours[i, j]
        return (
            f"Your W_O W_V takes {names[j]} to {names[i]} with the factor {theirs_entry}; "
            f"{'nothing should be moved there' if our_entry.is_zero() else 'another factor is asked for'}."
        )
    moved, wanted = ov @ scene.vectors, ours @ scene.our_vectors
    place = {feature: i for i, feature in enumerate(scene.features)}
    for state in scene.states:
        for row in range(ov.rows):
            got = sum((moved[row, place[f]].to_float(bench.values) * float(w) for f, w in state), 0.0)
            should = sum((wanted[row, place[f]].to_float(bench.values) * float(w) for f, w in state), 0.0)
            if abs(got - should) > 1e-9 * (1 + abs(should)):
                return (
                    f"From a key that holds {_held(bench, state)} your head writes {got:.3g} into {names[row]}; "
                    f"it should write {should:.3g}."
                )
    return "For some values of the symbols your head moves something else than it should."


def _held(bench: Bench, state: tuple[tuple[tuple[tuple[str, ...], int], Fraction], ...]) -> str:
    """```b` at position 3``."""
    program = bench.exercise.weights.program
    own = [column for (path, column), _ in state if not path]
    tokens = [program.tokens[c] for c in own if c < len(program.tokens)]
    places = [c - len(program.tokens) for c in own if c >= len(program.tokens)]
    return f"`{tokens[0]}` at position {places[0]}" if tokens and places else "what some key can hold"
