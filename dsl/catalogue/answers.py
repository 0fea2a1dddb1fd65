"""Catalogue entries for what is handed in as an answer (E0701..E0739).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
