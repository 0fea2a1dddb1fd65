"""Pairs: unordered pairs of another subspace's values, as sums of two of its vectors.

In: the syntax ``pairs(phi)`` and the encoding of ``phi``.  Out: ``Pairs``; E0302 where no subspace is named, E0303
where its values have no vectors of their own, E0305 where two pairs have one sum.  Not for: reading a pair
(``typed_values``).

Sums that are not rational, and those of phases, are told apart later, by those who read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from compiler import limits
from compiler.encodings import AnyPairs, Code, Encoding, OneHot, Pairs, Phase, PhasePairs, Value
from compiler.resolution.encoded import name_of
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import show
from dsl import tree
from dsl.expressions import Binary, Expr, Name, Number
from dsl.span import Span

USAGE = "`pairs(digit)`, with a subspace `digit : code(..)`, `onehot(..)` or `phase(..)`"
_NOTHING = Number(Fraction(0))
_ONE = Number(Fraction(1))


def paired(node: tree.Encoding) -> tuple[str, Span]:
    """The subspace that ``pairs(..)`` names; E0302."""
    match node.arguments, node.options:
        case (Name(name) as only,), ():
            return name, only.span
    fail("E0302", "`pairs` takes the name of one subspace", node.span, label="wrong arguments", help=f"write {USAGE}")


def pairs_of(scope: Scope, node: tree.Encoding, name: str, of: Encoding) -> AnyPairs:
    """Every pair of values of ``of``, in their order, and the sum of its vectors."""
    if isinstance(of, Phase):
        count = of.high - of.low + 1
        limits.check_size(count * (count + 1) // 2, limits.PHASE_PAIRS, "pairs of values", node.span)
        return PhasePairs(of)
    if isinstance(of, Pairs) or not isinstance(of, OneHot | Code):
        _no_vectors(node, name, of)
    values, vectors = of.values, _vectors(of)
    size = len(vectors[0])
    places = [(i, j) for i in range(len(values)) for j in range(i, len(values))]
    limits.check_size(len(places) * size, limits.EXPLICIT_ENTRIES, "entries of sums of two vectors", node.span)
    members = tuple((values[i], values[j]) for i, j in places)
    sums = tuple(tuple(_plus(a, b) for a, b in zip(vectors[i], vectors[j], strict=True)) for i, j in places)
    _check_apart(node, name, members, sums)
    return Pairs(tuple(range(len(places))), sums, size, of, members)


def _no_vectors(node: tree.Encoding, name: str, of: Encoding) -> NoReturn:
    help = f"declare `{name}` as a code, one-hot or phase: `subspace {name} : onehot(0..9)`"
    found = f"`{name}` is {name_of(of)}, and pairs are of the values of a code, a one-hot or a phase"
    fail("E0303", found, node.arguments[0].span, label=name_of(of), help=help)


def _vectors(of: OneHot | Code) -> Sequence[Sequence[Expr]]:
    if isinstance(of, Code):
        return of.vectors
    return [[_ONE if i == j else _NOTHING for j in range(len(of.values))] for i in range(len(of.values))]


def _plus(left: Expr, right: Expr) -> Expr:
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value + right.value)
    return Binary("+", left, right)


def _check_apart(
    node: tree.Encoding, name: str, members: Sequence[tuple[Value, Value]], sums: Sequence[tuple[Expr, ...]]
) -> None:
    """E0305 for a sum that is zero (nothing at all), or that of another pair; those with other numbers are left."""
    seen: dict[tuple[Fraction, ...], tuple[Value, Value]] = {}
    for member, entries in zip(members, sums, strict=True):
        numbers = tuple(entry.value for entry in entries if isinstance(entry, Number))
        if len(numbers) < len(entries):
            continue
        other = seen.setdefault(numbers, member)
        if other is not member or not any(numbers):
            what = f"from {_show(other)}" if other is not member else "from nothing at all"
            help = f"give `{name}` more dimensions, vectors without such sums, or declare it as one-hot"
            found = f"the pairs of `{name}` cannot be told apart: {_show(member)} {what}"
            fail("E0305", found, node.span, label="two equal sums" if any(numbers) else "a sum of zero", help=help)


def _show(pair: tuple[Value, Value]) -> str:
    return f"{{{show(pair[0])}, {show(pair[1])}}}"
