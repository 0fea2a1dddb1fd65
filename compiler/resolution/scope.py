"""What resolution knows so far: the one mutable table of names behind ``resolve``.

In: names as they are declared.  Out: look-ups that fail with a suggestion, and ``attempt``, which lets
independent mistakes be reported together.  Not for: the result (``compiler.program`` is frozen).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NoReturn

from compiler.encodings import Subspace, Value
from compiler.heads import Head
from compiler.program import Alibi, Rotary, Symbol
from dsl.diagnostics import Collector, Diagnostic, Note, SpecError, did_you_mean
from dsl.span import Span
from dsl.words import KEYWORDS

RESERVED = KEYWORDS | {"positions", "slots", "tokens"}


class AlreadyReported(Exception):
    """Something this item needs is broken, and the user has been told so."""


@dataclass(frozen=True)
class Table:
    """A named function (or, ``many``, a set-valued one): ``images[i]`` belongs to ``arguments[i]``."""

    name: str
    arguments: tuple[Value, ...]
    images: tuple[tuple[Value, ...], ...]
    many: bool
    span: Span

    def image(self, value: Value) -> tuple[Value, ...]:
        """What ``value`` is sent to: nothing outside the table, several values where it is set-valued."""
        return self._mapping.get(value, ())

    @cached_property
    def _mapping(self) -> dict[Value, tuple[Value, ...]]:
        return dict(zip(self.arguments, self.images, strict=True))


@dataclass
class Scope:
    """Every name declared so far. ``broken`` holds names whose declaration was refused."""

    errors: Collector = field(default_factory=Collector)
    declared: dict[str, tuple[str, Span]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    params: dict[str, Fraction] = field(default_factory=dict)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    token_ids: dict[str, int] = field(default_factory=dict)
    context: int = 64
    layout: list[str | None] = field(default_factory=list)
    positions: Rotary | Alibi | None = None
    subspaces: dict[str, Subspace] = field(default_factory=dict)
    position_subspaces: list[str] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)
    width: int = 0

    @contextmanager
    def attempt(self, *names: str) -> Iterator[None]:
        """Record a ``SpecError`` instead of raising it, and mark ``names`` as broken."""
        try:
            yield
        except SpecError as error:
            self.errors.found += [d for d in error.diagnostics if d not in self.errors.found]
            self.broken.update(names)
        except AlreadyReported:
            self.broken.update(names)

    def declare(self, kind: str, name: str, span: Span) -> None:
        """Enter ``name`` in the one namespace; E0201 when it is taken, E0107 when it is a word of the language."""
        if name in RESERVED:
            self.broken.add(name)
            fail(
                "E0107",
                f"`{name}` is a word of the language and cannot name a {kind}",
                span,
                label="reserved word",
                help=f"choose another name, for instance `my_{name}`",
            )
        if name in self.declared:
            other, place = self.declared[name]
            fail(
                "E0201",
                f"{kind} `{name}` has the same name as another {other}"
                if kind == other
                else f"{kind} `{name}` has the same name as a {other}",
                span,
                label="declared again here",
                help="every name means one thing; rename one of the two",
                notes=(Note(place, "first declared here"),),
            )
        self.declared[name] = (kind, span)

    def subspace(self, name: str, span: Span) -> Subspace:
        """The subspace called ``name``; E0204 with a suggestion when there is none."""
        if name in self.subspaces:
            return self.subspaces[name]
        if name in self.broken:
            raise AlreadyReported
        known = [n for n, (kind, _) in self.declared.items() if kind == "subspace"]  # wrongly declared ones included
        unknown("E0204", "subspace", name, span, known, "declare it: `subspace {} : onehot(tokens)`")

    def table(self, name: str, span: Span) -> Table:
        """The table called ``name``; E0217 with a suggestion when there is none."""
        if name in self.tables:
            return self.tables[name]
        if name in self.broken:
            raise AlreadyReported
        unknown("E0217", "table", name, span, self.tables, 'declare it: `table {}: "a" -> "b"`')

    def token(self, text: str, span: Span) -> str:
        """``text`` if it is a token; E0210 with a suggestion when it is not."""
        if text in self.token_ids:
            return text
        if "tokens" in self.broken:
            raise AlreadyReported
        unknown("E0210", "token", text, span, self.tokens, "add it to the `tokens` line")


def fail(
    code: str,
    message: str,
    span: Span | None,
    *,
    label: str = "",
    help: str | None = None,
    notes: tuple[Note, ...] = (),
    figures: tuple[str, ...] = (),
) -> NoReturn:
    """Raise one diagnostic."""
    raise SpecError(Diagnostic(code, message, span, label, help, notes, figures))


def unknown(code: str, kind: str, name: str, span: Span | None, known: Iterable[str], declare: str) -> NoReturn:
    """Fail because no ``kind`` is called ``name``; help is the nearest known name or how to declare it."""
    known = tuple(known)
    near = did_you_mean(name, known)
    listed = f"there is {listing(known)}" if known and len(known) <= 12 else ""
    if near:
        help = f"{near} ({listed})" if listed else near
    else:
        help = "; ".join(part for part in (declare.format(name), listed) if part)
    fail(code, f"there is no {kind} called `{name}`", span, label=f"no such {kind}", help=help)


def listing(names: Iterable[object], most: int = 12) -> str:
    """```a`, `b`, `c` and 4 more``."""
    shown = [f"`{n}`" for n in names]
    if len(shown) > most:
        return ", ".join(shown[:most]) + f" and {len(shown) - most} more"
    return ", ".join(shown)
