"""Formulas in matrices and vectors: are two of them the same for all matrices of their shapes, and if not, why not?

In: the tree of a formula, and the symbolic shapes of its names (``W_Q`` -> ``("d_head", "d_model")``).  Out: its
canonical form; what differs, in words; or its value for exact matrices.  Errors: SpecError E0760 (a name that is not
given), E0761 and E0762 (shapes that do not fit), E0763 (too large), E0764 (no value, or no size).  Not for: numbers.

Two formulas are the same when they are equal for all matrices, whatever the sizes.  softmax is taken of every row, of a
column of its entries; two are the same when their arguments are.  ``sum_k`` is linear: what stands left or right of all
that depends on k (of all names with the index k, such as ``x_k`` or ``A_qk``) stands outside of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NoReturn

from compiler.exact import Matrix
from compiler.formulas.differences import difference, same_polynomial
from compiler.formulas.polynomials import (
    NUMBER,
    Letter,
    Monomial,
    Polynomial,
    Shape,
    TooLarge,
    Word,
    collect,
    constant,
    letter,
    monomial_of,
    multiply,
    named,
    product_shape,
    reverse,
    show,
    sum_shape,
)
from dsl.answers.formulas import Call, Formula, Identity, Negated, Product, Scaled, Sum, Symbol, Transpose, formula_text
from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.span import Span

__all__ = ["CanonicalFormula", "canonical", "difference", "evaluate", "names_of", "same"]

CanonicalFormula = Polynomial
MOST_WORK = 50_000
_SUM = re.compile(r"sum(?:_(\w+))?\Z")


def canonical(formula: Formula, shapes: Mapping[str, Shape]) -> CanonicalFormula:
    """The one form of ``formula``: a sum of products of the names in ``shapes``.  Raises SpecError E0760 to E0764."""
    try:
        return _Expansion(shapes).of(formula)
    except TooLarge as error:
        help = "this is more than an answer needs: is something multiplied out that could stay in brackets?"
        _fail("E0763", f"the formula is too large: {error}", formula.span, "multiplied out here", help)
    except RecursionError:
        _fail("E0763", "the formula is nested too deeply", formula.span, "in here", "write it with fewer brackets")


def same(a: Formula, b: Formula, shapes: Mapping[str, Shape]) -> bool:
    """Whether the two are equal for all matrices of these shapes.  Raises SpecError E0760 to E0763."""
    return same_polynomial(canonical(a, shapes), canonical(b, shapes))


def names_of(formula: Formula) -> tuple[str, ...]:
    """The names in ``formula``, each once, as they come."""
    return tuple(dict.fromkeys(_names(formula)))


def _names(formula: Formula) -> Iterator[str]:
    match formula:
        case Symbol(name):
            yield name
        case Transpose(inner) | Negated(inner) | Scaled(_, inner):
            yield from _names(inner)
        case Product(parts) | Sum(parts) | Call(_, parts):
            for part in parts:
                yield from _names(part)


# -------------------------------------------------------------------- multiplying out


class _Expansion:
    """Multiplies formulas out, with the shapes of their names."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        self.work = 0

    def of(self, formula: Formula) -> Polynomial:
        match formula:
            case Symbol(name, span=span):
                return letter(name, self.shape(name, span))
            case Identity():
                return constant(Fraction(1), None)
            case Transpose(inner):
                return self.of(inner).T
            case Negated(inner):
                return self.of(inner).scale(Fraction(-1))
            case Scaled(factor, inner):
                return self.of(inner).scale(factor)
            case Product(factors):
                return self.product(factors)
            case Sum(terms):
                return self.sum(terms)
            case Call(function, (argument,), span=span):
                return self.call(function, self.of(argument), span)
            case Call(function, _, span=span):
                _fail("E0760", f"`{function}` takes one argument", span, "", f"write `{function}(F)`")

    def shape(self, name: str, span: Span) -> Shape:
        if name in self.shapes:
            return self.shapes[name]
        help = did_you_mean(name, self.shapes) or f"given are {', '.join(self.shapes) or 'no names'}"
        _fail("E0760", f"`{name}` is not given", span, "not a matrix or vector of this exercise", help)

    def sum(self, terms: Sequence[Formula]) -> Polynomial:
        parts = [self.of(term) for term in terms]
        total = parts[0].shape
        for term, part in zip(terms, parts, strict=True):
            shape = sum_shape(total, part.shape)
            if isinstance(shape, str):
                _refuse_sum(terms[0], total, term, part.shape)
            total = shape
        return collect(total, (pair for part in parts for pair in part.terms))

    def product(self, factors: Sequence[Formula]) -> Polynomial:
        """From the left; where a factor does not fit, a 1 x 1 product that begins with it scales what stands before.

        (Brackets are gone from the tree: ``A (y^T z)`` is ``A y^T z``.)"""
        parts = [self.of(factor) for factor in factors]
        total, place = parts[0], 1
        while place < len(parts):
            part, used = parts[place], 1
            if isinstance(product_shape(total.shape, part.shape), str):
                part, used = self.number_ahead(parts, place)
            shape = product_shape(total.shape, part.shape)
            if isinstance(shape, str):
                _refuse_product(factors, parts, place)
            total = self.multiply(total, part, shape)
            place += used
        return total

    def number_ahead(self, parts: Sequence[Polynomial], place: int) -> tuple[Polynomial, int]:
        """The shortest product from ``place`` on that is a number, and how many factors it takes; else one factor."""
        total = parts[place]
        for used, part in enumerate(parts[place + 1 :], start=2):
            shape = product_shape(total.shape, part.shape)
            if isinstance(shape, str):
                break
            total = self.multiply(total, part, shape)
            if shape == NUMBER:
                return total, used
        return parts[place], 1

    def multiply(self, left: Polynomial, right: Polynomial, shape: Shape | None) -> Polynomial:
        self.work += len(left.terms) * len(right.terms)
        if self.work > MOST_WORK:
            raise TooLarge(f"multiplied out, it takes more than {MOST_WORK} products")
        return multiply(left, right, shape)

    # ---------------------------------------------------------------- softmax, sums over keys

    def call(self, function: str, argument: Polynomial, span: Span) -> Polynomial:
        if function == "softmax":
            if argument.shape is None:
                _fail("E0764", "how large is this identity?", span, "no size", "softmax needs rows of a known length")
            return _softmax(argument, argument.shape)
        summed = _SUM.match(function)
        if summed:
            return _summed(argument, summed[1] or "k")
        _fail("E0760", f"`{function}` is no function of formulas", span, "unknown", "softmax(F) and sum_k(F) are")


def _softmax(argument: Polynomial, shape: Shape) -> Polynomial:
    """An atom named after its argument; of a column, the transpose of that of the row."""
    if shape[1] == "1" and shape[0] != "1":
        return _softmax(argument.T, (shape[1], shape[0])).T
    return letter(named("softmax", argument), shape)


def _summed(argument: Polynomial, index: str) -> Polynomial:
    """Term by term: the sum over ``index`` of what depends on it, times what does not."""
    return collect(argument.shape, ((_summed_term(monomial, index), factor) for monomial, factor in argument.terms))


def _summed_term(monomial: Monomial, index: str) -> Monomial:
    free = [word for word in monomial.numbers if not any(_depends(x, index) for x in word)]
    bound = [word for word in monomial.numbers if word not in free]
    if len(bound) == 1 and not any(_depends(x, index) for x in monomial.core):
        number = monomial_of(_summed_word((), bound[0], index))
        return monomial_of(monomial.core, [*free, *number.numbers])
    return monomial_of(_summed_word(tuple(bound), monomial.core, index), free)


def _summed_word(numbers: tuple[Word, ...], word: Word, index: str) -> Word:
    """``word`` with the part of it that depends on ``index``, and ``numbers`` with it, as one letter."""
    moving = [place for place, x in enumerate(word) if _depends(x, index)]
    if not moving:
        return (_sum_letter(numbers, (), index, NUMBER), *word)
    start, stop = moving[0], moving[-1] + 1
    inner = word[start:stop]
    return (*word[:start], _sum_letter(numbers, inner, index, (inner[0].rows, inner[-1].columns)), *word[stop:])


def _sum_letter(numbers: tuple[Word, ...], inner: Word, index: str, shape: Shape) -> Letter:
    """``sum_k(..)``, the transpose of that of the transpose."""
    turned = reverse(inner) < inner
    return Letter(named(f"sum_{index}", Monomial(numbers, reverse(inner) if turned else inner)), turned, *shape)


def _depends(x: Letter, index: str) -> bool:
    """``x_k``, ``A_qk`` and what is named after them depend on k; ``W_K`` and ``sum_k(..)`` do not."""
    if x.name.startswith(f"sum_{index}("):
        return False
    return any(index in (last, last[:1], last[1:]) for last in re.findall(r"_([a-z]{1,2})(?![A-Za-z0-9_])", x.name))


# -------------------------------------------------------------------- what does not fit


def _refuse_product(factors: Sequence[Formula], parts: Sequence[Polynomial], place: int) -> NoReturn:
    left, right = parts[place - 1].shape, parts[place].shape
    assert left is not None and right is not None, "an identity always fits"
    words = f"`{formula_text(factors[place - 1])}` {show(left)} cannot be multiplied by"
    words += f" `{formula_text(factors[place])}` {show(right)}"
    start, stop = factors[place - 1].span, factors[place].span
    label = f"{left[1]} columns meet {right[0]} rows"
    help = "what a matrix has in columns, the next one has in rows; `^T` transposes"
    _fail("E0761", words, Span(start.start, stop.stop, start.source), label, help)


def _refuse_sum(first: Formula, one: Shape | None, second: Formula, two: Shape | None) -> NoReturn:
    words = f"`{formula_text(first)}` {_shown(one)} and `{formula_text(second)}` {_shown(two)} cannot be added"
    _fail("E0762", words, second.span, "another shape", "only matrices of one shape are added")


def _shown(shape: Shape | None) -> str:
    return "(square)" if shape is None else show(shape)


def _fail(code: str, message: str, span: Span | None, label: str, help: str) -> NoReturn:
    raise SpecError(Diagnostic(code, message, span, label, help)) from None


# -------------------------------------------------------------------- values


def evaluate(formula: Formula, matrices: Mapping[str, Matrix]) -> Matrix:
    """The value of ``formula`` for exact matrices by name (``second.OV``); SpecError E0760 to E0764."""
    shapes = {name: (str(matrix.rows), str(matrix.columns)) for name, matrix in matrices.items()}
    for call in _calls(formula):
        _fail(
            "E0764", f"`{call.function}` has no exact value", call.span, "not in products of matrices", "leave it out"
        )
    found = canonical(formula, shapes)
    if found.shape is None:
        _fail(
            "E0764", "how large is this identity?", formula.span, "no size", "multiply it by a matrix, or leave it out"
        )
    rows, columns = map(int, found.shape)
    total = Matrix.zeros(rows, columns)
    for monomial, factor in found.terms:
        total = total + _value(monomial, matrices, rows).scale(factor)
    return total


def _value(monomial: Monomial, matrices: Mapping[str, Matrix], size: int) -> Matrix:
    out = _word_value(monomial.core, matrices) if monomial.core else Matrix.identity(size)
    for word in monomial.numbers:
        out = out.scale(_word_value(word, matrices)[0, 0])
    return out


def _word_value(word: Word, matrices: Mapping[str, Matrix]) -> Matrix:
    values = [matrices[x.name].T if x.transposed else matrices[x.name] for x in word]
    out = values[0]
    for value in values[1:]:
        out = out @ value
    return out


def _calls(formula: Formula) -> Iterator[Call]:
    match formula:
        case Call():
            yield formula
        case Transpose(inner) | Negated(inner) | Scaled(_, inner):
            yield from _calls(inner)
        case Product(parts) | Sum(parts):
            for part in parts:
                yield from _calls(part)
