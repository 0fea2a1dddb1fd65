"""What is installed: a wheel with the grammar and the specs in it, that works far from this checkout.

The wheel is built by the build backend that pyproject.toml names; where that cannot be had (offline, not
installed) these tests are skipped and say so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNAVAILABLE = re.compile(
    r"could not find a version|no matching distribution|connection|network|temporary failure", re.I
)


def run(command: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = run(command, folder)
    if done.returncode != 0 and UNAVAILABLE.search(done.stderr):
        pytest.skip("the build backend cannot be fetched here")
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("headspec-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the wheel in it."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    done = run(pip, target)
    assert done.returncode == 0, done.stderr
    return target


def headspec(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m headspec` where this checkout is not importable: without the site module, whose .pth file of the
    editable install points here, and with the third-party packages named outright."""
    path = os.pathsep.join([str(installed), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]])
    return run([sys.executable, "-S", "-m", "headspec", *words], cwd, PYTHONPATH=path, PYTHONSAFEPATH="1")


@pytest.mark.slow
def test_the_wheel_has_everything_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for ending in ("*.head", "*.toml"):
        specs = {p.relative_to(ROOT).as_posix() for p in (ROOT / "specs").rglob(ending)}
        assert specs and {f"headspec/{name}" for name in specs} <= set(names)
    for package in ("dsl", "compiler", "backends", "headspec"):
        assert f"{package}/py.typed" in names
        modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / package).rglob("*.py")}
        assert modules <= set(names)
    assert "dsl/grammar.lark" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dsl", "compiler", "backends", "headspec"}


@pytest.mark.slow
def test_it_works_from_anywhere(installed: Path, tmp_path: Path) -> None:
    done = headspec(installed, tmp_path, "show", "induction")
    assert done.returncode == 0, done.stderr
    assert "previous" in done.stdout and "induction" in done.stdout
    done = headspec(installed, tmp_path, "exercise", "check", "w1", "--answer", "ab")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_is_the_wheel_that_ran(installed: Path, tmp_path: Path) -> None:
    probe = "import headspec, dsl; print(headspec.__file__); print(dsl.__file__)"
    path = os.pathsep.join([str(installed), sysconfig.get_paths()["purelib"]])
    done = run([sys.executable, "-S", "-c", probe], tmp_path, PYTHONPATH=path, PYTHONSAFEPATH="1")
    assert all(Path(line).is_relative_to(installed) for line in done.stdout.split()), done


def test_metadata() -> None:
    found = metadata.metadata("headspec")
    assert found["Name"] == "headspec" and found["License-Expression"] == "MIT"
    assert found["Requires-Python"] == ">=3.11"
    (script,) = [e for e in metadata.entry_points(group="console_scripts") if e.name == "headspec"]
    assert script.value == "headspec.cli:main"


def test_the_version_is_said_once() -> None:
    import headspec

    assert metadata.version("headspec") == headspec.__version__
    assert f"## {headspec.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_is_pinned_and_explained() -> None:
    pinned = {
        re.split(r"==", line)[0].lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    for requirement in metadata.requires("headspec") or []:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower()
        assert name in explained, f"docs/dependencies.md does not say why {name} is there"
        if "extra == 'plot'" not in requirement and 'extra == "plot"' not in requirement:
            assert name in pinned, f"constraints.txt does not pin {name}"
