"""Numbers that floats can reckon with: an answer's entries are neither beyond all measure nor next to nothing.

In: weights of a completed model and values of its symbols.  Out: SpecError E0782, or nothing.  Not for: judging.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from compiler.pipeline import Weights

LARGEST = 1e20
"""Scores of a second layer are products of six such entries, and their squares have to fit into a float64 still."""
MATRICES = ("W_Q", "W_K", "W_V", "W_O")


def check_sizes(weights: Weights, values: Mapping[str, Fraction]) -> None:
    """The largest entry of every matrix that is not zero lies between 1e-20 and 1e20; else SpecError E0782."""
    for head in weights.heads:
        for name in MATRICES:
            entries = getattr(head, name).entries.values()
            largest = max((abs(entry.to_float(values)) for entry in entries), default=1.0)
            if not 1 / LARGEST <= largest <= LARGEST:
                raise SpecError(_out_of_range(head.head.name, name, largest))


def _out_of_range(head: str, name: str, largest: float) -> Diagnostic:
    size = "too large" if largest > 1 else "too small"
    return Diagnostic(
        "E0782",
        f"the entries of {name} of head `{head}` are {size} to reckon with",
        label=f"the largest is {largest:.3g}",
        help=f"between {1 / LARGEST:g} and {LARGEST:g} is room for any head: divide or multiply the whole matrix",
    )
