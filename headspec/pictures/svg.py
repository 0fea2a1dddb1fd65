"""Attention patterns as an SVG drawing, written as text.

In: a ``RunResult`` and labels.  Out: a complete SVG document; each cell says its query, key and weight when pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from headspec.terminal import plain_label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headspec.run_result import RunResult

STOPS = ((241, 241, 238), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107))
LONGEST = 10
LEAST = 0.004  # fainter cells are left to the background in long contexts
TITLED = 6  # cells of so many pixels say what they are when pointed at
PANEL = 300
GAP = 28
LEGEND = 24
TICKS = (5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
APART = 32  # so many pixels at least between the numbers of two positions
_STYLE = (
    "svg{background:#fff}text{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#444a53}"
    ".t{font:600 15px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1c1f24}"
    ".h{font:600 13px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1c1f24}"
    ".l{font:12px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#666c76}"
)


def render_svg(result: RunResult, *, title: str, names: Sequence[str]) -> str:
    """Layers from top to bottom, the heads of a layer side by side."""
    panel = _Panel(tuple(_clean(plain_label(name)) for name in names))
    layers = sorted({layer for layer, _, _ in result.heads})
    top = 40 if title else 12
    parts, widest = [], 0
    for row, layer in enumerate(layers):
        heads = [(index, name) for number, index, name in result.heads if number == layer]
        for column, (index, name) in enumerate(heads):
            x, y = GAP + column * (panel.width + GAP), top + row * (panel.height + GAP)
            parts.append(panel.draw(x, y, f"L{layer}H{index}", _clean(name), result.patterns[layer][index]))
        widest = max(widest, len(heads))
    width = GAP + max(1, widest) * (panel.width + GAP)
    width, foot = max(width, 320), top + len(layers) * (panel.height + GAP)
    height = foot + LEGEND
    caption = f'<text class="t" x="{GAP}" y="26">{escape(_clean(title))}</text>' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label={quoteattr(_clean(title) or "attention patterns")}>'
        f"<style>{_STYLE}</style>{caption}{''.join(parts)}{_legend(GAP, foot)}</svg>\n"
    )


def _legend(x: int, y: int) -> str:
    """What rows, columns and colours are, in a line."""
    steps = [(f'<rect x="{180 + 10 * i}" y="-9" width="10" height="10" fill="{shade(i / 8)}"/>') for i in range(9)]
    words = '<text class="l">rows query, columns key</text><text class="l" x="168">0</text>'
    return f'<g transform="translate({x} {y})">{words}{"".join(steps)}<text class="l" x="275">1</text></g>'


class _Panel:
    """The geometry that all heads share."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.cell = max(1, min(24, PANEL // max(1, len(labels))))
        self.labelled = self.cell >= 9
        longest = max(len(_clip(label)) for label in labels) if self.labelled else len(str(len(labels)))
        self.margin = 10 + 7 * longest
        self.flat = not self.labelled or (self.cell >= 18 and longest <= 2)
        self.top = 24 + (18 if self.flat else self.margin)
        self.width = self.margin + self.cell * len(labels)
        self.height = self.top + self.cell * len(labels)

    def draw(self, x: int, y: int, place: str, name: str, pattern: NDArray[Any]) -> str:
        heading = f'<text class="h" x="0" y="12">{escape(name)} <tspan class="l">{place}</tspan></text>'
        return f'<g transform="translate({x} {y})">{heading}{self._axes()}{self._cells(pattern)}</g>'

    def _cells(self, pattern: NDArray[Any]) -> str:
        """A square for every visible key; in long contexts only for weights that can be seen, over a pale triangle."""
        if self.cell < TITLED:
            return self._triangle() + "".join(self._thin_row(q, pattern[q, : q + 1]) for q in range(len(self.labels)))
        squares = (self._square(q, k, float(pattern[q, k])) for q in range(len(self.labels)) for k in range(q + 1))
        return "".join(squares)

    def _square(self, q: int, k: int, weight: float) -> str:
        about = escape(f"{self.labels[q]} ({q}) to {self.labels[k]} ({k}): {weight:.4f}")
        return f"{self._rectangle(q, k, 1, weight, gap=1)}<title>{about}</title></rect>"

    def _thin_row(self, q: int, row: NDArray[Any]) -> str:
        """Neighbours of one colour as one rectangle; what is too faint is left out."""
        parts, start = [], 0
        colours = [shade(float(weight)) for weight in row]
        for k in range(1, len(row) + 1):
            if k == len(row) or colours[k] != colours[start]:
                if not float(row[start]) < LEAST:
                    parts.append(self._rectangle(q, start, k - start, float(row[start])) + "</rect>")
                start = k
        return "".join(parts)

    def _rectangle(self, q: int, k: int, count: int, weight: float, gap: int = 0) -> str:
        c = self.cell
        place = f'x="{self.margin + k * c}" y="{self.top + q * c}" width="{count * c - gap}" height="{c - gap}"'
        return f'<rect {place} fill="{shade(weight)}">'

    def _triangle(self) -> str:
        left, top, side = self.margin, self.top, self.cell * len(self.labels)
        corners = f"{left},{top} {left},{top + side} {left + side},{top + side}"
        return f'<polygon points="{corners}" fill="{shade(0.0)}"/>'

    def _named(self) -> list[tuple[int, str]]:
        """What stands beside the cells: every token, or, where they would not fit, positions at even steps."""
        if self.labelled:
            return list(enumerate(map(_clip, self.labels)))
        step = next((step for step in TICKS if step * self.cell >= APART), TICKS[-1])
        return [(i, str(i)) for i in range(0, len(self.labels), step)]

    def _axes(self) -> str:
        parts = []
        for i, label in self._named():
            middle, text = i * self.cell + self.cell / 2, escape(label)
            parts.append(f'<text x="{self.margin - 5}" y="{self.top + middle + 3.5:g}" text-anchor="end">{text}</text>')
            x = self.margin + middle
            if self.flat:
                parts.append(f'<text x="{x:g}" y="{self.top - 6}" text-anchor="middle">{text}</text>')
            else:
                at = f"{x + 3.5:g} {self.top - 6}"
                parts.append(f'<text transform="translate({at}) rotate(-90)">{text}</text>')
        return "".join(parts)


def shade(weight: float) -> str:
    """The colour of a weight from 0 to 1; magenta for what is not a number."""
    if weight != weight:
        return "#d01c8b"
    at = min(1.0, max(0.0, weight)) * (len(STOPS) - 1)
    low = min(len(STOPS) - 2, int(at))
    mixed = (round(a + (b - a) * (at - low)) for a, b in zip(STOPS[low], STOPS[low + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
