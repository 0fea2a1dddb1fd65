"""The float64 oracle: a plain transformer, one head after the other, then the layer's MLP.

In: ``Lowered`` and token ids.  Out: logits, attention patterns, scores, residual streams, what the neurons say.
Not for: speed.  It shares no code with ``torch_model``, so that each can convict the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import numpy.typing as npt

from backends.lowered import Lowered, LoweredHead, LoweredMlp
from backends.rounding import Array
from compiler.program import Activation, Alibi, Rotary


@dataclass(frozen=True, eq=False)
class Run:
    """What one pass computes: logits (B, n, V); per layer, patterns and scores (B, H, n, n), scores -inf above the
    diagonal; residuals (B, n, D) before the first layer and after each; middles (B, n, D) between the heads of each
    layer and its MLP; neurons (B, n, d_mlp) of each layer, after the activation (d_mlp 0 for a layer without MLP)."""

    logits: Array
    patterns: list[Array]
    scores: list[Array]
    residuals: list[Array]
    middles: list[Array]
    neurons: list[Array]


class NumpyModel:
    """x_0 = W_E[t] + W_pos;  y_l = x_l + sum_h A_h x_l (W_O W_V)^T;
    x_{l+1} = y_l + act(y_l W_in^T + b_in) W_out^T + b_out;  logits = x_L W_U + b_U."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered

    def forward(self, tokens: npt.ArrayLike) -> Run:
        """tokens (B, n), n <= n_ctx -> Run."""
        m, ids = self.lowered, np.asarray(tokens)
        residuals = [m.W_E[ids] + m.W_pos[: ids.shape[1]]]
        patterns, scores, middles, neurons = [], [], [], []
        for layer in range(m.n_layers):
            x = residuals[-1]
            shape = (len(ids), m.n_heads, ids.shape[1], ids.shape[1])
            layer_scores = np.where(np.tri(ids.shape[1], dtype=bool), np.zeros(shape), -np.inf)
            added = np.zeros_like(x)
            for head in m.layer(layer):
                layer_scores[:, head.index] = self.head_scores(head, x)
                added += softmax(layer_scores[:, head.index]) @ (x @ head.W_V.T + head.b_V) @ head.W_O.T
            scores.append(layer_scores)
            patterns.append(softmax(layer_scores))
            middles.append(x + added)
            hidden, moved = mlp_outputs(m.mlp(layer), middles[-1])
            neurons.append(hidden)
            residuals.append(middles[-1] + moved)
        return Run(residuals[-1] @ m.W_U + m.b_U, patterns, scores, residuals, middles, neurons)

    def head_scores(self, head: LoweredHead, x: Array) -> Array:
        """(W_Q x_q + b_Q) . (W_K x_k + b_K) / sqrt(d_head), -inf for k > q; rotated, or biased, as positions say."""
        q, k = x @ head.W_Q.T + head.b_Q, x @ head.W_K.T + head.b_K
        positions = np.arange(x.shape[1])
        scheme = self.lowered.program.positions
        if isinstance(scheme, Rotary):
            q, k = rotate(q, positions, scheme), rotate(k, positions, scheme)
        scores = np.einsum("bqd,bkd->bqk", q, k) / np.sqrt(self.lowered.d_head)
        distance = positions[:, None] - positions[None, :]
        if isinstance(scheme, Alibi):
            scores = scores - head.slope * distance
        masked: Array = np.where(distance >= 0, scores, -np.inf)
        return masked


def mlp_outputs(mlp: LoweredMlp | None, x: Array) -> tuple[Array, Array]:
    """x (B, n, D) -> the neurons after the activation (B, n, d_mlp), and what they add to x."""
    if mlp is None:
        return np.zeros((*x.shape[:2], 0)), np.zeros_like(x)
    pre = x @ mlp.W_in.T + mlp.b_in
    if mlp.W_gate is not None and mlp.b_gate is not None:
        hidden = activate("relu", x @ mlp.W_gate.T + mlp.b_gate) * pre
    else:
        hidden = activate(mlp.activation, pre)
    return hidden, hidden @ mlp.W_out.T + mlp.b_out


def activate(activation: Activation, z: Array) -> Array:
    """relu z+, gelu z (1 + erf(z / sqrt 2)) / 2, silu z / (1 + e^-z); reglu is relu of its gate."""
    match activation:
        case "relu" | "reglu":
            return np.maximum(z, 0.0)
        case "gelu":
            halves = np.frompyfunc(lambda x: (1 + math.erf(x / math.sqrt(2))) / 2, 1, 1)
            share: Array = np.asarray(halves(z)).astype(np.float64)
            return z * share
        case "silu":
            small = np.exp(-np.abs(z))
            shares: Array = np.where(z >= 0, 1.0, small) / (1 + small)
            return z * shares
    assert_never(activation)


def rotate(x: Array, positions: npt.NDArray[np.int64], rotary: Rotary) -> Array:
    """Pair p of each row, as a complex number, times exp(i position base^(-2p/dims)); the rest unchanged."""
    dims, pairs = rotary.dims, np.arange(rotary.dims // 2)
    first, second = (pairs, pairs + dims // 2) if rotary.layout == "half" else (2 * pairs, 2 * pairs + 1)
    angles = positions[:, None] * float(rotary.base) ** (-2.0 * pairs / dims)
    turned = (x[..., first] + 1j * x[..., second]) * np.exp(1j * angles)
    out = x.copy()
    out[..., first], out[..., second] = turned.real, turned.imag
    return out


def softmax(scores: Array) -> Array:
    """Along the last axis; -inf gives 0."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    normal: Array = weights / weights.sum(axis=-1, keepdims=True)
    return normal
