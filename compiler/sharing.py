"""Heads that share their attention in given proportions: which key gets how much, position by position.

In: a ``Head`` whose lines have shares, and what every position of a valid sequence can show.  Out: one ``SharedRow``
for every query position; SpecError E0425 (more than positions decides), E0426 (the shares do not add up).  Not for:
the meaning on tokens (``reference``), scores (``circuits.shares``).

Softmax gives key k the share w_k when its score is ln w_k.  A bilinear score can hold such a table where the query's
position says which keys fit: then what the lines leave to the rest keys is a number for every position, known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NoReturn

from compiler.encodings import OneHot, Subspace, Value
from compiler.heads import Among, Equal, Head, Related, Term
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import EmbedLine
from compiler.spelled import stands_for
from dsl.diagnostics import Diagnostic, Note, SpecError
from dsl.span import Span

LARGEST = 10**30
"""The least common denominator of a head's shares, at most: exponentials of their logarithms are ordinary floats."""

Shown = tuple[frozenset[Value | None], ...]
"""What a subspace may show, position by position; None: nothing."""


@dataclass(frozen=True, slots=True)
class SharedRow:
    """One query position: ``given[key]`` is the line that gives the key at that position its share; every one of the
    ``rests`` visible rest keys gets an equal part of ``left`` beside that."""

    given: Mapping[int, int]
    left: Fraction
    rests: int

    @property
    def part(self) -> Fraction:
        """What one rest key gets of what is left."""
        return self.left / self.rests if self.rests else Fraction(0)

    @property
    def claimed(self) -> bool:
        return bool(self.given) or self.part > 0


@dataclass(frozen=True)
class Places:
    """What stands where: the embeddings of a program, and the subspaces that something else writes into."""

    subspaces: Mapping[str, Subspace]
    embeds: Mapping[str, EmbedLine]
    written: frozenset[str]
    sequences: SequenceLanguage
    known: dict[str, Shown] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def longest(self) -> int:
        return self.sequences.longest

    def shown(self, name: str, head: Head, span: Span) -> Shown:
        """What ``name`` may show at every position; E0425 where that is not a matter of tokens and positions."""
        if name not in self.known:
            self.known[name] = self._shown(name, head, span)
        return self.known[name]

    def _shown(self, name: str, head: Head, span: Span) -> Shown:
        encoding, embed = self.subspaces[name].encoding, self.embeds.get(name)
        if not isinstance(encoding, OneHot):
            help = f"declare `subspace {name} : onehot(..)` over the same values"
            _refuse_reading(head, span, f"`{name}` is not one-hot", "its scores are not 0 or 1", help)
        if embed is None or embed.matrix is not None or name in self.written:
            help = "compare subspaces that nothing but `embed position` (or `embed token`) writes into"
            _refuse_reading(head, span, f"`{name}` is not embedded alone", "what it shows varies", help)
        values = frozenset(encoding.values)
        images = None if embed.images is None else dict(embed.images)
        if embed.source == "position":
            shown = [p if images is None else images[p] for p in range(self.longest)]
            return tuple(frozenset({value if value in values else None}) for value in shown)
        sets = (self.sequences.tokens_at(p) for p in range(self.longest))
        return tuple(frozenset(_embedded(token, values, images) for token in tokens) for tokens in sets)


def _embedded(token: str, values: frozenset[Value], images: Mapping[Value, Value] | None) -> Value | None:
    """The value that a token embeds as, if the set holds it: its text, the integer it spells, or what is said of it."""
    if images is None:
        return stands_for(token, values)
    image = images.get(token)
    return image if image in values else None


def _refuse_reading(head: Head, span: Span, found: str, label: str, help: str) -> NoReturn:
    raise SpecError(
        Diagnostic(
            "E0425",
            f"head `{head.name}` has shares, and {found}",
            span,
            label,
            help=help,
            figures=("which keys get shares has to follow from the query's position",),
        )
    )


def shared_rows(head: Head, places: Places) -> tuple[SharedRow, ...]:
    """Who gets what, for every query position.  Raises SpecError E0425, E0426."""
    lines = [_Line(head, i, places) for i in range(len(head.terms))]
    rests = _rest_places(head, places)
    rows = []
    for query in range(places.longest):
        given: dict[int, int] = {}
        for line in lines:
            for key in line.keys(query):
                if key in given:
                    _refuse_twice(head, query, key, given[key], line.number)
                given[key] = line.number
        rows.append(_row(head, query, given, bisect_right(rests, query)))
    return tuple(rows)


def weights_at(head: Head, rows: Iterable[SharedRow], rests: frozenset[int]) -> list[dict[int, Fraction]]:
    """Key position -> its share of the attention, for every query position."""
    found = []
    for query, row in enumerate(rows):
        weights = {key: share_of(head.terms[line]) for key, line in row.given.items()}
        if row.part:
            for key in (k for k in rests if k <= query):
                weights[key] = weights.get(key, Fraction(0)) + row.part
        found.append(weights)
    return found


def share_of(term: Term) -> Fraction:
    assert term.share is not None, "all lines of a head have shares, or none"
    return term.share


def common_denominator(head: Head) -> int:
    return lcm(*(share_of(term).denominator for term in head.terms))


# ------------------------------------------------------------------ where a line holds


class _Line:
    """One line, and the key positions that it holds for."""

    def __init__(self, head: Head, number: int, places: Places) -> None:
        self.head, self.number, self.places = head, number, places
        self.term = head.terms[number]
        relation = self.term.relation
        if not isinstance(relation, Among | Equal | Related):
            help = "embed positions into a one-hot subspace and compare that"
            _refuse_reading(head, self.term.span, "rotary positions have no table of scores", "not one-hot", help)
        self.shown = places.shown(relation.key, head, self.term.span)
        self.where = _by_value(self.shown)
        self.asked = None if isinstance(relation, Among) else places.shown(relation.query, head, self.term.span)

    def keys(self, query: int) -> list[int]:
        """The visible positions whose key gets this line's share."""
        if not self.active(query):
            return []
        wanted = self.wanted(query)
        found = sorted({key for value in wanted for key in self.where.get(value, ()) if key <= query})
        for key in found:
            if not self.shown[key] <= wanted:
                self.unsettled(query, key, self.shown[key] - wanted)
        return found

    def active(self, query: int) -> bool:
        when = self.term.when
        if when is None:
            return True
        if when.feature == "position":
            return query in when.values
        shown = self.places.shown(when.feature, self.head, when.span)[query]
        holds = {value in when.values for value in shown}
        if len(holds) > 1:
            _refuse_reading(
                self.head,
                when.span,
                f"whether this condition holds depends on the token at position {query}",
                "not settled by the position",
                "condition on `query.position`, or on a one-hot of positions",
            )
        return True in holds

    def wanted(self, query: int) -> frozenset[Value]:
        relation = self.term.relation
        if isinstance(relation, Among):
            return frozenset(relation.values)
        assert self.asked is not None
        images = {self.images(value) for value in self.asked[query]}
        if len(images) > 1:
            self.unsettled(query, query, self.asked[query])
        return images.pop()

    def images(self, value: Value | None) -> frozenset[Value]:
        relation = self.term.relation
        if value is None:
            return frozenset()
        if isinstance(relation, Equal):
            return frozenset({value + relation.shift if isinstance(value, int) else value})
        assert isinstance(relation, Related)
        return self._table.get(value, frozenset())

    @cached_property
    def _table(self) -> dict[Value, frozenset[Value]]:
        assert isinstance(self.term.relation, Related)
        return {value: frozenset(images) for value, images in self.term.relation.pairs}

    def unsettled(self, query: int, place: int, others: Iterable[Value | None]) -> NoReturn:
        other = next(iter(sorted(others, key=str)))
        shows = "nothing" if other is None else f"{other!r}"
        _refuse_reading(
            self.head,
            self.term.span,
            f"whether this line holds depends on the token at position {place}",
            f"for the query at {query}: position {place} may also show {shows}",
            "compare positions: `subspace slot : onehot(positions)`, `embed position -> slot`",
        )


def _by_value(shown: Shown) -> dict[Value, list[int]]:
    found: dict[Value, list[int]] = {}
    for place, values in enumerate(shown):
        for value in values:
            if value is not None:
                found.setdefault(value, []).append(place)
    return found


def rest_places(head: Head, places: Places) -> frozenset[int]:
    """The positions of the rest keys."""
    return frozenset(_rest_places(head, places))


def _rest_places(head: Head, places: Places) -> list[int]:
    found: set[int] = set()
    for rest in head.rests:
        values = frozenset(rest.condition.values)
        for place, shown in enumerate(places.shown(rest.condition.key, head, rest.span)):
            if shown & values and not shown <= values:
                _refuse_reading(
                    head,
                    rest.span,
                    f"whether position {place} rests depends on its token",
                    "not settled by the position",
                    "rest on tokens that always stand at the same positions",
                )
            if shown <= values:
                found.add(place)
    return sorted(found)


# ------------------------------------------------------------------ adding up


def _row(head: Head, query: int, given: Mapping[int, int], rests: int) -> SharedRow:
    left = 1 - sum((share_of(head.terms[line]) for line in given.values()), Fraction(0))
    if left < 0:
        _refuse_sum(head, query, given, 1 - left, "more than there is", "give smaller shares, or `when` conditions")
    if left and given and not rests:
        help = 'say who gets what is left: `rest key.A == "TOKEN"`, a token that stands before the query'
        _refuse_sum(head, query, given, 1 - left, f"{left} is left, and no rest key is visible", help)
    return SharedRow(given, left if rests else Fraction(0), rests)


def _refuse_sum(head: Head, query: int, given: Mapping[int, int], total: Fraction, label: str, help: str) -> NoReturn:
    figures = tuple(
        f"position {key} gets {share_of(head.terms[line])} by `{_text(head.terms[line])}`"
        for key, line in sorted(given.items())[:8]
    )
    message = f"the shares of head `{head.name}` add up to {total} for the query at position {query}"
    span = head.terms[min(given.values())].span
    raise SpecError(Diagnostic("E0426", message, span, label, help=help, figures=figures))


def _refuse_twice(head: Head, query: int, key: int, first: int, second: int) -> NoReturn:
    one, two = head.terms[first], head.terms[second]
    raise SpecError(
        Diagnostic(
            "E0426",
            f"two lines of head `{head.name}` give the key at position {key} a share",
            two.span,
            f"for the query at position {query}",
            help="let one line give the sum of both, and keep them apart with `when`",
            notes=(Note(one.span, "this line holds for it too"),),
        )
    )


def _text(term: Term) -> str:
    return " ".join(term.span.text.split()) or f"share {term.share}"
