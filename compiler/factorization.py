"""A circuit as a product of two thin matrices, with a proof that they could hardly be thinner.

In: an exact sparse matrix T (rows x columns).  Out: ``Factors``: left (d x rows), right (d x columns) with
left^T right == T, checked, and a rank certificate.  For a QK circuit left is W_Q and right W_K; for an OV circuit left
is W_O^T and right W_V.  Not for: strengths, or the order of rows that rotary positions ask for.

Method.  A set of rows and columns that covers every nonzero of T gives factors whose entries are copied from T: a
covered column c gives the pair (T[:, c], e_c), a covered row r the pair (e_r, what is left of T[r, :]).  The least
cover is a maximum bipartite matching (Koenig).  Where the rank of a connected component is smaller than its cover, it
is split into independent columns and an exact rational table that says how the others depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from compiler.exact import Matrix, RankCertificate, Scalar
from compiler.exact.rational import reduced_echelon
from compiler.exact.scalar import ONE
from compiler.exact.terms import Monomial

__all__ = ["Factors", "RankCertificate", "explain_rank", "factorize"]

Prefer = Literal["columns", "rows"]
Line = dict[int, Scalar]
Pair = tuple[Line, Line]
"""A row of left and the matching row of right."""


@dataclass(frozen=True, slots=True)
class Factors:
    """left (d x rows), right (d x columns), left^T right == the target; ``certificate``: its rank, from below."""

    left: Matrix
    right: Matrix
    certificate: RankCertificate

    @property
    def dimension(self) -> int:
        """d, the number of rows of both factors: the head dimension this circuit needs."""
        return self.left.rows

    @property
    def is_least(self) -> bool:
        """True when no factorisation has fewer rows: d is the certified rank."""
        return self.left.rows == self.certificate.rank


def factorize(target: Matrix, prefer: Prefer = "columns", seed: int = 0) -> Factors:
    """The thinnest factors of ``target`` that we know how to write down exactly.

    Among least covers ``prefer`` picks the one with the most columns (then ``right`` has plain rows) or the most rows
    (then ``left`` has).  d is the rank wherever the dependencies among columns, or rows, are rational; elsewhere it is
    the least cover."""
    if prefer == "rows":
        mirrored = factorize(target.T, "columns", seed)
        certificate = mirrored.certificate
        turned = replace(certificate, rows=certificate.columns, columns=certificate.rows)
        return Factors(mirrored.right, mirrored.left, turned)
    certificate = target.rank(seed)
    rows, columns = minimum_cover(target)
    if len(rows) + len(columns) == certificate.rank:
        pairs = list(_copied(target, rows, columns))
    else:
        pairs = [pair for part in components(target) for pair in _thinnest(part)]
    factors = _assembled(target, pairs, certificate)
    assert factors.left.T @ factors.right == target, "the factors do not multiply back"
    return factors


def explain_rank(terms: Sequence[tuple[str, Matrix]], seed: int = 0) -> list[tuple[str, int]]:
    """The rank of every labelled term: what each line of a head asks of d_head when it stands alone."""
    return [(label, matrix.rank(seed).rank) for label, matrix in terms]


# ---------------------------------------------------------------- covers


def components(matrix: Matrix) -> list[Matrix]:
    """The connected components of the nonzeros (same shape, disjoint rows and columns), in order of first column."""
    rows, columns = matrix.by_row, matrix.by_column
    seen: set[int] = set()
    out: list[Matrix] = []
    for start in sorted(columns):
        if start in seen:
            continue
        entries: dict[tuple[int, int], Scalar] = {}
        stack = [start]
        seen.add(start)
        while stack:
            for row in columns[stack.pop()]:
                for column, entry in rows[row].items():
                    entries[row, column] = entry
                    if column not in seen:
                        seen.add(column)
                        stack.append(column)
        out.append(Matrix(matrix.rows, matrix.columns, entries))
    return out


def minimum_cover(matrix: Matrix) -> tuple[list[int], list[int]]:
    """Rows and columns, as few as possible, that contain every nonzero; columns where there is a choice (Koenig)."""
    rows, columns = matrix.by_row, matrix.by_column
    row_of, column_of = maximum_matching(matrix)
    reached_rows: set[int] = set()
    reached_columns = {column for column in columns if column not in row_of}
    stack = list(reached_columns)
    while stack:
        for row in columns[stack.pop()]:
            if row not in reached_rows:
                reached_rows.add(row)
                column = column_of[row]
                if column not in reached_columns:
                    reached_columns.add(column)
                    stack.append(column)
    assert len(rows) >= len(column_of)
    return sorted(reached_rows), sorted(column for column in columns if column not in reached_columns)


def maximum_matching(matrix: Matrix) -> tuple[dict[int, int], dict[int, int]]:
    """A maximum bipartite matching of rows with columns over the nonzeros: (row of column, column of row).

    By augmenting paths found breadth first. (networkx's Hopcroft-Karp recurses along a path: a chain of a thousand
    nonzeros, which a spec can ask for, ends it in a RecursionError.)"""
    neighbours = {column: sorted(line) for column, line in sorted(matrix.by_column.items())}
    row_of: dict[int, int] = {}
    column_of: dict[int, int] = {}
    for column, near in neighbours.items():
        free = next((row for row in near if row not in column_of), None)
        if free is not None:
            row_of[column], column_of[free] = free, column
    for column in neighbours:
        if column not in row_of:
            _augment(column, neighbours, row_of, column_of)
    return row_of, column_of


def _augment(start: int, neighbours: dict[int, list[int]], row_of: dict[int, int], column_of: dict[int, int]) -> None:
    """Search, breadth first, for a path of alternating edges from a free column to a free row, and flip it."""
    came_from: dict[int, int] = {}
    queue = [start]
    for column in queue:
        for row in neighbours[column]:
            if row in came_from:
                continue
            came_from[row] = column
            if row in column_of:
                queue.append(column_of[row])
                continue
            _flip(row, start, came_from, row_of, column_of)
            return


def _flip(row: int, start: int, came_from: dict[int, int], row_of: dict[int, int], column_of: dict[int, int]) -> None:
    while True:
        column = came_from[row]
        following = row_of.get(column)
        row_of[column], column_of[row] = row, column
        if column == start:
            return
        assert following is not None
        row = following


def _copied(matrix: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Iterator[Pair]:
    """The factors that a cover gives: entries copied, each once (a covered column takes it before a covered row)."""
    covered = set(columns)
    for column in columns:
        yield dict(matrix.by_column[column]), {column: ONE}
    for row in rows:
        yield {row: ONE}, {c: e for c, e in matrix.by_row[row].items() if c not in covered}


# ---------------------------------------------------------------- rational dependencies


def _thinnest(matrix: Matrix) -> Iterator[Pair]:
    """The cover's factors, or those from independent columns, or rows, where these are fewer."""
    rows, columns = minimum_cover(matrix)
    cover = len(rows) + len(columns)
    if matrix.rank().rank == cover:
        return _copied(matrix, rows, columns)
    by_columns = list(_dependent(matrix))
    by_rows = [(left, right) for right, left in _dependent(matrix.T)]
    best = min((by_columns, by_rows), key=len)
    return iter(best) if len(best) < cover else _copied(matrix, rows, columns)


def _dependent(matrix: Matrix) -> Iterator[Pair]:
    """T = T[:, pivots] R with R the rational reduced row echelon form of T's coefficients, monomial by monomial."""
    coefficients: dict[tuple[int, Monomial], dict[int, Fraction]] = {}
    for (row, column), entry in matrix.entries.items():
        for monomial, coefficient in entry.terms.items():
            coefficients.setdefault((row, monomial), {})[column] = Fraction(coefficient)
    lines = [coefficients[key] for key in sorted(coefficients)]
    for pivot, line in sorted(reduced_echelon(lines, matrix.columns).items()):
        yield dict(matrix.by_column[pivot]), {c: Scalar.rational(v) for c, v in sorted(line.items())}


def _assembled(target: Matrix, pairs: list[Pair], certificate: RankCertificate) -> Factors:
    """Rows of the factors in the order of the residual coordinates that they read: right's first, then left's."""
    pairs = sorted(pairs, key=lambda pair: (min(pair[1]), min(pair[0])))
    left = {(d, row): entry for d, (line, _) in enumerate(pairs) for row, entry in line.items()}
    right = {(d, column): entry for d, (_, line) in enumerate(pairs) for column, entry in line.items()}
    return Factors(Matrix(len(pairs), target.rows, left), Matrix(len(pairs), target.columns, right), certificate)
