"""Where the steps before a line of a ``layer`` block go: into an earlier layer that is there, or nowhere.

In: lines that are computed in steps, and all lines in their layers.  Out: the layer of every step; E0520 where there is
none.  Not for: lines of the first column, whose steps are scheduled like any other line (``scheduling``).

Blocks stay as they are written, so a step runs in the earliest layer by which everything that the line sees of what the
step reads has been written, and that has to be before the line's own.  Time counts half layers, as in ``scheduling``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.computing import Part, Split, read_subspaces
from compiler.resolution.mentions import written_by
from compiler.resolution.scope import fail
from dsl.diagnostics import Note
from dsl.tree import ComputeDecl, LayerItem


@dataclass(frozen=True)
class Placed:
    """Lines of one layer: those of a block, or a ``loose`` one."""

    layer: int
    items: tuple[LayerItem, ...]
    loose: bool


def earlier_layers(splits: Mapping[int, Split], placed: Sequence[Placed]) -> dict[str, int]:
    """The layer of every step of the lines in blocks; ``splits`` by the identity of their declarations."""
    found: dict[str, int] = {}
    for block in placed:
        for item in () if block.loose else block.items:
            if isinstance(item, ComputeDecl) and id(item) in splits:
                for part in splits[id(item)].parts:
                    found[part.name] = _layer(item, block.layer, part, placed, found)
    return found


def _layer(line: ComputeDecl, layer: int, part: Part, placed: Sequence[Placed], found: Mapping[str, int]) -> int:
    """The earliest layer in which ``part`` reads what ``line`` does; it lies before ``layer``."""
    names = read_subspaces(part.value)
    ready: list[tuple[int, str, LayerItem]] = [(2 * found[name] + 2, "", line) for name in names if name in found]
    for other in placed:
        for item in other.items:
            time = 2 * other.layer + isinstance(item, ComputeDecl)
            if time <= 2 * layer:
                ready += [(time + 1, name, item) for name in set(written_by(item)).intersection(names)]
    time, name, writer = max(ready, key=lambda entry: entry[0], default=(1, "", line))
    if time // 2 >= layer:
        _refuse(line, layer, name, writer)
    return time // 2


def _refuse(line: ComputeDecl, layer: int, name: str, writer: LayerItem) -> None:
    reason = f"`{name}` is written in layer {layer} itself" if name else f"too few layers come before layer {layer}"
    fail(
        "E0520",
        f"`{line.target}` needs another layer, and its `layer` block leaves none: {reason}",
        line.value.span,
        label="too much for one layer of neurons",
        help="write the line in the first column, and the compiler finds the layers it needs; or put an empty `layer` "
        "between",
        notes=(Note(writer.span, f"`{name}` is written here"),) if name else (),
    )
