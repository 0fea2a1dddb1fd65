"""One layer's MLP, with TransformerLens' parameter and hook names.

In: the residual stream after the heads (B, n, D).  Out: what the neurons add to it (B, n, D).  Not for: whole models
(``torch_model``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backends.attention import Recorder
from backends.config import Config
from compiler.program import Activation

ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "reglu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}
"""gelu is the exact one, z (1 + erf(z / sqrt 2)) / 2; reglu is relu of its gate."""


class Mlp(nn.Module):
    """m(x) = act(x W_in + b_in) W_out + b_out; gated: (relu(x W_gate + b_gate) * (x W_in + b_in)) W_out + b_out.

    W_in, W_gate : (D, d_mlp); b_in, b_gate : (d_mlp,); W_out : (d_mlp, D); b_out : (D,).  Hooks: ``hook_pre`` what the
    activation is applied to (TransformerLens: the gate, where there is one), ``hook_pre_linear`` the other factor of a
    gated MLP, ``hook_post`` what W_out reads; all (B, n, d_mlp).  TransformerLens has no b_gate, and adds b_in behind
    the product: its gated MLPs are these where both are zero."""

    W_in: nn.Parameter
    b_in: nn.Parameter
    W_out: nn.Parameter
    b_out: nn.Parameter

    def __init__(self, config: Config, layer: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        assert config.activation is not None, "a model without neurons has no Mlp"
        self.prefix, self.act, self.gated = f"blocks.{layer}.mlp.", ACTIVATIONS[config.activation], config.gated
        for name, shape in config.mlp_shapes().items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape, dtype=dtype, device=device)))

    def forward(self, x: Tensor, record: Recorder) -> Tensor:
        flat = x.flatten(0, 1)
        linear = torch.addmm(self.b_in, flat, self.W_in)
        pre = self._gate(flat) if self.gated else linear
        pre = self._keep("hook_pre", pre, x, record)
        post = self.act(pre)
        if self.gated:
            post = post * self._keep("hook_pre_linear", linear, x, record)
        post = self._keep("hook_post", post, x, record)
        return torch.addmm(self.b_out, post, self.W_out).view(x.shape)

    def _gate(self, flat: Tensor) -> Tensor:
        weight, bias = self._parameters["W_gate"], self._parameters["b_gate"]
        assert weight is not None and bias is not None
        return torch.addmm(bias, flat, weight)

    def _keep(self, name: str, value: Tensor, x: Tensor, record: Recorder) -> Tensor:
        """value (B n, d_mlp), which hooks see as (B, n, d_mlp)."""
        return record.keep(self.prefix + name, value.view(*x.shape[:2], -1)).flatten(0, 1)
