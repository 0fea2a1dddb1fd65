"""A direct reading of compute expressions, and of MLPs, that shares nothing with the compiler's.

Values are Python's own; a fraction of the compiler's speed, and all of it on one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from compiler.computing import ValueExpr
from compiler.encodings import Encoding, OneHot, Quadratic, ScalarValue
from compiler.exact import Scalar
from compiler.mlp.weights import MlpWeights
from compiler.program import Program

Value = int | str | bool


class Undefined(Exception):
    """No value here."""


def meaning(expression: ValueExpr, shown: Mapping[str, Value | None]) -> Value:
    kind = type(expression).__name__
    get = expression.__getattribute__
    if kind == "Fixed":
        return get("value")  # type: ignore[no-any-return]
    if kind == "Read":
        value = shown[get("subspace")]
        if value is None:
            raise Undefined
        return value
    if kind == "Choice":
        return meaning(get("then") if meaning(get("condition"), shown) else get("otherwise"), shown)
    if kind == "Junction":
        return _joined(get("operator"), [get("left"), get("right")], shown)
    if kind == "LookedUp":
        images = [image for value, image in get("pairs") if value == meaning(get("argument"), shown)]
        if not images:
            raise Undefined
        return images[0]  # type: ignore[no-any-return]
    if kind in ("Negative", "Negation", "Contained"):
        inner = meaning(get("operand"), shown)
        if kind == "Contained":
            return inner in get("values")
        return (not inner) if kind == "Negation" else -inner  # type: ignore[operator]
    left, right = meaning(get("left"), shown), meaning(get("right"), shown)
    if get("operator") in ("//", "mod") and right == 0:
        raise Undefined
    return applied(get("operator"), left, right)


def _joined(operator: str, sides: list[ValueExpr], shown: Mapping[str, Value | None]) -> bool:
    decisive = operator == "or"
    found = []
    for side in sides:
        try:
            found.append(bool(meaning(side, shown)))
        except Undefined:
            found.append(None)
    if decisive in found:
        return decisive
    if None in found:
        raise Undefined
    return not decisive


def applied(operator: str, left: Value, right: Value) -> Value:
    if operator in ("==", "!="):
        return (left == right) == (operator == "==")
    assert isinstance(left, int) and isinstance(right, int)
    answers: dict[str, Value] = {"+": left + right, "-": left - right, "*": left * right}
    answers |= {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    if operator in ("//", "mod"):
        quotient = (left - left % right) // right
        return quotient if operator == "//" else left - right * quotient
    return answers[operator]


def vector(encoding: Encoding, value: Value) -> list[Fraction] | None:
    """The coordinates of a value; None where the encoding has none."""
    match encoding:
        case OneHot(values):
            return [Fraction(v == value) for v in values] if value in values else None
        case ScalarValue(low, high) | Quadratic(low, high):
            if not isinstance(value, int) or not low <= value <= high:
                return None
            return [Fraction(value)] if isinstance(encoding, ScalarValue) else [Fraction(value), Fraction(value**2)]
    raise AssertionError(encoding)


def stream(program: Program, shown: Mapping[str, Value | None]) -> list[Fraction]:
    """The residual stream where exactly these subspaces show something (constants show 1)."""
    x = [Fraction(0)] * program.width
    for subspace in program.subspaces:
        if type(subspace.encoding).__name__ == "Constant":
            x[subspace.coordinates[0]] = Fraction(1)
        value = shown.get(subspace.name)
        if value is not None:
            found = vector(subspace.encoding, value)
            assert found is not None
            for coordinate, entry in zip(subspace.coordinates, found, strict=True):
                x[coordinate] += entry
    return x


def written(mlp: MlpWeights, x: list[Fraction]) -> list[Fraction]:
    """W_out relu(W_in x + b_in) + b_out, gated under reglu, in fractions."""

    def read(matrix: object, bias: object) -> list[Fraction]:
        found = [Fraction(0)] * mlp.W_in.rows
        for (row, column), entry in matrix.entries.items():  # type: ignore[attr-defined]
            found[row] += entry.as_fraction() * x[column]
        for (row, _), entry in bias.entries.items():  # type: ignore[attr-defined]
            found[row] += entry.as_fraction()
        return found

    linear = read(mlp.W_in, mlp.b_in)
    if mlp.W_gate is not None:
        hidden = [max(g, Fraction(0)) * v for g, v in zip(read(mlp.W_gate, mlp.b_gate), linear, strict=True)]
    else:
        hidden = [max(v, Fraction(0)) for v in linear]
    out = [Fraction(0)] * len(x)
    for (row, column), entry in mlp.W_out.entries.items():
        out[row] += _fraction(entry) * hidden[column]
    for (row, _), entry in mlp.b_out.entries.items():
        out[row] += _fraction(entry)
    return out


def _fraction(entry: Scalar) -> Fraction:
    return entry.as_fraction()
