"""Checkpoint files: what was written is read, and what does not fit is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from headspec.every.checkpoint import Identity, State, absorb, load, save
from headspec.every.counts import SHOWN, Counts, Least
from headspec.every.holding import held
from headspec.every.plan import Plan, plan
from headspec.every.ranges import Ranges
from tests.compiler.adding import ADDITION

IDENTITY = Identity("w", "c", "float32", 10_000)
PROMPT = (1, 2, 10, 3, 4, 11)


@pytest.fixture(scope="module")
def adding() -> Plan:
    return plan(resolve(parse(ADDITION)))


def state(start: int, stop: int, wrong: int = 1, margin: float | None = None) -> State:
    margin = (-0.5 if wrong else 0.5) if margin is None else margin
    counts = Counts(stop - start, wrong, (wrong, 0, 0), Least(margin, PROMPT, 2), (PROMPT,) * bool(wrong))
    return State(Ranges.of([(start, stop)]), counts, 2.0, ("cpu",))


def refusal(path: Path, identity: Identity, adding: Plan) -> str:
    with pytest.raises(SpecError) as caught:
        load(path, identity, adding)
    assert [d.code for d in caught.value.diagnostics] == ["E0670"]
    return str(caught.value)


@pytest.mark.parametrize("margin", [0.1, 0.0, -3.25, float("-inf"), float("inf")])
def test_what_is_saved_is_loaded(tmp_path: Path, adding: Plan, margin: float) -> None:
    wrong = int(margin <= 0)
    kept = state(3, 70, wrong, margin) + state(80, 90, wrong=0)
    save(tmp_path / "a.json", IDENTITY, kept)
    assert load(tmp_path / "a.json", IDENTITY, adding) == kept
    assert kept.counts.checked == 77 and kept.counts.wrong == wrong and kept.seconds == 4.0
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": "v"}, "other weights"),
        ({"claims": "d"}, "other prompts or claims"),
        ({"dtype": "bfloat16"}, "another float type"),
        ({"prompts": 9}, "another number of prompts"),
        ({"weights": "v", "dtype": "bfloat16"}, "another float type"),
        ({"weights": "v", "claims": "d"}, "other prompts or claims"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, adding: Plan, change: dict[str, object], said: str
) -> None:
    save(tmp_path / "a.json", replace(IDENTITY, **change), state(0, 5))
    assert said in refusal(tmp_path / "a.json", IDENTITY, adding)


@pytest.mark.parametrize(
    "change",
    [
        {"done": [[0, 4]]},  # five were counted
        {"done": [[0, 3], [2, 4]]},
        {"done": [[9_996, 10_001]]},
        {"done": [[0, "5"]]},
        {"done": 7},
        {"found": []},
        {"found": None},
        {"seconds": "nan"},
        {"seconds": -1},
        {"seconds": 10**400},
        {"devices": "cpu"},
        {"devices": [{}]},
        {"seconds": "long"},
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, adding: Plan, change: dict[str, object]) -> None:
    path = tmp_path / "a.json"
    save(path, IDENTITY, state(0, 5))
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    assert "damaged" in refusal(path, IDENTITY, adding)


FOUND = {"checked": 5, "wrong": 1, "wrong_at": [1, 0, 0], "least": ["-0.5", [1] * 6, 0], "first_wrong": [[1] * 6]}


@pytest.mark.parametrize(
    "change",
    [
        {"wrong": 6, "wrong_at": [6, 0, 0]},
        {"wrong": 2},
        {"wrong": -1},
        {"wrong": True},
        {"wrong": 0, "wrong_at": [0, 0, 0]},  # then what is least of?
        {"wrong": 0, "wrong_at": [0, 0, 0], "least": ["0.5", [1] * 6, 0]},  # and which is shown?
        {"wrong_at": [1, 0]},
        {"wrong_at": [[1], 0, 0]},
        {"wrong_at": {"1": 0}},
        {"least": None},
        {"least": ["x", [1] * 6, 0]},
        {"least": ["nan", [1] * 6, 0]},
        {"least": ["0.5", [1] * 6, 0]},  # no error has a margin above 0
        {"least": ["-0.5", [1] * 6, 3]},
        {"least": ["-0.5", [1] * 5, 0]},
        {"least": [-0.5, [1] * 6, 0]},
        {"first_wrong": [[99] * 6]},
        {"first_wrong": [[1] * 6] * 2},
        {"first_wrong": [[i] * 6 for i in range(6)]},
        {"first_wrong": {}},
    ],
)
def test_figures_that_contradict_one_another_are_refused(
    tmp_path: Path, adding: Plan, change: dict[str, object]
) -> None:
    path = tmp_path / "a.json"
    save(path, IDENTITY, state(0, 5))
    kept = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(kept | {"found": FOUND}), encoding="utf-8")
    load(path, IDENTITY, adding)
    path.write_text(json.dumps(kept | {"found": FOUND | change}), encoding="utf-8")
    assert "damaged" in refusal(path, IDENTITY, adding)


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, adding: Plan) -> None:
    path = tmp_path / "a.json"
    save(path, IDENTITY, state(0, 5))
    whole = path.read_bytes()
    for length in range(len(whole) - 2):
        path.write_bytes(whole[:length])
        refusal(path, IDENTITY, adding)


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '{"format": "another"}', "[" * 100_000, "9" * 9_999])
def test_other_files_are_refused(tmp_path: Path, adding: Plan, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert "no" in refusal(tmp_path / "a.json", IDENTITY, adding)


def test_states_are_added_once() -> None:
    one, two = state(0, 5, margin=-0.25), state(5, 9, margin=-0.5)
    both = absorb(one, two, Path("b"))
    assert both.done.parts == ((0, 9),) and both.counts.wrong_at == (2, 0, 0)
    assert both.counts.least is not None and both.counts.least.margin == -0.5
    assert absorb(both, two, Path("b")) == both  # taken in before
    assert absorb(two, both, Path("b")) == both == absorb(State.nothing(3), both, Path("b"))  # and in this order
    with pytest.raises(SpecError, match="E0670"):
        absorb(one, state(4, 9), Path("b"))
    with pytest.raises(ValueError):
        one + state(4, 9)


def test_the_first_wrong_prompts_are_kept_whatever_the_order() -> None:
    found = [Counts(1, 1, (1,), None, ((i,),)) for i in (7, 3, 9, 1, 8, 2, 5)]
    forth, back = sum(found, start=Counts.none(1)), sum(reversed(found), start=Counts.none(1))
    assert forth == back and forth.first_wrong == ((1,), (2,), (3,), (5,), (7,)) and len(forth.first_wrong) == SHOWN


def test_a_checkpoint_in_use_is_refused_until_its_run_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with held(path):
        with pytest.raises(SpecError) as caught, held(path):
            raise AssertionError("both runs write")
        assert [d.code for d in caught.value.diagnostics] == ["E0671"]
        with held(tmp_path / "b.json"):
            pass
    with held(path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_run_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    dying = f"from pathlib import Path; from headspec.every.holding import held; h = held(Path({str(path)!r}))"
    dying += "; h.__enter__(); import os; os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", dying], check=False).returncode == -9
    assert (tmp_path / "a.json.lock").exists()
    with held(path):
        pass
