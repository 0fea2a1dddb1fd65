"""Disjoint ranges behave like the sets that they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headspec.every.ranges import Range, Ranges

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def numbers(parts: list[Range] | tuple[Range, ...]) -> set[int]:
    return {x for start, stop in parts for x in range(start, stop)}


@given(RANGES, RANGES)
def test_law_they_are_sets(one: list[Range], two: list[Range]) -> None:
    a, b = Ranges.of(one), Ranges.of(two)
    assert numbers(a.parts) == numbers(one) and len(a) == len(numbers(one))
    assert numbers((a | b).parts) == numbers(one) | numbers(two)
    assert numbers((a - b).parts) == numbers(one) - numbers(two)
    assert numbers((a & b).parts) == numbers(one) & numbers(two)
    assert (a <= b) == (numbers(one) <= numbers(two))
    assert (a == b) == (numbers(one) == numbers(two))
    ends = [end for part in (a | b).parts for end in part]
    assert ends == sorted(set(ends))  # ascending, none empty, none touching


@given(RANGES, st.integers(1, 5))
def test_law_shares_are_disjoint_equal_and_everything(parts: list[Range], count: int) -> None:
    whole = Ranges.of(parts)
    shares = [whole.share(i, count) for i in range(count)]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert sum(map(len, shares)) == len(whole)
    assert set().union(*(numbers(share.parts) for share in shares)) == numbers(parts)


@given(RANGES, st.integers(1, 7))
def test_law_chunks_are_everything_once(parts: list[Range], size: int) -> None:
    chunks = list(Ranges.of(parts).chunks(size))
    found = [x for start, stop in chunks for x in range(start, stop)]
    assert found == sorted(numbers(parts)) and all(0 < stop - start <= size for start, stop in chunks)


def test_many_ranges_are_gone_through_once() -> None:
    """Pair by pair it would take hours."""
    even = Ranges(tuple((4 * i, 4 * i + 2) for i in range(200_000)))
    odd = Ranges(tuple((4 * i + 1, 4 * i + 3) for i in range(200_000)))
    assert len(even - odd) == len(even & odd) == 200_000 and len(even | odd) == 600_000
    assert (even - odd).parts[:2] == ((0, 1), (4, 5))
