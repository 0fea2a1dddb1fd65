"""From exact to float, for every spec: entries by another library at 50 digits, products by their own terms."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

import headspec
from compiler.exact import Matrix, Scalar
from compiler.head_weights import HeadWeights
from compiler.pipeline import Weights
from compiler.program import Rotary

ROOT = Path(__file__).resolve().parents[1]
SPECS = sorted(path.relative_to(ROOT / "specs") for path in (ROOT / "specs").rglob("*.head"))
BOUND = 2.0**-51
"""Relative: 2^-52 is promised; the other half is for entries that were scaled by a root before."""


def value(scalar: Scalar, values: dict[str, Fraction]) -> mpmath.mpf:
    """The number by mpmath alone: sum of c sqrt(r) prod s^n cos(2 pi turn + radians + sum x_a a)."""
    total = mpmath.mpf(0)
    for (turn, radicand, radians, angles, powers), coefficient in scalar.terms.items():
        angle = 2 * mpmath.pi * _real(turn) + _real(radians)
        angle += sum((_real(x) * _real(values[name]) for name, x in angles), mpmath.mpf(0))
        size = _real(coefficient) * mpmath.sqrt(radicand)
        for name, power in powers:
            size *= _named(name, values) ** power
        total += size * mpmath.cos(angle)
    return total


def _named(name: str, values: dict[str, Fraction]) -> mpmath.mpf:
    if name.startswith("ln("):
        return mpmath.log(int(name[3:-1]))
    return mpmath.pi if name == "pi" else _real(values[name])


def _real(number: Fraction | int) -> mpmath.mpf:
    return mpmath.mpf(number.numerator) / number.denominator


def dense(matrix: Matrix, weights: Weights) -> np.ndarray:
    array = np.zeros(matrix.shape, dtype=object)
    for (row, column), entry in matrix.entries.items():
        array[row, column] = value(entry, dict(weights.bindings))
    return array


def assert_close(floats: np.ndarray, exact: np.ndarray) -> None:
    assert floats.shape == exact.shape
    assert ((floats == 0) == (exact == 0)).all()
    for x, wanted in zip(floats[floats != 0].tolist(), exact[floats != 0].tolist(), strict=True):
        assert abs(mpmath.mpf(x) - wanted) <= BOUND * abs(wanted)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_floats_are_the_exact_entries(spec: Path) -> None:
    model = headspec.compile(ROOT / "specs" / spec)
    weights, lowered = model.weights, model.lowered
    with mpmath.workdps(50):
        assert_close(lowered.W_E, dense(weights.W_E, weights).T)
        assert_close(lowered.W_pos, dense(weights.W_pos, weights).T)
        assert_close(lowered.W_U, dense(weights.W_U, weights).T)
        for head, floats in zip(weights.heads, lowered.heads, strict=True):
            assert_close(floats.W_V[: head.d_head], dense(head.W_V, weights))
            assert_close(floats.W_O[:, : head.d_head], dense(head.W_O, weights))
            ratio = mpmath.sqrt(mpmath.mpf(lowered.d_head) / head.d_head)
            keys, queries = dense(head.W_K, weights), dense(head.W_Q, weights) * ratio
            rows = balance(floats.W_K[: head.d_head], keys)
            empty = ~(keys != 0).any(axis=1)  # the second row of a rotary pair: only its query says how it was scaled
            rows[empty] = 1 / balance(floats.W_Q[: head.d_head], queries)[empty]
            assert_close(floats.W_K[: head.d_head] * rows, keys)
            assert_close(floats.W_Q[: head.d_head] / rows, queries)


def balance(floats: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The power of two that takes each lowered row back; anything else would fail the comparison."""
    scales = np.ones((len(floats), 1))
    for i, row in enumerate(exact):
        columns = [j for j, entry in enumerate(row) if entry != 0]
        if columns:
            scales[i] = 2.0 ** round(math.log2(abs(row[columns[0]] / mpmath.mpf(floats[i, columns[0]]))))
    return scales


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_product_of_the_factors_is_the_sum_of_the_lines(spec: Path) -> None:
    """W_Q^T W_K = sqrt(d_head) * sum of strength * term, and W_O W_V = the copies, exactly."""
    weights = headspec.compile(ROOT / "specs" / spec).weights
    width = weights.program.width
    solved = {name: Scalar.rational(x) for name, x in weights.strengths.bindings.items()}
    for head, circuit in zip(weights.heads, weights.circuits.heads, strict=True):
        if head.head.matrix("W_Q") is None and not isinstance(weights.program.positions, Rotary):
            whole = circuit.qk(weights.circuits.dimension).substitute(solved).scale(Scalar.sqrt(head.d_head))
            assert head.QK == whole.submatrix(range(width), range(width))
        if head.head.matrix("W_V") is None:
            assert head.OV == circuit.ov.submatrix(range(width), range(width))
        assert certified(head)


def certified(head: HeadWeights) -> bool:
    """The OV circuit's rank certificate proves its rank from the product alone."""
    return head.ov_certificate is None or head.ov_certificate.verify(head.OV.T)
