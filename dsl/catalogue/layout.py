"""Catalogue entries for encodings, coordinates, embeddings and sizes (E03xx).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_TOP = "model example\ntokens a, b, c, 0..3\ncontext 8\n"
_entry = entries_below(_TOP)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0301",
        "an unknown encoding",
        "Subspaces are encoded as `onehot`, `phase`, `scalar`, `quadratic`, `code`, `dims` or `constant`.",
        "subspace content : one_hot(tokens)",
        "subspace content : onehot(tokens)",
    ),
    _entry(
        "E0302",
        "an encoding with the wrong arguments",
        "`onehot(SET)`, `phase(RANGE, COUNT, frequencies = [..], magnitudes = [..], period = N)`, "
        "`scalar(RANGE)`, `quadratic(RANGE)`, `code(SET, SIZE, vectors = [[..], ..])`, `dims(SIZE)`, `constant`. "
        "Rows of a table of numbers have one length.",
        "subspace content : onehot(tokens, 3)",
        "subspace content : onehot(tokens)",
    ),
    _entry(
        "E0303",
        "arithmetic on what has none",
        "`phase`, `scalar` and `quadratic` encode a range of consecutive integers: positions, or `0..9`. Tokens have "
        "no arithmetic; use `onehot` or `code`.",
        "subspace content : phase(tokens)",
        "subspace content : phase(positions)",
    ),
    _entry(
        "E0304",
        "frequencies and magnitudes that do not pair up",
        "A `phase` has one frequency and one magnitude for each cos/sin pair, and none of them is 0. With `period = N` "
        "there are N // 2 different frequencies to choose from.",
        "subspace where : phase(positions, frequencies = [1, 1/2], magnitudes = [1])",
        "subspace where : phase(positions, frequencies = [1, 1/2], magnitudes = [1, 1])",
    ),
    _entry(
        "E0305",
        "an ambiguous code",
        "A code tells values apart by dot products: norm^2 must exceed the dot product of every two different vectors. "
        "k entries of +1 or -1 give 2^k vectors, so n values need k >= log2 n; more dimensions give a larger margin.",
        "subspace content : code(tokens, 2)",
        "subspace content : code(tokens, 3)",
    ),
    _entry(
        "E0306",
        "vectors that are no code",
        "A code given outright has one vector for each value, in the order of the set, and all have the same norm: "
        "otherwise the longest would win every comparison.",
        'subspace content : code({"a", "b"}, 2, vectors = [[1, 0], [0, 2]])',
        'subspace content : code({"a", "b"}, 2, vectors = [[2, 0], [0, 2]])',
    ),
    _entry(
        "E0307",
        "`like` in a circle",
        "`subspace b like a` gives b the encoding of a. Following it must end at a subspace with an encoding.",
        "subspace one like two\nsubspace two like one",
        "subspace one : onehot(tokens)\nsubspace two like one",
    ),
    _entry(
        "E0308",
        "the wrong number of coordinates",
        "`at` pins every coordinate of a subspace: as many as it has dimensions, counted from 0. Two for each pair of "
        "a `phase`, one for each value of a `onehot`.",
        "subspace where : phase(positions, 2) at 0..2",
        "subspace where : phase(positions, 2) at 0..3",
    ),
    _entry(
        "E0309",
        "two subspaces on one coordinate",
        "A residual stream only adds, so a coordinate belongs to one subspace from the first layer to the last; it is "
        "not used again after its last reader. Without `at` the compiler finds room by itself.",
        "subspace one : dims(2) at 0..1\nsubspace two : dims(2) at 1..2",
        "subspace one : dims(2) at 0..1\nsubspace two : dims(2) at 2..3",
    ),
    _entry(
        "E0310",
        "a residual stream that is too small",
        "`residual n` fixes d_model, and every subspace needs its own coordinates within 0..n-1. The figures list what "
        "each takes up; without the line d_model is what they need together.",
        "residual 6\nsubspace content : onehot(tokens)",
        "residual 8\nsubspace content : onehot(tokens)",
    ),
    _entry(
        "E0311",
        "a basis that does not fit",
        "`basis hadamard` needs a power of two as d_model, `basis rotation(a, b, c)` an even d_model and a^2 + b^2 = "
        "c^2, and vectors given outright form a d_model x d_model table. `basis reflection` always fits.",
        "residual 12\nsubspace content : onehot(tokens)\nbasis hadamard",
        "residual 16\nsubspace content : onehot(tokens)\nbasis hadamard",
    ),
    _entry(
        "E0312",
        "what cannot be embedded",
        "`embed token -> A` and `embed position -> A` put the token or its position into a subspace, and "
        "`embed 2*token + 1 -> A` a number that is worked out from the token (or the position, not from both). A "
        "`constant` subspace is 1 everywhere without being embedded.",
        "subspace one : constant\nembed token -> one",
        "subspace content : onehot(tokens)\nembed token -> content",
    ),
    _entry(
        "E0313",
        "an embedding of nothing",
        "A token or position whose value lies outside the subspace embeds as zero; if none lies inside, the line does "
        'nothing. Tokens that spell integers have those values: the token "3" is 3 in `onehot(0..9)`.',
        "subspace where : onehot(tokens)\nembed position -> where",
        "subspace where : onehot(positions)\nembed position -> where",
    ),
    _entry(
        "E0314",
        "an embedding matrix of the wrong shape",
        "Raw `dims` have no values, so their embedding is written out: one row for each token, in the order of "
        "`tokens`, or for each position, each as long as the subspace. Other encodings say it themselves; only a code "
        "may choose which of its vectors stands where.",
        "subspace low : dims(1)\nembed token -> low = [[1], [2]]",
        "subspace low : dims(1)\nembed token -> low = [[1], [2], [3], [4], [5], [6], [7]]",
    ),
    _entry(
        "E0315",
        "two embeddings in one subspace",
        "Two embedded values would add up to something that is neither. Use two subspaces.",
        "subspace place : onehot(0..7)\nembed token -> place\nembed position -> place",
        "subspace place : onehot(0..7)\nsubspace digit like place\nembed token -> digit\nembed position -> place",
    ),
    _entry(
        "E0320",
        "too large",
        "Sizes are bounded before anything is built, so that a slip of the pen is a message and not a full memory. The "
        "bounds stand in `compiler/limits.py`.",
        "subspace count : onehot(0..10^12)",
        "subspace count : onehot(0..12)",
    ),
)
