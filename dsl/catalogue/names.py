"""Catalogue entries for names, numbers and sets (E02xx).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_MIDDLE = """\
context 8
subspace content : onehot(tokens)
subspace digit : onehot(0..3)
embed token -> content
embed token -> digit
"""


def _entry(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    """An entry whose example is a small model with the lines ``wrong``, mended by ``right``."""
    top = "model example\ntokens a, b, 0..3\n" + _MIDDLE
    return Entry(code, title, explanation, top + wrong + "\n", top + right + "\n" if right else top)


_whole = entries_below("")


_HEAD = "layer\n  head first\n    attend key.content == "

ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0201",
        "one name for two things",
        "Subspaces, heads, tables, symbols and params share one set of names, so that a name means one thing wherever "
        "it stands. The message shows both declarations; rename one.",
        "subspace content : onehot(tokens)",
        "subspace other : onehot(tokens)",
    ),
    _entry(
        "E0202",
        "said twice",
        "`model`, `tokens`, `context`, `sequences`, `mass`, `dtype`, `residual`, `basis`, `biases` and `positions` are "
        "said once at most. Two of them would contradict each other, or one would be idle.",
        "mass 0.9\nmass 0.99",
        "mass 0.99",
    ),
    _entry(
        "E0203",
        "an unknown name in a number",
        "Numbers are made of integers, decimals, params, declared symbols, `pi`, and `sqrt`, `cos`, `sin`. A name that "
        "is none of these must be declared: `param k = 2` for a rational, `symbol beta > 0` for a letter that stays.",
        _HEAD + "query.content strength beta",
        "symbol beta > 0\n" + _HEAD + "query.content strength beta",
    ),
    _entry(
        "E0204",
        "an unknown subspace",
        "A head reads and writes subspaces by name, and each is declared once: `subspace content : onehot(tokens)`.",
        _HEAD + "query.contents",
        _HEAD + "query.content",
    ),
    Entry(
        "E0206",
        "an unknown setting",
        "`--set k=5` (or `settings={'k': 5}`) replaces the value of a param, or gives a symbol its value. It cannot "
        "introduce a name that the spec does not declare.",
    ),
    _whole(
        "E0207",
        "no tokens",
        "Every spec lists its vocabulary, in the order of the token ids: `tokens a..z, <bos>`.",
        "model example\ncontext 4",
        "model example\ntokens a..z, <bos>\ncontext 4",
    ),
    _whole(
        "E0208",
        "a token declared twice",
        "Each token has one id, so it stands once in `tokens`; ranges count all that they contain.",
        "tokens a..e, c",
        "tokens a..e, f",
    ),
    _whole(
        "E0209",
        "not a range",
        "A range joins two integers or two single characters, both ends included, the smaller first: `0..9`, "
        '`0..p - 1`, `a..z` in `tokens` and `sequences`, `"a".."z"` elsewhere. A digit and a letter are none; where '
        "both ends are one letter long and names of params, parentheses say that numbers are meant: `(a)..(p)`.",
        "tokens z..a",
        "tokens a..z",
    ),
    _entry(
        "E0210",
        "an unknown token",
        "A quoted text is a token of the `tokens` line, letter by letter; `sequences` may use no others either.",
        _HEAD + '"c"',
        _HEAD + '"b"',
    ),
    _entry(
        "E0211",
        "a value out of range",
        "`mass` lies strictly between 1/2 and 1 (a softmax never gives all of it); `context`, `residual`, `d_head` and "
        "counts are at least 1; `dtype` is float64, float32, float16 or bfloat16; a symbol declared `> 0` is positive.",
        "mass 1",
        "mass 0.999",
    ),
    _entry(
        "E0212",
        "not the number that is needed",
        "Sizes, shifts, range ends and values are integers; params, `mass` and the base of rotary are rational. "
        "Symbols, roots, sines and cosines may stand in strengths, frequencies, magnitudes and matrices only.",
        "subspace half : onehot(0..1/2)",
        "subspace half : onehot(0..1)",
    ),
    _entry(
        "E0213",
        "a number that does not exist",
        "Division by zero, the square root of a negative number, or an exponent that is not an integer. Arithmetic is "
        "exact and real, so there is no infinity and no i. Sums are not divided by, powers of sums stay short, and "
        "roots are taken of numbers whose factors are found.",
        "param k = 1/0",
        "param k = 1/2",
    ),
    _entry(
        "E0214",
        "a value twice, or of another kind, in one set",
        "The members of a set are all tokens or all integers, and each stands there once: every one of them becomes a "
        "dimension, or a case of a relation.",
        "subspace some : onehot({1, 2, 1})",
        "subspace some : onehot({1, 2, 3})",
    ),
    _entry(
        "E0215",
        "a set or a value is expected",
        'Sets are `tokens`, `positions`, ranges such as `0..9` or `"a".."z"`, and lists in braces, `{1, 4, 7}`. Values '
        "are integers and quoted tokens.",
        "subspace some : onehot(3)",
        "subspace some : onehot({3})",
    ),
    _entry(
        "E0216",
        "a table that contradicts itself",
        "A table is a function: one entry for each argument. Where an argument has several images, they form a set, "
        '`"a" -> {"b", "c"}`. All arguments are of one kind (tokens or integers), and so are all images.',
        'table next: "a" -> "b", "a" -> "a"',
        'table next: "a" -> {"b", "a"}',
    ),
    _entry(
        "E0217",
        "an unknown table",
        'A name applied to a feature, or after `through`, is a table: `table next: "a" -> "b"`.',
        _HEAD + "next(query.content)",
        'table next: "a" -> "b"\n' + _HEAD + "next(query.content)",
    ),
    _entry(
        "E0218",
        "an impossible number of repeats",
        "`{m,n}` repeats at least m and at most n times; neither is negative, and m comes first.",
        "sequences (a | b){3,2}",
        "sequences (a | b){2,3}",
    ),
    _entry(
        "E0219",
        "no valid input",
        "Every claim is about the sequences of `sequences` that fit into the context; here there is none. The empty "
        "sequence is never valid.",
        "sequences a{9}",
        "sequences a{8}",
    ),
    _entry(
        "E0220",
        "positions that no architecture has",
        "`positions rotary(base = 10000, dims = 16, layout = half)` turns pairs of the first `dims` coordinates of "
        "queries and keys; `layout` is `half` (i with i + dims/2) or `pairs` (2i with 2i + 1), and `dims` is even. "
        "`positions alibi` lowers scores with the distance and has no options.",
        "positions rotary(dims = 7)",
        "positions rotary(dims = 8)",
    ),
)
