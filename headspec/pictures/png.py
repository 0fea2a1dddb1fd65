"""Attention patterns as a PNG, drawn by matplotlib (the optional extra ``plot``).

In: a ``RunResult`` and labels.  Out: the PNG's bytes; SpecError E0609 when matplotlib is not installed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import Diagnostic, SpecError
from headspec.pictures.svg import STOPS
from headspec.terminal import plain_label

if TYPE_CHECKING:
    from headspec.run_result import RunResult

LABELLED = 40


def render_png(result: RunResult, *, title: str, names: Sequence[str]) -> bytes:
    """Layers from top to bottom, heads side by side, 144 dots per inch."""
    figure_type, colours = _matplotlib()
    layers = sorted({layer for layer, _, _ in result.heads})
    columns = max((sum(1 for head in result.heads if head[0] == layer) for layer in layers), default=1)
    size = min(6.0, max(1.8, 0.24 * len(names)))
    figure = figure_type(
        figsize=(columns * (size + 0.5), max(1, len(layers)) * (size + 0.7) + 0.4), layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    figure.suptitle(_text(title), fontweight="bold")
    figure.supxlabel("rows query, columns key; pale 0, dark 1", fontsize=7, color="#666c76")
    grid = figure.subplots(max(1, len(layers)), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for layer, index, name in result.heads:
        axes = grid[layers.index(layer)][[h[1] for h in result.heads if h[0] == layer].index(index)]
        _draw(axes, result.patterns[layer][index], names, f"{name}  L{layer}H{index}", colours)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, metadata={"Software": "headspec"})
    return buffer.getvalue()


def _draw(axes: Any, pattern: Any, names: Sequence[str], title: str, colours: Any) -> None:
    import numpy as np

    axes.set_axis_on()
    masked = np.ma.masked_array(pattern, mask=np.triu(np.ones_like(pattern, dtype=bool), 1))
    axes.imshow(masked, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(_text(title), fontsize=10)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.tick_params(which="both", length=0, labelsize=7)
    if len(names) > LABELLED:  # positions, every so many
        return
    labels = [_text(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=7, family="monospace")
    axes.set_yticks(range(len(names)), labels, fontsize=7, family="monospace")
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0)


def _text(text: str) -> str:
    """Token texts are not markup: ``$`` would start a formula."""
    return plain_label(text).replace("$", r"\$") if text else ""


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.figure import Figure
    except ImportError:
        raise SpecError(
            Diagnostic(
                "E0609",
                "drawing a PNG needs matplotlib, which is not installed",
                help="pip install matplotlib, or draw an .svg or .html",
            )
        ) from None
    stops = [tuple(channel / 255 for channel in stop) for stop in STOPS]
    return Figure, LinearSegmentedColormap.from_list("weight", stops)
