"""Which names the lines of a layer mention: what they read and what they write.

In: heads and compute lines as written.  Out: names.  Not for: whether there is anything of that name (lines are
resolved once they have their layer).
"""

from __future__ import annotations

from collections.abc import Iterator

from dsl import expressions as E
from dsl import head_lines as L
from dsl.head_lines import MatrixLine
from dsl.tree import ComputeDecl, HeadDecl, LayerItem


def read_by(head: HeadDecl) -> Iterator[str]:
    """Every subspace that the lines of ``head`` read (names of raw coordinates aside)."""
    for line in head.lines:
        match line:
            case L.AttendLine(relation, _, when):
                yield from _features(relation)
                yield from _features(when)
            case L.RestLine(condition):
                yield from _features(condition)
            case L.PreferLine(_, by):
                yield by
            case L.CopyLine(value):
                yield from _features(value)
            case MatrixLine("W_Q" | "W_K" | "W_V", "rows", items):
                yield from (m.owner for item in items for m in _members(item))


def written_by(item: LayerItem) -> Iterator[str]:
    """Every subspace that a head or a compute line writes."""
    if isinstance(item, ComputeDecl):
        yield item.target
    for line in item.lines if isinstance(item, HeadDecl) else ():
        match line:
            case L.CopyLine(_, target):
                yield target
            case MatrixLine("W_O", "columns", items):
                yield from (m.owner for part in items for m in _members(part))


def _features(expr: E.Expr | None) -> Iterator[str]:
    for member in _members(expr):
        if member.owner in ("key", "query"):
            yield member.member


def _members(expr: E.Expr | None) -> Iterator[E.Member]:
    for part in _walk(expr):
        if isinstance(part, E.Member):
            yield part


def names_in(expr: E.Expr) -> Iterator[str]:
    """Every name in an expression."""
    for part in _walk(expr):
        if isinstance(part, E.Name):
            yield part.name


def _walk(expr: E.Expr | None) -> Iterator[E.Expr]:
    pending = [] if expr is None else [expr]
    while pending:
        part = pending.pop()
        yield part
        match part:
            case E.Unary(_, operand) | E.TokenAt(operand):
                pending.append(operand)
            case E.Binary(_, left, right) | E.Comparison(_, left, right) | E.Range(left, right):
                pending += (left, right)
            case E.Conditional(condition, then, otherwise):
                pending += (condition, then, otherwise)
            case E.Call(_, parts) | E.SetOf(parts) | E.ListOf(parts):
                pending += parts
