"""Typical mistakes in matrices that should be equal to ours entry by entry.

In: an answer's matrix and ours.  Out: ``Mistake`` s.  Not for: circuits of heads, where other matrices are as good.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from headspec.course.judging.ratios import common_ratio
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from compiler.exact import Matrix

CLOSE = 1e-6
"""Floats are equal within this share of the largest entry."""


def matrix_mistakes(given: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None = None) -> list[Mistake]:
    """What is wrong with ``given``; empty where it is right, or where no word for it is found."""
    if given.shape != ours.shape:
        return _transposed(given, ours, values)
    if equal(given, ours, values):
        return []
    ratio = common_ratio(given, ours, values)
    if ratio is not None and equal(given, ours.scale(ratio), values):
        if equal(given, -ours, values):
            return [Mistake("sign", "The sign of every entry is the opposite of what it should be.")]
        return [Mistake("scaled-copy", f"Every entry is {ratio} times what it should be.")]
    return _transposed(given, ours, values) or _parts(given, ours, values)


def _transposed(given: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None) -> list[Mistake]:
    if given.shape != ours.T.shape or not equal(given, ours.T, values):
        return []
    return [Mistake("transposed", "This is the transpose of what is asked for: rows and columns have changed places.")]


def _parts(given: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None) -> list[Mistake]:
    """Entries that are missing, and entries that should be 0."""
    off = _off(given - ours, ours, values)
    missing = [place for place in off if place not in given.entries]
    extra = [place for place in off if place not in ours.entries]
    found: list[Mistake] = []
    if missing and len(missing) < len(ours.entries):
        says = f"Of {len(ours.entries)} entries that are not 0, {_count(missing, 'is', 'are')} missing."
        found.append(Mistake("copies-only-part", says))
    if extra:
        found.append(Mistake("copies-too-much", f"There {_count(extra, 'is', 'are')} where there should be 0."))
    if len(off) == 1 and not found:
        found.append(Mistake("one-entry-wrong", "Nearly: all entries are right but one."))
    return found


def _count(places: list[tuple[int, int]], one: str, many: str) -> str:
    return f"{one} 1" if len(places) == 1 else f"{many} {len(places)}"


def equal(a: Matrix, b: Matrix, values: Mapping[str, Fraction] | None = None) -> bool:
    """Entry by entry; with values up to ``CLOSE``."""
    return a.shape == b.shape and not _off(a - b, b, values)


def _off(difference: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None) -> list[tuple[int, int]]:
    """The places where ``difference`` is not 0."""
    if values is None or difference.symbols() - values.keys():
        return sorted(difference.entries)
    largest = max((abs(e.to_float(values)) for e in ours.entries.values()), default=0.0)
    return sorted(place for place, e in difference.entries.items() if abs(e.to_float(values)) > CLOSE * largest)
