"""Neurons in words: what is printed computes what the MLP computes."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest

import headspec
from headspec.cli import main

TEXT = """model clipped
tokens a, b
context 2
subspace content : onehot(tokens)
subspace n : scalar(0..1)
subspace m : scalar(0..2)
embed token -> content
embed position -> n
layer
  compute m = if content == "a" then 2 * n else 1
predict content
"""


def test_every_neuron_is_listed_as_it_is() -> None:
    """The printed line is evaluated by hand for every token and position: it gives m."""
    from headspec.mlps import render_mlps

    text = render_mlps(headspec.compile(TEXT).weights)
    neurons = re.findall(r"relu\((.*?)\) -> (-?) ?([0-9/]*) ?m\.value", text)
    assert len(neurons) == int(re.search(r"(\d+) neurons?", text)[1]) > 0  # type: ignore[index]
    for token in "ab":
        for n in (0, 1):
            values = {"content.a": int(token == "a"), "content.b": int(token == "b"), "n.value": n}
            total = sum(
                max(Fraction(0), evaluated(read, values)) * Fraction(size or 1) * (-1 if sign else 1)
                for read, sign, size in neurons
            )
            always = re.search(r"always: ([0-9/]*) ?m\.value", text)
            total += Fraction(always[1] or 1) if always else 0
            assert total == (2 * n if token == "a" else 1)


def evaluated(affine: str, values: dict[str, int]) -> Fraction:
    total, sign = Fraction(0), 1
    factor = Fraction(1)
    for word in affine.split():
        if word in "+-":
            sign, factor = (1 if word == "+" else -1), Fraction(1)
        elif word in values:
            total += sign * factor * values[word]
            factor = Fraction(0)
        else:
            factor = Fraction(word)
    return total + (sign * factor if affine.split()[-1] not in values else 0)


def test_show_and_compile_speak_of_mlps(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clipped.head"
    path.write_text(TEXT, encoding="utf-8")
    assert main(["compile", str(path)]) == 0
    assert "MLP of layer 0" in capsys.readouterr().out
    assert main(["show", str(path), "--json"]) == 0
    [mlp] = json.loads(capsys.readouterr().out)["mlps"]
    assert mlp["layer"] == 0 and mlp["neurons"] == len(mlp["labels"]) and mlp["notes"]
    assert mlp["W_in"]["shape"] == [mlp["neurons"], 4] and mlp["W_out"]["shape"] == [4, mlp["neurons"]]
