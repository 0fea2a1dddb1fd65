"""A model with edits: what an ``Edit`` means on given tokens, and the hooks that do it.

In: a torch module with TransformerLens' hooks, the program that says what its tokens and heads are, and edits.
Out: ``Intervened``, which runs like any other model.  Not for: how edits are written (``edits``), nor what comes of
them (``ablation``).

Patterns are put in first (``ideal``, ``expected``, ``pattern``), then edges are zeroed; later layers see what earlier
edits did.  Ideal patterns come from the reference meaning of the spec on the same tokens, as if nothing were changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.predicates import evaluate_predicate, visible_keys
from compiler.program import Program
from compiler.reference import Meaning, interpret
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Expr
from headspec.ablation.edits import Edit, EditReader, Ideal, Patch, Pattern, Zero
from headspec.metrics import expect_references
from headspec.verification.judging import equal_shares
from headspec.verification.sampling import Tokens
from headspec.words import read_tokens

if TYPE_CHECKING:
    from backends.attention import KVCache
    from backends.interventions import HookedModel
    from headspec.model import Model

Lines = str | Sequence[str]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Subject:
    """A torch module of ``layers`` layers with ``heads`` heads each (None where it does not say), and the program that
    says what its tokens and heads are."""

    module: HookedModel
    program: Program
    settings: Mapping[str, Fraction]
    layers: int
    heads: int | None


def find_subject(model: Any, spec: Model | str | Path | None, dtype: str | None, device: str) -> Subject:
    """What to run: a ``Model``, what ``load`` returned, a spec (text, path, name), or a module with hooks and its spec.

    SpecError E0647 for anything else, or for a module that is smaller than its spec."""
    from backends.interventions import shape_of
    from headspec.model import Model, compile

    if isinstance(model, (str, Path)):
        model = compile(model)
    if isinstance(model, Model):
        module, program, settings = model.torch(dtype, device), model.program, model.settings
    elif hasattr(model, "program") and hasattr(model, "model"):
        module, program, settings = model.model, model.program, model.settings
    elif hasattr(model, "run_with_hooks") and hasattr(model, "parameters"):
        if spec is None:
            raise SpecError(_no_model("a module does not say what its tokens and heads mean", "give it a `spec`"))
        stated = spec if isinstance(spec, Model) else compile(spec)
        module, program, settings = model, stated.program, stated.settings
    else:
        found = f"a {type(model).__name__} has no `run_with_hooks`"
        raise SpecError(_no_model(found, "give a compiled model, what `load` returned, or a module with hooks"))
    layers, heads = shape_of(module)
    layers = len(program.layers) if layers is None else layers
    for head in program.heads:
        if head.layer >= layers or (heads is not None and head.index >= heads):
            message = f"the spec has a head {head.place}, and the module has not"
            raise SpecError(_no_model(message, f"the module has {layers} layers of {heads or 'some'} heads"))
    return Subject(module, program, settings, layers, heads)


def _no_model(message: str, help: str) -> Diagnostic:
    return Diagnostic("E0647", message, help=help)


@dataclass(eq=False)
class Intervened:
    """A model with edits, as ``verification.ObservedModel``; without edits, the model as it is.

    ``sources`` are the activations of the text that patches come from; ``touched`` counts per edit."""

    subject: Subject
    reader: EditReader
    edits: tuple[Edit, ...] = ()
    renormalise: bool = False
    source: tuple[int, ...] | None = None
    sources: dict[str, NDArray[Any]] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        subject: Subject,
        zero: Lines,
        pattern: Lines,
        ideal: Lines,
        expected: Lines,
        patch: Lines,
        source: str | None,
        renormalise: bool,
    ) -> Intervened:
        reader = EditReader(subject.program, subject.settings, subject.layers, subject.heads)
        kinds = {"ideal": ideal, "expected": expected, "pattern": pattern, "zero": zero, "patch": patch}
        edits = tuple(edit for kind, lines in kinds.items() for edit in reader.read(kind, lines))
        patches = [edit for edit in edits if isinstance(edit, Patch)]
        if bool(patches) != (source is not None):
            found = "--patch needs a text to take activations from" if patches else "nothing is taken from --from TEXT"
            raise SpecError(Diagnostic("E0643", found, help="give both --patch SITE and --from TEXT"))
        made = cls(subject, reader, edits, renormalise, touched=[0] * len(edits))
        if source is not None:
            made.source = read_tokens(source, subject.program.tokens, subject.program.context)
            made.sources = _run(subject, np.array([made.source]), (), {edit.hook for edit in patches})[1]
        return made

    @classmethod
    def as_it_is(cls, subject: Subject) -> Intervened:
        return cls(subject, EditReader(subject.program, subject.settings, subject.layers, subject.heads))

    def without_edits(self) -> Intervened:
        return Intervened(self.subject, self.reader)

    @property
    def program(self) -> Program:
        return self.subject.program

    @property
    def device(self) -> str:
        from backends.interventions import place_of

        return place_of(self.subject.module)[0]

    @property
    def dtype(self) -> str:
        from backends.interventions import place_of

        return place_of(self.subject.module)[1]

    def observe(self, tokens: Tokens) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        """ids (B, n) -> patterns per layer (B, H, n, n) after the edits, and logits (B, n, V)."""
        _, patterns, logits = next(self.blocks(tokens, tokens.shape[1]))
        return patterns, logits

    def blocks(self, tokens: Tokens, size: int) -> Iterator[tuple[range, list[NDArray[Any]], NDArray[Any]]]:
        """``observe`` in blocks of at most ``size`` queries, one after the other: which they are, patterns per layer
        (B, H, queries, keys up to the last of them), logits (B, queries, V).

        Of a module that takes no KV cache all queries are one block."""
        from backends.interventions import cache_for, pattern_name

        n = tokens.shape[1]
        names = [pattern_name(layer) for layer in range(self.subject.layers)]
        wants_meaning = any(edit.kind == "ideal" for edit in self.edits)
        meaning = interpret(self.program, tokens) if wants_meaning else None
        cache = cache_for(self.subject.module, tokens) if size < n else None
        for start in range(0, n, n if cache is None else size):
            block = range(start, n if cache is None else min(start + size, n))
            hooks, ids = self._hooks(tokens, block, meaning), tokens[:, block.start : block.stop]
            logits, seen = _run(self.subject, ids, hooks, set(names), cache)
            yield block, [seen[name] for name in names], logits

    def _hooks(self, tokens: Tokens, block: range, meaning: Meaning | None) -> list[tuple[str, Any]]:
        """(hook name, hook) per edit, in order, at the queries of ``block``; counts what they touch."""
        from backends.interventions import pattern_name

        hooks: list[tuple[str, Any]] = []
        for i, edit in enumerate(self.edits):
            if isinstance(edit, Patch):
                hook, touched = self._patch(edit, tokens, block)
                hooks.append((edit.hook, hook))
            else:
                hook, touched = self._edit(edit, tokens, block, meaning)
                hooks.append((pattern_name(edit.head.layer), hook))
            self.touched[i] += touched
        return hooks

    def _edit(
        self, edit: Zero | Pattern | Ideal, tokens: Tokens, block: range, meaning: Meaning | None
    ) -> tuple[Any, int]:
        from backends.interventions import put_pattern, zero_edges

        chosen = self.queries(edit.queries, tokens, block)
        if isinstance(edit, Zero):
            edges = self._keys(edit.keys, tokens, block) & chosen[..., None]
            return zero_edges(edit.head.index, edges, renormalise=self.renormalise), int(edges.sum())
        weights, speaks = self._put(edit, tokens, block, meaning)
        rows = speaks & chosen
        return put_pattern(edit.head.index, rows, weights), int((weights > 0)[rows].sum())

    def _put(
        self, edit: Pattern | Ideal, tokens: Tokens, block: range, meaning: Meaning | None
    ) -> tuple[NDArray[np.float64], Bools]:
        """The weights (B, queries, keys) that an edit puts in, and the queries at which it does."""
        if isinstance(edit, Ideal) and meaning is not None and edit.kind == "ideal":
            found = meaning.head(edit.head.name)
            rows = slice(block.start, block.stop)
            return found.pattern_of(block)[..., : block.stop], found.claimed[:, rows]
        if isinstance(edit, Ideal):
            keys = expect_references(self.program, edit.head.name, tokens, block)[..., : block.stop]
        else:
            keys = self._keys(edit.keys, tokens, block)
            if edit.otherwise is not None:
                keys = np.where(keys.any(axis=2, keepdims=True), keys, self._keys(edit.otherwise, tokens, block))
        return equal_shares(keys), np.asarray(keys.any(axis=2))

    def _patch(self, edit: Patch, tokens: Tokens, block: range) -> tuple[Any, int]:
        from backends.interventions import put_activation

        positions, source = self.queries(edit.queries, tokens, block), self.sources[edit.hook]
        last = block.start + int(np.flatnonzero(positions.any(axis=0)).max(initial=-1 - block.start))
        if last >= source.shape[1]:
            message = f"`{edit.text}` means position {last}, and the text of --from has {source.shape[1]} tokens"
            raise SpecError(Diagnostic("E0643", message, help="give a longer text, or say `at QUERIES`"))
        other = source[:, block.start : block.stop]
        return put_activation(positions, other, None if edit.head is None else edit.head.index), int(positions.sum())

    def _keys(self, predicate: Expr, tokens: Tokens, block: range) -> Bools:
        """(B, queries, keys up to the last of them): the visible keys that ``predicate`` is true of, at each query."""
        program = self.program
        true = evaluate_predicate(predicate, tokens, program.tokens, program.context, block)
        return np.asarray((true & visible_keys(tokens.shape[1], block))[..., : block.stop])

    def queries(self, predicate: Expr | None, tokens: Tokens, block: range) -> Bools:
        """(B, queries): those of a block at which ``predicate`` is true of some visible key; without one, all."""
        if predicate is None:
            return np.ones((len(tokens), len(block)), dtype=np.bool_)
        return np.asarray(self._keys(predicate, tokens, block).any(axis=2))


def _run(
    subject: Subject,
    tokens: Tokens,
    hooks: Sequence[tuple[str, Any]],
    look_at: set[str],
    cache: KVCache | None = None,
) -> tuple[Any, Any]:
    """``interventions.run``; SpecError E0641 or E0647 where the module is not what edits and spec speak of."""
    from backends.interventions import run

    try:
        logits, seen = run(subject.module, tokens, hooks, look_at, cache)
    except KeyError as error:
        if error.args[:1] not in [(name,) for name in (*look_at, *(name for name, _ in hooks))]:
            raise
        message = f"this model has no activation `{error.args[0]}`"
        raise SpecError(Diagnostic("E0641", message, help="hook_resid_mid and hook_mlp_out come with MLPs")) from None
    missing = sorted(look_at - set(seen))
    if missing or logits.shape[-1] != len(subject.program.tokens):
        found = f"no activation `{missing[0]}`" if missing else f"{logits.shape[-1]} logits"
        wanted = f"the spec has {len(subject.program.tokens)} tokens and {subject.layers} layers"
        raise SpecError(_no_model(f"the module has {found}", wanted))
    return logits, seen
