"""Which token can stand where while which other token stands at an earlier position: exact, for any language.

In: a ``SequenceLanguage``.  Out: pairs ((token id, position) of a query, (token id, position) of a key it sees).
Not for: triples and more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.sequences import SequenceLanguage
from dsl.diagnostics import Diagnostic, SpecError

Place = tuple[int, int]
MOST_PAIRS = 400_000


def pairs_together(language: SequenceLanguage) -> Iterator[tuple[Place, Place]]:
    """Every (query, key) with key position < query position that some valid sequence holds.

    Raises SpecError E0780 above 400,000 pairs."""
    members = [ids.tolist() for ids in language.automaton.members]
    classes = _classes_together(language)
    total = sum(len(members[c]) * len(members[d]) for (_, c), later in classes.items() for _, d in later)
    if total > MOST_PAIRS:
        message = f"{total:,} pairs of a token here and a token there are too many to decide"
        raise SpecError(Diagnostic("E0780", message, help="a shorter context or a smaller vocabulary will do"))
    for (position, c), later in classes.items():
        for query_position, d in sorted(later):
            for key in members[c]:
                for query in members[d]:
                    yield (query, query_position), (key, position)


def _classes_together(language: SequenceLanguage) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """(position, token class) -> the later (position, token class) that occur with it."""
    table = language.automaton.table
    alive = [frozenset(layer.tolist()) for layer in language.layers]
    found: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for position in range(len(alive) - 1):
        for c in range(table.shape[1]):
            states = {int(s) for s in table[list(alive[position]), c]} & alive[position + 1]
            if states:
                found[position, c] = set(_later(language, alive, states, position + 1))
    return found


def _later(
    language: SequenceLanguage, alive: list[frozenset[int]], states: set[int], position: int
) -> Iterator[tuple[int, int]]:
    """(position, class) of every token that can stand at ``position`` or after it, from ``states`` on."""
    table = language.automaton.table
    while states and position < len(alive) - 1:
        following = table[sorted(states)]
        allowed = np.isin(following, sorted(alive[position + 1])) & (following >= 0)
        for c in np.flatnonzero(allowed.any(axis=0)).tolist():
            yield position, c
        states = set(following[allowed].tolist())
        position += 1
