"""Shares of attention: ``attend .. share 1/2``, read and checked.

In: the share of a line; resolved heads, embeds and valid inputs.  Out: a rational in (0, 1]; or E0424 (no share, or not
beside these lines), E0425 and E0426 (from ``sharing``).  Not for: scores (``circuits.shares``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from compiler.computing import Compute
from compiler.heads import Head
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import EmbedLine
from compiler.resolution.numbers import fraction
from compiler.resolution.scope import Scope, fail
from compiler.sharing import LARGEST, Places, common_denominator, shared_rows
from dsl.diagnostics import Note
from dsl.expressions import Expr


def resolve_share(scope: Scope, expr: Expr) -> Fraction:
    """A rational in (0, 1]; E0212, E0424."""
    share = fraction(scope, expr, "a share")
    if not 0 < share <= 1:
        help = "a share is a part of the attention, such as 1/2; keys without a share get none"
        fail("E0424", f"{share} is no share of the attention", expr.span, label="not in 0 < s <= 1", help=help)
    return share


def check_shares(
    scope: Scope,
    layers: Sequence[Sequence[Head]],
    computes: Sequence[Compute],
    embeds: Sequence[EmbedLine],
    sequences: SequenceLanguage | None,
) -> None:
    """Every head with shares: its lines fit together, and its shares add up wherever it looks."""
    heads = [head for layer in layers for head in layer if head.has_shares]
    if not heads:
        return
    for head in heads:
        with scope.attempt():
            _check_lines(head)
    if sequences is None or scope.errors.found:
        return
    written = frozenset(_written(scope, layers, computes))
    places = Places(scope.subspaces, {line.target: line for line in embeds}, written, sequences)
    for head in heads:
        with scope.attempt():
            shared_rows(head, places)


def _written(scope: Scope, layers: Sequence[Sequence[Head]], computes: Sequence[Compute]) -> Iterator[str]:
    """The subspaces that heads and compute lines write into."""
    yield from (compute.target for compute in computes)
    for head in (head for layer in layers for head in layer):
        yield from (copy.target for copy in head.copies)
        output = head.matrix("W_O")
        rows = set() if output is None else {row for row, _, _ in output.entries}
        yield from (name for name, subspace in scope.subspaces.items() if rows & set(subspace.coordinates))


def _check_lines(head: Head) -> None:
    """E0424 unless every line has a share, and nothing else decides where the head looks."""
    first = next(term for term in head.terms if term.share is not None)
    note = (Note(first.span, "this line has a share"),)
    for term in head.terms:
        if term.share is None:
            found = f"a line of head `{head.name}` has no share, and another has one"
            help = "give every line its share; what they leave goes to `rest`"
            fail("E0424", found, term.span, label="how much?", help=help, notes=note)
        if term.negated:
            help = "say who gets a share; every other key gets none"
            fail("E0424", "`avoid` has no share to give", term.span, label="not with a share", help=help)
        if term.strength is not None:
            help = "leave out the strength: it follows from the shares"
            fail("E0424", "a line has a share or a strength", term.span, label="both", help=help)
    if head.prefer is not None:
        help = "drop `prefer`: shares say themselves what every key gets"
        fail("E0424", "`prefer` keeps one key, and shares spread", head.prefer.span, help=help, notes=note)
    if head.soft:
        help = "drop `soft`: a head with shares claims exactly these"
        fail("E0424", f"head `{head.name}` is soft and has shares", head.span, help=help, notes=note)
    if head.matrix("W_Q") is not None:
        help = "drop the matrices W_Q and W_K: the shares give them"
        fail("E0424", f"head `{head.name}` has shares and matrices for its scores", head.span, help=help, notes=note)
    below = common_denominator(head)
    if below > LARGEST:
        help = f"round them: their least common denominator may be {LARGEST} at most"
        fail("E0424", f"the shares of head `{head.name}` are too fine", first.span, label=f"in 1/{below}", help=help)
