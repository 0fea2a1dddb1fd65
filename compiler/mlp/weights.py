"""The MLP of one layer, exactly.

In: nothing (pure data).  Out: ``MlpWeights``.  Not for: building it (``building``) or floats (``backends.lowering``).
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.exact import Matrix
from compiler.program import Activation


@dataclass(frozen=True, slots=True)
class MlpWeights:
    """The MLP of one layer, exactly: x += W_out act(W_in x + b_in) + b_out.

    W_in, W_gate (d_mlp, d_model), b_in, b_gate (d_mlp, 1), W_out (d_model, d_mlp), b_out (d_model, 1); the gate only
    for gated activations.  ``labels[i]`` says what neuron i is for; ``notes`` the method chosen for each line."""

    layer: int
    activation: Activation
    W_in: Matrix
    b_in: Matrix
    W_out: Matrix
    b_out: Matrix
    W_gate: Matrix | None = None
    b_gate: Matrix | None = None
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
