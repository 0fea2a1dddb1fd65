"""Predicted numbers: are the logits of neighbours told apart in the float type?

In: a ``Program``.  Out: nothing; SpecError E0524 where rounding may make them equal.  Not for: predicted one-hots,
phases and codes (their margins are bounded with the heads that write them).

The logit of c is 2cy - c^2 (``circuits.embedding``): c^2 where y = c, and c^2 - 1 for both neighbours.  Where y is off
by up to a quarter, half of that 1 is left, and each of the two is rounded by r c^2, r the unit roundoff: 4 r c^2 <= 1
keeps them apart (c up to 2048 in float32, 22 in float16, 8 in bfloat16).
"""

from __future__ import annotations

from compiler.encodings import Quadratic, ScalarValue, Subspace
from compiler.program import Program
from compiler.sharpness.profiles import unit_roundoff
from compiler.spelled import spelled_number
from dsl.diagnostics import Diagnostic, SpecError


def check_readouts(program: Program) -> None:
    """Raises SpecError E0524 for every predicted number whose logits are too large."""
    limit = round(1 / (4 * unit_roundoff(program.dtype)))
    troubles = []
    for name in program.predict:
        subspace = program.subspace(name)
        largest = _largest(program, subspace)
        if largest * largest > limit:
            troubles.append(_too_large(program, subspace, largest, limit))
    if troubles:
        raise SpecError(troubles)


def _largest(program: Program, subspace: Subspace) -> int:
    """The greatest number, in absolute value, that a token says; 0 for what is no number."""
    encoding = subspace.encoding
    if not isinstance(encoding, ScalarValue | Quadratic):
        return 0
    said = program.own_values(subspace.name)
    values = said if said is not None else [spelled_number(token) for token in program.tokens]
    numbers = [abs(v) for v in values if isinstance(v, int) and encoding.low <= v <= encoding.high]
    return max(numbers, default=0)


def _too_large(program: Program, subspace: Subspace, largest: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0524",
        f"rounding in {program.dtype} may make logits of `{subspace.name}` equal",
        subspace.span,
        f"numbers up to {largest} are predicted from here",
        help="predict a one-hot or a phase, or take a wider float type",
        figures=(
            f"the logit of c is 2cy - c^2: {largest**2} for {largest}, {largest**2 - 1} for its neighbour",
            f"{program.dtype} keeps such logits apart up to {limit}",
        ),
    )
