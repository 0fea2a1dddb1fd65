"""Catalogue entries for the command line and files (E06xx).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0601",
        "spec not found",
        "The word is neither a file that can be read nor the name of a packaged spec. A packaged spec can be named "
        "in full (`library/induction`) or by its last part (`induction`) when that is unambiguous; "
        "`headspec specs` lists them.",
    ),
    Entry(
        "E0602",
        "not UTF-8",
        "Specs are UTF-8 text, with or without a byte-order mark. The offset of the first byte that is not is "
        "given. Most editors can save a file as UTF-8.",
    ),
    Entry(
        "E0603",
        "file too large",
        "A spec is a page or two of text; files above 4 MiB are refused before they are read in full.",
    ),
    Entry(
        "E0604",
        "setting not understood",
        "`--set name=value` gives a param or a symbol an exact value: an integer (`3`), a fraction (`-3/2`) or a "
        "decimal (`0.25`, which means exactly 1/4). Nothing else is read, and nothing is evaluated.",
    ),
    Entry(
        "E0605",
        "cannot be written",
        "The output could not be written, or a file of that name exists already and would be lost. Files are "
        "written beside their target and then renamed, so an interrupted command leaves the old file whole.",
    ),
    Entry(
        "E0606",
        "no such head or matrix",
        "Heads are named as in the spec, or by layer and index (`L0H1`). Matrices are W_Q, W_K, W_V, W_O, QK "
        "(= W_Q^T W_K), OV (= W_O W_V) and the biases b_Q, b_K, b_V of a head, and W_E, W_pos, W_U, b_U of the model.",
    ),
    Entry(
        "E0607",
        "text is not tokens",
        "The text given to `run` or `plot` is split at spaces, and a word that is no token into the longest tokens "
        "it begins with. Something in it is no token of the model, or there are more tokens than the context holds, "
        "or a query or slot name does not fit the text.",
    ),
    Entry(
        "E0608",
        "option not understood",
        "An option of the command line has a value that is not among those it takes, or asks for more than can be "
        "done (a device that is not there, every one of too many sequences). `headspec COMMAND --help` lists what "
        "each option takes.",
    ),
    Entry(
        "E0609",
        "optional library missing",
        "Compiling, showing and running need only the base installation. Drawing PNG files needs matplotlib: "
        "`pip install matplotlib`. HTML and SVG need nothing more. A HookedTransformer needs transformer_lens below 4, "
        "which still has it.",
    ),
)
