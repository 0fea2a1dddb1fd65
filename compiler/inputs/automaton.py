"""The deterministic automaton that recognises a pattern of tokens.

In: a pattern (``patterns``) over a finite token list, and the context.  Out: an ``Automaton`` whose every state can
still reach acceptance.  Not for: questions about lengths, counts and samples (see ``sequences``).

A pattern becomes its position automaton (Glushkov: one state per written-out ``Tok``, no empty moves), and
that becomes deterministic by the subset construction over *token classes*: tokens that the same ``Tok``
sets contain behave alike and share a column.  ``P{1,2047}`` writes out 2047 positions and costs one cheap
step for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.patterns import Alt, Cat, Pattern, Rep, Tok, fit_to_context, min_length

MAX_STATES = 200_000
MAX_CELLS = 20_000_000
MAX_STEPS = 10_000_000
"""Moves between positions that the subset construction may follow: a few seconds' worth."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """``table[s, c]`` is the state after state s reads a token of class c, or -1; state 0 is the start.

    ``class_of[t]`` is the class of token id t (-1: it never occurs), ``members[c]`` the ids of class c.
    ``distance[s]`` is the least number of tokens from s to acceptance; every state has one."""

    table: NDArray[np.int32]
    accepting: NDArray[np.bool_]
    distance: NDArray[np.int64]
    class_of: NDArray[np.int64]
    members: tuple[NDArray[np.int64], ...]


# ------------------------------------------------------------------ positions


@dataclass(frozen=True, slots=True)
class _Part:
    """A pattern's written-out positions: those it can begin and end with, and whether it may be empty."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    nullable: bool


@dataclass
class _Positions:
    """Written-out ``Tok``s, and which may follow which."""

    sets: list[frozenset[str]] = field(default_factory=list)
    follow: list[list[int]] = field(default_factory=list)

    def add(self, pattern: Pattern) -> _Part:
        match pattern:
            case Tok(tokens):
                return self._add_token(tokens)
            case Cat(parts):
                return self._chain(self.add(part) for part in parts)
            case Alt(options):
                made = [self.add(option) for option in options]
                first, last = tuple(p for m in made for p in m.first), tuple(p for m in made for p in m.last)
                return _Part(first, last, any(m.nullable for m in made))
            case Rep(body, low, high):
                return self._add_repeat(body, low, high)
        assert_never(pattern)

    def _add_token(self, tokens: frozenset[str]) -> _Part:
        if len(self.sets) >= MAX_STATES:
            raise ValueError(f"the pattern writes out to more than {MAX_STATES} tokens; use smaller repeats")
        self.sets.append(tokens)
        self.follow.append([])
        return _Part((len(self.sets) - 1,), (len(self.sets) - 1,), False)

    def _link(self, last: tuple[int, ...], first: tuple[int, ...]) -> None:
        for position in last:
            self.follow[position].extend(first)

    def _chain(self, parts: Iterator[_Part]) -> _Part:
        first: tuple[int, ...] = ()
        last: tuple[int, ...] = ()
        nullable = True
        for part in parts:
            self._link(last, part.first)
            first = first + part.first if nullable else first
            last = last + part.last if part.nullable else part.last
            nullable = nullable and part.nullable
        return _Part(first, last, nullable)

    def _add_repeat(self, body: Pattern, low: int, high: int | None) -> _Part:
        copies = [self.add(body) for _ in range(max(low, 1) if high is None else high)]
        for before, after in pairwise(copies):
            self._link(before.last, after.first)
        if high is None:
            self._link(copies[-1].last, copies[-1].first)
        ends = copies[max(low, 1) - 1 :]
        return _Part(copies[0].first, tuple(p for copy in ends for p in copy.last), low == 0)


# ------------------------------------------------------------------ determinism


def _token_classes(sets: list[frozenset[str]], tokens: tuple[str, ...]) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Class of each token id (-1 where no set holds it), and each class's token ids, in order."""
    distinct = list(dict.fromkeys(sets))
    signature: dict[tuple[int, ...], list[int]] = {}
    holders: dict[str, list[int]] = {}
    for index, members in enumerate(distinct):
        for token in members:
            holders.setdefault(token, []).append(index)
    for i, token in enumerate(tokens):
        if token in holders:
            signature.setdefault(tuple(holders[token]), []).append(i)
    class_of = np.full(len(tokens), -1, dtype=np.int64)
    for number, ids in enumerate(signature.values()):
        class_of[ids] = number
    return class_of, list(signature.values())


def _classes_of_sets(
    sets: list[frozenset[str]], tokens: tuple[str, ...], class_of: NDArray[np.int64]
) -> dict[frozenset[str], tuple[int, ...]]:
    number = {token: int(class_of[i]) for i, token in enumerate(tokens)}
    return {members: tuple(sorted({number[token] for token in members})) for members in dict.fromkeys(sets)}


def _determinise(
    positions: _Positions, whole: _Part, classes: list[tuple[int, ...]], width: int
) -> tuple[list[dict[int, int]], list[bool]]:
    """Subset construction: a state is the set of positions that may have been read last."""
    last = frozenset(whole.last)
    start: frozenset[int] = frozenset({-1})
    number = {start: 0}
    edges: list[dict[int, int]] = []
    accepting: list[bool] = []
    queue = deque([start])
    steps = 0
    while queue:
        state = queue.popleft()
        accepting.append(not last.isdisjoint(state))
        steps += sum(len(whole.first if p < 0 else positions.follow[p]) for p in state)
        if steps > MAX_STEPS:
            raise ValueError("the pattern nests its repeats too deeply: its automaton grows too large")
        reached: dict[int, set[int]] = {}
        following = {q for p in state for q in (whole.first if p < 0 else positions.follow[p])}
        for position in following:
            for c in classes[position]:
                reached.setdefault(c, set()).add(position)
        edges.append({})
        for c in sorted(reached):
            target = frozenset(reached[c])
            if target not in number:
                number[target] = len(number)
                queue.append(target)
                if len(number) > MAX_STATES or len(number) * width > MAX_CELLS:
                    raise ValueError(f"the pattern needs an automaton of more than {len(number) - 1} states")
            edges[-1][c] = number[target]
    return edges, accepting


def _distances(edges: list[dict[int, int]], accepting: list[bool]) -> list[int]:
    """Least number of tokens to acceptance per state, -1 where there is none."""
    before: list[list[int]] = [[] for _ in edges]
    for state, row in enumerate(edges):
        for target in row.values():
            before[target].append(state)
    distance = [0 if accepts else -1 for accepts in accepting]
    queue = deque(state for state, accepts in enumerate(accepting) if accepts)
    while queue:
        state = queue.popleft()
        for source in before[state]:
            if distance[source] < 0:
                distance[source] = distance[state] + 1
                queue.append(source)
    return distance


def _check_tokens(pattern: Pattern, tokens: frozenset[str]) -> None:
    match pattern:
        case Tok(members):
            unknown = sorted(members - tokens)
            if unknown:
                raise ValueError(f"the pattern speaks of {unknown[0]!r}, which is not a token")
        case Cat(parts) | Alt(parts):
            for part in parts:
                _check_tokens(part, tokens)
        case Rep(body, _, _):
            _check_tokens(body, tokens)
        case _:
            assert_never(pattern)


def build_automaton(pattern: Pattern, tokens: tuple[str, ...], context: int) -> Automaton:
    """The automaton of ``pattern``; raises ValueError if no string fits into ``context`` or it grows too large."""
    _check_tokens(pattern, frozenset(tokens))
    if min_length(pattern) > context:
        raise ValueError(f"no sequence of the pattern fits into the context of {context}")
    positions = _Positions()
    whole = positions.add(fit_to_context(pattern, context))
    if not positions.sets:
        raise ValueError("no sequence: the pattern holds the empty one only")
    class_of, members = _token_classes(positions.sets, tokens)
    classes_of = _classes_of_sets(positions.sets, tokens, class_of)
    edges, accepting = _determinise(positions, whole, [classes_of[s] for s in positions.sets], len(members))
    return _trim(edges, accepting, class_of, members)


def _trim(
    edges: list[dict[int, int]], accepting: list[bool], class_of: NDArray[np.int64], members: list[list[int]]
) -> Automaton:
    distance = _distances(edges, accepting)
    alive = [state for state, d in enumerate(distance) if d >= 0 or state == 0]
    number = {state: i for i, state in enumerate(alive)}
    table = np.full((len(alive), len(members)), -1, dtype=np.int32)
    for state in alive:
        for c, target in edges[state].items():
            table[number[state], c] = number.get(target, -1)
    return Automaton(
        table,
        np.array([accepting[s] for s in alive], dtype=np.bool_),
        np.array([distance[s] for s in alive], dtype=np.int64),
        class_of,
        tuple(np.array(ids, dtype=np.int64) for ids in members),
    )
