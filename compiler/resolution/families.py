"""``for`` families and sums: written out once for each value; ``digit[i + 1]`` as a plain name; ``in primes(2, p)``.

In: statements and the ``Scope`` (params and tokens are known).  Out: statements without ``ForDecl`` and without
``Label``; every node keeps the span of the line it was written in.  Not for: what the lines mean.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from functools import cache
from math import isqrt
from typing import Any, cast

from compiler import limits
from compiler.encodings import Value
from compiler.resolution.numbers import integer
from compiler.resolution.scope import AlreadyReported, Scope, fail, unknown
from compiler.resolution.sets import constant, resolve_set, show
from dsl.diagnostics import Note
from dsl.expressions import Binary, Call, Comparison, Expr, Label, Name, Number, Range, SetOf, Summation, Text
from dsl.span import Source, Span
from dsl.tree import ForDecl, GenerateDecl, HeadDecl, LayerDecl, LayoutDecl, Statement

PARTS = "parts of lines, families and sums written out"
_PLAIN = re.compile(r"(?!token\b)\b[^\W\d]\w*\s*\[|\bfor\b|\bprimes\b")


def expand(scope: Scope, statements: Sequence[Statement], source: Source) -> tuple[Statement, ...]:
    """``statements`` with every family written out; E0201, E0320 and E0490, and those of sets and values."""
    if source.text and _PLAIN.search(source.text) is None:
        return tuple(statements)
    families = _Families(scope)
    written = families.all(statements, {})
    if families.full:
        scope.errors.check()
    return tuple(written)


@dataclass
class _Families:
    """``lines`` and ``parts`` count what was written out; ``full``: it was too much, and no more is."""

    scope: Scope
    lines: int = 0
    parts: int = 0
    full: bool = False

    def all(self, items: Iterable[Any], values: Mapping[str, Value]) -> list[Any]:
        """The items of a block, families written out; what is wrong is noted once, and its item left out."""
        found: list[Any] = []
        for item in items:
            if self.full:
                break
            if isinstance(item, LayoutDecl | GenerateDecl):
                found.append(item)
                continue
            with self.scope.attempt():
                found += self.family(item, values) if isinstance(item, ForDecl) else [self.item(item, values)]
        return found

    def item(self, item: Any, values: Mapping[str, Value]) -> Any:
        self.lines += 1
        self.full |= self.lines > limits.FAMILY_LINES
        limits.check_size(self.lines, limits.FAMILY_LINES, "lines, families written out", item.span)
        match item:
            case LayerDecl(items):
                return replace(item, items=tuple(self.all(items, values)))
            case HeadDecl(lines=lines):
                bare = cast(HeadDecl, self.node(replace(item, lines=()), values))
                return replace(bare, lines=tuple(self.all(lines, values)))
            case _:
                return self.node(item, values)

    def family(self, decl: ForDecl, values: Mapping[str, Value]) -> list[Any]:
        name = decl.variable
        self.check_letter(decl, values)
        written: list[Any] = []
        for value in self.members(decl.values, values):
            if self.full:
                break
            written += self.all(decl.body, {**values, name: value})
        return written

    def check_letter(self, decl: ForDecl | Summation, values: Mapping[str, Value]) -> None:
        """E0201 where what a family or a sum counts with means something already."""
        name = decl.variable
        if name in values:
            fail(
                "E0201",
                f"`{name}` counts two families or sums that stand in each other",
                decl.variable_span,
                label="again here",
                help="give the inner one another letter",
            )
        kind, first = self.scope.declared.get(name, ("", decl.variable_span))
        if kind != "member of a family":
            if kind:
                note = (Note(first, "first declared here"),)
                found = f"`{name}` is a {kind} already, and cannot count a family"
                fail("E0201", found, decl.variable_span, label="declared", help="choose another letter", notes=note)
            self.scope.declare("member of a family", name, decl.variable_span)

    def members(self, expr: Expr, values: Mapping[str, Value]) -> Sequence[Value]:
        expr = cast(Expr, self.node(expr, values))
        if isinstance(expr, Call):
            return self.primes(expr)
        if isinstance(expr, Range) and self.is_empty(expr):
            return ()
        found = resolve_set(self.scope, expr).members
        limits.check_size(len(found), limits.FAMILY_LINES, "members of a family", expr.span)
        return found

    def is_empty(self, expr: Range) -> bool:
        """``k..k - 1``: nothing, as in sums; what runs further down is taken for a slip."""
        if isinstance(expr.low, Text) or isinstance(expr.high, Text):
            return False
        ends = [integer(self.scope, end, "an end of a range") for end in (expr.low, expr.high)]
        return ends[1] == ends[0] - 1

    def primes(self, expr: Call) -> Sequence[int]:
        """``primes(low, high)``: low <= q < high."""
        usage = "`for q in primes(2, 113)` counts the primes from 2 up to, and without, 113"
        if expr.function != "primes":
            unknown("E0490", "set of numbers", expr.function, expr.span, ("primes",), usage)
        if len(expr.arguments) != 2:
            found = f"`primes` takes 2 arguments, not {len(expr.arguments)}"
            fail("E0490", found, expr.span, label=f"{len(expr.arguments)} given", help=usage)
        low, high = (integer(self.scope, argument, "a bound of `primes`") for argument in expr.arguments)
        limits.check_size(high, limits.VALUES, "as a bound of `primes`", expr.span)
        found_ = _primes_below(limits.VALUES + 1)
        found_ = found_[bisect_left(found_, low) : bisect_left(found_, high)]
        if not found_:
            found = f"there is no prime from {low} up to, and without, {high}"
            fail("E0490", found, expr.span, label="an empty family", help="give a larger bound")
        return found_

    # ------------------------------------------------------------------ names and values inside a line

    def node(self, node: Any, values: Mapping[str, Value]) -> Any:
        """``node`` with plain names for labels, and members of families replaced by their values."""
        if isinstance(node, Label):
            return self.label(node, values)
        if isinstance(node, tuple):
            found = tuple(self.node(part, values) for part in node)
            return node if all(a is b for a, b in zip(node, found, strict=True)) else found
        if not is_dataclass(node) or isinstance(node, type | Span):
            return node
        self.parts += 1
        self.full |= self.parts > limits.FAMILY_PARTS
        limits.check_size(self.parts, limits.FAMILY_PARTS, PARTS, getattr(node, "span", None))
        if isinstance(node, Summation):
            return self.sum(node, values)
        if isinstance(node, Name) and node.name in values:
            return _literal(values[node.name], node.span)
        if isinstance(node, Comparison) and node.operator == "in":
            node = self.membership(node, values)
        changed = {}
        for part in fields(node):
            old = getattr(node, part.name)
            new = self.node(old, values)
            if new is not old:
                changed[part.name] = new
        return replace(node, **changed) if changed else node

    def membership(self, node: Comparison, values: Mapping[str, Value]) -> Comparison:
        """``x in primes(2, 113)`` with the primes written out; a table has one argument, and is none of this."""
        match node.right:
            case Call("primes", (_, _)) as call:
                members = self.primes(cast(Call, self.node(call, values)))
                literals = tuple(_literal(q, call.span) for q in members)
                return replace(node, right=SetOf(literals, span=call.span))
        return node

    def sum(self, node: Summation, values: Mapping[str, Value]) -> Expr:
        """``sum(x[i] for i in 0..3)``: its terms, added up two by two, so that many terms nest little; 0 for none."""
        self.check_letter(node, values)
        members = self.members(node.values, values)
        limits.check_size(len(members), limits.EXPRESSION, "terms of a sum", node.span)
        terms = [cast(Expr, self.node(node.term, {**values, node.variable: value})) for value in members]
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            rest = terms[len(terms) - len(terms) % 2 :]
            terms = [Binary("+", one, two, span=node.span) for one, two in pairs] + rest
        return terms[0] if terms else Number(Fraction(0), span=node.span)

    def label(self, label: Label, values: Mapping[str, Value]) -> str:
        """``digit[3]``: each index worked out."""
        parts = [constant(self.scope, cast(Expr, self.node(index, values))) for index in label.indices]
        if not parts:
            raise AlreadyReported
        return f"{label.base}[{', '.join(show(part) for part in parts)}]"


@cache
def _primes_below(high: int) -> tuple[int, ...]:
    """The sieve of Eratosthenes."""
    prime = bytearray([1]) * high
    prime[:2] = b"\0\0"
    for q in range(2, isqrt(high) + 1):
        if prime[q]:
            prime[q * q :: q] = bytes(len(range(q * q, high, q)))
    return tuple(q for q in range(high) if prime[q])


def _literal(value: Value, span: Span) -> Expr:
    return Text(value, span=span) if isinstance(value, str) else Number(Fraction(value), span=span)
