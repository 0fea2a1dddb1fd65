"""Iteration circuits: ``<problem> x1..xL <eoi>`` is answered token by token, then ``<eos>`` follows.

Binary copy needs no MLP; parity has one above its second head.
"""

from __future__ import annotations

LONGEST = 4

_TAILS = " | ".join(f"(0..1){{{n}}} <eoi> (0..1){{0,{n}}}" for n in range(1, LONGEST + 1))

COPY = f"""
model binary_copy
tokens 0, 1, <copy>, <eoi>, <eos>
context {2 * LONGEST + 4}
sequences <copy> ({_TAILS})
table says: "0" -> "0", "1" -> "1", "<eoi>" -> "<eos>"

subspace content : onehot(tokens)
subspace t       : scalar(positions)
subspace index   : quadratic(positions)
subspace u       : scalar(-{2 * LONGEST + 3}..{2 * LONGEST + 3})
subspace guess   : onehot(tokens)
subspace one     : constant

embed token    -> content
embed position -> t
embed position -> index
embed position -> u

layer
  head fetch
    attend key.content == "<eoi>"
    rest   key.content == "<copy>"
    copy   -1 * key.t -> u

layer
  head find
    attend key.index == query.u + 1
    copy   key.content through says -> guess

predict guess

expect head fetch: token[key.position] == "<eoi>"
expect head find: key.position > 0 and token[query.position - key.position + 1] == "<eoi>"
"""

GENERATING = COPY.replace("{0,1}", "{1} <eos>").replace("{0,2}", "{2} <eos>").replace("{0,3}", "{3} <eos>")
GENERATING = GENERATING.replace("{0,4}", "{4} <eos>") + 'expect "<copy> 1 0 <eoi>" ->* "1 0 <eos>"\n'
"""The same heads, of whole texts: a spec that generates."""

SUCCESSOR = (
    'if found == "<eoi>" then "<eos>" else if content == "<eoi>" then found else if content == found then "0" else "1"'
)

PARITY = f"""
model parity
tokens 0, 1, <parity>, <eoi>, <eos>
context 16
sequences <parity> (x: 0..1){{L}} <eoi> (s: 0..1){{L}} <eos>

subspace content : onehot(tokens)
subspace t       : scalar(positions)
subspace index   : quadratic(positions)
subspace u       : scalar(-15..15)
subspace found   : onehot(tokens)
subspace guess   : onehot(tokens)
subspace one     : constant

embed token    -> content
embed position -> t
embed position -> index
embed position -> u

layer
  head fetch
    attend key.content == "<eoi>"
    rest   key.content == "<parity>"
    copy   -1 * key.t -> u

layer
  head find
    attend key.index == query.u + 1
    copy   key.content -> found
  compute guess = {SUCCESSOR}

predict guess

expect head fetch: token[key.position] == "<eoi>"
expect head find: key.position > 0 and token[query.position - key.position + 1] == "<eoi>"
expect "<parity> 1 0 1 <eoi>" ->* "1 1 0 <eos>"
"""
