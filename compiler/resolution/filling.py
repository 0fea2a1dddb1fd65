"""How many values a ``pairs`` subspace can be given, at most: a pair takes two.

In: heads, embeddings and typed compute lines.  Out: nothing, or E0495 for a line that reads a pair which never is one.
Not for: which values these are (``inputs``), or whether they stand there together (``reference``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from compiler.computing import Compute, Read, ValueExpr, parts, read_subspaces
from compiler.encodings import AnyPairs
from compiler.heads import Copy, Head
from compiler.program import EmbedLine
from compiler.resolution.scope import Scope, fail
from dsl.expressions import Number
from dsl.span import Span


@dataclass(frozen=True)
class Filling:
    """What is added to subspaces; a coefficient that is no plain number may be anything."""

    layers: Sequence[Sequence[Head]]
    embeds: Sequence[EmbedLine]
    computes: Sequence[Compute]
    known: dict[tuple[str, int], float] = field(default_factory=dict, compare=False)

    def most(self, name: str, before: int) -> float:
        """How many values all that layers below ``before`` add to ``name`` can come to."""
        if (name, before) not in self.known:
            total = float(sum(line.target == name for line in self.embeds))
            total += sum(line.target == name and line.layer < before for line in self.computes)
            self.known[name, before] = total + sum(self.brought(head, copy) for head, copy in self.copies(name, before))
        return self.known[name, before]

    def brought(self, head: Head, copy: Copy) -> float:
        factor = abs(float(copy.coefficient.value)) if isinstance(copy.coefficient, Number) else inf
        return factor * max(1.0, self.most(copy.source, head.layer))

    def copies(self, name: str, before: int) -> list[tuple[Head, Copy]]:
        heads = [head for layer in self.layers[:before] for head in layer]
        return [(head, copy) for head in heads for copy in head.copies if copy.target == name]


def check_pairs(
    scope: Scope, layers: Sequence[Sequence[Head]], embeds: Sequence[EmbedLine], computes: Sequence[Compute]
) -> None:
    """E0495 for every line that reads a pair of which there is never more than one value.

    What a W_O that is given outright adds is not counted in values, and is left to the reference meaning."""
    outputs = [head.matrix("W_O") for layer in layers for head in layer]
    anything = {row for output in outputs if output is not None for row, _, _ in output.entries}
    filling = Filling(layers, embeds, computes)
    for compute in computes:
        for name in read_subspaces(compute.meaning):
            subspace = scope.subspaces[name]
            counted = isinstance(subspace.encoding, AnyPairs) and not anything & set(subspace.coordinates)
            if counted and filling.most(name, compute.layer + 1) < 2:
                with scope.attempt():
                    _never(filling, compute, name)


def _never(filling: Filling, compute: Compute, name: str) -> None:
    copies = filling.copies(name, compute.layer + 1)
    brought = [f"head {head.name} adds {filling.brought(head, copy):g} of `{copy.source}`" for head, copy in copies]
    embedded = ["1 is embedded"] * any(line.target == name for line in filling.embeds)
    fail(
        "E0495",
        f"`{name}` never holds a pair: no two values are added up there",
        _where(compute.meaning, name) or compute.span,
        label="one value at most",
        help=f"let another head copy there too, or one head both values of two keys: `copy 2 * key.A -> {name}`",
        figures=(*embedded, *brought),
    )


def _where(value: ValueExpr, name: str) -> Span | None:
    if isinstance(value, Read) and value.subspace == name:
        return value.span
    return next((found for part in parts(value) if (found := _where(part, name)) is not None), None)
