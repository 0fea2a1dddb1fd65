"""The safetensors format: named tensors and a flat map of texts in one file, with nothing to execute.

In: tensors and metadata, or a file's path.  Out: the same bytes for the same content (the library's own writer does
not promise an order for metadata), or tensors and metadata that have been checked.  Not for: what they mean
(``saving``, ``loading``).

    8 bytes: length of the header, little endian | header: JSON, padded with spaces to a multiple of 8 | data
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from dsl.diagnostics import Diagnostic, SpecError

MAX_HEADER = 64 * 1024**2
MAX_FILE = 8 * 1024**3

_WORDS = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


@dataclass(frozen=True)
class TensorFile:
    """What a file holds; ``sha256`` is that of its data (everything behind the header)."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    sha256: str


def write(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Tensors in the order of their names, metadata in the order of its keys: equal content, equal bytes."""
    header = json.dumps(_header(tensors, metadata), ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    file.write(struct.pack("<Q", len(header)) + header)
    for chunk in chunks(tensors):
        file.write(chunk)


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Any]:
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    start = 0
    for name, tensor in _ordered(tensors):
        stop = start + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _WORDS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, stop]}
        start = stop
    return header


def _ordered(tensors: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """Wider entries first, so that each tensor stands at a multiple of its entries' size; then by name."""
    return sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))


def chunks(tensors: Mapping[str, Tensor]) -> Iterator[Any]:
    """The data, tensor by tensor, as little-endian bytes."""
    for _, tensor in _ordered(tensors):
        flat = tensor.detach().to("cpu").contiguous().flatten()
        yield flat.view(torch.uint8).numpy()


def data_sha256(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(tensors):
        digest.update(chunk)
    return digest.hexdigest()


# ------------------------------------------------------------------ reading


def read(path: Path) -> TensorFile:
    """Everything in the file.

    SpecError E0611 (cannot be read), E0613 (larger than the limits), E0612 (not a whole safetensors file)."""
    data = _read_bytes(path)
    header, start = _read_header(path, data)
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _malformed(path, "its metadata is not a map of texts")
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _malformed(path, str(error)) from None
    return TensorFile(tensors, metadata, hashlib.sha256(memoryview(data)[start:]).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            if size > MAX_FILE:
                raise _too_large(path, f"{size / 1024**3:.1f} GiB", f"{MAX_FILE // 1024**3} GiB")
            return file.read(size)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(
            Diagnostic("E0611", f"`{path}` cannot be read: {reason}", help="name a folder that was saved by headspec")
        ) from None


def _read_header(path: Path, data: bytes) -> tuple[dict[str, Any], int]:
    if len(data) < 8:
        raise _malformed(path, f"it ends after {len(data)} bytes")
    (length,) = struct.unpack("<Q", data[:8])
    if length > MAX_HEADER:
        raise _too_large(path, f"a header of {length} bytes", f"{MAX_HEADER} bytes")
    if 8 + length > len(data):
        raise _malformed(path, f"its header should have {length} bytes, and {len(data) - 8} follow")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _malformed(path, f"its header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise _malformed(path, "its header is not a JSON object")
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _malformed(path: Path, what: str) -> SpecError:
    return SpecError(
        Diagnostic(
            "E0612",
            f"`{path}` is not a whole safetensors file: {what}",
            help="copy it again, or compile the spec again",
        )
    )


def _too_large(path: Path, found: str, limit: str) -> SpecError:
    return SpecError(Diagnostic("E0613", f"`{path}`: {found}, and the limit is {limit}"))
