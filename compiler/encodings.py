"""What a subspace of the residual stream holds, and how its values are written there.

In: nothing (pure data, made by ``resolution.encodings``).  Out: the frozen types of ``Encoding``, and ``Subspace``: an
encoding with its coordinates.  Not for: exact vectors (``circuits.features``) or what they mean (``reference.values``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dsl.expressions import Expr
from dsl.span import Span

Value = int | str
"""What a subspace can hold: an integer (a position, a digit) or a token's text."""


@dataclass(frozen=True, slots=True)
class OneHot:
    """v -> e_v; one dimension per value.  ``ordered`` when ``<`` makes sense (integers, positions)."""

    values: tuple[Value, ...]
    ordered: bool


@dataclass(frozen=True, slots=True)
class Phase:
    """v -> magnitudes_j (cos frequencies_j v, sin frequencies_j v), v in low..high; two dimensions each.

    ``count`` pairs; ``frequencies`` is None until they are chosen for the context (``frequencies.py``)."""

    low: int
    high: int
    count: int
    frequencies: tuple[Expr, ...] | None
    magnitudes: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ScalarValue:
    """v -> v, one dimension."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Quadratic:
    """v -> (v, v^2)."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Code:
    """v -> an exact vector of ``size`` entries; all vectors have equal norm."""

    values: tuple[Value, ...]
    vectors: tuple[tuple[Expr, ...], ...]
    size: int


@dataclass(frozen=True, slots=True)
class Pairs(Code):
    """An unordered pair {a, b} of the values of ``of`` -> the sum of their two vectors (norms differ, unlike a code's).

    ``members[i]`` is the pair that ``values[i]`` = i stands for, the value that comes first in ``of`` first."""

    of: OneHot | Code
    members: tuple[tuple[Value, Value], ...]

    def pair(self, value: int) -> tuple[Value, Value]:
        return self.members[value]


@dataclass(frozen=True, slots=True)
class PhasePairs:
    """An unordered pair {a, b} of the n values of ``of`` -> the sum of their two vectors.

    It is the value (a - low) n + (b - low), a <= b."""

    of: Phase

    @property
    def values(self) -> tuple[int, ...]:
        size = self.of.high - self.of.low + 1
        return tuple(i * size + j for i in range(size) for j in range(i, size))

    @property
    def members(self) -> tuple[tuple[int, int], ...]:
        """``members[i]`` is the pair that ``values[i]`` stands for."""
        return tuple(map(self.pair, self.values))

    def pair(self, value: int) -> tuple[int, int]:
        low, size = self.of.low, self.of.high - self.of.low + 1
        return low + value // size, low + value % size


@dataclass(frozen=True, slots=True)
class Dims:
    """``size`` raw coordinates without values."""

    size: int


@dataclass(frozen=True, slots=True)
class Constant:
    """One coordinate that is 1 at every position, always (part of every token's embedding)."""


Encoding = OneHot | Phase | ScalarValue | Quadratic | Code | PhasePairs | Dims | Constant

AnyPairs = Pairs | PhasePairs


def of_one_value(encoding: Encoding) -> Encoding:
    """How one value alone is written into a subspace: into pairs as one of the two."""
    return encoding.of if isinstance(encoding, AnyPairs) else encoding


@dataclass(frozen=True, slots=True)
class Subspace:
    """A named set of residual coordinates (``coordinates[i]`` holds component i) and what they mean.

    ``components`` are the names of the coordinates within the subspace: ``cos0``, ``sin0``; a token's
    text; ``0``, ``1`` ... for raw dims; ``value``, ``square``; ``one``."""

    name: str
    encoding: Encoding
    coordinates: tuple[int, ...]
    components: tuple[str, ...]
    span: Span = field(default_factory=Span, compare=False, repr=False)
