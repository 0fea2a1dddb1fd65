"""Exact weights -> floating-point arrays, each entry rounded once, with its bound.

In: ``Weights`` whose symbols all have values.  Out: ``Lowered``, plain float64 arrays in the shapes that run.
Not for: rounding to the model's own float type (each backend rounds these float64 numbers to its dtype).

Two exact steps stand before the rounding of heads (an MLP's matrices are rounded as they are):

- *Padding.*  Heads of one model share ``d_head`` (the largest, or the next power of four where that keeps scores from
  rounding: ``Program.widens``); smaller ones get zero rows after their own, and since
  the model divides every score by sqrt(d_head), W_Q and b_Q are multiplied by sqrt(d_head / own d_head).
- *Gauge.*  Row i of (W_Q, b_Q) is multiplied by 2^a and row i of (W_K, b_K) by 2^-a, so that both have about the same
  largest entry; the two rows of a rotary pair share their a.  The scores are the same to the last bit, and neither
  side overflows float16 while the other underflows.  Heads whose matrices were given outright keep them as given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from backends.lowered import Lowered, LoweredHead, LoweredMlp
from backends.rounding import Array, Rounding
from compiler.program import Program, Rotary
from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.head_weights import HeadWeights
    from compiler.mlp.weights import MlpWeights
    from compiler.pipeline import Weights

MAX_BYTES = 8 * 1024**3


def lower(weights: Weights) -> Lowered:
    """Every nonzero evaluated once, to float64.

    Raises SpecError E0501 (a symbol has no value) or E0507 (the dense arrays would not fit)."""
    program = weights.program
    rotated = program.positions.dims if isinstance(program.positions, Rotary) else 0
    d_head = max([1, rotated, *(head.d_head for head in weights.heads)])
    d_head = _power_of_four(d_head) if program.widens else d_head
    shape = _Shape(
        n_layers=len(program.layers),
        n_heads=max([1, *(len(layer) for layer in program.layers)]),
        d_model=weights.W_E.rows,
        d_head=d_head,
        d_vocab=len(program.tokens),
        n_ctx=program.context,
        mlp_rows=tuple((mlp.W_in.rows, 3 if mlp.W_gate is not None else 2) for mlp in weights.mlps),
    )
    shape.check()
    rounding = Rounding(weights.bindings)
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
        mlps=tuple(_lower_mlp(mlp, rounding) for mlp in weights.mlps),
    )


# ------------------------------------------------------------------ one head


def _power_of_four(width: int) -> int:
    """The least that is at least ``width``."""
    power = 1
    while power < width:
        power *= 4
    return power


def _lower_head(weights: HeadWeights, d_head: int, rounding: Rounding, program: Program) -> LoweredHead:
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


# ------------------------------------------------------------------ one MLP


def _lower_mlp(weights: MlpWeights, rounding: Rounding) -> LoweredMlp:
    return LoweredMlp(
        layer=weights.layer,
        activation=weights.activation,
        W_in=rounding.dense(weights.W_in),
        b_in=rounding.dense(weights.b_in)[:, 0],
        W_out=rounding.dense(weights.W_out),
        b_out=rounding.dense(weights.b_out)[:, 0],
        W_gate=None if weights.W_gate is None else rounding.dense(weights.W_gate),
        b_gate=None if weights.b_gate is None else rounding.dense(weights.b_gate)[:, 0],
    )


def _matrices(weights: Weights) -> list[Matrix]:
    matrices = [weights.W_E, weights.W_pos, weights.W_U, weights.b_U]
    for h in weights.heads:
        matrices += [h.W_Q, h.W_K, h.W_V, h.W_O, h.b_Q, h.b_K, h.b_V]
    for mlp in weights.mlps:
        found = (mlp.W_in, mlp.b_in, mlp.W_out, mlp.b_out, mlp.W_gate, mlp.b_gate)
        matrices += [matrix for matrix in found if matrix is not None]
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
    mlp_rows: tuple[tuple[int, int], ...] = ()
    """Per MLP its neurons, and how many matrices it has."""

    def bytes(self) -> int:
        """Of what runs: layers without an MLP, or with fewer neurons than others, are filled with zeros there."""
        embeddings = self.d_model * (2 * self.d_vocab + self.n_ctx)
        heads = self.n_layers * self.n_heads * 4 * self.d_head * self.d_model
        mlps = (
            self.n_layers * self.d_model * max((neurons * matrices for neurons, matrices in self.mlp_rows), default=0)
        )
        return 8 * (embeddings + heads + mlps)

    def check(self) -> None:
        """SpecError E0507 before anything is allocated, when the dense float64 arrays exceed the limit."""
        needed = self.bytes()
        if needed <= MAX_BYTES:
            return
        widest = max((neurons for neurons, _ in self.mlp_rows), default=0)
        mlps = (f"d_mlp {widest}",) if widest else ()
        raise SpecError(
            Diagnostic(
                "E0507",
                f"the dense weights would take {needed / 1024**3:.1f} GiB, and the limit is {MAX_BYTES // 1024**3} GiB",
                help="use a shorter `context`, fewer tokens, or encodings with fewer dimensions (phase, code)",
                figures=(
                    f"d_model {self.d_model}, d_vocab {self.d_vocab}, n_ctx {self.n_ctx}",
                    f"{self.n_layers} layers of {self.n_heads} heads, d_head {self.d_head}",
                    *mlps,
                ),
            )
        )
