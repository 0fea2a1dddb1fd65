"""Relations with constants: ``key.A in {1, 4}``, ``rest key.A == 3``, ``when query.B < 2``.

In: a ``Comparison`` with a feature on one side and constants on the other, and the ``Scope``.  Out: ``Among`` or
``Condition``, the values for which it holds.  Not for: relations between key and query (``relations``).
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.encodings import Constant, Dims, Encoding, OneHot, Quadratic, ScalarValue, Subspace, Value
from compiler.heads import Among, Condition
from compiler.resolution.encoded import name_of, values_of
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import Values, constant, resolve_set, show_all
from compiler.resolution.sides import (
    Side,
    apply_side,
    check_has_values,
    holds,
    mirrored,
    never,
    no_positions,
    no_successor,
    read_side,
    refuse,
)
from dsl.expressions import Comparison, Expr, Name, Range, SetOf
from dsl.span import Span


def resolve_among(scope: Scope, expr: Comparison, side: Side, *, flipped: bool) -> Among:
    """``key.A OPERATOR constant`` as the set of values for which it holds; errors E0404-E0409."""
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
    check_has_values(subspace, expr.span)
    operator = mirrored(expr) if flipped else expr.operator
    values = matching(scope, expr, operator, side, values_of(subspace.encoding), expr.left if flipped else expr.right)
    _check_constant(expr.span, subspace, operator, values)
    return Among(subspace.name, values)


def matching(
    scope: Scope, expr: Comparison, operator: str, side: Side, values: Sequence[Value], other: Expr
) -> tuple[Value, ...]:
    """The members of ``values`` of which the comparison with the constant ``other`` is true; never empty."""
    given = _given(scope, operator, values, other)
    if side.shift and values and isinstance(values[0], str):
        no_successor(expr.span)
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
        found = tuple(v for v in values if there.intersection(apply_side(side, v)))
    elif operator == "!=":
        found = tuple(v for v in values if apply_side(side, v) and not there.intersection(apply_side(side, v)))
    else:
        found = tuple(v for v in values if holds(operator, apply_side(side, v), given))
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
        refuse(
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
        refuse(
            span,
            "a quadratic score 2uv - v^2 has one maximum, so it finds one value, not several",
            f"declare `{subspace.name}` as onehot",
        )


# ------------------------------------------------------------------ when, rest


def _compared_side(
    scope: Scope, expr: Expr, code: str, line: str, role: str, example: str
) -> tuple[Comparison, Side, bool]:
    """The comparison, its one feature, and whether that stands on the left; ``role`` says whose feature it must be."""
    if not isinstance(expr, Comparison):
        fail(code, f"`{line}` takes a comparison", expr.span, label="nothing is compared", help=example)
    left, right = read_side(scope, expr.left), read_side(scope, expr.right)
    side = left or right
    if side is None or (left and right) or side.role != role:
        fail(
            code,
            f"`{line}` compares a feature of the {role} with constants",
            expr.span,
            label=f"not a condition on the {role}",
            help=example,
        )
    return expr, side, left is not None


def resolve_condition(scope: Scope, expr: Expr) -> Condition:
    """``when query.C == 3``: the feature and the values for which it holds; E0410."""
    example = "write `when query.C == 3`, `when query.C in {1, 4}` or `when query.position >= 2`"
    expr, side, left = _compared_side(scope, expr, "E0410", "when", "query", example)
    operator = expr.operator if left else mirrored(expr)
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
    example = 'write `rest key.content == "<bos>"`'
    expr, side, left = _compared_side(scope, expr, "E0411", "rest", "key", example)
    return resolve_among(scope, expr, side, flipped=not left)
