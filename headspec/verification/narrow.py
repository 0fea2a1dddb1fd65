"""Positions that a subspace leaves out: what would be judged if its range were wider.

In: a program whose `embed position` lines leave valid positions without a value, and its meaning on a batch.  Out: a
note for the report, where that keeps queries from being judged (or a number reads as 0 there).  Not for: whether a
shorter range is meant; where nothing depends on it, nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from compiler import limits
from compiler.encodings import Encoding, OneHot, Phase, Quadratic, ScalarValue, Subspace
from compiler.program import EmbedLine, Program
from compiler.reference import Meaning, interpret
from headspec.verification.sampling import Tokens

ENOUGH = 100_000
"""So many query positions are looked at for this."""


@dataclass
class Narrow:
    """``spaces`` leave positions out, which would show ``shown``; ``wide`` is the program in which they do."""

    spaces: tuple[Subspace, ...]
    shown: Mapping[str, tuple[int, ...]]
    wide: Program
    longest: int
    positions: int = 0
    heads: dict[str, int] = field(default_factory=dict)
    outputs: bool = False

    @staticmethod
    def of(program: Program) -> Narrow | None:
        """None where every valid position has its value."""
        longest = program.sequences.longest
        if any(head.is_soft or head.explicit for head in program.heads):
            return None  # their meaning is in coordinates, which a wider range would shift
        shown = {
            line.target: _shown(line, longest)
            for line in program.embeds
            if line.source == "position" and line.matrix is None
        }
        wide = {s.name: _widened(s.encoding, shown[s.name]) for s in program.subspaces if s.name in shown}
        spaces = tuple(s for s in program.subspaces if s.name in wide and wide[s.name] != s.encoding)
        if not spaces:
            return None
        changed = tuple(replace(s, encoding=wide.get(s.name, s.encoding)) for s in program.subspaces)
        return Narrow(spaces, shown, replace(program, subspaces=changed), longest)

    def look_at(self, tokens: Tokens, meaning: Meaning, *, every_position: bool) -> None:
        """Note which heads claim more, or something else, under the wider ranges.

        Where the model writes its texts itself (``every_position``), the end of one predicts nothing."""
        if self.positions >= ENOUGH:
            return
        self.positions += tokens.size
        wider = interpret(self.wide, tokens, every_position=every_position)
        stop = tokens.shape[1] - 1 if every_position else tokens.shape[1]
        for head, other in zip(meaning.heads, wider.heads, strict=True):
            changed = other.claimed & (~head.claimed | (head.support != other.support).any(axis=2))
            if count := int(changed[:, :stop].sum()):
                self.heads[head.name] = self.heads.get(head.name, 0) + count
        for narrow, wide in zip(meaning.predictions, wider.predictions, strict=True):
            more = wide.determined & ~narrow.determined
            self.outputs |= bool((more[:, :stop] if every_position else more).any())

    def notes(self) -> tuple[str, ...]:
        """What to say of it, if anything depends on it."""
        if not self.heads and not self.outputs:
            return ()
        named = ", ".join(f"`{name}`" for name in self.heads)
        spaces = " and ".join(f"`{space.name}`" for space in self.spaces)
        several = len(self.spaces) > 1
        have = "have" if several else "has"
        first = min(p for space in self.spaces for p in _missing(space.encoding, self.shown[space.name]))
        what = [f"queries of {named}"] * bool(named) + ["outputs"] * self.outputs
        return (
            f"{spaces} {have} no value at some positions from {first} on, up to {self.longest - 1}; under "
            f"{'wider ranges' if several else 'a wider range'}, {' and '.join(what)} would be judged that are not, "
            "or otherwise",
        )


def _shown(line: EmbedLine, longest: int) -> tuple[int, ...]:
    """Per position what the line embeds: the position itself, or the value of an expression of it."""
    if line.images is None:
        return tuple(range(longest))
    return tuple(int(value) for _, value in line.images[:longest])


def _missing(encoding: Encoding, shown: tuple[int, ...]) -> list[int]:
    """The positions whose value the encoding does not hold."""
    held = _held(encoding)
    return [position for position, value in enumerate(shown) if value not in held]


def _held(encoding: Encoding) -> range | frozenset[object]:
    match encoding:
        case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
            return range(low, high + 1)
        case OneHot(values):
            return frozenset(values)
        case _:
            return frozenset()


def _widened(encoding: Encoding, shown: tuple[int, ...]) -> Encoding:
    """The same with every position's value in its range, unless that were out of all proportion (2^position)."""
    if not _missing(encoding, shown) or max(shown) - min(shown) > limits.VALUES:
        return encoding
    match encoding:
        case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
            return replace(encoding, low=min(low, *shown), high=max(high, *shown))
        case OneHot(values) if encoding.ordered:
            numbers = {v for v in values if isinstance(v, int)} | set(shown)
            return replace(encoding, values=tuple(int(v) for v in np.unique(list(numbers))))
        case _:
            return encoding
