"""How far a model in a float type may be from the float64 oracle."""

from __future__ import annotations

import numpy as np
import torch

from backends.lowering import Lowered
from backends.numpy_model import Run

UNIT = {name: torch.finfo(getattr(torch, name)).eps / 2 for name in ("float64", "float32", "float16", "bfloat16")}


def tolerance(lowered: Lowered, run: Run, dtype: str) -> float:
    """First order in the unit roundoff u: a logit sums |x||W_U|; x has passed L layers; a score of size s that is off
    by u s moves the pattern by a share of 2 u s; every dot product and every rounding on the way adds a few u."""
    largest = max(float(np.abs(r).max()) for r in run.residuals)
    score = max([float(np.abs(s[np.isfinite(s)]).max()) for s in run.scores] + [0.0])
    scale = largest * float(np.abs(lowered.W_U).sum(axis=0).max()) + float(np.abs(lowered.b_U).max())
    terms = 8 * (1 + lowered.n_layers)
    return UNIT[dtype] * terms * (1 + score) * max(1.0, scale)


def tokens_for(lowered: Lowered, batch: int = 3, seed: int = 0, length: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, lowered.d_vocab, (batch, length or lowered.n_ctx))
