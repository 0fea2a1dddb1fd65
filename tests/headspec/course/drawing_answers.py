"""Answers drawn at random around ours: other ways to write a right one, and mutants of it.

In: an ``Instance`` and a ``Random``.  Out: ``Draw``: exact matrices, and the same as floats.  Whether a draw is right
is for others to say: a mutant may still be.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from compiler.exact import Angle, Matrix, Scalar
from headspec.course.answer import Answer
from headspec.course.exercise import Asked, Check, Exercise
from tests.headspec.course.brute_force import Instance

Matrices = dict[tuple[str, str], Matrix]
PAIRS = (("W_Q", "W_K"), ("W_O", "W_V"))


@dataclass(frozen=True)
class Draw:
    """``how`` says in words what was done to our answer."""

    how: str
    answer: Answer
    floats: dict[tuple[str, str], np.ndarray]


@cache
def exercise_of(name: str) -> Exercise:
    """The instance called ``name`` as an exercise: every asked head has to look where it should."""
    instance = instance_called(name)
    checks = tuple(
        Check(head, "pattern", head, "stated" if instance.stated else "free")
        for head, matrices in instance.asked
        if "W_Q" in matrices
    )
    asked = tuple(Asked(matrix, head, matrix) for head, matrices in instance.asked for matrix in matrices)
    return Exercise(
        number=name, order=0, part=1, title=name, source="", statement="", why="", kind="heads", asked=asked,
        checks=checks, hints=("",), solution="", explanation="", right=(), wrong=(), choices={}, shapes={},
        spec_text=instance.spec, spec_name=name, names={}, path=Path(name),
    )  # fmt: skip


def instance_called(name: str) -> Instance:
    from tests.headspec.course import brute_force

    return next(one for one in brute_force.INSTANCES if one.name == name)


def draw(instance: Instance, rng: Random) -> Draw:
    """Our answer, written otherwise, and with some likelihood spoilt."""
    exercise = exercise_of(instance.name)
    matrices: Matrices = {
        (head, matrix): getattr(exercise.weights.head(head), matrix)
        for head, names in instance.asked
        for matrix in names
    }
    words = []
    for step in (_regauged, _spoilt, _scaled, _unseen, _other_choice):
        chance = {_regauged: 0.6, _spoilt: 0.6, _scaled: 0.3, _unseen: 0.3, _other_choice: 0.25}[step]
        if rng.random() < chance:
            words.append(step(matrices, instance, rng))
    numeric = rng.random() < 0.3
    values = {name: Fraction(value) for name, value in exercise.weights.bindings.items()}
    if numeric:
        words.append(_in_floats(matrices, values, rng))
    floats = {key: _dense(matrix, values) for key, matrix in matrices.items()}
    return Draw(", ".join(words) or "ours", Answer(matrices=matrices, numeric=numeric), floats)


def _dense(matrix: Matrix, values: dict[str, Fraction]) -> np.ndarray:
    out = np.zeros(matrix.shape)
    for i, j, entry in matrix.nonzeros():
        out[i, j] = entry.to_float(values)
    return out


def _pick(matrices: Matrices, rng: Random) -> tuple[str, str, str]:
    """(head, first, second) of one circuit that was handed in."""
    return rng.choice([(h, a, b) for h in sorted({h for h, _ in matrices}) for a, b in PAIRS if (h, a) in matrices])


def _regauged(matrices: Matrices, instance: Instance, rng: Random) -> str:
    """W_Q -> G W_Q, W_K -> G^-T W_K with G a product of integer shears and swaps; likewise W_O, W_V."""
    head, first, second = _pick(matrices, rng)
    size = matrices[head, second].rows
    G, H = Matrix.identity(size), Matrix.identity(size)  # H = G^-T
    for _ in range(rng.randint(1, 4)):
        i, j = rng.sample(range(size), 2)
        c = Scalar.rational(rng.choice([-2, -1, 1, 2]))
        G = (Matrix.identity(size) + Matrix(size, size, {(i, j): c})) @ G
        H = (Matrix.identity(size) - Matrix(size, size, {(j, i): c})) @ H
    if first == "W_Q":
        matrices[head, first] = G @ matrices[head, first]
    else:
        matrices[head, first] = matrices[head, first] @ G.T
    matrices[head, second] = H @ matrices[head, second]
    return f"gauge of {head} {first} {second}"


ENTRIES = (
    Scalar.rational(0),
    Scalar.rational(1),
    Scalar.rational(-1),
    Scalar.rational(Fraction(1, 2)),
    Scalar.rational(2),
    Scalar.cos(Angle.symbol("alpha")),
    Scalar.sin(Angle.symbol("alpha")),
    Scalar.symbol("beta"),
    Scalar.symbol("lambda"),
)


def _spoilt(matrices: Matrices, instance: Instance, rng: Random) -> str:
    """One entry replaced, negated, or added to."""
    key = rng.choice(sorted(matrices))
    matrix = matrices[key]
    filled = sorted(matrix.entries)
    anywhere = (rng.randrange(matrix.rows), rng.randrange(matrix.columns))
    place = rng.choice(filled) if filled and rng.random() < 0.6 else anywhere
    old = matrix[place]
    new = rng.choice([*ENTRIES, -old, old * 2, old + Scalar.rational(Fraction(1, 4))])
    matrices[key] = Matrix(matrix.rows, matrix.columns, {**matrix.entries, place: new})
    return f"{key[0]} {key[1]}{list(place)} = {new} for {old}"


def _scaled(matrices: Matrices, instance: Instance, rng: Random) -> str:
    head = rng.choice(sorted({h for h, m in matrices if m == "W_Q"}))
    factor = rng.choice(
        [Scalar.rational(3), Scalar.rational(Fraction(1, 5)), Scalar.symbol("beta"), -Scalar.rational(1)]
    )
    matrices[head, "W_Q"] = matrices[head, "W_Q"].scale(factor)
    return f"{head} W_Q times {factor}"


def _unseen(matrices: Matrices, instance: Instance, rng: Random) -> str:
    """Something is read from the last coordinate, which is empty in the one-layer instances and is not in `pair`."""
    head = rng.choice(sorted({h for h, m in matrices if m == "W_Q"}))
    name = rng.choice(["W_Q", "W_K"])
    matrix = matrices[head, name]
    place = (rng.randrange(matrix.rows), matrix.columns - 1)
    matrices[head, name] = Matrix(matrix.rows, matrix.columns, {**matrix.entries, place: Scalar.rational(3)})
    return f"{head} {name} reads the last coordinate"


def _other_choice(matrices: Matrices, instance: Instance, rng: Random) -> str:
    """One row of W_Q weighs otherwise: other magnitudes of frequencies or contents, often still right."""
    head = rng.choice(sorted({h for h, m in matrices if m == "W_Q"}))
    matrix = matrices[head, "W_Q"]
    rows = rng.sample(range(matrix.rows), min(2, matrix.rows))
    factor = rng.choice([Fraction(1, 2), Fraction(3, 2), 4, 0])
    entries = {(i, j): e * factor if i in rows else e for (i, j), e in matrix.entries.items()}
    matrices[head, "W_Q"] = Matrix(matrix.rows, matrix.columns, entries)
    return f"rows {rows} of {head} W_Q times {factor}"


def _in_floats(matrices: Matrices, values: dict[str, Fraction], rng: Random) -> str:
    kind = rng.choice([np.float64, np.float32, np.float16])
    for key, matrix in matrices.items():
        matrices[key] = Matrix(
            matrix.rows,
            matrix.columns,
            {p: Scalar.rational(Fraction(float(kind(e.to_float(values))))) for p, e in matrix.entries.items()},
        )
    return f"in {kind.__name__}"
