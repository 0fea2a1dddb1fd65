"""A one-hot key that a number of the query looks for: 2uv - v^2 + 1 on the coordinate of v."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import headspec
from compiler.exact import Matrix, Scalar
from dsl.diagnostics import SpecError

SPEC = """\
model number_query
tokens 0..5
context 6
sequences (0..5){1,6}
subspace digit : onehot(0..5)
subspace n     : KIND(LOW..HIGH)
subspace slot  : onehot(SLOTS)
subspace one   : constant
subspace out   : onehot(0..5)
embed token    -> digit
embed SOURCE -> n
embed position -> slot
head find
  attend key.slot == query.n SHIFT
  copy   key.digit -> out
"""


BRING = "head bring\n  attend key.slot == query.slot - 1\n"


def text(**changes: str) -> str:
    said = {"KIND": "scalar", "LOW": "0", "HIGH": "5", "SLOTS": "positions", "SOURCE": "token", "SHIFT": ""} | changes
    found = SPEC
    for old, new in said.items():
        found = found.replace(old, new)
    return found


def holds(spec: str, **options: str) -> headspec.Model:
    model = headspec.compile(spec, **options)
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and sum(head.checked for head in result.heads) > 100
    return model


def refused(spec: str) -> str:
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(spec).weights
    return caught.value.diagnostics[0].code


# ------------------------------------------------------------------ scores


def test_the_score_is_a_square_below_what_fits() -> None:
    """Exactly, for every query and key, the empty key included; in two dimensions."""
    model = holds(text(SHIFT="+ 1"))
    [circuit] = model.weights.circuits.heads
    [term] = circuit.terms
    places = {subspace.name: subspace.coordinates for subspace in model.program.subspaces}
    for u in range(6):
        query = Matrix(model.program.width, 1, {(places["n"][0], 0): Scalar.rational(u), (places["one"][0], 0): ONE})
        for v in [None, *range(6)]:
            key = Matrix(model.program.width, 1, {} if v is None else {(places["slot"][v], 0): ONE})
            score = (query.T @ term.matrix @ key)[0, 0].as_fraction()
            wanted = 0 if v is None else (u + 1) ** 2 + 1 - (u + 1 - v) ** 2
            assert score == wanted
    certificate = model.weights.heads[0].qk_certificate
    assert certificate is not None and certificate.rank == 2


ONE = Scalar.rational(1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("kind", ["scalar", "quadratic"])
def test_every_sequence_in_every_type(kind: str, dtype: str) -> None:
    holds(text(KIND=kind, SHIFT="- 1"), dtype=dtype)


@pytest.mark.parametrize("slots", ["{0, 2, 5}", "{1, 4}", "0..3"])
def test_values_with_gaps_and_keys_that_show_nothing(slots: str) -> None:
    """A key that shows nothing scores 0, as one at 0 would without the 1 that is added: it is no match for 0."""
    model = holds(text(SLOTS=slots, SHIFT="- 1"))
    pattern = np.asarray(model.run("1 2 3 4 5 1").patterns[0][0])
    if "0" in slots:
        assert pattern[5, 0] > 0.99 and pattern[0, 0] == 1


def test_numbers_below_zero() -> None:
    holds(text(SOURCE="position - 3", LOW="-3", HIGH="2", SHIFT="+ 2"))


def test_another_basis() -> None:
    holds(text().replace("tokens 0..5", "basis reflection\ndtype float64\ntokens 0..5"))


def test_large_numbers_are_matched_without_rounding() -> None:
    """Squares of 700 are beyond what rounded scores in float32 can tell apart."""
    spec = text(SOURCE="position", HIGH="799", SHIFT="- 1").replace("context 6", "context 800")
    spec = spec.replace("(0..5){1,6}", "(0..5){1,800}")
    model = headspec.compile(spec)
    strength = Fraction(model.weights.strengths.reports[0].value)
    assert strength.numerator & (strength.numerator - 1) == 0, "a power of two"
    result = headspec.verify(model, samples=20, device="cpu")
    assert result.holds


# ------------------------------------------------------------------ beside other lines


def test_a_number_that_a_head_brings() -> None:
    """The head before leaks little enough for the match."""
    spec = text().replace("head find", BRING + "  copy key.n -> brought\nhead find")
    spec = spec.replace("subspace out", "subspace brought : scalar(0..5)\nsubspace out")
    model = holds(spec.replace("== query.n", "== query.brought"))
    assert [head.head.layer for head in model.weights.heads] == [0, 1]


def test_a_head_that_brings_a_large_number_leaks_less() -> None:
    """Of 5000 a leak of 0.01 / 64 would be 0.8, and the keys are told apart at a distance of 1."""
    spec = text(SOURCE="1000*token", HIGH="5000", SLOTS="{0, 1000, 2000, 3000, 4000, 5000}")
    spec = spec.replace("embed position -> slot", "embed 1000*position -> slot\nembed position -> place")
    spec = spec.replace(
        "subspace out", "subspace brought : scalar(0..5000)\nsubspace place : onehot(positions)\nsubspace out"
    )
    bring = BRING.replace("slot", "place") + "  copy key.n -> brought\nhead find"
    spec = spec.replace("head find", bring).replace("== query.n", "== query.brought")
    holds(spec, dtype="float64")


def test_rest_keys_need_the_square_of_the_query() -> None:
    spec = text(SHIFT="\n  rest key.digit == 5").replace("(0..5){1,6}", "5 (0..4){0,5}")
    assert refused(spec) == "E0511"
    holds(spec.replace("n     : scalar", "n     : quadratic").replace("query.n", "query.n + 1"))


def test_a_soft_head_has_these_scores() -> None:
    spec = text(SHIFT="strength 1/3").replace("head find", "head find soft")
    holds(spec)
    holds(spec.replace("strength", "when query.digit in {1, 3} strength"))


# ------------------------------------------------------------------ refusals


def test_what_heads_write_is_blurred() -> None:
    spec = text().replace("head find", BRING + "  copy key.slot -> slot2\nhead find")
    spec = spec.replace("subspace out", "subspace slot2 like slot\nsubspace out")
    assert refused(spec.replace("key.slot == query.n", "key.slot2 == query.n")) == "E0405"


def test_a_constant_direction_is_needed() -> None:
    spec = text().replace("subspace one   : constant\n", "")
    assert refused(spec) == "E0430"
    holds(spec.replace("tokens 0..5", "biases allowed\ntokens 0..5"))
