"""How large a product of weights is, and along how many directions: norms and singular values, exact where they can be.

In: an exact ``Matrix``, and numbers for symbols.  Out: ``Scalar`` and ``SingularValues``.  Not for: ranks
(``Matrix.rank`` certifies them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from compiler.exact import Matrix, Scalar
from compiler.exact.roots import Rational
from compiler.exact.terms import Terms, add_product

Bindings = Mapping[str, Rational]


@dataclass(frozen=True, slots=True)
class SingularValues:
    """Largest first.  ``squares`` are exact where the rows or the columns are orthogonal, else None: then ``values``
    come from numpy's float64 ``svd``.  ``values`` is None while symbols have no value."""

    squares: tuple[Scalar, ...] | None
    values: tuple[float, ...] | None

    @property
    def exact(self) -> bool:
        return self.squares is not None

    def to_json(self) -> dict[str, Any]:
        squares = None if self.squares is None else [str(s) for s in self.squares]
        return {"exact": self.exact, "squares": squares, "values": None if self.values is None else list(self.values)}


def squared_norm(matrix: Matrix) -> Scalar:
    """The squared Frobenius norm, exactly."""
    total: Terms = {}
    for entry in matrix.entries.values():
        add_product(total, entry.short, entry.short)
    return Scalar(total)


def singular_values(matrix: Matrix, bindings: Bindings) -> SingularValues:
    """The nonzero singular values: exact squares where M M^T or M^T M is diagonal, else numeric (float64)."""
    core = matrix.submatrix(sorted(matrix.by_row), sorted(matrix.by_column))
    for side in (core, core.T):
        squares = _orthogonal_squares(side)
        if squares is not None:
            return _sorted_squares(squares, bindings)
    return SingularValues(None, _numeric(core, bindings))


def _orthogonal_squares(matrix: Matrix) -> list[Scalar] | None:
    """The squared lengths of the rows where they are orthogonal to each other, else None."""
    gram = matrix @ matrix.T
    if any(i != j for i, j in gram.entries):
        return None
    return [gram[i, i] for i in range(matrix.rows)]


def _sorted_squares(squares: Sequence[Scalar], bindings: Bindings) -> SingularValues:
    floats = [value_of(square, bindings) for square in squares]
    known = [f for f in floats if f is not None]
    if len(known) < len(squares):
        return SingularValues(tuple(squares), None)
    order = sorted(range(len(squares)), key=lambda i: (-known[i], i))
    return SingularValues(tuple(squares[i] for i in order), tuple(sqrt(max(known[i], 0.0)) for i in order))


def _numeric(matrix: Matrix, bindings: Bindings) -> tuple[float, ...] | None:
    import numpy as np

    if not matrix.symbols() <= bindings.keys():
        return None
    dense = np.zeros(matrix.shape)
    for (i, j), entry in matrix.entries.items():
        dense[i, j] = entry.to_float(bindings)
    values = np.linalg.svd(dense, compute_uv=False)
    floor = float(values[0]) * max(matrix.shape) * 2.0**-52 if len(values) else 0.0
    return tuple(float(v) for v in values if v > floor)


def value_of(scalar: Scalar, bindings: Bindings) -> float | None:
    """The nearest float; None while a symbol of ``scalar`` has no value."""
    return scalar.to_float(bindings) if scalar.symbols() <= bindings.keys() else None
