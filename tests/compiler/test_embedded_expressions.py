"""``embed 113*token mod q -> high``: what stands in the stream, and what heads and MLPs make of it."""

from __future__ import annotations

import numpy as np
import pytest

import headspec
from compiler.circuits.stream import Stream
from compiler.mlp.domains import domain_of
from compiler.mlp.forms import Form
from headspec.model import Model

SPEC = """\
model expressions
tokens 0..12, a
context 4
subspace content : onehot(tokens)
subspace high   : scalar(0..6)
subspace turned : phase(0..6, frequencies = [1, 2, 3], period = 7)
subspace parity : onehot({0, 1})
subspace where  : onehot(positions)
subspace number : scalar(0..12)
subspace before : onehot(tokens)
embed token -> content
embed (13*token + 1) mod 7 -> high
embed (13*token + 1) mod 7 -> turned
embed token mod 2 -> parity
embed position -> where
embed token -> number
"""
HEAD = """
layer
  head alike
    attend key.parity == query.parity
    REST
    copy   key.content -> before
predict before
expect head alike: token[key.position] mod 2 == token[query.position] mod 2 OTHERWISE
"""


def embedded(model: Model, name: str) -> np.ndarray:  # type: ignore[type-arg]
    """(tokens, coordinates of ``name``)."""
    return model.lowered.W_E[:, list(model.program.subspace(name).coordinates)]


def test_the_value_of_the_expression_is_embedded() -> None:
    model = headspec.compile(SPEC)
    values = [(13 * n + 1) % 7 for n in range(13)]
    assert embedded(model, "high")[:, 0].tolist() == [*values, 0]
    angles = np.outer(values, 2 * np.pi * np.arange(1, 4) / 7)
    pairs = np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(13, 6)
    assert np.allclose(embedded(model, "turned")[:13], pairs, atol=1e-15)
    assert not embedded(model, "turned")[13].any()  # `a` spells no integer


@pytest.mark.parametrize(
    ("rest", "otherwise"),
    [("", ""), ("rest key.parity == 0", "otherwise token[key.position] mod 2 == 0"), ('rest key.content == "a"', "")],
)
def test_heads_compare_such_values(rest: str, otherwise: str) -> None:
    text = SPEC + HEAD.replace("REST", rest or "# nothing").replace("OTHERWISE", otherwise)
    report = headspec.verify(headspec.compile(text), samples=400)
    assert report.holds, report


def test_what_cannot_occur_together_is_known() -> None:
    """The range of a computed value follows from the tokens: 2n mod 12 is even, and half of it below 6."""
    text = SPEC.replace("embed (13*token + 1) mod 7 -> high", "embed 2*token mod 6 -> high")
    line = "layer\n  compute half = if high mod 2 == 0 then high//2 else 9\n"
    model = headspec.compile(f"{text}subspace half : onehot({{0, 1, 2}})\n{line}predict half\n")
    assert headspec.verify(model, samples=100).holds
    assert model.run("4 5").prediction == str(2 * 5 % 6 // 2)


BITS = """\
model bits
tokens 0..7
context 3
for t in 0..2
  subspace bit[t] : onehot({0, 1})
  embed token//2^t mod 2 -> bit[t]
predict bit[1]
"""


def test_powers_of_constants_and_signs() -> None:
    model = headspec.compile(BITS)
    for t in range(3):
        assert embedded(model, f"bit[{t}]")[:, 1].tolist() == [n >> t & 1 for n in range(8)]
    negative = headspec.compile(BITS.replace("token//2^t mod 2", "(-token)//-2^t mod 2"))
    assert embedded(negative, "bit[1]").tolist() == embedded(model, "bit[1]").tolist()


# ---------------------------------------------------------------------- of the position


PLACES = """\
model places
tokens a, b, c, <s>
context 9
sequences <s> (a|b|c){0,8}
subspace content : onehot(tokens)
subspace half    : onehot(0..4)
subspace step    : scalar(-8..0)
subspace odd     : scalar(0..20)
subspace square  : quadratic(0..20)
subspace turn    : phase(0..2, frequencies = [1], period = 3)
subspace where   : onehot(positions)
subspace before  : onehot(tokens)
embed token -> content
embed position//2 -> half
embed -1 * position -> step
embed 2*position + 1 -> odd
embed 2*position + 1 -> square
embed position mod 3 -> turn
embed position -> where
layer
  head look
    LINES
    copy key.content -> before
predict before
"""


def places(lines: str) -> str:
    return PLACES.replace("LINES", "\n    ".join(lines.split("; ")))


def positional(model: Model, name: str) -> np.ndarray:  # type: ignore[type-arg]
    """(positions, coordinates of ``name``)."""
    return model.lowered.W_pos[:, list(model.program.subspace(name).coordinates)]


def test_the_value_of_an_expression_of_the_position_is_embedded() -> None:
    model = headspec.compile(places("attend key.half == query.half"))
    position = np.arange(9)
    assert positional(model, "step")[:, 0].tolist() == (-position).tolist()
    assert positional(model, "square").tolist() == np.stack([2 * position + 1, (2 * position + 1) ** 2], 1).tolist()
    assert positional(model, "half").tolist() == np.eye(5)[position // 2].tolist()
    angle = 2 * np.pi * (position % 3) / 3
    assert np.allclose(positional(model, "turn"), np.stack([np.cos(angle), np.sin(angle)], 1), atol=1e-15)
    assert model.program.embeds[1].images == tuple((p, p // 2) for p in range(9))


@pytest.mark.parametrize(
    ("lines", "claim"),
    [
        ("attend key.half == query.half", "key.position // 2 == query.position // 2"),
        (
            'attend key.half == query.half - 1; avoid key.content == "<s>"; rest key.content == "<s>"',
            "key.position > 0 and key.position // 2 == query.position // 2 - 1 otherwise key.position == 0",
        ),
        ("attend key.turn == query.turn", "key.position mod 3 == query.position mod 3"),
        ('attend key.turn == 2; rest key.content == "<s>"', "key.position mod 3 == 2 otherwise key.position == 0"),
        ("attend key.square == query.odd - 4", "key.position == query.position - 2"),
        ("attend key.half == 1; prefer latest by step", "query.position >= 2 and key.position == 2"),
        ("attend key.half in {0, 1}; prefer earliest by step", "query.position >= 3 and key.position == 3"),
        ('attend key.content == "a" when query.half == 1; rest key.content == "<s>"', ""),
        ("attend key.half == query.half share 1/4; rest key.where == 0", ""),
    ],
)
def test_heads_look_by_such_values(lines: str, claim: str) -> None:
    text = places(lines) + (f"expect head look: {claim}\n" if claim else "")
    report = headspec.verify(headspec.compile(text), samples=400)
    assert report.holds and report.heads[0].checked > 0, report
    assert all(line.checked for line in report.expectations)


def test_positions_whose_value_a_range_leaves_out_are_named() -> None:
    text = places("attend key.half == query.half").replace("onehot(0..4)", "onehot(0..2)")
    [note] = headspec.verify(headspec.compile(text), samples=100).notes
    assert "`half` has no value at some positions from 6 on, up to 8" in note and "`look`" in note
    assert headspec.verify(headspec.compile(places("attend key.half == query.half")), samples=100).notes == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("embed token + position -> n", "E0312"),
        ("embed 2^3 -> n", "E0312"),
        ("embed position / 2 -> n", "E0212"),
        ("embed 2^(3*position) -> n", "E0320"),
        ("embed 100 + position -> n", "E0313"),
        ("embed 2*position -> n = [[1]]", "E0314"),
    ],
)
def test_what_cannot_be_embedded_is_refused(line: str, code: str) -> None:
    text = f"model bad\ntokens 0..3\ncontext 40\nsubspace n : scalar(0..9)\n{line}\npredict n\n"
    with pytest.raises(headspec.SpecError) as found:
        headspec.compile(text)
    assert found.value.diagnostics[0].code == code


UNSORTED = """\
model unsorted
tokens 0, 1, x, "="
layout a[0..1] x b "="
sequences (0..1){2} x 0..1 "="
subspace slot  : onehot(slots)
subspace digit : scalar(0..1)
subspace one   : constant
subspace e     : scalar(0..4)
subspace sum   : scalar(0..5)
subspace out   : scalar(0..1)
embed position -> slot
embed token -> digit
embed (3*token + 1) mod 5 -> e  # 1, 4, and 0 of the other tokens: not ascending
head two
  attend key.slot == a[1]
  copy key.digit -> sum
head other
  attend key.slot == a[0] when query.slot == a[0]
  attend key.slot == 2 when query.slot == 4
  copy key.e -> sum
compute out = (sum*e + sum) mod 2
predict out
expect out after 4 == token[a[1]]
"""


def test_bounds_hold_where_tokens_show_values_out_of_their_order() -> None:
    model = headspec.compile(UNSORTED)
    stream = Stream(model.program)
    [coordinate] = model.program.subspace("e").coordinates
    domain = domain_of(stream, ["e"], 0)
    assert [domain.range_of(Form.of({coordinate: factor})) for factor in (1, -2)] == [(0, 4), (-8, 0)]
    assert headspec.verify(model, exhaustive=True, device="cpu").holds
