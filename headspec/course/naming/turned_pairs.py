"""Lines between phases, pair by pair: 2 x 2 blocks that students write where a turn should stand.

In: our head, taken apart.  Out: ``Variant`` s.  Not for: turns by another whole number of steps (``variants``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING

from headspec.course.naming import wording
from headspec.course.naming.variants import OurHead, Variant, total

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar

Block = tuple[int, int, int, int]
"""Coordinates of a pair: (query cos, query sin, key cos, key sin)."""
Corners = tuple["Scalar", "Scalar", "Scalar", "Scalar"]
"""A 2 x 2 block, row by row; for the turn by an angle (c, s, -s, c)."""


def pair_variants(our: OurHead, parts: list[Matrix], values: Mapping[str, Fraction] | None) -> Iterator[Variant]:
    """Pairs with the angles of other pairs, pairs whose block is no turn, or another one; with values also degrees."""
    yield from _blocks(our, parts)
    if values is not None:
        yield from _degrees(our, parts, values)


def _blocks(our: OurHead, parts: list[Matrix]) -> Iterator[Variant]:
    from compiler.heads import Equal

    for i, blocks in _phase_lines(our):
        rest = total([part for j, part in enumerate(parts) if j != i])
        corners = [_corners(parts[i], block) for block in blocks]
        relation = our.terms[i].relation
        assert isinstance(relation, Equal)
        plain = our.changed({i: replace(relation, shift=0)})[i]
        unturned = [_corners(plain, block) for block in blocks]
        for code, says, new in (*_other_angles(corners), *_other_blocks(our, blocks, corners, unturned)):
            yield Variant(code, says, rest + _with_blocks(parts[i], blocks, new))
        for crossed in _crossed(parts[i], blocks, corners):
            yield Variant("wrong-frequency-order", CROSSED, rest + crossed)


CROSSED = "The pairs are crossed: a pair of cosine and sine of the query is compared with another pair of the key."


def _crossed(matrix: Matrix, blocks: list[Block], corners: list[Corners]) -> Iterator[Matrix]:
    """Pair j of the query beside pair order[j] of the key, turned by the angle of the one or of the other."""
    from compiler.exact import Scalar

    zero = Scalar.rational(0)
    empty = _with_blocks(matrix, blocks, [(zero, zero, zero, zero)] * len(blocks))
    for order in _orders(len(blocks)):
        moved = [(*block[:2], *blocks[j][2:]) for block, j in zip(blocks, order, strict=True)]
        yield _with_blocks(empty, moved, corners)
        yield _with_blocks(empty, moved, [corners[j] for j in order])


def _orders(count: int) -> list[tuple[int, ...]]:
    """Other orders of so many pairs: all of a few, the reverse of many."""
    if count > 4:
        return [tuple(reversed(range(count)))]
    return [order for order in permutations(range(count)) if order != tuple(range(count))]


def _phase_lines(our: OurHead) -> Iterator[tuple[int, list[Block]]]:
    """(line, its pairs) for lines between phases."""
    from compiler.encodings import Phase
    from compiler.heads import Equal

    for i, term in enumerate(our.terms):
        if not isinstance(term.relation, Equal):
            continue
        key, query = (our.stream.subspaces[name] for name in (term.relation.key, term.relation.query))
        if isinstance(key.encoding, Phase) and isinstance(query.encoding, Phase):
            k, q = key.coordinates, query.coordinates
            yield i, [(q[n], q[n + 1], k[n], k[n + 1]) for n in range(0, len(k), 2)]


def _corners(matrix: Matrix, block: Block) -> Corners:
    qc, qs, kc, ks = block
    return matrix[qc, kc], matrix[qc, ks], matrix[qs, kc], matrix[qs, ks]


def _with_blocks(matrix: Matrix, blocks: list[Block], corners: list[Corners]) -> Matrix:
    from compiler.exact import Matrix

    entries = dict(matrix.entries)
    for (qc, qs, kc, ks), new in zip(blocks, corners, strict=True):
        entries |= dict(zip(((qc, kc), (qc, ks), (qs, kc), (qs, ks)), new, strict=True))
    return Matrix(matrix.rows, matrix.columns, entries)


def _other_angles(corners: list[Corners]) -> Iterator[tuple[str, str, list[Corners]]]:
    if len(corners) < 2:
        return
    for order in _orders(len(corners)):
        says = "The angles are at the wrong pairs: each pair of cosine and sine turns by its own angle."
        yield "wrong-frequency-order", says, [corners[j] for j in order]
    for same in corners:
        says = "All pairs are turned by one angle; each pair of cosine and sine turns by its own."
        yield "one-angle-for-all", says, [same] * len(corners)


def _flipped(corners: Corners, signs: tuple[int, int, int, int]) -> Corners:
    a, b, c, d = (corner * sign for corner, sign in zip(corners, signs, strict=True))
    return a, b, c, d


def _opposite(corners: Corners) -> Corners:
    return corners[0], corners[2], corners[1], corners[3]


def _quarter(corners: Corners) -> Corners:
    """Cosines where sines should be: (s, c, -c, s)."""
    return corners[1], corners[0], -corners[0], corners[1]


NO_TURN = (
    "{which} not turned: a turn has the two sines with different signs and the two cosines with the same, "
    "((cos, -sin), (sin, cos)). Look at the signs again."
)
SWAPPED = (
    "{which} turned with cosine and sine in each other's places. A turn by nothing should leave the pair as it is."
)
Change = tuple[str, str, Callable[[Corners], Corners]]

ANYWHERE: tuple[Change, ...] = (
    ("not-a-rotation", NO_TURN, lambda b: _flipped(b, (1, 1, -1, 1))),
    ("not-a-rotation", NO_TURN, lambda b: _flipped(b, (1, -1, 1, 1))),
    ("not-a-rotation", NO_TURN, lambda b: _flipped(b, (1, 1, -1, -1))),
    ("not-a-rotation", NO_TURN, lambda b: _flipped(b, (1, -1, 1, -1))),
    ("cos-and-sin-swapped", SWAPPED, _quarter),
    ("cos-and-sin-swapped", SWAPPED, lambda b: _opposite(_quarter(b))),
    ("cos-and-sin-swapped", SWAPPED, lambda b: _flipped(_quarter(b), (-1, -1, -1, -1))),
    ("cos-and-sin-swapped", SWAPPED, lambda b: _flipped(_opposite(_quarter(b)), (-1, -1, -1, -1))),
)
ONE_PAIR: tuple[Change, ...] = (
    ("turned-the-wrong-way", "{which} turned the wrong way; the others are right.", _opposite),
    ("sign", "{which} given the wrong sign; the others are right.", lambda b: _flipped(b, (-1, -1, -1, -1))),
)


def _other_blocks(
    our: OurHead, blocks: list[Block], corners: list[Corners], unturned: list[Corners]
) -> Iterator[tuple[str, str, list[Corners]]]:
    """A change to every pair, then to one pair alone."""
    for code, text, change in ANYWHERE:
        yield code, text.format(which="The pairs are"), [change(block) for block in corners]
    if len(blocks) < 2:
        return
    for j, (block, now) in enumerate(zip(blocks, corners, strict=True)):
        which = f"The pair {wording.places(our.program, block[2:])} is"
        for code, text, change in (*ONE_PAIR, *ANYWHERE):
            yield code, text.format(which=which), [*corners[:j], change(now), *corners[j + 1 :]]
        if unturned[j] != now:
            says = f"{which} not turned; the others are right."
            yield "not-turned", says, [*corners[:j], unturned[j], *corners[j + 1 :]]


def _degrees(our: OurHead, parts: list[Matrix], values: Mapping[str, Fraction]) -> Iterator[Variant]:
    """Angles in degrees where cos and sin were given radians, or the other way round."""
    from compiler.circuits.features import phase_angles
    from compiler.encodings import Phase
    from compiler.exact import Scalar
    from compiler.heads import Equal

    for i, blocks in _phase_lines(our):
        relation = our.terms[i].relation
        assert isinstance(relation, Equal)
        encoding = our.stream.subspaces[relation.query].encoding
        assert isinstance(encoding, Phase)
        new: list[Corners] = []
        for angle, block in zip(phase_angles(encoding), blocks, strict=True):
            radians = _value(angle, values) * relation.shift
            size = math.hypot(*(corner.to_float(values) for corner in _corners(parts[i], block)[:2]))
            c, s = (Scalar.rational(Fraction(size * f(math.radians(radians)))) for f in (math.cos, math.sin))
            new.append((c, s, -s, c) if not our.terms[i].negated else (-c, -s, s, -c))
        rest = total([part for j, part in enumerate(parts) if j != i])
        says = "The angles are in radians, and you have read them as degrees."
        yield Variant("degrees", says, rest + _with_blocks(parts[i], blocks, new))


def _value(angle: object, values: Mapping[str, Fraction]) -> float:
    from compiler.exact import Angle

    assert isinstance(angle, Angle)
    whole = 2 * math.pi * float(angle.turns) + float(angle.radians)
    return whole + sum(float(weight) * float(values.get(name, 0)) for name, weight in angle.symbols)
