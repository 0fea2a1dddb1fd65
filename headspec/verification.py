"""The compiled model against what the spec means: does it do what it says, on the sequences looked at?

In: a ``Program``, and a model as a black box that gives attention patterns and logits for token ids.
Out: ``Verification``: per head, per ``expect`` line and for the outputs, what was checked and the worst case.
Not for: proofs about sequences that were not looked at; and not for building the model: this file reaches
none of the code that made the weights (exact numbers, circuits, factors, strengths), so the two sides
share nothing but the program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.program import Head, HeadExpectation, OutputExpectation, Program
from headspec.expected import JUDGED, UNCLAIMED, UNDETERMINED, Expected, claimed_keys, expected_meaning
from headspec.figures import ExpectationFigures, OutputFigures, Verification, WrongOutput, head_figures, make_case
from headspec.judging import ROUNDING, Tally, equal_shares
from headspec.sampling import Choice, Tokens, choose_sequences

__all__ = ["ObservedModel", "Verification", "verify_model"]

Progress = Callable[[int, int], None]
"""Called with the pattern entries looked at so far, and the number there are in all."""


class ObservedModel(Protocol):
    """All that a verification may ask of a model.

    ``observe(tokens)`` takes ids (batch, n) and gives the attention patterns, per layer (batch, head, n, n),
    and the logits (batch, n, vocabulary), as NumPy arrays."""

    @property
    def device(self) -> str: ...

    @property
    def dtype(self) -> str: ...

    def observe(self, tokens: Tokens) -> tuple[list[NDArray[Any]], NDArray[Any]]: ...


def verify_model(
    program: Program,
    model: ObservedModel,
    *,
    samples: int | None = None,
    exhaustive: bool = False,
    exhaustive_limit: int = 20_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Verification:
    """Hold ``model`` against the meaning of ``program`` and its ``expect`` lines.

    Every valid sequence is looked at when there are at most ``exhaustive_limit`` of them or ``exhaustive`` is
    set, else a sample of about ``samples`` random and adversarial ones.  Raises SpecError E0608 when too
    many sequences are asked for."""
    started = time.perf_counter()
    choice = choose_sequences(
        program.sequences,
        len(program.heads),
        samples=samples,
        exhaustive=exhaustive,
        exhaustive_limit=exhaustive_limit,
        seed=seed,
    )
    session = _Session(program, model)
    done = positions = 0
    for tokens in choice.batches():
        session.look_at(tokens)
        positions += tokens.size
        done += tokens.size * tokens.shape[1] * max(1, len(program.heads))
        if progress is not None:
            progress(done, choice.work)
    return session.conclude(choice, positions, time.perf_counter() - started)


@dataclass
class _Session:
    """Tallies of one verification, filled batch by batch."""

    program: Program
    model: ObservedModel
    heads: dict[str, Tally] = field(init=False)
    passed_over: dict[str, list[int]] = field(init=False)
    claims: list[_Claim] = field(init=False)
    outputs: _Outputs = field(init=False)

    def __post_init__(self) -> None:
        self.heads = {head.name: self._tally() for head in self.program.heads}
        self.passed_over = {head.name: [0, 0] for head in self.program.heads}
        lines = [e for e in self.program.expectations if isinstance(e, HeadExpectation)]
        self.claims = [_Claim(line, self.program.head(line.head), self._tally()) for line in lines]
        self.outputs = _Outputs(self.program)

    def _tally(self) -> Tally:
        return Tally(float(self.program.mass), ROUNDING.get(self.model.dtype, ROUNDING["float32"]))

    def look_at(self, tokens: Tokens) -> None:
        """Run the model and the reference meaning on one batch and compare."""
        patterns, logits = self.model.observe(tokens)
        expected = expected_meaning(self.program, tokens)
        for head in self.program.heads:
            pattern = _causal(patterns[head.layer][:, head.index])
            self._look_at_head(head, tokens, pattern, expected)
            for claim in self.claims:
                if claim.head.name == head.name:
                    claim.look_at(self.program, tokens, pattern)
        self.outputs.look_at(tokens, logits[:, -1], expected)

    def _look_at_head(self, head: Head, tokens: Tokens, pattern: NDArray[Any], expected: Expected) -> None:
        shares, status = expected.heads[head.name]
        self.passed_over[head.name][0] += int((status == UNCLAIMED).sum())
        self.passed_over[head.name][1] += int((status == UNDETERMINED).sum())
        self.heads[head.name].add(tokens, pattern, shares, status == JUDGED, soft=head.is_soft)

    def conclude(self, choice: Choice, positions: int, seconds: float) -> Verification:
        program, tokens = self.program, self.program.tokens
        heads = tuple(
            head_figures(
                head.name,
                head.layer,
                head.index,
                head.is_soft,
                self.heads[head.name],
                (self.passed_over[head.name][0], self.passed_over[head.name][1]),
                tokens,
            )
            for head in program.heads
        )
        lengths = [length for length, _ in choice.counts]
        return Verification(
            spec=program.name,
            device=self.model.device,
            dtype=self.model.dtype,
            basis="expect" if program.expectations else "reference",
            mass=float(program.mass),
            sequences=choice.total,
            positions=positions,
            complete=choice.complete,
            seed=choice.seed,
            heads=heads,
            outputs=self.outputs.figures(),
            expectations=self._expectations(),
            seconds=seconds,
            lengths=(min(lengths), max(lengths)),
        )

    def _expectations(self) -> tuple[ExpectationFigures, ...]:
        """In the order of the spec: head claims as tallied, prompts run now."""
        claims = iter(self.claims)
        figures = []
        for line in self.program.expectations:
            match line:
                case HeadExpectation():
                    figures.append(next(claims).figures(self.program.tokens))
                case OutputExpectation():
                    figures.append(_check_prompt(self.program, self.model, line))
        return tuple(figures)


def _causal(pattern: NDArray[Any]) -> NDArray[Any]:
    """Rows that give any weight to a key after the query become NaN: no meaning allows it."""
    leaks = (np.triu(pattern, 1) != 0).any(axis=-1)
    return np.where(leaks[..., None], np.nan, pattern) if leaks.any() else pattern


# ------------------------------------------------------------------ expect lines


@dataclass
class _Claim:
    """One ``expect head`` line and its tally; ``skipped`` counts the queries it says nothing about."""

    line: HeadExpectation
    head: Head
    tally: Tally
    skipped: int = 0

    def look_at(self, program: Program, tokens: Tokens, pattern: NDArray[Any]) -> None:
        keys = claimed_keys(program, self.line, tokens)
        judged = keys.any(axis=-1)
        self.skipped += int((~judged).sum())
        self.tally.add(tokens, pattern, equal_shares(keys), judged, soft=False)

    def figures(self, tokens: tuple[str, ...]) -> ExpectationFigures:
        tally = self.tally
        return ExpectationFigures(
            line=self.line.span.line,
            text=_line_text(self.line),
            checked=tally.checked,
            skipped=self.skipped,
            wrong=tally.wrong,
            worst=make_case(tally.worst, tokens),
            min_mass=tally.min_mass if tally.checked else None,
        )


def _line_text(line: HeadExpectation | OutputExpectation) -> str:
    written = " ".join(line.span.text.split())
    if written:
        return written
    match line:
        case HeadExpectation(head=head):
            return f"expect head {head}"
        case OutputExpectation(prompt=prompt, answer=answer):
            return f'expect "{" ".join(prompt)}" -> "{answer}"'


def _check_prompt(program: Program, model: ObservedModel, line: OutputExpectation) -> ExpectationFigures:
    ids = np.array([[program.tokens.index(token) for token in line.prompt]], dtype=np.int64)
    _, logits = model.observe(ids)
    predicted, margin = _decide(logits[0, -1], [program.tokens.index(line.answer)])
    right = margin > 0
    wrong = None if right else WrongOutput(line.prompt, program.tokens[predicted], (line.answer,))
    return ExpectationFigures(line.span.line, _line_text(line), 1, 0, int(not right), wrong)


# ------------------------------------------------------------------ outputs


@dataclass
class _Outputs:
    """The prediction at the last token, against the tokens that are right there."""

    program: Program
    checked: int = 0
    wrong: int = 0
    undetermined: int = 0
    min_margin: float | None = None
    first_wrong: WrongOutput | None = None

    def look_at(self, tokens: Tokens, logits: NDArray[Any], expected: Expected) -> None:
        for sequence, row, right in zip(tokens, logits, expected.outputs, strict=True):
            if right is None:
                self.undetermined += 1
            else:
                self._judge(sequence, row, right)

    def _judge(self, sequence: NDArray[Any], logits: NDArray[Any], right: tuple[int, ...]) -> None:
        predicted, margin = _decide(logits, right)
        self.checked += 1
        self.min_margin = margin if self.min_margin is None else min(self.min_margin, margin)
        if margin > 0:
            return
        self.wrong += 1
        if self.first_wrong is None:
            texts = self.program.tokens
            self.first_wrong = WrongOutput(
                tuple(texts[i] for i in sequence), texts[predicted], tuple(texts[i] for i in right)
            )

    def figures(self) -> OutputFigures:
        return OutputFigures(self.checked, self.wrong, self.undetermined, self.min_margin, self.first_wrong)


def _decide(logits: NDArray[Any], right: list[int] | tuple[int, ...]) -> tuple[int, float]:
    """The predicted id, and by how much the best right logit exceeds the best wrong one (-inf for NaN).

    A tie between a right and a wrong token is wrong: margin 0."""
    values = logits.astype(np.float64)
    if not np.isfinite(values).all():
        return int(np.nan_to_num(values, nan=-np.inf).argmax()), -np.inf
    others = np.delete(values, list(right))
    best = values[list(right)].max()
    return int(values.argmax()), float(best - others.max()) if len(others) else np.inf
