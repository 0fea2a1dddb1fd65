"""The properties that a check can ask for, each decided by the ranks of a few products.

In: a ``Case``: the matrices of the heads, and the options of the check.  Out: ``Finding``.  Not for: whether the
options make sense (``properties``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headspec.course.results import Mistake

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from compiler.exact import Matrix
    from headspec.course.judging.handed_in import HeadMatrices

FLOAT_RANK = 1e-6
"""Singular values below this share of the largest are rounding, in answers handed in as floats."""
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a property's judge found; ``numbers`` are the ranks it went by."""

    right: bool
    message: str
    mistakes: tuple[Mistake, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One property asked of one answer: the heads' matrices by name, the options, and how ranks are counted."""

    head: str
    heads: Mapping[str, HeadMatrices]
    options: Mapping[str, object]
    places: Mapping[str, frozenset[int]]
    rank: Callable[..., int]

    @property
    def later(self) -> HeadMatrices:
        return self.heads[self.head]

    @property
    def earlier(self) -> HeadMatrices:
        return self.heads[str(self.options["through"])]

    def count(self, option: str) -> int:
        value = self.options[option]
        assert isinstance(value, int), "options are checked before"
        return value


# ---------------------------------------------------------------- ranks


def exact_rank(matrix: Matrix, *_: Matrix) -> int:
    """The rank over the field of symbols."""
    return matrix.rank().rank


def float_rank(matrix: Matrix, *factors: Matrix) -> int:
    """The number of singular values above ``FLOAT_RANK`` of the largest, or of what a product of ``factors`` can be:
    a product that should be zero is rounding beside them."""
    import numpy as np

    if matrix.is_zero():
        return 0
    if matrix.symbols():
        return exact_rank(matrix)
    values = np.linalg.svd(_dense(matrix), compute_uv=False)
    largest = math.prod(float(np.linalg.norm(_dense(factor))) for factor in factors) if factors else values[0]
    return int((values > FLOAT_RANK * max(largest, values[0])).sum())


def _dense(matrix: Matrix) -> NDArray[np.float64]:
    import numpy as np

    dense = np.zeros(matrix.shape)
    for (i, j), entry in matrix.entries.items():
        dense[i, j] = entry.to_float({})
    return dense


def _product_rank(rank: Callable[..., int], a: Matrix, b: Matrix) -> int:
    return rank(a @ b, a, b)


def _in_common(rank: Callable[..., int], a: Matrix, b: Matrix) -> int:
    """dim(A n B) of two row spaces."""
    both = a.stack(b) if rank is exact_rank else _of_one_size(a).stack(_of_one_size(b))
    return rank(a) + rank(b) - rank(both)


def _of_one_size(matrix: Matrix) -> Matrix:
    """Divided by its largest entry, so that neither of two drowns the other's rank in rounding."""
    from fractions import Fraction

    if matrix.is_zero() or matrix.symbols():
        return matrix
    return matrix.scale(1 / Fraction(max(abs(entry.to_float({})) for entry in matrix.entries.values())))


def _beside(rank: Callable[..., int], a: Matrix, b: Matrix) -> int:
    """dim of the part of the row space of a that is orthogonal to the row space of b."""
    return rank(a) - _product_rank(rank, a, b.T)


# ---------------------------------------------------------------- splits


def splits(case: Case) -> Finding:
    """The later head reads the direct sum of ``moved_on`` dimensions of what the earlier one writes and ``fresh`` ones
    that the earlier one neither reads nor writes."""
    first, second, rank = case.earlier.OV, case.later.OV, case.rank
    numbers = {
        "rank of W_O W_V": rank(second),
        "dimensions read that head 1 wrote": _in_common(rank, second, first.T),
        "dimensions read that head 1 neither reads nor writes": _beside(rank, second, first.stack(first.T)),
        "dimensions read that overlap with what head 1 reads": _product_rank(rank, second, first.T),
        "rank of the two-token copy": _product_rank(rank, second, first),
    }
    read, moved, fresh, shared, _ = numbers.values()
    wanted_moved, wanted_fresh = case.count("moved_on"), case.count("fresh")
    right = read == wanted_moved + wanted_fresh and moved == wanted_moved and fresh == wanted_fresh
    mistakes = () if right else _split_mistakes(case, *numbers.values())
    message = _split_message(case, read, moved, fresh, shared)
    numbers = {_label(case, name): value for name, value in numbers.items()}
    return Finding(right, message, mistakes, numbers)


def _label(case: Case, name: str) -> str:
    return name.replace("head 1", f"`{case.options['through']}`")


def _split_message(case: Case, read: int, moved: int, fresh: int, shared: int) -> str:
    through, wanted = case.options["through"], (case.count("moved_on"), case.count("fresh"))
    parts = [
        f"{_word(moved)} from what `{through}` wrote{_as_asked(moved, wanted[0])}",
        f"{_word(fresh)} that `{through}` neither reads nor writes{_as_asked(fresh, wanted[1])}",
    ]
    if shared:
        parts.append(f"{_word(shared)} that {'overlaps' if shared == 1 else 'overlap'} with what `{through}` reads")
    rest = read - moved - fresh - shared
    if rest > 0:
        parts.append(f"{_word(rest)} that {'is a mixture' if rest == 1 else 'are mixtures'} of these")
    return f"Of the {_word(read)} dimensions that `{case.head}` reads: {'; '.join(parts)}."


def _as_asked(count: int, wanted: int) -> str:
    return ", as asked" if count == wanted else f" (asked for: {_word(wanted)})"


def _split_mistakes(case: Case, read: int, moved: int, fresh: int, shared: int, two_token: int) -> tuple[Mistake, ...]:
    wanted_moved, wanted_fresh, through = case.count("moved_on"), case.count("fresh"), case.options["through"]
    wanted, later = wanted_moved + wanted_fresh, case.head
    found: list[Mistake] = []

    def name(code: str, says: str) -> None:
        found.append(Mistake(code, says))

    if read < wanted:
        name(
            "rank-too-small",
            f"W_O W_V of `{later}` has rank {read}: of the {_word(wanted)} dimensions that it has room for it moves "
            f"{_word(read)}. Do two rows of W_V, or two columns of W_O, say the same?",
        )
    if read > wanted:
        name("rank-too-large", f"W_O W_V of `{later}` has rank {read}; {_word(wanted)} dimensions are asked for.")
    if wanted_moved and two_token == 0:
        name(
            "reads-nothing-moved",
            f"Nothing that `{through}` wrote is read: W_V of `{later}` times W_O of `{through}` is zero, so nothing "
            "travels two tokens.",
        )
    if moved > wanted_moved:
        name(
            "moves-on-too-much",
            f"`{later}` reads {_word(moved)} dimensions that `{through}` wrote; {_word(wanted_moved)} "
            f"{'is' if wanted_moved == 1 else 'are'} asked for, and the others should be new ones.",
        )
    if shared:
        name(
            "reads-what-head-1-reads",
            f"`{later}` reads {_word(shared)} of the dimensions that `{through}` reads: those have been moved already. "
            f"What `{through}` has written lies elsewhere: see its W_V and its W_O.",
        )
    if not found:
        name(
            "mixes-moved-and-fresh",
            f"`{later}` reads sums of dimensions that belong to different parts: let {_word(wanted_moved)} of what it "
            f"reads lie wholly in what `{through}` wrote, and {_word(wanted_fresh)} wholly outside what `{through}` "
            "reads and writes.",
        )
    return tuple(found)


def _word(count: int) -> str:
    return WORDS[count] if 0 <= count < len(WORDS) else str(count)


# ---------------------------------------------------------------- the others


def rank(case: Case) -> Finding:
    """W_Q^T W_K or W_O W_V has exactly the rank asked for."""
    circuit, wanted = str(case.options["circuit"]), case.count("equals")
    name = {"QK": "W_Q^T W_K", "OV": "W_O W_V"}[circuit]
    found = case.rank(case.later.QK if circuit == "QK" else case.later.OV)
    numbers = {f"rank of {name}": found}
    if found == wanted:
        return Finding(True, f"{name} of `{case.head}` has rank {found}, as asked.", numbers=numbers)
    code = "rank-too-small" if found < wanted else "rank-too-large"
    says = f"{name} of `{case.head}` has rank {found}; {wanted} is asked for."
    return Finding(False, says, (Mistake(code, says),), numbers)


def composition(case: Case) -> Finding:
    """What the later head reads (as query, key or value) of what the earlier one writes is zero, or is not."""
    kind, zero = str(case.options["composition"]), case.options["zero"] is True
    reader = {"Q": case.later.QK.T, "K": case.later.QK, "V": case.later.OV}[kind]
    rank = _product_rank(case.rank, reader, case.earlier.OV)
    numbers = {f"rank of the {kind}-composition": rank}
    through = case.options["through"]
    reads = f"W_{kind} of `{case.head}` reads {'nothing' if rank == 0 else f'{_word(rank)} of the dimensions'}"
    message = f"{reads} that `{through}` writes{', as asked' if (rank == 0) == zero else ''}."
    if (rank == 0) == zero:
        return Finding(True, message, numbers=numbers)
    code = "composes" if zero else "does-not-compose"
    wish = "nothing of it should be read" if zero else "the head has to read some of it"
    return Finding(False, message, (Mistake(code, f"{message[:-1]}; {wish}."),), numbers)


def writes_into(case: Case) -> Finding:
    """Everything that the head writes lies in the subspaces named, and something does."""
    return _inside(case, case.later.OV.T, "writes", "writes-elsewhere")


def reads_from(case: Case) -> Finding:
    """Everything that the head reads (as ``side``: query, key or value) lies in the subspaces named."""
    side = case.options["side"]
    reads = {"query": case.later.QK.T, "key": case.later.QK, "value": case.later.OV}[str(side)]
    return _inside(case, reads, f"reads for its {'queries' if side == 'query' else f'{side}s'}", "reads-elsewhere")


def words(value: object) -> tuple[str, ...]:
    """A name, or a list of names."""
    return tuple(str(word) for word in value) if isinstance(value, list | tuple) else (str(value),)


def _inside(case: Case, rows: Matrix, verb: str, code: str) -> Finding:
    names = words(case.options["subspaces"])
    places = frozenset[int]().union(*(case.places[name] for name in names))
    outside = rows.submatrix(range(rows.rows), [j for j in range(rows.columns) if j not in places])
    inside, strays = case.rank(rows), case.rank(outside) if not _negligible(outside, rows, case) else 0
    numbers = {"rank": inside, "rank outside": strays}
    where = " and ".join(f"`{name}`" for name in names)
    if inside == 0:
        says = f"`{case.head}` {verb} nothing at all."
        return Finding(False, says, (Mistake(code, says),), numbers)
    if strays:
        says = f"Not everything that `{case.head}` {verb} lies in {where}."
        return Finding(False, says, (Mistake(code, says),), numbers)
    return Finding(True, f"Everything that `{case.head}` {verb} lies in {where}.", numbers=numbers)


def _negligible(part: Matrix, whole: Matrix, case: Case) -> bool:
    """Floats: is ``part`` rounding beside ``whole``?"""
    if case.rank is exact_rank or part.symbols() or whole.symbols():
        return part.is_zero()
    size = max((abs(e.to_float({})) for e in whole.entries.values()), default=0.0)
    return all(abs(e.to_float({})) <= FLOAT_RANK * size for e in part.entries.values())
