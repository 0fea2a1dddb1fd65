"""What strengths need to know about a program: ranges of values, who reads whom, what earlier heads leak.

In: a ``Program``, the values of symbols, and leaks as they become known.  Out: ``Facts``.  Not for:
kernels (``kernels``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from compiler.circuits import HeadCircuit
from compiler.circuits.features import embedded_value, scalar
from compiler.circuits.stream import Stream
from compiler.encodings import OneHot, Phase, PhasePairs, Quadratic, ScalarValue, Subspace, Value
from compiler.exact import Angle
from compiler.heads import Among, Copy, Equal, Head, Related
from compiler.sharpness.outright import brought_outright, sources_outright
from compiler.sharpness.profiles import unit_roundoff
from compiler.sharpness.rest_conflicts import rest_keys
from dsl.expressions import Expr

SHARE_ROUNDINGS = 4
"""Roundings in one share of the attention: the power, the sum of all, the division, the product with what is copied."""

PREFER_ROUNDINGS = 3
"""Roundings that differ from key to key between a preferred number and its score: weight, stream, product."""


class Facts:
    """Facts about a program that bounds are made of; remembers what the heads read so far leak into the subspaces they
    write."""

    def __init__(self, stream: Stream, bindings: Mapping[str, Fraction]) -> None:
        self.stream = stream
        self.program = stream.program
        self.bindings = dict(bindings)
        self.subspaces = stream.subspaces
        self.embeds = stream.embeds
        self.written = stream.written
        self.positional = stream.is_positional
        self.looks_at_one = stream.plain.looks_at_one
        self.leaked: dict[str, float] = {}
        self.roundoff = unit_roundoff(stream.program.dtype)

    def is_numeric(self, circuit: HeadCircuit) -> bool:
        """True when every symbol that this head's score needs has a value (its own strengths aside)."""
        free: set[str] = set()
        for term in circuit.terms:
            free |= term.matrix.symbols()
            if term.auto is None:
                free |= term.strength.symbols()
        for rotary in circuit.rotary:
            if rotary.auto is None:
                free |= rotary.strength.symbols()
        return free <= self.bindings.keys() | {"pi"}

    def number(self, expression: Expr) -> float:
        return scalar(expression).to_float(self.bindings)

    def angle(self, angle: Angle) -> float:
        total = float(angle.turns) * 2 * math.pi + float(angle.radians)
        return total + sum(float(r) * float(self.bindings[name]) for name, r in angle.symbols)

    def note_leak(self, head: Head, leak: float) -> None:
        for copy in head.copies:
            moved = self.carried(copy) * (leak + self.noise(copy.source)) + self.share_rounding(head, copy)
            self.leaked[copy.target] = self.leaked.get(copy.target, 0.0) + moved
        noise = max((self.noise(name) for name in sources_outright(head, self)), default=0.0)
        for name, reach in brought_outright(head, self).items():
            self.leaked[name] = self.leaked.get(name, 0.0) + reach * (leak + noise)

    def carried(self, copy: Copy) -> float:
        """The share of the target's values that a whole foreign share of the source's becomes; of a number, how far the
        source reaches, times the factor, for each unit that the target does."""
        factor = abs(self.number(copy.coefficient))
        source, target = self.subspaces[copy.source], self.subspaces[copy.target]
        numbers = isinstance(source.encoding, ScalarValue) and isinstance(target.encoding, ScalarValue)
        if isinstance(source.encoding, PhasePairs):
            return factor * self.weight(source.name, max(h.layer for h in self.program.heads if copy in h.copies))
        if not numbers or copy.table is not None:
            return factor
        low, high = self.values_range(target)
        least, most = declared_range(target)
        across = max(1.0, min(high - low, float(max(0, most) - min(0, least))))
        start, end = self.values_range(source)
        return factor * (max(0.0, end) - min(0.0, start)) / across

    def share_rounding(self, head: Head, copy: Copy) -> float:
        """What rounding takes from the shares of several keys, as if it were leaked (a share of all is exact)."""
        if self.looks_at_one(head):
            return 0.0
        factor, target = abs(self.number(copy.coefficient)), self.subspaces[copy.target]
        if isinstance(target.encoding, ScalarValue):
            ends = self.values_range(self.subspaces[copy.source], head.layer)
            ends = ends if copy.table is None else _table_range(copy.table)
            factor = max(1.0, factor * max(abs(end + copy.shift) for end in ends) / spread_of(target))
        return SHARE_ROUNDINGS * self.roundoff * factor

    def rest_count(self, head: Head) -> int:
        """How many rest keys a query can see."""
        total = 0
        for rest in head.rests:
            for value in rest.condition.values:
                places = self._places(rest.condition.key, str(value))
                total += min(places, self.program.sequences.longest)
        return max(1, min(total, self.program.sequences.longest))

    def _places(self, subspace: str, value: str) -> int:
        embed = self.embeds.get(subspace)
        if subspace in self.written:
            return self.program.sequences.longest
        if embed is None or embed.source != "token" or embed.images is not None or value not in self.program.tokens:
            return self.program.sequences.longest
        return len(self.program.sequences.positions_of(value))

    def prefer_range(self, head: Head) -> tuple[float, float]:
        assert head.prefer is not None
        low, high = self._prefer_values(head)
        return (low, high) if head.prefer.direction == "latest" else (-high, -low)

    def _prefer_values(self, head: Head) -> tuple[float, float]:
        assert head.prefer is not None
        if head.prefer.by == "position":
            return (-float(self.program.sequences.longest - 1), 0.0)
        return self.values_range(self.subspaces[head.prefer.by])

    def values_range(self, subspace: Subspace, before: float = math.inf) -> tuple[float, float]:
        """Between which numbers the first coordinate of a number lies (or the value of a one-hot, by its shares): what
        is embedded, plus everything that copies and computes (of layers below ``before``) may add."""
        low, high = (float(end) for end in declared_range(subspace))
        if isinstance(subspace.encoding, OneHot):
            most = self.weight(subspace.name, before)
            return (low, high) if self.always_full(subspace) else (most * min(low, 0.0), most * max(high, 0.0))
        if subspace.name not in self.embeds:
            low = high = 0.0
        elif not self.always_full(subspace):
            low, high = min(low, 0.0), max(high, 0.0)
        for head, copy in self.copies_into(subspace.name, before):
            ends = self.values_range(self.subspaces[copy.source], head.layer)
            if copy.table is not None:
                ends = _table_range(copy.table)
            moved = [self.number(copy.coefficient) * (end + copy.shift) for end in ends]
            low, high = low + min(0.0, *moved), high + max(0.0, *moved)
        for _ in range(self.computed(subspace, before)):
            least, most = declared_range(subspace)
            low, high = low + min(0, least), high + max(0, most)
        return low, high

    def weight(self, name: str, before: float = math.inf) -> float:
        """How much of its values a one-hot can hold together (and how many vectors of its values a `pairs` of phases):
        1 from each that writes, times its coefficient."""
        total = float(name in self.embeds) + self.computed(self.subspaces[name], before)
        for head, copy in self.copies_into(name, before):
            adds = isinstance(self.subspaces[copy.source].encoding, OneHot | PhasePairs)
            total += abs(self.number(copy.coefficient)) * (self.weight(copy.source, head.layer) if adds else 1.0)
        return max(1.0, total)

    def computed(self, subspace: Subspace, before: float = math.inf) -> int:
        """How many lines (of layers below ``before``) compute into the subspace."""
        return sum(c.target == subspace.name and c.layer < before for c in self.program.computes)

    def copies_into(self, name: str, before: float = math.inf) -> list[tuple[Head, Copy]]:
        """The copies into a subspace, with their heads, of layers below ``before``.  (A head may copy a subspace into
        itself: what it reads there is what earlier layers left.)"""
        heads = (h for h in self.program.heads if h.layer < before)
        return [(h, c) for h in heads for c in h.copies if c.target == name]

    def pure_range(self, subspace: Subspace, before: float = math.inf) -> tuple[int, int]:
        """Between which values a phase (or one-hot) can be pure: what is embedded, computed, or copied and shifted."""
        copies = self.copies_into(subspace.name, before)
        if not copies or not isinstance(subspace.encoding, Phase):
            return declared_range(subspace)
        ends = [declared_range(subspace)] if subspace.name in self.embeds or self.computed(subspace, before) else []
        for head, copy in copies:
            low, high = self.pure_range(self.subspaces[copy.source], head.layer)
            ends.append((low + copy.shift, high + copy.shift) if copy.table is None else declared_range(subspace))
        return min(low for low, _ in ends), max(high for _, high in ends)

    def prefer_error(self, head: Head) -> float:
        """What rounding, and what earlier heads leak, may move a preferred value by (a linear bias is exact)."""
        assert head.prefer is not None
        if head.prefer.by == "position":
            return 0.0
        low, high = self.values_range(self.subspaces[head.prefer.by])
        return self.prefer_noise(head) + PREFER_ROUNDINGS * self.roundoff * max(abs(low), abs(high))

    def prefer_noise(self, head: Head) -> float:
        """How far earlier heads may move the preferred value of a key."""
        assert head.prefer is not None
        if head.prefer.by == "position":
            return 0.0
        low, high = self.values_range(self.subspaces[head.prefer.by])
        return min(1.0, self.noise(head.prefer.by)) * (high - low)

    def prefer_has_ties(self, head: Head) -> bool:
        """Can several keys show the same preferred value?"""
        assert head.prefer is not None
        return head.prefer.by != "position" and not self.always_full(self.subspaces[head.prefer.by])

    def prefer_rest_range(self, head: Head) -> tuple[float, float]:
        """What the preference adds to a rest key: one value where these have one known position."""
        assert head.prefer is not None
        name = head.prefer.by
        embed = None if name in self.written else self.embeds.get(name)
        if embed is not None and embed.source == "position" and embed.matrix is None:
            places = set().union(*(key.places for key in rest_keys(self.stream, head)))
            shown = {embedded_value(embed, "", p, self.subspaces[name].encoding) or 0 for p in places}
            if shown:
                sign = 1 if head.prefer.direction == "latest" else -1
                scores = [sign * int(value) for value in shown]
                return (min(scores), max(scores))
        return self.prefer_range(head)

    def noise(self, name: str, before: int | None = None) -> float:
        """The share of foreign values that heads so far (of layers below ``before``) may have brought beside the right
        one."""
        raise NotImplementedError

    def always_full(self, subspace: Subspace) -> bool:
        """True where every position of a valid sequence has a value here."""
        low, high = declared_range(subspace)
        return self.positional(subspace) and low <= 0 and self.program.sequences.longest - 1 <= high


def compared(head: Head) -> set[str]:
    """Subspaces whose value decides where ``head`` looks."""
    names: set[str] = set()
    for term in head.terms:
        if isinstance(term.relation, Equal | Related):
            names |= {term.relation.key, term.relation.query}
        if isinstance(term.relation, Among):
            names.add(term.relation.key)
        if term.when is not None:
            names.add(term.when.feature)
    names |= {rest.condition.key for rest in head.rests}
    return names | ({head.prefer.by} if head.prefer is not None else set())


def _table_range(table: tuple[tuple[Value, Value], ...]) -> tuple[float, float]:
    """Between which numbers the images lie; 0 is what is written where there is none."""
    images = [image for _, image in table if isinstance(image, int)]
    return float(min(images, default=0)), float(max(images, default=0))


def spread_of(subspace: Subspace) -> float:
    """How far apart the farthest two values of a number are; 1 for the rest."""
    if isinstance(subspace.encoding, ScalarValue | Quadratic):
        low, high = declared_range(subspace)
        return float(max(1, high - low))
    return 1.0


def declared_range(subspace: Subspace) -> tuple[int, int]:
    match subspace.encoding:
        case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
            return low, high
        case OneHot(values):
            numbers = [v for v in values if isinstance(v, int)]
            return (min(numbers), max(numbers)) if numbers else (0, 0)
        case _:
            return 0, 0
