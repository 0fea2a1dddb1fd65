"""What the reference meaning says of a batch: where heads attend, which tokens are right, what subspaces hold.

In: nothing (pure data, made by ``interpretation``).  Out: ``Meaning`` and its parts; meanings of parts of a batch are
``joined``.  Not for: how it is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from compiler.reference.numbers import Codec, Floats
from compiler.reference.values import Attention, Bools, Reading


class Status(IntEnum):
    """What the meaning says about one query of one head."""

    FIT = 0
    REST = 1
    UNCLAIMED = 2
    UNDETERMINED = 3
    SOFT = 4
    IDLE = 5


@dataclass(frozen=True, slots=True)
class HeadMeaning:
    """Where a head attends: ``support`` (B, n, n) and ``status`` (B, n).

    ``weights`` (B, n, n) is given for soft heads and heads with shares; other heads are uniform over their support.
    Rows of zeros where nothing is claimed (UNCLAIMED, UNDETERMINED)."""

    name: str
    support: Bools
    status: NDArray[np.uint8]
    weights: Floats | None = None

    @property
    def pattern(self) -> Floats:
        """(B, n, n) float64 target attention weights; computed on each access."""
        return self.pattern_of(range(self.support.shape[1]))

    def pattern_of(self, queries: range) -> Floats:
        """The rows ``queries`` of ``pattern``, (B, len(queries), n)."""
        rows = slice(queries.start, queries.stop)
        weights = None if self.weights is None else self.weights[:, rows]
        return Attention(self.support[:, rows], self.claimed[:, rows], weights).pattern()

    @property
    def claimed(self) -> Bools:
        """(B, n): queries where ``pattern`` is a claim."""
        return np.asarray((self.status != Status.UNCLAIMED) & (self.status != Status.UNDETERMINED))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The tokens that are ``right`` (B, V) for a predicted subspace at the last position, where ``determined`` (B,).

    With ``every_position`` the shapes are (B, n, V) and (B, n)."""

    subspace: str
    right: Bools
    determined: Bools


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a program says about a batch; ``values`` (what every subspace holds at the end) only if asked for."""

    heads: tuple[HeadMeaning, ...]
    predictions: tuple[Prediction, ...]
    values: Mapping[str, Reading]
    codec: Codec

    def head(self, name: str) -> HeadMeaning:
        return next(head for head in self.heads if head.name == name)


def joined(parts: list[Meaning]) -> Meaning:
    """The meaning of a batch from those of its parts, in order."""
    heads = tuple(
        HeadMeaning(
            same[0].name,
            np.concatenate([h.support for h in same]),
            np.concatenate([h.status for h in same]),
            None if same[0].weights is None else np.concatenate([h.weights for h in same if h.weights is not None]),
        )
        for same in zip(*(part.heads for part in parts), strict=True)
    )
    predictions = tuple(
        Prediction(
            same[0].subspace,
            np.concatenate([p.right for p in same]),
            np.concatenate([p.determined for p in same]),
        )
        for same in zip(*(part.predictions for part in parts), strict=True)
    )
    values = {
        name: Reading(
            np.concatenate([part.values[name].kind for part in parts]),
            np.concatenate([part.values[name].code for part in parts]),
        )
        for name in parts[0].values
    }
    return Meaning(heads, predictions, values, parts[0].codec)
