"""Directions, subspaces and lines of a head in the words of its spec.

In: a ``Program`` and coordinates or a ``Term``.  Out: short texts.  Not for: sentences about mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.heads import Relation, Term
    from compiler.program import Program

MOST_NAMES = 4


def places(program: Program, coordinates: Iterable[int]) -> str:
    """```v``` for whole subspaces; else ```v.cos0`, `v.sin0```, at most four of them."""
    left = set(coordinates)
    words: list[str] = []
    for subspace in program.subspaces:
        if left >= set(subspace.coordinates) and len(subspace.coordinates) > 1:
            words.append(f"`{subspace.name}`")
            left -= set(subspace.coordinates)
    names = program.coordinate_names
    single = [f"`{names[c]}`" if c < len(names) else "the bias" for c in sorted(left)]
    if len(single) > MOST_NAMES:
        single = [*single[: MOST_NAMES - 1], f"{len(single) - MOST_NAMES + 1} more"]
    return listed([*words, *single])


def listed(words: list[str], joint: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def line(term: Term, relation: Relation | None = None) -> str:
    """``attend key.where == query.where - 1``, with another relation where one is given."""
    return f"{'avoid' if term.negated else 'attend'} {relation_text(relation or term.relation)}"


def relation_text(relation: Relation) -> str:
    from compiler.heads import Among, Equal, Offset

    match relation:
        case Equal(key, query, shift):
            return f"key.{key} == query.{query}{shift_text(shift)}"
        case Among(key, values):
            shown = ", ".join(str(v) if isinstance(v, int) else f'"{v}"' for v in values[:MOST_NAMES])
            return f"key.{key} in {{{shown}{', ...' if len(values) > MOST_NAMES else ''}}}"
        case Offset(shift):
            return f"key.position == query.position{shift_text(shift)}"
        case _:
            return f"a relation of key.{relation.key} and query.{relation.query}"


def shift_text(shift: int) -> str:
    """`` - 1``, or nothing for 0."""
    return f" {'-' if shift < 0 else '+'} {abs(shift)}" if shift else ""
