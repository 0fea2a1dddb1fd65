"""What an encoding is made of: its values, its dimension, the names of its components.

In: an ``Encoding``.  Out: values, sizes, words.  Not for: what the reference meaning makes of it, which asks for itself
(``reference.numbers``), or its vectors (``circuits.features``).
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.encodings import (
    Code,
    Constant,
    Dims,
    Encoding,
    OneHot,
    Pairs,
    Phase,
    PhasePairs,
    Quadratic,
    ScalarValue,
    Value,
)
from compiler.resolution.sets import Kind


def values_of(encoding: Encoding) -> Sequence[Value]:
    """The values an encoding can hold, in order; none for ``dims`` and ``constant``."""
    match encoding:
        case OneHot(values) | Code(values):
            return values
        case PhasePairs():
            return encoding.values
        case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
            return range(low, high + 1)
        case Dims() | Constant():
            return ()


def kind_of(encoding: Encoding) -> Kind | None:
    """Whether an encoding holds tokens or integers; None when it holds no values."""
    values = values_of(encoding)
    if not len(values):
        return None
    return "tokens" if isinstance(values[0], str) else "integers"


def dimension_of(encoding: Encoding) -> int:
    """How many residual coordinates an encoding takes."""
    match encoding:
        case OneHot(values):
            return len(values)
        case Phase():
            return 2 * encoding.count
        case PhasePairs(of):
            return dimension_of(of)
        case Quadratic():
            return 2
        case Code() | Dims():
            return encoding.size
        case ScalarValue() | Constant():
            return 1


def components_of(encoding: Encoding) -> tuple[str, ...]:
    """The names of an encoding's coordinates: ``cos0 sin0 ..``, a value's text, ``value square``, ``0 1 ..``."""
    match encoding:
        case OneHot(values):
            return tuple(str(v) for v in values)
        case Phase():
            return tuple(f"{part}{j}" for j in range(encoding.count) for part in ("cos", "sin"))
        case PhasePairs(of):
            return components_of(of)
        case ScalarValue():
            return ("value",)
        case Quadratic():
            return ("value", "square")
        case Code() | Dims():
            return tuple(str(i) for i in range(encoding.size))
        case Constant():
            return ("one",)


def name_of(encoding: Encoding) -> str:
    """The word a spec uses for an encoding."""
    match encoding:
        case OneHot():
            return "onehot"
        case Phase():
            return "phase"
        case ScalarValue():
            return "scalar"
        case Quadratic():
            return "quadratic"
        case Pairs() | PhasePairs():
            return "pairs"
        case Code():
            return "code"
        case Dims():
            return "dims"
        case Constant():
            return "constant"
