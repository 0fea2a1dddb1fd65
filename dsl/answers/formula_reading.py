"""The text of a formula -> its tree: tokens, Lark's tree, nodes.

In: text.  Out: nodes of ``formulas``, or ``SpecError`` with a word on what cannot be written in a formula (inverses,
powers, division by matrices, roots).  Not for: the nodes themselves (``formulas``).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NoReturn, cast

from lark import Token

from dsl.answers.formulas import (
    Call,
    Formula,
    Identity,
    Scaled,
    Symbol,
    Transpose,
    added,
    product,
    scaled,
)
from dsl.answers.latex_building import number
from dsl.answers.math_tokens import span_of, tokenize
from dsl.answers.text import answer_source, clean, raise_sorted
from dsl.answers.token_lists import trimmed
from dsl.answers.token_parsing import balanced, parse_tokens
from dsl.building.nodes import Node, TreeBuilder
from dsl.diagnostics import Collector, Diagnostic, SpecError
from dsl.span import Source

MAX_BITS = 4000
_RESERVED = re.compile(r"(?:softmax|transpose|cos|sin|sqrt)|sum(?:[_\d]\w*)?")
_MEMBER = re.compile(r"\w+\.\w+")
_BRACKETS = "write what it is taken of in brackets after it, `softmax(..)`"


def read_formula(text: str, name: str) -> Formula:
    """The tree of the one formula in ``text``; a name and ``=`` may stand before it."""
    source = answer_source(text, name)
    collector = Collector()
    tokens = tokenize(source, clean(source.text), collector, formula=True)
    raise_sorted(collector)
    tokens = _right_of_equal(tokens, source)
    if not tokens:
        help = "write it with `^T` for the transpose, such as `x_q^T W_Q^T W_K x_k`"
        raise SpecError(Diagnostic("E0701", "a formula is expected, and nothing is written", help=help))
    for token in tokens:
        _refuse_token(token, source)
    found = parse_tokens("formulas", tokens, source, collector) if balanced(tokens, source, collector) else None
    raise_sorted(collector)
    assert found is not None
    return _Builder(source).build(found)


def _right_of_equal(tokens: list[Token], source: Source) -> list[Token]:
    equals = [index for index, token in enumerate(tokens) if token.type == "EQUAL"]
    if len(equals) > 1:
        span, help = span_of(source, tokens[equals[1]]), "write the formula that it comes to, and no other"
        raise SpecError(Diagnostic("E0716", "one formula is expected", span, "a second `=`", help))
    return trimmed(tokens[equals[0] + 1 :] if equals else tokens)


def _refuse_token(token: Token, source: Source) -> None:
    """What the grammar of formulas knows nothing of, in its own words."""
    if token.type == "ROOT" or token.type == "FUNCTION" and token in ("cos", "sin"):
        help = "leave a scalar factor out, unless the exercise asks for it; `softmax(..)` is known"
        message = f"`{token}` is not known in a formula"
        raise SpecError(Diagnostic("E0717", message, span_of(source, token), "not known here", help))
    if token.type == "BEGIN":
        help = "write names of matrices and vectors, products and sums of them"
        message = "a formula is in names, without entries"
        raise SpecError(Diagnostic("E0717", message, span_of(source, token), "entries", help))


class _Builder(TreeBuilder[Formula]):
    """One method per rule of ``formulas.lark``."""

    def refuse(self, code: str, message: str, node: Node, label: str, help: str) -> NoReturn:
        raise SpecError(Diagnostic(code, message, self.span(node), label, help))

    def times(self, factor: Fraction, of: Formula, node: Node) -> Formula:
        """``factor * of``, while the number is of a size that can be written."""
        found = scaled(factor, of, self.span(node))
        if isinstance(found, Scaled) and _bits(found.factor) > MAX_BITS:
            self.refuse("E0715", "a number in this formula is too large", node, "here", "leave it out, or rescale")
        return found

    _group = _argument = TreeBuilder.only

    def _signed(self, node: Node) -> Formula:
        sign = cast(Token, cast(Node, node.children[0]).children[0])
        return self.times(Fraction(-1 if sign.type == "MINUS" else 1), self.only(node), node)

    def _minus(self, node: Node) -> Formula:
        return self.times(Fraction(-1), self.only(node), node)

    def _add(self, node: Node) -> Formula:
        left, right = self.parts(node)
        return self.sum(left, right, node)

    def _subtract(self, node: Node) -> Formula:
        left, right = self.parts(node)
        return self.sum(left, self.times(Fraction(-1), right, node), node)

    def sum(self, left: Formula, right: Formula, node: Node) -> Formula:
        first, second = _number(left), _number(right)
        if first is not None and second is not None:
            return self.number(first + second, node)
        return added(left, right, self.span(node))

    def number(self, value: Fraction, node: Node) -> Formula:
        if _bits(value) > MAX_BITS:
            self.refuse("E0715", "a number in this formula is too large", node, "here", "leave it out, or rescale")
        return Scaled(value, Identity(), span=self.span(node))

    def _times(self, node: Node) -> Formula:
        left, right = self.parts(node)
        return self.product(left, right, node)

    def product(self, left: Formula, right: Formula, node: Node) -> Formula:
        factor, other = _number(left), _number(right)
        if factor is not None and other is not None:
            return self.number(factor * other, node)
        if factor is not None:
            return self.times(factor, right, node)
        if other is not None:
            return self.times(other, left, node)
        return self.times(Fraction(1), product(left, right, self.span(node)), node)

    def _quotient(self, node: Node) -> Formula:
        left, right = self.parts(node)
        divisor = _number(right)
        if divisor is None:
            help = "a formula has no inverses; leave out what is only a scale, such as sqrt(d_head)"
            self.refuse("E0718", "formulas are divided by numbers only", node, "not a number below", help)
        if divisor == 0:
            self.refuse("E0718", "this divides by zero", node, "zero below", "write another number")
        value = _number(left)
        return self.number(value / divisor, node) if value is not None else self.times(1 / divisor, left, node)

    _fraction = _quotient

    def _power(self, node: Node) -> Formula:
        exponent = self.span(node).text.rsplit("^", 1)[-1].strip(" {}")
        if exponent.startswith("-"):
            help = "the same can be said with transposes and products, or with the inverse on the other side"
            self.refuse("E0717", "a formula has no inverses", node, "an inverse", help)
        help = "write the factors out, `A A`; `^T` is the transpose, and a number above a name its index, `W_Q^1`"
        self.refuse("E0717", "a formula has no powers", node, "a power", help)

    _powered = _power

    def _transposed(self, node: Node) -> Formula:
        inner = self.only(node)
        return inner if _number(inner) is not None else Transpose(inner, span=self.span(node))

    def _number(self, node: Node) -> Formula:
        return self.number(number(cast(Token, node.children[0]), self.source), node)

    def _symbol(self, node: Node) -> Formula:
        name = str(node.children[0])
        if _RESERVED.fullmatch(name):
            self.refuse("E0717", f"`{name}` is a function, and nothing stands in it", node, "not a name", _BRACKETS)
        return Identity(span=self.span(node)) if name in ("I", "Id") else Symbol(name, span=self.span(node))

    def _member(self, node: Node) -> Formula:
        name = str(node.children[0]).replace("\n", ".")
        if not _MEMBER.fullmatch(name):
            help = "write a matrix of a head, such as `first.OV`"
            self.refuse("E0717", "tokens name no matrix", node, "not known here", help)
        return Symbol(name, span=self.span(node))

    def _call(self, node: Node) -> Formula:
        function, inner = str(node.children[0]), self.only(node)
        if function == "transpose":
            return Transpose(inner, span=self.span(node))
        return Call(function, (inner,), span=self.span(node))

    def _summed(self, node: Node) -> Formula:
        function = next(str(child) for child in node.children if isinstance(child, Token) and child.type == "SUM")
        return Call(function, (self.parts(node)[-1],), span=self.span(node))

    def _times_summed(self, node: Node) -> Formula:
        return self.product(self.parts(node)[0], self._summed(node), node)


def _number(formula: Formula) -> Fraction | None:
    """The value of a formula that is a number, and no more."""
    return formula.factor if isinstance(formula, Scaled) and formula.of == Identity() else None


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())
