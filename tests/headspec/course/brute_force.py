"""Whether an answer is right, by brute force: every valid sequence of a small instance, in plain NumPy.

Nothing here comes from the compiler or the checker: embeddings, sequences and promises are written out by hand beside
the spec that says the same.  An answer is right if, for some temperature (one, if it is stated), every promised query
has at least ``mass`` on its right keys, none of which is further than 1 - mass from an equal share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tokens = tuple[int, ...]
Promise = Callable[[Tokens, int], set[int]]
"""(tokens, query) -> the right keys; an empty set where nothing is said."""

TEMPERATURES = [2.0 ** (step / 4) for step in range(-80, 81)]
FINE = [2.0 ** (step / 128) for step in range(-64, 65)]
SHARP = 2.0**6


@dataclass(frozen=True)
class Instance:
    """A small exercise.  ``spec`` with our heads; ``vectors(tokens)``: residual vectors (n, d_model) before any head;
    ``heads``: (name, promise) layer by layer; ``asked``: what is handed in of each."""

    name: str
    spec: str
    values: Mapping[str, float]
    sequences: tuple[Tokens, ...]
    vectors: Callable[[Tokens], Floats]
    heads: tuple[tuple[str, Promise], ...]
    asked: tuple[tuple[str, tuple[str, ...]], ...]
    stated: bool = False
    mass: float = 0.9


def is_right(instance: Instance, matrices: Mapping[tuple[str, str], Floats]) -> bool:
    """All heads keep their promises, each at some temperature (the earlier ones sharp)."""
    streams = [instance.vectors(tokens) for tokens in instance.sequences]
    for name, promise in instance.heads:
        scores = [scores_of(x, matrices[name, "W_Q"], matrices[name, "W_K"]) for x in streams]
        temperature = _temperature(instance, scores, promise)
        if temperature is None:
            return False
        if (name, "W_V") in matrices:
            ov = matrices[name, "W_O"] @ matrices[name, "W_V"]
            sharp = temperature if instance.stated else temperature * SHARP
            streams = [x + softmax(sharp * s) @ x @ ov.T for x, s in zip(streams, scores, strict=True)]
    return True


def scores_of(x: Floats, W_Q: Floats, W_K: Floats) -> Floats:
    """(W_Q x_q) . (W_K x_k) / sqrt(d_head), -inf for later keys."""
    scores: Floats = np.where(np.tri(len(x), dtype=bool), (x @ W_Q.T) @ (x @ W_K.T).T / np.sqrt(len(W_Q)), -np.inf)
    return scores


def softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    out: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return out


def _temperature(instance: Instance, scores: Sequence[Floats], promise: Promise) -> float | None:
    """The first temperature at which every promise is kept."""
    rows, right = _rows(instance, scores, promise)
    finite = rows[np.isfinite(rows)]
    scale = float(np.abs(finite).max()) or 1.0
    if instance.stated:
        return 1.0 if _kept(rows, right, instance.mass) else None
    coarse = [t / scale for t in TEMPERATURES]
    for temperature in coarse:
        if _kept(temperature * rows, right, instance.mass):
            return temperature
    enough = next((t for t in coarse if _masses(t * rows, right).min() >= instance.mass), None)
    if enough is None:
        return None
    return next((enough * f for f in FINE if _kept(enough * f * rows, right, instance.mass)), None)


def _rows(instance: Instance, scores: Sequence[Floats], promise: Promise) -> tuple[Floats, NDArray[np.bool_]]:
    """All promised rows, padded to one length with -inf; each different one once."""
    longest = max(map(len, instance.sequences))
    found: dict[bytes, tuple[Floats, NDArray[np.bool_]]] = {}
    for tokens, table in zip(instance.sequences, scores, strict=True):
        for query in range(len(tokens)):
            keys = promise(tokens, query)
            if keys:
                row, right = np.full(longest, -np.inf), np.zeros(longest, dtype=bool)
                row[: query + 1] = table[query, : query + 1]
                right[list(keys)] = True
                found[row.tobytes() + right.tobytes()] = (row, right)
    rows, rights = zip(*found.values(), strict=True)
    return np.array(rows), np.array(rights)


def _masses(rows: Floats, right: NDArray[np.bool_]) -> Floats:
    masses: Floats = (softmax(rows) * right).sum(axis=1)
    return masses


def _kept(rows: Floats, right: NDArray[np.bool_], mass: float) -> bool:
    weights = softmax(rows)
    share = 1 / right.sum(axis=1, keepdims=True)
    enough = (weights * right).sum(axis=1) >= mass
    even = (np.abs(weights - share) * right).max(axis=1) <= 1 - mass
    return bool((enough & even).all())


# ------------------------------------------------------------------ instances, each written out by hand

CODES = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
VALUES = {"alpha": 0.7, "gamma": 0.2, "lambda": 2.0, "mu": 1.0, "beta": 0.25}
SYMBOLS = """
symbol alpha = 0.7
symbol gamma = 0.2
symbol lambda > 0 = 2
symbol mu > 0 = 1
symbol beta > 0 = 0.25
"""
STAGE = f"""{SYMBOLS}
tokens a..c
context 4
mass 0.9
sequences (a..c){{1,4}}
subspace content : code(tokens, 2, vectors = [[1, 1], [1, -1], [-1, -1]])
subspace where : phase(positions, frequencies = [alpha, gamma], magnitudes = [lambda, mu])
subspace spare : dims(1)
embed token -> content
embed position -> where
"""


def _where(position: int) -> list[float]:
    return [
        2 * np.cos(0.7 * position),
        2 * np.sin(0.7 * position),
        np.cos(0.2 * position),
        np.sin(0.2 * position),
    ]


def _content_and_place(tokens: Tokens) -> Floats:
    return np.array([[*CODES[token], *_where(position), 0.0] for position, token in enumerate(tokens)])


EVERYTHING = tuple(tokens for n in range(1, 5) for tokens in product(range(3), repeat=n))


def _one(name: str, head: str, line: str, promise: Promise, *, stated: bool = False) -> Instance:
    spec = f"model {name}\n{STAGE}layer\n  head {head}\n{line}\n"
    asked = ((head, ("W_Q", "W_K")),)
    return Instance(name, spec, VALUES, EVERYTHING, _content_and_place, ((head, promise),), asked, stated)


def _before(tokens: Tokens, query: int) -> set[int]:
    return {query - 1} if query else set()


def _same(tokens: Tokens, query: int) -> set[int]:
    return {key for key in range(query + 1) if tokens[key] == tokens[query]}


def _earlier(tokens: Tokens, query: int) -> set[int]:
    return {key for key in range(query) if tokens[key] == tokens[query]}


PREVIOUS = _one("previous_position", "previous", "    attend key.where == query.where - 1", _before)
STATED = _one("stated", "previous", "    attend key.where == query.where - 1", _before, stated=True)
HERE = _one("here", "here", "    attend key.where == query.where", lambda tokens, query: {query})
SAME = _one("same", "same", "    attend key.content == query.content", _same)

ORDERS = "(a b c | a c b | b a c | b c a | c a b | c b a) a..c"
DUPLICATE = Instance(
    "duplicate",
    f"model duplicate\n{STAGE.replace('(a..c){1,4}', ORDERS)}layer\n  head duplicate soft\n"
    "    attend key.content == query.content strength 8\n    avoid key.where == query.where strength 8*beta\n"
    "expect head duplicate: token[key.position] == token[query.position] and key.position < query.position\n",
    VALUES,
    tuple((*order, last) for order in permutations(range(3)) for last in range(3)),
    _content_and_place,
    (("duplicate", _earlier),),
    (("duplicate", ("W_Q", "W_K")),),
)

PAIR_SPEC = f"""model pair
{SYMBOLS}
tokens a..c, <bos>
context 5
mass 0.9
sequences <bos> {ORDERS}
subspace content : code(tokens, 3, vectors = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
subspace where : phase(positions, frequencies = [alpha, gamma], magnitudes = [lambda, mu])
subspace v like content
embed token -> content
embed position -> where
layer
  head previous d_head 4 soft
    attend key.where == query.where - 1 strength 64
    copy key.content -> v
layer
  head induction d_head 4 soft
    attend key.v == query.content strength 8
expect head previous: key.position == query.position - 1
expect head induction: token[key.position - 1] == token[query.position]
"""
PAIR_CODES = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
PAIR_SEQUENCES = tuple((3, *order, last) for order in permutations(range(3)) for last in range(3))


def _pair_vectors(tokens: Tokens) -> Floats:
    return np.array([[*PAIR_CODES[token], *_where(p), 0.0, 0.0, 0.0] for p, token in enumerate(tokens)])


def _after_copy(tokens: Tokens, query: int) -> set[int]:
    return {key for key in range(1, query + 1) if tokens[key - 1] == tokens[query]}


PAIR = Instance(
    "pair",
    PAIR_SPEC,
    VALUES,
    PAIR_SEQUENCES,
    _pair_vectors,
    (("previous", _before), ("induction", _after_copy)),
    (("previous", ("W_Q", "W_K", "W_V", "W_O")), ("induction", ("W_Q", "W_K"))),
)
INSTANCES = (PREVIOUS, STATED, HERE, SAME, DUPLICATE, PAIR)
