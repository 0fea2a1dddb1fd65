"""What each encoding writes into the stream, exactly: value -> component -> number.

In: an encoding and a value. Out: ``Scalar`` entries by component. Not for: where the components lie in the
residual stream (``Subspace.coordinates``) or how heads compare them (``circuits``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from functools import cache, lru_cache
from typing import TypeVar

from compiler.encodings import (
    Code,
    Constant,
    Dims,
    Encoding,
    OneHot,
    Phase,
    PhasePairs,
    Quadratic,
    ScalarValue,
    Subspace,
    Value,
)
from compiler.exact import Angle, Scalar
from compiler.program import EmbedLine
from compiler.spelled import spelled_number
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Expr

Feature = dict[int, Scalar]
"""Component (within a subspace) or residual coordinate -> its exact entry; zeros are left out."""

Place = TypeVar("Place", bound=Hashable)

ONE = Scalar.rational(1)
ZERO = Scalar.rational(0)


class _Same:
    """A key for caches that goes by identity: an encoding of 30,000 values is not hashed at every look-up."""

    __slots__ = ("encoding",)

    def __init__(self, encoding: Encoding | EmbedLine) -> None:
        self.encoding = encoding

    def __hash__(self) -> int:
        return id(self.encoding)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.encoding is self.encoding


def phase_angles(encoding: Phase) -> tuple[Angle, ...]:
    """The frequencies alpha_j of a phase, as exact angles (per unit of the value)."""
    return _phase_angles(_Same(encoding))


@lru_cache(maxsize=256)
def _phase_angles(key: _Same) -> tuple[Angle, ...]:
    assert isinstance(key.encoding, Phase)
    assert key.encoding.frequencies is not None, "frequencies are chosen before circuits are built"
    return tuple(_exact(Angle.from_expression, f) for f in key.encoding.frequencies)


@cache
def scalar(expression: Expr) -> Scalar:
    """A strength, magnitude, coefficient or matrix entry as an exact scalar.  Raises SpecError E0213."""
    return _exact(Scalar.from_expression, expression)


Exact = TypeVar("Exact", Scalar, Angle)


def _exact(read: Callable[[Expr], Exact], expression: Expr) -> Exact:
    """``read(expression)``; E0213 where exact arithmetic has no such number, or not of that size."""
    try:
        return read(expression)
    except ValueError as error:
        help = "divide by single terms, keep powers low, and take roots of numbers whose factors are small"
        raise SpecError(Diagnostic("E0213", str(error), expression.span, "no exact number", help)) from None


def _one_hot_index(encoding: OneHot | Code) -> dict[Value, int]:
    return _index(_Same(encoding))


@lru_cache(maxsize=256)
def _index(key: _Same) -> dict[Value, int]:
    assert isinstance(key.encoding, OneHot | Code)
    return {value: index for index, value in enumerate(key.encoding.values)}


def holds(encoding: Encoding, value: Value) -> bool:
    """Can ``encoding`` represent ``value``?  Phases represent every integer; tokens are texts of integers."""
    match encoding:
        case OneHot() | Code():
            return value in _one_hot_index(encoding)
        case PhasePairs():
            return value in encoding.values
        case Phase():
            return isinstance(value, int)
        case ScalarValue(low, high) | Quadratic(low, high):
            return isinstance(value, int) and low <= value <= high
        case Dims() | Constant():
            return False


def feature(encoding: Encoding, value: Value) -> Feature:
    """The exact vector that stands for ``value``; empty (the zero vector) if the encoding has none."""
    if not holds(encoding, value):
        return {}
    match encoding:
        case OneHot():
            return {_one_hot_index(encoding)[value]: ONE}
        case Code():
            row = encoding.vectors[_one_hot_index(encoding)[value]]
            return nonzero({i: scalar(entry) for i, entry in enumerate(row)})
        case Phase():
            assert isinstance(value, int)
            return _phase_feature(encoding, value)
        case PhasePairs(of):
            assert isinstance(value, int)
            return _sum(*(_phase_feature(of, part) for part in encoding.pair(value)))
        case ScalarValue():
            return nonzero({0: Scalar.rational(Fraction(value))})
        case Quadratic():
            assert isinstance(value, int)
            return nonzero({0: Scalar.rational(value), 1: Scalar.rational(value * value)})
        case Dims() | Constant():
            return {}


def _phase_feature(encoding: Phase, value: int) -> Feature:
    entries: Feature = {}
    for j, angle in enumerate(phase_angles(encoding)):
        magnitude = scalar(encoding.magnitudes[j])
        turned = angle * value
        entries[2 * j] = magnitude * Scalar.cos(turned)
        entries[2 * j + 1] = magnitude * Scalar.sin(turned)
    return nonzero(entries)


def _sum(left: Feature, right: Feature) -> Feature:
    return nonzero({i: left.get(i, ZERO) + right.get(i, ZERO) for i in left.keys() | right.keys()})


def nonzero(entries: Mapping[Place, Scalar]) -> dict[Place, Scalar]:
    """The entries that are not zero."""
    return {i: entry for i, entry in entries.items() if not entry.is_zero()}


def placed(subspace: Subspace, entries: Feature) -> Feature:
    """The same entries by residual coordinate."""
    return {subspace.coordinates[i]: entry for i, entry in entries.items()}


def embedded_value(source: EmbedLine | str, token: str, position: int, encoding: Encoding) -> Value | None:
    """The value that ``embed token`` / ``embed position`` sends to ``encoding``, or None (it embeds as zero).

    A token stands for its text where the set holds texts, and for its integer where it holds integers; an embed line
    may give it another value."""
    if isinstance(source, EmbedLine):
        if source.images is not None:
            image = _images(_Same(source)).get(position if source.source == "position" else token)
            return image if isinstance(image, int) and _in_range(encoding, image) else None
        source = source.source
    if source == "position":
        return position if _in_range(encoding, position) else None
    if isinstance(encoding, (OneHot, Code)) and token in _one_hot_index(encoding):
        return token
    number = spelled_number(token)
    return number if number is not None and _in_range(encoding, number) else None


@lru_cache(maxsize=256)
def _images(key: _Same) -> dict[Value, Value]:
    assert isinstance(key.encoding, EmbedLine)
    return dict(key.encoding.images or ())


def _in_range(encoding: Encoding, value: int) -> bool:
    if isinstance(encoding, Phase):
        return encoding.low <= value <= encoding.high
    return holds(encoding, value)
