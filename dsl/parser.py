"""Text -> syntax tree.

In: the text of a ``.head`` file, or of one expression.  Out: ``dsl.tree.Spec`` (or ``Expr``), every node with its
span; or one ``SpecError`` with every independent syntax error.  The text is first cut into indented lines
(``layout``); each line is parsed alone by the rule of its place (``grammar.lark``), so that one mistake does not hide
the next.  Any text at all gets an answer, in bounded time.  Not for: what names refer to (``compiler.resolution``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from dsl.building.lines import Builder
from dsl.diagnostics import Collector, Diagnostic, SpecError
from dsl.expressions import Expr
from dsl.layout import MAX_ERRORS, Layout, Line, read_layout
from dsl.mistakes import line_errors as errors
from dsl.mistakes.slips import word_at
from dsl.mistakes.syntax_errors import explain
from dsl.span import Source, Span
from dsl.tree import ForDecl, HeadDecl, HeadLine, LayerDecl, LayerItem, ModelDecl, Spec, Statement
from dsl.words import FAMILIES, HEAD_LINES, LAYER_LINES, STATEMENTS

MAX_CHARACTERS = 1 << 18
MAX_DEPTH = 200
MAX_FAMILIES = 8


def parse(text: str, name: str = "<text>") -> Spec:
    """The tree of a whole spec; ``name`` is shown in errors.  Raises ``SpecError``."""
    source = source_of(text, name)
    collector = Collector()
    layout = read_layout(source, collector)
    reader = Reader(layout, collector)
    statements = reader.statements()
    if collector.found:
        raise SpecError(sorted(collector.found, key=_place)[:MAX_ERRORS])
    return Spec(statements, layout.comments, span=Span(0, len(source.text), source))


def parse_expression(text: str, name: str = "<expression>") -> Expr:
    """The tree of one expression, such as ``2*cos(alpha)`` or ``key.a == query.b``.  Raises ``SpecError``."""
    source = source_of(text, name)
    collector = Collector()
    layout = read_layout(source, collector)
    collector.check()
    if not layout.lines:
        raise SpecError(errors.empty(source))
    if len(layout.lines) > 1 or layout.lines[0].block:
        second = (*layout.lines[0].block, *layout.lines[1:])[0]
        raise SpecError(errors.second_line(Span(second.start, second.stop, source)))
    return cast(Expr, parse_line(layout, layout.lines[0], "expression"))


def parse_line(layout: Layout, line: Line, rule: str) -> Any:
    """What the start ``rule`` of the grammar makes of ``line``.  Raises ``SpecError``."""
    text = layout.words(line)
    try:
        found = _grammar().parse(text, start=rule)
    except UnexpectedInput as error:
        raise SpecError(explain(error, layout, line)) from None
    if depth_of(found) > MAX_DEPTH:
        raise SpecError(errors.too_deep(Span(line.start, line.stop, layout.source), MAX_DEPTH))
    return Builder(layout.source, line.start).build(found)


class Reader:
    """Reads lines by their place: statements, the heads of a layer, the lines of a head.

    What is wrong goes to the ``collector``; a line that cannot be read is None."""

    def __init__(self, layout: Layout, collector: Collector) -> None:
        self.layout = layout
        self.collector = collector

    def statements(self) -> tuple[Statement, ...]:
        read: list[Statement | None] = []
        for line in self.layout.lines:
            if len(self.collector.found) >= MAX_ERRORS:
                break
            read.append(self.statement(line))
        return tuple(s for s in read if s is not None)

    def statement(self, line: Line, place: str = "spec", depth: int = 0) -> Statement | None:
        """A line of the first level, or (``place`` is ``family``) one below a ``for`` of the first level."""
        word = self.first_word(line)
        if word in LAYER_LINES:
            return self.layer_item(line, depth)
        if word not in (FAMILIES if place == "family" else STATEMENTS):
            self.misplaced(line, word, place)
            return None
        if word == "for":
            return self.family(line, lambda inner: self.statement(inner, "family", depth + 1), depth)
        found = cast("Statement | None", self.read(line, "statement"))
        match word:
            case "model":
                doc, rest = self.doc(line.block)
                self.refuse_block(rest, "model")
                return replace(found, doc=doc) if isinstance(found, ModelDecl) else None
            case "layer":
                return self.layer(line, found)
            case _:
                self.refuse_block(line.block, word)
                return found

    def layer(self, line: Line, found: Statement | None) -> LayerDecl | None:
        items = [self.layer_item(inner) for inner in line.block]
        if not line.block and line.sound:
            self.complain(errors.empty_layer(self.span(line)))
        if not isinstance(found, LayerDecl):
            return None
        return LayerDecl(tuple(i for i in items if i is not None), span=self.extent(line))

    def layer_item(self, line: Line, depth: int = 0) -> LayerItem | None:
        word = self.first_word(line)
        match word:
            case "head":
                return self.head(line)
            case "for":
                return self.family(line, lambda inner: self.layer_item(inner, depth + 1), depth)
            case "compute":
                self.refuse_block(line.block, word)
                return cast("LayerItem | None", self.read(line, "layer_item"))
        self.misplaced(line, word, "layer")
        return None

    def head(self, line: Line) -> HeadDecl | None:
        found = cast("HeadDecl | None", self.read(line, "head"))
        doc, rest = self.doc(line.block)
        lines = [self.head_line(inner) for inner in rest]
        if found is None:
            return None
        return replace(found, doc=doc, lines=tuple(x for x in lines if x is not None), span=self.extent(line))

    def head_line(self, line: Line, depth: int = 0) -> HeadLine | None:
        word = self.first_word(line)
        if word == "for":
            return self.family(line, lambda inner: self.head_line(inner, depth + 1), depth)
        if word not in HEAD_LINES:
            self.misplaced(line, word, "head")
            return None
        self.refuse_block(line.block, word)
        return cast("HeadLine | None", self.read(line, "head_line"))

    def family(self, line: Line, read: Callable[[Line], Statement | HeadLine | None], depth: int) -> ForDecl | None:
        """``for NAME in VALUES`` and its block, whose lines are ``read`` as those around it are."""
        if depth >= MAX_FAMILIES:
            self.complain(errors.too_many_families(self.span(line), MAX_FAMILIES))
            return None
        found = self.read(line, "statement")
        body = [read(inner) for inner in line.block]
        if not line.block and line.sound:
            self.complain(errors.empty_family(self.span(line)))
        if not isinstance(found, ForDecl):
            return None
        return replace(found, body=tuple(x for x in body if x is not None), span=self.extent(line))

    def doc(self, lines: list[Line]) -> tuple[str | None, list[Line]]:
        """The docstring that leads a block (several strings are several lines of it), and what follows it."""
        count = next((i for i, x in enumerate(lines) if not self.layout.words(x).startswith('"')), len(lines))
        texts = [self.read(line, "doc") for line in lines[:count]]
        for line in lines[:count]:
            self.refuse_block(line.block, "a docstring")
        return ("\n".join(t or "" for t in texts) if texts else None), lines[count:]

    def refuse_block(self, block: list[Line], owner: str) -> None:
        if block:
            self.complain(errors.unexpected_block(self.span(block[0]), owner))

    def read(self, line: Line, rule: str) -> Any:
        if not line.sound or len(self.collector.found) >= MAX_ERRORS:
            return None
        try:
            return parse_line(self.layout, line, rule)
        except SpecError as error:
            self.collector.found.extend(error.diagnostics)
            return None

    def misplaced(self, line: Line, word: str, place: str) -> None:
        if line.sound and len(self.collector.found) < MAX_ERRORS:
            self.complain(errors.misplaced(word, self.span(line), place))

    def complain(self, diagnostic: Diagnostic) -> None:
        self.collector.found.append(diagnostic)

    def first_word(self, line: Line) -> str:
        return word_at(self.layout.text, line.start)

    def span(self, line: Line) -> Span:
        return Span(line.start, line.stop, self.layout.source)

    def extent(self, line: Line) -> Span:
        """From the first character of ``line`` to the last of its block."""
        last = line
        while last.block:
            last = last.block[-1]
        return Span(line.start, last.stop, self.layout.source)


def source_of(text: str, name: str) -> Source:
    """``text`` with ``\\n`` for its newlines and no byte-order mark.  Raises SpecError where it is too long."""
    if len(text) > MAX_CHARACTERS:
        raise SpecError(errors.too_long(len(text), MAX_CHARACTERS, Source(name, "")))
    return Source(name, text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))


def _place(diagnostic: Diagnostic) -> int:
    return diagnostic.span.start if diagnostic.span else -1


def depth_of(tree: Tree[Token]) -> int:
    """The depth of a parse tree, without recursion."""
    deepest, pending = 0, [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        deepest = max(deepest, depth)
        pending += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]
    return deepest


@cache
def _grammar() -> Lark:
    return Lark(
        files("dsl").joinpath("grammar.lark").read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        start=["statement", "layer_item", "head", "head_line", "doc", "expression", "value"],
        propagate_positions=True,
        maybe_placeholders=True,
    )
