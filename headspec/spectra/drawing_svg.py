"""Panels as an SVG drawing, or as a page that holds it.

In: rows of ``Panel``s.  Out: a complete SVG document, written as text; a panel of squares is one small picture in it, a
pixel for each square, so that a grid of 113 x 113 stays small.  Nothing is loaded from a network.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from headspec.pictures.svg import STOPS, _clean
from headspec.spectra.panels import Bars, Panel, Squares, labels
from headspec.spectra.transforms import Floats
from headspec.terminal import plain_label

BELOW = ((241, 241, 238), (253, 208, 162), (253, 141, 60), (217, 72, 1), (127, 39, 4))
"""Colours of values below 0, from 0 down; ``STOPS`` are those from 0 up."""
DARK, PALE, ACCENT = "#08306b", "#9ecae1", "#b4530a"
GAP, SIDE, WIDE, TALL, HEAD, FOOT = 30, 185, 430, 130, 40, 38
_STYLE = (
    "svg{background:#fff}text{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#444a53}"
    ".t{font:600 15px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1c1f24}"
    ".h{font:600 13px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1c1f24}"
    ".l{font:11px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#666c76}"
    "image{image-rendering:pixelated}"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
body{{margin:24px;font:14px/1.45 system-ui,sans-serif}}
pre{{font-size:12px;overflow:auto}}
svg{{max-width:100%}}
</style>
</head>
<body>
{picture}
<pre>{text}</pre>
</body>
</html>
"""


def render_page(rows: list[list[Panel]], *, title: str, text: str) -> str:
    """The drawing over the report, on one page without scripts."""
    return _PAGE.format(title=html.escape(_clean(title)), picture=render_svg(rows, title=title), text=html.escape(text))


def render_svg(rows: list[list[Panel]], *, title: str) -> str:
    """Rows of panels from top to bottom."""
    parts, y, width = [], 40 if title else 12, 320
    for row in rows:
        x, below = GAP, y
        for panel in row:
            drawn, wide, high = _bars(panel) if isinstance(panel, Bars) else _squares(panel)
            parts.append(f'<g transform="translate({x} {y})">{drawn}</g>')
            x, below = x + wide + GAP, max(below, y + high)
        width, y = max(width, x), below + 14
    caption = f'<text class="t" x="{GAP}" y="26">{escape(_clean(title))}</text>' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" role="img"'
        f" aria-label={quoteattr(_clean(title) or 'Fourier analysis')}><style>{_STYLE}</style>{caption}"
        f"{''.join(parts)}</svg>\n"
    )


def _words(title: str, caption: str) -> str:
    title, caption = (escape(_clean(plain_label(text))) for text in (title, caption))
    return f'<text class="h" y="12">{title}</text><text class="l" y="28">{caption}</text>'


# ------------------------------------------------------------------ columns


def _bars(panel: Bars) -> tuple[str, int, int]:
    """(drawing, width, height)."""
    count = len(panel.values)
    step, most = WIDE / max(1, count), float(panel.values.max(initial=0.0))
    parts = [_words(panel.title, panel.caption)]
    for i, value in enumerate(panel.values.tolist()):
        place, high = panel.first + i, 0.0 if most == 0 else TALL * value / most
        colour = DARK if place in panel.marked or (panel.ticks and not panel.marked) else PALE
        at = f'x="{i * step:.2f}" y="{HEAD + TALL - high:.2f}" width="{max(0.5, step * 0.82):.2f}" height="{high:.2f}"'
        parts.append(f'<rect {at} fill="{colour}"><title>{place}: {value:.5g}</title></rect>')
    parts.append(f'<path d="M0 {HEAD + TALL}.5H{WIDE}" stroke="#c9ccd1"/>')
    for place, text in labels(panel):
        x = (place - panel.first + 0.41) * step
        if panel.ticks:
            parts.append(f'<path d="M{x:.1f} {HEAD}V{HEAD + TALL}" stroke="{ACCENT}" stroke-dasharray="3 3"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEAD + TALL + 14}" text-anchor="middle">{escape(text)}</text>')
    across = escape(panel.across)
    parts.append(f'<text class="l" x="{WIDE / 2:g}" y="{HEAD + TALL + 30}" text-anchor="middle">{across}</text>')
    return "".join(parts), WIDE, HEAD + TALL + FOOT


# ------------------------------------------------------------------ squares


def _squares(panel: Squares) -> tuple[str, int, int]:
    rows, columns = panel.values.shape
    margin = 8 + 7 * max((len(name) for name in panel.rows), default=1)
    wide, high = (2 * WIDE + GAP - margin, 20 * rows) if panel.rows else (SIDE, SIDE)
    data = base64.b64encode(write_png(colours(panel.values, signed=panel.signed))).decode("ascii")
    parts = [
        _words(panel.title, panel.caption),
        f'<image x="{margin}" y="{HEAD}" width="{wide}" height="{high}" preserveAspectRatio="none"'
        f' href="data:image/png;base64,{data}"/>',
    ]
    for i, name in enumerate(panel.rows):
        y = HEAD + (i + 0.5) * high / rows + 4
        parts.append(f'<text x="{margin - 5}" y="{y:g}" text-anchor="end">{escape(_clean(name))}</text>')
    if not panel.rows:
        parts.append(f'<text x="{margin - 5}" y="{HEAD + 10}" text-anchor="end">0</text>')
        parts.append(f'<text x="{margin - 5}" y="{HEAD + high}" text-anchor="end">{rows - 1}</text>')
        at = f"translate({margin - 5} {HEAD + high / 2:g}) rotate(-90)"
        parts.append(f'<text class="l" transform="{at}" text-anchor="middle">{escape(panel.down)}</text>')
    parts.append(f'<text x="{margin}" y="{HEAD + high + 13}">0</text>')
    parts.append(f'<text x="{margin + wide}" y="{HEAD + high + 13}" text-anchor="end">{columns - 1}</text>')
    middle = margin + wide / 2
    parts.append(f'<text class="l" x="{middle:g}" y="{HEAD + high + 13}" text-anchor="middle">{panel.across}</text>')
    return "".join(parts), margin + wide, HEAD + high + 22


def colours(values: Floats, *, signed: bool) -> NDArray[np.uint8]:
    """(n, m) -> (n, m, 3): pale at 0, darkest at the largest absolute value; below 0 orange where ``signed``."""
    found = np.nan_to_num(values)
    most = float(np.abs(found).max(initial=0.0))
    part = np.zeros_like(found) if most == 0 else found / most
    places = np.linspace(0, 1, len(STOPS))
    up, down = (
        np.stack([np.interp(np.abs(part), places, [stop[i] for stop in stops]) for i in range(3)], axis=-1)
        for stops in (STOPS, BELOW)
    )
    mixed = np.where((part < 0)[..., None], down, up) if signed else up
    return np.rint(mixed).astype(np.uint8)


def write_png(pixels: NDArray[np.uint8]) -> bytes:
    """(height, width, 3) as a PNG: eight bits, no filter."""
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
