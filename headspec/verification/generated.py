"""Texts that a model generates, against the reference meaning and against ``expect "..." ->* "..."`` lines.

In: a program, and a model as a black box.  Out: ``GenerationFigures``, and the figures of such a line.  Not for: the
public ``Model.generate`` (``generation``), nor single predictions (``outputs``).

From a valid sequence the *prompt* is what stands before the first token that the spec says is generated.  Where it says
nothing (no ``generate`` line), it is what stands before the reference meaning determines every next token: up to the
first position from which on all predictions are determined.  The model continues it greedily to the sequence's length,
and each token that it chose must be right after those before it.  By induction it is then the text that the reference
itself generates.  A step is judged while the text so far begins a valid sequence: beyond them nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.claims import OutputExpectation
from compiler.program import Program
from compiler.reference import Meaning, interpret
from headspec.verification.figures import (
    ExpectationFigures,
    GenerationFigures,
    LengthFigures,
    WrongGeneration,
    WrongOutput,
)
from headspec.verification.outputs import decide, describe
from headspec.verification.sampling import Tokens

PROMPTS = 32  # of each length
WORK = 20_000_000  # entries of a pattern that may be looked at for the prompts of one length


def continue_greedily(model: Any, tokens: Tokens, n: int) -> Tokens:
    """(B, m) -> (B, m + n): ``model.generate`` where there is one, else the largest logit of one pass per token."""
    if hasattr(model, "generate"):
        found: Tokens = np.asarray(model.generate(tokens, n), dtype=np.int64)
        return found
    for _ in range(n):
        chosen = np.asarray(model.observe(tokens)[1])[:, -1].argmax(axis=1)
        tokens = np.concatenate([tokens, chosen[:, None].astype(np.int64)], axis=1)
    return tokens


@dataclass
class Generation:
    """Running figures of the texts generated from the prompts of every length."""

    program: Program
    tokens: int = 0
    undetermined: int = 0
    outside: int = 0
    first_wrong: WrongOutput | None = None
    lengths: dict[int, tuple[int, int]] = field(default_factory=dict)

    def look_at(self, model: Any, rows: Tokens, tokens: Tokens, meaning: Meaning) -> None:
        """Generate from the prompts of this batch (B, n); ``rows`` are ``tokens`` with blanks where they are generated,
        ``meaning`` has predictions at every position."""
        if len(meaning.predictions) != 1:
            return
        length = tokens.shape[1]
        start = self._start(rows, meaning)
        room = self._room(length)
        chosen = _spread(np.flatnonzero(start <= length - 2), room)
        for begin in np.unique(start[chosen]):
            prompts = np.unique(tokens[chosen[start[chosen] == begin], : begin + 1], axis=0)
            self._judge(continue_greedily(model, prompts, length - begin - 1), int(begin))

    def _start(self, rows: Tokens, meaning: Meaning) -> NDArray[np.int64]:
        """(B,): the last position of each prompt; that of the last token but one where nothing is generated."""
        if self.program.generate is None:
            return first_determined(meaning.predictions[0].determined)
        blank = rows == len(self.program.tokens)
        start: NDArray[np.int64] = np.where(blank.any(axis=1), blank.argmax(axis=1), rows.shape[1]) - 1
        return start

    def _room(self, length: int) -> int:
        most = max(1, min(PROMPTS, WORK // (length * length)))
        return max(0, most - self.lengths.get(length, (0, 0))[0])

    def _judge(self, texts: Tokens, begin: int) -> None:
        """``texts`` (K, n), generated behind position ``begin``."""
        prediction = interpret(self.program, texts, every_position=True).predictions[0]
        steps = np.arange(begin, texts.shape[1] - 1)
        determined = prediction.determined[:, steps]
        good = np.take_along_axis(prediction.right[:, steps], texts[:, steps + 1, None], axis=2)[:, :, 0]
        wrong = 0
        for row, text in enumerate(texts):
            valid = _valid_steps(self.program, text, begin)
            bad = np.flatnonzero(determined[row, :valid] & ~good[row, :valid])
            self.tokens += int(bad[0]) + 1 if len(bad) else valid
            self.outside += int(not len(bad) and valid < len(steps))
            self.undetermined += int(not len(bad) and not determined[row, :valid].all())
            wrong += int(len(bad) > 0)
            if len(bad) and self.first_wrong is None:
                at = begin + int(bad[0])
                self.first_wrong = describe(self.program, text[: at + 1], int(text[at + 1]), prediction.right[row, at])
        checked, before = self.lengths.get(texts.shape[1], (0, 0))
        self.lengths[texts.shape[1]] = (checked + len(texts), before + wrong)

    def figures(self) -> GenerationFigures:
        lengths = tuple(LengthFigures(n, *counts) for n, counts in sorted(self.lengths.items()))
        return GenerationFigures(self.tokens, self.undetermined, self.outside, self.first_wrong, lengths)


def first_determined(determined: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(B, n) -> (B,): the first position from which on the tokens after it, up to the last, are all determined; n - 1
    where not even the last token is."""
    within = determined[:, :-1]
    missing = ~within[:, ::-1]
    tail = np.where(missing.any(axis=1), missing.argmax(axis=1), within.shape[1])
    start: NDArray[np.int64] = within.shape[1] - tail
    return start


def _spread(rows: NDArray[np.intp], room: int) -> NDArray[np.intp]:
    """At most ``room`` of ``rows``, evenly."""
    if len(rows) <= room:
        return rows
    return rows[np.linspace(0, len(rows) - 1, room).astype(np.intp)] if room else rows[:0]


def _valid_steps(program: Program, text: NDArray[Any], begin: int) -> int:
    """How many of the tokens behind ``begin`` are chosen after a text that begins a valid sequence; by bisection."""
    low, high = begin + 1, len(text)  # a beginning of length ``low`` is valid
    if program.sequences.begins(text[: high - 1]):
        return high - 1 - begin
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if program.sequences.begins(text[:middle]) else (low, middle)
    return low - begin


# ------------------------------------------------------------------ expect "..." ->* "..."


def check_generated(program: Program, model: Any, line: OutputExpectation, text: str) -> ExpectationFigures:
    """Run the prompt on; the tokens that the line states must follow, each with the largest logit alone."""
    assert line.generated is not None
    ids = [program.tokens.index(token) for token in (*line.prompt, *line.generated)]
    begin, count = len(line.prompt), len(line.generated)
    found = continue_greedily(model, np.array([ids[:begin]], dtype=np.int64), count)[0]
    differs = np.flatnonzero(found[begin:] != np.array(ids[begin:])).tolist()
    tied = _ties(model, ids, begin)
    wrong = None
    if differs or tied:
        at = min([*differs[:1], *tied[:1]])
        generated = tuple(program.tokens[int(i)] for i in found[begin:])
        seen = (*line.prompt, *line.generated[:at])
        wrong = WrongGeneration(seen, generated[at], (line.generated[at],), generated, line.generated, at)
    return ExpectationFigures(line.span.line, text, 1, 0, int(wrong is not None), wrong)


def _ties(model: Any, ids: list[int], begin: int) -> list[int]:
    """The stated tokens, counted from the end of the prompt, that have not the largest logit alone."""
    _, logits = model.observe(np.array([ids[:-1]], dtype=np.int64))
    stated = np.array(ids[begin:])
    right = stated[:, None] == np.arange(logits.shape[2])
    _, margins = decide(np.asarray(logits)[0, begin - 1 :].astype(np.float64), right)
    ties: list[int] = np.flatnonzero(~(margins > 0)).tolist()
    return ties
