"""Catalogue entries for whole programs: MLPs, scheduling, slots and families (E0480-E0499, E0122-E0129).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry

_TOP = """\
model example
tokens 0..3, "a"
context 8
table next: 0 -> 1, 1 -> 2, 2 -> 3, 3 -> 0
subspace digit : onehot(0..3)
subspace letter : onehot(tokens)
subspace raw : dims(2)
subspace result : onehot(0..3)
embed token -> digit
embed token -> letter
"""


def _entry(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    """An entry whose example is a small model with the lines ``wrong``, mended by ``right``."""
    return Entry(code, title, explanation, _TOP + wrong + "\n", _TOP + right + "\n")


def _compute(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    """The same for a single line of a layer."""
    return _entry(code, title, explanation, f"layer\n  {wrong}", f"layer\n  {right}")


ENTRIES: tuple[Entry, ...] = (
    _compute(
        "E0481",
        "values of different types",
        "A value is an integer, a token or a truth value. Integers are reckoned with and ordered, tokens are only equal or "
        "not, and truth values stand where a condition is asked for. Nothing is converted but an integer into the token "
        "that spells it, where the target of a `compute` line holds tokens.",
        "compute result = letter + 1",
        "compute result = next(digit)",
    ),
    _compute(
        "E0484",
        "a target that holds no values",
        "A `compute` line writes the encoded value into its target, so the target needs an encoding with values: raw "
        "`dims` and `constant` have none.",
        "compute raw = next(digit)",
        "compute result = next(digit)",
    ),
    _compute(
        "E0486",
        "no value at a position",
        "A `compute` line reads subspaces by their bare names, at its own position, and reckons with integers: there is no "
        "`key` and no `query`, no fraction and no real number.",
        "compute result = query.digit",
        "compute result = digit",
    ),
    Entry(
        "E0488",
        "a free length that ties nothing",
        "A count that nothing declares, `a{L} b{L}`, is a free length: all repeats that say L are equally long, and L is "
        "whatever fits the context, or within the range that one of them gives, `a{L: 1..8}`. Said once and without a "
        "range it ties nothing, and is likely a slip.",
        "tokens a, b\ncontext 8\nsequences a{L} b\n",
        "tokens a, b\ncontext 8\nsequences a{L} b{L}\n",
    ),
)
