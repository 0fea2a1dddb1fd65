"""Does a head look where it should?

In: a ``Bench`` and a ``Check`` of kind ``pattern``.  Out: ``Judged``: a ``CheckResult``, and what names a mistake.  Not
for: naming it (``mistakes``).

It is decided in three steps.  *Exactly right*: the same pattern as ours on everything reachable
(``compiler.equivalence``).  *Right enough*: on every valid sequence at least the mass asked for, in the float type
stated (``evidence``, ``rounding``).  *Wrong*: the smallest valid sequence that shows it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from compiler.equivalence import Sameness, Scene, is_bilinear, same_family, same_pattern
from headspec.course.exercise import Check
from headspec.course.judging.bench import Bench, Judged
from headspec.course.judging.evidence import TIE, Evidence, Row, Worst
from headspec.course.judging.factors import least_factor, tie_width
from headspec.course.judging.rounding import mass_in_floats
from headspec.course.judging.sentences import counterexample
from headspec.course.results import CheckResult, Counterexample, Verdict

MARGINS = (1.0, 1.02, 1.1, 1.3, 2.0, 4.0, 16.0)
"""How much sharper than just sharp enough a head of free temperature is made, to leave room for rounding."""


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


def _judge_by_mass(bench: Bench, check: Check) -> Judged:
    program = bench.exercise.weights.program
    mass, dtype = float(check.mass or program.mass), check.dtype or program.dtype
    evidence = bench.evidence(check.head)
    tie = tie_width(evidence, dtype)
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
