"""The sequences of one pattern, by its automaton: counting, sampling, which token can stand where.

In: a pattern, the token list and the context.  Out: an ``AutomatonLanguage``.  Not for: unions over the lengths of
named repeats (``repeats``).

Everything works on automaton states x token classes.  A *layer* is the set of states that can be reached
by exactly d tokens and from which acceptance within the context is still possible.  The empty sequence is never
valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.automaton import MAX_CELLS, Automaton, build_automaton
from compiler.inputs.patterns import Pattern, most_of
from compiler.inputs.sequences import Ids, Place, Policy, SequenceLanguage

MAX_ENUMERATED = 100_000_000


def build_language(pattern: Pattern, tokens: tuple[str, ...], context: int) -> AutomatonLanguage:
    """The sequences of ``pattern`` with 1..context tokens.

    Raises ValueError: "no sequence ..." where none fits, or where the automaton grows too large."""
    automaton = build_automaton(pattern, tokens, context)
    language = AutomatonLanguage(tokens, context, pattern, automaton, _layers(automaton, context))
    if not language.lengths():
        raise ValueError(f"no sequence of the pattern fits into the context of {context}")
    return language


@dataclass(frozen=True)
class AutomatonLanguage(SequenceLanguage):
    """The sequences of one pattern, by its automaton."""

    pattern: Pattern
    automaton: Automaton = field(compare=False, repr=False)
    layers: tuple[Ids, ...] = field(compare=False, repr=False)

    # -------------------------------------------------------------- lengths and counts

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        accepting = self.automaton.accepting
        return tuple(d for d, layer in enumerate(self.layers) if d > 0 and accepting[layer].any())

    def lengths(self) -> tuple[int, ...]:
        return self._lengths

    def count(self, length: int | None = None) -> int:
        counts = self._counts
        return sum(counts) if length is None else counts[length] if 0 <= length < len(counts) else 0

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """Number of sequences per length: paths into each state, one layer at a time."""
        successors = self._successors
        accepting = self.automaton.accepting
        paths = {0: 1}
        counts = [0]
        for layer in self.layers[1:]:
            within = set(layer.tolist())
            following: dict[int, int] = dict.fromkeys(within, 0)
            for state, number in paths.items():
                for target, ways in successors[state]:
                    if target in within:
                        following[target] += number * ways
            paths = following
            counts.append(sum(number for state, number in paths.items() if accepting[state]))
        return tuple(counts)

    @cached_property
    def _successors(self) -> list[list[tuple[int, int]]]:
        """(target, number of tokens that lead there) per state."""
        sizes = [len(ids) for ids in self.automaton.members]
        successors: list[list[tuple[int, int]]] = []
        for row in self.automaton.table.tolist():
            ways: dict[int, int] = {}
            for c, target in enumerate(row):
                if target >= 0:
                    ways[target] = ways.get(target, 0) + sizes[c]
            successors.append(list(ways.items()))
        return successors

    # -------------------------------------------------------------- membership

    def accepts_all(self, ids: Ids) -> NDArray[np.bool_]:
        states, length = self._states_after(ids), ids.shape[1]
        valid: NDArray[np.bool_] = (states >= 0) & self.automaton.accepting[states] & (1 <= length <= self.context)
        return valid

    def begins(self, ids: Sequence[int] | Ids) -> bool:
        row = np.asarray(ids, dtype=np.int64)
        if len(row) >= len(self.layers):
            return False
        return bool(np.isin(self._states_after(row[None, :]), self.layers[len(row)])[0])

    def _states_after(self, ids: Ids) -> Ids:
        """(B,): the state that each row leads to, -1 where it leads nowhere."""
        automaton = self.automaton
        count, length = ids.shape
        states = np.zeros(count, dtype=np.int64)
        for step in range(length if 1 <= length <= self.context else 0):
            inside = (ids[:, step] >= 0) & (ids[:, step] < len(self.tokens))
            classes = np.where(inside, automaton.class_of[np.where(inside, ids[:, step], 0)], -1)
            states = np.where((classes >= 0) & (states >= 0), automaton.table[states, classes], -1)
        return states

    @cached_property
    def _possible(self) -> NDArray[np.bool_]:
        """[p, c]: can a token of class c stand at position p of some valid sequence?"""
        automaton = self.automaton
        possible = np.zeros((self.context, automaton.table.shape[1]), dtype=np.bool_)
        for position, layer in enumerate(self.layers[: self.context]):
            following = automaton.table[layer]
            fits = automaton.distance[following] <= self.context - position - 1
            possible[position] = ((following >= 0) & fits).any(axis=0)
        return possible

    def positions_of(self, token: str) -> frozenset[int]:
        if token not in self.tokens:
            return frozenset()
        c = int(self.automaton.class_of[self.tokens.index(token)])
        return frozenset(np.flatnonzero(self._possible[:, c]).tolist()) if c >= 0 else frozenset()

    def tokens_at(self, position: int) -> frozenset[str]:
        if not 0 <= position < self.context:
            return frozenset()
        classes = np.flatnonzero(self._possible[position])
        return frozenset(self.tokens[i] for c in classes for i in self.automaton.members[c].tolist())

    def most_of(self, tokens: frozenset[str]) -> int:
        return most_of(self.pattern, tokens, self.context)

    def is_free(self) -> bool:
        everywhere = all(len(self.tokens_at(p)) == len(self.tokens) for p in range(self.longest))
        return everywhere and all(len(layer) == 1 for layer in self.layers)

    def places_together(self) -> dict[Place, set[Place]]:
        table = self.automaton.table
        members = [tuple(ids.tolist()) for ids in self.automaton.members]
        alive = [frozenset(layer.tolist()) for layer in self.layers]
        found: dict[Place, set[Place]] = {}
        for position in range(len(alive) - 1):
            for c, ids in enumerate(members):
                states = {int(s) for s in table[list(alive[position]), c]} & alive[position + 1]
                if states:
                    later = self._later(alive, states, position + 1)
                    found[position, ids] = {(place, members[d]) for place, d in later}
        return found

    def _later(self, alive: list[frozenset[int]], states: set[int], position: int) -> Iterator[tuple[int, int]]:
        """(position, class) of every token that can stand at ``position`` or after it, from ``states`` on."""
        while states and position < len(alive) - 1:
            following = self.automaton.table[sorted(states)]
            allowed = np.isin(following, sorted(alive[position + 1])) & (following >= 0)
            for c in np.flatnonzero(allowed.any(axis=0)).tolist():
                yield position, c
            states = set(following[allowed].tolist())
            position += 1

    # -------------------------------------------------------------- making sequences

    def enumerate(self, length: int) -> Ids:
        if self.count(length) * length > MAX_ENUMERATED:
            raise ValueError(f"{self.count(length)} sequences of length {length} are too many to list")
        if length not in self._lengths:
            return np.zeros((0, max(length, 0)), dtype=np.int64)
        alive = self._alive(length)
        rows, states = np.zeros((1, 0), dtype=np.int64), np.zeros(1, dtype=np.int64)
        for step in range(length):
            following = self._following(states, alive[step + 1])
            parent, token = np.nonzero(following >= 0)
            rows = np.concatenate([rows[parent], token[:, None]], axis=1)
            states = following[parent, token].astype(np.int64)
        return rows

    def sample(self, rng: np.random.Generator, length: int, n: int, policy: Policy = "random") -> Ids:
        if length not in self._lengths:
            raise ValueError(f"there is no valid sequence of length {length}")
        if policy == "random":
            return self._sample_uniformly(rng, length, n)
        return self._sample_greedily(rng, length, n, policy)

    def _alive(self, length: int) -> list[NDArray[np.bool_]]:
        """Per step d, which states accept after exactly ``length`` - d more tokens."""
        table = self.automaton.table
        alive = [np.zeros(len(table), dtype=np.bool_) for _ in range(length + 1)]
        alive[length][self.layers[length]] = self.automaton.accepting[self.layers[length]]
        for step in range(length - 1, -1, -1):
            following = table[self.layers[step]]
            alive[step][self.layers[step]] = ((following >= 0) & alive[step + 1][following]).any(axis=1)
        return alive

    def _following(self, states: Ids, alive: NDArray[np.bool_]) -> NDArray[np.int32]:
        """[i, t]: the state after token t, -1 where that leads nowhere alive."""
        class_of = self.automaton.class_of
        following = self.automaton.table[states]
        following = np.where((following >= 0) & alive[following], following, -1)
        return np.where(class_of >= 0, following[:, class_of], -1)

    def _sample_uniformly(self, rng: np.random.Generator, length: int, n: int) -> Ids:
        automaton = self.automaton
        sizes = np.array([len(ids) for ids in automaton.members], dtype=np.float64)
        by_class = np.concatenate(automaton.members)
        begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        ways = self._ways(length, sizes)
        states = np.zeros(n, dtype=np.int64)
        out = np.zeros((n, length), dtype=np.int64)
        count = np.zeros(len(automaton.table))
        for step in range(length):
            layer = self.layers[step + 1]
            count[layer] = ways[step + 1]
            following = automaton.table[states]
            weight = np.cumsum(np.where(following >= 0, count[following] * sizes, 0.0), axis=1)
            count[layer] = 0.0
            chosen = _choose(weight, rng)
            out[:, step] = by_class[begin[chosen] + (rng.random(n) * sizes[chosen]).astype(np.int64)]
            states = following[np.arange(n), chosen].astype(np.int64)
        return out

    def _ways(self, length: int, sizes: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Per step and state of its layer: how many endings, up to one common factor per step."""
        table = self.automaton.table
        ways = [np.zeros(0)] * (length + 1)
        ways[length] = self.automaton.accepting[self.layers[length]].astype(np.float64)
        full = np.zeros(len(table))
        for step in range(length - 1, -1, -1):
            full[self.layers[step + 1]] = ways[step + 1]
            following = table[self.layers[step]]
            total = (np.where(following >= 0, full[following], 0.0) * sizes).sum(axis=1)
            full[self.layers[step + 1]] = 0.0
            ways[step] = total / total.max()
        return ways

    def _sample_greedily(self, rng: np.random.Generator, length: int, n: int, policy: Policy) -> Ids:
        alive = self._alive(length)
        rows = np.arange(n)
        used = np.zeros((n, len(self.tokens)), dtype=np.int64)
        states = np.zeros(n, dtype=np.int64)
        out = np.full((n, length), -1, dtype=np.int64)
        for step in range(length):
            following = self._following(states, alive[step + 1])
            wish = _wish(policy, rng, used, out[:, step - 1] if step else None)
            wish += rng.random(wish.shape) * 0.5
            token = np.where(following >= 0, wish, -np.inf).argmax(axis=1)
            out[:, step] = token
            used[rows, token] += 1
            states = following[rows, token].astype(np.int64)
        return out


def _wish(policy: Policy, rng: np.random.Generator, used: Ids, previous: Ids | None) -> NDArray[np.float64]:
    """(n, V): how much a policy wants each token next, in whole steps (ties are broken at random)."""
    match policy:
        case "distinct":
            return -used.astype(np.float64)
        case "equal":
            wish = (used > 0).astype(np.float64)
            if previous is not None:
                wish[np.arange(len(wish)), previous] += 1.0
            return wish
        case "repeats":
            fresh = rng.random((len(used), 1)) < 0.1
            return ((used > 0) ^ fresh).astype(np.float64)
        case "random":
            return np.zeros(used.shape)
    assert_never(policy)


def _choose(cumulative: NDArray[np.float64], rng: np.random.Generator) -> Ids:
    """One column per row, with probability proportional to its weight; never one of weight zero."""
    draw = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    chosen: Ids = (cumulative > draw).argmax(axis=1)
    return chosen


def _layers(automaton: Automaton, context: int) -> tuple[Ids, ...]:
    """Layer d: the states that d tokens reach and from which acceptance is still within the context."""
    layers: list[Ids] = [np.zeros(1, dtype=np.int64)]
    total = 0
    for depth in range(1, context + 1):
        reached = np.unique(automaton.table[layers[-1]]).astype(np.int64)
        reached = reached[reached >= 0]
        reached = reached[automaton.distance[reached] <= context - depth]
        total += len(reached)
        if not len(reached):
            break
        if total > MAX_CELLS:
            raise ValueError(f"the pattern needs more than {MAX_CELLS} automaton states over its positions")
        layers.append(reached)
    return tuple(layers)
