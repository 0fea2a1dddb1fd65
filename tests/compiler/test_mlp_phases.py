"""Sums of phases by neurons: what they give for every pair, and how far that is from exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import headspec
from compiler.encodings import Phase
from compiler.exact import Matrix
from compiler.mlp.building import build_mlps, realise_computes
from compiler.mlp.lines import Line
from compiler.mlp.phases import PhaseProduct, aliasing
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from compiler.reference.numbers import Codec, Numbers
from compiler.resolution import resolve
from compiler.resolution.circles import period_of
from dsl.diagnostics import SpecError
from dsl.parser import parse

Floats = npt.NDArray[np.float64]
FREQUENCIES = (1.0, 1 / 3, 0.7)
SPEC = """\
model sums
tokens a, b
context 12
subspace seen : onehot(tokens)
subspace here : phase(positions, frequencies = [1, 1/3, 7/10], magnitudes = [2, 1, 1])
subspace there like here
subspace sum : phase(0..22, frequencies = [1, 1/3, 7/10], magnitudes = [1, 1, 3])
subspace one : constant
embed token -> seen
embed position -> here
layer
  head any
    attend key.seen == query.seen
    copy key.here -> there
  compute sum = EXPRESSION
"""


def made(expression: str) -> tuple[Program, Line, MlpWeights]:
    text = SPEC.replace("EXPRESSION", expression).replace("0..22", "-11..24")
    program = resolve(parse(text))
    lines = realise_computes(program)
    return program, lines[0], build_mlps(program, lines)[0]


def dense(matrix: Matrix) -> Floats:
    found = np.zeros(matrix.shape)
    for (i, j), entry in matrix.entries.items():
        found[i, j] = entry.to_float()
    return found


def shown(program: Program, mlp: MlpWeights, here: int, there: int) -> Floats:
    """What is written into ``sum``, (cos, sin) by frequency, over the magnitudes of ``sum``."""
    x = np.zeros(program.width)
    for name, value in (("here", here), ("there", there)):
        for j, frequency in enumerate(FREQUENCIES):
            size = (2.0, 1.0, 1.0)[j]
            places = program.subspace(name).coordinates[2 * j : 2 * j + 2]
            x[list(places)] = size * np.cos(frequency * value), size * np.sin(frequency * value)
    x[program.subspace("one").coordinates[0]] = 1
    hidden = np.maximum(dense(mlp.W_in) @ x + dense(mlp.b_in)[:, 0], 0)
    out = dense(mlp.W_out) @ hidden
    found = out[list(program.subspace("sum").coordinates)].reshape(3, 2)
    return np.asarray(found / np.array([1.0, 1.0, 3.0])[:, None])


PAIRS = [(a, b) for a in range(12) for b in range(12)]


@pytest.mark.parametrize(
    ("expression", "value", "half"),
    [
        ("here + there", lambda a, b: a + b, lambda a, b: a - b),
        ("here - there", lambda a, b: a - b, lambda a, b: a + b),
        ("there - here + 2", lambda a, b: b - a + 2, lambda a, b: a + b),
    ],
)
def test_a_sum_is_scaled_by_the_cosine_of_half_a_difference(expression, value, half) -> None:  # type: ignore[no-untyped-def]
    program, line, mlp = made(expression)
    assert line.product is not None and mlp.W_in.rows % 3 == 0
    assert mlp.b_in.is_zero() and mlp.b_out.is_zero()
    off = line.product.aliasing
    assert 0 < off < 0.15
    for a, b in PAIRS:
        for j, frequency in enumerate(FREQUENCIES):
            angle, gain = frequency * value(a, b), abs(np.cos(frequency * half(a, b) / 2))
            wanted = gain * np.array([np.cos(angle), np.sin(angle)])
            assert np.linalg.norm(shown(program, mlp, a, b)[j] - wanted) <= gain * off + 1e-12


def test_one_phase_is_passed_on_exactly() -> None:
    for expression, sign, shift in (("here + 3", 1, 3), ("5 - here", -1, 5), ("-here", -1, 0)):
        program, line, mlp = made(expression)
        assert line.product is None and mlp.W_in.rows == 12
        for a in range(12):
            angles = np.array(FREQUENCIES) * (sign * a + shift)
            assert np.allclose(shown(program, mlp, a, 0), np.stack([np.cos(angles), np.sin(angles)], axis=1))


def test_margins_are_lower_bounds_for_every_pair() -> None:
    program, line, mlp = made("here + there")
    assert line.product is not None
    weights, reach = np.array([1.0, 1.0, 3.0]), 30
    bounds = line.product.margins(np.array(FREQUENCIES), weights, reach)
    offsets = np.arange(1, reach + 1)
    for a, b in PAIRS:
        y = shown(program, mlp, a, b)
        keys = a + b + np.concatenate([[0], offsets, -offsets])
        angles = np.outer(keys, FREQUENCIES)
        scores = (weights * (np.cos(angles) * y[:, 0] + np.sin(angles) * y[:, 1])).sum(axis=1)
        later, earlier = scores[0] - scores[1 : reach + 1], scores[0] - scores[reach + 1 :]
        assert (np.minimum(later, earlier) >= bounds[1:] - 1e-12).all()
        low, high = line.product.gains(np.array(FREQUENCIES), weights)
        assert low - 1e-12 <= scores[0] <= high + 1e-12
        assert np.concatenate([scores[1:]]).max() <= line.product.highest(np.array(FREQUENCIES), weights, reach) + 1e-9


def test_harmonics_fall_with_the_number_of_neurons() -> None:
    found = [aliasing(count) for count in (5, 7, 9, 15)]
    assert found == sorted(found, reverse=True)
    for count in (5, 7, 9):
        psi = np.linspace(0, 2 * np.pi, 10_001)
        phi = 2 * np.pi * np.arange(count) / count
        hidden = np.maximum(np.cos(psi[:, None] + phi), 0) * 3 * np.pi / count
        written = np.stack([hidden @ np.cos(2 * phi), -hidden @ np.sin(2 * phi)], axis=1)
        error = written - np.stack([np.cos(2 * psi), np.sin(2 * psi)], axis=1)
        assert np.linalg.norm(error, axis=1).max() <= aliasing(count) + 1e-12


def test_a_margin_counts_every_difference() -> None:
    one = PhaseProduct((0, 3), 0.0)
    frequencies, weights = np.array([1.0, 0.3]), np.array([1.0, 1.0])
    brute = [
        min(
            sum(abs(np.cos(f * d / 2)) * (1 - np.cos(f * x)) for f in frequencies) for d in range(4)
        )
        for x in range(1, 6)
    ]  # fmt: skip
    assert np.allclose(one.margins(frequencies, weights, 5)[1:], brute)


OTHERWISE = {
    "subspace there like here": "subspace there : phase(positions, frequencies = [1, 1/3, 1/2])",
    "    copy key.here -> there\n": "",
    "layer\n": "embed position -> there\nlayer\n",
}


@pytest.mark.parametrize(
    ("expression", "change", "code"),
    [
        ("here + there + here", {}, "E0523"),
        ("here + there", OTHERWISE, "E0523"),
        ("here + seen", {"onehot(tokens)": "onehot(0..1)", "tokens a, b": "tokens 0, 1"}, "E0522"),
        ("2 * here", {}, "E0522"),
        ("if here == 3 then here else there", {}, "E0522"),
    ],
)
def test_other_sums_are_refused(expression: str, change: dict[str, str], code: str) -> None:
    text = SPEC.replace("EXPRESSION", expression).replace("0..22", "-11..50")
    for old, new in change.items():
        text = text.replace(old, new)
    with pytest.raises(SpecError) as caught:
        realise_computes(resolve(parse(text)))
    assert {d.code for d in caught.value.diagnostics} == {code}


# ---------------------------------------------------------------------- what a phase holds


ROUND = """\
model round
tokens 0..9
context 3
subspace a     : phase(0..9, OPTIONS)
subspace slot  : onehot(positions)
subspace b like a
subspace sum   : phase(RANGE, OPTIONS)
subspace equal : onehot(0..9)
subspace one   : constant
embed token    -> a
embed token    -> equal
embed position -> slot
layer
  head first
    attend key.slot == 0
    copy   key.a -> b
  compute sum = a + b
predict sum
"""


def rounded(options: str, values: str = "0..9") -> str:
    return ROUND.replace("OPTIONS", options).replace("RANGE", values)


@pytest.mark.parametrize("options", ["4, period = 10", "frequencies = [pi/5, 2*pi/5, 3*pi/5, 4*pi/5, pi]"])
def test_a_circle_holds_what_is_whole_turns_away(options: str) -> None:
    model = headspec.compile(rounded(options))
    report = headspec.verify(model, device="cpu", exhaustive=True)
    assert report.holds and report.outputs.undetermined == 0
    assert model.run("7 0 8").prediction == "5"


@pytest.mark.parametrize(
    ("options", "beyond"),
    [
        ("frequencies = [1, 1/10]", 10),  # no period
        ("frequencies = [1, 2*pi/5]", 10),
        ("frequencies = fourier", 10),  # a circle of 11, and 10 is none of 0..9
        ("frequencies = [1], period = 13", 10),
    ],
)
def test_a_sum_that_the_phase_does_not_hold_is_refused(options: str, beyond: int) -> None:
    with pytest.raises(SpecError) as found:
        resolve(parse(rounded(options)))
    [diagnostic] = found.value.diagnostics
    assert diagnostic.code == "E0480" and f"the value can be {beyond}" in diagnostic.message
    wide = rounded(options, "0..18") if "fourier" not in options else None
    assert wide is None or resolve(parse(wide)).computes


@pytest.mark.parametrize(
    ("frequencies", "period"),
    [
        (("pi/4",), 8),
        (("2*pi/5", "pi/3"), 30),
        (("-(2*pi/6)",), 6),
        (("(1 + 1)*pi/7 - pi/7",), 14),
        (("1",), None),
        (("1 + pi",), None),
        (("pi*pi",), None),
        (("sqrt(2)*pi",), None),
        (("2*pi/99",), None),  # longer than twice the range
    ],
)
def test_after_how_many_values_a_phase_closes(frequencies: tuple[str, ...], period: int | None) -> None:
    """Against the reference's own way to find it, in floats."""
    options = f"frequencies = [{', '.join(frequencies)}]"
    program = resolve(
        parse(f"model m\ntokens a\ncontext 20\nsubspace p : phase(positions, {options})\nembed position -> p\n")
    )
    encoding = program.subspace("p").encoding
    assert isinstance(encoding, Phase)
    assert period_of(encoding) == period == Numbers(Codec(), {}).period(encoding)
