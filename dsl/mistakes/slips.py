"""A line that the grammar refuses, and its words.

In: the text of a line, and the place where it went wrong.  Out: ``Slip``, which reports itself as a ``Diagnostic``.
Not for: telling what was meant (``sign_slips``, ``word_slips``).
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from dsl.diagnostics import Diagnostic, did_you_mean
from dsl.mistakes.expectations import keywords
from dsl.span import Source, Span

_WORD = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|<\w[^<>\s"]*>|\d+\.\d+|\w+|->|===?|=>|=<|<>|!=|<=|>=|//|\*\*|&&|\|\||\.\.|.', re.DOTALL
)
SIGNS = set("()[]{}<>=!+-*/^.,:|?'%&")


@dataclass(frozen=True)
class Slip:
    """A line that the grammar refuses: ``word`` at ``at`` of ``text`` is not among the ``accepted`` terminals."""

    source: Source
    start: int
    text: str
    at: int
    word: str
    accepted: Set[str]

    @property
    def keyword(self) -> str:
        return word_at(self.text, 0)

    @property
    def before(self) -> str:
        return self.text[: self.at].rstrip()

    @property
    def expects_expression(self) -> bool:
        return {"NUMBER", "NAME", "LPAR"} <= self.accepted

    def report(self, code: str, message: str, label: str = "", help: str | None = None, length: int = 0) -> Diagnostic:
        start = self.start + self.at
        return Diagnostic(
            code, message, Span(start, start + max(1, length or len(self.word)), self.source), label, help
        )

    @property
    def near_keyword(self) -> str | None:
        """The word of the language that is meant, where one fits that is spelt nearly so."""
        if not self.word.isidentifier():
            return None
        return did_you_mean(self.word, keywords(self.accepted))


def word_at(text: str, offset: int) -> str:
    """The word or sign that starts at ``offset`` (empty at the end)."""
    match = _WORD.match(text, offset)
    return match.group() if match else ""


def word_before(text: str) -> str:
    """The last word or sign of ``text``."""
    found = _WORD.findall(text.rstrip())
    return found[-1] if found else ""
