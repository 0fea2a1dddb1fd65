"""Catalogue entries for strengths, frequencies and limits (E05xx).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.entries import Entry

ENTRIES: tuple[Entry, ...] = ()
