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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits import Circuits, HeadCircuit
from compiler.circuits.stream import Stream
from compiler.heads import Head
from compiler.mlp.lines import Line
from compiler.program import Program
from compiler.sharpness.kernels import KernelReader
from compiler.sharpness.problem import (
    STEP,
    HeadProblem,
    least_step,
    line_width,
    pose,
    rest_distance,
    rest_room,
    round_up,
    score_rounding,
    stray_bounds,
    width,
)
from compiler.sharpness.profiles import saturation
from compiler.sharpness.refusals import cannot_separate, check_shares, refuse_conflicts, refuse_hopeless
from compiler.sharpness.rounding import LineRounding, judge_roundings
from compiler.sharpness.shares import shares_text, solve_shares
from compiler.sharpness.soft_heads import check_soft
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span

CEILING = 10**7
"""Beyond this a strength is refused: scores of 10^7 cannot be told apart by 1 in float32."""


@dataclass(frozen=True, slots=True)
class StrengthReport:
    """One line's strength and why: ``gap`` is its margin per unit (None for ``rest`` and ``prefer``, whose strengths
    follow from the others'), ``leak`` the bound on the head's stray mass."""

    head: str
    symbol: str
    line: str
    value: Fraction
    gap: float | None
    leak: float

    def __str__(self) -> str:
        margin = "" if self.gap is None else f"margin {self.gap:.4g} per unit, "
        return f"{self.head}: {self.line}: strength {self.value} ({margin}leak <= {self.leak:.2g})"


@dataclass(frozen=True, slots=True)
class Strengths:
    """``bindings`` gives the value of every solved strength symbol; ``unsolved`` names heads that wait for numbers;
    ``roundings``: what floats make of the lines (none while heads wait)."""

    bindings: Mapping[str, Fraction]
    reports: tuple[StrengthReport, ...]
    unsolved: tuple[str, ...] = ()
    roundings: tuple[LineRounding, ...] = ()


def solve_strengths(circuits: Circuits, bindings: Mapping[str, Fraction], lines: Sequence[Line] = ()) -> Strengths:
    """Solve every open strength, layer by layer, since what one head leaks blurs the next, also through ``lines`` that
    compute with it.

    Raises SpecError (all heads' troubles together) with the figures where a head cannot reach its mass."""
    program = circuits.program
    solved: dict[str, Fraction] = {}
    reports: list[StrengthReport] = []
    unsolved: list[str] = []
    leaks: dict[str, float] = {}
    troubles: list[Diagnostic] = []
    stream = Stream(program)
    reader = KernelReader(stream, bindings, lines)
    for circuit in circuits.heads:
        if circuit.head.is_soft or circuit.head.matrix("W_Q") is not None or not _has_claim(circuit.head):
            _pass_on(circuit, reader, troubles)
            continue
        if circuit.head.has_shares:
            reports += _shared(circuit.head, reader, solved, troubles)
            continue
        if not reader.is_numeric(circuit):
            unsolved.append(circuit.head.name)
            continue
        try:
            refuse_conflicts(stream, circuit)
            found, leak = _solve_head(circuit, program, reader)
            _refuse_rounding(circuit.head, reader)
        except SpecError as error:
            troubles += error.diagnostics
            continue
        reader.note_leak(circuit.head, leak * reader.excursion(circuit.head))
        leaks[circuit.head.name] = leak
        for report in found:
            solved[report.symbol] = report.value
        reports += found
    if troubles:
        raise SpecError(troubles)
    roundings = () if unsolved else judge_roundings(reader, leaks)
    return Strengths(solved, tuple(reports), tuple(unsolved), roundings)


def _pass_on(circuit: HeadCircuit, reader: KernelReader, troubles: list[Diagnostic]) -> None:
    """What a head whose strengths nobody solves makes of earlier leaks; of a soft one, whether it keeps its pattern."""
    if not reader.is_numeric(circuit):
        return
    try:
        if circuit.head.is_soft and circuit.head.matrix("W_Q") is None:
            check_soft(circuit.head, reader)
    except SpecError as error:
        troubles += error.diagnostics
    reader.note_leak(circuit.head, 0.0)


def _shared(
    head: Head, reader: KernelReader, solved: dict[str, Fraction], troubles: list[Diagnostic]
) -> list[StrengthReport]:
    """The one strength of a head whose lines have shares."""
    try:
        found = solve_shares(head, reader)
    except SpecError as error:
        troubles += error.diagnostics
        return []
    reader.note_leak(head, found.foreign)
    solved[f"s_{head.name}"] = found.strength
    return [StrengthReport(head.name, f"s_{head.name}", shares_text(head), found.strength, None, found.deviation)]


def _refuse_rounding(head: Head, reader: KernelReader) -> None:
    """E0524 where the rounding of shares of several keys alone could change a value computed from them."""
    if not reader.rounding_holds(head):
        raise SpecError(
            Diagnostic(
                "E0524",
                f"rounding in {reader.program.dtype} of what `{head.name}` copies may change a computed value",
                head.span,
                "may look at several keys, and its shares of them are rounded",
                help="a wider float type, smaller ranges, or lines that only one key can fit",
            )
        )


def _has_claim(head: Head) -> bool:
    return bool(head.terms) or head.prefer is not None


def _solve_head(circuit: HeadCircuit, program: Program, reader: KernelReader) -> tuple[list[StrengthReport], float]:
    problem = pose(circuit, program, reader)
    refuse_hopeless(problem)
    target = math.log(1 / problem.delta)
    if problem.rest_keys:
        target += rest_distance(problem) + float(STEP)  # room for a multiple of 1/8 between the two bounds
    _raise_until(problem, target)
    _check_given(problem, target)
    rest = _place_rest(problem) if problem.rest_keys else None
    check_shares(problem, 1 - float(program.mass))
    least = min((width(problem, p) for p in problem.patterns), default=math.inf)
    leak = problem.delta if problem.rest_keys else math.exp(-least)
    if leak <= math.exp(1e-9 - saturation(program.dtype)):
        leak = 0.0  # the softmax leaves exactly nothing
    return _reports(problem, rest, leak), leak


def _raise_until(problem: HeadProblem, target: float) -> None:
    """Raise the open strengths, from 0, until every pattern has W >= target (least fixed point from below)."""
    slack = target + rest_room(problem)
    for _ in range(200):
        before = (*problem.values, problem.step, slack)
        for i, given in enumerate(problem.given):
            if given is None:
                problem.values[i] = max(problem.values[i], _least_strength(problem, i, slack))
        if problem.head.prefer is not None:
            problem.step = max(problem.step, least_step(problem))
        slack = target + rest_room(problem)
        if (*problem.values, problem.step, slack) == before:
            return
        if max(*problem.values, problem.step) > CEILING:
            break
    raise SpecError(cannot_separate(problem))


def _least_strength(problem: HeadProblem, i: int, target: float) -> float:
    """The least multiple of 1/8, or power of two, that gives line i its width."""

    def enough(value: float) -> bool:
        old = problem.values[i]
        problem.values[i] = value
        holds = all(line_width(problem, p, i) >= target for p in problem.patterns if i in p)
        problem.values[i] = old
        return holds

    high = 1.0
    while not enough(high):
        high *= 2
        if high > 2 * CEILING:
            return high
    if not problem.kernels[i].doubled:
        return _bisect(enough, high)
    while high > STEP and enough(high / 2):
        high /= 2
    return high


def _bisect(enough: Callable[[float], bool], high: float) -> float:
    low_ticks, high_ticks = -1, int(high * 8)
    while high_ticks - low_ticks > 1:
        middle = (low_ticks + high_ticks) // 2
        if enough(middle / 8):
            high_ticks = middle
        else:
            low_ticks = middle
    return high_ticks / 8


def _place_rest(problem: HeadProblem) -> float:
    """A score r for the rest keys: above all that does not fit by ln(1/delta), below what fits by ln(R/delta)."""
    lowest, highest = -math.inf, math.inf
    for pattern in problem.patterns:
        fit_low = sum(problem.values[i] * problem.kernels[i].fit_low for i in pattern)
        fit_low += problem.step * problem.prefer_range[0]
        stray_low, stray_high = stray_bounds(problem, pattern)
        top = fit_low - width(problem, pattern)
        rounding = score_rounding(problem, pattern)
        lowest = max(lowest, top + math.log(1 / problem.delta) - stray_low + rounding)
        highest = min(highest, fit_low - rest_distance(problem) - stray_high - 2 * rounding)
    rest = round_up(lowest) if math.isfinite(lowest) else math.floor(highest * 8) / 8
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


def _check_given(problem: HeadProblem, target: float) -> None:
    """Strengths that the spec states are used as they are: refuse them where they provably fall short."""
    for pattern in problem.patterns:
        for i in pattern:
            value = problem.given[i]
            if value is None or line_width(problem, pattern, i) >= target - 1e-9:
                continue
            needed = _least_strength(problem, i, target)
            width = line_width(problem, pattern, i)
            raise SpecError(_too_soft(problem, i, value, needed, width))


def _too_soft(problem: HeadProblem, i: int, value: float, needed: float, width: float) -> Diagnostic:
    mass, wanted = float(problem.program.mass), 1 / (1 + problem.delta)
    more = f"the mass is {mass:g}; what reads the result (a comparison, a `compute` line, decoding) needs {wanted:.6g}"
    return Diagnostic(
        "E0506",
        f"strength {value:g} is too soft for a mass of {wanted:.6g} at length {problem.keys + 1}",
        problem.lines[i].span,
        f"keeps at worst {1 / (1 + math.exp(min(700.0, -width))):.3g} of the attention on what fits",
        help=f"strength {needed:g} would do, or leave it out and it is solved for; `soft` makes no claim",
        figures=(more,) if wanted > mass + 1e-9 else (),
    )


def _reports(problem: HeadProblem, rest: float | None, leak: float) -> list[StrengthReport]:
    name = problem.head.name
    found: list[StrengthReport] = []
    for i, term in enumerate(problem.lines):
        symbol = _auto_symbol(problem.circuit, i)
        if symbol is not None:
            line = _line_text(term.span)
            value = Fraction(problem.values[i])
            found.append(StrengthReport(name, symbol, line, value, problem.kernels[i].gap, leak))
    if rest is not None:
        found.append(
            StrengthReport(name, f"r_{name}", _line_text(problem.head.rests[0].span), Fraction(rest), None, leak)
        )
    if problem.head.prefer is not None:
        found.append(
            StrengthReport(name, f"p_{name}", _line_text(problem.head.prefer.span), Fraction(problem.step), None, leak)
        )
    return found


def _line_text(span: Span) -> str:
    return " ".join(span.text.split())


def _auto_symbol(circuit: HeadCircuit, line: int) -> str | None:
    found = [t.auto for t in circuit.terms if t.line == line] + [t.auto for t in circuit.rotary if t.line == line]
    return found[0] if found else None
