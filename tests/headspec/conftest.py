"""Hand-made programs and models, so that these tests need neither parser nor solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from compiler.claims import HeadExpectation, OutputExpectation
from compiler.encodings import OneHot, Subspace
from compiler.heads import Among, Copy, Equal, Head, Rest, Term
from compiler.inputs.patterns import Cat, Rep, Tok
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import Basis, EmbedLine, Program
from dsl.expressions import Binary, Comparison, Member, Number, TokenAt

TOKENS = ("<bos>", "a", "b", "c")
CONTEXT = 6


def onehot(name: str, start: int, values: tuple[Any, ...]) -> Subspace:
    encoding = OneHot(values, ordered=isinstance(values[0], int))
    return Subspace(name, encoding, tuple(range(start, start + len(values))), tuple(str(v) for v in values))


def make_program(*, expectations: bool = True, context: int = CONTEXT, soft: bool = False) -> Program:
    """Induction over a, b, c with positions as one-hots."""
    one = Number(Fraction(1))
    previous = Head(
        name="previous",
        layer=0,
        index=0,
        terms=(Term(Equal("where", "where", -1)),),
        rests=(Rest(Among("content", ("<bos>",))),),
        copies=(Copy("content", "before", one),),
    )
    induction = Head(
        name="induction",
        layer=1,
        index=0,
        terms=(Term(Equal("before", "content")),),
        rests=(Rest(Among("content", ("<bos>",))),),
        copies=(Copy("content", "guess", one),),
    )
    lines: tuple[HeadExpectation | OutputExpectation, ...] = ()
    if expectations:
        key, query = Member("key", "position"), Member("query", "position")
        before = Comparison("==", key, Binary("-", query, one))
        first = Comparison("==", key, Number(Fraction(0)))
        repeat = Comparison("==", TokenAt(Binary("-", key, one)), TokenAt(query))
        lines = (
            HeadExpectation("previous", before, first),
            HeadExpectation("induction", repeat, None),
            OutputExpectation(("<bos>", "a", "b", "c", "a"), "b"),
        )
    size = len(TOKENS)
    return Program(
        name="tiny",
        doc=None,
        tokens=TOKENS,
        context=context,
        sequences=sequences(context),
        mass=Fraction(99, 100),
        dtype="float32",
        width=3 * size + context,
        basis=Basis("axis"),
        biases=False,
        positions=None,
        symbols=(),
        subspaces=(
            onehot("content", 0, TOKENS),
            onehot("before", size, TOKENS),
            onehot("guess", 2 * size, TOKENS),
            onehot("where", 3 * size, tuple(range(context))),
        ),
        embeds=(EmbedLine("token", "content"), EmbedLine("position", "where")),
        layers=((previous,), (induction,)),
        predict=("guess",),
        expectations=lines,
    )


def sequences(context: int) -> SequenceLanguage:
    """<bos> (a|b|c){1,context-1}"""
    pattern = Cat((Tok(frozenset({"<bos>"})), Rep(Tok(frozenset(TOKENS[1:])), 1, context - 1)))
    return SequenceLanguage.from_pattern(pattern, TOKENS, context)


@dataclass
class FakeModel:
    """The induction model with hard attention softened to ``sharp``; ``damage`` may change what it shows."""

    sharp: float = 0.999
    device: str = "cpu"
    dtype: str = "float32"
    damage: Any = field(default=None)

    def observe(self, tokens: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        shown = [self.show(sequence) for sequence in tokens]
        first, second, logits = (np.stack([row[i] for row in shown]) for i in range(3))
        patterns = [first[:, None], second[:, None]]
        return self.damage(tokens, patterns, logits) if self.damage else (patterns, logits)

    def show(self, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = len(sequence)
        before = [[max(0, q - 1)] for q in range(n)]
        copies = [[k for k in range(1, q + 1) if sequence[k - 1] == sequence[q]] or [0] for q in range(n)]
        logits = np.zeros((n, len(TOKENS)))
        for q in range(n):
            for k in copies[q]:
                logits[q, sequence[k]] += 1 / len(copies[q])
        return self.soften(before), self.soften(copies), logits

    def soften(self, rows: list[list[int]]) -> np.ndarray:
        pattern = np.zeros((len(rows), len(rows)))
        for q, keys in enumerate(rows):
            others = [k for k in range(q + 1) if k not in keys]
            sharp = self.sharp if others else 1.0
            pattern[q, keys] = sharp / len(keys)
            pattern[q, others] = (1 - sharp) / max(1, len(others))
        return pattern


@pytest.fixture
def program() -> Program:
    return make_program()


@pytest.fixture
def build_program() -> Callable[..., Program]:
    """``make_program``, for tests that vary it."""
    return make_program


@pytest.fixture
def fake() -> type[FakeModel]:
    """``FakeModel``, whose instances can be made blunt or damaged."""
    return FakeModel
