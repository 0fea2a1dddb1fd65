"""What is known of a check that was not passed: the ground on which mistakes are named.

In: what the judging of a head found.  Out: ``Facts``.  Not for: naming (``mistakes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.equivalence import Scene
    from compiler.exact import Matrix


@dataclass(frozen=True)
class Facts:
    """What is known of a check that was not passed.

    ``answer`` and ``ours``: QK circuits (checks of kind ``pattern``), OV circuits (``move``) or the matrices themselves
    (``equal``).  ``scene`` None: everything counts as reachable (then patterns are not compared).  ``values``: what the
    symbols are, where the answer is in numbers.  ``needed``: the factor by which the scores would be sharp enough, None
    if there is none.  ``tie``: positions of a right and a wrong key whose scores are equal in the counterexample.
    ``given_mass``: the mass that the right keys have there."""

    head: str
    answer: Matrix
    ours: Matrix
    scene: Scene | None = None
    values: Mapping[str, Fraction] | None = None
    needed: float | None = None
    tie: tuple[int, int] | None = None
    given_mass: float | None = None
