"""``copy`` lines: what moves from a key into the residual stream of the query.

In: ``CopyLine`` and the ``Scope``.  Out: ``Copy``, with a shift before a table already worked into the table.  Not for:
the OV circuit (``circuits``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from compiler import limits
from compiler.encodings import (
    AnyPairs,
    Code,
    Constant,
    Dims,
    Encoding,
    OneHot,
    Phase,
    Quadratic,
    ScalarValue,
    Subspace,
    Value,
)
from compiler.heads import Copy
from compiler.program import Rotary
from compiler.resolution.encoded import kind_of, name_of, values_of
from compiler.resolution.numbers import fold, integer
from compiler.resolution.relations import same_circles
from compiler.resolution.scope import Scope, Table, fail
from compiler.resolution.sets import show, show_all
from dsl.expressions import Binary, Expr, Member, Number, Unary
from dsl.head_lines import CopyLine
from dsl.span import Span

ONE = Number(Fraction(1))
FORM = "write `copy key.A -> B`, `copy key.A + 1 -> B`, `copy 1/2 * key.A -> B` or `copy key.A through TABLE -> B`"


@dataclass(frozen=True)
class _Moved:
    """``coefficient * (key.FEATURE + shift)``; ``scaled`` when a coefficient was written inside the shift."""

    feature: str
    span: Span
    coefficient: Expr = ONE
    shift: int = 0
    mixed: bool = False


def resolve_copy(scope: Scope, line: CopyLine) -> Copy:
    """The typed copy; errors E0415 (form), E0416 (encodings), E0417 (values), E0418 (table), E0409 (position)."""
    moved = _read(scope, line.value)
    if moved is None:
        fail("E0415", "nothing of the key is copied", line.value.span, label="no `key.A` here", help=FORM)
    if moved.feature == "position":
        _position(scope, moved.span)
    source = scope.subspace(moved.feature, moved.span)
    target = scope.subspace(line.target, line.target_span)
    if isinstance(moved.coefficient, Number) and moved.coefficient.value == 0:
        fail("E0415", "a coefficient of 0 copies nothing", line.value.span, label="zero", help="remove the line")
    if moved.mixed and isinstance(source.encoding, ScalarValue | Quadratic):
        help = f"write `c * (key.{source.name} + k)`: the coefficient then applies to the sum"
        fail(
            "E0415",
            "it is open whether the coefficient applies to the sum",
            line.value.span,
            label="`c * A + k`",
            help=help,
        )
    if isinstance(target.encoding, Constant):
        help = "copy into another subspace"
        fail(
            "E0416", f"`{target.name}` is constant and cannot be written", line.target_span, label="constant", help=help
        )
    table = None
    if line.through is not None:
        table = _through(line, scope.table(line.through, line.span), source, target, moved.shift)
        moved = replace(moved, shift=0)
    else:
        _check_encodings(line, source, target, moved.shift)
    return Copy(source.name, target.name, moved.coefficient, moved.shift, table, line.span)


def _position(scope: Scope, span: Span) -> NoReturn:
    if isinstance(scope.positions, Rotary):
        why = "rotary positions turn queries and keys only; they never reach W_V, so a position cannot be copied"
    else:
        why = "`position` is not in the residual stream, so it cannot be copied"
    help = "embed it into a subspace and copy that: `embed position -> where`, `copy key.where -> B`"
    fail("E0409", why, span, label="not a subspace", help=help)


# ------------------------------------------------------------------ the form


def _read(scope: Scope, expr: Expr) -> _Moved | None:
    """What ``expr`` moves, or None when no key is read in it (a number)."""
    match expr:
        case Member("key", feature):
            return _Moved(feature, expr.span)
        case Member("query", feature):
            help = f"write `key.{feature}`; what the query holds is in its residual stream already"
            fail("E0415", "a head copies from the key, not from the query", expr.span, label="the query", help=help)
        case Unary("-", operand):
            inner = _read(scope, operand)
            return None if inner is None else _scaled(scope, inner, Number(Fraction(-1), span=expr.span), expr)
        case Binary(operator, left, right):
            return _read_binary(scope, expr, operator, _read(scope, left), _read(scope, right))
        case _:
            return None


def _read_binary(scope: Scope, expr: Binary, operator: str, left: _Moved | None, right: _Moved | None) -> _Moved | None:
    if left is None and right is None:
        return None
    if left is not None and right is not None:
        help = "write one `copy` line for each; several copies add up"
        fail("E0415", "one `copy` line moves one feature", expr.span, label="two features", help=help)
    match operator, left, right:
        case "*", None, _:
            assert right is not None
            return _scaled(scope, right, expr.left, expr)
        case "*", _, None:
            assert left is not None
            return _scaled(scope, left, expr.right, expr)
        case "/", _, None:
            assert left is not None
            return _scaled(scope, left, Binary("/", ONE, expr.right, span=expr.span), expr)
        case "+", None, _:
            assert right is not None
            return _shifted(scope, right, expr.left, 1)
        case "+" | "-", _, None:
            assert left is not None
            return _shifted(scope, left, expr.right, 1 if operator == "+" else -1)
        case _:
            fail("E0415", "this is not a multiple of a feature plus a number", expr.span, label="not linear", help=FORM)


def _scaled(scope: Scope, moved: _Moved, factor: Expr, expr: Expr) -> _Moved:
    product = fold(scope, Binary("*", moved.coefficient, factor, span=expr.span))
    return replace(moved, coefficient=_drop_one(product))


def _drop_one(product: Expr) -> Expr:
    """``1 * x`` as ``x``."""
    return product.right if isinstance(product, Binary) and product.operator == "*" and product.left == ONE else product


def _shifted(scope: Scope, moved: _Moved, other: Expr, sign: int) -> _Moved:
    shift = integer(scope, other, "a shift")
    limits.check_size(abs(shift), limits.OFFSET, "as a shift", other.span)
    mixed = moved.mixed or (shift != 0 and moved.coefficient != ONE)
    return replace(moved, shift=moved.shift + sign * shift, mixed=mixed)


# ------------------------------------------------------------------ encodings


def _check_encodings(line: CopyLine, source: Subspace, target: Subspace, shift: int) -> None:
    a, b = source.encoding, target.encoding
    if isinstance(a, Dims | Constant) or isinstance(b, Dims):
        _check_raw(line, source, target, shift)
        return
    if isinstance(a, AnyPairs) or isinstance(b, AnyPairs):
        _check_pairs(line, source, target, shift)
        return
    if kind_of(a) != kind_of(b):
        help = "copy through a table from the one to the other, or give both the same encoding"
        _misfit(line, f"`{source.name}` holds {kind_of(a)} and `{target.name}` holds {kind_of(b)}", help)
    if shift and kind_of(a) == "tokens":
        _misfit(
            line, "tokens have no successor, so nothing can be added to them", "use a subspace of integers, or a table"
        )
    reason = _unlike(a, b, shift)
    if reason is not None:
        kinds = f"`{source.name}` ({name_of(a)}) cannot be copied into `{target.name}` ({name_of(b)}): {reason}"
        _misfit(line, kinds, f"declare `subspace {target.name} like {source.name}`, or `{source.name}` as onehot")
    _check_values(line, source, target, shift)


def _check_pairs(line: CopyLine, source: Subspace, target: Subspace, shift: int) -> None:
    """E0416 unless values become parts of pairs of them, or pairs such pairs."""
    a, b = source.encoding, target.encoding
    if shift or not isinstance(b, AnyPairs) or a not in (b, b.of):
        kinds = f"`{source.name}` is {name_of(a)} and `{target.name}` is {name_of(b)}"
        help = f"pairs are added up from their values: `subspace {target.name} : pairs({source.name})`, without a shift"
        _misfit(line, kinds if not shift else f"nothing can be added to the values of a pair: {kinds}", help)


def _check_raw(line: CopyLine, source: Subspace, target: Subspace, shift: int) -> None:
    same = isinstance(source.encoding, Dims) and isinstance(target.encoding, Dims)
    if not same or len(source.coordinates) != len(target.coordinates):
        sizes = (
            f"`{source.name}` has {len(source.coordinates)} dimensions and `{target.name}` {len(target.coordinates)}"
        )
        found = (
            sizes
            if same
            else f"`{source.name}` is {name_of(source.encoding)} and `{target.name}` is {name_of(target.encoding)}"
        )
        _misfit(
            line, found, f"raw dims are copied into dims of the same size: `subspace {target.name} like {source.name}`"
        )
    if shift:
        _misfit(
            line, "raw dims hold no values, so nothing can be added to them", "remove the shift, or write W_V and W_O"
        )


def _misfit(line: CopyLine, message: str, help: str) -> NoReturn:
    fail("E0416", message, line.span, label="these encodings do not fit", help=help)


def _unlike(a: Encoding, b: Encoding, shift: int) -> str | None:
    """Why no linear map takes encoding ``a`` of v to encoding ``b`` of v + shift; None when one does."""
    match a, b:
        case OneHot(), _:
            return None
        case Phase(), Phase():
            return None if same_circles(a, b) else "they turn at different frequencies"
        case ScalarValue(), ScalarValue():
            return None
        case Quadratic(), Quadratic() | ScalarValue():
            return None
        case Code(), Code():
            if a.values != b.values or a.vectors != b.vectors:
                return "they are different codes"
            return "a code cannot be shifted by a linear map" if shift else None
        case _:
            return "no linear map takes the one to the other"


def _check_values(line: CopyLine, source: Subspace, target: Subspace, shift: int) -> None:
    """E0417 when values fall outside the target, unless both sets are the same (then they drop off the end)."""
    from_, to = values_of(source.encoding), values_of(target.encoding)
    if (len(from_) == len(to) and set(from_) == set(to)) or not isinstance(target.encoding, OneHot | Code):
        return
    there = set(to)
    missing = [v for v in (_plus(v, shift) for v in from_) if v not in there]
    if missing:
        moved = f"`{source.name}`{f' {shift:+d}' if shift else ''}"
        _outside(line, f"{moved} takes values that `{target.name}` does not hold", missing, target)


def _plus(value: Value, shift: int) -> Value:
    return value + shift if isinstance(value, int) else value


def _outside(line: CopyLine, message: str, missing: list[Value], target: Subspace) -> NoReturn:
    fail(
        "E0417",
        message,
        line.span,
        label=f"not held: {show_all(missing)}",
        help=f"enlarge the set of `{target.name}`",
        figures=(f"{target.name}: {show_all(tuple(values_of(target.encoding)))}",),
    )


# ------------------------------------------------------------------ tables


def _through(
    line: CopyLine, table: Table, source: Subspace, target: Subspace, shift: int
) -> tuple[tuple[Value, Value], ...]:
    """(source value, target value) for every value that the table, applied after the shift, knows."""
    if isinstance(target.encoding, AnyPairs):
        _misfit(line, f"`{target.name}` holds pairs, and no table gives them", "copy the values of the pair")
    if table.many:
        help = "copy through a table with one value for each argument"
        fail("E0418", f"the images of `{table.name}` are sets", line.span, label="a set cannot be copied", help=help)
    if not isinstance(source.encoding, OneHot):
        found = f"a table reads onehot, and `{source.name}` is {name_of(source.encoding)}"
        _misfit(line, found, f"declare `{source.name}` as onehot")
    if shift and kind_of(source.encoding) == "tokens":
        _misfit(line, "tokens have no successor, so nothing can be added to them", "put the shift into the table")
    values = values_of(target.encoding)
    pairs = [
        (v, _as_member(values, table.image(_plus(v, shift))[0]))
        for v in source.encoding.values
        if table.image(_plus(v, shift))
    ]
    if not pairs:
        found = f"`{table.name}` knows no value of `{source.name}`"
        figures = (f"{table.name}: {show_all(table.arguments)}", f"{source.name}: {show_all(source.encoding.values)}")
        help = "give the table arguments from the source"
        fail("E0418", found, line.span, label="the table never applies", help=help, figures=figures)
    missing = [image for _, image in pairs if image not in values]
    if missing:
        found = f"`{table.name}` has an image that `{target.name}` does not hold: {show(missing[0])}"
        _outside(line, found, missing, target)
    return tuple(pairs)


def _as_member(values: object, image: Value) -> Value:
    """An integer image is the token that spells it where the target holds tokens."""
    holds_tokens = isinstance(values, tuple) and bool(values) and isinstance(values[0], str)
    return str(image) if holds_tokens and isinstance(image, int) else image
