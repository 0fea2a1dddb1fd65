"""Does the model that an answer makes keep the promises of the given spec?

In: an ``Exercise``, a ``Check`` of kind promises, an ``Answer`` with values or a whole spec.  Out: ``CheckResult``.
Not for: answers that are matrices (``pattern_judge``, ``move_judge``).

The promises are the teacher's: the ``expect`` lines of the given spec, and what it predicts.  An answer's model is seen
through the names of our heads, so that its own heads may stand in other places, and its own lines count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.claims import HeadExpectation
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from headspec.course.judging.sentences import counterexample, shown
from headspec.course.results import CheckResult, Counterexample
from headspec.verification.figures import Case, ExpectationFigures, HeadFigures, Verification, WrongOutput

if TYPE_CHECKING:
    from compiler.pipeline import Weights
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise
    from headspec.verification.comparing import ObservedModel

MOST_SEQUENCES = 20_000
SEARCHED = 10_000_000  # pattern entries looked at for a shorter counterexample: a few seconds


# -------------------------------------------------------------------- promises


def judge_promises(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Does the model that the answer makes keep the promises of the given spec?

    The model runs in torch on the CPU, in the float type stated.  SpecError where the answer's spec cannot be realised
    or gives a value to what is not asked for (E0766); values that cannot be realised are a wrong answer."""
    missing = [item.name for item in exercise.asked if item.name and item.name not in answer.expressions]
    if exercise.kind == "values" and missing:
        return _wrong(check, f"The answer gives no value for {', '.join(f'`{name}`' for name in missing)}.")
    try:
        weights = _built(exercise, check, answer)
    except SpecError as error:
        if exercise.kind != "values" or any(d.code == "E0766" for d in error.diagnostics):
            raise
        return _refused(check, error)
    held = _promising(exercise, check, weights.program)
    absent = _absent(held, weights.program)
    if absent:
        words = (
            f"Nothing in the answer is called `{absent}`, and the exercise expects something of a head of that name."
        )
        return _wrong(check, words)
    model = _observed(weights, held)
    found = _verify(held, model, check)
    return _kept(check, found) if _holds(found) else _broken(check, held, model, found)


def _built(exercise: Exercise, check: Check, answer: Answer) -> Weights:
    """The answer's exact weights, its strengths solved for the mass and the float type that the check states."""
    from compiler.pipeline import compile_program

    if answer.weights is not None and answer.weights.program == _stated(check, answer.weights.program):
        return answer.weights
    return compile_program(_stated(check, answer.program or _with_values(exercise, answer)))


def _stated(check: Check, program: Program) -> Program:
    dtype: Any = check.dtype or program.dtype
    return replace(program, mass=check.mass or program.mass, dtype=dtype)


def _with_values(exercise: Exercise, answer: Answer) -> Program:
    """The given spec with the answer's numbers in the places of its symbols and params."""
    from compiler.resolution import resolve
    from dsl.parser import parse
    from dsl.tree import ParamDecl, SymbolDecl

    tree = parse(exercise.spec_text, exercise.spec_name)
    asked = [item.name for item in exercise.asked]
    for name in answer.expressions:
        if name not in asked:
            raise SpecError(_not_asked(name, asked))
    statements = tuple(
        replace(line, value=answer.expressions[line.name])
        if isinstance(line, SymbolDecl | ParamDecl) and line.name in answer.expressions
        else line
        for line in tree.statements
    )
    return resolve(replace(tree, statements=statements))


def _not_asked(name: str, asked: list[str]) -> Diagnostic:
    help = did_you_mean(name, asked) or f"values are asked for {', '.join(asked)}"
    return Diagnostic("E0766", f"no value is asked for `{name}`", help=help)


def _refused(check: Check, error: SpecError) -> CheckResult:
    first = error.diagnostics[0]
    message = f"With these values the heads cannot be built: {first.message}."
    return _wrong(check, message, figures=first.figures)


def _promising(exercise: Exercise, check: Check, program: Program) -> Program:
    """The program whose promises are held against the answer's model: ours, wherever it speaks of the same inputs."""
    ours = exercise.program
    assert ours is not None, exercise.number
    same = (ours.tokens, ours.context) == (program.tokens, program.context)
    decided = all(symbol.value is not None for symbol in ours.symbols)
    return _stated(check, ours if same and decided else program)


def _absent(held: Program, program: Program) -> str | None:
    """A head that a promise is about, and that the answer does not have."""
    names = {head.name for head in program.heads}
    lines = (line for line in held.expectations if isinstance(line, HeadExpectation))
    return next((n for line in lines if (n := held.head(line.head).name) not in names), None)


# -------------------------------------------------------------------- the answer's model, by the names of our heads


@dataclass(frozen=True, slots=True)
class _ByName:
    """A model whose patterns are handed on in the places of another program's heads of the same names.

    Heads that it does not have attend to nothing (their figures are not read)."""

    model: ObservedModel
    places: tuple[tuple[tuple[int, int] | None, ...], ...]

    @property
    def device(self) -> str:
        return self.model.device

    @property
    def dtype(self) -> str:
        return self.model.dtype

    def observe(self, tokens: NDArray[Any]) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        patterns, logits = self.model.observe(tokens)
        nothing = np.zeros((len(tokens), tokens.shape[1], tokens.shape[1]))
        found = [
            np.stack([nothing if place is None else patterns[place[0]][:, place[1]] for place in layer], axis=1)
            for layer in self.places
        ]
        return found, logits


def _observed(weights: Weights, held: Program) -> ObservedModel:
    from backends.lowering import lower
    from backends.torch_model import TorchModel
    from headspec.devices import observe_torch

    model = TorchModel.from_lowered(lower(weights), dtype=held.dtype, device="cpu")
    own = {head.name: (head.layer, head.index) for head in weights.program.heads}
    places = []
    for layer in held.layers:
        row: list[tuple[int, int] | None] = [None] * (1 + max((head.index for head in layer), default=0))
        for head in layer:
            row[head.index] = own.get(head.name)
        places.append(tuple(row))
    return _ByName(observe_torch(model), tuple(places))


def _verify(held: Program, model: ObservedModel, check: Check) -> Verification:
    from headspec.verification.comparing import verify_model

    samples = check.options.get("samples")
    assert samples is None or isinstance(samples, int), "read as a number"
    every = bool(check.options.get("exhaustive"))
    return verify_model(
        held, model, samples=None if every else samples, exhaustive=every, exhaustive_limit=MOST_SEQUENCES
    )


def _head_lines(found: Verification) -> tuple[HeadFigures, ...]:
    """What counts of the reference meaning: all heads, where no ``expect`` line says what they should do."""
    return () if found.expectations else found.heads


def _holds(found: Verification) -> bool:
    lines = all(line.holds for line in found.expectations) and all(head.holds for head in _head_lines(found))
    return lines and found.outputs.holds


# -------------------------------------------------------------------- what is said of it


def _kept(check: Check, found: Verification) -> CheckResult:
    every = "the one valid sequence" if found.sequences == 1 else f"all {found.sequences:,} valid sequences"
    scope = every if found.complete else f"{found.sequences:,} sampled sequences"
    proof = ": a proof by exhaustion" if found.complete else ": a sample, and no proof"
    figures = tuple(_line_figure(line) for line in found.expectations)
    numbers = _numbers(found)
    message = f"Every promise is kept on {scope}, run in {found.dtype}{proof}."
    return CheckResult(check.name, check.kind, check.head, "right", message, figures, numbers=numbers)


def _line_figure(line: ExpectationFigures) -> str:
    least = "" if line.min_mass is None else f", least mass {line.min_mass:.5f}"
    return f"`{line.text}`: right at {line.checked - line.wrong:,} of {line.checked:,}{least}"


def _numbers(found: Verification) -> dict[str, object]:
    masses = [line.min_mass for line in found.expectations if line.min_mass is not None]
    wrong = sum(line.wrong for line in found.expectations) + found.outputs.wrong
    return {
        "sequences": found.sequences,
        "complete": found.complete,
        "dtype": found.dtype,
        "wrong": wrong,
        "min_mass": min(masses) if masses else None,
    }


def _broken(check: Check, held: Program, model: ObservedModel, found: Verification) -> CheckResult:
    """The first promise that is broken, by the shortest sequence that shows it."""
    figures = tuple(_line_figure(line) for line in found.expectations)
    numbers = _numbers(found)
    case, head = _first_broken(held, found)
    if isinstance(case, WrongOutput):
        return _wrong(check, _wrong_output(case), figures=figures, numbers=numbers)
    small = _shorter(held, model, head, case, promised=bool(found.expectations))
    shown_case = counterexample(small.tokens, head, small.query, small.pattern, small.expected, float(held.mass))
    sentence = shown_case.sentence[0].upper() + shown_case.sentence[1:] + "."
    return _wrong(check, sentence, figures=figures, numbers=numbers, case=shown_case)


def _first_broken(held: Program, found: Verification) -> tuple[Case | WrongOutput, str]:
    """The worst case of the first promise that does not hold, and the head that it is about."""
    for line, figures in zip(held.expectations, found.expectations, strict=True):
        if not figures.holds and figures.worst is not None:
            head = held.head(line.head).name if isinstance(line, HeadExpectation) else ""
            return figures.worst, head
    for head_figures in _head_lines(found):
        if not head_figures.holds and head_figures.worst is not None:
            return head_figures.worst, head_figures.name
    assert found.outputs.first_wrong is not None, "something does not hold"
    return found.outputs.first_wrong, ""


def _wrong_output(case: WrongOutput) -> str:
    right = " or ".join(f"`{token}`" for token in case.right)
    return f"After `{shown(case.tokens)}` the model says `{case.predicted}`; right is {right}."


def _shorter(held: Program, model: ObservedModel, head: str, worst: Case, *, promised: bool) -> Case:
    """The worst row of the shortest sequences on which ``head`` is wrong; ``worst`` where none is found in time."""
    from headspec.verification.figures import make_case
    from headspec.verification.judging import ROUNDING, Tally

    wanted, work = held.head(head), 0
    language = held.sequences
    for length in language.lengths():
        count = language.count(length)
        work += count * length * length * max(1, len(held.heads))
        if length >= len(worst.tokens) or work > SEARCHED:
            break
        tokens = language.enumerate(length)
        tally = Tally(float(held.mass), ROUNDING.get(model.dtype, ROUNDING["float32"]))
        patterns = model.observe(tokens)[0][wanted.layer][:, wanted.index]
        for shares, judged, soft in _targets(held, head, tokens, promised=promised):
            tally.add(tokens, patterns, shares, judged, soft=soft)
        found = make_case(tally.worst, held.tokens)
        if found is not None and not found.holds:
            return found
    return worst


def _targets(
    held: Program, head: str, tokens: NDArray[Any], *, promised: bool
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_], bool]]:
    """(shares, judged, soft) of every ``expect`` line about ``head``, or of its reference meaning."""
    from compiler.predicates import expectation_targets
    from compiler.reference import interpret
    from headspec.verification.judging import equal_shares

    if not promised:
        meaning = interpret(held, tokens).head(head)
        return [(meaning.pattern, meaning.claimed, held.head(head).is_soft)]
    out = []
    for line in held.expectations:
        if isinstance(line, HeadExpectation) and held.head(line.head).name == head:
            keys, judged = expectation_targets(line, tokens, held.tokens, held.context)
            out.append((equal_shares(keys), judged, False))
    return out


def _wrong(
    check: Check,
    message: str,
    *,
    figures: tuple[str, ...] = (),
    numbers: dict[str, object] | None = None,
    case: Counterexample | None = None,
) -> CheckResult:
    return CheckResult(
        check.name, check.kind, check.head, "wrong", message, figures, counterexample=case, numbers=numbers or {}
    )
