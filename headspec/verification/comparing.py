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
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.claims import Expectation, HeadExpectation, OutputExpectation, ValueExpectation
from compiler.heads import Head
from compiler.limits import VERIFIED_LENGTH, check_size
from compiler.predicates import expectation_targets
from compiler.program import Program
from compiler.reference import HeadMeaning, Status, interpret
from headspec.verification.figures import ExpectationFigures, Verification, WrongOutput, head_figures, make_case
from headspec.verification.generated import Generation, check_generated
from headspec.verification.judging import ROUNDING, Each, Tally, equal_shares
from headspec.verification.narrow import Narrow
from headspec.verification.output_claims import OutputClaim
from headspec.verification.outputs import Outputs, block_with, decide, generates
from headspec.verification.sampling import Choice, Tokens, choose_sequences, given_inputs, valid_inputs

__all__ = ["ObservedModel", "Verification", "verify_model"]

Progress = Callable[[int, int], None]
"""Called with the pattern entries looked at so far, and the number there are in all."""


class ObservedModel(Protocol):
    """All that a verification may ask of a model.

    ``observe(tokens)`` takes ids (batch, n) and gives the attention patterns, per layer (batch, head, n, n),
    and the logits (batch, n, vocabulary), as NumPy arrays.  A model may also have ``generate(tokens, n)``, which
    continues ids (batch, m) greedily to (batch, m + n); without it, tokens are chosen by one pass each."""

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
    set, else a sample of about ``samples`` random and adversarial ones.  Where the spec says ``generate``, prompts are
    chosen, and filled by the reference meaning.  Raises SpecError E0608 when too many sequences are asked for; E0493
    and E0494 where the reference meaning does not say what is generated."""
    started = time.perf_counter()
    what = "positions in one sequence, of which every pair is compared"
    help = "set a smaller context (`--set n=2048` where it is a param); a saved model has the one of its spec"
    check_size(program.sequences.longest, VERIFIED_LENGTH, what, None, help)
    choice = choose_sequences(
        given_inputs(program),
        len(program.heads),
        samples=samples,
        exhaustive=exhaustive,
        exhaustive_limit=exhaustive_limit,
        seed=seed,
    )
    choice = replace(choice, wide=len(program.tokens) * (8 + len(program.predict)))
    session = _Session(program, model)
    done = positions = 0
    for rows in choice.batches():
        session.look_at(rows)
        positions += rows.size
        done += rows.size * rows.shape[1] * max(1, len(program.heads))
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
    values: list[OutputClaim] = field(init=False)
    outputs: Outputs = field(init=False)
    generation: Generation | None = field(init=False)
    narrow: Narrow | None = field(init=False)

    def __post_init__(self) -> None:
        self.heads = {head.name: self._tally() for head in self.program.heads}
        self.passed_over = {head.name: [0, 0] for head in self.program.heads}
        lines = [e for e in self.program.expectations if isinstance(e, HeadExpectation)]
        self.claims = [_Claim(line, self.program.head(line.head), self._tally()) for line in lines]
        values = [e for e in self.program.expectations if isinstance(e, ValueExpectation)]
        self.values = [OutputClaim(self.program, line, f"{_line_text(line)}  # {line.after}") for line in values]
        every_position = generates(self.program)
        self.outputs = Outputs(self.program, every_position)
        self.generation = Generation(self.program) if every_position else None
        self.narrow = Narrow.of(self.program)

    def _tally(self) -> Tally:
        return Tally(float(self.program.mass), ROUNDING.get(self.model.dtype, ROUNDING["float32"]))

    def look_at(self, rows: Tokens) -> None:
        """Run the model and the reference meaning on one batch, its blanks filled, and compare."""
        tokens = valid_inputs(self.program, rows)
        patterns, logits = self.model.observe(tokens)
        meaning = interpret(self.program, tokens, every_position=self.outputs.every_position)
        for head in self.program.heads:
            pattern = patterns[head.layer][:, head.index]
            self._look_at_head(head, tokens, pattern, meaning.head(head.name))
            for claim in self.claims:
                if claim.head.name == head.name:
                    claim.look_at(self.program, tokens, pattern)
        self.outputs.look_at(tokens, logits, meaning)
        if self.narrow is not None:
            self.narrow.look_at(tokens, meaning, every_position=self.outputs.every_position)
        for value in self.values:
            value.look_at(rows, tokens, logits)
        if self.generation is not None:
            self.generation.look_at(self.model, rows, tokens, meaning)

    def _look_at_head(self, head: Head, tokens: Tokens, pattern: NDArray[Any], meaning: HeadMeaning) -> None:
        counts = self.passed_over[head.name]
        counts[0] += int((meaning.status == Status.UNCLAIMED).sum())
        counts[1] += int((meaning.status == Status.UNDETERMINED).sum())
        each: Each = "itself" if head.has_shares else "alike"
        self.heads[head.name].add(tokens, pattern, meaning.pattern, meaning.claimed, soft=head.is_soft, each=each)

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
            generated=self.generation.figures() if self.generation is not None else None,
            notes=self.narrow.notes() if self.narrow is not None else (),
        )

    def _expectations(self) -> tuple[ExpectationFigures, ...]:
        """In the order of the spec: head claims as tallied, prompts run now."""
        claims, values = iter(self.claims), iter(self.values)
        figures = []
        for line in self.program.expectations:
            match line:
                case HeadExpectation():
                    figures.append(next(claims).figures(self.program.tokens))
                case ValueExpectation():
                    figures.append(next(values).figures())
                case OutputExpectation(generated=None):
                    figures.append(_check_prompt(self.program, self.model, line))
                case OutputExpectation():
                    figures.append(check_generated(self.program, self.model, line, _line_text(line)))
        return tuple(figures)


# ------------------------------------------------------------------ expect lines


@dataclass
class _Claim:
    """One ``expect head`` line and its tally; ``skipped`` counts the queries it says nothing about."""

    line: HeadExpectation
    head: Head
    tally: Tally
    skipped: int = 0

    def look_at(self, program: Program, tokens: Tokens, pattern: NDArray[Any]) -> None:
        keys, judged = expectation_targets(self.line, tokens, program.tokens, program.context)
        self.skipped += int((~judged).sum())
        each: Each = "free" if self.head.has_shares else "alike"
        self.tally.add(tokens, pattern, equal_shares(keys), judged, soft=False, each=each)

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


def _line_text(line: Expectation) -> str:
    written = " ".join(line.span.text.split())
    if written:
        return written
    match line:
        case HeadExpectation(head=head):
            return f"expect head {head}"
        case ValueExpectation(subspace=subspace, after=after):
            return f"expect {subspace} after {after}"
        case OutputExpectation(prompt=prompt, generated=tuple(text)):
            return f'expect "{" ".join(prompt)}" ->* "{" ".join(text)}"'
        case OutputExpectation(prompt=prompt, answer=answer):
            return f'expect "{" ".join(prompt)}" -> "{answer}"'


def _check_prompt(program: Program, model: ObservedModel, line: OutputExpectation) -> ExpectationFigures:
    """Run the prompt; its answer must have the largest logit, alone."""
    ids = np.array([[program.tokens.index(token) for token in line.prompt]], dtype=np.int64)
    _, logits = model.observe(ids)
    right = np.array([[token == line.answer for token in program.tokens]])
    block = block_with(program, line.answer)
    predicted, margins = decide(np.where(block, logits[:, -1].astype(np.float64), -np.inf), right)
    holds = bool(margins[0] > 0)
    wrong = None if holds else WrongOutput(line.prompt, program.tokens[int(predicted[0])], (line.answer,))
    return ExpectationFigures(line.span.line, _line_text(line), 1, 0, int(not holds), wrong)
