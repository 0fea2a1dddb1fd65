"""Frequencies for phases that were given none: chosen for the context by condition number.

In: a ``Program`` with ``Phase`` encodings whose frequencies are None. Out: the same program with exact
rational frequencies (radians per step). Not for: strengths (``sharpness``).

A head that matches phases sees the kernel K(d) = sum_j w_j cos(alpha_j d), w_j = magnitude_j^2. Its margin
over the offsets that can occur is m = min over d of sum_j w_j (1 - cos alpha_j d), and kappa = sum(w) / m
says how much of the score's size is margin: scores of size beta * sum(w) must be resolved to better than
beta * m. kappa is 1 at best (all cosines of a wrong offset at most 0) and grows without bound for slow
frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from compiler.encodings import Phase, PhasePairs, Subspace, of_one_value
from compiler.program import Program
from dsl.expressions import Number

DENOMINATOR = 1024
"""Chosen frequencies are multiples of 1/1024 radian: exact, short to print, and never a rational multiple of pi."""

TRIALS = 400
COSINES = 50_000_000
"""At most this many draws are compared, and fewer where that would take more cosines than this (about a second)."""

BLOCK = 4_000_000
"""Cosines that are worked out at once, so that memory stays bounded."""

COSINE_ERROR = 1e-10
"""Bound on the error of one float64 cosine of an argument below 2^18 with a rational frequency: the argument is
rounded once (2^18 * 2^-53 < 3e-11) and numpy's cosine is within 1 ulp."""


@dataclass(frozen=True, slots=True)
class Conditioning:
    """How well frequencies separate the offsets 1..reach: total weight, least margin (a lower bound), where it is."""

    total: float
    margin: float
    offset: int

    @property
    def kappa(self) -> float:
        return self.total / self.margin if self.margin > 0 else float("inf")


def margins(
    frequencies: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], reach: int
) -> npt.NDArray[np.float64]:
    """m(d) = sum_j w_j (1 - cos alpha_j d) for d = 0..reach, each a lower bound (float error taken off)."""
    rows = max(1, BLOCK // max(1, len(frequencies)))
    starts = range(0, reach + 1, rows)
    blocks = [np.arange(start, min(start + rows, reach + 1), dtype=np.float64) for start in starts]
    kernel = np.concatenate([np.cos(np.outer(block, frequencies)) @ weights for block in blocks])
    lower: npt.NDArray[np.float64] = weights.sum() - kernel - COSINE_ERROR * max(1.0, weights.sum())
    return lower


def condition(frequencies: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], reach: int) -> Conditioning:
    """The least margin over offsets 1..reach, and at which offset."""
    if reach < 1:
        return Conditioning(float(weights.sum()), float(weights.sum()), 0)
    found = margins(frequencies, weights, reach)[1:]
    offset = int(np.argmin(found)) + 1
    return Conditioning(float(weights.sum()), float(found[offset - 1]), offset)


def choose_frequencies(count: int, reach: int) -> tuple[Fraction, ...]:
    """The best of ``TRIALS`` random sets of ``count`` frequencies in (0, pi) for offsets 1..reach.

    The draw is seeded, so that the same spec gives the same weights.  Half of the draws are spread evenly and
    jittered, half are geometric and jittered: few frequencies want the latter, many the former."""
    random = np.random.Generator(np.random.PCG64(20_220_908))
    weights = np.ones(count)
    best: tuple[float, npt.NDArray[np.int64]] | None = None
    for trial in range(max(20, min(TRIALS, COSINES // (count * reach)))):
        ticks = _draw(random, count, reach, geometric=trial % 2 == 1)
        kappa = condition(ticks / DENOMINATOR, weights, reach).kappa
        if best is None or kappa < best[0]:
            best = (kappa, ticks)
    assert best is not None
    return tuple(Fraction(int(tick), DENOMINATOR) for tick in np.sort(best[1])[::-1])


def _draw(random: np.random.Generator, count: int, reach: int, *, geometric: bool) -> npt.NDArray[np.int64]:
    highest = np.pi * DENOMINATOR
    if geometric:
        lowest = max(1.0, highest / max(2.0, float(reach)))
        spread = np.linspace(np.log(lowest), np.log(highest), count + 1)
        raw = np.exp(random.uniform(spread[:-1], spread[1:]))
    else:
        raw = random.uniform(np.arange(count), np.arange(1, count + 1)) * highest / count
    ticks: npt.NDArray[np.int64] = np.clip(np.rint(raw), 1, int(highest)).astype(np.int64)
    return ticks


def complete_frequencies(program: Program) -> Program:
    """``program`` with frequencies chosen for every phase that has none.  Phases of equal range and count get
    equal frequencies, so that a copied phase can be compared with the original."""
    chosen: dict[tuple[int, int, int], tuple[Number, ...]] = {}
    subspaces = tuple(_complete(subspace, chosen) for subspace in program.subspaces)
    return replace(program, subspaces=subspaces)


def _complete(subspace: Subspace, chosen: dict[tuple[int, int, int], tuple[Number, ...]]) -> Subspace:
    encoding = of_one_value(subspace.encoding)
    if not isinstance(encoding, Phase) or encoding.frequencies is not None:
        return subspace
    key = (encoding.low, encoding.high, encoding.count)
    if key not in chosen:
        reach = encoding.high - encoding.low + 1
        chosen[key] = tuple(Number(f) for f in choose_frequencies(encoding.count, reach))
    complete = replace(encoding, frequencies=chosen[key])
    pairs = isinstance(subspace.encoding, PhasePairs)
    return replace(subspace, encoding=PhasePairs(complete) if pairs else complete)


WEIGHT_UNIT = Fraction(1, 64)

GAME = 1_000_000
"""Cosines in the game for rotary weights; of longer contexts every so many-th offset plays."""


@cache
def rotary_weights(frequencies: tuple[float, ...], shift: int, context: int) -> tuple[Fraction, ...]:
    """Weights w_p >= 0 on the rotary pairs that make the least margin of offset ``shift`` large.

    Rotary frequencies are given by the architecture; only their weights are free.  max over w of min over d of
    sum_p w_p (1 - cos theta_p d) is a matrix game, played here by multiplicative weights (Freund and Schapire 1999):
    the pairs answer the offsets that are hardest to tell apart.  The result is rounded to 1/64 and is exact from
    then on; its margin is computed afterwards, not assumed.
    """
    every = np.array([d for d in range(shift, context + shift) if d != 0], dtype=np.float64)
    offsets = every[:: max(1, len(every) * len(frequencies) // GAME)]
    payoff = 1.0 - np.cos(np.outer(offsets, np.array(frequencies)))
    hard = np.ones(len(offsets)) / max(1, len(offsets))
    total = np.zeros(len(frequencies))
    rounds = 600
    rate = np.sqrt(8 * np.log(max(2, len(offsets))) / rounds) / 2
    for _ in range(rounds):
        answer = np.zeros(len(frequencies))
        answer[int(np.argmax(hard @ payoff))] = 1.0
        total += answer
        hard *= np.exp(-rate * (payoff @ answer))
        hard /= hard.sum()
    shares = np.rint(total / total.max() / float(WEIGHT_UNIT)).astype(int)
    return tuple(int(share) * WEIGHT_UNIT for share in shares)
