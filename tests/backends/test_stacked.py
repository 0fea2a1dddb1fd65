"""Weights of all layers in one tensor, under TransformerLens' names."""

from __future__ import annotations

import pytest
import torch

import headspec
from headspec.commands.starter import starter_spec

SMALL = starter_spec("small").replace("a..z", "a..c").replace("context 32", "context 8").replace("{1,31}", "{1,7}")


def test_stacks_have_the_weights_of_every_layer() -> None:
    module = headspec.compile(SMALL).torch(device="cpu")
    for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"):
        stack = getattr(module, name)
        assert stack.shape[:2] == (2, 1)
        for layer, block in enumerate(module.blocks):
            assert torch.equal(stack[layer], getattr(block.attn, name))
    assert module.b_O.shape == (2, module.sizes.d_model)
    assert torch.equal(module.W_E[module.sizes.tokens.index("a")], module.embed.W_E[0])
    assert module.W_pos.shape == (8, module.sizes.d_model) and module.W_U.shape == (module.sizes.d_model, 4)
    assert torch.equal(module.b_U, module.unembed.b_U)
    with pytest.raises(AttributeError):
        assert module.W_in is not None


def test_neurons_stack_too() -> None:
    module = headspec.compile("parity_integers", settings={"n": 8}).torch(device="cpu")
    assert module.W_in.shape == (2, module.sizes.d_model, module.sizes.d_mlp)
    assert torch.equal(module.W_out[1], module.blocks[1].mlp.W_out)
    assert torch.equal(module.b_in[1], module.blocks[1].mlp.b_in) and module.b_out.shape == (2, module.sizes.d_model)
