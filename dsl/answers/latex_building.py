"""Lark's tree of one LaTeX expression -> nodes of ``dsl.tree``.

In: what ``latex.lark`` recognised.  Out: the same nodes that plain text gives, with their spans.  Not for: matrices
and equations (``latex``).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

from lark import Token

from dsl import expressions as E
from dsl.answers.math_tokens import span_of
from dsl.building.lines import MAX_DIGITS
from dsl.building.nodes import Node, TreeBuilder
from dsl.diagnostics import Collector, Diagnostic, SpecError
from dsl.span import Source


def build(node: Node, source: Source, collector: Collector) -> E.Expr | None:
    """The expression that ``node`` is; None where a number in it is too long, and the collector knows."""
    try:
        return _Builder(source).build(node)
    except SpecError as error:
        collector.found.extend(error.diagnostics)
        return None


def number(token: Token, source: Source) -> Fraction:
    """The value of a number.  SpecError E0715 where it has too many digits."""
    if len(token) > MAX_DIGITS:
        label, help = f"{len(token)} characters", "write it as a power or a product of smaller numbers"
        message = f"this number has more than {MAX_DIGITS} digits"
        raise SpecError(Diagnostic("E0715", message, span_of(source, token), label, help))
    return Fraction(str(token))


class _Builder(TreeBuilder[E.Expr]):
    """One method per rule of ``latex.lark``."""

    def product(self, node: Node, left: E.Expr, right: E.Expr) -> E.Expr:
        return E.Binary("*", left, right, span=self.span(node))

    _group = _transposed = _argument = _short = TreeBuilder.only

    def _signed(self, node: Node) -> E.Expr:
        (operand,) = self.parts(node)
        sign = cast(Node, node.children[0]).children[0]
        is_minus = isinstance(sign, Token) and sign.type == "MINUS"
        return E.Unary("-", operand, span=self.span(node)) if is_minus else operand

    def _minus(self, node: Node) -> E.Expr:
        return E.Unary("-", self.only(node), span=self.span(node))

    def _binary(self, node: Node) -> E.Expr:
        left, right = self.parts(node)
        sign = {"PLUS": "+", "MINUS": "-", "SLASH": "/"}[cast(Token, node.children[1]).type]
        return E.Binary(cast(Any, sign), left, right, span=self.span(node))

    def _times(self, node: Node) -> E.Expr:
        left, right = self.parts(node)
        return self.product(node, left, right)

    def _power(self, node: Node) -> E.Expr:
        base, exponent = self.parts(node)
        return E.Binary("^", base, exponent, span=self.span(node))

    _powered = _short_power = _power

    def _exponent(self, node: Node) -> E.Expr:
        inner = self.parts(node)
        if inner:
            return inner[0]
        token = cast(Token, node.children[-1])
        span = span_of(self.source, token)
        value: E.Expr = E.Name(str(token), span=span)
        if token.type == "NUMBER":
            value = E.Number(number(token, self.source), span=span)
        return E.Unary("-", value, span=self.span(node)) if len(node.children) == 2 else value

    def _number(self, node: Node) -> E.Expr:
        return E.Number(number(cast(Token, node.children[0]), self.source), span=self.span(node))

    def _name(self, node: Node) -> E.Expr:
        return E.Name(str(node.children[0]), span=self.span(node))

    def _member(self, node: Node) -> E.Expr:
        owner, member = str(node.children[0]).split("\n")
        return E.Member(owner, member, span=self.span(node))

    def _fraction(self, node: Node) -> E.Expr:
        top, bottom = self.parts(node)
        return E.Binary("/", top, bottom, span=self.span(node))

    def _call(self, node: Node) -> E.Expr:
        function = str(node.children[0])
        parts = self.parts(node)
        call = E.Call(function, (parts[-1],), span=self.span(node))
        return E.Binary("^", call, parts[0], span=self.span(node)) if len(parts) == 2 else call

    def _bare(self, node: Node) -> E.Expr:
        parts = self.parts(node)
        return self.product(node, *parts) if len(parts) == 2 else parts[0]

    def _root(self, node: Node) -> E.Expr:
        return E.Call("sqrt", (self.only(node),), span=self.span(node))
