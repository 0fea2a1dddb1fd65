"""``headspec ablate`` on the command line: what is printed, the JSON, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headspec.cli import main
from tests.headspec.iterations import COPY

Capture = pytest.CaptureFixture[str]

TEXT = "<copy> 1 0 <eoi> 1 0"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("specs") / "copy.head"
    path.write_text(COPY, encoding="utf-8")
    return str(path)


def ablate(*words: str) -> int:
    return main(["ablate", *words, "--device", "cpu"])


def test_a_text(spec: str, capsys: Capture) -> None:
    assert ablate(spec, TEXT, "--zero", 'fetch: "<eoi>"') == 0
    shown = capsys.readouterr().out
    assert shown.startswith("binary_copy, with\n  zero  L0H0 fetch")
    assert "3 edges, not renormalised" in shown
    assert "100 %  0.00 %" in shown and "3 of 3 decoded tokens change" in shown
    assert "always saying 0 is right at 33.33 %" in shown
    assert "L0H0 fetch, before" in shown and "L0H0 fetch, after" in shown
    assert "L1H0 find, after" in shown and "1.00000 → 0.00000" in shown


def test_nothing_changed_is_a_measurement(spec: str, capsys: Capture) -> None:
    assert ablate(spec, TEXT) == 0
    shown = capsys.readouterr().out
    assert "as it is" in shown and ", after" not in shown


def test_samples_and_their_lengths(spec: str, capsys: Capture) -> None:
    assert ablate(spec, "--samples", "20", "--length", "6, 8", "--ideal", "fetch", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [x["length"] for x in found["lengths"]] == [6, 8]
    assert found["after"]["tails"] == 1.0 and found["sampled"] and "patterns" not in found["example"]


def test_json_has_the_keys_of_the_manual(spec: str, capsys: Capture) -> None:
    assert ablate(spec, TEXT, "--zero", "fetch", "--generate", "2", "--stop", "<eos>", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    manual = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text(encoding="utf-8")
    missing = [key for key in _keys(found) if f"`{key}`" not in manual]
    assert not missing
    assert found["edits"] == [{"kind": "zero", "text": "fetch", "where": "L0H0 fetch", "touched": 21}]
    pattern = found["example"]["patterns"][0]
    assert pattern["after"] == [[0.0] * 6] * 6 and pattern["before"][0][0] == 1.0


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in _keys(part)}
    if isinstance(value, list):
        return {key for part in value for key in _keys(part)}
    return set()


def test_a_generated_text(spec: str, capsys: Capture) -> None:
    words = ["--pattern", 'fetch: token[key.position + 2] == "<eoi>"', "--generate", "4", "--stop", "<eos>"]
    assert ablate(spec, "<copy> 1 0 1 <eoi>", *words) == 0
    shown = capsys.readouterr().out
    assert "before  1 0 1 <eos>" in shown and "after   1 <eos>" in shown


def test_a_patch(spec: str, capsys: Capture) -> None:
    assert ablate(spec, TEXT, "--from", "<copy> 0 1 <eoi> 0 1", "--patch", "stream 2") == 0
    shown = capsys.readouterr().out
    assert "patches from: <copy> 0 1 <eoi> 0 1" in shown and "2 of 3 decoded tokens change" in shown


def test_a_saved_folder(spec: str, tmp_path: Path, capsys: Capture) -> None:
    folder = str(tmp_path / "saved")
    assert main(["compile", spec, "-o", folder]) == 0
    assert ablate(folder, TEXT, "--zero", "find") == 0
    assert "3 are ties after it" in capsys.readouterr().out
    assert ablate(folder, TEXT, "--dtype", "float64") == 2


def test_a_text_that_is_no_valid_input_is_warned_of(spec: str, capsys: Capture) -> None:
    assert ablate(spec, "<eoi> <copy>") == 0
    assert "warning: this text is not among the sequences" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--zero", "fetch"], "E0645"),
        ([TEXT, "--stop", "0"], "E0608"),
        ([TEXT, "--samples", "many"], "E0608"),
        (["--samples", "4", "--length", "six"], "E0608"),
        (["--samples", "4", "--length", ""], "E0608"),
        ([TEXT, "--zero", "nobody: 3"], "E0606"),
        ([TEXT, "--zero", "fetch: 3 at 0"], "E0644"),
        ([TEXT, "--patch", "find"], "E0643"),
    ],
    ids=str,
)
def test_a_mistake_is_a_diagnostic(words: list[str], code: str, spec: str, capsys: Capture) -> None:
    assert ablate(spec, *words) == 2
    assert f"error[{code}]" in capsys.readouterr().err
    assert ablate(spec, *words, "--json") == 2
    assert json.loads(capsys.readouterr().out)["diagnostics"][0]["code"] == code
