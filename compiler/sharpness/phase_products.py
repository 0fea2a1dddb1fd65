"""Kernels of phases that an MLP added up: every frequency comes out scaled by how far apart the two phases were.

In: the kernel that exact phases would have, and what the MLP does to them.  Out: the kernel that holds.  Not for: the
neurons (``compiler.mlp.phases``).

The query shows g_j (cos, sin) in place of (cos, sin), 0 <= g_j <= 1, and some harmonics.  What fits and what does not
are scaled alike, so without `rest` only differences count: the least over all g of sum w_j g_j (1 - cos alpha_j d),
less the harmonics.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.mlp.phases import PhaseProduct
from compiler.sharpness.profiles import Kernel


def scaled_kernel(kernel: Kernel, product: PhaseProduct, *, at_query: bool, rests: bool) -> Kernel:
    """``at_query``: the query (and not the key) is such a sum; ``rests``: rest keys need the score itself."""
    assert kernel.phase is not None
    frequencies, weights, reach = (np.array(kernel.phase[0]), np.array(kernel.phase[1]), kernel.phase[2])
    margins = product.margins(frequencies, weights, reach)
    low, high = product.gains(frequencies, weights)
    blur = kernel.fit_high - kernel.fit_low
    least = float(margins[1:].min())
    if not kernel.full:  # an empty key scores 0
        least = min(least, low)
    if at_query and not rests:
        profile = None if kernel.profile is None else replace(kernel.profile, margins=margins)
        bounds = replace(kernel, fit_low=-blur, fit_high=0.0, miss_low=-2 * high - blur, miss_high=blur - least)
        return replace(bounds, profile=profile)
    missed = max(0.0, product.highest(frequencies, weights, reach))
    bounds = replace(kernel, fit_low=low - blur, fit_high=high, miss_low=-high - blur, miss_high=missed + blur)
    return replace(bounds, profile=None, unique=kernel.unique and at_query)
