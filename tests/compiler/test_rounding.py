"""What rounding moves lines of neurons by: the bound holds in any order, comes near what happens, and is carried on."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import headspec
from backends.lowering import LoweredMlp
from compiler.encodings import Constant
from compiler.program import Program
from compiler.sharpness.rounding import LineRounding, gamma, sum_error
from tests.compiler.test_shares import larger

F32, F16 = Fraction(1, 2**24), Fraction(1, 2**11)


def roundings(text: str, **options: str) -> dict[str, LineRounding]:
    found = headspec.compile(text, **options).weights.strengths.roundings  # type: ignore[arg-type]
    return {r.line.compute.target: r for r in found}


# ------------------------------------------------------------------ sums


def test_gamma_is_what_higham_says() -> None:
    assert gamma(1, Fraction(1, 4)) == Fraction(1, 3)
    assert gamma(10, F32) == Fraction(10, 2**24 - 10)
    with pytest.raises(OverflowError):
        gamma(2**11, F16)


@pytest.mark.parametrize("count", [2, 10, 300])
def test_a_sum_whose_roundings_all_go_up_comes_near_its_bound(count: int) -> None:
    """1 + (u + a little) + .. in float16: every sum is half way to the next number and a bit, and goes up."""
    terms = [np.float16(1), *[np.float16(F16 * Fraction(17, 16))] * (count - 1)]
    total = terms[0]
    for term in terms[1:]:
        total = np.float16(total + term)
    exact = sum(map(as_fraction, terms), Fraction(0))
    error, bound = abs(as_fraction(total) - exact), sum_error(count, exact, F16)
    assert bound / 4 <= error <= bound


def as_fraction(number: np.floating) -> Fraction:
    return Fraction(float(number))


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_a_sum_exceeds_its_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = (rng.normal(size=60) * 10.0 ** rng.integers(-3, 3, size=60)).astype(np.float16)
    exact = sum(map(as_fraction, terms), Fraction(0))
    size = sum((abs(as_fraction(term)) for term in terms), Fraction(0))
    for order in (np.sort(terms), np.sort(terms)[::-1], rng.permutation(terms)):
        assert abs(as_fraction(added(order)) - exact) <= sum_error(60, size, F16)


def added(terms: np.ndarray) -> np.floating:
    """One after the other, each sum rounded."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total  # type: ignore[no-any-return]


# ------------------------------------------------------------------ lines, as floats compute them


def worst_found(text: str, target: str, samples: int = 400) -> float:
    """The most that the neurons of a line that reads one number are seen to be off by in float32, in three orders."""
    model = headspec.compile(text)
    program = model.lowered.program
    compute = next(line for line in program.computes if line.target == target)
    mlp = model.lowered.mlp(compute.layer)
    assert mlp is not None
    source, place = program.subspace("value"), program.subspace(target).coordinates[0]
    column, most = source.coordinates[0], source.encoding.high  # type: ignore[union-attr]
    weights, biases, out = mlp.W_in[:, column], mlp.b_in, mlp.W_out[place]
    rng, worst = np.random.default_rng(0), 0.0
    for number in rng.integers(0, most + 1, size=samples):
        s = np.float32(number + rng.normal() * 1e-3)  # nearly whole, as shares leave it
        neurons = np.maximum(weights.astype(np.float32) * s + constants(mlp, program, biases), np.float32(0))
        terms = (out.astype(np.float32) * neurons)[(out != 0) & (neurons != 0)]
        exact_neurons = np.maximum(weights * float(s) + constants(mlp, program, biases).astype(np.float64), 0.0)
        exact = math.fsum(out * exact_neurons)
        for order in (terms, np.sort(terms), np.sort(terms)[::-1]):
            worst = max(worst, abs(float(added(np.append(order, np.float32(0)))) - exact))
    return worst


def constants(mlp: LoweredMlp, program: Program, biases: np.ndarray) -> np.ndarray:
    """b_in, or what is read of the direction that is always 1."""
    found = biases.copy()
    for subspace in program.subspaces:
        if isinstance(subspace.encoding, Constant):
            found = found + mlp.W_in[:, subspace.coordinates[0]]
    return found.astype(np.float32)


def shared(line: str) -> str:
    """The library's number, in one head with shares, and what a line makes of it as a number."""
    text = larger(200, 999, line, " d_head 4").replace("out   : onehot(0..6)", "out : scalar(0..9)")
    return text.replace("tokens 0..9", "biases allowed\ntokens 0..9", 1)


def bounded(text: str) -> float:
    [found] = roundings(text).values()
    assert found.proved is not None and found.carried is not None
    return float(found.proved - found.carried)


@pytest.mark.parametrize("line", ["min(value // 2, 9)", "min(value mod 100, 9)", "value mod 10"])
def test_no_order_of_the_sums_of_a_line_exceeds_the_bound(line: str) -> None:
    assert 0 < worst_found(shared(line), "out", 100) <= bounded(shared(line))


def test_the_bound_of_a_line_is_within_an_order_of_magnitude() -> None:
    """Sixteen neurons, what is added first and then what is taken off: off by a third of the bound."""
    text = shared("min(value mod 100, 9)")
    assert bounded(text) / 10 <= worst_found(text, "out") <= bounded(text)


def test_many_neurons_are_expected_to_hold_and_it_is_not_proved() -> None:
    [found] = roundings(shared("value mod 7")).values()
    assert found.expected < Fraction(1, 4) and not found.certified
    assert "not proved" in str(found)
    assert headspec.verify(headspec.compile(shared("value mod 7")), exhaustive=True, device="cpu").holds


def test_what_is_whole_rounds_nothing() -> None:
    text = """\
tokens 0..9, "="
layout a b "="
sequences (0..9){2} "="
biases allowed
subspace digit : scalar(0..9)
subspace twice : scalar(0..18)
subspace out   : scalar(0..9)
embed token -> digit
compute twice = 2 * digit
compute out = twice mod 7
predict out
"""
    found = roundings(text)
    assert all(r.proved == r.expected == 0 and r.certified for r in found.values()) and len(found) == 2


# ------------------------------------------------------------------ from line to line


CODED = """\
tokens 0..9, "="
layout a b "="
sequences (0..9){{2}} "="
biases allowed
dtype float16
subspace digit : code(0..9, 6)
subspace less  : scalar(0..6)
subspace far   : scalar(0..{most})
embed token -> digit
compute less = digit*digit mod 7
compute far = {factor}*less
predict far
"""


def chained(factor: int) -> str:
    """What is read of a code is rounded, and then multiplied."""
    return CODED.format(factor=factor, most=6 * factor)


def test_a_line_passes_on_what_it_is_off_by() -> None:
    one, ten = roundings(chained(1)), roundings(chained(10))
    assert one["less"].proved and one["far"].carried == one["less"].proved
    assert ten["far"].carried == 10 * one["less"].proved
    assert ten["far"].expected == 10 * one["far"].expected > 0


def test_lines_that_hold_alone_are_not_certified_together() -> None:
    """Each line by itself is as good as exact: a 600th of a step, times 200."""
    found = roundings(chained(200))
    assert found["less"].certified and not found["far"].certified
    assert "not proved" in str(found["far"]) and "(proved" in str(found["less"])


def test_what_is_proved_of_multiplication() -> None:
    """The worst order of any sum loses no digit of 2 x 2; of 14 x 14 that is expected, and not proved."""
    small = headspec.compile("systems/multiplication/cache", settings={"n": 2}).weights.strengths.roundings
    large = headspec.compile("systems/multiplication/cache", settings={"n": 14}).weights.strengths.roundings
    assert all(r.certified for r in small)
    assert [r.line.compute.target for r in large if not r.certified] == ["digit"]
    assert max(r.expected for r in large) < Fraction(1, 4)
