"""``headspec exercise grade``: a class's answers, one line and one row each."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from headspec.cli import main
from headspec.course.files.loading import find_exercise
from headspec.course.grading import as_csv, grade

Capture = pytest.CaptureFixture[str]
ANSWERS = {"ann": "a, b", "bob": "c, d", "cleo": "z", "=dan": "a b"}


@pytest.fixture
def handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("HEADSPEC_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.chdir(tmp_path)
    for name, text in ANSWERS.items():
        Path(f"{name}.txt").write_text(text)
    return [f"{name}.txt" for name in ANSWERS]


def test_each_answer_has_a_line_and_the_class_a_count(handed_in: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main(["exercise", "grade", "w1", *handed_in, "absent.txt"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(": 5 answers")
    verdicts = {words[1]: words[0] for words in map(str.split, lines[2:7])}
    assert verdicts["ann.txt"] == verdicts["=dan.txt"] == "right"
    assert verdicts["bob.txt"] == "0%" and verdicts["cleo.txt"] == verdicts["absent.txt"] == "unread"
    assert lines[8] == "2 of 5 right, 1 not right, 2 cannot be read"
    assert "E0727 1" in lines[9] and "E0601 1" in lines[9]
    assert not (tmp_path / "progress.json").exists()


def test_all_right_is_status_0(handed_in: list[str], capsys: Capture) -> None:
    assert main(["exercise", "grade", "w1", handed_in[0]]) == 0
    assert "1 answer\n" in capsys.readouterr().out


def test_the_table_and_the_json(handed_in: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main(["exercise", "grade", "w1", *handed_in, "--csv", "grades.csv", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["right"] for one in found["grades"]] == [True, False, False, True]
    assert found["grades"][2]["result"] is None and found["grades"][2]["diagnostics"][0]["code"] == "E0727"
    with open("grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["right"] for row in rows] == ["1", "0", "0", "1"] and rows[0]["says"] == "right"
    assert rows[3]["answer"] == "'=dan.txt"  # no formula to a spreadsheet


def test_an_unknown_exercise_is_the_graders_fault(handed_in: list[str], capsys: Capture) -> None:
    assert main(["exercise", "grade", "99z", *handed_in]) == 2
    assert "E0740" in capsys.readouterr().err


def test_what_is_wrong_is_said_in_words(handed_in: list[str]) -> None:
    exercise = find_exercise("w1")
    unread = grade(exercise, "cleo.txt")
    assert not unread.right and unread.score == 0 and "`z` is not one of the choices" in unread.says
    assert as_csv([unread]).count("\n") == 2
