"""The public face: compile, look, run, save, verify; and damaged weights are noticed."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import headspec
from headspec.commands.starter import starter_spec
from headspec.devices import ObservedNumpy, choose_device, observe_torch
from headspec.verification.comparing import verify_model

SMALL = starter_spec("small").replace("a..z", "a..c").replace("context 32", "context 8").replace("{1,31}", "{1,7}")


@pytest.fixture(scope="module")
def model() -> headspec.Model:
    return headspec.compile(SMALL)


def test_a_model_runs(model: headspec.Model) -> None:
    result = model.run("<bos> a b c a")
    assert result.prediction == "b" and result.valid and result.margin > 0.9
    assert result.pattern("induction")[4].argmax() == 2
    assert result.pattern("L0H0")[3].argmax() == 2
    assert "L1H0 induction" in str(result) and "<svg" in result._repr_html_()
    assert not model.run("a <bos>").valid
    with pytest.raises(KeyError, match="'nobody'; there is previous, induction"):
        result.pattern("nobody")


def test_a_model_shows_its_matrices(model: headspec.Model) -> None:
    assert "down the diagonal" in model.show("W_V", "previous") or "content.a" in model.show("W_V", "previous")
    weights = model.weights.head("previous")
    assert model.matrix("QK", "previous") == weights.W_Q.T @ weights.W_K
    assert model.sympy("W_O", "induction").shape == (model.program.width, model.weights.head("induction").d_head)
    with pytest.raises(headspec.SpecError):
        model.matrix("W_Q")  # of which head?
    with pytest.raises(headspec.SpecError, match="did you mean `W_Q`"):
        model.show("w_q")


def test_show_without_a_head_shows_all(model: headspec.Model) -> None:
    assert model.show("W_Q") == "\n\n".join(model.show("W_Q", head) for head in ("previous", "induction"))
    assert model.show("W_V, W_O", "L0H0") == "\n\n".join(model.show(name, "previous") for name in ("W_V", "W_O"))
    assert model.show("W_E").startswith("W_E  (")
    assert repr(model.show()) == str(model.show())  # a prompt shows it as it is


def test_what_a_prompt_and_a_notebook_show(model: headspec.Model) -> None:
    assert "induction" in repr(model) and "small" in model._repr_html_()
    assert "attend key.before == query.content" in model._repr_html_()
    assert repr(model.run("<bos> a b a")).startswith("<headspec run of 4 tokens, predicts 'b' by ")
    report = headspec.verify(model, device="cpu", samples=5)
    assert "small: holds" in repr(report)
    assert report._repr_html_().startswith("<pre>small: holds") and "&lt;bos&gt;" in report._repr_html_()
    with pytest.raises(headspec.SpecError):
        headspec.verify(model, device="cpu", samples=0)


def test_packaged_specs_compile_by_name_and_settings_are_exact() -> None:
    model = headspec.compile("induction", settings={"n": Fraction(12)})
    assert model.program.context == 12
    assert headspec.compile("library/induction", dtype="bfloat16").program.dtype == "bfloat16"
    with pytest.raises(headspec.SpecError):
        headspec.compile("induction", dtype="int8")


def test_torch_and_numpy_both_hold(model: headspec.Model) -> None:
    result = headspec.verify(model, device="cpu")
    assert result.holds and result.complete and result.dtype == "float32"
    assert verify_model(model.program, ObservedNumpy(model.numpy()), samples=50).holds


def test_a_saved_model_is_the_same(model: headspec.Model, tmp_path: Path) -> None:
    loaded = headspec.load(model.save(tmp_path / "saved"), device="cpu")
    tokens = np.array([[3, 0, 1, 2, 0]])
    with torch.inference_mode():
        assert torch.equal(loaded.model(tokens), model.torch(device="cpu")(tokens))


@pytest.mark.parametrize("name", ["W_Q", "W_K", "W_V", "W_O"])
@pytest.mark.parametrize("layer", [0, 1])
def test_damaged_weights_are_noticed(model: headspec.Model, name: str, layer: int) -> None:
    """Turning a matrix round and halving it changes what the model does, and the verification says so."""
    module = model.torch(device="cpu")
    weight = dict(module.named_parameters())[f"blocks.{layer}.attn.{name}"]
    with torch.no_grad():
        weight.mul_(-0.5)
    result = verify_model(model.program, observe_torch(module), samples=200)
    assert not result.holds


def test_an_unknown_device_is_a_diagnostic() -> None:
    assert choose_device("cpu") == "cpu" and choose_device("auto") in ("cpu", "cuda")
    for word in ("tpu9", "cuda:99"):
        with pytest.raises(headspec.SpecError) as caught:
            choose_device(word)
        assert caught.value.diagnostics[0].code == "E0608"


def test_public_names_are_lazy_and_complete() -> None:
    assert all(getattr(headspec, name) is not None for name in headspec.__all__)
    assert set(dir(headspec)) == set(headspec.__all__)
    with pytest.raises(AttributeError):
        headspec.nonsense  # noqa: B018


def test_a_mistake_says_what_was_set() -> None:
    with pytest.raises(headspec.SpecError, match="with n = 0, set from outside the spec") as caught:
        headspec.compile("systems/multiplication/direct", settings={"n": 0})
    assert str(caught.value).count("set from outside") == 1 < len(caught.value.diagnostics)
    with pytest.raises(headspec.SpecError) as without:
        headspec.compile("model m\ntokens a..z\nsubspace s : onehot(3..1)\n")
    assert "set from outside" not in str(without.value)


# ------------------------------------------------------------------ in a notebook


def test_tokens_and_texts(model: headspec.Model) -> None:
    ids = model.to_tokens("<bos> a b c a")
    assert ids.shape == (1, 5) and model.to_text(ids) == "<bos> a b c a"
    logits, _ = model.torch(device="cpu").run_with_cache(ids)
    assert model.to_text(logits[0, -1].argmax()) == "b"
    with pytest.raises(headspec.SpecError, match="E0607"):
        model.to_tokens("<bos> q")


def test_a_module_changed_by_hand_is_held_against_its_spec(model: headspec.Model) -> None:
    module = model.torch(device="cpu")
    assert headspec.verify(module, spec=model, samples=10).holds
    assert headspec.verify(module, spec=SMALL, samples=10).holds
    with torch.no_grad():
        module.blocks[1].attn.W_K.zero_()
    report = headspec.verify(module, spec=model, samples=10)
    assert not report.holds and [head.holds for head in report.heads] == [True, False]
    with pytest.raises(headspec.SpecError, match="E0647"):
        headspec.verify(module)
    with pytest.raises(headspec.SpecError, match="E0647"):
        headspec.verify(3)


def test_results_are_drawn_into_files(model: headspec.Model, tmp_path: Path) -> None:
    found = headspec.plot(model.run("<bos> a b c a"), tmp_path / "run.svg", title="a title")
    assert "a title" in found.read_text() and "induction" in found.read_text()
    tree = headspec.attention_tree(model, "guess", "<bos> a b c a", device="cpu")
    assert headspec.plot(tree, tmp_path / "tree.html").read_text().startswith("<!")
    with pytest.raises(headspec.SpecError, match="E0608"):
        headspec.plot(tree, tmp_path / "tree.pdf")


def test_what_a_prompt_shows_is_short(model: headspec.Model, tmp_path: Path) -> None:
    loaded = headspec.load(model.save(tmp_path / "saved"), device="cpu")
    shown = [repr(model.weights), repr(model.lowered), repr(loaded)]
    assert all("small" in text and len(text) < 200 for text in shown)


@pytest.mark.skipif(find_spec("transformer_lens") is not None, reason="transformer_lens is here")
def test_without_transformer_lens_it_is_said_what_to_install(model: headspec.Model) -> None:
    with pytest.raises(headspec.SpecError, match="E0609.*which is not installed"):
        model.transformer_lens()
