"""Are two heads the same on everything that can be reached?  Decided by exact linear algebra, symbols free.

In: compiled weights (the stage and our heads), and another head's circuits.  Out: ``Sameness``.  Not for: how much mass
lands where (that is a matter of a temperature and of floats), nor for wording what is wrong.

What softmax cannot see does not count: a factor tau > 0 (the temperature), any term that is the same for all keys of a
query, directions that no residual vector reaches, and the gauge, since only W_Q^T W_K and W_O W_V are compared.
"""

from __future__ import annotations

from compiler.equivalence.comparing import Sameness, same_family, same_move, same_pattern
from compiler.equivalence.promises import promised
from compiler.equivalence.scenes import Scene, is_bilinear, reachable

__all__ = ["Sameness", "Scene", "is_bilinear", "promised", "reachable", "same_family", "same_move", "same_pattern"]
