"""Where the stream may hold what no values of an encoding span: there an MLP cannot be asked to look away.

In: a program, and what heads and compute lines write.  Out: ``Strays.bearable``, per subspace and position.  Not for:
values (``values``) or what a line means (``compute``).

Of ``if c then a else b`` only the branch that is taken matters, and the other may hold no value.  Neurons that pass it
over are sized for what the encodings of their inputs span: nothing at all, any mixture of values, a number between
the ends of its range.  So a line is undetermined where anything that it reads, in whatever branch, may lie outside:
- a number that adds up to more than its range, a one-hot that adds up to more than one value;
- what a line has written whose own inputs held no value: its neurons may say anything there;
- what a head brought from such a place, or, where nothing says where it looks, may have brought.

What a line makes of such inputs *runs away*: nothing bounds it, and no share of it is small.  Softmax leaves a head a
little of every key that it sees, so what it copies where one of these has run away is undetermined.  (Inputs within
their span, but without a value, make of a line what its slopes bound; strengths count with that.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from compiler.encodings import Constant, Dims, OneHot, PhasePairs, Quadratic, ScalarValue, Subspace
from compiler.heads import Copy
from compiler.program import Program
from compiler.reference.numbers import Floats, Ints, Numbers
from compiler.reference.values import NEAR, Attention, Bools, Held, Kind, Raw, to_raw

Interval = tuple[float, float]


class Strays:
    """``astray[name]`` (B, n): where the subspace may hold anything; ``runaway[name]``: anything of any size."""

    def __init__(self, program: Program, numbers: Numbers, shape: tuple[int, ...]) -> None:
        self.program, self.shape = program, shape
        self.numbers = numbers
        self.subspaces = {subspace.name: subspace for subspace in program.subspaces}
        self.embedded = {line.target for line in program.embeds}
        self.astray = {name: np.zeros(shape, dtype=np.bool_) for name in self.subspaces}
        self.runaway = {name: np.zeros(shape, dtype=np.bool_) for name in self.subspaces}
        self._roomy: dict[str, bool] = {}

    # -------------------------------------------------------------- what is written

    def note(self, name: str, where: Bools) -> None:
        if name in self.astray and where.any():
            self.astray[name] = self.astray[name] | where

    def note_runaway(self, name: str, where: Bools) -> None:
        if name in self.runaway and where.any():
            self.runaway[name] = self.runaway[name] | where

    def copied(self, copy: Copy, attention: Attention) -> Bools:
        """(B, n): where ``copy`` may bring something astray."""
        sources = self.astray[copy.source]
        if not sources.any():
            return np.zeros_like(sources)
        seen = np.where(attention.known[:, :, None], attention.support, np.tri(sources.shape[1], dtype=np.bool_))
        return np.asarray((seen & sources[:, None, :]).any(axis=2)) | self.leaking([copy.source])

    def leaking(self, names: Iterable[str]) -> Bools:
        """(B, n): queries that see a key, attended to or not, at which one of ``names`` has run away."""
        anywhere = np.zeros_like(next(iter(self.runaway.values())))
        for name in names:
            anywhere = anywhere | self.runaway[name]
        return np.asarray(np.logical_or.accumulate(anywhere, axis=1)) if anywhere.any() else anywhere

    def note_span(self, name: str, held: Held) -> None:
        """What a W_O has written beyond all values (twice a value, say) is astray: nobody made strengths for it."""
        if name in self.astray and not isinstance(self.subspaces[name].encoding, Dims | Constant):
            known = held.known if isinstance(held, Raw) else held.kind != Kind.UNKNOWN
            self.note(name, known & ~self._inside(self.subspaces[name], held))

    # -------------------------------------------------------------- what is read

    def where(self, name: str) -> Bools:
        """(B, n): where ``name`` may hold anything."""
        return self.astray[name]

    def bearable(self, name: str, held: Held) -> Bools:
        """(B, n): where what ``name`` holds lies within the span of its values (and nothing)."""
        known = held.known if isinstance(held, Raw) else held.kind != Kind.UNKNOWN
        inside = self._inside(self.subspaces[name], held)
        return np.where(known, inside, ~self.astray[name] & self._is_roomy(name))

    def _inside(self, subspace: Subspace, held: Held) -> Bools:
        if not isinstance(held, Raw):
            if not (held.kind == Kind.MIXED).any():
                return np.ones(held.kind.shape, dtype=np.bool_)
            total = held.shares.sum(axis=1) <= _most(subspace) + NEAR
            fine = np.append(total & (held.shares >= -NEAR).all(axis=1), True)
            return fine[np.where(held.kind == Kind.MIXED, held.slot, len(fine) - 1)]
        low, high = self._box(subspace)
        vectors = to_raw(held, subspace, self.numbers).vectors
        inside = ((vectors >= low - NEAR) & (vectors <= high + NEAR)).all(axis=2)
        if isinstance(subspace.encoding, OneHot):
            inside = inside & (vectors.sum(axis=2) <= 1 + NEAR)
        return np.asarray(inside)

    def hull(self, name: str) -> tuple[Floats, Floats] | None:
        """Between which numbers every coordinate lies where nothing is known of what heads look at; None: anywhere."""
        return self._box(self.subspaces[name]) if name in self.subspaces and self._is_roomy(name) else None

    def _box(self, subspace: Subspace) -> tuple[Floats, Floats]:
        """The least and the greatest entry of every coordinate, 0 included."""
        values = self.numbers.values(subspace.encoding)
        if not len(values):
            return np.full(1, -np.inf), np.full(1, np.inf)
        features = self.numbers.features(subspace.encoding, _ends(subspace, values))
        return features.min(axis=0, initial=0.0), features.max(axis=0, initial=0.0)

    # -------------------------------------------------------------- what unknown attention can bring

    def _is_roomy(self, name: str) -> bool:
        """Do all writers together stay within the span, wherever their heads look?"""
        if name not in self._roomy:
            subspace = self.subspaces[name]
            explicit = any(head.matrix("W_O") is not None for head in self.program.heads)
            low, high = self._reach(name, math.inf)
            least, most = self._declared(subspace)
            number = isinstance(subspace.encoding, ScalarValue)
            within = least <= low and high <= most
            alone = self._weight(name, math.inf) <= _most(subspace)
            self._roomy[name] = not explicit and (within if number else within and alone)
        return self._roomy[name]

    def _declared(self, subspace: Subspace) -> Interval:
        values = [int(v) for v in self.numbers.values(subspace.encoding) if abs(int(v)) < 1 << 40]
        return float(min([0, *values])), float(max([0, *values]))

    def _reach(self, name: str, before: float) -> Interval:
        """Between which numbers a subspace lies after the layers below ``before``, whatever its heads attend to."""
        subspace = self.subspaces[name]
        if not isinstance(subspace.encoding, ScalarValue | Quadratic):
            least, most = self._declared(subspace)
            weight = self._weight(name, before) if isinstance(subspace.encoding, OneHot) else 1.0
            return weight * least, weight * most
        lines = sum(line.target == name and line.layer < before for line in self.program.computes)
        least, most = self._declared(subspace)
        times = lines + (name in self.embedded)
        low, high = times * least, times * most
        for layer, copy in self._copies_into(name, before):
            ends = [end + copy.shift for end in self._reach(copy.source, layer)]
            if copy.table is not None:
                ends = [float(image) for _, image in copy.table if isinstance(image, int)]
            moved = [self.numbers.number(copy.coefficient) * end for end in ends]
            low, high = low + min([0.0, *moved]), high + max([0.0, *moved])
        return low, high

    def _weight(self, name: str, before: float) -> float:
        """How much of its values a subspace can hold together."""
        lines = sum(line.target == name and line.layer < before for line in self.program.computes)
        total = float(lines + (name in self.embedded))
        for layer, copy in self._copies_into(name, before):
            factor = self.numbers.number(copy.coefficient)
            total += factor * max(1.0, self._weight(copy.source, layer)) if factor >= 0 else math.inf
        return total

    def _copies_into(self, name: str, before: float) -> list[tuple[int, Copy]]:
        heads = (head for head in self.program.heads if head.layer < before)
        return [(head.layer, copy) for head in heads for copy in head.copies if copy.target == name]


def _most(subspace: Subspace) -> int:
    """How many vectors of values a subspace holds together."""
    return 2 if isinstance(subspace.encoding, PhasePairs) else 1


def _ends(subspace: Subspace, values: Ints) -> Ints:
    """Values whose features bound those of all others."""
    if isinstance(subspace.encoding, ScalarValue | Quadratic):
        return np.unique(np.array([values.min(), values.max(), np.clip(0, values.min(), values.max())]))
    return values
