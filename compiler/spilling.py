"""Compute lines as neurons, and lines that one layer of neurons cannot do in steps, over several layers.

In: a ``Program``.  Out: the program with the steps in it, and its lines as neurons.  Raises SpecError where steps do
not help (E0520 to E0525) or there is no room for them (E0310, E0520).  Not for: which steps (``mlp.splitting``).

A program whose lines all fit is left as it is, and gone through once.  Otherwise its tree is resolved again, with the
steps as lines of their own, so that layers, coordinates and what is checked of them are those of any other line.  What
a line means remains what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from compiler.circuits.stream import Stream
from compiler.computing import Compute, Split
from compiler.mlp.building import check_limit, realise_computes, try_line
from compiler.mlp.lines import Line, Unfit
from compiler.mlp.splitting import Splitter
from compiler.mlp.wording import shown
from compiler.program import Program
from compiler.resolution import resolve
from compiler.sharpness import complete_frequencies
from dsl.diagnostics import Diagnostic, SpecError


def in_layers(program: Program) -> tuple[Program, tuple[Line, ...]]:
    """``program`` with as many layers as its compute lines need, and every line as neurons."""
    stream = Stream(program)
    tried: list[Line | Unfit] = []
    found: list[Diagnostic] = []
    for compute in program.computes:
        try:
            tried.append(try_line(stream, compute))
        except SpecError as error:
            found += error.diagnostics
    unfit = [line for line in tried if isinstance(line, Unfit)]
    splits = [None if program.origin is None else split for split in _splits(stream, unfit)]
    for line, split in zip(unfit, splits, strict=True):
        found += () if split else line.refusal().diagnostics
    if found:
        raise SpecError(found)
    if unfit:
        program = _with_steps(program, unfit, [split for split in splits if split])
        return program, realise_computes(program)
    lines = tuple(line for line in tried if isinstance(line, Line))
    check_limit(program, lines)
    return program, lines


def _splits(stream: Stream, unfit: Sequence[Unfit]) -> Iterator[Split | None]:
    """The steps of every line; parts of lines that write one target are counted on."""
    numbers = {line.compute.target: count(1) for line in unfit}
    for line in unfit:
        yield Splitter(stream, line.compute, numbers[line.compute.target]).split()


def _with_steps(program: Program, unfit: Sequence[Unfit], splits: Sequence[Split]) -> Program:
    """``program`` resolved again, with steps.  Numbers that were set since (``dtype``) stay."""
    assert program.origin is not None
    try:
        fresh = resolve(program.origin.spec, program.origin.settings, splits)
    except SpecError as error:
        if {d.code for d in error.diagnostics} <= {"E0310", "E0520"}:
            coarse = [d for line in unfit for d in line.refusal().diagnostics if d.code == "E0524"]
            raise SpecError([*coarse, *error.diagnostics]) from None  # a wider float type may need no steps
        raise SpecError([*unfit[0].refusal().diagnostics, *error.diagnostics]) from None
    for line in unfit:
        _check_matrices(fresh, line)
    return complete_frequencies(
        replace(
            program,
            width=fresh.width,
            basis=fresh.basis,
            subspaces=fresh.subspaces,
            layers=fresh.layers,
            computes=fresh.computes,
            remarks=(*fresh.remarks, *_remarks(fresh)),
        )
    )


def _check_matrices(program: Program, line: Unfit) -> None:
    """The refusal of ``line`` where a matrix that is given outright reads or writes the coordinates of a step."""
    steps = {c.target for c in program.computes if c.part_of}
    hidden = {c for s in program.subspaces if s.name in steps for c in s.coordinates}
    for head in program.heads:
        for name, matrix in head.explicit:
            if hidden & {row if name == "W_O" else column for row, column, _ in matrix.entries}:
                raise line.refusal()


def _remarks(program: Program) -> Iterator[str]:
    """``B` takes two layers ..``: what every step is, and where it runs."""
    for line in program.computes:
        if line.written is not None:
            steps = [c for c in program.computes if c.number == line.number and c.part_of]
            said = "; ".join(_said(step) for step in [*steps, line])
            layers = len({c.layer for c in [*steps, line]})
            yield f"one layer of neurons cannot do `{line.target}` = {shown(line.written)}; it takes {layers}: {said}"


def _said(step: Compute) -> str:
    return f"layer {step.layer} computes `{step.target}` = {shown(step.value)}"
