"""The texts that an analysis runs: valid inputs, and the same with one token changed.

In: a program, how many, a seed; or a text.  Out: token ids (B, n).  Not for: which sequences a verification looks at
(``headspec.verification.sampling``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.claimed_outputs import complete_by_claims, prompts
from compiler.limits import check_size
from compiler.program import Program
from compiler.reference.completion import complete
from dsl.diagnostics import Diagnostic, SpecError
from headspec.verification.sampling import Tokens, given_inputs
from headspec.words import read_tokens

MOST_SAMPLES = 100_000
MOST_TOKENS = 1 << 24


def sample_texts(program: Program, count: int, seed: int, length: int | None = None) -> Tokens:
    """(B, n): ``count`` valid inputs of one length (the longest), uniformly drawn; all of them where there are no more.

    What the model writes is what is right there: as the claims say, or else as the reference meaning does."""
    language = given_inputs(program)
    n = language.longest if length is None else length
    if n not in language.lengths():
        known = f"valid inputs have {language.shortest} to {language.longest} tokens"
        raise SpecError(Diagnostic("E0608", f"no valid input has {n} tokens", help=known))
    if not 1 <= count <= MOST_SAMPLES:
        raise SpecError(Diagnostic("E0608", f"{count} samples", help=f"from 1 to {MOST_SAMPLES:,}"))
    check_size(count * n, MOST_TOKENS, f"tokens ({count:,} texts of {n:,})", None, "look at fewer samples")
    if language.count(n) <= count:
        return completed(program, language.enumerate(n))
    return completed(program, language.sample(np.random.default_rng(seed), n, count))


def completed(program: Program, rows: Tokens) -> Tokens:
    """Rows with blanks where the model writes -> whole texts."""
    if program.generate is None:
        return rows
    try:
        texts: Tokens = complete_by_claims(program, rows[:, : prompts(program).length]).sequences
    except SpecError as error:
        if error.diagnostics[0].code != "E0459":
            raise
        return complete(program, rows)
    return texts if (texts >= 0).all() else complete(program, rows)


def read_text(program: Program, text: str) -> Tokens:
    """(1, n): a text as it stands; of a spec that generates, a whole prompt is completed.  SpecError E0607."""
    ids = read_tokens(text, program.tokens, program.context)
    if program.generate is not None:
        language, blank = program.generate.prompts, len(program.tokens)
        row = [*ids, *[blank] * (language.longest - len(ids))]
        if language.accepts(row):
            return completed(program, np.array([row], dtype=np.int64))
    return np.array([ids], dtype=np.int64)


def given_places(program: Program, length: int) -> tuple[bool, ...]:
    """Which positions are given; the others the model writes."""
    if program.generate is None:
        return (True,) * length
    blank = {p for p in range(length) if _only_blank(program, p)}
    return tuple(p not in blank for p in range(length))


def _only_blank(program: Program, place: int) -> bool:
    assert program.generate is not None
    return not program.generate.prompts.tokens_at(place) & set(program.tokens)


def choices(program: Program, place: int) -> NDArray[np.int64]:
    """The ids of the tokens that may stand at a position, ascending."""
    here = program.sequences.tokens_at(place)
    return np.array([i for i, token in enumerate(program.tokens) if token in here], dtype=np.int64)


def other_tokens(texts: Tokens, place: int, allowed: NDArray[np.int64], rng: np.random.Generator | None) -> Tokens:
    """Each text with another token at ``place``: a random one, or (without ``rng``) one text for each there is.

    (B, n) -> (B, n), or (B (len(allowed) - 1), n), those of the first text first.  Every text has an allowed token."""
    current = np.searchsorted(allowed, texts[:, place])
    steps = np.arange(1, len(allowed))
    turned = rng.integers(1, len(allowed), len(texts))[:, None] if rng is not None else np.tile(steps, (len(texts), 1))
    changed = np.repeat(texts, turned.shape[1], axis=0)
    changed[:, place] = allowed[(current[:, None] + turned) % len(allowed)].ravel()
    return changed
