"""The entries of a matrix in LaTeX, as rows of expressions: turned, scaled, and asked for directions.

In: rows of expressions with their places.  Out: the same.  Not for: reading them (``latex``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from dsl import expressions as E
from dsl.span import Span


@dataclass(frozen=True)
class Grid:
    """The entries of a matrix, rows of one length."""

    rows: list[list[E.Expr]]
    spans: list[Span]


def turned(grid: Grid) -> Grid:
    """Rows as columns; each stands where the whole does."""
    rows = [list(column) for column in zip(*grid.rows, strict=True)]
    whole = Span(grid.spans[0].start, grid.spans[-1].stop, grid.spans[0].source)
    return Grid(rows, [whole] * len(rows))


def times(grid: Grid, scale: E.Expr | None) -> Grid:
    """Every entry times ``scale`` (None: -1)."""

    def product(entry: E.Expr) -> E.Expr:
        if entry == E.Number(Fraction(0)):
            return entry
        if scale is None:
            return E.Unary("-", entry, span=entry.span)
        return scale if entry == E.Number(Fraction(1)) else E.Binary("*", scale, entry, span=entry.span)

    return Grid([[product(entry) for entry in row] for row in grid.rows], grid.spans)


def is_direction(expr: E.Expr, vectors: Collection[str]) -> bool:
    """Whether a basis vector is named in ``expr``."""
    pending: list[E.Expr] = [expr]
    while pending:
        match pending.pop():
            case E.Member(owner=owner):
                if owner not in ("key", "query"):
                    return True
            case E.Name(name=name):
                if name in vectors:
                    return True
            case E.Binary(left=left, right=right):
                pending += [left, right]
            case E.Unary(operand=operand):
                pending.append(operand)
            case _:
                pass
    return False
