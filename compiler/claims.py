"""What the ``expect`` lines claim: where a head attends, what follows a prompt, what an output is.

In: nothing (pure data, made by ``resolution.claims``).  Out: the frozen types of ``Expectation``.  Not for: whether it
is so (``headspec.verification.comparing``; ``predicates`` and ``claimed_outputs`` say what the formulas mean).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dsl.expressions import Expr
from dsl.span import Span


@dataclass(frozen=True, slots=True)
class HeadExpectation:
    head: str
    predicate: Expr
    otherwise: Expr | None
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OutputExpectation:
    """The prediction after ``prompt``; or, with ``generated``, the tokens that greedy decoding appends to it."""

    prompt: tuple[str, ...]
    answer: str
    span: Span = field(default_factory=Span, compare=False, repr=False)
    generated: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ValueExpectation:
    """What ``subspace`` predicts at the position ``after``, as an expression over the tokens up to there.

    ``value`` is made of integers, ``TokenAt`` with numbers for indices, texts, ``+ - * // mod``, comparisons and
    conditionals (``compiler.token_values``); it is ``wide`` where a number on the way may leave 64 bits."""

    subspace: str
    after: int
    value: Expr
    wide: bool = False
    span: Span = field(default_factory=Span, compare=False, repr=False)


Expectation = HeadExpectation | OutputExpectation | ValueExpectation
