"""``embed`` lines: what the token and its position put into the residual stream at the start.

In: ``EmbedDecl`` statements and the ``Scope``.  Out: ``EmbedLine`` values.  Not for: the matrices (``circuits``).
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from fractions import Fraction

from compiler import limits
from compiler.encodings import Code, Constant, Dims, OneHot, Pairs, Subspace, Value, of_one_value
from compiler.program import EmbedLine
from compiler.resolution.encoded import name_of, values_of
from compiler.resolution.encodings import list_rows
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import show_all
from dsl.diagnostics import Note, did_you_mean
from dsl.expressions import Binary, Expr, ListOf, Name, Number, Unary
from dsl.tree import EmbedDecl

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,11}")


def resolve_embeds(scope: Scope, decls: Sequence[EmbedDecl]) -> tuple[EmbedLine, ...]:
    """All embed lines; E0312-E0315 for those that cannot be."""
    lines: list[EmbedLine] = []
    first: dict[str, EmbedDecl] = {}
    for decl in decls:
        with scope.attempt():
            line = _resolve_embed(scope, decl)
            if decl.target in first:
                _twice(decl, first[decl.target])
            first[decl.target] = decl
            lines.append(line)
            if line.source == "position" and line.images is None:
                scope.position_subspaces.append(line.target)
    return tuple(lines)


def _twice(decl: EmbedDecl, first: EmbedDecl) -> None:
    fail(
        "E0315",
        f"`{decl.target}` is embedded twice, so its two values would add up",
        decl.span,
        label="embedded again here",
        help="embed into two subspaces; `subspace NAME like " + decl.target + "` declares a second one",
        notes=(Note(first.span, "first embedded here"),),
    )


def _resolve_embed(scope: Scope, decl: EmbedDecl) -> EmbedLine:
    if decl.image is not None:
        _check_image(scope, decl, decl.image)
    elif decl.source not in ("token", "position"):
        near = did_you_mean(decl.source, ("token", "position"))
        help = near or "write `embed token -> ..` or `embed position -> ..`"
        fail("E0312", f"`{decl.source}` cannot be embedded", decl.span, label="unknown source", help=help)
    target = scope.subspace(decl.target, decl.target_span)
    if isinstance(target.encoding, Constant):
        help = "remove the line: a `constant` subspace is 1 everywhere without being embedded"
        message = f"`{decl.target}` is constant and nothing can be embedded there"
        fail("E0312", message, decl.target_span, label="constant", help=help)
    source = "token" if decl.source == "token" else "position"
    if decl.matrix is not None:
        return EmbedLine(source, target.name, _matrix(scope, decl, target), None, decl.span)  # type: ignore[arg-type]
    if isinstance(target.encoding, Dims):
        help = f"give one row per {source}: `embed {source} -> {decl.target} = [[..], ..]`"
        message = f"`{decl.target}` is raw dims, so its embedding must be written out"
        fail("E0314", message, decl.span, label="no matrix", help=help)
    _check_work(scope, decl, target)
    images = None if decl.image is None else _images(scope, source, decl.image)
    _check_values(scope, decl, target, None if images is None else [value for _, value in images])
    return EmbedLine(source, target.name, None, images, decl.span)  # type: ignore[arg-type]


# ------------------------------------------------------------------ expressions of the token or the position


def _check_image(scope: Scope, decl: EmbedDecl, image: Expr) -> None:
    """E0312 unless the expression is of the token or of the position, and its value is encoded and not written out."""
    names = set(_names(image))
    if {"token", "position"} <= names:
        help = "embed each by itself, and let an MLP add them up: `compute B = digit + where`"
        fail("E0312", "one embedding cannot read both", image.span, label="the token and its position", help=help)
    if not {"token", "position"} & names:
        help = "write `embed token -> ..`, or an expression of it: `embed 2*token mod 7 -> ..`"
        fail("E0312", "nothing is embedded", image.span, label="no `token` or `position` here", help=help)
    if decl.matrix is not None:
        help = f"give the rows as they shall be: `embed {decl.source} -> .. = [[..], ..]`"
        found = f"a matrix already says what each {decl.source} embeds as"
        fail("E0314", found, image.span, label="and this too", help=help)


def _names(expr: Expr) -> list[str]:
    match expr:
        case Name(name):
            return [name]
        case Binary(_, left, right):
            return _names(left) + _names(right)
        case Unary(_, operand):
            return _names(operand)
        case _:
            return []


def _images(scope: Scope, source: str, image: Expr) -> tuple[tuple[Value, Value], ...]:
    """(source, value of the expression) for every position, or every token that spells an integer."""
    numbers: Sequence[Value] = range(scope.context)
    if source == "token":
        numbers = [token for token in scope.tokens if _INTEGER.fullmatch(token)]
    images = [(n, integer(scope, _at(image, Fraction(n)), "what is embedded")) for n in numbers]
    largest = max((abs(value) for _, value in images), default=0)
    limits.check_size(largest, limits.IMAGE, "as what is embedded", image.span)
    return tuple(images)


def _at(expr: Expr, value: Fraction) -> Expr:
    """The expression with a number in the place of ``token`` or ``position``."""
    match expr:
        case Name("token" | "position"):
            return Number(value, span=expr.span)
        case Unary(_, operand):
            return replace(expr, operand=_at(operand, value))
        case Binary(_, left, right):
            return replace(expr, left=_at(left, value), right=_at(right, value))
        case _:
            return expr


def _check_work(scope: Scope, decl: EmbedDecl, target: Subspace) -> None:
    """W_E and W_pos hold one exact number for every source and every component that is not 0."""
    sources = len(scope.tokens) if decl.source == "token" else scope.context
    each = 1 if isinstance(target.encoding, OneHot) else len(target.coordinates)
    help = "a shorter context, or fewer components: `phase(positions, 16)` tells thousands of positions apart"
    limits.check_size(sources * each, limits.EMBEDDED, "exact numbers in one embedding", decl.span, help)


def holds_any(target: Subspace, sources: Sequence[Value]) -> bool:
    """Whether any token or position has a value in ``target``; the token "3" is 3 among integers."""
    values = values_of(of_one_value(target.encoding))
    there = values if isinstance(values, range) else frozenset(values)
    return any(held(source, there) is not None for source in sources)


def held(value: Value | None, values: Container[Value]) -> Value | None:
    """The member of ``values`` that ``value`` is: itself, or the integer that a token spells; None if there is none."""
    if value in values:
        return value
    spelled = isinstance(value, str) and _INTEGER.fullmatch(value) is not None and int(value) in values
    return int(value) if spelled and isinstance(value, str) else None


def _check_values(scope: Scope, decl: EmbedDecl, target: Subspace, images: Sequence[Value] | None) -> None:
    sources: Sequence[Value] = scope.tokens if decl.source == "token" else range(scope.context)
    sources = sources if images is None else images
    if holds_any(target, sources) or not len(scope.tokens):
        return
    values = values_of(of_one_value(target.encoding))
    plural = "what is embedded" if images is not None else "tokens" if decl.source == "token" else "positions"
    fail(
        "E0313",
        f"no {decl.source} has a value in `{decl.target}`",
        decl.span,
        label="nothing would ever be embedded",
        help=f"give `{decl.target}` an encoding over `{plural}`",
        figures=(
            f"{plural}: {show_all(tuple(sources))}",
            f"values of {decl.target} ({name_of(target.encoding)}): {show_all(tuple(values))}",
        ),
    )


def _matrix(scope: Scope, decl: EmbedDecl, target: Subspace) -> tuple[tuple[Expr, ...], ...]:
    assert decl.matrix is not None
    if not isinstance(target.encoding, Dims | Code) or isinstance(target.encoding, Pairs):
        kind = name_of(target.encoding)
        help = f"remove the matrix, or declare `{decl.target} : dims({len(target.coordinates)})`"
        found = f"`{decl.target}` is {kind}: its encoding already says what is embedded"
        fail("E0314", found, decl.matrix.span, label="a matrix is for dims and codes", help=help)
    count = len(scope.tokens) if decl.source == "token" else scope.context
    size = len(target.coordinates)
    limits.check_size(count * size, limits.EXPLICIT_ENTRIES, "entries given outright", decl.matrix.span)
    rows = list_rows(scope, decl.matrix, "the embedding")
    if len(rows) != count or len(rows[0]) != size:
        fail(
            "E0314",
            f"the embedding is {len(rows)} x {len(rows[0])}, and {count} x {size} is needed",
            decl.matrix.span,
            label=f"{len(rows)} rows of {len(rows[0])}",
            help=f"give one row of {size} entries for each of the {count} {decl.source}s, in order",
        )
    if isinstance(target.encoding, Code):
        _check_code_rows(decl.matrix, rows, target.name, target.encoding)
    return rows


def _check_code_rows(matrix: ListOf, rows: tuple[tuple[Expr, ...], ...], name: str, code: Code) -> None:
    """Every row is one of the code's vectors, or zero (an empty value); rows with symbols are taken on trust."""
    known = set(code.vectors)
    for row, place in zip(rows, matrix.items, strict=True):
        numbers = all(isinstance(entry, Number) for entry in row)
        if numbers and row not in known and any(entry != Number(Fraction(0)) for entry in row):
            help = "every row is one of the code's vectors, or zero where nothing is embedded"
            fail(
                "E0314",
                f"this row is not a vector of the code `{name}`",
                place.span,
                label="stands for no value",
                help=help,
            )
