"""Which specs can be held to account prompt by prompt, and what exactly is claimed of them.

In: a ``Program``.  Out: ``Plan``.  Not for: running a model.

One pass over the right text answers for generation.  Let t be a prompt with the claimed tokens behind it.  Greedy
decoding writes t if and only if, for every generated place p, the largest logit after t[:p] is that of t[p]: by
induction, the text before p is t[:p] as long as nothing was wrong, and the first place where the claim fails is the
first token that decoding writes otherwise.  (In floats, both ways of running the model round differently; what they
differ by is many orders below the margins that are reported.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from compiler.claimed_outputs import Prompts, prompts
from compiler.claims import ValueExpectation
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError

MOST = 1 << 62
"""Prompts are numbered by 64-bit integers."""


@dataclass(frozen=True)
class Plan:
    """``prompts`` of ``program`` and all its ``claims``; build with ``plan``."""

    program: Program
    prompts: Prompts
    claims: tuple[ValueExpectation, ...]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the tokens, the prompts and the claims, as they were understood and not as they were written."""
        said = (self.program.tokens, self.prompts.places, self.program.predict, self.claims)
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def words(self, ids: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.program.tokens[i] for i in ids)


def plan(program: Program) -> Plan:
    """Raises SpecError E0459 unless prompts can be numbered and every output is claimed: each generated token, or where
    nothing is generated, each prediction at the last position."""
    found = prompts(program)
    claims = tuple(e for e in program.expectations if isinstance(e, ValueExpectation))
    claimed = {(claim.subspace, claim.after) for claim in claims}
    if program.generate is not None:
        needed = [(program.predict[0], place - 1) for place in found.blanks]
    else:
        needed = [(name, len(found.places) - 1) for name in program.predict]
    missing = [each for each in needed if each not in claimed]
    if missing or not needed:
        _unclaimed(program, *(missing or [("", 0)])[0])
    return Plan(program, found, claims)


def can_plan(program: Program) -> bool:
    """Does ``plan`` accept this?"""
    try:
        plan(program)
    except SpecError:
        return False
    return True


def _unclaimed(program: Program, name: str, after: int) -> NoReturn:
    span = program.generate.span if program.generate else None
    if not name:
        raise SpecError(Diagnostic("E0459", "nothing is predicted", span, help="add `predict SUBSPACE`"))
    found = f"no line claims what `{name}` predicts after position {after}"
    raise SpecError(Diagnostic("E0459", found, span, "not all claimed", f"add `expect {name} after {after} == ..`"))
