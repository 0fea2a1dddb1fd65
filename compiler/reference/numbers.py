"""Numbers for the reference meaning: expressions as floats, and the feature vectors of encoded values.

In: an ``Expr`` or an encoding, and the values of symbols.  Out: float64.  Not for: exact algebra.  The two sides of a
verification share no code, so these few lines are written a second time here, in floats, on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, assert_never

import numpy as np
from numpy.typing import NDArray

from compiler.encodings import Code, Constant, Dims, Encoding, OneHot, Phase, PhasePairs, Quadratic, ScalarValue, Value
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Binary, Call, Expr, Name, Number, Unary
from dsl.span import Span

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TEXT_BASE = 1 << 40
NOTHING = -(1 << 50)


def evaluate_number(expr: Expr, bindings: Mapping[str, float]) -> float:
    """The float of +, -, *, /, ^, sqrt, cos, sin, pi over numbers and symbols.

    Raises SpecError E0501 for a symbol without a value, E0213 for what is not a finite number."""
    match expr:
        case Number(value):
            return float(value)
        case Name(name):
            return _symbol(name, bindings, expr.span)
        case Unary("-", operand):
            return -evaluate_number(operand, bindings)
        case Binary(operator, left, right):
            return _binary(operator, evaluate_number(left, bindings), evaluate_number(right, bindings), expr.span)
        case Call(("sqrt" | "cos" | "sin") as function, (argument,)):
            number = evaluate_number(argument, bindings)
            if function == "sqrt" and number < 0:
                _not_a_number("the square root of a negative number", expr.span)
            return {"sqrt": math.sqrt, "cos": math.cos, "sin": math.sin}[function](number)
        case _:
            _not_a_number("this expression", expr.span)


def _symbol(name: str, bindings: Mapping[str, float], span: Span) -> float:
    if name in bindings:
        return float(bindings[name])
    if name == "pi":
        return math.pi
    raise SpecError(
        Diagnostic(
            "E0501",
            f"`{name}` has no value where numbers are needed",
            span,
            "a symbol",
            help=f"give it one: `--set {name}=value`, or `symbol {name} = value`",
        )
    )


def _binary(operator: str, left: float, right: float, span: Span) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right != 0:
            return left / right
        case "^" if right == int(right) and not (left == 0 and right < 0):
            return float(left ** int(right))
    _not_a_number(f"`{operator}` of {left:g} and {right:g}", span)


def _not_a_number(what: str, span: Span) -> NoReturn:
    raise SpecError(
        Diagnostic(
            "E0213",
            f"{what} is not a finite number",
            span,
            help="numbers are made of + - * / ^ sqrt cos sin pi and symbols",
        )
    )


def all_bindings(program: Program, given: Mapping[str, float]) -> dict[str, float]:
    """The declared values of symbols, with ``given`` over them; a symbol may be declared by earlier ones."""
    bindings = {name: float(value) for name, value in given.items()}
    for symbol in program.symbols:
        if symbol.name not in bindings and symbol.value is not None:
            bindings[symbol.name] = evaluate_number(symbol.value, bindings)
    return bindings


# ------------------------------------------------------------------ codes and features


@dataclass
class Codec:
    """Values as int64 codes: an integer is its own code, a text is ``TEXT_BASE`` plus a number.

    Codes compare like values, across all subspaces of one program."""

    texts: dict[str, int] = field(default_factory=dict)

    def code(self, value: Value) -> int:
        if isinstance(value, str):
            return self.texts.setdefault(value, TEXT_BASE + len(self.texts))
        return value

    def codes(self, values: tuple[Value, ...]) -> Ints:
        return np.array([self.code(value) for value in values], dtype=np.int64)

    def value(self, code: int) -> Value:
        return list(self.texts)[code - TEXT_BASE] if code >= TEXT_BASE else code


def shifted(codes: Ints, shift: int) -> Ints:
    """``codes`` + shift where they are integers; texts (and ``NOTHING``) stay."""
    return np.where((codes < TEXT_BASE) & (codes != NOTHING), codes + shift, codes) if shift else codes


@dataclass
class Numbers:
    """Encodings in floats, for one program under one set of bindings."""

    codec: Codec
    bindings: Mapping[str, float]
    _periods: dict[Phase, int | None] = field(default_factory=dict)

    def number(self, expr: Expr) -> float:
        return evaluate_number(expr, self.bindings)

    def size(self, encoding: Encoding) -> int:
        match encoding:
            case OneHot(values):
                return len(values)
            case Phase():
                return 2 * encoding.count
            case PhasePairs(of):
                return self.size(of)
            case Code() | Dims():
                return encoding.size
            case Quadratic():
                return 2
            case ScalarValue() | Constant():
                return 1
        assert_never(encoding)

    def values(self, encoding: Encoding) -> Ints:
        """The codes of the encoding's set, in its order (none for raw coordinates)."""
        match encoding:
            case OneHot(values) | Code(values):
                return self.codec.codes(values)
            case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
                return np.arange(low, high + 1, dtype=np.int64)
            case PhasePairs():
                return np.array(encoding.values, dtype=np.int64)
            case Dims() | Constant():
                return np.zeros(0, dtype=np.int64)
        assert_never(encoding)

    def features(self, encoding: Encoding, codes: Ints) -> Floats:
        """(N,) codes -> (N, size) feature vectors; a code that the encoding does not hold gives zeros."""
        match encoding:
            case OneHot() | Code():
                return self._rows(encoding, codes)
            case Phase():
                return self._circles(encoding, codes)
            case PhasePairs(of):
                sides = np.divmod(codes, of.high - of.low + 1)
                return np.asarray(sum(self._circles(of, of.low + side) for side in sides))
            case ScalarValue():
                return codes[:, None].astype(np.float64)
            case Quadratic():
                return np.stack([codes, codes * codes], axis=1).astype(np.float64)
            case Dims() | Constant():
                raise AssertionError("raw coordinates have no values")
        assert_never(encoding)

    def _rows(self, encoding: OneHot | Code, codes: Ints) -> Floats:
        index, found = lookup(codes, self.values(encoding))
        if isinstance(encoding, OneHot):
            hot = (index[:, None] == np.arange(len(encoding.values))) & found[:, None]
            return np.asarray(hot, dtype=np.float64)
        rows = np.array([[self.number(x) for x in vector] for vector in encoding.vectors], dtype=np.float64)
        return np.asarray(rows[index] * found[:, None])

    def frequencies(self, encoding: Phase) -> Floats:
        assert encoding.frequencies is not None, "frequencies are chosen before numbers are needed"
        return np.array([self.number(f) for f in encoding.frequencies], dtype=np.float64)

    def magnitudes(self, encoding: Phase) -> Floats:
        return np.array([self.number(m) for m in encoding.magnitudes], dtype=np.float64)

    def _circles(self, encoding: Phase, codes: Ints) -> Floats:
        angles = codes[:, None] * self.frequencies(encoding)
        pairs = np.stack([np.cos(angles), np.sin(angles)], axis=2) * self.magnitudes(encoding)[:, None]
        return pairs.reshape(len(codes), -1)

    # -------------------------------------------------------------- what a code becomes in an encoding

    def canonical(self, encoding: Encoding, codes: Ints) -> Ints:
        """The code under which ``encoding`` keeps a value; ``NOTHING`` where it has none.

        A phase keeps every integer, up to the period of its frequencies if they have one: with the single
        frequency 2*pi/10, 12 and 2 are the same point of the circle and hence the same value."""
        if isinstance(encoding, (OneHot, Code)):
            return np.where(lookup(codes, self.values(encoding))[1], codes, NOTHING)
        if isinstance(encoding, Phase):
            return self._on_circle(encoding, codes)
        return codes

    def _on_circle(self, encoding: Phase, codes: Ints) -> Ints:
        period = self.period(encoding)
        whole = (codes < TEXT_BASE) & (codes != NOTHING)
        if period is None:
            return np.where(whole, codes, NOTHING)
        return np.where(whole, encoding.low + (codes - encoding.low) % period, NOTHING)

    def period(self, encoding: Phase) -> int | None:
        """The least P, up to twice the range, with P * frequency a whole number of turns for every pair."""
        if encoding not in self._periods:
            self._periods[encoding] = self._find_period(encoding)
        return self._periods[encoding]

    def _find_period(self, encoding: Phase) -> int | None:
        try:
            turns = self.frequencies(encoding) / (2 * math.pi) if encoding.frequencies is not None else np.zeros(0)
        except SpecError:
            return None
        if not len(turns):
            return None
        candidates = np.arange(1, 2 * (encoding.high - encoding.low + 1) + 1)
        angles = candidates[:, None] * turns
        closed = np.flatnonzero((np.abs(angles - np.round(angles)) < 1e-11 * np.maximum(1, np.abs(angles))).all(axis=1))
        return int(candidates[closed[0]]) if len(closed) else None

    def token_codes(self, encoding: Encoding, tokens: tuple[str, ...]) -> Ints:
        """What ``embed token`` (or ``predict``) takes each token for: its text, else its integer, else ``NOTHING``."""
        held = set(self.values(encoding).tolist())
        result = np.full(len(tokens), NOTHING, dtype=np.int64)
        for i, token in enumerate(tokens):
            digits = token.removeprefix("-")
            if self.codec.code(token) in held:
                result[i] = self.codec.code(token)
            elif digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(token) in held:
                result[i] = int(token)
        return result


def lookup(codes: Ints, values: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Where each code stands in ``values`` (0 where it does not), and whether it does."""
    if not len(values):
        return np.zeros(codes.shape, dtype=np.int64), np.zeros(codes.shape, dtype=np.bool_)
    order = np.argsort(values, kind="stable")
    place = np.minimum(np.searchsorted(values[order], codes), len(values) - 1)
    index = order[place]
    found = np.asarray(values[index] == codes)
    return np.where(found, index, 0), found
