"""An ablation as a page of text: what was changed, accuracy before and after, metrics of heads, patterns drawn.

In: ``Ablation``.  Out: lines of text, plain unless a ``Style`` allows colour.  Not for: machine-readable output
(``Ablation.to_json``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headspec.ablation.figures import Ablation, Decoded
from headspec.metrics import Accuracy
from headspec.pictures.patterns import draw_pattern
from headspec.terminal import PLAIN, Style, plain_label
from headspec.verification.report import percent, table

VISIBLE = 0.005
"""A pattern is drawn again where some weight changed by as much."""
METRICS = ("peaky_abs", "peaky_thres", "invariance")
MOST_ROWS = 40
MOST_RIGHT = 6
MOST_TOKENS = 128


def render_ablation(result: Ablation, style: Style = PLAIN) -> str:
    """Edits, accuracy, metrics, then the example: what is decoded, and the patterns that changed."""
    lines = [*_edits(result), *_scope(result), ""]
    if result.lengths and result.before.judged:
        lines += [*_accuracy(result), ""]
    lines += [*_heads(result, style), "", *_example(result, style)]
    if result.generated is not None:
        before, after = (" ".join(map(plain_label, t)) for t in (result.generated.before, result.generated.after))
        lines += ["", "generated", f"  before  {before}", f"  after   {after}"]
    return "\n".join([*lines, *_patterns(result, style)])


def _edits(result: Ablation) -> list[str]:
    if not result.edits:
        return [f"{result.spec}: as it is (nothing was changed)"]
    rows = []
    for figures in result.edits:
        edit = figures.edit
        unit = "position" if edit.kind == "patch" else "edge"
        count = f"{figures.touched:,} {unit}{'s' * (figures.touched != 1)}"
        if edit.kind == "zero":
            count += ", renormalised" if result.renormalised else ", not renormalised"
        rows.append([edit.kind, figures.where, edit.text, count])
    return [f"{result.spec}, with", *table(rows, left=range(4))]


def _scope(result: Ablation) -> list[str]:
    which = "every valid sequence" if result.complete else f"drawn uniformly at each length, seed {result.seed}"
    said = f"{result.sequences:,} sequence{'s' * (result.sequences != 1)}"
    source = [] if result.source is None else [f"  patches from: {' '.join(map(plain_label, result.source))}"]
    return [*source, f"  {said}{f' ({which})' if result.sampled else ''}, {result.dtype} on {result.device}"]


# ------------------------------------------------------------------ accuracy and metrics


def _accuracy(result: Ablation) -> list[str]:
    header = ["", "sequences", "tokens", "right before", "after", "whole tails before", "after"]
    rows = [header]
    if len(result.lengths) > 1:
        rows += [[f"length {x.length}", *_accuracy_cells(x.before, x.after)] for x in result.lengths]
    rows.append(["all", *_accuracy_cells(result.before, result.after)])
    notes = [f"  {result.changed:,} of {result.before.judged:,} decoded tokens change"]
    if result.ties:
        notes[0] += f"; {result.ties:,} are ties after it"
    if result.constant is not None:
        always = "one answer" if result.constant_token is None else plain_label(result.constant_token)
        notes.append(f"  for comparison: always saying {always} is right at {percent(result.constant)}")
    return ["accuracy", *table(rows, left=(0,)), *notes]


def _accuracy_cells(before: Accuracy, after: Accuracy) -> list[str]:
    shares = [before.tokens, after.tokens, before.tails, after.tails]
    return [f"{before.sequences:,}", f"{before.judged:,}", *("-" if s is None else percent(s) for s in shares)]


def _heads(result: Ablation, style: Style) -> list[str]:
    """A metric that changes is shown before and after."""
    rows = [["head", "promised by", "queries", *METRICS]]
    for figures in result.heads:
        cells = [_change(getattr(figures.before, m), getattr(figures.after, m), style) for m in METRICS]
        basis = {"expect": "expect", "reference": "the reference"}.get(figures.basis or "", "-")
        rows.append([figures.head.label, basis, f"{figures.before.queries:,}", *cells])
    return table(rows, left=(0, 1, 3, 4, 5))


def _change(before: float | None, after: float | None, style: Style) -> str:
    if before is None or after is None:
        return "-"
    old, new = f"{before:.5f}", f"{after:.5f}"
    return old if old == new else f"{old} {'→' if style.unicode else '->'} {new}"


# ------------------------------------------------------------------ one sequence


def _example(result: Ablation, style: Style) -> list[str]:
    example = result.example
    lines = [_text(example.tokens)]
    if not example.valid:
        lines.append("  (not among the sequences that the spec speaks of: nothing is claimed about it)")
    judged = [decoded for decoded in example.decoded if decoded.right]
    shown = judged or list(example.decoded)
    if not shown or not result.predicts:
        return lines
    rows = [["at", "token", "right", "before", "after", ""], *(_decoded(d, style) for d in shown[:MOST_ROWS])]
    lines += table(rows, left=range(1, 6))
    if len(shown) > MOST_ROWS:
        lines.append(f"  and {len(shown) - MOST_ROWS} more")
    return lines


def _text(tokens: Sequence[str]) -> str:
    """The tokens, or the ends of many."""
    words = [plain_label(token) for token in tokens]
    if len(words) > MOST_TOKENS:
        half = MOST_TOKENS // 2
        words = [*words[:half], f"... ({len(words) - 2 * half:,} more) ...", *words[-half:]]
    return " ".join(words)


def _decoded(decoded: Decoded, style: Style) -> list[str]:
    right = " ".join(map(plain_label, decoded.right[:MOST_RIGHT])) + " ..." * (len(decoded.right) > MOST_RIGHT)
    mark = ""
    if decoded.changed:
        arrow = "→" if style.unicode else "->"
        mark = f"{plain_label(decoded.before)} {arrow} {plain_label(decoded.after)}"
    said = [plain_label(word) for word in (decoded.before, decoded.after)]
    return [str(decoded.position), plain_label(decoded.token), right or "-", *said, mark]


def _patterns(result: Ablation, style: Style) -> list[str]:
    """Every head once; those that changed, twice."""
    lines: list[str] = []
    tokens = result.example.tokens
    for place, before, after in result.example.patterns:
        changed = _differ(before, after)
        lines += ["", f"{place.label}{', before' if changed else ''}", *draw_pattern(tokens, before, style)]
        if changed:
            lines += ["", f"{place.label}, after", *draw_pattern(tokens, after, style)]
    return lines


def _differ(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    return not bool(np.allclose(before, after, rtol=0, atol=VISIBLE))
