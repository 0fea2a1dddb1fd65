"""Numbers that were saved or made by NumPy and torch: files and objects -> plain arrays, checked before they are read.

In: ``.npy``, ``.npz`` and ``.safetensors`` files; NumPy arrays, torch tensors, and what can turn itself into an array.
Out: ``Numbers``: a shape and float64 or integer entries.  Not for: what the numbers mean, nor the exact entries that
JSON and CSV may hold.

Nothing is unpickled and no header is evaluated: a header is matched against the one form that NumPy writes, and its
shape is compared with the bytes that are there before an array is made.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import numpy as np

MAX_BYTES = 64 * 1024**2
MAX_ENTRIES = 1_000_000
MAX_ARRAYS = 1000
MAX_HEADER = 1024**2
MAX_DIGITS = 1000
MAX_DIMENSIONS = 32

_MAGIC = b"\x93NUMPY"
_DESCR = re.compile(r"'descr'\s*:\s*'([<>|=]?)([a-zA-Z])(\d{0,3})(?:\[\w{1,8}\])?'")
_ORDER = re.compile(r"'fortran_order'\s*:\s*(True|False)")
_SHAPE = re.compile(r"'shape'\s*:\s*\(([\d,\sL]*)\)")
_SIZE = re.compile(r"\s*\d{1,18}L?\s*")
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


@dataclass(frozen=True, eq=False)
class Numbers:
    """``array`` holds float64 or integer entries, all finite.  ``precision``: how many significant bits the type that
    they came in keeps (53, 24, 11 or 8); None for integers."""

    array: np.ndarray[Any, Any]
    precision: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array.shape)


# ------------------------------------------------------------------ objects


def from_object(value: object, where: str) -> Numbers | None:
    """The numbers of an array or a tensor, float types at their exact value; None for anything else.

    SpecError E0734 (too many entries), E0735 (not real finite numbers)."""
    import numpy as np

    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_tensor(value, where)
    if isinstance(value, np.ma.MaskedArray):
        _not_real(where, "is a masked array", "fill it in: `array.filled(0)`")
    if isinstance(value, np.ndarray):
        return from_array(value, where)
    if hasattr(value, "__array__") and not isinstance(value, np.generic | type):
        return from_array(np.asarray(value), where)
    return None


def from_array(array: np.ndarray[Any, Any], where: str, precision: int | None = None) -> Numbers:
    """A NumPy array of integers, booleans or floats; E0734 and E0735 as ``from_object``."""
    import numpy as np

    kind = array.dtype.kind
    _check_kind(kind, array.dtype.itemsize, where, str(array.dtype))
    check_count(array.size, where)
    array = np.asarray(array)
    if kind != "f":
        return Numbers(array.astype(np.int64) if kind == "b" else array, None)
    bits = precision or np.finfo(array.dtype).nmant + 1
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        place = ", ".join(str(int(i)) for i in np.argwhere(~np.isfinite(wide))[0])
        _not_real(f"{where}[{place}]", f"is {wide[~np.isfinite(wide)][0]}", "an answer is made of finite numbers")
    return Numbers(wide, int(bits))


def _from_tensor(tensor: Any, where: str) -> Numbers:
    import torch

    check_count(math.prod(tensor.shape), where)
    if tensor.is_complex():
        _check_kind("c", 8, where, str(tensor.dtype))
    try:
        plain = tensor.detach()
        plain = plain.to_dense() if plain.layout is not torch.strided else plain
        if plain.is_floating_point():
            bits = 1 - round(math.log2(torch.finfo(tensor.dtype).eps))
            return from_array(plain.to(device="cpu", dtype=torch.float64).numpy(), where, bits)
        return from_array(plain.cpu().numpy(), where)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        _not_real(where, f"cannot be read: {reason}", "give a dense tensor: `tensor.detach().cpu()`")


def _check_kind(kind: str, size: int, where: str, name: str) -> None:
    match kind:
        case "b" | "i" | "u":
            return
        case "f" if size <= 8:
            return
        case "f":
            _not_real(where, f"has the type {name}", "save it as float64")
        case "c":
            _not_real(where, "holds complex numbers", "an answer is made of real numbers: take `.real`")
        case "O":
            help = "an object array holds Python objects, which are pickled: save plain numbers, `array.astype(float)`"
            _not_real(where, "is an object array", help)
        case _:
            _not_real(where, f"has the type {name}", "save plain numbers, `array.astype(float)`")


def _not_real(where: str, found: str, help: str) -> NoReturn:
    raise SpecError(Diagnostic("E0735", f"{where} {found}", help=help))


def check_count(count: int, where: str) -> None:
    """E0734 above a million entries."""
    if count > MAX_ENTRIES:
        found = f"{where} has {count:,} entries" if count < 10**15 else f"{where} has far too many entries"
        raise SpecError(Diagnostic("E0734", f"{found}, and the most is {MAX_ENTRIES:,}", help="give one head's matrix"))


# ------------------------------------------------------------------ files


def read_arrays(path: Path) -> dict[str, Numbers]:
    """What an ``.npy`` (under the name ""), ``.npz`` or ``.safetensors`` file holds.

    SpecError E0601 (cannot be read), E0733 (damaged), E0734 (too large), E0735 (not real finite numbers)."""
    match path.suffix.lower():
        case ".npy":
            return {"": _read_npy(read_bytes(path), str(path))}
        case ".npz":
            return _read_npz(path)
        case _:
            return _read_safetensors(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; E0601 when it cannot be read, E0734 above 64 MiB."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                _too_large(str(path))
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(Diagnostic("E0601", f"`{path}` cannot be read: {reason}")) from None
    if len(data) > MAX_BYTES:
        _too_large(str(path))
    return data


def _too_large(where: str) -> NoReturn:
    message = f"`{where}` is larger than {MAX_BYTES // 1024**2} MiB"
    raise SpecError(Diagnostic("E0734", message, help="an answer is a few small matrices: is this the right file?"))


def damaged(where: str, what: str, help: str = "save it again") -> NoReturn:
    """E0733: the file is not what its name says."""
    raise SpecError(Diagnostic("E0733", f"`{where}` {what}", help=help))


# ------------------------------------------------------------------ npy


def _read_npy(data: bytes, where: str) -> Numbers:
    import numpy as np

    dtype, fortran, shape, start = _npy_header(data, where)
    check_count(math.prod(shape), f"`{where}`")
    wanted = math.prod(shape) * dtype.itemsize
    if len(data) - start != wanted:
        damaged(where, f"is damaged: its entries take {wanted} bytes, and {len(data) - start} are there")
    flat = np.frombuffer(data, dtype, math.prod(shape), start)
    array = flat.reshape(shape, order="F" if fortran else "C")
    return from_array(array.astype(dtype.newbyteorder("=")), f"`{where}`")


def _npy_header(data: bytes, where: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    """(type, column-major, shape, where the entries begin)."""
    import numpy as np

    if data[:1] == b"\x80":
        damaged(where, "is a pickle, not an .npy file", "pickles run code; save as .npy or .safetensors")
    if not data.startswith(_MAGIC) or len(data) < 12:
        damaged(where, "is not an .npy file", "save it with `numpy.save`")
    size = 2 if data[6] == 1 else 4
    start = 8 + size
    length = int.from_bytes(data[8:start], "little")
    if length > min(MAX_HEADER, len(data) - start):
        damaged(where, "is damaged: its header does not end")
    header = data[start : start + length].decode("latin-1")
    descr, order, shape = _DESCR.search(header), _ORDER.search(header), _SHAPE.search(header)
    if descr is None and re.search(r"'descr'\s*:\s*[\[(]", header):
        _not_real(f"`{where}`", "is a structured array", "save plain numbers, `array.astype(float)`")
    if descr is None or order is None or shape is None:
        damaged(where, "is damaged: its header does not say a type, an order and a shape")
    _check_kind(descr[2], int(descr[3] or 0), f"`{where}`", "".join(descr.groups()))
    try:
        dtype = np.dtype("".join(descr.groups()))
    except (TypeError, ValueError):
        damaged(where, f"is damaged: there is no type {''.join(descr.groups())}")
    words = [word for word in shape[1].split(",") if word.strip()]
    if not all(_SIZE.fullmatch(word) for word in words):
        damaged(where, "is damaged: its header does not say a shape")
    sizes = tuple(int(word.strip().rstrip("L")) for word in words)
    if len(sizes) > MAX_DIMENSIONS:
        damaged(where, f"has {len(sizes)} dimensions", "a matrix has two")
    return dtype, order[1] == "True", sizes, start + length


def _read_npz(path: Path) -> dict[str, Numbers]:
    read_bytes(path)  # the file itself has a bound, and what it unpacks to has one
    found: dict[str, Numbers] = {}
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_ARRAYS:
                damaged(str(path), f"holds {len(members)} arrays", "save only the matrices that are asked for")
            for member in members:
                data = _member(archive, member, left, path)
                left -= len(data)
                name = member.filename.removesuffix(".npy")
                if name in found:
                    damaged(str(path), f"holds `{name}` twice")
                found[name] = _read_npy(data, f"{path}:{name}")
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
        struct.error,
    ):
        damaged(str(path), "is not a whole .npz file", "save it with `numpy.savez`")
    return found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, path: Path) -> bytes:
    """The unpacked bytes of one array; never more than ``left`` and one byte are unpacked, whatever the file claims."""
    if member.file_size > left:
        _too_large(f"{path}:{member.filename}")
    with archive.open(member) as file:
        data = file.read(left + 1)
    if len(data) > left:
        _too_large(f"{path}:{member.filename}")
    return data


# ------------------------------------------------------------------ safetensors


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
        _not_real(f"`{where}`", f"has the type {word!r}", f"save it as one of {', '.join(_SAFETENSORS)}")
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


def parse_json(data: bytes | str, where: str, found: str = "is not JSON") -> object:
    """The value of a JSON text, integers exact and other numbers as float; E0733 for mistakes, names that stand twice,
    NaN, numbers of more than 1000 digits, and nesting that no answer needs."""
    try:
        value: object = json.loads(data, object_pairs_hook=_unique, parse_int=_parse_int, parse_constant=_no_constant)
        return value
    except RecursionError:
        reason = "it is nested too deeply"
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error)
    damaged(where, f"{found}: {reason}", 'write it with a JSON library; fractions and symbols stand in quotes, "1/2"')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(n for n in names if names.count(n) > 1)}` stands twice")
    return found


def _parse_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")
