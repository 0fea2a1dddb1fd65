"""Arrays that were saved: files -> plain arrays, checked before they are read.

In: ``.npy``, ``.npz`` and ``.safetensors`` files.  Out: ``Numbers`` by name.  Not for: what the numbers mean, nor the
exact entries that JSON and CSV may hold.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path

from backends.files.bounds import MAX_ARRAYS, MAX_DIMENSIONS, MAX_HEADER, damaged, parse_json, read_bytes
from backends.files.npy import read_npy, read_npz
from backends.numbers import Numbers, check_count, from_array, not_real

_SAFETENSORS = {
    "F64": ("<f8", 53),
    "F32": ("<f4", 24),
    "F16": ("<f2", 11),
    "BF16": ("<u2", 8),
    "I64": ("<i8", None),
    "I32": ("<i4", None),
    "I16": ("<i2", None),
    "I8": ("|i1", None),
    "U64": ("<u8", None),
    "U32": ("<u4", None),
    "U16": ("<u2", None),
    "U8": ("|u1", None),
    "BOOL": ("|u1", None),
}


def read_arrays(path: Path) -> dict[str, Numbers]:
    """What an ``.npy`` (under the name ""), ``.npz`` or ``.safetensors`` file holds.

    SpecError E0601 (cannot be read), E0733 (damaged), E0734 (too large), E0735 (not real finite numbers)."""
    match path.suffix.lower():
        case ".npy":
            return {"": read_npy(read_bytes(path), str(path))}
        case ".npz":
            return read_npz(path)
        case _:
            return _read_safetensors(read_bytes(path), str(path))


def _read_safetensors(data: bytes, where: str) -> dict[str, Numbers]:
    if len(data) < 8:
        damaged(where, f"is not a safetensors file: it ends after {len(data)} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if length > MAX_HEADER or 8 + length > len(data):
        damaged(where, f"is not a whole safetensors file: its header should have {length} bytes")
    header = parse_json(data[8 : 8 + length], where, "has a header that is not JSON")
    if not isinstance(header, dict):
        damaged(where, "has a header that is not a JSON object")
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if len(tensors) > MAX_ARRAYS:
        damaged(where, f"holds {len(tensors)} tensors", "save only the matrices that are asked for")
    body = memoryview(data)[8 + length :]
    return {name: _tensor(body, entry, f"{where}:{name}") for name, entry in tensors.items()}


def _tensor(body: memoryview, entry: object, where: str) -> Numbers:
    import numpy as np

    if not isinstance(entry, Mapping):
        damaged(where, "is damaged: its header entry is not an object")
    shape, offsets, word = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets")), entry.get("dtype")
    if shape is None or offsets is None or len(offsets) != 2:
        damaged(where, "is damaged: its shape and its place are not whole numbers")
    if not isinstance(word, str) or word not in _SAFETENSORS:
        not_real(f"`{where}`", f"has the type {word!r}", f"save it as one of {', '.join(_SAFETENSORS)}")
    form, bits = _SAFETENSORS[word]
    dtype, count = np.dtype(form), math.prod(shape)
    check_count(count, f"`{where}`")
    start, stop = offsets
    if not start <= stop <= len(body) or stop - start != count * dtype.itemsize:
        damaged(where, "is damaged: its shape does not fit the bytes that are there")
    array = np.frombuffer(body[start:stop], dtype).reshape(shape)
    if word == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return from_array(array, f"`{where}`", bits)


def _sizes(value: object) -> tuple[int, ...] | None:
    """A list of whole numbers, not too many and not too large; None for anything else."""
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        return None
    return tuple(value) if all(type(x) is int and 0 <= x < 10**18 for x in value) else None
