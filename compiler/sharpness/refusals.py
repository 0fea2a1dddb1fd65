"""Why there are no strengths: the refusals, with their figures.

In: a ``HeadProblem`` (or a head and the stream).  Out: nothing, or a SpecError: E0502, E0504, E0505, E0510.  Not for:
finding strengths (``solving``).
"""

from __future__ import annotations

import math

from compiler.circuits.stream import Stream
from compiler.program import Head
from compiler.sharpness.problem import HeadProblem, active_patterns
from compiler.sharpness.profiles import unit_roundoff
from compiler.sharpness.rest_conflicts import find_conflict
from dsl.diagnostics import Diagnostic, SpecError


def refuse_conflicts(stream: Stream, head: Head) -> None:
    """A rest key that fits beside another key needs two scores at once (E0510)."""
    if not head.rests:
        return
    for pattern in active_patterns(head):
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


def refuse_hopeless(problem: HeadProblem) -> None:
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


def cannot_separate(problem: HeadProblem) -> Diagnostic:
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


def check_shares(problem: HeadProblem, eps: float) -> None:
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
                    f"spread of the scores of keys that fit: {spread:.4g}; equal ones allow {2 * math.atanh(eps):.4g}",
                ),
            )
        )
