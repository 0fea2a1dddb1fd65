"""What Lark and the parser stumble over -> diagnostics a person can act on.

In: where a line went wrong and what could have stood there.  Out: ``Diagnostic`` with codes E01xx, in the
language's own words.  Not for: mistakes of meaning (``compiler.resolution``).
"""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from dsl.diagnostics import Diagnostic, did_you_mean
from dsl.layout import Layout, Line
from dsl.span import Source, Span
from dsl.words import HEAD_LINES, RESERVED, STATEMENTS

_WORD = re.compile(r'"(?:[^"\\\n]|\\.)*"|<[^<>\s"]+>|\w+|->|==|!=|<=|>=|//|\.\.|.', re.DOTALL)


def word_at(text: str, offset: int) -> str:
    """The word or sign that starts at ``offset`` (empty at the end)."""
    match = _WORD.match(text, offset)
    return match.group() if match else ""


def explain(error: UnexpectedInput, layout: Layout, line: Line, rule: str) -> Diagnostic:
    """The diagnostic for a line that the grammar refuses."""
    text = layout.words(line)
    at = error.pos_in_stream if isinstance(error, UnexpectedCharacters | UnexpectedToken) else len(text)
    if at is None or isinstance(error, UnexpectedToken) and error.token.type == "$END":
        at = len(text)
    word = word_at(text, at)
    span = Span(line.start + at, line.start + at + max(1, len(word)), layout.source)
    return Diagnostic("E0111", f"`{word}` is not expected here" if word else "the line ends too early", span)


def misplaced(word: str, span: Span, place: str, has_block: bool) -> Diagnostic:
    known = {"spec": STATEMENTS, "layer": ("head",), "head": HEAD_LINES}[place]
    where = Span(span.start, span.start + max(1, len(word)), span.source)
    if word in RESERVED:
        return Diagnostic("E0110", f"`{word}` is reserved for later", where, RESERVED[word])
    return Diagnostic("E0105", f"`{word}` opens no line of a {place}", where, "", did_you_mean(word, known))


def unexpected_block(span: Span, owner: str, word: str) -> Diagnostic:
    return Diagnostic("E0102", f"`{owner}` has no block of its own", span, "indented below it", "indent it less")


def empty_layer(span: Span) -> Diagnostic:
    return Diagnostic("E0109", "this layer has no head", span, "nothing below it", "indent a `head NAME` below it")


def empty(source: Source) -> Diagnostic:
    return Diagnostic("E0119", "an expression is expected, and nothing is written", Span(0, 0, source))


def second_line(span: Span) -> Diagnostic:
    return Diagnostic("E0111", "one expression is expected, on one line", span, "a second line")


def too_deep(span: Span, limit: int) -> Diagnostic:
    return Diagnostic("E0115", f"this line nests or chains more than {limit} operations", span, "", "split it")


def too_long(length: int, limit: int, source: Source) -> Diagnostic:
    return Diagnostic("E0115", f"a spec of {length} characters is more than the {limit} that are read", Span(0, 0, source))
