"""Our weights in a real HookedTransformer: the same activations under the same names, and the same ablations.

Needs transformer_lens below 4 (later versions have no HookedTransformer); skipped without it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import headspec

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lens = pytest.importorskip("transformer_lens")
pytestmark = [
    pytest.mark.skipif(not hasattr(lens, "HookedTransformer"), reason="this version has no HookedTransformer"),
    pytest.mark.filterwarnings("ignore"),
]

MODELS = {
    "induction": {},
    "induction_rotary": {},
    "copy_integers": {"n": 8},
    "parity_integers": {"n": 8},
    "mixture": {"n": 4},
}
OURS_ALONE = {"attn.hook_result"}  # TransformerLens has it behind a switch


def hooked(model: headspec.Model) -> Any:
    return model.transformer_lens("float32", "cpu")


def sampled(model: headspec.Model) -> torch.Tensor:
    language = model.program.sequences
    return torch.from_numpy(language.sample(np.random.default_rng(0), language.lengths()[-1], 6))


@pytest.mark.parametrize("name", MODELS)
def test_every_activation_is_the_same(name: str) -> None:
    model = headspec.compile(name, settings=MODELS[name])
    with torch.no_grad():
        logits, ours = model.torch("float32", "cpu").run_with_cache(sampled(model))
        found, theirs = hooked(model).run_with_cache(sampled(model))
    torch.testing.assert_close(found, logits, rtol=1e-5, atol=1e-4)
    shared = {place for place in ours if not any(place.endswith(extra) for extra in OURS_ALONE)}
    if name != "induction_rotary":
        assert shared <= set(theirs)  # under rotary positions there is no hook_pos_embed
    for place in shared & set(theirs):
        torch.testing.assert_close(theirs[place], ours[place], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_ablations_and_metrics_are_the_same(name: str) -> None:
    model = headspec.compile(name, settings=MODELS[name])
    other, heads = hooked(model), [head.name for head in model.program.heads]
    text = " ".join(model.program.tokens[i] for i in sampled(model)[0].tolist())
    edits: list[dict[str, Any]] = [
        {"zero": heads[0]},
        {"zero": f"{heads[-1]}: key.position == 0", "renormalise": True},
        {"ideal": heads},
        {"patch": ["stream 1 at query.position < 3", f"{heads[-1]} at 3"], "source": text},
    ]
    for edit in edits:
        ours = headspec.ablate(model, samples=20, device="cpu", **edit)
        theirs = headspec.ablate(other, samples=20, spec=model, **edit)
        assert theirs.lengths == ours.lengths
        for found, wanted in zip(theirs.heads, ours.heads, strict=True):
            assert found.after.to_json() == pytest.approx(wanted.after.to_json(), abs=1e-5)


def test_a_verification_of_a_hooked_transformer_is_that_of_the_module() -> None:
    model = headspec.compile("induction")
    report = headspec.verify(hooked(model), spec=model, samples=10)
    assert report.holds and report.sequences == headspec.verify(model, device="cpu", samples=10).sequences
    broken = hooked(model)
    with torch.no_grad():
        broken.blocks[0].attn.W_Q.zero_()
    assert not headspec.verify(broken, spec=model, samples=10).holds


def test_float_types_and_refusals() -> None:
    assert headspec.compile("previous_token").transformer_lens("bfloat16", "cpu").W_E.dtype == torch.bfloat16
    with pytest.raises(headspec.SpecError, match="E0618"):
        headspec.compile("previous_token_alibi").transformer_lens("float32", "cpu")
