"""Means of numbers are numbers: what heads that share their attention bring, and what is computed from it."""

from __future__ import annotations

import numpy as np
import pytest

import headspec
from compiler.circuits.stream import Stream
from compiler.heads import Copy, Head
from compiler.mlp.possible import possible_values
from compiler.program import Program
from compiler.reference import Kind, interpret
from compiler.resolution import resolve
from compiler.sharpness.kernels import KernelReader
from dsl.diagnostics import SpecError
from dsl.parser import parse

PAIR = """\
model pair
tokens 0..9, "+", "="
context 4
sequences (a: 0..9) "+" (b: 0..9) "="
subspace content : onehot(tokens)
subspace digit   : scalar(0..9)
subspace is      : onehot({"+", "="})
subspace pair    : scalar(0..18)
subspace out     : onehot(tokens)
subspace one     : constant
embed token -> content
embed token -> digit
embed token -> is
layer
  head both
    attend key.content in {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
    copy   2 * key.digit -> pair
  compute out = if is == "=" then pair mod 10 else 0
predict out
expect "2 + 3 =" -> "5"
expect "9 + 9 =" -> "8"
"""

DIGITS = ", ".join(f'"{i}"' for i in range(10))

SHOWN = """\
model shown
tokens a, b, c
context 3
table worth: "a" -> 0, "b" -> 6, "c" -> 0
subspace content : onehot(tokens)
subspace mean    : scalar(0..6)
subspace out     : onehot(tokens)
embed token -> content
layer
  head all
    attend key.content in {"a", "b"}
    rest   key.content == "c"
    copy   key.content through worth -> mean
  compute out = if mean == 3 then "b" else if mean in {0, 6} then "a" else "c"
predict out
expect "a b" -> "b"
expect "b b a" -> "c"
"""


def program(text: str) -> Program:
    return resolve(parse(text))


def readings(text: str, tokens: str, name: str) -> list[int | str | Kind]:
    spec = program(text)
    ids = np.array([[spec.tokens.index(token) for token in tokens.split()]])
    meaning = interpret(spec, ids, with_values=True)
    return [meaning.values[name].value(meaning.codec, 0, p) for p in range(ids.shape[1])]


def test_two_digits_in_halves_are_their_sum_for_every_input() -> None:
    result = headspec.verify(headspec.compile(PAIR), exhaustive=True, device="cpu")
    assert result.holds
    assert (result.outputs.checked, result.outputs.undetermined) == (100, 0)


def test_the_mean_of_numbers_is_a_number_where_it_is_an_integer() -> None:
    assert readings(PAIR, "2 + 5 =", "pair") == [4, 4, 7, 7]
    assert readings(SHOWN, "a b b", "mean") == [0, 3, 4]
    odd = PAIR.replace("2 * key.digit", "key.digit")
    assert readings(odd, "2 + 4 =", "pair") == [2, 2, 3, 3]
    assert readings(odd, "2 + 5 =", "pair") == [2, 2, Kind.MIXED, Kind.MIXED]


def test_a_number_outside_its_range_is_no_value_to_compute_with() -> None:
    narrow = PAIR.replace("scalar(0..18)", "scalar(0..9)")
    assert readings(narrow, "5 + 4 =", "out")[-1] == "9"
    assert readings(narrow, "5 + 5 =", "out")[-1] is Kind.UNKNOWN


def test_means_between_what_one_key_shows_are_computed_with() -> None:
    """3, 2 and 4 are nowhere in the table, and yet means of what is."""
    result = headspec.verify(headspec.compile(SHOWN), exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked == 39


def test_the_range_of_a_mean_is_the_declared_one() -> None:
    text = SHOWN.replace("table worth", 'table named: 0 -> "a", 6 -> "b"\ntable worth')
    text = text.replace('if mean == 3 then "b" else if mean in {0, 6} then "a" else "c"', "named(mean)")
    with pytest.raises(SpecError) as caught:
        program(text)
    assert [d.code for d in caught.value.diagnostics] == ["E0482"]
    alone = text.replace("context 3", "context 3\nsequences c* (a | b)? c*").replace(
        '    rest   key.content == "c"\n', ""
    )
    assert program(alone[: alone.index("expect")]).computes[0].target == "out"


def test_what_lies_outside_its_range_may_be_copied_into_a_wider_one() -> None:
    """`pair` may hold 18; a copy of it is a value of `wide` that `pair` itself does not list."""
    text = PAIR.replace("scalar(0..18)", "scalar(0..9)").replace(
        "subspace out", "subspace wide : scalar(0..18)\nsubspace out"
    )
    text = text.replace(
        "  compute out", 'layer\n  head here\n    attend key.content == "="\n    copy   key.pair -> wide\n  compute out'
    )
    text = text.replace("pair mod 10", "wide mod 10")
    assert readings(text, "9 + 9 =", "out")[-1] == "8"
    assert possible_values(Stream(program(text)), "wide", 1) == tuple(range(19))
    result = headspec.verify(headspec.compile(text), exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked == 100


def first_copy(reader: KernelReader) -> tuple[Head, Copy]:
    head = reader.program.heads[0]
    return head, head.copies[0]


def test_only_what_one_key_brings_is_free_of_rounding() -> None:
    """A third of the attention is rounded: three thirds of an integer need not be one in floats."""
    shared = KernelReader(Stream(program(PAIR)), {})
    assert not shared._is_whole("pair") and shared.share_rounding(*first_copy(shared)) > 0
    single = KernelReader(Stream(program(PAIR.replace("key.content in {" + DIGITS + "}", 'key.content == "+"'))), {})
    assert single._is_whole("pair") and single.share_rounding(*first_copy(single)) == 0


@pytest.mark.parametrize(
    ("lines", "one"),
    [
        ('attend key.content == "a"', False),
        ('attend key.content == "="', True),
        ('attend key.content in {"=", "<"}', False),
        ("attend key.place == query.place - 1", True),
        ("attend key.short == 1", False),
        ("attend key.hot == 1", True),
        ('attend key.content == "a"\n    prefer latest by place', True),
        ('attend key.content == "a"\n    prefer latest by worth', False),
        ("attend key.angle == query.angle - 1", True),
        ("attend key.circle == query.circle - 1", False),
        ('attend key.content == "="\n    rest key.content == "a"', False),
        ('attend key.content == "="\n    rest key.content == "<"', True),
        ('attend key.content == "=" when query.content == "a"', False),
        ('avoid key.content == "="', False),
        ("attend key.content == query.content", False),
    ],
)
def test_which_heads_look_at_one_key(lines: str, one: bool) -> None:
    text = f"""\
tokens a, 1, "=", "<"
context 6
sequences "<" (a | 1){{1,4}} "="
subspace content : onehot(tokens)
subspace place   : scalar(positions)
subspace short   : quadratic(0..3)
subspace hot     : onehot(0..3)
subspace worth   : scalar(0..1)
subspace angle   : phase(positions, frequencies = [1])
subspace circle  : phase(positions, frequencies = [pi/2])
subspace got     : scalar(0..9)
embed position -> angle
embed position -> circle
embed token -> content
embed token -> worth
embed position -> place
embed position -> short
embed position -> hot
layer
  head it
    {lines}
    copy key.worth -> got
"""
    text = text.replace("key.place == query.place - 1", "key.hot == query.hot - 1")
    spec = program(text)
    assert Stream(spec).plain.looks_at_one(spec.heads[0]) is one


def test_means_that_rounding_would_change_are_refused() -> None:
    """By how much a share is rounded, times the slopes that follow: a quarter of a step is too much."""
    assert headspec.compile(PAIR, dtype="float16").weights
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(PAIR, dtype="bfloat16").weights
    assert [d.code for d in caught.value.diagnostics] == ["E0524"]
    assert "`both`" in str(caught.value)
