"""A scene as an SVG, or on an HTML page with its report.

In: ``Scene``.  Out: text; token texts and names reach it escaped.  Nothing is loaded from anywhere.
"""

from __future__ import annotations

import html
from xml.sax.saxutils import escape, quoteattr

from headspec.analyses.scene import Curve, Dot, Rectangle, Scene, Shape, Words
from headspec.pictures.svg import _clean
from headspec.spectra.drawing_svg import _PAGE
from headspec.terminal import plain_label

_SANS = "system-ui,'Segoe UI',Roboto,Arial,sans-serif"
_STYLE = (
    "svg{background:#fff}text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#444a53}"
    f".t{{font-family:{_SANS};font-weight:600;fill:#1c1f24}}.h{{font-family:{_SANS};font-weight:600;fill:#1c1f24}}"
    f".l{{font-family:{_SANS};fill:#666c76}}"
)


def render_svg(scene: Scene) -> str:
    """A complete document."""
    drawn = "".join(map(_shape, scene.shapes))
    size = f'viewBox="0 0 {scene.width:g} {scene.height:g}" width="{scene.width:g}" height="{scene.height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(_clean(scene.title))}>'
        f"<style>{_STYLE}</style>{drawn}</svg>\n"
    )


def render_page(scene: Scene, text: str) -> str:
    """The drawing over the report, on one page without scripts."""
    return _PAGE.format(title=html.escape(_clean(scene.title)), picture=render_svg(scene), text=html.escape(text))


def _shape(shape: Shape) -> str:
    match shape:
        case Curve():
            middle = (shape.y + shape.y2) / 2
            path = f"M{shape.x:.1f} {shape.y:.1f}C{shape.x:.1f} {middle:.1f} {shape.x2:.1f} {middle:.1f}"
            dashes = ' stroke-dasharray="3 3"' if shape.dashed else ""
            return (
                f'<path d="{path} {shape.x2:.1f} {shape.y2:.1f}" fill="none" stroke="{shape.colour}"'
                f' stroke-width="{shape.width:.2f}" stroke-opacity="0.85"{dashes}>{_said(shape.title)}</path>'
            )
        case Rectangle():
            at = f'x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}"'
            edge = f' stroke="{shape.edge}"' if shape.edge else ""
            return f'<rect {at} rx="2" fill="{shape.fill}"{edge}>{_said(shape.title)}</rect>'
        case Dot():
            at = f'cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="{shape.radius:g}"'
            return f'<circle {at} fill="{shape.fill}">{_said(shape.title)}</circle>'
        case Words():
            kind = "" if shape.kind == "m" else f' class="{shape.kind}"'
            colour = f' style="fill:{shape.colour}"' if shape.colour else ""
            at = f'x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" text-anchor="{shape.anchor}"'
            return f"<text{kind} {at}{colour}>{escape(_text(shape.text))}</text>"


def _said(title: str) -> str:
    return f"<title>{escape(_text(title))}</title>" if title else ""


def _text(text: str) -> str:
    return _clean(plain_label(text)) if text else ""
