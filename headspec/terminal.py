"""What the terminal can show: its width, whether it takes colour and Unicode.

In: a stream and the environment.  Out: ``Style``.  Not for: what is drawn (``patterns``, ``report``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Style:
    """``width`` in characters; ``colour`` allows ANSI sequences; ``unicode`` allows block characters."""

    width: int = 100
    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, code: str) -> str:
        """``text`` between an ANSI sequence (``1``, ``32``, ``38;5;27``) and its end, when colour is allowed."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def verdict(self, holds: bool, text: str) -> str:
        return self.paint(text, "1;32" if holds else "1;31")


class Drawing(str):
    """Text that a Python prompt or a notebook shows as it is, without quotes and ``\\n``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


PLAIN = Style()


def style_of(stream: TextIO) -> Style:
    """No colour when the stream is no terminal, NO_COLOR is set or TERM is dumb; ASCII where need be."""
    terminal = bool(getattr(stream, "isatty", lambda: False)())
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb"
    width = shutil.get_terminal_size((100, 24)).columns if terminal else int_or(os.environ.get("COLUMNS"), 100)
    return Style(max(40, width), colour, _can_encode(stream, "█░·→"))


def int_or(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def plain_label(text: str) -> str:
    """A token's text on one line of a terminal: control characters are shown as their code points."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text) or "(empty)"
