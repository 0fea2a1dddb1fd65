"""Catalogue entries for names, encodings, heads (E02xx to E04xx).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.entries import Entry

ENTRIES: tuple[Entry, ...] = ()
