"""Heads: their lines, their place in the layer, and what must have been written before they read it.

In: ``LayerDecl`` statements and the ``Scope``.  Out: tuples of ``Head``, by layer and index.  Not for: single relations
(``relations``), copies (``copies``) or matrices (``matrices``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler import limits
from compiler.encodings import OneHot, Quadratic, ScalarValue
from compiler.heads import Head, Prefer, Rest, Term
from compiler.program import Alibi
from compiler.resolution.constants import resolve_condition, resolve_rest
from compiler.resolution.copies import resolve_copy
from compiler.resolution.encoded import name_of
from compiler.resolution.matrices import resolve_matrices
from compiler.resolution.numbers import fold, size
from compiler.resolution.relations import resolve_relation
from compiler.resolution.scope import Scope, fail
from compiler.resolution.shares import resolve_share
from dsl.diagnostics import Note
from dsl.expressions import Expr, Number
from dsl.head_lines import AttendLine, CopyLine, MatrixLine, PreferLine, RestLine
from dsl.tree import HeadDecl, HeadLine, LayerDecl


def resolve_layers(scope: Scope, decls: Sequence[LayerDecl]) -> tuple[tuple[Head, ...], ...]:
    """The heads of every layer, pinned ones at their index and the others in the gaps; E0402 for a wrong place."""
    with scope.attempt():
        limits.check_size(len(decls), limits.LAYERS, "layers", decls[-1].span if decls else None)
    return tuple(_resolve_layer(scope, number, decl) for number, decl in enumerate(decls))


def _resolve_layer(scope: Scope, number: int, decl: LayerDecl) -> tuple[Head, ...]:
    places = _places(scope, number, decl.heads)
    with scope.attempt():
        limits.check_size(len(decl.heads), limits.HEADS, "heads in one layer", decl.span)
    heads: list[Head] = []
    for head_decl, index in zip(decl.heads, places, strict=True):
        with scope.attempt(f"head {head_decl.name}"):
            scope.declare("head", head_decl.name, head_decl.name_span)
            head = _resolve_head(scope, head_decl, number, index)
            heads.append(head)
            scope.heads[head.name] = head
    return tuple(sorted(heads, key=lambda head: head.index))


def _places(scope: Scope, layer: int, decls: Sequence[HeadDecl]) -> list[int]:
    """The index of every head: as pinned, or the least that is free, in order of declaration."""
    pinned: dict[int, HeadDecl] = {}
    for decl in decls:
        with scope.attempt():
            if decl.at is not None:
                _check_place(decl, layer, pinned)
                pinned[decl.at[1]] = decl
    free = (index for index in range(len(decls) + len(pinned)) if index not in pinned)
    held = {id(decl): index for index, decl in pinned.items()}
    return [held[id(decl)] if id(decl) in held else next(free) for decl in decls]


def _check_place(decl: HeadDecl, layer: int, pinned: dict[int, HeadDecl]) -> None:
    assert decl.at is not None
    wanted, index = decl.at
    place = f"{wanted}.{index}"
    if wanted != layer:
        help = f"write `at {layer}.{index}`, or move the head into layer {wanted}"
        fail(
            "E0402",
            f"head `{decl.name}` is pinned at {place} but stands in layer {layer}",
            decl.name_span,
            label="another layer",
            help=help,
        )
    limits.check_size(index + 1, limits.HEADS, "heads in one layer", decl.name_span)
    if index in pinned:
        note = (Note(pinned[index].name_span, "this head is there"),)
        fail(
            "E0402",
            f"two heads are pinned at {place}",
            decl.name_span,
            label="taken",
            help="give each head an index of its own",
            notes=note,
        )


# ------------------------------------------------------------------ one head


def _resolve_head(scope: Scope, decl: HeadDecl, layer: int, index: int) -> Head:
    if not decl.lines:
        help = "say what it reads and moves: `attend key.A == query.B`, `copy key.A -> B`"
        fail("E0401", f"head `{decl.name}` has no lines", decl.name_span, label="does nothing", help=help)
    d_head: int | None = None
    with scope.attempt(f"head {decl.name}"):
        d_head = None if decl.d_head is None else size(scope, decl.d_head, "d_head", limits.HEAD_WIDTH)
    head = Head(decl.name, layer, index, d_head=d_head, soft=decl.soft, doc=decl.doc, span=decl.span)
    for line in decl.lines:
        with scope.attempt(f"head {decl.name}"):
            head = _with_line(scope, head, line)
    matrices = [line for line in decl.lines if isinstance(line, MatrixLine)]
    return replace(head, explicit=resolve_matrices(scope, decl, matrices, d_head))


def _with_line(scope: Scope, head: Head, line: HeadLine) -> Head:
    match line:
        case AttendLine():
            return replace(head, terms=(*head.terms, _term(scope, line)))
        case RestLine():
            return replace(head, rests=(*head.rests, Rest(resolve_rest(scope, line.condition), line.span)))
        case PreferLine():
            return replace(head, prefer=_prefer(scope, line, head.prefer))
        case CopyLine():
            return replace(head, copies=(*head.copies, resolve_copy(scope, line)))
        case _:
            return head


def _term(scope: Scope, line: AttendLine) -> Term:
    """One attend or avoid line; the parts are checked independently."""
    when = strength = share = None
    with scope.attempt():
        when = None if line.when is None else resolve_condition(scope, line.when)
    with scope.attempt():
        strength = None if line.strength is None else _strength(scope, line.strength)
    with scope.attempt():
        share = None if line.share is None else resolve_share(scope, line.share)
    return Term(resolve_relation(scope, line.relation), line.negated, when, strength, share, line.span)


def _strength(scope: Scope, expr: Expr) -> Expr:
    strength = fold(scope, expr)
    if isinstance(strength, Number) and strength.value <= 0:
        help = "strengths are positive; to keep attention away write `avoid` instead of `attend`"
        fail("E0413", f"a strength of {strength.value} does not attend", expr.span, label="not positive", help=help)
    return strength


def _prefer(scope: Scope, line: PreferLine, first: Prefer | None) -> Prefer:
    """``prefer latest by A``; E0412 unless A orders the keys."""
    if first is not None:
        note = (Note(first.span, "first here"),)
        fail(
            "E0412",
            "a head prefers by one feature only",
            line.span,
            label="a second `prefer`",
            help="remove one",
            notes=note,
        )
    if line.by == "position":
        _prefer_position(scope, line)
        return Prefer(line.direction, "position", line.span)
    subspace = scope.subspace(line.by, line.span)
    encoding = subspace.encoding
    if not isinstance(encoding, ScalarValue | Quadratic) and not (isinstance(encoding, OneHot) and encoding.ordered):
        found = f"`{line.by}` is {name_of(encoding)}" + (" over tokens" if isinstance(encoding, OneHot) else "")
        help = "declare `subspace index : scalar(positions)` and `embed position -> index`"
        fail("E0412", f"{found}: no linear form of it orders the keys", line.span, label="no order", help=help)
    return Prefer(line.direction, line.by, line.span)


def _prefer_position(scope: Scope, line: PreferLine) -> None:
    if isinstance(scope.positions, Alibi):
        return
    ordered = [
        n for n in scope.position_subspaces if isinstance(scope.subspaces[n].encoding, ScalarValue | Quadratic | OneHot)
    ]
    declare = "declare `subspace index : scalar(positions)`, `embed position -> index` and write `prefer {} by index`"
    help = f"write `prefer {line.direction} by {ordered[0]}`" if ordered else declare.format(line.direction)
    fail(
        "E0412", "the weights see a position only where it is embedded", line.span, label="only under alibi", help=help
    )
