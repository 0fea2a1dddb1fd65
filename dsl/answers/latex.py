"""LaTeX -> the same answer that plain text gives.

``W_Q = \\begin{bmatrix} 1 & 0 \\\\ 0 & \\cos(\\alpha_0) \\end{bmatrix}``, a factor before a matrix, ``^T`` after it,
bracket lists ``[[1, 0], [0, 1]]``, and columns or rows of basis vectors.

In: a source and its cleaned text (``text``), and which names are basis vectors.  Out: ``AnswerText``, or one
``SpecError`` with every independent mistake.  Equations are cut at their ``=``, matrices into entries, and each entry
is read alone by ``latex.lark``.  Not for: formulas in matrices (``formulas``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from lark import Token

from dsl import expressions as E
from dsl.answers.latex_building import build
from dsl.answers.latex_grids import Grid, is_direction, times, turned
from dsl.answers.math_names import Written
from dsl.answers.math_tokens import span_of, tokenize
from dsl.answers.text import AnswerText, Assigned, Form, raise_sorted, rectangular, refuse_twice, target
from dsl.answers.token_lists import around, closing, is_factor, split, trimmed, without_transposes
from dsl.answers.token_parsing import balanced, parse_tokens
from dsl.diagnostics import Collector
from dsl.layout import MAX_ERRORS
from dsl.span import Source, Span

_ALONE = "a name alone stands before `=`"


def parse_latex(source: Source, text: str, vectors: Collection[str] = ()) -> AnswerText:
    """What ``text``, which stands where that of ``source`` does, says.  Raises SpecError."""
    collector = Collector()
    reader = _Reader(source, collector, vectors)
    tokens = tokenize(source, text, collector)
    equations = reader.equations(tokens)
    bare = "" if equations else text.strip()
    assigned = reader.assigned(equations) if equations else reader.alone(tokens)
    raise_sorted(collector)
    return AnswerText(tuple(assigned), bare="" if assigned else bare, source=source)


def parse_latex_value(source: Source, text: str) -> E.Expr:
    """The one expression that ``text`` is.  Raises SpecError."""
    collector = Collector()
    reader = _Reader(source, collector, ())
    tokens = trimmed(tokenize(source, text, collector))
    found = reader.expression(tokens) if tokens and balanced(tokens, source, collector) else None
    if found is None and not collector.found:
        collector.add("E0701", "an expression is expected, and nothing is written")
    raise_sorted(collector)
    assert found is not None
    return found


@dataclass
class _Equation:
    """``name = tokens``, below the line of its ``head`` if there is one.  Without a name it is refused already."""

    name: Token | None
    tokens: list[Token]
    head: str | None = None


class _Reader:
    def __init__(self, source: Source, collector: Collector, vectors: Collection[str]) -> None:
        self.source = source
        self.collector = collector
        self.vectors = frozenset(vectors)

    def refuse(self, code: str, message: str, at: Token, label: str, help: str, last: Token | None = None) -> None:
        if len(self.collector.found) < MAX_ERRORS:
            self.collector.add(code, message, span_of(self.source, at, last), label=label, help=help)

    # ------------------------------------------------------------------ equations

    def equations(self, tokens: list[Token]) -> list[_Equation]:
        """The equations, cut before each name that stands before ``=``; empty where there is no ``=``."""
        found: list[_Equation] = []
        head: str | None = None
        value: list[Token] = []  # since the last `=`, or since the start
        for token in tokens:
            if token.type == "EQUAL":
                equation = self.equation(value, token, found, head)
                value = equation.tokens
                found.append(equation)
            elif token.type == "HEAD":
                head = str(token)
                value = []
            else:
                value.append(token)
        return found

    def equation(self, before: list[Token], equal: Token, found: list[_Equation], head: str | None) -> _Equation:
        """The equation whose ``equal`` sign comes after ``before``, from which its name is taken."""
        while before and before[-1].type == "AMP":
            before.pop()
        if not before or before[-1].type not in ("NAME", "MEMBER"):
            if not before or before[-1].type != "BAD":
                self.refuse("E0703", _ALONE, equal, "what stands before it is no name", "write `NAME = VALUE`")
            before.clear()
            return _Equation(None, [], head)
        name = before.pop()
        if not found and (stray := trimmed(before)):
            self.refuse("E0703", _ALONE, stray[0], "not expected", "write `NAME = VALUE`", name)
        return _Equation(name, [], head)

    def assigned(self, equations: list[_Equation]) -> list[Assigned]:
        result: list[Assigned] = []
        named: list[Span] = []
        pending: list[_Equation] = []
        for equation in equations:
            pending.append(equation)
            value = trimmed(equation.tokens)
            chained = all(token.type == "AMP" for token in equation.tokens)
            if chained and equation is not equations[-1] and equation.name is not None:
                continue
            for one, span in self.values(pending, value):
                result.append(one)
                named.append(span)
            pending = []
        refuse_twice(result, named, self.collector)
        return result

    def values(self, equations: list[_Equation], value: list[Token]) -> list[tuple[Assigned, Span]]:
        """The one ``value`` of all ``equations``, under the name of each."""
        result = []
        for equation in equations:
            name = equation.name
            if name is None:
                continue
            if not value:
                self.refuse(
                    "E0710", f"nothing is written after `{_plain(name)} =`", name, "no value", "write its value"
                )
                continue
            span = span_of(self.source, name)
            owner, _, last = str(name).rpartition("\n")
            written = Written(last, span.start, span.stop, owner)
            text, head = target(written, span, self.collector)
            read = self.value(value, text)
            if read is not None:
                whole = span_of(self.source, name, value[-1])
                result.append((Assigned(text, equation.head if head is None else head, *read, span=whole), span))
        return result

    def alone(self, tokens: list[Token]) -> list[Assigned]:
        """A matrix without a name; nothing for anything else, which is for others to read."""
        value = trimmed(tokens)
        if not any(token.type == "BEGIN" for token in value) and [t.type for t in value[:2]] != ["LSQB", "LSQB"]:
            self.collector.found.clear()
            return []
        read = self.value(value, "")
        return [Assigned("", None, *read, span=span_of(self.source, value[0], value[-1]))] if read else []

    # ------------------------------------------------------------------ values

    def value(self, tokens: list[Token], name: str) -> tuple[Form, tuple[E.Expr, ...]] | None:
        if any(token.type == "BAD_END" for token in tokens) or not balanced(tokens, self.source, self.collector):
            return None
        if (
            len(tokens) > 1
            and str(tokens[0]) in ("rows", "columns")
            and tokens[1].type not in ("PLUS", "STAR", "SLASH", "HAT")
        ):
            parts = split(tokens[1:], "COMMA")
            if not all(parts):
                self.refuse(
                    "E0709", "a vector is missing", tokens[0], "in this list", "write one more, or no comma", tokens[-1]
                )
            items = [self.expression(part, ",") for part in parts]
            return (cast(Form, str(tokens[0])), tuple(i for i in items if i)) if all(items) else None
        if any(token.type == "BEGIN" for token in tokens):
            grid = self.matrix(tokens)
            return self.form(grid, name) if grid else None
        core, transposed = without_transposes(tokens)
        if len(core) > 1 and core[0].type == "LSQB" and closing(core, 0) == len(core) - 1:
            grid = self.brackets(core)
            return self.form(turned(grid) if transposed else grid, name) if grid else None
        read = self.expression(tokens)
        return ("expression", (read,)) if read else None

    def expression(self, tokens: list[Token], between: str = "") -> E.Expr | None:
        if not tokens or any(token.type.startswith("BAD") for token in tokens):
            return None
        tree = parse_tokens("latex", tokens, self.source, self.collector, between)
        return build(tree, self.source, self.collector) if tree is not None else None

    def matrix(self, tokens: list[Token]) -> Grid | None:
        """``FACTOR matrix^T``, with any brackets around the matrix."""
        begin = next(i for i, token in enumerate(tokens) if token.type == "BEGIN")
        start, stop, transposed = around(tokens, begin)
        grid = tokens[begin : closing(tokens, begin) + 1]
        if stop != len(tokens) - 1 or not is_factor(tokens[:start]):
            help = "write out the matrix that comes out; only one factor may stand before it, and `^T` after it"
            self.refuse(
                "E0714", "matrices are not added or multiplied out here", tokens[0], "not read", help, tokens[-1]
            )
            return None
        rows = [split(row, "AMP") for row in split(grid[1:-1], "NEWROW")]
        if len(rows) > 1 and rows[-1] == [[]]:
            rows.pop()
        read = self.grid(rows, grid, "&")
        if read is None:
            return None
        return self.scaled(turned(read) if transposed else read, tokens[:start])

    def scaled(self, grid: Grid, factor: list[Token]) -> Grid | None:
        """``grid`` times the factor before it, if there is one."""
        factor = factor[:-1] if factor and factor[-1].type == "STAR" else factor
        if [token.type for token in factor] in ([], ["PLUS"]):
            return grid
        if [token.type for token in factor] == ["MINUS"]:
            return times(grid, None)
        scale = self.expression(factor)
        return times(grid, scale) if scale is not None else None

    def brackets(self, tokens: list[Token]) -> Grid | None:
        """``[[a, b], [c, d]]``."""
        parts = split(tokens[1:-1], "COMMA")
        if not all(p and p[0].type == "LSQB" and closing(p, 0) == len(p) - 1 for p in parts):
            help = "write `[[1, 0], [0, 1]]`, one row in each inner bracket, even if there is only one row"
            self.refuse("E0706", "a matrix is a list of rows", tokens[0], "not a list of rows", help, tokens[-1])
            return None
        return self.grid([split(part[1:-1], "COMMA") for part in parts], tokens, ",")

    def grid(self, rows: list[list[list[Token]]], whole: list[Token], between: str) -> Grid | None:
        spans = [self.row_span(row, whole) for row in rows]
        good = rectangular([(span, len(row)) for span, row in zip(spans, rows, strict=True)], self.collector, between)
        read: list[list[E.Expr | None]] = []
        for number, row in enumerate(rows):
            read.append([self.entry(cell, spans[number], number, between) for cell in row])
        if not good or any(entry is None for row in read for entry in row):
            return None
        return Grid([[entry for entry in row if entry is not None] for row in read], spans)

    def entry(self, cell: list[Token], row: Span, number: int, between: str) -> E.Expr | None:
        if cell:
            return self.expression(cell, between)
        if len(self.collector.found) < MAX_ERRORS:
            message, help = f"an entry of row {number + 1} is empty", "write `0` for a zero"
            self.collector.add("E0709", message, row, label="an entry is missing", help=help)
        return None

    def row_span(self, row: list[list[Token]], whole: list[Token]) -> Span:
        tokens = [token for cell in row for token in cell] or [whole[0]]
        return span_of(self.source, tokens[0], tokens[-1])

    def form(self, grid: Grid, name: str) -> tuple[Form, tuple[E.Expr, ...]] | None:
        """Entries, or rows or columns where basis vectors stand in it; a matrix of one number is that number."""
        height, width = len(grid.rows), len(grid.rows[0])
        directed = [is_direction(entry, self.vectors) for row in grid.rows for entry in row]
        if not any(directed):
            if height == width == 1:
                return "expression", (grid.rows[0][0],)
            rows = zip(grid.rows, grid.spans, strict=True)
            return "entries", tuple(E.ListOf(tuple(row), span=span) for row, span in rows)
        if height > 1 and width > 1:
            help = "write one basis vector, or a sum of some, for each row (or for each column)"
            span = Span(grid.spans[0].start, grid.spans[-1].stop, self.source)
            message = "basis vectors stand in a matrix with several rows and columns"
            self.collector.add("E0714", message, span, label="a basis vector is a whole row", help=help)
            return None
        if height > 1 or width == 1 and name != "W_O":
            return "rows", tuple(row[0] for row in grid.rows)
        return "columns", tuple(grid.rows[0])


def _plain(token: Token) -> str:
    return str(token).replace("\n", ".")
