"""Specs whose weights once missed their meaning: each now holds on every valid sequence, or is refused with a code."""

from __future__ import annotations

import pytest

import headspec
from headspec.devices import observe_torch
from headspec.verification.comparing import verify_model
from tests.test_weight_mutations import Observed

HEADER = """\
model small
tokens a, b, 0, 1, 2, <pad>, <bos>
context 5
subspace content : onehot(tokens)
subspace some : onehot({"a", "b"})
subspace digit : onehot(0..2)
subspace slot : onehot(positions)
subspace turn : phase(0..2, frequencies = [2*pi/5])
subspace where : phase(positions, frequencies = [1, 1/3], magnitudes = [2, 1/2])
subspace square : quadratic(1..2)
subspace index : scalar(positions)
subspace number : scalar(0..2)
subspace letter : code(tokens, 8)
subspace one : constant
subspace c1 like content
subspace out like some
embed token -> content
embed token -> some
embed token -> digit
embed token -> turn
embed token -> square
embed token -> number
embed token -> letter
embed position -> slot
embed position -> where
embed position -> index
"""
STARTED = "sequences <bos> (a|1|2){1,4}\n"
ANYWHERE = "sequences (<bos>|a|b){1,5}\n"
ROTARY = "positions rotary(base = 10000, dims = 4)\n"

HOLD = {
    "several keys of one phase value": STARTED + "layer\n  head h\n    attend key.turn == query.turn\n",
    "several keys of one integer": STARTED + "layer\n  head h\n    attend key.square == 1\n",
    "ties in what is preferred": STARTED + "layer\n  head h\n    prefer earliest by number\n",
    "rest beside no line": STARTED + 'layer\n  head h\n    rest key.content == "<bos>"\n    prefer latest by index\n',
    "a condition in digits, a comparison in letters": STARTED
    + "layer\n  head h\n    attend key.letter == query.letter when query.digit == 1\n",
    "a condition decides between magnitudes": STARTED
    + "layer\n  head h\n    attend key.slot == query.where - 1 when query.position == 2\n",
    "a number that is not there": STARTED
    + 'layer\n  head h\n    attend key.square == query.number when query.content == "a"\n',
    "a number that a copy doubles": STARTED
    + "subspace far : scalar(positions)\nsubspace squares : quadratic(positions)\nembed position -> squares\n"
    + "layer\n  head g\n    attend key.slot == query.slot\n    copy 2 * key.index -> far\n"
    + "layer\n  head h\n    attend key.squares == query.far - 2\n",
    "nothing positive is written": STARTED
    + "layer\n  head h\n    attend key.slot == query.slot\n    copy -1 * key.some -> out\npredict out\n",
    "shares of 2": STARTED
    + 'layer\n  head g\n    attend key.content == "a"\n    copy 2 * key.content -> c1\n'
    + "layer\n  head h\n    attend key.content == query.c1\n    attend key.slot == 2\n"
    + '    rest key.content == "<bos>"\n',
}
REFUSED = {
    "two rest tokens, one of which fits": (
        "E0510",
        "sequences <bos> (a|b){1,4}\nlayer\n  head h\n    attend key.content == query.content\n"
        '    rest key.content in {"<bos>", "a"}\n',
    ),
    "rotary positions do not see rest keys": (
        "E0510",
        ROTARY + ANYWHERE + "layer\n  head h\n    attend key.position == query.position - 1\n"
        '    rest key.content == "<bos>"\n',
    ),
    "a place that rests and fits": (
        "E0510",
        STARTED + "layer\n  head h\n    attend key.content == query.content\n    rest key.slot == 1\n",
    ),
    "a rest key that fits beside the query itself": (
        "E0510",
        "sequences <bos> (a <pad>|b 1|2){1,2}\nlayer\n  head h\n"
        '    attend key.slot in {1, 3} when query.content == "b"\n    rest key.slot == 1\n',
    ),
    "a rest key named twice": (
        "E0503",
        STARTED + 'layer\n  head h\n    attend key.digit == 1\n    rest key.content == "<bos>"\n'
        "    rest key.slot == 0\n",
    ),
    "rest under two conditions": (
        "E0503",
        STARTED + 'layer\n  head h\n    avoid key.content == "a" when query.slot == 3\n'
        '    avoid key.content == "1" when query.content == "2"\n    rest key.content == "<bos>"\n',
    ),
    "a square for queries without a number": (
        "E0511",
        STARTED + 'layer\n  head h\n    attend key.square == query.digit\n    rest key.content == "<bos>"\n',
    ),
    "rest keys that `prefer` would tell apart": (
        "E0504",
        ANYWHERE + 'layer\n  head h\n    attend key.digit == 1\n    rest key.content == "<bos>"\n'
        "    prefer latest by index\n",
    ),
    "too many positions to prefer by in half precision": (
        "E0505",
        "dtype bfloat16\n"
        + STARTED.replace("4}", "299}")
        + "layer\n  head h\n    attend key.content == query.content\n"
        "    prefer latest by index\n",
    ),
}


@pytest.mark.parametrize("lines", HOLD.values(), ids=HOLD.keys())
def test_it_holds_on_every_sequence(lines: str) -> None:
    model = headspec.compile(HEADER + lines)
    report = verify_model(model.lowered.program, Observed(model.lowered), exhaustive=True)
    assert report.holds, str(report)
    report = verify_model(model.lowered.program, observe_torch(model.torch()), exhaustive=True)
    assert report.holds, str(report)


@pytest.mark.parametrize(("code", "lines"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused(code: str, lines: str) -> None:
    text = HEADER.replace("context 5", "context 300") if "299" in lines else HEADER
    with pytest.raises(headspec.SpecError) as caught:
        headspec.compile(text + lines).lowered  # noqa: B018
    assert code in {d.code for d in caught.value.diagnostics}
