"""Exact weights -> floating-point arrays, each entry rounded once, with its bound.

In: ``Weights`` whose symbols all have values.  Out: ``Lowered``, plain float64 arrays in the shapes that run.
Not for: rounding to the model's own float type (each backend rounds these float64 numbers to its dtype).

Two exact steps stand before the rounding:

- *Padding.*  Heads of one model share ``d_head`` (the largest); smaller ones get zero rows after their own, and since
  the model divides every score by sqrt(d_head), W_Q and b_Q are multiplied by sqrt(d_head / own d_head).
- *Gauge.*  Row i of (W_Q, b_Q) is multiplied by 2^a and row i of (W_K, b_K) by 2^-a, so that both have about the same
  largest entry; the two rows of a rotary pair share their a.  The scores are the same to the last bit, and neither
  side overflows float16 while the other underflows.  Heads whose matrices were given outright keep them as given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compiler.program import Activation, Program, Rotary, Symbol
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar
    from compiler.pipeline import HeadWeights, Weights

Array = npt.NDArray[np.float64]

MAX_BYTES = 8 * 1024**3
ENTRY_BOUND = 2.0**-52
"""Every float64 entry is within one unit in the last place: |float - exact| <= 2^-52 |exact|."""


@dataclass(frozen=True, eq=False)
class LoweredHead:
    """One head in floats.  W_Q, W_K, W_V : (d_head, d_model); W_O : (d_model, d_head); biases : (d_head,)."""

    name: str
    layer: int
    index: int
    W_Q: Array
    W_K: Array
    W_V: Array
    W_O: Array
    b_Q: Array
    b_K: Array
    b_V: Array
    slope: float = 0.0


@dataclass(frozen=True, eq=False)
class LoweredMlp:
    """The MLP of one layer in floats.  W_in, W_gate : (d_mlp, d_model); b_in, b_gate : (d_mlp,);
    W_out : (d_model, d_mlp); b_out : (d_model,).  The gate is there for gated activations only."""

    layer: int
    activation: Activation
    W_in: Array
    b_in: Array
    W_out: Array
    b_out: Array
    W_gate: Array | None = None
    b_gate: Array | None = None


@dataclass(frozen=True, eq=False)
class Lowered:
    """A whole model in floats.  W_E : (d_vocab, d_model), W_pos : (n_ctx, d_model), W_U : (d_model, d_vocab),
    b_U : (d_vocab,).  ``n_heads`` is the most heads of a layer; heads that a layer lacks are zero.
    ``bound`` is the relative error of every entry."""

    program: Program
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_vocab: int
    n_ctx: int
    W_E: Array
    W_pos: Array
    W_U: Array
    b_U: Array
    heads: tuple[LoweredHead, ...]
    mlps: tuple[LoweredMlp, ...] = ()
    bound: float = ENTRY_BOUND

    def __post_init__(self) -> None:
        assert self.W_E.shape == (self.d_vocab, self.d_model), self.W_E.shape
        assert self.W_pos.shape == (self.n_ctx, self.d_model), self.W_pos.shape
        assert self.W_U.shape == (self.d_model, self.d_vocab), self.W_U.shape
        assert self.b_U.shape == (self.d_vocab,), self.b_U.shape
        assert all(h.layer < self.n_layers and h.index < self.n_heads for h in self.heads)

    def layer(self, number: int) -> tuple[LoweredHead, ...]:
        """The heads of one layer, by index."""
        return tuple(sorted((h for h in self.heads if h.layer == number), key=lambda h: h.index))


def lower(weights: Weights) -> Lowered:
    """Every nonzero evaluated once, to float64.

    Raises SpecError E0501 (a symbol has no value) or E0507 (the dense arrays would not fit)."""
    program = weights.program
    rotated = program.positions.dims if isinstance(program.positions, Rotary) else 0
    d_head = max([1, rotated, *(head.d_head for head in weights.heads)])
    shape = _Shape(
        n_layers=len(program.layers),
        n_heads=max([1, *(len(layer) for layer in program.layers)]),
        d_model=weights.W_E.rows,
        d_head=d_head,
        d_vocab=len(program.tokens),
        n_ctx=program.context,
    )
    shape.check()
    rounding = _Rounding(weights.bindings)
    rounding.check_symbols(_matrices(weights), [h.slope for h in weights.heads], program.symbols)
    return Lowered(
        program=program,
        n_layers=shape.n_layers,
        n_heads=shape.n_heads,
        d_model=shape.d_model,
        d_head=d_head,
        d_vocab=shape.d_vocab,
        n_ctx=shape.n_ctx,
        W_E=np.ascontiguousarray(rounding.dense(weights.W_E).T),
        W_pos=np.ascontiguousarray(rounding.dense(weights.W_pos).T),
        W_U=np.ascontiguousarray(rounding.dense(weights.W_U).T),
        b_U=rounding.dense(weights.b_U)[:, 0],
        heads=tuple(_lower_head(head, d_head, rounding, program) for head in weights.heads),
    )


# ------------------------------------------------------------------ one head


def _lower_head(weights: HeadWeights, d_head: int, rounding: _Rounding, program: Program) -> LoweredHead:
    head = weights.head
    temperature = Fraction(d_head, weights.d_head)
    lowered = LoweredHead(
        name=head.name,
        layer=head.layer,
        index=head.index,
        W_Q=_pad_rows(rounding.dense(_times_sqrt(weights.W_Q, temperature)), d_head),
        W_K=_pad_rows(rounding.dense(weights.W_K), d_head),
        W_V=_pad_rows(rounding.dense(weights.W_V), d_head),
        W_O=np.ascontiguousarray(_pad_rows(rounding.dense(weights.W_O).T, d_head).T),
        b_Q=_pad_rows(rounding.dense(_times_sqrt(weights.b_Q, temperature)), d_head)[:, 0],
        b_K=_pad_rows(rounding.dense(weights.b_K), d_head)[:, 0],
        b_V=_pad_rows(rounding.dense(weights.b_V), d_head)[:, 0],
        slope=rounding.number(weights.slope),
    )
    if head.matrix("W_Q") is not None:
        return lowered
    return balance(lowered, program.positions if isinstance(program.positions, Rotary) else None)


def _times_sqrt(matrix: Matrix, factor: Fraction) -> Matrix:
    """sqrt(factor) times the matrix, exactly."""
    if factor == 1:
        return matrix
    from compiler.exact import Scalar

    return matrix.scale(Scalar.sqrt(factor))


def _pad_rows(array: Array, rows: int) -> Array:
    padded = np.zeros((rows, array.shape[1]))
    padded[: array.shape[0]] = array
    return padded


def balance(head: LoweredHead, rotary: Rotary | None) -> LoweredHead:
    """The same head with rows of W_Q and W_K scaled by powers of two to about equal size (exact).

    (G W_Q, G^-1 W_K) for a diagonal G of powers of two; G is constant on each rotary pair, so that it commutes
    with the rotations."""
    queries, keys = _row_sizes(head.W_Q, head.b_Q), _row_sizes(head.W_K, head.b_K)
    for first, second in _rotary_pairs(rotary):
        queries[[first, second]] = max(queries[first], queries[second])
        keys[[first, second]] = max(keys[first], keys[second])
    both = (queries > 0) & (keys > 0)
    exponents = np.where(both, (np.frexp(keys)[1] - np.frexp(queries)[1]) // 2, 0)
    return replace(
        head,
        W_Q=np.ldexp(head.W_Q, exponents[:, None]),
        b_Q=np.ldexp(head.b_Q, exponents),
        W_K=np.ldexp(head.W_K, -exponents[:, None]),
        b_K=np.ldexp(head.b_K, -exponents),
    )


def _row_sizes(matrix: Array, bias: Array) -> Array:
    sizes: Array = np.maximum(np.abs(matrix).max(axis=1, initial=0.0), np.abs(bias))
    return sizes


def _rotary_pairs(rotary: Rotary | None) -> list[tuple[int, int]]:
    if rotary is None:
        return []
    half = rotary.dims // 2
    if rotary.layout == "half":
        return [(i, i + half) for i in range(half)]
    return [(2 * i, 2 * i + 1) for i in range(half)]


# ------------------------------------------------------------------ numbers


class _Rounding:
    """Exact -> float64 under given values of the symbols; equal scalars are evaluated once."""

    def __init__(self, bindings: Mapping[str, Fraction]) -> None:
        self.bindings = dict(bindings)
        self.known: dict[Scalar, float] = {}

    def number(self, scalar: Scalar) -> float:
        value = self.known.get(scalar)
        if value is None:
            value = self.known[scalar] = scalar.to_float(self.bindings)
            if not math.isfinite(value):
                raise SpecError(_too_big())
        return value

    def dense(self, matrix: Matrix) -> Array:
        array = np.zeros((matrix.rows, matrix.columns))
        if matrix.entries:
            places = np.array(list(matrix.entries), dtype=np.intp)
            array[places[:, 0], places[:, 1]] = [self.number(entry) for entry in matrix.entries.values()]
        return array

    def check_symbols(
        self, matrices: Iterable[Matrix], scalars: Iterable[Scalar], declared: tuple[Symbol, ...]
    ) -> None:
        found = {name for matrix in matrices for name in matrix.symbols()}
        found |= {name for scalar in scalars for name in scalar.symbols()}
        missing = sorted(found - set(self.bindings) - {"pi"})
        mine = {symbol.name for symbol in declared}
        missing = [name for name in missing if name in mine] or missing  # open strengths wait for these
        if missing:
            raise SpecError(_no_value(missing, declared))


def _too_big() -> Diagnostic:
    return Diagnostic(
        "E0508", "an entry of the exact weights is larger than any float64", help="use smaller strengths and symbols"
    )


def _no_value(missing: list[str], declared: tuple[Symbol, ...]) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in missing)
    plural = len(missing) > 1
    return Diagnostic(
        "E0501",
        f"symbol{'s' * plural} {names} {'have' if plural else 'has'} no value where numbers are needed",
        _span_of(missing[0], declared),
        label="declared without a value",
        help="give " + ("each" if plural else "it") + " a value: " + " ".join(f"--set {name}=..." for name in missing),
    )


def _span_of(name: str, declared: tuple[Symbol, ...]) -> Span | None:
    return next((symbol.span for symbol in declared if symbol.name == name), None)


def _matrices(weights: Weights) -> list[Matrix]:
    matrices = [weights.W_E, weights.W_pos, weights.W_U, weights.b_U]
    for h in weights.heads:
        matrices += [h.W_Q, h.W_K, h.W_V, h.W_O, h.b_Q, h.b_K, h.b_V]
    return matrices


# ------------------------------------------------------------------ sizes


@dataclass(frozen=True)
class _Shape:
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_vocab: int
    n_ctx: int

    def bytes(self) -> int:
        embeddings = self.d_model * (2 * self.d_vocab + self.n_ctx)
        heads = self.n_layers * self.n_heads * 4 * self.d_head * self.d_model
        return 8 * (embeddings + heads)

    def check(self) -> None:
        """SpecError E0507 before anything is allocated, when the dense float64 arrays exceed the limit."""
        needed = self.bytes()
        if needed <= MAX_BYTES:
            return
        raise SpecError(
            Diagnostic(
                "E0507",
                f"the dense weights would take {needed / 1024**3:.1f} GiB, and the limit is {MAX_BYTES // 1024**3} GiB",
                help="use a shorter `context`, fewer tokens, or encodings with fewer dimensions (phase, code)",
                figures=(
                    f"d_model {self.d_model}, d_vocab {self.d_vocab}, n_ctx {self.n_ctx}",
                    f"{self.n_layers} layers of {self.n_heads} heads, d_head {self.d_head}",
                ),
            )
        )
