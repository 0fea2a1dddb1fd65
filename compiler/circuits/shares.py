"""Attention in given proportions as a score circuit: a table of logarithms.

In: a ``Head`` whose lines have shares, and the ``Stream``.  Out: its terms.  Not for: who gets what (``sharing``), or
how far everything else has to stay below (``sharpness.shares``).

score(q <- k) = B + ln w(q, k) where key k gets the share w, and 0 elsewhere.  The shares of a query add up to 1, so
softmax gives w e^B / (e^B + rest), one solved number B for the whole head.  A line is its table of 0 and 1, B + ln s
times.  What is left for a rest key differs from query to query: it stands in the column of the rest token, one entry
for each position, less what the lines themselves would give a rest key that they hold for.  ln w is a sum of logarithms
of pairwise coprime integers (``exact.logarithms``), one choice of them for all that a head shares out: so equal weights
are equal entries, and a difference is 0 where its terms cancel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from compiler.circuits.features import ONE, ZERO, Feature
from compiler.circuits.parts import TermCircuit
from compiler.circuits.relations import relation_matrix
from compiler.circuits.stream import Entries, Stream, one_hot_coordinates
from compiler.encodings import OneHot
from compiler.exact import Scalar
from compiler.exact.logarithms import Logarithms
from compiler.heads import Head
from compiler.sharing import Places, SharedRow, rest_places, share_of, shared_rows
from dsl.diagnostics import Diagnostic, SpecError


def places_of(stream: Stream) -> Places:
    """What stands where, for ``sharing``."""
    return Places(stream.subspaces, stream.embeds, frozenset(stream.written), stream.program.sequences)


def share_terms(stream: Stream, head: Head) -> list[TermCircuit]:
    """One term for every line, and one for what they leave.  Raises SpecError E0430, E0431, E0503, E0510."""
    name = f"s_{head.name}"
    level = Scalar.symbol(name)
    rows = shared_rows(head, places_of(stream))
    logarithms = Logarithms.of_all(_shared_out(head, rows))
    terms = []
    for number, term in enumerate(head.terms):
        strength = level + logarithms.of(share_of(term))
        matrix = relation_matrix(stream, term)
        terms.append(TermCircuit(_label(term.span.text), "attend", matrix, strength, name, line=number, span=term.span))
    return [*terms, *_rest_term(stream, head, name, rows, logarithms)]


def _shared_out(head: Head, rows: Iterable[SharedRow]) -> set[Fraction]:
    """Every number whose logarithm may stand in a score of this head."""
    shares = {share_of(term) for term in head.terms}
    parts = {row.part for row in rows if row.part}
    both = {(line, row.part) for row in rows for line in set(row.given.values())}
    return shares | parts | {share_of(head.terms[line]) + part for line, part in both}


def _label(text: str) -> str:
    return " ".join(text.split()) or "attend"


# ------------------------------------------------------------------ what the lines leave


def _rest_term(
    stream: Stream, head: Head, name: str, rows: tuple[SharedRow, ...], logarithms: Logarithms
) -> list[TermCircuit]:
    if not head.rests:
        return []
    level, hot = Scalar.symbol(name), _positions(stream)
    entries: Entries = {}
    for coordinate, places in _rest_columns(stream, head).items():
        wanted = [_correction(head, query, row, places, level, logarithms) for query, row in enumerate(rows)]
        for row, entry in _functional(stream, head, wanted, hot).items():
            entries[(row, coordinate)] = entry
    span = head.rests[0].span
    matrix = stream.matrix(entries)
    return [TermCircuit(_label(span.text), "rest", matrix, ONE, name, span=span)] if matrix.entries else []


def _rest_columns(stream: Stream, head: Head) -> dict[int, frozenset[int]]:
    """Coordinate -> the positions of the rest keys that it marks; E0503 where two coordinates mark one key."""
    places, everywhere = places_of(stream), rest_places(head, places_of(stream))
    found: dict[int, frozenset[int]] = {}
    for rest in head.rests:
        name = rest.condition.key
        hot = one_hot_coordinates(stream.subspaces[name])
        shown = places.shown(name, head, rest.span)
        for value in rest.condition.values:
            here = frozenset(place for place in everywhere if value in shown[place])
            if here:
                found[hot[value]] = here
    marks = [place for here in found.values() for place in here]
    if len(set(marks)) < len(marks):
        raise SpecError(
            Diagnostic(
                "E0503",
                f"a key can be a rest key of head `{head.name}` twice",
                head.rests[-1].span,
                "it would be given the rest score twice",
                help="name all rest keys by one subspace, by tokens that keep their positions to themselves",
            )
        )
    return found


def _correction(
    head: Head, query: int, row: SharedRow, places: frozenset[int], level: Scalar, logarithms: Logarithms
) -> Scalar | None:
    """What has to be added to the lines' scores of the rest keys at ``places``; None where none is visible."""
    visible = sum(place <= query for place in places)
    held = {key: line for key, line in row.given.items() if key in places}
    found: set[Scalar] = set()
    if visible > len(held):
        found.add(level + logarithms.of(row.part) if row.part else ZERO)
    for line in held.values():
        share = share_of(head.terms[line])
        found.add(logarithms.of(share + row.part) - logarithms.of(share))
    if len(found) > 1:
        raise SpecError(
            Diagnostic(
                "E0510",
                f"one rest key of head `{head.name}` gets a share, and another one with the same token does not",
                head.rests[0].span,
                f"for the query at position {query}, keys at {', '.join(map(str, sorted(places)))}",
                help="rest on a token that stands at one position, or keep the shares off the rest keys with `when`",
            )
        )
    return found.pop() if found else None


def _positions(stream: Stream) -> dict[int, int]:
    """Position -> a coordinate that is 1 there and 0 elsewhere."""
    found: dict[int, int] = {}
    for subspace in stream.subspaces.values():
        if isinstance(subspace.encoding, OneHot) and stream.is_positional(subspace):
            for value, coordinate in one_hot_coordinates(subspace).items():
                found.setdefault(int(value), coordinate)
    return found


def indicated(stream: Stream, head: Head, positions: Iterable[int]) -> bool:
    """Has the query an indicator of every position, so that no constant stands in a score?"""
    return not head.rests or _positions(stream).keys() >= set(positions)


def _functional(stream: Stream, head: Head, wanted: list[Scalar | None], hot: Mapping[int, int]) -> Feature:
    """A functional of the query with the value ``wanted[p]`` at position p (anything where that is None)."""
    loose = {value: p for p, value in enumerate(wanted) if value is not None and p not in hot}
    if len(loose) > 1:
        one, other = sorted(loose.values())[:2]
        raise SpecError(
            Diagnostic(
                "E0431",
                f"what is left to the rest keys of head `{head.name}` needs exact indicators of positions",
                head.rests[0].span,
                f"it differs between positions {one} and {other}, and no one-hot subspace holds them",
                help="add `subspace slot : onehot(positions)` and `embed position -> slot`",
            )
        )
    base = next(iter(loose), ZERO)
    total: Feature = {}
    if not base.is_zero():
        total = {c: entry * base for c, entry in stream.one(head.rests[0].span, "`rest`").items()}
    for p, value in enumerate(wanted):
        if value is not None and p in hot and value != base:
            total[hot[p]] = total.get(hot[p], ZERO) + value - base
    return total
