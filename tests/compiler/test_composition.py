"""Composition against numpy, hand-worked virtual heads and paths."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction as F
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compiler.composition.expansion import expand
from compiler.composition.measures import singular_values
from compiler.composition.products import moved_by_length, v_composition
from compiler.composition.rendering import render_expansion
from compiler.composition.scores import composition_score
from compiler.exact import Angle, Matrix, Scalar
from compiler.heads import Head


@dataclass(frozen=True)
class Plain:
    """A head given by its factors."""

    head: Head
    W_Q: Matrix
    W_K: Matrix
    W_V: Matrix
    W_O: Matrix

    @property
    def QK(self) -> Matrix:
        return self.W_Q.T @ self.W_K

    @property
    def OV(self) -> Matrix:
        return self.W_O @ self.W_V


@dataclass(frozen=True)
class Model:
    heads: tuple[Plain, ...]
    W_E: Matrix
    W_U: Matrix
    layers: int = 2
    bindings: dict[str, F] = field(default_factory=dict)

    @property
    def program(self) -> Any:
        return SimpleNamespace(layers=[()] * self.layers)


def integers(rng: np.random.Generator, rows: int, columns: int) -> Matrix:
    return Matrix.from_rows([[int(v) for v in row] for row in rng.integers(-2, 3, (rows, columns))])


def random_head(rng: np.random.Generator, layer: int) -> Plain:
    shapes = [(2, 6), (2, 6), (2, 6), (6, 2)]
    return Plain(Head(f"h{layer}", layer, 0), *(integers(rng, *shape) for shape in shapes))


def dense(matrix: Matrix, bindings: dict[str, F] | None = None) -> np.ndarray:
    out = np.zeros(matrix.shape)
    for i, j, entry in matrix.nonzeros():
        out[i, j] = entry.to_float(bindings)
    return out


@pytest.mark.parametrize("seed", range(5))
def test_scores_and_singular_values_equal_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = random_head(rng, 0), random_head(rng, 1)
    ov1, ov2, qk2 = dense(first.OV), dense(second.OV), dense(second.QK)
    for kind, reader in (("Q", qk2.T), ("K", qk2), ("V", ov2)):
        score = composition_score(kind, first, second, {})  # type: ignore[arg-type]
        expected = np.linalg.norm(reader @ ov1) / np.linalg.norm(reader) / np.linalg.norm(ov1)
        assert score.squared is not None
        assert score.value == pytest.approx(expected, rel=1e-12)
        assert float(score.squared.as_fraction()) == pytest.approx(expected**2, rel=1e-12)
    product = v_composition(first, second, {})
    numeric = np.linalg.svd(dense(product.matrix), compute_uv=False)
    assert product.singular is not None
    assert product.singular.values == pytest.approx(numeric[: len(product.singular.values or ())])
    assert product.rank == np.linalg.matrix_rank(dense(product.matrix))


def test_orthogonal_rows_have_exact_singular_values() -> None:
    angle = Angle.symbol("a")
    c, s, beta = Scalar.cos(angle), Scalar.sin(angle), Scalar.symbol("beta")
    spectrum = singular_values(Matrix.from_rows([[beta * c, beta * s, 0], [-s, c, 0]]), {"beta": F(3)})
    assert spectrum.squares == (beta * beta, Scalar.rational(1))
    assert spectrum.values == (3.0, 1.0)
    unknown = singular_values(Matrix.from_rows([[beta, 1], [1, 1]]), {})
    assert not unknown.exact
    assert unknown.values is None


def shift_head(name: str, layer: int, start: int, stop: int) -> Plain:
    """Moves coordinate ``start`` to ``stop``, attends by coordinate ``start``."""
    read, write = Matrix(1, 4, {(0, start): Scalar.rational(1)}), Matrix(4, 1, {(stop, 0): Scalar.rational(1)})
    return Plain(Head(name, layer, 0), read, read, read, write)


def test_expansion_of_two_moves() -> None:
    model = Model((shift_head("one", 0, 0, 1), shift_head("two", 1, 1, 2)), Matrix.identity(4), Matrix.identity(4))
    found = expand(model)
    assert [p.label for p in found.virtual_heads] == ["OV[two] OV[one]"]
    assert list(found.virtual_heads[0].matrix.nonzeros()) == [(2, 0, Scalar.rational(1))]
    labels = ["W_U W_E", "W_U OV[one] W_E", "W_U OV[two] W_E", "W_U OV[two] OV[one] W_E"]
    assert [p.label for p in found.paths] == labels
    assert [(s.kind, s.value) for s in found.scores] == [("Q", 1.0), ("K", 1.0), ("V", 1.0)]
    assert "OV[one]^T QK[two] OV[one]" in [p.label for p in found.score_circuits]
    assert json.loads(json.dumps(found.to_json()))["virtual_heads"][0]["rank"] == 1
    text = render_expansion(found)
    assert "OV[two] OV[one]: rank 1, squared norm 1, singular values 1" in text
    assert expand(model, layers=1).paths[-1].label == "W_U OV[two] W_E"


def test_heads_that_do_not_compose_are_counted_not_listed() -> None:
    model = Model((shift_head("one", 0, 0, 1), shift_head("two", 1, 0, 2)), Matrix.identity(4), Matrix.identity(4))
    found = expand(model)
    assert found.virtual_heads == ()
    assert found.zero > 0
    assert all(score.value == 0 for score in found.scores)


def test_what_moves_through_k_heads_is_the_sum_over_all_chains() -> None:
    rng = np.random.default_rng(7)
    heads = tuple(random_head(rng, layer) for layer in (0, 0, 1, 2))
    model = Model(heads, Matrix.identity(6), Matrix.identity(6), layers=3)
    a, b, c, d = (dense(head.OV) for head in heads)
    first = a + b
    expected = [first + c + d, c @ first + d @ first + d @ c, d @ c @ first]
    found = moved_by_length(model)
    assert [product.label for product in found] == ["1 head", "2 heads", "3 heads"]
    for product, matrix in zip(found, expected, strict=True):
        assert np.array_equal(dense(product.matrix), matrix)


def test_a_short_product_is_drawn_and_a_long_one_is_not() -> None:
    model = Model((shift_head("one", 0, 0, 1), shift_head("two", 1, 1, 2)), Matrix.identity(4), Matrix.identity(4))
    assert render_expansion(expand(model), lambda _: "drawn").count("\n    drawn") == 5  # 2 net, 1 virtual, 2 sums
    assert "drawn" not in render_expansion(expand(model), lambda _: "drawn\n" * 100)
