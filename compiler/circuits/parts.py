"""The types of exact circuits: terms, heads, the whole.

In: nothing (pure data).  Out: frozen types.  Not for: building them (``heads``, ``embedding``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from compiler.circuits.features import Feature
from compiler.exact import Matrix, Scalar
from compiler.heads import Head
from compiler.program import Program
from dsl.span import Span

TermKind = Literal["attend", "avoid", "rest", "prefer"]


@dataclass(frozen=True, slots=True)
class TermCircuit:
    """One line's share of the score: ``strength * matrix``; ``auto`` names the strength that is to be solved.

    ``cancel`` takes the line's own score away from the rest keys; ``stray`` says that some of it is left.
    ``line`` is the index of the attend or avoid line in the head."""

    label: str
    kind: TermKind
    matrix: Matrix
    strength: Scalar
    auto: str | None
    cancel: Matrix | None = None
    line: int | None = None
    stray: bool = False
    span: Span = field(default_factory=Span, compare=False, repr=False)

    def circuit(self) -> Matrix:
        whole = self.matrix if self.cancel is None else self.matrix + self.cancel
        return whole.scale(self.strength)


@dataclass(frozen=True, slots=True)
class RotaryTerm:
    """key.position == query.position + shift by rotation: for every pair p the query is
    weight_p (cos shift theta_p, sin shift theta_p) on ``query``, the key is (1, 0) on ``key``.

    score = strength * sum_p weight_p cos(theta_p (q + shift - k)): the pairs are turned by their positions, so
    (R(q theta) a)^T (R(k theta) e_0) = a^T (cos, sin)((k - q) theta)."""

    label: str
    shift: int
    sign: int
    query: Feature
    key: Feature
    strength: Scalar
    auto: str | None
    line: int
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HeadCircuit:
    """A head's circuits.  ``ov`` maps what is read at the key to what is written at the query."""

    head: Head
    terms: tuple[TermCircuit, ...]
    rotary: tuple[RotaryTerm, ...]
    ov: Matrix
    slope: Scalar
    slope_auto: str | None = None

    def qk(self, dimension: int) -> Matrix:
        """The score circuit: sum over terms of strength * matrix, shape (dimension, dimension)."""
        total = Matrix.zeros(dimension, dimension)
        for term in self.terms:
            total = total + term.circuit()
        return total


@dataclass(frozen=True, slots=True)
class Circuits:
    """All exact circuits of a program, in named coordinates.

    ``dimension`` is width, or width + 1 with biases; W_E (width, vocabulary), W_pos (width, context),
    W_U (vocabulary, width),
    b_U (vocabulary, 1)."""

    program: Program
    dimension: int
    heads: tuple[HeadCircuit, ...]
    W_E: Matrix
    W_pos: Matrix
    W_U: Matrix
    b_U: Matrix
