"""Catalogue entries for whole programs: MLPs, scheduling, slots and families (E0480-E0499, E0122-E0129).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_TOP = """\
model example
tokens 0..3, "a"
context 8
table first: 0 -> 1, 1 -> 2
table next: 0 -> 1, 1 -> 2, 2 -> 3, 3 -> 0
subspace digit : onehot(0..3)
subspace letter : onehot(tokens)
subspace raw : dims(2)
subspace result : onehot(0..3)
embed token -> digit
embed token -> letter
"""

_entry = entries_below(_TOP)
_compute = entries_below(_TOP + "layer\n  ")


_PAIR = "subspace mix : pairs(digit)\nlayer\n  head own\n    attend key.digit == query.digit\n"

ENTRIES: tuple[Entry, ...] = (
    _compute(
        "E0480",
        "a value outside its target",
        "Every value that a `compute` line can give must be one that its target holds. The inputs that lead outside "
        "are shown. What one token or position decides is taken together, and so is what a head copies from one "
        "key; other inputs are taken to be independent, and the message says which. Where there are too many "
        "combinations to try, bounds of the inputs decide. Enlarge the target's set, or bound the value with `mod`, "
        "`min` or `if`.",
        "compute result = digit + 1",
        "compute result = (digit + 1) mod 4",
    ),
    _compute(
        "E0482",
        "a table without an image",
        "A table that is looked up in a `compute` line needs an entry for every argument that can occur.",
        "compute result = first(digit)",
        "compute result = if digit in {0, 1} then first(digit) else 0",
    ),
    _compute(
        "E0483",
        "a division by zero",
        "The right side of `//` and `mod` may be 0 for no inputs that can occur. Of `if c then a else b` only the "
        "branch that is taken counts, so `if` can leave them out.",
        "compute result = 3 // digit",
        "compute result = if digit == 0 then 0 else 3 // digit",
    ),
    _compute(
        "E0481",
        "values of different types",
        "A value is an integer, a token or a truth value. Integers are reckoned with and ordered, tokens are only "
        "equal or not, and truth values stand where a condition is asked for. Nothing is converted but an integer "
        "into the token that spells it, where the target of a `compute` line holds tokens.",
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
        "A `compute` line reads subspaces by their bare names, at its own position, and reckons with integers: "
        "there is no `key` and no `query`, no fraction and no real number.",
        "compute result = query.digit",
        "compute result = digit",
    ),
    _entry(
        "E0485",
        "lines that wait for one another",
        "A line of the first level runs once everything that writes what it reads has run. Lines that read, all "
        "around, what the next one writes can never run. In `layer` blocks the order is given: a line then reads "
        "what has been written so far.",
        "subspace other : onehot(0..3)\ncompute result = other\ncompute other = result",
        "subspace other : onehot(0..3)\ncompute result = digit\ncompute other = result",
    ),
    _entry(
        "E0487",
        "a head that nobody can put into a layer",
        "A head of the first level runs once what it reads has been written. Rows and columns of named directions say "
        "what it reads and writes; entries by coordinate do not, so such a head stands in a `layer`.",
        "head first\n  W_Q = [[1, 0]]\n  W_K = [[1, 0]]\n  copy key.digit -> result",
        "head first\n  W_Q = rows digit.0\n  W_K = rows digit.0\n  copy key.digit -> result",
    ),
    _entry(
        "E0489",
        "a layout and valid inputs that disagree",
        "`layout` gives every position a name, or the token that always stands there; `sequences` must allow no more. "
        "Without `sequences`, the layout alone says what is valid: any token in a named slot.",
        'layout x "a"\nsequences tokens{2}',
        'layout x "a"\nsequences tokens a',
    ),
    _entry(
        "E0490",
        "a family of nothing",
        "A family counts over a finite set: `0..3`, `{1, 4}`, or `primes(2, 113)`, the primes from 2 up to, and "
        "without, 113.",
        "for q in primes(8, 10)\n  compute result = q mod 2",
        "for q in primes(2, 3)\n  compute result = q mod 2",
    ),
    _entry(
        "E0495",
        "half a pair",
        "A `pairs` subspace holds what is added to it: an embedding adds one value, a head that copies a value one, "
        "times its coefficient. Two of them are a pair; `first` and `second` of what is never more than one value "
        "would have no meaning anywhere.",
        f"{_PAIR}    copy key.digit -> mix\n  compute result = second(mix)",
        f"{_PAIR}    copy 2 * key.digit -> mix\n  compute result = second(mix)",
    ),
    Entry(
        "E0488",
        "a free length that ties nothing",
        "A count that nothing declares, `a{L} b{L}`, is a free length: all repeats that say L are equally long, and "
        "L is whatever fits the context, or within the range that one of them gives, `a{L: 1..8}`. Said once and "
        "without a range it ties nothing, and is likely a slip.",
        "tokens a, b\ncontext 8\nsequences a{L} b\n",
        "tokens a, b\ncontext 8\nsequences a{L} b{L}\n",
    ),
)
