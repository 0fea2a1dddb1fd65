"""Files of numbers, bounded before they are read: their size, their JSON.

In: paths and bytes.  Out: bytes, JSON values.  Errors: E0601, E0733, E0734.  Not for: what stands in them
(``arrays``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from dsl.diagnostics import Diagnostic, SpecError

MAX_BYTES = 64 * 1024**2
MAX_ARRAYS = 1000
MAX_HEADER = 1024**2
MAX_DIGITS = 1000
MAX_DIMENSIONS = 32


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; E0601 when it cannot be read, E0734 above 64 MiB."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                too_large(str(path))
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(Diagnostic("E0601", f"`{path}` cannot be read: {reason}")) from None
    if len(data) > MAX_BYTES:
        too_large(str(path))
    return data


def too_large(where: str) -> NoReturn:
    """E0734."""
    message = f"`{where}` is larger than {MAX_BYTES // 1024**2} MiB"
    raise SpecError(Diagnostic("E0734", message, help="an answer is a few small matrices: is this the right file?"))


def damaged(where: str, what: str, help: str = "save it again") -> NoReturn:
    """E0733: the file is not what its name says."""
    raise SpecError(Diagnostic("E0733", f"`{where}` {what}", help=help))


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
