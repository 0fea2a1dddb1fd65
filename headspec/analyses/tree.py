"""The tree of attention behind an output: which head reads what where, which site caches it, who retrieves it.

In: a model, texts, an output.  Out: ``Tree``, a directed graph whose nodes are positions at the input of a layer.  Not
for: whole patterns (``headspec.pictures.patterns``).

An edge of a head is kept where its attention is at least ``least`` and *it matters*: with this edge alone cut (its
weight 0, the others as they were) some logit of the output changes.  So keys that attention only rests on are left out,
and of what is cached at a site only that which is retrieved for this output.  A later head is a *reader* of an edge
below it, or of a site's own token, where the output changes if this head alone takes from the site (as query, key or
value) what it would find there without the edge, or with another token.  Bai et al. 2025 (arXiv 2510.00184) draw such a
graph, by attention alone, for c_2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.intervening import Subject, find_subject
from headspec.analyses.attribution import FLOOR, Output, outputs_of
from headspec.analyses.texts import choices, other_tokens, read_text, sample_texts
from headspec.scope import Places
from headspec.verification.outputs import block_of
from headspec.verification.sampling import Tokens

if TYPE_CHECKING:
    from headspec.model import Model

Floats = NDArray[np.float64]

LEAST = 0.001
MOST_EDGES = 4096
BATCH = 1 << 21  # entries of a pattern in one run


@dataclass(frozen=True, slots=True)
class Edge:
    """In ``layer`` the head at ``index`` looks from position ``query`` at ``key``; ``attention`` is the mean weight,
    ``effect`` the largest change of a logit when it is cut.  ``readers`` are the heads (layer, index) of later layers
    to which it matters at ``query``."""

    layer: int
    index: int
    head: str
    query: int
    key: int
    attention: float
    effect: float
    readers: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """``edges`` from the last layer to the first; ``own`` are (layer, position) whose own token matters to a head that
    reads there in that layer; ``names`` of positions, ``tokens`` of the text (None where several were looked at)."""

    model: str
    device: str
    dtype: str
    output: Output
    texts: int
    seed: int | None
    least: float
    layers: int
    names: tuple[str, ...]
    tokens: tuple[str, ...] | None
    edges: tuple[Edge, ...]
    own: tuple[tuple[int, int], ...]

    def below(self, layer: int, query: int) -> tuple[Edge, ...]:
        """The edges of a layer from this query, the strongest first."""
        return tuple(e for e in self.edges if (e.layer, e.query) == (layer, query))

    def leaves(self, edge: Edge) -> tuple[int, ...]:
        """The positions whose tokens an edge brings, through earlier layers as well, ascending."""
        found = {edge.key} if edge.layer == 0 or (edge.layer, edge.key) in self.own else set[int]()
        for other in self.edges:
            if other.query == edge.key and (edge.layer, edge.index) in other.readers:
                found.update(self.leaves(other))
        return tuple(sorted(found))

    def to_json(self) -> dict[str, object]:
        return {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "output": {"name": self.output.name, "after": self.output.after, "subspace": self.output.subspace},
            "texts": self.texts,
            "seed": self.seed,
            "least": self.least,
            "layers": self.layers,
            "names": list(self.names),
            "tokens": None if self.tokens is None else list(self.tokens),
            "edges": [
                {
                    "layer": e.layer,
                    "index": e.index,
                    "head": e.head,
                    "query": e.query,
                    "key": e.key,
                    "attention": e.attention,
                    "effect": e.effect,
                    "readers": [list(reader) for reader in e.readers],
                    "leaves": list(self.leaves(e)),
                }
                for e in self.edges
            ],
            "own": [list(pair) for pair in self.own],
        }

    def __str__(self) -> str:
        from headspec.analyses.report import render_tree

        return render_tree(self)


def attention_tree(
    model: Any,
    output: str | None = None,
    text: str | None = None,
    *,
    least: float = LEAST,
    samples: int = 16,
    seed: int = 0,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
) -> Tree:
    """The tree behind ``output`` (the name of a slot that the model writes, or the position that it is predicted at;
    by default the last), on one text or on ``samples`` valid inputs.

    Raises SpecError: E0607, E0608 for texts and samples, E0647 for a model that cannot be run, E0680 for an output that
    there is not, E0320 for more than 4,096 edges."""
    subject = find_subject(model, spec, dtype, device)
    program, places = subject.program, Places.of(subject.program, subject.settings)
    if not 0 < least <= 1:
        raise SpecError(Diagnostic("E0608", f"attention of {least:g}", help="a part of the attention: 0 < least <= 1"))
    texts = sample_texts(program, samples, seed) if text is None else read_text(program, text)
    chosen = _output(outputs_of(program, texts.shape[1], places), output, places)
    grown = _Growing(subject, texts[:, : chosen.after + 1], chosen, least)
    grown.grow()
    from backends.interventions import place_of

    return Tree(
        program.name,
        *place_of(subject.module),
        chosen,
        len(texts),
        None if text is not None else seed,
        least,
        subject.layers,
        places.names[: chosen.after + 1],
        tuple(program.tokens[i] for i in texts[0, : chosen.after + 1]) if len(texts) == 1 else None,
        tuple(grown.edges),
        tuple(sorted(grown.own)),
    )


def _output(outputs: Sequence[Output], word: str | None, places: Places) -> Output:
    if word is None:
        return outputs[-1]
    named = [one for one in outputs if word == one.name]
    if named:
        return named[0]
    known = {one.after: one for one in outputs}
    if word in places.names or (word.isascii() and word.isdigit()):
        after = places.find(word)
        if after in known:
            return known[after]
    shown = ", ".join(one.name for one in outputs[:16])
    raise SpecError(Diagnostic("E0680", f"nothing is predicted as `{word}`", help=f"outputs are {shown}"))


# ------------------------------------------------------------------ growing it


@dataclass(eq=False)
class _Growing:
    """From the output down, layer by layer; ``sites`` are positions at the input of the layer above."""

    subject: Subject
    texts: Tokens
    output: Output
    least: float
    edges: list[Edge] = field(default_factory=list)
    own: set[tuple[int, int]] = field(default_factory=set)

    def grow(self) -> None:
        from backends.interventions import pattern_name, run

        layers = [pattern_name(layer) for layer in range(self.subject.layers)]
        seen = run(self.subject.module, self.texts, (), set(layers))[1]
        self.patterns: list[Floats] = [seen[name] for name in layers]
        self.before = self._run(self.texts, ())[1]
        self.bar = FLOOR * float(np.abs(self.before[np.isfinite(self.before)]).max(initial=0.0))
        names = {(head.layer, head.index): head.name for head in self.subject.program.heads}
        sites = {self.output.after}
        for layer in reversed(range(self.subject.layers)):
            for (index, query, key), effect, readers in self._cut(layer, self._strong(layer, sorted(sites))):
                weight = float(self.patterns[layer][:, index, query, key].mean())
                name = names.get((layer, index), f"L{layer}H{index}")
                self.edges.append(Edge(layer, index, name, query, key, weight, effect, readers))
            here = {edge.key for edge in self.edges if edge.layer == layer}
            self.own |= {(layer, site) for site in here if layer > 0 and self._own_token(layer, site)}
            sites |= here
        self.edges.sort(key=lambda e: (-e.layer, e.query, e.index, -e.attention, e.key))

    def _strong(self, layer: int, sites: Sequence[int]) -> list[tuple[int, int, int]]:
        """(head, query, key) with mean attention of at least ``least``."""
        mean = self.patterns[layer].mean(axis=0)
        found = [
            (h, q, k) for q in sites for h in range(len(mean)) for k in range(q + 1) if mean[h, q, k] >= self.least
        ]
        from compiler.limits import check_size

        check_size(len(found), MOST_EDGES, "edges of attention", None, "raise --least, or look at a shorter text")
        return found

    def _cut(
        self, layer: int, asked: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[tuple[int, int, int], float, tuple[tuple[int, int], ...]]]:
        """The edges that matter, each with the largest change of a logit when it is cut, and its readers."""
        step = max(1, BATCH // (len(self.texts) * self.patterns[0][0].size))
        for start in range(0, len(asked), step):
            part = asked[start : start + step]
            seen, logits = self._run(np.tile(self.texts, (len(part), 1)), self._cutting(layer, part))
            for i, effect in enumerate(self._moved(logits, len(part)).tolist()):
                if effect > self.bar:
                    rows = slice(i * len(self.texts), (i + 1) * len(self.texts))
                    found = self._readers(layer, part[i][1], {name: value[rows] for name, value in seen.items()})
                    yield part[i], effect, found

    def _cutting(self, layer: int, part: Sequence[tuple[int, int, int]]) -> list[tuple[str, Any]]:
        """In the i-th copy of the texts, edge i of ``part`` carries nothing."""
        from backends.interventions import pattern_name, put_pattern

        hooks, size = [], len(self.texts)
        for index in sorted({edge[0] for edge in part}):
            weights = np.tile(self.patterns[layer][:, index], (len(part), 1, 1)).astype(np.float64)
            rows = np.zeros(weights.shape[:2], dtype=np.bool_)
            for i, (head, query, key) in enumerate(part):
                if head == index:
                    weights[i * size : (i + 1) * size, query, key] = 0.0
                    rows[i * size : (i + 1) * size, query] = True
            hooks.append((pattern_name(layer), put_pattern(index, rows, weights)))
        return hooks

    def _moved(self, logits: Floats, times: int) -> Floats:
        """(times B, V) -> (times,): the largest change of a logit of the output."""
        with np.errstate(invalid="ignore"):  # -inf - -inf: a token that the output cannot say
            change = np.abs(logits.reshape(times, *self.before.shape) - self.before)
        found: Floats = np.nanmax(change, axis=(1, 2))
        return found

    def _readers(self, layer: int, site: int, seen: Mapping[str, Floats]) -> tuple[tuple[int, int], ...]:
        """The heads of later layers that look at ``site`` or from it, to which it matters what is ``seen`` there."""
        later = {(e.layer, e.index) for e in self.edges if e.layer > layer and site in (e.key, e.query)}
        return tuple(sorted(one for one in later if self._matters(one, site, seen)))

    def _matters(self, reader: tuple[int, int], site: int, seen: Mapping[str, Floats]) -> bool:
        """Does a logit change if this head alone takes what is ``seen`` (T B, n, H, d) from ``site``, in T copies?"""
        from backends.interventions import put_vectors

        layer, index = reader
        names = [name for name in seen if name.startswith(f"blocks.{layer}.")]
        hooks = [(name, put_vectors(index, site, seen[name][:, site, index])) for name in names]
        times = len(seen[names[0]]) // len(self.texts)
        _, logits = self._run(np.tile(self.texts, (times, 1)), hooks)
        return bool((self._moved(logits, times) > self.bar).any())

    def _own_token(self, layer: int, site: int) -> bool:
        """Does it matter to a head that looks at ``site`` in this layer which token stands there?"""
        allowed = choices(self.subject.program, site)
        if len(allowed) < 2 or not np.isin(self.texts[:, site], allowed).all():
            return False
        times = len(allowed) - 1
        changed = other_tokens(self.texts, site, allowed, None)  # text by text
        changed = changed.reshape(len(self.texts), times, -1).swapaxes(0, 1).reshape(len(changed), -1)
        seen, _ = self._run(changed, ())
        readers = {(e.layer, e.index) for e in self.edges if (e.layer, e.key) == (layer, site)}
        return any(self._matters(reader, site, seen) for reader in sorted(readers))

    def _run(self, texts: Tokens, hooks: Sequence[tuple[str, Any]]) -> tuple[dict[str, Floats], Floats]:
        """Queries, keys and values (B, n, H, d) of every layer, and the logits (B, V) of the output."""
        from backends.interventions import run

        names = {f"blocks.{layer}.attn.hook_{part}" for layer in range(self.subject.layers) for part in "qkv"}
        logits, seen = run(self.subject.module, texts, hooks, names)
        block = block_of(self.subject.program, self.output.subspace)
        return seen, np.where(block, logits[:, self.output.after].astype(np.float64), -np.inf)
