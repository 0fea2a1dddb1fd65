"""What errors do to computed values: how far a leak moves what an MLP writes, and how little of it a head may have.

In: facts about a program, and the lines that compute, with bounds on their slopes.  Out: ``Computed``, facts that count
lines too.  Not for: kernels (``kernels``).

A head that leaks a share e lets each copied subspace show e of anything else.  A line moves what it writes by at most
e * gain, ``Line.gains``.  Between neighbouring values lies 1; where a line reads what a head copied, the head is solved
for a leak that moves the result by at most a quarter of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from compiler.circuits.stream import Stream
from compiler.encodings import Constant, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Copy, Head
from compiler.mlp.lines import Line
from compiler.mlp.phases import PhaseProduct
from compiler.sharpness.facts import Facts, compared, spread_of
from compiler.sharpness.outright import brought_outright

QUARTER = 0.25


class Computed(Facts):
    """Facts that follow values through compute lines."""

    def __init__(self, stream: Stream, bindings: Mapping[str, Fraction], lines: Sequence[Line] = ()) -> None:
        super().__init__(stream, bindings)
        self.lines = tuple(lines)
        self._reached: dict[str, dict[str, float]] = {}

    def feeds(self, head: Head) -> bool:
        """Does a later head compare something that this head writes, or that is computed from it?"""
        reached = self.shares(head)
        later = [h for h in self.program.heads if h.layer > head.layer]
        return any(reached.keys() & compared(h) for h in later)

    def noise(self, name: str, before: int | None = None) -> float:
        """The share of foreign values that heads so far may have brought beside the right one, also through lines (of
        layers below ``before``)."""
        total = self.leaked.get(name, 0.0)
        for line in self.lines:
            layer = line.compute.layer
            if line.compute.target == name and (before is None or layer < before):
                moved = sum(gain * self.noise(source, layer) for source, gain in line.gains.items())
                total += moved / self.unit(self.subspaces[name])
        return total

    def unit(self, subspace: Subspace) -> float:
        """How far apart the farthest two values are: what a whole foreign share moves an entry by."""
        return spread_of(subspace)

    def shares(self, head: Head) -> dict[str, float]:
        if head.name not in self._reached:
            self._reached[head.name] = self._follow(head)
        return self._reached[head.name]

    def _follow(self, head: Head) -> dict[str, float]:
        """For each unit that ``head`` leaks, the foreign share in every subspace that this reaches."""
        shares: dict[str, float] = {}
        for copy in head.copies:
            shares[copy.target] = shares.get(copy.target, 0.0) + self.carried(copy)
        for name, reach in brought_outright(head, self).items():
            shares[name] = shares.get(name, 0.0) + reach
        return self._spread(head, shares)

    def _spread(self, head: Head, shares: dict[str, float]) -> dict[str, float]:
        """What foreign ``shares`` that ``head`` leaves reach later on, added to them."""
        for layer in range(head.layer, len(self.program.layers)):
            if layer > head.layer:
                for later in self.program.layers[layer]:
                    for copy in later.copies:
                        if copy.source in shares:
                            moved = self.carried(copy) * shares[copy.source]
                            shares[copy.target] = shares.get(copy.target, 0.0) + moved
            for line, moved in [
                (line, self._moved(line, shares)) for line in self.lines if line.compute.layer == layer
            ]:
                if moved:
                    target = line.compute.target
                    shares[target] = shares.get(target, 0.0) + moved / self.unit(self.subspaces[target])
        return shares

    def excursion(self, head: Head) -> float:
        """How many foreign shares one leaked share may amount to, where a key shows more than its values, or numbers
        that the target does not hold."""
        return max(
            (self._excursion(copy.source, head.layer) * self._wider(head, copy) for copy in head.copies), default=1.0
        )

    def _wider(self, head: Head, copy: Copy) -> float:
        """How much further the numbers that a head may bring lie apart than those of the target."""
        source, target = self.subspaces[copy.source], self.subspaces[copy.target]
        numbers = isinstance(source.encoding, ScalarValue | Quadratic) and isinstance(target.encoding, ScalarValue)
        factor = abs(self.number(copy.coefficient))
        if not numbers or copy.table is not None or not factor or not self.carried(copy):
            return 1.0  # (nothing is carried of a source that nobody writes)
        low, high = self.values_range(source, head.layer)
        reach = factor * (max(0.0, high) - min(0.0, low))
        if not reach:  # it brings nothing but 0
            return 1.0
        return max(1.0, reach / (self.unit(target) * self.carried(copy)))

    def _excursion(self, name: str, before: float) -> float:
        """1, and more where a line of a layer below ``before`` may lack a value: what its neurons say then is away from
        their values by as much as the slopes for all of its inputs allow."""
        total = 1.0
        for line in self.lines:
            if line.compute.target == name and line.compute.layer < before and not self._has_values(line):
                total += sum(line.gains.values()) / self.unit(self.subspaces[name])
        for head, copy in self.copies_into(name, before):
            total += self.carried(copy) * (self._excursion(copy.source, head.layer) - 1)
        return total

    def _has_values(self, line: Line) -> bool:
        """Do all inputs of the line show a value everywhere?  (Then so does what it writes: ranges are checked.)"""
        return all(self._shows(name, line.compute.layer) for name in line.gains)

    def _shows(self, name: str, before: int) -> bool:
        lines = [line for line in self.lines if line.compute.target == name and line.compute.layer < before]
        if self.copies_into(name) or len(lines) > 1 or (lines and name in self.embeds):
            return False
        if lines:
            return self._has_values(lines[0])
        subspace = self.subspaces[name]
        return isinstance(subspace.encoding, Constant) or self.stream.always_shows(subspace)

    def rounding_holds(self, head: Head) -> bool:
        """Does the rounding of shares of several keys alone move no computed entry by a quarter?"""
        shares: dict[str, float] = {}
        for copy in head.copies:
            shares[copy.target] = shares.get(copy.target, 0.0) + self.share_rounding(head, copy)
        shares = self._spread(head, shares)
        later = [line for line in self.lines if line.compute.layer >= head.layer]
        return all(self._moved(line, shares) <= self._allowed(line) for line in later)

    def _moved(self, line: Line, shares: Mapping[str, float]) -> float:
        """How far the line's result moves under these shares."""
        return sum(gain * shares.get(source, 0.0) for source, gain in line.gains.items())

    def computing_tolerance(self, head: Head) -> float:
        """The greatest leak of ``head`` under which no computed entry moves by more than its share of a quarter."""
        shares, least = self.shares(head), 1.0
        for line in self.lines:
            moved = self._moved(line, shares) if line.compute.layer >= head.layer else 0.0
            if moved:
                least = min(least, self._allowed(line) * self._portion(head, line) / moved)
        return least

    def _portion(self, head: Head, line: Line) -> float:
        """How much of what a line bears is this head's: half is for heads with shares, whose rounding no strength
        lessens, and half for the others; all of it where there are only such."""
        feeding = [other.has_shares for other in self.program.heads if self._feeds_line(other, line)]
        alike = max(1, feeding.count(head.has_shares))
        return 1 / alike if alike >= len(feeding) else 0.5 / alike

    def _feeds_line(self, head: Head, line: Line) -> bool:
        return head.layer <= line.compute.layer and any(name in self.shares(head) for name in line.gains)

    def _allowed(self, line: Line) -> float:
        target = self.subspaces[line.compute.target]
        return QUARTER * self.decoding(target) if isinstance(target.encoding, Phase) else QUARTER

    def product_of(self, name: str, before: float = math.inf) -> PhaseProduct | None:
        """How the phase in ``name`` was added up, if an MLP did it (or a head copied what an MLP added up)."""
        for line in self.lines:
            if line.compute.target == name and line.compute.layer < before and line.product is not None:
                return line.product
        found = (self.product_of(copy.source, head.layer) for head, copy in self.copies_into(name, before))
        return next((product for product in found if product is not None), None)

    def decoding(self, subspace: Subspace) -> float:
        """The share of foreign values beside a pure one that its decoding certainly survives."""
        raise NotImplementedError
