"""All valid sequences, listed or by pairs of places: the same worst rows; and the bound on rounding is one."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from backends.lowering import lower
from backends.numpy_model import NumpyModel, softmax
from dsl.diagnostics import SpecError
from headspec.course.judging.completing import completed, sharpened
from headspec.course.judging.evidence import Listed, evidence_for
from headspec.course.judging.factors import least_factor
from headspec.course.judging.independent import Independent
from headspec.course.judging.rounding import mass_in_floats, score_error
from tests.headspec.course.brute_force import HERE, PAIR, PREVIOUS, SAME, STATED, Instance
from tests.headspec.course.drawing_answers import draw, exercise_of


@pytest.mark.parametrize("instance", [PREVIOUS, HERE, SAME, STATED], ids=lambda i: i.name)
@pytest.mark.parametrize("seed", range(12))
def test_the_worst_by_pairs_of_places_is_the_worst_of_all_sequences(instance: Instance, seed: int) -> None:
    exercise = exercise_of(instance.name)
    program = exercise.weights.program
    model = NumpyModel(lower(completed(exercise, draw(instance, Random(seed)).answer)))
    listed, paired = Listed(model, program, program.heads[0]), Independent(model, program, program.heads[0])
    assert paired.single == listed.single
    assert paired.least_margin()[0] == pytest.approx(listed.least_margin()[0], abs=1e-9)
    for factor in (0.1, 1.0, 7.0):
        one, other = listed.worst(factor), paired.worst(factor)
        assert other.mass == pytest.approx(one.mass, abs=1e-12)
        assert other.uneven >= one.uneven - 1e-12
        assert other.row.mass(factor) == pytest.approx(other.mass, abs=1e-12)


def test_the_rows_shown_are_those_of_the_model() -> None:
    exercise = exercise_of(PREVIOUS.name)
    program = exercise.weights.program
    model = NumpyModel(lower(exercise.weights))
    for evidence in (Listed(model, program, program.heads[0]), Independent(model, program, program.heads[0])):
        row = evidence.worst(2.0).row
        scores = model.forward(np.array([row.tokens])).scores[0][0, 0, row.query, : row.query + 1]
        np.testing.assert_allclose(scores, row.scores, atol=1e-12)


def test_the_least_factor_is_least() -> None:
    exercise = exercise_of(PREVIOUS.name)
    evidence = evidence_for(
        NumpyModel(lower(exercise.weights)), exercise.weights.program, exercise.weights.program.heads[0]
    )
    factor = least_factor(evidence, 0.9)
    assert factor is not None
    assert evidence.worst(factor).mass >= 0.9 > evidence.worst(factor * (1 - 1e-6)).mass
    assert least_factor(evidence, 0.999) > factor


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", ["previous", "induction"])
def test_scores_computed_in_a_float_type_are_within_the_bound(dtype: str, name: str) -> None:
    """The whole model in that type, every sum taken naively: none is further off than the bound says."""
    exercise = exercise_of(PAIR.name)
    factors = {"previous": 0.5, "induction": 2.0}
    exact = sharpened(lower(exercise.weights), factors)
    kind = np.dtype(dtype).type
    bound = score_error(lower(exercise.weights), name, dtype, factors)
    tokens = np.array(PAIR.sequences)
    wanted = NumpyModel(exact).forward(tokens).scores
    x = (exact.W_E.astype(kind)[tokens] + exact.W_pos.astype(kind)[: tokens.shape[1]]).astype(kind)
    worst = 0.0
    for layer in range(2):
        head = exact.layer(layer)[0]
        W_Q, W_K, W_V, W_O = (m.astype(kind) for m in (head.W_Q, head.W_K, head.W_V, head.W_O))
        q, k = (x @ W_Q.T).astype(kind), (x @ W_K.T).astype(kind)
        scores = np.einsum("bqd,bkd->bqk", q.astype(np.float32), k.astype(np.float32)) / np.float32(
            np.sqrt(exact.d_head)
        )
        if head.name == name:
            causal = np.tri(tokens.shape[1], dtype=bool)
            worst = float(np.abs(scores - wanted[layer][:, 0])[:, causal].max())
        pattern = softmax(np.where(np.tri(tokens.shape[1], dtype=bool), scores, -np.inf)).astype(kind)
        x = (x + (pattern @ (x @ W_V.T).astype(kind)).astype(kind) @ W_O.T).astype(kind)
    assert 0 < worst <= bound


def test_mass_in_floats_is_a_lower_bound() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores, error = rng.normal(size=6) * 3, 0.2
        exact = float(softmax(scores)[:2].sum())
        off = float(softmax(scores + rng.choice([-error, error], size=6))[:2].sum())
        assert off >= mass_in_floats(exact, error, 6, "float32")


def test_a_stage_that_cannot_be_decided_is_refused() -> None:
    from compiler.pipeline import compile_program
    from compiler.resolution import resolve
    from dsl.parser import parse

    text = PAIR.spec.split("sequences")[0].replace("context 5", "context 12") + "sequences <bos> (a..c){1,11}\n"
    rest = PAIR.spec[PAIR.spec.index("subspace content") :]
    weights = compile_program(resolve(parse(text + rest), {}))
    with pytest.raises(SpecError, match="E0781"):
        evidence_for(NumpyModel(lower(weights)), weights.program, weights.program.head("induction"))
