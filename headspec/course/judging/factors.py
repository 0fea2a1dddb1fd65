"""By which factor the scores of a head would have to be multiplied.

In: the ``Evidence`` of what a head does on every valid sequence.  Out: the least factor that is enough, or that none
is.  Not for: whether a factor is free to choose (``bench``), or enough in floats (``rounding``).
"""

from __future__ import annotations

from headspec.course.judging.evidence import TIE, Evidence, Row
from headspec.course.judging.rounding import UNIT


def least_factor(evidence: Evidence, mass: float, tie: float = 0.0) -> float | None:
    """The least factor > 0 on the scores at which every row has ``mass`` on its right keys; None if there is none, or
    some margin is at most ``tie``.

    Above a positive margin every mass rises with the factor: the factor of the worst row is found by bisection, and
    again for the row that is worst then, until none is left."""
    margin, _ = evidence.least_margin()
    if margin <= tie:
        return None
    factor = 2.0**-40 / (evidence.spread or 1.0)
    for _ in range(200):
        worst = evidence.worst(factor)
        if worst.mass >= mass:
            return factor
        factor = max(_factor_of_row(worst.row, mass), factor * (1 + 1e-12))
    return None


def tie_width(evidence: Evidence, dtype: str) -> float:
    """Margins up to this count as ties: the float type cannot tell such scores apart at any temperature."""
    return max(TIE, 4 * UNIT[dtype]) * evidence.spread


def _factor_of_row(row: Row, mass: float) -> float:
    low, high = 0.0, 1.0
    while row.mass(high) < mass and high < 2.0**60:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if row.mass(middle) >= mass else (middle, high)
    return high
