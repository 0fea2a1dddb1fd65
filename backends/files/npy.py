"""``.npy`` and ``.npz`` files, read without running anything.

In: bytes, or a path.  Out: ``Numbers``.  Not for: other formats (``arrays``).

Nothing is unpickled and no header is evaluated: a header is matched against the one form that NumPy writes, and its
shape is compared with the bytes that are there before an array is made.
"""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.files import bounds as file_bounds
from backends.files.bounds import MAX_ARRAYS, MAX_DIMENSIONS, MAX_HEADER, damaged, read_bytes, too_large
from backends.numbers import Numbers, check_count, check_kind, from_array, not_real

if TYPE_CHECKING:
    import numpy as np

_MAGIC = b"\x93NUMPY"
_DESCR = re.compile(r"'descr'\s*:\s*'([<>|=]?)([a-zA-Z])(\d{0,3})(?:\[\w{1,8}\])?'")
_ORDER = re.compile(r"'fortran_order'\s*:\s*(True|False)")
_SHAPE = re.compile(r"'shape'\s*:\s*\(([\d,\sL]*)\)")
_SIZE = re.compile(r"\s*\d{1,18}L?\s*")


def read_npy(data: bytes, where: str) -> Numbers:
    """The one array of a file; E0733 (damaged), E0734 (too large), E0735 (not real finite numbers)."""
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
        not_real(f"`{where}`", "is a structured array", "save plain numbers, `array.astype(float)`")
    if descr is None or order is None or shape is None:
        damaged(where, "is damaged: its header does not say a type, an order and a shape")
    check_kind(descr[2], int(descr[3] or 0), f"`{where}`", "".join(descr.groups()))
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


def read_npz(path: Path) -> dict[str, Numbers]:
    """The arrays of an archive by name; errors as of ``read_npy``, and E0601."""
    read_bytes(path)  # the file itself has a bound, and what it unpacks to has one
    found: dict[str, Numbers] = {}
    left = file_bounds.MAX_BYTES
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
                found[name] = read_npy(data, f"{path}:{name}")
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
        too_large(f"{path}:{member.filename}")
    with archive.open(member) as file:
        data = file.read(left + 1)
    if len(data) > left:
        too_large(f"{path}:{member.filename}")
    return data
