"""Holding attention patterns against what they should be: arrays in, figures out.

In: patterns (batch, query, key) and, for each query, the keys that should take the attention or the exact
shares.  Out: ``Tally``: masses, worst case, counts.  Not for: where the expectation comes from
(``verification``).

A row p over keys, with right keys S and mass m, is right when
    sum of p over S >= m,   |p_k - 1/|S|| <= 1 - m for k in S,   p >= 0,   |sum p - 1| <= rounding;
with shares t that its lines give, when |p_k - t_k| <= (1 - m) t_k instead;
with given shares t (soft heads) when the total variation, half the sum of |p - t|, is at most 1 - m.
Anything that is not a number, or any weight on a key after the query, makes a row wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]
Places = NDArray[np.intp]

Each = Literal["alike", "itself", "free"]
"""What every right key has to have: its share within 1 - m; within 1 - m of itself; anything, if the sum is right."""

CHUNK = 1 << 18  # entries judged at a time, so that they stay in cache
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

    def add(
        self,
        tokens: NDArray[Any],
        pattern: NDArray[Any],
        expected: Floats,
        judged: Masks,
        *,
        soft: bool,
        each: Each = "alike",
    ) -> None:
        """Judge the rows marked by ``judged`` (batch, query) of ``pattern`` against ``expected`` shares."""
        batch, query = np.nonzero(judged)
        size = max(1, CHUNK // pattern.shape[-1])
        for start in range(0, len(batch), size):
            part = (batch[start : start + size], query[start : start + size])
            rows, shares = pattern[part].astype(np.float64), expected[part]
            figures = judge_rows(rows, shares, part[1], self.mass, self.rounding, soft=soft, each=each)
            self._add_rows(tokens, part, rows, shares, figures)

    def _add_rows(
        self, tokens: NDArray[Any], places: tuple[Places, Places], rows: Floats, shares: Floats, figures: RowFigures
    ) -> None:
        self.checked += len(rows)
        self.wrong += int((~(figures.slack >= 0)).sum())
        self.agreed += int(figures.agreed.sum())
        self.total_mass += float(figures.mass.sum())
        self.min_mass = min(self.min_mass, float(figures.mass.min()))
        self.max_tv = max(self.max_tv, float(figures.tv.max()))
        index = int(figures.slack.argmin())
        slack = float(figures.slack[index])
        if self.worst is None or slack < self.worst.slack:
            batch, query = (int(axis[index]) for axis in places)
            sequence = tuple(int(t) for t in tokens[batch])
            row, wanted = tuple(rows[index].tolist()), tuple(shares[index].tolist())
            self.worst = Worst(sequence, query, row, wanted, slack, float(figures.mass[index]))

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


def judge_rows(
    rows: Floats,
    expected: Floats,
    queries: Places,
    mass: float,
    rounding: float,
    *,
    soft: bool,
    each: Each = "alike",
) -> RowFigures:
    """Figures of ``rows`` (count, key), which stand at ``queries`` (count,), against ``expected`` shares of the same
    shape; the rule stands above."""
    valid = _valid(rows, queries, rounding)
    if not valid.all():
        rows = np.where(np.isfinite(rows), rows, 0.0)
    error = np.abs(rows - expected)
    tv = 0.5 * error.sum(axis=-1)
    most = expected.max(axis=-1)
    if soft:
        on = np.minimum(rows, expected).sum(axis=-1)
        slack, least = (1 - mass) - tv, most - (1 - mass)
    else:
        right = expected > 0
        on = np.einsum("qk,qk->q", rows, right)
        slack = on - mass
        if each != "free":
            off = error * right if each == "alike" else error / np.where(right, expected, np.inf)
            slack = np.minimum(slack, (1 - mass) - off.max(axis=-1))
        least = most
    top = rows.argmax(axis=-1)
    agreed = np.take_along_axis(expected, top[:, None], axis=-1)[:, 0] >= least
    return RowFigures(
        np.where(valid, on, 0.0), np.where(valid, tv, 1.0), agreed & valid, np.where(valid, slack, -np.inf)
    )


def _valid(rows: Floats, queries: Places, rounding: float) -> Masks:
    """Rows that are distributions up to rounding, with nothing at all on keys after their query."""
    with np.errstate(invalid="ignore"):
        summed = np.abs(rows.sum(axis=-1) - 1.0) <= rounding  # false where a NaN or an infinity is
        positive = rows.min(axis=-1) >= -rounding
        later = (rows != 0) & (np.arange(rows.shape[-1]) > queries[:, None])
    valid: Masks = summed & positive & ~later.any(axis=-1)
    return valid


def equal_shares(support: Masks) -> Floats:
    """1/|S| on the keys of S, zero elsewhere; an empty S gives zeros.  Shape kept."""
    count = support.sum(axis=-1, keepdims=True)
    shares: Floats = support / np.maximum(count, 1)
    return shares
