"""One functional for several values: the sum of their vectors, which finds them where none is in another's way.

In: the vectors of all values that a key may show, and which of them are meant.  Out: ``Kernel``.  Not for: one value,
whose kernel falls off with the distance from it (``kernels``), or one-hots, which are never in one another's way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compiler.sharpness.frequencies import COSINE_ERROR
from compiler.sharpness.profiles import ROUNDINGS, Floats, Kernel


def kernel_of_several(
    vectors: Floats, fits: npt.NDArray[np.bool_], *, noise: float, full: bool, roundoff: float
) -> Kernel:
    """The scores of all values, reckoned: ``vectors`` (values, size), ``fits`` (values,), at least one of them.

    Values that fit differ, as each adds to the others what they are worth there.  ``noise``: the share of foreign
    values that a key may hold; ``full``: every key shows a value (one that shows nothing scores 0)."""
    scores = vectors @ vectors[fits].sum(axis=0)
    fit, miss = scores[fits], scores[~fits] if full else np.append(scores[~fits], 0.0)
    largest = float((vectors**2).sum(axis=1).max()) * int(fits.sum())
    blur = 2 * largest * (min(1.0, noise) + COSINE_ERROR)
    error = ROUNDINGS * roundoff * 1.5 * float(np.abs(vectors).sum(axis=1).max() ** 2) * int(fits.sum())
    return Kernel(
        fit_low=float(fit.min()) - blur,
        fit_high=float(fit.max()) + blur,
        miss_low=float(miss.min(initial=-largest)) - blur,
        miss_high=float(miss.max(initial=-largest)) + blur,
        error=error,
        flat=False,
    )
