"""Dense questions about rational matrices, answered by SymPy's sparse ``DomainMatrix`` over QQ.

In: rows of fractions by column.  Out: the reduced row echelon form, the inverse.  Not for: entries with symbols, roots
or angles, which no step of the compiler has to divide by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

Row = Mapping[int, Fraction]


def _domain_matrix(rows: Sequence[Row], columns: int) -> Any:
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    elements = {i: {j: QQ(x.numerator, x.denominator) for j, x in row.items()} for i, row in enumerate(rows) if row}
    return DomainMatrix(elements, (len(rows), columns), QQ)


def _fractions(found: Any) -> dict[int, dict[int, Fraction]]:
    rows = found.rep.to_sdm()
    return {i: {j: Fraction(int(x.numerator), int(x.denominator)) for j, x in row.items()} for i, row in rows.items()}


def reduced_echelon(rows: Sequence[Row], columns: int) -> dict[int, dict[int, Fraction]]:
    """The reduced row echelon form: pivot column -> its row (1 at the pivot, 0 at all other pivots)."""
    found, pivots = _domain_matrix(rows, columns).rref()
    lines = _fractions(found)
    return {pivot: lines[i] for i, pivot in enumerate(pivots)}


def inverse(rows: Sequence[Row]) -> dict[int, dict[int, Fraction]]:
    """The inverse of a square matrix; ``ValueError`` if its rows are linearly dependent."""
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    try:
        return _fractions(_domain_matrix(rows, len(rows)).inv())
    except DMNonInvertibleMatrixError:
        raise ValueError("the vectors are linearly dependent") from None
