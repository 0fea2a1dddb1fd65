"""Predicates of ``expect head``: statements about positions and tokens only.

In: an expression over ``key.position``, ``query.position``, ``token[INDEX]``, integers and quoted tokens, and token ids
(B, n).  Out: a boolean mask (B, query, key).  Not for: subspaces or heads (``reference``): an expectation is a third
statement, independent of both meanings.

A comparison that reads a token outside the sequence (an index below 0 or past the last position), that divides by
zero, or that counts with a token which is no number is false, also under ``!=``; ``not`` then makes it true.
Tokens compare as texts; ``==`` and ``!=`` between a token and an integer compare with the integer's text, while
``<`` and arithmetic take a token for the integer that it spells.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compiler.claims import HeadExpectation
from compiler.spelled import spelled_number
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Binary, Comparison, Expr, Member, Number, Range, SetOf, Text, TokenAt, Truth, Unary
from dsl.span import Span

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Numeric:
    """Integers, broadcastable to (B, n, n), and where they are defined."""

    value: Ints
    valid: Bools


@dataclass(frozen=True, slots=True)
class _Texts:
    """Tokens by code: an index into the vocabulary, -1 for a text that is none."""

    code: Ints
    valid: Bools


_Side = _Numeric | _Texts
ALWAYS = np.ones((1, 1, 1), dtype=np.bool_)


def evaluate_predicate(
    expr: Expr, tokens: Ints, vocabulary: tuple[str, ...], context: int, queries: range | None = None
) -> Bools:
    """(B, n) token ids -> (B, n, n): is the predicate true of (query, key)?  Not restricted to causal keys.

    With ``queries`` only these rows, (B, len(queries), n).
    Raises SpecError E0452 for what is no predicate over tokens and positions."""
    ids = np.asarray(tokens, dtype=np.int64)
    batch, n = ids.shape
    assert n <= context, "sequences are at most as long as the context"
    rows = range(n) if queries is None else queries
    return np.broadcast_to(_Evaluation(ids, vocabulary, rows).truth(expr), (batch, len(rows), n)).copy()


def expectation_targets(
    expectation: HeadExpectation,
    tokens: Ints,
    vocabulary: tuple[str, ...],
    context: int,
    queries: range | None = None,
) -> tuple[Bools, Bools]:
    """(support (B, n, n), speaks (B, n)): the causal keys that the expectation names at every query.

    Where none satisfies the predicate, ``otherwise`` speaks; where that names none either, nothing is said.
    With ``queries`` only these rows, as in ``evaluate_predicate``."""
    visible = visible_keys(np.asarray(tokens).shape[1], queries)
    support = evaluate_predicate(expectation.predicate, tokens, vocabulary, context, queries) & visible
    if expectation.otherwise is not None:
        second = evaluate_predicate(expectation.otherwise, tokens, vocabulary, context, queries) & visible
        support = np.where(support.any(axis=2, keepdims=True), support, second)
    speaks = np.asarray(support.any(axis=2))
    return support, speaks


def visible_keys(n: int, queries: range | None = None) -> Bools:
    """(n, n), or with ``queries`` only these rows: the keys at or before each query."""
    rows = range(n) if queries is None else queries
    return np.tri(len(rows), n, rows.start, dtype=np.bool_)


@dataclass(frozen=True)
class _Evaluation:
    tokens: Ints
    vocabulary: tuple[str, ...]
    queries: range

    # -------------------------------------------------------------- truth

    def truth(self, expr: Expr) -> Bools:
        match expr:
            case Truth(value):
                return np.full((1, 1, 1), value)
            case Unary("not", operand):
                return ~self.truth(operand)
            case Binary("and", left, right):
                return self.truth(left) & self.truth(right)
            case Binary("or", left, right):
                return self.truth(left) | self.truth(right)
            case Comparison("in", left, right):
                return self.member(self.side(left), right)
            case Comparison(operator, left, right):
                return self.compare(operator, self.side(left), self.side(right))
            case _:
                raise _refusal("this is not a statement", expr.span)

    def member(self, left: _Side, right: Expr) -> Bools:
        match right:
            case SetOf(members):
                result = np.zeros((1, 1, 1), dtype=np.bool_)
                for item in members:
                    result = result | self.member(left, item)
                return result
            case Range(Text(low), Text(high), span=span):
                return self.compare_codes(left, self.token_range(low, high, span))
            case Range(low, high):
                above = self.compare(">=", self.as_number(left), self.side(low))
                return above & self.compare("<=", self.as_number(left), self.side(high))
            case _:
                return self.compare("==", left, self.side(right))

    def token_range(self, low: str, high: str, span: Span) -> tuple[int, ...]:
        """Single characters from low to high, or everything between them in the vocabulary."""
        if len(low) == len(high) == 1:
            return tuple(i for i, t in enumerate(self.vocabulary) if len(t) == 1 and low <= t <= high)
        if low in self.vocabulary and high in self.vocabulary:
            return tuple(range(self.vocabulary.index(low), self.vocabulary.index(high) + 1))
        raise _refusal("this range of tokens has no ends", span)

    def compare_codes(self, left: _Side, codes: tuple[int, ...]) -> Bools:
        texts = self.as_text(left)
        return texts.valid & np.isin(texts.code, np.array(codes, dtype=np.int64))

    def compare(self, operator: str, left: _Side, right: _Side) -> Bools:
        if operator in ("==", "!=") and (isinstance(left, _Texts) or isinstance(right, _Texts)):
            return _equal_texts(operator, self.as_text(left), self.as_text(right))
        one, two = self.as_number(left), self.as_number(right)
        return one.valid & two.valid & _ordered(operator, one.value, two.value)

    def as_text(self, side: _Side) -> _Texts:
        """Integers as the tokens that spell them; an integer that no token spells differs from every token."""
        if isinstance(side, _Texts):
            return side
        spelled = {n: i for i, t in enumerate(self.vocabulary) if (n := spelled_number(t)) is not None and t == str(n)}
        values, inverse = np.unique(side.value, return_inverse=True)
        codes = np.array([spelled.get(int(v), -1) for v in values], dtype=np.int64)
        return _Texts(codes[inverse].reshape(side.value.shape), side.valid)

    def as_number(self, side: _Side) -> _Numeric:
        """Tokens as the integers that they spell; others have no number, and no order."""
        if isinstance(side, _Numeric):
            return side
        numbers = [spelled_number(token) for token in self.vocabulary]
        value = np.array([number or 0 for number in numbers] + [0], dtype=np.int64)
        known = np.array([number is not None for number in numbers] + [False], dtype=np.bool_)
        return _Numeric(value[side.code], side.valid & known[side.code])

    # -------------------------------------------------------------- numbers and tokens

    def side(self, expr: Expr) -> _Side:
        match expr:
            case Number(value):
                return _Numeric(np.full((1, 1, 1), _whole(value, expr.span)), ALWAYS)
            case Text(value):
                code = self.vocabulary.index(value) if value in self.vocabulary else -1
                return _Texts(np.full((1, 1, 1), code, dtype=np.int64), ALWAYS)
            case Member("query", "position"):
                return _Numeric(np.arange(self.queries.start, self.queries.stop)[None, :, None], ALWAYS)
            case Member("key", "position"):
                return _Numeric(np.arange(self.tokens.shape[1])[None, None, :], ALWAYS)
            case TokenAt(index):
                return self.token_at(self.number(index))
            case Unary("-", operand):
                number = self.number(operand)
                return _Numeric(-number.value, number.valid)
            case Binary(("+" | "-" | "*" | "//" | "mod") as operator, left, right):
                return _arithmetic(operator, self.number(left), self.number(right))
            case _:
                raise _refusal("this is neither a position, nor a token, nor a number", expr.span)

    def number(self, expr: Expr) -> _Numeric:
        return self.as_number(self.side(expr))

    def token_at(self, index: _Numeric) -> _Texts:
        """token[i] of each sequence; undefined outside of it."""
        batch, n = self.tokens.shape
        inside = index.valid & (index.value >= 0) & (index.value < n)
        place = np.where(inside, index.value, 0)
        rows = np.arange(batch)[:, None, None]
        return _Texts(
            self.tokens[rows, place], np.broadcast_to(inside, np.broadcast_shapes(inside.shape, (batch, 1, 1)))
        )


def _equal_texts(operator: str, left: _Texts, right: _Texts) -> Bools:
    equal = (left.code == right.code) & (left.code >= 0)
    return np.asarray(left.valid & right.valid & (equal if operator == "==" else ~equal))


def _ordered(operator: str, left: Ints, right: Ints) -> Bools:
    match operator:
        case "==":
            return np.asarray(left == right)
        case "!=":
            return np.asarray(left != right)
        case "<":
            return np.asarray(left < right)
        case "<=":
            return np.asarray(left <= right)
        case ">":
            return np.asarray(left > right)
        case ">=":
            return np.asarray(left >= right)
    raise AssertionError(operator)


def _arithmetic(operator: str, left: _Numeric, right: _Numeric) -> _Numeric:
    """Integers; ``//`` rounds down and ``mod`` has the divisor's sign, as on paper; by zero is undefined."""
    valid = left.valid & right.valid
    match operator:
        case "+":
            return _Numeric(left.value + right.value, valid)
        case "-":
            return _Numeric(left.value - right.value, valid)
        case "*":
            return _Numeric(left.value * right.value, valid)
    valid = valid & (right.value != 0)
    divisor = np.where(right.value == 0, 1, right.value)
    return _Numeric(left.value // divisor if operator == "//" else left.value % divisor, valid)


def _whole(value: Fraction, span: Span) -> int:
    if value.denominator != 1 or abs(value) >= 1 << 62:
        raise _refusal("positions are whole numbers", span)
    return int(value)


def _refusal(message: str, span: Span) -> SpecError:
    return SpecError(
        Diagnostic(
            "E0452",
            message,
            span,
            "in a predicate of `expect head`",
            help="use key.position, query.position, token[INDEX], integers, quoted tokens, comparisons, and/or/not",
        )
    )
