"""Strengths: enough for the mass at the stated length, and not an eighth more than the argument needs."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import headspec
from compiler.encodings import OneHot, ScalarValue
from compiler.heads import Among, Equal, Head, Prefer, Rest, Term
from compiler.pipeline import compile_program
from compiler.program import Program
from compiler.sharpness.frequencies import choose_frequencies
from dsl.diagnostics import SpecError
from tests.compiler.handmade_programs import number, phase, program

LETTERS = ("a", "b", "c", "d")


def _strengths(made: Program) -> dict[str, float]:
    return {r.symbol: float(r.value) for r in compile_program(made).strengths.reports}


def _content(context: int, *heads: Head) -> Program:
    encodings = {"content": OneHot(LETTERS, False), "slot": OneHot(tuple(range(context)), True)}
    return program(LETTERS, context, encodings, [("token", "content"), ("position", "slot")], [heads])


def test_content_match_has_the_closed_form() -> None:
    """(n - 1) e^-s <= eps/(1 - eps): the least multiple of 1/8, given rounding errors far below it."""
    made = _content(64, Head("same", 0, 0, (Term(Equal("content", "content")),)))
    needed = math.log(63 * 99)
    assert _strengths(made)["s_same"] == math.ceil(needed * 8) / 8


def _positional(context: int, count: int) -> tuple[Program, list[float]]:
    chosen = choose_frequencies(count, context)
    encoding = phase(0, context - 1, *(number(f) for f in chosen))
    head = Head("previous", 0, 0, (Term(Equal("where", "where", -1)),))
    return program(LETTERS, context, {"where": encoding}, [("position", "where")], [[head]]), [float(f) for f in chosen]


@pytest.mark.parametrize(("context", "count"), [(16, 4), (64, 8), (200, 16)])
def test_positions_alone_use_the_exact_sum(context: int, count: int) -> None:
    """The solved strength reaches 0.99 at the last query; an eighth less does not."""
    made, frequencies = _positional(context, count)
    strength = _strengths(made)["s_previous"]

    def mass(s: float) -> float:
        keys = np.arange(context)
        scores = s * np.cos(np.outer(keys - (context - 2), frequencies)).sum(axis=1)
        weights = np.exp(scores - scores.max())
        return float(weights[context - 2] / weights.sum())

    assert mass(strength) >= 0.99
    assert mass(strength - 1 / 8) < 0.99


def test_a_head_that_feeds_a_comparison_is_sharper() -> None:
    made, _ = _positional(64, 8)
    alone = _strengths(made)["s_previous"]
    encodings = {
        "where": made.subspaces[0].encoding,
        "content": OneHot(LETTERS, False),
        "before": OneHot(LETTERS, False),
    }
    from tests.compiler.handmade_programs import copy

    first = replace(made.heads[0], copies=(copy("content", "before"),))
    second = Head("induction", 1, 0, (Term(Equal("before", "content")),))
    embeds = [("position", "where"), ("token", "content")]
    fed = program(LETTERS, 64, encodings, embeds, [[first], [second]])
    assert _strengths(fed)["s_previous"] > alone


def test_rest_lies_between() -> None:
    """Both claims at once, by a plain softmax over the worst case: something fits, and nothing does."""
    context = 32
    head = Head("same", 0, 0, (Term(Equal("content", "content")),), (Rest(Among("content", ("d",))),))
    found = _strengths(_content(context, head))
    s, r = found["s_same"], found["r_same"]
    others = context - 1
    fits = math.exp(s) / (math.exp(s) + others * math.exp(r))
    rests = math.exp(r) / (math.exp(r) + others)
    assert fits >= 0.99
    assert rests >= 0.99
    assert 0 < r < s


def test_prefer_outweighs_its_own_range() -> None:
    context = 12
    encodings = {"content": OneHot(LETTERS, False), "index": ScalarValue(0, context - 1), "hot": OneHot(("a",), False)}
    head = Head("latest", 0, 0, (Term(Equal("content", "content")),), (), Prefer("latest", "index"))
    made = program(LETTERS, context, encodings, [("token", "content"), ("position", "index")], [[head]])
    found = _strengths(made)
    s, p = found["s_latest"], found["p_latest"]
    latest_first = math.exp(p * 0 + s)  # the only key that fits is the oldest
    rivals = sum(math.exp(p * k) for k in range(1, context))
    assert latest_first / (latest_first + rivals) >= 0.99
    assert 1 / sum(math.exp(-p * j) for j in range(context)) >= 0.99


def _code_of(made: Program) -> str:
    with pytest.raises(SpecError) as caught:
        compile_program(made)
    return caught.value.diagnostics[0].code


def test_a_soft_statement_is_refused_with_the_strength_that_would_do() -> None:
    made = _content(64, Head("same", 0, 0, (Term(Equal("content", "content"), strength=number(1)),)))
    with pytest.raises(SpecError) as caught:
        compile_program(made)
    [found] = caught.value.diagnostics
    assert found.code == "E0506"
    wanted = math.ceil(math.log(63 * 99) * 8) / 8
    assert found.help is not None and f"strength {wanted:g} would do" in found.help


def test_frequencies_that_a_float_type_cannot_resolve_are_refused() -> None:
    encoding = phase(0, 2047, number(1), number(Fraction(1, 10)))
    head = Head("previous", 0, 0, (Term(Equal("where", "where", -1)),))
    made = program(LETTERS, 2048, {"where": encoding}, [("position", "where")], [[head]])
    assert _code_of(replace(made, dtype="bfloat16")) == "E0505"


def test_unequal_shares_are_refused() -> None:
    encodings = {"content": OneHot(LETTERS, False), "where": phase(0, 15)}
    terms = (Term(Equal("content", "content")), Term(Equal("where", "where"), negated=True))
    embeds = [("token", "content"), ("position", "where")]
    made = program(LETTERS, 16, encodings, embeds, [[Head("copy", 0, 0, terms)]])
    assert _code_of(made) == "E0504"


def test_a_preference_needs_equal_scores_too() -> None:
    """The preferred key must win against what the lines give the others; 15 such steps cannot be outweighed."""
    where, slot = phase(0, 15), OneHot(tuple(range(16)), True)
    embeds = [("token", "content"), ("position", "place"), ("position", "index")]
    for encoding, outcome in ((where, "E0502"), (slot, None)):
        encodings = {"content": OneHot(LETTERS, False), "place": encoding, "index": ScalarValue(0, 15)}
        terms = (Term(Equal("content", "content")), Term(Equal("place", "place"), negated=True))
        made = program(LETTERS, 16, encodings, embeds, [[Head("copy", 0, 0, terms, (), Prefer("latest", "index"))]])
        if outcome is None:
            assert len(_strengths(made)) == 3
        else:
            assert _code_of(made) == outcome


def test_a_rest_key_whose_score_is_not_known_is_named_with_its_places() -> None:
    """In `sort` what `half` says of <bos> is known as long as <bos> stands at position 0 and sees only itself."""
    text = (Path(__file__).parents[2] / "specs/systems/programs/sort.head").read_text(encoding="utf-8")
    assert headspec.compile(text).weights
    ended = text.replace("(sorted: 0..9){L}", "(sorted: 0..9){L} <bos>").replace("2*n + 2", "2*n + 3")
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(ended).weights
    [found] = caught.value.diagnostics
    assert found.code == "E0502" and found.span is not None
    assert found.span.text == 'attend key.half == "<bos>"'
    assert found.figures[0] == 'rest keys: "<bos>" at positions 0 to 24'
    assert "position 0 only" in str(found.help)


def test_symbols_leave_a_strength_open() -> None:
    from tests.compiler.handmade_programs import symbol

    encoding = phase(0, 15, symbol("alpha"))
    head = Head("previous", 0, 0, (Term(Equal("where", "where", -1)),))
    made = program(LETTERS, 16, {"where": encoding}, [("position", "where")], [[head]])
    weights = compile_program(made)
    assert weights.strengths.unsolved == ("previous",)
    assert {"alpha", "s_previous"} <= weights.free


TIES = """\
model ties
tokens 0..3, <s>
context 8
sequences <s> (0..3){0,7}
subspace content : onehot(tokens)
subspace number  : scalar(0..3)
subspace place   : phase(0..6, frequencies = fourier)
subspace where   : scalar(positions)
subspace out     : onehot(tokens)
subspace one     : constant
embed token    -> content
embed token    -> number
embed position -> place
embed position -> where
layer
  head best
    attend key.content in {"1", "2", "3"}
    avoid  key.place == 5
    prefer latest by number
    rest   key.content == "<s>"
    copy   key.content -> out
predict out
"""


def test_keys_that_are_preferred_alike_share_equally_too() -> None:
    """Several keys show the largest number, and the last position shows no phase, which scores otherwise."""
    with pytest.raises(SpecError) as found:
        headspec.compile(TIES).weights  # noqa: B018
    [diagnostic] = found.value.diagnostics
    assert diagnostic.code == "E0504" and "avoid  key.place == 5" in diagnostic.span.text
    one = TIES.replace("by number", "by where")  # no two keys are preferred alike
    assert headspec.compile(one).weights.strengths.bindings


def test_a_rest_key_without_a_number_reads_as_zero() -> None:
    """`<s>` and the token 0 are outside the range 1..2: both show 0, and both fit where the query does."""
    text = TIES.replace("number  : scalar(0..3)", "number  : quadratic(1..2)").replace(
        "    prefer latest by number\n", ""
    )
    text = text.replace('attend key.content in {"1", "2", "3"}', "attend key.number == query.number")
    with pytest.raises(SpecError) as found:
        headspec.compile(text.replace("    avoid  key.place == 5\n", "")).weights  # noqa: B018
    assert found.value.diagnostics[0].code == "E0510"


RESTING = """\
model resting
tokens 0..3, "="
context 2
sequences 0..3 "="
subspace slot   : onehot(positions)
subspace digit  : onehot(0..3)
subspace number : scalar(0..3)
subspace place  : scalar(positions)
subspace one    : constant
subspace out    : scalar(0..3)
embed position -> slot
embed position -> place
embed token -> digit
embed token -> number
layer
  head same
    attend key.digit == query.digit
    rest   key.slot == 1
    prefer earliest by place
    copy   key.number -> out
predict out
"""


@pytest.mark.parametrize("prefer", ["prefer earliest by place", "prefer latest by place", "# no preference"])
@pytest.mark.parametrize("place", ["0", "1"])
def test_rest_keys_named_by_their_place_outweigh_what_prefer_says_there(prefer: str, place: str) -> None:
    """`1` names the last position here, not the token 1, which stands at the first."""
    text = RESTING.replace("prefer earliest by place", prefer).replace("key.slot == 1", f"key.slot == {place}")
    assert headspec.verify(headspec.compile(text), exhaustive=True, device="cpu").holds
