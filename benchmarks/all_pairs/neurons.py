"""The neurons of the first layer, followed as tables over the tokens that they read.

In: the ``Form`` that a layer's MLP reads, and its weights.  Out: the ``Form`` of what it adds, rounding included.  Not
for: the last layer, which is held against multiplication (``last_layer``).

Sums are added in any order, with or without fused multiply-add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.all_pairs.forms import Array, Form, Inconclusive, State, U

SMALL = 0.01
"""Of a neuron's argument: what a third position may add, and is bounded rather than followed."""
MOST_READ = 5
"""Positions that a neuron may read where nobody looks: tables over 10^5 texts."""


def neurons(state: State, layer: int, x: Form) -> Form:
    """What the MLP adds, with the error of its sums in float32."""
    w_in, w_out, b_in = (state[f"blocks.{layer}.mlp.{name}"] for name in ("W_in", "W_out", "b_in"))
    if state[f"blocks.{layer}.mlp.b_out"].any():
        raise Inconclusive("b_out")
    before = x.through(w_in)
    zero = np.zeros_like(x.const)
    total, sums = Form(zero, err=zero), [Sums.of(np.zeros((1, 1, len(zero))))]
    for read, some in _by_positions(before, w_in, b_in, w_out).items():
        if isinstance(read, tuple):
            more, own = followed(x, read, w_in[:, some], b_in[some], w_out[some])
        else:
            more, most = (_straight if read == "straight" else _together)(before, some, b_in, w_out)
            own = Sums.of(most[None] * np.array([[[1]], [[-1]]]))
        total, sums = total + more, [*sums, own]
    return Form(total.const, total.singles, total.pairs, total.err + _added_up(sums))


@dataclass(frozen=True)
class Sums:
    """Of the terms that some neurons add to each coordinate: ``up`` (m, D), the positive ones from the largest on, each
    the largest there is for any tokens; ``down``, the sizes of the negative ones; and bounds of their sums, (D,)."""

    up: Array
    down: Array
    most_up: Array
    most_down: Array

    @classmethod
    def of(cls, terms: Array) -> Sums:
        """Of terms (P, m, D), for every choice of tokens."""
        parts = [np.sort(np.maximum(sign * terms, 0), axis=1)[:, ::-1] for sign in (1, -1)]
        return cls(*(part.max(axis=0) for part in parts), *(part.sum(axis=1).max(axis=0) for part in parts))


def _added_up(sums: list[Sums]) -> Array:
    """(D,): the error of adding up all of them, in any order."""
    sizes = sum(part.most_up + part.most_down for part in sums)
    up, down = (np.concatenate([getattr(part, name) for part in sums]) for name in ("up", "down"))
    count = ((up > 0) | (down > 0)).sum(axis=0)
    return 1.01 * U * (partial_sums(up, down, count) + sizes)


def _by_positions(before: Form, w_in: Array, bias: Array, w_out: Array) -> dict[tuple[int, ...] | str, Array]:
    """The neurons that are used, by the positions (two at most) that they read; of those that read more, which are
    "straight", never below 0 (or hardly), and which are "bent"."""
    found: dict[tuple[int, ...] | str, list[int]] = {}
    low = before.ends()[0] + bias
    for n in np.flatnonzero(abs(w_out).sum(axis=1) * abs(w_in).sum(axis=0)):
        read = tuple(sorted(i for i, t in before.singles.items() if np.ptp(t[:, n]) > SMALL))
        wide = len(read) > 2 or any(np.ptp(t[:, :, n]) > 0 for t in before.pairs.values())
        key = ("straight" if low[n] >= -SMALL else "bent") if wide else read
        found.setdefault(key, []).append(int(n))
    return {key: np.array(some) for key, some in found.items()}


def _straight(before: Form, some: Array, bias: Array, w_out: Array) -> tuple[Form, Array]:
    """What neurons add that are their argument; and the sizes of it, (m, D)."""
    low = before.ends()[0][some] + bias[some]
    matrix = w_out[some]
    singles = {i: t[:, some] @ matrix for i, t in before.singles.items()}
    pairs = {ij: t[:, :, some] @ matrix for ij, t in before.pairs.items()}
    err = np.broadcast_to(before.err, before.const.shape)[some] + np.maximum(0, -low)
    found = Form((before.const[some] + bias[some]) @ matrix, singles, pairs, err @ abs(matrix))
    return found, np.maximum(before.ends()[1][some] + bias[some], 0)[:, None] * abs(matrix)


def followed(x: Form, read: tuple[int, ...], w_in: Array, bias: Array, w_out: Array) -> tuple[Form, Sums]:
    """What neurons add that read these positions and next to nothing of the others: a table over their tokens.

    What strays (other positions, errors of x) strays for all of them at once: where they are at work, it is multiplied
    by the *sum* of their slopes, which for the two of a step is 0.  A neuron that strays to the other side of its bend
    counts by itself, and so does the rounding of each argument."""
    known, strays = x.const, list[Array]()
    for i in sorted(x.singles):
        single = x.singles[i]
        if i in read:
            known = known[..., None, :] + single
        else:
            middle = (single.max(axis=0) + single.min(axis=0)) / 2
            known, strays = known + middle, [*strays, single - middle]
    shape, known = known.shape[:-1], known.reshape(-1, len(x.const))
    astray = sum((abs(stray).max(axis=0) for stray in strays), start=np.broadcast_to(x.err, x.const.shape))
    own = _of_arguments(known, astray, w_in, bias)
    table, most = known @ w_in + bias, own + astray @ abs(w_in)
    on, torn = table > most, abs(table) <= most
    moved = (on * own + torn * most) @ abs(w_out)
    for stray in strays:
        moved = moved + abs(np.einsum("pn,tn,nd->ptd", on, stray @ w_in, w_out, optimize=True)).max(axis=1)
    for m in np.flatnonzero(np.broadcast_to(x.err, x.const.shape)):
        moved = moved + x.err[m] * abs(on * w_in[m] @ w_out)
    post = np.maximum(table, 0)
    terms = (post + most * (on | torn))[:, :, None] * w_out
    out, error, nothing = (post @ w_out).reshape(*shape, -1), moved.max(axis=0), np.zeros_like(x.const)
    match read:
        case (i, j):
            return Form(nothing, pairs={(i, j): out}, err=error), Sums.of(terms)
        case (i,):
            return Form(nothing, {i: out}, err=error), Sums.of(terms)
    return Form(out, err=error), Sums.of(terms)


def _of_arguments(known: Array, astray: Array, w_in: Array, bias: Array) -> Array:
    """(P, N): the error of the neurons' own sums, x @ w_in + bias, where x is known (P, M) to be no farther astray."""
    spread = astray @ abs(w_in)
    up, down = (np.maximum(sign * known, 0) for sign in (1, -1))
    to, fro = np.maximum(w_in, 0), np.maximum(-w_in, 0)
    plus, minus = up @ to + down @ fro + np.maximum(bias, 0), up @ fro + down @ to + np.maximum(-bias, 0)
    sizes = plus + minus + spread
    count = ((abs(known).max(axis=0) + astray > 0)[:, None] * (w_in != 0)).sum(axis=0) + (bias != 0)
    return 1.01 * U * (np.maximum(count - 1, 0) * (np.maximum(plus, minus) + spread) + sizes)


def _together(before: Form, some: Array, bias: Array, w_out: Array) -> tuple[Form, Array]:
    """Neurons that read several positions, where nobody looks: what they add together is some value of a range, found
    over all tokens of these positions; and the sizes of what they add, (m, D)."""
    singles = {i: t[:, some] for i, t in before.singles.items()}
    read = [i for i, t in singles.items() if np.ptp(t, axis=0).max() > SMALL]
    if before.pairs or len(read) > MOST_READ:
        return _apart(before, some, bias, w_out)
    table = before.const[some] + bias[some]
    err = np.broadcast_to(before.err, before.const.shape)[some]
    for i, single in singles.items():
        if i in read:
            table = table[..., None, :] + single
        else:
            table, err = table + (single.max(axis=0) + single.min(axis=0)) / 2, err + np.ptp(single, axis=0) / 2
    post = np.maximum(table, 0).reshape(-1, len(some))
    out = post @ w_out[some]
    low, high = out.min(axis=0), out.max(axis=0)
    found = Form((low + high) / 2, err=(high - low) / 2 + err @ abs(w_out[some]))
    return found, (post.max(axis=0) + err)[:, None] * abs(w_out[some])


def _apart(before: Form, some: Array, bias: Array, w_out: Array) -> tuple[Form, Array]:
    """The same, each neuron by itself: coarser."""
    low, high = (np.maximum(end[some] + bias[some], 0) for end in before.ends())
    matrix = w_out[some]
    return Form((low + high) / 2 @ matrix, err=(high - low) / 2 @ abs(matrix)), high[:, None] * abs(matrix)


def partial_sums(up: Array, down: Array, count: Array) -> Array:
    """(m, D) twice -> (D,): a bound of the sum of |partial sums|, whatever the order in which ``count`` terms are
    added, the others being exactly 0; ``up`` are the positive ones, ``down`` the sizes of the negative ones.

    Of the m - 1 partial sums at most m - j + 1 are of j terms or more, and one of j terms lies between the j least
    negative and the j greatest positive ones: in the worst case there is one of each j."""
    reach = np.maximum(*(np.cumsum(np.sort(each, axis=0)[::-1], axis=0) for each in (up, down)))
    ranks = np.arange(1, len(up) + 1)[:, None]
    found: Array = (reach * ((ranks >= 2) & (ranks <= count))).sum(axis=0)
    return found
