"""Syntax tree -> text: the formatter.

In: a ``Spec`` (parsed, or built by a program) or an expression.  Out: its canonical text, with the comments and
the blank lines of the source it was parsed from.  Laws: ``parse(print_spec(t)) == t``, and printing what was printed
changes nothing.  Parentheses stand only where the grammar needs them.  Where rows go, and how they are aligned, is
``formatting``'s; not for: meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import assert_never

from dsl import expressions as E
from dsl import head_lines as L
from dsl import token_patterns as P
from dsl import tree as T
from dsl.formatting import Row, layout_rows
from dsl.span import Span

_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(1, 11)
_BINARY = {
    "or": (_OR, _OR, _AND),
    "and": (_AND, _AND, _NOT),
    "+": (_SUM, _SUM, _PRODUCT),
    "-": (_SUM, _SUM, _PRODUCT),
    "*": (_PRODUCT, _PRODUCT, _UNARY),
    "/": (_PRODUCT, _PRODUCT, _UNARY),
    "//": (_PRODUCT, _PRODUCT, _UNARY),
    "mod": (_PRODUCT, _PRODUCT, _UNARY),
    "^": (_POWER, _ATOM, _UNARY),
}
"""Operator -> its own level, and the least level of its left and right operands."""

HeadLine = L.AttendLine | L.RestLine | L.PreferLine | L.CopyLine | L.MatrixLine
HEAD_LINES = (L.AttendLine, L.RestLine, L.PreferLine, L.CopyLine, L.MatrixLine)
_WORD = re.compile(r"\w+")
_BARE_TOKEN = re.compile(r'\w+|<[^<>\s"#(),\[\]{}]+>')
_TIGHT = ("*", "/", "//", "^")


def print_spec(spec: T.Spec) -> str:
    """The canonical text of ``spec``, ending in a newline (empty for an empty spec)."""
    rows = [row for statement in spec.statements for row in _statement_rows(statement)]
    return layout_rows(rows, spec.comments)


def print_expression(expr: E.Expr) -> str:
    """``expr`` on one line, with the fewest parentheses."""
    return _expression(expr, _CHOICE)


# ------------------------------------------------------------------ expressions


def _expression(expr: E.Expr, least: int) -> str:
    text, level = _levelled(expr)
    return f"({text})" if level < least else text


def _levelled(expr: E.Expr) -> tuple[str, int]:
    """The text of ``expr`` and the level of its outermost operator."""
    match expr:
        case E.Number(value):
            return _number(value)
        case E.Text(value):
            return quote(value), _ATOM
        case E.Truth(value):
            return ("true" if value else "false"), _ATOM
        case E.Name(name):
            return name, _ATOM
        case E.Member(owner, member):
            bare = isinstance(member, E.Label) or _WORD.fullmatch(member)
            return f"{owner}.{member if bare else quote(member)}", _ATOM
        case E.Call(function, arguments):
            return f"{function}({_items(arguments)})", _ATOM
        case E.TokenAt(index):
            return f"token[{print_expression(index)}]", _ATOM
        case E.Unary("-", operand):
            return f"-{_expression(operand, _UNARY)}", _UNARY
        case E.Unary(_, operand):
            return f"not {_expression(operand, _NOT)}", _NOT
        case E.Binary():
            return _binary(expr)
        case E.Comparison(operator, left, right):
            return f"{_expression(left, _SUM)} {operator} {_expression(right, _SUM)}", _COMPARISON
        case E.Conditional(condition, then, otherwise):
            words = ("if", "then", "else")
            parts = (print_expression(part) for part in (condition, then, otherwise))
            return " ".join(f"{word} {part}" for word, part in zip(words, parts, strict=True)), _CHOICE
        case E.Summation(term, variable, values):
            return f"sum({print_expression(term)} for {variable} in {_item(values)})", _ATOM
        case E.Range(low, high):
            return f"{_expression(low, _SUM)}..{_expression(high, _SUM)}", 0
        case E.SetOf(members):
            return f"{{{_items(members)}}}", _ATOM
        case E.ListOf(items):
            return f"[{_items(items)}]", _ATOM
        case _:
            assert_never(expr)


def _binary(expr: E.Binary) -> tuple[str, int]:
    """``a + b`` is spaced, and so is ``1/2 * key.a``; products of plain numbers and names are tight: ``2*pi/10``."""
    level, left, right = _BINARY[expr.operator]
    tight = expr.operator in _TIGHT and not _reads_feature(expr)
    sign = expr.operator if tight else f" {expr.operator} "
    return f"{_expression(expr.left, left)}{sign}{_expression(expr.right, right)}", level


def _reads_feature(expr: E.Expr) -> bool:
    """Whether an operand of this product is itself ``key.A`` or ``query.A``."""
    sides = (expr.left, expr.right) if isinstance(expr, E.Binary) else ()
    return any(isinstance(s, E.Member) and s.owner in ("key", "query") for s in sides)


def print_items(items: tuple[E.Expr, ...]) -> str:
    """``items`` separated by commas, as in a set or a list."""
    return _items(items)


def _items(items: tuple[E.Expr, ...]) -> str:
    return ", ".join(_item(item) for item in items)


def _item(item: E.Expr) -> str:
    """An item of a list, a set or a call, where ranges may stand bare."""
    return _levelled(item)[0] if isinstance(item, E.Range) else print_expression(item)


def _number(value: Fraction) -> tuple[str, int]:
    sign, value = ("-", -value) if value < 0 else ("", value)
    digits = _decimal_digits(value.denominator)
    if digits is None:
        return f"{sign}{value.numerator}/{value.denominator}", _PRODUCT
    text = str(value.numerator * 10**digits // value.denominator)
    if digits:
        text = text.rjust(digits + 1, "0")
        text = f"{text[:-digits]}.{text[-digits:]}"
    return sign + text, _UNARY if sign else _ATOM


def _decimal_digits(denominator: int) -> int | None:
    """How many decimals write 1/denominator exactly; None when none do."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def quote(text: str) -> str:
    """``text`` as a quoted token."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


# ------------------------------------------------------------------ patterns of tokens


def _pattern(pattern: P.Pattern, least: int = 0) -> str:
    match pattern:
        case P.ChoicePattern(options):
            text, level = " | ".join(_pattern(o, 1) for o in options), 0
        case P.ConcatPattern(parts):
            text, level = " ".join(_pattern(p, 2) for p in parts), 1
        case P.RepeatPattern(body, low, high, within):
            count = _count(low, high) if within is None else f"{{{print_expression(low)}: {_item(within)}}}"
            text, level = _pattern(body, 4) + count, 2
        case P.NamedPattern(name, body):
            return f"({name}: {_pattern(body)})"
        case P.TokenPattern(items):
            text, level = ", ".join(_token_item(i) for i in items), 3 if items[0].last else 4
        case _:
            assert_never(pattern)
    return f"({text})" if level < least else text


def _count(low: E.Expr, high: E.Expr | None) -> str:
    match low, high:
        case E.Number(Fraction(numerator=0, denominator=1)), None:
            return "*"
        case E.Number(Fraction(numerator=1, denominator=1)), None:
            return "+"
        case E.Number(Fraction(numerator=0, denominator=1)), E.Number(Fraction(numerator=1, denominator=1)):
            return "?"
        case _, None:
            return f"{{{print_expression(low)},}}"
        case _:
            bounds = [print_expression(b) for b in ((low,) if low == high else (low, high))]
            return "{" + (", " if " " in "".join(bounds) else ",").join(bounds) + "}"


def _token_item(item: P.TokenItem, *, in_pattern: bool = True) -> str:
    ends = (end for end in (item.first, item.last) if end is not None)
    return "..".join(_token_end(end, in_pattern) for end in ends)


def _token_end(end: str | E.Expr, in_pattern: bool) -> str:
    """A word as it is; arithmetic in parentheses, where ``tokens`` (or, sooner, a pattern) would not read it bare."""
    if isinstance(end, str):
        return end if _BARE_TOKEN.fullmatch(end) else quote(end)
    bare = isinstance(end, E.Binary | E.Unary) and (_is_difference(end) if in_pattern else _is_plain(end))
    return print_expression(end) if bare else f"({print_expression(end)})"


def _is_difference(expr: E.Expr) -> bool:
    """``p - q - 1``, whose minus repeats nothing in a pattern."""
    match expr:
        case E.Binary("-", left, right):
            return _is_difference(left) and _is_word(right)
        case _:
            return _is_word(expr)


def _is_plain(expr: E.Expr) -> bool:
    match expr:
        case E.Binary(operator, left, right):
            return operator in ("+", "-", *_TIGHT) and _is_plain(left) and _is_plain(right)
        case E.Unary("-", operand):
            return _is_plain(operand)
        case _:
            return _is_word(expr)


def _is_word(expr: E.Expr) -> bool:
    """A number or a name that is one word among tokens too."""
    match expr:
        case E.Number(value):
            return value >= 0 and value.denominator == 1
        case E.Name(name):
            return not isinstance(name, E.Label) and name.isidentifier()
        case _:
            return isinstance(expr, E.Text)


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
    text = f"for {family.variable} in {_item(family.values)}"
    row = Row(0, "for", (text,), Span(family.span.start, family.variable_span.stop, family.span.source))
    return [row, *_deeper(r for item in family.body for r in _body_rows(item))]


def _body_rows(item: T.Statement | T.HeadLine) -> list[Row]:
    return [_line_row(item)] if isinstance(item, HEAD_LINES) else _statement_rows(item)


def _statement_row(statement: T.Statement) -> Row:
    span = statement.span
    match statement:
        case T.TokensDecl(items):
            return Row(0, "tokens", ("tokens ",), span, tuple(_token_item(i, in_pattern=False) for i in items))
        case T.SequencesDecl(pattern):
            return Row(0, "tokens", (f"sequences {_pattern(pattern)}",), span)
        case T.GenerateDecl(slots):
            return Row(0, "tokens", (f"generate {', '.join(str(slot.name) for slot in slots)}",), span)
        case T.SettingDecl(setting, value):
            group = "tokens" if setting == "context" else "setting"
            return Row(0, group, (f"{setting} {print_expression(value)}",), span)
        case T.BasisDecl("vectors", rows):
            return Row(0, "setting", ("basis [",), span, tuple(_item(r) for r in rows), "]")
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
        case T.EmbedDecl(source, target, matrix, image):
            cells = (f"embed {source if image is None else print_expression(image)} ", f"-> {target}")
            if matrix is None:
                return Row(0, "embed", cells, span)
            return Row(0, "embed", (cells[0], f"{cells[1]} = ["), span, tuple(_item(i) for i in matrix.items), "]")
        case T.PredictDecl(subspace, own):
            return Row(0, "predict", (f"predict {subspace}{' as tokens' * own}",), span)
        case T.ExpectHead(head, predicate, otherwise):
            ending = "" if otherwise is None else f" otherwise {print_expression(otherwise)}"
            return Row(0, "expect", (f"expect head {head}: ", print_expression(predicate) + ending), span)
        case T.ExpectOutput(prompt, answer, generated):
            arrow = "->*" if generated else "->"
            return Row(0, "expect", (f"expect {quote(prompt)} {arrow} {quote(answer)}",), span)
        case T.ExpectValue(subspace, after, value):
            text = f"expect {subspace} after {_expression(after, _SUM)} == {print_expression(value)}"
            return Row(0, "expect", (text,), span)
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
    at = "" if statement.at is None else f" at {_items(statement.at)}"
    if statement.encoding is None:
        return Row(0, "subspace", (f"subspace {statement.name} like {statement.like}{at}",), statement.span)
    encoding = statement.encoding
    meaning = encoding.kind + _arguments(encoding.arguments, encoding.options)
    return Row(0, "subspace", (f"subspace {statement.name} ", f": {meaning}{at}"), statement.span)


def _arguments(arguments: tuple[E.Expr, ...], options: tuple[T.Option, ...]) -> str:
    parts = [_item(a) for a in arguments] + [f"{o.name} = {_item(o.value)}" for o in options]
    return f"({', '.join(parts)})" if parts else ""


def _entry(entry: T.TableEntry) -> str:
    return f"{_expression(entry.argument, _SUM)} -> {_expression(entry.image, _SUM)}"


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


def _line_row(line: HeadLine) -> Row:
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
            return Row(0, "line", (f"{name} = [",), line.span, tuple(_item(i) for i in items), "]")
        case L.MatrixLine(name, form, items):
            return Row(0, "line", (f"{name} = {form} ",), line.span, tuple(_item(i) for i in items))
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
