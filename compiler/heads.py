"""What a head says: the keys that it attends to, what it copies from them, the matrices that are given outright.

In: nothing (pure data, made by ``resolution.heads``).  Out: ``Head`` and the frozen types of its lines.  Not for: which
keys fit (``reference.fit``) or the matrices that make it so (``circuits.heads``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from compiler.encodings import OneHot, Quadratic, ScalarValue, Subspace, Value
from dsl.expressions import Expr
from dsl.span import Span


@dataclass(frozen=True, slots=True)
class Equal:
    """key.KEY == query.QUERY + shift."""

    key: str
    query: str
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Among:
    """key.KEY in VALUES (a constant query side); ``==``, ``!=``, ``<`` ... against constants all become this."""

    key: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """key.KEY is in ``images[query.QUERY]``: ``!=``, ``<``, ``<=``, tables, between one-hot subspaces.

    ``pairs`` lists every query value that has an image, in the order of the query's encoding."""

    key: str
    query: str
    pairs: tuple[tuple[Value, tuple[Value, ...]], ...]


@dataclass(frozen=True, slots=True)
class Offset:
    """key.position == query.position + shift, under rotary positions (a constant query and key)."""

    shift: int


Relation = Equal | Among | Related | Offset


@dataclass(frozen=True, slots=True)
class Condition:
    """query.FEATURE in VALUES.  ``feature`` is a subspace, or ``position`` for the raw position."""

    feature: str
    values: tuple[Value, ...]
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """One ``attend`` (or, ``negated``, ``avoid``) line. ``strength`` None means: solve for it.

    ``share``: what every key that the line holds for gets of the attention, exactly."""

    relation: Relation
    negated: bool = False
    when: Condition | None = None
    strength: Expr | None = None
    share: Fraction | None = None
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """Keys with key.KEY in VALUES take the attention of a query that nothing fits."""

    condition: Among
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prefer:
    """Among the keys that fit, keep the one whose feature is largest (``latest``) or smallest."""

    direction: Literal["latest", "earliest"]
    by: str
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Copy:
    """target += coefficient * (source + shift), through ``table`` (source value, target value) if given."""

    source: str
    target: str
    coefficient: Expr
    shift: int = 0
    table: tuple[tuple[Value, Value], ...] | None = None
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ExplicitMatrix:
    """A matrix given outright: its shape and its entries (row, column, expression), zeros left out.

    W_Q, W_K, W_V : (d_head, d_model); W_O : (d_model, d_head); residual coordinates in the named
    (axis-aligned) basis."""

    rows: int
    columns: int
    entries: tuple[tuple[int, int, Expr], ...]
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """A head: its claim (terms, rest, prefer), what it moves (copies), and any matrices given outright.

    ``explicit`` maps W_Q/W_K (both or neither) and W_V/W_O (both or neither).  A head with explicit
    W_Q, W_K and no terms, or marked ``soft``, makes no hard claim: its meaning is the softmax of its scores."""

    name: str
    layer: int
    index: int
    terms: tuple[Term, ...] = ()
    rests: tuple[Rest, ...] = ()
    prefer: Prefer | None = None
    copies: tuple[Copy, ...] = ()
    explicit: tuple[tuple[str, ExplicitMatrix], ...] = ()
    d_head: int | None = None
    soft: bool = False
    doc: str | None = None
    span: Span = field(default_factory=Span, compare=False, repr=False)

    @property
    def place(self) -> str:
        """``L0H1``: its layer, and its index among the heads of the layer."""
        return f"L{self.layer}H{self.index}"

    def is_called(self, word: str) -> bool:
        """True of its name and of its place."""
        return word in (self.name, self.place)

    def matrix(self, name: str) -> ExplicitMatrix | None:
        return dict(self.explicit).get(name)

    @property
    def has_shares(self) -> bool:
        """True when the lines say who gets how much (all of them do, or none)."""
        return any(term.share is not None for term in self.terms)

    @property
    def is_soft(self) -> bool:
        """True when the head's meaning is the softmax of its own scores."""
        return self.soft or (self.matrix("W_Q") is not None and not self.terms)


def matches_number(term: Term, subspaces: Mapping[str, Subspace]) -> bool:
    """Is a one-hot key matched with a number of the query, so that no table says what it looks for?"""
    relation = term.relation
    if term.when is not None or not isinstance(relation, Equal):
        return False
    key, query = subspaces[relation.key].encoding, subspaces[relation.query].encoding
    return isinstance(key, OneHot) and isinstance(query, ScalarValue | Quadratic)
