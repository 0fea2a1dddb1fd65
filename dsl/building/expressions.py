"""Parse trees of expressions, names and patterns -> nodes of ``dsl.tree``; what every rule needs.

In: parts of a line, and where it starts in its source.  Out: ``ExpressionBuilder``, the base of ``building.Builder``.
Not for: whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NoReturn, cast

from lark import Token, Tree

from dsl import expressions as E
from dsl import token_patterns as P
from dsl.diagnostics import Diagnostic, SpecError
from dsl.printing.expressions import print_items
from dsl.span import Source, Span
from dsl.words import KEYWORDS

MAX_DIGITS = 1000
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t"}
_ESCAPE = re.compile(r"\\.", re.DOTALL)

Node = Tree[Token]


class ExpressionBuilder:
    """Turns parse trees of the line that starts at ``offset`` into nodes; one method per rule."""

    def __init__(self, source: Source, offset: int) -> None:
        self.source = source
        self.offset = offset

    def build(self, node: Node) -> Any:
        method = cast("Callable[[Node], Any]", getattr(self, f"_{node.data}"))
        return method(node)

    # -------------------------------------------------------------- helpers

    def span(self, node: Node | Token) -> Span:
        if isinstance(node, Token):
            assert node.start_pos is not None and node.end_pos is not None
            return Span(self.offset + node.start_pos, self.offset + node.end_pos, self.source)
        return Span(self.offset + node.meta.start_pos, self.offset + node.meta.end_pos, self.source)

    def refuse(self, code: str, message: str, at: Node | Token, label: str, help: str | None) -> NoReturn:
        raise SpecError(Diagnostic(code, message, self.span(at), label, help))

    def all(self, nodes: Iterable[Node | Token | None]) -> tuple[Any, ...]:
        return tuple(self.build(node) for node in nodes if isinstance(node, Tree))

    def maybe(self, node: Node | Token | None) -> Any:
        return self.build(node) if isinstance(node, Tree) else None

    def new_name(self, node: Node | Token, what: str) -> str:
        """The name that a declaration gives; keywords are refused."""
        token = node if isinstance(node, Token) else token_of(node, 0)
        if token in KEYWORDS:
            self.refuse(
                "E0107",
                f"`{token}` is a word of the language and cannot name {what}",
                token,
                "a keyword",
                f"choose another name, such as `{token}_1`",
            )
        return str(token) if isinstance(node, Token) else name_of_label(self.build(node))

    def _label(self, node: Node) -> str:
        """A name; with an index it is a ``Label``."""
        base = str(token_of(node, 0))
        if len(node.children) == 1:
            return base
        index = self.all(cast(Node, node.children[1]).children)
        return E.Label(base, index, print_items(index))

    def label(self, node: Node, index: int) -> str:
        """The name that the child at ``index`` is."""
        child = node.children[index]
        return str(child) if isinstance(child, Token) else name_of_label(self.build(child))

    def _part(self, node: Node) -> str:
        return self._label(node)

    def number(self, token: Token) -> Fraction:
        if len(token) > MAX_DIGITS:
            self.refuse(
                "E0115",
                f"this number has more than {MAX_DIGITS} digits",
                token,
                f"{len(token)} characters",
                "write it as a power or a product of smaller numbers, or rescale",
            )
        return Fraction(str(token))

    def unquote(self, token: Token) -> str:
        def replace(match: re.Match[str]) -> str:
            if match.group() not in _ESCAPES:
                self._refuse_escape(token, match)
            return _ESCAPES[match.group()]

        return _ESCAPE.sub(replace, str(token)[1:-1])

    def _refuse_escape(self, token: Token, match: re.Match[str]) -> NoReturn:
        start = self.span(token).start + 1 + match.start()
        span = Span(start, start + 2, self.source)
        help = 'write `\\\\` for a backslash, `\\"` for a quote, `\\n` for a newline, `\\t` for a tab'
        raise SpecError(Diagnostic("E0104", f"`{match.group()}` means nothing in a quoted text", span, "here", help))

    def token_text(self, token: Token) -> str:
        return self.unquote(token) if token.type == "STRING" else str(token)

    # -------------------------------------------------------------- sequences

    def _token_item(self, node: Node) -> P.TokenItem:
        first, last = node.children
        assert isinstance(first, Tree)
        if not isinstance(last, Tree) and first.data == "token_word" and token_of(first, 0) == '"tokens"':
            self.refuse("E0107", "`tokens` stands for every token and cannot be one", first, "a keyword", "rename it")
        ends = [self._token_end(end) for end in (first, last) if isinstance(end, Tree)]
        return P.TokenItem(ends[0], ends[1] if len(ends) > 1 else None, span=self.span(node))

    def _token_end(self, node: Node) -> str | E.Expr:
        """A word is a text still, and resolution says what it stands for; anything else is arithmetic."""
        if node.data == "token_word":
            return self.token_text(token_of(node, 0))
        return cast(E.Expr, self.build(node))

    def _token_word(self, node: Node) -> E.Expr:
        """A word within arithmetic: a number or a name."""
        word = token_of(node, 0)
        if word.type == "WORD" and word.isascii() and word.isdecimal():
            return E.Number(self.number(word), span=self.span(word))
        if word.type == "WORD" and word.isidentifier():
            return E.Name(str(word), span=self.span(word))
        return E.Text(self.token_text(word), span=self.span(word))

    def _token_sum_in(self, node: Node) -> Any:
        return self.build(cast(Node, node.children[0]))

    def _token_pattern(self, node: Node) -> P.TokenPattern:
        return P.TokenPattern(self.all(node.children), span=self.span(node))

    def _concat(self, node: Node) -> P.ConcatPattern:
        return P.ConcatPattern(self.all(node.children), span=self.span(node))

    def _choice(self, node: Node) -> P.Pattern:
        options = self.all(node.children)
        return P.ChoicePattern(options, span=self.span(node)) if len(options) > 1 else cast(P.Pattern, options[0])

    def _repeat(self, node: Node, low: E.Expr, high: E.Expr | None) -> P.RepeatPattern:
        return P.RepeatPattern(self.maybe(node.children[0]), low, high, span=self.span(node))

    def _optional(self, node: Node) -> P.RepeatPattern:
        return self._repeat(node, E.Number(Fraction(0)), E.Number(Fraction(1)))

    def _star(self, node: Node) -> P.RepeatPattern:
        return self._repeat(node, E.Number(Fraction(0)), None)

    def _plus(self, node: Node) -> P.RepeatPattern:
        return self._repeat(node, E.Number(Fraction(1)), None)

    def _exactly(self, node: Node) -> P.RepeatPattern:
        count = self.maybe(node.children[1])
        return self._repeat(node, count, count)

    def _tied(self, node: Node) -> P.RepeatPattern:
        body, name, within = node.children
        length = E.Name(str(name), span=self.span(cast(Token, name)))
        return P.RepeatPattern(self.maybe(body), length, length, self.maybe(within), span=self.span(node))

    def _named_pattern(self, node: Node) -> P.NamedPattern:
        name = token_of(node, 0)
        if not name.isidentifier():
            self.refuse("E0107", f"`{name}` cannot be a name", name, "a name expected", "begin it with a letter")
        return P.NamedPattern(self.new_name(name, "a block"), self.maybe(node.children[1]), span=self.span(node))

    def _between(self, node: Node) -> P.RepeatPattern:
        return self._repeat(node, self.maybe(node.children[1]), self.maybe(node.children[2]))

    # -------------------------------------------------------------- expressions

    def _parenthesis(self, node: Node) -> Any:
        return self.build(cast(Node, node.children[0]))

    def _number(self, node: Node) -> E.Number:
        return E.Number(self.number(token_of(node, 0)), span=self.span(node))

    def _text(self, node: Node) -> E.Text:
        return E.Text(self.unquote(token_of(node, 0)), span=self.span(node))

    def _truth(self, node: Node) -> E.Truth:
        return E.Truth(token_of(node, 0) == "true", span=self.span(node))

    def _name(self, node: Node) -> E.Name:
        return E.Name(self.label(node, 0), span=self.span(node))

    def _member(self, node: Node) -> E.Member:
        member = node.children[1]
        text = self.token_text(member) if isinstance(member, Token) else self.label(node, 1)
        return E.Member(self.label(node, 0), text, span=self.span(node))

    def _call(self, node: Node) -> E.Call:
        return E.Call(self.label(node, 0), self.all(node.children[1:]), span=self.span(node))

    def _summation(self, node: Node) -> E.Summation:
        function, term, variable, _, values = node.children
        if self.label(node, 0) != "sum":
            help = "write `sum(EXPRESSION for NAME in 0..3)`"
            self.refuse("E0111", "only sums count with `for`", cast(Node, function), "not `sum`", help)
        name = self.new_name(cast(Token, variable), "what a sum counts with")
        span = self.span(cast(Token, variable))
        return E.Summation(self.maybe(term), name, self.maybe(values), span=self.span(node), variable_span=span)

    def _token_at(self, node: Node) -> E.TokenAt:
        return E.TokenAt(self.maybe(node.children[0]), span=self.span(node))

    def _unary(self, node: Node) -> E.Unary:
        operator = cast(Any, str(token_of(node, 0)))
        return E.Unary(operator, self.maybe(node.children[1]), span=self.span(node))

    def _binary(self, node: Node) -> E.Binary:
        left, operator, right = node.children
        return E.Binary(cast(Any, str(operator)), self.maybe(left), self.maybe(right), span=self.span(node))

    def _compare(self, node: Node) -> E.Comparison:
        left, operator, right = node.children
        return E.Comparison(cast(Any, str(operator)), self.maybe(left), self.maybe(right), span=self.span(node))

    def _conditional(self, node: Node) -> E.Conditional:
        condition, then, otherwise = self.all(node.children)
        return E.Conditional(condition, then, otherwise, span=self.span(node))

    def _range(self, node: Node) -> E.Range:
        low, high = self.all(node.children)
        return E.Range(low, high, span=self.span(node))

    def _set(self, node: Node) -> E.SetOf:
        return E.SetOf(self.all(node.children), span=self.span(node))

    def _list(self, node: Node) -> E.ListOf:
        return E.ListOf(self.all(node.children), span=self.span(node))


def token_of(node: Node, index: int) -> Token:
    child = node.children[index]
    assert isinstance(child, Token)
    return child


def name_of_label(name: object) -> str:
    assert isinstance(name, str)
    return name
