"""Saved folders: equal bytes for equal content, a round trip, and no way in for a damaged or foreign file."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.files import model_folder, tensorfile
from backends.files.loading import load
from backends.files.model_folder import CONFIG, SPEC, TENSORS, TOKENS
from backends.files.saving import save
from backends.lowered import Lowered
from backends.torch_model import TorchModel
from compiler.encodings import OneHot, Subspace
from compiler.program import Alibi, Rotary
from dsl.diagnostics import SpecError
from tests.backends.comparing import tokens_for
from tests.backends.handmade import alibi_recent, previous_token_and_induction, random_lowered, rotary_previous

NAMES = {TENSORS, CONFIG, TOKENS, SPEC}
TEXT = "model handmade\n  # grüße\n"


def with_text(lowered: Lowered, text: str = TEXT) -> Lowered:
    content = Subspace("content", OneHot(("a", "b"), False), (0, 1), ("a", "b"))
    return replace(lowered, program=replace(lowered.program, text=text, subspaces=(content,)))


MODELS = {
    "induction": with_text(previous_token_and_induction()),
    "rotary": with_text(rotary_previous("pairs")),
    "alibi": with_text(alibi_recent()),
    "random": with_text(random_lowered(11, Rotary(Fraction(7, 2), 2, "half"))),
    "random alibi": with_text(random_lowered(12, Alibi())),
    "random relu": with_text(random_lowered(13, None, "relu", 3)),
    "random reglu": with_text(random_lowered(14, None, "reglu", 2)),
}
models = pytest.mark.parametrize("lowered", MODELS.values(), ids=MODELS.keys())


def codes(action: Callable[[], object]) -> list[str]:
    with pytest.raises(SpecError) as error:
        action()
    return [d.code for d in error.value.diagnostics]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lowered = MODELS["induction"]
    return save(lowered, lowered.program, tmp_path / "model", "bfloat16")


# ------------------------------------------------------------------ round trip


@models
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_saved_model_comes_back(tmp_path: Path, lowered: Lowered, dtype: str) -> None:
    model = TorchModel.from_lowered(lowered, dtype)
    found = load(save(lowered, lowered.program, tmp_path / "deep" / "model", dtype, settings={"beta": Fraction(3, 2)}))
    assert found.dtype == dtype and found.spec == TEXT and found.settings == {"beta": Fraction(3, 2)}
    assert found.subspaces["content"]["coordinates"] == [0, 1]
    assert found.model.config == model.config
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in found.model.state_dict().items())
    ids = tokens_for(lowered)
    assert torch.equal(found.model(ids), model(ids))


@models
def test_equal_content_gives_equal_bytes(tmp_path: Path, lowered: Lowered) -> None:
    program = lowered.program
    first = save(lowered, program, tmp_path / "a", "float32")
    second = save(TorchModel.from_lowered(lowered, "float32"), program, tmp_path / "b")
    third = save(TorchModel.from_lowered(lowered, "float64"), program, tmp_path / "c", "float32")
    for name in NAMES:
        assert (first / name).read_bytes() == (second / name).read_bytes() == (third / name).read_bytes()
    assert {path.name for path in first.iterdir()} == NAMES
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}


def test_a_folder_from_before_there_were_mlps_still_loads(tmp_path: Path) -> None:
    """And what is written for such a model has not changed by a byte."""
    old, lowered = Path(__file__).parent / "saved" / "attention_only", MODELS["induction"]
    found = load(old)
    assert found.config.d_mlp == 0 and found.config.activation is None
    ids = tokens_for(lowered)
    assert torch.equal(found.model(ids), TorchModel.from_lowered(lowered, "float16")(ids))
    again = save(lowered, lowered.program, tmp_path / "again", "float16", version="0.1.0")
    assert all((old / name).read_bytes() == (again / name).read_bytes() for name in NAMES)


def test_the_safetensors_library_reads_the_same(folder: Path) -> None:
    with safetensors.safe_open(folder / TENSORS, framework="pt") as file:
        metadata, names = file.metadata(), list(file.keys())
        ours = tensorfile.read(folder / TENSORS)
        assert metadata == ours.metadata
        assert set(names) == set(ours.tensors)
        assert all(torch.equal(file.get_tensor(name), ours.tensors[name]) for name in names)


def test_tensors_stand_at_multiples_of_their_entries_size(tmp_path: Path) -> None:
    path = save(MODELS["random alibi"], MODELS["random alibi"].program, tmp_path / "m", "float16") / TENSORS
    header, start = read_header(path.read_bytes())
    widths = {"F32": 4, "F16": 2}
    assert start % 8 == 0
    assert all(e["data_offsets"][0] % widths[e["dtype"]] == 0 for n, e in header.items() if n != "__metadata__")


def test_the_files_beside_say_the_same(folder: Path) -> None:
    described = json.loads((folder / CONFIG).read_text())
    assert described["format"] == "headspec" and described["dtype"] == "bfloat16" and described["d_vocab"] == 5
    assert json.loads((folder / TOKENS).read_text()) == {"<bos>": 0, "a": 1, "b": 2, "c": 3, "d": 4}
    assert (folder / SPEC).read_bytes() == TEXT.encode()


def test_the_tensor_file_is_enough(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((folder / TENSORS).read_bytes())
    assert load(alone).spec == TEXT


# ------------------------------------------------------------------ where to


def test_our_own_folder_is_replaced_and_a_foreign_one_is_not(folder: Path, tmp_path: Path) -> None:
    lowered = MODELS["rotary"]
    save(lowered, lowered.program, folder, "float32")
    assert load(folder).config.d_model == lowered.d_model
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter1.tex").write_text("years of work")
    assert codes(lambda: save(lowered, lowered.program, foreign)) == ["E0610"]
    assert {path.name for path in foreign.iterdir()} == {"chapter1.tex"}
    save(lowered, lowered.program, foreign, force=True)
    assert {path.name for path in foreign.iterdir()} == NAMES | {"chapter1.tex"}
    assert load(foreign).config.d_model == lowered.d_model


def test_an_empty_folder_is_ours_and_a_file_never_is(tmp_path: Path) -> None:
    lowered = MODELS["rotary"]
    (tmp_path / "empty").mkdir()
    save(lowered, lowered.program, tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    assert codes(lambda: save(lowered, lowered.program, tmp_path / "file", force=True)) == ["E0610"]
    assert codes(lambda: save(lowered, lowered.program, tmp_path / "file" / "below")) == ["E0617"]


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorfile, "write", full)
    assert codes(lambda: save(MODELS["rotary"], MODELS["rotary"].program, tmp_path / "m")) == ["E0617"]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ what is refused


def read_header(data: bytes) -> tuple[dict[str, Any], int]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), 8 + length


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the header's JSON in place of the old and seals it again, as somebody who means it would."""
    header, start = read_header(path.read_bytes())
    data = path.read_bytes()[start:]
    change(header)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values()):
        metadata["metadata_sha256"] = model_folder.metadata_sha256(metadata)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def set_metadata(key: str, value: str) -> Callable[[dict[str, Any]], object]:
    return lambda header: header["__metadata__"].__setitem__(key, value)


def edit_config(**changes: object) -> Callable[[dict[str, Any]], object]:
    def change(header: dict[str, Any]) -> None:
        config = json.loads(header["__metadata__"]["config"]) | changes
        header["__metadata__"]["config"] = json.dumps(config)

    return change


def rename(old: str, new: str) -> Callable[[dict[str, Any]], object]:
    return lambda header: header.__setitem__(new, header.pop(old))


REFUSED: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "no metadata": ("E0615", lambda h: h.pop("__metadata__")),
    "metadata that is no map": ("E0612", lambda h: h.__setitem__("__metadata__", ["x"])),
    "metadata that is no text": ("E0612", lambda h: h["__metadata__"].__setitem__("spec", 3)),
    "a later format": ("E0615", set_metadata("headspec_format", "2")),
    "no spec": ("E0615", lambda h: h["__metadata__"].pop("spec")),
    "another spec": ("E0614", set_metadata("spec", "model other\n")),
    "another hash of the tensors": ("E0614", set_metadata("tensors_sha256", "0" * 64)),
    "no such float type": ("E0615", set_metadata("dtype", "int4")),
    "another float type": ("E0616", set_metadata("dtype", "float16")),
    "a config that is not JSON": ("E0615", set_metadata("config", "{")),
    "a config nested too deep": ("E0615", set_metadata("config", "[" * 100_000)),
    "a config that is a list": ("E0615", set_metadata("config", "[]")),
    "settings that are not fractions": ("E0615", set_metadata("settings", '{"beta": "1e999999999"}')),
    "settings that divide by zero": ("E0615", set_metadata("settings", '{"beta": "1/0"}')),
    "settings that are a list": ("E0615", set_metadata("settings", "[1]")),
    "subspaces that are a list": ("E0615", set_metadata("subspaces", "[]")),
    "subspaces beyond the stream": (
        "E0615",
        set_metadata("subspaces", '{"a": {"coordinates": [999], "components": ["x"], "encoding": {}}}'),
    ),
    "too many layers": ("E0616", edit_config(n_layers=2**31 - 1)),
    "fewer layers": ("E0616", edit_config(n_layers=1)),
    "a huge context": ("E0616", edit_config(n_ctx=2**31 - 1)),
    "a negative size": ("E0615", edit_config(d_model=-1)),
    "a size that is true": ("E0615", edit_config(n_heads=True)),
    "a size that is a float": ("E0615", edit_config(n_heads=1.0)),
    "tokens that are numbers": ("E0615", edit_config(tokens=[1, 2, 3, 4, 5])),
    "a token twice": ("E0615", edit_config(tokens=["a", "a", "b", "c", "d"])),
    "too few tokens": ("E0615", edit_config(tokens=["a"])),
    "an unknown positional scheme": ("E0615", edit_config(positions={"kind": "learned"})),
    "rotary dims beyond d_head": (
        "E0615",
        edit_config(positions={"kind": "rotary", "base": "100", "dims": 64, "layout": "half"}),
    ),
    "a rotary base that is too long": (
        "E0615",
        edit_config(positions={"kind": "rotary", "base": "1e99999999", "dims": 2, "layout": "half"}),
    ),
    "neurons that are not there": (
        "E0616",
        edit_config(attn_only=False, d_mlp=4, act_fn="relu", gated_mlp=False),
    ),
    "a number of neurons that is a text": (
        "E0615",
        edit_config(attn_only=False, d_mlp="4", act_fn="relu", gated_mlp=False),
    ),
    "no neurons": ("E0615", edit_config(attn_only=False, d_mlp=0, act_fn="relu", gated_mlp=False)),
    "an unknown activation": ("E0615", edit_config(attn_only=False, d_mlp=4, act_fn="tanh", gated_mlp=False)),
    "an activation that is a list": ("E0615", edit_config(attn_only=False, d_mlp=4, act_fn=["relu"], gated_mlp=False)),
    "a gate of another kind": ("E0615", edit_config(attn_only=False, d_mlp=4, act_fn="gelu", gated_mlp=True)),
    "a gate that is a number": ("E0615", edit_config(attn_only=False, d_mlp=4, act_fn="relu", gated_mlp=1)),
    "attention alone, or not": ("E0615", edit_config(attn_only=1)),
    "another positional scheme": ("E0616", edit_config(positions={"kind": "alibi"})),
    "a tensor of another name": ("E0616", rename("embed.W_E", "embed.W_F")),
    "a tensor of another shape": ("E0616", lambda h: h["unembed.W_U"]["shape"].reverse()),
    "offsets beyond the end": ("E0612", lambda h: h["unembed.W_U"]["data_offsets"].__setitem__(1, 10**12)),
    "offsets that run backwards": ("E0612", lambda h: h["unembed.W_U"]["data_offsets"].reverse()),
    "an unknown dtype word": ("E0612", lambda h: h["unembed.W_U"].__setitem__("dtype", "F1")),
    "a shape that overflows": ("E0612", lambda h: h["unembed.W_U"].__setitem__("shape", [2**40, 2**40])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_changed_header_is_refused(folder: Path, name: str) -> None:
    code, change = REFUSED[name]
    rewrite(folder / TENSORS, change)
    assert codes(lambda: load(folder)) == [code]


def test_a_changed_text_is_noticed_by_its_hash(folder: Path) -> None:
    header, start = read_header((folder / TENSORS).read_bytes())
    header["__metadata__"]["headspec_version"] = "9.9"
    text = json.dumps(header).encode()
    (folder / TENSORS).write_bytes(struct.pack("<Q", len(text)) + text + (folder / TENSORS).read_bytes()[start:])
    assert codes(lambda: load(folder)) == ["E0614"]


def test_no_folder_no_file(tmp_path: Path) -> None:
    assert codes(lambda: load(tmp_path / "absent")) == ["E0611"]
    assert codes(lambda: load(tmp_path)) == ["E0611"]


def test_an_edited_spec_beside_the_weights_is_noticed(folder: Path) -> None:
    (folder / SPEC).write_text(TEXT + "# tuned by hand\n")
    assert codes(lambda: load(folder)) == ["E0614"]


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
def test_a_file_cut_short_is_refused(folder: Path, kept: int) -> None:
    data = (folder / TENSORS).read_bytes()
    (folder / TENSORS).write_bytes(data[:kept])
    assert codes(lambda: load(folder)) == ["E0612"]


def test_a_file_with_more_behind_it_is_refused(folder: Path) -> None:
    with open(folder / TENSORS, "ab") as file:
        file.write(b"\0" * 8)
    assert codes(lambda: load(folder)) == ["E0612"]


def test_oversized_files_are_refused_before_they_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (folder / TENSORS).read_bytes()
    (folder / TENSORS).write_bytes(struct.pack("<Q", 2**62) + data[8:])
    assert codes(lambda: load(folder)) == ["E0613"]
    with open(folder / TENSORS, "wb") as file:
        os.truncate(file.fileno(), tensorfile.MAX_FILE + 1)  # sparse: takes no room on the disk
    assert codes(lambda: load(folder)) == ["E0613"]


def test_a_repeated_name_is_refused(folder: Path) -> None:
    text = (
        b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
    )
    (folder / TENSORS).write_bytes(struct.pack("<Q", len(text)) + text)
    assert codes(lambda: load(folder)) == ["E0612"]


def test_a_pickle_is_not_opened(folder: Path) -> None:
    """A checkpoint of torch.save in the place of ours: refused as bytes, never unpickled."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was opened",))

    torch.save({"embed.W_E": Trap()}, folder / TENSORS)
    assert codes(lambda: load(folder))[0] in ("E0612", "E0613")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_law_a_flipped_byte_is_refused(folder: Path, place: float, flip: int) -> None:
    """Anywhere in the file; or else what comes back is what was saved (a space for a tab, say)."""
    path = folder / TENSORS
    good = path.read_bytes()
    bad = bytearray(good)
    bad[int(place * len(good))] ^= flip
    expected = load(folder)
    try:
        path.write_bytes(bytes(bad))
        found = load(folder)
    except SpecError as error:
        assert all(d.code.startswith("E061") for d in error.diagnostics)
    else:
        assert found.metadata == expected.metadata
        state = expected.model.state_dict()
        assert all(torch.equal(state[n], v) for n, v in found.model.state_dict().items())
    finally:
        path.write_bytes(good)
