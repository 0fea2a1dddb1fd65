"""Equality of heads on everything reachable, held against patterns computed sequence by sequence."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.equivalence import is_bilinear, promised, reachable, same_family, same_move, same_pattern
from compiler.equivalence.pairs import pairs_together
from compiler.equivalence.temperature import factor_between, split_among
from compiler.exact import Angle, Matrix, Scalar
from compiler.pipeline import Weights, compile_program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse

STAGE = """
model stage
symbol alpha = 0.6
symbol lambda > 0 = 2
symbol beta > 0 = 0.5
tokens a..c
context 4
sequences {sequences}
subspace content : onehot(tokens)
subspace where : phase(positions, frequencies = [alpha], magnitudes = [lambda])
subspace spare : dims(2)
subspace before : onehot(tokens)
embed token -> content
embed position -> where
layer
  head previous
    attend key.where == query.where - 1
    copy key.content -> before
layer
  head induction soft
    attend key.before == query.content strength 1
expect head previous: key.position == query.position - 1
expect head induction: token[key.position - 1] == token[query.position]
"""
CONTENT, WHERE, SPARE, BEFORE = range(3), range(3, 5), range(5, 7), range(7, 10)
WIDTH = 10


def stage(sequences: str = "(a..c){1,4}") -> Weights:
    return compile_program(resolve(parse(STAGE.format(sequences=sequences)), {}))


@pytest.fixture(scope="module")
def weights() -> Weights:
    return stage()


def number(value: int | Fraction) -> Scalar:
    return Scalar.rational(value)


def circuit(entries: dict[tuple[int, int], Scalar | int]) -> Matrix:
    return Matrix(WIDTH, WIDTH, {p: e if isinstance(e, Scalar) else number(e) for p, e in entries.items()})


def brute_patterns(weights: Weights, qk: Matrix, factor: float) -> list[np.ndarray]:
    """Softmax patterns of a first-layer head on every string over the alphabet: from the embeddings by hand."""
    values = {"alpha": 0.6, "lambda": 2.0, "beta": 0.5}
    form = np.zeros((WIDTH, WIDTH))
    for i, j, entry in qk.nonzeros():
        form[i, j] = entry.to_float({name: Fraction(value) for name, value in values.items()})
    patterns = []
    for n in range(1, 5):
        for tokens in product(range(3), repeat=n):
            x = np.zeros((n, WIDTH))
            for p, t in enumerate(tokens):
                x[p, t] = 1
                x[p, 3:5] = 2 * np.cos(0.6 * p), 2 * np.sin(0.6 * p)
            scores = np.where(np.tri(n, dtype=bool), factor * (x @ form @ x.T), -np.inf)
            weights_ = np.exp(scores - scores.max(axis=1, keepdims=True))
            patterns.append(weights_ / weights_.sum(axis=1, keepdims=True))
    return patterns


def brute_same(weights: Weights, first: Matrix, second: Matrix, tau: float) -> bool:
    a, b = brute_patterns(weights, first, 1 / tau), brute_patterns(weights, second, 1.0)
    return all(np.allclose(x, y, atol=1e-9) for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------ what softmax cannot see


def test_a_head_is_the_same_as_itself_at_any_temperature(weights: Weights) -> None:
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    for factor in (number(3), number(Fraction(1, 7)), Scalar.symbol("beta"), Scalar.symbol("beta") * Scalar.sqrt(2)):
        found = same_pattern(scene, ours.scale(factor), ours)
        assert found.kind == "exact" and found.temperature == str(factor)
    assert not same_pattern(scene, -ours, ours)
    assert not same_pattern(scene, ours.scale(0), ours)


def test_terms_that_the_query_alone_decides_do_not_count(weights: Weights) -> None:
    """All coordinates of a one-hot add up to 1: such a key side is the same for every key."""
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    for row in (0, 3):
        shifted = ours + circuit({(row, k): 5 for k in CONTENT})
        assert same_pattern(scene, shifted, ours).kind == "exact"
        assert not same_pattern(scene, ours + circuit(dict.fromkeys([(row, 0), (row, 1)], 5)), ours)


def test_directions_that_nothing_reaches_do_not_count(weights: Weights) -> None:
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    noise = circuit({(SPARE[0], CONTENT[1]): 2, (BEFORE[1], WHERE[0]): 3, (WHERE[1], SPARE[1]): Scalar.symbol("beta")})
    assert same_pattern(scene, ours + noise, ours).kind == "exact"
    # one layer on, `before` is written, and does
    later = reachable(weights, weights.program.head("induction"))
    own = weights.head("induction").QK
    assert same_pattern(later, own + circuit({(SPARE[0], CONTENT[1]): 2}), own).kind == "exact"
    assert not same_pattern(later, own + circuit({(BEFORE[1], CONTENT[0]): 1}), own)


def test_turning_the_other_way_is_different(weights: Weights) -> None:
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    assert not same_pattern(scene, ours.T, ours)
    assert brute_same(weights, ours.scale(2), ours, 2.0)
    assert not brute_same(weights, ours.T, ours, 1.0)


def test_equality_holds_for_all_values_of_the_symbols_or_not_at_all(weights: Weights) -> None:
    """cos(alpha) replaced by its value is right at alpha = 0.6 only: refused with symbols free, near with values."""
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    at_point_six = ours.substitute({"alpha": Fraction(3, 5)})
    assert not same_pattern(scene, at_point_six, ours)
    near = same_pattern(scene, at_point_six, ours, weights.bindings)
    assert near.kind == "rounded" and near.distance < 1e-8


def test_rounded_numbers_are_told_from_wrong_ones(weights: Weights) -> None:
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").QK
    values = weights.bindings
    rounded = Matrix(
        WIDTH, WIDTH, {p: number(Fraction(float(np.float32(e.to_float(values))))) for p, e in ours.entries.items()}
    )
    near = same_pattern(scene, rounded, ours, values)
    assert near.kind == "rounded" and 0 < near.distance < 1e-4
    off = dict(rounded.entries)
    place = next(iter(off))
    off[place] = off[place] * Fraction(11, 10)
    far = same_pattern(scene, Matrix(WIDTH, WIDTH, off), ours, values)
    assert far.kind == "different" and far.distance > 1e-3


def test_the_bound_on_rounded_patterns_bounds_them(weights: Weights) -> None:
    scene = reachable(weights, weights.program.head("previous"))
    ours = weights.head("previous").QK.scale(Fraction(1, 30))  # nearly uniform: where a score matters most
    rng = Random(3)
    for _ in range(20):
        noise = circuit({(rng.randrange(5), rng.randrange(5)): number(Fraction(rng.randint(-9, 9), 4000))})
        found = same_pattern(scene, ours + noise, ours, weights.bindings)
        theirs = brute_patterns(weights, ours + noise, 1 / (found.factor or 1.0))
        distances = [
            0.5 * np.abs(a - b).sum(axis=1).max()
            for a, b in zip(theirs, brute_patterns(weights, ours, 1.0), strict=True)
        ]
        assert max(distances) <= found.distance + 1e-9


# ------------------------------------------------------------------ against patterns, sequence by sequence

ENTRIES = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from([1, -1, 2, Fraction(1, 2)]),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(entries=ENTRIES, base=st.sampled_from(["previous", "same", "none"]))
def test_one_more_entry_is_seen_exactly_when_some_sequence_shows_it(entries, base) -> None:
    weights = _shared()
    ours = {
        "previous": weights.head("previous").QK,
        "same": circuit({(i, i): 1 for i in CONTENT}),
        "none": circuit({}),
    }[base]
    answer = ours + circuit({place: number(value) for place, value in entries.items()})
    scene = reachable(weights, weights.program.head("previous"))
    found = same_pattern(scene, answer, ours)
    if found:
        assert brute_same(weights, answer, ours, found.factor or 1.0)
    else:
        assert not any(brute_same(weights, answer, ours, tau) for tau in (0.25, 0.5, 1.0, 1.5, 2.0, 3.0))


def _shared(cache: list[Weights] = []) -> Weights:  # noqa: B006  compiled once for all examples
    if not cache:
        cache.append(stage())
    return cache[0]


# ------------------------------------------------------------------ scenes


@pytest.mark.parametrize(
    "sequences", ["(a..c){1,4}", "a (b | c a)* c?", "(a b)+ | c{2,3}", "a? b? c?", "(a..c){4}", "a{1,4} | b c b"]
)
def test_pairs_are_those_of_some_valid_sequence(sequences: str) -> None:
    language = resolve(parse(STAGE.format(sequences=sequences)), {}).sequences
    expected = set()
    for length in language.lengths():
        for row in language.enumerate(length).tolist():
            expected |= {((row[q], q), (row[k], k)) for q in range(length) for k in range(q)}
    assert set(pairs_together(language)) == expected


def test_later_heads_see_what_earlier_ones_bring() -> None:
    """After a previous-token head a key is (token, position, token before), at position 0 its own token."""
    weights = stage("a b (a | c) b")
    scene = reachable(weights, weights.program.head("induction"))
    shown = {tuple(sorted((path[0] if path else "", column) for (path, column), _ in state)) for state in scene.states}
    a, b, c, at = 0, 1, 2, 3
    expected = {
        (("", a), ("", at), ("previous", a), ("previous", at)),
        (("", b), ("", at + 1), ("previous", a), ("previous", at)),
        (("", a), ("", at + 2), ("previous", b), ("previous", at + 1)),
        (("", c), ("", at + 2), ("previous", b), ("previous", at + 1)),
        (("", b), ("", at + 3), ("previous", a), ("previous", at + 2)),
        (("", b), ("", at + 3), ("previous", c), ("previous", at + 2)),
    }
    assert shown == expected


def test_where_an_earlier_head_has_nothing_to_find_it_may_look_anywhere() -> None:
    text = STAGE.format(sequences="a b c").replace(
        "attend key.where == query.where - 1", "attend key.where == query.where - 2"
    )
    text = text.replace("key.position == query.position - 1", "key.position == query.position - 2")
    weights = compile_program(resolve(parse(text), {}))
    scene = reachable(weights, weights.program.head("induction"))
    brought = [
        {column for (path, column), _ in state if path and column < 3}
        for state in scene.states
        if any(not path and column == 4 for (path, column), _ in state)  # position 1
    ]
    assert sorted(map(sorted, brought)) == [[0], [1]]


def test_too_much_to_decide_is_refused() -> None:
    text = STAGE.format(sequences="tokens{1,12}").replace("context 4", "context 12")
    weights = compile_program(resolve(parse(text), {}))
    reachable(weights, weights.program.head("previous"))
    with pytest.raises(SpecError, match="E0780"):
        reachable(weights, weights.program.head("induction"))


def test_scores_under_rotary_positions_are_no_bilinear_form() -> None:
    assert is_bilinear(_shared().program)
    text = "tokens a, b\ncontext 3\npositions rotary(base = 100, dims = 2, layout = half)\nbiases allowed\n"
    assert not is_bilinear(resolve(parse(text), {}))


def test_each_head_is_judged_in_its_own_stream(weights: Weights) -> None:
    """Who writes a and b the other way round has to read them so."""
    induction, ours = weights.program.head("induction"), weights.head("induction").QK
    swapped = {(7, 1): 1, (8, 0): 1, (9, 2): 1}
    scene = reachable(weights, induction, {"previous": circuit(swapped)})
    assert not same_pattern(scene, ours, ours)
    by_swap = Matrix(WIDTH, WIDTH, {(i, 8 if j == 7 else 7 if j == 8 else j): e for (i, j), e in ours.entries.items()})
    assert same_pattern(scene, by_swap, ours).kind == "exact"


# ------------------------------------------------------------------ moves


def test_moves_are_compared_on_what_keys_can_hold(weights: Weights) -> None:
    scene, ours = reachable(weights, weights.program.head("previous")), weights.head("previous").OV
    assert same_move(scene, ours, ours).kind == "exact"
    assert same_move(scene, ours + circuit({(7, SPARE[0]): 1}), ours).kind == "exact"
    assert not same_move(scene, ours + circuit({(7, CONTENT[0]): 1}), ours)
    assert not same_move(scene, ours.scale(2), ours)
    # a constant written by way of the one-hot and taken away again by the same way is no difference
    assert same_move(scene, ours + circuit({(8, 0): 1, (8, 1): 1, (8, 2): 1}), ours).kind == "different"
    near = ours + circuit({(7, 0): number(Fraction(1, 10**7))})
    assert not same_move(scene, near, ours)
    assert same_move(scene, near, ours, {}).kind == "rounded"


# ------------------------------------------------------------------ factors

SCALARS = st.sampled_from(
    [
        number(2),
        number(Fraction(-1, 3)),
        Scalar.symbol("beta"),
        Scalar.cos(Angle.symbol("alpha")),
        Scalar.symbol("beta") + number(1),
        Scalar.sqrt(2) - Scalar.cos(Angle.symbol("alpha")),
    ]
)


@given(values=st.lists(SCALARS, min_size=1, max_size=4), factor=st.sampled_from([2, Fraction(1, 3)]))
def test_a_common_factor_is_found(values: list[Scalar], factor: int | Fraction) -> None:
    for tau in (number(factor), Scalar.symbol("beta") * factor, Scalar.symbol("beta") + number(1)):
        found = factor_between([(value * tau, value) for value in values])
        assert found is not None
        at = {"beta": Fraction(1, 2), "alpha": Fraction(1, 3)}
        if found.value is not None:
            assert found.value == pytest.approx(tau.to_float(at))
        assert factor_between([(-(value * tau), value) for value in values]) is None


@given(values=st.lists(SCALARS, min_size=2, max_size=4, unique=True))
def test_no_common_factor_is_found_where_there_is_none(values: list[Scalar]) -> None:
    pairs = [(value * (i + 1), value) for i, value in enumerate(values)]
    assert factor_between(pairs) is None
    assert all(factor_between([a, (b[0], b[1] * 2)]) is None for a, b in pairwise([(v, v) for v in values]))


def test_a_family_is_a_sum_with_strengths_of_its_own(weights: Weights) -> None:
    scene = reachable(weights, weights.program.head("previous"))
    same = circuit({(i, i): 1 for i in CONTENT})
    here = circuit({(i, i): -1 for i in WHERE})
    beta = Scalar.symbol("beta")
    terms = [(same, number(1)), (here, beta)]
    free = frozenset({"beta"})
    assert same_family(scene, same.scale(3) + here.scale(beta * 2), terms, free).kind == "exact"
    assert not same_family(scene, same + here.scale(2), terms, free), "one member of the family may be too sharp"
    assert not same_family(scene, same - here.scale(beta), terms, free)
    assert not same_family(scene, same.scale(beta), terms, free)
    assert not same_family(scene, same + here.scale(beta) + circuit({(0, 1): 1}), terms, free)


def test_strengths_are_read_off_one_after_the_other() -> None:
    one, two, beta = number(1), number(2), Scalar.symbol("beta")
    assert split_among([(two, one, number(0)), (two + beta, one, one)]) == [two, beta]
    assert split_among([(two, one, number(0)), (two - beta, one, one)]) is None
    assert split_among([(two, one, one), (two, one, one)]) is None, "cannot be told apart"


def test_promises_come_from_expect_lines_first() -> None:
    program = _shared().program
    tokens = np.array([[0, 1, 0, 1]])
    support, speaks = promised(program, program.head("induction"), tokens)
    assert support[0, 3].tolist() == [False, False, True, False]
    assert speaks[0].tolist() == [False, False, True, True]
