"""Codes: exact vectors of equal norm, told apart by their dot products.

In: how many values and how many dimensions, or vectors given outright.  Out: vectors whose least margin
(norm^2 minus the largest dot product with another) is positive, or a diagnostic with the figures.

Chosen vectors have entries +1 and -1, so norm^2 = k and margin = 2 * (least Hamming distance).  Up to 2k of them are
the rows of a Hadamard matrix and their negatives, where k is a power of two (margin k); otherwise they form a linear
code, grown generator by generator from a fixed list of candidates, for the greatest distance with which that succeeds
(from the Plotkin bound down).  The search is the same everywhere and always, but it is a search: it does not claim the
greatest margin there is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from compiler import limits
from compiler.encodings import Value
from compiler.resolution.scope import fail
from compiler.resolution.sets import show
from dsl.expressions import Expr, Number
from dsl.span import Span

_CANDIDATES = 256
_EXHAUSTIVE = 12
_WORK = 4_000_000


def choose_vectors(count: int, size: int, span: Span | None = None) -> tuple[tuple[Expr, ...], ...]:
    """``count`` vectors of ``size`` entries +-1 with a large least margin; E0305 when count > 2^size."""
    limits.check_size(count * size, limits.EXPLICIT_ENTRIES, "entries of code vectors", span)
    least = (count - 1).bit_length()
    if least > size:
        fail(
            "E0305",
            f"a code of {count} values in {size} dimension{'s' if size != 1 else ''} is ambiguous",
            span,
            label=f"only {2**size} different +1/-1 vectors exist here",
            help=f"write {least} or more as the size of the code",
            figures=(f"{count} values, {2**size} vectors of {size} entries +1 or -1: least margin 0",),
        )
    plus, minus = Number(Fraction(1)), Number(Fraction(-1))
    words = choose_words(count, size)
    return tuple(tuple(minus if word >> i & 1 else plus for i in range(size)) for word in words)


def choose_words(count: int, size: int) -> list[int]:
    """``count`` distinct bit strings of length ``size`` with a large least Hamming distance."""
    if size & (size - 1) == 0 and count <= 2 * size:
        rows = [_hadamard_row(i, size) for i in range(size)]
        return (rows + [row ^ (2**size - 1) for row in rows])[:count]
    most = size if count < 3 else size * count // (2 * (count - 1))
    for distance in range(max(1, most), 0, -1):
        words = _grow(count, size, distance)
        if words is not None:
            return words
    raise AssertionError("2^size >= count words differ in one place at least")


def _grow(count: int, size: int, distance: int) -> list[int] | None:
    """A linear code of ``count`` words that differ in ``distance`` places at least, each generator the first that fits
    (a lexicode, where every word is tried); None when a generator is not found."""
    generator = random.Random(0)
    words = [0]
    while len(words) < count:
        tries = max(1, min(_CANDIDATES, _WORK // (len(words) * 8)))
        pool = _candidates(generator, size, tries)
        best = next((w for w in pool if all((w ^ o).bit_count() >= distance for o in words)), None)
        if best is None:
            return None
        words += [word ^ best for word in words]
    return words[:count]


def _candidates(generator: random.Random, size: int, tries: int) -> Sequence[int]:
    """Bit strings to extend a code by: every one of them when there are few."""
    if size <= _EXHAUSTIVE:
        return range(1, 2**size)
    return [2**size - 1, *(generator.getrandbits(size) for _ in range(tries)), *(1 << i for i in range(size))]


def _hadamard_row(row: int, size: int) -> int:
    return sum(1 << column for column in range(size) if (row & column).bit_count() & 1)


# ------------------------------------------------------------------ vectors given outright


def check_vectors(rows: tuple[tuple[Expr, ...], ...], members: Sequence[Value], size: int, span: Span) -> None:
    """E0306 unless there is one vector of ``size`` entries per value, of equal norm; E0305 if two are confused.

    Entries that are not rational are judged later, once numbers are known."""
    if len(rows) != len(members) or len(rows[0]) != size:
        fail(
            "E0306",
            f"the vectors form a {len(rows)} x {len(rows[0])} table; {len(members)} x {size} is needed",
            span,
            label=f"{len(rows)} x {len(rows[0])}",
            help=f"give one vector of {size} entries for each of the {len(members)} values",
        )
    limits.check_size(len(rows) ** 2 * size // 2, limits.CODE_WORK, "products to compare the vectors", span)
    if all(isinstance(entry, Number) for row in rows for entry in row):
        _check_rational(_integer_rows(rows), members, span)


def _integer_rows(rows: tuple[tuple[Expr, ...], ...]) -> list[list[int]]:
    values = [[entry.value for entry in row if isinstance(entry, Number)] for row in rows]
    scale = lcm(*(v.denominator for row in values for v in row))
    return [[int(v * scale) for v in row] for row in values]


def _dot(left: list[int], right: list[int]) -> int:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _check_rational(rows: list[list[int]], members: Sequence[Value], span: Span) -> None:
    norms = [_dot(row, row) for row in rows]
    for member, norm in zip(members, norms, strict=True):
        if norm != norms[0]:
            fail(
                "E0306",
                "the vectors of a code must have equal norm",
                span,
                label="norms differ",
                help="scale the vectors to one length, or use `onehot`",
                figures=(f"squared norms are in the ratio {show(members[0])} : {show(member)} = {norms[0]} : {norm}",),
            )
    for j, row in enumerate(rows):
        for i in range(j):
            if _dot(row, rows[i]) == norms[0]:
                fail(
                    "E0305",
                    f"the code cannot tell {show(members[i])} from {show(members[j])}",
                    span,
                    label="two equal vectors",
                    help="give every value a vector of its own",
                    figures=("least margin (norm^2 - largest dot product) is 0",),
                )
