"""The options of ``headspec plot --fourier``.

In: the parser of ``headspec plot``.  Out: the same with more options.  Imports nothing but argparse, so that
``--help`` is quick.  Not for: doing the work (``commands.fourier``).
"""

from __future__ import annotations

import argparse

from headspec.commands.common_options import number_between, whole_number


def add_fourier(parser: argparse.ArgumentParser) -> None:
    """``--fourier`` and what belongs to it; all None (or False) where they are not given."""
    group = parser.add_argument_group("Fourier analysis")
    group.add_argument(
        "--fourier",
        action="store_true",
        help="spectra of the embedding and of the neurons over all pairs of operands; SPEC may be a saved folder, and "
        "there is no TEXT; without -o only the report is printed",
    )
    group.add_argument("--tokens", metavar="LIST", help="the circle, such as 0..112 (default: all whole numbers)")
    group.add_argument(
        "--prompt",
        metavar="WORDS",
        help="where the operands stand, such as '{a} {b} =' (default: what the spec's sequences leave no choice about)",
    )
    group.add_argument(
        "--layer", type=whole_number, metavar="N", help="whose neurons (default: the last layer with any)"
    )
    group.add_argument(
        "--sigmas",
        type=_sigmas,
        metavar="X",
        help="active is what is above mean + X sigma (default: 1 for embeddings and logits, 2 for neurons)",
    )
    group.add_argument(
        "--fit",
        metavar="LIST",
        help="frequencies, such as 5,2,1: R^2 of fits to embedding, unembedding, logits and last hidden states",
    )
    group.add_argument("--dtype", metavar="TYPE", help="compile for this float type instead of the spec's")
    group.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:0 (default: auto)")


def _sigmas(word: str) -> float:
    return number_between(word, 0, 100)
