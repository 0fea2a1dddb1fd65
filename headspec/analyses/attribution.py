"""Attribution: which token of a text affects which output, and by how much.

In: a model, and texts or a number of samples.  Out: ``Attribution``, a matrix of inputs by outputs.  Not for: what
happens when a part of the *model* is changed (``headspec.ablation.ablating``).

As Bai et al. 2025 (arXiv 2510.00184) do it: one token is replaced by another that may stand there, all the others
stay, also those that the model wrote; the effect on an output is the mean, over texts, of what the logit of the token
that was predicted before loses.  (``recomplete``: what the model wrote is right for the changed text; then it is the
whole effect that is measured, along all that was written in between.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.claims import ValueExpectation
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.intervening import Subject, find_subject
from headspec.analyses.texts import choices, completed, given_places, other_tokens, read_text, sample_texts
from headspec.scope import Places
from headspec.verification.outputs import block_of
from headspec.verification.sampling import Tokens

if TYPE_CHECKING:
    from headspec.model import Model

Floats = NDArray[np.float64]

FLOOR = 0.005
"""Changes below this part of the largest logit are taken for what attention leaks: such an input does not reach."""
BATCH = 1 << 22  # logits of one run


@dataclass(frozen=True, slots=True)
class Output:
    """What ``subspace`` predicts after position ``after``; ``name`` is the slot that it is written to."""

    name: str
    after: int
    subspace: str


@dataclass(frozen=True, eq=False)
class Attribution:
    """Of I inputs (positions whose token may be another one) and O outputs, matrices (I, O):

    ``effect``   mean over texts of logit[t] before - after, t the token predicted before,
    ``largest``  the largest change, up or down, of any logit of the output,
    ``changed``  the part of the texts in which another token is predicted;
    all NaN where the input stands behind the position that the output is read at.  ``scale`` is the largest logit."""

    model: str
    device: str
    dtype: str
    texts: int
    seed: int | None
    recomplete: bool
    inputs: tuple[str, ...]
    places: tuple[int, ...]
    outputs: tuple[Output, ...]
    effect: Floats
    largest: Floats
    changed: Floats
    scale: float

    @property
    def reaches(self) -> NDArray[np.bool_]:
        """(I, O): does the input affect the output at all?  ``largest > FLOOR * scale``."""
        found: NDArray[np.bool_] = np.nan_to_num(self.largest) > FLOOR * self.scale
        return found

    def affecting(self, output: str) -> tuple[str, ...]:
        """The inputs that reach the output of this name; KeyError if there is none."""
        names = [one.name for one in self.outputs]
        if output not in names:
            raise KeyError(output)
        column = self.reaches[:, names.index(output)]
        return tuple(name for name, hit in zip(self.inputs, column, strict=True) if hit)

    def to_json(self) -> dict[str, object]:
        return {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "texts": self.texts,
            "seed": self.seed,
            "recomplete": self.recomplete,
            "inputs": [{"name": n, "position": p} for n, p in zip(self.inputs, self.places, strict=True)],
            "outputs": [{"name": o.name, "after": o.after, "subspace": o.subspace} for o in self.outputs],
            "effect": _json(self.effect),
            "largest": _json(self.largest),
            "changed": _json(self.changed),
            "reaches": self.reaches.tolist(),
            "scale": self.scale,
        }

    def __str__(self) -> str:
        from headspec.analyses.report import render_attribution

        return render_attribution(self)


def _json(matrix: Floats) -> list[list[float | None]]:
    return [[None if x != x else x for x in row] for row in matrix.tolist()]


def attribute(
    model: Any,
    text: str | Sequence[str] | None = None,
    *,
    samples: int = 256,
    recomplete: bool = False,
    length: int | None = None,
    seed: int = 0,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
) -> Attribution:
    """Change one token at a time and see what becomes of every output.

    ``text``: one text or several of one length, each changed in every way; without it ``samples`` valid inputs, each
    changed once at every position.  ``recomplete``: what the model writes is right for the changed text as well.

    Raises SpecError: E0607 for words that are no tokens, E0608 for samples and lengths that there are not, E0647 for a
    model that cannot be run, E0680 where no token can be changed."""
    subject = find_subject(model, spec, dtype, device)
    program = subject.program
    base = sample_texts(program, samples, seed, length) if text is None else _texts(program, text)
    rng = np.random.default_rng(seed) if text is None else None
    outputs = outputs_of(program, base.shape[1], Places.of(program, subject.settings))
    return _Measured(subject, base, outputs, recomplete).attribution(rng, None if rng is None else seed)


def _texts(program: Program, text: str | Sequence[str]) -> Tokens:
    rows = [read_text(program, one) for one in ([text] if isinstance(text, str) else text)]
    if not rows or len({row.shape[1] for row in rows}) > 1:
        found = "there is no text" if not rows else "the texts have different lengths"
        raise SpecError(Diagnostic("E0608", found, help="give texts of one length"))
    return np.concatenate(rows)


def outputs_of(program: Program, length: int, places: Places) -> tuple[Output, ...]:
    """Where something is predicted: before each token that the model writes, else where a line claims a value, else
    after the last token.  SpecError E0680 where the spec predicts nothing."""
    written = [p for p, given in enumerate(given_places(program, length)) if not given and p > 0]
    if written and program.predict:
        return tuple(Output(places.names[p], p - 1, program.predict[0]) for p in written)
    claims = [e for e in program.expectations if isinstance(e, ValueExpectation) and e.after < length]
    if claims:
        pairs = dict.fromkeys((claim.subspace, claim.after) for claim in claims)
        return tuple(Output(_called(program, name, after, places), after, name) for name, after in pairs)
    if not program.predict:
        raise SpecError(Diagnostic("E0680", "the spec predicts nothing", help="add a `predict` line"))
    return tuple(Output(name, length - 1, name) for name in program.predict)


def _called(program: Program, name: str, after: int, places: Places) -> str:
    return f"{name} after {places.names[after]}" if len(program.predict) < 2 else name


@dataclass(frozen=True)
class _Measured:
    """The unchanged texts (B, n), what is to be seen, and how a changed text is completed."""

    subject: Subject
    base: Tokens
    outputs: tuple[Output, ...]
    recomplete: bool

    def attribution(self, rng: np.random.Generator | None, seed: int | None) -> Attribution:
        from backends.interventions import place_of

        program = self.subject.program
        before = self.logits(self.base)
        columns, places = [], []
        for place in self._inputs():
            found = self._changed(place, rng)
            if found is not None:
                columns.append(self._compare(place, before[found[0]], self.logits(found[1])))
                places.append(place)
        if not places:
            raise SpecError(Diagnostic("E0680", "no token of these texts can be another one", help="widen `sequences`"))
        names = Places.of(program, self.subject.settings).names
        effect, largest, changed = np.moveaxis(np.array(columns), 2, 0)
        return Attribution(
            program.name,
            *place_of(self.subject.module),
            len(self.base),
            seed,
            self.recomplete,
            tuple(names[p] for p in places),
            tuple(places),
            self.outputs,
            effect,
            largest,
            changed,
            float(np.abs(before[np.isfinite(before)]).max(initial=0.0)),
        )

    def _inputs(self) -> list[int]:
        """Positions that hold one of several tokens, up to the last that an output is read at."""
        program, last = self.subject.program, max(output.after for output in self.outputs)
        given = given_places(program, self.base.shape[1])
        return [p for p in range(last + 1) if (given[p] or not self.recomplete) and len(choices(program, p)) > 1]

    def _changed(self, place: int, rng: np.random.Generator | None) -> tuple[NDArray[np.intp], Tokens] | None:
        """(number of the text, changed text) for every change that leaves a valid input; None where there is none."""
        program, allowed = self.subject.program, choices(self.subject.program, place)
        rows = np.flatnonzero(np.isin(self.base[:, place], allowed))
        changed = other_tokens(self.base[rows], place, allowed, rng)
        numbers = np.repeat(rows, len(changed) // max(1, len(rows)))
        if program.sequences.accepts_all(self.base).all():
            kept = program.sequences.accepts_all(changed)
            numbers, changed = numbers[kept], changed[kept]
        if not len(changed):
            return None
        return numbers, self._recompleted(changed)

    def _recompleted(self, texts: Tokens) -> Tokens:
        if not self.recomplete or self.subject.program.generate is None:
            return texts
        given = np.array(given_places(self.subject.program, texts.shape[1]))
        return completed(self.subject.program, np.where(given, texts, len(self.subject.program.tokens)))

    def logits(self, texts: Tokens) -> Floats:
        """(B, n) -> (B, O, V): the logits of every output, -inf for tokens that it cannot say."""
        from backends.interventions import run

        program, after = self.subject.program, [output.after for output in self.outputs]
        step = max(1, BATCH // (texts.shape[1] * len(program.tokens)))
        parts = [run(self.subject.module, texts[i : i + step])[0][:, after] for i in range(0, len(texts), step)]
        blocks = np.stack([block_of(program, output.subspace) for output in self.outputs])
        found: Floats = np.where(blocks, np.concatenate(parts).astype(np.float64), -np.inf)
        return found

    def _compare(self, place: int, before: Floats, after: Floats) -> Floats:
        """(B, O, V) twice -> (O, 3): effect, largest, changed."""
        said = before.argmax(axis=2)[..., None]
        lost = np.take_along_axis(before, said, 2) - np.take_along_axis(after, said, 2)
        with np.errstate(invalid="ignore"):  # -inf - -inf: a token that the output cannot say
            moved = np.nanmax(np.abs(before - after), axis=(0, 2))
        found: Floats = np.stack(
            [lost[..., 0].mean(axis=0), moved, (after.argmax(axis=2) != said[..., 0]).mean(axis=0)], axis=1
        )
        found[[output.after < place for output in self.outputs]] = np.nan
        return found
