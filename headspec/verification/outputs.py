"""What a model predicts, against what is right: at the last token, or after every token where the spec generates.

In: logits, and the reference meaning's ``Prediction``s.  Out: ``OutputFigures``; the ``expect "..." -> "..."`` lines.
Not for: attention patterns (``judging``), nor texts that are generated (``generated``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.claims import OutputExpectation
from compiler.encodings import OneHot
from compiler.program import Program
from compiler.reference import Meaning, Prediction
from compiler.reference.completion import is_valid
from headspec.verification.figures import LengthFigures, OutputFigures, WrongOutput
from headspec.verification.sampling import Tokens

ROWS = 1 << 22  # logits decided at a time


def generates(program: Program) -> bool:
    """Does the spec speak of generated text?  Then every token of a sequence is predicted from those before it."""
    return program.generate is not None or any(
        isinstance(e, OutputExpectation) and e.generated is not None for e in program.expectations
    )


def speaks_of(program: Program, ids: Sequence[int]) -> bool:
    """Is this text a valid input; or, of a spec that generates, the beginning of one?"""
    if program.generate is not None:
        return is_valid(program, np.asarray(ids, dtype=np.int64))
    return program.sequences.accepts(ids) or (generates(program) and program.sequences.begins(ids))


@dataclass
class Outputs:
    """Running figures over all batches; ``every_position``: after every token, not only after the last."""

    program: Program
    every_position: bool = False
    checked: int = 0
    wrong: int = 0
    undetermined: int = 0
    min_margin: float | None = None
    first_wrong: WrongOutput | None = None
    lengths: dict[int, tuple[int, int]] = field(default_factory=dict)

    def look_at(self, tokens: Tokens, logits: NDArray[Any], meaning: Meaning) -> None:
        """``tokens`` (B, n), ``logits`` (B, n, V), and their meaning at the positions that are judged."""
        for prediction in meaning.predictions:
            self._look_at_block(tokens, logits, prediction)

    def _look_at_block(self, tokens: Tokens, logits: NDArray[Any], prediction: Prediction) -> None:
        if self.every_position:
            determined, right = prediction.determined, prediction.right
        else:
            logits, determined, right = logits[:, -1:], prediction.determined[:, None], prediction.right[:, None]
        self.undetermined += int((~determined).sum())
        ids = np.flatnonzero(block_of(self.program, prediction.subspace))
        row, step = np.nonzero(determined)
        size = max(1, ROWS // logits.shape[2])
        for start in range(0, len(row), size):
            places = row[start : start + size], step[start : start + size]
            entries = places[0][:, None], places[1][:, None], ids
            predicted, margins = decide(logits[entries].astype(np.float64), right[entries])
            self._judge(tokens, places, ids[predicted], margins, right)

    def _judge(
        self,
        tokens: Tokens,
        places: tuple[NDArray[np.intp], NDArray[np.intp]],
        predicted: NDArray[np.int64],
        margins: NDArray[np.float64],
        right: NDArray[np.bool_],
    ) -> None:
        bad = ~(margins > 0)
        self.checked += len(margins)
        self.wrong += int(bad.sum())
        before = self.lengths.get(tokens.shape[1], (0, 0))
        self.lengths[tokens.shape[1]] = (before[0] + len(margins), before[1] + int(bad.sum()))
        least = float(margins.min())
        self.min_margin = least if self.min_margin is None else min(self.min_margin, least)
        if self.first_wrong is None and bad.any():
            first = int(np.flatnonzero(bad)[0])
            row, step = int(places[0][first]), int(places[1][first])
            seen = tokens[row, : step + 1] if self.every_position else tokens[row]
            self.first_wrong = describe(self.program, seen, int(predicted[first]), right[row, step])

    def figures(self) -> OutputFigures:
        lengths = tuple(LengthFigures(n, *counts) for n, counts in sorted(self.lengths.items()))
        return OutputFigures(
            self.checked,
            self.wrong,
            self.undetermined,
            self.min_margin,
            self.first_wrong,
            self.every_position,
            lengths,
        )


def describe(program: Program, sequence: NDArray[Any], predicted: int, right: NDArray[np.bool_]) -> WrongOutput:
    """A wrong prediction after ``sequence``, in texts."""
    texts = program.tokens
    answers = tuple(texts[i] for i in np.flatnonzero(right))
    return WrongOutput(tuple(texts[i] for i in sequence), texts[predicted], answers)


def block_of(program: Program, subspace: str) -> NDArray[np.bool_]:
    """The tokens among which a predicted subspace decides: those of its own, or all that are read, or those of its
    values where there are several blocks."""
    said = program.own_values(subspace)
    if said is not None:
        return np.array([value is not None for value in said])
    encoding = program.subspace(subspace).encoding
    if len(program.predict) == 1 or not isinstance(encoding, OneHot):
        return np.arange(len(program.tokens)) < len(program.read_tokens)
    values = {str(value) for value in encoding.values}
    return np.array([token in values for token in program.tokens])


def block_with(program: Program, token: str) -> NDArray[np.bool_]:
    """The tokens that ``token`` stands against: its block where it is some prediction's own, else all that are read."""
    owner = next((own.subspace for own in program.own if own.text == token), None)
    if owner is not None:
        return block_of(program, owner)
    return np.arange(len(program.tokens)) < len(program.read_tokens)


def best_tokens(program: Program, logits: NDArray[Any]) -> list[tuple[int, float]]:
    """The token with the largest of ``logits`` (V,) and how far it is above the next: one for each prediction in
    tokens of its own, and one among the tokens that are read if anything else is predicted."""
    owners = dict.fromkeys(own.subspace for own in program.own)
    blocks = [block_of(program, owner) for owner in owners]
    if len(owners) < len(program.predict) or not program.predict:
        blocks.append(np.arange(len(program.tokens)) < len(program.read_tokens))
    found = []
    for block in blocks:
        ids = np.flatnonzero(block)
        ranked = np.sort(logits[ids])
        margin = float(ranked[-1] - ranked[-2]) if len(ranked) > 1 else float("inf")
        found.append((int(ids[logits[ids].argmax()]), margin))
    return found


def decide(logits: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(count, V) each -> predicted ids, and by how much the best right logit exceeds the best wrong one.

    A tie between a right and a wrong token is wrong: margin 0.  A row with NaN (or an infinity where a number
    should be) has margin -inf; one without wrong tokens, +inf."""
    clean = np.where(np.isnan(logits), -np.inf, logits)
    best = np.where(right, clean, -np.inf).max(axis=1)
    rival = np.where(right, -np.inf, clean).max(axis=1)
    sound = np.isfinite(best) & ~np.isnan(logits).any(axis=1) & (rival < np.inf)
    margins = np.full(len(logits), -np.inf)
    margins[sound] = best[sound] - rival[sound]
    return clean.argmax(axis=1), margins
