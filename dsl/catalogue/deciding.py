"""Catalogue entries for deciding whether an answer is right (E0780..E0799).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0780",
        "there is too much to look at to decide",
        "An answer is held against everything that the valid sequences of an exercise can show its heads. For a head "
        "of the first layer that is every pair of a token here and a token there (at most 400,000); where earlier "
        "heads decide what there is to see, it is every valid sequence (at most 20,000). An exercise is decided on a "
        "small instance: a shorter context, fewer tokens, or `sequences` that show just what matters.",
    ),
)
