"""Small programs built directly from the types of ``compiler.program``, without text, parser or resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from compiler.encodings import Code, Constant, Dims, Encoding, OneHot, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Copy, ExplicitMatrix, Head
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import Basis, EmbedLine, Program, Rotary, Symbol
from dsl.expressions import Expr, Name, Number


def number(value: int | Fraction) -> Number:
    return Number(Fraction(value))


def symbol(name: str) -> Name:
    return Name(name)


def phase(low: int, high: int, *frequencies: Expr, magnitude: Expr | None = None) -> Phase:
    given = frequencies or (number(1), number(Fraction(1, 10)))
    return Phase(low, high, len(given), given, (magnitude or number(1),) * len(given))


def size_of(encoding: Encoding) -> int:
    match encoding:
        case OneHot(values):
            return len(values)
        case Phase():
            return 2 * encoding.count
        case Code(size=size) | Dims(size):
            return size
        case Quadratic():
            return 2
        case ScalarValue() | Constant():
            return 1


def matrix(rows: Sequence[Sequence[int | Fraction | Expr]]) -> ExplicitMatrix:
    entries = tuple(
        (i, j, number(x) if isinstance(x, (int, Fraction)) else x)
        for i, row in enumerate(rows)
        for j, x in enumerate(row)
        if x != 0
    )
    return ExplicitMatrix(len(rows), len(rows[0]), entries)


def copy(source: str, target: str, coefficient: int | Fraction | Expr = 1, **more: object) -> Copy:
    c = number(coefficient) if isinstance(coefficient, (int, Fraction)) else coefficient
    return Copy(source, target, c, **more)  # type: ignore[arg-type]


def program(
    tokens: tuple[str, ...],
    context: int,
    subspaces: Mapping[str, Encoding],
    embeds: Sequence[tuple[str, str] | EmbedLine],
    layers: Sequence[Sequence[Head]],
    predict: tuple[str, ...] = (),
    positions: Rotary | None = None,
    symbols: tuple[Symbol, ...] = (),
    width: int | None = None,
) -> Program:
    """Lays the subspaces out one after the other and numbers the heads."""
    made, at = [], 0
    for name, encoding in subspaces.items():
        size = size_of(encoding)
        components = tuple(str(i) for i in range(size))
        made.append(Subspace(name, encoding, tuple(range(at, at + size)), components))
        at += size
    lines = tuple(e if isinstance(e, EmbedLine) else EmbedLine(e[0], e[1]) for e in embeds)  # type: ignore[arg-type]
    language = SequenceLanguage.everything(tokens, context)
    return Program(
        name="handmade",
        doc=None,
        tokens=tokens,
        context=context,
        sequences=language,
        mass=Fraction(99, 100),
        dtype="float32",
        width=width or at,
        basis=Basis("axis"),
        biases=False,
        positions=positions,
        symbols=symbols,
        subspaces=tuple(made),
        embeds=lines,
        layers=tuple(tuple(layer) for layer in layers),
        predict=predict,
        expectations=(),
    )


def ids(program: Program, *texts: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Token ids of equally long space-separated texts."""
    return np.array([[program.tokens.index(t) for t in text.split()] for text in texts], dtype=np.int64)
