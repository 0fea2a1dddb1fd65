"""Catalogue entries for exercise files and the course (E0740..E0779).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
