"""Matrices that are given outright: how far a foreign share of the attention moves what their W_O writes.

In: a head and facts about its program.  Out: per subspace the foreign share that a whole one becomes.  Not for: copies
(``facts``), or ranges of what is written.

A coordinate r of W_O W_V x moves by at most sum |M_rc| |x_c|, of a one-hot by the greatest of its terms alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.circuits.features import scalar
from compiler.encodings import OneHot, Quadratic, ScalarValue, Subspace
from compiler.heads import Head

if TYPE_CHECKING:
    from compiler.sharpness.facts import Facts

Moved = dict[tuple[int, int], float]


def brought_outright(head: Head, facts: Facts) -> dict[str, float]:
    """Nothing for heads without W_V and W_O, or while these hold symbols without a value."""
    moved = _product(head, facts)
    found: dict[str, float] = {}
    for target in facts.subspaces.values():
        sums: dict[int, float] = {}
        for source in facts.subspaces.values():
            for row, reach in _rows(moved, source, target, facts, head.layer).items():
                sums[row] = sums.get(row, 0.0) + reach
        if sums:
            found[target.name] = max(sums.values()) / spread_of_values(target, facts)
    return found


def sources_outright(head: Head, facts: Facts) -> list[str]:
    """The subspaces that W_V reads."""
    read = {column for _, column in _product(head, facts)}
    return [name for name, subspace in facts.subspaces.items() if read & set(subspace.coordinates)]


def spread_of_values(target: Subspace, facts: Facts) -> float:
    encoding = target.encoding
    return float(max(1, encoding.high - encoding.low)) if isinstance(encoding, ScalarValue | Quadratic) else 1.0


def _product(head: Head, facts: Facts) -> Moved:
    """|W_O W_V| by (row, column) of the stream."""
    value, output = head.matrix("W_V"), head.matrix("W_O")
    if value is None or output is None:
        return {}
    if any(scalar(e).symbols() - facts.bindings.keys() - {"pi"} for m in (value, output) for _, _, e in m.entries):
        return {}
    found: Moved = {}
    for row, inner, weight in output.entries:
        for k, column, other in value.entries:
            if k == inner:
                size = abs(facts.number(weight) * facts.number(other))
                found[row, column] = found.get((row, column), 0.0) + size
    return {place: size for place, size in found.items() if size}


def _rows(moved: Moved, source: Subspace, target: Subspace, facts: Facts, layer: int) -> dict[int, float]:
    """How far each row of ``target`` moves by what ``source`` may show."""
    rows = [r for r in target.coordinates if any((r, c) in moved for c in source.coordinates)]
    together = max if isinstance(source.encoding, OneHot) else sum
    sizes = _sizes(source, facts, layer)
    return {
        r: together([moved.get((r, c), 0.0) * size for c, size in zip(source.coordinates, sizes, strict=True)])
        for r in rows
    }


def _sizes(source: Subspace, facts: Facts, layer: int) -> list[float]:
    """The greatest absolute value of every coordinate."""
    if isinstance(source.encoding, ScalarValue | Quadratic):
        most = max(abs(end) for end in facts.values_range(source, layer))
        return [most, most * most][: len(source.coordinates)]
    return [1.0] * len(source.coordinates)
