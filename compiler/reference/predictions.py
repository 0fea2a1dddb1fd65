"""Which tokens are right: those that a predicted subspace is nearest to.

In: a subspace and what it holds.  Out: ``Prediction``: the right tokens, and where that is determined: a mixture is
too close to call where its lead is within what the claims of heads and rounding leave open (``leads``).  Not for:
logits of the model (``backends``).
"""

from __future__ import annotations

import numpy as np

from compiler.encodings import Constant, Dims, OneHot, Quadratic, ScalarValue, Subspace
from compiler.program import Program
from compiler.reference.leads import Leads
from compiler.reference.meaning import Prediction
from compiler.reference.numbers import NOTHING, Ints, Numbers
from compiler.reference.reading import read
from compiler.reference.values import EXACT, NEAR, Bools, Held, Kind, Raw, Symbolic, dense, to_raw


def prediction(program: Program, subspace: Subspace, held: Held, leads: Leads, every_position: bool) -> Prediction:
    """What ``subspace`` predicts where it holds ``held``: at the last position, or at every one."""
    numbers = leads.numbers
    codes = _said(program, subspace, numbers)
    last = slice(None) if every_position else slice(-1, None)
    if isinstance(held, Raw):
        right, determined = _right_by_coordinates(subspace, _part(held, last), codes, numbers)
    else:
        right, determined = (found[:, last] for found in _right_by_shares(subspace, held, codes))
    if subspace.name in leads.slack:
        mixed, seen = _is_mixed(subspace, held, leads)[:, last], _part(to_raw(held, subspace, numbers), last)
        determined = determined & ~(mixed & _too_close(subspace, seen, codes, leads, right))
    right &= determined[..., None]
    if every_position:
        return Prediction(subspace.name, right, determined)
    return Prediction(subspace.name, right[:, -1], determined[:, -1])


def _part(raw: Raw, positions: slice) -> Raw:
    return Raw(raw.vectors[:, positions], raw.known[:, positions])


def _is_mixed(subspace: Subspace, held: Held, leads: Leads) -> Bools:
    """(B, n): where what is held is no pure value that strengths are solved for."""
    kind = read(held, subspace, leads.numbers).kind
    return np.asarray((kind != Kind.PURE) | (subspace.name in leads.loose))


def _too_close(subspace: Subspace, raw: Raw, codes: Ints, leads: Leads, right: Bools) -> Bools:
    """(B, m): may another token be said?  Tokens that say no value have logit 0, or, beside numbers, one below all."""
    encoding, inside = subspace.encoding, codes != NOTHING
    if not inside.any() or isinstance(encoding, (Dims, Constant)):
        return np.zeros(raw.known.shape, dtype=np.bool_)
    if isinstance(encoding, (ScalarValue, Quadratic)):
        c = codes[inside].astype(np.float64)
        features = np.stack([2 * c, np.zeros_like(c)], axis=1)[:, : raw.vectors.shape[2]]
        return leads.too_close(subspace.name, raw.vectors, features, -c * c, right[..., inside])
    features = leads.numbers.features(encoding, codes[inside])
    wanted = right[..., inside]
    if not inside.all():
        features = np.concatenate([features, np.zeros((1, features.shape[1]))])
        wanted = np.concatenate([wanted, np.zeros((*wanted.shape[:-1], 1), dtype=np.bool_)], axis=-1)
    return leads.too_close(subspace.name, raw.vectors, features, np.zeros(len(features)), wanted)


def _said(program: Program, subspace: Subspace, numbers: Numbers) -> Ints:
    """(V,): the code of the value that each token says; NOTHING where it says none."""
    said = program.own_values(subspace.name)
    if said is None:
        return numbers.token_codes(subspace.encoding, program.tokens)
    return np.array([NOTHING if v is None else numbers.codec.code(v) for v in said], dtype=np.int64)


def _right_by_coordinates(subspace: Subspace, raw: Raw, codes: Ints, numbers: Numbers) -> tuple[Bools, Bools]:
    """The tokens whose logit f(c) . y (2cy - c^2 for a number) is within 1e-9 of the largest."""
    encoding = subspace.encoding
    inside = codes != NOTHING
    if not inside.any() or isinstance(encoding, (Dims, Constant)):
        return np.zeros((*raw.known.shape, len(codes)), dtype=np.bool_), np.zeros_like(raw.known)
    numeric = isinstance(encoding, (ScalarValue, Quadratic))
    if numeric:
        c = codes[inside].astype(np.float64)
        logits = 2 * raw.vectors[..., :1] * c - c * c
    else:
        logits = raw.vectors @ numbers.features(encoding, codes[inside]).T
    right = np.zeros((*raw.known.shape, len(codes)), dtype=np.bool_)
    right[..., inside] = logits >= logits.max(axis=2, keepdims=True) - NEAR
    if numeric:  # a number on the far side of 0 from all values is near none of them
        number = raw.vectors[..., 0]
        return right, raw.known & ((c.min() <= 0) | (number >= -NEAR)) & ((c.max() >= 0) | (number <= NEAR))
    return right, raw.known & (np.abs(raw.vectors) > NEAR).any(axis=2)


def _right_by_shares(subspace: Subspace, held: Symbolic, codes: Ints) -> tuple[Bools, Bools]:
    """The tokens with the largest share; mixtures of phases and codes, and what is empty, are undetermined."""
    right = (held.code[..., None] == codes) & (held.kind == Kind.PURE)[..., None]
    determined = np.asarray(right.any(axis=2))
    mixed = np.flatnonzero(held.kind == Kind.MIXED)
    if not len(mixed) or not isinstance(subspace.encoding, OneHot):
        return right, determined
    inside = codes != NOTHING
    universe = np.union1d(held.universe, codes[inside])
    shares = dense(held, mixed, universe)[:, np.searchsorted(universe, codes[inside])]
    behind = shares.max(axis=1, keepdims=True) - shares
    rows = right.reshape(-1, len(codes))
    rows[np.ix_(mixed, np.flatnonzero(inside))] = behind <= EXACT
    written = shares > EXACT if not inside.all() else np.abs(shares) > EXACT  # a token without a value has logit 0
    clear = written.any(axis=1) & ~((behind > EXACT) & (behind < NEAR)).any(axis=1)
    determined.flat[mixed] = clear
    return rows.reshape(right.shape), determined
