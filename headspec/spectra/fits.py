"""How much of some vectors over the circle a few frequencies hold: R^2 of least-squares fits.

In: rows x (m, p), whose p entries belong to the tokens of the circle in order, and frequencies.  Out: ``Fit``; which
frequencies words such as ``5,2,1`` name, SpecError E0660 where they are none.  Not for: where rows come from
(``analysis``).

Source: Bai et al. 2025 (arXiv 2510.00184), appendix B, table 1: digits 0 .. 9 in the basis of k = 0, 1, 2, 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dsl.diagnostics import Diagnostic, SpecError
from headspec.spectra.transforms import FLOOR, Floats, coefficients


@dataclass(frozen=True, eq=False)
class Fit:
    """Of m rows of one kind, ``varying`` of them not constant: after each of ``frequencies``, in this order, with all
    before it and the mean,

    median    of R^2 = 1 - |x - f|^2 / |x - mean x|^2 over the rows x that vary, f the least-squares fit to x,
    together  1 - sum |x - f|^2 / sum |x - mean x|^2, sums over all rows;

    None where no row varies.  The basis is orthogonal, so each frequency adds what it holds.  Of p - 1 dimensions
    without the mean a frequency has two (p/2 has one): vectors of noise have this part of them, and a straight line
    over 0 .. 9, which goes round nothing, has 0.84 for k = 1, 2, 5."""

    name: str
    rows: int
    varying: int
    frequencies: tuple[int, ...]
    median: tuple[float, ...] | None
    together: tuple[float, ...] | None

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "rows": self.rows,
            "varying": self.varying,
            "frequencies": list(self.frequencies),
            "median": None if self.median is None else list(self.median),
            "together": None if self.together is None else list(self.together),
        }


def fit_rows(name: str, rows: ArrayLike, frequencies: Sequence[int]) -> Fit:
    """The ``Fit`` of rows (m, p) by different frequencies from 1 to p // 2."""
    found = np.asarray(rows, dtype=np.float64)
    power = (coefficients(found.T) ** 2).sum(axis=0)  # (K, m)
    total = power[1:].sum(axis=0)
    kept = total > FLOOR**2 * float((found**2).sum())
    if not kept.any():
        return Fit(name, len(found), 0, tuple(frequencies), None, None)
    held: Floats = np.cumsum(power[list(frequencies)][:, kept], axis=0)
    median = np.median(held / total[kept], axis=1)
    together = held.sum(axis=1) / total[kept].sum()
    return Fit(name, len(found), int(kept.sum()), tuple(frequencies), tuple(median.tolist()), tuple(together.tolist()))


def read_frequencies(words: str | Sequence[int], p: int) -> tuple[int, ...]:
    """``5,2,1`` or a list as frequencies of p tokens, each once; SpecError E0660."""
    parts = [part.strip() for part in words.split(",")] if isinstance(words, str) else [str(k) for k in words]
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) <= 6 and 1 <= int(part) <= p // 2):
            raise _refused(f"`{part}` is no frequency of {p} tokens", f"frequencies are 1 to {p // 2}: --fit 2,1")
    found = tuple(int(part) for part in parts)
    if len(set(found)) < len(found):
        raise _refused("a frequency stands twice", "every frequency of --fit once")
    return found


def _refused(message: str, help: str) -> SpecError:
    return SpecError(Diagnostic("E0660", message, help=help))
