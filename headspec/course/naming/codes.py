"""The codes of mistakes that can be named.

In: nothing (pure data).  Out: ``CODES``.  Not for: naming (``mistakes``, ``property_judges``).
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "turned-the-wrong-way": "rotated forwards instead of backwards, or the other way round",
    "not-turned": "nothing is rotated: it looks at the same position",
    "off-by-one": "looks one position too far, or not far enough",
    "off-by-several": "looks some positions too far, or not far enough",
    "queries-and-keys-swapped": "W_Q does what W_K should do, and the other way round",
    "sign": "the scores have the wrong sign: it attends to what fits least",
    "transposed": "a matrix is the transpose of what it should be",
    "not-a-rotation": "a 2 x 2 block has the signs of its sines or cosines wrong, and is no rotation",
    "cos-and-sin-swapped": "cosines stand where sines should, and the other way round",
    "wrong-frequency-order": "the angles of the pairs are in the wrong order",
    "one-angle-for-all": "every pair is turned by the same angle",
    "degrees": "angles in radians were read as degrees",
    "one-line-missing": "one part of the score is left out",
    "avoid-instead-of-attend": "one part of the score has a minus sign that it should not have",
    "attend-instead-of-avoid": "one part of the score lacks its minus sign",
    "wrong-weights": "the parts of the score are right, but weighed differently against each other",
    "reads-the-wrong-subspace": "queries or keys read another subspace than they should",
    "reads-only-part": "queries or keys leave out some of the dimensions that they should read",
    "reads-too-much": "the score compares more than it should",
    "one-entry-wrong": "all is right but one or two entries of the circuit",
    "turned-by-the-distance": "content is compared in rows that rotary positions turn",
    "wrong-layout": "rows are paired for rotary positions in the other layout",
    "uniform": "all keys score the same",
    "forgot-sqrt-d-head": "too soft by no more than sqrt(d_head): softmax divides the scores by it",
    "too-soft": "the right head, but its scores are too close to each other",
    "only-by-a-tie": "the right key shares its attention with a wrong one that scores exactly the same",
    "copies-nothing": "W_O W_V is zero on everything that the head can find",
    "copies-to-the-wrong-subspace": "the right thing is written to the wrong place",
    "copies-in-another-order": "the right thing is written in another order",
    "copies-from-the-wrong-subspace": "the wrong subspace is read at the key",
    "copies-something-else": "a part of the right place receives something else than it should",
    "copies-only-part": "some of what should be moved is missing",
    "copies-too-much": "something is written where nothing should be",
    "scaled-copy": "what is moved is a multiple of what it should be",
    "listed": "a wrong answer that the teacher has listed",
    "rank-too-small": "a circuit has fewer dimensions than are asked for",
    "rank-too-large": "a circuit has more dimensions than are asked for",
    "reads-nothing-moved": "the second head reads nothing that the first one wrote",
    "moves-on-too-much": "the second head reads more of what the first one wrote than is asked for",
    "reads-what-head-1-reads": "the second head reads a dimension that the first one reads, not one that it wrote",
    "mixes-moved-and-fresh": "the second head reads sums of dimensions that should be apart",
    "composes": "the head reads what an earlier head writes, and should not",
    "does-not-compose": "the head reads nothing of what an earlier head writes, and should",
    "writes-elsewhere": "the head writes outside the subspaces asked for",
    "reads-elsewhere": "the head reads outside the subspaces asked for",
}
"""Code -> what it means in a line."""
