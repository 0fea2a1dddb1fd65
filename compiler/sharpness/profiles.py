"""Kernels as numbers: what one unit of strength gives to keys that fit and to keys that do not.

In: margins by offset, bounds.  Out: ``Profile`` (exact sums over offsets) and ``Kernel`` (one line's bounds).  Not
for: finding these numbers for a program (``kernels``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.sharpness.frequencies import choose_frequencies, condition

Floats = npt.NDArray[np.float64]

ROUNDINGS = 9
"""Roundings between exact weights and a score: weight, stream and product on both sides, two sums, the score."""


def unit_roundoff(dtype: str) -> float:
    """u with |fl(x) - x| <= u |x|: 2^-53, 2^-24, 2^-11, 2^-8 (Higham, table 2.1)."""
    return {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]


def saturation(dtype: str) -> float:
    """x such that softmax leaves exactly nothing x below the largest score: e^-x is under half the least number.

    Scores and softmax of the half types are float32."""
    return 746.0 if dtype == "float64" else 104.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The margins m(d) of a kernel by offset |d|, and which keys a target t is held against.

    Keys v in low..high, except that under ``causal`` v <= t - shift (the query's own position)."""

    margins: Floats
    targets: Floats
    low: int
    high: int
    causal: bool
    shift: int

    def width(self, strength: float, loss: float, tilt: float = 0.0) -> float:
        """-ln of the greatest sum over wrong keys of exp(-strength (m(d) - loss)), over all targets.

        ``tilt`` is the slope of a linear bias to later keys: older keys lose it at every step, newer ones gain it."""
        gaps = strength * (self.margins[1:] - loss)
        steps = tilt * np.arange(1, len(self.margins))
        left = (self.targets - self.low).astype(np.int64)
        last = np.minimum(self.targets - self.shift, self.high) if self.causal else np.full_like(left, self.high)
        right = last.astype(np.int64) - self.targets.astype(np.int64)
        older, newer = _running_sum(gaps + steps), _running_sum(gaps - steps)
        total = _window(older, left, right) + _window(newer, right, left)
        worst = float(total.max())
        return -math.log(worst) if worst > 0 else math.inf


def _running_sum(gaps: Floats) -> Floats:
    """sum_{d <= r} exp(-gap(d)) for r = 0, 1, ..."""
    total: Floats = np.concatenate([[0.0], np.cumsum(np.exp(-gaps))])
    return total


def _window(sums: Floats, reach: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Floats:
    """The share of one side: offsets 1..reach, less 1..-other-1 where the window ends on this side of the target."""
    last = len(sums) - 1
    whole = np.where(reach >= 0, sums[np.clip(reach, 0, last)], 0.0)
    missing: Floats = whole - np.where(other < 0, sums[np.clip(-other - 1, 0, last)], 0.0)
    return missing


@dataclass(frozen=True, slots=True)
class Kernel:
    """One line's score per unit of strength. ``error`` bounds what rounding adds to any one score.

    ``full_keys``: every key shows a value, and no two the same, so that ``profile`` counts them; ``full``: and every
    query shows one.  ``unique``: at most one key can satisfy the line.  ``flat``: all keys that satisfy it have
    bit-equal scores.  ``excess``: how far above ``fit_high`` a key that is read as neither may score.  ``doubled``:
    these bounds need a strength that is a power of two.  ``advice``: what would do where these do not."""

    fit_low: float
    fit_high: float
    miss_low: float
    miss_high: float
    error: float
    unique: bool = False
    flat: bool = True
    profile: Profile | None = None
    phase: tuple[tuple[float, ...], tuple[float, ...], int] | None = None
    full_keys: bool = False
    full: bool = False
    excess: float = 0.0
    doubled: bool = False
    advice: str | None = None

    @property
    def gap(self) -> float:
        return self.fit_low - self.miss_high

    @property
    def spread(self) -> float:
        return self.fit_high - self.fit_low

    @property
    def share_spread(self) -> float:
        return self.spread + (0.0 if self.flat else 2 * self.error)

    def negated(self) -> Kernel:
        """The kernel of ``avoid``: what satisfied the relation no longer fits."""
        return replace(
            self,
            fit_low=-self.miss_high,
            fit_high=-self.miss_low,
            miss_low=-self.fit_high,
            miss_high=-self.fit_low,
            unique=False,
            profile=None,
        )

    def profile_width(self, strength: float, tilt: float = 0.0) -> float:
        assert self.profile is not None
        return self.profile.width(strength, self.profile_loss, tilt)

    @property
    def profile_loss(self) -> float:
        """What noise from earlier heads and rounding take from every margin."""
        assert self.profile is not None
        noise = max(0.0, float(self.profile.margins[1:].min()) - self.gap) if len(self.profile.margins) > 1 else 0.0
        return noise + 2 * self.error

    def trouble(self) -> str:
        return f"margin {self.gap:.3g} per unit of strength, and rounding alone may move scores by {2 * self.error:.3g}"

    def figures(self) -> tuple[str, ...]:
        if self.phase is None:
            return ()
        frequencies, weights, reach = self.phase
        found = condition(np.array(frequencies), np.array(weights), reach)
        return (
            f"least margin m = {found.margin:.4g} at offset {found.offset} (of offsets up to {reach}), "
            f"total weight {found.total:.4g}, condition number kappa = {found.kappa:.4g}",
        )

    def remedy(self, roundoff: float) -> str:
        """Frequencies that would do for the same offsets and float type, where this is a phase."""
        if self.advice is not None:
            return self.advice
        if self.phase is None:
            return "a wider float type (`dtype float32`), or an encoding with a larger margin (one-hot)"
        _, weights, reach = self.phase
        for count in sorted({len(weights), 4, 8, 16, 32}):
            if count < len(weights):
                continue
            chosen = choose_frequencies(count, reach)
            found = condition(np.array([float(f) for f in chosen]), np.ones(count), reach)
            if found.margin > 2 * ROUNDINGS * roundoff * 1.5 * count:
                listed = ", ".join(str(f) for f in chosen)
                figures = f"margin {found.margin:.3g}, kappa {found.kappa:.3g}"
                return f"frequencies = [{listed}] would do ({figures}); or give none and they are chosen"
        return "a wider float type (`dtype float32`), a shorter context, or one-hot positions"
