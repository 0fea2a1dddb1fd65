"""A quick look at a scene in floats: which circuits are worth an exact comparison.

In: a ``Scene`` (or none: everything can be reached) and values for symbols.  Out: ``Glimpse``.  Not for: verdicts.
What is the same for all values of the symbols is the same at these; what looks the same here is compared exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from compiler.equivalence import Scene
    from compiler.exact import Matrix

Floats = NDArray[np.float64]
MOST_PAIRS = 2000
"""Of larger scenes so many pairs are looked at in floats, the same ones every time."""
MOST_EXACT = 60
"""What looks the same is compared exactly on so many pairs."""
CLOSE = 1e-3
"""Scores and moves closer than this, relative to their size, are taken to the exact comparison."""


@dataclass(frozen=True)
class Glimpse:
    """``residual`` (states, d_model): what positions can be.  ``queries``, ``keys``: states that occur together.
    ``scene`` keeps but ``MOST_EXACT`` pairs."""

    scene: Scene | None
    values: Mapping[str, Fraction]
    residual: Floats
    queries: NDArray[np.int64]
    keys: NDArray[np.int64]

    def matrix(self, circuit: Matrix) -> Floats:
        """``circuit`` in floats; a symbol without a value gets one of its own."""
        free = {name: _some_value(name) for name in circuit.symbols() - self.values.keys()}
        out = np.zeros(circuit.shape)
        for (i, j), entry in circuit.entries.items():
            out[i, j] = entry.to_float({**self.values, **free})
        return out

    def scores(self, circuit: Matrix) -> Floats:
        """x_q^T B (x_k - x_q) of every pair: what softmax sees of a QK circuit."""
        x, form = self.residual, self.matrix(circuit)
        seen: Floats = np.einsum("pd,pd->p", x[self.queries] @ form, x[self.keys] - x[self.queries])
        return seen

    def moved(self, circuit: Matrix) -> Floats:
        """OV x of every state, (states, d_model)."""
        out: Floats = self.residual @ self.matrix(circuit).T
        return out

    def same_scores(self, a: Floats, b: Floats) -> bool:
        """a = tau b with tau > 0, nearly."""
        square = float(b @ b)
        tau = float(a @ b) / square if square else 0.0
        return tau > 0 and bool(np.abs(a - tau * b).max(initial=0.0) <= CLOSE * np.abs(a).max(initial=0.0))

    def alike(self, a: Matrix, b: Matrix) -> bool:
        """Two QK circuits with the same scores, nearly, or both without any."""
        first, second = self.scores(a), self.scores(b)
        if self.no_scores(first, a) or self.no_scores(second, b):
            return self.no_scores(first, a) and self.no_scores(second, b)
        return self.same_scores(first, second)

    def no_scores(self, a: Floats, circuit: Matrix) -> bool:
        """Are all differences of scores rounding beside the entries of ``circuit``?"""
        largest = np.abs(self.matrix(circuit)).max(initial=0.0) * np.square(self.residual).max(initial=0.0)
        return bool(np.abs(a).max(initial=0.0) <= 1e-9 * largest)


def look(scene: Scene | None, values: Mapping[str, Fraction], width: int) -> Glimpse:
    """The glimpse of ``scene``; without one every unit vector of the stream is a state, and there are no pairs."""
    if scene is None:
        none = np.zeros(0, dtype=np.int64)
        return Glimpse(None, values, np.eye(width), none, none)
    return _look(_Same((scene, values)))


class _Same:
    """A scene and values as a key of a cache, by identity: several questions are asked of one refused answer."""

    def __init__(self, parts: tuple[Scene, Mapping[str, Fraction]]) -> None:
        self.parts = parts

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.parts)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and all(a is b for a, b in zip(self.parts, other.parts, strict=True))


@lru_cache(maxsize=4)
def _look(key: _Same) -> Glimpse:
    scene, values = key.parts
    pairs = scene.pairs
    if len(pairs) > MOST_PAIRS:
        pairs = tuple(sorted(Random(0).sample(pairs, MOST_PAIRS)))
    q, k = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    bare = Glimpse(_small(scene, pairs), values, np.zeros((0, 0)), q, k)
    return replace(bare, residual=_weights(scene) @ bare.matrix(scene.vectors).T)


def _small(scene: Scene, pairs: Sequence[tuple[int, int]]) -> Scene:
    """``MOST_EXACT`` of the pairs, and the states that stand in them."""
    few = sorted(Random(1).sample(pairs, min(MOST_EXACT, len(pairs))))
    kept = sorted({state for pair in few for state in pair})
    number = {state: i for i, state in enumerate(kept)}
    states = tuple(scene.states[state] for state in kept)
    return replace(scene, states=states, pairs=tuple((number[q], number[k]) for q, k in few))


def _weights(scene: Scene) -> Floats:
    """(states, features): how much of every feature a state holds."""
    place = {feature: i for i, feature in enumerate(scene.features)}
    out = np.zeros((len(scene.states), max(1, len(scene.features))))
    for i, state in enumerate(scene.states):
        for feature, weight in state:
            out[i, place[feature]] = float(weight)
    return out


def _some_value(name: str) -> Fraction:
    """A value for a symbol that has none: positive, of no particular kind, the same every time."""
    return Fraction(Random(name).randrange(300, 1700), 997)
