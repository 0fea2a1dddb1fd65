"""Catalogue entries for heads, relations, copies, matrices and claims (E040x-E042x, E045x).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_TOP = """\
model example
tokens a, b, 0..3, <bos>
context 8
sequences <bos> (a | b | 0..3){1,7}
subspace content : onehot(tokens)
subspace digit : onehot(0..3)
subspace where : phase(positions)
subspace index : scalar(positions)
subspace guess : onehot(tokens)
embed token -> content
embed token -> digit
embed position -> where
embed position -> index
"""

_entry = entries_below(_TOP)
_in_head = entries_below(_TOP + "layer\n  head first\n    ")
_claim = entries_below(
    _TOP + "layer\n  head same\n    attend key.content == query.content\n    copy key.content -> guess\npredict guess\n"
)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0401",
        "a head that does nothing",
        "A head says where it attends (`attend`, `avoid`, `rest`, `prefer`) and what it moves (`copy`), or gives "
        "matrices for both.",
        'layer\n  head first\n    "It looks at itself."',
        'layer\n  head first\n    "It looks at itself."\n    attend key.where == query.where',
    ),
    _entry(
        "E0402",
        "a head in the wrong place",
        "`at L.H` pins a head to index H of layer L, both counted from 0. L is the number of the `layer` block it "
        "stands in, and no two heads have the same place. Heads without `at` fill the gaps in order.",
        "layer\n  head first at 1.0\n    attend key.where == query.where",
        "layer\n  head first at 0.0\n    attend key.where == query.where",
    ),
    _in_head(
        "E0404",
        "not a relation",
        "A relation compares a feature of the key with a feature of the query, or with constants: `key.A == query.B`, "
        "`key.A == query.B - 1`, `key.A in {1, 4}`, `key.A == table(query.B)`; the two sides may change places. "
        "Whole numbers may be added, nothing else: a score is bilinear.",
        "attend query.content == query.digit",
        "attend key.content == query.content",
    ),
    _in_head(
        "E0405",
        "encodings without an exact score",
        "`==` is a bilinear score. One-hot keys match anything (a number only where nothing but `embed` writes them); "
        "phases match phases of the same frequencies; codes the same code; a quadratic key any linear form u, as "
        "2uv - v^2. A scalar key matches nothing: its score is linear in v. Tokens and integers are never equal.",
        "attend key.index == query.index",
        "attend key.where == query.where",
    ),
    _in_head(
        "E0406",
        "a relation that never holds",
        "No values of the two sides make the comparison true, so the line would be idle (or the sign of a slip).",
        "attend key.digit > 3",
        "attend key.digit > 2",
    ),
    _in_head(
        "E0407",
        "a value that the subspace does not hold",
        "Constants are compared with values of the subspace: quoted tokens where it holds tokens, integers where it "
        "holds integers.",
        "attend key.digit == 7",
        "attend key.digit == 3",
    ),
    _in_head(
        "E0408",
        "an order, or a table, that the encoding does not know",
        "`<`, `<=`, `>`, `>=` need one-hot subspaces of integers, where they are triangular tables; `!=` and tables "
        "need one-hot subspaces. Phases and codes know `==` only, and tokens have no order.",
        "attend key.where < query.where",
        "attend key.digit < query.digit",
    ),
    _in_head(
        "E0409",
        "a position that the weights cannot see",
        "`key.position` is a relation under `positions rotary` only, as `key.position == query.position - k`. Where "
        "positions are embedded, read the subspace that they are embedded in. ALiBi's scores fall steadily with the "
        "distance, so no distance but the nearest can be their maximum. Rotary positions turn queries and keys and "
        "never reach W_V: they cannot be copied.",
        "attend key.position == query.position - 1",
        "attend key.where == query.where - 1",
    ),
    _in_head(
        "E0410",
        "not a condition on the query",
        "`when` compares one feature of the query, or `query.position`, with constants: it switches the line on and "
        "off. What depends on the key belongs to the relation.",
        "attend key.where == query.where when key.digit == 1",
        "attend key.where == query.where when query.digit == 1",
    ),
    _in_head(
        "E0411",
        "not a resting place",
        "A query that nothing fits attends to the keys of `rest`: a feature of the key against constants, `rest "
        'key.content == "<bos>"`.',
        "rest key.content == query.content",
        'rest key.content == "<bos>"',
    ),
    _in_head(
        "E0412",
        "a preference without an order",
        "`prefer latest by A` keeps, of the keys that fit, the one whose A is largest; `earliest` the smallest. A is a "
        "`scalar`, a `quadratic` or a one-hot over integers, or `position` under alibi; a head has one preference.",
        "attend key.content == query.content\n    prefer latest by where",
        "attend key.content == query.content\n    prefer latest by index",
    ),
    _in_head(
        "E0413",
        "a strength that is not positive",
        "A strength multiplies a line's score. To keep attention away write `avoid`, not a negative strength.",
        "attend key.content == query.content strength -2",
        "avoid key.content == query.content strength 2",
    ),
    _in_head(
        "E0414",
        "read before it is written",
        "A subspace holds something once it is embedded, or once a head of an earlier layer has copied into it. The "
        "heads of one layer run in parallel and do not see what the others write.",
        "attend key.guess == query.content\n    copy key.content -> guess",
        "attend key.content == query.content\n    copy key.content -> guess",
    ),
    _in_head(
        "E0415",
        "not a copy",
        "`copy [c *] key.A [+ k] [through TABLE] -> B` moves a multiple of one feature of the key. Several lines add "
        "up. For a scalar, `c * (key.A + k)` says that c applies to the sum.",
        "copy query.content -> guess",
        "copy key.content -> guess",
    ),
    _in_head(
        "E0416",
        "a copy between encodings that do not fit",
        "W_OV is linear: a one-hot goes anywhere, other encodings into their own kind (phases of the same frequencies, "
        "the same code, dims of the same size); a quadratic also into a scalar. `like` declares a fitting target.",
        "copy key.where -> guess",
        "copy key.content -> guess",
    ),
    _in_head(
        "E0417",
        "a copy of values that the target does not hold",
        "Every value that the source can take, after the shift or the table, is one of the target's. Where both have "
        "the same set, a shifted value may drop off its end.",
        "copy key.digit -> few\nsubspace few : onehot(0..2)",
        "copy key.digit -> few\nsubspace few : onehot(0..3)",
    ),
    _entry(
        "E0418",
        "a table used for what it is not",
        "A table with single images is compared with `==` and can be copied through; one whose images are sets is "
        "compared with `in` and cannot be copied. Its arguments are values of the subspace that it is applied to.",
        'table near: "a" -> {"a", "b"}\nlayer\n  head first\n    attend key.content == near(query.content)',
        'table near: "a" -> {"a", "b"}\nlayer\n  head first\n    attend key.content in near(query.content)',
    ),
    _in_head(
        "E0419",
        "half of a circuit",
        "Only W_Q^T W_K and W_O W_V mean something: a head gives W_Q with W_K, and W_V with W_O, each once.",
        "W_Q = rows where.cos0",
        "W_Q = rows where.cos0\n    W_K = rows where.cos0",
    ),
    _in_head(
        "E0420",
        "matrices whose shapes disagree",
        "W_Q, W_K and W_V are (d_head, d_model) and are given by `rows`; W_O is (d_model, d_head) and is given by "
        "`columns`. The two of a circuit have the same d_head, and the declared one if there is one.",
        "W_Q = rows where.cos0, where.sin0\n    W_K = rows where.cos0",
        "W_Q = rows where.cos0, where.sin0\n    W_K = rows where.cos0, where.sin0",
    ),
    _in_head(
        "E0421",
        "not a combination of basis vectors",
        "Rows and columns are sums of multiples of named basis vectors: `cos(a)*where.cos0 - sin(a)*where.sin0`, or 0. "
        "Components are `cos0`, `sin0`, ... of a phase, a value of a onehot, `value` and `square`, `0`, `1`, ... of "
        "dims and codes, and `one`.",
        "W_Q = rows where.cos99\n    W_K = rows where.cos0",
        "W_Q = rows where.cos0\n    W_K = rows where.cos0",
    ),
    _entry(
        "E0423",
        "a prediction that is no token",
        "`predict B` decodes the values of B as tokens: at least one of them is a token, or an integer that a token "
        "spells. Each subspace is predicted once.",
        "predict late\nsubspace late : onehot(4..7)\nembed position -> late",
        "predict content",
    ),
    _claim(
        "E0451",
        "a claim about no head",
        "`expect head NAME:` speaks of a head that is declared in a layer.",
        "expect head sama: token[key.position] == token[query.position]",
        "expect head same: token[key.position] == token[query.position]",
    ),
    _claim(
        "E0452",
        "not a statement about tokens and positions",
        "A claim compares positions (`key.position`, `query.position`, integers, + - * // mod) with positions, and "
        "tokens (`token[INDEX]`, quoted tokens) with tokens, joined by `and`, `or`, `not`.",
        "expect head same: key.position",
        "expect head same: key.position <= query.position",
    ),
    _claim(
        "E0453",
        "a claim about a subspace",
        "`expect` lines are a third, independent statement, over tokens and positions only: a subspace is what the "
        "model believes, not what is there.",
        "expect head same: key.content == query.content",
        "expect head same: token[key.position] == token[query.position]",
    ),
    _claim(
        "E0454",
        "a prompt that is no valid input",
        "Every claim is about the sequences of `sequences`, and only these. Spaces separate the tokens of a prompt.",
        'expect "a b a" -> "a"',
        'expect "<bos> a b a" -> "a"',
    ),
    _entry(
        "E0455",
        "an answer without a prediction",
        "An expected answer is the token that `predict` decodes at the end of the prompt; without that line there is "
        "none.",
        'layer\n  head same\n    copy key.content -> guess\nexpect "<bos> a" -> "a"',
        'layer\n  head same\n    copy key.content -> guess\npredict guess\nexpect "<bos> a" -> "a"',
    ),
)
