"""Catalogue entries for checkpoints of exhaustive verifications (E0670..E0679).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0670",
        "checkpoint does not fit",
        "`headspec verify --exhaustive --checkpoint FILE` goes on from FILE only where it holds figures of the same "
        "weights, bit by bit, in the same float type, for the same prompts and claims. Files given to `--merge` must "
        "have disjoint prompts (`--shard 1/4`, `--shard 2/4` ..): what would be counted twice is refused.",
    ),
    Entry(
        "E0671",
        "checkpoint in use",
        "Two runs that write one checkpoint would each overwrite what the other has done. The second is refused for as "
        "long as the first one runs; `FILE.lock` is held by the operating system and is free once its process is gone, "
        "so nothing has to be removed by hand.",
    ),
)
