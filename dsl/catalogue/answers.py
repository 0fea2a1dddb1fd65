"""Catalogue entries for what is handed in as an answer (E0701..E0739).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

HANDED_IN: tuple[Entry, ...] = (
    Entry(
        "E0720",
        "a name means nothing in this exercise",
        "An answer may use the symbols and params of the given spec, `pi`, and, in `rows` and `columns`, the "
        "directions of its stream (`where.cos0`) with the further names that the exercise gives them. A direction is a "
        "vector and cannot stand where a number is expected. `headspec exercise show` lists all of them.",
    ),
    Entry(
        "E0721",
        "this is not an exact number",
        "Entries are exact: integers, decimals, fractions, symbols, sums, products, whole powers, square roots of "
        "rational numbers, cosines and sines of angles, and pi. An angle is a sum of rationals and of rational "
        "multiples of pi and of symbols; nothing is divided by a sum. SymPy expressions are read by the same rules, "
        "node by node; nothing is evaluated.",
    ),
    Entry(
        "E0722",
        "a matrix has the wrong shape",
        "With residual vectors as columns W_Q, W_K and W_V are (d_head, d_model) and W_O is (d_model, d_head); with "
        "residual vectors as rows each is transposed. Fewer dimensions of the head than are asked for are fine: zeros "
        "fill up. A convention that was named has to fit the shapes.",
    ),
    Entry(
        "E0723",
        "are residual vectors columns or rows?",
        "Both conventions are understood, one for all matrices of an answer. Where the shapes allow both (square "
        "matrices) and the head would not be the same, it is asked for: `--convention column`, `--convention row`, or "
        "`convention=` in Python. `W_Q = rows where.cos0, ..` lists residual vectors and leaves nothing open. Where "
        "some matrices fit one convention only and some the other, one side has to be transposed.",
    ),
    Entry(
        "E0724",
        "a head has other dimensions than the exercise gives it",
        "The exercise says how many dimensions queries, keys and values have. Fewer will do, more will not: that the "
        "head fits is part of what is asked. The two factors of a circuit have the same d_head.",
    ),
    Entry(
        "E0725",
        "something that is asked for is missing",
        "An answer is checked as a whole: every matrix, head, formula or number that the exercise asks for has to be "
        "there. `headspec exercise show` lists them, and `--json` gives a form to fill in.",
    ),
    Entry(
        "E0726",
        "something was not asked for",
        "Every name of an answer has to be one that the exercise asks for, once. `W_Q1`, `W_Q^1`, `first.W_Q` and "
        "`W_out1` for `W_O1` are understood; heads are counted in the order in which they are asked for. A file of one "
        "matrix is given as `NAME=path` where several are asked for.",
    ),
    Entry(
        "E0727",
        "this is not one of the choices",
        "The answer to a choice is the letters of everything that is right: `ac`, `a, c` and `a and c` are the same.",
    ),
    Entry(
        "E0728",
        "this is not a token of the exercise",
        "The answer is a sequence of tokens of the given spec, separated by spaces.",
    ),
    Entry(
        "E0729",
        "the sequence is not one of the valid ones",
        "The given spec says which sequences there are, and promises something about these only: an answer that is "
        "none of them shows nothing about the head.",
    ),
    Entry(
        "E0730",
        "the answer's spec has another stage",
        "A whole spec is compared with the given one before its heads are: tokens, context, sequences, symbols, "
        "subspaces and where they lie, embeddings, basis, biases and positions have to be the same. Handing in the "
        "`layer` blocks alone is enough: they are put on the given stage.",
    ),
    Entry(
        "E0731",
        "an answer of another sort is asked for",
        "Each exercise asks for one sort of answer: matrices or heads, formulas, numbers, letters, or tokens. They are "
        "handed in as one text, or as files, or as objects in Python, not as a mixture.",
    ),
    Entry(
        "E0732",
        "files of this type are not read",
        "Text, `.npy`, `.npz`, `.safetensors`, `.json` and `.csv` are read. Pickles (`.pt`, `.pth`, `.pkl`) are not: "
        "whoever opens one runs the code in it. Save tensors as `.safetensors`, arrays as `.npy`.",
    ),
    Entry(
        "E0733",
        "an answer file is damaged",
        "The file is not what its name says, or it ends too early, or a name stands twice in it. What a header says of "
        "shapes is held against the bytes that are there before anything is read.",
    ),
    Entry(
        "E0734",
        "an answer is too large",
        "A file may have 64 MiB and a matrix a million entries, unpacked; numbers may have 1000 digits. An answer is a "
        "few small matrices: usually this is the wrong file.",
    ),
    Entry(
        "E0735",
        "entries are finite real numbers",
        "NaN, infinities, complex numbers, texts and Python objects in arrays cannot be entries of a matrix. Object "
        "arrays are pickled when they are saved, and pickles are not opened.",
    ),
    Entry(
        "E0736",
        "this is not a matrix",
        "A matrix has two dimensions, and rows of one length. A stack of all heads of a layer has three: give the "
        "matrix of one head by itself.",
    ),
)
"""What is handed in, after its text has been read, or as numbers."""

ENTRIES: tuple[Entry, ...] = (*HANDED_IN,)
