"""The last layer against multiplication: from the running sum, an integer up to delta, to the margin of the digit.

In: the ``Form`` before the last MLP, and weights.  Out: a ``Bound`` for each generated digit; ``Inconclusive`` where a
step's condition does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.all_pairs.forms import Array, Form, Inconclusive, State, U
from benchmarks.all_pairs.neurons import partial_sums


@dataclass(frozen=True)
class Bound:
    """Of digit c_k: what is read is one of ``values`` integers up to ``delta``, the last sums are off by ``rounding``,
    and the right digit's logit is above the next by ``margin``; where that is not above 0, nothing follows."""

    k: int
    delta: float
    rounding: float
    margin: float
    values: int


def ideal(n: int, k: int, coordinate: Form) -> Form:
    """``coordinate`` (of one dimension) minus v = sum 10^(m-k) a_i b_j - sum 10^(m-k) c_m."""
    digits = np.arange(10.0)
    found = coordinate
    for i in range(n):
        for j in range(n):
            if i + j <= k:
                table = -(10.0 ** (i + j - k)) * np.outer(digits, digits)[..., None]
                found = found + Form(np.zeros(1), pairs={(i, n + 1 + j): table}, err=np.zeros(1))
    for m in range(k):
        table = 10.0 ** (m - k) * digits[:, None]
        found = found + Form(np.zeros(1), {2 * n + 2 + m: table}, err=np.zeros(1))
    return _merged(found)


def _merged(form: Form) -> Form:
    """The same, pair tables T put as T(a, b) - T(a, 0) - T(0, b) + T(0, 0) and the rest elsewhere: where two forms are
    one function, what cancels does."""
    found = Form(form.const, dict(form.singles), {}, form.err)
    for (i, j), table in form.pairs.items():
        corner = table[0, 0]
        row, column = table[:, 0] - corner, table[0, :] - corner
        found = found + Form(corner, {i: row}, {(i, j): table - table[:, :1] - table[:1] + corner}, 0 * corner)
        found = found + Form(0 * corner, {j: column}, {}, 0 * corner)
    return found


def spread(form: Form) -> float:
    """A bound of |form|, of one dimension: both its ends."""
    return float(max(abs(end[0]) for end in form.ends()))


def largest(n: int, k: int) -> int:
    """v is at most this: 81 for each pair, and the carry of the largest number below."""
    total = carry = 0
    for m in range(k + 1):
        total = 81 * max(0, min(m + 1, n, 2 * n - 1 - m)) + carry
        carry = total // 10
    return total


def conclude(state: State, n: int, k: int, x: Form) -> Bound:
    """The least logit margin after c_k - 1, over every v and delta."""
    w_in, w_out, b_in = (state[f"blocks.1.mlp.{name}"] for name in ("W_in", "W_out", "b_in"))
    unembed, b_u = state["unembed.W_U"], state["unembed.b_U"]
    low, high = x.ends()
    varying = np.flatnonzero((high > low) & (abs(w_in).sum(axis=1) > 0))
    if len(varying) != 1:
        raise Inconclusive(f"the last MLP reads {len(varying)} numbers that vary")
    c = int(varying[0])
    one = Form(x.const[[c]], {i: t[:, [c]] for i, t in x.singles.items()}, {}, x.err[[c]])
    one.pairs = {ij: t[:, :, [c]] for ij, t in x.pairs.items()}
    delta = spread(ideal(n, k, one))
    if delta >= 0.5:
        return Bound(k, delta, np.inf, -np.inf, largest(n, k) + 1)
    rest = x.const.copy()
    rest[c] = 0
    reads = abs(unembed).sum(axis=1) > 0
    if ((high > low) & reads).any():
        raise Inconclusive("the answer is read from something else that varies")
    margin, worst = np.inf, 0.0
    for v in range(largest(n, k) + 1):
        corners = list(_corners(v - delta, v + delta, w_in[c], rest @ w_in + b_in))
        posts = [np.maximum(w_in[c] * z + rest @ w_in + b_in, 0) for z in corners]
        rounded = (_rounding(p, w_out, w_in[c] * z, rest @ w_in) for p, z in zip(posts, corners, strict=True))
        moved = np.max(list(rounded), axis=0)  # between two corners no more neurons are at work than at one of them
        for post in posts:
            logits = (rest + post @ w_out) @ unembed + b_u
            others = np.delete(np.arange(len(logits)), v % 10)
            error = _gap_error(rest + post @ w_out, moved, unembed[:, [v % 10]], unembed[:, others])
            gap = logits[v % 10] - logits[others] - error
            margin, worst = min(margin, float(gap.min())), max(worst, float(moved.max()))
    return Bound(k, delta, worst, margin, largest(n, k) + 1)


def _corners(low: float, high: float, slopes: Array, offsets: Array) -> Iterator[float]:
    """The ends, and the bends between them."""
    yield from (low, high)
    for slope, offset in zip(slopes, offsets, strict=True):
        if slope and low < (bend := -offset / slope) < high:
            yield bend


def _rounding(post: Array, w_out: Array, large: Array, constant: Array) -> Array:
    """(D,): the error of the neurons' sums in float32, of their arguments included."""
    argument = 2 * U * (abs(large) + abs(constant))
    terms = post[:, None] * w_out
    up, down, count = np.maximum(terms, 0), np.maximum(-terms, 0), (terms != 0).sum(axis=0)
    partial = partial_sums(up, down, count)
    sums = U * (partial + abs(terms).sum(axis=0))
    return 1.01 * (sums + (argument * (post > -argument)) @ abs(w_out))


def _gap_error(x: Array, moved: Array, right: Array, others: Array) -> Array:
    """Of x @ right - x @ others: x is off by ``moved``, and both products are rounded."""
    found = moved @ abs(right - others)
    for matrix in (right, others):
        terms = (abs(x) + moved)[:, None] * abs(matrix)
        found = found + (terms > 0).sum(axis=0) * U * terms.sum(axis=0)
    return found
