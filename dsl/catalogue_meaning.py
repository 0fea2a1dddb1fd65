"""Catalogue entries for names, encodings, heads and claims (E02xx to E04xx), gathered.

In: the three modules below.  Out: ``ENTRIES``.  Not for: merging with the others (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl import catalogue_heads, catalogue_layout, catalogue_names
from dsl.entries import Entry

ENTRIES: tuple[Entry, ...] = (*catalogue_names.ENTRIES, *catalogue_layout.ENTRIES, *catalogue_heads.ENTRIES)
