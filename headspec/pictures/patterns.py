"""Attention patterns drawn in the terminal: grids of shades, rows of weights, tables of chosen queries.

In: token texts and weights (query, key).  Out: lines of text at most ``style.width`` wide.
Not for: files (``plotting``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headspec.terminal import PLAIN, Style, plain_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headspec.run_result import RunResult

    Weights = Sequence[float] | NDArray[np.float64]

SHADES = ("░", "▒", "▓", "█")
ASCII_SHADES = ("-", "+", "*", "#")
RAMP = (236, 24, 31, 38, 44, 50, 121)  # ANSI colours of rising weight, dark blue to bright green
LABEL = 8
TOP = 4
MOST_TABLES = 4  # below each other; for more keys than they hold, only the top keys are printed


def draw_run(run: RunResult, style: Style = PLAIN) -> str:
    """The tokens, every head's pattern and the prediction (or the text that was generated)."""
    prompt = len(run.tokens) - run.generated
    lines = [" ".join(map(plain_label, run.tokens[:prompt])), ""]
    for layer, index, name in run.heads:
        lines += [f"L{layer}H{index} {name}", *draw_pattern(run.tokens, run.patterns[layer][index], style), ""]
    arrow = "→" if style.unicode else "->"
    if run.generated:
        lines.append(f"{arrow} {style.paint(' '.join(map(plain_label, run.tokens[prompt:])), '1')}")
    elif run.prediction is not None:
        lines.append(f"{arrow} {style.paint(plain_label(run.prediction), '1')}  (by {run.margin:.4g})")
    return "\n".join(lines)


def draw_pattern(tokens: Sequence[str], pattern: NDArray[np.float64], style: Style = PLAIN) -> list[str]:
    """One head as a lower triangle of shades; when it is wider than the terminal, its queries' top keys instead."""
    labels = [plain_label(token) for token in tokens]
    margin = len(str(len(tokens))) + min(LABEL, max(map(len, labels))) + 5
    for cell in (min(LABEL, max(map(len, labels))) + 1, 3, 2, 1):
        if margin + cell * len(tokens) <= style.width:
            return _grid(labels, pattern, max(1, cell), style)
    return _summary(labels, pattern, style)


def _grid(labels: list[str], pattern: NDArray[np.float64], cell: int, style: Style) -> list[str]:
    digits = len(str(len(labels) - 1))
    name = min(LABEL, max(map(len, labels)))
    margin = digits + name + 4
    lines = _header(labels, cell, margin)
    for q, label in enumerate(labels):
        cells = "".join(_cell(float(pattern[q, k]), cell, style) for k in range(q + 1))
        lines.append(f"  {q:>{digits}} {_clip(label, name):<{name}} {cells}".rstrip())
    return lines


def _header(labels: list[str], cell: int, margin: int) -> list[str]:
    """Key tokens over their columns; written downwards when the columns are narrow."""
    if all(len(label) < cell for label in labels):
        return [" " * margin + "".join(label.ljust(cell) for label in labels).rstrip()]
    height = min(LABEL, max(map(len, labels)))
    clipped = [_clip(label, height).rjust(height) for label in labels]
    return [(" " * margin + "".join(label[i].ljust(cell) for label in clipped)).rstrip() for i in range(height)]


def _clip(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "~"


def _cell(weight: float, cell: int, style: Style) -> str:
    width = max(1, min(2, cell - 1)) if cell > 1 else 1
    shade = _shade(weight, style)
    return style.paint(shade * width, f"38;5;{_colour(weight)}") + " " * (cell - width)


def _shade(weight: float, style: Style) -> str:
    if not 0 <= weight <= 1.001:
        return "?"
    if weight < 0.01:
        return "·" if style.unicode else "."
    shades = SHADES if style.unicode else ASCII_SHADES
    return shades[min(3, int(weight * 4))]


def _colour(weight: float) -> int:
    return RAMP[min(len(RAMP) - 1, max(0, int(weight * len(RAMP))))] if weight == weight else 196


def _summary(labels: list[str], pattern: NDArray[np.float64], style: Style) -> list[str]:
    """The first, middle and last queries' top keys, for contexts too long to draw."""
    count = len(labels)
    shown = sorted({0, 1, 2, count // 4, count // 2, 3 * count // 4, count - 3, count - 2, count - 1})
    digits = len(str(count - 1))
    arrow = "→" if style.unicode else "->"
    lines = [f"  {count} tokens, too wide to draw; the top keys of some queries:"]
    for q in (q for q in shown if 0 <= q < count):
        lines.append(f"  {q:>{digits}} {_clip(labels[q], LABEL)} {arrow} {top_keys(labels, pattern[q, : q + 1])}")
    return [_clip(line, style.width) for line in lines]


def top_keys(labels: Sequence[str], row: Weights, count: int = TOP, *, positions: bool = True) -> str:
    """``3 b 0.99, 0 <bos> 0.01``: the largest weights above 0.005, earlier keys first among equals."""
    order = sorted(range(len(row)), key=lambda k: (-round(float(row[k]), 6), k))
    kept = [k for k in order[:count] if float(row[k]) >= 0.005]
    return ", ".join(f"{f'{k} ' if positions else ''}{labels[k]} {float(row[k]):.2f}" for k in kept) or "nothing"


# ------------------------------------------------------------------ one query


def draw_row(
    tokens: Sequence[str], pattern: Sequence[float], expected: Sequence[float], style: Style = PLAIN, limit: int = 8
) -> list[str]:
    """A query's weights as bars, beside what was expected: the largest of both, at most ``limit`` keys."""
    order = sorted(range(len(pattern)), key=lambda k: (-max(_order(pattern[k]), expected[k]), k))
    kept = sorted(order[:limit])
    lines = ["  key               weight               expected"]
    for k in kept:
        label = _clip(plain_label(tokens[k]), LABEL)
        lines.append(f"  {k:>5} {label:<8} {pattern[k]:>9.5f} {_bar(pattern[k], style)} {expected[k]:.5f}".rstrip())
    return lines


def _order(weight: float) -> float:
    return weight if weight == weight else 2.0


def _bar(weight: float, style: Style, size: int = 12) -> str:
    filled = round(min(1.0, max(0.0, weight)) * size) if weight == weight else 0
    full, empty = ("█", "·") if style.unicode else ("#", ".")
    return full * filled + empty * (size - filled)


# ------------------------------------------------------------------ chosen queries


def draw_queries(run: RunResult, queries: Sequence[int], names: Sequence[str], style: Style = PLAIN) -> str:
    """For each chosen query, a table: a row per head, a column per visible key, and the top keys.

    ``names`` are the labels of the positions (tokens, or slot names)."""
    parts = []
    for query in queries:
        parts += [f"query {names[query]} (position {query}, token {plain_label(run.tokens[query])})"]
        parts += _query_table(run, query, names, style) + [""]
    return "\n".join(parts).rstrip()


def _query_table(run: RunResult, query: int, names: Sequence[str], style: Style) -> list[str]:
    """One table, several below each other where the keys do not fit beside each other; only top keys for very many."""
    labels = [plain_label(name) for name in names]
    rows = [run.patterns[layer][index][query, : query + 1] for layer, index, _ in run.heads]
    tops = [_tops(labels, row) for row in rows]
    heads = [f"L{layer}H{index} {name}" for layer, index, name in run.heads]
    cell = max(4, *(len(label) for label in labels[: query + 1]))
    margin = max([4, *map(len, heads)])
    room = max(style.width, 100) - 2 - margin - 2 - max([8, *map(len, tops)])
    most = max(1, room // (cell + 2))
    tables = -(-(query + 1) // most)
    if tables > MOST_TABLES:
        return [f"  {head:<{margin}}  {top}" for head, top in zip(heads, tops, strict=True)]
    lines: list[str] = []
    size = -(-(query + 1) // tables)
    for start in range(0, query + 1, size):
        keys, last = range(start, min(query + 1, start + size)), start + size > query
        names_of_keys = "".join(f"  {labels[key]:>{cell}}" for key in keys)
        lines.append(f"  {'head':<{margin}}{names_of_keys}{'  top keys' if last else ''}")
        for head, row, top in zip(heads, rows, tops, strict=True):
            weights = "".join(f"  {style.paint(f'{row[k]:>{cell}.2f}', _weight_code(row[k]))}" for k in keys)
            lines.append(f"  {head:<{margin}}{weights}{f'  {top}' if last else ''}")
    return lines


def _weight_code(weight: float) -> str:
    return "1" if weight >= 0.25 else "2" if weight < 0.01 else "0"


def _tops(labels: Sequence[str], row: Weights) -> str:
    """The top keys, or ``uniform`` when every visible key has the same weight."""
    equal = 1 / len(row)
    if len(row) > 1 and all(abs(float(w) - equal) < 0.005 for w in row):
        return "uniform"
    return top_keys(labels, row, positions=False)
