"""Panels as a PNG, drawn by matplotlib (the optional extra ``plot``).

In: rows of ``Panel``s.  Out: the PNG's bytes; SpecError E0609 when matplotlib is not installed.
"""

from __future__ import annotations

import io
from typing import Any

from headspec.pictures.png import _matplotlib, _text
from headspec.spectra.drawing_svg import ACCENT, DARK, PALE, colours
from headspec.spectra.panels import Bars, Panel, Squares, labels


def render_png(rows: list[list[Panel]], *, title: str) -> bytes:
    """Rows of panels from top to bottom, 144 dots per inch."""
    figure_type, _ = _matplotlib()
    heights = [0.9 if isinstance(row[0], Squares) and row[0].rows else 2.6 for row in rows]
    figure = figure_type(figsize=(12, sum(heights) + 0.5), layout="constrained")
    figure.suptitle(_text(title), fontweight="bold")
    for row, part in zip(rows, _parts(figure, heights), strict=True):
        grid = part.subplots(1, len(row), squeeze=False)[0]
        for panel, axes in zip(row, grid, strict=True):
            (_bars if isinstance(panel, Bars) else _squares)(axes, panel)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, metadata={"Software": "headspec"})
    return buffer.getvalue()


def _parts(figure: Any, heights: list[float]) -> list[Any]:
    found = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    return [row[0] for row in found]


def _head(axes: Any, panel: Panel) -> None:
    axes.set_title(f"{_text(panel.title)}\n{_text(panel.caption)}", fontsize=8, loc="left")
    axes.set_xlabel(panel.across, fontsize=7, color="#666c76")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7)


def _bars(axes: Any, panel: Any) -> None:
    _head(axes, panel)
    places = [panel.first + i for i in range(len(panel.values))]
    dark = [place in panel.marked or (bool(panel.ticks) and not panel.marked) for place in places]
    axes.bar(places, panel.values, color=[DARK if d else PALE for d in dark], width=0.82)
    axes.set_yticks([])
    named = labels(panel)
    axes.set_xticks([place for place, _ in named], [text for _, text in named])
    for place, _ in panel.ticks:
        axes.axvline(place, color=ACCENT, linestyle=":", linewidth=1)


def _squares(axes: Any, panel: Any) -> None:
    _head(axes, panel)
    aspect = "auto" if panel.rows else "equal"
    axes.imshow(colours(panel.values, signed=panel.signed), interpolation="nearest", aspect=aspect)
    if panel.rows:
        axes.set_yticks(range(len(panel.rows)), [_text(name) for name in panel.rows])
    else:
        axes.set_ylabel(panel.down, fontsize=7, color="#666c76")
