"""A scene as a PNG, drawn by matplotlib (the optional extra ``plot``).

In: ``Scene``.  Out: the PNG's bytes; SpecError E0609 when matplotlib is not installed.
"""

from __future__ import annotations

import io
from typing import Any

from headspec.analyses.scene import Curve, Dot, Rectangle, Scene, Shape, Words
from headspec.pictures.png import _matplotlib, _text

DOTS = 144
PIXEL = 72 / 96  # points
ANCHORS = {"start": "left", "middle": "center", "end": "right"}


def render_png(scene: Scene) -> bytes:
    """1.5 dots for a pixel."""
    figure_type, _ = _matplotlib()
    figure = figure_type(figsize=(scene.width / 96, scene.height / 96))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.set_axis_off()
    for shape in scene.shapes:
        _draw(axes, shape)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS, metadata={"Software": "headspec"})
    return buffer.getvalue()


def _draw(axes: Any, shape: Shape) -> None:
    from matplotlib.patches import Circle, PathPatch
    from matplotlib.patches import Rectangle as Box
    from matplotlib.path import Path

    match shape:
        case Curve():
            middle = (shape.y + shape.y2) / 2
            ends = [(shape.x, shape.y), (shape.x, middle), (shape.x2, middle), (shape.x2, shape.y2)]
            path = Path(ends, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
            style = ":" if shape.dashed else "-"
            width = shape.width * PIXEL
            axes.add_patch(PathPatch(path, fill=False, edgecolor=shape.colour, linewidth=width, linestyle=style))
        case Rectangle():
            edge = shape.edge or "none"
            axes.add_patch(Box((shape.x, shape.y), shape.width, shape.height, facecolor=shape.fill, edgecolor=edge))
        case Dot():
            axes.add_patch(Circle((shape.x, shape.y), shape.radius, facecolor=shape.fill))
        case Words():
            family = "monospace" if shape.kind == "m" else "sans-serif"
            weight = "bold" if shape.kind in "th" else "normal"
            options = {"ha": ANCHORS[shape.anchor], "va": "baseline", "family": family, "weight": weight}
            colour = shape.colour or "#444a53"
            axes.text(shape.x, shape.y, _text(shape.text), fontsize=shape.size * PIXEL, color=colour, **options)
