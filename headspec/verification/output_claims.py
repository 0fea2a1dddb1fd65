"""``expect out after c0 == VALUE`` lines, held against what a model predicts.

In: such a line, token ids and logits.  Out: its ``ExpectationFigures``.  Not for: what the line is worth
(``compiler.claimed_outputs``); nothing here asks the reference meaning, but a generated token that it filled in
otherwise than the line claims is a mistake of one of the two, and is reported as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.claimed_outputs import claimed_ids
from compiler.claims import ValueExpectation
from compiler.program import Program
from headspec.verification.figures import ExpectationFigures, WrongMeaning, WrongOutput
from headspec.verification.outputs import block_of, decide
from headspec.verification.sampling import Tokens


@dataclass
class OutputClaim:
    """One line and its running figures; ``skipped`` counts sequences too short to have its position."""

    program: Program
    line: ValueExpectation
    text: str
    checked: int = 0
    skipped: int = 0
    wrong: int = 0
    first_wrong: WrongOutput | None = None

    def look_at(self, rows: Tokens, tokens: Tokens, logits: NDArray[Any]) -> None:
        """``tokens`` (B, n), ``rows`` the same with blanks where they are generated, ``logits`` (B, n, V)."""
        after = self.line.after
        if after >= tokens.shape[1]:
            self.skipped += len(tokens)
            return
        ids = claimed_ids(self.program, self.line, tokens)
        block = np.flatnonzero(block_of(self.program, self.line.subspace))
        right = ids[:, None] == block
        predicted, margins = decide(np.asarray(logits[:, after], dtype=np.float64)[:, block], right)
        bad = ~(margins > 0)
        otherwise = self._filled_otherwise(rows, tokens, ids)
        self.checked += len(tokens)
        self.wrong += int((bad | otherwise).sum())
        if self.first_wrong is None and (bad | otherwise).any():
            first = int(np.flatnonzero(bad | otherwise)[0])
            seen, answer = self._texts(tokens[first, : after + 1]), self._texts(block[right[first]])
            if otherwise[first]:
                self.first_wrong = WrongMeaning(seen, self.program.tokens[int(tokens[first, after + 1])], answer)
            else:
                self.first_wrong = WrongOutput(seen, self.program.tokens[int(block[predicted[first]])], answer)

    def _filled_otherwise(self, rows: Tokens, tokens: Tokens, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B,): where the next token is generated, and the reference meaning wrote another one than the line says."""
        place = self.line.after + 1
        if self.program.generate is None or place >= tokens.shape[1]:
            return np.zeros(len(tokens), dtype=np.bool_)
        blank = rows[:, place] == len(self.program.tokens)
        found: NDArray[np.bool_] = blank & (tokens[:, place] != ids)
        return found

    def _texts(self, ids: NDArray[Any]) -> tuple[str, ...]:
        return tuple(self.program.tokens[int(i)] for i in ids)

    def figures(self) -> ExpectationFigures:
        return ExpectationFigures(
            self.line.span.line, self.text, self.checked, self.skipped, self.wrong, self.first_wrong
        )
