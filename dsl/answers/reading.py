"""The text of an answer -> what it says: matrices, heads, a whole spec, values, or a bare word.

``W_Q = [[1, 0], [0, cos(alpha_0)]]``, ``W_K1 = rows where.cos0, ..``, ``head previous`` with such lines below it,
``layer`` blocks, ``model ..``, LaTeX, or a text without any ``=``.

In: a text as it was handed in.  Out: ``AnswerText``, every part with its span in that text; or one ``SpecError`` with
every independent mistake.  Any text gets one of the two, in bounded time.  Not for: what the names refer to, nor what
is asked for (``headspec.course``).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import cast

from dsl.answers.latex import parse_latex, parse_latex_value
from dsl.answers.math_names import Written, read_name
from dsl.answers.text import (
    AnswerText,
    Assigned,
    Form,
    answer_source,
    clean,
    is_latex,
    raise_sorted,
    rectangular,
    refuse_twice,
    target,
    without_fences,
)
from dsl.diagnostics import Collector, Diagnostic, SpecError, did_you_mean
from dsl.expressions import Expr, ListOf
from dsl.layout import MAX_ERRORS, Layout, Line, read_layout
from dsl.mistakes.value_errors import explain_value, refuse_shape
from dsl.parser import Reader, parse, parse_line
from dsl.span import Source, Span
from dsl.tree import HeadDecl, LayerDecl
from dsl.words import HEAD_LINES, OPENERS, STATEMENTS

__all__ = ["AnswerText", "Assigned", "Form", "parse_answer", "parse_value"]

_SCRIPT = r"(?:[_^](?:[^\W_]+|\{[^{}=\n]{0,200}\}|\([^()=\n]{0,40}\)))"
_TARGET = rf"[^\W\d_][^\W_]*{_SCRIPT}*(?:[ \t]*\.[ \t]*[^\W\d_][^\W_]*{_SCRIPT}*)?'?"
_ASSIGNMENT = re.compile(rf"[ \t]*({_TARGET})[ \t]*:?=(?!=)")
_STARTS = re.compile(rf"[ \t]*({_TARGET}[ \t]*:?=(?!=)|(?:{'|'.join(OPENERS)})\b)")
_ANY_ASSIGNMENT = re.compile(rf"^{_ASSIGNMENT.pattern}", re.MULTILINE)
_OPEN_END = re.compile(r"(?<=[=])([ \t]*)\n(?=[ \t]*[^\s=])")
_MATRIX_ALONE = re.compile(r"\[\s*\[|(?:rows|columns)\b[^=]*[,.]")
_LINES_OF_HEADS = re.compile(
    r"^[ \t]*(?:layer[ \t]*$|head[ \t]+\w+|(?:attend|avoid|rest)[ \t]+key\b|copy[ \t]+.*->|prefer[ \t]+\w+[ \t]+by\b)",
    re.MULTILINE,
)
_OF_A_SPEC = re.compile(
    rf"^(?:{'|'.join(s for s in STATEMENTS if s not in ('model', 'layer', 'for'))})\b[ \t]+\S", re.MULTILINE
)
_FORGOTTEN = re.compile(r"[ \t]*([wW]_?[A-Za-z]\w*)[ \t]*:?[ \t]*(?:\[\[?|rows\b|columns\b)")


def parse_answer(text: str, name: str = "<answer>", vectors: Collection[str] = ()) -> AnswerText:
    """What ``text`` says; ``name`` is shown in errors.  Raises ``SpecError``.

    ``vectors`` are names of basis vectors: in LaTeX, one column of them means rows of a matrix, one row its columns."""
    source = answer_source(text, name)
    written = clean(source.text)
    if not written.strip():
        raise SpecError(Diagnostic("E0701", "an answer is expected, and nothing is written", help=_WHAT))
    if re.match(r"\s*model\b(?!\s*=)", written):
        return AnswerText(spec=parse(without_fences(source.text), source.name), source=source)
    if is_latex(written):
        return parse_latex(source, written, vectors)
    if _MATRIX_ALONE.match(written.strip()) and not _ANY_ASSIGNMENT.search(written):
        return AnswerText((_matrix_alone(source, written),), source=source)
    patterns = (_ANY_ASSIGNMENT, _LINES_OF_HEADS, _OF_A_SPEC, _FORGOTTEN)
    if any(pattern.search(written) for pattern in patterns[:3]) or _FORGOTTEN.match(written.lstrip()):
        return _lines(source, written)
    return AnswerText(bare=written.strip(), source=source)


def parse_value(text: str, name: str = "<answer>") -> Expr:
    """The one expression that ``text`` is, plain or in LaTeX.  Raises ``SpecError``."""
    source = answer_source(text, name)
    written = clean(source.text)
    if not written.strip():
        raise SpecError(Diagnostic("E0701", "an expression is expected, and nothing is written", help=_WHAT))
    if is_latex(written):
        return parse_latex_value(source, written)
    read = _alone(source, written)
    if read[0] != "expression":
        help = "write one number or expression, such as `2*cos(alpha)`"
        raise SpecError(Diagnostic("E0706", "one value is expected, and a matrix is written", help=help))
    return read[1][0]


_WHAT = "write `NAME = VALUE` lines, heads as in a spec, or LaTeX; `headspec exercise show` says what is asked"


# ------------------------------------------------------------------ a value without a name


def _alone(source: Source, written: str) -> tuple[Form, tuple[Expr, ...]]:
    collector = Collector()
    layout = _layout(source, written, collector)
    raise_sorted(collector)
    first, *others = layout.lines
    if others or first.block:
        second = (*first.block, *others)[0]
        span = Span(second.start, second.stop, source)
        help = "join the lines, or write `NAME = VALUE` on each"
        raise SpecError(Diagnostic("E0702", "one value is expected, on one line", span, "a second line", help))
    read = _Lines(layout, collector).value(first, first.start)
    raise_sorted(collector)
    assert read is not None
    return read


def _matrix_alone(source: Source, written: str) -> Assigned:
    form, items = _alone(source, written)
    start = len(written) - len(written.lstrip())
    return Assigned("", None, form, items, span=Span(start, len(written.rstrip()), source))


# ------------------------------------------------------------------ lines


def _layout(source: Source, written: str, collector: Collector) -> Layout:
    """The lines of ``written``, with spans in ``source``.  A line goes on after a ``=`` at its end."""

    def join(end: re.Match[str]) -> str:
        return end.group() if _ASSIGNMENT.match(written, end.end()) else end.group(1) + " "

    joined = _OPEN_END.sub(join, written)
    inner = Collector()
    layout = read_layout(Source(source.name, joined), inner, _STARTS)
    collector.found += [_placed(diagnostic, source) for diagnostic in inner.found]
    return replace(layout, source=source)


def _placed(diagnostic: Diagnostic, source: Source) -> Diagnostic:
    """The same diagnostic in ``source``, whose text is as long."""
    span = diagnostic.span
    return replace(diagnostic, span=Span(span.start, span.stop, source)) if span else diagnostic


def _lines(source: Source, written: str) -> AnswerText:
    collector = Collector()
    reader = _Lines(_layout(source, written, collector), collector)
    for line in reader.layout.lines:
        if len(collector.found) >= MAX_ERRORS:
            break
        reader.line(line)
    refuse_twice(reader.assigned, reader.named, collector)
    raise_sorted(collector)
    return AnswerText(tuple(reader.assigned), tuple(reader.layers), source=source)


class _Lines:
    """Reads lines of the first level: assignments, heads of the answer, layers."""

    def __init__(self, layout: Layout, collector: Collector) -> None:
        self.layout = layout
        self.collector = collector
        self.spec = Reader(layout, collector)
        self.assigned: list[Assigned] = []
        self.named: list[Span] = []
        self.layers: list[LayerDecl] = []

    def line(self, line: Line) -> None:
        word = self.spec.first_word(line)
        if self.assignment(line):
            self.assign(line, None)
        elif word == "head":
            self.head(line)
        elif word == "layer":
            found = self.spec.statement(line)
            self.layers += [found] if isinstance(found, LayerDecl) else []
        elif line.sound:
            self.misplaced(line, word)

    def assignment(self, line: Line) -> re.Match[str] | None:
        return _ASSIGNMENT.match(self.layout.text, line.start, line.stop)

    # ------------------------------------------------------------------ heads

    def head(self, line: Line) -> None:
        """A head of a spec, a layer of its own; or a head below which there are only assignments."""
        words = {self.spec.first_word(inner) for inner in line.block}
        if words & {*HEAD_LINES} - {"W_Q", "W_K", "W_V", "W_O"}:
            found = self.spec.head(line)
            if found is not None:
                self.layers.append(LayerDecl((found,), span=found.span))
            return
        head = self.spec.read(line, "head")
        doc, lines = self.spec.doc(line.block)
        if not lines and line.sound:
            span, help = self.spec.span(line), "indent its lines below it: `attend ..`, `copy ..`, or `W_Q = ..`"
            self.collector.add("E0702", "this head says nothing", span, label="no line below it", help=help)
        for inner in lines:
            if self.assignment(inner):
                self.assign(inner, head.name if isinstance(head, HeadDecl) else "")
            elif inner.sound:
                self.misplaced(inner, self.spec.first_word(inner))

    # ------------------------------------------------------------------ assignments

    def assign(self, line: Line, head: str | None) -> None:
        """``NAME = VALUE``, or ``NAME = NAME = VALUE``: one value under several names."""
        names: list[tuple[Written, Span]] = []
        at = line.start
        while match := _ASSIGNMENT.match(self.layout.text, at, line.stop):
            names.append(self.name(match))
            at = match.end()
        targets = [(target(written, span, self.collector), span) for written, span in names]
        self.spec.refuse_block(line.block, names[0][1].text)
        if not line.sound:
            return
        read = self.value(line, at)
        for (name, own), span in targets:
            if own is not None and head is not None and own != head:
                help = f"write `{name}` alone below `head {head}`"
                self.collector.add("E0703", "this names another head", span, label=f"below `{head}`", help=help)
            if read is not None:
                whole = Span(names[0][1].start, line.stop, self.layout.source)
                self.assigned.append(Assigned(name, head if own is None else own, *read, span=whole))
                self.named.append(span)

    def name(self, match: re.Match[str]) -> tuple[Written, Span]:
        span = Span(match.start(1), match.end(1), self.layout.source)
        written = read_name(self.layout.text, span.start)
        whole = written is not None and written.trouble is None and written.stop >= span.stop
        return (written if whole and written else Written(span.text, span.start, span.stop)), span

    def value(self, line: Line, at: int) -> tuple[Form, tuple[Expr, ...]] | None:
        """The value that starts at ``at`` and ends with ``line``; None where the collector knows why there is none."""
        at += len(self.layout.text[at : line.stop]) - len(self.layout.text[at : line.stop].lstrip())
        rest = Line(at, line.stop, line.indent)
        try:
            form, items = parse_line(self.layout, rest, "value")
        except SpecError as error:
            self.collector.found += [explain_value(d, self.layout, rest) for d in error.diagnostics]
            return None
        if form == "entries" and not self.is_matrix(items, Span(at, line.stop, self.layout.source)):
            return None
        return cast(Form, form), items

    def is_matrix(self, rows: tuple[Expr, ...], span: Span) -> bool:
        if not refuse_shape(rows, span, self.collector):
            return False
        counts = [(row.span, len(row.items)) for row in rows if isinstance(row, ListOf)]
        return rectangular(counts, self.collector, ",")

    # ------------------------------------------------------------------ other lines

    def misplaced(self, line: Line, word: str) -> None:
        span = Span(line.start, line.start + max(1, len(word)), self.layout.source)
        if forgotten := _FORGOTTEN.match(self.layout.words(line)):
            name = forgotten[1]
            help = f"write `{name} = ..`"
            self.collector.add("E0702", f"`=` is missing after `{name}`", span, label="what is its value?", help=help)
        elif word in HEAD_LINES:
            help = "write `head NAME` above, and indent this line below it"
            self.collector.add("E0702", f"`{word}` is a line of a head", span, label="no head here", help=help)
        elif word in STATEMENTS:
            help = "leave it out: it is given; or hand in a whole spec, which starts with `model NAME`"
            if word in ("symbol", "param"):
                help = "write `NAME = VALUE` alone"
            self.collector.add("E0702", f"`{word}` is a line of a spec", span, label="not of an answer", help=help)
        else:
            help = did_you_mean(word, OPENERS) or "a line of an answer is `NAME = VALUE`, or belongs to a `head NAME`"
            self.collector.add("E0702", "this line gives nothing a value", span, label="no `=`", help=help)
