"""An answer, whatever it was written in: the one form that the checks read.

In: nothing (pure data, made by ``reading``).  Out: ``Answer``.  Not for: judging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.pipeline import Weights
    from compiler.program import Program
    from dsl.expressions import Expr

Convention = Literal["column", "row"]


@dataclass(frozen=True)
class Answer:
    """``matrices``: (head, W_Q) -> exact matrix in the column convention, W_Q, W_K, W_V (d_head, d_model),
    W_O (d_model, d_head), over the named directions of the given spec (for kind ``matrices``: ("", name) -> matrix).

    ``expressions``: name -> number, with the symbols of the given spec.  ``formulas``: name -> text of a formula, still
    to be parsed (``dsl.answers.formulas``).

    ``program`` and ``weights`` are there when the answer is written as heads of a spec (the given spec's stage with
    the answer's heads).  ``numeric`` says that some numbers came as floats, taken at their exact binary value: the
    symbols of the spec then have their declared values.  ``convention`` is what was understood, for matrices."""

    matrices: Mapping[tuple[str, str], Matrix] = field(default_factory=dict)
    expressions: Mapping[str, Expr] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    choice: frozenset[str] = frozenset()
    tokens: tuple[str, ...] = ()
    program: Program | None = None
    weights: Weights | None = None
    numeric: bool = False
    convention: Convention | None = None
    name: str = "<answer>"
