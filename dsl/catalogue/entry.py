"""The shape of a catalogue entry.

In: nothing (pure data).  Out: ``Entry``.  Not for: the entries themselves (``dsl.catalogue``).
"""

from __future__ import annotations

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
