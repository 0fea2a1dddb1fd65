"""Encodings: their dimensions and components, and codes that tell their values apart."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from compiler.encodings import Code, Constant, Dims, Encoding, OneHot, Phase, Quadratic, ScalarValue
from compiler.resolution import resolve
from compiler.resolution.codes import choose_vectors, choose_words
from compiler.resolution.encoded import components_of, dimension_of, values_of
from dsl.diagnostics import SpecError
from dsl.expressions import Number
from dsl.parser import parse

ONES = tuple(Number(Fraction(1)) for _ in range(2))


@pytest.mark.parametrize(
    ("encoding", "components"),
    [
        (OneHot(("a", "<bos>"), ordered=False), ("a", "<bos>")),
        (OneHot((-1, 0, 3), ordered=True), ("-1", "0", "3")),
        (Phase(0, 9, 2, None, ONES), ("cos0", "sin0", "cos1", "sin1")),
        (ScalarValue(0, 9), ("value",)),
        (Quadratic(0, 9), ("value", "square")),
        (Code(("a", "b"), (ONES, ONES), 2), ("0", "1")),
        (Dims(3), ("0", "1", "2")),
        (Constant(), ("one",)),
    ],
)
def test_one_component_a_dimension(encoding: Encoding, components: tuple[str, ...]) -> None:
    assert components_of(encoding) == components
    assert dimension_of(encoding) == len(components)


def encoding(text: str, extra: str = "") -> Encoding:
    return resolve(parse(f"tokens a..e, 0..3\ncontext 20\n{extra}\nsubspace s : {text}\n")).subspace("s").encoding


def test_values() -> None:
    assert values_of(encoding("onehot(tokens)")) == tuple("abcde0123")
    assert values_of(encoding('onehot("a".."c")')) == ("a", "b", "c")
    assert values_of(encoding("onehot({4, 1, 6..7})")) == (4, 1, 6, 7)
    assert values_of(encoding("onehot(0..k - 1)", "param k = 3")) == (0, 1, 2)
    assert values_of(encoding("phase(positions)")) == range(20)
    assert values_of(encoding("scalar(-3..3)")) == range(-3, 4)
    assert values_of(encoding("dims(3)")) == ()


def test_phase_counts_its_pairs() -> None:
    for text, count in [
        ("phase(positions)", 4),
        ("phase(positions, 7)", 7),
        ("phase(0..9, frequencies = [2*pi/10])", 1),
        ("phase(0..9, magnitudes = [1, 2, 3])", 3),
        ("phase(0..9, frequencies = fourier)", 5),
    ]:
        phase = encoding(text)
        assert isinstance(phase, Phase) and phase.count == count == len(phase.magnitudes)
        assert phase.frequencies is None or len(phase.frequencies) == count


@pytest.mark.parametrize(("context", "count"), [(32, 4), (33, 8), (256, 8), (257, 16)])
def test_default_number_of_pairs_grows_with_the_context(context: int, count: int) -> None:
    phase = resolve(parse(f"tokens a\ncontext {context}\nsubspace s : phase(positions)\n")).subspace("s").encoding
    assert isinstance(phase, Phase) and phase.count == count and phase.frequencies is None


# ------------------------------------------------------------------ codes


def least_distance(words: list[int]) -> int:
    return min((a ^ b).bit_count() for a, b in itertools.combinations(words, 2))


@pytest.mark.parametrize("size", range(1, 8))
def test_every_possible_number_of_values_has_a_code(size: int) -> None:
    for count in range(2, 2**size + 1):
        words = choose_words(count, size)
        assert len(set(words)) == count and max(words) < 2**size


@pytest.mark.parametrize(
    ("count", "size", "distance"),
    [(8, 8, 4), (16, 8, 4), (4, 3, 2), (8, 7, 4), (2, 5, 5), (26, 16, 8), (64, 32, 16), (16, 7, 3)],
)
def test_codes_reach_the_distance_of_the_known_ones(count: int, size: int, distance: int) -> None:
    """Hadamard, even-weight, simplex, repetition, Reed-Muller and Hamming codes."""
    assert least_distance(choose_words(count, size)) >= distance


def test_a_thousand_tokens_in_32_dimensions() -> None:
    words = choose_words(1024, 32)
    assert least_distance(words) >= 8
    assert words == choose_words(1024, 32)


def test_vectors_have_equal_norm() -> None:
    vectors = choose_vectors(5, 6)
    assert all(entry.value in (1, -1) for v in vectors for entry in v if isinstance(entry, Number))
    assert len(vectors) == 5 and {len(v) for v in vectors} == {6}


def test_too_many_values_name_the_size_that_would_do() -> None:
    with pytest.raises(SpecError) as caught:
        choose_vectors(17, 4)
    (found,) = caught.value.diagnostics
    assert found.code == "E0305" and found.help is not None and "5 or more" in found.help


def test_given_vectors_are_compared_exactly() -> None:
    code = encoding('code({"a", "b"}, vectors = [[3/5, 4/5], [1, 0]])')
    assert isinstance(code, Code) and code.size == 2
    with pytest.raises(SpecError, match="E0306"):
        encoding('code({"a", "b"}, vectors = [[3/5, 4/5], [1.0000000000000000000001, 0]])')
