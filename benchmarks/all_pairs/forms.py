"""What a layer computes, followed as forms: sums of tables over the tokens of one position or two, and a bound.

In: float32 weights, read as exact numbers (float64), and the tokens that can stand at each position.  Out: ``Form``s of
the residual stream; ``Inconclusive`` where a step's condition does not hold.  Not for: neurons (``neurons``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

U = 2.0**-24
"""Half of the distance between 1 and the next float32: what one rounding moves, relatively."""
Array = Any
State = dict[str, Array]


class Inconclusive(Exception):
    """A step's condition does not hold."""


@dataclass
class Form:
    """const (D,) + singles[i][token] + pairs[i, j][token, token], each (.., D), within err (D,)."""

    const: Array
    singles: dict[int, Array] = field(default_factory=dict)
    pairs: dict[tuple[int, int], Array] = field(default_factory=dict)
    err: Array = 0.0

    def __add__(self, other: Form) -> Form:
        found = Form(self.const + other.const, dict(self.singles), dict(self.pairs), self.err + other.err)
        for mine, its in ((found.singles, other.singles), (found.pairs, other.pairs)):
            for key, table in its.items():
                mine[key] = mine[key] + table if key in mine else table  # type: ignore[index,assignment]
        return found

    def through(self, matrix: Array) -> Form:
        """The form of x @ matrix, with the error of a float32 product."""
        singles = {i: t @ matrix for i, t in self.singles.items()}
        pairs = {ij: t @ matrix for ij, t in self.pairs.items()}
        terms = (self.most() + self.err)[:, None] * abs(matrix)
        rounding = (terms > 0).sum(axis=0) * U * terms.sum(axis=0)
        return Form(self.const @ matrix, singles, pairs, self.err @ abs(matrix) + rounding)

    def times(self, factor: float, relative: float = 0.0) -> Form:
        """factor (1 +- relative) of it."""
        singles = {i: t * factor for i, t in self.singles.items()}
        pairs = {ij: t * factor for ij, t in self.pairs.items()}
        return Form(self.const * factor, singles, pairs, factor * (self.err + relative * (self.most() + self.err)))

    def most(self) -> Array:
        """(D,): a bound of the absolute value, without err."""
        low, high = self.ends()
        return np.maximum(abs(low + self.err), abs(high - self.err))

    def ends(self) -> tuple[Array, Array]:
        """(D,) twice: the least and the largest value."""
        flat = [t.reshape(-1, t.shape[-1]) for t in (*self.singles.values(), *self.pairs.values())]
        low = self.const + sum((t.min(axis=0) for t in flat), start=0.0) - self.err
        return low, self.const + sum((t.max(axis=0) for t in flat), start=0.0) + self.err


# ------------------------------------------------------------------ the stream and the heads


def embedded(state: State, places: list[list[int]]) -> list[Form]:
    """One form per position; ``places[p]`` are the tokens that can stand there."""
    found = []
    for p, ids in enumerate(places):
        tokens, position = state["embed.W_E"][ids], state["pos_embed.W_pos"][p]
        found.append(Form(position + tokens[0], {p: tokens - tokens[0]}, err=np.zeros(len(position))))
    return found


def in_stream(one: Form, two: Form) -> Form:
    """A sum in the residual stream, rounded."""
    found = one + two
    changed = (two.most() + two.err) > 0
    found.err = found.err + U * (found.most() + found.err) * changed
    return found


def attention(state: State, layer: int, x: list[Form]) -> list[Form]:
    """What the layer's heads add; Inconclusive unless every score is the same for all tokens."""
    at = {name: state[f"blocks.{layer}.attn.{name}"] for name in ("W_Q", "W_K", "W_V", "W_O")}
    moved = [Form(np.zeros_like(form.const), err=np.zeros_like(form.const)) for form in x]
    for head in range(len(at["W_Q"])):
        queries, keys = ([_fixed(form, at[name][head]) for form in x] for name in ("W_Q", "W_K"))
        values = [form.through(at["W_V"][head]).through(at["W_O"][head]) for form in x]
        for q in range(len(x)):
            shares, relative = _shares(queries[q], np.array(keys[: q + 1]))
            for k in range(q + 1):
                if values[k].most().any() or np.any(values[k].err):
                    added = values[k].times(float(shares[k]), float(relative[k]))
                    added.err = added.err + U * (q + 1) * abs(shares[k]) * (values[k].most() + values[k].err)
                    moved[q] = moved[q] + added
    return moved


def _fixed(form: Form, matrix: Array) -> Array:
    """x @ matrix where it depends on nothing and is exact: one nonzero product per entry, by 1."""
    reads = abs(matrix).sum(axis=1) > 0
    varies = form.err > 0
    for table in (*form.singles.values(), *form.pairs.values()):
        flat = table.reshape(-1, table.shape[-1])
        varies = varies | (flat.min(axis=0) != flat.max(axis=0)) | (flat.max(axis=0) != 0)
    if (varies & reads).any():
        raise Inconclusive("a score depends on tokens")
    found = form.const @ matrix
    if ((form.const[:, None] * matrix != 0).sum(axis=0) > 1).any() or set(form.const[reads]) - {0.0, 1.0}:
        raise Inconclusive("a query or a key is not one entry of its matrix")
    return found


def _shares(query: Array, keys: Array) -> tuple[Array, Array]:
    """The softmax (n,) and its relative errors (n,)."""
    terms = keys * query
    scale = 1 / np.sqrt(len(query))
    scores = terms.sum(axis=1) * scale
    inexact = (terms.astype(np.float32) != terms).sum(axis=1) + np.maximum(0, (terms != 0).sum(axis=1) - 1)
    inexact = inexact + (0 if np.log2(scale) % 1 == 0 else 1)
    error = inexact * U * abs(terms).sum(axis=1) * scale + U * abs(scores - scores.max())
    weights = np.exp(scores - scores.max())
    shares = weights / weights.sum()
    spread = error + (shares * error).sum() + error[scores.argmax()]
    return shares, spread + (len(keys) + 10) * U
