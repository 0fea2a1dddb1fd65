"""Where a head should look: the keys that its ``expect head`` line names, or else its reference meaning.

In: a program, a head, token ids (B, n).  Out: ``(support (B, n, n), speaks (B, n))``.  Not for: what a head does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.claims import HeadExpectation
from compiler.heads import Head
from compiler.predicates import expectation_targets
from compiler.program import Program
from compiler.reference import interpret

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def expectation_of(program: Program, head: Head) -> HeadExpectation | None:
    """The first ``expect head`` line about ``head``."""
    lines = (line for line in program.expectations if isinstance(line, HeadExpectation))
    return next((line for line in lines if program.head(line.head).name == head.name), None)


def promised(program: Program, head: Head, tokens: Ints) -> tuple[Bools, Bools]:
    """The keys that should share the attention equally, and the queries about which something is said."""
    line = expectation_of(program, head)
    return _meant(program, head, tokens) if line is None else _expected(program, line, tokens)


def ideal(program: Program, head: Head, tokens: Ints) -> tuple[Bools, Bools]:
    """The same for a head whose result others read: its meaning where that is hard, rest keys included."""
    line = expectation_of(program, head)
    if head.is_soft and line is not None:
        return _expected(program, line, tokens)
    return _meant(program, head, tokens)


def _expected(program: Program, line: HeadExpectation, tokens: Ints) -> tuple[Bools, Bools]:
    return expectation_targets(line, tokens, program.tokens, program.context)


def _meant(program: Program, head: Head, tokens: Ints) -> tuple[Bools, Bools]:
    meaning = interpret(program, tokens).head(head.name)
    if head.is_soft:
        return np.zeros_like(meaning.support), np.zeros_like(meaning.claimed)
    return meaning.support, meaning.claimed & meaning.support.any(axis=-1)
