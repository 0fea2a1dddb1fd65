"""Where a piece of text stands, and the only renderer of excerpts with underlines.

In: a source text and a half-open range of character offsets.  Out: line and column, or a few lines
of text that a person can read.  Not for: deciding what is wrong (see ``diagnostics``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A spec's text and the name it is shown under (a path, or ``<text>``)."""

    name: str
    text: str

    def line_column(self, offset: int) -> tuple[int, int]:
        """1-based line and column of a character offset (columns count characters, not bytes)."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    def line(self, number: int) -> str:
        """The text of the 1-based line ``number``, without its newline."""
        lines = self.text.split("\n")
        return lines[number - 1] if 1 <= number <= len(lines) else ""


NOWHERE = Source("<none>", "")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` (inclusive) to ``stop`` (exclusive) of ``source``.

    Spans never take part in the comparison of syntax trees: two trees are equal when they say the
    same thing, wherever it stands.
    """

    start: int = 0
    stop: int = 0
    source: Source = field(default=NOWHERE, compare=False, repr=False)

    @property
    def line(self) -> int:
        return self.source.line_column(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.line_column(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.stop]

    def word(self, word: str) -> Span:
        """Where ``word`` first stands in it, between blanks, quotes or a colon; all of it if nowhere."""
        match = re.search(rf"(?<=[\s\"]){re.escape(word)}(?=[\s\":]|$)", self.text) if word else None
        if match is None:
            return self
        return Span(self.start + match.start(), self.start + match.end(), self.source)


WIDEST = 200
"""Of a longer line only the part around the span is shown."""


def render_excerpt(span: Span, note: str = "", *, margin: int | None = None) -> str:
    """The first line of ``span`` with its words underlined by carets, and ``note`` after them.

    Characters that are none to look at (a terminal might obey them) are shown as U+FFFD.

    >>> print(render_excerpt(Span(0, 5, Source("a.head", "modle x")), "unknown word"))
      |
    1 | modle x
      | ^^^^^ unknown word
    """
    line, column = span.source.line_column(span.start)
    text, before = _window(span.source.line(line), column - 1)
    width = margin if margin is not None else len(str(line))
    length = max(1, min(span.stop - span.start, len(text) - before))
    lead = "".join("\t" if c == "\t" else " " for c in text[:before])
    underline = f"{lead}{'^' * length} {note}".rstrip()
    bar = " " * width + " |"
    return f"{bar}\n{line:>{width}} | {text}\n{bar} {underline}"


def _window(text: str, at: int) -> tuple[str, int]:
    """What is shown of a line, and where in it the character ``at`` of the line stands."""
    start = max(0, at - WIDEST // 4) if len(text) > WIDEST else 0
    shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text[start : start + WIDEST])
    left, right = "... " if start else "", " ..." if start + WIDEST < len(text) else ""
    return left + shown + right, at - start + len(left)
