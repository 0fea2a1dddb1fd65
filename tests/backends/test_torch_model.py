"""The torch module against the NumPy oracle, and against itself by its other ways through."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.attention import KVCache, RotaryTables
from backends.config import Config
from backends.lowered import Lowered, LoweredMlp
from backends.mlp import ACTIVATIONS
from backends.numpy_model import NumpyModel, activate, mlp_outputs, rotate
from backends.torch_model import TorchModel
from compiler.program import Activation, Alibi, Rotary
from dsl.diagnostics import SpecError
from tests.backends.comparing import tokens_for, tolerance
from tests.backends.handmade import (
    TOKENS,
    alibi_recent,
    previous_token_and_induction,
    random_lowered,
    rotary_previous,
    running_parity,
)

MODELS = {
    "induction": previous_token_and_induction(),
    "rotary half": rotary_previous("half"),
    "rotary pairs": rotary_previous("pairs"),
    "alibi": alibi_recent(),
    "random": random_lowered(3),
    "random alibi": random_lowered(4, Alibi()),
    "random rotary": random_lowered(5, Rotary(Fraction(10), 2, "pairs")),
    "parity": running_parity(),
    "random relu": random_lowered(6, None, "relu", 3),
    "random reglu rotary": random_lowered(7, Rotary(Fraction(10), 2, "half"), "reglu", 3),
    "random gelu": random_lowered(8, None, "gelu", 2),
    "random silu alibi": random_lowered(9, Alibi(), "silu", 1),
}
DTYPES = ("float64", "float32", "bfloat16", "float16")
models = pytest.mark.parametrize("lowered", MODELS.values(), ids=MODELS.keys())


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


# ------------------------------------------------------------------ the oracle


def test_the_induction_model_says_what_followed_last_time() -> None:
    ids = [[TOKENS.index(t) for t in ("<bos>", "a", "b", "c", "a")]]
    run = NumpyModel(MODELS["induction"]).forward(ids)
    assert TOKENS[run.logits[0, -1].argmax()] == "b"
    assert run.patterns[0][0, 0, 4, 3] > 0.999
    assert run.patterns[1][0, 0, 4, 2] > 0.999


@pytest.mark.parametrize("layout", ["half", "pairs"])
def test_a_rotary_head_finds_the_previous_position(layout: Literal["half", "pairs"]) -> None:
    pattern = NumpyModel(rotary_previous(layout)).forward([[0, 1, 2, 3, 4]]).patterns[0][0, 0]
    assert all(pattern[q, q - 1] > 0.99 for q in range(1, 5))


def test_alibi_patterns_are_geometric() -> None:
    run = NumpyModel(alibi_recent((0.5, 2.0))).forward([[0, 1, 2]])
    expected = np.exp([-1.0, -0.5, 0.0])
    np.testing.assert_allclose(run.patterns[0][0, 0, 2], expected / expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(run.scores[0][0, 1, 2], [-4.0, -2.0, 0.0], rtol=1e-12)


@pytest.mark.parametrize("ones", range(13))
def test_the_sawtooth_says_the_parity(ones: int) -> None:
    ids = np.random.default_rng(ones).permutation([1] * ones + [0] * (12 - ones))
    run = NumpyModel(MODELS["parity"]).forward([ids])
    assert run.residuals[-1][0, -1, 3] == pytest.approx(ones % 2, abs=1e-9)
    assert run.logits[0, -1].argmax() == ones % 2


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
def test_activations_are_those_of_the_literature(activation: Activation) -> None:
    z = np.array([-800.0, -30.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 40.0, 800.0])
    with mpmath.workdps(40):
        exact = {
            "relu": lambda x: x if x > 0 else 0,
            "gelu": lambda x: x * mpmath.ncdf(x),
            "silu": lambda x: x / (1 + mpmath.exp(-x)),
        }[activation]
        expected = [float(exact(mpmath.mpf(x))) for x in z]
    np.testing.assert_allclose(activate(activation, z), expected, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(ACTIVATIONS[activation](torch.from_numpy(z)).numpy(), expected, rtol=1e-15, atol=1e-15)


def test_a_gate_multiplies() -> None:
    one, two = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    mlp = LoweredMlp(0, "reglu", two, np.array([5.0]), np.array([[0.0], [1.0]]), np.zeros(2), one, np.array([-1.0]))
    hidden, moved = mlp_outputs(mlp, np.array([[[3.0, 10.0], [0.0, 10.0]]]))
    assert hidden.tolist() == [[[2.0 * 25.0], [0.0]]]
    assert moved.tolist() == [[[0.0, 50.0], [0.0, 0.0]]]


# ------------------------------------------------------------------ torch against the oracle


@models
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gradients", [False, True], ids=["fused", "separate"])
def test_logits_are_the_oracles(lowered: Lowered, dtype: str, gradients: bool) -> None:
    ids = tokens_for(lowered)
    run = NumpyModel(lowered).forward(ids)
    model = TorchModel.from_lowered(lowered, dtype)
    with torch.set_grad_enabled(gradients):
        logits = model(ids)
    assert logits.dtype == getattr(torch, dtype)
    assert np.abs(as_numpy(logits) - run.logits).max() <= tolerance(lowered, run, dtype)


@models
@pytest.mark.parametrize("dtype", DTYPES)
def test_patterns_scores_and_residuals_are_the_oracles(lowered: Lowered, dtype: str) -> None:
    ids = tokens_for(lowered)
    run = NumpyModel(lowered).forward(ids)
    model = TorchModel.from_lowered(lowered, dtype)
    with torch.no_grad():
        logits, cache = model.run_with_cache(ids)
        plain = model(ids)
    limit = tolerance(lowered, run, dtype)
    for layer in range(lowered.n_layers):
        block = f"blocks.{layer}."
        pattern, scores = cache[block + "attn.hook_pattern"], cache[block + "attn.hook_attn_scores"]
        assert pattern.dtype == scores.dtype == (torch.float64 if dtype == "float64" else torch.float32)
        assert np.abs(as_numpy(pattern) - run.patterns[layer]).max() <= limit
        visible = np.tri(ids.shape[1], dtype=bool)
        assert np.isneginf(as_numpy(scores)[..., ~visible]).all()
        difference = as_numpy(scores)[..., visible] - run.scores[layer][..., visible]
        assert np.abs(difference).max() <= limit
        assert np.abs(as_numpy(cache[block + "hook_resid_pre"]) - run.residuals[layer]).max() <= limit
        assert np.abs(as_numpy(cache[block + "hook_resid_post"]) - run.residuals[layer + 1]).max() <= limit
        if lowered.mlps:
            assert np.abs(as_numpy(cache[block + "hook_resid_mid"]) - run.middles[layer]).max() <= limit
            post, own = as_numpy(cache[block + "mlp.hook_post"]), run.neurons[layer].shape[-1]
            assert np.abs(post[..., :own] - run.neurons[layer]).max(initial=0) <= limit
    assert np.abs(as_numpy(logits) - as_numpy(plain)).max() <= limit


SCHEMES = [None, Alibi(), Rotary(Fraction(100), 2, "half"), Rotary(Fraction(7, 2), 4, "pairs")]


ACTIVATED: list[Activation | None] = [None, "relu", "reglu", "gelu", "silu"]


@given(
    seed=st.integers(0, 10**6),
    scheme=st.sampled_from(SCHEMES),
    activation=st.sampled_from(ACTIVATED),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_law_torch_is_numpy(
    seed: int, scheme: Rotary | Alibi | None, activation: Activation | None, dtype: str
) -> None:
    lowered = random_lowered(seed, scheme, activation)
    ids = tokens_for(lowered, seed=seed)
    run = NumpyModel(lowered).forward(ids)
    with torch.no_grad():
        logits = TorchModel.from_lowered(lowered, dtype)(ids)
    assert np.abs(as_numpy(logits) - run.logits).max() <= tolerance(lowered, run, dtype)


@given(seed=st.integers(0, 10**6), activation=st.sampled_from(ACTIVATED))
def test_law_in_float64_they_agree_to_twelve_digits(seed: int, activation: Activation | None) -> None:
    lowered = random_lowered(seed, None, activation)
    ids = tokens_for(lowered, seed=seed)
    run = NumpyModel(lowered).forward(ids)
    with torch.no_grad():
        logits = as_numpy(TorchModel.from_lowered(lowered, "float64")(ids))
    assert np.abs(logits - run.logits).max() <= 1e-12 * max(1.0, np.abs(run.logits).max())


@pytest.mark.parametrize("name", ["W_in", "b_in", "W_out", "b_out", "W_gate", "b_gate"])
def test_the_comparison_notices_a_wrong_neuron(name: str) -> None:
    lowered = MODELS["random reglu rotary"]
    ids = tokens_for(lowered)
    run = NumpyModel(lowered).forward(ids)
    model = TorchModel.from_lowered(lowered, "float64")
    with torch.no_grad():
        getattr(model.blocks[0].mlp, name).add_(1e-9)
        assert np.abs(as_numpy(model(ids)) - run.logits).max() > 1e-12 * np.abs(run.logits).max()


@pytest.mark.parametrize("name", ["W_Q", "W_K", "W_V", "W_O", "b_Q", "b_V", "b_O"])
def test_the_comparison_notices_a_wrong_entry(name: str) -> None:
    """A check nobody has seen fail is no check: one entry of the first layer, off by a millionth."""
    lowered = MODELS["random rotary"]
    ids = tokens_for(lowered)
    run = NumpyModel(lowered).forward(ids)
    model = TorchModel.from_lowered(lowered, "float64")
    with torch.no_grad():
        getattr(model.blocks[0].attn, name).flatten(-1)[..., 0] += 1e-6
        assert np.abs(as_numpy(model(ids)) - run.logits).max() > tolerance(lowered, run, "float64")


def test_a_layer_may_lack_heads() -> None:
    lowered = MODELS["random"]
    full = {(layer, index) for layer in range(lowered.n_layers) for index in range(lowered.n_heads)}
    (missing,) = full - {(h.layer, h.index) for h in lowered.heads}
    state = TorchModel.from_lowered(lowered).state_dict()
    assert not state[f"blocks.{missing[0]}.attn.W_V"][missing[1]].any()


# ------------------------------------------------------------------ rotary tables


@pytest.mark.parametrize("layout", ["half", "pairs"])
def test_rotary_is_the_direct_formula(layout: Literal["half", "pairs"]) -> None:
    """Pair p turned by the angle m base^(-2p/dims), entry by entry; entries from ``dims`` on stay."""
    rotary, rng = Rotary(Fraction(50), 6, layout), np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 5, 8))
    expected = x.copy()
    for m in range(5):
        for p in range(3):
            i, j = (p, p + 3) if layout == "half" else (2 * p, 2 * p + 1)
            angle = m * 50 ** (-2 * p / 6)
            expected[:, :, m, i] = x[:, :, m, i] * np.cos(angle) - x[:, :, m, j] * np.sin(angle)
            expected[:, :, m, j] = x[:, :, m, i] * np.sin(angle) + x[:, :, m, j] * np.cos(angle)
    turned = RotaryTables(rotary, 5)(torch.from_numpy(x), 0)
    np.testing.assert_allclose(turned.numpy(), expected, atol=1e-14)
    np.testing.assert_allclose(rotate(x, np.arange(5), rotary), expected, atol=1e-14)


def test_rotary_tables_keep_their_precision_at_large_positions() -> None:
    tables = RotaryTables(Rotary(Fraction(10000), 2, "half"), 4096)
    turned = tables(torch.tensor([[[[1.0, 0.0]]]]), 4095)
    assert abs(float(turned[..., 0]) - np.cos(4095.0)) < 2**-24


# ------------------------------------------------------------------ hooks


def test_hook_names_and_shapes() -> None:
    lowered = MODELS["random rotary"]
    ids = tokens_for(lowered, batch=2)
    model = TorchModel.from_lowered(lowered)
    _, cache = model.run_with_cache(ids)
    (batch, n), heads, head, width = ids.shape, lowered.n_heads, lowered.d_head, lowered.d_model
    stream, per_head, square = (batch, n, width), (batch, n, heads, head), (batch, heads, n, n)
    shapes = {"hook_embed": stream, "hook_pos_embed": stream}
    for layer in range(lowered.n_layers):
        block, attn = f"blocks.{layer}.", f"blocks.{layer}.attn."
        shapes |= {block + name: stream for name in ("hook_resid_pre", "hook_attn_out", "hook_resid_post")}
        shapes |= {attn + "hook_" + name: per_head for name in ("q", "k", "v", "z", "rot_q", "rot_k")}
        shapes |= {attn + "hook_attn_scores": square, attn + "hook_pattern": square}
        shapes[attn + "hook_result"] = (batch, n, heads, width)
    assert {name: tuple(value.shape) for name, value in cache.items()} == shapes


@pytest.mark.parametrize("name", ["random relu", "random reglu rotary"])
def test_hooks_of_an_mlp(name: str) -> None:
    lowered = MODELS[name]
    ids = tokens_for(lowered, batch=2)
    _, cache = TorchModel.from_lowered(lowered, "float64").run_with_cache(ids)
    stream, neurons = (*ids.shape, lowered.d_model), (*ids.shape, lowered.d_mlp)
    gate = {"mlp.hook_pre_linear": neurons} if name == "random reglu rotary" else {}
    expected = {"hook_resid_mid": stream, "hook_mlp_out": stream, "mlp.hook_pre": neurons, "mlp.hook_post": neurons}
    for layer in range(lowered.n_layers):
        block = f"blocks.{layer}."
        found = {n.removeprefix(block): tuple(v.shape) for n, v in cache.items() if n.startswith(block)}
        assert {n: s for n, s in found.items() if "mlp" in n or "mid" in n} == expected | gate
        middle = cache[block + "hook_resid_pre"] + cache[block + "hook_attn_out"]
        torch.testing.assert_close(cache[block + "hook_resid_mid"], middle)
        torch.testing.assert_close(cache[block + "hook_resid_post"], middle + cache[block + "hook_mlp_out"])
        post = cache[block + "mlp.hook_pre"].relu() * cache.get(block + "mlp.hook_pre_linear", torch.ones(1))
        torch.testing.assert_close(cache[block + "mlp.hook_post"], post)


def test_a_layer_may_lack_neurons() -> None:
    lowered = MODELS["random relu"]
    state = TorchModel.from_lowered(lowered).state_dict()
    assert [mlp.layer for mlp in lowered.mlps] == [0, 2] and lowered.mlps[0].d_mlp != lowered.mlps[1].d_mlp
    assert all(not state[f"blocks.1.mlp.{name}"].any() for name in ("W_in", "b_in", "W_out", "b_out"))
    smaller = min(lowered.mlps, key=lambda mlp: mlp.d_mlp)
    assert not state[f"blocks.{smaller.layer}.mlp.W_out"][smaller.d_mlp :].any()


def test_an_mlp_without_neurons_still_has_its_bias() -> None:
    plain = MODELS["random"]
    width = plain.d_model
    none = LoweredMlp(0, "relu", np.zeros((0, width)), np.zeros(0), np.zeros((width, 0)), np.arange(width) / 8)
    lowered = replace(plain, mlps=(none,))
    ids = tokens_for(lowered)
    with torch.no_grad():
        logits = as_numpy(TorchModel.from_lowered(lowered, "float64")(ids))
    expected = NumpyModel(lowered).forward(ids).logits
    assert not np.allclose(expected, NumpyModel(plain).forward(ids).logits)
    np.testing.assert_allclose(logits, expected, atol=1e-12)


def test_only_what_is_asked_for_is_kept() -> None:
    model = TorchModel.from_lowered(MODELS["induction"])
    ids = tokens_for(MODELS["induction"])
    assert set(model.run_with_cache(ids, names=["blocks.1.attn.hook_pattern"])[1]) == {"blocks.1.attn.hook_pattern"}
    assert set(model.run_with_cache(ids, names="hook_embed")[1]) == {"hook_embed"}
    kept = model.run_with_cache(ids, names=lambda name: name.endswith("hook_z"))[1]
    assert set(kept) == {"blocks.0.attn.hook_z", "blocks.1.attn.hook_z"}


@models
def test_head_results_add_up_to_the_layer(lowered: Lowered) -> None:
    model = TorchModel.from_lowered(lowered, "float64")
    _, cache = model.run_with_cache(tokens_for(lowered))
    for layer in range(lowered.n_layers):
        total = cache[f"blocks.{layer}.attn.hook_result"].sum(dim=2)
        torch.testing.assert_close(total, cache[f"blocks.{layer}.hook_attn_out"])


# ------------------------------------------------------------------ the KV cache


@models
@pytest.mark.parametrize("steps", [(1,), (3, 1, 2), (2, 4)], ids=str)
def test_logits_with_a_cache_are_those_without(lowered: Lowered, steps: tuple[int, ...]) -> None:
    ids = torch.as_tensor(tokens_for(lowered))
    model = TorchModel.from_lowered(lowered, "float64")
    cache = KVCache(model.sizes, len(ids), ids.shape[1], model.dtype)
    parts, start, turn = [], 0, 0
    with torch.no_grad():
        while start < ids.shape[1]:
            stop = min(start + steps[turn % len(steps)], ids.shape[1])
            parts.append(model(ids[:, start:stop], cache))
            start, turn = stop, turn + 1
        torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), rtol=1e-12, atol=1e-12)


@models
@pytest.mark.parametrize("gradients", [False, True], ids=["fused", "separate"])
def test_logits_of_the_last_positions_alone(lowered: Lowered, gradients: bool) -> None:
    ids = torch.as_tensor(tokens_for(lowered))
    model = TorchModel.from_lowered(lowered, "float64")
    with torch.set_grad_enabled(gradients):
        whole = model(ids)
        for since in range(ids.shape[1]):
            torch.testing.assert_close(model.logits_since(ids, since), whole[:, since:], rtol=1e-12, atol=1e-12)
    for since in (-1, ids.shape[1]):
        with pytest.raises(ValueError):
            model.logits_since(ids, since)


@models
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_generation_is_repeated_argmax(lowered: Lowered, dtype: str) -> None:
    model = TorchModel.from_lowered(lowered, dtype)
    if lowered.n_ctx < 2:
        pytest.skip("no room to generate")
    ids = torch.as_tensor(tokens_for(lowered, length=max(1, lowered.n_ctx // 2)))
    slow = ids
    with torch.no_grad():
        while slow.shape[1] < lowered.n_ctx:
            slow = torch.cat([slow, model(slow)[:, -1].argmax(-1, keepdim=True)], dim=1)
    assert torch.equal(model.generate(ids, lowered.n_ctx - ids.shape[1]), slow)


def test_generation_stops_each_sequence_by_itself() -> None:
    model = TorchModel.from_lowered(MODELS["induction"])
    bos, a, b, c, d = range(5)
    prompts = [[bos, a, b, c, a], [bos, a, d, c, a]]
    assert model.generate(prompts, 3).tolist() == [[bos, a, b, c, a, b, c, a], [bos, a, d, c, a, d, c, a]]
    assert model.generate(prompts, 3, stop=b).tolist() == [[bos, a, b, c, a, b, b, b], [bos, a, d, c, a, d, c, a]]
    assert model.generate(prompts, 5, stop=[b, d]).shape == (2, 6)
    assert model.generate(prompts, 0).tolist() == prompts


@pytest.mark.parametrize("tokens", [[[0, 1, 5]], [[-1]], [0, 1], [[]], [[0.5]], [[True]], [[0] * 13]], ids=str)
def test_tokens_that_cannot_be_run_are_refused(tokens: object) -> None:
    with pytest.raises(SpecError) as error:
        TorchModel.from_lowered(MODELS["induction"])(tokens)
    assert [d.code for d in error.value.diagnostics] == ["E0509"]


def test_generation_ends_at_the_context() -> None:
    model = TorchModel.from_lowered(MODELS["induction"])
    assert model.generate([[0, 1]], 10).shape == (1, 12)
    with pytest.raises(SpecError, match="E0509"):
        model.generate([[0, 1]], 11)


# ------------------------------------------------------------------ a module like any other


def test_parameter_names_and_shapes_are_transformer_lens() -> None:
    lowered = MODELS["random alibi"]
    model = TorchModel.from_lowered(lowered)
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == Config.of(lowered).shapes()
    assert not {name for name, _ in model.named_parameters() if name.endswith("slopes")}


def test_the_config_round_trips_through_json() -> None:
    for lowered in MODELS.values():
        config = Config.of(lowered)
        assert Config.from_json(config.to_json()) == config


def test_a_model_of_attention_alone_says_so_and_others_say_what_they_have() -> None:
    assert "d_mlp" not in Config.of(MODELS["random"]).to_json()
    assert Config.of(MODELS["random"]).to_json()["attn_only"] is True
    found = Config.of(MODELS["random reglu rotary"]).to_json()
    lowered = MODELS["random reglu rotary"]
    assert (found["attn_only"], found["act_fn"], found["gated_mlp"]) == (False, "relu", True)
    assert found["d_mlp"] == lowered.d_mlp == max(mlp.d_mlp for mlp in lowered.mlps)


@pytest.mark.parametrize("name", ["random", "random gelu", "random reglu rotary"])
def test_every_parameter_has_a_gradient(name: str) -> None:
    model = TorchModel.from_lowered(MODELS[name], "float64")
    model(tokens_for(MODELS[name])).square().sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


def test_writing_into_a_parameter_is_seen_at_once() -> None:
    """The joint weight of q, k and v is a view: in-place steps, ``.data`` and loading never leave it stale."""
    lowered = MODELS["random"]
    ids = tokens_for(lowered)
    model, other = TorchModel.from_lowered(lowered), TorchModel.from_lowered(lowered)
    with torch.no_grad():
        before = model(ids)
        model.blocks[0].attn.W_V.data.zero_()
        assert not torch.equal(model(ids), before)
        model.load_state_dict(other.state_dict())
        assert torch.equal(model(ids), before)


def test_copies_and_casts_stay_fused() -> None:
    model = TorchModel.from_lowered(MODELS["random"])
    ids = tokens_for(MODELS["random"])
    with torch.no_grad():
        for other in (copy.deepcopy(model), model.to(torch.float64)):
            assert all(block.attn._packed() for block in other.blocks)
            assert other.blocks[0].attn.W_Q.is_leaf
            torch.testing.assert_close(other(ids).float(), model(ids).float())
        model.blocks[0].attn.W_Q = torch.nn.Parameter(model.blocks[0].attn.W_Q.clone())
        assert not model.blocks[0].attn._packed()
        torch.testing.assert_close(other(ids), model(ids))


def test_an_entry_beyond_the_float_type_is_refused() -> None:
    lowered = previous_token_and_induction(strength=1e5)
    TorchModel.from_lowered(lowered, "bfloat16")
    with pytest.raises(SpecError, match="E0508.*W_Q.*65504|E0508.*W_Q.*6.55e"):
        TorchModel.from_lowered(lowered, "float16")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@models
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_cuda_it_is_the_oracle_too(lowered: Lowered, dtype: str) -> None:
    ids = tokens_for(lowered)
    run = NumpyModel(lowered).forward(ids)
    model = TorchModel.from_lowered(lowered, dtype, device="cuda")
    limit = tolerance(lowered, run, dtype)
    with torch.no_grad():
        for logits in (model(ids), model(torch.as_tensor(ids, device="cuda")), model.run_with_cache(ids)[0]):
            assert logits.device.type == "cuda"
            assert np.abs(as_numpy(logits) - run.logits).max() <= limit
    assert model.generate(ids[:, :1], lowered.n_ctx - 1).device.type == "cuda"
