"""The ``basis`` statement: how named coordinates lie in the residual stream.

In: the statement and the ``Scope``, which knows the width.  Out: ``Basis``; E0311 where it does not fit.  Not for: its
exact matrix (``circuits.basis``).
"""

from __future__ import annotations

from fractions import Fraction

from compiler import limits
from compiler.program import Basis
from compiler.resolution.encodings import list_rows
from compiler.resolution.numbers import integer
from compiler.resolution.scope import Scope, fail
from dsl.expressions import ListOf, Number
from dsl.tree import BasisDecl


def resolve_basis(scope: Scope, decl: BasisDecl | None) -> Basis:
    """How named coordinates lie in the residual stream; E0311 when the basis does not fit ``scope.width``."""
    if decl is None:
        return Basis("axis")
    width = scope.width
    limits.check_size(width, limits.BASIS_WIDTH, "coordinates in a basis that is not axis-aligned", decl.span)
    match decl.kind:
        case "hadamard":
            if width < 1 or width & (width - 1):
                power = 1 << max(0, width - 1).bit_length()
                _misfit(
                    decl,
                    f"a Hadamard basis needs a power of two, and the residual stream has {width}",
                    f"write `residual {power}`",
                )
            return Basis("hadamard", span=decl.span)
        case "reflection":
            return Basis("reflection", span=decl.span)
        case "rotation":
            return _rotation(scope, decl)
        case "vectors":
            return _vectors(scope, decl)


def _misfit(decl: BasisDecl, message: str, help: str, figures: tuple[str, ...] = ()) -> None:
    fail("E0311", message, decl.span, label="does not fit", help=help, figures=figures)


def _rotation(scope: Scope, decl: BasisDecl) -> Basis:
    sides = [integer(scope, argument, "a side of the triangle") for argument in decl.arguments]
    if len(sides) != 3 or sides[0] ** 2 + sides[1] ** 2 != sides[2] ** 2 or 0 in sides:
        found = ", ".join(map(str, sides))
        _misfit(
            decl,
            f"`rotation({found})` is not a rational rotation: a^2 + b^2 = c^2 must hold",
            "write a Pythagorean triple, for instance `rotation(3, 4, 5)`",
        )
    if scope.width % 2:
        help = f"write `residual {scope.width + 1}`"
        _misfit(decl, f"a rotation turns pairs of coordinates, and the residual stream has {scope.width}", help)
    return Basis("rotation", tuple(Number(Fraction(s)) for s in sides), span=decl.span)


def _vectors(scope: Scope, decl: BasisDecl) -> Basis:
    """Rows of the right shape; whether they are independent is for ``compiler.circuits.basis`` to find (E0340)."""
    only = decl.arguments[0] if len(decl.arguments) == 1 else None
    nested = isinstance(only, ListOf) and bool(only.items) and isinstance(only.items[0], ListOf)
    rows = list_rows(scope, only if nested and only is not None else ListOf(decl.arguments, span=decl.span), "basis")
    width = scope.width
    if len(rows) != width or len(rows[0]) != width:
        found = f"the basis is {len(rows)} x {len(rows[0])} and the residual stream has {width} coordinates"
        _misfit(decl, found, f"give {width} rows of {width} entries")
    return Basis("vectors", vectors=rows, span=decl.span)
