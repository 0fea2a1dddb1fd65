"""One head's strengths as a problem in numbers: what is unknown, and what must hold.

In: a ``HeadCircuit`` and a ``KernelReader``.  Out: ``HeadProblem`` and the conditions on it: gaps, widths, where rest
keys may lie.  Not for: solving (``solving``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from compiler.circuits import HeadCircuit
from compiler.heads import Head, Term
from compiler.program import Program
from compiler.sharpness.kernels import KernelReader
from compiler.sharpness.profiles import Kernel, saturation
from dsl.diagnostics import Diagnostic, SpecError

STEP = Fraction(1, 8)
"""Solved strengths are multiples of this: short to print, exact in every float type."""

FEEDING = 64
"""A head whose result a later head compares is solved for 1/64 of the leak that the spec allows: what it leaks
blurs that later comparison by strength * leak."""


@dataclass(slots=True)
class HeadProblem:
    """The numbers of one head: what is unknown, and what must hold."""

    head: Head
    circuit: HeadCircuit
    program: Program
    lines: tuple[Term, ...]
    kernels: tuple[Kernel, ...]
    given: tuple[float | None, ...]
    patterns: tuple[tuple[int, ...], ...]
    keys: int
    delta: float
    rest_keys: int = 0
    strays: tuple[bool, ...] = ()
    step: float = 0.0
    tilt: float = 0.0
    prefer_range: tuple[float, float] = (0.0, 0.0)
    prefer_rest: tuple[float, float] = (0.0, 0.0)
    prefer_error: float = 0.0
    prefer_ties: bool = False
    prefer_noise: float = 0.0
    values: list[float] = field(default_factory=list)


def pose(circuit: HeadCircuit, program: Program, reader: KernelReader) -> HeadProblem:
    head = circuit.head
    eps, excursion = 1 - float(program.mass), reader.excursion(head)
    if reader.feeds(head):
        eps /= FEEDING * excursion
    tolerance = min(reader.output_tolerance(head), reader.matching_tolerance(head), reader.computing_tolerance(head))
    eps = min(eps, tolerance / excursion)
    kernels = tuple(reader.kernel(head, term) for term in head.terms)
    given = tuple(None if t.strength is None else reader.number(t.strength) for t in head.terms)
    problem = HeadProblem(
        head=head,
        circuit=circuit,
        program=program,
        lines=head.terms,
        kernels=kernels,
        given=given,
        patterns=active_patterns(head),
        keys=max(1, program.sequences.longest - 1),
        delta=max(eps / (1 - eps), math.exp(-saturation(program.dtype))),
        strays=tuple(any(c.line == i and c.stray for c in circuit.terms) for i in range(len(head.terms))),
    )
    if head.rests and head.terms:
        problem.rest_keys = reader.rest_count(head)
    if head.prefer is not None:
        _pose_preference(problem, reader)
    problem.values = [0.0 if g is None else g for g in given]
    return problem


def _pose_preference(problem: HeadProblem, reader: KernelReader) -> None:
    problem.delta /= 2
    if _is_tilted(problem):
        problem.tilt = problem.step = least_step(problem)
        return
    problem.prefer_range = reader.prefer_range(problem.head)
    problem.prefer_rest = reader.prefer_rest_range(problem.head)
    problem.prefer_error = reader.prefer_error(problem.head)
    problem.prefer_ties = reader.prefer_has_ties(problem.head)
    if 2 * problem.prefer_error >= 1:
        raise SpecError(cannot_order(problem))
    problem.step = least_step(problem)
    problem.prefer_noise = reader.prefer_noise(problem.head)


def cannot_order(problem: HeadProblem) -> Diagnostic:
    prefer = problem.head.prefer
    assert prefer is not None
    low, high = problem.prefer_range
    return Diagnostic(
        "E0505",
        f"head `{problem.head.name}` cannot tell neighbouring values of `{prefer.by}` apart in {problem.program.dtype}",
        prefer.span,
        f"values from {min(abs(low), abs(high)):g} to {max(abs(low), abs(high)):g}, and rounding and earlier heads may "
        f"move one by {problem.prefer_error:.3g}",
        help="a wider float type (`dtype float32`), or a feature with fewer values",
    )


def _is_tilted(problem: HeadProblem) -> bool:
    """One comparison of positions under a linear bias to later keys: then the sum over offsets is exact, bias included,
    and the bias may decide between keys that the comparison alone cannot tell apart."""
    prefer = problem.head.prefer
    if prefer is None or prefer.by != "position" or prefer.direction != "latest" or problem.head.rests:
        return False
    profile = problem.kernels[0].profile if len(problem.kernels) == 1 else None
    return profile is not None and profile.causal


def active_patterns(head: Head) -> tuple[tuple[int, ...], ...]:
    """The sets of lines that can be active together, by the values of the features they are conditioned on."""
    features = sorted({t.when.feature for t in head.terms if t.when is not None})
    choices: list[tuple[int, ...]] = [tuple(i for i, t in enumerate(head.terms) if t.when is None)]
    for feature in features:
        own = [
            (i, set(t.when.values))
            for i, t in enumerate(head.terms)
            if t.when is not None and t.when.feature == feature
        ]
        values = sorted({v for _, vs in own for v in vs}, key=str)
        sets = {tuple(i for i, vs in own if v in vs) for v in values} | {()}
        choices = [tuple(sorted(old + new)) for old in choices for new in sorted(sets)]
    return tuple(sorted({c for c in choices if c}))


def round_up(value: float) -> float:
    return math.ceil(value * 8 - 1e-9) / 8


# -------------------------------------------------------------------- the conditions


def _gap(problem: HeadProblem, pattern: tuple[int, ...], i: int) -> float:
    """How far below what fits a key stays that fails line i only (or line i and others)."""
    kernel = problem.kernels[i]
    own = problem.values[i] * (kernel.gap - 2 * kernel.error)
    rest = [(problem.values[j], problem.kernels[j]) for j in pattern if j != i]
    others = sum(value * (k.spread + k.excess + 2 * k.error) for value, k in rest)
    return own - others - _prefer_span(problem)


def width(problem: HeadProblem, pattern: tuple[int, ...]) -> float:
    """W: minus the logarithm of the mass ratio between all that does not fit and one key that fits."""
    if len(pattern) == 1 and not _prefer_span(problem):
        kernel = problem.kernels[pattern[0]]
        if kernel.profile is not None and (kernel.full or (kernel.full_keys and not problem.rest_keys)):
            return kernel.profile_width(problem.values[pattern[0]], problem.tilt)
    least = min(_gap(problem, pattern, i) for i in pattern)
    return least - math.log(problem.keys)


def line_width(problem: HeadProblem, pattern: tuple[int, ...], i: int) -> float:
    if len(pattern) == 1:
        return width(problem, pattern)
    return _gap(problem, pattern, i) - math.log(problem.keys)


def least_step(problem: HeadProblem) -> float:
    """Neighbouring feature values must differ by c with sum_{j >= 1} e^-cj = 1/(e^c - 1) <= delta (all keys may be one
    value away where keys share values), and c must also outweigh what the lines themselves give one key that fits over
    another, and what rounding may take from a difference of 1."""
    patterns = problem.patterns if problem.values else ()
    spreads = [
        sum(problem.values[i] * (problem.kernels[i].share_spread + problem.kernels[i].excess) for i in p)
        for p in patterns
    ]
    rivals = problem.keys if problem.prefer_ties else 1
    needed = math.log1p(rivals / problem.delta) + (0.0 if problem.tilt else max(spreads, default=0.0))
    return round_up(needed / (1 - 2 * problem.prefer_error))


def _prefer_span(problem: HeadProblem) -> float:
    low, high = problem.prefer_range
    return problem.step * (high - low + 2 * problem.prefer_error)


def stray_bounds(problem: HeadProblem, pattern: tuple[int, ...]) -> tuple[float, float]:
    """What the lines themselves may add to a rest key that does not fit (0 where the compiler cancels it).

    With several lines a rest key may satisfy this one and fail another."""
    low, high = (problem.step * bound for bound in problem.prefer_rest)
    for i in pattern:
        if problem.strays[i]:
            kernel, value = problem.kernels[i], problem.values[i]
            fits = len(pattern) > 1
            low += value * (min(kernel.miss_low, kernel.fit_low) if fits else kernel.miss_low)
            high += value * (max(kernel.miss_high, kernel.fit_high + kernel.excess) if fits else kernel.miss_high)
    return low, high


def stray_range(problem: HeadProblem) -> float:
    if not problem.rest_keys:
        return 0.0
    bounds = [stray_bounds(problem, p) for p in problem.patterns]
    return max((high - low for low, high in bounds), default=0.0)


def score_rounding(problem: HeadProblem, pattern: tuple[int, ...]) -> float:
    """What rounding may move the score of a key that fits by; a rest key's score is no larger, nor is its rounding."""
    return sum(problem.values[i] * problem.kernels[i].error for i in pattern)


def rest_room(problem: HeadProblem) -> float:
    """How much wider than its two distances the gap must be for a rest key to lie in it: what strays, and rounding
    (once against what does not fit, twice against what fits)."""
    if not problem.rest_keys:
        return 0.0
    return stray_range(problem) + 3 * max((score_rounding(problem, p) for p in problem.patterns), default=0.0)


def rest_distance(problem: HeadProblem) -> float:
    """How far the R rest keys stay below what fits: R e^-x <= delta - delta^2; delta^2 is left for all others."""
    return math.log(problem.rest_keys / (problem.delta * (1 - problem.delta)))
