"""One side of a relation: ``[TABLE](key.A + k)``, and what both kinds of relation share.

In: an ``Expr`` and the ``Scope``.  Out: a ``Side``, its value for a feature's value, and the refusals E0405, E0406.
Not for: whole relations (``relations``, ``constants``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import eq, ge, gt, le, lt, ne
from typing import Literal, NoReturn

from compiler import limits
from compiler.encodings import AnyPairs, Constant, Dims, Subspace, Value
from compiler.program import Alibi, Rotary
from compiler.resolution.encoded import name_of
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, Table, fail
from dsl.diagnostics import did_you_mean
from dsl.expressions import Binary, Call, Comparison, ComparisonOperator, Expr, Member, Unary
from dsl.span import Span

FORMS = "`key.A == query.B`, `key.A == query.B - 1`, `key.A == 3`, `key.A in {1, 4}` or `key.A == table(query.B)`"
_COMPARE: dict[str, Callable[[int, int], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
MIRROR: dict[ComparisonOperator, ComparisonOperator] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


@dataclass(frozen=True)
class Side:
    """``[TABLE](ROLE.FEATURE + shift)``, one side of a relation."""

    role: Literal["key", "query"]
    feature: str
    span: Span
    shift: int = 0
    table: Table | None = None


# ------------------------------------------------------------------ sides


def _no_side(span: Span, message: str, label: str, help: str = f"relations are {FORMS}") -> NoReturn:
    """E0404: a relation has no such side."""
    fail("E0404", message, span, label=label, help=help)


def read_side(scope: Scope, expr: Expr) -> Side | None:
    """The feature that ``expr`` reads, or None when it reads none (a constant); E0404 for other forms."""
    match expr:
        case Member(role, feature) if role in ("key", "query"):
            return Side("key" if role == "key" else "query", feature, expr.span)
        case Member(owner, _):
            help = did_you_mean(owner, ("key", "query")) or f"relations are {FORMS}"
            _no_side(expr.span, f"`{expr.span.text or owner}` is read on neither side", "not `key` or `query`", help)
        case Call(function, arguments):
            return _read_table(scope, function, arguments, expr.span)
        case Binary("+" | "-", left, right):
            return _read_sum(scope, expr)
        case Binary(_, left, right) if read_side(scope, left) or read_side(scope, right):
            _no_side(expr.span, "a relation only adds or subtracts whole numbers", "not a shift")
        case Unary("-", operand) if read_side(scope, operand):
            _no_side(expr.span, "a feature cannot be negated in a relation", "negated", "bring it to the other side")
        case _:
            return None


def _read_table(scope: Scope, function: str, arguments: tuple[Expr, ...], span: Span) -> Side | None:
    inner = read_side(scope, arguments[0]) if arguments else None
    if inner is None:
        return None
    table = scope.table(function, span)
    if len(arguments) != 1 or inner.table is not None:
        _no_side(span, f"`{function}` is applied to one feature", "too much here", f"write `{function}(query.B)`")
    return replace(inner, table=table, span=span)


def _read_sum(scope: Scope, expr: Binary) -> Side | None:
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    if left is None and right is None:
        return None
    if left is not None and right is not None:
        _no_side(expr.span, "two features are added on one side", "one feature a side")
    if left is None and expr.operator == "-":
        help = "bring it to the other side"
        _no_side(expr.right.span, "a feature cannot be subtracted in a relation", "negated", help)
    side, other = (left, expr.right) if left is not None else (right, expr.left)
    assert side is not None
    if side.table is not None:
        _no_side(
            expr.span,
            "a table's value cannot be shifted",
            "shifted",
            "shift inside: `table(query.B + 1)`, or put it into the table",
        )
    shift = integer(scope, other, "a shift")
    limits.check_size(abs(shift), limits.OFFSET, "as a shift", other.span)
    return replace(side, shift=side.shift + (shift if expr.operator == "+" else -shift), span=expr.span)


def mirrored(expr: Comparison) -> ComparisonOperator:
    """The operator as it reads with the sides exchanged; E0404 for ``in``."""
    if expr.operator == "in":
        _no_side(
            expr.span,
            "`in` has the feature on its left and the set on its right",
            "turned around",
            "write `key.A in {1, 4}`",
        )
    return MIRROR[expr.operator]


def apply_side(side: Side, value: Value) -> tuple[Value, ...]:
    """What the side is worth when its feature holds ``value``: none outside its table, several for sets."""
    moved = value + side.shift if isinstance(value, int) else value
    return (moved,) if side.table is None else side.table.image(moved)


def holds(operator: str, left: tuple[Value, ...], right: tuple[Value, ...]) -> bool:
    """Does the comparison hold between the values of two sides?  A side without a value: false."""
    if not left or not right:
        return False
    match operator:
        case "==" | "in":
            return any(value in right for value in left)
        case "!=":
            return left[0] != right[0]
        case _:
            return _COMPARE[operator](left[0], right[0])  # type: ignore[arg-type]


def refuse(span: Span, message: str, help: str) -> NoReturn:
    """E0405: these two have no exact score."""
    fail("E0405", message, span, label="cannot be compared", help=help)


def no_successor(span: Span) -> NoReturn:
    """E0405: ``+ k`` on tokens."""
    refuse(span, "tokens have no successor, so nothing can be added to them", "use a subspace of integers, or a table")


def check_has_values(side: Subspace, span: Span) -> None:
    """E0405 for ``dims``, ``constant`` and ``pairs``."""
    if isinstance(side.encoding, AnyPairs):
        help = "compute what is asked for first: `compute low = first(mix)`, into a subspace of its own"
        refuse(span, f"`{side.name}` holds pairs, which no score compares", help)
    if isinstance(side.encoding, Dims | Constant):
        kind = name_of(side.encoding)
        refuse(
            span,
            f"`{side.name}` is {kind} and holds no values to compare",
            "give it an encoding with values, or write the matrices W_Q and W_K",
        )


def never(span: Span, figures: tuple[str, ...] = ()) -> NoReturn:
    """E0406: the relation is true of no values."""
    fail(
        "E0406",
        "this can never hold",
        span,
        label="true of no values",
        help="compare values that both sides can take",
        figures=figures,
    )


def no_positions(scope: Scope, span: Span, example: str) -> None:
    """E0409 unless ``key.position`` is a relation here, which takes rotary positions."""
    match scope.positions:
        case Rotary():
            return
        case Alibi():
            fail(
                "E0409",
                "alibi scores fall steadily with the distance, so they can only single out the nearest key",
                span,
                label="not a relation under alibi",
                help="write `prefer latest by position`",
            )
        case None:
            fail(
                "E0409",
                "the weights see a position only where it is embedded",
                span,
                label="not in the residual stream",
                help=_embedded_help(scope, example),
            )


def _embedded_help(scope: Scope, example: str) -> str:
    if scope.position_subspaces:
        name = scope.position_subspaces[0]
        return f"read the subspace it is embedded in: `{example.replace('position', name)}`"
    return "declare `subspace where : phase(positions)` and `embed position -> where`, then read `where`"
