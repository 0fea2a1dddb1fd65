"""How far a model in a float type may be from the float64 oracle."""

from __future__ import annotations

import numpy as np
import torch

from backends.lowered import Lowered
from backends.numpy_model import Run

UNIT = {name: torch.finfo(getattr(torch, name)).eps / 2 for name in ("float64", "float32", "float16", "bfloat16")}


def tolerance(lowered: Lowered, run: Run, dtype: str) -> float:
    """First order in the unit roundoff u: a logit sums |x||W_U|; x has passed L layers; a score of size s that is off
    by u s moves the pattern by a share of 2 u s; every dot product and every rounding on the way adds a few u; an MLP
    multiplies what is wrong in its input by at most its gain."""
    largest = max(float(np.abs(r).max()) for r in run.residuals)
    score = max([float(np.abs(s[np.isfinite(s)]).max()) for s in run.scores] + [0.0])
    scale = largest * float(np.abs(lowered.W_U).sum(axis=0).max()) + float(np.abs(lowered.b_U).max())
    terms = 8 * (1 + lowered.n_layers)
    gain = float(np.prod([1 + _gain(lowered, run, layer) for layer in range(lowered.n_layers)]))
    return UNIT[dtype] * terms * (1 + score) * max(1.0, scale) * gain


def _gain(lowered: Lowered, run: Run, layer: int) -> float:
    """A bound on the slope of a layer's MLP in the largest norm; a gated one multiplies by up to ``other``."""
    mlp = lowered.mlp(layer)
    if mlp is None:
        return 0.0
    slope = 1.2 * np.abs(mlp.W_out) @ np.abs(mlp.W_in)
    if mlp.W_gate is not None and mlp.b_gate is not None:
        x = run.middles[layer]
        other = max(float(np.abs(x @ w.T + b).max()) for w, b in ((mlp.W_in, mlp.b_in), (mlp.W_gate, mlp.b_gate)))
        slope = other * np.abs(mlp.W_out) @ (np.abs(mlp.W_in) + np.abs(mlp.W_gate))
    return float(slope.sum(axis=1).max())


def tokens_for(lowered: Lowered, batch: int = 3, seed: int = 0, length: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, lowered.d_vocab, (batch, length or lowered.n_ctx))
