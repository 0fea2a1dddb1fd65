"""The worst of all sequences where any token can stand anywhere, without listing them.

In: a model whose head is in the first layer.  Out: ``Evidence``.  Not for: later layers, where a score depends on more
than two places.

The score of query (t, q) for key (u, k) is a table, and so is whether (u, k) is right for (t, q).  For each query the
least mass is found exactly: some position j must hold a right key; all others hold the key that does most harm, which
is a wrong one wherever there is one (a right key more, or a wrong key less, only adds to the mass).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backends.numpy_model import NumpyModel
from compiler.equivalence.promises import promised
from compiler.heads import Head
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.judging.evidence import Bools, Evidence, Floats, Ints, Row, Worst

MOST_PAIRS = 2_000_000


class Independent(Evidence):
    """Worst rows by pairs of places.  Only for heads with one right key per query, or none to share."""

    def __init__(self, model: NumpyModel, program: Program, head: Head) -> None:
        self.program, self.head = program, head
        self.count = program.sequences.count()
        self.longest = program.sequences.longest
        self.how = f"all {self.count:,} valid sequences, by the worst token for each position"
        vocabulary, n = len(program.tokens), self.longest
        if vocabulary**2 * n * n > MOST_PAIRS:
            raise SpecError(Diagnostic("E0781", "too many pairs of places to look at", head.span, "for this head"))
        self.scores = _score_table(model, head, vocabulary, n)
        self.right = _right_table(program, head)
        self.rows = vocabulary * n
        self.single = not any(self._can_share(t, q) for t in range(vocabulary) for q in range(n))
        seen = [np.ptp(self.scores[:, q, :, : q + 1]) for q in range(n)]
        self.spread = float(max(seen))

    def least_margin(self) -> tuple[float, Row]:
        return min(
            ((row.margin, row) for row in self._worst_rows(1e6 / (self.spread or 1.0))), key=lambda pair: pair[0]
        )

    def worst(self, factor: float) -> Worst:
        rows = [(row.mass(factor), row) for row in self._worst_rows(factor)]
        mass, row = min(rows, key=lambda pair: pair[0])
        uneven, uneven_row = max(((self._uneven(r, factor), r) for _, r in rows), key=lambda pair: pair[0])
        return Worst(mass, uneven, row, uneven_row)

    def smallest_failure(self, factor: float, mass: float, tied: float | None = None) -> Row:
        for row in self._worst_rows(factor if tied is None else 1e6 / (self.spread or 1.0)):
            if (row.margin <= tied) if tied is not None else (row.mass(factor) < mass):
                return row
        raise AssertionError("asked for a failure where there is none")

    def _uneven(self, row: Row, factor: float) -> float:
        """A bound on how far from its equal share a right key can be: right scores of this query differ by at most
        ``osc``, so a share is at most e^osc times another."""
        query, place = row.tokens[row.query], row.query
        scores, right = self.scores[query, place, :, : place + 1], self.right[query, place, :, : place + 1]
        if not self._can_share(query, place):
            return 1 - row.mass(factor)
        values = scores[right]
        osc = factor * float(np.ptp(values)) if len(values) else 0.0
        return 1 - row.mass(factor) + float(np.expm1(min(osc, 50.0))) / 2

    def _can_share(self, token: int, place: int) -> bool:
        """Can this query see two right keys at once?"""
        right = self.right[token, place]
        return int(right[token, place]) + int(right[:, :place].any(axis=0).sum()) > 1

    def _worst_rows(self, factor: float) -> Iterator[Row]:
        """For every query the row with the least mass, shorter sequences first."""
        for place in range(self.longest):
            for token in range(len(self.program.tokens)):
                row = self._worst_row(token, place, factor)
                if row is not None:
                    yield row

    def _worst_row(self, token: int, place: int, factor: float) -> Row | None:
        scores, right = self.scores[token, place, :, :place], self.right[token, place, :, :place]
        own, own_right = self.scores[token, place, token, place], bool(self.right[token, place, token, place])
        low = np.where(right, scores, np.inf)
        high = np.where(right, -np.inf, scores)
        keys = (
            np.where(np.isfinite(high.max(axis=0, initial=-np.inf)), high.argmax(axis=0), low.argmin(axis=0))
            if place
            else np.zeros(0, int)
        )
        forced = own_right or bool(right[keys, np.arange(place)].any())
        if not forced:
            free = np.flatnonzero(right.any(axis=0))
            if not len(free):
                return None
            best = min(free.tolist(), key=lambda j: self._odds(scores, keys, low, j, factor, float(own)))
            keys[best] = int(low[:, best].argmin())
        tokens = self._completed([*keys.tolist(), token])
        taken = np.arange(place)
        return Row(tokens, place, np.append(scores[keys, taken], own), np.append(right[keys, taken], own_right))

    @staticmethod
    def _odds(scores: Floats, keys: Ints, low: Floats, j: int, factor: float, own: float) -> float:
        """log(right / wrong) when position j holds its weakest right key and all others their strongest wrong one."""
        others = factor * np.append(np.delete(scores[keys, np.arange(len(keys))], j), own)
        top = others.max()
        return float(factor * low[:, j].min() - top - np.log(np.exp(others - top).sum()))

    def _completed(self, tokens: list[int]) -> tuple[int, ...]:
        """The shortest valid sequence that starts with ``tokens``."""
        length = next(length for length in self.program.sequences.lengths() if length >= len(tokens))
        return (*tokens, *([tokens[-1]] * (length - len(tokens))))


def _score_table(model: NumpyModel, head: Head, vocabulary: int, n: int) -> Floats:
    """[t, q, u, k]: the score of token t at q for token u at k."""
    lowered = model.lowered
    weights = next(h for h in lowered.heads if h.name == head.name)
    x = lowered.W_E[:, None, :] + lowered.W_pos[None, :n, :]
    flat = x.reshape(vocabulary * n, -1)
    queries, keys = flat @ weights.W_Q.T + weights.b_Q, flat @ weights.W_K.T + weights.b_K
    table: Floats = (queries @ keys.T / np.sqrt(lowered.d_head)).reshape(vocabulary, n, vocabulary, n)
    return table


def _right_table(program: Program, head: Head) -> Bools:
    """[t, q, u, k]: is token u at k right for token t at q?  Asked twice, with other tokens in between.

    Raises SpecError E0781 where the answer depends on those."""
    first, second = (_right_with(program, head, filler) for filler in (0, len(program.tokens) - 1))
    if (first != second).any():
        message = f"which keys are right for head `{head.name}` depends on more than two places"
        raise SpecError(
            Diagnostic(
                "E0781",
                message,
                head.span,
                "so each sequence has to be looked at",
                help="let `sequences` allow at most 20,000",
            )
        )
    return first


def _right_with(program: Program, head: Head, filler: int) -> Bools:
    vocabulary, n = len(program.tokens), program.sequences.longest
    right = np.zeros((vocabulary, n, vocabulary, n), dtype=np.bool_)
    for q in range(n):
        length = next(length for length in program.sequences.lengths() if length > q)
        for k in range(q + 1):
            tokens = np.full((vocabulary, vocabulary, length), filler, dtype=np.int64)
            tokens[:, :, k] = np.arange(vocabulary)[None, :]
            tokens[:, :, q] = np.arange(vocabulary)[:, None]
            support, speaks = promised(program, head, tokens.reshape(-1, length))
            right[:, q, :, k] = (support[:, q, k] & speaks[:, q]).reshape(vocabulary, vocabulary)
        right[:, q, :, q] &= np.eye(vocabulary, dtype=np.bool_)  # at its own place a query can only see itself
    return right
