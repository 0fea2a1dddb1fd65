"""What goes wrong in the value of an answer, in words for somebody who writes matrices and not specs.

In: a diagnostic of the spec's own grammar, or rows that are no matrix.  Out: the diagnostic to show.  Not for: LaTeX
(``token_parsing``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from dsl.diagnostics import Collector, Diagnostic
from dsl.expressions import Expr, ListOf
from dsl.layout import Layout, Line
from dsl.span import Span

_CONSTRUCTOR = re.compile(r"(?:\w+\.)*(?:Matrix|ImmutableMatrix|array|asarray|tensor|matrix|Tensor)\s*\(")
_NEARLY_ROWS = re.compile(r"(?!(?:rows|columns)\b(?!\s*:))((?i:rows?|col(?:umn)?s?))\b(?:\s*(:))?(?!\s*[*/+,)-])")
_DOTS = re.compile(r"\.\.\.+|…|(?<=[,\[])\s*\.\.(?=\s*[,\]])")
_DECIMAL = re.compile(r"(?<![\w.])(\d+),(\d+)")
_COEFFICIENT = re.compile(r"(\d+(?:\.\d+)?)([^\W\d]\w*)")
_BEFORE = re.compile(r"([\w.]+|\))[ \t]*$")
_AFTER = re.compile(r"[ \t]*([^\W\d][\w.]*|\d[\d.]*|\()")


def explain_value(found: Diagnostic, layout: Layout, line: Line) -> Diagnostic:
    """``found`` in plainer words where it is one of the usual slips."""
    if found.span is None or not line.start <= found.span.start <= line.stop or found.code == "E0115":
        return replace(found, code="E0715") if found.code == "E0115" else found
    text = layout.words(line)
    at = found.span.start - line.start
    return (
        _constructor(found, text, layout, line)
        or _nearly_rows(found, text, layout, line)
        or _dots(found, text, layout, line)
        or _empty(found, text, layout, line)
        or _product(found, text, at)
        or _comma(found, text, at, layout, line)
        or found
    )


def _constructor(found: Diagnostic, text: str, layout: Layout, line: Line) -> Diagnostic | None:
    match = _CONSTRUCTOR.match(text)
    if match is None:
        return None
    span = Span(line.start, line.start + match.end(), layout.source)
    help = "write the rows alone: `[[1, 0], [0, 1]]`"
    return Diagnostic(
        "E0706", "a matrix is written by its rows, without a function around them", span, "leave out", help
    )


def _nearly_rows(found: Diagnostic, text: str, layout: Layout, line: Line) -> Diagnostic | None:
    """``row u, v``, ``ROWS u, v``, ``rows: u, v``."""
    match = _NEARLY_ROWS.match(text)
    if match is None:
        return None
    word = "columns" if match[1].lower().startswith("c") else "rows"
    at = line.start + match.start(2 if match[2] else 1)
    span = Span(at, line.start + match.end(), layout.source)
    wrong = match[2] or match[1]
    return Diagnostic("E0111", f"`{wrong}` is not expected here", span, "not so written", f"write `{word} V, ..`")


def _dots(found: Diagnostic, text: str, layout: Layout, line: Line) -> Diagnostic | None:
    match = _DOTS.search(text)
    if match is None:
        return None
    span = Span(line.start + match.start(), line.start + match.end(), layout.source)
    help = "write every entry: what goes on is not guessed"
    return Diagnostic("E0711", "dots leave something out", span, "what stands here?", help)


def _empty(found: Diagnostic, text: str, layout: Layout, line: Line) -> Diagnostic | None:
    if not text.strip():
        span = Span(line.start - 1, line.start, layout.source)
        return Diagnostic("E0710", "nothing is written after `=`", span, "no value", "write its value")
    match = re.search(r"[,\[]\s*(?=,)|,\s*(?=\])", text)
    start = found.span.start - line.start if found.span else 0
    if match is None or not match.start() <= start <= match.end():
        return None
    span = Span(line.start + match.start(), line.start + match.start() + 1, layout.source)
    help = "write `0` for a zero, and no comma after the last entry"
    return Diagnostic("E0709", "an entry is empty", span, "an entry is missing beside this", help)


def _product(found: Diagnostic, text: str, at: int) -> Diagnostic | None:
    """``2x``, ``2 x``, ``2(x)``, ``a b``: a sign is missing; in a row it may be a comma."""
    coefficient = _COEFFICIENT.match(text, at)
    before, after = _BEFORE.search(text[max(0, at - 100) : at]), _AFTER.match(text, at)
    if coefficient and re.fullmatch(r"[eE]\d*", coefficient[2]):
        return None
    if found.code == "E0108" and coefficient:
        left, right = coefficient[1], coefficient[2]
    elif found.code in ("E0111", "E0105") and before and after and text[at : at + 1] not in (" ", ""):
        left, right = before[1].replace(")", "(..)"), after[1] + ("..)" if after[1] == "(" else "")
    else:
        return None
    entries = f"; between entries stands a comma: `{left}, {right}`" if "[" in text[:at] else ""
    help = f"write `{left}*{right}`" + entries
    if left.isdigit() and right.isdigit():
        help = f"write `{left}, {right}`: entries are separated by commas"
    return replace(found, code="E0712", message="a sign is missing", label="what comes before it?", help=help)


def _comma(found: Diagnostic, text: str, at: int, layout: Layout, line: Line) -> Diagnostic | None:
    if text[at : at + 1] == ";" and "[" in text[:at]:
        help = "write each row in brackets of its own: `[[1, 0], [0, 1]]`"
        return replace(found, code="E0706", message="`;` separates no rows here", label="not a sign here", help=help)
    if text[at : at + 1] != ",":
        return None
    match = next((m for m in _DECIMAL.finditer(text) if m.end(1) == at), None)
    if match:
        help = f"write `{match[1]}.{match[2]}`"
        return replace(found, code="E0713", message="a decimal is written with a point", label="a comma", help=help)
    message = "a list stands in brackets"
    help = "write `[[1, 0], [0, 1]]` for a matrix, or `rows V, ..` for vectors"
    return replace(found, code="E0706", message=message, label="a second value", help=help)


def refuse_shape(rows: tuple[Expr, ...], span: Span, collector: Collector) -> bool:
    """Whether ``rows`` are lists of entries; complains of the first thing that is not as in a matrix."""
    example = "write `[[1, 0], [0, 1]]`, one row in each inner bracket, even if there is only one row"
    if not rows:
        collector.add("E0706", "this matrix has no rows", span, label="empty", help=example)
    elif not any(isinstance(row, ListOf) for row in rows):
        collector.add("E0706", "a matrix is a list of rows", span, label="entries without rows", help=example)
    for row in rows:
        nested = isinstance(row, ListOf) and any(isinstance(entry, ListOf) for entry in row.items)
        if any(isinstance(r, ListOf) for r in rows) and (not isinstance(row, ListOf) or not row.items or nested):
            label = "a list inside a row" if nested else "not a row, or an empty one"
            collector.add("E0706", "a matrix is a list of rows", row.span, label=label, help=example)
            return False
    return bool(rows) and all(isinstance(row, ListOf) for row in rows)
