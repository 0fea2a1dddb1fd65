"""Expressions over the values of subspaces: every name known, every part of one type.

In: expressions of ``compute`` lines as written, and the ``Scope``.  Out: ``ValueExpr`` and its type; E0481 where types
do not fit, E0486 for what has no meaning here.  Not for: the lines (``computes``).

Values are integers, texts (tokens) and truth values.  What is constant is worked out here: params, products and
powers of integers.  ``min``, ``max`` and ``abs`` are written as choices.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NoReturn, cast

from compiler import limits
from compiler.computing import (
    Arithmetic,
    Choice,
    Compared,
    Contained,
    Fixed,
    Junction,
    LookedUp,
    Negation,
    Negative,
    Read,
    ValueExpr,
)
from compiler.encodings import AnyPairs
from compiler.resolution.encoded import kind_of, name_of
from compiler.resolution.numbers import integer
from compiler.resolution.scope import AlreadyReported, Scope, fail, unknown
from compiler.resolution.sets import resolve_set
from dsl.expressions import Binary, Call, Comparison, Conditional, Expr, Name, Number, Range, SetOf, Text, Truth, Unary
from dsl.span import Span

Type = Literal["integer", "token", "truth"]
Typed = tuple[ValueExpr, Type]
FUNCTIONS = {"min": 2, "max": 2, "abs": 1}
SIDES = ("first", "second")
"""The two values of a pair."""
IN_WORDS = {"integer": "an integer", "token": "a token", "truth": "true or false"}


def typed(scope: Scope, expr: Expr) -> Typed:
    """``expr`` with its type; E0204, E0210, E0217 (names), E0481 (types), E0486 (no meaning in a compute line)."""
    match expr:
        case Number():
            return _fixed(scope, expr)
        case Text(text):
            return Fixed(scope.token(text, expr.span), expr.span), "token"
        case Truth(value):
            return Fixed(value, expr.span), "truth"
        case Name():
            return _named(scope, expr)
        case Unary("-", operand):
            inner = _integer(scope, operand)
            return (Fixed(-_known(inner), expr.span) if _is_known(inner) else Negative(inner, expr.span)), "integer"
        case Unary("not", operand):
            return Negation(_truth(scope, operand), expr.span), "truth"
        case Binary(("and" | "or") as operator, left, right):
            return Junction(operator, _truth(scope, left), _truth(scope, right), expr.span), "truth"
        case Binary():
            return _arithmetic(scope, expr), "integer"
        case Comparison():
            return _comparison(scope, expr), "truth"
        case Conditional():
            return _choice(scope, expr)
        case Call():
            return _call(scope, expr)
        case _:
            _refuse(expr)


def _refuse(expr: Expr) -> NoReturn:
    help = "values are subspaces (`digit`), integers, quoted tokens, `+ - * // mod`, comparisons, `if C then A else B`"
    fail("E0486", "this has no value at a position", expr.span, label="not in a `compute` line", help=help)


def _fixed(scope: Scope, expr: Expr) -> Typed:
    value = integer(scope, expr, "a value")
    limits.check_size(abs(value), limits.OFFSET, "as a value", expr.span)
    return Fixed(value, expr.span), "integer"


def _named(scope: Scope, expr: Name) -> Typed:
    name = expr.name
    if name in scope.params:
        return _fixed(scope, expr)
    if name in scope.symbols or name == "pi":
        fail(
            "E0486", f"`{name}` is no integer", expr.span, label="a real number", help="values are integers and tokens"
        )
    if name not in scope.subspaces:
        if name in scope.broken:
            raise AlreadyReported
        known = (*scope.subspaces, *scope.params)
        unknown("E0204", "subspace or param", name, expr.span, known, "declare it: `subspace {} : onehot(0..9)`")
    subspace = scope.subspaces[name]
    kind = kind_of(subspace.encoding)
    if kind is None:
        found = f"`{name}` is {name_of(subspace.encoding)} and holds no values"
        fail(
            "E0486", found, expr.span, label="no values", help="give it an encoding with values, such as `onehot(0..9)`"
        )
    if isinstance(subspace.encoding, AnyPairs):
        help = f"read one of its two values: `first({name})`, `second({name})`"
        fail("E0486", f"`{name}` holds pairs", expr.span, label="two values", help=help)
    return Read(name, expr.span), "token" if kind == "tokens" else "integer"


def _of_type(scope: Scope, expr: Expr, wanted: Type, what: str) -> ValueExpr:
    value, kind = typed(scope, expr)
    if kind != wanted:
        found = f"{what} is {IN_WORDS[wanted]}, and this is {IN_WORDS[kind]}"
        fail("E0481", found, expr.span, label=IN_WORDS[kind], help=_mend(kind, wanted))
    return value


def _mend(kind: Type, wanted: Type) -> str:
    if kind == "token" and wanted == "integer":
        return "hold the token's number in a subspace of integers: `subspace n : onehot(0..9)`, `embed token -> n`"
    if wanted == "truth":
        return "compare it with something: `x == 1`"
    return "write `if CONDITION then 1 else 0`" if kind == "truth" else 'a token is quoted: `"a"`'


def _integer(scope: Scope, expr: Expr) -> ValueExpr:
    return _of_type(scope, expr, "integer", "what is reckoned with")


def _truth(scope: Scope, expr: Expr) -> ValueExpr:
    return _of_type(scope, expr, "truth", "a condition")


def _is_known(value: ValueExpr) -> bool:
    return isinstance(value, Fixed) and isinstance(value.value, int) and not isinstance(value.value, bool)


def _known(value: ValueExpr) -> int:
    assert isinstance(value, Fixed)
    return cast(int, value.value)


def _arithmetic(scope: Scope, expr: Binary) -> ValueExpr:
    operator = expr.operator
    if operator == "/":
        help = "write `//`, which rounds down, or `mod` for what is left over"
        fail("E0486", "values are integers, which `/` leaves", expr.span, label="not an integer", help=help)
    left, right = _integer(scope, expr.left), _integer(scope, expr.right)
    if _is_known(left) and _is_known(right):
        numbers = Binary(operator, _number(left), _number(right), span=expr.span)
        return _fixed(scope, numbers)[0]
    if operator == "^":
        help = "powers are of constants; write a product, `x*x`"
        fail("E0486", "a power of a value", expr.span, label="not constant", help=help)
    assert operator in ("+", "-", "*", "//", "mod")
    if operator in ("//", "mod") and _is_known(right) and _known(right) == 0:
        fail("E0213", "division by zero", expr.span, label="the divisor is 0", help="give a divisor that is not 0")
    return Arithmetic(operator, left, right, expr.span)


def _number(value: ValueExpr) -> Expr:
    return Number(Fraction(_known(value)), span=value.span)


# ------------------------------------------------------------------ comparisons, choices, tables


def _comparison(scope: Scope, expr: Comparison) -> ValueExpr:
    if expr.operator == "in":
        return _contained(scope, expr)
    left, kind = typed(scope, expr.left)
    right, other = typed(scope, expr.right)
    if kind != other:
        found = f"{IN_WORDS[kind]} is compared with {IN_WORDS[other]}"
        fail("E0481", found, expr.span, label="never equal", help=_mend_comparison(kind, other))
    if kind == "truth":
        fail("E0481", "truth values are joined, not compared", expr.span, help="write `and`, `or`, `not`")
    if kind == "token" and expr.operator not in ("==", "!="):
        found = f"tokens have no order, so `{expr.operator}` says nothing of them"
        fail("E0481", found, expr.span, label="not ordered", help=_mend("token", "integer"))
    return Compared(expr.operator, left, right, expr.span)


def _mend_comparison(kind: Type, other: Type) -> str:
    if "truth" in (kind, other):
        return "write the condition itself, or `not` before it"
    return _mend("token", "integer")


def _contained(scope: Scope, expr: Comparison) -> ValueExpr:
    value, kind = typed(scope, expr.left)
    if not isinstance(expr.right, SetOf | Range | Name):
        fail("E0486", "`in` takes a set", expr.right.span, label="not a set", help="write `x in {1, 4}`")
    values = resolve_set(scope, expr.right)
    wanted: Type = "token" if values.kind == "tokens" else "integer"
    if kind != wanted:
        found = f"{IN_WORDS[kind]} is looked for among {wanted}s"
        fail("E0481", found, expr.span, label="never among them", help="give values of one kind")
    return Contained(value, tuple(values.members), expr.span)


def _choice(scope: Scope, expr: Conditional) -> Typed:
    condition = _truth(scope, expr.condition)
    then, kind = typed(scope, expr.then)
    otherwise, other = typed(scope, expr.otherwise)
    if kind != other:
        found = f"one side is {IN_WORDS[kind]}, the other {IN_WORDS[other]}"
        fail("E0481", found, expr.span, label="of two types", help="give both sides the same type")
    return Choice(condition, then, otherwise, expr.span), kind


def _call(scope: Scope, expr: Call) -> Typed:
    name, count = expr.function, len(expr.arguments)
    if name in SIDES and name not in scope.tables and name not in scope.broken:
        return _of_pair(scope, expr)
    wanted = FUNCTIONS.get(name, 1)
    if name not in FUNCTIONS:
        _check_table(scope, expr)
    if count != wanted:
        found = f"`{name}` takes {wanted} argument{'s' if wanted > 1 else ''}, not {count}"
        fail("E0486", found, expr.span, label=f"{count} given", help=f"write `{name}({', '.join('xyz'[:wanted])})`")
    if name in FUNCTIONS:
        return _function(name, [_integer(scope, a) for a in expr.arguments], expr.span), "integer"
    return _looked_up(scope, expr)


def _of_pair(scope: Scope, expr: Call) -> Typed:
    """The value of a pair that comes first (or second) among the values that it is of."""
    help = f"write `{expr.function}(mix)`, with `subspace mix : pairs(digit)`"
    match expr.arguments:
        case (Name(name) as only,):
            encoding = scope.subspace(name, only.span).encoding
            if isinstance(encoding, AnyPairs):
                side = SIDES.index(expr.function)
                pairs = tuple((v, m[side]) for v, m in zip(encoding.values, encoding.members, strict=True))
                kind: Type = "token" if kind_of(encoding.of) == "tokens" else "integer"
                return LookedUp(expr.function, pairs, Read(name, only.span), expr.span), kind
            fail("E0486", f"`{name}` is {name_of(encoding)} and holds no pairs", only.span, label="no pair", help=help)
    fail("E0486", f"`{expr.function}` is of a subspace that holds pairs", expr.span, label="no pair", help=help)


def _function(name: str, arguments: list[ValueExpr], span: Span) -> ValueExpr:
    """``min``, ``max`` and ``abs`` as choices."""
    first = arguments[0]
    if name == "abs":
        return Choice(Compared("<", first, Fixed(0, span), span), Negative(first, span), first, span)
    second = arguments[1]
    return Choice(Compared("<=" if name == "min" else ">=", first, second, span), first, second, span)


def _check_table(scope: Scope, expr: Call) -> None:
    name = expr.function
    if name not in scope.tables and name not in scope.broken:
        known = (*scope.tables, *FUNCTIONS)
        unknown("E0217", "table or function", name, expr.span, known, "declare it: `table {}: 0 -> 1`")
    if scope.table(name, expr.span).many:
        help = "a value is looked up in a table with one image for each argument"
        fail("E0481", f"the images of `{name}` are sets", expr.span, label="a set is no value", help=help)


def _looked_up(scope: Scope, expr: Call) -> Typed:
    table = scope.table(expr.function, expr.span)
    argument, kind = typed(scope, expr.arguments[0])
    wanted: Type = "token" if isinstance(table.arguments[0], str) else "integer"
    if kind != wanted:
        found = f"`{table.name}` is a table of {wanted}s, and this is {IN_WORDS[kind]}"
        fail("E0481", found, expr.arguments[0].span, label=IN_WORDS[kind], help=_mend(kind, wanted))
    pairs = tuple((a, images[0]) for a, images in zip(table.arguments, table.images, strict=True))
    result: Type = "token" if isinstance(pairs[0][1], str) else "integer"
    return LookedUp(table.name, pairs, argument, expr.span), result
