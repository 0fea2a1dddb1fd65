"""What went wrong, where, and how to mend it.

In: a code, a span and words.  Out: ``Diagnostic`` (one mistake), ``SpecError`` (one or more of them, raised
once), and their rendering.  The catalogue of codes, each with a longer word and an example that triggers
it, is ``dsl.catalogue``.  Not for: our own bugs, which are assertions.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from dsl.span import Span, render_excerpt

MOST_SHOWN = 20
"""More mistakes than these are counted, not printed; ``SpecError.diagnostics`` and the JSON have them all."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Note:
    """A second place, where two lines disagree: its span and what is to be seen there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: ``code`` (E0104), what was found, the underlined ``label``, and how to mend it."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    help: str | None = None
    notes: tuple[Note, ...] = ()
    figures: tuple[str, ...] = ()

    def render(self) -> str:
        head = f"error[{self.code}]: {self.message}"
        lines = [head]
        if self.span is not None:
            line, column = self.span.source.line_column(self.span.start)
            width = max([len(str(line))] + [len(str(n.span.line)) for n in self.notes])
            lines.append(f"{' ' * width}--> {self.span.source.name}:{line}:{column}")
            lines.append(render_excerpt(self.span, self.label, margin=width))
            lines += [render_excerpt(n.span, n.text, margin=width) for n in self.notes]
        lines += [f"  = {figure}" for figure in self.figures]
        if self.help:
            lines.append(f"  = help: {self.help}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Keys: code, message, file, line, column, label, help, figures, notes (line, column, text)."""
        place = (None, None, None)
        if self.span is not None:
            place = (self.span.source.name, self.span.line, self.span.column)  # type: ignore[assignment]
        return {
            "code": self.code,
            "message": self.message,
            "file": place[0],
            "line": place[1],
            "column": place[2],
            "label": self.label,
            "help": self.help,
            "figures": list(self.figures),
            "notes": [{"line": n.span.line, "column": n.span.column, "text": n.text} for n in self.notes],
        }


class SpecError(Exception):
    """A user's mistake (or several independent ones). ``diagnostics`` is never empty."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        assert found, "a SpecError carries at least one diagnostic"
        self.diagnostics: tuple[Diagnostic, ...] = tuple(
            sorted(found, key=lambda d: (d.span.start if d.span else -1, d.code))
        )
        shown = [d.render() for d in self.diagnostics[:MOST_SHOWN]]
        left = len(self.diagnostics) - len(shown)
        super().__init__("\n\n".join(shown + [f"and {left} more"] * (left > 0)))


@dataclass
class Collector:
    """Gathers independent mistakes, so that several are reported at once; ``check()`` raises them."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        label: str = "",
        help: str | None = None,
        notes: tuple[Note, ...] = (),
        figures: tuple[str, ...] = (),
    ) -> None:
        diagnostic = Diagnostic(code, message, span, label, help, notes, figures)
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    def check(self) -> None:
        if self.found:
            raise SpecError(self.found)


def for_each(items: Iterable[Item], action: Callable[[Item], Result]) -> tuple[Result, ...]:
    """``action`` of every item; the mistakes of all of them are raised together."""
    results: list[Result] = []
    found: list[Diagnostic] = []
    for item in items:
        try:
            results.append(action(item))
        except SpecError as error:
            found += error.diagnostics
    if found:
        raise SpecError(found)
    return tuple(results)


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """``did you mean `content`?`` for the nearest candidate, or None when nothing is near.

    One that differs in capitals alone comes first; else as it is spelt, and only then without regard to capitals."""
    known = list(candidates)
    folded = {candidate.casefold(): candidate for candidate in reversed(known)}
    same = folded.get(name.casefold())
    near = [same] if same else difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    near = near or [folded[word] for word in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return f"did you mean `{near[0]}`?" if near else None
