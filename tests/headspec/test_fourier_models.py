"""The Fourier analysis of models: compiled, saved, or any module with TransformerLens' names; and its command."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headspec
from dsl.diagnostics import SpecError
from headspec.cli import main
from headspec.spectra import inputs
from headspec.spectra.analysis import _examples
from headspec.spectra.drawing import render_fourier_plot
from headspec.spectra.drawing_svg import colours, write_png
from headspec.spectra.figures import Neurons
from headspec.spectra.transforms import embedding_spectrum, neuron_spectrum

Capture = pytest.CaptureFixture[str]

# (a + b) mod 13 by two of its six frequencies, 2 and 5.
SPEC = """\
model modular
tokens 0..12, "="
context 3
sequences (a: 0..12) (b: 0..12) "="

subspace number : phase(0..12, frequencies = [4*pi/13, 10*pi/13])
subspace x like number
subspace y like number
subspace sum like number
subspace where : onehot(positions)

embed token    -> number
embed position -> where

layer
  head first
    attend key.where == 0
    copy   key.number -> x
  head second
    attend key.where == 1
    copy   key.number -> y
  compute sum = x + y

predict sum
"""
FREQUENCIES = (2, 5)


@pytest.fixture(scope="module")
def model() -> headspec.Model:
    return headspec.compile(SPEC)


@pytest.fixture(scope="module")
def found(model: headspec.Model) -> headspec.Fourier:
    return headspec.fourier(model, device="cpu")


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "modular.head"
    path.write_text(SPEC, encoding="utf-8")
    return path


# ------------------------------------------------------------------ our models


def test_the_frequencies_of_the_spec_are_found(found: headspec.Fourier) -> None:
    assert found.tokens == tuple(map(str, range(13))) and found.prompt == "{a} {b} ="
    assert found.embedding.active == FREQUENCIES
    # unit circles over 13 tokens: cos and sin have norm sqrt(13/2) each
    assert np.allclose(found.embedding.magnitude[list(FREQUENCIES)], np.sqrt(13))
    assert np.isclose(found.embedding.share[list(FREQUENCIES)].sum(), 1)
    assert (found.singular.rank, found.singular.half, found.singular.ninety) == (4, 2, 4)
    assert found.logits is not None and found.logits.active == FREQUENCIES
    assert not found.notes


def test_every_neuron_is_of_one_frequency_of_the_spec(found: headspec.Fourier) -> None:
    assert found.neurons is not None
    spectra = found.neurons.spectra
    assert spectra.varying == len(spectra.key) > 0
    assert set(spectra.key.tolist()) == set(FREQUENCIES) == set(found.neurons.keys)
    assert all(key in active for key, active in zip(spectra.key, spectra.active, strict=True))


def test_operands_that_do_not_play_the_same_part() -> None:
    """(a + 3 b) mod 13: a neuron of frequency k along a has 3 k, or 13 less that, along b (as in x0 + 113 x1)."""
    text = SPEC.replace("subspace x like", "subspace high like number\nsubspace x like")
    text = text.replace("embed position", "embed 3*token mod 13 -> high\nembed position")
    text = text.replace("copy   key.number -> y", "copy   key.high -> y")
    found = headspec.fourier(headspec.compile(text), device="cpu").neurons
    assert found is not None and (found.spectra.pair_share > 0.85).all() and (found.spectra.share < 0.5).all()
    assert {tuple(pair) for pair in found.spectra.pair.tolist()} == {(2, 6), (5, 2)} and found.keys == (2, 5, 6)


def test_examples_are_the_strongest_of_their_frequency() -> None:
    p, sizes = 11, [(1, 2), (3, 2), (2, 4), (1, 4), (2, 2)]  # amplitude and frequency
    images = [size * np.cos(2 * np.pi * k * np.arange(p) / p)[:, None] * np.ones(p) for size, k in sizes]
    spectra = neuron_spectrum(np.stack(images, axis=2))
    assert _examples(spectra) == (1, 2) and Neurons(0, spectra, (), np.zeros(0)).keys == (2, 4)


def test_activations_are_those_of_the_model(model: headspec.Model, found: headspec.Fourier) -> None:
    assert found.neurons is not None and found.neurons.images.shape == (13, 13, 2)
    _, cache = model.torch(device="cpu").run_with_cache([[3, 11, 13]])
    seen = cache["blocks.0.mlp.hook_post"][0, -1].detach().numpy()
    assert np.allclose(found.neurons.images[3, 11], seen[list(found.neurons.examples)])
    assert not np.allclose(found.neurons.images[11, 4], seen[list(found.neurons.examples)])


def test_positions_are_those_of_the_operands(found: headspec.Fourier) -> None:
    """One-hot positions, two of d coordinates: the correlation of two unit vectors is -1 / (d - 1)."""
    assert found.positions is not None and found.positions.places == (0, 1)
    assert found.positions.correlation == pytest.approx(-1 / (found.width - 1))


def test_batches_do_not_show(model: headspec.Model, found: headspec.Fourier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headspec.spectra.analysis.BATCH", 200)
    again = headspec.fourier(model, device="cpu")
    assert found.neurons is not None and again.neurons is not None
    assert np.allclose(found.neurons.spectra.power, again.neurons.spectra.power, atol=1e-6)


def test_part_of_the_tokens_and_another_prompt(model: headspec.Model) -> None:
    found = headspec.fourier(model, tokens="4..10", prompt="{b} {a} =", sigmas=0.5, device="cpu")
    assert found.tokens == tuple(map(str, range(4, 11))) and found.embedding.sigmas == 0.5
    assert found.positions is not None and found.positions.places == (1, 0)
    assert np.allclose(found.positions.rows, model.lowered.W_pos[[1, 0]])
    assert found.neurons is not None and found.neurons.images.shape[:2] == (7, 7)
    order = [4, 2, 9, 0, 1]
    listed = headspec.fourier(model, tokens=[str(i) for i in order], device="cpu")
    assert listed.tokens == ("4", "2", "9", "0", "1")
    assert np.allclose(listed.embedding.cos, embedding_spectrum(model.lowered.W_E[order]).cos, atol=1e-5)


def test_a_saved_model_is_analysed_as_it_was_saved(
    model: headspec.Model, tmp_path: Path, found: headspec.Fourier
) -> None:
    loaded = headspec.load(model.save(tmp_path / "saved"), device="cpu")
    assert headspec.fourier(loaded).to_json() == found.to_json()


# ------------------------------------------------------------------ any module


class Foreign:
    """A module that has nothing but TransformerLens' names and call, and parameters of its own."""

    def __init__(self, module: Any, without: tuple[str, ...] = ()) -> None:
        self.module, self.without = module, without

    def parameters(self) -> Any:
        return self.module.parameters()

    def named_parameters(self) -> Any:
        return ((name, value) for name, value in self.module.named_parameters() if name not in self.without)

    def run_with_hooks(self, tokens: Any, fwd_hooks: Any) -> Any:
        return self.module.run_with_hooks(tokens, fwd_hooks=fwd_hooks)


def test_a_module_without_a_spec_has_ids_for_tokens(model: headspec.Model, found: headspec.Fourier) -> None:
    foreign = Foreign(model.torch(device="cpu"))
    alone = headspec.fourier(foreign, tokens="0..12", prompt="{a} {b} 13").to_json()
    assert alone.pop("model") == "Foreign" and alone.pop("prompt") == "{a} {b} 13"
    assert alone.items() <= found.to_json().items()
    with_spec = headspec.fourier(foreign, spec=SPEC)
    assert with_spec.to_json() == found.to_json()


def test_a_module_with_less_is_analysed_as_far_as_it_goes(model: headspec.Model) -> None:
    module = model.torch(device="cpu")
    bare = headspec.fourier(Foreign(module, ("pos_embed.W_pos", "unembed.W_U")), tokens="0..12", prompt="{a} {b} 13")
    assert bare.positions is None and bare.logits is None and bare.neurons is not None and len(bare.notes) == 2
    attention = headspec.fourier(Foreign(module, ("blocks.0.mlp.W_out",)), tokens="0..12", prompt="{a} {b} 13")
    assert attention.neurons is None and attention.logits is None and "no MLP" in attention.notes[0]


def test_logits_of_other_answers_are_not_taken_for_tokens(model: headspec.Model) -> None:
    """A module that answers with more than the spec's tokens: its columns are not those of the circle."""
    module = model.torch(device="cpu")
    module.unembed.W_U = torch.nn.Parameter(torch.cat([module.unembed.W_U] * 2, dim=1), requires_grad=False)
    module.unembed.b_U = torch.nn.Parameter(torch.cat([module.unembed.b_U] * 2), requires_grad=False)
    found = headspec.fourier(Foreign(module), spec=SPEC)
    assert found.logits is None and found.neurons is not None and "logits are left out" in found.notes[0]


def test_a_module_without_the_activation_is_refused(model: headspec.Model) -> None:
    class Deaf(Foreign):
        def run_with_hooks(self, tokens: Any, fwd_hooks: Any) -> Any:
            return self.module(tokens)

    for foreign, part in (
        (Deaf(model.torch(device="cpu")), "hook_post"),
        (Foreign(model.torch(device="cpu"), ("embed.W_E",)), "embed.W_E"),
    ):
        with pytest.raises(SpecError) as error:
            headspec.fourier(foreign, tokens="0..12", prompt="{a} {b} 13")
        assert error.value.diagnostics[0].code == "E0660" and part in str(error.value)


def test_a_model_of_attention_alone_has_an_embedding() -> None:
    found = headspec.fourier("induction", tokens="a..e", device="cpu")
    assert found.neurons is None and found.positions is None and len(found.notes) == 2
    assert found.embedding.p == 5 and "note: " in str(found)


# ------------------------------------------------------------------ what cannot be


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"tokens": "0..1"}, "2 tokens to go round"),
        ({"tokens": "0..13"}, "`13` is not a token"),
        ({"tokens": "1, 2, 1"}, "stands twice"),
        ({"tokens": "0..zz"}, "no range"),
        ({"tokens": "9..0"}, "0 tokens"),
        ({"prompt": "{a} ="}, "`{b}` stands 0 times"),
        ({"prompt": "{a} {b} {a}"}, "`{a}` stands 2 times"),
        ({"prompt": "{a} {b} ?"}, "`?` is not a token"),
        ({"prompt": "{a} {b} = ="}, "4 tokens, and the context 3"),
        ({"layer": 1}, "no neurons in layer 1"),
    ],
)
def test_mistakes_are_named(model: headspec.Model, options: dict[str, Any], part: str) -> None:
    with pytest.raises(SpecError) as error:
        headspec.fourier(model, device="cpu", **options)
    (found,) = error.value.diagnostics
    assert found.code == "E0660" and part in found.message and found.help


@pytest.mark.parametrize(("bound", "what"), [("inputs.MOST_PAIRS", "pairs"), ("inputs.MOST_TOKENS", "tokens")])
def test_sizes_are_bounded(model: headspec.Model, monkeypatch: pytest.MonkeyPatch, bound: str, what: str) -> None:
    monkeypatch.setattr(f"headspec.spectra.{bound}", 12)
    with pytest.raises(SpecError) as error:
        headspec.fourier(model, device="cpu")
    assert error.value.diagnostics[0].code == "E0320" and what in str(error.value)


def test_a_range_is_bounded_before_it_is_written_out() -> None:
    with pytest.raises(SpecError, match="E0320"):
        inputs.read_circle("0..999999999", None, 5)


@pytest.mark.parametrize(
    ("tokens", "part"),
    [((), "no token is a whole number"), (("0", "2", "3"), "gaps: 0, 2, 3"), (("7", "07", "8"), "2 tokens")],
)
def test_a_vocabulary_without_a_circle(tokens: tuple[str, ...], part: str) -> None:
    with pytest.raises(SpecError, match=part):
        inputs.read_circle(None, ("<bos>", *tokens), 9)


@pytest.mark.parametrize("pattern", ["(0..12){2,3}", '(0..11) (0..12) "="', '(0..12) "="'])
def test_a_prompt_is_not_guessed(pattern: str) -> None:
    program = headspec.compile(SPEC.replace('(a: 0..12) (b: 0..12) "="', pattern)).program
    assert inputs.derive_prompt(program.sequences, inputs.read_circle(None, program.tokens, 14)) is None


def test_a_prompt_ends_before_the_answer() -> None:
    text = SPEC.replace('(b: 0..12) "="', '"=" (b: 0..12) "=" (0..12)').replace("context 3", "context 5")
    program = headspec.compile(text).program
    derived = inputs.derive_prompt(program.sequences, inputs.read_circle(None, program.tokens, 14))
    assert derived is not None and derived.text == "{a} = {b} =" and derived.places == (0, 2)


@pytest.mark.parametrize(("n", "prompt"), [(1, "{a} * {b} ="), (2, None)])
def test_a_prompt_goes_on_to_what_is_written(n: int, prompt: str | None) -> None:
    """Two numbers of two digits are four operands: a0 and a1 are not those of anything."""
    model = headspec.compile("systems/multiplication/direct", settings={"n": n})
    found = headspec.fourier(model, device="cpu")
    assert found.prompt == prompt and (found.neurons is None) == (prompt is None)


# ------------------------------------------------------------------ shown


def test_pictures_are_whole(found: headspec.Fourier) -> None:
    root = ET.fromstring(render_fourier_plot(found, "svg"))
    kinds = [element.tag.rsplit("}")[-1] for element in root.iter()]
    examples = found.neurons and len(found.neurons.examples)
    assert kinds.count("image") == 2 * (examples or 0) + 2
    text = "".join(root.itertext())
    assert "embedding W_E" in text and "50 %" in text and "Pearson correlation" in text
    page = render_fourier_plot(found, "html").decode()
    assert "<script" not in page and "default-src 'none'" in page and "6 frequencies active" in page


def test_a_png_is_drawn_where_matplotlib_is_installed(found: headspec.Fourier) -> None:
    pytest.importorskip("matplotlib")
    assert render_fourier_plot(found, "png").startswith(b"\x89PNG")


def test_colours_and_their_png() -> None:
    pixels = colours(np.array([[0.0, 2.0], [-2.0, 1.0]]), signed=True)
    assert pixels[0, 0].tolist() == [241, 241, 238] and pixels[0, 1].tolist() == [8, 48, 107]
    assert pixels[1, 0].tolist() == [127, 39, 4] and colours(np.zeros((2, 3)), signed=False).shape == (2, 3, 3)
    data = write_png(pixels)
    import zlib

    assert data[16:24] == b"\0\0\0\2\0\0\0\2"
    start = data.index(b"IDAT") + 4
    lines = zlib.decompress(data[start : data.index(b"IEND") - 8])
    assert lines == b"\0" + pixels[0].tobytes() + b"\0" + pixels[1].tobytes()


def test_the_command_reports_and_draws(spec_file: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "modular.svg"
    assert main(["plot", str(spec_file), "--fourier", "--device", "cpu", "-o", str(target)]) == 0
    said = capsys.readouterr().out
    assert "2 of 6 frequencies active" in said and "169 prompts" in said and f"wrote {target}" in said
    assert target.read_bytes().startswith(b"<svg")


def test_the_command_speaks_json(spec_file: Path, capsys: Capture) -> None:
    assert main(["plot", str(spec_file), "--fourier", "--device", "cpu", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["embedding"]["active"] == list(FREQUENCIES) and said["neurons"]["keys"] == list(FREQUENCIES)
    assert len(said["neurons"]["each"]) == said["neurons"]["neurons"] and "written" not in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["0 1 =", "--fourier"], "takes no TEXT"),
        (["--fourier", "--generate", "2"], "takes no --generate"),
        (["0 1 =", "-o", "x.svg", "--tokens", "0..3"], "with --fourier"),
        (["-o", "x.svg"], "TEXT is missing"),
        (["0 1 ="], "-o FILE is missing"),
        (["--fourier", "-o", "x.pdf"], "is not a kind of plot"),
        (["--fourier", "--sigmas", "many"], "not a number from 0 to 100"),
        (["--fourier", "--layer", "-1"], "--layer"),
    ],
)
def test_options_that_do_not_go_together(spec_file: Path, capsys: Capture, words: list[str], part: str) -> None:
    assert main(["plot", str(spec_file), *words]) == 2
    said = capsys.readouterr().err
    assert "E0608" in said and part in said
