"""Catalogue entries for syntax (E01xx).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_TOP = """\
model example
tokens a, b, <bos>
context 4
subspace content : onehot(tokens)
subspace guess : onehot(tokens)
embed token -> content
"""

_entry = entries_below(_TOP, "parse")
_in_head = entries_below(_TOP + "layer\n  head first\n    ", "parse")


ENTRIES: tuple[Entry, ...] = (
    _in_head(
        "E0101",
        "a character that means nothing here",
        "A spec is written with the signs of a keyboard: typographic quotes, arrows and comparison signs have plain "
        "spellings. Characters that cannot be seen (control characters, marks that reverse the direction of writing) "
        "are refused everywhere, so that a spec says what it shows. A token may be any text, once it is quoted.",
        "attend key.content ≠ query.content",
        "attend key.content != query.content",
    ),
    _entry(
        "E0102",
        "indentation that matches nothing",
        "Blocks are told by indentation alone: the lines of a head below its head, the heads of a layer below the "
        "layer, a docstring below its model or head. Lines of one block are indented alike; tabs and spaces do not "
        "mix. Other lines open no block; a long line goes on inside brackets, or after a comma at its end.",
        "layer\n  head first\n    attend key.content == query.content\n   copy key.content -> guess",
        "layer\n  head first\n    attend key.content == query.content\n    copy key.content -> guess",
    ),
    _entry(
        "E0103",
        "brackets that do not pair",
        "Every `(`, `[` and `{` is closed by its own partner. Inside brackets a line may go on over several lines; a "
        "line that starts with a keyword and is not indented further ends it.",
        "subspace digit : onehot({0, 1, 2)",
        "subspace digit : onehot({0, 1, 2})",
    ),
    _in_head(
        "E0104",
        "a quoted text without an end",
        'Quoted text ends on the line it begins on. Inside it, a backslash starts one of four escapes: `\\\\`, `\\"`, '
        "`\\n` (newline) and `\\t` (tab).",
        'rest key.content == "<bos>',
        'rest key.content == "<bos>"',
    ),
    _entry(
        "E0105",
        "a line that starts with an unknown word",
        "Every line starts with a keyword that says what it declares: `subspace`, `embed`, `layer`, `attend`, ...",
        "subspce digit : onehot(0..9)",
        "subspace digit : onehot(0..9)",
    ),
    _entry(
        "E0106",
        "a line in the wrong place",
        "Declarations stand in the first column, heads and `compute` lines there or inside a `layer`, and `attend`, "
        "`avoid`, `rest`, `prefer`, `copy` and matrices inside a `head`. A docstring stands first in the block of its "
        "model or head.",
        "layer\n  attend key.content == query.content",
        "layer\n  head first\n    attend key.content == query.content",
    ),
    _entry(
        "E0107",
        "a keyword used as a name",
        "No word has two meanings: the words of the language cannot name a subspace, head, table, symbol or param, and "
        "`tokens`, which stands for every token, cannot be a token.",
        "subspace position : phase(positions)",
        "subspace where : phase(positions)",
    ),
    _entry(
        "E0108",
        "a number that is not one",
        "Numbers are digits with at most one decimal point between them, and they are exact: 0.1 is one tenth. There "
        "is no exponent notation; write a product, a power or a fraction.",
        "mass 1e-2",
        "mass 1 - 10^-2",
    ),
    _entry(
        "E0109",
        "an empty block",
        "A layer is the heads and the `compute` lines that stand below it, and a family repeats what stands below "
        "`for`.",
        "layer",
        "layer\n  head first\n    attend key.content == query.content",
    ),
    _in_head(
        "E0111",
        "a word that does not fit",
        "The line starts well, and then something stands where something else is expected. The message says what could "
        "stand there, and the help shows the form of the line.",
        "attend key.content == query.content strenght 3",
        "attend key.content == query.content strength 3",
    ),
    _in_head(
        "E0112",
        "`=` for `==`, or `==` for `=`",
        "`=` gives a value (`param k = 3`), `==` compares (`key.content == query.content`).",
        "attend key.content = query.content",
        "attend key.content == query.content",
    ),
    _in_head(
        "E0113",
        "a token without quotes",
        "Tokens are bare only in `tokens` and `sequences`. Everywhere else they are quoted, so that `<bos>` is no "
        "comparison and `a` no name.",
        "rest key.content == <bos>",
        'rest key.content == "<bos>"',
    ),
    _entry(
        "E0114",
        "comparisons in a chain",
        "A comparison has two sides. In a predicate, join two comparisons with `and`; in a head, write two lines, "
        "whose scores add up.",
        "layer\n  head first\n    attend key.content == query.content\n"
        "expect head first: 0 <= key.position <= query.position",
        "layer\n  head first\n    attend key.content == query.content\n"
        "expect head first: 0 <= key.position and key.position <= query.position",
    ),
    _entry(
        "E0115",
        "too large to be read",
        "A spec has at most 262 144 characters, a number at most 1000 digits, brackets nest at most 64 deep, and one "
        "line chains at most some 200 operations: enough for anything a person writes, and every spec is read in "
        "bounded time.",
        "param k = " + "(" * 65 + "1" + ")" * 65,
        "param k = 1",
    ),
    _in_head(
        "E0116",
        "single quotes",
        "Tokens are quoted with double quotes; a single quote is a token like any other sign.",
        "rest key.content == '<bos>'",
        'rest key.content == "<bos>"',
    ),
    _in_head(
        "E0117",
        "an arrow that is missing",
        "What moves stands before `->`, and where it goes after it: in `copy`, `embed`, tables and `expect`.",
        "copy key.content guess",
        "copy key.content -> guess",
    ),
    _entry(
        "E0118",
        "a colon that is missing",
        "A colon stands after the name of a subspace (unless it is `like` another), of a table, and after "
        "`expect head NAME`.",
        "subspace digit onehot(0..9)",
        "subspace digit : onehot(0..9)",
    ),
    _in_head(
        "E0119",
        "a line that ends too early",
        "Something must follow: the label says what. A comma at the end of a line goes on with the next one.",
        "copy key.content ->",
        "copy key.content -> guess",
    ),
    _in_head(
        "E0120",
        "something said twice",
        "`when`, `strength`, `at`, `d_head` and `soft` stand at most once in a line.",
        "attend key.content == query.content strength 3 strength 4",
        "attend key.content == query.content strength 3",
    ),
    _entry(
        "E0121",
        "a choice that does not exist",
        "Some words are chosen from a short list: `prefer latest` or `prefer earliest`; `basis hadamard`, "
        "`basis reflection` or `basis rotation(3, 4, 5)`.",
        "basis hadamrd",
        "basis hadamard\nresidual 8",
    ),
)
