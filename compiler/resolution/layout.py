"""Subspaces and where they lie: encodings, ``like``, pinned coordinates, allocation.

In: the ``subspace`` and ``residual`` statements and the ``Scope``.  Out: ``Subspace`` values with their coordinates,
and the width of the residual stream.  Not for: what is written into a subspace, nor the ``basis``.

A coordinate belongs to one subspace for the whole model and is never used again after its last reader: a
residual stream only adds, so what was written there stays and would be read as part of the new value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler import limits
from compiler.computing import Part
from compiler.encodings import Encoding, Subspace
from compiler.resolution.encoded import components_of, dimension_of
from compiler.resolution.encodings import resolve_encoding
from compiler.resolution.numbers import integer
from compiler.resolution.pairs import paired, pairs_of
from compiler.resolution.scope import AlreadyReported, Scope, fail, listing, unknown
from dsl.diagnostics import Note
from dsl.expressions import Expr, Range
from dsl.span import Span
from dsl.tree import SubspaceDecl


@dataclass(frozen=True)
class _Wanted:
    """A subspace whose encoding is known; ``pinned`` is None where the compiler may choose."""

    decl: SubspaceDecl
    encoding: Encoding
    pinned: tuple[int, ...] | None

    @property
    def dimension(self) -> int:
        return dimension_of(self.encoding)


# ------------------------------------------------------------------ encodings, `like`


def resolve_subspaces(scope: Scope, decls: Sequence[SubspaceDecl], residual: tuple[int, Span] | None) -> None:
    """Enter every subspace of ``decls`` into the scope, laid out, and set ``scope.width``."""
    wanted = list(_wanted(scope, decls))
    taken = _pin(scope, wanted, residual[0] if residual else None)
    needed = sum(w.dimension for w in wanted)
    width = residual[0] if residual else max([needed, *(c + 1 for c in taken)], default=0)
    with scope.attempt("residual"):
        _check_width(wanted, needed, residual)
        limits.check_size(width, limits.WIDTH, "residual coordinates", decls[-1].span if decls else None)
    scope.width = width
    gaps = (c for c in range(limits.WIDTH) if c not in taken)
    for w in wanted:
        coordinates = w.pinned if w.pinned is not None else tuple(next(gaps, 0) for _ in range(w.dimension))
        name = w.decl.name
        scope.subspaces[name] = Subspace(name, w.encoding, coordinates, components_of(w.encoding), w.decl.span)


def add_parts(scope: Scope, parts: Sequence[Part], residual: tuple[int, Span] | None) -> None:
    """A subspace for every part of a line that is computed in steps, in the coordinates that are left; E0310 where
    ``residual`` leaves too few.  Their names have a dot, which no name of a spec has."""
    taken = {c for subspace in scope.subspaces.values() for c in subspace.coordinates}
    needed = sum(dimension_of(part.encoding) for part in parts)
    if not residual:
        taken, scope.width = set(range(scope.width)), scope.width + needed
    left = [c for c in range(scope.width) if c not in taken]
    if residual and needed > len(left):
        total = scope.width + needed - len(left)
        listed = ", ".join(f"`{part.name}`: {dimension_of(part.encoding)}" for part in parts)
        found = f"a residual stream of {residual[0]} coordinates has no room for the steps of a line: {listed}"
        help = f"write `residual {total}` or more, or leave the line out"
        fail("E0310", found, residual[1], label=f"{needed - len(left)} too few", help=help)
    free = iter(left)
    for part in parts:
        coordinates = tuple(next(free) for _ in range(dimension_of(part.encoding)))
        scope.subspaces[part.name] = Subspace(part.name, part.encoding, coordinates, components_of(part.encoding))


def _wanted(scope: Scope, decls: Sequence[SubspaceDecl]) -> Iterator[_Wanted]:
    by_name: dict[str, SubspaceDecl] = {}
    for decl in decls:
        with scope.attempt():
            scope.declare("subspace", decl.name, decl.name_span)
            by_name[decl.name] = decl
    known: dict[str, Encoding] = {}
    for decl in by_name.values():
        with scope.attempt(decl.name):
            encoding = _encoding(scope, decl, by_name, known, ())
            pinned = None if decl.at is None else _pinned(scope, decl, dimension_of(encoding))
            yield _Wanted(decl, encoding, pinned)


def _encoding(
    scope: Scope,
    decl: SubspaceDecl,
    decls: dict[str, SubspaceDecl],
    known: dict[str, Encoding],
    path: tuple[str, ...],
) -> Encoding:
    """The encoding of ``decl``, following ``like``; E0307 when that leads in a circle."""
    if decl.name in known:
        return known[decl.name]
    if decl.name in path:
        _circle(decl, path)
    if decl.encoding is not None:
        if decl.name in scope.broken:
            raise AlreadyReported
        if decl.encoding.kind == "pairs":
            name, span = paired(decl.encoding)
            of = _other(scope, decl, name, span, decls, known, path)
            known[decl.name] = pairs_of(scope, decl.encoding, name, of)
        else:
            known[decl.name] = resolve_encoding(scope, decl.encoding)
        return known[decl.name]
    assert decl.like is not None
    known[decl.name] = _other(scope, decl, decl.like, decl.span, decls, known, path)
    return known[decl.name]


def _other(
    scope: Scope,
    decl: SubspaceDecl,
    name: str,
    span: Span,
    decls: dict[str, SubspaceDecl],
    known: dict[str, Encoding],
    path: tuple[str, ...],
) -> Encoding:
    """The encoding of ``name``, which ``decl`` refers to."""
    if name not in decls:
        if name in scope.broken:
            raise AlreadyReported
        others = [other for other in decls if other != decl.name]
        unknown("E0204", "subspace", name, span, others, "declare it: `subspace {} : onehot(tokens)`")
    if name in scope.broken:
        raise AlreadyReported
    return _encoding(scope, decls[name], decls, known, (*path, decl.name))


def _circle(decl: SubspaceDecl, path: tuple[str, ...]) -> None:
    chain = " like ".join(f"`{name}`" for name in (*path, decl.name))
    fail(
        "E0307",
        f"the encodings refer to each other in a circle: {chain}",
        decl.span,
        label="no encoding to be found",
        help=f"give one of them an encoding: `subspace {decl.name} : onehot(tokens)`",
    )


# ------------------------------------------------------------------ coordinates


def _pinned(scope: Scope, decl: SubspaceDecl, dimension: int) -> tuple[int, ...]:
    """The coordinates after ``at``; E0308 unless there are ``dimension`` different ones, none negative."""
    assert decl.at is not None
    found: list[int] = []
    for expr in decl.at:
        found += _coordinates(scope, expr)
        limits.check_size(len(found), limits.WIDTH, "coordinates", expr.span)
    if len(found) != dimension:
        fail(
            "E0308",
            f"`{decl.name}` needs {dimension} coordinate{'s' if dimension != 1 else ''} and is given {len(found)}",
            decl.at[-1].span,
            label=f"{len(found)} coordinates in all",
            help=f"give exactly {dimension}, for instance `at {found[0]}..{found[0] + dimension - 1}`",
        )
    if len(set(found)) != len(found):
        twice = next(c for i, c in enumerate(found) if c in found[:i])
        fail(
            "E0309",
            f"coordinate {twice} is given twice",
            decl.span,
            label="twice in this line",
            help="name each coordinate once",
        )
    return tuple(found)


def _coordinates(scope: Scope, expr: Expr) -> Sequence[int]:
    if isinstance(expr, Range):
        low = _coordinate(scope, expr.low)
        high = _coordinate(scope, expr.high)
        if high < low:
            fail(
                "E0209",
                f"the range `{low}..{high}` runs downwards",
                expr.span,
                label="empty",
                help=f"write `{high}..{low}`",
            )
        return range(low, high + 1)
    return (_coordinate(scope, expr),)


def _coordinate(scope: Scope, expr: Expr) -> int:
    value = integer(scope, expr, "a coordinate")
    if value < 0:
        fail(
            "E0308",
            f"a coordinate cannot be negative: {value}",
            expr.span,
            label="negative",
            help="coordinates start at 0",
        )
    limits.check_size(value + 1, limits.WIDTH, "residual coordinates", expr.span)
    return value


def _pin(scope: Scope, wanted: Sequence[_Wanted], residual: int | None) -> dict[int, _Wanted]:
    """Which pinned subspace holds which coordinate; E0309 for two on one, E0310 outside the residual stream."""
    taken: dict[int, _Wanted] = {}
    for w in wanted:
        with scope.attempt():
            pinned = w.pinned or ()
            _check_overlap(w, {c: taken[c] for c in pinned if c in taken})
            outside = [c for c in pinned if residual is not None and c >= residual]
            if outside:
                fail(
                    "E0310",
                    f"`{w.decl.name}` lies outside the residual stream of {residual} coordinates",
                    w.decl.span,
                    label=f"coordinate {outside[0]} does not exist",
                    help=f"coordinates run from 0 to {(residual or 0) - 1}; pin it lower or enlarge `residual`",
                )
            taken |= dict.fromkeys(pinned, w)
    return taken


def _check_overlap(w: _Wanted, shared: dict[int, _Wanted]) -> None:
    if not shared:
        return
    other = next(iter(shared.values()))
    both = [c for c, owner in shared.items() if owner is other]
    fail(
        "E0309",
        f"`{w.decl.name}` and `{other.decl.name}` share coordinate{'s' if len(both) > 1 else ''} {listing(both)}",
        w.decl.span,
        label="overlaps",
        help="a residual stream only adds, so each coordinate belongs to one subspace; move one of the two",
        notes=(Note(other.decl.span, f"`{other.decl.name}` lies here"),),
    )


def _check_width(wanted: Sequence[_Wanted], needed: int, residual: tuple[int, Span] | None) -> None:
    if residual is None or needed <= residual[0]:
        return
    figures = tuple(f"{w.decl.name}: {w.dimension}" for w in wanted)
    fail(
        "E0310",
        f"a residual stream of {residual[0]} coordinates is too small: the subspaces need {needed}",
        residual[1],
        label=f"{needed - residual[0]} too few",
        help=f"write `residual {needed}` or more, or choose smaller encodings (`phase`, `code`, `scalar`)",
        figures=(*figures, f"together: {needed}"),
    )
