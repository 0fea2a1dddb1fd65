"""How far below: the one strength of a head that shares its attention in given proportions, and what floats make of it.

In: a head with shares, facts about its program.  Out: its strength B, and how much of its attention may be elsewhere
than it should; SpecError E0512.  Not for: who gets what (``sharing``).

Keys that get shares score B + ln w, and these add up to e^B; N other visible keys score 0, and get at most N e^-B.

Rounding moves a score by at most e; shares w e^d / sum w e^d with all |d| <= e lie within tanh(e/2) of w, in total
variation: a set of keys has odds a/(1 - a), which change by a factor e^2e at most, and a by the most at a = 1/2; and
within what ``_Problem.weighted`` says, where small shares have large scores.  In the axis basis a score is one entry
of W_Q or W_K, times ones: it is rounded when it is lowered (r |score|, r the unit roundoff), softmax takes a difference
(r L, L the greatest |ln w|), and the exponential is good to 3 r; the root of d_head costs 5 r |score| more where it is
not a power of two.  The sum that softmax divides by, and the sum of what the
shares weigh, cost (20 + n/4) r for n keys, summed eight abreast.  Other bases: ``DENSE``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits.shares import indicated, places_of
from compiler.heads import Head
from compiler.sharing import SharedRow, rest_places, share_of, shared_rows, weights_at
from compiler.sharpness.kernels import KernelReader
from compiler.sharpness.problem import FEEDING, STEP, round_up
from dsl.diagnostics import Diagnostic, SpecError

ROOT = 5
"""Roundings that a root of d_head costs that is no power of two: the root, W_Q, and the scaling of q and k."""

DENSE = 9
"""Roundings of a score in a basis other than the axes, relative to width * the largest number in the stream."""

HIGHEST = 700.0


@dataclass(frozen=True, slots=True)
class SharpShares:
    """``strength`` B; ``leak``: the attention that may go to others, which may show ``excursion`` times their values;
    ``off``: how far rounding may move the shares."""

    strength: Fraction
    leak: float
    off: float
    excursion: float = 1.0

    @property
    def deviation(self) -> float:
        return self.leak + self.off

    @property
    def foreign(self) -> float:
        return self.leak * self.excursion + self.off


def solve_shares(head: Head, reader: KernelReader) -> SharpShares:
    """The least multiple of 1/8 that does.  Raises SpecError E0512 where none does in this float type."""
    problem = _Problem(head, reader)
    value = problem.least()
    while value < HIGHEST:
        found = problem.at(value)
        if found.off >= problem.allowed:
            break
        if found.foreign <= problem.allowed and 2 * problem.error(value) + found.leak <= problem.each:
            return found
        value += float(STEP)
    raise SpecError(_too_coarse(problem, found if value < HIGHEST else problem.at(HIGHEST)))


class _Problem:
    """The numbers of one head: ``allowed``, the deviation that what reads it tolerates; ``each``, relative to every
    share, by the mass; ``others``, the most visible keys without a share."""

    def __init__(self, head: Head, reader: KernelReader) -> None:
        self.head, self.reader = head, reader
        places = places_of(reader.stream)
        rows = shared_rows(head, places)
        weights = weights_at(head, rows, rest_places(head, places))
        claimed = [q for q, row in enumerate(rows) if row.claimed]
        self.others = max((q + 1 - len(weights[q]) for q in claimed), default=0)
        self.spread = max((-math.log(w) for q in claimed for w in weights[q].values()), default=0.0)
        self.weights = {tuple(sorted(map(float, weights[q].values()))) for q in claimed}
        self.keys = places.longest
        self.indicated = indicated(reader.stream, head, range(self.keys))
        self.doubled = _doubled(head, rows, rest_places(head, places))
        self.excursion = reader.excursion(head)
        self.each = 1 - float(reader.program.mass)
        tolerances = [
            self.each / FEEDING if reader.feeds(head) else self.each,
            reader.output_tolerance(head),
            reader.matching_tolerance(head),
            reader.computing_tolerance(head),
        ]
        self.allowed = min(tolerances)

    def least(self) -> float:
        return max(1.0, round_up(math.log(self.others / max(self.allowed, 1e-300)))) if self.others else 1.0

    def at(self, value: float) -> SharpShares:
        return SharpShares(Fraction(value), self.leak(value), self.off(value), self.excursion)

    def leak(self, value: float) -> float:
        return self.others * math.exp(-value)

    def error(self, value: float) -> float:
        """What rounding may move one score by, and its exponential, relatively."""
        r = self.reader.roundoff
        score = value + self.spread
        score = score + 2 * self.spread if self.doubled else score
        score = score if self.indicated else 3 * score  # a constant, and what positions add to it
        if self.reader.program.basis.kind != "axis":
            return DENSE * r * score * self.reader.program.width * self._largest()
        roundings = 1 if self.reader.root_is_exact() else 1 + ROOT
        return r * (roundings * score + self.spread + 3)

    def _largest(self) -> float:
        ends = [self.reader.values_range(subspace) for subspace in self.reader.subspaces.values()]
        return max(1.0, *(abs(end) for pair in ends for end in pair))

    def off(self, value: float) -> float:
        moved = min(math.tanh(self.error(value) / 2), self.weighted(value))
        return moved + (20 + self.keys / 4) * self.reader.roundoff

    def weighted(self, value: float) -> float:
        """With d_k the error of each score: sum |w_k - w_k e^d_k / Z| / 2 <= E/(1 - E), E = sum w_k (e^|d_k| - 1), as
        |Z - 1| <= E.  What a score of a small share loses counts little."""
        if self.doubled or not self.indicated or self.reader.program.basis.kind != "axis":
            return math.inf
        most = max((self._weighted(value, weights) for weights in self.weights), default=0.0)
        return most / (1 - most) if most < 1 else math.inf

    def _weighted(self, value: float, weights: tuple[float, ...]) -> float:
        roundings = 1 if self.reader.root_is_exact() else 1 + ROOT
        logarithms = [math.log(w) for w in weights]
        lost = [roundings * abs(value + log) + max(logarithms) - log + 3 for log in logarithms]
        return sum(w * math.expm1(self.reader.roundoff * e) for w, e in zip(weights, lost, strict=True))


def _doubled(head: Head, rows: tuple[SharedRow, ...], rests: frozenset[int]) -> bool:
    """Does a rest key get a share of a line, so that its score is a sum?"""
    return any(key in rests for row in rows for key in row.given)


def _too_coarse(problem: _Problem, found: SharpShares) -> Diagnostic:
    program, head = problem.reader.program, problem.head
    wider = "" if program.dtype == "float64" else "a wider float type (`dtype float64`)"
    exact = "" if problem.reader.root_is_exact() else "no `d_head` but powers of four (4, 16, 64 ..), which round less"
    return Diagnostic(
        "E0512",
        f"head `{head.name}` cannot hold its shares in {program.dtype}",
        head.terms[0].span,
        f"rounding alone may move {found.off:.2g} of the attention",
        help="; or ".join(text for text in (wider, exact) if text) or "coarser shares, or smaller ranges after them",
        figures=(
            f"what reads the result allows {problem.allowed:.2g}, and `mass` {problem.each:.2g} of every share",
            f"scores of {float(found.strength):.3g}, shares down to {math.exp(-problem.spread):.3g}",
        ),
    )


def shares_text(head: Head) -> str:
    """``shares 1/2, 1/20``: what a report calls the lines of such a head."""
    return "shares " + ", ".join(str(share) for share in dict.fromkeys(share_of(term) for term in head.terms))
