"""The meaning of a soft head: the exact softmax of its scores, in float64.

In: a head marked ``soft`` (or given by W_Q, W_K alone) and what the stream holds.  Out: its attention pattern.
Not for: hard heads, whose meaning has no scores.

score(q <- k) = sum over lines of sign * strength * kernel.  A kernel is the bilinear form that compares the line's two
subspaces: 1 or 0 between one-hots, sum_j l_j l'_j cos f_j (u + shift - v) between phases, the dot product of codes,
2uv - v^2 against a quadratic key (and 1 more for a number against a one-hot key); on mixtures and raw coordinates it is
what linearity makes of that.  Explicit matrices give (W_Q x_q) . (W_K x_k) / sqrt(d_head), queries and keys turned
first where positions are rotary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from compiler.encodings import Code, OneHot, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Among, Condition, Equal, ExplicitMatrix, Head, Offset, Related, Term
from compiler.program import Program, Rotary
from compiler.reference.moving import rotation
from compiler.reference.numbers import Floats, Ints, Numbers
from compiler.reference.values import Attention, Bools, Raw


@dataclass(frozen=True)
class Stream:
    """The residual stream as coordinates: ``raw(name)`` per subspace, ``coordinates(columns)`` -> (B, n, len)."""

    program: Program
    numbers: Numbers
    raw: Callable[[str], Raw]
    coordinates: Callable[[tuple[int, ...]], Raw]
    indicator: Callable[[Condition], Floats]


def matrix_of(explicit: ExplicitMatrix, numbers: Numbers) -> Floats:
    """The matrix in floats."""
    result = np.zeros((explicit.rows, explicit.columns))
    for row, column, entry in explicit.entries:
        result[row, column] = numbers.number(entry)
    return result


def attend_softly(head: Head, stream: Stream, batch: int, n: int) -> Attention:
    """The causal softmax; unknown at queries that see, or are, something unknown."""
    if head.matrix("W_Q") is not None:
        scores, known = _explicit_scores(head, stream)
    else:
        scores, known = np.zeros((batch, n, n)), np.ones((batch, n), dtype=np.bool_)
        for term in head.terms:
            score, certain = _term_scores(term, stream, n)
            scores, known = scores + score, known & certain
    visible = np.tril(np.ones((n, n), dtype=np.bool_))
    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    return Attention(np.broadcast_to(visible, scores.shape) & known[:, :, None], known, weights * known[:, :, None])


def _certain(query: Bools | None, key: Bools) -> Bools:
    """Known where the query is and every key that it sees."""
    seen = np.logical_and.accumulate(key, axis=1)
    return seen if query is None else seen & query


def _explicit_scores(head: Head, stream: Stream) -> tuple[Floats, Bools]:
    query, key = (_projected(head, name, stream) for name in ("W_Q", "W_K"))
    d_head = query.vectors.shape[2]
    turned = [_turn(raw.vectors, stream.program.positions) for raw in (query, key)]
    scores = turned[0] @ turned[1].transpose(0, 2, 1) / math.sqrt(d_head)
    return scores, _certain(query.known, key.known)


def _projected(head: Head, name: str, stream: Stream) -> Raw:
    explicit = head.matrix(name)
    assert explicit is not None, "W_Q and W_K come together"
    columns = tuple(sorted({column for _, column, _ in explicit.entries}))
    raw = stream.coordinates(columns)
    return Raw(raw.vectors @ matrix_of(explicit, stream.numbers)[:, list(columns)].T, raw.known)


def _turn(vectors: Floats, positions: object) -> Floats:
    """Rotary positions: pair p of the vector at position i is turned by i * base^(-2p/dims)."""
    if not isinstance(positions, Rotary):
        return vectors
    half = positions.dims // 2
    if positions.layout == "half":
        first, second = np.arange(half), np.arange(half) + half
    else:
        first, second = 2 * np.arange(half), 2 * np.arange(half) + 1
    angle = np.arange(vectors.shape[1])[:, None] * rotary_frequencies(positions)
    result = vectors.copy()
    a, b = vectors[..., first], vectors[..., second]
    result[..., first] = a * np.cos(angle) - b * np.sin(angle)
    result[..., second] = a * np.sin(angle) + b * np.cos(angle)
    return result


def rotary_frequencies(positions: Rotary) -> Floats:
    """base^(-2p/dims) for every pair p."""
    return np.asarray(float(positions.base) ** (-2 * np.arange(positions.dims // 2) / positions.dims))


# ------------------------------------------------------------------ kernels


def _term_scores(term: Term, stream: Stream, n: int) -> tuple[Floats, Bools]:
    score, known = _kernel(term, stream, n)
    strength = 1.0 if term.strength is None else stream.numbers.number(term.strength)
    score = score * (-strength if term.negated else strength)
    if term.when is not None:
        score = score * stream.indicator(term.when)[:, :, None]
    return score, known


def _kernel(term: Term, stream: Stream, n: int) -> tuple[Floats, Bools]:
    match term.relation:
        case Among(key, values):
            raw = stream.raw(key)
            functional = _among(stream.program.subspace(key), values, stream.numbers)
            return (raw.vectors @ functional)[:, None, :], _certain(None, raw.known)
        case Offset(shift):
            assert isinstance(stream.program.positions, Rotary), "resolution allows this under rotary only"
            distance = np.arange(n)[:, None] + shift - np.arange(n)[None, :]
            angles = distance[:, :, None] * rotary_frequencies(stream.program.positions)
            return np.cos(angles).sum(axis=2)[None], np.ones((1, n), dtype=np.bool_)
        case Equal(key, query) | Related(key, query) as relation:
            key_raw, query_raw = stream.raw(key), stream.raw(query)
            key_space, query_space = stream.program.subspace(key), stream.program.subspace(query)
            gated = term.when is not None
            wanted = _wanted(relation, key_space, query_space, query_raw.vectors, stream.numbers, gated=gated)
            return wanted @ key_raw.vectors.transpose(0, 2, 1), _certain(query_raw.known, key_raw.known)


def _among(key: Subspace, values: tuple[int | str, ...], numbers: Numbers) -> Floats:
    codes = numbers.codec.codes(values)
    if isinstance(key.encoding, Quadratic):
        return np.array([2.0 * codes.sum(), -float(len(codes))])
    return np.asarray(numbers.features(key.encoding, codes).sum(axis=0))


def _wanted(
    relation: Equal | Related, key: Subspace, query: Subspace, vectors: Floats, numbers: Numbers, *, gated: bool
) -> Floats:
    """(B, n, key size): the linear functional of the key that each query compares with; ``gated``: under ``when``."""
    if isinstance(relation, Related):
        return vectors @ _related_rows(relation, key, query, numbers)
    match key.encoding, query.encoding:
        case Quadratic(), _:
            return _number_functional(relation, query, vectors, numbers)
        case OneHot(), (ScalarValue() | Quadratic()):
            return _value_weights(vectors[..., 0] + relation.shift, numbers.values(key.encoding), gated=gated)
        case OneHot(), (Phase() | Code()):
            wanted = numbers.values(key.encoding) - relation.shift
            return vectors @ numbers.features(query.encoding, wanted).T
        case _, OneHot():
            return vectors @ numbers.features(key.encoding, _plus(query, relation.shift, numbers))
        case Phase(), Phase():
            return vectors @ rotation(query.encoding, query.encoding, relation.shift, numbers).T
        case _:
            assert len(key.coordinates) == len(query.coordinates), "resolution checks that the encodings fit"
            return vectors


def _plus(query: Subspace, shift: int, numbers: Numbers) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    values = numbers.values(query.encoding)
    return values + shift if shift else values


def _number_functional(relation: Equal, query: Subspace, vectors: Floats, numbers: Numbers) -> Floats:
    """2uv - v^2 as (2u, -1) on the key's (v, v^2), u the query's number plus the shift."""
    if isinstance(query.encoding, OneHot):
        wanted = _plus(query, relation.shift, numbers)
        return np.asarray(vectors @ np.stack([2.0 * wanted, np.full(len(wanted), -1.0)], axis=1))
    number = vectors[..., 0] + relation.shift
    return np.stack([2 * number, np.full(number.shape, -1.0)], axis=2)


def _value_weights(number: Floats, values: Ints, *, gated: bool) -> Floats:
    """2uv - v^2 + 1 for every value v that a one-hot key may show; a key that shows nothing scores 0.

    Under ``when`` a one-hot of the query says what u is, and the line is a table of 0 and 1."""
    u, v = number[..., None], values.astype(np.float64)
    return np.asarray(u == v, dtype=np.float64) if gated else np.asarray(2 * u * v - v**2 + 1)


def _related_rows(relation: Related, key: Subspace, query: Subspace, numbers: Numbers) -> Floats:
    images = dict(relation.pairs)
    assert isinstance(query.encoding, OneHot), "tables relate one-hot subspaces"
    rows = [numbers.codec.codes(tuple(images.get(value, ()))) for value in query.encoding.values]
    return np.stack([numbers.features(key.encoding, row).sum(axis=0) for row in rows])
