"""Which valid sequences a verification looks at.

In: a ``SequenceLanguage``, how much work is allowed, a seed.  Out: batches of token ids, each of one length:
every sequence there is when they are few, otherwise random and adversarial ones over lengths from the
shortest to the longest.  Not for: what is then checked (``comparing``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.sequences import Policy, SequenceLanguage
from compiler.program import Program
from compiler.reference.completion import complete
from dsl.diagnostics import Diagnostic, SpecError

Tokens = NDArray[np.int64]

POLICIES: tuple[Policy, ...] = ("random", "equal", "repeats", "distinct")
MAX_EXHAUSTIVE = 20_000_000  # more than this is refused even when every sequence is asked for
DEFAULT_SAMPLES = 1200
WORK = 60_000_000  # pattern entries looked at by default: some seconds on two CPU cores
BATCH_BYTES = 1 << 26  # of float64 patterns, all heads together; of logits and what is right among them


def given_inputs(program: Program) -> SequenceLanguage:
    """What is given to the model: the valid inputs, or where it generates, its prompts, with blanks."""
    return program.generate.prompts if program.generate else program.sequences


def valid_inputs(program: Program, rows: Tokens) -> Tokens:
    """Rows of ``given_inputs`` (B, n) -> valid inputs: what is blank is what the reference meaning predicts."""
    return complete(program, rows) if program.generate else rows


@dataclass(frozen=True, slots=True)
class Choice:
    """How many sequences of which length; ``complete`` when that is all of them.  ``wide``: the bytes that logits, and
    what is right among them, take at each position."""

    language: SequenceLanguage
    counts: tuple[tuple[int, int], ...]
    complete: bool
    heads: int
    seed: int
    wide: int = 0

    @property
    def total(self) -> int:
        """Number of sequences."""
        return sum(count for _, count in self.counts)

    @property
    def work(self) -> int:
        """Number of attention-pattern entries, the measure of time."""
        return sum(count * length * length for length, count in self.counts) * max(1, self.heads)

    def batches(self) -> Iterator[Tokens]:
        """Arrays (batch, length) of token ids, shortest first; a batch's patterns (and logits) fit ``BATCH_BYTES``."""
        rng = np.random.default_rng(self.seed)
        for length, count in self.counts:
            sequences = self._sequences(rng, length, count)
            size = max(1, BATCH_BYTES // max(8 * length * length * max(1, self.heads), length * self.wide))
            for start in range(0, len(sequences), size):
                yield sequences[start : start + size]

    def _sequences(self, rng: np.random.Generator, length: int, count: int) -> Tokens:
        if self.complete or self.language.count(length) <= count:
            return self.language.enumerate(length)
        parts = [
            self.language.sample(rng, length, number, policy)
            for policy, number in zip(POLICIES, _shares(count), strict=True)
            if number
        ]
        return np.concatenate(parts)


def choose_sequences(
    language: SequenceLanguage,
    heads: int,
    *,
    samples: int | None = None,
    exhaustive: bool = False,
    exhaustive_limit: int = 20_000,
    seed: int = 0,
) -> Choice:
    """Every sequence if ``exhaustive`` or when at most ``exhaustive_limit`` exist, else a sample.

    ``samples`` is the number wanted in all (the default is what a few seconds allow).  Raises SpecError
    E0608 when every sequence is asked for and there are more than ``MAX_EXHAUSTIVE``."""
    if samples is not None and samples < 1:
        raise SpecError(Diagnostic("E0608", f"{samples} samples show nothing", help="at least 1"))
    lengths = tuple(language.lengths())
    total = language.count()
    if exhaustive and total > MAX_EXHAUSTIVE:
        raise SpecError(_too_many(total))
    if exhaustive or (samples is None and total <= exhaustive_limit):
        counts = tuple((length, language.count(length)) for length in lengths)
        return Choice(language, counts, True, heads, seed)
    chosen = spread(lengths, _how_many_lengths(lengths[-1], heads) if samples is None else min(12, max(1, samples)))
    counts = tuple((length, _amount(language, length, len(chosen), heads, samples)) for length in chosen)
    return Choice(language, counts, False, heads, seed)


def _how_many_lengths(longest: int, heads: int) -> int:
    """Twelve, fewer where one sequence of each policy at each length would be more than ``WORK``."""
    return max(5, min(12, 2 * WORK // (len(POLICIES) * longest * longest * max(1, heads))))


def _amount(language: SequenceLanguage, length: int, lengths: int, heads: int, samples: int | None) -> int:
    if samples is not None:
        wanted = -(-samples // lengths)
    else:
        affordable = WORK // (lengths * length * length * max(1, heads))
        wanted = max(len(POLICIES), min(DEFAULT_SAMPLES // lengths, affordable))
    return min(wanted, language.count(length))


def spread(lengths: tuple[int, ...], number: int) -> tuple[int, ...]:
    """At most ``number`` of ``lengths``, ascending: the longest, the shortest, and the rest evenly over their ranks,
    half of them on a logarithmic scale, so that short lengths are seen too."""
    if len(lengths) <= number:
        return lengths
    last = len(lengths) - 1
    picks = {last: None} if number == 1 else {last: None, 0: None}
    steps = max(1, number // 2)
    linear = [round(last * i / steps) for i in range(1, steps)]
    logarithmic = [round(last ** (i / steps)) for i in range(steps)]
    for pick in [*linear, *logarithmic, *range(last)]:
        if len(picks) < number:
            picks.setdefault(pick)
    return tuple(lengths[i] for i in sorted(picks))


def _shares(count: int) -> tuple[int, ...]:
    """``count`` over the policies: at least one each if there are enough, what is left goes to ``random``."""
    others = count // (len(POLICIES) + 1)
    if count >= len(POLICIES):
        others = max(1, others)
        return (count - others * (len(POLICIES) - 1), *([others] * (len(POLICIES) - 1)))
    return tuple(1 if i < count else 0 for i in range(len(POLICIES)))


def _too_many(total: int) -> Diagnostic:
    size = f"{total:,}" if total < 10**15 else f"about 10^{len(str(total)) - 1}"
    return Diagnostic(
        "E0608",
        f"there are {size} valid sequences, too many to look at every one",
        help=f"leave out --exhaustive to sample, or narrow `sequences` to at most {MAX_EXHAUSTIVE:,}; a spec that "
        "claims every output of prompts of one format has no such limit (docs/verification.md)",
    )
