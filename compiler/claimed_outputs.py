"""What the ``expect out after ..`` lines of a spec claim, and the prompts that they are claimed for, in bulk.

In: a ``Program``; prompts, or their numbers, as arrays of 64-bit integers: NumPy arrays, or torch tensors on any
device (arithmetic operators and indexing are all that is asked of them).  Out: ``Prompts``, which counts the prompts
and makes the one of any number without listing them; ``ClaimedOutputs``, the whole texts and the claimed tokens.  Not
for: the reference meaning, nor what a model does; a claim is a statement about tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NoReturn

import numpy as np

from compiler.claims import ValueExpectation
from compiler.encodings import Value
from compiler.program import BLANK, Program
from compiler.token_values import Array, Spelling, TokenValues, added, runs, within
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Expr

__all__ = ["ClaimedOutput", "ClaimedOutputs", "Prompts", "claimed_ids", "complete_by_claims", "prompts"]

# ------------------------------------------------------------------ prompts by number


@dataclass(frozen=True)
class Prompts:
    """All prompts of a fixed format: at each position any token of a set, whatever stands elsewhere.

    ``places[p]`` are the token ids at position p, ascending, and None where the model writes.  ``length`` is the number
    of positions before the first of these (of all, if there is none); behind it only fixed tokens are given."""

    places: tuple[tuple[int, ...] | None, ...]

    @cached_property
    def length(self) -> int:
        return next((p for p, ids in enumerate(self.places) if ids is None), len(self.places))

    @property
    def blanks(self) -> tuple[int, ...]:
        """The positions where the model writes."""
        return tuple(p for p, ids in enumerate(self.places) if ids is None)

    @cached_property
    def count(self) -> int:
        """How many prompts there are: an exact integer of any size."""
        return prod(len(ids) for ids in self.places[: self.length] if ids is not None)

    def at(self, indices: Array) -> Array:
        """(B,) numbers from 0 to count - 1 -> (B, length) token ids, in the order of ids, the last position fastest.

        ``indices`` holds 64-bit integers; the result is of its library, and on its device."""
        rows = indices[:, None][:, [0] * self.length]
        stride = 1
        for place in reversed(range(self.length)):
            ids = self.places[place]
            assert ids is not None
            digit = indices // stride % len(ids)
            found = list(runs(list(enumerate(ids))))
            if len(found) == 1:
                rows[:, place] = digit + ids[0]
            else:
                rows[:, place] = added(within(digit, a, b) * (digit + (first - a)) for a, b, first in found)
            stride *= len(ids)
        return rows


def prompts(program: Program) -> Prompts:
    """The prompts of ``program``, or its valid inputs where it generates nothing.

    Raises SpecError E0459 unless all have one length, what can stand at one position does not depend on the others,
    and behind the first generated token all that is given is fixed."""
    language = program.generate.prompts if program.generate else program.sequences
    length, ids = language.longest, {token: i for i, token in enumerate(program.tokens)}
    sets = [language.tokens_at(place) for place in range(length)]
    if language.lengths() != (length,) or language.count() != prod(map(len, sets)):
        _no_product(program, "what can stand at a position depends on other positions, or on the length")
    if any(BLANK in here and len(here) > 1 for here in sets):
        _no_product(program, "a position may be given or generated")
    places = tuple(None if BLANK in here else tuple(sorted(ids[token] for token in here)) for here in sets)
    found = Prompts(places)
    for place, here in enumerate(places[found.length :], start=found.length):
        if here is not None and len(here) > 1:
            _no_product(program, f"position {place} is free, and stands behind a generated token")
    return found


def _no_product(program: Program, why: str) -> NoReturn:
    span = program.generate.span if program.generate else None
    help = "fix the format: a `layout`, or `sequences` with counts that are numbers"
    raise SpecError(Diagnostic("E0459", f"the prompts cannot be numbered: {why}", span, "no fixed format", help))


# ------------------------------------------------------------------ what is claimed


@dataclass(frozen=True)
class ClaimedOutput:
    """``ids`` (B,): the token that ``subspace`` predicts at position ``after``; -1 where no token spells the value."""

    subspace: str
    after: int
    ids: Array
    line: int


@dataclass(frozen=True)
class ClaimedOutputs:
    """``sequences`` (B, n): the prompts with everything behind them; and each claim, in the order of the spec."""

    sequences: Array
    claims: tuple[ClaimedOutput, ...]


def claimed_ids(program: Program, claim: ValueExpectation, sequences: Array) -> Array:
    """(B, n) token ids, n > claim.after -> (B,): the id of the claimed token, -1 where no token spells the value.

    Only the tokens up to ``claim.after`` are read.  A ``wide`` claim is worked out in Python's integers, one by one,
    and for NumPy arrays alone: SpecError E0457 for others."""
    if not claim.wide:
        return _ids(program, TokenValues(sequences, Spelling(program.tokens)), claim)
    if not isinstance(sequences, np.ndarray):
        help = "reckon in smaller parts, or hand in NumPy arrays, for which Python's integers are used"
        raise SpecError(Diagnostic("E0457", "this claim may leave 64-bit integers", claim.span, "too large", help))
    return _ids(program, TokenValues(sequences.astype(object), Spelling(program.tokens)), claim).astype(np.int64)


def _ids(program: Program, values: TokenValues, claim: ValueExpectation) -> Array:
    said = program.own_values(claim.subspace)
    found = values.token(claim.value) if said is None else _said(program, said, values, claim.value)
    return values.ids[:, 0] * 0 + found if isinstance(found, int) else found


def _said(program: Program, said: Sequence[Value | None], values: TokenValues, claimed: Expr) -> Array:
    """The ids of tokens of its own by which a prediction says what is claimed; -1 where none does."""
    here = [(value, i) for i, value in enumerate(said) if value is not None]
    numbers = all(isinstance(value, int) for value, _ in here)
    pairs = sorted((value if isinstance(value, int) else program.tokens.index(value), i) for value, i in here)
    found = values.number(claimed) if numbers else values.token(claimed)
    return added(within(found, low, high) * (found + (first - low + 1)) for low, high, first in runs(pairs)) - 1


def complete_by_claims(program: Program, rows: Array) -> ClaimedOutputs:
    """(B, m) prompts -> their whole texts (B, n), generated tokens as the claims say, and every claim about them.

    ``rows`` are 64-bit token ids with m = ``prompts(program).length``; they are not changed.  Values come out exactly:
    claims that could leave 64 bits are known.  Raises SpecError E0459 where ``prompts`` does, or where no line claims a
    generated token; E0457 as ``claimed_ids`` does."""
    format = prompts(program)
    claims = [e for e in program.expectations if isinstance(e, ValueExpectation)]
    writing = {claim.after + 1: claim for claim in claims if claim.subspace in program.predict[:1]}
    uncovered = [p for p in format.blanks if p not in writing]
    if uncovered:
        _unclaimed(program, uncovered)
    more = len(format.places) - format.length
    sequences = rows[:, [*range(format.length), *[0] * more]]
    values = TokenValues(sequences, Spelling(program.tokens))

    def ids_of(claim: ValueExpectation) -> Array:
        return claimed_ids(program, claim, sequences) if claim.wide else _ids(program, values, claim)

    for place in range(format.length, len(format.places)):
        ids = format.places[place]
        sequences[:, place] = ids[0] if ids is not None else ids_of(writing[place])
    found = (ClaimedOutput(c.subspace, c.after, ids_of(c), c.span.line) for c in claims)
    return ClaimedOutputs(sequences, tuple(found))


def _unclaimed(program: Program, places: Sequence[int]) -> NoReturn:
    assert program.generate is not None
    span, place, name = program.generate.span, places[0], program.predict[0]
    found = f"the token at position {place} is generated, and no line claims what it is"
    raise SpecError(Diagnostic("E0459", found, span, "not all claimed", f"add `expect {name} after {place - 1} == ..`"))
