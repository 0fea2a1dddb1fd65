"""Exact numbers -> float64 under given values of the symbols, each evaluated once.

In: scalars and matrices of ``compiler.exact``.  Out: floats and dense arrays; or E0501 and E0508.
Not for: shapes and padding (``lowering``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compiler.program import Symbol
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar

Array = npt.NDArray[np.float64]


class Rounding:
    """Exact -> float64 under given values of the symbols; equal scalars are evaluated once."""

    def __init__(self, bindings: Mapping[str, Fraction]) -> None:
        self.bindings = dict(bindings)
        self.known: dict[Scalar, float] = {}

    def number(self, scalar: Scalar) -> float:
        value = self.known.get(scalar)
        if value is None:
            value = self.known[scalar] = scalar.to_float(self.bindings)
            if not math.isfinite(value):
                raise SpecError(_too_big())
        return value

    def dense(self, matrix: Matrix) -> Array:
        array = np.zeros((matrix.rows, matrix.columns))
        if matrix.entries:
            places = np.array(list(matrix.entries), dtype=np.intp)
            array[places[:, 0], places[:, 1]] = [self.number(entry) for entry in matrix.entries.values()]
        return array

    def check_symbols(
        self, matrices: Iterable[Matrix], scalars: Iterable[Scalar], declared: tuple[Symbol, ...]
    ) -> None:
        found = {name for matrix in matrices for name in matrix.symbols()}
        found |= {name for scalar in scalars for name in scalar.symbols()}
        missing = sorted(found - set(self.bindings) - {"pi"})
        mine = {symbol.name for symbol in declared}
        missing = [name for name in missing if name in mine] or missing  # open strengths wait for these
        if missing:
            raise SpecError(_no_value(missing, declared))


def _too_big() -> Diagnostic:
    return Diagnostic(
        "E0508", "an entry of the exact weights is larger than any float64", help="use smaller strengths and symbols"
    )


def _no_value(missing: list[str], declared: tuple[Symbol, ...]) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in missing)
    plural = len(missing) > 1
    return Diagnostic(
        "E0501",
        f"symbol{'s' * plural} {names} {'have' if plural else 'has'} no value where numbers are needed",
        _span_of(missing[0], declared),
        label="declared without a value",
        help="give " + ("each" if plural else "it") + " a value: " + " ".join(f"--set {name}=..." for name in missing),
    )


def _span_of(name: str, declared: tuple[Symbol, ...]) -> Span | None:
    return next((symbol.span for symbol in declared if symbol.name == name), None)
