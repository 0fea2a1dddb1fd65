"""The whole of an attention-only model as a sum of products.

In: exact weights.  Out: ``Expansion``, frozen, with ``to_json``.  Not for: its text (``rendering``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compiler.composition.products import (
    Product,
    WeightsLike,
    moved_by_length,
    net_head,
    output_paths,
    score_circuits,
    v_composition,
    virtual_head,
)
from compiler.composition.scores import CompositionScore, Kind, composition_score


@dataclass(frozen=True, slots=True)
class Expansion:
    """An attention-only model as a sum of products; products that are zero are left out and counted in ``zero``."""

    net_heads: tuple[Product, ...]
    score_circuits: tuple[Product, ...]
    scores: tuple[CompositionScore, ...]
    value_compositions: tuple[Product, ...]
    virtual_heads: tuple[Product, ...]
    moved: tuple[Product, ...]
    paths: tuple[Product, ...]
    zero: int
    bindings: Mapping[str, Fraction]

    def to_json(self) -> dict[str, Any]:
        def products(items: Sequence[Product]) -> list[dict[str, Any]]:
            return [item.to_json(self.bindings) for item in items]

        return {
            "net_heads": products(self.net_heads),
            "score_circuits": products(self.score_circuits),
            "composition_scores": [score.to_json() for score in self.scores],
            "value_compositions": products(self.value_compositions),
            "virtual_heads": products(self.virtual_heads),
            "moved": products(self.moved),
            "paths": products(self.paths),
            "zero_products": self.zero,
        }


def expand(weights: WeightsLike, layers: int | None = None) -> Expansion:
    """Everything above for a whole model; ``layers`` bounds the number of heads in a path (default: all layers)."""
    bindings = weights.bindings
    pairs = [(a, b) for b in weights.heads for a in weights.heads if a.head.layer < b.head.layer]
    paths, zero = output_paths(weights, layers)
    circuits: list[Product] = []
    for head in weights.heads:
        found, missing = score_circuits(head, [a for a, b in pairs if b is head], bindings)
        circuits += found
        zero += missing
    kinds: tuple[Kind, ...] = ("Q", "K", "V")
    composing = [(a, b) for a, b in pairs if not (b.W_V @ a.W_O).is_zero()]
    return Expansion(
        net_heads=tuple(net_head(head, bindings) for head in weights.heads),
        score_circuits=tuple(circuits),
        scores=tuple(composition_score(kind, a, b, bindings) for a, b in pairs for kind in kinds),
        value_compositions=tuple(v_composition(a, b, bindings) for a, b in composing),
        virtual_heads=tuple(virtual_head(a, b, bindings) for a, b in composing),
        moved=moved_by_length(weights),
        paths=paths,
        zero=zero,
        bindings=bindings,
    )
