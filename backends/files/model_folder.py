"""A compiled model as a folder: its four files, how they are called, and the hashes that hold them together.

In: texts and values.  Out: the same bytes for the same content.  Not for: writing the folder (``saving``), reading it
(``loading``), other libraries' formats.

    model.safetensors   the state dict, and as metadata all that follows; enough by itself
    config.json         sizes, positional scheme, float type, where each subspace stands
    tokens.json         token -> id
    spec.head           the text that was compiled
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

TENSORS, CONFIG, TOKENS, SPEC = "model.safetensors", "config.json", "tokens.json", "spec.head"
FORMAT = "headspec"
FORMAT_VERSION = "1"
MAX_JSON = 64 * 1024**2


def metadata_sha256(metadata: Mapping[str, str]) -> str:
    """The hash of all texts but itself, so that a changed rotary base is noticed like a changed weight."""
    return sha256(json_text(sorted((key, value) for key, value in metadata.items() if key != "metadata_sha256")))


def sha256(text: str) -> str:
    """In hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_text(value: object, indent: int | None = None) -> str:
    """JSON with one spelling: no spaces, or one value a line where an ``indent`` is given."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n" * (indent is not None)


def read_text(path: Path) -> str:
    """A text file of at most ``MAX_JSON`` bytes; ValueError for a longer one."""
    with open(path, "rb") as file:
        data = file.read(MAX_JSON + 1)
    if len(data) > MAX_JSON:
        raise ValueError("too large")
    return data.decode()
