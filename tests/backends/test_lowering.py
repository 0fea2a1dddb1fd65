"""Exact weights -> floats: right to the last bit but one, padded, balanced, and refused where numbers are missing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import lowering
from backends.lowered import ENTRY_BOUND, Lowered
from backends.lowering import balance, lower
from backends.numpy_model import NumpyModel
from compiler.exact import Angle, Matrix, Scalar
from compiler.head_weights import HeadWeights
from compiler.heads import ExplicitMatrix, Head
from compiler.mlp.weights import MlpWeights
from compiler.pipeline import Weights
from compiler.program import Activation, Program, Rotary, Symbol
from dsl.diagnostics import SpecError
from dsl.expressions import Number
from tests.backends.handmade import program, random_lowered, rotary_previous


def rational(rows: list[list[int | Fraction]]) -> Matrix:
    return Matrix.from_rows(cast(Any, rows))


def head_weights(name: str, query: Matrix, key: Matrix, *, index: int = 0, explicit: bool = False) -> HeadWeights:
    """A head of the given W_Q and W_K (d_head, d_model) that copies nothing."""
    given = (("W_Q", ExplicitMatrix(1, 1, ((0, 0, Number(Fraction(1))),))),) if explicit else ()
    d_head, width = query.shape
    zero, bias = Matrix.zeros(d_head, width), Matrix.zeros(d_head, 1)
    return HeadWeights(
        head=Head(name, 0, index, explicit=given),
        d_head=d_head,
        W_Q=query,
        W_K=key,
        W_V=zero,
        W_O=zero.T,
        b_Q=bias,
        b_K=bias,
        b_V=bias,
        rotary_dims=0,
        slope=Scalar.rational(0),
        qk_certificate=None,
        ov_certificate=None,
    )


def weights(program: Program, heads: list[HeadWeights], **changes: Any) -> Weights:
    width, v = program.width, len(program.tokens)
    program = replace(program, layers=(tuple(h.head for h in heads),))
    found: dict[str, Any] = {
        "W_E": Matrix.zeros(width, v),
        "W_pos": Matrix.zeros(width, program.context),
        "W_U": Matrix.zeros(v, width),
        "b_U": Matrix.zeros(v, 1),
        "bindings": {},
        "free": frozenset(),
        "circuits": None,
        "strengths": None,
    }
    return Weights(program=program, heads=tuple(heads), **(found | changes))


# ------------------------------------------------------------------ numbers

scalars = st.builds(
    lambda a, b, n, r, x: (
        Scalar.rational(a)
        + Scalar.sqrt(n) * b * Scalar.cos(Angle(turns=r))
        + Scalar.symbol("s") * Scalar.sin(Angle(0, x))
    ),
    st.fractions(max_denominator=50),
    st.fractions(max_denominator=50),
    st.integers(1, 30),
    st.fractions(0, 1, max_denominator=12),
    st.fractions(-9, 9, max_denominator=9),
)


@given(entry=scalars, value=st.fractions(-5, 5, max_denominator=7))
def test_law_every_entry_is_within_its_bound(entry: Scalar, value: Fraction) -> None:
    bindings = {"s": value}
    lowered = lower(weights(program(width=1), [], W_U=Matrix(5, 1, {(0, 0): entry}), bindings=bindings))
    exact, radius = entry.enclose(bindings, 400)
    found = Fraction(float(lowered.W_U[0, 0]))
    assert abs(found - exact) <= Fraction(lowered.bound) * abs(exact) + radius
    assert lowered.bound == ENTRY_BOUND


def test_embeddings_are_transposed_to_stand_on_the_left() -> None:
    w_e = rational([[1, 2, 3, 4, 5], [0, 0, 0, 0, 6]])
    w_u = rational([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]])
    lowered = lower(weights(program(width=2), [], W_E=w_e, W_U=w_u, b_U=rational([[1], [0], [0], [0], [7]])))
    assert lowered.W_E.tolist() == [[1, 0], [2, 0], [3, 0], [4, 0], [5, 6]]
    assert lowered.W_U.tolist() == [[1, 3, 5, 7, 9], [2, 4, 6, 8, 10]]
    assert lowered.b_U.tolist() == [1, 0, 0, 0, 7]


def test_equal_entries_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count, real = [0], Scalar.to_float

    def counted(self: Scalar, bindings: Any = None) -> float:
        count[0] += 1
        return real(self, bindings)

    monkeypatch.setattr(Scalar, "to_float", counted)
    same = {(i, i): Scalar.sqrt(2) for i in range(5)}
    lower(weights(program(width=5), [], W_E=Matrix(5, 5, same), W_U=Matrix(5, 5, same)))
    assert count == [1]


# ------------------------------------------------------------------ heads


def test_smaller_heads_keep_their_own_temperature() -> None:
    """d_heads 1 and 3 in one model: the scores are divided by sqrt(3) and come out as if by sqrt(1)."""
    small = head_weights("small", rational([[3, 0]]), rational([[0, 5]]))
    large = head_weights("large", rational([[1, 0], [0, 1], [1, 1]]), rational([[1, 2], [3, 4], [5, 6]]), index=1)
    lowered = lower(weights(program(width=2), [small, large]))
    assert lowered.d_head == 3 and lowered.n_heads == 2
    for exact, found in zip((small, large), lowered.heads, strict=True):
        expected = np.array([[float(exact.QK[i, j].as_fraction()) for j in range(2)] for i in range(2)])
        scores = found.W_Q.T @ found.W_K / np.sqrt(3)
        np.testing.assert_allclose(scores, expected / np.sqrt(exact.d_head), rtol=1e-15)


def test_the_factor_is_taken_before_rounding() -> None:
    """An entry sqrt(3)/3 times sqrt(3): exactly 1, which two roundings would miss."""
    small = head_weights("small", Matrix(1, 2, {(0, 0): Scalar.sqrt(Fraction(1, 3))}), rational([[1, 0]]))
    large = head_weights("large", Matrix.identity(3).submatrix(range(3), range(2)), Matrix.zeros(3, 2), index=1)
    assert lower(weights(program(width=2), [small, large])).heads[0].W_Q[0, 0] == 1.0


def test_a_rotary_model_has_room_for_the_rotated_rows() -> None:
    rotary = Rotary(Fraction(100), 6, "half")
    head = head_weights("only", rational([[1, 0]]), rational([[1, 0]]))
    assert lower(weights(program(rotary, width=2), [head])).d_head == 6


# ------------------------------------------------------------------ MLPs


def mlp_weights(activation: Activation = "relu", neurons: int = 2, **changes: Any) -> MlpWeights:
    """Of width 3, entries sqrt(2) and 1/3."""
    found: dict[str, Any] = {
        "W_in": Matrix(neurons, 3, {(0, 1): Scalar.sqrt(2)}),
        "b_in": Matrix(neurons, 1, {(0, 0): Scalar.rational(Fraction(1, 3))}),
        "W_out": Matrix(3, neurons, {(2, neurons - 1): Scalar.rational(-7)}),
        "b_out": Matrix(3, 1, {(1, 0): Scalar.rational(5)}),
    }
    return MlpWeights(0, activation, **(found | changes))


def test_an_mlp_is_rounded_entry_by_entry() -> None:
    lowered = lower(weights(program(width=3), [], mlps=(mlp_weights(),)))
    (found,) = lowered.mlps
    assert found.W_in.tolist() == [[0, 2**0.5, 0], [0, 0, 0]] and found.b_in.tolist() == [1 / 3, 0]
    assert found.W_out.tolist() == [[0, 0], [0, 0], [0, -7]] and found.b_out.tolist() == [0, 5, 0]
    assert found.W_gate is None and found.b_gate is None
    assert (lowered.d_mlp, lowered.activation, lowered.mlp(0)) == (2, "relu", found)
    assert lower(weights(program(width=3), [])).mlp(0) is None


def test_a_gate_is_lowered_too() -> None:
    gate, bias = Matrix(2, 3, {(1, 1): Scalar.rational(4)}), Matrix(2, 1, {(1, 0): Scalar.rational(-3)})
    (found,) = lower(weights(program(width=3), [], mlps=(mlp_weights("reglu", W_gate=gate, b_gate=bias),))).mlps
    assert found.W_gate is not None and found.W_gate.tolist() == [[0, 0, 0], [0, 4, 0]]
    assert found.b_gate is not None and found.b_gate.tolist() == [0, -3]


@pytest.mark.parametrize("name", ["W_in", "b_in", "W_out", "b_out", "W_gate", "b_gate"])
def test_a_symbol_in_an_mlp_needs_a_value(name: str) -> None:
    gate = {"W_gate": Matrix(2, 3, {}), "b_gate": Matrix(2, 1, {})}
    free = {name: Matrix(*getattr(mlp_weights("reglu", **gate), name).shape, {(0, 0): Scalar.symbol("beta")})}
    with pytest.raises(SpecError, match="symbol `beta` has no value"):
        lower(weights(program(width=3), [], mlps=(mlp_weights("reglu", **(gate | free)),)))


def test_too_many_neurons_are_refused_before_they_are_made() -> None:
    with pytest.raises(SpecError, match=r"(?s)E0507.*44\.7 GiB.*d_mlp 1000000000"):
        lower(weights(program(width=3), [], mlps=(mlp_weights(neurons=10**9),)))


# ------------------------------------------------------------------ balance


@given(seed=st.integers(0, 10**6), low=st.integers(-30, 30), layout=st.sampled_from(["half", "pairs", None]))
def test_law_balancing_changes_no_score(seed: int, low: int, layout: Any) -> None:
    """Bit for bit: powers of two commute with every operation between."""
    rotary = Rotary(Fraction(10), 4, layout) if layout else None
    model = random_lowered(seed, rotary)
    scaled = [replace(h, W_Q=np.ldexp(h.W_Q, low), b_Q=np.ldexp(h.b_Q, low)) for h in model.heads]
    before = replace(model, heads=tuple(scaled))
    after = replace(model, heads=tuple(balance(h, rotary) for h in scaled))
    ids = [[i % model.d_vocab for i in range(model.n_ctx)]]
    for one, other in zip(NumpyModel(before).forward(ids).scores, NumpyModel(after).forward(ids).scores, strict=True):
        np.testing.assert_array_equal(one, other)
    for head in after.heads:
        sizes = [np.maximum(np.abs(w).max(axis=1), np.abs(b)) for w, b in ((head.W_Q, head.b_Q), (head.W_K, head.b_K))]
        rows = slice(4 if layout else 0, None)
        assert (np.abs(np.frexp(sizes[0][rows])[1] - np.frexp(sizes[1][rows])[1]) <= 1).all()


def test_both_rows_of_a_rotary_pair_move_together() -> None:
    for layout in ("half", "pairs"):
        model = rotary_previous(layout, strength=2.0**20)
        rotary = cast(Rotary, model.program.positions)
        balanced = balance(model.heads[0], rotary)
        ratio = balanced.b_Q[:4] / model.heads[0].b_Q[:4]
        assert 0 < ratio.max() < 1
        first, second = (ratio[:2], ratio[2:]) if layout == "half" else (ratio[::2], ratio[1::2])
        assert (first == second).all()


def test_a_strong_head_fits_float16_after_balancing_and_an_explicit_one_is_left_alone() -> None:
    query, key = rational([[2**20, 0]]), rational([[0, 1]])
    solved = lower(weights(program(width=2), [head_weights("solved", query, key)])).heads[0]
    assert np.abs(solved.W_Q).max() == 2**10 and np.abs(solved.W_K).max() == 2**10
    given = lower(weights(program(width=2), [head_weights("given", query, key, explicit=True)])).heads[0]
    assert np.abs(given.W_Q).max() == 2**20 and np.abs(given.W_K).max() == 1


def test_rows_without_a_partner_are_left_alone() -> None:
    head = head_weights("half", rational([[2**20, 0], [0, 0]]), rational([[0, 0], [0, 2**20]]))
    lowered = lower(weights(program(width=2), [head])).heads[0]
    assert lowered.W_Q.max() == lowered.W_K.max() == 2**20


# ------------------------------------------------------------------ refusals


def test_symbols_without_values_are_named_all_at_once() -> None:
    declared = replace(program(width=1), symbols=(Symbol("beta", True, None), Symbol("alpha", False, None)))
    free = Matrix(
        5,
        1,
        {(2, 0): Scalar.symbol("s_waits"), (0, 0): Scalar.symbol("beta"), (1, 0): Scalar.cos(Angle.symbol("alpha"))},
    )
    with pytest.raises(SpecError) as error:
        lower(weights(declared, [], W_U=free))
    (found,) = error.value.diagnostics
    assert found.code == "E0501"
    assert found.message == "symbols `alpha`, `beta` have no value where numbers are needed"
    assert found.help == "give each a value: --set alpha=... --set beta=..."
    value = lower(
        weights(declared, [], W_U=free, bindings={"beta": Fraction(3), "alpha": Fraction(0), "s_waits": Fraction(1)})
    )
    assert value.W_U[0, :2].tolist() == [3.0, 1.0]


def test_one_symbol_is_spoken_of_in_the_singular() -> None:
    with pytest.raises(SpecError, match="symbol `beta` has no value where numbers are needed"):
        lower(weights(program(width=1), [], W_U=Matrix(5, 1, {(0, 0): Scalar.symbol("beta")})))


def test_dense_weights_that_are_too_large_are_refused_before_they_are_made() -> None:
    huge = replace(program(width=2), width=10**6, context=10**6)
    exact = weights(huge, [])
    with pytest.raises(SpecError, match=r"E0507.*7450\.\d GiB"):
        lower(exact)


def test_a_number_beyond_float64_is_refused() -> None:
    with pytest.raises(SpecError, match="E0508"):
        lower(weights(program(width=1), [], W_U=Matrix(5, 1, {(0, 0): Scalar.rational(10**400)})))


@pytest.mark.slow
def test_a_context_of_2048_is_lowered() -> None:
    """65 000 different cosines."""
    entries = {}
    for p in range(2048):
        for j in range(16):
            angle = Angle(radians=Fraction(37 * j + 11, 2048) * p)
            entries[2 * j, p], entries[2 * j + 1, p] = Scalar.cos(angle), Scalar.sin(angle)
    exact = weights(program(width=32, context=2048), [], W_pos=Matrix(32, 2048, entries))
    lowered: Lowered = lower(exact)
    assert abs(lowered.W_pos[1000, 3] - np.sin(1000 * 48 / 2048)) < 1e-13


def test_the_limit_is_what_is_said() -> None:
    assert lowering.MAX_BYTES == 8 * 1024**3
