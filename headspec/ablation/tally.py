"""Counting an ablation: decoded tokens and metrics of heads, batch by batch, before and after.

In: an ``Intervened`` model and batches of token ids.  Out: ``Ablation``.  Not for: drawing it (``report``).

A token is *judged* where the reference meaning determines what is right, and the spec makes a claim: of a spec that
generates, at the positions from the first one on from which everything is determined, as far as a token follows; of any
other, at every position at which the text so far is a valid input.  Or at the queries that the user names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.claims import HeadExpectation
from compiler.program import Program
from compiler.reference import HeadMeaning, Meaning, Status, interpret
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Expr
from headspec.ablation.edits import Patch, Place
from headspec.ablation.figures import (
    Ablation,
    Decoded,
    EditFigures,
    Example,
    HeadMeasures,
    LengthAccuracy,
)
from headspec.ablation.intervening import Intervened
from headspec.metrics import Accuracy, Meter, accuracy, expect_references
from headspec.verification.generated import first_determined
from headspec.verification.outputs import block_of, generates
from headspec.verification.sampling import Tokens

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Patterns = list[NDArray[Any]]
_Said = list[tuple[Ints, Bools]]


WHOLE = 2048
"""Up to so many positions whole patterns are looked at, and the example's are kept; beyond, blocks of queries."""
ENTRIES = 1 << 22
"""Pattern entries that are looked at together, all heads."""


@dataclass(frozen=True, eq=False)
class _Block:
    """One predicted subspace on a batch: what is right (B, n, V) and judged (B, n), what is said before and after."""

    subspace: str
    right: Bools
    judged: Bools
    before: Ints
    after: Ints
    ties: Bools

    def good(self, decoded: Ints) -> Bools:
        said = np.take_along_axis(self.right, decoded[..., None], axis=2)[..., 0]
        return np.asarray(said & self.judged)

    @property
    def changed(self) -> Bools:
        return np.asarray((self.before != self.after) & self.judged)


@dataclass(eq=False)
class Session:
    """Running figures; ``at`` names the queries that are judged, if the user does."""

    model: Intervened
    at: Expr | None = None
    heads: tuple[Place, ...] = field(init=False)
    meters: dict[str, tuple[Meter, Meter]] = field(init=False)
    lengths: dict[int, tuple[Accuracy, Accuracy]] = field(default_factory=dict)
    answers: dict[str, Ints] = field(default_factory=dict)
    sequences: int = 0
    changed: int = 0
    ties: int = 0
    example: Example | None = None
    example_changed: bool = False

    def __post_init__(self) -> None:
        self.plain = self.model.without_edits()
        named = [Place(head.name, head.layer, head.index) for head in self.program.heads]
        edited = [e.head for e in self.model.edits if e.head is not None]
        self.heads = tuple(dict.fromkeys([*named, *edited]))
        self.meters = {place.name: (Meter(), Meter()) for place in self.heads}

    @property
    def program(self) -> Program:
        return self.model.program

    # -------------------------------------------------------------- counting

    def look_at(self, tokens: Tokens) -> None:
        """Run a batch (B, n) as it is and with the edits, and compare."""
        meaning = interpret(self.program, tokens, every_position=True)
        n = tokens.shape[1]
        size = n if n <= WHOLE else max(1, ENTRIES // (len(tokens) * n * max(1, len(self.heads))))
        said: list[tuple[_Said, _Said]] = []
        patterns: tuple[Patterns, Patterns] = ([], [])
        for old, new in zip(self.plain.blocks(tokens, size), self.model.blocks(tokens, size), strict=True):
            block, shown, logits = old[0], (old[1], new[1]), (old[2], new[2])
            self._measure(tokens, block, shown, meaning)
            said.append((self._decoded(logits[0], meaning), self._decoded(logits[1], meaning)))
            patterns = shown if n <= WHOLE else patterns
        blocks = self._blocks(tokens, said, meaning)
        self._count(tokens, blocks)
        self._keep_example(tokens, blocks, *patterns)

    def _measure(self, tokens: Tokens, block: range, shown: tuple[Patterns, Patterns], meaning: Meaning) -> None:
        """Patterns per layer (B, H, queries of ``block``, keys up to the last of them) before and after."""
        whole = len(block) == tokens.shape[1]
        for place in self.heads:
            promised = self._promised(place, tokens, block, meaning)[..., : block.stop]
            for meter, patterns in zip(self.meters[place.name], shown, strict=True):
                meter.add(patterns[place.layer][:, place.index].astype(np.float64), promised, whole=whole)

    def _promised(self, place: Place, tokens: Tokens, block: range, meaning: Meaning) -> Bools:
        """Where the head should look: its ``expect`` lines, else its reference meaning; nothing for a soft head."""
        match self._basis(place):
            case "expect":
                return expect_references(self.program, place.name, tokens, block)
            case "reference":
                return _attended(meaning.head(place.name), block)
        return np.zeros((len(tokens), len(block), tokens.shape[1]), dtype=np.bool_)

    def _decoded(self, logits: NDArray[Any], meaning: Meaning) -> _Said:
        """Per predicted subspace what is said at the queries of a block, and where that is a tie."""
        return [decode(logits, block_of(self.program, prediction.subspace)) for prediction in meaning.predictions]

    def _basis(self, place: Place) -> str | None:
        head = next((head for head in self.program.heads if head.name == place.name), None)
        if head is None:
            return None
        if any(isinstance(e, HeadExpectation) and e.head == head.name for e in self.program.expectations):
            return "expect"
        return None if head.is_soft else "reference"

    def _blocks(self, tokens: Tokens, said: list[tuple[_Said, _Said]], meaning: Meaning) -> tuple[_Block, ...]:
        """``said``: before and after, block of queries after block."""
        if not meaning.predictions:
            return ()
        determined = np.logical_or.reduce([prediction.determined for prediction in meaning.predictions])
        if self.at is not None:
            size = max(1, ENTRIES // tokens.size)
            parts = [range(i, min(i + size, tokens.shape[1])) for i in range(0, tokens.shape[1], size)]
            claimed = np.concatenate([self.model.queries(self.at, tokens, part) for part in parts], axis=1)
        else:
            claimed = claimed_positions(self.program, tokens, determined)
        found = []
        for i, prediction in enumerate(meaning.predictions):
            before = np.concatenate([old[i][0] for old, _ in said], axis=1)
            after, ties = (np.concatenate([new[i][part] for _, new in said], axis=1) for part in (0, 1))
            judged = claimed & prediction.determined
            found.append(_Block(prediction.subspace, prediction.right, judged, before, after, ties))
        return tuple(found)

    def _count(self, tokens: Tokens, blocks: tuple[_Block, ...]) -> None:
        self.sequences += len(tokens)
        if not blocks:
            return
        judged = np.concatenate([block.judged for block in blocks], axis=1)
        for block in blocks:
            right = block.right[block.judged].sum(axis=0)
            self.answers[block.subspace] = self.answers.get(block.subspace, np.zeros_like(right)) + right
            self.changed += int(block.changed.sum())
            self.ties += int((block.ties & block.judged).sum())
        new = [
            accuracy(np.concatenate(good, axis=1), judged)
            for good in ([b.good(b.before) for b in blocks], [b.good(b.after) for b in blocks])
        ]
        old = self.lengths.get(tokens.shape[1], (Accuracy(), Accuracy()))
        self.lengths[tokens.shape[1]] = (old[0] + new[0], old[1] + new[1])

    def _keep_example(self, tokens: Tokens, blocks: tuple[_Block, ...], before: Patterns, after: Patterns) -> None:
        """The first sequence in which a judged token changes; until there is one, the first of all."""
        if self.example_changed:
            return
        rows = sorted({int(row) for block in blocks for row in np.flatnonzero(block.changed.any(axis=1))[:1]})
        if self.example is not None and not rows:
            return
        row = rows[0] if rows else 0
        texts, language = self.program.tokens, self.program.sequences
        decoded = tuple(
            Decoded(
                position=q,
                token=texts[tokens[row, q]],
                subspace=block.subspace,
                right=tuple(texts[i] for i in np.flatnonzero(block.right[row, q])) if block.judged[row, q] else (),
                before=texts[block.before[row, q]],
                after=texts[block.after[row, q]],
            )
            for q in range(tokens.shape[1])
            for block in blocks
        )
        shown = self.heads if before else ()
        drawn = tuple((p, before[p.layer][row, p.index], after[p.layer][row, p.index]) for p in shown)
        valid = language.accepts(tokens[row]) or (generates(self.program) and language.begins(tokens[row]))
        self.example = Example(tuple(texts[i] for i in tokens[row]), decoded, drawn, valid)
        self.example_changed = bool(rows)

    # -------------------------------------------------------------- figures

    def conclude(self, *, sampled: bool, complete: bool, seed: int) -> Ablation:
        """The figures; SpecError E0644 for an edit that touched nothing."""
        assert self.example is not None, "nothing was looked at"
        self._check_touched()
        constant, token = self._constant()
        source = self.model.source
        return Ablation(
            spec=self.program.name,
            device=self.model.device,
            dtype=self.model.dtype,
            edits=tuple(
                EditFigures(edit, _where(edit), touched)
                for edit, touched in zip(self.model.edits, self.model.touched, strict=True)
            ),
            renormalised=self.model.renormalise,
            sampled=sampled,
            complete=complete,
            seed=seed,
            sequences=self.sequences,
            lengths=tuple(LengthAccuracy(n, *pair) for n, pair in sorted(self.lengths.items())),
            changed=self.changed,
            ties=self.ties,
            constant=constant,
            constant_token=token,
            heads=tuple(
                HeadMeasures(place, self._basis(place), *(meter.measures() for meter in self.meters[place.name]))
                for place in self.heads
            ),
            example=self.example,
            source=None if source is None else tuple(self.program.tokens[i] for i in source),
            predicts=bool(self.program.predict),
        )

    def _check_touched(self) -> None:
        for edit, touched in zip(self.model.edits, self.model.touched, strict=True):
            if not touched:
                what = "edge" if not isinstance(edit, Patch) else "position"
                message = f"`--{edit.kind} {edit.text}` touches no {what} of what was run"
                help = "is the predicate true of some visible key there? `headspec run` draws the patterns"
                raise SpecError(Diagnostic("E0644", message, help=help))

    def _constant(self) -> tuple[float | None, str | None]:
        """How often one answer is right that is given always, at its best; and which, where there is one subspace."""
        judged = sum(before.judged for before, _ in self.lengths.values())
        if not judged:
            return None, None
        best = sum(int(counts.max()) for counts in self.answers.values())
        only = next(iter(self.answers.values())) if len(self.answers) == 1 else None
        return best / judged, None if only is None else self.program.tokens[int(only.argmax())]


def _where(edit: Any) -> str:
    if isinstance(edit, Patch):
        return edit.hook if edit.head is None else f"the output of {edit.head.label}"
    label: str = edit.head.label
    return label


def _attended(meaning: HeadMeaning, block: range) -> Bools:
    """The keys that a hard head attends to at the queries of ``block``, where it makes a claim and is not idle."""
    rows = slice(block.start, block.stop)
    status = meaning.status[:, rows]
    speaks = (status == Status.FIT) | (status == Status.REST)
    return np.asarray(meaning.support[:, rows] & speaks[..., None])


def decode(logits: NDArray[Any], among: Bools) -> tuple[Ints, Bools]:
    """logits (B, n, V) -> the ids that greedy decoding says (the first of the largest among V), and where that is a
    tie; what is not a number counts as less than any."""
    clean = np.where(among & ~np.isnan(logits), logits, -np.inf)
    ids = clean.argmax(axis=2)
    ties = (clean == clean.max(axis=2, keepdims=True)).sum(axis=2) > 1
    return ids, np.asarray(ties)


def claimed_positions(program: Program, tokens: Tokens, determined: Bools) -> Bools:
    """(B, n): the positions after which the spec says what comes next; the rule stands above."""
    language, n = program.sequences, tokens.shape[1]
    if generates(program):
        whole = language.accepts_all(tokens)
        begins = np.array([bool(w) or language.begins(row) for w, row in zip(whole, tokens, strict=True)])
        start = first_determined(determined)
        steps = np.arange(n)
        return np.asarray((steps >= start[:, None]) & (steps < (n - whole)[:, None]) & begins[:, None])
    claimed = np.zeros(tokens.shape, dtype=np.bool_)
    for length in language.lengths():
        if length <= n and determined[:, length - 1].any():
            claimed[:, length - 1] = language.accepts_all(tokens[:, :length])
    return claimed
