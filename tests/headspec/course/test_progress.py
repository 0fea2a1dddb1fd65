"""Progress: what is kept, and that nothing can spoil it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headspec.course.pages import progress as p


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "progress.json"
    monkeypatch.setenv(p.VARIABLE, str(path))
    return path


def test_what_is_kept(file: Path) -> None:
    assert p.read_progress().records == {} and not file.exists()
    p.note_attempt("2c", right=False, score=0.5)
    p.note_hint("2c", 2)
    p.note_hint("2c", 1)
    after = p.note_attempt("2c", right=True, score=1.0)
    p.note_attempt("2c", right=False, score=0.0)
    p.note_solution("1a")
    kept = p.read_progress()
    assert after.of("2c").solved is not None
    assert kept.of("2c") == p.Record(attempts=3, solved=after.of("2c").solved, best=1.0, hints=2)
    assert kept.of("1a").solution_seen and kept.of("9z") == p.Record()
    assert kept.path == file and kept.notices == ()
    assert set(kept.to_json()) == {"path", "exercises"}
    text = str(kept)
    assert "2c  solved" in text and "3 attempts, 2 hints" in text and "1 solved" in text and "solution seen" in text


def test_the_first_time_counts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "_now", lambda: "first")
    p.note_attempt("2c", right=True, score=1)
    p.note_solution("2c")
    monkeypatch.setattr(p, "_now", lambda: "second")
    p.note_attempt("2c", right=True, score=1)
    p.note_solution("2c")
    assert p.read_progress().of("2c") == p.Record(2, "first", 1.0, 0, "first")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"exercises": []}',
        b'{"exercises": {"2c": 1}}',
        b'{"exercises": {"2c": {"attempts": -1}}}',
        b'{"exercises": {"2c": {"attempts": 1e400}}}',
        b'{"exercises": {"2c": {"best": NaN}}}',
        b'{"exercises": {"2c": {"solved": 3}}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * (2 << 20),
    ],
)
def test_a_damaged_file_is_moved_aside(data: bytes, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(data)
    kept = p.note_attempt("2c", right=True, score=1.0)
    assert "damaged" in kept.notices[0]
    assert file.with_name("progress.json.damaged").read_bytes() == data
    assert p.read_progress().of("2c").attempts == 1 and p.read_progress().notices == ()


def test_a_second_damaged_file_does_not_replace_the_first(file: Path) -> None:
    file.parent.mkdir()
    for data in (b"one", b"two", b"three"):
        file.write_bytes(data)
        assert p.read_progress().notices
    names = ("progress.json.damaged", "progress.json.damaged-2", "progress.json.damaged-3")
    assert [file.with_name(name).read_bytes() for name in names] == [b"one", b"two", b"three"]


@pytest.mark.parametrize("place", ["file", "folder", "none"])
def test_what_cannot_be_written_is_a_notice(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    path = {"file": tmp_path / "file" / "progress.json", "folder": tmp_path / "folder", "none": Path("/dev/null/p")}[
        place
    ]
    monkeypatch.setenv(p.VARIABLE, str(path))
    kept = p.note_attempt("2c", right=True, score=1.0)
    assert len(kept.notices) == 1 and kept.of("2c").attempts in (0, 1)
    assert (tmp_path / "file").read_text() == ""


def test_a_damaged_file_that_cannot_be_moved_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    file.write_text("spoilt")

    def refuse(*_: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(p.os, "replace", refuse)
    kept = p.note_attempt("2c", right=True, score=1.0)
    assert "cannot be moved aside" in kept.notices[0] and file.read_text() == "spoilt"


def test_reset_keeps_the_old_file(file: Path) -> None:
    p.note_attempt("2c", right=True, score=1.0)
    before = file.read_bytes()
    assert "before-reset" in p.reset().notices[0]
    assert p.read_progress().records == {} and p.reset().notices == ()
    assert file.with_name("progress.json.before-reset").read_bytes() == before


# ------------------------------------------------------------------ where it is kept


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a folder"])
def test_what_is_no_plain_file_is_never_moved(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder named by mistake is not ours to rename, nor is a device; and a pipe is not waited for."""
    place, folder = tmp_path / "place", tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(folder)
    place = folder if kind == "folder" else place
    monkeypatch.setenv(p.VARIABLE, str(place))
    before = sorted(path.name for path in tmp_path.iterdir())
    for kept in (p.read_progress(), p.note_attempt("2c", right=True, score=1.0), p.reset()):
        assert "not a plain file" in kept.notices[0] and not kept.records
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (folder / "thesis.txt").read_text() == "precious"


def test_reset_where_there_can_be_no_file_is_a_notice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(p.VARIABLE, str(tmp_path / ("x" * 300)))
    assert "cannot be moved" in p.reset().notices[0]


def test_names_that_are_no_utf8_are_kept(file: Path) -> None:
    """An exercise in a folder whose name has odd bytes."""
    key = os.fsdecode(b"/home/\xff/mine.toml")
    p.note_attempt(key, right=True, score=1.0)
    assert p.read_progress().of(key).attempts == 1


def test_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("off", "", "None"):
        monkeypatch.setenv(p.VARIABLE, word)
        assert p.progress_path() is None
        assert p.note_attempt("2c", right=True, score=1.0).notices == ()
    monkeypatch.delenv(p.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert p.progress_path() == tmp_path / "state" / "headspec" / "progress.json"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    folders = {"linux": ".local/state", "darwin": "Library/Application Support", "win32": "AppData/Local"}
    for platform, folder in folders.items():
        monkeypatch.setattr(p.sys, "platform", platform)
        assert p.progress_path() == tmp_path / folder / "headspec" / "progress.json"


def test_a_teachers_exercise_is_kept_apart_from_ours(tmp_path: Path) -> None:
    from headspec.course.files.loading import course_folder

    ours = course_folder()
    assert ours is not None and p.key_of(ours / "2c.toml") == "2c"
    assert p.key_of(tmp_path / "2c.toml") == str((tmp_path / "2c.toml").resolve())


# ------------------------------------------------------------------ crashes

WRITER = """
import sys
from headspec.course.pages.progress import note_attempt, note_hint
print("ready", flush=True)
n = 0
while True:
    n += 1
    note_attempt(f"exercise {n % 200}", right=n % 3 == 0, score=0.5)
    note_hint("2c", n)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_moment_the_file_is_whole(file: Path) -> None:
    """Eight writers, each killed outright at a random moment: what is left always parses, and never goes back."""
    rng, hints = random.Random(0), 0
    file.parent.mkdir()
    for _ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE, env=dict(os.environ))
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        end = time.monotonic() + rng.uniform(0.02, 0.12)
        while time.monotonic() < end or not file.exists():
            if file.exists():
                json.loads(file.read_text())  # a reader never sees half a file
        writer.kill()
        writer.wait()
        writer.stdout.close()
        kept = p.read_progress()
        assert kept.notices == () and kept.records
        assert not list(file.parent.glob("*.damaged*"))
        hints = kept.of("2c").hints
    assert hints > 0
