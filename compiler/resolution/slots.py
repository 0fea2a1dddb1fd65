"""``layout``: names for the positions of a fixed format.

In: the ``layout`` statement and the ``Scope``.  Out: the context and names of positions in the scope, and the valid
inputs where no ``sequences`` line gives them.  Not for: what stands in a slot.

A slot is a position.  Its name is an integer, good wherever a param is (``when query.where == c0``), and ``slots`` is
the set of them all; nothing else is new.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from compiler import limits
from compiler.encodings import Value
from compiler.inputs.sequences import Cat, SequenceLanguage, Tok
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import constant, resolve_range, show
from dsl.expressions import Expr, Label, Range
from dsl.tree import LayoutDecl, Slot


def resolve_layout(scope: Scope, decl: LayoutDecl | None) -> None:
    """Enter every slot as a number; E0201 for a name given twice, E0320 for too many."""
    if decl is None:
        return
    for slot in decl.slots:
        with scope.attempt():
            for name in names_of(scope, slot):
                limits.check_size(len(scope.layout) + 1, limits.CONTEXT, "slots", slot.span)
                scope.layout.append(slot.token)
                if name is not None:
                    scope.declare("slot", name, slot.span)
                    scope.params[name] = Fraction(len(scope.layout) - 1)


def names_of(scope: Scope, slot: Slot) -> Iterator[str | None]:
    """The names of a slot: one, none for a token, or all that an index with ranges gives, ``a[0..3]``."""
    if not isinstance(slot.name, Label):
        yield slot.name
        return
    parts = [_values(scope, index) for index in slot.name.indices]
    for values in product(*parts):
        yield f"{slot.name.base}[{', '.join(show(value) for value in values)}]"


def _values(scope: Scope, index: Expr) -> list[Value]:
    if isinstance(index, Range):
        return list(resolve_range(scope, index).members)
    return [constant(scope, index)]


def sequences_of(scope: Scope) -> SequenceLanguage:
    """The valid inputs that the layout alone says: a token where one stands there, any token elsewhere."""
    any_token = Tok(frozenset(scope.tokens))
    pattern = Cat(tuple(any_token if t is None else Tok(frozenset({t})) for t in scope.layout))
    return SequenceLanguage.from_pattern(pattern, scope.tokens, scope.context)


def check_layout(scope: Scope, decl: LayoutDecl, sequences: SequenceLanguage | None) -> SequenceLanguage | None:
    """The valid inputs; E0489 where ``sequences`` and ``layout`` disagree, E0210 for an unknown token."""
    for slot in decl.slots:
        if slot.token is not None:
            scope.token(slot.token, slot.span)
    if sequences is None:
        if len(scope.layout) > scope.context:
            found = f"{len(scope.layout)} slots do not fit into the context of {scope.context}"
            fail("E0489", found, decl.span, label="too many", help="enlarge `context`, or leave it out")
        return sequences_of(scope)
    if sequences.longest > len(scope.layout):
        found = f"`sequences` allows {sequences.longest} tokens, and the layout has {len(scope.layout)} slots"
        fail("E0489", found, decl.span, label="too few slots", help="give the two the same length")
    place = 0
    for slot in decl.slots:
        for _ in names_of(scope, slot):
            others = sequences.tokens_at(place) - {slot.token}
            if slot.token is not None and others:
                found = (
                    f"{show(sorted(others)[0])} can stand at position {place}, where the layout has {show(slot.token)}"
                )
                fail("E0489", found, slot.span, label="not always", help="give the two the same format")
            place += 1
    return sequences
