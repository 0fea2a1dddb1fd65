"""Whole lines that cannot stand where they stand, and texts too large to read -> diagnostics.

In: the first word of a line and its place, or a size.  Out: ``Diagnostic`` with codes E01xx.  Not for: what is wrong
inside a line (``syntax_errors``).
"""

from __future__ import annotations

from dsl.diagnostics import Diagnostic, did_you_mean
from dsl.span import Source, Span
from dsl.words import FAMILIES, HEAD_LINES, LAYER_LINES, OPENERS, STATEMENTS

# ------------------------------------------------------------------ lines in the wrong place


def misplaced(word: str, span: Span, place: str) -> Diagnostic:
    """A line of a ``place`` (spec, layer, head) that starts with no word of that place."""
    where = Span(span.start, span.start + max(1, len(word)), span.source)
    if word.startswith('"'):
        help = "indent it below `model` or `head`, before the other lines"
        return Diagnostic(
            "E0106", "a docstring stands first in the block of a model or a head", where, "not here", help
        )
    if word in OPENERS:
        return Diagnostic("E0106", *_wrong_place(word, where, place))
    return Diagnostic(
        "E0105", f"`{word}` opens no line {_INSIDE[place]}", where, "not known here", _suggest_opener(word, place)
    )


_INSIDE = {"spec": "of a spec", "layer": "of a layer", "head": "of a head", "family": "below `for`"}
_ON_THE_HEAD = {"d_head": "head NAME d_head 8", "soft": "head NAME soft", "at": "head NAME at LAYER.INDEX"}
_OTHER_COMMENTS = ("//", "--", "/", "-", "%", ";")
_KNOWN = {
    "spec": (*STATEMENTS, *LAYER_LINES),
    "layer": (*LAYER_LINES, "for"),
    "head": (*HEAD_LINES, "for"),
    "family": FAMILIES,
}


def _wrong_place(word: str, where: Span, place: str) -> tuple[str, Span, str, str]:
    if word in HEAD_LINES:
        return f"`{word}` is a line of a head", where, "no head here", "indent it below `head NAME`"
    if word in LAYER_LINES:
        what = "a head" if word == "head" else f"`{word}`"
        return f"{what} cannot stand inside a head", where, "inside the head above", "indent it like the head above"
    label = f"inside the {place} above"
    return f"`{word}` cannot stand in a {place}", where, label, "begin it in the first column"


def _suggest_opener(word: str, place: str) -> str:
    known = _KNOWN[place]
    listed = ", ".join(f"`{k}`" for k in known)
    if word in _OTHER_COMMENTS or word[:1] == "/":
        return "a comment starts with `#`"
    if place == "head" and word.rstrip("s") in _ON_THE_HEAD:
        return f"it stands on the line of the head: `{_ON_THE_HEAD[word.rstrip('s')]}`"
    return did_you_mean(word, known) or did_you_mean(word, OPENERS) or f"a line here starts with one of {listed}"


def unexpected_block(span: Span, owner: str) -> Diagnostic:
    help = "indent it like the line above; a line goes on only inside brackets or after a comma"
    where = Span(span.start, span.stop, span.source)
    return Diagnostic(
        "E0102", "this line is indented, and the line above opens no block", where, f"below `{owner}`", help
    )


def empty_layer(span: Span) -> Diagnostic:
    help = "indent `head NAME` or `compute B = ..` below it"
    return Diagnostic("E0109", "this layer is empty", span, "nothing below it", help)


def empty_family(span: Span) -> Diagnostic:
    help = "indent below it what is to be said for each value, such as `compute r[i] = x[i]`"
    return Diagnostic("E0109", "this family is empty", span, "nothing below it", help)


def too_many_families(span: Span, limit: int) -> Diagnostic:
    message = f"families nest more than {limit} deep"
    return Diagnostic("E0115", message, span, "too deep", "give one name several indices: `x[i, j]`")


# ------------------------------------------------------------------ expressions and sizes


def empty(source: Source) -> Diagnostic:
    return Diagnostic("E0119", "an expression is expected, and nothing is written", Span(0, 0, source), "empty")


def second_line(span: Span) -> Diagnostic:
    return Diagnostic("E0111", "one expression is expected, on one line", span, "a second line", "join the lines")


def too_deep(span: Span, limit: int) -> Diagnostic:
    message = f"this line nests or chains more than {limit} operations"
    return Diagnostic("E0115", message, span, "too deep", "write several lines, or fewer terms")


def too_long(length: int, limit: int, source: Source) -> Diagnostic:
    message = f"a spec of {length} characters is longer than the {limit} that are read"
    return Diagnostic("E0115", message, Span(0, 0, source), help="split it, or generate less")
