"""Everything reachable at one head: which residual vectors its queries and keys can be, and which occur together.

In: compiled weights, a head, and the OV circuits of earlier heads where an answer replaces ours.  Out: ``Scene``.
Not for: comparing circuits (``comparing``).

A residual vector is a combination of *features*: columns of W_E and W_pos, and their images under the OV circuits of
earlier heads.  Earlier heads attend as they should (``promises.ideal``): what a head is worth must not depend on how
sharp the one before it is.  Where an earlier head has nothing to find, it may look anywhere: each visible key gives one
*state*, and since scores are linear in what was fetched, mixtures of keys need no states of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from compiler.equivalence.pairs import pairs_together
from compiler.equivalence.promises import ideal
from compiler.exact import Matrix
from compiler.heads import Head
from compiler.pipeline import Weights
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError

Feature = tuple[tuple[str, ...], int]
"""(heads, the last to move it first; column of [W_E | W_pos])."""
State = tuple[tuple[Feature, Fraction], ...]
"""What a position can be: weights of features, in order."""
Pair = tuple[int, int]
"""(query's state, state of another key that it sees)."""

MOST_SEQUENCES = 20_000
MOST_STATES = 50_000
ONE = Fraction(1)


@dataclass(frozen=True)
class Scene:
    """``states`` of queries and keys alike; ``pairs`` of them that occur together; ``vectors`` (d_model, features):
    column i is the residual vector of ``features[i]`` with the answer's moves, of ``our_vectors`` with ours."""

    head: Head
    states: tuple[State, ...] = field(repr=False)
    pairs: tuple[Pair, ...] = field(repr=False)
    features: tuple[Feature, ...] = field(repr=False)
    vectors: Matrix
    our_vectors: Matrix


def is_bilinear(program: Program) -> bool:
    """Are scores x_q^T (W_Q^T W_K) x_k alone?  Not under rotary or ALiBi positions, nor with biases."""
    return program.positions is None and not program.biases and program.basis.kind == "axis"


def reachable(weights: Weights, head: Head, moves: Mapping[str, Matrix] | None = None) -> Scene:
    """Everything reachable at ``head``.  ``moves``: OV circuits (d_model, d_model) that replace those of ``weights``.

    Raises SpecError E0780 where there is more to look at than can be decided."""
    ours = {h.head.name: h.OV for h in weights.heads if h.head.layer < head.layer}
    theirs = {name: (moves or {}).get(name, ov) for name, ov in ours.items()}
    writing = frozenset(name for name in ours if ours[name].entries or theirs[name].entries)
    skeleton = _skeleton(_Same(weights.program), head, writing)
    vectors = _vectors(weights, skeleton, ours)
    changed = vectors if theirs == ours else _vectors(weights, skeleton, theirs)
    return Scene(head, skeleton.states, skeleton.pairs, skeleton.features, changed, vectors)


@dataclass(frozen=True)
class _Skeleton:
    """The part of a scene that does not depend on what is moved, only on where earlier heads look."""

    states: tuple[State, ...]
    pairs: tuple[Pair, ...]
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class _Same:
    """A program as a key of a cache, by identity."""

    program: Program

    def __hash__(self) -> int:
        return id(self.program)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.program is self.program


@lru_cache(maxsize=64)
def _skeleton(key: _Same, head: Head, writing: frozenset[str]) -> _Skeleton:
    program, numbered = key.program, _Numbered()
    if writing:
        _add_sequences(numbered, program, head, writing)
    else:
        _add_positions(numbered, program)
    features = tuple(sorted({feature for state in numbered.states for feature, _ in state}))
    return _Skeleton(tuple(numbered.states), tuple(sorted(numbered.pairs)), features)


@dataclass
class _Numbered:
    """States by number, in the order in which they were met, and pairs of them."""

    states: dict[State, int] = field(default_factory=dict)
    pairs: set[Pair] = field(default_factory=set)

    def number(self, state: State) -> int:
        return self.states.setdefault(state, len(self.states))


# ------------------------------------------------------------------ the first layer: tokens at positions


def _add_positions(numbered: _Numbered, program: Program) -> None:
    """Pairs of (token, position)."""
    places = len(program.tokens)
    number = {
        (token, position): numbered.number(((((), token), ONE), (((), places + position), ONE)))
        for position in range(program.sequences.longest)
        for token in sorted(program.tokens.index(t) for t in program.sequences.tokens_at(position))
    }
    numbered.pairs |= {(number[query], number[key]) for query, key in pairs_together(program.sequences)}


# ------------------------------------------------------------------ later layers: whole sequences


def _add_sequences(numbered: _Numbered, program: Program, head: Head, writing: frozenset[str]) -> None:
    count = program.sequences.count()
    if count > MOST_SEQUENCES:
        raise SpecError(_too_many(head, count))
    for name in sorted(writing):
        if program.head(name).has_shares:
            raise SpecError(_unequal(head, program.head(name)))
    pool = _Pool()
    seen: dict[int, None] = {}
    pairs: set[Pair] = set()
    for length in program.sequences.lengths():
        tokens = program.sequences.enumerate(length)
        looks = {name: ideal(program, program.head(name), tokens) for name in sorted(writing)}
        for row, ids in enumerate(tokens):
            sequence = _Sequence(program, pool, ids.tolist(), {n: (s[row], w[row]) for n, (s, w) in looks.items()})
            met = sequence.states(head.layer)
            for q, queries in enumerate(met):
                keys = {key for earlier in met[:q] for key in earlier}
                pairs |= {(query, key) for query in queries for key in keys}
                seen |= dict.fromkeys(queries)
    number = {state: numbered.number(pool.states[state]) for state in seen}
    numbered.pairs |= {(number[query], number[key]) for query, key in pairs}


def _unequal(head: Head, earlier: Head) -> Diagnostic:
    return Diagnostic(
        "E0780",
        f"what head `{head.name}` can meet depends on the shares of head `{earlier.name}`",
        earlier.span,
        "means of equal parts are decided, others are not",
        help="compare heads before it, or let it read with equal shares",
    )


def _too_many(head: Head, count: int) -> Diagnostic:
    return Diagnostic(
        "E0780",
        f"what head `{head.name}` can meet depends on earlier heads, over {count:,} valid sequences",
        head.span,
        f"at most {MOST_SEQUENCES:,} are decided",
        help="let `sequences` name fewer: a shorter context, or patterns that show what matters",
    )


Fetched = tuple[str, tuple[int, ...]]
"""(head, the numbers of the states whose mean it brings)."""


@dataclass
class _Pool:
    """States of all layers by number, each worked out once: sequences have most of them in common."""

    states: list[State] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    made: dict[tuple[int, tuple[Fetched, ...]], int] = field(default_factory=dict)
    first: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, state: State) -> int:
        if state not in self.numbers:
            self.numbers[state] = len(self.states)
            self.states.append(state)
        return self.numbers[state]

    def start(self, token: int, place: int) -> int:
        """Columns ``token`` and ``place`` of [W_E | W_pos]."""
        if (token, place) not in self.first:
            self.first[token, place] = self.number(((((), token), ONE), (((), place), ONE)))
        return self.first[token, place]

    def after(self, own: int, fetched: tuple[Fetched, ...]) -> int:
        """What becomes of state ``own`` when heads add what they bring."""
        if (own, fetched) not in self.made:
            parts = [self._brought(name, keys) for name, keys in fetched]
            self.made[own, fetched] = self.number(_joined([self.states[own], *parts]))
        return self.made[own, fetched]

    def _brought(self, name: str, keys: tuple[int, ...]) -> list[tuple[Feature, Fraction]]:
        share = Fraction(1, len(keys))
        return [
            (((name, *path), column), weight * share) for key in keys for (path, column), weight in self.states[key]
        ]


@dataclass
class _Sequence:
    """One valid sequence, and where the earlier heads look in it."""

    program: Program
    pool: _Pool
    tokens: list[int]
    looks: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]

    def states(self, layer: int) -> list[list[int]]:
        """What every position can be before ``layer``, by numbers of the pool."""
        places = len(self.program.tokens)
        now = [[self.pool.start(token, places + position)] for position, token in enumerate(self.tokens)]
        for heads in self.program.layers[:layer]:
            names = [head.name for head in heads if head.name in self.looks]
            now = [self._after(names, now, position) for position in range(len(now))]
        return now

    def _after(self, names: list[str], before: list[list[int]], position: int) -> list[int]:
        fetched = [list(self._fetched(name, before, position)) for name in names]
        found = {self.pool.after(own, parts): None for own in before[position] for parts in product(*fetched)}
        if len(found) > MOST_STATES:
            raise SpecError(Diagnostic("E0780", "earlier heads leave too many possibilities open to decide", None))
        return list(found)

    def _fetched(self, name: str, before: list[list[int]], position: int) -> Iterator[Fetched]:
        """What head ``name`` can bring to ``position``: the mean over its keys, or any one of the visible ones."""
        support, speaks = self.looks[name]
        if speaks[position]:
            keys = np.flatnonzero(support[position]).tolist()
            yield from ((name, choice) for choice in product(*(before[key] for key in keys)))
            return
        yield from ((name, (state,)) for key in range(position + 1) for state in before[key])


def _joined(parts: Iterable[Iterable[tuple[Feature, Fraction]]]) -> State:
    total: dict[Feature, Fraction] = {}
    for part in parts:
        for feature, weight in part:
            total[feature] = total.get(feature, Fraction(0)) + weight
    return tuple(sorted(total.items()))


# ------------------------------------------------------------------ vectors


def _vectors(weights: Weights, skeleton: _Skeleton, circuits: Mapping[str, Matrix]) -> Matrix:
    """(d_model, features): OV_last .. OV_first times a column of [W_E | W_pos]."""
    embeddings = weights.circuits.W_E.hstack(weights.circuits.W_pos)
    moved: dict[tuple[str, ...], Matrix] = {(): embeddings}
    entries = {}
    for column, (path, source) in enumerate(skeleton.features):
        for row, entry in _moved(path, moved, circuits).by_column.get(source, {}).items():
            entries[row, column] = entry
    return Matrix(embeddings.rows, max(1, len(skeleton.features)), entries)


def _moved(path: tuple[str, ...], moved: dict[tuple[str, ...], Matrix], circuits: Mapping[str, Matrix]) -> Matrix:
    if path not in moved:
        moved[path] = circuits[path[0]] @ _moved(path[1:], moved, circuits)
    return moved[path]
