"""A sequence as an answer: is a promise of the given spec broken, or kept, at its last token?

In: an ``Exercise``, a ``Check`` of kind breaks or keeps, an ``Answer`` with tokens.  Out: ``CheckResult``.  Not for:
whole models (``promises``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headspec.course.judging.sentences import looks, pattern_row, should, shown
from headspec.course.judging.values import said
from headspec.course.results import CheckResult, Verdict

if TYPE_CHECKING:
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise


def judge_sequence(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Is our head's promise broken (or kept) at the last token of the answer's sequence?

    Our solution runs in float64.  A sequence that the spec does not allow, or about whose last token nothing is
    promised, is a wrong answer; a token that there is not is a SpecError (E0607)."""
    from headspec.words import read_tokens

    program = exercise.program
    assert program is not None, exercise.number
    ids = np.array(read_tokens(" ".join(answer.tokens), program.tokens, program.context))
    text = shown(answer.tokens)
    if not program.sequences.accepts(ids):
        return said(check, "wrong", f"`{text}` is not one of the sequences that the exercise allows.")
    ending = str(check.options.get("ends_with", "")).split()
    if ending and list(answer.tokens[-len(ending) :]) != ending:
        return said(check, "wrong", f"`{text}` does not end with `{' '.join(ending)}`, as the exercise asks.")
    return _judge_last(exercise, check, answer.tokens, ids[None, :])


def _judge_last(exercise: Exercise, check: Check, tokens: tuple[str, ...], ids: NDArray[np.int64]) -> CheckResult:
    from compiler.equivalence.promises import promised
    from headspec.verification.judging import ROUNDING, equal_shares, judge_rows

    program, last = exercise.program, len(tokens) - 1
    assert program is not None
    head = program.head(check.head)
    support, speaks = promised(program, head, ids)
    if not speaks[0, last]:
        words = (
            f"Nothing is promised of head `{head.name}` at the last token of `{shown(tokens)}`: no key satisfies it."
        )
        return said(check, "wrong", words)
    row = _our_patterns(exercise, ids)[head.layer][0, head.index, last]
    shares, asked = equal_shares(support)[0, last], check.mass or program.mass
    place = np.array([last], dtype=np.intp)
    judged = judge_rows(row[None], shares[None], place, float(asked), ROUNDING["float64"], soft=False)
    kept = bool(judged.slack[0] >= 0)
    return _say_last(check, head.name, tokens, row.tolist(), shares.tolist(), float(asked), kept)


def _our_patterns(exercise: Exercise, ids: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    from backends.lowering import lower
    from backends.numpy_model import NumpyModel

    return NumpyModel(lower(exercise.weights)).forward(ids).patterns


def _say_last(
    check: Check, head: str, tokens: tuple[str, ...], row: list[float], shares: list[float], asked: float, kept: bool
) -> CheckResult:
    state = "The promise is kept" if kept else "The promise is broken"
    where = f"at the last token of `{shown(tokens)}`, position {len(tokens) - 1}"
    message = f"{state} {where}: head `{head}` {looks(row, shares, asked)}"
    message += "." if kept else f"; {should(row, shares, asked)}."
    figures = (f"its attention there: {pattern_row(row)}",)
    numbers: dict[str, object] = {"pattern": row, "expected": shares, "kept": kept}
    verdict: Verdict = "right" if kept == (check.kind == "keeps") else "wrong"
    return CheckResult(check.name, check.kind, check.head, verdict, message, figures, numbers=numbers)
