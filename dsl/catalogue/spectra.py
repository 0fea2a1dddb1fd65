"""Catalogue entries for Fourier analysis (E0660..E0669).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0660",
        "nothing to take a spectrum of",
        "A Fourier analysis goes round a circle of tokens, all whole numbers of the vocabulary unless `--tokens "
        "0..112` names others, in order; there must be three at least, and no gaps among those found by themselves. "
        "Neurons are read at the end of a prompt, `--prompt '{a} {b} ='`, in which both operands stand once and "
        "everything else is a token; without it, the prompt is what the spec's `sequences` leave no choice about. "
        "`--layer` names a layer that has neurons, `--fit 5,2,1` different frequencies from 1 to half the number of "
        "tokens. A torch module needs TransformerLens' names (`embed.W_E`, "
        "`blocks.0.mlp.W_out`, the activation `blocks.0.mlp.hook_post`); without a spec its tokens are ids.",
    ),
)
