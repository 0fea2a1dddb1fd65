"""How far the scores of a head can be off in a float type: one bound for every input.

In: ``Lowered``, a head, a float type, and how sharp the heads are.  Out: a bound on |float score - exact score|.

x is a sum of embeddings and of what earlier heads moved; every entry of x, W x and q . k is a sum of products, and a
sum of m rounded products is off by at most gamma_m = m u / (1 - m u) times the sum of absolute values (Higham 2002,
3.1), in any order.  Queries and keys are rounded to the float type (unit u), sums are taken in float32 or better (unit
v).  Eight roundings to the type stand between an entry and a score: of W_E, W_pos, x, W_Q and W_K, q and k, and the
scale.  An earlier head whose scores are off by d shifts its weights by a factor of at most e^(2d).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from backends.lowered import Lowered, LoweredHead

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
ROUNDINGS = 8

Array = npt.NDArray[np.float64]


def score_error(lowered: Lowered, name: str, dtype: str, factors: Mapping[str, float]) -> float:
    """A bound on the error of every score of head ``name`` whose W_Q is multiplied by its factor."""
    wanted = next(head for head in lowered.heads if head.name == name)
    size = np.abs(lowered.W_E).max(axis=0) + np.abs(lowered.W_pos).max(axis=0)
    relative = _relative(lowered, dtype)
    for layer in range(wanted.layer):
        moved = np.zeros_like(size)
        off = 0.0
        for head in lowered.layer(layer):
            error = _largest_score(lowered, head, size) * factors.get(head.name, 1.0) * 2 * relative
            off = max(off, math.expm1(min(2 * error, 600.0)))
            moved += np.abs(head.W_O) @ (np.abs(head.W_V) @ size + np.abs(head.b_V))
        size = size + moved
        relative = relative + off + _relative(lowered, dtype)
    return _largest_score(lowered, wanted, size) * factors.get(name, 1.0) * (2 * relative + relative**2)


def _relative(lowered: Lowered, dtype: str) -> float:
    u = UNIT[dtype]
    v = u if dtype == "float64" else UNIT["float32"]
    terms = 2 * lowered.d_model + lowered.d_head + lowered.n_ctx + 16
    return ROUNDINGS * u + terms * v / (1 - terms * v)


def _largest_score(lowered: Lowered, head: LoweredHead, size: Array) -> float:
    """sum_i (|W_Q| |x|)_i (|W_K| |x|)_i / sqrt(d_head): no score, and no part of one, is larger.

    Rotary positions turn pairs of rows; a turned row is at most the sum of both."""
    query = np.abs(head.W_Q) @ size + np.abs(head.b_Q)
    key = np.abs(head.W_K) @ size + np.abs(head.b_K)
    turned = 4.0 if lowered.program.positions is not None else 1.0
    return float(turned * (query @ key) / math.sqrt(lowered.d_head) + abs(head.slope) * lowered.n_ctx)


def mass_in_floats(mass: float, error: float, length: int, dtype: str) -> float:
    """The least mass when all scores are off by at most ``error``: its odds fall by at most e^(2 error)."""
    v = UNIT["float64"] if dtype == "float64" else UNIT["float32"]
    if mass <= 0 or error > 300:
        return 0.0
    odds = (1 - mass) / mass * math.exp(2 * error)
    return 1 / (1 + odds) - (length + 8) * v - (UNIT[dtype] if dtype in ("float16", "bfloat16") else 0.0)
