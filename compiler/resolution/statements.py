"""The statements of a spec, by kind.

In: statements, families written out, and the ``Scope``.  Out: those of a kind, in order; E0202 for what is said twice.
Not for: what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from compiler.resolution.scope import Scope, fail
from dsl.diagnostics import Note
from dsl.span import Source, Span
from dsl.tree import SettingDecl, SettingName, Statement

T = TypeVar("T")


@dataclass(frozen=True)
class Statements:
    """``statements`` in order; mistakes go to ``scope``."""

    statements: tuple[Statement, ...]
    scope: Scope
    source: Source

    @property
    def start(self) -> Span | None:
        """Where the spec begins, for what is missing altogether."""
        return _span(self.statements[0]) if self.statements else Span(0, 0, self.source)

    def all(self, *kinds: type[T]) -> list[T]:
        """Every statement of ``kinds``, in order."""
        return [s for s in self.statements if isinstance(s, kinds)]

    def one(self, kind: type[T]) -> T | None:
        """The only statement of ``kind``; further ones are reported (E0202)."""
        return self._first(self.all(kind))

    def setting(self, name: SettingName) -> SettingDecl | None:
        """The only setting called ``name``; further ones are reported (E0202)."""
        return self._first([s for s in self.all(SettingDecl) if s.setting == name])

    def _first(self, found: list[T]) -> T | None:
        for extra in found[1:]:
            with self.scope.attempt():
                _said_twice(_span(found[0]), _span(extra))
        return found[0] if found else None


def _span(node: object) -> Span:
    span = getattr(node, "span", None)
    assert isinstance(span, Span)
    return span


def _said_twice(first: Span, again: Span) -> None:
    word = (again.text.split() or ["this"])[0]
    fail(
        "E0202",
        f"`{word}` is said twice",
        again,
        label="said again here",
        help="a spec says this once; remove one of the two lines",
        notes=(Note(first, "first said here"),),
    )
