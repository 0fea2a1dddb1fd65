"""Sets of whole numbers as disjoint ranges: which prompts are done, and which are still to do.

In: half-open ranges (start, stop).  Out: ``Ranges``, always ascending, disjoint and not touching.  Not for: what was
found there (``counts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]
"""start <= x < stop."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Build with ``Ranges.of``; equal as sets are."""

    parts: tuple[Range, ...] = ()

    @staticmethod
    def of(parts: Iterable[Range]) -> Ranges:
        """Empty ranges are dropped, those that touch or overlap joined."""
        joined: list[Range] = []
        for start, stop in sorted(part for part in parts if part[0] < part[1]):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            else:
                joined.append((start, stop))
        return Ranges(tuple(joined))

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.parts)

    def __or__(self, other: Ranges) -> Ranges:
        return Ranges.of([*self.parts, *other.parts])

    def __and__(self, other: Ranges) -> Ranges:
        return self - (self - other)

    def __sub__(self, other: Ranges) -> Ranges:
        """One pass over both: a file may have many."""
        left: list[Range] = []
        cuts, i = other.parts, 0
        for start, stop in self.parts:
            while i < len(cuts) and cuts[i][0] < stop:
                low, high = cuts[i]
                left.append((start, low))
                start = max(start, high)
                if high > stop:  # it cuts the next part too
                    break
                i += 1
            left.append((start, stop))
        return Ranges.of(left)

    def __le__(self, other: Ranges) -> bool:
        return not (self - other).parts

    def share(self, index: int, count: int) -> Ranges:
        """The ``index``-th (from 0) of ``count`` parts, of sizes that differ by one at most; together they are all."""
        return self.between(index * len(self) // count, (index + 1) * len(self) // count)

    def between(self, first: int, last: int) -> Ranges:
        """The numbers of rank first <= rank < last, counted from the least."""
        found, rank = [], 0
        for start, stop in self.parts:
            found.append((start + max(0, first - rank), min(stop, start + last - rank)))
            rank += stop - start
        return Ranges.of(part for part in found if part[0] < part[1])

    def chunks(self, size: int) -> Iterator[Range]:
        """Ranges of at most ``size`` numbers, ascending."""
        for start, stop in self.parts:
            for low in range(start, stop, size):
                yield low, min(stop, low + size)
