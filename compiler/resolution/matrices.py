"""Matrices given outright: entries, or rows and columns as combinations of named basis vectors.

In: ``MatrixLine`` and the ``Scope``.  Out: ``ExplicitMatrix``, sparse, over residual coordinates.  Not for: algebra;
a combination is only taken apart into coordinate -> coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from compiler import limits
from compiler.heads import ExplicitMatrix
from compiler.resolution.encodings import list_rows
from compiler.resolution.numbers import fold
from compiler.resolution.scope import Scope, fail, unknown
from dsl.expressions import Binary, Expr, ListOf, Member, Number, Unary
from dsl.head_lines import MatrixLine
from dsl.span import Span
from dsl.tree import HeadDecl

Linear = dict[int, Expr]
"""coordinate -> coefficient"""
_PARTNER = {"W_Q": "W_K", "W_K": "W_Q", "W_V": "W_O", "W_O": "W_V"}
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def resolve_matrices(
    scope: Scope, head: HeadDecl, lines: Sequence[MatrixLine], d_head: int | None
) -> tuple[tuple[str, ExplicitMatrix], ...]:
    """All matrices of a head; errors E0419 (no partner, twice), E0420 (shape), E0421 (not linear)."""
    found: dict[str, ExplicitMatrix] = {}
    seen: dict[str, MatrixLine] = {}
    for line in lines:
        with scope.attempt(f"head {head.name}"):
            if line.name in seen:
                fail(
                    "E0419",
                    f"`{line.name}` is given twice",
                    line.span,
                    label="again here",
                    help="give each matrix once",
                )
            seen[line.name] = line
            found[line.name] = _resolve_matrix(scope, line)
    for line in seen.values():
        with scope.attempt():
            _check_partner(head, line, seen)
    for name, matrix in found.items():
        with scope.attempt():
            _check_d_head(name, matrix, found.get(_PARTNER[name]), d_head)
    return tuple((name, found[name]) for name in ("W_Q", "W_K", "W_V", "W_O") if name in found)


def _check_partner(head: HeadDecl, line: MatrixLine, seen: dict[str, MatrixLine]) -> None:
    partner = _PARTNER[line.name]
    if partner not in seen:
        fail(
            "E0419",
            f"head `{head.name}` gives `{line.name}` without `{partner}`",
            line.span,
            label="half of a circuit",
            help=f"give `{partner}` as well: only their product means something",
        )


def own_d_head(name: str, matrix: ExplicitMatrix) -> int:
    """The d_head that a matrix has: its columns for W_O, its rows for the others."""
    return matrix.columns if name == "W_O" else matrix.rows


def _check_d_head(name: str, matrix: ExplicitMatrix, partner: ExplicitMatrix | None, d_head: int | None) -> None:
    own = own_d_head(name, matrix)
    if d_head is not None and own != d_head:
        _shape(
            matrix.span,
            f"`{name}` has d_head {own}, and the head declares {d_head}",
            f"give it {d_head}, or write `d_head {own}`",
        )
    if partner is not None and name in ("W_K", "W_O"):
        other = own_d_head(_PARTNER[name], partner)
        if other != own:
            found = f"`{name}` has d_head {own} and `{_PARTNER[name]}` has {other}"
            _shape(matrix.span, found, "give both the same d_head; a row of zeros fills up")


def _shape(span: Span, message: str, help: str) -> NoReturn:
    fail("E0420", message, span, label="the shapes disagree", help=help)


def _resolve_matrix(scope: Scope, line: MatrixLine) -> ExplicitMatrix:
    wanted = "columns" if line.name == "W_O" else "rows"
    if line.form == "entries":
        return _from_entries(scope, line)
    if line.form != wanted:
        shape = "(d_model, d_head)" if wanted == "columns" else "(d_head, d_model)"
        help = f"`{line.name}` is {shape}: write `{line.name} = {wanted} ..`"
        _shape(line.span, f"the {line.form} of `{line.name}` are not residual vectors", help)
    limits.check_size(len(line.items), limits.HEAD_WIDTH, "as d_head", line.span)
    vectors = [combination(scope, item) for item in line.items]
    across = line.form == "rows"
    cells = [
        (i, c, e) if across else (c, i, e)
        for i, vector in enumerate(vectors)
        for c, e in sorted(vector.items(), key=_coordinate)
    ]
    shape_ = (len(vectors), scope.width) if across else (scope.width, len(vectors))
    return ExplicitMatrix(*shape_, tuple(sorted(cells, key=lambda cell: cell[:2])), line.span)


def _coordinate(item: tuple[int, Expr]) -> int:
    return item[0]


def _from_entries(scope: Scope, line: MatrixLine) -> ExplicitMatrix:
    rows = list_rows(scope, ListOf(line.items, span=line.span), f"`{line.name}`")
    height, breadth = len(rows), len(rows[0])
    model, head = (height, breadth) if line.name == "W_O" else (breadth, height)
    if model != scope.width:
        shape = "(d_model, d_head)" if line.name == "W_O" else "(d_head, d_model)"
        found = f"`{line.name}` is {height} x {breadth}, and d_model is {scope.width}"
        _shape(line.span, found, f"`{line.name}` has the shape {shape}, with d_model = {scope.width} here")
    limits.check_size(head, limits.HEAD_WIDTH, "as d_head", line.span)
    cells = tuple((i, j, e) for i, row in enumerate(rows) for j, e in enumerate(row) if e != _ZERO)
    return ExplicitMatrix(height, breadth, cells, line.span)


# ------------------------------------------------------------------ combinations of basis vectors


def combination(scope: Scope, expr: Expr) -> Linear:
    """``expr`` as coordinate -> coefficient; E0421 when it is no combination of basis vectors."""
    match expr:
        case Member(owner, member):
            return {_basis_vector(scope, owner, member, expr.span): _ONE}
        case Unary("-", operand) if _mentions(operand):
            return {c: fold(scope, Unary("-", e, span=expr.span)) for c, e in combination(scope, operand).items()}
        case Binary("+" | "-", left, right) if _mentions(expr):
            other = right if expr.operator == "+" else Unary("-", right, span=right.span)
            return _add(scope, combination(scope, left), combination(scope, other))
        case Binary("*", left, right) if _mentions(left) != _mentions(right):
            vector, factor = (left, right) if _mentions(left) else (right, left)
            return _scale(scope, combination(scope, vector), factor)
        case Binary("/", left, right) if _mentions(left) and not _mentions(right):
            return _scale(scope, combination(scope, left), Binary("/", _ONE, right, span=expr.span))
        case _:
            return _zero(scope, expr)


def _mentions(expr: Expr) -> bool:
    match expr:
        case Member():
            return True
        case Unary(_, operand):
            return _mentions(operand)
        case Binary(_, left, right):
            return _mentions(left) or _mentions(right)
        case _:
            return False


def _zero(scope: Scope, expr: Expr) -> Linear:
    if not _mentions(expr) and fold(scope, expr) == _ZERO:
        return {}
    what = "a product of basis vectors" if _mentions(expr) else "a number, not a vector"
    help = "write sums of multiples of basis vectors, `where.cos0` or `cos(a)*where.cos0 - sin(a)*where.sin0`, or 0"
    fail("E0421", f"this is {what}", expr.span, label="not a combination of basis vectors", help=help)


def _scale(scope: Scope, vector: Linear, factor: Expr) -> Linear:
    scaled = {c: _product(scope, factor, e) for c, e in vector.items()}
    return {c: e for c, e in scaled.items() if e != _ZERO}


def _product(scope: Scope, factor: Expr, coefficient: Expr) -> Expr:
    return fold(scope, factor if coefficient == _ONE else Binary("*", factor, coefficient, span=factor.span))


def _add(scope: Scope, left: Linear, right: Linear) -> Linear:
    total = dict(left)
    for c, e in right.items():
        total[c] = fold(scope, Binary("+", total[c], e, span=e.span)) if c in total else e
    return {c: e for c, e in total.items() if e != _ZERO}


def _basis_vector(scope: Scope, owner: str, member: str, span: Span) -> int:
    if owner in ("key", "query"):
        help = "matrices act on residual coordinates: name a basis vector, `where.cos0`"
        fail("E0421", f"`{owner}.{member}` is a feature, not a basis vector", span, label="not a vector", help=help)
    subspace = scope.subspace(owner, span)
    if member not in subspace.components:
        unknown(
            "E0421",
            f"component of `{owner}`",
            member,
            span,
            subspace.components,
            f"its components are named in the order of its dimensions, from `{subspace.components[0]}` on",
        )
    return subspace.coordinates[subspace.components.index(member)]
