"""Relations of ``attend``, ``avoid``, ``rest`` and ``when``: from any spelling to one normal form.

In: a ``Comparison`` such as ``query.B == key.A - 1`` and the ``Scope``.  Out: ``Equal``, ``Among``, ``Related``,
``Offset`` or a ``Condition``; whatever has no exact bilinear score is refused with the reason.  Not for: scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import eq, ge, gt, le, lt, ne
from typing import Literal, NoReturn

from compiler import limits
from compiler.encodings import kind_of, name_of, values_of
from compiler.program import (
    Alibi,
    Among,
    Code,
    Condition,
    Constant,
    Dims,
    Encoding,
    Equal,
    Offset,
    OneHot,
    Phase,
    Quadratic,
    Related,
    Relation,
    Rotary,
    ScalarValue,
    Subspace,
    Value,
)
from compiler.resolve_numbers import integer
from compiler.resolve_scope import Scope, Table, fail
from compiler.resolve_sets import Values, constant, resolve_set, show_all
from dsl.diagnostics import did_you_mean
from dsl.span import Span
from dsl.tree import Binary, Call, Comparison, Expr, Member, Name, Range, SetOf, Unary

FORMS = "`key.A == query.B`, `key.A == query.B - 1`, `key.A == 3`, `key.A in {1, 4}` or `key.A == table(query.B)`"
_COMPARE: dict[str, Callable[[int, int], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Side:
    """``[TABLE](ROLE.FEATURE + shift)``, one side of a relation."""

    role: Literal["key", "query"]
    feature: str
    span: Span
    shift: int = 0
    table: Table | None = None


# ------------------------------------------------------------------ sides


def read_side(scope: Scope, expr: Expr) -> Side | None:
    """The feature that ``expr`` reads, or None when it reads none (a constant); E0404 for other forms."""
    match expr:
        case Member(role, feature) if role in ("key", "query"):
            return Side("key" if role == "key" else "query", feature, expr.span)
        case Member(owner, _):
            near = did_you_mean(owner, ("key", "query"))
            fail(
                "E0404",
                f"`{expr.span.text or owner}` is read on neither side",
                expr.span,
                label="not `key` or `query`",
                help=near or f"relations are {FORMS}",
            )
        case Call(function, arguments):
            return _read_table(scope, function, arguments, expr.span)
        case Binary("+" | "-", left, right):
            return _read_sum(scope, expr)
        case Binary(_, left, right) if read_side(scope, left) or read_side(scope, right):
            fail(
                "E0404",
                "a relation only adds or subtracts whole numbers",
                expr.span,
                label="not a shift",
                help=f"relations are {FORMS}",
            )
        case Unary("-", operand) if read_side(scope, operand):
            fail(
                "E0404",
                "a feature cannot be negated in a relation",
                expr.span,
                label="negated",
                help="bring it to the other side",
            )
        case _:
            return None


def _read_table(scope: Scope, function: str, arguments: tuple[Expr, ...], span: Span) -> Side | None:
    inner = read_side(scope, arguments[0]) if arguments else None
    if inner is None:
        return None
    table = scope.table(function, span)
    if len(arguments) != 1 or inner.table is not None:
        fail(
            "E0404",
            f"`{function}` is applied to one feature",
            span,
            label="too much here",
            help=f"write `{function}(query.B)`",
        )
    return replace(inner, table=table, span=span)


def _read_sum(scope: Scope, expr: Binary) -> Side | None:
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    if left is None and right is None:
        return None
    if left is not None and right is not None:
        fail(
            "E0404",
            "two features are added on one side",
            expr.span,
            label="one feature a side",
            help=f"relations are {FORMS}",
        )
    if left is None and expr.operator == "-":
        fail(
            "E0404",
            "a feature cannot be subtracted in a relation",
            expr.right.span,
            label="negated",
            help="bring it to the other side",
        )
    side, other = (left, expr.right) if left is not None else (right, expr.left)
    assert side is not None
    if side.table is not None:
        fail(
            "E0404",
            "a table's value cannot be shifted",
            expr.span,
            label="shifted",
            help="shift inside: `table(query.B + 1)`, or put it into the table",
        )
    shift = integer(scope, other, "a shift")
    limits.check_size(abs(shift), limits.OFFSET, "as a shift", other.span)
    return replace(side, shift=side.shift + (shift if expr.operator == "+" else -shift), span=expr.span)


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
    return _among(scope, expr, side, flipped=left is None)


def _between(scope: Scope, expr: Comparison, left: Side, right: Side) -> Relation:
    if left.role == right.role:
        help = f"one side is the key's and the other the query's: {FORMS}"
        fail("E0404", f"both sides read the {left.role}", expr.span, label="one must be the other's", help=help)
    key, query, operator = (left, right, expr.operator)
    if left.role == "query":
        if operator == "in":
            fail(
                "E0404",
                "`in` has the key on its left",
                expr.span,
                label="turned around",
                help="write `key.A in table(query.B)`",
            )
        key, query, operator = right, left, _MIRROR[operator]  # type: ignore[assignment]
    if "position" in (key.feature, query.feature):
        return _offset(scope, expr, key, query, operator)
    a, b = scope.subspace(key.feature, key.span), scope.subspace(query.feature, query.span)
    shift = query.shift - key.shift
    if operator == "==" and key.table is None and query.table is None:
        _check_equal(expr.span, a, b, shift)
        return Equal(a.name, b.name, shift)
    return _related(
        expr, operator, replace(key, shift=0) if key.table is None else key, a, _moved(query, key, shift), b
    )


def _moved(query: Side, key: Side, shift: int) -> Side:
    """The query side carrying the whole shift, where neither side hides it inside a table."""
    if query.table is None and key.table is None:
        return replace(query, shift=shift)
    return query


# ------------------------------------------------------------------ == between encodings


def _check_equal(span: Span, key: Subspace, query: Subspace, shift: int) -> None:
    """Fail unless ``key == query + shift`` is an exact bilinear score (E0405, E0406)."""
    a, b = key.encoding, query.encoding
    for side in (key, query):
        _check_has_values(side, span)
    if kind_of(a) != kind_of(b):
        kinds = f"`{key.name}` holds {kind_of(a)} and `{query.name}` holds {kind_of(b)}"
        _refuse(span, f"{kinds}: they are never equal", "declare both over the same values, or go through a table")
    if shift and kind_of(a) == "tokens":
        _refuse(
            span, "tokens have no successor, so nothing can be added to them", "use a subspace of integers, or a table"
        )
    reason = unmatched(key, query, shift)
    if reason is not None:
        _refuse(span, *reason)
    _check_possible(span, key, query, shift)


def _refuse(span: Span, message: str, help: str) -> NoReturn:
    fail("E0405", message, span, label="cannot be compared", help=help)


def _check_has_values(side: Subspace, span: Span) -> None:
    if isinstance(side.encoding, Dims | Constant):
        kind = name_of(side.encoding)
        _refuse(
            span,
            f"`{side.name}` is {kind} and holds no values to compare",
            "give it an encoding with values, or write the matrices W_Q and W_K",
        )


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


# ------------------------------------------------------------------ tables, order, inequality


def _related(expr: Comparison, operator: str, key: Side, a: Subspace, query: Side, b: Subspace) -> Relation:
    span = expr.span
    for side in (a, b):
        if not isinstance(side.encoding, OneHot):
            _not_onehot(span, operator, side, key.table or query.table)
    _check_operator(expr, operator, key.table or query.table, a, b)
    keys, queries = values_of(a.encoding), values_of(b.encoding)
    limits.check_size(len(keys) * len(queries), limits.PAIRS, "pairs of values in one relation", span)
    pairs = []
    for value in queries:
        right = _apply(query, value)
        images = tuple(k for k in keys if _holds(operator, _apply(key, k), right))
        if images:
            pairs.append((value, images))
    if not pairs:
        never(span, (f"{a.name}: {show_all(keys)}", f"{b.name}: {show_all(queries)}"))
    return Related(a.name, b.name, tuple(pairs))


def _apply(side: Side, value: Value) -> tuple[Value, ...]:
    moved = value + side.shift if isinstance(value, int) else value
    return (moved,) if side.table is None else side.table.image(moved)


def _holds(operator: str, left: tuple[Value, ...], right: tuple[Value, ...]) -> bool:
    """Does the comparison hold between the values of two sides?  A side outside its table has none: false."""
    if not left or not right:
        return False
    match operator:
        case "==" | "in":
            return any(value in right for value in left)
        case "!=":
            return left[0] != right[0]
        case _:
            return _COMPARE[operator](left[0], right[0])  # type: ignore[arg-type]


def _not_onehot(span: Span, operator: str, side: Subspace, table: Table | None) -> NoReturn:
    what = f"`{table.name}(..)`" if table else f"`{operator}`"
    fail(
        "E0408",
        f"{what} needs onehot on both sides, and `{side.name}` is {name_of(side.encoding)}",
        span,
        label="no exact score",
        help=f"declare `{side.name}` as onehot over the same values; {name_of(side.encoding)} only knows `==`",
    )


def _check_operator(expr: Comparison, operator: str, table: Table | None, a: Subspace, b: Subspace) -> None:
    span = expr.span
    if operator == "in" and (table is None or not table.many):
        help = f"write `== {table.name}(..)`" if table else "write `==`, or name a table whose images are sets"
        fail(
            "E0418" if table else "E0404",
            "`in` needs a set on its right",
            span,
            label="one value, not a set",
            help=help,
        )
    if operator != "in" and table is not None and table.many:
        fail(
            "E0418",
            f"the images of `{table.name}` are sets",
            span,
            label="a set, not one value",
            help=f"write `in {table.name}(..)`",
        )
    if operator in ("<", "<=", ">", ">="):
        for side in (a, b):
            assert isinstance(side.encoding, OneHot)
            if not side.encoding.ordered:
                unordered(span, operator, side)
    if table is None and kind_of(a.encoding) != kind_of(b.encoding):
        kinds = f"`{a.name}` holds {kind_of(a.encoding)} and `{b.name}` holds {kind_of(b.encoding)}"
        _refuse(span, f"{kinds}: they cannot be compared", "declare both over the same values, or go through a table")


def unordered(span: Span, operator: str, side: Subspace) -> NoReturn:
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


def no_positions(scope: Scope, span: Span, example: str) -> None:
    """E0409 unless ``key.position`` is a relation here, which takes rotary positions."""
    match scope.positions:
        case Rotary():
            return
        case Alibi():
            fail(
                "E0409",
                "ALiBi's score is monotone in the distance, so no single distance can be its maximum but the nearest or farthest",
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


# ------------------------------------------------------------------ against constants


def _among(scope: Scope, expr: Comparison, side: Side, *, flipped: bool) -> Among:
    if side.feature == "position":
        no_positions(scope, expr.span, expr.span.text or "key.position == 0")
        help = "attend to the token that stands there, or embed the position: `subspace where : phase(positions)`"
        fail(
            "E0409",
            "rotary positions compare two positions; they cannot single one out",
            expr.span,
            label="a constant position",
            help=help,
        )
    subspace = scope.subspace(side.feature, side.span)
    _check_has_values(subspace, expr.span)
    operator = _mirrored(expr) if flipped else expr.operator
    values = matching(scope, expr, operator, side, values_of(subspace.encoding), expr.left if flipped else expr.right)
    _check_constant(expr.span, subspace, operator, values)
    return Among(subspace.name, values)


def _mirrored(expr: Comparison) -> str:
    if expr.operator == "in":
        fail(
            "E0404",
            "`in` has the feature on its left and the set on its right",
            expr.span,
            label="turned around",
            help="write `key.A in {1, 4}`",
        )
    return _MIRROR[expr.operator]


def matching(
    scope: Scope, expr: Comparison, operator: str, side: Side, values: Sequence[Value], other: Expr
) -> tuple[Value, ...]:
    """The members of ``values`` of which the comparison with the constant ``other`` is true; never empty."""
    given = _given(scope, operator, values, other)
    if side.shift and values and isinstance(values[0], str):
        _refuse(
            expr.span,
            "tokens have no successor, so nothing can be added to them",
            "use a subspace of integers, or a table",
        )
    if operator in ("<", "<=", ">", ">=") and values and isinstance(values[0], str):
        help = 'use a subspace of integers, `onehot(0..9)`: `embed token` sends the token "3" to 3 there'
        fail(
            "E0408",
            f"`{operator}` needs an order, and tokens have none",
            expr.span,
            label="tokens have no order",
            help=help,
        )
    if side.table is None and operator in ("==", "in"):
        _check_members(expr.span, side, values, given)
    there = set(given)
    if operator in ("==", "in"):
        found = tuple(v for v in values if there.intersection(_apply(side, v)))
    elif operator == "!=":
        found = tuple(v for v in values if _apply(side, v) and not there.intersection(_apply(side, v)))
    else:
        found = tuple(v for v in values if _holds(operator, _apply(side, v), given))
    if not found:
        never(expr.span, (f"{side.feature}: {show_all(values)}",))
    return found


def _given(scope: Scope, operator: str, values: Sequence[Value], other: Expr) -> tuple[Value, ...]:
    """The constants written on the other side; integers are read as tokens where the values are tokens."""
    if isinstance(other, SetOf | Range) or other in (Name("tokens"), Name("positions")):
        if operator != "in":
            fail(
                "E0404",
                f"`{operator}` compares with one value, not with a set",
                other.span,
                label="a set",
                help="write `in`",
            )
        found = resolve_set(scope, other)
    else:
        if operator == "in":
            fail(
                "E0404",
                "`in` needs a set on its right",
                other.span,
                label="not a set",
                help="write `in {1, 4}` or `==`",
            )
        value = constant(scope, other)
        found = Values("tokens" if isinstance(value, str) else "integers", (value,))
    return tuple(literal(scope, values, value, other.span) for value in found.members)


def literal(scope: Scope, values: Sequence[Value], value: Value, span: Span) -> Value:
    """``value`` as a member of ``values`` would be written: 3 is "3" among tokens; "3" among integers is E0407."""
    if len(values) and isinstance(values[0], str) and isinstance(value, int):
        return scope.token(str(value), span)
    if len(values) and isinstance(values[0], int) and isinstance(value, str):
        help = f"write {value} without quotes" if value.lstrip("-").isdecimal() else "compare it with an integer"
        fail("E0407", f'the token "{value}" is compared with integers', span, label="a token", help=help)
    return value


def _check_members(span: Span, side: Side, values: Sequence[Value], given: tuple[Value, ...]) -> None:
    moved = [v - side.shift if isinstance(v, int) else v for v in given]
    there = values if isinstance(values, range) else set(values)
    missing = [v for v in moved if v not in there]
    if missing:
        fail(
            "E0407",
            f"`{side.feature}` does not hold {show_all(missing)}",
            span,
            label="not one of its values",
            help="compare it with values of the subspace, or enlarge its set",
            figures=(f"{side.feature}: {show_all(values)}",),
        )


def _check_constant(span: Span, subspace: Subspace, operator: str, values: tuple[Value, ...]) -> None:
    """Fail unless "the feature is one of ``values``" is a linear form of the encoding that singles them out."""
    encoding: Encoding = subspace.encoding
    if isinstance(encoding, OneHot):
        return
    kind = name_of(encoding)
    if isinstance(encoding, ScalarValue):
        _refuse(
            span,
            "a scalar's score is linear in its value, so it cannot single a value out",
            f"declare `{subspace.name}` quadratic or onehot",
        )
    if operator not in ("==", "in"):
        fail(
            "E0408",
            f"`{operator}` needs onehot, and `{subspace.name}` is {kind}",
            span,
            label="no exact score",
            help=f"declare `{subspace.name}` as onehot",
        )
    if isinstance(encoding, Quadratic) and len(values) > 1:
        _refuse(
            span,
            "a quadratic score 2uv - v^2 has one maximum, so it finds one value, not several",
            f"declare `{subspace.name}` as onehot",
        )


def resolve_condition(scope: Scope, expr: Expr) -> Condition:
    """``when query.C == 3``: the feature and the values for which it holds; E0410."""
    example = "write `when query.C == 3`, `when query.C in {1, 4}` or `when query.position >= 2`"
    if not isinstance(expr, Comparison):
        fail("E0410", "`when` takes a comparison", expr.span, label="nothing is compared", help=example)
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    side = left or right
    if side is None or (left and right) or side.role == "key":
        fail(
            "E0410",
            "`when` compares a feature of the query with constants",
            expr.span,
            label="not a condition on the query",
            help=example,
        )
    operator = expr.operator if left else _mirrored(expr)
    other = expr.right if left else expr.left
    if side.feature == "position":
        return Condition("position", matching(scope, expr, operator, side, range(scope.context), other), expr.span)
    subspace = scope.subspace(side.feature, side.span)
    if isinstance(subspace.encoding, Dims | Constant | ScalarValue):
        fail(
            "E0410",
            f"`{subspace.name}` is {name_of(subspace.encoding)}: no linear form of it tells its values apart",
            expr.span,
            label="cannot be a condition",
            help="condition on a onehot subspace, or on `query.position`",
        )
    values = matching(scope, expr, operator, side, values_of(subspace.encoding), other)
    _check_constant(expr.span, subspace, operator, values)
    return Condition(subspace.name, values, expr.span)


def resolve_rest(scope: Scope, expr: Expr) -> Among:
    """``rest key.A == 3``; E0411 when it is not a condition on the key alone."""
    help = 'write `rest key.content == "<bos>"`'
    if not isinstance(expr, Comparison):
        fail("E0411", "`rest` takes a comparison", expr.span, label="nothing is compared", help=help)
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    side = left or right
    if side is None or (left and right) or side.role == "query":
        fail(
            "E0411",
            "`rest` compares a feature of the key with constants",
            expr.span,
            label="not a condition on the key",
            help=help,
        )
    return _among(scope, expr, side, flipped=left is None)
