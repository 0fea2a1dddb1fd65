"""The weights of all layers and heads in one tensor each, under TransformerLens' names.

In: a module with ``embed``, ``pos_embed``, ``blocks`` and ``unembed``.  Out: its parameters, stacked.  Not for:
changing them (a stack is a copy; ``module.blocks[0].attn.W_Q`` is the parameter).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StackedWeights(nn.Module):
    """L layers, H heads, D = d_model, d = d_head, V = d_vocab; weights stand on the right: q = x W_Q + b_Q.

    W_Q, W_K, W_V (L, H, D, d); W_O (L, H, d, D); b_Q, b_K, b_V (L, H, d); b_O (L, D); of MLPs W_in (L, D, d_mlp),
    W_out (L, d_mlp, D), b_in, b_out (AttributeError without MLPs); W_E (V, D), W_pos (n_ctx, D),
    W_U (D, V), b_U (V)."""

    embed: nn.Module
    pos_embed: nn.Module
    unembed: nn.Module
    blocks: nn.ModuleList

    def _stack(self, part: str, name: str) -> Tensor:
        return torch.stack([getattr(getattr(block, part), name) for block in self.blocks])

    @property
    def W_Q(self) -> Tensor:
        return self._stack("attn", "W_Q")

    @property
    def W_K(self) -> Tensor:
        return self._stack("attn", "W_K")

    @property
    def W_V(self) -> Tensor:
        return self._stack("attn", "W_V")

    @property
    def W_O(self) -> Tensor:
        return self._stack("attn", "W_O")

    @property
    def b_Q(self) -> Tensor:
        return self._stack("attn", "b_Q")

    @property
    def b_K(self) -> Tensor:
        return self._stack("attn", "b_K")

    @property
    def b_V(self) -> Tensor:
        return self._stack("attn", "b_V")

    @property
    def b_O(self) -> Tensor:
        return self._stack("attn", "b_O")

    @property
    def W_in(self) -> Tensor:
        return self._stack("mlp", "W_in")

    @property
    def b_in(self) -> Tensor:
        return self._stack("mlp", "b_in")

    @property
    def W_out(self) -> Tensor:
        return self._stack("mlp", "W_out")

    @property
    def b_out(self) -> Tensor:
        return self._stack("mlp", "b_out")

    @property
    def W_E(self) -> Tensor:
        return _tensor(self.embed.W_E)

    @property
    def W_pos(self) -> Tensor:
        return _tensor(self.pos_embed.W_pos)

    @property
    def W_U(self) -> Tensor:
        return _tensor(self.unembed.W_U)

    @property
    def b_U(self) -> Tensor:
        return _tensor(self.unembed.b_U)


def _tensor(parameter: Tensor | nn.Module) -> Tensor:
    assert isinstance(parameter, Tensor)
    return parameter
