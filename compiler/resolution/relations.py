"""Relations between the key and the query, from any spelling to one normal form.

In: a ``Comparison`` such as ``query.B == key.A - 1`` and the ``Scope``.  Out: ``Equal``, ``Related`` or ``Offset`` (and
``Among``, from ``constants``); whatever has no exact bilinear score is refused with the reason.
Not for: scores.
"""

from __future__ import annotations

from typing import NoReturn

from compiler import limits
from compiler.encodings import Code, OneHot, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Equal, Offset, Related, Relation
from compiler.resolution.constants import resolve_among
from compiler.resolution.encoded import kind_of, name_of, values_of
from compiler.resolution.scope import Scope, Table, fail
from compiler.resolution.sets import show_all
from compiler.resolution.sides import (
    FORMS,
    MIRROR,
    Side,
    apply_side,
    check_has_values,
    holds,
    never,
    no_positions,
    no_successor,
    read_side,
    refuse,
)
from dsl.expressions import Comparison, ComparisonOperator, Expr
from dsl.span import Span

# ------------------------------------------------------------------ a whole relation


def resolve_relation(scope: Scope, expr: Expr) -> Relation:
    """The normal form of an ``attend`` or ``avoid`` relation; errors E0404-E0409."""
    if not isinstance(expr, Comparison):
        fail("E0404", "a relation is a comparison", expr.span, label="nothing is compared", help=f"write {FORMS}")
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    if left is not None and right is not None:
        return _between(scope, expr, left, right)
    side = left or right
    if side is None or side.role == "query":
        help = "conditions on the query go after `when`: `attend key.A == 3 when query.B == 1`"
        fail("E0404", "a relation says something about the key", expr.span, label="no key here", help=help)
    return resolve_among(scope, expr, side, flipped=left is None)


def _between(scope: Scope, expr: Comparison, left: Side, right: Side) -> Relation:
    if left.role == right.role:
        help = f"one side is the key's and the other the query's: {FORMS}"
        fail("E0404", f"both sides read the {left.role}", expr.span, label="one must be the other's", help=help)
    key, query, operator = left, right, expr.operator
    if left.role == "query":
        if operator == "in":
            fail(
                "E0404",
                "`in` has the key on its left",
                expr.span,
                label="turned around",
                help="write `key.A in table(query.B)`",
            )
        key, query, operator = right, left, MIRROR[operator]
    if "position" in (key.feature, query.feature):
        return _offset(scope, expr, key, query, operator)
    a, b = scope.subspace(key.feature, key.span), scope.subspace(query.feature, query.span)
    shift = query.shift - key.shift
    if operator == "==" and key.table is None and query.table is None:
        _check_equal(expr.span, a, b, shift)
        return Equal(a.name, b.name, shift)
    return _related(expr, operator, key, a, query, b)


# ------------------------------------------------------------------ == between encodings


def _check_equal(span: Span, key: Subspace, query: Subspace, shift: int) -> None:
    """Fail unless ``key == query + shift`` is an exact bilinear score (E0405, E0406)."""
    a, b = key.encoding, query.encoding
    for side in (key, query):
        check_has_values(side, span)
    if kind_of(a) != kind_of(b):
        kinds = f"`{key.name}` holds {kind_of(a)} and `{query.name}` holds {kind_of(b)}"
        refuse(span, f"{kinds}: they are never equal", "declare both over the same values, or go through a table")
    if shift and kind_of(a) == "tokens":
        no_successor(span)
    reason = unmatched(key, query, shift)
    if reason is not None:
        refuse(span, *reason)
    _check_possible(span, key, query, shift)


def unmatched(key: Subspace, query: Subspace, shift: int) -> tuple[str, str] | None:
    """Why ``key == query + shift`` has no bilinear score, and how to mend it; None when it has one."""
    a, b = key.encoding, query.encoding
    match a, b:
        case ScalarValue(), Quadratic():
            return (
                "a quadratic query cannot find a scalar key: 2uv - v^2 needs v^2 on the key side",
                f"swap the encodings: declare `{key.name}` quadratic and `{query.name}` scalar",
            )
        case ScalarValue(), _:
            return (
                "a scalar cannot be matched by a bilinear score: 2uv - v^2 needs quadratic on the key side",
                f"declare `{key.name} : quadratic({a.low}..{a.high})`",
            )
        case Phase(), Phase():
            return None if same_circles(a, b) else _other_circles(key, query)
        case Code(), Code():
            if a.values != b.values or a.vectors != b.vectors:
                return (
                    f"`{key.name}` and `{query.name}` are different codes",
                    f"declare `subspace {query.name} like {key.name}`",
                )
            return ("a code cannot be shifted by a linear map", "use onehot or phase for `+ k`") if shift else None
        case (OneHot(), _) | (Quadratic(), Quadratic() | ScalarValue() | OneHot()) | (Phase() | Code(), OneHot()):
            return None
        case _:
            return (
                f"`{key.name}` ({name_of(a)}) and `{query.name}` ({name_of(b)}) share no linear form",
                f"declare one of them onehot, or both {name_of(a)}",
            )


def same_circles(a: Phase, b: Phase) -> bool:
    """Whether two phase encodings turn at the same frequencies (chosen ones agree when the ranges do)."""
    if a.count != b.count or a.frequencies != b.frequencies:
        return False
    return a.frequencies is not None or (a.low, a.high) == (b.low, b.high)


def _other_circles(key: Subspace, query: Subspace) -> tuple[str, str]:
    return (
        f"`{key.name}` and `{query.name}` turn at different frequencies",
        f"declare `subspace {query.name} like {key.name}`, or give both the same `frequencies`",
    )


def _check_possible(span: Span, key: Subspace, query: Subspace, shift: int) -> None:
    a, b = values_of(key.encoding), values_of(query.encoding)
    if isinstance(a, range) and isinstance(b, range):
        possible = a.start <= b.stop - 1 + shift and b.start + shift <= a.stop - 1
    else:
        there = set(a)
        possible = any((v + shift if isinstance(v, int) else v) in there for v in b)
    if not possible:
        never(span, (f"{key.name}: {show_all(a)}", f"{query.name}: {show_all(b)}"))


# ------------------------------------------------------------------ tables, order, inequality


def _related(
    expr: Comparison, operator: ComparisonOperator, key: Side, a: Subspace, query: Side, b: Subspace
) -> Relation:
    span = expr.span
    for side in (a, b):
        if not isinstance(side.encoding, OneHot):
            _not_onehot(span, operator, side, key.table or query.table)
    _check_operator(expr, operator, key, a, query, b)
    keys, queries = values_of(a.encoding), values_of(b.encoding)
    limits.check_size(len(keys) * len(queries), limits.PAIRS, "pairs of values in one relation", span)
    pairs = []
    lefts = [(k, apply_side(key, k)) for k in keys]
    for value in queries:
        right = apply_side(query, value)
        images = tuple(k for k, left in lefts if holds(operator, left, right))
        if images:
            pairs.append((value, images))
    if not pairs:
        never(span, (f"{a.name}: {show_all(keys)}", f"{b.name}: {show_all(queries)}"))
    return Related(a.name, b.name, tuple(pairs))


def _not_onehot(span: Span, operator: str, side: Subspace, table: Table | None) -> NoReturn:
    what = f"`{table.name}(..)`" if table else f"`{operator}`"
    fail(
        "E0408",
        f"{what} needs onehot on both sides, and `{side.name}` is {name_of(side.encoding)}",
        span,
        label="no exact score",
        help=f"declare `{side.name}` as onehot over the same values; {name_of(side.encoding)} only knows `==`",
    )


def _check_operator(expr: Comparison, operator: str, key: Side, a: Subspace, query: Side, b: Subspace) -> None:
    _check_in(expr.span, operator, key.table, query.table)
    table = key.table or query.table
    if operator in ("<", "<=", ">", ">=") and table is None:
        for side in (a, b):
            if kind_of(side.encoding) == "tokens":
                _unordered(expr.span, operator, side)
    for end in (key, query):
        kinds = {isinstance(image, str) for images in (end.table.images if end.table else ()) for image in images}
        if True in kinds and operator in ("<", "<=", ">", ">="):
            help = "only tables of integers can be ordered"
            fail(
                "E0408",
                f"`{operator}` needs an order, and the table gives tokens",
                expr.span,
                label="no order",
                help=help,
            )
    if table is None and kind_of(a.encoding) != kind_of(b.encoding):
        kinds_ = f"`{a.name}` holds {kind_of(a.encoding)} and `{b.name}` holds {kind_of(b.encoding)}"
        refuse(expr.span, f"{kinds_}: they cannot be compared", "declare both over the same values, or use a table")
    if (key.shift and kind_of(a.encoding) == "tokens") or (query.shift and kind_of(b.encoding) == "tokens"):
        no_successor(expr.span)


def _check_in(span: Span, operator: str, left: Table | None, right: Table | None) -> None:
    """`in` has a set-valued table on its right; the other operators have none at all (E0404, E0418)."""
    if operator == "in" and right is None:
        help = "write `==`, or name a table whose images are sets: `in table(query.B)`"
        fail("E0404", "`in` needs a set on its right", span, label="one value, not a set", help=help)
    if operator == "in" and right is not None and not right.many:
        help = f"write `== {right.name}(..)`"
        fail("E0418", f"the images of `{right.name}` are single values", span, label="not a set", help=help)
    many = left if left is not None and left.many else right if operator != "in" else None
    if many is not None and many.many:
        help = f"write `in {many.name}(query.B)`, with the table on the right"
        fail("E0418", f"the images of `{many.name}` are sets", span, label="a set, not one value", help=help)


def _unordered(span: Span, operator: str, side: Subspace) -> NoReturn:
    """E0408: ``<`` on tokens."""
    fail(
        "E0408",
        f"`{operator}` needs an order, and `{side.name}` holds tokens",
        span,
        label="tokens have no order",
        help='use a subspace of integers, `onehot(0..9)`: `embed token` sends the token "3" to 3 there',
    )


# ------------------------------------------------------------------ key.position


def _offset(scope: Scope, expr: Comparison, key: Side, query: Side, operator: str) -> Relation:
    if not key.feature == query.feature == "position":
        help = "embed the position into a subspace and read that on both sides"
        fail("E0409", "`position` is compared with a subspace", expr.span, label="two different things", help=help)
    no_positions(scope, expr.span, "key.position == query.position - 1")
    if operator != "==" or key.table or query.table:
        fail(
            "E0409",
            f"under rotary positions only `==` is a relation, not `{operator}`",
            expr.span,
            label="no exact score",
            help="write `key.position == query.position - 1`",
        )
    shift = query.shift - key.shift
    if shift > 0:
        never(expr.span, ("attention is causal: key position <= query position",))
    if -shift >= scope.context:
        never(expr.span, (f"the context has {scope.context} positions",))
    return Offset(shift)
