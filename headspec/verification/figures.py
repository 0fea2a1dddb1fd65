"""The result of a verification: frozen figures, their JSON, and the verdict.

In: tallies.  Out: ``Verification``.  Its JSON keys are an interface: keys are added, never renamed.
Not for: how it is drawn for people (``report``).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

from headspec.every.figures import EveryFigures
from headspec.verification.judging import Tally, Worst


@dataclass(frozen=True, slots=True)
class Case:
    """One query of one sequence: token texts, its pattern row, the shares expected, and whether it is within limits."""

    tokens: tuple[str, ...]
    query: int
    pattern: tuple[float, ...]
    expected: tuple[float, ...]
    mass: float
    holds: bool

    def to_json(self) -> dict[str, object]:
        return {
            "tokens": list(self.tokens),
            "query": self.query,
            "pattern": [_number(p) for p in self.pattern],
            "expected": list(self.expected),
            "mass": _number(self.mass),
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """What was seen of one head against the reference meaning.

    ``checked`` queries were judged, ``wrong`` of them outside the limits; ``unclaimed`` and ``undetermined``
    ones were counted and not judged.  For a soft head the mass is the part that agrees, sum of min(p, t)."""

    name: str
    layer: int
    index: int
    soft: bool
    checked: int
    wrong: int
    min_mass: float
    mean_mass: float
    argmax_agreement: float
    max_tv: float
    unclaimed: int
    undetermined: int
    worst: Case | None

    @property
    def holds(self) -> bool:
        return self.wrong == 0

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "layer": self.layer,
            "index": self.index,
            "soft": self.soft,
            "checked": self.checked,
            "wrong": self.wrong,
            "min_mass": _number(self.min_mass),
            "mean_mass": _number(self.mean_mass),
            "argmax_agreement": self.argmax_agreement,
            "max_tv": _number(self.max_tv),
            "unclaimed": self.unclaimed,
            "undetermined": self.undetermined,
            "worst": self.worst.to_json() if self.worst else None,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class WrongOutput:
    """A sequence whose predicted token is not among the right ones."""

    tokens: tuple[str, ...]
    predicted: str
    right: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {"tokens": list(self.tokens), "predicted": self.predicted, "right": list(self.right)}


@dataclass(frozen=True, slots=True)
class WrongGeneration(WrongOutput):
    """A prompt whose generated text is not the one stated.  ``position``, counted from the end of the prompt, is that
    of the first token that differs, or that is no likelier than another; ``tokens`` is the text before it."""

    generated: tuple[str, ...]
    expected: tuple[str, ...]
    position: int

    def to_json(self) -> dict[str, object]:
        more = {"generated": list(self.generated), "expected": list(self.expected), "position": self.position}
        return WrongOutput.to_json(self) | more


@dataclass(frozen=True, slots=True)
class WrongMeaning(WrongOutput):
    """A text that the reference meaning, not the model, goes on with otherwise than a line claims."""


@dataclass(frozen=True, slots=True)
class LengthFigures:
    """Of the sequences of one length: how many predictions (or generated texts) were judged, and how many wrong."""

    length: int
    checked: int
    wrong: int

    def to_json(self) -> dict[str, object]:
        return {"length": self.length, "checked": self.checked, "wrong": self.wrong}


@dataclass(frozen=True, slots=True)
class OutputFigures:
    """The prediction at the last token, or ``every_position`` after each.  ``min_margin``: the least of best right
    minus best wrong logit."""

    checked: int
    wrong: int
    undetermined: int
    min_margin: float | None
    first_wrong: WrongOutput | None
    every_position: bool = False
    lengths: tuple[LengthFigures, ...] = ()

    @property
    def holds(self) -> bool:
        return self.wrong == 0

    def to_json(self) -> dict[str, object]:
        return {
            "checked": self.checked,
            "wrong": self.wrong,
            "undetermined": self.undetermined,
            "min_margin": None if self.min_margin is None else _number(self.min_margin),
            "first_wrong": self.first_wrong.to_json() if self.first_wrong else None,
            "every_position": self.every_position,
            "lengths": [figures.to_json() for figures in self.lengths],
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class GenerationFigures:
    """Texts generated from prompts of every length, ``tokens`` in all.  ``undetermined`` and ``outside``: texts of
    which a token was not determined, and texts that (rightly) end up outside the valid sequences."""

    tokens: int
    undetermined: int
    outside: int
    first_wrong: WrongOutput | None
    lengths: tuple[LengthFigures, ...]

    @property
    def prompts(self) -> int:
        return sum(figures.checked for figures in self.lengths)

    @property
    def wrong(self) -> int:
        return sum(figures.wrong for figures in self.lengths)

    @property
    def holds(self) -> bool:
        return self.wrong == 0

    def to_json(self) -> dict[str, object]:
        return {
            "prompts": self.prompts,
            "tokens": self.tokens,
            "wrong": self.wrong,
            "undetermined": self.undetermined,
            "outside": self.outside,
            "first_wrong": self.first_wrong.to_json() if self.first_wrong else None,
            "lengths": [figures.to_json() for figures in self.lengths],
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True)
class ExpectationFigures:
    """One ``expect`` line: queries (or prompts) it spoke of, those it said nothing about, those it was wrong at."""

    line: int
    text: str
    checked: int
    skipped: int
    wrong: int
    worst: Case | WrongOutput | None
    min_mass: float | None = None

    @property
    def holds(self) -> bool:
        return self.wrong == 0

    def to_json(self) -> dict[str, object]:
        return {
            "line": self.line,
            "text": self.text,
            "checked": self.checked,
            "skipped": self.skipped,
            "wrong": self.wrong,
            "min_mass": None if self.min_mass is None else _number(self.min_mass),
            "worst": self.worst.to_json() if self.worst else None,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Verification:
    """Everything a verification found.  ``basis`` is ``expect`` when the spec has ``expect`` lines, else ``reference``:
    then the weights were held against the compiler's own reading of the spec, and against nothing else.  ``notes`` say
    what the figures cannot: which queries were not judged that a wider range would bring in."""

    spec: str
    device: str
    dtype: str
    basis: Literal["expect", "reference"]
    mass: float
    sequences: int
    positions: int
    complete: bool
    seed: int
    heads: tuple[HeadFigures, ...]
    outputs: OutputFigures
    expectations: tuple[ExpectationFigures, ...]
    seconds: float
    lengths: tuple[int, int]
    generated: GenerationFigures | None = None
    every: EveryFigures | None = None
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """True when nothing that was judged is outside its limits."""
        heads = all(head.holds for head in self.heads) and (self.generated is None or self.generated.holds)
        prompts = self.every is None or self.every.holds
        return heads and prompts and self.outputs.holds and all(line.holds for line in self.expectations)

    def __bool__(self) -> bool:
        return self.holds

    def __repr__(self) -> str:
        verdict = "holds" if self.holds else "does not hold"
        return f"<verification of {self.spec}: {verdict}; {self.sequences} sequences, {self.dtype} on {self.device}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_json(self) -> dict[str, object]:
        """The machine-readable report, with the keys of docs/architecture.md."""
        return {
            "spec": self.spec,
            "device": self.device,
            "dtype": self.dtype,
            "basis": self.basis,
            "mass": self.mass,
            "sequences": self.sequences,
            "positions": self.positions,
            "complete": self.complete,
            "lengths": list(self.lengths),
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "heads": [head.to_json() for head in self.heads],
            "outputs": self.outputs.to_json(),
            "generated": self.generated.to_json() if self.generated else None,
            "every": self.every.to_json() if self.every else None,
            "expectations": [expectation.to_json() for expectation in self.expectations],
            "notes": list(self.notes),
            "holds": self.holds,
        }

    def __str__(self) -> str:
        from headspec.verification.report import render_verification

        return render_verification(self)


def make_case(worst: Worst | None, tokens: tuple[str, ...]) -> Case | None:
    """A tally's worst query with token texts instead of ids."""
    if worst is None:
        return None
    texts = tuple(tokens[i] for i in worst.tokens)
    return Case(texts, worst.query, worst.pattern, worst.expected, worst.mass, worst.slack >= 0)


def head_figures(
    name: str, layer: int, index: int, soft: bool, tally: Tally, counts: tuple[int, int], tokens: tuple[str, ...]
) -> HeadFigures:
    """Freeze a tally; ``counts`` are the unclaimed and the undetermined queries."""
    return HeadFigures(
        name=name,
        layer=layer,
        index=index,
        soft=soft,
        checked=tally.checked,
        wrong=tally.wrong,
        min_mass=tally.min_mass,
        mean_mass=tally.mean_mass,
        argmax_agreement=tally.agreement,
        max_tv=tally.max_tv,
        unclaimed=counts[0],
        undetermined=counts[1],
        worst=make_case(tally.worst, tokens),
    )


def _number(value: float) -> float | None:
    """JSON knows no NaN and no infinity: they become null."""
    return value if value - value == 0 else None
