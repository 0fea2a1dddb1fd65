"""Where the keys of a TOML file stand: the line and column that ``tomllib`` does not give.

In: a text that ``tomllib`` accepts.  Out: for every key and table header, by its path (``("check", 0, "mass")``), the
characters it takes.  Keys inside inline tables and arrays are not listed: they are found by the key they belong to.
Not for: values (``tomllib``), nor for saying what is wrong with them (``fields``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]

_BARE = r"[A-Za-z0-9_-]+"
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
_KEY = re.compile(rf"(?:{_BARE}|{_QUOTED})(?:[ \t]*\.[ \t]*(?:{_BARE}|{_QUOTED}))*")
_PART = re.compile(rf"{_BARE}|{_QUOTED}")
_HEADER = re.compile(rf"(?P<double>\[?)\[[ \t]*(?P<key>{_KEY.pattern})[ \t]*\]")
_VALUE = re.compile(
    r"""(?P<long>\"{3}(?:\\.|[^\\])*?\"{3,5}) | (?P<literal>'{3}.*?'{3,5}) | (?P<comment>\#[^\n]*)
      | (?P<string>\"(?:[^\"\\\n]|\\.)*\") | (?P<quoted>'[^'\n]*')
      | (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<newline>\n) | (?P<other>[^\"'\#\[\]{}\n]+|.)""",
    re.VERBOSE | re.DOTALL,
)


def find_places(text: str) -> dict[Path, tuple[int, int]]:
    """Path -> (start, stop) of the key (or of the header's name) in ``text``; the first one where there are several."""
    places: dict[Path, tuple[int, int]] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    for start in _line_starts(text):
        if header := _HEADER.match(text, start):
            prefix = _prefix(_parts(header["key"]), bool(header["double"]), counts)
            places.setdefault(prefix, header.span("key"))
        elif key := _KEY.match(text, start):
            path = prefix + _parts(key[0])
            for size in range(len(prefix) + 1, len(path) + 1):
                places.setdefault(path[:size], key.span())
    return places


def nearest_place(places: dict[Path, tuple[int, int]], path: Path) -> tuple[int, int] | None:
    """The place of ``path``, or of the closest table that it belongs to."""
    for size in range(len(path), 0, -1):
        if path[:size] in places:
            return places[path[:size]]
    return None


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part[0].strip("\"'") if part[0][0] in "\"'" else part[0] for part in _PART.finditer(key))


def _prefix(parts: tuple[str, ...], double: bool, counts: dict[Path, int]) -> Path:
    """The path of a header: an array of tables is at the index of its last entry, ``[[x]]`` opens the next."""
    path: Path = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if double and i == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _line_starts(text: str) -> Iterator[int]:
    """Where keys and headers can stand: the first character of every line outside strings and brackets."""
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in " \t\n\r":
            at += 1
        if at < len(text) and text[at] != "#":
            yield at
        at = _end_of_line(text, at)


def _end_of_line(text: str, at: int) -> int:
    depth = 0
    header = _HEADER.match(text, at)
    at = header.end() if header else at
    while at < len(text):
        piece = _VALUE.match(text, at)
        assert piece is not None  # `.` matches whatever is left
        at = piece.end()
        if piece.lastgroup == "newline" and depth == 0:
            return at
        depth += (piece.lastgroup == "open") - (piece.lastgroup == "close")
        depth = max(0, depth)
    return at
