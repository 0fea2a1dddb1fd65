"""`headspec verify --exhaustive` on the command line: checkpoints, processes that are killed, torchrun."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import headspec
from backends.files.saving import save
from headspec.cli import main
from headspec.every.asking import DRAWN
from tests.compiler.adding import ADDITION

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def adding(tmp_path: Path) -> str:
    path = tmp_path / "adding.head"
    path.write_text(ADDITION, encoding="utf-8")
    return str(path)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """A saved model that reads 7 as 8, for `verify FOLDER`."""
    model = headspec.compile(ADDITION)
    module, program = model.torch("float32", "cpu"), model.program
    module.embed.W_E.data[program.tokens.index("7"), program.subspace("digit").coordinates[0]] += 1
    saved = tmp_path / "wrong"
    save(module, model.program, saved)
    return str(saved)


def verify(capsys: Capture, *words: str) -> dict[str, Any]:
    status = main(["verify", *words, "--json", "--device", "cpu"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert status == (0 if found["holds"] else 1)
    every: dict[str, Any] = found["every"]
    return every


def test_parts_make_the_whole(adding: str, tmp_path: Path, capsys: Capture) -> None:
    one, two = str(tmp_path / "1.json"), str(tmp_path / "2.json")
    part = verify(capsys, adding, "--exhaustive", "--shard", "1/2", "--checkpoint", one)
    assert (part["checked"], part["prompts"], part["complete"], part["shard"]) == (5000, 10_000, False, [1, 2])
    verify(capsys, adding, "--exhaustive", "--shard", "2/2", "--checkpoint", two)
    whole = verify(capsys, adding, "--exhaustive", "--merge", one, two)
    assert whole["complete"] and whole["holds"] and whole["resumed"] == 10_000 and whole["speed"]["prompts"] == 0
    assert whole["dtype"] == "float32" and whole["devices"][0].startswith("cpu")
    assert 0 < whole["least_margin"] < 1.5 and len(whole["least_margin_at"]["prompt"]) == 6


def test_the_report_says_how_many_and_how_fast(adding: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["verify", adding, "--exhaustive", "--checkpoint", str(tmp_path / "a.json"), "--device", "cpu"]) == 0
    assert re.search(r"every output of all 10,000 prompts: all right, least margin 0\.\d+", capsys.readouterr().out)


def test_samples_without_being_asked(adding: str, capsys: Capture) -> None:
    every = verify(capsys, adding, "--exhaustive-limit", "100")
    assert every["checked"] == DRAWN and every["seed"] == 0 and not every["complete"]
    assert verify(capsys, adding, "--exhaustive-limit", "100", "--outputs", "300")["checked"] == 300
    assert verify(capsys, adding, "--exhaustive-limit", "100", "--exhaustive")["complete"]


def test_few_prompts_need_nothing_more(adding: str, capsys: Capture) -> None:
    main(["verify", adding.replace("adding", "short"), "--json"])
    capsys.readouterr()
    Path(adding).write_text(ADDITION.replace('0..9{2} "+" 0..9{2}', '7..9{2} "+" 0..2{2}'), encoding="utf-8")
    assert main(["verify", adding, "--json", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["every"] is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--checkpoint", "a.json"], "E0608"),  # of what is not exhaustive
        (["--shard", "1/2"], "E0608"),
        (["--merge", "a.json"], "E0608"),
        (["--exhaustive", "--outputs", "5"], "E0608"),
        (["--outputs", "0"], "E0608"),
        (["--exhaustive", "--shard", "3/2"], "E0608"),
        (["--exhaustive", "--shard", "0/2"], "E0608"),
        (["--exhaustive", "--shard", "1/0"], "E0608"),
        (["--exhaustive", "--shard", "half"], "E0608"),
        (["--exhaustive", "--checkpoint", "{spec}"], "E0670"),
        (["--exhaustive", "--merge", "no-such-file"], "E0601"),
        (["--exhaustive", "--checkpoint", "no-such-folder/a.json"], "E0605"),
    ],
)
def test_what_cannot_be_done_is_said(adding: str, words: list[str], code: str, capsys: Capture) -> None:
    words = [word.format(spec=adding) for word in words]
    assert main(["verify", adding, *words, "--samples", "5", "--device", "cpu"]) == 2
    assert f"error[{code}]" in capsys.readouterr().err


def test_a_shard_of_nothing_is_no_shard(adding: str, capsys: Capture) -> None:
    assert main(["verify", adding, "--exhaustive", "--shard", "0/0"]) == 2
    assert "`0/0` is not like 1/4" in capsys.readouterr().err


def test_parts_of_a_spec_without_claims_are_refused(capsys: Capture) -> None:
    assert main(["verify", "induction", "--exhaustive", "--shard", "1/2"]) == 2
    assert "error[E0459]" in capsys.readouterr().err


# ------------------------------------------------------------------ processes

SLOWLY = """
import sys, time
import headspec
from headspec.every import running
from headspec.every.checking import Checker
from headspec.every.keeping import Job
from headspec.every.plan import plan
from pathlib import Path

run = Checker.run
Checker.run = lambda self, *batch: (time.sleep(0.02), run(self, *batch))
loaded = headspec.load(sys.argv[1], device="cpu")
running.run_every(plan(loaded.program), loaded.model, Job(Path(sys.argv[2]), batch=50, save_every=0.05))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(wrong: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.json"
    for share in (0.02, 0.3):
        process = subprocess.Popen([sys.executable, "-c", SLOWLY, wrong, str(path)], env=_environment())
        while process.poll() is None and _done(path) < share * 10_000:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    before = _done(path)
    assert 3000 <= before < 10_000
    resumed = verify(capsys, wrong, "--exhaustive", "--checkpoint", str(path))
    whole = verify(capsys, wrong, "--exhaustive", "--checkpoint", str(tmp_path / "b.json"))
    assert resumed["resumed"] == before and resumed["speed"]["prompts"] == 10_000 - before
    assert resumed["checked"] == 10_000 and 0 < resumed["wrong"] == whole["wrong"] < 10_000
    assert (resumed["claims"], resumed["first_wrong"]) == (whole["claims"], whole["first_wrong"])
    assert resumed["least_margin"] == pytest.approx(whole["least_margin"], abs=1e-3)


def _done(path: Path) -> int:
    return sum(b - a for a, b in json.loads(path.read_text(encoding="utf-8"))["done"]) if path.exists() else 0


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[3])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}


@pytest.mark.slow
def test_two_processes_share_the_work(wrong: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "a.json"
    words = ["--standalone", "--nproc-per-node", "2", "-m", "headspec", "verify", wrong, "--exhaustive", "--json"]
    command = [sys.executable, "-m", "torch.distributed.run", *words, "--checkpoint", str(path), "--device", "cpu"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=300)
    shared = json.loads(done.stdout)["every"]  # one process speaks
    whole = verify(capsys, wrong, "--exhaustive", "--checkpoint", str(tmp_path / "b.json"))
    assert done.returncode == 1 and shared["speed"]["processes"] == 2 and shared["complete"]
    assert 0 < shared["wrong"] == whole["wrong"] < 10_000
    assert (shared["claims"], shared["first_wrong"]) == (whole["claims"], whole["first_wrong"])
    assert _done(path) == 10_000 and not list(tmp_path.glob("*.part*"))
