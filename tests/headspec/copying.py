"""An iteration circuit that needs no MLP: ``<copy> x1..xL <eoi>`` is copied token by token, then ``<eos>`` follows."""

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
