"""Repeats of one length: the union of shapes, against one automaton for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.inputs.repeats import RepeatedLanguage, repeated_language
from compiler.inputs.sequences import Alt, Cat, Pattern, Policy, Rep, SequenceLanguage, Tok

TOKENS = ("a", "b", "c", "<p>")


def tok(*tokens: str) -> Tok:
    return Tok(frozenset(tokens))


def block(length: int) -> Pattern:
    """``<p> (a | b){L} c (a | c){L}``"""
    return Cat((tok("<p>"), Rep(tok("a", "b"), length, length), tok("c"), Rep(tok("a", "c"), length, length)))


def blocks(context: int) -> RepeatedLanguage:
    return repeated_language([block(n) for n in range(1, context)], TOKENS, context)


def test_blocks_of_one_length() -> None:
    lang = blocks(9)
    assert lang.lengths() == (4, 6, 8)
    assert (lang.shortest, lang.longest) == (4, 8)
    assert [lang.count(n) for n in (4, 5, 6, 8, 9)] == [4, 0, 16, 64, 0]
    assert lang.count() == 84
    assert lang.positions_of("c") == {2, 3, 4, 5, 6, 7}
    assert lang.positions_of("<p>") == {0}
    assert lang.positions_of("z") == frozenset()
    assert lang.tokens_at(1) == {"a", "b"}
    assert lang.tokens_at(7) == {"a", "c"}
    assert lang.tokens_at(8) == lang.tokens_at(9) == lang.tokens_at(-1) == frozenset()
    assert not lang.is_free()


def test_a_beginning_is_no_whole() -> None:
    lang = blocks(9)
    ids = [3, 0, 1, 2]
    assert lang.begins(ids) and not lang.accepts(ids)
    assert lang.accepts([*ids, 0, 2]) and lang.begins([*ids, 0, 2])
    assert not lang.begins([*ids, 0, 2, 0])
    assert not lang.begins([3, 2])
    assert lang.begins([])


def test_four_thousand_is_quick_and_exact() -> None:
    lang = blocks(8002)
    assert lang.longest == 8002 and len(lang.lengths()) == 4000
    assert lang.count(8002) == 4**4000
    assert lang.positions_of("b") == set(range(1, 4001))
    rows = lang.sample(np.random.default_rng(0), 8002, 3)
    assert lang.accepts_all(rows).all()
    rows[0, 4001] = 0
    assert lang.accepts_all(rows).tolist() == [False, True, True]
    assert lang.begins(rows[1, :5000])


def test_none_fits() -> None:
    with pytest.raises(ValueError, match="no sequence"):
        blocks(3)


lengths = st.integers(0, 3)
letters = st.sets(st.sampled_from("abc"), min_size=1).map(lambda s: tok(*s))
patterns: st.SearchStrategy[Pattern] = st.recursive(
    letters,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda p: Cat(tuple(p))),
        st.lists(inner, min_size=1, max_size=2).map(lambda p: Alt(tuple(p))),
        st.builds(lambda body, low, more: Rep(body, low, low + more), inner, lengths, st.integers(0, 1)),
        st.builds(lambda body, low: Rep(body, low, low), inner, lengths),
        st.builds(lambda body, low: Rep(body, low, None), inner, lengths),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=3), st.integers(1, 5), st.data())
def test_the_union_is_that_of_one_automaton(shapes: list[Pattern], context: int, data: st.DataObject) -> None:
    tokens = ("a", "b", "c")
    try:
        whole = SequenceLanguage.from_pattern(Alt(tuple(shapes)), tokens, context)
    except ValueError:
        with pytest.raises(ValueError, match="no sequence"):
            repeated_language(shapes, tokens, context)
        return
    lang = repeated_language(shapes, tokens, context)
    assert lang.lengths() == whole.lengths()
    assert lang.count() == whole.count()
    for n in range(context + 2):
        assert lang.count(n) == whole.count(n)
        assert (lang.enumerate(n) == whole.enumerate(n)).all()
    for position in range(-1, context + 1):
        assert lang.tokens_at(position) == whole.tokens_at(position)
    for token in tokens:
        assert lang.positions_of(token) == whole.positions_of(token)
    ids = data.draw(st.lists(st.integers(0, 2), max_size=context + 1))
    assert lang.begins(ids) == whole.begins(ids)
    assert lang.accepts(ids) == whole.accepts(ids)
    assert _pairs(lang) == _pairs(whole)
    length = data.draw(st.sampled_from(lang.lengths()))
    policy: Policy = data.draw(st.sampled_from(("random", "equal", "repeats", "distinct")))
    assert lang.accepts_all(lang.sample(np.random.default_rng(0), length, 5, policy)).all()


def _pairs(lang: SequenceLanguage) -> set[tuple[int, int, int, int]]:
    return {
        (p, key, q, query)
        for (p, keys), later in lang.places_together().items()
        for q, queries in later
        for key in keys
        for query in queries
    }


ALTERNATIVES = {
    "apart at the first place": (
        (("<p>",), ("a", "b"), ("c",)),
        (("c",), ("a", "b", "c"), ("c",)),
    ),
    "apart in the middle": ((("a", "b"), ("a",), ("c",)), (("a",), ("b", "c"), ("c",))),
    "with sequences in common": ((("a", "b"), ("a", "b")), (("b", "c"), ("b", "c"))),
    "one within the other": ((("a", "b"), ("a", "b")), (("a",), ("a",))),
}


@pytest.mark.parametrize("sets", ALTERNATIVES.values(), ids=ALTERNATIVES.keys())
def test_alternatives_are_counted_once(sets: tuple[tuple[tuple[str, ...], ...], ...]) -> None:
    shapes = [Cat(tuple(Rep(tok(*tokens), n, n) for tokens in option)) for option in sets for n in (1, 2, 3)]
    lang = repeated_language(shapes, TOKENS, 9)
    for length in lang.lengths():
        assert lang.count(length) == len({tuple(row) for row in lang.enumerate(length).tolist()})


def test_alternatives_of_four_thousand_are_counted_at_once() -> None:
    one = [block(n) for n in range(1, 4000)]
    other = [Cat((tok("c"), Rep(tok("a", "b", "c"), n, n), tok("c"), Rep(tok("a"), n, n))) for n in range(1, 4000)]
    lang = repeated_language([*one, *other], TOKENS, 8002)
    assert lang.count() == sum(4**n + 3**n for n in range(1, 4000))
