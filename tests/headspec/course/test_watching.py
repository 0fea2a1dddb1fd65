"""Watching: checks at once, after every save, and never a half-written file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from headspec.course.pages.watching import watch


class Stop(Exception):
    """The script is over."""


class Editor:
    """Stands in for time: at each poll it does the next thing of its script, and records what was seen."""

    def __init__(self, path: Path, script: list[Callable[[Path], object] | None]) -> None:
        self.path, self.script, self.seen = path, script, list[str]()

    def sleep(self, _: float) -> None:
        if not self.script:
            raise Stop
        step = self.script.pop(0)
        if step is not None:
            step(self.path)

    def act(self) -> int:
        self.seen.append(self.path.read_text())
        return len(self.seen)


def run(path: Path, script: list[Callable[[Path], object] | None], **options: bool) -> list[str]:
    editor = Editor(path, script)
    with pytest.raises(Stop):
        watch([path], editor.act, sleep=editor.sleep, **options)
    return editor.seen


def save(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def replace(text: str) -> Callable[[Path], object]:
    """As many editors save: a new file, renamed over the old one."""

    def step(path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, path)

    return step


def remove(path: Path) -> None:
    path.unlink()


def append(text: str) -> Callable[[Path], object]:
    def step(path: Path) -> None:
        with open(path, "a") as file:
            file.write(text)

    return step


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "answer.txt"
    path.write_text("one")
    return path


def test_at_once_and_after_every_save(path: Path) -> None:
    assert run(path, [None, None, save("two"), None, None, None, save("three!"), None]) == ["one", "two", "three!"]


def test_nothing_happens_while_nothing_is_saved(path: Path) -> None:
    assert run(path, [None] * 20) == ["one"]


def test_a_rename_over_the_file_is_a_save(path: Path) -> None:
    assert run(path, [None, replace("two"), None, None]) == ["one", "two"]


def test_a_file_that_is_away_for_a_moment(path: Path) -> None:
    assert run(path, [None, remove, None, None, save("two"), None]) == ["one", "two"]


def test_a_file_that_comes_later(path: Path) -> None:
    path.unlink()
    assert run(path, [None, None, save("one"), None]) == ["one"]


def test_a_file_that_is_still_being_written_is_not_read(path: Path) -> None:
    script = [None, save("t"), append("w"), append("o"), None, None]
    assert run(path, script) == ["one", "two"]


def test_a_save_during_the_check_is_seen(path: Path) -> None:
    editor = Editor(path, [None, None, None])

    def act() -> int:
        status = editor.act()
        if status == 1:
            path.write_text("saved meanwhile")
        return status

    with pytest.raises(Stop):
        watch([path], act, sleep=editor.sleep)
    assert editor.seen == ["one", "saved meanwhile"]


def test_once_returns_the_status_of_the_first_check(path: Path) -> None:
    editor = Editor(path, [None] * 5)
    assert watch([path], lambda: 7 * editor.act(), once=True, sleep=editor.sleep) == 7


def test_all_files_have_to_be_there(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    editor = Editor(path, [None, None, lambda _: other.write_text("x"), None, None])
    with pytest.raises(Stop):
        watch([path, other], editor.act, sleep=editor.sleep)
    assert editor.seen == ["one"]
