"""Formulas in matrices and vectors: text -> tree -> text.

``x_q^T W_Q^T W_K x_k``, ``W_{out}^1 W_V^1 x``, ``sum_k(A_qk W_O W_V x_k)``, ``1/2 (A + B^T)``.  Side by side, ``*``,
``@`` and ``\\cdot`` are the product; ``^T``, ``'`` and ``.T`` the transpose; a number above a name is an index
(``W_Q^1`` is ``W_Q1``); ``Id`` and ``I`` are the identity of whatever size fits.

In: the text of a formula, plain or in LaTeX.  Out: frozen nodes with spans; ``formula_text`` gives them back as text,
and ``parse_formula(formula_text(f)) == f``.  Raises ``SpecError``.  Not for: shapes, nor what equals what
(``compiler.formulas.comparing``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import assert_never

from dsl.answers.math_names import read_name
from dsl.span import Span


def _span() -> Span:
    return field(default_factory=Span, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A matrix or a vector: ``W_Q``, ``W_Q1``, ``first.OV``, ``x_q``, ``A_qk``."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity; its size is what fits."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Transpose:
    of: Formula
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Product:
    """``A B C``: at least two factors, none of them a Product or the Identity."""

    factors: tuple[Formula, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Sum:
    """``A + B - C``: at least two terms, none of them a Sum; what is subtracted is Negated or Scaled."""

    terms: tuple[Formula, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Scaled:
    """``3/2 A``; a number alone, even 1, is Scaled of the Identity.  Otherwise ``factor`` is neither 1 nor -1, and
    ``of`` neither Scaled nor Negated."""

    factor: Fraction
    of: Formula
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Negated:
    """``-A``; ``of`` is neither Scaled nor Negated."""

    of: Formula
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """``softmax(F)``, of one argument; or ``sum_k(F)``, over all keys k (``sum(F)`` without an index)."""

    function: str
    arguments: tuple[Formula, ...]
    span: Span = _span()


Formula = Symbol | Identity | Transpose | Product | Sum | Scaled | Negated | Call


def parse_formula(text: str, name: str = "<formula>") -> Formula:
    """The tree of one formula.  Raises ``SpecError`` E0701, E0707 to E0718."""
    from dsl.answers.formula_reading import read_formula

    return read_formula(text, name)


# ------------------------------------------------------------------ numbers before formulas


def scaled(factor: Fraction, of: Formula, span: Span) -> Formula:
    """``factor * of`` in its one form."""
    match of:
        case Scaled(factor=inner, of=Identity()):
            return Scaled(factor * inner, Identity(), span=span)
        case Scaled(factor=inner, of=body):
            return scaled(factor * inner, body, span)
        case Negated(of=body):
            return scaled(-factor, body, span)
    if factor == 1:
        return of
    return Negated(of, span=span) if factor == -1 else Scaled(factor, of, span=span)


def product(left: Formula, right: Formula, span: Span) -> Formula:
    """``left right``; products in products are one, identities are left out, and a number comes before all factors."""
    if Identity() in (left, right):
        return right if left == Identity() else left
    match left:
        case Scaled(factor=factor, of=body):
            return scaled(factor, product(body, right, span), span)
        case Negated(of=body):
            return scaled(Fraction(-1), product(body, right, span), span)
    factors = (*_factors(left), *_factors(right))
    return Product(factors, span=span)


def _factors(formula: Formula) -> tuple[Formula, ...]:
    return formula.factors if isinstance(formula, Product) else (formula,)


def added(left: Formula, right: Formula, span: Span) -> Formula:
    """``left + right``; sums in sums are one."""
    return Sum((*_terms(left), *_terms(right)), span=span)


def _terms(formula: Formula) -> tuple[Formula, ...]:
    return formula.terms if isinstance(formula, Sum) else (formula,)


# ------------------------------------------------------------------ tree -> text


def formula_text(formula: Formula) -> str:
    """``formula`` as text, one way for each tree."""
    match formula:
        case Sum(terms=terms):
            first, *others = (formula_text(term) for term in terms)
            return first + "".join(f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in others)
        case Scaled(factor=factor, of=Identity()):
            return str(factor)
        case Scaled(factor=factor, of=of):
            return f"{factor} {_in_product(of)}"
        case Negated(of=of):
            return f"-{_in_product(of)}"
        case Call():
            return _call_text(formula)
        case Product(factors=factors):
            return " ".join(_factor_text(factor) for factor in factors)
        case _:
            return _factor_text(formula)


def _in_product(formula: Formula) -> str:
    """What stands after a number or a sign: a product needs no brackets there."""
    return formula_text(formula) if isinstance(formula, Product) else _factor_text(formula)


def _factor_text(formula: Formula) -> str:
    match formula:
        case Symbol(name=name):
            return _name_text(name)
        case Identity():
            return "Id"
        case Transpose(of=of):
            return f"{_factor_text(of)}^T"
        case Call(function=function):
            return f"({_call_text(formula)})" if function.startswith("sum") else _call_text(formula)
        case Sum() | Scaled() | Negated() | Product():
            return f"({formula_text(formula)})"
        case _:
            assert_never(formula)


def _name_text(name: str) -> str:
    """The name as it is read again: in braces where it would otherwise be read as two (``W_{QVx}``)."""
    written = read_name(name, 0, formula=True)
    if written is not None and (written.full, written.stop) == (name, len(name)):
        return name
    base, _, script = name.partition("_")
    return f"{base}_{{{script}}}"


def _call_text(call: Call) -> str:
    return f"{call.function}({', '.join(formula_text(argument) for argument in call.arguments)})"
