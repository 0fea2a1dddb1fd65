"""Hooks that change activations: an activation set to zero is a weight set to zero, wherever there is such a weight."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from backends.attention import HookPoint
from backends.lowered import Lowered
from backends.torch_model import TorchModel
from compiler.program import Rotary
from tests.backends.comparing import tokens_for
from tests.backends.handmade import previous_token_and_induction, random_lowered

ROTARY = random_lowered(5, Rotary(Fraction(10), 2, "pairs"), "relu", 3)
GATED = random_lowered(7, None, "reglu", 3)

WEIGHTS = {
    "hook_embed": ("embed.W_E",),
    "hook_pos_embed": ("pos_embed.W_pos",),
    "blocks.0.hook_resid_pre": ("embed.W_E", "pos_embed.W_pos"),
    "blocks.1.attn.hook_q": ("blocks.1.attn.W_Q", "blocks.1.attn.b_Q"),
    "blocks.1.attn.hook_rot_q": ("blocks.1.attn.W_Q", "blocks.1.attn.b_Q"),
    "blocks.1.attn.hook_k": ("blocks.1.attn.W_K", "blocks.1.attn.b_K"),
    "blocks.1.attn.hook_rot_k": ("blocks.1.attn.W_K", "blocks.1.attn.b_K"),
    "blocks.1.attn.hook_v": ("blocks.1.attn.W_V", "blocks.1.attn.b_V"),
    "blocks.0.attn.hook_pattern": ("blocks.0.attn.W_V", "blocks.0.attn.b_V"),
    "blocks.1.attn.hook_z": ("blocks.1.attn.W_O",),
    "blocks.1.attn.hook_result": ("blocks.1.attn.W_O",),
    "blocks.0.hook_attn_out": ("blocks.0.attn.W_O", "blocks.0.attn.b_O"),
    "blocks.0.mlp.hook_pre": ("blocks.0.mlp.W_in", "blocks.0.mlp.b_in"),
    "blocks.0.mlp.hook_post": ("blocks.0.mlp.W_out",),
    "blocks.0.hook_mlp_out": ("blocks.0.mlp.W_out", "blocks.0.mlp.b_out"),
    "blocks.2.hook_resid_post": ("unembed.W_U",),
}
"""Activation -> the weights without which it is zero, or without which it counts for nothing."""


def zero(value: Tensor, hook: HookPoint) -> Tensor:
    return torch.zeros_like(value)


def without(lowered: Lowered, names: tuple[str, ...]) -> TorchModel:
    model = TorchModel.from_lowered(lowered, "float64")
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in names:
            parameters[name].zero_()
    return model


@pytest.mark.parametrize("name", WEIGHTS)
def test_an_activation_of_zero_is_a_weight_of_zero(name: str) -> None:
    ids = tokens_for(ROTARY)
    model = TorchModel.from_lowered(ROTARY, "float64")
    with torch.inference_mode():
        found = model.run_with_hooks(ids, [(name, zero)])
        torch.testing.assert_close(found, without(ROTARY, WEIGHTS[name])(ids))
        assert not torch.allclose(found, model(ids))


def test_the_linear_factor_of_a_gated_mlp() -> None:
    ids = tokens_for(GATED)
    model = TorchModel.from_lowered(GATED, "float64")
    for name, weights in (("hook_pre", ("W_gate", "b_gate")), ("hook_pre_linear", ("W_in", "b_in"))):
        found = model.run_with_hooks(ids, [(f"blocks.0.mlp.{name}", zero)])
        torch.testing.assert_close(found, without(GATED, tuple(f"blocks.0.mlp.{w}" for w in weights))(ids))


@pytest.mark.parametrize("point", ["blocks.0.hook_resid_pre", "blocks.1.hook_resid_mid", "blocks.2.hook_resid_post"])
def test_the_whole_stream_of_another_text_is_that_text(point: str) -> None:
    ids, others = tokens_for(ROTARY, seed=1), tokens_for(ROTARY, seed=2)
    model = TorchModel.from_lowered(ROTARY, "float64")
    expected, cache = model.run_with_cache(others)
    found = model.run_with_hooks(ids, [(point, lambda value, hook: cache[hook.name])])
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, model(ids))


def test_scores_that_are_equal_give_the_mean() -> None:
    ids = tokens_for(ROTARY)
    model = TorchModel.from_lowered(ROTARY, "float64")

    def level(value: Tensor, hook: HookPoint) -> Tensor:
        return torch.where(torch.isfinite(value), 0.0, value)

    found = model.run_with_hooks(ids, [("blocks.0.attn.hook_attn_scores", level)])
    expected = without(ROTARY, ("blocks.0.attn.W_Q", "blocks.0.attn.b_Q"))(ids)
    torch.testing.assert_close(found, expected)


def test_a_hook_that_returns_nothing_looks_and_changes_nothing() -> None:
    lowered = previous_token_and_induction()
    ids = tokens_for(lowered)
    model = TorchModel.from_lowered(lowered, "float64")
    seen: list[str] = []

    def look(value: Tensor, hook: HookPoint) -> None:
        seen.append(hook.name)

    found = model.run_with_hooks(ids, [(lambda name: name.endswith("hook_pattern"), look)])
    assert seen == ["blocks.0.attn.hook_pattern", "blocks.1.attn.hook_pattern"]
    torch.testing.assert_close(found, model(ids))
    assert torch.equal(model.run_with_hooks(ids), model(ids))


def test_hooks_of_one_point_follow_each_other() -> None:
    lowered = previous_token_and_induction()
    ids = np.array([[0, 1, 2, 1]])
    model = TorchModel.from_lowered(lowered, "float64")
    point = "blocks.1.hook_resid_post"
    found = model.run_with_hooks(ids, [(point, lambda x, hook: x * 2), (point, lambda x, hook: x + 1)])
    (stream,) = model.run_with_cache(ids, point)[1].values()
    torch.testing.assert_close(found, (stream * 2 + 1) @ model.unembed.W_U + model.unembed.b_U)


def test_a_point_that_there_is_not_is_refused() -> None:
    model = TorchModel.from_lowered(previous_token_and_induction())
    with pytest.raises(KeyError, match="hook_mlp_out"):
        model.run_with_hooks([[0, 1]], [("blocks.0.hook_mlp_out", zero)])
