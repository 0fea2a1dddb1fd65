"""Ablation and patching: what a model says when attention edges are cut, or patterns and activations put in.

In: a compiled model (or any module with TransformerLens' hooks and the spec that it is held against), edits, and texts
or a number of samples.  Out: ``Ablation``, before and after.  Not for: what an edit does (``intervening``), nor how
figures are counted (``tally``) and drawn (``report``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compiler.limits import VERIFIED_LENGTH
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.figures import Ablation, Texts
from headspec.ablation.intervening import Intervened, Lines, find_subject
from headspec.ablation.tally import ENTRIES, WHOLE, Session
from headspec.generation import check_room, find_stop
from headspec.verification.generated import continue_greedily
from headspec.verification.sampling import Tokens, given_inputs, spread, valid_inputs
from headspec.words import read_tokens

if TYPE_CHECKING:
    from backends.files.loading import Loaded
    from backends.interventions import HookedModel
    from headspec.model import Model

LONGEST = VERIFIED_LENGTH
"""Positions of one sequence: every pair of them is looked at, before and after, in blocks of queries."""
LENGTHS = 12
MOST_SAMPLES = 100_000


def ablate(
    model: Model | Loaded | HookedModel | str | Path,
    text: Lines | None = None,
    *,
    zero: Lines = (),
    pattern: Lines = (),
    ideal: Lines = (),
    expected: Lines = (),
    patch: Lines = (),
    source: str | None = None,
    renormalise: bool = False,
    at: str | None = None,
    samples: int | None = None,
    lengths: Sequence[int] | None = None,
    generate: int = 0,
    stop: str | None = None,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
    seed: int = 0,
) -> Ablation:
    """Run a model as it is and with edits; without edits, measure it as it is.

    ``model``: a compiled model, a spec (text, path or packaged name), what ``load`` returned, or any torch module with
    TransformerLens' ``run_with_hooks``, for which ``spec`` says what its tokens, heads and right answers are.
    ``text``: one text or several; or ``samples``: so many valid sequences, drawn uniformly at each of at most twelve
    lengths (or at ``lengths``).

    ``zero``, ``pattern``, ``ideal``, ``expected``, ``patch``: edits as on the command line, one line or several;
    ``source`` is the text that ``patch`` takes activations from.  ``renormalise``: what is left of a row that ``zero``
    cut adds up to 1 again.  ``at``: judge at these queries, instead of where the spec makes claims.  ``generate``: also
    go on with the text by up to so many tokens, ending at ``stop``.

    Raises SpecError: E0606, E0640-E0643 for edits, E0644 for an edit that touches nothing, E0645 to E0647 for what to
    run on."""
    subject = find_subject(model, spec, dtype, device)
    changed = Intervened.of(subject, zero, pattern, ideal, expected, patch, source, renormalise)
    from backends.interventions import takes_cache

    longest = LONGEST if takes_cache(subject.module) else WHOLE
    choice = _chosen(subject.program, text, samples, lengths, seed, longest)
    if generate and len(choice.given) != 1:
        message = "--generate goes on with one text"
        raise SpecError(Diagnostic("E0645", message, help="give one TEXT, and leave out --samples"))
    session = Session(changed, changed.reader.queries(at, "at") if at is not None else None)
    for tokens in choice.batches():
        session.look_at(tokens)
    found = session.conclude(sampled=samples is not None, complete=choice.complete, seed=seed)
    return replace(found, generated=_generated(changed, choice.given[0], generate, stop)) if generate else found


def _generated(changed: Intervened, prompt: Tokens, n: int, stop: str | None) -> Texts:
    """What greedy decoding appends, one pass per token."""
    program = changed.program
    check_room(prompt.shape[1], n, min(program.context, WHOLE))  # each pass goes through the whole text
    end = find_stop(stop, program.tokens)

    def appended(model: Intervened) -> tuple[str, ...]:
        ids = continue_greedily(model, prompt, n)[0, prompt.shape[1] :].tolist()
        kept = ids[: ids.index(end) + 1] if end in ids else ids
        return tuple(program.tokens[i] for i in kept)

    return Texts(appended(changed.without_edits()), appended(changed))


# ------------------------------------------------------------------ what it is run on


@dataclass(frozen=True, eq=False)
class _Choice:
    """Texts that were ``given``, or samples: how many ``counts`` of which length."""

    program: Program
    given: tuple[Tokens, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    complete: bool = False
    seed: int = 0

    def batches(self) -> Iterator[Tokens]:
        """Arrays (B, n) of ids, each of one length."""
        heads, vocabulary = max(1, len(self.program.heads)), len(self.program.tokens)
        for tokens in self._arrays():
            n = tokens.shape[1]
            size = max(1, ENTRIES // (n * (n * heads + vocabulary)))
            for start in range(0, len(tokens), size):
                yield tokens[start : start + size]

    def _arrays(self) -> Iterator[Tokens]:
        yield from self.given
        language, rng = given_inputs(self.program), np.random.default_rng(self.seed)
        for length, count in self.counts:
            every = language.count(length) <= count
            rows = language.enumerate(length) if every else language.sample(rng, length, count)
            yield valid_inputs(self.program, rows)


def _chosen(
    program: Program, text: Lines | None, samples: int | None, lengths: Sequence[int] | None, seed: int, most: int
) -> _Choice:
    if text is not None and samples is None and lengths is None:
        texts = [text] if isinstance(text, str) else list(text)
        given = tuple(np.array([read_tokens(part, program.tokens, program.context)]) for part in texts)
        longest = max((ids.shape[1] for ids in given), default=0)
        if not 0 < longest <= most:
            raise SpecError(_too_long(longest, most))
        return _Choice(program, given)
    if text is not None or samples is None:
        help = "give a TEXT, or --samples N [--length LIST]"
        raise SpecError(Diagnostic("E0645", "what should the model be run on?", help=help))
    if not 1 <= samples <= MOST_SAMPLES:
        help = f"at least 1, and at most {MOST_SAMPLES:,}"
        raise SpecError(Diagnostic("E0645", f"{samples:,} samples cannot be drawn", help=help))
    language = given_inputs(program)
    chosen = _lengths(language.lengths(), lengths, min(LENGTHS, samples), most)
    wanted = -(-samples // len(chosen))
    counts = tuple((length, min(wanted, language.count(length))) for length in chosen)
    complete = chosen == language.lengths() and all(count == language.count(length) for length, count in counts)
    return _Choice(program, (), counts, complete, seed)


def _lengths(all_lengths: tuple[int, ...], wanted: Sequence[int] | None, number: int, most: int) -> tuple[int, ...]:
    """The lengths to sample at; E0645 for one that no valid sequence has, E0646 for one that is too long."""
    if wanted is None:
        short = tuple(length for length in all_lengths if length <= most)
        if not short:
            raise SpecError(_too_long(all_lengths[0], most))
        return spread(short, number)
    for length in wanted:
        if length not in all_lengths:
            near = f"there are {len(all_lengths)} lengths from {all_lengths[0]} to {all_lengths[-1]}"
            raise SpecError(Diagnostic("E0645", f"no valid sequence has {length} tokens", help=near))
        if length > most:
            raise SpecError(_too_long(length, most))
    return tuple(sorted(set(wanted)))


def _too_long(length: int, most: int) -> Diagnostic:
    if not length:
        return Diagnostic("E0645", "there is no text to run on", help="give at least one")
    help = "ablate shorter sequences (--length), or set a smaller context"
    return Diagnostic("E0646", f"{length} positions, and the most that can be ablated is {most}", help=help)
