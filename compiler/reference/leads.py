"""How far what a mixture says may be from what it means, given only what is claimed of the heads.

In: a program, and what its heads read.  Out: ``Leads``: a bound for every coordinate of what is predicted, and whether
the lead of a token is within it.  Not for: pure values that hard heads copy: strengths are solved until these are
decoded, whatever leaks.

A head is promised to keep its mass: 1 - mass of the attention may be elsewhere, and shares that should be equal may
differ by half as much (E0504), so a pattern p' is within eps = 3/2 (1 - mass) of its meaning p, in total variation.  A
mean of numbers x_k then moves by at most

    |sum p'_k x'_k - sum p_k x_k| <= eps (max x - min x) + max |x'_k - x_k|       over the keys that the query sees,

and is rounded, with every number on its way, by at most (ROUNDINGS + writers) r max |x|, r the unit roundoff.  A token
whose lead is within that is too close to call: another one would keep every promise as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from compiler.encodings import OneHot, Subspace
from compiler.heads import Copy, Head
from compiler.program import Alibi, Program
from compiler.reference.moving import linear_map
from compiler.reference.numbers import Floats, Numbers
from compiler.reference.soft import matrix_of
from compiler.reference.strays import Strays
from compiler.reference.values import Bools, Raw

ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""r with |fl(x) - x| <= r |x| (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 2.2)."""

ROUNDINGS = 10
"""Of one copy: weight, stream and value, exponential, sum and share of the attention, mean, weight, product, logit."""

COMPUTED = 0.25
"""What a line of neurons may be off by, of a step."""

READS = 3
"""Roundings of a coordinate that is read in a basis where each mixes all subspaces: weight, stream, sum."""

ANYTHING = 1e200
"""For what is not known: large, and no infinity, which times 0 is no number."""

KNOWN = 1e100
"""Below this numbers are known: they come of no ANYTHING."""

Shown = Callable[[str], Raw]
Coordinates = Callable[[tuple[int, ...]], Raw]


class Leads:
    """``slack[name]`` (B, n, size), for the subspaces that what is predicted may come from; none for others.

    ``loose``: subspaces of whose values nothing is promised, as a soft head or a W_O wrote them, or what they hold."""

    def __init__(self, program: Program, subspaces: Mapping[str, Subspace], numbers: Numbers, strays: Strays) -> None:
        self.program, self.subspaces, self.numbers, self.strays = program, subspaces, numbers, strays
        self.roundoff = ROUNDOFF[program.dtype]
        self.moves = {head.name: self._moves(head) for head in program.heads}
        sizes = {name: _components(subspaces[name]) for name in self._origins()}
        self.slack: dict[str, Floats] = {name: np.zeros((*strays.shape, size)) for name, size in sizes.items()}
        self.loose: set[str] = set()
        for head in program.heads:  # by layer
            free = head.is_soft or head.matrix("W_O") is not None
            self.loose |= {target for source, target in self.moves[head.name] if free or source in self.loose}

    # -------------------------------------------------------------- what comes from where

    def _moves(self, head: Head) -> set[tuple[str, str]]:
        """(source, target) of all that a head moves."""
        pairs = {(copy.source, copy.target) for copy in head.copies}
        value, output = head.matrix("W_V"), head.matrix("W_O")
        if value is None or output is None:
            return pairs
        sources = self._touching({column for _, column, _ in value.entries})
        return pairs | {(s, t) for s in sources for t in self._touching({row for row, _, _ in output.entries})}

    def _touching(self, coordinates: set[int]) -> list[str]:
        return [name for name, subspace in self.subspaces.items() if coordinates & set(subspace.coordinates)]

    def _origins(self) -> set[str]:
        """Predicted subspaces that heads write to, and whatever these bring there."""
        moves = {pair for pairs in self.moves.values() for pair in pairs}
        names = {target for _, target in moves} & set(self.program.predict)
        while more := {source for source, target in moves if target in names} - names:
            names |= more
        return names

    # -------------------------------------------------------------- what heads and neurons bring

    def brought(self, head: Head, shown: Shown, coordinates: Coordinates) -> Iterator[tuple[str, Floats]]:
        """What ``head`` adds to the slack of its targets, while subspaces hold ``shown``."""
        for copy in head.copies:
            if copy.target in self.slack:
                yield copy.target, self._copied(head, copy, shown(copy.source))
        value, output = head.matrix("W_V"), head.matrix("W_O")
        if value is None or output is None:
            return
        columns = tuple(sorted({column for _, column, _ in value.entries}))
        targets = [name for _, name in self.moves[head.name] if name in self.slack]
        if targets:
            matrix = matrix_of(output, self.numbers) @ matrix_of(value, self.numbers)[:, list(columns)]
            raw = coordinates(columns)
            low, high = (np.where(raw.known[..., None], raw.vectors @ matrix.T, end) for end in (-ANYTHING, ANYTHING))
            found = self._moved(head, low, high, self._within(columns, raw) @ np.abs(matrix).T)
            for name in dict.fromkeys(targets):
                yield name, found[..., list(self.subspaces[name].coordinates)]

    def _copied(self, head: Head, copy: Copy, raw: Raw) -> Floats:
        matrix, bias = linear_map(copy, self.subspaces[copy.source], self.subspaces[copy.target], self.numbers)
        factor = self.numbers.number(copy.coefficient)
        low, high = self._ends(copy.source, raw)
        middle, reach = (low + high) / 2, (high - low) / 2
        brought, apart = (middle @ matrix.T + bias) * factor, reach @ np.abs(matrix * factor).T
        within = self.slack[copy.source] @ np.abs(matrix * factor).T
        return self._moved(head, brought - apart, brought + apart, within)

    def _ends(self, name: str, raw: Raw) -> tuple[Floats, Floats]:
        """Between which numbers the coordinates of a subspace are: what it holds, or all that it can."""
        hull = self.strays.hull(name) or (np.full(1, -ANYTHING), np.full(1, ANYTHING))
        low, high = (np.where(raw.known[..., None], raw.vectors, end) for end in hull)
        return low, high

    def _within(self, columns: tuple[int, ...], raw: Raw) -> Floats:
        """The slack of residual coordinates."""
        within = np.zeros_like(raw.vectors)
        for name, slack in self.slack.items():
            for local, coordinate in enumerate(self.subspaces[name].coordinates):
                if coordinate in columns:
                    i = columns.index(coordinate)
                    within[..., i] = np.maximum(within[..., i], slack[..., local])
        return within

    def _moved(self, head: Head, low: Floats, high: Floats, within: Floats) -> Floats:
        """(B, n, size) by query: every key would bring between ``low`` and ``high``, off by ``within`` at most."""
        least, most = np.minimum.accumulate(low, axis=1), np.maximum.accumulate(high, axis=1)
        writers = len(self.program.heads) + len(self.program.computes)
        size = np.where(most - least < KNOWN, np.maximum(np.abs(least), np.abs(most)), 0.0)
        rounded = (ROUNDINGS + writers) * self.roundoff * size
        return np.asarray(self._apart(head) * (most - least) + np.maximum.accumulate(within, axis=1) + rounded)

    def _apart(self, head: Head) -> float:
        """eps; nothing for a head that has all its scores 0."""
        alike = not head.terms and head.prefer is None and head.matrix("W_Q") is None
        if alike and not isinstance(self.program.positions, Alibi):
            return 0.0
        return min(1.0, 1.5 * (1 - float(self.program.mass)))

    def add(self, name: str, more: Floats) -> None:
        self.slack[name] = self.slack[name] + more

    def note_computed(self, layer: int) -> None:
        """What lines of neurons may be off by."""
        for line in self.program.computes:
            if line.layer == layer and line.target in self.slack:
                self.add(line.target, np.full(1, COMPUTED))

    def note_basis(self, shown: Shown) -> None:
        """In a basis where each coordinate mixes all subspaces every one is rounded by the length of the whole stream
        (times the width where vectors are not orthonormal)."""
        if self.program.basis.kind == "axis" or not self.slack:
            return
        width = self.program.width if self.program.basis.kind == "vectors" else 1
        length = np.sqrt(sum((shown(name).vectors ** 2).sum(axis=2) for name in self.subspaces))
        for name in self.slack:
            self.add(name, READS * self.roundoff * width * length[..., None])

    # -------------------------------------------------------------- what is predicted

    def too_close(self, name: str, vectors: Floats, features: Floats, offsets: Floats, right: Bools) -> Bools:
        """(.., ): is the lead of what is right within what it may be off by?

        ``vectors`` (B, m, size) is what ``name`` holds at the last m positions; the logit of token c is ``features[c]``
        times that, plus ``offsets[c]``; ``right`` (B, m, C)."""
        sizes = np.abs(features)
        slack = self.slack[name][:, -vectors.shape[1] :]
        off = slack @ sizes.T + 3 * self.roundoff * (np.abs(vectors) @ sizes.T + np.abs(offsets))
        logits = vectors @ features.T + offsets
        ahead = np.where(right, logits - off, -np.inf).max(axis=-1)
        behind = np.where(right, -np.inf, logits + off).max(axis=-1)
        return np.asarray(~(ahead > behind))


def _components(subspace: Subspace) -> int:
    """How many numbers it holds: a one-hot whose range is looked at as a whole has more than it has coordinates."""
    return len(subspace.encoding.values) if isinstance(subspace.encoding, OneHot) else len(subspace.coordinates)
