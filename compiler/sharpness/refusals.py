"""Why there are no strengths: the refusals, with their figures.

In: a ``HeadProblem`` (or a head and the stream).  Out: nothing, or a SpecError: E0502, E0504, E0505, E0510.  Not for:
finding strengths (``solving``).
"""

from __future__ import annotations

import math

from compiler.circuits import HeadCircuit
from compiler.circuits.stream import Stream
from compiler.heads import Head, Rest
from compiler.sharpness.problem import HeadProblem, active_patterns, stray_range
from compiler.sharpness.profiles import unit_roundoff
from compiler.sharpness.rest_conflicts import RestKey, find_conflict, find_twice, rest_keys
from dsl.diagnostics import Diagnostic, SpecError


def refuse_conflicts(stream: Stream, circuit: HeadCircuit) -> None:
    """A rest key that fits beside a key that it should share with, or beside a rest key that does not fit, needs two
    scores at once (E0510)."""
    head = circuit.head
    if not head.rests:
        return
    keys = rest_keys(stream, head)
    _refuse_twice(head, find_twice(keys))
    settled = frozenset(t.line for t in circuit.terms if t.line is not None and t.cancel is not None)
    settled |= {t.line for t in circuit.rotary}
    for pattern in active_patterns(head):
        conflict = find_conflict(stream, head, pattern, keys, settled)
        if conflict is None:
            continue
        (query, q), (rest, r), (other, k) = conflict.query, conflict.rest, conflict.other
        raise SpecError(
            Diagnostic(
                "E0510",
                f"a rest key of head `{head.name}` can fit, together with another key",
                head.rests[0].span,
                f"the rest key {rest} has one score, below what fits and equal to other rest keys, and here should not",
                help="exclude the rest token in a line (`avoid key.content == ..`), or rest on a token that never fits",
                figures=(f"for query {query} at {q}, {rest} at {r} can satisfy all lines beside {other} at {k}",),
            )
        )


def _refuse_twice(head: Head, key: RestKey | None) -> None:
    if key is None:
        return
    raise SpecError(
        Diagnostic(
            "E0503",
            f"a key can be a rest key of head `{head.name}` twice",
            head.rests[-1].span,
            f"`{key.token}` can satisfy rest lines on two subspaces, and would be given the rest score twice",
            help="name all rest keys by one subspace",
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
    message = f"no strengths give head `{problem.head.name}` its mass of {float(problem.program.mass)}"
    straying = [term for term, strays in zip(problem.lines, problem.strays, strict=False) if strays]
    if straying:
        return Diagnostic(
            "E0502",
            message,
            straying[0].span,
            "what it says of a rest key is not known from its token alone, and grows with every strength",
            help="rest on a token that stands at position 0 only, or let this line read what is embedded",
            figures=(*(_rest_places(problem, rest) for rest in problem.head.rests), *rows),
        )
    return Diagnostic(
        "E0502",
        message,
        problem.head.span,
        "its lines work against each other",
        help="let the lines read encodings whose scores are 0 or 1 (one-hot), or use two heads",
        figures=rows,
    )


def _rest_places(problem: HeadProblem, rest: Rest) -> str:
    """``rest keys: "<bos>" at positions 0 to 23``, for one line."""
    program, parts = problem.program, []
    by_token = any(e.target == rest.condition.key and e.source == "token" for e in program.embeds)
    for value in rest.condition.values if by_token else ():
        places = sorted(program.sequences.positions_of(str(value)))
        if places:
            where = f"position {places[0]}" if len(places) == 1 else f"positions {places[0]} to {places[-1]}"
            parts.append(f'"{value}" at {where}')
    return f"rest keys: {', '.join(parts) or ' '.join(rest.span.text.split())}"


def check_shares(problem: HeadProblem, eps: float) -> None:
    """Keys that fit together must share equally, each within eps. Half of that is the leak's; two keys whose scores
    differ by rho have shares 1/2 +- tanh(rho/2)/2, so rho may be 2 atanh(eps). Rest keys likewise, and keys that
    ``prefer`` does not decide between."""
    _check_rest_shares(problem, eps)
    if problem.head.prefer is not None and not problem.prefer_ties:
        return
    for pattern in problem.patterns:
        if any(problem.kernels[i].unique for i in pattern):
            continue
        spread = sum(problem.values[i] * problem.kernels[i].share_spread for i in pattern)
        spread += 2 * problem.step * problem.prefer_noise
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


def _check_rest_shares(problem: HeadProblem, eps: float) -> None:
    if problem.rest_keys < 2 or stray_range(problem) <= 2 * math.atanh(eps):
        return
    raise SpecError(
        Diagnostic(
            "E0504",
            f"several keys can be rest keys of head `{problem.head.name}` at once, and their scores would differ",
            problem.head.rests[0].span,
            "what the lines and `prefer` say of a rest key is not known from its token alone",
            help="rest on tokens that have one place in every sequence, such as `<bos>`",
            figures=(
                f"spread of the scores of rest keys: {stray_range(problem):.4g}; "
                f"equal ones allow {2 * math.atanh(eps):.4g}",
            ),
        )
    )
