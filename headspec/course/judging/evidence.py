"""A head's scores on every valid sequence, and the worst that its attention does there.

In: scores of a model in float64, the keys that should be attended to.  Out: ``Row`` s: least margin, least mass at a
temperature, the smallest sequence that fails.  Not for: which model (``completing``) or verdict (``pattern_judge``).

A row (query) is right when its right keys have at least ``mass`` together and none of them is further than 1 - mass
from an equal share: the rule of ``headspec.verification.judging``.

Two ways lead to every sequence.  *Listed*: all valid sequences, where there are at most 20,000.  *Independent*: where
any token can stand anywhere and the head is in the first layer, a score belongs to a pair of places, and the worst
sequence for a query is found key by key: each other position takes the token that does most harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backends.numpy_model import NumpyModel
from compiler.equivalence.promises import promised
from compiler.heads import Head
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MOST_SEQUENCES = 20_000
TIE = 1e-9
"""Scores closer than this, relative to the largest one, count as equal."""


@dataclass(frozen=True, slots=True)
class Row:
    """One query of one valid sequence: scores of keys 0..query, and which of them are right."""

    tokens: tuple[int, ...]
    query: int
    scores: Floats
    right: Bools

    def pattern(self, factor: float = 1.0) -> Floats:
        """Softmax of factor * scores."""
        shifted = np.exp(factor * (self.scores - self.scores.max()))
        out: Floats = shifted / shifted.sum()
        return out

    def mass(self, factor: float = 1.0) -> float:
        return float(self.pattern(factor)[self.right].sum())

    @property
    def margin(self) -> float:
        """The least right score minus the largest other one; infinite where every key is right."""
        others = self.scores[~self.right]
        return float(self.scores[self.right].min() - others.max()) if len(others) else float("inf")


@dataclass(frozen=True, slots=True)
class Worst:
    """The least mass of any row, the largest distance of a right key from its equal share, and the rows they are in."""

    mass: float
    uneven: float
    row: Row
    uneven_row: Row


class Evidence:
    """Rows of one head on all valid sequences.  ``count`` sequences; ``how`` says in words how all were looked at."""

    how: str
    count: int
    longest: int
    rows: int
    spread: float
    """The largest |score - largest score of its row|: the scale against which ties are told."""
    single: bool
    """Has every query exactly one right key?  Then its share is its mass."""

    def least_margin(self) -> tuple[float, Row]:
        raise NotImplementedError

    def worst(self, factor: float) -> Worst:
        raise NotImplementedError

    def smallest_failure(self, factor: float, mass: float, tied: float | None = None) -> Row:
        """The first row, by length and query, that is not right; with ``tied``, one whose margin is at most that."""
        raise NotImplementedError


def evidence_for(model: NumpyModel, program: Program, head: Head) -> Evidence:
    """All valid sequences, one way or the other.  SpecError E0781 where neither way is open."""
    if program.sequences.count() <= MOST_SEQUENCES:
        return Listed(model, program, head)
    if head.layer == 0 and program.sequences.is_free() and program.positions is None:
        from headspec.course.judging.independent import Independent

        return Independent(model, program, head)
    raise SpecError(
        Diagnostic(
            "E0781",
            f"the spec allows {program.sequences.count():,} sequences, too many to look at each",
            head.span,
            "this head is to be judged on all of them",
            help=f"at most {MOST_SEQUENCES:,}, or any token anywhere with the head in the first layer",
        )
    )


# ------------------------------------------------------------------ every sequence, one by one


@dataclass(frozen=True)
class _Batch:
    """All judged queries of the sequences of one length: (rows, n) scores (-inf where unseen) and right keys."""

    tokens: Ints
    queries: Ints
    scores: Floats
    right: Bools

    def row(self, index: int) -> Row:
        stop = int(self.queries[index]) + 1
        ids = tuple(int(t) for t in self.tokens[index])
        return Row(ids, stop - 1, self.scores[index, :stop], self.right[index, :stop])


class Listed(Evidence):
    """Every valid sequence, run through the model."""

    def __init__(self, model: NumpyModel, program: Program, head: Head) -> None:
        self.count = program.sequences.count()
        self.longest = program.sequences.longest
        self.batches = list(_batches(model, program, head))
        self.rows = sum(len(batch.queries) for batch in self.batches)
        self.how = f"all {self.count:,} valid sequences, one by one"
        self.single = all(bool((batch.right.sum(axis=1) == 1).all()) for batch in self.batches)
        tops = [b.scores.max(axis=1, keepdims=True) - b.scores for b in self.batches]
        self.spread = max((float(t[np.isfinite(t)].max(initial=0.0)) for t in tops), default=0.0)

    def least_margin(self) -> tuple[float, Row]:
        found = []
        for batch in self.batches:
            margins = _margins(batch)
            index = int(margins.argmin())
            found.append((float(margins[index]), batch.row(index)))
        return min(found, key=lambda pair: pair[0])

    def worst(self, factor: float) -> Worst:
        figures = []
        for batch in self.batches:
            mass, uneven = _figures(batch, factor)
            low, far = int(mass.argmin()), int(uneven.argmax())
            figures.append(Worst(float(mass[low]), float(uneven[far]), batch.row(low), batch.row(far)))
        lightest, least_even = min(figures, key=lambda w: w.mass), max(figures, key=lambda w: w.uneven)
        return Worst(lightest.mass, least_even.uneven, lightest.row, least_even.uneven_row)

    def smallest_failure(self, factor: float, mass: float, tied: float | None = None) -> Row:
        for batch in self.batches:
            held, uneven = _figures(batch, factor)
            failing = (held < mass) | (uneven > 1 - mass) if tied is None else _margins(batch) <= tied
            if failing.any():
                return batch.row(min(np.flatnonzero(failing).tolist(), key=lambda i: int(batch.queries[i])))
        raise AssertionError("asked for a failure where there is none")


def _batches(model: NumpyModel, program: Program, head: Head) -> Iterator[_Batch]:
    for length in program.sequences.lengths():
        tokens = program.sequences.enumerate(length)
        support, speaks = promised(program, head, tokens)
        scores = model.forward(tokens).scores[head.layer][:, head.index]
        sequence, query = np.nonzero(speaks)
        if len(sequence):
            yield _Batch(tokens[sequence], query, scores[sequence, query], support[sequence, query])


def _margins(batch: _Batch) -> Floats:
    low = np.where(batch.right, batch.scores, np.inf).min(axis=1)
    margins: Floats = low - np.where(batch.right, -np.inf, batch.scores).max(axis=1)
    return margins


def _figures(batch: _Batch, factor: float) -> tuple[Floats, Floats]:
    """(mass on the right keys, largest distance of one of them from its equal share), per row."""
    weights = np.exp(factor * (batch.scores - batch.scores.max(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    share = 1 / batch.right.sum(axis=1, keepdims=True)
    uneven: Floats = (np.abs(weights - share) * batch.right).max(axis=1)
    return np.einsum("rk,rk->r", weights, batch.right.astype(np.float64)), uneven
