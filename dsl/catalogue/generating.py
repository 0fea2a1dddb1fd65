"""Catalogue entries for generated parts and claims about outputs (E0456-E0459, E0491-E0494).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry, entries_below

_TOP = """\
model example
tokens 0..9, "+", "="
layout a "+" b "=" c
sequences 0..9 "+" 0..9 "=" 0..9
subspace digit : onehot(0..9)
subspace out : onehot(0..9)
embed token -> digit
"""

_entry = entries_below(_TOP)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0456",
        "a claim about an output that says no value",
        "`expect out after POSITION == VALUE` says what is predicted at a position as an expression over the tokens "
        "up to there: integers, `token[POSITION]`, quoted tokens, arithmetic, `sum(.. for i in ..)`, `if`. What is "
        "predicted there cannot depend on later tokens, and a token that is reckoned with must be a number whatever "
        "valid input it stands in. There is no key and no query, and no subspace but the predicted one.",
        "predict out\nexpect out after c - 1 == (token[a] + token[c]) mod 10",
        "predict out\nexpect out after c - 1 == (token[a] + token[b]) mod 10",
    ),
    _entry(
        "E0457",
        "a claim that reckons too far",
        "Bounds of every number on the way are known beforehand, from the tokens that can stand at each position. "
        "Claims that stay within 64-bit integers are worked out for millions of inputs at once, on any device; "
        "larger ones one by one, in NumPy arrays alone; and beyond 4096 bits not at all. Reckon in smaller parts, "
        "for instance modulo a power within the sum.",
        "predict out\nexpect out after c - 1 == (token[a]^63)^63 mod 10",
        "predict out\nexpect out after c - 1 == token[a]^3 mod 10",
    ),
    _entry(
        "E0458",
        "a claim that divides by 0",
        "The right side of `//` and `mod` in a claim may be 0 for no tokens that can stand there; both branches of "
        "an `if` are worked out.",
        "predict out\nexpect out after c - 1 == 9//token[a]",
        "predict out\nexpect out after c - 1 == 9//(token[a] + 1)",
    ),
    Entry(
        "E0459",
        "prompts that cannot be numbered",
        "To go through all prompts by number, without listing them, each position must have a set of tokens of its "
        "own, whatever stands elsewhere, and all prompts one length; behind the first generated token everything is "
        "fixed or generated. To fill in the generated tokens by the `expect SUBSPACE after ..` lines, one line must "
        "claim each of them.",
    ),
    _entry(
        "E0491",
        "a generated part that does not exist",
        "`generate` names slots of the `layout`, such as `c[0..3]`, or named parts of `sequences`, such as the c of "
        "`(c: 0..9){4}`.",
        "predict out\ngenerate d",
        "predict out\ngenerate c",
    ),
    _entry(
        "E0492",
        "a part that cannot be generated",
        "A generated token is what the one `predict` line says after the tokens before it. So there is exactly one "
        "such line, a prompt begins with a token that is given, and a slot is generated only where the format is "
        "fixed: elsewhere name the part in `sequences`.",
        "predict out\ngenerate a, c",
        "predict out\ngenerate c",
    ),
    Entry(
        "E0493",
        "a generated token that is not determined",
        "Valid inputs are prompts that the spec's own reference meaning goes on with. Here it predicts no one "
        "token: a head reads a mixture or finds nothing, or two tokens are equally right. The smallest prompt that "
        "was seen to lead there is shown, with what has been generated so far.",
    ),
    Entry(
        "E0494",
        "a generated token that is not allowed there",
        "The reference meaning predicts a token that `sequences` does not allow at a generated place. The compiler "
        "relies on `sequences`: strengths and ranges are worked out for the tokens that it allows, and for no "
        "others.",
    ),
)
