"""Which keys fit a query of a hard head: relations in three-valued logic, then ``prefer``, then ``rest``; or who gets
which share.

In: a head and what its subspaces show at every position.  Out: ``Fitting``, the support and the state of every query.
Not for: what is moved (``moving``) or softmax heads (``soft``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from compiler.encodings import Subspace, Value
from compiler.heads import Among, Condition, Equal, Head, Offset, Prefer, Related, Relation, Term
from compiler.reference.numbers import NOTHING, TEXT_BASE, Floats, Ints, Numbers, lookup, shifted
from compiler.reference.values import EXACT, Bools, Kind, Reading


@dataclass(frozen=True, slots=True)
class Facts:
    """What the stream shows a layer: ``reading(name)`` per subspace, for a batch of ``shape`` (B, n).

    ``astray(name)`` (B, n): where a subspace may hold anything, also numbers of any size (``strays``)."""

    shape: tuple[int, ...]
    reading: Callable[[str], Reading]
    numbers: Numbers
    subspaces: Mapping[str, Subspace]
    astray: Callable[[str], Bools]

    def condition(self, condition: Condition) -> tuple[Bools, Bools]:
        """(holds, open), each (B, n)."""
        if condition.feature == "position":
            positions = np.broadcast_to(np.arange(self.shape[1]), self.shape)
            return np.isin(positions, self.numbers.codec.codes(condition.values)), np.zeros(self.shape, dtype=np.bool_)
        return self.among(condition.feature, condition.values)

    def among(self, name: str, values: tuple[Value, ...]) -> tuple[Bools, Bools]:
        """(holds, open) of ``NAME in VALUES``, each (B, n)."""
        reading = self.reading(name)
        wanted = self.numbers.canonical(self.subspaces[name].encoding, self.numbers.codec.codes(values))
        return np.isin(reading.code, wanted[wanted != NOTHING]), reading.open()


@dataclass(frozen=True, slots=True)
class Fitting:
    """``support`` (B, n, n), empty where a query is ``undetermined`` or ``unclaimed``; the rest (B, n).

    ``weights`` (B, n, n): who gets how much, where lines have shares; None: all of the support the same."""

    support: Bools
    undetermined: Bools
    unclaimed: Bools
    resting: Bools
    idle: Bools
    weights: Floats | None = None


def fit(head: Head, facts: Facts) -> Fitting:
    """The keys that ``head`` attends to at every query: equally, or by shares."""
    if head.has_shares:
        return _shared(head, facts)
    sure, open_, active = _fitting_keys(head, facts)
    undetermined = np.zeros(facts.shape, dtype=np.bool_)
    if head.prefer is not None:
        sure, undetermined = _preferred(head.prefer, sure, open_, facts)
    elif open_ is not None:
        undetermined = np.asarray(open_.any(axis=2))
    undetermined |= _anything(head, facts)
    sure = sure & ~undetermined[:, :, None] if undetermined.any() else sure
    resting = ~undetermined & ~sure.any(axis=2)
    if resting.any() and head.rests:
        keys, unsure = _rest_keys(head, facts)
        undetermined |= resting & (unsure & _visible(facts.shape[1])).any(axis=2)
        sure = np.where((resting & ~undetermined)[:, :, None], keys & _visible(facts.shape[1]), sure)
    sure = sure & ~undetermined[:, :, None] if undetermined.any() else sure
    unclaimed = ~undetermined & ~sure.any(axis=2)
    idle = ~active & (head.prefer is None)
    return Fitting(sure, undetermined, unclaimed, resting & ~undetermined & ~unclaimed, idle)


def _visible(n: int) -> Bools:
    return np.tril(np.ones((n, n), dtype=np.bool_))


def _fitting_keys(head: Head, facts: Facts) -> tuple[Bools, Bools | None, Bools]:
    """(fits, open) per query and key (open is None where nothing is), and the queries that a line may be active for."""
    batch, n = facts.shape
    alive = np.broadcast_to(_visible(n), (batch, n, n)).copy()
    unsure: Bools | None = None
    active = np.zeros(facts.shape, dtype=np.bool_)
    for term in head.terms:
        dead, doubtful, line_active = _judge(term, facts)
        alive &= ~dead
        active |= line_active
        if doubtful is not None:
            unsure = doubtful if unsure is None else unsure | doubtful
    if unsure is None:
        return alive, None, active
    return alive & ~unsure, alive & unsure, active


def _anything(head: Head, facts: Facts) -> Bools:
    """(B, n): queries at which the head reads something astray, at any visible key: mixtures lie between values, but
    this may outweigh whatever else the head says."""
    keys, queries = np.zeros(facts.shape, dtype=np.bool_), np.zeros(facts.shape, dtype=np.bool_)
    for name in _read_at_keys(head):
        keys |= facts.astray(name)
    for term in head.terms:
        if isinstance(term.relation, Equal | Related):
            queries |= facts.astray(term.relation.query)
        if term.when is not None and term.when.feature != "position":
            queries |= facts.astray(term.when.feature)
    return np.asarray(np.logical_or.accumulate(keys, axis=1) | queries)


def _read_at_keys(head: Head) -> set[str]:
    lines = {term.relation.key for term in head.terms if not isinstance(term.relation, Offset)}
    names = lines | {rest.condition.key for rest in head.rests}
    return names | ({head.prefer.by} if head.prefer is not None else set()) - {"position"}


def _judge(term: Term, facts: Facts) -> tuple[Bools, Bools | None, Bools]:
    """(the line rules the key out, it may or may not, the line may be active)."""
    holds, open_ = relation_truth(term.relation, facts)
    if term.negated:
        satisfied = ~holds if open_ is None else ~holds & ~open_
    else:
        satisfied = holds
    failed = ~satisfied if open_ is None else ~satisfied & ~open_
    if term.when is None:
        return failed, open_, np.ones(facts.shape, dtype=np.bool_)
    on, maybe = facts.condition(term.when)
    dead = failed & on[:, :, None]
    doubtful = None if open_ is None else open_ & on[:, :, None]
    if maybe.any():
        hesitant = maybe[:, :, None] & ~satisfied
        doubtful = hesitant if doubtful is None else doubtful | hesitant
    return dead, doubtful, on | maybe


def relation_truth(relation: Relation, facts: Facts) -> tuple[Bools, Bools | None]:
    """(true, open), broadcastable to (B, queries, keys); open is None where every value is read."""
    match relation:
        case Among(key, values):
            holds, open_ = facts.among(key, values)
            return holds[:, None, :], open_[:, None, :] if open_.any() else None
        case Offset(shift):
            positions = np.arange(facts.shape[1])
            return (positions[None, :] == positions[:, None] + shift)[None], None
        case Equal(key, query, shift):
            key_reading, query_reading = facts.reading(key), facts.reading(query)
            encoding = facts.subspaces[key].encoding
            wanted = facts.numbers.canonical(encoding, shifted(query_reading.code, shift))
            wanted = np.where(wanted == NOTHING, NOTHING - 1, wanted)
            return wanted[:, :, None] == key_reading.code[:, None, :], _open(key_reading, query_reading)
        case Related(key, query, pairs):
            key_reading, query_reading = facts.reading(key), facts.reading(query)
            return _table_truth(pairs, key_reading.code, query_reading.code, facts), _open(key_reading, query_reading)
    assert_never(relation)


def _open(key: Reading, query: Reading) -> Bools | None:
    """Undetermined where either side is, unless the other is empty (then the relation is false)."""
    if not (key.open().any() or query.open().any()):
        return None
    key_full, query_full = (side.kind != Kind.EMPTY for side in (key, query))
    by_query = query.open()[:, :, None] & key_full[:, None, :]
    return np.asarray(by_query | (key.open()[:, None, :] & query_full[:, :, None]))


def _table_truth(pairs: tuple[tuple[Value, tuple[Value, ...]], ...], key: Ints, query: Ints, facts: Facts) -> Bools:
    codec = facts.numbers.codec
    arguments = codec.codes(tuple(argument for argument, _ in pairs))
    images = np.unique(codec.codes(tuple(image for _, row in pairs for image in row)))
    table = np.zeros((len(arguments) + 1, len(images) + 1), dtype=np.bool_)
    for row, (_, image) in enumerate(pairs):
        table[row, np.searchsorted(images, codec.codes(image))] = True
    row_index, known_row = lookup(query, arguments)
    column_index, known_column = lookup(key, images)
    rows = np.where(known_row, row_index, len(arguments))
    columns = np.where(known_column, column_index, len(images))
    return table[rows[:, :, None], columns[:, None, :]]


# ------------------------------------------------------------------ shares


def _shared(head: Head, facts: Facts) -> Fitting:
    """A key gets the sum of the shares of the lines that hold for it; the rest keys share equally what is left.

    Shares are floats, each within 1e-16 of itself, however small; what is left is nothing when it is below 1e-12."""
    batch, n = facts.shape
    given = np.zeros((batch, n, n))
    unsure = np.zeros((batch, n, n), dtype=np.bool_)
    active = np.zeros(facts.shape, dtype=np.bool_)
    for term in head.terms:
        assert term.share is not None, "all lines have shares, or none"
        holds, doubtful, line_active = _holds(term, facts)
        given += float(term.share) * (holds & _visible(n))
        unsure |= doubtful & _visible(n)
        active |= line_active
    keys, maybe = _rest_keys(head, facts) if head.rests else (unsure[:, :1] & False, unsure[:, :1] & False)
    rests = np.broadcast_to(keys & _visible(n), given.shape)
    left, count = 1 - given.sum(axis=2), rests.sum(axis=2)
    left[np.abs(left) <= EXACT] = 0
    some = given.any(axis=2)
    undetermined = unsure.any(axis=2) | (left < 0) | (some & (left > 0) & (count == 0))
    undetermined |= (left > 0) & (maybe & _visible(n)).any(axis=2)
    unclaimed = ~undetermined & ~some & (count == 0)
    claimed = (~undetermined & ~unclaimed)[:, :, None]
    parts = left / np.maximum(count, 1)
    weights = np.where(claimed, given + parts[:, :, None] * rests, 0)
    return Fitting(weights > 0, undetermined, unclaimed, ~some & claimed[:, :, 0], ~active, weights)


def _holds(term: Term, facts: Facts) -> tuple[Bools, Bools, Bools]:
    """(the line is active and true of the key, it may or may not be, the line may be active)."""
    true, open_ = relation_truth(term.relation, facts)
    if term.when is None:
        on, maybe = np.ones(facts.shape, dtype=np.bool_), np.zeros(facts.shape, dtype=np.bool_)
    else:
        on, maybe = facts.condition(term.when)
    doubtful = maybe[:, :, None] & true
    if open_ is not None:
        doubtful = doubtful | (open_ & (on | maybe)[:, :, None])
    return true & on[:, :, None] & ~doubtful, doubtful, on | maybe


# ------------------------------------------------------------------ prefer and rest


def _preferred(prefer: Prefer, sure: Bools, open_: Bools | None, facts: Facts) -> tuple[Bools, Bools]:
    """The fitting keys whose feature is best, and the queries for which that is not determined."""
    score, blurred = _preference(prefer, facts)
    least = np.iinfo(np.int64).min
    best = np.where(sure, score[:, None, :], least).max(axis=2)
    candidates = sure if open_ is None else sure | open_
    undetermined = (candidates & blurred[:, None, :]).any(axis=2) & (candidates.sum(axis=2) > 1)
    if open_ is not None:
        rival = np.where(open_, score[:, None, :], least).max(axis=2)
        undetermined |= open_.any(axis=2) & (rival >= best)
    return sure & (score[:, None, :] == best[:, :, None]), undetermined


def _preference(prefer: Prefer, facts: Facts) -> tuple[Ints, Bools]:
    """(larger is better, not readable as a number), each (B, n)."""
    if prefer.by == "position":
        code, blurred = np.broadcast_to(np.arange(facts.shape[1]), facts.shape), np.zeros(facts.shape, dtype=np.bool_)
    else:
        reading = facts.reading(prefer.by)
        blurred = (reading.kind != Kind.PURE) | (reading.code >= TEXT_BASE)
        code = np.where(blurred, 0, reading.code)
    return (code if prefer.direction == "latest" else -code), blurred


def _rest_keys(head: Head, facts: Facts) -> tuple[Bools, Bools]:
    """(is a rest key, may be one), each (B, 1, n)."""
    holds, unsure = np.zeros(facts.shape, dtype=np.bool_), np.zeros(facts.shape, dtype=np.bool_)
    for rest in head.rests:
        true, open_ = facts.among(rest.condition.key, rest.condition.values)
        holds, unsure = holds | true, unsure | open_
    return holds[:, None, :], (unsure & ~holds)[:, None, :]
