"""Fits by a few frequencies: against least squares by hand, known vectors, and models whose frequencies are known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import headspec
from dsl.diagnostics import SpecError
from headspec.cli import main
from headspec.spectra.fits import fit_rows, read_frequencies
from tests.headspec.test_fourier_models import FREQUENCIES, SPEC, Foreign

Capture = pytest.CaptureFixture[str]
Floats = NDArray[np.float64]


def by_least_squares(rows: Floats, frequencies: tuple[int, ...]) -> tuple[Floats, float]:
    """R^2 of each row, and of all together, in the basis of the mean and these frequencies."""
    p = rows.shape[1]
    turns = [2 * math.pi * k * np.arange(p) / p for k in frequencies]
    basis = np.column_stack([np.ones(p), *(f(t) for t in turns for f in (np.cos, np.sin))])
    left = rows - (basis @ np.linalg.lstsq(basis, rows.T, rcond=None)[0]).T
    varied = rows - rows.mean(axis=1, keepdims=True)
    return 1 - (left**2).sum(axis=1) / (varied**2).sum(axis=1), float(1 - (left**2).sum() / (varied**2).sum())


@pytest.mark.parametrize(("p", "order"), [(10, (5, 2, 1, 3, 4)), (7, (3, 1)), (13, (6,))])
def test_fits_are_least_squares(p: int, order: tuple[int, ...]) -> None:
    rows = np.random.default_rng(p).normal(size=(9, p)) * np.arange(1, 10)[:, None]
    found = fit_rows("noise", rows, order)
    assert found.median is not None and found.together is not None and found.varying == found.rows == 9
    for i in range(len(order)):
        each, together = by_least_squares(rows, order[: i + 1])
        assert np.isclose(found.median[i], np.median(each)) and np.isclose(found.together[i], together)


def test_a_straight_line_is_mostly_low_frequencies() -> None:
    """|sum t exp(-2 pi i k t / p)| = p / (2 sin(pi k / p)); k and p - k count once each."""
    parts = {k: (1 if k == 5 else 2) / math.sin(math.pi * k / 10) ** 2 for k in range(1, 6)}
    found = fit_rows("line", np.arange(10.0)[None] * 3 + 7, (5, 2, 1, 3, 4)).median
    sums = np.cumsum([parts[k] for k in (5, 2, 1, 3, 4)]) / sum(parts.values())
    assert found is not None and np.allclose(found, sums) and round(found[2], 2) == 0.84


def test_rows_that_do_not_vary_take_no_part() -> None:
    rows = np.stack([np.cos(2 * np.pi * np.arange(10) / 10), np.full(10, 4.0), np.zeros(10)])
    found = fit_rows("one", rows, (2, 1))
    assert (found.rows, found.varying) == (3, 1) and found.median is not None
    assert np.allclose(found.median, (0, 1)) and np.allclose(found.together or (), (0, 1))
    nothing = fit_rows("none", rows[1:], (2, 1))
    assert nothing.varying == 0 and nothing.median is None and nothing.together is None


@pytest.mark.parametrize("words", ["0,1", "6", "1,1", "1,x", "", "1,,2", "-1", "1.5", "9" * 30])
def test_frequencies_that_are_none(words: str) -> None:
    with pytest.raises(SpecError) as error:
        read_frequencies(words, 10)
    assert error.value.diagnostics[0].code == "E0660" and error.value.diagnostics[0].help


def test_frequencies_are_read_in_their_order() -> None:
    assert read_frequencies(" 5, 2,1 ", 10) == read_frequencies([5, 2, 1], 10) == (5, 2, 1)


@pytest.fixture(scope="module")
def model() -> headspec.Model:
    return headspec.compile(SPEC)


def test_a_model_of_two_frequencies(model: headspec.Model) -> None:
    found = {fit.name: fit for fit in headspec.fourier(model, fit=(1, *FREQUENCIES), device="cpu").fits}
    assert list(found) == ["W_E", "W_U", "W_out W_U", "last hidden states W_U"]
    for fit in found.values():
        assert fit.together is not None and fit.median is not None
        assert np.isclose(fit.together[0], 0) and np.isclose(fit.together[2], 1) and np.isclose(fit.median[2], 1)
        assert 0.3 < fit.together[1] < 0.7
    assert found["W_E"].rows == model.program.width and found["W_E"].varying == 4
    assert found["last hidden states W_U"].rows == 169


def test_hidden_states_are_those_of_the_prompts(model: headspec.Model) -> None:
    found = headspec.fourier(model, fit="3,2", tokens="0..6", device="cpu").fits[-1]
    module = model.torch(device="cpu")
    pairs = [[a, b, 13] for a in range(7) for b in range(7)]
    last = module.run_with_cache(pairs)[1]["blocks.0.hook_resid_post"][:, -1].detach().double().numpy()
    by_hand = fit_rows("", last @ module.unembed.W_U.detach().double().numpy()[:, :7], (3, 2))
    assert found.median is not None and np.allclose(found.median, by_hand.median or (), atol=1e-6)


def test_what_a_module_lacks_has_no_fit(model: headspec.Model) -> None:
    module = model.torch(device="cpu")
    bare = headspec.fourier(Foreign(module, ("unembed.W_U",)), tokens="0..12", prompt="{a} {b} 13", fit="2,5")
    assert [fit.name for fit in bare.fits] == ["W_E"] and "logits are left out" in bare.notes[0]
    unasked = headspec.fourier(Foreign(module), tokens="0..12", fit="2,5")
    assert [fit.name for fit in unasked.fits] == ["W_E", "W_U", "W_out W_U"]
    assert headspec.fourier(Foreign(module), tokens="0..12").fits == ()


def test_the_command_reports_fits(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "modular.head"
    path.write_text(SPEC, encoding="utf-8")
    command = ["plot", str(path), "--fourier", "--device", "cpu"]
    assert main([*command, "--fit", "2,5"]) == 0
    said = capsys.readouterr().out
    assert "fits by the mean" in said and "4 of " in said and "169 of 169" in said and "+2" in said
    assert main([*command, "--fit", "2,5", "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)["fits"]
    assert first["name"] == "W_E" and first["frequencies"] == [2, 5] and len(first["median"]) == 2
    assert main(command) == 0 and "fits" not in capsys.readouterr().out
    assert main([*command, "--fit", "7"]) == 2 and "E0660" in capsys.readouterr().err
    assert main(["plot", str(path), "0 1 =", "-o", "x.svg", "--fit", "2"]) == 2
    assert "--fit says what to analyse" in capsys.readouterr().err


def test_many_frequencies_are_cut_short_in_the_report() -> None:
    text = SPEC.replace("12", "28").replace("/13", "/29")
    found = headspec.fourier(headspec.compile(text), fit=range(1, 15), device="cpu")
    (head,) = [line for line in str(found).splitlines() if "rows that vary" in line]
    assert "+8" in head and "+9 " not in head and head.rstrip().endswith("..+14")
