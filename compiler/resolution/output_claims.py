"""``expect out after c0 == VALUE``: claims about outputs over tokens alone.

In: the statements, the ``Scope`` and the valid inputs.  Out: ``ValueExpectation`` with every position worked out,
typed, and with a mark where 64-bit integers are not enough.  Not for: whether a claim holds, nor what it is worth
(``headspec.verification.comparing``, ``compiler.token_values``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from fractions import Fraction
from typing import Any, Literal, NoReturn, cast

from compiler import limits
from compiler.claims import ValueExpectation
from compiler.inputs.sequences import SequenceLanguage
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, fail, unknown
from compiler.resolution.sets import show
from compiler.spelled import spelled_number
from compiler.token_values import Bounds, EmptyDivisor, bounds
from dsl.expressions import (
    Binary,
    Comparison,
    Conditional,
    Expr,
    Name,
    Number,
    Range,
    SetOf,
    Text,
    TokenAt,
    Truth,
    Unary,
)
from dsl.span import Span
from dsl.tree import ExpectValue

LARGEST = (1 << 63) - 1
BITS = 4096
EXPONENT = 63
FORMS = "use integers, token[POSITION], quoted tokens, + - * // mod ^, sum(.. for i in ..) and if .. then .. else .."

Kind = Literal["number", "token"]


@dataclass
class OutputClaims:
    """What all claims of a spec share: names, the valid inputs, and the tokens at each position."""

    scope: Scope
    sequences: SequenceLanguage
    predicted: Sequence[str]
    _tokens: dict[int, frozenset[str]] = field(default_factory=dict)

    def resolve(self, decl: ExpectValue) -> ValueExpectation:
        """A checked claim; errors E0456 to E0458, and those of names and numbers."""
        scope = self.scope
        scope.subspace(decl.subspace, decl.span)
        if decl.subspace not in self.predicted:
            declare = "claim what is predicted, or predict it: `predict {}`"
            unknown("E0456", "predicted subspace", decl.subspace, decl.span, self.predicted, declare)
        after = integer(scope, decl.after, "a position")
        if not 0 <= after < self.sequences.longest:
            help = f"positions are counted from 0, here up to {self.sequences.longest - 1}"
            fail(
                "E0456", f"no valid input has a position {after}", decl.after.span, label="no such position", help=help
            )
        value, _ = _Value(self, after).value(decl.value)
        wide = self._largest(value, decl.value.span) > LARGEST
        return ValueExpectation(decl.subspace, after, value, wide, decl.span)

    def tokens_at(self, place: int) -> frozenset[str]:
        if place not in self._tokens:
            self._tokens[place] = self.sequences.tokens_at(place)
        return self._tokens[place]

    def _largest(self, value: Expr, span: Span) -> int:
        """The largest number that can come up; E0457 where it is too large, E0458 where a divisor can be 0."""
        worst = 0

        def note(end: int) -> None:
            nonlocal worst
            worst = max(worst, abs(end))
            if worst.bit_length() > BITS:  # at once: a power of it is not worked out
                help = "reckon in smaller parts: fewer digits at a time, or `mod` within the sum"
                found = f"numbers of {worst.bit_length():,} bits come up, and the most is {BITS:,}"
                fail("E0457", found, span, label="too large", help=help)

        try:
            bounds(value, self._number_at, note)
        except EmptyDivisor:
            help = "divide by what is never 0, whatever tokens stand there"
            fail("E0458", "a divisor can be 0", span, label="divides by what can be 0", help=help)
        return worst

    def reach(self, value: Expr) -> int:
        """The largest number that ``value`` can be; 0 where a divisor can be 0, which ``resolve`` refuses."""
        try:
            return max(map(abs, bounds(value, self._number_at, lambda end: None)))
        except EmptyDivisor:
            return 0

    def _number_at(self, place: int) -> Bounds:
        numbers = [spelled_number(token) or 0 for token in self.tokens_at(place)]
        return min(numbers), max(numbers)


@dataclass(frozen=True)
class _Value:
    """One claim, about what is predicted at the position ``after``."""

    claims: OutputClaims
    after: int

    def value(self, expr: Expr) -> tuple[Expr, Kind]:
        match expr:
            case Text(text):
                self.claims.scope.token(text, expr.span)
                return expr, "token"
            case TokenAt():
                return self.token_at(expr), "token"
            case Conditional(condition, then, otherwise):
                branches = self.value(then), self.value(otherwise)
                kind: Kind = "number" if branches[0][1] == branches[1][1] == "number" else "token"
                return Conditional(self.truth(condition), branches[0][0], branches[1][0], span=expr.span), kind
            case _:
                return self.number(expr), "number"

    def token_at(self, expr: TokenAt) -> TokenAt:
        place = integer(self.claims.scope, expr.index, "a position")
        if not 0 <= place <= self.after:
            found = f"what is predicted at position {self.after} cannot depend on the token at {place}"
            help = f"read tokens from 0 to {self.after}"
            fail("E0456", found, expr.span, label="not seen yet" if place >= 0 else "before the first", help=help)
        return TokenAt(Number(Fraction(place), span=expr.index.span), span=expr.span)

    def number(self, expr: Expr) -> Expr:
        match expr:
            case Number() | Name():
                return Number(Fraction(integer(self.claims.scope, expr, "a number in `expect`")), span=expr.span)
            case TokenAt():
                return self.spelled(self.token_at(expr))
            case Unary("-", operand):
                return Unary("-", self.number(operand), span=expr.span)
            case Binary("^", base, exponent):
                return self.power(self.number(base), exponent, expr.span)
            case Binary("+" | "-" | "*" | "//" | "mod", left, right):
                return Binary(expr.operator, self.number(left), self.number(right), span=expr.span)
            case Conditional(condition, then, otherwise):
                inner = self.truth(condition), self.number(then), self.number(otherwise)
                return Conditional(*inner, span=expr.span)
            case _:
                _ill_typed(expr.span, "a number is expected here")

    def spelled(self, expr: TokenAt) -> TokenAt:
        place = int(cast(Number, expr.index).value)
        for token in sorted(self.claims.tokens_at(place)):
            if spelled_number(token) is None:
                found = f"{show(token)} can stand at position {place}, and is no number"
                help = 'reckon with positions of numbers alone, or compare with a quoted token: `token[3] == "a"`'
                fail("E0456", found, expr.span, label="not always a number", help=help)
        return expr

    def power(self, base: Expr, exponent: Expr, span: Span) -> Expr:
        """base^n as products, two by two; a constant is worked out."""
        times = integer(self.claims.scope, exponent, "an exponent")
        if not 0 <= times <= EXPONENT:
            fail(
                "E0457", f"the exponent {times} is not from 0 to {EXPONENT}", exponent.span, help="write a smaller one"
            )
        bits = (self.claims.reach(base).bit_length() - 1) * times  # at least
        if bits >= BITS:
            help = "write a smaller exponent, or take `mod` before the next power"
            found = f"numbers of about {bits:,} bits come up, and the most is {BITS:,}"
            fail("E0457", found, span, label="too large", help=help)
        if isinstance(base, Number):
            return Number(base.value**times, span=span)
        limits.check_size(size_of(base) * times, limits.EXPRESSION, "parts in one power, written out", span)
        factors = [base] * times
        while len(factors) > 1:
            pairs = [Binary("*", a, b, span=span) for a, b in zip(factors[::2], factors[1::2], strict=False)]
            factors = [*pairs, *factors[len(factors) - len(factors) % 2 :]]
        return factors[0] if factors else Number(Fraction(1), span=span)

    # -------------------------------------------------------------- statements

    def truth(self, expr: Expr) -> Expr:
        match expr:
            case Truth():
                return expr
            case Unary("not", operand):
                return Unary("not", self.truth(operand), span=expr.span)
            case Binary("and" | "or", left, right):
                return Binary(expr.operator, self.truth(left), self.truth(right), span=expr.span)
            case Comparison("in", left, right):
                return Comparison("in", *self.membership(left, right), span=expr.span)
            case Comparison(operator, left, right):
                return Comparison(operator, *self.sides(operator, left, right), span=expr.span)
            case _:
                _ill_typed(expr.span, "after `if` stands a statement, which is true or false")

    def sides(self, operator: str, left: Expr, right: Expr) -> tuple[Expr, Expr]:
        """Tokens are compared with tokens for equality; everything else as numbers."""
        if operator in ("==", "!=") and all(isinstance(side, Text | TokenAt) for side in (left, right)):
            return self.value(left)[0], self.value(right)[0]
        return self.number(left), self.number(right)

    def membership(self, left: Expr, right: Expr) -> tuple[Expr, Expr]:
        if not isinstance(right, SetOf | Range):
            _ill_typed(right.span, "`in` needs a set on its right")
        members = right.members if isinstance(right, SetOf) else (right,)
        found: list[Expr] = []
        for member in members:
            if isinstance(member, Range):
                found.append(Range(self.number(member.low), self.number(member.high), span=member.span))
                self.number(left)
            else:
                found.append(self.sides("==", left, member)[1])
        side = self.token_at(left) if isinstance(left, TokenAt) else self.number(left)
        return side, SetOf(tuple(found), span=right.span)


def _ill_typed(span: Span, message: str) -> NoReturn:
    fail("E0456", message, span, label="not of this kind", help=FORMS)


def size_of(expr: Any) -> int:
    """How many parts an expression has (or a tuple of them)."""
    if isinstance(expr, tuple):
        return sum(map(size_of, expr))
    if not is_dataclass(expr) or isinstance(expr, Span):
        return 0
    return 1 + sum(size_of(getattr(expr, part.name)) for part in fields(expr))
