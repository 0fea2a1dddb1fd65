"""Holding attention patterns against what they should be: arrays in, figures out.

In: patterns (batch, query, key) and, for each query, the keys that should take the attention or the exact
shares.  Out: ``Tally``: masses, worst case, counts.  Not for: where the expectation comes from
(``verification``).

A row p over keys, with right keys S and mass m, is right when
    sum of p over S >= m,   |p_k - 1/|S|| <= 1 - m for k in S,   p >= 0,   |sum p - 1| <= rounding;
with given shares t (soft heads) when the total variation, half the sum of |p - t|, is at most 1 - m.
Anything that is not a number makes a row wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

ROUNDING = {"float64": 1e-9, "float32": 1e-4, "float16": 2e-2, "bfloat16": 6e-2}


@dataclass(frozen=True, slots=True)
class Worst:
    """One query of one sequence: its pattern row and what was expected there."""

    tokens: tuple[int, ...]
    query: int
    pattern: tuple[float, ...]
    expected: tuple[float, ...]
    slack: float
    mass: float


@dataclass
class Tally:
    """Running figures of one head (or of one ``expect`` line) over all batches.

    ``slack`` is the distance to the nearest limit; below zero (or not a number) the query is wrong."""

    mass: float
    rounding: float = ROUNDING["float32"]
    checked: int = 0
    wrong: int = 0
    agreed: int = 0
    total_mass: float = 0.0
    min_mass: float = 1.0
    max_tv: float = 0.0
    worst: Worst | None = field(default=None)

    def add(self, tokens: NDArray[Any], pattern: NDArray[Any], expected: Floats, judged: Masks, *, soft: bool) -> None:
        """Judge the rows marked by ``judged`` (batch, query) of ``pattern`` against ``expected`` shares."""
        if not judged.any():
            return
        rows, shares = pattern[judged].astype(np.float64, copy=False), expected[judged]
        figures = judge_rows(rows, shares, self.mass, self.rounding, soft=soft)
        self.checked += len(rows)
        self.wrong += int((~(figures.slack >= 0)).sum())
        self.agreed += int(figures.agreed.sum())
        self.total_mass += float(figures.mass.sum())
        self.min_mass = min(self.min_mass, float(figures.mass.min()))
        self.max_tv = max(self.max_tv, float(figures.tv.max()))
        self._keep_worst(tokens, judged, rows, shares, figures)

    def _keep_worst(
        self, tokens: NDArray[Any], judged: Masks, rows: Floats, shares: Floats, figures: RowFigures
    ) -> None:
        index = int(figures.slack.argmin())
        slack = float(figures.slack[index])
        if self.worst is not None and not slack < self.worst.slack:
            return
        batch, query = (int(axis[index]) for axis in np.nonzero(judged))
        self.worst = Worst(
            tuple(int(t) for t in tokens[batch]),
            query,
            tuple(rows[index].tolist()),
            tuple(shares[index].tolist()),
            slack,
            float(figures.mass[index]),
        )

    @property
    def mean_mass(self) -> float:
        return self.total_mass / self.checked if self.checked else 1.0

    @property
    def agreement(self) -> float:
        return self.agreed / self.checked if self.checked else 1.0

    @property
    def holds(self) -> bool:
        return self.wrong == 0


@dataclass(frozen=True, slots=True)
class RowFigures:
    """Per row: mass on what was expected, total variation, whether the largest weight is on a right key, slack."""

    mass: Floats
    tv: Floats
    agreed: Masks
    slack: Floats


def judge_rows(rows: Floats, expected: Floats, mass: float, rounding: float, *, soft: bool) -> RowFigures:
    """Figures of ``rows`` (count, key) against ``expected`` shares of the same shape; the rule stands above."""
    valid = _valid(rows, rounding)
    rows = np.where(np.isfinite(rows), rows, 0.0)
    error = np.abs(rows - expected)
    tv = 0.5 * error.sum(axis=-1)
    right = expected > 0
    if soft:
        on = np.minimum(rows, expected).sum(axis=-1)
        slack = (1 - mass) - tv
        least = expected.max(axis=-1) - (1 - mass)
    else:
        on = np.where(right, rows, 0.0).sum(axis=-1)
        slack = np.minimum(on - mass, (1 - mass) - np.where(right, error, 0.0).max(axis=-1))
        least = np.full(len(rows), np.nextafter(0, 1))
    top = rows.argmax(axis=-1)
    agreed = np.take_along_axis(expected, top[:, None], axis=-1)[:, 0] >= least
    return RowFigures(
        np.where(valid, on, 0.0), np.where(valid, tv, 1.0), agreed & valid, np.where(valid, slack, -np.inf)
    )


def _valid(rows: Floats, rounding: float) -> Masks:
    """Rows that are distributions, up to rounding; later keys than the query are judged by what they carry."""
    finite = np.isfinite(rows).all(axis=-1)
    with np.errstate(invalid="ignore"):
        summed = np.abs(rows.sum(axis=-1) - 1.0) <= rounding
        positive = (rows >= -rounding).all(axis=-1)
    valid: Masks = finite & summed & positive
    return valid


def equal_shares(support: Masks) -> Floats:
    """1/|S| on the keys of S, zero elsewhere; an empty S gives zeros.  Shape kept."""
    count = support.sum(axis=-1, keepdims=True)
    shares: Floats = support / np.maximum(count, 1)
    return shares
