"""The valid sequences: counts, membership and samples against lists made by hand or by brute force."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.inputs.sequences import Alt, Cat, Pattern, Policy, Rep, SequenceLanguage, Tok

ABC = ("a", "b", "c")


def tok(letters: str) -> Tok:
    return Tok(frozenset(letters))


def language(pattern: Pattern, context: int = 4, tokens: tuple[str, ...] = ABC) -> SequenceLanguage:
    return SequenceLanguage.from_pattern(pattern, tokens, context)


def words(lang: SequenceLanguage, length: int) -> list[str]:
    return ["".join(lang.tokens[i] for i in row) for row in lang.enumerate(length)]


def test_everything_is_every_non_empty_string():
    lang = SequenceLanguage.everything(("a", "b"), 3)
    assert lang.lengths() == (1, 2, 3)
    assert (lang.shortest, lang.longest) == (1, 3)
    assert lang.count() == 2 + 4 + 8
    assert lang.count(2) == 4
    assert lang.count(0) == lang.count(9) == 0
    assert words(lang, 2) == ["aa", "ab", "ba", "bb"]
    assert not lang.accepts([])
    assert not lang.accepts([0, 0, 0, 0])
    assert not lang.accepts([0, 2])


def test_a_leading_token_stands_at_position_zero_only():
    lang = language(Cat((tok("c"), Rep(tok("ab"), 1, 3))))
    assert lang.lengths() == (2, 3, 4)
    assert lang.positions_of("c") == frozenset({0})
    assert lang.positions_of("a") == frozenset({1, 2, 3})
    assert lang.positions_of("z") == frozenset()
    assert lang.tokens_at(0) == frozenset("c")
    assert lang.tokens_at(3) == frozenset("ab")
    assert lang.tokens_at(4) == frozenset()


def test_the_context_limits_what_can_stand_where():
    # a* c within 3 tokens: an `a` at position 2 would leave no room for the `c`.
    lang = language(Cat((Rep(tok("a"), 0, None), tok("c"))), context=3)
    assert lang.lengths() == (1, 2, 3)
    assert lang.positions_of("a") == frozenset({0, 1})
    assert lang.tokens_at(2) == frozenset("c")
    assert lang.count() == 3


def test_choices_and_optional_parts():
    lang = language(Cat((Alt((tok("a"), Cat((tok("b"), tok("b"))))), Rep(tok("c"), 0, 1))))
    assert [words(lang, n) for n in (1, 2, 3)] == [["a"], ["ac", "bb"], ["bbc"]]
    assert lang.count() == 4


def test_ambiguous_patterns_count_each_sequence_once():
    lang = language(Cat((Rep(tok("ab"), 0, None), tok("a"), Rep(tok("ab"), 0, None))))
    assert lang.count(2) == 3
    assert lang.count(3) == 7


def test_repeats_of_what_may_be_empty_end():
    lang = language(Rep(Rep(tok("a"), 0, 1), 2, 3))
    assert lang.lengths() == (1, 2, 3)
    assert lang.count() == 3


@pytest.mark.parametrize(
    "pattern",
    [Rep(tok("a"), 5, None), Cat(()), Alt(()), Rep(tok("a"), 0, 0), Tok(frozenset()), Rep(tok("a"), 3, 2)],
)
def test_no_sequence_is_an_error(pattern: Pattern):
    with pytest.raises(ValueError, match="no sequence"):
        language(pattern)


def test_a_pattern_may_only_speak_of_tokens():
    with pytest.raises(ValueError, match="not a token"):
        language(tok("z"))


def test_a_pattern_that_grows_too_large_is_refused():
    nested = Rep(Rep(Rep(tok("a"), 1, 200), 1, 200), 1, 200)
    with pytest.raises(ValueError, match="more than"):
        language(nested, context=20_000)


def test_counts_are_exact_at_long_contexts():
    letters = tuple("abcdefghijklmnopqrstuvwxyz")
    pattern = Cat((tok("<"), Rep(Tok(frozenset(letters)), 1, 2047)))
    lang = language(pattern, 2048, (*letters, "<"))
    assert lang.count() == sum(26**k for k in range(1, 2048))
    assert len(lang.positions_of("q")) == 2047
    rows = lang.sample(np.random.default_rng(0), 2048, 8)
    assert lang.accepts_all(rows).all()


@pytest.mark.parametrize("policy", ["random", "equal", "repeats", "distinct"])
def test_samples_are_valid_and_reproducible(policy: Policy):
    lang = language(Cat((tok("c"), Rep(tok("ab"), 1, 9), Alt((tok("a"), tok("c"))))), 9)
    rows = lang.sample(np.random.default_rng(5), 7, 200, policy)
    assert rows.shape == (200, 7)
    assert lang.accepts_all(rows).all()
    assert (rows == lang.sample(np.random.default_rng(5), 7, 200, policy)).all()


def test_policies_do_what_they_say():
    lang = SequenceLanguage.everything(tuple("abcdefgh"), 8)
    rng = np.random.default_rng(1)
    distinct = [len(set(row)) for row in lang.sample(rng, 8, 50, "distinct").tolist()]
    equal = [len(set(row)) for row in lang.sample(rng, 8, 50, "equal").tolist()]
    repeats = [len(set(row)) for row in lang.sample(rng, 8, 50, "repeats").tolist()]
    assert set(distinct) == {8}
    assert set(equal) == {1}
    assert sum(repeats) / 50 < 4


def test_random_samples_are_uniform_over_sequences_not_over_steps():
    # Of length 3: `a` then two of {a,b,c}: 9 sequences; `b b b`: one.  A coin at the first step would give bbb half.
    lang = language(Alt((Cat((tok("a"), tok("abc"), tok("abc"))), Cat((tok("b"),) * 3))))
    rows = lang.sample(np.random.default_rng(0), 3, 20_000)
    share = (rows[:, 0] == 1).mean()
    assert abs(share - 0.1) < 0.01


def test_a_length_that_does_not_occur_cannot_be_sampled():
    lang = language(tok("a"))
    with pytest.raises(ValueError, match="length 3"):
        lang.sample(np.random.default_rng(0), 3, 1)
    assert lang.enumerate(3).shape == (0, 3)


def test_too_many_to_list_is_refused():
    with pytest.raises(ValueError, match="too many"):
        SequenceLanguage.everything(ABC, 40).enumerate(40)


def test_equality_and_hash_are_those_of_the_pattern():
    one, two = SequenceLanguage.everything(ABC, 3), SequenceLanguage.everything(ABC, 3)
    assert one == two
    assert hash(one) == hash(two)
    assert one != SequenceLanguage.everything(ABC, 4)


# ------------------------------------------------------------------ against Python's regular expressions


def as_regex(pattern: Pattern) -> str:
    match pattern:
        case Tok(tokens):
            return "[" + "".join(sorted(tokens)) + "]"
        case Cat(parts):
            return "".join(f"(?:{as_regex(p)})" for p in parts)
        case Alt(options):
            return "(?:" + "|".join(as_regex(o) for o in options) + ")"
        case Rep(body, low, high):
            return f"(?:{as_regex(body)}){{{low},{'' if high is None else high}}}"


patterns = st.recursive(
    st.sets(st.sampled_from("abc"), min_size=1).map(lambda s: Tok(frozenset(s))),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda ps: Cat(tuple(ps))),
        st.lists(inner, min_size=1, max_size=3).map(lambda ps: Alt(tuple(ps))),
        st.tuples(inner, st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2))).map(
            lambda t: Rep(t[0], t[1], None if t[2] is None else t[1] + t[2])
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(patterns)
def test_the_automaton_agrees_with_a_regular_expression(pattern: Pattern):
    regex = re.compile(as_regex(pattern))
    expected = {
        n: ["".join(w) for w in itertools.product("abc", repeat=n) if regex.fullmatch("".join(w))] for n in range(1, 5)
    }
    if not any(expected.values()):
        with pytest.raises(ValueError, match="no sequence"):
            language(pattern)
        return
    lang = language(pattern)
    assert lang.lengths() == tuple(n for n, found in expected.items() if found)
    for n, found in expected.items():
        assert words(lang, n) == found
        assert lang.count(n) == len(found)
    everything = [w for found in expected.values() for w in found]
    for token in "abc":
        assert lang.positions_of(token) == {p for w in everything for p, t in enumerate(w) if t == token}
    for p in range(4):
        assert lang.tokens_at(p) == {w[p] for w in everything if p < len(w)}
