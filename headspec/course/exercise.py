"""What an exercise is: the typed form of one exercise file.

In: nothing (pure data, made by ``loading``).  Out: frozen types.  Not for: judging (``checking``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from compiler.pipeline import Weights
    from compiler.program import Program

AnswerKind = Literal["heads", "matrices", "formula", "number", "choice", "sequence", "values", "spec"]
"""heads: W_Q, W_K, W_V, W_O of named heads.  matrices: named matrices, such as a product that is to be expanded.
formula: an expression in matrices and vectors, up to equivalence.  number: an exact number (symbols allowed).
choice: one or several of the options.  sequence: tokens.  values: numbers for symbols and params of the given spec.
spec: the heads of a whole model, as lines of a spec."""

CheckKind = Literal[
    "pattern",  # heads: the head attends as ours does (W_Q, W_K)
    "move",  # heads: the head moves what ours moves (W_V, W_O)
    "property",  # heads: a property of the matrices that many answers have
    "equal",  # matrices, number, formula, choice: equal to ours
    "between",  # number: within bounds
    "promises",  # values, spec: the model so completed keeps the promises of its expect lines
    "breaks",  # sequence: on this valid sequence a promise of the spec is broken
    "keeps",  # sequence: on this valid sequence a promise of the spec is kept
]


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to be handed in.  ``head`` and ``matrix`` for kind heads; ``name`` for formulas, numbers, matrices.

    ``shape`` is (rows, columns) in the column convention, sizes as numbers."""

    name: str
    head: str = ""
    matrix: str = ""
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check, with the figures it needs.  ``options`` holds what only one kind needs (see docs/exercises.md)."""

    name: str
    kind: CheckKind
    head: str = ""
    temperature: Literal["free", "stated"] = "free"
    on: Literal["reachable", "everywhere"] = "reachable"
    mass: Fraction | None = None
    dtype: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """An answer that must be accepted.  ``name`` says in a few words what is different about it."""

    name: str
    answer: str


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer that must be refused; ``mistake`` is the code expected (``mistakes.CODES``), ``says`` the teacher's
    own word on it, shown to a student whose answer comes to the same."""

    name: str
    answer: str
    mistake: str = ""
    says: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise.  ``number`` is what people type (``2c``); ``order`` where it stands in the course.

    ``spec_text`` is the given spec: the stage (tokens, sequences, subspaces, embeds, symbols) with our solution's heads
    and their ``expect`` lines.  It may be empty for questions in words.  ``names`` are further names that an answer
    may use for directions (``u_cos_0`` for ``where.cos0``)."""

    number: str
    order: int
    part: int
    title: str
    source: str
    statement: str
    why: str
    kind: AnswerKind
    asked: tuple[Asked, ...]
    checks: tuple[Check, ...]
    hints: tuple[str, ...]
    solution: str
    explanation: str
    right: tuple[RightAnswer, ...]
    wrong: tuple[WrongAnswer, ...]
    choices: Mapping[str, str]
    shapes: Mapping[str, tuple[str, str]]
    spec_text: str
    spec_name: str
    names: Mapping[str, str]
    path: Path

    @cached_property
    def program(self) -> Program | None:
        """The given spec, resolved; None where there is none.  SpecError where the teacher's spec is at fault."""
        from compiler.resolution import resolve
        from dsl.parser import parse

        return resolve(parse(self.spec_text, self.spec_name), {}) if self.spec_text else None

    @cached_property
    def weights(self) -> Weights:
        """Our solution: the given spec, compiled.  Only for exercises that have one."""
        from compiler.pipeline import compile_program

        assert self.program is not None, self.number
        return compile_program(self.program)
