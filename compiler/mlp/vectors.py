"""What neurons write: vectors over the components of a subspace, and sums of neurons.

In: exact entries.  Out: ``Vector``, ``Bend``, ``Sum``.  Not for: what neurons read (``forms``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from compiler.exact import Scalar
from compiler.mlp.forms import Form

Entry = Fraction | Scalar
Vector = dict[int, Entry]
"""Component of the target -> entry, zeros left out.  All entries of one line are of one type."""


def scaled(vector: Vector, factor: Fraction | int) -> Vector:
    if factor == 1:
        return vector
    return {i: entry * factor for i, entry in vector.items()} if factor else {}


def plus(left: Vector, right: Vector) -> Vector:
    if not left or not right:
        return left or right
    total = dict(left)
    for i, entry in right.items():
        total[i] = total[i] + entry if i in total else entry  # type: ignore[operator]
    return {i: entry for i, entry in total.items() if entry}


def minus(left: Vector, right: Vector) -> Vector:
    return plus(left, {i: -entry for i, entry in right.items()})


Frozen = tuple[tuple[int, Entry], ...]


def frozen(vector: Vector) -> Frozen:
    """The vector as a key."""
    return tuple(sorted(vector.items(), key=lambda pair: pair[0]))


def ratio(left: Vector, right: Vector) -> Fraction | None:
    """The rational r with left = r * right, if there is one; ``right`` is not zero."""
    if not left:
        return Fraction(0)
    if left.keys() != right.keys():
        return None
    i = next(iter(right))
    found = _quotient(left[i], right[i])
    return found if found is not None and left == scaled(right, found) else None


def _quotient(left: Entry, right: Entry) -> Fraction | None:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left / right
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        (key, top), bottom = next(iter(left.terms.items())), right.terms
        return Fraction(top) / Fraction(bottom[key]) if key in bottom else None
    return None


def size(vector: Vector) -> float:
    """The largest entry in absolute value (symbols count as 1)."""
    return max((abs(number(entry)) for entry in vector.values()), default=0.0)


def number(entry: Entry) -> float:
    if isinstance(entry, Fraction):
        return float(entry)
    return entry.to_float(dict.fromkeys(entry.symbols(), 1))


@dataclass(frozen=True)
class Bend:
    """One neuron: relu(form) * out; under a gated activation relu(form) * factor * out."""

    form: Form
    out: Vector
    label: str
    factor: Form | None = None


@dataclass(frozen=True)
class Sum:
    """constant + sum of form * vector + neurons: what a line writes, before its affine part is given neurons.

    ``slopes`` and ``shifts`` bound what an error of the input does: the output moves by at most
    sum of slope * |error of form|, plus shift per unit of a foreign share in any of the named subspaces."""

    method: str
    terms: tuple[tuple[Form, Vector], ...] = ()
    constant: tuple[tuple[int, Entry], ...] = ()
    bends: tuple[Bend, ...] = ()
    slopes: tuple[tuple[Form, float], ...] = ()
    shifts: tuple[tuple[tuple[str, ...], float], ...] = ()

    @property
    def most(self) -> int:
        """It takes no more neurons than that."""
        return len(self.bends) + len(self.terms) + 1

    def times(self, factor: Fraction | int) -> Sum:
        if not factor:
            return Sum(self.method)
        return Sum(
            self.method,
            tuple((form, scaled(vector, factor)) for form, vector in self.terms),
            tuple((i, entry * factor) for i, entry in self.constant),
            tuple(Bend(b.form, scaled(b.out, factor), b.label, b.factor) for b in self.bends),
            tuple((form, abs(float(factor)) * slope) for form, slope in self.slopes),
            tuple((names, abs(float(factor)) * shift) for names, shift in self.shifts),
        )

    def __add__(self, other: Sum) -> Sum:
        methods = dict.fromkeys([*self.method.split(" + "), *other.method.split(" + ")])
        methods.pop("affine", None)
        return Sum(
            " + ".join(methods) or "affine",
            self.terms + other.terms,
            tuple(plus(dict(self.constant), dict(other.constant)).items()),
            self.bends + other.bends,
            self.slopes + other.slopes,
            self.shifts + other.shifts,
        )


def added(sums: Iterable[Sum]) -> Sum:
    result = Sum("affine")
    for one in sums:
        result = result + one
    return result


def merged(bends: Iterable[Bend]) -> list[Bend]:
    """Neurons that read the same number, up to a positive factor, as one."""
    found: dict[tuple[Form, int, int, bool, Form | None], tuple[Bend, Fraction]] = {}
    for bend in bends:
        direction, scale, constant = bend.form.primitive
        size = (abs(scale) if direction.weights else abs(constant)) or Fraction(1)
        place = constant if size == 1 else constant / size
        key = (direction, place.numerator, place.denominator, scale > 0, bend.factor)
        if key not in found:
            found[key] = (bend, size)
            continue
        old, old_size = found[key]
        label = old.label if bend.label == old.label else f"{old.label}; {bend.label}"
        out = plus(old.out, scaled(bend.out, size / old_size))
        found[key] = (Bend(old.form, out, label, old.factor), old_size)
    return [bend for bend, _ in found.values() if bend.out]
