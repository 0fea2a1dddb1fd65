"""How sharp: the strengths that give every head its mass, for the context and the float type.

In: exact ``Circuits`` and the values of symbols. Out: ``Strengths``: an exact multiple of 1/8 for every
strength that the spec left open, with the figures behind it. Raises SpecError where no strength can do it
(E05xx). Not for: proving the lowered floats (that is a certificate's business); the verifier holds every
solution against the reference meaning.

The argument. Let a query have at least one key that fits, and let every other visible key score at least L
below it. With n - 1 other keys the mass on the rest is at most (n - 1) e^-L, so W = L - ln(n - 1) >=
ln(1/delta), delta = eps/(1 - eps), gives mass 1 - eps. A head that compares positions alone has one exact
sum instead, W = -ln sum_d e^(-s m(d)), which needs far less. With a ``rest`` key at score r the same holds
twice: it must beat all that does not fit by ln(1/delta), and lose to what fits by ln(R/(delta (1 -
delta))), R the number of rest keys.

With several lines, key i's failing costs s_i g_i but the other lines may favour the failing key by their
own spread rho_j among keys that fit: s_i g_i - sum_{j != i} s_j rho_j >= L. The least solution is the least
fixed point, reached from below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from compiler.circuits import Circuits, HeadCircuit
from compiler.kernels import Kernel, KernelReader, unit_roundoff
from compiler.program import Head, Program, Term
from compiler.rest_conflicts import find_conflict
from compiler.stream import Stream
from dsl.diagnostics import Diagnostic, SpecError

STEP = Fraction(1, 8)
"""Solved strengths are multiples of this: short to print, exact in every float type."""

FEEDING = 64
"""A head whose result a later head compares is solved for 1/64 of the leak that the spec allows: what it leaks
blurs that later comparison by strength * leak."""

CEILING = 10**7
"""Beyond this a strength is refused: scores of 10^7 cannot be told apart by 1 in float32."""


@dataclass(frozen=True, slots=True)
class StrengthReport:
    """One line's strength and why: ``gap`` is its margin per unit, ``leak`` the bound on the head's stray mass."""

    head: str
    symbol: str
    line: str
    value: Fraction
    gap: float
    leak: float

    def __str__(self) -> str:
        return (
            f"{self.head}: {self.line}: strength {self.value} (margin {self.gap:.4g} per unit, leak <= {self.leak:.2g})"
        )


@dataclass(frozen=True, slots=True)
class Strengths:
    """``bindings`` gives the value of every solved strength symbol; ``unsolved`` names heads that wait for numbers."""

    bindings: Mapping[str, Fraction]
    reports: tuple[StrengthReport, ...]
    unsolved: tuple[str, ...] = ()


@dataclass(slots=True)
class _HeadProblem:
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
    values: list[float] = field(default_factory=list)


def solve_strengths(circuits: Circuits, bindings: Mapping[str, Fraction]) -> Strengths:
    """Solve every open strength, layer by layer, since what one head leaks blurs the next.

    Raises SpecError (all heads' troubles together) with the figures where a head cannot reach its mass."""
    program = circuits.program
    solved: dict[str, Fraction] = {}
    reports: list[StrengthReport] = []
    unsolved: list[str] = []
    troubles: list[Diagnostic] = []
    reader = KernelReader(program, bindings)
    stream = Stream(program)
    for circuit in circuits.heads:
        if circuit.head.is_soft or circuit.head.matrix("W_Q") is not None or not _has_claim(circuit.head):
            continue
        if not reader.is_numeric(circuit):
            unsolved.append(circuit.head.name)
            continue
        try:
            _refuse_conflicts(stream, circuit.head)
            found, leak = _solve_head(circuit, program, reader)
        except SpecError as error:
            troubles += error.diagnostics
            continue
        reader.note_leak(circuit.head, leak)
        for report in found:
            solved[report.symbol] = report.value
        reports += found
    if troubles:
        raise SpecError(troubles)
    return Strengths(solved, tuple(reports), tuple(unsolved))


def _has_claim(head: Head) -> bool:
    return bool(head.terms) or head.prefer is not None


# -------------------------------------------------------------------- one head


def _solve_head(circuit: HeadCircuit, program: Program, reader: KernelReader) -> tuple[list[StrengthReport], float]:
    problem = _pose(circuit, program, reader)
    _refuse_hopeless(problem)
    target = math.log(1 / problem.delta)
    if problem.rest_keys:
        target += _rest_distance(problem) + float(STEP)  # room for a multiple of 1/8 between the two bounds
    _raise_until(problem, target)
    _check_given(problem, target)
    rest = _place_rest(problem) if problem.rest_keys else None
    _check_shares(problem, 1 - float(program.mass))
    leak = math.exp(-min((_width(problem, p) for p in problem.patterns), default=math.inf))
    if problem.rest_keys:
        leak = problem.delta
    return _reports(problem, rest, leak), leak


def _pose(circuit: HeadCircuit, program: Program, reader: KernelReader) -> _HeadProblem:
    head = circuit.head
    eps = 1 - float(program.mass)
    if reader.feeds(head):
        eps /= FEEDING
    kernels = tuple(reader.kernel(term) for term in head.terms)
    given = tuple(None if t.strength is None else reader.number(t.strength) for t in head.terms)
    problem = _HeadProblem(
        head=head,
        circuit=circuit,
        program=program,
        lines=head.terms,
        kernels=kernels,
        given=given,
        patterns=_active_patterns(head),
        keys=max(1, program.sequences.longest - 1),
        delta=eps / (1 - eps),
        strays=tuple(any(c.line == i and c.stray for c in circuit.terms) for i in range(len(head.terms))),
    )
    if head.rests:
        problem.rest_keys = reader.rest_count(head)
    if head.prefer is not None:
        _pose_preference(problem, reader)
    problem.values = [0.0 if g is None else g for g in given]
    return problem


def _pose_preference(problem: _HeadProblem, reader: KernelReader) -> None:
    problem.delta /= 2
    if _is_tilted(problem):
        problem.tilt = problem.step = _least_step(problem)
        return
    problem.prefer_range = reader.prefer_range(problem.head)
    problem.prefer_rest = reader.prefer_rest_range(problem.head)
    problem.step = _least_step(problem)


def _least_step(problem: _HeadProblem) -> float:
    """Neighbouring feature values must differ by c with sum_{j >= 1} e^-cj = 1/(e^c - 1) <= delta, and c must also
    outweigh what the lines themselves give one key that fits over another."""
    patterns = problem.patterns if problem.values else ()
    spreads = [sum(problem.values[i] * problem.kernels[i].share_spread for i in p) for p in patterns]
    return _ceil(math.log1p(1 / problem.delta) + (0.0 if problem.tilt else max(spreads, default=0.0)))


def _prefer_span(problem: _HeadProblem) -> float:
    low, high = problem.prefer_range
    return problem.step * (high - low)


def _is_tilted(problem: _HeadProblem) -> bool:
    """One comparison of positions under a linear bias to later keys: then the sum over offsets is exact, bias included,
    and the bias may decide between keys that the comparison alone cannot tell apart."""
    prefer = problem.head.prefer
    if prefer is None or prefer.by != "position" or prefer.direction != "latest" or problem.head.rests:
        return False
    profile = problem.kernels[0].profile if len(problem.kernels) == 1 else None
    return profile is not None and profile.causal


def _active_patterns(head: Head) -> tuple[tuple[int, ...], ...]:
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


def _ceil(value: float) -> float:
    return math.ceil(value * 8 - 1e-9) / 8


# -------------------------------------------------------------------- the conditions


def _gap(problem: _HeadProblem, pattern: tuple[int, ...], i: int) -> float:
    """How far below what fits a key stays that fails line i only (or line i and others)."""
    kernel = problem.kernels[i]
    own = problem.values[i] * (kernel.gap - 2 * kernel.error)
    others = sum(
        problem.values[j] * (problem.kernels[j].spread + 2 * problem.kernels[j].error) for j in pattern if j != i
    )
    return own - others - _prefer_span(problem)


def _width(problem: _HeadProblem, pattern: tuple[int, ...]) -> float:
    """W: minus the logarithm of the mass ratio between all that does not fit and one key that fits."""
    if len(pattern) == 1 and not _prefer_span(problem):
        kernel = problem.kernels[pattern[0]]
        if kernel.profile is not None:
            return kernel.profile_width(problem.values[pattern[0]], problem.tilt)
    least = min(_gap(problem, pattern, i) for i in pattern)
    return least - math.log(problem.keys)


def _raise_until(problem: _HeadProblem, target: float) -> None:
    """Raise the open strengths, from 0, until every pattern has W >= target (least fixed point from below)."""
    slack = target + _stray_range(problem)
    for _ in range(200):
        before = (*problem.values, problem.step, slack)
        for i, given in enumerate(problem.given):
            if given is None:
                problem.values[i] = max(problem.values[i], _least_strength(problem, i, slack))
        if problem.head.prefer is not None:
            problem.step = max(problem.step, _least_step(problem))
        slack = target + _stray_range(problem)
        if (*problem.values, problem.step, slack) == before:
            return
        if max(*problem.values, problem.step) > CEILING:
            break
    raise SpecError(_cannot_separate(problem))


def _least_strength(problem: _HeadProblem, i: int, target: float) -> float:
    def enough(value: float) -> bool:
        old = problem.values[i]
        problem.values[i] = value
        holds = all(_line_width(problem, p, i) >= target for p in problem.patterns if i in p)
        problem.values[i] = old
        return holds

    high = 1.0
    while not enough(high):
        high *= 2
        if high > 2 * CEILING:
            return high
    return _bisect(enough, high)


def _bisect(enough: Callable[[float], bool], high: float) -> float:
    low_ticks, high_ticks = -1, int(high * 8)
    while high_ticks - low_ticks > 1:
        middle = (low_ticks + high_ticks) // 2
        if enough(middle / 8):
            high_ticks = middle
        else:
            low_ticks = middle
    return high_ticks / 8


def _line_width(problem: _HeadProblem, pattern: tuple[int, ...], i: int) -> float:
    if len(pattern) == 1:
        return _width(problem, pattern)
    return _gap(problem, pattern, i) - math.log(problem.keys)


# -------------------------------------------------------------------- rest keys


def _stray_bounds(problem: _HeadProblem, pattern: tuple[int, ...]) -> tuple[float, float]:
    """What the lines themselves may add to a rest key that does not fit (0 where the compiler cancels it).

    With several lines a rest key may satisfy this one and fail another."""
    low, high = (problem.step * bound for bound in problem.prefer_rest)
    for i in pattern:
        if problem.strays[i]:
            kernel, value = problem.kernels[i], problem.values[i]
            fits = len(pattern) > 1
            low += value * (min(kernel.miss_low, kernel.fit_low) if fits else kernel.miss_low)
            high += value * (max(kernel.miss_high, kernel.fit_high) if fits else kernel.miss_high)
    return low, high


def _stray_range(problem: _HeadProblem) -> float:
    if not problem.rest_keys:
        return 0.0
    bounds = [_stray_bounds(problem, p) for p in problem.patterns]
    return max((high - low for low, high in bounds), default=0.0)


def _rest_distance(problem: _HeadProblem) -> float:
    """How far the R rest keys stay below what fits: R e^-x <= delta - delta^2; delta^2 is left for all others."""
    return math.log(problem.rest_keys / (problem.delta * (1 - problem.delta)))


def _place_rest(problem: _HeadProblem) -> float:
    """A score r for the rest keys: above all that does not fit by ln(1/delta), below what fits by ln(R/delta)."""
    lowest, highest = -math.inf, math.inf
    for pattern in problem.patterns:
        fit_low = sum(problem.values[i] * problem.kernels[i].fit_low for i in pattern)
        fit_low += problem.step * problem.prefer_range[0]
        stray_low, stray_high = _stray_bounds(problem, pattern)
        top = fit_low - _width(problem, pattern)
        lowest = max(lowest, top + math.log(1 / problem.delta) - stray_low)
        highest = min(highest, fit_low - _rest_distance(problem) - stray_high)
    rest = _ceil(lowest)
    if rest <= highest + 1e-9:
        return rest
    raise SpecError(
        Diagnostic(
            "E0503",
            f"no score of the rest keys of head `{problem.head.name}` lies between what fits and what does not",
            problem.head.rests[0].span,
            f"needs a score of at least {lowest:.4g} and at most {highest:.4g}",
            help="give all lines of this head the same `when`, or split the head in two",
        )
    )


# -------------------------------------------------------------------- refusals


def _refuse_conflicts(stream: Stream, head: Head) -> None:
    """A rest key that fits beside another key needs two scores at once (E0510)."""
    if not head.rests:
        return
    for pattern in _active_patterns(head):
        conflict = find_conflict(stream, head, pattern)
        if conflict is None:
            continue
        (query, q), (rest, r), (other, k) = conflict.query, conflict.rest, conflict.other
        raise SpecError(
            Diagnostic(
                "E0510",
                f"a rest key of head `{head.name}` can fit, together with another key",
                head.rests[0].span,
                f"the rest key {rest} has one score, below what fits, and here should share equally",
                help="exclude the rest token in a line (`avoid key.content == ..`), or rest on a token that never fits",
                figures=(f"for query {query} at {q}, {rest} at {r} and {other} at {k} satisfy every active line",),
            )
        )


def _refuse_hopeless(problem: _HeadProblem) -> None:
    for term, kernel in zip(problem.lines, problem.kernels, strict=True):
        if problem.tilt:
            continue
        if kernel.gap - 2 * kernel.error <= 0:
            raise SpecError(
                Diagnostic(
                    "E0505",
                    f"head `{problem.head.name}` cannot tell its keys apart in {problem.program.dtype}",
                    term.span,
                    kernel.trouble(),
                    help=kernel.remedy(unit_roundoff(problem.program.dtype)),
                    figures=kernel.figures(),
                )
            )


def _cannot_separate(problem: _HeadProblem) -> Diagnostic:
    rows = tuple(
        f"`{' '.join(t.span.text.split())}`: per unit of strength, margin {k.gap:.4g}, "
        f"spread among keys that fit {k.spread:.4g}"
        for t, k in zip(problem.lines, problem.kernels, strict=True)
    )
    return Diagnostic(
        "E0502",
        f"no strengths give head `{problem.head.name}` its mass of {float(problem.program.mass)}",
        problem.head.span,
        "its lines work against each other",
        help="let the lines read encodings whose scores are 0 or 1 (one-hot), or use two heads",
        figures=rows,
    )


def _check_given(problem: _HeadProblem, target: float) -> None:
    """Strengths that the spec states are used as they are: refuse them where they provably fall short."""
    for pattern in problem.patterns:
        for i in pattern:
            value = problem.given[i]
            if value is None or _line_width(problem, pattern, i) >= target - 1e-9:
                continue
            needed = _least_strength(problem, i, target)
            width = _line_width(problem, pattern, i)
            raise SpecError(
                Diagnostic(
                    "E0506",
                    f"strength {value:g} is too soft for a mass of {float(problem.program.mass)} at length "
                    f"{problem.keys + 1}",
                    problem.lines[i].span,
                    f"keeps at worst {1 / (1 + math.exp(min(700.0, -width))):.3g} of the attention on what fits",
                    help=f"strength {needed:g} would do, or leave it out and it is solved for; `soft` makes no claim",
                )
            )


def _check_shares(problem: _HeadProblem, eps: float) -> None:
    """Keys that fit together must share equally, each within eps. Half of that is the leak's; two keys whose scores
    differ by rho have shares 1/2 +- tanh(rho/2)/2, so rho may be 2 atanh(eps)."""
    if problem.head.prefer is not None:
        return
    for pattern in problem.patterns:
        if any(problem.kernels[i].unique for i in pattern):
            continue
        spread = sum(problem.values[i] * problem.kernels[i].share_spread for i in pattern)
        if spread <= 2 * math.atanh(eps):
            continue
        worst = max(pattern, key=lambda i: problem.values[i] * problem.kernels[i].share_spread)
        share = 0.5 + math.tanh(min(40.0, spread) / 2) / 2
        raise SpecError(
            Diagnostic(
                "E0504",
                f"several keys can fit head `{problem.head.name}` at once, and their scores would differ",
                problem.lines[worst].span,
                f"of two keys that fit, one could get {share:.3g} of the attention instead of 0.5",
                help="compare one-hot subspaces here, or phases with `frequencies = fourier`: theirs are equal",
                figures=(
                    f"spread of the scores of keys that fit: {spread:.4g}; equal shares allow {2 * math.atanh(eps):.4g}",
                ),
            )
        )


def _reports(problem: _HeadProblem, rest: float | None, leak: float) -> list[StrengthReport]:
    name = problem.head.name
    found: list[StrengthReport] = []
    for i, term in enumerate(problem.lines):
        symbol = _auto_symbol(problem.circuit, i)
        if symbol is not None:
            line = " ".join(term.span.text.split())
            value = Fraction(problem.values[i])
            found.append(StrengthReport(name, symbol, line, value, problem.kernels[i].gap, leak))
    if rest is not None:
        found.append(StrengthReport(name, f"r_{name}", "rest", Fraction(rest), 0.0, leak))
    if problem.head.prefer is not None:
        found.append(StrengthReport(name, f"p_{name}", "prefer", Fraction(problem.step), 1.0, leak))
    return found


def _auto_symbol(circuit: HeadCircuit, line: int) -> str | None:
    return next((c.auto for c in (*circuit.terms, *circuit.rotary) if c.line == line), None)
