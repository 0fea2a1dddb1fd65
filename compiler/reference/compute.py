"""What a ``compute`` line writes: its expression evaluated on the values that the stream shows, position by position.

In: a ``Compute`` and what its subspaces hold.  Out: what is added to the target.  Not for: how an MLP does it.

Three-valued, after Kleene: an expression is undetermined where it depends on something undetermined, and
- a subspace that holds no value, a mixture, the result of something undetermined, or a number outside its declared
  range is undetermined (a number that nothing was written to is 0);
- of ``if c then a else b`` only the branch taken matters; false ``and`` anything is false, true ``or`` anything true;
- a division by zero, a table without an image, and integers of 2^40 and more in size are undetermined;
- so is a result that the target has no encoding for;
- so is a line that anything astray reaches, in whatever branch (``strays``): its neurons cannot pass it over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from compiler.computing import (
    Arithmetic,
    Choice,
    Compared,
    Compute,
    Contained,
    Fixed,
    Junction,
    LookedUp,
    Negation,
    Negative,
    Read,
    ValueExpr,
    read_subspaces,
)
from compiler.encodings import Constant, Dims, Quadratic, ScalarValue, Subspace
from compiler.reference.numbers import NOTHING, TEXT_BASE, Ints, Numbers, lookup
from compiler.reference.values import Bools, Held, Kind, Raw, Reading, symbolic


@dataclass(frozen=True, slots=True)
class Scene:
    """What the stream shows the computes of a layer: ``reading(name)`` per subspace, and where an MLP that need not
    look at it can ``bear`` what it holds."""

    reading: Callable[[str], Reading]
    bear: Callable[[str], Bools]
    numbers: Numbers
    subspaces: Mapping[str, Subspace]


@dataclass(frozen=True, slots=True)
class Result:
    """``code`` and, where ``known``, the value it stands for: an integer's own, a text's, 0 or 1 for a truth value.

    Both broadcast to (B, n)."""

    code: Ints
    known: Bools

    def only(self, condition: Bools) -> Result:
        """The same, and undetermined elsewhere."""
        return Result(self.code, self.known & condition)


def computed(compute: Compute, scene: Scene, shape: tuple[int, ...]) -> Held:
    """What ``compute`` adds to its target at every position of a batch of ``shape`` (B, n)."""
    result = evaluate(compute.meaning, scene)
    for name in read_subspaces(compute.value):
        result = result.only(scene.bear(name))
    encoding, numbers = scene.subspaces[compute.target].encoding, scene.numbers
    code, known = np.broadcast_to(result.code, shape), np.broadcast_to(result.known, shape)
    code = numbers.canonical(encoding, np.where(known, code, NOTHING))
    known = known & lookup(code, numbers.values(encoding))[1]
    if isinstance(encoding, (ScalarValue, Quadratic)):
        written = np.where(known, code, 0).reshape(-1)
        return Raw(numbers.features(encoding, written).reshape(*shape, -1), known)
    kind = np.where(known, Kind.PURE, Kind.UNKNOWN).astype(np.uint8)
    return symbolic(kind, np.where(known, code, NOTHING))


def evaluate(expression: ValueExpr, scene: Scene) -> Result:
    """The value of ``expression`` at every position."""
    match expression:
        case Read(name):
            return _read(name, scene)
        case Fixed(value):
            code = int(value) if isinstance(value, bool) else scene.numbers.codec.code(value)
            return Result(np.full((1, 1), code, dtype=np.int64), np.ones((1, 1), dtype=np.bool_))
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, evaluate(left, scene), evaluate(right, scene))
        case Negative(operand):
            return _arithmetic("-", evaluate(Fixed(0), scene), evaluate(operand, scene))
        case Compared(operator, left, right):
            return _compared(operator, evaluate(left, scene), evaluate(right, scene))
        case Contained(operand, values):
            result = evaluate(operand, scene)
            return _truth(np.isin(result.code, scene.numbers.codec.codes(values)), result.known)
        case Junction(operator, left, right):
            return _junction(operator, evaluate(left, scene), evaluate(right, scene))
        case Negation(operand):
            result = evaluate(operand, scene)
            return _truth(result.code == 0, result.known)
        case Choice(condition, then, otherwise):
            return _choice(*(evaluate(part, scene) for part in (condition, then, otherwise)))
        case LookedUp():
            return _looked_up(expression, scene)
    assert_never(expression)


def _read(name: str, scene: Scene) -> Result:
    reading, encoding = scene.reading(name), scene.subspaces[name].encoding
    known = np.asarray(reading.kind == Kind.PURE)
    if not isinstance(encoding, (Dims, Constant)):
        known = known & lookup(reading.code, scene.numbers.values(encoding))[1]
    return Result(np.where(known, reading.code, 0), known)


def _truth(holds: Bools, known: Bools) -> Result:
    return Result(np.where(known & holds, 1, 0), known)


def _both(left: Result, right: Result) -> Bools:
    return left.known & right.known


def _arithmetic(operator: str, left: Result, right: Result) -> Result:
    """Of integers; NumPy's ``//`` and ``%`` round towards minus infinity, as Python's do."""
    known = _both(left, right) & (left.code < TEXT_BASE) & (right.code < TEXT_BASE)
    if operator in ("//", "mod"):
        known = known & (right.code != 0)
    a, b = np.where(known, left.code, 0), np.where(known, right.code, 1)
    if operator == "*":
        known = known & (np.abs(a.astype(np.float64) * b) < TEXT_BASE)
        a = np.where(known, a, 0)
    operations = {"+": np.add, "-": np.subtract, "*": np.multiply, "//": np.floor_divide, "mod": np.remainder}
    code: Ints = operations[operator](a, b)
    known = known & (np.abs(code) < TEXT_BASE)
    return Result(np.where(known, code, 0), known)


def _compared(operator: str, left: Result, right: Result) -> Result:
    known = _both(left, right)
    if operator not in ("==", "!="):
        known = known & (left.code < TEXT_BASE) & (right.code < TEXT_BASE)
    comparisons = {
        "==": np.equal,
        "!=": np.not_equal,
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
    }
    return _truth(comparisons[operator](left.code, right.code), known)


def _junction(operator: str, left: Result, right: Result) -> Result:
    """One side decides alone where it is known to be false (``and``) or true (``or``)."""
    decisive = 0 if operator == "and" else 1
    decided = (left.known & (left.code == decisive)) | (right.known & (right.code == decisive))
    return Result(np.where(decided, decisive, 1 - decisive), decided | _both(left, right))


def _choice(condition: Result, then: Result, otherwise: Result) -> Result:
    taken = condition.code == 1
    known = condition.known & np.where(taken, then.known, otherwise.known)
    return Result(np.where(taken, then.code, otherwise.code), known)


def _looked_up(table: LookedUp, scene: Scene) -> Result:
    codec, argument = scene.numbers.codec, evaluate(table.argument, scene)
    if not table.pairs:
        return argument.only(np.zeros((1, 1), dtype=np.bool_))
    index, found = lookup(argument.code, codec.codes(tuple(pair[0] for pair in table.pairs)))
    return Result(codec.codes(tuple(pair[1] for pair in table.pairs))[index], argument.known & found)
