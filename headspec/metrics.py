"""Metrics of iteration heads, and of any head of which it is known where it should look.

In: attention patterns of any model as arrays (B, query, key), and the entries that were *promised*, as booleans of the
same shape.  Out: peakiness, invariance, accuracy per length.  Not for: running models (``ablation``), verdicts
(``verification``).

For one head, over the queries with a promise:

    peaky_abs     the mean of the promised entries (of several at one query, their sum)
    peaky_thres   the share of them above 0.5
    invariance    1 - the mean, over entries promised in any sequence, of the standard deviation of that entry from
                  sequence to sequence, all of one length: 1 when a pattern does not depend on the tokens

Cabannes et al. 2024 (arXiv 2406.02128) call these attention peakiness and invariance, and give the promises of an
iteration head: ``iteration_references``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compiler.claims import HeadExpectation
from compiler.predicates import expectation_targets
from compiler.program import Program

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

THRESHOLD = 0.5


# ------------------------------------------------------------------ where a head should look


def iteration_references(tokens: ArrayLike, eoi: int, *, first: int = 1) -> tuple[Bools, Bools]:
    """What the two heads of an iteration circuit promise, (B, n, n) each, on ``[problem] x1..xL [EoI] s1..sL``.

    tokens (B, n) of ids; e is the position of the token ``eoi`` in each sequence, ``first`` that of x1, L = e - first:

        A1[q, e] = 1                 for q = e + 1 .. e + L    (e + 1 .. 2e - 1 where x1 stands at 1)
        A2[q, q - e + first] = 1     for q = e .. e + L - 1    (e .. 2e - 2)

    as far as the sequence goes.  A sequence without ``eoi`` promises nothing; of several the first counts."""
    ids = np.asarray(tokens, dtype=np.int64)
    found = ids == eoi
    e = np.where(found.any(axis=1), found.argmax(axis=1), ids.shape[1])[:, None, None]
    query = np.arange(ids.shape[1])[None, :, None]
    key = np.arange(ids.shape[1])[None, None, :]
    steps = e - first
    fetch = (key == e) & (query > e) & (query <= e + steps)
    find = (key == query - e + first) & (query >= e) & (query < e + steps)
    return fetch, find


def expect_references(program: Program, head: str, tokens: ArrayLike, queries: range | None = None) -> Bools:
    """The keys that the ``expect`` lines of ``head`` name, (B, n, n); nothing at queries that they do not speak of.

    Of several lines the first that speaks at a query counts.  ``tokens`` are ids (B, n).  With ``queries`` only these
    rows, (B, len(queries), n)."""
    ids = np.asarray(tokens, dtype=np.int64)
    batch, n = ids.shape
    promised = np.zeros((batch, n if queries is None else len(queries), n), dtype=np.bool_)
    for line in program.expectations:
        if isinstance(line, HeadExpectation) and line.head == head:
            keys, speaks = expectation_targets(line, ids, program.tokens, program.context, queries)
            fresh = speaks & ~promised.any(axis=2)
            promised |= keys & fresh[..., None]
    return promised


# ------------------------------------------------------------------ figures


@dataclass(frozen=True, slots=True)
class Measures:
    """Peakiness over ``queries`` with a promise; None where there is none.  ``invariance`` is None unless two sequences
    of one length were seen."""

    queries: int
    peaky_abs: float | None
    peaky_thres: float | None
    invariance: float | None

    def to_json(self) -> dict[str, object]:
        return {
            "queries": self.queries,
            "peaky_abs": self.peaky_abs,
            "peaky_thres": self.peaky_thres,
            "invariance": self.invariance,
        }


def measure(patterns: ArrayLike, promised: ArrayLike) -> Measures:
    """All metrics of one head on sequences of one length: ``patterns`` and ``promised`` are (B, query, key)."""
    meter = Meter()
    meter.add(np.asarray(patterns, dtype=np.float64), np.asarray(promised, dtype=np.bool_))
    return meter.measures()


@dataclass
class Meter:
    """Running metrics of one head over batches; sequences of different lengths may follow each other.

    Invariance is taken within each length and averaged over lengths, each as often as it has promised entries; whole
    patterns count towards it, blocks of queries do not."""

    queries: int = 0
    mass: float = 0.0
    above: int = 0
    spreads: dict[int, _Spread] = field(default_factory=dict)

    def add(self, patterns: Floats, promised: Bools, *, whole: bool = True) -> None:
        """Patterns and promises (B, query, key), ``whole`` or a block of queries; what is not a number counts as 0."""
        assert patterns.shape == promised.shape and patterns.ndim == 3, (patterns.shape, promised.shape)
        clean = np.where(np.isfinite(patterns), patterns, 0.0)
        rows = promised.any(axis=2)
        on = np.where(promised, clean, 0.0).sum(axis=2)[rows]
        self.queries += len(on)
        self.mass += float(on.sum())
        self.above += int((on > THRESHOLD).sum())
        if whole:
            self.spreads.setdefault(patterns.shape[1], _Spread()).add(clean, np.asarray(promised.any(axis=0)))

    def measures(self) -> Measures:
        if not self.queries:
            return Measures(0, None, None, None)
        deviations = [d for spread in self.spreads.values() for d in spread.deviations().tolist()]
        invariance = 1 - math.fsum(deviations) / len(deviations) if deviations else None
        return Measures(self.queries, self.mass / self.queries, self.above / self.queries, invariance)


@dataclass
class _Spread:
    """Mean and sum of squared deviations of every entry over sequences of one length, batches merged by Chan's rule."""

    count: int = 0
    mean: Floats = field(default_factory=lambda: np.zeros(()))
    squares: Floats = field(default_factory=lambda: np.zeros(()))
    promised: Bools = field(default_factory=lambda: np.zeros((), dtype=np.bool_))

    def add(self, patterns: Floats, promised: Bools) -> None:
        fresh, mean = len(patterns), patterns.mean(axis=0)
        squares = ((patterns - mean) ** 2).sum(axis=0)
        total, apart = self.count + fresh, mean - self.mean
        self.squares = self.squares + squares + apart**2 * (self.count * fresh / total)
        self.mean = self.mean + apart * (fresh / total)
        self.promised = self.promised | promised
        self.count = total

    def deviations(self) -> Floats:
        """Of each entry that was promised in some sequence; none where only one sequence was seen."""
        if self.count < 2:
            return np.zeros(0)
        found: Floats = np.sqrt(self.squares[self.promised] / (self.count - 1))
        return found


# ------------------------------------------------------------------ accuracy


@dataclass(frozen=True, slots=True)
class Accuracy:
    """``right`` of ``judged`` decoded tokens, and ``whole`` of ``sequences`` in which every judged token is right.

    On a text that is right so far, a token is what greedy decoding says next; so ``whole`` counts the sequences whose
    whole tail greedy decoding gets right."""

    judged: int = 0
    right: int = 0
    sequences: int = 0
    whole: int = 0

    @property
    def tokens(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def tails(self) -> float | None:
        return self.whole / self.sequences if self.sequences else None

    def __add__(self, other: Accuracy) -> Accuracy:
        return Accuracy(
            self.judged + other.judged,
            self.right + other.right,
            self.sequences + other.sequences,
            self.whole + other.whole,
        )

    def to_json(self) -> dict[str, object]:
        return {
            "tokens": self.tokens,
            "tails": self.tails,
            "judged": self.judged,
            "right": self.right,
            "sequences": self.sequences,
            "whole": self.whole,
        }


def accuracy(right: ArrayLike, judged: ArrayLike) -> Accuracy:
    """Of sequences of one length: ``right``, ``judged`` are (B, n); sequences without a judged token are left out."""
    seen = np.asarray(judged, dtype=np.bool_)
    good = np.asarray(right, dtype=np.bool_) & seen
    spoken = seen.any(axis=1)
    whole = spoken & (good == seen).all(axis=1)
    return Accuracy(int(seen.sum()), int(good.sum()), int(spoken.sum()), int(whole.sum()))
