"""Sparse exact matrices.

In: entries by place.  Out: ``Matrix``; every operation costs what its nonzeros cost, never rows x columns.  Not for:
factorisation, nor numbers in floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from compiler.exact.rank import RankCertificate, certify_rank
from compiler.exact.roots import Rational
from compiler.exact.scalar import ONE, ZERO, Scalar
from compiler.exact.terms import Terms, add_product

Entries = dict[tuple[int, int], Scalar]


@dataclass(frozen=True)
class Matrix:
    """A rows x columns matrix; ``entries`` holds the nonzeros (zeros given are dropped) and is never changed."""

    rows: int
    columns: int
    entries: Entries

    def __post_init__(self) -> None:
        if any(not entry.terms for entry in self.entries.values()):
            object.__setattr__(self, "entries", {place: e for place, e in self.entries.items() if e.terms})
        for row, column in self.entries:
            assert 0 <= row < self.rows and 0 <= column < self.columns, (row, column, self.shape)

    # -------------------------------------------------------------- constructors

    @staticmethod
    def zeros(rows: int, columns: int) -> Matrix:
        return Matrix(rows, columns, {})

    @staticmethod
    def identity(size: int) -> Matrix:
        return Matrix(size, size, {(i, i): ONE for i in range(size)})

    @staticmethod
    def from_rows(rows: Sequence[Sequence[Scalar | Rational]]) -> Matrix:
        """From a dense table; rationals may stand for themselves."""
        entries = {
            (i, j): value if isinstance(value, Scalar) else Scalar.rational(value)
            for i, row in enumerate(rows)
            for j, value in enumerate(row)
        }
        return Matrix(len(rows), len(rows[0]) if rows else 0, entries)

    # -------------------------------------------------------------- looking

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.columns

    def __getitem__(self, place: tuple[int, int]) -> Scalar:
        return self.entries.get(place, ZERO)

    def __hash__(self) -> int:
        return hash((self.rows, self.columns, frozenset(self.entries.items())))

    def __repr__(self) -> str:
        return f"Matrix({self.rows} x {self.columns}, {len(self.entries)} nonzeros)"

    def nonzeros(self) -> Iterator[tuple[int, int, Scalar]]:
        """(row, column, entry) in row-major order."""
        return ((row, column, self.entries[row, column]) for row, column in sorted(self.entries))

    @cached_property
    def by_row(self) -> dict[int, dict[int, Scalar]]:
        """Nonzero rows by index, each a map from column to entry."""
        out: dict[int, dict[int, Scalar]] = {}
        for (row, column), entry in self.entries.items():
            out.setdefault(row, {})[column] = entry
        return out

    @cached_property
    def by_column(self) -> dict[int, dict[int, Scalar]]:
        """Nonzero columns by index, each a map from row to entry."""
        out: dict[int, dict[int, Scalar]] = {}
        for (row, column), entry in self.entries.items():
            out.setdefault(column, {})[row] = entry
        return out

    def row(self, index: int) -> dict[int, Scalar]:
        return dict(self.by_row.get(index, {}))

    def column(self, index: int) -> dict[int, Scalar]:
        return dict(self.by_column.get(index, {}))

    def is_zero(self) -> bool:
        return not self.entries

    def is_rational(self) -> bool:
        return all(entry.is_rational() for entry in self.entries.values())

    def symbols(self) -> frozenset[str]:
        return frozenset(name for entry in self.entries.values() for name in entry.symbols())

    # -------------------------------------------------------------- arithmetic

    def __add__(self, other: Matrix) -> Matrix:
        assert self.shape == other.shape, (self.shape, other.shape)
        out = dict(self.entries)
        for place, entry in other.entries.items():
            out[place] = out[place] + entry if place in out else entry
        return Matrix(self.rows, self.columns, out)

    def __neg__(self) -> Matrix:
        return Matrix(self.rows, self.columns, {place: -entry for place, entry in self.entries.items()})

    def __sub__(self, other: Matrix) -> Matrix:
        return self + (-other)

    def __matmul__(self, other: Matrix) -> Matrix:
        assert self.columns == other.rows, (self.shape, other.shape)
        sums: dict[tuple[int, int], Terms] = {}
        rows = other.by_row
        for (i, k), a in self.entries.items():
            for j, b in rows.get(k, {}).items():
                add_product(sums.setdefault((i, j), {}), a.short, b.short)
        return Matrix(self.rows, other.columns, {place: Scalar(terms) for place, terms in sums.items()})

    def scale(self, factor: Scalar | Rational) -> Matrix:
        return Matrix(self.rows, self.columns, {place: entry * factor for place, entry in self.entries.items()})

    def transpose(self) -> Matrix:
        return Matrix(self.columns, self.rows, {(j, i): entry for (i, j), entry in self.entries.items()})

    @property
    def T(self) -> Matrix:
        return self.transpose()

    def trace(self) -> Scalar:
        return Scalar.sum(entry for (i, j), entry in self.entries.items() if i == j)

    # -------------------------------------------------------------- cutting and joining

    def submatrix(self, rows: Iterable[int], columns: Iterable[int]) -> Matrix:
        """The given rows and columns, in the given order (an index may not repeat)."""
        row_place = {row: i for i, row in enumerate(rows)}
        column_place = {column: j for j, column in enumerate(columns)}
        entries = {
            (row_place[row], column_place[column]): entry
            for (row, column), entry in self.entries.items()
            if row in row_place and column in column_place
        }
        return Matrix(len(row_place), len(column_place), entries)

    def stack(self, *below: Matrix) -> Matrix:
        """``self`` above ``below``."""
        entries = dict(self.entries)
        rows = self.rows
        for matrix in below:
            assert matrix.columns == self.columns, (self.shape, matrix.shape)
            entries |= {(rows + i, j): entry for (i, j), entry in matrix.entries.items()}
            rows += matrix.rows
        return Matrix(rows, self.columns, entries)

    def hstack(self, *beside: Matrix) -> Matrix:
        """``self`` left of ``beside``."""
        return self.T.stack(*(matrix.T for matrix in beside)).T

    # -------------------------------------------------------------- more

    def substitute(self, values: Mapping[str, Rational | Scalar]) -> Matrix:
        return Matrix(self.rows, self.columns, {place: e.substitute(values) for place, e in self.entries.items()})

    def inverse(self) -> Matrix:
        """The inverse of a square rational matrix; ``ValueError`` for any other, and for dependent rows."""
        from compiler.exact.rational import inverse

        if self.rows != self.columns or not self.is_rational():
            raise ValueError("only a square matrix of rational numbers is inverted exactly")
        rows = [{j: e.as_fraction() for j, e in self.row(i).items()} for i in range(self.rows)]
        found = {(i, j): Scalar.rational(x) for i, row in inverse(rows).items() for j, x in row.items()}
        return Matrix(self.rows, self.columns, found)

    def rank(self, seed: int = 0) -> RankCertificate:
        """The rank over the field of symbols, with a certificate that it is no less (see ``rank``)."""
        return certify_rank(self, seed)

    def to_sympy(self, positive: Iterable[str] = ()) -> Any:
        """A dense ``sympy.Matrix``."""
        from compiler.exact.printing import matrix_to_sympy

        return matrix_to_sympy(self, frozenset(positive))
