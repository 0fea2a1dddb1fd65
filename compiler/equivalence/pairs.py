"""Which token can stand where while which other token stands at an earlier position: exact, for any language.

In: a ``SequenceLanguage``.  Out: pairs ((token id, position) of a query, (token id, position) of a key it sees).
Not for: triples and more.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.inputs.sequences import SequenceLanguage
from dsl.diagnostics import Diagnostic, SpecError

Place = tuple[int, int]
MOST_PAIRS = 400_000


def pairs_together(language: SequenceLanguage) -> Iterator[tuple[Place, Place]]:
    """Every (query, key) with key position < query position that some valid sequence holds.

    Raises SpecError E0780 above 400,000 pairs."""
    try:
        together = language.places_together()
    except ValueError as error:
        raise _too_many(str(error)) from None
    total = sum(len(keys) * len(queries) for (_, keys), later in together.items() for _, queries in later)
    if total > MOST_PAIRS:
        raise _too_many(f"{total:,} pairs of a token here and a token there are too many to decide")
    for (position, keys), later in together.items():
        for query_position, queries in sorted(later):
            for key in keys:
                for query in queries:
                    yield (query, query_position), (key, position)


def _too_many(message: str) -> SpecError:
    return SpecError(Diagnostic("E0780", message, help="a shorter context or a smaller vocabulary will do"))
