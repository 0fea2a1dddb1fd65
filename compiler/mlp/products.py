"""Products of two integers that the stream shows, as neurons.

In: two affine forms.  Out: the ways to multiply them, each a ``Sum`` of one component.  Not for: choosing.

- *Gated bits.*  b = least + g (sum of 2^t bit_t) for a one-hot b: a b = least a + g sum 2^t [bit_t] a, one neuron for
  each bit.
- *Steps.*  b as steps [b >= k] of an integer: two neurons a step.
- *Quarter squares.*  a b = f(a + b) - f(a - b) with f(n) = n^2/4; where the stream shows both squares,
  a b = f(a + b) - (a^2 + b^2)/2 with f(n) = n^2/2.
- *Gated activation.*  relu(a - low) b = (a - low) b, one neuron under reglu.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from compiler.mlp.forms import Form
from compiler.mlp.gates import Gate, gated
from compiler.mlp.reading import Reader
from compiler.mlp.ridges import interpolate
from compiler.mlp.vectors import Bend, Sum, Vector, added

ONE: Vector = {0: Fraction(1)}
MAX_STEPS = 64


def products(reader: Reader, left: Form, right: Form, *, gated_units: bool) -> Iterator[Sum]:
    """Ways to make left * right."""
    if gated_units:
        yield _gated_unit(reader, left, right)
        yield _gated_unit(reader, right, left)
    for one, other in ((left, right), (right, left)):
        yield from _by_bits(reader, one, other)
        yield from _by_steps(reader, one, other)
    yield from _by_squares(reader, left, right)


def number(form: Form) -> Sum:
    """``form`` itself, as what one component holds."""
    return Sum("affine", ((form, ONE),), slopes=((form, 1.0),))


def _gated_unit(reader: Reader, one: Form, other: Form) -> Sum:
    low, high = reader.domain.range_of(one)
    reach = float(max(map(abs, reader.domain.range_of(other))))
    bend = Bend(one.plus(-low), ONE, "product", other)
    slopes = ((one, reach), (other, float(high - low)))
    return Sum("gated product", bends=(bend,), slopes=slopes) + number(other).times(low)


def _by_bits(reader: Reader, one: Form, other: Form) -> Iterator[Sum]:
    """``other`` is decided by a single one-hot: its binary digits are affine."""
    weights = _on_one_hot(reader, other)
    if weights is None:
        return
    least = min(weights.values())
    above = {c: w - least for c, w in weights.items()}
    step = _greatest_divisor(list(above.values()))
    if not step:
        return
    digits = {c: int(w / step) for c, w in above.items()}
    pieces = [number(one).times(least)]
    for t in range(max(digits.values()).bit_length()):
        bit = Form.of({c: 1 for c, d in digits.items() if d >> t & 1})
        piece = gated(reader, number(one), [(1, Gate(bit.plus(-1)))], f"bit {t}")
        assert piece is not None, "one number and an affine gate"
        pieces.append(piece.times(step * 2**t))
    yield _called("gated bits", pieces)


def _on_one_hot(reader: Reader, form: Form) -> dict[int, Fraction] | None:
    """The value of ``form`` by coordinate of the one one-hot that decides it."""
    for group in reader.domain.groups:
        if group.key is None:
            continue
        key = reader.domain.subspaces[group.key]
        if {c for c, _ in form.weights} <= set(key.coordinates):
            shown = {row[group.names.index(group.key)] for row in group.rows}
            hot = dict(zip(key.encoding.values, key.coordinates, strict=True))  # type: ignore[union-attr]
            return {hot[v]: form.by_coordinate.get(hot[v], Fraction(0)) + form.constant for v in shown}
    return None


def _greatest_divisor(values: list[Fraction]) -> Fraction:
    form = Form.of(dict(enumerate(values)))
    return abs(form.primitive[1]) if form.weights else Fraction(0)


def _by_steps(reader: Reader, one: Form, other: Form) -> Iterator[Sum]:
    direction, scale, constant = other.primitive
    points = reader.points(direction)
    if points is None or not 1 < len(points) <= MAX_STEPS:
        return
    pieces = [number(one).times(scale * points[0] + constant)]
    for before, point in zip(points, points[1:], strict=False):
        piece = gated(reader, number(one), [(1, Gate(direction.plus(-point), point - before))], f">= {point}")
        assert piece is not None, "one number"
        pieces.append(piece.times(scale * (point - before)))
    yield _called("gated steps", pieces)


def _by_squares(reader: Reader, left: Form, right: Form) -> Iterator[Sum]:
    squares = reader.square(left), reader.square(right)
    if squares[0] is not None and squares[1] is not None:
        both = square_of(reader, left + right)
        if both is not None:
            shown = number(squares[0]) + number(squares[1])
            yield _called("quarter squares", [both.times(Fraction(1, 2)), shown.times(Fraction(-1, 2))])
    one, other = square_of(reader, left + right), square_of(reader, left - right)
    if one is not None and other is not None:
        yield _called("quarter squares", [one.times(Fraction(1, 4)), other.times(Fraction(-1, 4))])


def square_of(reader: Reader, form: Form) -> Sum | None:
    """form^2, piecewise linear between the points that it takes."""
    direction, scale, constant = form.primitive
    points = reader.points(direction)
    if not points:
        return None
    vectors: list[Vector] = []
    for point in points:
        value = (scale * point + constant) ** 2
        vectors.append({0: value} if value else {})
    return interpolate(points, vectors).as_sum(direction, 0, label="square")


def _called(method: str, pieces: list[Sum]) -> Sum:
    found = added(pieces)
    return Sum(method, found.terms, found.constant, found.bends, found.slopes, found.shifts)
