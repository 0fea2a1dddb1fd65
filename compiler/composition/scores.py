"""Composition scores: how much of what one head writes a later head reads, as query, key or value.

In: two heads.  Out: ``CompositionScore``.  The package has the formulas.  Not for: what is moved (``products``).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any, Literal

from compiler.composition.measures import Bindings, squared_norm, value_of
from compiler.composition.products import HeadLike
from compiler.exact import Scalar

Kind = Literal["Q", "K", "V"]


@dataclass(frozen=True, slots=True)
class CompositionScore:
    """How much ``later`` reads of what ``earlier`` writes, 0 to 1.  ``squared`` is exact where the norms divide
    exactly; ``value`` is None while symbols have no value."""

    kind: Kind
    earlier: str
    later: str
    squared: Scalar | None
    value: float | None

    def to_json(self) -> dict[str, Any]:
        squared = None if self.squared is None else str(self.squared)
        return {
            "kind": self.kind,
            "earlier": self.earlier,
            "later": self.later,
            "squared": squared,
            "value": self.value,
        }


def composition_score(kind: Kind, earlier: HeadLike, later: HeadLike, bindings: Bindings) -> CompositionScore:
    """The Q-, K- or V-composition score of two heads (formulas: the package); 0 where either circuit is zero."""
    reader = {"Q": later.QK.T, "K": later.QK, "V": later.OV}[kind]
    product, first, second = (squared_norm(m) for m in (reader @ earlier.OV, reader, earlier.OV))
    squared = _quotient(product, first * second)
    value = _score_value(squared, product, first, second, bindings)
    return CompositionScore(kind, earlier.head.name, later.head.name, squared, value)


def _quotient(numerator: Scalar, denominator: Scalar) -> Scalar | None:
    """numerator / denominator where that is exact: one term below, or a rational multiple of one another."""
    if numerator.is_zero():
        return numerator
    if len(denominator.terms) == 1:
        return numerator / denominator
    if numerator.terms.keys() != denominator.terms.keys():
        return None
    ratios = {Fraction(c) / denominator.terms[key] for key, c in numerator.terms.items()}
    return Scalar.rational(ratios.pop()) if len(ratios) == 1 else None


def _score_value(
    squared: Scalar | None, product: Scalar, first: Scalar, second: Scalar, bindings: Bindings
) -> float | None:
    if squared is not None:
        value = value_of(squared, bindings)
        return None if value is None else sqrt(max(value, 0.0))
    parts = [value_of(part, bindings) for part in (product, first, second)]
    known = [sqrt(max(part, 0.0)) for part in parts if part is not None]
    return known[0] / (known[1] * known[2]) if len(known) == 3 else None
