"""Catalogue entries for the command line and files (E06xx).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.entries import Entry

ENTRIES: tuple[Entry, ...] = ()
