"""Files and arrays are read to the last bit, and hostile ones are refused before anything of their size is made."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.torch import save_file

from backends.files.arrays import read_arrays
from backends.files.bounds import MAX_BYTES, parse_json
from backends.numbers import from_object
from dsl.diagnostics import SpecError


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(SpecError) as found:
        action()
    diagnostic = found.value.diagnostics[0]
    assert diagnostic.message and diagnostic.render()
    return diagnostic.code


def npy(array: np.ndarray, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)  # type: ignore[arg-type]
    return file.getvalue()


def npy_with(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("latin-1")
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + body


def header(descr: str = "'<f8'", shape: str = "(2, 2)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def read_npy(tmp_path: Path, data: bytes) -> np.ndarray:
    path = tmp_path / "W.npy"
    path.write_bytes(data)
    return read_arrays(path)[""].array


# ------------------------------------------------------------------ npy


@given(
    arrays(
        st.sampled_from([np.dtype(d) for d in ("<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "u1", "?")]),
        array_shapes(min_dims=1, max_dims=3, max_side=4),
    ),
    st.booleans(),
)
def test_npy_is_read_as_numpy_reads_it(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, fortran: bool
) -> None:
    array = np.where(np.isfinite(array), array, 0).astype(array.dtype) if array.dtype.kind == "f" else array
    path = tmp_path_factory.mktemp("npy") / "W.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    found = read_arrays(path)[""]
    assert found.shape == array.shape
    assert np.array_equal(found.array, array)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E0733"),
        (b"not an array", "E0733"),
        (b"\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00]\x94]\x94G?\xf0\x00\x00\x00\x00\x00\x00aa.", "E0733"),
        (npy(np.ones((2, 2)))[:-1], "E0733"),
        (npy(np.ones((2, 2))) + b"more", "E0733"),
        (npy(np.ones((2, 2)))[:40], "E0733"),
        (npy(np.array([[print]]), allow_pickle=True), "E0735"),
        (npy(np.array([["a"]])), "E0735"),
        (npy(np.array([[1j]])), "E0735"),
        (npy(np.array([(1, 2.0)], dtype=[("a", int), ("b", float)])), "E0735"),
        (npy(np.array(["2020-01-01"], dtype="datetime64[D]")), "E0735"),
        (npy(np.array([[np.nan, 1]])), "E0735"),
        (npy(np.array([[np.inf, 1]])), "E0735"),
        (npy_with(header(shape="(1000000, 1000000)")), "E0734"),
        (npy_with(header(shape="(999999999999999999, 999999999999999999)")), "E0734"),
        (npy_with(header(shape=f"({'9' * 400},)")), "E0733"),
        (npy_with(header(shape="(" + "1" * 60_000 + ")")), "E0733"),
        (npy_with(header(shape="(" + "1, " * 40 + ")"), b"\0" * 8), "E0733"),
        (npy_with(header(shape="(-2, 2)")), "E0733"),
        (npy_with(header(shape="(2 2)")), "E0733"),
        (npy_with(header(descr="'<f3'")), "E0733"),
        (npy_with(header(descr="'|O'")), "E0735"),
        (npy_with(header(descr="'<f16'")), "E0735"),
        (npy_with(header(descr="__import__('os')")), "E0733"),
        (npy_with("{" * 5000), "E0733"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "E0733"),
    ],
)
def test_damaged_and_hostile_npy_files_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    assert refusal(lambda: read_npy(tmp_path, data)) == code


@given(st.binary(max_size=200), st.integers(0, 128))
def test_no_bytes_at_all_are_a_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    whole = npy(np.arange(6.0).reshape(2, 3))
    path = tmp_path_factory.mktemp("npy") / "W.npy"
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        read_arrays(path)
    except SpecError as error:
        assert error.diagnostics[0].code in ("E0733", "E0734", "E0735")


def test_version_2_headers_are_read(tmp_path: Path) -> None:
    data = npy_with(header(shape="(1L, 2L)"), np.array([1.0, 2.0]).tobytes(), (2, 0))
    assert read_npy(tmp_path, data).tolist() == [[1.0, 2.0]]


def test_a_missing_and_a_large_file(tmp_path: Path) -> None:
    assert refusal(lambda: read_arrays(tmp_path / "nothing.npy")) == "E0601"
    path = tmp_path / "large.npy"
    with open(path, "wb") as file:
        file.truncate(MAX_BYTES + 1)
    tracemalloc.start()
    assert refusal(lambda: read_arrays(path)) == "E0734"
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


# ------------------------------------------------------------------ npz


def zipped(members: list[tuple[str, bytes]], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_npz_holds_arrays_by_name(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", W_Q=np.eye(2), W_K=np.ones((2, 3)))
    found = read_arrays(tmp_path / "a.npz")
    assert {name: numbers.shape for name, numbers in found.items()} == {"W_Q": (2, 2), "W_K": (2, 3)}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([("W.npy", b"not an array")], "E0733"),
        ([("W.npy", b"\0" * (MAX_BYTES + 1))], "E0734"),
        ([("V.npy", npy(np.zeros(8_000_000, np.uint8))), ("W.npy", npy(np.zeros(2)))], "E0734"),
        ([("W.npy", npy(np.eye(2))), ("W.npy", npy(np.eye(3)))], "E0733"),
        ([(f"{i}.npy", b"") for i in range(1001)], "E0733"),
        ([("W.npy", npy(np.array([[print]]), allow_pickle=True))], "E0735"),
    ],
)
def test_hostile_npz_files_are_refused(tmp_path: Path, members: list[tuple[str, bytes]], code: str) -> None:
    path = zipped(members, tmp_path / "W.npz")
    assert refusal(lambda: read_arrays(path)) == code


def test_a_member_that_lies_about_its_size_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.files.bounds.MAX_BYTES", 1024**2)
    length = 40 * 1024**2
    path = zipped([("W.npy", b"\0" * length)], tmp_path / "W.npz")
    data, size = path.read_bytes(), struct.pack("<I", length)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack("<I", 100)))
    tracemalloc.start()
    assert refusal(lambda: read_arrays(path)) in ("E0733", "E0734")
    assert tracemalloc.get_traced_memory()[1] < 4 * 1024**2
    tracemalloc.stop()


def test_all_arrays_of_a_file_share_one_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.files.bounds.MAX_BYTES", 1024**2)
    array = npy(np.zeros(700_000, np.uint8))
    assert len(read_arrays(zipped([("V.npy", array)], tmp_path / "one.npz"))) == 1
    two = zipped([("V.npy", array), ("W.npy", array)], tmp_path / "two.npz")
    assert refusal(lambda: read_arrays(two)) == "E0734"


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_half_an_npz_is_refused(tmp_path: Path, cut: int) -> None:
    path = zipped([("W.npy", npy(np.eye(4)))], tmp_path / "W.npz")
    path.write_bytes(path.read_bytes()[:cut])
    assert refusal(lambda: read_arrays(path)) == "E0733"


# ------------------------------------------------------------------ safetensors


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [
        (torch.float64, 53),
        (torch.float32, 24),
        (torch.float16, 11),
        (torch.bfloat16, 8),
        (torch.int64, None),
        (torch.uint8, None),
        (torch.bool, None),
    ],
)
def test_safetensors_of_torch(tmp_path: Path, dtype: torch.dtype, bits: int | None) -> None:
    tensor = (torch.arange(6).reshape(2, 3) * 0.3).to(dtype)
    save_file({"W_Q": tensor}, tmp_path / "W.safetensors")
    found = read_arrays(tmp_path / "W.safetensors")["W_Q"]
    assert found.precision == bits
    assert np.array_equal(found.array, tensor.to(torch.float64).numpy())


def safetensors(entries: object, body: bytes = b"", *, text: str | None = None) -> bytes:
    data = (json.dumps(entries) if text is None else text).encode()
    return struct.pack("<Q", len(data)) + data + body


ENTRY = {"dtype": "F64", "shape": [1, 2], "data_offsets": [0, 16]}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E0733"),
        (b"\0" * 7, "E0733"),
        (struct.pack("<Q", 2**63), "E0733"),
        (safetensors({"W": ENTRY}), "E0733"),
        (safetensors({"W": ENTRY}, b"\0" * 15), "E0733"),
        (safetensors([1]), "E0733"),
        (safetensors({"W": 1}), "E0733"),
        (safetensors({"W": ENTRY | {"shape": [10**6, 10**6]}}, b"\0" * 16), "E0734"),
        (safetensors({"W": ENTRY | {"shape": [-1, -2]}}, b"\0" * 16), "E0733"),
        (safetensors({"W": ENTRY | {"shape": [1.0, 2]}}, b"\0" * 16), "E0733"),
        (safetensors({"W": ENTRY | {"data_offsets": [16, 0]}}, b"\0" * 16), "E0733"),
        (safetensors({"W": ENTRY | {"data_offsets": [0, 10**17]}}, b"\0" * 16), "E0733"),
        (safetensors({"W": ENTRY | {"dtype": "F8_E4M3"}}, b"\0" * 16), "E0735"),
        (safetensors({"W": ENTRY | {"dtype": None}}, b"\0" * 16), "E0735"),
        (safetensors({"W": ENTRY}, b"\xff" * 16), "E0735"),
        (safetensors(None, text='{"W": {}, "W": {}}'), "E0733"),
        (safetensors(None, text="[" * 100_000), "E0733"),
        (safetensors({f"W{i}": ENTRY for i in range(1001)}, b"\0" * 16), "E0733"),
    ],
)
def test_hostile_safetensors_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "W.safetensors"
    path.write_bytes(data)
    assert refusal(lambda: read_arrays(path)) == code


# ------------------------------------------------------------------ objects


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int32])
def test_tensors_keep_their_value(dtype: torch.dtype) -> None:
    tensor = (torch.arange(6).reshape(2, 3) * 0.3).to(dtype)
    if dtype.is_floating_point:
        tensor.requires_grad_()
    found = from_object(tensor, "W_Q")
    assert found is not None
    assert np.array_equal(found.array, tensor.detach().to(torch.float64).numpy())


def test_tensors_of_every_layout() -> None:
    dense = torch.eye(3).t()
    for tensor in (dense, dense.to_sparse(), dense[::2], torch.nn.Parameter(dense)):
        found = from_object(tensor, "W_Q")
        assert found is not None and np.array_equal(
            found.array, tensor.detach().to_dense().numpy() if tensor.is_sparse else tensor.detach().numpy()
        )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (torch.full((2, 2), torch.nan), "E0735"),
        (torch.zeros(2, 2, dtype=torch.complex64), "E0735"),
        (torch.zeros(2, 2, device="meta"), "E0735"),
        (torch.zeros(1).expand(10**7, 10**7), "E0734"),
        (np.ma.masked_array([[1.0]], [[True]]), "E0735"),
        (np.zeros((1001, 1000)), "E0734"),
        (np.array([["a"]]), "E0735"),
        (np.longdouble([[1]]), "E0735"),
    ],
)
def test_arrays_that_cannot_be_read(value: object, code: str) -> None:
    assert refusal(lambda: from_object(value, "W_Q")) == code


def test_other_objects_are_for_others() -> None:
    assert from_object([[1, 2]], "W_Q") is None
    assert from_object("1", "W_Q") is None
    assert from_object(np.float64(1), "W_Q") is None


# ------------------------------------------------------------------ JSON


def test_json_keeps_integers_exact() -> None:
    assert parse_json(b'{"W": [[1, "1/2", 0.5, -12345678901234567890]]}', "a") == {
        "W": [[1, "1/2", 0.5, -12345678901234567890]]
    }


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": 1, "a": 2}', "[" * 100_000, "NaN", "[Infinity]", "9" * 1001, "9" * 100_000, "{'a': 1}", "\udcff"],
)
def test_json_that_is_refused(text: str) -> None:
    assert refusal(lambda: parse_json(text.encode("utf-8", "surrogateescape"), "a.json")) == "E0733"
