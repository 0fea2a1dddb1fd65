"""``compute`` lines: what each adds to which subspace, in its layer, with the parts that are computed first.

In: ``ComputeDecl`` nodes and the ``Scope``.  Out: ``Compute`` lines, numbered, whose values are of the kind that their
targets hold; E0481 and E0484 where they are not.  Not for: the types of expressions (``typed_values``), which values
can occur (``ranges``) or in which layer (``scheduling``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from compiler import limits
from compiler.computing import Compute, LookedUp, Split, ValueExpr, parts
from compiler.encodings import AnyPairs, Constant, Dims, Subspace
from compiler.resolution.encoded import kind_of, name_of, values_of
from compiler.resolution.scope import AlreadyReported, Scope, fail
from compiler.resolution.typed_values import IN_WORDS, Type, typed
from dsl.tree import ComputeDecl, LayerDecl, Statement

NO_SPLITS: Mapping[int, Split] = MappingProxyType({})
SPELLED = "the token that spells it"


def resolve_computes(
    scope: Scope, layers: Sequence[LayerDecl], numbers: Mapping[int, int], splits: Mapping[int, Split] = NO_SPLITS
) -> tuple[Compute, ...]:
    """The compute lines of every layer, in order; mistakes go to the scope.  ``numbers``: the number of every line, by
    the identity of its declaration; ``splits`` by number."""
    found: list[Compute] = []
    for layer, block in enumerate(layers):
        for decl in block.computes:
            with scope.attempt():
                compute = replace(_resolve(scope, decl, layer), number=numbers[id(decl)])
                split = splits.get(compute.number)
                found.append(compute if split is None else replace(compute, value=split.rest, written=compute.value))
    return tuple(found)


def told_apart(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same statements, every compute line an object of its own (a family may write out one several times)."""
    return tuple(map(_own, statements))


def _own(item: Any) -> Any:
    if isinstance(item, LayerDecl):
        return replace(item, items=tuple(map(_own, item.items)))
    return replace(item) if isinstance(item, ComputeDecl) else item


def numbered(statements: Iterable[Statement]) -> dict[int, int]:
    """The number of every compute line, in order of writing, by the identity of its declaration."""
    items = [item for s in statements for item in (s.items if isinstance(s, LayerDecl) else [s])]
    return {id(line): number for number, line in enumerate(item for item in items if isinstance(item, ComputeDecl))}


def with_parts(
    computes: Iterable[Compute], splits: Mapping[int, Split], layers: Mapping[str, int]
) -> tuple[Compute, ...]:
    """The lines and, before the line that each is for, the parts that are computed first, in ``layers``."""
    found: list[Compute] = []
    for line in computes:
        split = splits.get(line.number)
        for part in () if split is None else split.parts:
            found.append(Compute(part.name, part.value, layers[part.name], line.span, line.number, part_of=line.target))
        found.append(line)
    return tuple(sorted(found, key=lambda compute: compute.layer))


def _resolve(scope: Scope, decl: ComputeDecl, layer: int) -> Compute:
    value = kind = None
    with scope.attempt():
        value, kind = typed(scope, decl.value)
    target = scope.subspace(decl.target, decl.target_span)
    if isinstance(target.encoding, Dims | Constant | AnyPairs):
        found = f"`{target.name}` is {name_of(target.encoding)} and holds no values"
        help = f"declare it with values: `subspace {target.name} : onehot(0..9)`"
        fail("E0484", f"{found}, so nothing can be computed into it", decl.target_span, label="no values", help=help)
    if value is None or kind is None:
        raise AlreadyReported
    help = "`min`, `max` and `abs` write their first argument out twice: compute it in a line of its own"
    limits.check_size(size_of(value), limits.EXPRESSION, "parts in one expression", decl.value.span, help)
    return Compute(target.name, _fitted(value, kind, target, decl), layer, decl.span)


def size_of(value: ValueExpr) -> int:
    """How many parts ``value`` has, written out."""
    return _size(value, {})


def _size(value: ValueExpr, known: dict[int, int]) -> int:
    if id(value) not in known:
        known[id(value)] = 1 + sum(_size(part, known) for part in parts(value))
    return known[id(value)]


def _fitted(value: ValueExpr, kind: Type, target: Subspace, decl: ComputeDecl) -> ValueExpr:
    """``value`` as the target holds it: an integer becomes the token that spells it where the target holds tokens."""
    wanted = "token" if kind_of(target.encoding) == "tokens" else "integer"
    if kind == wanted:
        return value
    if kind == "integer":
        texts = values_of(target.encoding)
        pairs = tuple((int(t), t) for t in texts if isinstance(t, str) and _spells(t))
        if pairs:
            return LookedUp(SPELLED, pairs, value, value.span)
    help = f"`{target.name}` is {name_of(target.encoding)} over {wanted}s"
    if kind == "truth":
        help = "write `if CONDITION then 1 else 0`"
    found = f"the value is {IN_WORDS[kind]}, and `{target.name}` holds {wanted}s"
    fail("E0481", found, decl.value.span, label=IN_WORDS[kind], help=help)


def _spells(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 12 and str(int(text)) == text
