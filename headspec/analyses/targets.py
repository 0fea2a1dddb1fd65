"""Numbers of a text that a probe is to find: ``NAME after POSITION == EXPRESSION``, as in claims.

In: lines such as ``sum after c[1] - 1 == token[a[0]]*token[b[1]] + token[a[1]]*token[b[0]]``, also below ``for``, and
the program whose tokens, params and slots they speak of.  Out: ``Target``s, and what they are worth.  Not for: fitting
anything (``probing``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compiler.claims import ValueExpectation
from compiler.program import Program
from compiler.resolution.families import expand
from compiler.resolution.output_claims import OutputClaims
from compiler.token_values import Spelling, TokenValues
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Expr, Text
from dsl.parser import parse
from dsl.tree import ExpectValue
from headspec.scope import scope_of
from headspec.verification.sampling import Tokens

MOST = 256
FORM = "NAME after POSITION == EXPRESSION, such as `sum after 4 == token[0] + token[1]`"


@dataclass(frozen=True, slots=True)
class Target:
    """A number, ``claim.value``, that is looked for at position ``after``."""

    name: str
    after: int
    claim: ValueExpectation

    def values(self, program: Program, texts: Tokens) -> NDArray[np.float64]:
        """(B, n), n > after -> (B,): exact integers, each rounded once."""
        ids = texts.astype(object) if self.claim.wide else texts
        found = TokenValues(ids, Spelling(program.tokens)).number(self.claim.value)
        values: NDArray[np.float64] = np.broadcast_to(np.asarray(found).astype(np.float64), len(texts)).copy()
        return values


def read_targets(program: Program, settings: Mapping[str, Fraction], lines: str | Sequence[str]) -> tuple[Target, ...]:
    """SpecError E0681 where a line is no target, and the codes of claims for what stands in it."""
    found = [
        target for line in ([lines] if isinstance(lines, str) else lines) for target in _read(program, settings, line)
    ]
    if not 1 <= len(found) <= MOST:
        message = f"{len(found)} targets" if found else "there is no target"
        raise SpecError(Diagnostic("E0681", message, help=f"from 1 to {MOST}, each {FORM}"))
    return tuple(found)


def _read(program: Program, settings: Mapping[str, Fraction], line: str) -> list[Target]:
    spec = parse(_as_claims(line), "<target>")
    scope = scope_of(program, settings)
    statements = expand(scope, spec.statements, spec.span.source)
    scope.errors.check()
    claims = []
    for statement in statements:
        if not isinstance(statement, ExpectValue):
            span = getattr(statement, "span", spec.span)
            raise SpecError(Diagnostic("E0681", "this is not a target", span, "here", f"write {FORM}"))
        claims.append(statement)
    names = [claim.subspace for claim in claims]
    scope.subspaces |= {name: program.subspaces[0] for name in names if program.subspaces}
    outputs = OutputClaims(scope, program.sequences, names)
    return [_target(claim, outputs.resolve(claim)) for claim in claims]


def _as_claims(text: str) -> str:
    """``expect`` before every line but those of ``for``, so that the text reads as the claims of a spec."""
    lines = []
    for line in text.split("\n"):
        bare = line.lstrip()
        plain = not bare or bare.startswith(("for ", "#", "expect "))
        lines.append(line if plain else f"{line[: len(line) - len(bare)]}expect {bare}")
    return "\n".join(lines) + "\n"


def _target(claim: ExpectValue, resolved: ValueExpectation) -> Target:
    if _is_token(resolved.value):
        help = 'a probe is fitted to a number: compare tokens, `if token[0] == "a" then 1 else 0`'
        raise SpecError(Diagnostic("E0681", "this is a token, and no number", resolved.value.span, "a token", help))
    return Target(str(claim.subspace), resolved.after, resolved)


def _is_token(expr: Expr) -> bool:
    return isinstance(expr, Text)
