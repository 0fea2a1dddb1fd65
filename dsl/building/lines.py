"""Lark's parse tree of one line -> nodes of ``dsl.tree``.

In: what ``grammar.lark`` recognised, and where the line starts in its source.  Out: frozen nodes with exact
spans, numbers as ``Fraction``, quoted tokens unescaped.  Mistakes a grammar cannot see (a keyword used as a
name, a word said twice, an unknown choice) are raised here as ``SpecError``.  Not for: what names refer to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from lark import Token, Tree

from dsl import expressions as E
from dsl import head_lines as L
from dsl import token_patterns as P
from dsl import tree as T
from dsl.building.expressions import MAX_DIGITS, ExpressionBuilder, Node, token_of
from dsl.diagnostics import did_you_mean
from dsl.mistakes.expectations import form

__all__ = ["MAX_DIGITS", "Builder"]

_BASES = ("hadamard", "reflection", "rotation")


class Builder(ExpressionBuilder):
    """Turns the parse trees of whole lines into nodes; one method per rule."""

    # -------------------------------------------------------------- starts

    def _statement(self, node: Node) -> Any:
        return self.build(cast(Node, node.children[0]))

    _head_line = _statement
    _layer_item = _statement
    _expression = _statement

    def _doc(self, node: Node) -> str:
        return self.unquote(cast(Token, node.children[0]))

    # -------------------------------------------------------------- statements

    def _model(self, node: Node) -> T.ModelDecl:
        return T.ModelDecl(self.new_name(token_of(node, 0), "a model"), span=self.span(node))

    def _tokens(self, node: Node) -> T.TokensDecl:
        items = self.all(node.children)
        for item, place in zip(items, node.children, strict=True):
            if item == P.TokenItem("tokens"):
                message = "`tokens` stands for every token and cannot be one"
                self.refuse("E0107", message, cast(Node, place), "a keyword", "rename it")
        return T.TokensDecl(items, span=self.span(node))

    def _sequences(self, node: Node) -> T.SequencesDecl:
        return T.SequencesDecl(self.build(cast(Node, node.children[0])), span=self.span(node))

    def _generate(self, node: Node) -> T.GenerateDecl:
        return T.GenerateDecl(tuple(self._slot(cast(Node, child)) for child in node.children), span=self.span(node))

    def _setting(self, node: Node) -> T.SettingDecl:
        setting = cast(T.SettingName, str(token_of(node, 0)))
        return T.SettingDecl(setting, self.maybe(node.children[1]), span=self.span(node))

    def _basis_named(self, node: Node) -> T.BasisDecl:
        kind = self.choose(token_of(node, 0), _BASES, "a kind of basis")
        return T.BasisDecl(cast(Any, kind), self.all(node.children[1:]), span=self.span(node))

    def _basis_vectors(self, node: Node) -> T.BasisDecl:
        rows = cast(E.ListOf, self.maybe(node.children[0]))
        return T.BasisDecl("vectors", rows.items, span=self.span(node))

    def choose(self, token: Token, choices: tuple[str, ...], what: str) -> str:
        if token not in choices:
            near = did_you_mean(token, choices)
            listed = ", ".join(f"`{c}`" for c in choices)
            self.refuse("E0121", f"`{token}` is not {what}", token, "not known here", near or f"choose one of {listed}")
        return str(token)

    def _positions(self, node: Node) -> T.PositionsDecl:
        options = self.maybe(node.children[1]) or ()
        return T.PositionsDecl(str(token_of(node, 0)), options, span=self.span(node))

    def _options(self, node: Node) -> tuple[T.Option, ...]:
        return self.all(node.children)

    def _option(self, node: Node) -> T.Option:
        return T.Option(str(token_of(node, 0)), self.maybe(node.children[1]), span=self.span(node))

    def _symbol(self, node: Node) -> T.SymbolDecl:
        name, positive, value = token_of(node, 0), node.children[1], self.maybe(node.children[2])
        if isinstance(positive, Tree) and self.number(token_of(positive, 0)) != 0:
            self.refuse(
                "E0111",
                "a symbol can only be declared greater than 0",
                token_of(positive, 0),
                "0 expected",
                f"write `symbol {name} > 0`",
            )
        return T.SymbolDecl(self.new_name(name, "a symbol"), positive is not None, value, span=self.span(node))

    def _param(self, node: Node) -> T.ParamDecl:
        return T.ParamDecl(
            self.new_name(token_of(node, 0), "a param"), self.maybe(node.children[1]), span=self.span(node)
        )

    def _table(self, node: Node) -> T.TableDecl:
        name = self.new_name(cast(Node, node.children[0]), "a table")
        return T.TableDecl(name, self.all(node.children[1:]), span=self.span(node))

    def _layout(self, node: Node) -> T.LayoutDecl:
        return T.LayoutDecl(tuple(self._slot(cast(Node, child)) for child in node.children), span=self.span(node))

    def _slot(self, node: Node) -> T.Slot:
        if node.data == "text":
            return T.Slot(None, self.unquote(token_of(node, 0)), span=self.span(node))
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
        at: tuple[E.Expr, ...] | None,
    ) -> T.SubspaceDecl:
        text = self.new_name(name, "a subspace")
        return T.SubspaceDecl(text, encoding, like, at, span=self.span(node), name_span=self.span(name))

    def _places(self, node: Node) -> tuple[E.Expr, ...]:
        return self.all(node.children)

    def _encoding(self, node: Node) -> T.Encoding:
        parts = self.all(node.children)
        options = tuple(p for p in parts if isinstance(p, T.Option))
        values = tuple(p for p in parts if not isinstance(p, T.Option))
        return T.Encoding(str(token_of(node, 0)), values, options, span=self.span(node))

    def _embed(self, node: Node) -> T.EmbedDecl:
        image, target, matrix = node.children
        assert isinstance(image, Tree) and isinstance(target, Tree)
        value = self.build(image)
        if isinstance(value, E.Name) and value.name not in ("token", "position"):
            near = did_you_mean(value.name, ("token", "position"))
            message, help = f"`{value.name}` is not expected here", near or form("embed")
            self.refuse("E0111", message, image, "expected `token` or `position`", help)
        sources = [str(found.children[0]) for found in image.find_data("source")]
        return T.EmbedDecl(
            value.name if isinstance(value, E.Name) else (sources or ["token"])[0],
            self.label(node, 1),
            self.maybe(matrix),
            None if isinstance(value, E.Name) else value,
            span=self.span(node),
            target_span=self.span(target),
        )

    def _source(self, node: Node) -> E.Name:
        return E.Name(str(token_of(node, 0)), span=self.span(node))

    def _predict(self, node: Node) -> T.PredictDecl:
        return T.PredictDecl(self.label(node, 0), node.children[1] is not None, span=self.span(node))

    def _layer(self, node: Node) -> T.LayerDecl:
        return T.LayerDecl((), span=self.span(node))

    def _expect_head(self, node: Node) -> T.ExpectHead:
        _, predicate, otherwise = node.children
        return T.ExpectHead(self.label(node, 0), self.maybe(predicate), self.maybe(otherwise), span=self.span(node))

    def _expect_output(self, node: Node) -> T.ExpectOutput:
        prompt, answer = (self.unquote(token_of(node, i)) for i in (0, 1))
        return T.ExpectOutput(prompt, answer, node.data == "expect_generated", span=self.span(node))

    _expect_generated = _expect_output

    def _expect_value(self, node: Node) -> T.ExpectValue:
        _, after, sign, value = node.children
        if sign != "==":
            help = "write `==`, and on its right what is predicted"
            self.refuse("E0111", "what is predicted is one value", cast(Token, sign), "`==` expected", help)
        return T.ExpectValue(self.label(node, 0), self.maybe(after), self.maybe(value), span=self.span(node))

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
        token = token_of(node, 0)
        if len(token) > 12:
            self.refuse("E0115", "there is no such layer or head", token, "too large", "write `at LAYER.INDEX`")
        layer, index = token.split(".")
        return int(layer), int(index)

    _d_head = _statement
    _when = _statement

    def _soft(self, node: Node) -> bool:
        return True

    def _strength(self, node: Node) -> E.Expr | None:
        value = self.build(cast(Node, node.children[0]))
        return None if value == E.Name("auto") else cast(E.Expr, value)

    _share = _statement

    def _attend(self, node: Node) -> L.AttendLine:
        relation, *clauses = node.children
        said = self.once(clauses)
        negated = node.data == "avoid"
        return L.AttendLine(
            self.maybe(relation),
            negated,
            said.get("when"),
            said.get("strength"),
            said.get("share"),
            span=self.span(node),
        )

    _avoid = _attend

    def _rest(self, node: Node) -> L.RestLine:
        return L.RestLine(self.maybe(node.children[0]), span=self.span(node))

    def _prefer(self, node: Node) -> L.PreferLine:
        direction = self.choose(token_of(node, 0), ("latest", "earliest"), "a preference")
        return L.PreferLine(cast(Any, direction), self.label(node, 1), span=self.span(node))

    def _copy(self, node: Node) -> L.CopyLine:
        value, through, target = node.children
        assert isinstance(target, Tree)
        return L.CopyLine(
            self.maybe(value),
            self.label(node, 2),
            self.maybe(through),
            span=self.span(node),
            target_span=self.span(target),
        )

    def _matrix(self, node: Node) -> L.MatrixLine:
        name, body = token_of(node, 0), cast(Node, node.children[1])
        form = "entries" if body.data == "list" else str(body.data)
        return L.MatrixLine(cast(Any, str(name)), cast(Any, form), self.all(body.children), span=self.span(node))

    def _value(self, node: Node) -> tuple[str, tuple[E.Expr, ...]]:
        """What stands right of `=` in an answer: its form, as in a matrix line or ``expression``, and its items."""
        body = cast(Node, node.children[0])
        if body.data in ("rows", "columns"):
            return str(body.data), self.all(body.children)
        found = self.build(body)
        return ("entries", found.items) if isinstance(found, E.ListOf) else ("expression", (found,))
