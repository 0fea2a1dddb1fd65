"""``key.A in {1, 2}`` over phases and codes: what is accepted holds, on every sequence."""

from __future__ import annotations

import numpy as np
import pytest

import headspec
from compiler.sharpness.several import kernel_of_several
from dsl.diagnostics import SpecError

SPEC = """\
model several
tokens 0..5
context 4
subspace held   : ENCODING
subspace one    : constant
subspace letter : onehot(0..5)
subspace out like letter
embed token -> held
embed token -> letter
head find
  LINE
  copy key.letter -> out
"""
CORNERS = "[[2, 0], [1, sqrt(3)], [-1, sqrt(3)], [-2, 0], [-1, -sqrt(3)], [1, -sqrt(3)]]"
HEXAGON = f"code(0..5, 2, vectors = {CORNERS})"


def spec(encoding: str, line: str) -> str:
    return SPEC.replace("ENCODING", encoding).replace("LINE", line)


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("phase(0..3, 4)", "attend key.held in {1, 2}"),
        ("phase(0..3, 4)", "attend key.held in {0, 3}"),
        ("phase(0..5, frequencies = [1, 2])", "attend key.held in {2, 3}"),
        ("code(0..3, 4)", "attend key.held in {0, 3}"),
        (HEXAGON, "attend key.held in {0, 1}"),
    ],
)
def test_what_is_accepted_holds(encoding: str, line: str) -> None:
    """Tokens that the subspace does not hold show nothing, and score 0; the bound for one value did not see them."""
    result = headspec.verify(headspec.compile(spec(encoding, line)), exhaustive=True, device="cpu")
    assert result.holds and result.heads[0].checked > 1000


def test_values_that_are_in_the_way_are_refused() -> None:
    """The sum of opposite corners is zero, and finds nothing."""
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(spec(HEXAGON, "attend key.held in {0, 3}")).weights
    assert caught.value.diagnostics[0].code == "E0505"


def test_the_kernel_by_hand() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])
    found = kernel_of_several(vectors, np.array([True, True, False]), noise=0.0, full=True, roundoff=2.0**-24)
    assert found.fit_low == pytest.approx(1) and found.fit_high == pytest.approx(4)
    assert found.miss_high == pytest.approx(1) and not found.flat
    empty = kernel_of_several(-vectors, np.array([False, False, True]), noise=0.0, full=False, roundoff=2.0**-24)
    assert (empty.fit_low, empty.miss_high) == (pytest.approx(2), pytest.approx(2))
    blurred = kernel_of_several(vectors, np.array([True, False, False]), noise=0.1, full=False, roundoff=2.0**-24)
    assert blurred.gap == pytest.approx(1 - 0 - 2 * 2 * 0.1 * 4)
