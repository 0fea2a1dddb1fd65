"""From the syntax of an encoding to the encoding of a subspace.

In: ``onehot(tokens)`` and the like as written, and the ``Scope``.  Out: a ``compiler.encodings.Encoding``, with codes
chosen where none are given.  Not for: where the coordinates lie (``layout``) or what an encoding looks like as a vector
(``circuits``).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NoReturn

from compiler import limits
from compiler.encodings import Code, Constant, Dims, Encoding, OneHot, Phase, Quadratic, ScalarValue
from compiler.resolution.circles import choose_turns
from compiler.resolution.codes import check_vectors, choose_vectors
from compiler.resolution.numbers import fold, size
from compiler.resolution.scope import Scope, fail, unknown
from compiler.resolution.sets import Values, resolve_set
from dsl import tree
from dsl.expressions import Binary, Expr, ListOf, Name, Number
from dsl.span import Span
from dsl.tree import Option


def resolve_encoding(scope: Scope, node: tree.Encoding) -> Encoding:
    """The encoding that ``node`` names; errors E0301-E0306, E0320 and those of sets and numbers."""
    if node.kind not in _BUILDERS:
        example = "encodings are onehot, phase, scalar, quadratic, code, pairs, dims, constant; write `onehot(tokens)`"
        unknown("E0301", "encoding", node.kind, node.span, (), example)
    if node.kind in ("dims", "constant"):
        _no_options(node, ())
    return _BUILDERS[node.kind](scope, node)


def _usage(node: tree.Encoding, found: str, usage: str) -> NoReturn:
    fail("E0302", f"`{node.kind}` {found}", node.span, label="wrong arguments", help=f"write it as {usage}")


def _arguments(node: tree.Encoding, low: int, high: int, usage: str) -> tuple[Expr, ...]:
    count = len(node.arguments)
    if not low <= count <= high:
        wanted = str(low) if low == high else f"{low} or {high}"
        _usage(node, f"takes {wanted} argument{'s' if wanted != '1' else ''}, not {count}", usage)
    return node.arguments


def _no_options(node: tree.Encoding, allowed: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for option in node.options:
        if option.name not in allowed:
            known = "; its options are " + ", ".join(allowed) if allowed else "; it has none"
            fail(
                "E0302",
                f"`{node.kind}` has no option `{option.name}`",
                option.span,
                label="unknown option",
                help=f"remove it{known}",
            )
        if option.name in seen:
            fail(
                "E0302", f"option `{option.name}` is given twice", option.span, label="again here", help="give it once"
            )
        seen.add(option.name)


def _option(node: tree.Encoding, name: str) -> Option | None:
    return next((option for option in node.options if option.name == name), None)


def _onehot(scope: Scope, node: tree.Encoding) -> Encoding:
    _no_options(node, ())
    (argument,) = _arguments(node, 1, 1, "`onehot(tokens)` or `onehot(0..9)`")
    values = resolve_set(scope, argument)
    return OneHot(tuple(values.members), ordered=values.kind == "integers")


def _integers(scope: Scope, node: tree.Encoding, argument: Expr) -> tuple[int, int]:
    """The ends of a range of integers; E0303 for tokens and for sets with gaps."""
    values = resolve_set(scope, argument)
    members = values.members
    if values.kind == "tokens":
        _not_a_range(node, argument.span, "tokens, which have no arithmetic", values)
    low, high = min(members), max(members)
    assert isinstance(low, int) and isinstance(high, int)
    if high - low + 1 != len(members):
        _not_a_range(node, argument.span, "a set with gaps", values)
    return low, high


def _not_a_range(node: tree.Encoding, span: Span, found: str, values: Values) -> None:
    other = "`onehot(tokens)` or `code(tokens, k)`" if values.kind == "tokens" else "`onehot({..})`"
    fail(
        "E0303",
        f"`{node.kind}` encodes a range of integers, not {found}",
        span,
        label="not a range of integers",
        help=f"write `{node.kind}(positions)` or `{node.kind}(0..9)`, or use {other}",
    )


def _scalar(scope: Scope, node: tree.Encoding) -> Encoding:
    _no_options(node, ())
    (argument,) = _arguments(node, 1, 1, "`scalar(0..9)`")
    return ScalarValue(*_integers(scope, node, argument))


def _quadratic(scope: Scope, node: tree.Encoding) -> Encoding:
    _no_options(node, ())
    (argument,) = _arguments(node, 1, 1, "`quadratic(positions)`")
    return Quadratic(*_integers(scope, node, argument))


def default_count(context: int) -> int:
    """How many cos/sin pairs ``phase`` has when the spec does not say: 4, 8 or 16, growing with the range."""
    return 4 if context <= 32 else 8 if context <= 256 else 16


def _phase(scope: Scope, node: tree.Encoding) -> Encoding:
    usage = (
        "`phase(positions)`, `phase(positions, 8)`, `phase(0..9, frequencies = [1, 3], period = 10)` or `.. = fourier`"
    )
    arguments = _arguments(node, 1, 2, usage)
    _no_options(node, ("frequencies", "magnitudes", "period"))
    low, high = _integers(scope, node, arguments[0])
    fourier = _is_fourier(node)
    if fourier and (len(arguments) == 2 or _option(node, "period") is not None):
        _usage(node, "has the pairs and the period that `fourier` needs; it takes no number beside it", usage)
    frequencies = None if fourier else _numbers(scope, node, "frequencies")
    magnitudes = _numbers(scope, node, "magnitudes")
    if fourier:
        frequencies = fourier_frequencies(high - low + 1, node.span)
        count = len(frequencies)
    elif len(arguments) == 2:
        count = size(scope, arguments[1], "the number of frequencies", limits.WIDTH // 2)
    elif frequencies is not None:
        count = len(frequencies)
    else:
        count = len(magnitudes) if magnitudes is not None else default_count(scope.context)
    _check_length(node, "frequencies", frequencies, count)
    _check_length(node, "magnitudes", magnitudes, count)
    if magnitudes is None:
        magnitudes = (Number(Fraction(1)),) * count
    if _option(node, "period") is not None:
        frequencies = _on_circle(scope, node, count, frequencies)
    return Phase(low, high, count, frequencies, magnitudes)


def _on_circle(scope: Scope, node: tree.Encoding, count: int, turns: tuple[Expr, ...] | None) -> tuple[Expr, ...]:
    """2 pi k/N for ``period = N`` and every k of ``turns``; without these the k are chosen (E0304: too many)."""
    option = _option(node, "period")
    assert option is not None
    period = size(scope, option.value, "a period", limits.VALUES)
    if turns is None:
        if count > period // 2:
            found = f"a circle of {period} points has {period // 2} different frequencies, not {count}"
            fewer = f"write `phase(.., {period // 2}, period = {period})` or fewer"
            help = fewer if period > 1 else "all numbers are one point of it: write a longer period"
            fail("E0304", found, node.span, label=f"{count} wanted", help=help)
        turns = tuple(Number(Fraction(k)) for k in choose_turns(count, period))
    once = Binary("/", Number(Fraction(2)), Number(Fraction(period)))
    return tuple(Binary("*", fold(scope, Binary("*", once, turn)), Name("pi")) for turn in turns)


def _is_fourier(node: tree.Encoding) -> bool:
    option = _option(node, "frequencies")
    return option is not None and option.value == Name("fourier")


def fourier_frequencies(size: int, span: Span) -> tuple[Expr, ...]:
    """2 pi k/N, k = 1..K, with N = 2K + 1 > size: every offset that is not 0 modulo N scores the same, -1/2,
    since 1 + 2 sum_k cos(2 pi k d/N) is the sum of all N-th roots of unity."""
    pairs = (size + 1) // 2
    help = "give a number of pairs instead, `phase(positions, 16)`, or use a one-hot subspace"
    limits.check_size(pairs, limits.FOURIER, "cos/sin pairs", span, help)
    return tuple(Binary("*", Number(Fraction(2 * k, 2 * pairs + 1)), Name("pi")) for k in range(1, pairs + 1))


def _numbers(scope: Scope, node: tree.Encoding, name: str) -> tuple[Expr, ...] | None:
    option = _option(node, name)
    if option is None:
        return None
    if not isinstance(option.value, ListOf) or not option.value.items:
        fail(
            "E0302", f"`{name}` takes a list", option.value.span, label="not a list", help=f"write `{name} = [1, 1/10]`"
        )
    numbers = tuple(fold(scope, item) for item in option.value.items)
    for number, item in zip(numbers, option.value.items, strict=True):
        if isinstance(number, Number) and number.value == 0:
            why = "carries nothing" if name == "magnitudes" else "cannot tell two values apart"
            fail(
                "E0304",
                f"one of the {name} is 0: such a pair {why}",
                item.span,
                label="zero",
                help="leave the pair out",
            )
    return numbers


def _check_length(node: tree.Encoding, name: str, given: tuple[Expr, ...] | None, count: int) -> None:
    if given is None or len(given) == count:
        return
    option = _option(node, name)
    assert option is not None
    fail(
        "E0304",
        f"the number of {name} is {len(given)}, and that of cos/sin pairs is {count}",
        option.value.span,
        label=f"{len(given)} given",
        help=f"give {count} {name}, one per pair, or change the number of pairs",
    )


def _code(scope: Scope, node: tree.Encoding) -> Encoding:
    usage = '`code(tokens, 8)` or `code({"a", "b"}, 2, vectors = [[1, 1], [1, -1]])`'
    arguments = _arguments(node, 1, 2, usage)
    _no_options(node, ("vectors",))
    members = tuple(resolve_set(scope, arguments[0]).members)
    given = _option(node, "vectors")
    if given is not None:
        rows = list_rows(scope, given.value, "vectors")
        length = len(rows[0])
    if len(arguments) == 2:
        length = size(scope, arguments[1], "the size of a code", limits.HEAD_WIDTH)
    elif given is None:
        _usage(node, "needs its number of dimensions", usage)
    if given is None:
        return Code(members, choose_vectors(len(members), length, node.span), length)
    check_vectors(rows, members, length, given.value.span)
    return Code(members, rows, length)


def list_rows(scope: Scope, expr: Expr, what: str) -> tuple[tuple[Expr, ...], ...]:
    """The folded rows of ``[[a, b], [c, d]]``; E0302 unless it is a list of lists of one length."""
    if not isinstance(expr, ListOf) or not expr.items:
        fail(
            "E0302",
            f"{what}: a list of rows is expected",
            expr.span,
            label="not a list",
            help="write `[[1, 0], [0, 1]]`",
        )
    rows = []
    cells = 0
    for row in expr.items:
        if not isinstance(row, ListOf) or not row.items:
            fail("E0302", f"{what}: every row is a list", row.span, label="not a list", help="write `[[1, 0], [0, 1]]`")
        cells += len(row.items)
        limits.check_size(cells, limits.EXPLICIT_ENTRIES, "entries given outright", expr.span)
        rows.append(tuple(fold(scope, item) for item in row.items))
        if len(rows[-1]) != len(rows[0]):
            found = f"{what}: this row has {len(rows[-1])} entries and the first has {len(rows[0])}"
            fail("E0302", found, row.span, label="another length", help="give every row the same length")
    return tuple(rows)


def _dims(scope: Scope, node: tree.Encoding) -> Encoding:
    (argument,) = _arguments(node, 1, 1, "`dims(4)`")
    return Dims(size(scope, argument, "the number of dimensions", limits.WIDTH))


def _constant(scope: Scope, node: tree.Encoding) -> Encoding:
    _arguments(node, 0, 0, "`constant`")
    return Constant()


_BUILDERS: dict[str, Callable[[Scope, tree.Encoding], Encoding]] = {
    "onehot": _onehot,
    "phase": _phase,
    "scalar": _scalar,
    "quadratic": _quadratic,
    "code": _code,
    "dims": _dims,
    "constant": _constant,
}
