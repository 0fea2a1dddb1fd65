"""Syntax tree -> text: the formatter.

In: a ``Spec`` (parsed, or built by a program).  Out: its canonical text, with the comments and the blank lines of the
source it was parsed from.  Laws: ``parse(print_spec(t)) == t``, and printing what was printed changes nothing.  Where
rows go, and how they are aligned, is ``formatting``'s; what stands in them also ``expressions``'s and
``patterns``'s.  Not for: meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from dsl import expressions as E
from dsl import head_lines as L
from dsl import tree as T
from dsl.printing.expressions import print_expression, print_item, print_items, print_operand, quote
from dsl.printing.formatting import Row, layout_rows
from dsl.printing.patterns import print_pattern, print_token_item
from dsl.span import Span


def print_spec(spec: T.Spec) -> str:
    """The canonical text of ``spec``, ending in a newline (empty for an empty spec)."""
    rows = [row for statement in spec.statements for row in _statement_rows(statement)]
    return layout_rows(rows, spec.comments)


# ------------------------------------------------------------------ statements


def _statement_rows(statement: T.Statement) -> list[Row]:
    match statement:
        case T.ModelDecl(name, doc):
            row = Row(0, "model", (f"model {name}",), statement.span)
            return [row, *_doc_rows(doc, 1, statement.span)]
        case T.LayerDecl(items):
            row = Row(0, "layer", ("layer",), _first_line(statement.span, "layer"))
            return [row, *_deeper(r for item in items for r in _statement_rows(item))]
        case T.HeadDecl():
            return _head_rows(statement)
        case T.ForDecl():
            return _family_rows(statement)
        case _:
            return [_statement_row(statement)]


def _deeper(rows: Iterable[Row]) -> list[Row]:
    """The rows of a block, one step further in."""
    return [replace(row, depth=row.depth + 1) for row in rows]


def _first_line(span: Span, text: str) -> Span:
    """Where the line stands that opens the block of ``span``."""
    return Span(span.start, span.start + len(text), span.source)


def _family_rows(family: T.ForDecl) -> list[Row]:
    text = f"for {family.variable} in {print_item(family.values)}"
    row = Row(0, "for", (text,), Span(family.span.start, family.variable_span.stop, family.span.source))
    return [row, *_deeper(r for item in family.body for r in _body_rows(item))]


def _body_rows(item: T.Statement | T.HeadLine) -> list[Row]:
    return [_line_row(item)] if isinstance(item, L.Line) else _statement_rows(item)


def _statement_row(statement: T.Statement) -> Row:
    span = statement.span
    match statement:
        case T.TokensDecl(items):
            return Row(0, "tokens", ("tokens ",), span, tuple(print_token_item(i, in_pattern=False) for i in items))
        case T.SequencesDecl(pattern):
            return Row(0, "tokens", (f"sequences {print_pattern(pattern)}",), span)
        case T.GenerateDecl(slots):
            return Row(0, "tokens", (f"generate {', '.join(str(slot.name) for slot in slots)}",), span)
        case T.SettingDecl(setting, value):
            group = "tokens" if setting == "context" else "setting"
            return Row(0, group, (f"{setting} {print_expression(value)}",), span)
        case T.BasisDecl("vectors", rows):
            return Row(0, "setting", ("basis [",), span, tuple(print_item(r) for r in rows), "]")
        case T.BasisDecl(kind, arguments):
            return Row(0, "setting", (f"basis {kind}{_arguments(arguments, ())}",), span)
        case T.PositionsDecl(scheme, options):
            return Row(0, "setting", (f"positions {scheme}{_arguments((), options)}",), span)
        case T.SymbolDecl(name, positive, default):
            ending = "" if default is None else f" = {print_expression(default)}"
            return Row(0, "name", (f"symbol {name}{' > 0' if positive else ''}{ending}",), span)
        case T.ParamDecl(name, value):
            return Row(0, "name", (f"param {name} = {print_expression(value)}",), span)
        case T.TableDecl(name, entries):
            return Row(0, "table", (f"table {name}: ",), span, tuple(_entry(e) for e in entries))
        case T.SubspaceDecl():
            return _subspace_row(statement)
        case T.EmbedDecl():
            return _embed_row(statement)
        case T.PredictDecl(subspace, own):
            return Row(0, "predict", (f"predict {subspace}{' as tokens' * own}",), span)
        case T.ExpectHead() | T.ExpectOutput() | T.ExpectValue():
            return Row(0, "expect", _claim_cells(statement), span)
        case T.LayoutDecl(slots):
            names = (quote(slot.token) if slot.token is not None else str(slot.name) for slot in slots)
            return Row(0, "tokens", (f"layout {' '.join(names)}",), span)
        case T.ComputeDecl(target, value):
            return Row(0, "compute", (f"compute {target} ", f"= {print_expression(value)}"), span)
        case T.ModelDecl() | T.LayerDecl() | T.HeadDecl() | T.ForDecl():
            raise AssertionError("these have rows of their own")
        case _:
            assert_never(statement)


def _subspace_row(statement: T.SubspaceDecl) -> Row:
    at = "" if statement.at is None else f" at {print_items(statement.at)}"
    if statement.encoding is None:
        return Row(0, "subspace", (f"subspace {statement.name} like {statement.like}{at}",), statement.span)
    encoding = statement.encoding
    meaning = encoding.kind + _arguments(encoding.arguments, encoding.options)
    return Row(0, "subspace", (f"subspace {statement.name} ", f": {meaning}{at}"), statement.span)


def _embed_row(statement: T.EmbedDecl) -> Row:
    source = statement.source if statement.image is None else print_expression(statement.image)
    cells = (f"embed {source} ", f"-> {statement.target}")
    if statement.matrix is None:
        return Row(0, "embed", cells, statement.span)
    rows = tuple(print_item(row) for row in statement.matrix.items)
    return Row(0, "embed", (cells[0], f"{cells[1]} = ["), statement.span, rows, "]")


def _claim_cells(claim: T.ExpectHead | T.ExpectOutput | T.ExpectValue) -> tuple[str, ...]:
    match claim:
        case T.ExpectHead(head, predicate, otherwise):
            ending = "" if otherwise is None else f" otherwise {print_expression(otherwise)}"
            return f"expect head {head}: ", print_expression(predicate) + ending
        case T.ExpectOutput(prompt, answer, generated):
            return (f"expect {quote(prompt)} {'->*' if generated else '->'} {quote(answer)}",)
        case T.ExpectValue(subspace, after, value):
            return (f"expect {subspace} after {print_operand(after)} == {print_expression(value)}",)


def _arguments(arguments: tuple[E.Expr, ...], options: tuple[T.Option, ...]) -> str:
    parts = [print_item(a) for a in arguments] + [f"{o.name} = {print_item(o.value)}" for o in options]
    return f"({', '.join(parts)})" if parts else ""


def _entry(entry: T.TableEntry) -> str:
    return f"{print_operand(entry.argument)} -> {print_operand(entry.image)}"


# ------------------------------------------------------------------ heads


def _head_rows(head: T.HeadDecl) -> list[Row]:
    words = ["head", head.name]
    words += ["at", f"{head.at[0]}.{head.at[1]}"] if head.at is not None else []
    words += ["d_head", print_expression(head.d_head)] if head.d_head is not None else []
    words += ["soft"] if head.soft else []
    span = Span(head.span.start, max(head.span.start, head.name_span.stop), head.span.source)
    rows = [Row(0, "head", (" ".join(words),), span)]
    return [*rows, *_doc_rows(head.doc, 1, span), *_deeper(r for line in head.lines for r in _line_rows(line))]


def _line_rows(line: T.HeadLine) -> list[Row]:
    return _family_rows(line) if isinstance(line, T.ForDecl) else [_line_row(line)]


def _line_row(line: L.Line) -> Row:
    match line:
        case L.AttendLine(relation, negated, when, strength, share):
            text = f"{'avoid ' if negated else 'attend'} {print_expression(relation)}"
            text += f" when {print_expression(when)}" if when is not None else ""
            text += f" strength {print_expression(strength)}" if strength is not None else ""
            text += f" share {print_expression(share)}" if share is not None else ""
            return Row(0, "line", (text,), line.span)
        case L.RestLine(condition):
            return Row(0, "line", (f"rest   {print_expression(condition)}",), line.span)
        case L.PreferLine(direction, by):
            return Row(0, "line", (f"prefer {direction} by {by}",), line.span)
        case L.CopyLine(value, target, through):
            table = f" through {through}" if through is not None else ""
            return Row(0, "line", (f"copy   {print_expression(value)}{table} -> {target}",), line.span)
        case L.MatrixLine(name, "entries", items):
            return Row(0, "line", (f"{name} = [",), line.span, tuple(print_item(i) for i in items), "]")
        case L.MatrixLine(name, form, items):
            return Row(0, "line", (f"{name} = {form} ",), line.span, tuple(print_item(i) for i in items))
        case _:
            assert_never(line)


def _doc_rows(doc: str | None, depth: int, owner: Span) -> list[Row]:
    """One row per line of a docstring; they stand where the strings below ``owner`` stood."""
    if doc is None:
        return []
    texts = [quote(part) for part in doc.split("\n")]
    places = _doc_places(owner, len(texts))
    return [Row(depth, "doc", (text,), place) for text, place in zip(texts, places, strict=True)]


def _doc_places(owner: Span, count: int) -> list[Span]:
    places: list[Span] = []
    text = owner.source.text
    start = text.find("\n", owner.stop) + 1 if owner.stop else 0
    while start and len(places) < count:
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        if text[start:stop].lstrip().startswith('"'):
            first = stop - len(text[start:stop].lstrip())
            places.append(Span(first, first + 1, owner.source))
        start = stop + 1 if stop < len(text) else 0
    return places if len(places) == count else [owner] * count
