"""Answer files: what stands in them, as plain values by name.

In: paths of ``.npy``, ``.npz``, ``.safetensors``, ``.json`` and ``.csv`` files.  Out: arrays, or lists of rows whose
entries are numbers or texts ("1/2").  Not for: text answers, nor which matrix is which (``reading``).
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXTS = ("", ".txt", ".head", ".md", ".tex")
ARRAYS = (".npy", ".npz", ".safetensors")
TABLES = (".json", ".csv")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")

_WHOLE = re.compile(r"[+-]?\d{1,300}")
_DECIMAL = re.compile(
    r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,5})?|[+-]?(nan|inf(inity)?)", re.IGNORECASE
)


def is_text(path: Path) -> bool:
    """Is this a file of text, for the grammar?  E0732 for a type of file that is not read."""
    suffix = path.suffix.lower()
    if suffix not in (*TEXTS, *ARRAYS, *TABLES):
        _unread(path, suffix)
    return suffix in TEXTS


def _unread(path: Path, suffix: str) -> NoReturn:
    read = f"{', '.join(ARRAYS + TABLES)}, and text ({', '.join(TEXTS[1:])})"
    if suffix in PICKLES:
        message, help = f"`{path}` is a pickle", "pickles run code; save as .npy or .safetensors"
    elif suffix in (".ipynb", ".py"):
        message, help = f"`{path}` is code", "in Python, call `headspec.exercises.check(..)`"
    else:
        message, help = f"`{path}`: files of this type are not read", f"files that are read: {read}"
    raise SpecError(Diagnostic("E0732", message, help=help))


def read_values(path: Path) -> object:
    """The value of a file: an array or rows (one matrix), or a map from names to such.

    SpecError E0601, E0733, E0734, E0735, as ``backends.files.arrays``."""
    from backends.files.arrays import read_arrays
    from backends.files.bounds import parse_json, read_bytes

    match path.suffix.lower():
        case ".json":
            return parse_json(read_bytes(path), str(path))
        case ".csv":
            return _read_csv(read_bytes(path), str(path))
        case _:
            found = read_arrays(path)
            return found[""] if list(found) == [""] else dict(found)


def _read_csv(data: bytes, where: str) -> list[list[object]]:
    from backends.files.bounds import damaged
    from backends.numbers import check_count

    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(_lines(text), delimiter=_delimiter(text), skipinitialspace=True) if row]
    except UnicodeDecodeError:
        damaged(where, "is not UTF-8 text", "save it as a CSV file in UTF-8")
    except csv.Error as error:
        damaged(where, f"is not a table: {error}", "one row of the matrix on each line, entries separated by commas")
    check_count(sum(len(row) for row in rows), f"`{where}`")
    if not rows:
        damaged(where, "is empty", "one row of the matrix on each line, entries separated by commas")
    return [[_cell(cell, f"`{where}`, row {i}, entry {j}") for j, cell in enumerate(row)] for i, row in enumerate(rows)]


def _lines(text: str) -> Iterable[str]:
    """Without comments (``numpy.savetxt`` writes them) and without spaces at the ends."""
    return (line.strip() for line in io.StringIO(text) if line.strip() and not line.lstrip().startswith("#"))


def _delimiter(text: str) -> str:
    return next((mark for mark in (";", "\t", ",") if mark in text), " ")


def _cell(cell: str, where: str) -> object:
    """An integer, a float, or a text for the grammar."""
    word = cell.strip()
    if not word:
        raise SpecError(Diagnostic("E0733", f"{where} is empty", help="write 0 where an entry is zero"))
    if _WHOLE.fullmatch(word):
        return int(word)
    return float(word) if _DECIMAL.fullmatch(word) else word
