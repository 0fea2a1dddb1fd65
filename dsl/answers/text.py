"""The text of an answer before it is read: what is written around it goes, and what it is written in shows.

In: a text as it was handed in.  Out: its ``Source``, the same text with comments and Markdown fences blank (so that
offsets stay true), and the types of what it says.  Not for: reading it (``reading``, ``latex``, ``formulas``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from dsl.answers.math_names import Written
from dsl.diagnostics import Collector, Diagnostic, Note, SpecError
from dsl.expressions import Expr
from dsl.layout import MAX_ERRORS, refuse_characters
from dsl.parser import MAX_CHARACTERS
from dsl.span import Source, Span
from dsl.tree import LayerDecl, Spec

Form = Literal["entries", "rows", "columns", "expression"]
MATRICES = ("W_Q", "W_K", "W_V", "W_O")


@dataclass(frozen=True, slots=True)
class Assigned:
    """One ``NAME = ...``.  ``name`` is without its index and head: ``W_Q`` for ``W_Q1``, ``W_Q^1`` (head 1) and
    ``previous.W_Q`` (head "previous"); empty where a matrix stands alone.  ``items`` are as in a ``MatrixLine``:
    entries are ``ListOf`` rows, all of one length; rows and columns are combinations of basis vectors; an expression
    is one item.  No two have the same name and head."""

    name: str
    head: str | int | None
    form: Form
    items: tuple[Expr, ...]
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What the text of an answer says.

    ``layers`` are there when it is written as heads of a spec, ``spec`` when it is a whole spec.  ``bare`` is a text
    without any ``=``: a choice, tokens, or an expression (for which see ``answers.parse_value``)."""

    assigned: tuple[Assigned, ...] = ()
    layers: tuple[LayerDecl, ...] = ()
    spec: Spec | None = None
    bare: str = ""
    source: Source = field(default_factory=lambda: Source("<answer>", ""), compare=False, repr=False)


# ------------------------------------------------------------------ what is around it

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_PERCENT_LINE = re.compile(r"^[ \t]*%[^\n]*$", re.MULTILINE)
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|"[^\n]*|#[^\n]*')
_LATEX_COMMENT = re.compile(r"(?<!\\)[%#][^\n]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|"[^\n]*')
_LATEX = re.compile(r"\\[A-Za-z]{2,}|\\[\[(]|\\\\|\$[^$]+\$")


def answer_source(text: str, name: str) -> Source:
    """``text`` with ``\\n`` for its newlines.  Raises SpecError E0715 where it is too long to be read, E0101 where a
    character cannot be seen."""
    if len(text) > MAX_CHARACTERS:
        message = f"an answer of {len(text)} characters is longer than the {MAX_CHARACTERS} that are read"
        help = "is this the right text? large matrices are better handed in as numbers, in a `.npz` file"
        raise SpecError(Diagnostic("E0715", message, help=help))
    source = Source(name, text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    collector = Collector()
    refuse_characters(source, collector)
    collector.check()
    return source


def clean(text: str) -> str:
    """``text``, as long as before, with blanks for fences and comments."""
    text = _PERCENT_LINE.sub(_blank, without_fences(text))
    if is_latex(text):
        return _LATEX_COMMENT.sub(_blank, text)
    return _COMMENT.sub(lambda m: m.group() if m.group().startswith('"') else _blank(m), text)


def without_fences(text: str) -> str:
    """``text``, as long as before, with blanks for the lines that open and close a Markdown block."""
    return _FENCE.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def is_latex(text: str) -> bool:
    """Whether a command, an environment, ``$..$`` or a script in braces right of ``=`` is there, outside quotes."""
    text = _QUOTED.sub(_blank, text)
    values = (line.partition("=")[2] or line for line in text.split("\n"))
    return _LATEX.search(text) is not None or any("^{" in value or "_{" in value for value in values)


def raise_sorted(collector: Collector) -> None:
    """Raises what was found, first things first, and not too many of them."""
    if collector.found:
        raise SpecError(sorted(collector.found, key=lambda d: d.span.start if d.span else -1)[:MAX_ERRORS])


# ------------------------------------------------------------------ names that are assigned

_INDEXED = re.compile(r"(W_[^\W\d]*[^\W\d_])(\d+)")
_NEARLY = re.compile(r"[wW]_?(?P<letter>[qkvoQKVO]|out|Out|OUT)(?P<index>\d*)")


def target(written: Written, span: Span, collector: Collector) -> tuple[str, str | int | None]:
    """The name and the head that ``written`` stands for on the left of ``=``; complains where it stands for none."""
    indexed = _INDEXED.fullmatch(written.name)
    name, index = (indexed[1], indexed[2]) if indexed else (written.name, "")
    found = _target_trouble(written, span.text.strip(), name, index)
    if found is not None and len(collector.found) < MAX_ERRORS:
        message, label, help = found
        collector.add("E0703", message, span, label=label, help=help)
    return name, written.owner or (int(index[:4]) if index else None)


def _target_trouble(written: Written, shown: str, name: str, index: str) -> tuple[str, str, str] | None:
    """Message, label and help."""
    nearly = _NEARLY.fullmatch(written.name)
    if nearly and name not in MATRICES:
        wanted = f"W_{nearly['letter'][0].upper()}{nearly['index']}"
        return f"`{shown}` names nothing", "not a name", f"did you mean `{wanted}`?"
    if written.transposed or written.power or not name.isidentifier():
        plain = f"assign to `{written.full}`" if name.isidentifier() else "assign to the name alone"
        return "a name alone stands before `=`", "more than a name", f"{plain}, and transpose or multiply on the right"
    if index and (len(index) > 4 or int(index) == 0):
        help = f"the first head that is asked for is `{name}1`, the second `{name}2`"
        return f"there is no head {index[:8]}", "heads count from 1", help
    if index and written.owner:
        return (
            "this names its head twice",
            "by name and by number",
            f"write `{written.owner}.{name}`, or `{name}{index}`",
        )
    return None


def refuse_twice(assigned: list[Assigned], names: list[Span], collector: Collector) -> None:
    """Complains of a name that is given two values (``names`` are where they are named)."""
    seen: dict[tuple[str, str | int | None], Span] = {}
    for item, span in zip(assigned, names, strict=True):
        first = seen.setdefault((item.name, item.head), span)
        if first is not span and len(collector.found) < MAX_ERRORS:
            message, notes = f"`{span.text.strip()}` is given twice", (Note(first, "the first time"),)
            collector.add("E0704", message, span, label="again", help="keep one of them", notes=notes)


# ------------------------------------------------------------------ grids


def rectangular(rows: list[tuple[Span, int]], collector: Collector, between: str) -> bool:
    """Whether all rows (span, number of entries) have one length; complains of those that have another than most."""
    usual = Counter(count for _, count in rows).most_common(1)[0][0] if rows else 0
    odd = [number for number, (_, count) in enumerate(rows) if count != usual]
    if not odd:
        return bool(rows)
    model = next(number for number, (_, count) in enumerate(rows) if count == usual)
    notes = (Note(rows[model][0], f"row {model + 1}: {_entries(usual)}"),)
    help = _ragged_help(rows, between)
    for number in odd[: MAX_ERRORS - len(collector.found)]:
        span, count = rows[number]
        message = f"row {number + 1} has {_entries(count)}, and row {model + 1} has {usual}"
        collector.add("E0705", message, span, label=f"row {number + 1}: {_entries(count)}", help=help, notes=notes)
    return False


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _ragged_help(rows: list[tuple[Span, int]], between: str) -> str:
    """A word on decimal commas where a row that is too long seems to have one."""
    longest, count = max(rows, key=lambda row: row[1])
    match = re.search(r"(?<![\w.])(\d+),(\d+)(?![\w.])", longest.text)
    if match and between == "," and (", " in longest.text or count == 2):
        return f"a decimal is written with a point, `{match[1]}.{match[2]}`; every row has as many entries"
    return f"every row has as many entries, with `{between}` between them; write `0` for an empty place"
