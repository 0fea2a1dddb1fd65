"""The shape of a catalogue entry.

In: nothing (pure data).  Out: ``Entry``, and makers of entries whose examples have one beginning.  Not for: the entries
themselves (``dsl.catalogue``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A longer word on an error ``code``: ``example`` is a complete spec that triggers it, ``mended`` is the
    same spec without the mistake.  Both are empty for errors that no spec triggers (files, the command line).

    ``phase`` is the last phase that is needed to see the error: ``parse``, ``resolve`` or ``compile``; with ``answer``
    and ``formula`` the example is the text of an answer, or of one formula."""

    code: str
    title: str
    explanation: str
    example: str = ""
    mended: str = ""
    phase: str = "resolve"


Maker = Callable[[str, str, str, str, str], Entry]
"""Of a code, a title, an explanation, the lines that are wrong and those that mend them."""


def entries_below(top: str, phase: str = "resolve") -> Maker:
    """The maker of entries whose examples are ``top``, the beginning of a small model, and the lines given."""

    def entry(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
        return Entry(code, title, explanation, f"{top}{wrong}\n", f"{top}{right}\n", phase)

    return entry
