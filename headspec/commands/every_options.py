"""The options of ``headspec verify`` for every prompt of a spec.

In: the parser of ``headspec verify``.  Out: the same with more options.  Imports nothing but argparse, so that
``--help`` is quick.  Not for: doing the work (``headspec.every``).
"""

from __future__ import annotations

import argparse

from headspec.commands.common_options import positive_number

Shard = tuple[int, int]


def add_every(parser: argparse.ArgumentParser) -> None:
    """``--outputs``, ``--checkpoint``, ``--shard`` and ``--merge``."""
    group = parser.add_argument_group(
        "every prompt", "for specs whose `expect .. after ..` lines claim every output (docs/verification.md)"
    )
    group.add_argument(
        "--outputs",
        type=positive_number,
        metavar="N",
        help="without --exhaustive: look at the outputs of so many prompts, the extreme ones and random ones",
    )
    group.add_argument("--checkpoint", metavar="FILE", help="keep what is done in FILE, and go on from there")
    group.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="only the I-th of N parts, such as 1/4 .. 4/4"
    )
    group.add_argument(
        "--merge", nargs="+", default=[], metavar="FILE", help="add what other machines' checkpoints have done"
    )


def _shard(word: str) -> Shard:
    index, _, count = word.partition("/")
    if not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in (index, count)) or not int(count):
        raise argparse.ArgumentTypeError(f"`{word}` is not like 1/4")
    if not 1 <= int(index) <= int(count):
        raise argparse.ArgumentTypeError(f"`{word}`: the parts are 1/{count} to {count}/{count}")
    return int(index), int(count)
