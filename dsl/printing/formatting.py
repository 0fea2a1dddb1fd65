"""Rows and comments -> text: alignment, line breaks, blank lines, and where each comment goes.

In: the printer's rows (with the spans they were read from, if any) and the comments of the source.  Out: the text of
the whole spec.  Not for: what a row says (``printer``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dsl.span import Span
from dsl.tree import Comment

WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One line to be: ``cells`` (the first is padded so that neighbours of a ``group`` align), then ``items``
    separated by commas, where a long line may be broken, then ``tail``."""

    depth: int
    group: str
    cells: tuple[str, ...]
    span: Span
    items: tuple[str, ...] = ()
    tail: str = ""


@dataclass(frozen=True)
class _Entry:
    """A row or a comment on its own line, in the order of the output."""

    depth: int
    row: Row | None
    comment: str = ""  # the trailing comment of a row, or the text of the comment
    blank: bool = False


def layout_rows(rows: Sequence[Row], comments: Sequence[Comment]) -> str:
    """The text of ``rows`` with ``comments`` between and after them."""
    entries = _space(_blank_by_group(rows) if _is_built(rows) else _merge(rows, comments))
    texts = _align_comments(entries, _align_cells(entries))
    lines = [
        line for entry, text in zip(entries, texts, strict=True) for line in (["", text] if entry.blank else [text])
    ]
    return "\n".join(lines) + "\n" if lines else ""


def _is_built(rows: Sequence[Row]) -> bool:
    """Whether a program made the tree (no text to take blank lines and comments from)."""
    return bool(rows) and all(row.span.stop == 0 for row in rows)


def _blank_by_group(rows: Sequence[Row]) -> list[_Entry]:
    groups = [None] + [row.group for row in rows if row.depth == 0]
    entries, count = [], 0
    for row in rows:
        count += row.depth == 0
        entries.append(_Entry(row.depth, row, blank=row.depth == 0 and groups[count - 1] not in (None, row.group)))
    return entries


# ------------------------------------------------------------------ comments


def _merge(rows: Sequence[Row], comments: Sequence[Comment]) -> list[_Entry]:
    """Rows and comments in the order of the source; a comment inside a row moves above it."""
    entries: list[_Entry] = []
    pending = deque(comments)
    previous: Row | None = None
    for row in rows:
        hoisted = False
        while pending and pending[0].span.start < row.span.stop:
            hoisted = pending[0].span.start > row.span.start
            entries.append(_comment_entry(pending.popleft(), previous, row))
        trailing = pending.popleft() if pending and _trails(pending[0], row) else None
        entries.append(_row_entry(row, trailing, entries, hoisted))
        previous = row
    return entries + [_comment_entry(c, previous, None) for c in pending]


def _trails(comment: Comment, row: Row) -> bool:
    return not comment.own_line and comment.span.source.text.find("\n", row.span.stop, comment.span.start) < 0


def _row_entry(row: Row, trailing: Comment | None, entries: list[_Entry], hoisted: bool) -> _Entry:
    text = trailing.text if trailing is not None else ""
    return _Entry(row.depth, row, text, blank=bool(entries) and not hoisted and _blank_above(row.span))


def _comment_entry(comment: Comment, previous: Row | None, following: Row | None) -> _Entry:
    inside = following is not None and following.span.start < comment.span.start
    depth = following.depth if inside and following is not None else _comment_depth(comment, previous, following)
    blank = _blank_above(following.span if inside and following is not None else comment.span)
    return _Entry(depth, None, comment.text, blank)


def _comment_depth(comment: Comment, previous: Row | None, following: Row | None) -> int:
    """The block a comment belongs to, by its column: that of the row below, unless it is indented deeper."""
    column = _indent(comment.span)
    below, below_column = (following.depth, _indent(following.span)) if following is not None else (0, 0)
    if previous is None or previous.depth <= below or column <= below_column:
        return below
    return previous.depth if column >= _indent(previous.span) else below + 1


def _indent(span: Span) -> int:
    return span.start - (span.source.text.rfind("\n", 0, span.start) + 1)


def _blank_above(span: Span) -> bool:
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    above = text.rfind("\n", 0, max(0, start - 1)) + 1
    return start > 0 and not text[above:start].strip()


# ------------------------------------------------------------------ blank lines


def _space(entries: list[_Entry]) -> list[_Entry]:
    """At most one blank line, none at the top; one around every block of the first level."""
    spaced = list(entries)
    for index, entry in enumerate(entries):
        after_block = index > 0 and entry.depth == 0 and entries[index - 1].depth > 0
        spaced[index] = replace(spaced[index], blank=index > 0 and (entry.blank or after_block))
        if entry.row is not None and entry.row.group == "layer":
            top = _top_of_comments(spaced, index)
            spaced[top] = replace(spaced[top], blank=top > 0)
    return spaced


def _top_of_comments(entries: list[_Entry], index: int) -> int:
    """The first of the comments that stand directly above the row ``index``."""
    while index > 0 and not entries[index].blank and entries[index - 1].row is None and entries[index - 1].depth == 0:
        index -= 1
    return index


# ------------------------------------------------------------------ alignment


def _align_cells(entries: list[_Entry]) -> list[str]:
    """The text of each entry without trailing comments; neighbours of one group share the width of their first cell."""
    texts: list[str] = []
    for run in _runs(entries, lambda e: (e.row.group if e.row else "", e.depth)):
        width = max((len(e.row.cells[0]) for e in run if e.row and len(e.row.cells) > 1), default=0)
        texts += [_render(entry, width) for entry in run]
    return texts


def _runs(entries: list[_Entry], key: object) -> Iterator[list[_Entry]]:
    """Consecutive entries of equal ``key`` with no blank line between them."""
    assert callable(key)
    number = 0
    numbered = []
    for entry in entries:
        number += entry.blank
        numbered.append((number, entry))
    for _, run in groupby(numbered, lambda pair: (pair[0], key(pair[1]))):
        yield [entry for _, entry in run]


def _render(entry: _Entry, width: int) -> str:
    indent = "  " * entry.depth
    row = entry.row
    if row is None:
        return indent + entry.comment
    first = row.cells[0].ljust(width) if len(row.cells) > 1 else row.cells[0]
    lead = indent + first + "".join(row.cells[1:])
    line = lead + ", ".join(row.items) + row.tail
    return line if len(line) <= WIDTH or not row.items else _break(lead, row)


def _break(lead: str, row: Row) -> str:
    """The items below each other: rows of a matrix one by one, others as many as fit."""
    lines: list[str] = []
    current = lead
    for index, item in enumerate(row.items):
        piece = item + ("," if index + 1 < len(row.items) else row.tail)
        starts_line = current == lead if not lines else not current.strip()
        if not starts_line and (item.startswith("[") or len(current) + len(piece) >= WIDTH):
            lines.append(current)
            current = " " * len(lead)
            starts_line = True
        current += piece if starts_line else f" {piece}"
    return "\n".join([*lines, current])


def _align_comments(entries: list[_Entry], texts: list[str]) -> list[str]:
    """Adds the trailing comments, below each other where neighbouring rows have one."""
    result = list(texts)
    index = 0
    while index < len(entries):
        stop = index + 1
        while stop < len(entries) and _continues(entries[stop - 1], entries[stop]):
            stop += 1
        run = [i for i in range(index, stop) if entries[i].row is not None and entries[i].comment]
        width = max((len(texts[i].split("\n")[-1]) for i in run), default=0)
        for i in run:
            result[i] += " " * (width - len(texts[i].split("\n")[-1]) + 2) + entries[i].comment
        index = stop
    return result


def _continues(above: _Entry, below: _Entry) -> bool:
    both = above.row is not None and below.row is not None and above.comment and below.comment
    return bool(both) and not below.blank and above.depth == below.depth
