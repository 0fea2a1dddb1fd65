"""Catalogue entries for attention in given proportions (E0424 to E0426, E0512).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry

_TOP = """\
model example
tokens 0..9, <bos>
context 4
sequences <bos> (0..9){3}
subspace start : onehot({"<bos>"})
subspace letter : onehot(tokens)
subspace slot : onehot(positions)
subspace digit : scalar(0..9)
subspace sum : scalar(0..999)
embed token -> start
embed token -> letter
embed token -> digit
embed position -> slot
layer
  head number
"""


def _entry(
    code: str, title: str, explanation: str, wrong: str, right: str, tops: tuple[str, str] = (_TOP, _TOP)
) -> Entry:
    """An entry whose example is a head with the lines ``wrong``, mended by ``right``."""
    wrong, right = (
        top + "".join(f"    {line}\n" for line in lines.split("\n"))
        for top, lines in zip(tops, (wrong, right), strict=True)
    )
    return Entry(code, title, explanation, wrong, right, phase="compile" if code == "E0512" else "resolve")


_REST = '\nrest key.start == "<bos>"\ncopy 200 * key.digit -> sum'
_LAST = " when query.slot == 3"

ENTRIES: tuple[Entry, ...] = (
    _entry(
        "E0424",
        "a share where there is none",
        "`share 1/2` gives every key that its line holds for half of the attention: a rational above 0 and at most 1. "
        "All attend lines of a head have shares or none has; shares say everything about where it looks, so `avoid`, "
        "`prefer`, `strength`, `soft`, W_Q and W_K do not stand beside them. Their common denominator is below 10^30.",
        f"attend key.slot == query.slot share 3/2{_LAST}{_REST}",
        f"attend key.slot == query.slot share 1/2{_LAST}{_REST}",
    ),
    _entry(
        "E0425",
        "shares that positions do not settle",
        "Softmax gives a key the share w when its score is ln w, and what the lines leave to the rest keys is one "
        "number for every query. So which keys get shares has to follow from the query's position: lines compare "
        "one-hot subspaces that hold positions, or tokens that always stand at the same place, and nothing but their "
        "embedding writes into them.",
        f"attend key.letter == query.letter share 1/2{_REST}",
        f"attend key.slot == query.slot - 1 share 1/2{_LAST}{_REST}",
    ),
    _entry(
        "E0426",
        "shares that do not add up",
        "For every query the shares are at most 1 together, no key gets two, and `rest` keys take, in equal parts, "
        "what is left; where something is left there has to be one. A query for which no line holds and no rest key "
        "is visible is unclaimed.",
        f"for i in 0..2\n  attend key.slot == query.slot - i share 1/2{_LAST}{_REST}",
        f"for i in 0..2\n  attend key.slot == query.slot - i share 1/2 * 10^(-i){_LAST}{_REST}",
    ),
    _entry(
        "E0512",
        "shares that floats cannot hold",
        "A share is the exponential of a score: a score of 20 rounded by one part in 2^24 is a share that is wrong by "
        "one part in 2^20. What reads the result (a comparison, a `compute` line, decoding) tolerates so much, and "
        "the mass allows so much. A wider float type rounds less; for every head a width that is a power of four "
        "(`d_head 16`) leaves out the roundings of the root of d_head. A `soft` head is refused likewise where "
        "rounding, or what earlier heads leak into its scores, may move its pattern by more than 1 - mass.",
        f"attend key.slot == query.slot share 1/3{_LAST}{_REST}",
        f"attend key.slot == query.slot share 1/3{_LAST}{_REST}",
        (_TOP.replace("context", "dtype bfloat16\ncontext"), _TOP),
    ),
)
