"""From a parse tree to nodes of another kind, one method for each rule of the grammar.

In: a parse tree of one text.  Out: whatever the methods make of it.  Not for: lines of a spec, which begin anywhere in
their file (``expressions``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

from lark import Token, Tree

from dsl.span import Source, Span

Node = Tree[Token]
Built = TypeVar("Built")


class TreeBuilder(Generic[Built]):
    """A node of the rule ``power`` is built by the method ``_power``, and so on; signs belong to what they stand at."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def build(self, node: Node) -> Built:
        method = cast("Callable[[Node], Built]", getattr(self, f"_{node.data}"))
        return method(node)

    def span(self, node: Node) -> Span:
        return Span(node.meta.start_pos, node.meta.end_pos, self.source)

    def parts(self, node: Node) -> list[Built]:
        """What stands below ``node``, built, in order."""
        found = []
        for child in node.children:  # no comprehension: it would be one more frame for each level
            if isinstance(child, Tree) and child.data != "sign":
                found.append(self.build(child))
        return found

    def only(self, node: Node) -> Built:
        """The one thing below ``node``."""
        return self.parts(node)[0]
