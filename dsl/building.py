"""Lark's parse tree of one line -> nodes of ``dsl.tree``.

In: what ``grammar.lark`` recognised, and where the line starts in its source.  Out: frozen nodes with exact
spans, numbers as ``Fraction``, quoted tokens unescaped.  Mistakes a grammar cannot see (a keyword used as a
name, a word said twice, an unknown choice) are raised here as ``SpecError``.  Not for: what names refer to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NoReturn, cast

from lark import Token, Tree

from dsl import tree as T
from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.printer import print_items
from dsl.span import Source, Span
from dsl.words import KEYWORDS

MAX_DIGITS = 1000
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t"}
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_BASES = ("hadamard", "reflection", "rotation")

Node = Tree[Token]


class Builder:
    """Turns the parse trees of the line that starts at ``offset`` into nodes; one method per rule."""

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
        token = node if isinstance(node, Token) else _token(node, 0)
        if token in KEYWORDS:
            self.refuse(
                "E0107",
                f"`{token}` is a word of the language and cannot name {what}",
                token,
                "a keyword",
                f"choose another name, such as `{token}_1`",
            )
        return str(token) if isinstance(node, Token) else str_of(self.build(node))

    def _label(self, node: Node) -> str:
        """A name; with an index it is a ``Label``."""
        base = str(_token(node, 0))
        if len(node.children) == 1:
            return base
        index = self.all(cast(Node, node.children[1]).children)
        return T.Label(base, index, print_items(index))

    def label(self, node: Node, index: int) -> str:
        """The name that the child at ``index`` is."""
        child = node.children[index]
        return str(child) if isinstance(child, Token) else str_of(self.build(child))

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

    # -------------------------------------------------------------- starts

    def _statement(self, node: Node) -> Any:
        return self.build(cast(Node, node.children[0]))

    _head_line = _statement
    _layer_item = _statement
    _expression = _statement
    _parenthesis = _statement

    def _doc(self, node: Node) -> str:
        return self.unquote(cast(Token, node.children[0]))

    # -------------------------------------------------------------- statements

    def _model(self, node: Node) -> T.ModelDecl:
        return T.ModelDecl(self.new_name(_token(node, 0), "a model"), span=self.span(node))

    def _tokens(self, node: Node) -> T.TokensDecl:
        for item in node.children:
            if isinstance(item, Tree) and item.children == ["tokens", None]:
                self.refuse(
                    "E0107", "`tokens` stands for every token and cannot be one", item, "a keyword", "rename it"
                )
        return T.TokensDecl(self.all(node.children), span=self.span(node))

    def _token_item(self, node: Node) -> T.TokenItem:
        first, last = _token(node, 0), node.children[1]
        end = self.token_text(last) if isinstance(last, Token) else None
        if _is_any(first, last) and self.token_text(first) == "tokens" and first.type == "STRING":
            self.refuse("E0107", "`tokens` stands for every token and cannot be one", first, "a keyword", "rename it")
        return T.TokenItem(self.token_text(first), end, span=self.span(node))

    def _sequences(self, node: Node) -> T.SequencesDecl:
        return T.SequencesDecl(self.build(cast(Node, node.children[0])), span=self.span(node))

    def _setting(self, node: Node) -> T.SettingDecl:
        setting = cast(T.SettingName, str(_token(node, 0)))
        return T.SettingDecl(setting, self.maybe(node.children[1]), span=self.span(node))

    def _basis_named(self, node: Node) -> T.BasisDecl:
        kind = self.choose(_token(node, 0), _BASES, "a kind of basis")
        return T.BasisDecl(cast(Any, kind), self.all(node.children[1:]), span=self.span(node))

    def _basis_vectors(self, node: Node) -> T.BasisDecl:
        rows = cast(T.ListOf, self.maybe(node.children[0]))
        return T.BasisDecl("vectors", rows.items, span=self.span(node))

    def choose(self, token: Token, choices: tuple[str, ...], what: str) -> str:
        if token not in choices:
            near = did_you_mean(token, choices)
            listed = ", ".join(f"`{c}`" for c in choices)
            self.refuse("E0121", f"`{token}` is not {what}", token, "not known here", near or f"choose one of {listed}")
        return str(token)

    def _positions(self, node: Node) -> T.PositionsDecl:
        options = self.maybe(node.children[1]) or ()
        return T.PositionsDecl(str(_token(node, 0)), options, span=self.span(node))

    def _options(self, node: Node) -> tuple[T.Option, ...]:
        return self.all(node.children)

    def _option(self, node: Node) -> T.Option:
        return T.Option(str(_token(node, 0)), self.maybe(node.children[1]), span=self.span(node))

    def _symbol(self, node: Node) -> T.SymbolDecl:
        name, positive, value = _token(node, 0), node.children[1], self.maybe(node.children[2])
        if isinstance(positive, Tree) and self.number(_token(positive, 0)) != 0:
            self.refuse(
                "E0111",
                "a symbol can only be declared greater than 0",
                _token(positive, 0),
                "0 expected",
                f"write `symbol {name} > 0`",
            )
        return T.SymbolDecl(self.new_name(name, "a symbol"), positive is not None, value, span=self.span(node))

    def _param(self, node: Node) -> T.ParamDecl:
        return T.ParamDecl(
            self.new_name(_token(node, 0), "a param"), self.maybe(node.children[1]), span=self.span(node)
        )

    def _table(self, node: Node) -> T.TableDecl:
        name = self.new_name(cast(Node, node.children[0]), "a table")
        return T.TableDecl(name, self.all(node.children[1:]), span=self.span(node))

    def _layout(self, node: Node) -> T.LayoutDecl:
        return T.LayoutDecl(tuple(self._slot(cast(Node, child)) for child in node.children), span=self.span(node))

    def _slot(self, node: Node) -> T.Slot:
        if node.data == "text":
            return T.Slot(None, self.unquote(_token(node, 0)), span=self.span(node))
        return T.Slot(self.new_name(node, "a slot"), span=self.span(node))

    def _table_entry(self, node: Node) -> T.TableEntry:
        argument, image = self.all(node.children)
        return T.TableEntry(argument, image, span=self.span(node))

    def _subspace_encoded(self, node: Node) -> T.SubspaceDecl:
        name, encoding, at = node.children
        return self._subspace(node, cast(Node, name), self.maybe(encoding), None, self.maybe(at))

    def _subspace_like(self, node: Node) -> T.SubspaceDecl:
        name, like, at = node.children
        return self._subspace(node, cast(Node, name), None, self.build(cast(Node, like)), self.maybe(at))

    def _subspace(
        self,
        node: Node,
        name: Node,
        encoding: T.Encoding | None,
        like: str | None,
        at: tuple[T.Expr, ...] | None,
    ) -> T.SubspaceDecl:
        text = self.new_name(name, "a subspace")
        return T.SubspaceDecl(text, encoding, like, at, span=self.span(node), name_span=self.span(name))

    def _places(self, node: Node) -> tuple[T.Expr, ...]:
        return self.all(node.children)

    def _encoding(self, node: Node) -> T.Encoding:
        parts = self.all(node.children)
        options = tuple(p for p in parts if isinstance(p, T.Option))
        values = tuple(p for p in parts if not isinstance(p, T.Option))
        return T.Encoding(str(_token(node, 0)), values, options, span=self.span(node))

    def _embed(self, node: Node) -> T.EmbedDecl:
        source, target, matrix = node.children
        assert isinstance(target, Tree)
        return T.EmbedDecl(
            str(source),
            self.label(node, 1),
            self.maybe(matrix),
            span=self.span(node),
            target_span=self.span(target),
        )

    def _predict(self, node: Node) -> T.PredictDecl:
        return T.PredictDecl(self.label(node, 0), span=self.span(node))

    def _layer(self, node: Node) -> T.LayerDecl:
        return T.LayerDecl((), span=self.span(node))

    def _expect_head(self, node: Node) -> T.ExpectHead:
        _, predicate, otherwise = node.children
        return T.ExpectHead(self.label(node, 0), self.maybe(predicate), self.maybe(otherwise), span=self.span(node))

    def _expect_output(self, node: Node) -> T.ExpectOutput:
        prompt, answer = (self.unquote(_token(node, i)) for i in (0, 1))
        return T.ExpectOutput(prompt, answer, node.data == "expect_generated", span=self.span(node))

    _expect_generated = _expect_output

    def _family(self, node: Node) -> T.ForDecl:
        name, _, values = node.children
        variable = self.new_name(cast(Token, name), "a member of a family")
        span = self.span(cast(Token, name))
        return T.ForDecl(variable, self.maybe(values), (), span=self.span(node), variable_span=span)

    # -------------------------------------------------------------- heads and MLPs

    def _compute(self, node: Node) -> T.ComputeDecl:
        target, value = node.children
        assert isinstance(target, Tree)
        return T.ComputeDecl(
            self.label(node, 0), self.maybe(value), span=self.span(node), target_span=self.span(target)
        )

    def _head(self, node: Node) -> T.HeadDecl:
        name = cast(Node, node.children[0])
        said = self.once(node.children[1:])
        return T.HeadDecl(
            self.new_name(name, "a head"),
            said.get("at_slot"),
            said.get("d_head"),
            "soft" in said,
            span=self.span(node),
            name_span=self.span(name),
        )

    def once(self, clauses: Iterable[Node | Token]) -> dict[str, Any]:
        """The clauses (``when ..``, ``strength ..``, ``soft``) by their rule; each may be said once."""
        said: dict[str, Any] = {}
        for clause in clauses:
            assert isinstance(clause, Tree)
            if clause.data in said:
                word = self.span(clause).text.split()[0]
                self.refuse("E0120", f"`{word}` is said twice", clause, "the second time", "keep one of them")
            said[str(clause.data)] = self.build(clause)
        return said

    def _at_slot(self, node: Node) -> tuple[int, int]:
        token = _token(node, 0)
        if len(token) > 12:
            self.refuse("E0115", "there is no such layer or head", token, "too large", "write `at LAYER.INDEX`")
        layer, index = token.split(".")
        return int(layer), int(index)

    _d_head = _statement
    _when = _statement

    def _soft(self, node: Node) -> bool:
        return True

    def _strength(self, node: Node) -> T.Expr | None:
        value = self.build(cast(Node, node.children[0]))
        return None if value == T.Name("auto") else cast(T.Expr, value)

    def _attend(self, node: Node) -> T.AttendLine:
        relation, *clauses = node.children
        said = self.once(clauses)
        negated = node.data == "avoid"
        return T.AttendLine(self.maybe(relation), negated, said.get("when"), said.get("strength"), span=self.span(node))

    _avoid = _attend

    def _rest(self, node: Node) -> T.RestLine:
        return T.RestLine(self.maybe(node.children[0]), span=self.span(node))

    def _prefer(self, node: Node) -> T.PreferLine:
        direction = self.choose(_token(node, 0), ("latest", "earliest"), "a preference")
        return T.PreferLine(cast(Any, direction), self.label(node, 1), span=self.span(node))

    def _copy(self, node: Node) -> T.CopyLine:
        value, through, target = node.children
        assert isinstance(target, Tree)
        return T.CopyLine(
            self.maybe(value),
            self.label(node, 2),
            self.maybe(through),
            span=self.span(node),
            target_span=self.span(target),
        )

    def _matrix(self, node: Node) -> T.MatrixLine:
        name, body = _token(node, 0), cast(Node, node.children[1])
        form = "entries" if body.data == "list" else str(body.data)
        return T.MatrixLine(cast(Any, str(name)), cast(Any, form), self.all(body.children), span=self.span(node))

    def _value(self, node: Node) -> tuple[str, tuple[T.Expr, ...]]:
        """What stands right of `=` in an answer: its form, as in a matrix line or ``expression``, and its items."""
        body = cast(Node, node.children[0])
        if body.data in ("rows", "columns"):
            return str(body.data), self.all(body.children)
        found = self.build(body)
        return ("entries", found.items) if isinstance(found, T.ListOf) else ("expression", (found,))

    # -------------------------------------------------------------- sequences

    def _token_pattern(self, node: Node) -> T.TokenPattern:
        return T.TokenPattern(self.all(node.children), span=self.span(node))

    def _concat(self, node: Node) -> T.ConcatPattern:
        return T.ConcatPattern(self.all(node.children), span=self.span(node))

    def _choice(self, node: Node) -> T.Pattern:
        options = self.all(node.children)
        return T.ChoicePattern(options, span=self.span(node)) if len(options) > 1 else cast(T.Pattern, options[0])

    def _repeat(self, node: Node, low: T.Expr, high: T.Expr | None) -> T.RepeatPattern:
        return T.RepeatPattern(self.maybe(node.children[0]), low, high, span=self.span(node))

    def _optional(self, node: Node) -> T.RepeatPattern:
        return self._repeat(node, T.Number(Fraction(0)), T.Number(Fraction(1)))

    def _star(self, node: Node) -> T.RepeatPattern:
        return self._repeat(node, T.Number(Fraction(0)), None)

    def _plus(self, node: Node) -> T.RepeatPattern:
        return self._repeat(node, T.Number(Fraction(1)), None)

    def _exactly(self, node: Node) -> T.RepeatPattern:
        count = self.maybe(node.children[1])
        return self._repeat(node, count, count)

    def _tied(self, node: Node) -> T.RepeatPattern:
        body, name, within = node.children
        length = T.Name(str(name), span=self.span(cast(Token, name)))
        return T.RepeatPattern(self.maybe(body), length, length, self.maybe(within), span=self.span(node))

    def _named_pattern(self, node: Node) -> T.NamedPattern:
        name = _token(node, 0)
        if not name.isidentifier():
            self.refuse("E0107", f"`{name}` cannot be a name", name, "a name expected", "begin it with a letter")
        return T.NamedPattern(self.new_name(name, "a block"), self.maybe(node.children[1]), span=self.span(node))

    def _between(self, node: Node) -> T.RepeatPattern:
        return self._repeat(node, self.maybe(node.children[1]), self.maybe(node.children[2]))

    # -------------------------------------------------------------- expressions

    def _number(self, node: Node) -> T.Number:
        return T.Number(self.number(_token(node, 0)), span=self.span(node))

    def _text(self, node: Node) -> T.Text:
        return T.Text(self.unquote(_token(node, 0)), span=self.span(node))

    def _truth(self, node: Node) -> T.Truth:
        return T.Truth(_token(node, 0) == "true", span=self.span(node))

    def _name(self, node: Node) -> T.Name:
        return T.Name(self.label(node, 0), span=self.span(node))

    def _member(self, node: Node) -> T.Member:
        member = node.children[1]
        text = self.token_text(member) if isinstance(member, Token) else self.label(node, 1)
        return T.Member(self.label(node, 0), text, span=self.span(node))

    def _call(self, node: Node) -> T.Call:
        return T.Call(self.label(node, 0), self.all(node.children[1:]), span=self.span(node))

    def _token_at(self, node: Node) -> T.TokenAt:
        return T.TokenAt(self.maybe(node.children[0]), span=self.span(node))

    def _unary(self, node: Node) -> T.Unary:
        operator = cast(Any, str(_token(node, 0)))
        return T.Unary(operator, self.maybe(node.children[1]), span=self.span(node))

    def _binary(self, node: Node) -> T.Binary:
        left, operator, right = node.children
        return T.Binary(cast(Any, str(operator)), self.maybe(left), self.maybe(right), span=self.span(node))

    def _compare(self, node: Node) -> T.Comparison:
        left, operator, right = node.children
        return T.Comparison(cast(Any, str(operator)), self.maybe(left), self.maybe(right), span=self.span(node))

    def _conditional(self, node: Node) -> T.Conditional:
        condition, then, otherwise = self.all(node.children)
        return T.Conditional(condition, then, otherwise, span=self.span(node))

    def _range(self, node: Node) -> T.Range:
        low, high = self.all(node.children)
        return T.Range(low, high, span=self.span(node))

    def _set(self, node: Node) -> T.SetOf:
        return T.SetOf(self.all(node.children), span=self.span(node))

    def _list(self, node: Node) -> T.ListOf:
        return T.ListOf(self.all(node.children), span=self.span(node))


def _token(node: Node, index: int) -> Token:
    child = node.children[index]
    assert isinstance(child, Token)
    return child


def str_of(name: object) -> str:
    assert isinstance(name, str)
    return name


def _is_any(first: Token, last: object) -> bool:
    return last is None and first == '"tokens"'
