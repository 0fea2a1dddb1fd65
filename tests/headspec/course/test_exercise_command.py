"""``headspec exercise`` and ``headspec.exercises``: what a student sees, and what a grader relies on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import headspec
from headspec import exercises
from headspec.cli import main
from headspec.course import checking
from headspec.course.files.loading import course, find_exercise
from headspec.course.pages import progress
from headspec.course.pages.report import render_result, result_html
from headspec.course.results import CheckResult, Counterexample, Mistake, Result
from headspec.terminal import Style
from tests.headspec.light_imports import run_light

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
LOOK = EXAMPLES / "look_two_back.toml"
RIGHT = """
W_Q = rows cos(2*alpha)*u_cos + sin(2*alpha)*u_sin, -sin(2*alpha)*u_cos + cos(2*alpha)*u_sin
W_K = rows u_cos, u_sin
"""
FORWARDS = RIGHT.replace("sin", "SIN").replace("SIN(", "-sin(").replace("--", "").replace("SIN", "sin")
COMMANDS = ("list", "show", "check", "hint", "solution", "watch", "progress", "grade", "test")


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The progress file of this test."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    return path


@pytest.fixture
def right(tmp_path: Path) -> Path:
    path = tmp_path / "right.txt"
    path.write_text(RIGHT)
    return path


def run(capsys: Capture, *words: object) -> tuple[int, str, str]:
    status = main(["exercise", *map(str, words)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


# ------------------------------------------------------------------ the command line itself


def test_help_imports_nothing_heavy() -> None:
    printed = run_light(
        "from headspec.cli import main\n"
        f"assert not any(main(['exercise', *words]) for words in [['--help'], *([c, '--help'] for c in {COMMANDS})])",
        {"torch", "sympy", "numpy", "lark", "rich", "tomllib", "compiler", "headspec.course"},
    )
    for command in COMMANDS:
        assert f"headspec exercise {command} " in printed and f"    {command} " in printed


def test_importing_exercises_is_cheap() -> None:
    run_light(
        "import headspec\nfrom headspec import exercises\nassert headspec.exercises is exercises",
        {"torch", "sympy", "numpy", "lark", "rich", "tomllib", "compiler.pipeline"},
    )
    done = subprocess.run([sys.executable, "-c", "import headspec; headspec.exercises.check"], timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "nothing"], "E0740"),
        (["show", "no/such.toml"], "E0740"),
        (["list", "--course", "no-such-folder"], "E0740"),
        (["check", "2c"], "E0747"),
        (["check", "2c", "a.txt", "b.txt"], "E0747"),
        (["check", "2c", "a.txt", "--answer", "x"], "E0747"),
        (["check", "2c", "no-such-file"], "E0601"),
        (["check", "2c", "--answer", "x", "--convention", "diagonal"], "E0608"),
        (["hint", "2c", "9"], "E0748"),
        (["hint", "2c", "0"], "E0748"),
        (["hint", "2c", "two"], "E0748"),
        (["watch", "2c", "-"], "E0747"),
        (["frobnicate"], "E0608"),
        (["check", "2c", "--frobnicate"], "E0608"),
        (["check"], "E0608"),
    ],
)
def test_a_mistake_is_a_diagnostic(words: list[str], code: str, capsys: Capture, kept: Path) -> None:
    status, out, err = run(capsys, *words)
    assert status == 2 and err.startswith(f"error[{code}]: ") and out == ""
    status, out, err = run(capsys, *words, "--json")
    assert status == 2 and err == "" and json.loads(out)["diagnostics"][0]["code"] == code
    assert not kept.exists()


def test_options_may_stand_anywhere(right: Path, capsys: Capture) -> None:
    for words in (
        ("check", LOOK, right, "--json"),
        ("check", LOOK, "--json", right),
        ("check", "--json", LOOK, right),
        ("--json", "check", LOOK, right),
        ("check", "look_two_back", "--course", EXAMPLES, right, "--json"),
        ("--course", EXAMPLES, "--json", "check", "look_two_back", right),
    ):
        status, out, _ = run(capsys, *words)
        assert status == 0 and json.loads(out)["right"] is True, words


# ------------------------------------------------------------------ list, show, hint, solution


def test_the_list_says_what_is_next(capsys: Capture, right: Path) -> None:
    status, out, _ = run(capsys)
    assert status == 0 and out == run(capsys, "list")[1]
    assert [e.title in out for e in course()].count(False) == 0
    first, second = course()[:2]
    assert f"0 of {len(course())} solved" in out and f"next: headspec exercise show {first.number} " in out
    progress.note_attempt(first.number, right=True, score=1)
    progress.note_attempt(second.number, right=False, score=0.5)
    out = run(capsys, "list")[1]
    assert f"✓ {first.number}" in out and "(1 attempt, best 50%)" in out
    assert f"1 of {len(course())} solved" in out and f"next: headspec exercise show {second.number} " in out


def test_the_list_as_json(capsys: Capture) -> None:
    progress.note_attempt("2c", right=True, score=1)
    found = json.loads(run(capsys, "--json")[1])
    assert [entry["number"] for entry in found] == [e.number for e in course()]
    keys = {"number", "title", "part", "order", "source", "kind", "hints", "solved", "attempts", "best"}
    assert all(set(entry) == keys for entry in found)
    assert [entry["number"] for entry in found if entry["solved"]] == ["2c"]


@pytest.mark.parametrize("number", [e.number for e in course()])
def test_show_has_all_that_an_answer_is_built_from(number: str, capsys: Capture) -> None:
    exercise = find_exercise(number)
    found = json.loads(run(capsys, "show", number, "--json")[1])
    assert found["number"] == number and found["statement"] == exercise.statement and found["convention"]
    assert found["hints"] == len(exercise.hints) and found["choices"] == exercise.choices
    assert [item["shape"] for item in found["asked"]] == [list(a.shape) if a.shape else None for a in exercise.asked]
    page = run(capsys, "show", number)[1]
    assert exercise.title in page and f"headspec exercise check {number} " in page
    for hidden in (exercise.solution, exercise.explanation, *(h for h in exercise.hints)):
        assert len(hidden) < 20 or (hidden not in page and hidden not in json.dumps(found))
    if exercise.program is None:
        assert found["stage"] is None
        return
    stage = found["stage"]
    assert stage["d_model"] == exercise.program.width and stage["tokens"] == list(exercise.program.tokens)
    assert [s["name"] for s in stage["symbols"]] == [s.name for s in exercise.program.symbols]
    named = {name for name in exercise.program.coordinate_names if "." in name} | set(exercise.names)
    assert named <= set(stage["directions"])
    for name, direction in exercise.names.items():
        assert stage["directions"][name] == stage["directions"][direction]
    assert not re.search(r'^ *(layer|head|attend|copy|W_|expect|")|#', stage["spec"], re.M)


@pytest.mark.parametrize("exercise", course(), ids=lambda e: e.number)
def test_the_form_to_fill_in_can_be_read(exercise: object) -> None:
    """What ``show`` says to hand in is read without a diagnostic, and is not right already."""
    from headspec.course.exercise import Exercise
    from headspec.course.handing_in.reading import read_answer
    from headspec.course.pages.templates import answer_template

    assert isinstance(exercise, Exercise)
    answer = read_answer(exercise, text=answer_template(exercise))
    if exercise.kind in ("choice", "number", "formula") or exercise.number == "2c":
        assert not checking.check_answer(exercise, answer).right


def test_a_terminal_gets_markdown_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    from headspec.course.pages.showing import render_exercise

    page = render_exercise(find_exercise("2c"), Style(width=80, colour=True))
    assert "\x1b[" in page and "`W_Q`" not in page
    assert "\x1b[" not in render_exercise(find_exercise("2c"))


def test_hints_come_one_by_one(capsys: Capture) -> None:
    hints = find_exercise("2c").hints
    for level, hint in enumerate(hints, 1):
        status, out, _ = run(capsys, "hint", "2c")
        assert status == 0 and out.startswith(f"Hint {level} of {len(hints)}: {hint}")
        assert ("exercise solution 2c" in out) == (level == len(hints))
    assert run(capsys, "hint", "2c")[1].startswith(f"Hint {len(hints)} of")
    assert run(capsys, "hint", "2c", "1")[1].startswith("Hint 1 of")
    assert progress.read_progress().of("2c").hints == len(hints)
    found = json.loads(run(capsys, "hint", "2c", "2", "--json")[1])
    assert found == {"exercise": "2c", "level": 2, "of": len(hints), "text": hints[1]}


def test_a_solution_is_noted_and_can_be_handed_in(capsys: Capture, tmp_path: Path) -> None:
    exercise = find_exercise("2c")
    _, out, _ = run(capsys, "solution", "2c")
    assert out.startswith(exercise.solution) and exercise.explanation in out
    assert progress.read_progress().of("2c").solution_seen
    answer = tmp_path / "answer.txt"
    answer.write_text(json.loads(run(capsys, "solution", "2c", "--json")[1])["solution"])
    assert run(capsys, "check", "2c", answer)[0] == 0


# ------------------------------------------------------------------ check


def test_right_and_wrong(right: Path, tmp_path: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "check", LOOK, right)
    assert status == 0 and out.startswith("look_two_back  Look two positions back: exactly right\n")
    assert "headspec exercise solution" in out
    status, out, _ = run(capsys, "check", LOOK, "--answer", FORWARDS)
    assert status == 1 and "not right" in out and "[turned-the-wrong-way]" in out
    assert "a a [a]" in out and "expected" in out and "headspec exercise hint" in out
    record = progress.read_progress().of(str(LOOK))
    assert (record.attempts, record.best, record.solved is not None) == (2, 1.0, True)


def test_the_next_exercise_is_named(capsys: Capture) -> None:
    first, second = course()[:2]
    status, out, _ = run(capsys, "check", first.number, "--answer", first.solution)
    assert status == 0 and f"headspec exercise show {second.number}`: {second.title}" in out


def test_json_for_graders_leaves_the_progress_alone(right: Path, kept: Path, capsys: Capture) -> None:
    status, out, err = run(capsys, "check", LOOK, right, "--json")
    found = json.loads(out)
    assert status == 0 and err == "" and not kept.exists()
    assert set(found) == {"exercise", "title", "right", "score", "checks", "notes", "seconds"}
    (check,) = found["checks"]
    keys = {"name", "kind", "head", "verdict", "right", "message", "figures", "mistakes", "counterexample", "numbers"}
    assert set(check) == keys and check["verdict"] == "exact" and found["score"] == 1
    status, out, _ = run(capsys, "check", LOOK, "--answer", FORWARDS, "--json")
    case = json.loads(out)["checks"][0]["counterexample"]
    assert status == 1 and sum(case["pattern"]) == pytest.approx(1) and case["tokens"] == ["a", "a", "a"]


def test_every_way_to_hand_in(right: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    import numpy as np

    c, s = np.cos(1.0), np.sin(1.0)
    q, k = np.array([[0, 0, c, s], [0, 0, -s, c]]), np.array([[0, 0, 1.0, 0], [0, 0, 0, 1]])
    np.save(tmp_path / "q.npy", q)
    np.save(tmp_path / "k.npy", k)
    np.savez(tmp_path / "both.npz", W_Q=q, W_K=k)
    pairs = (f"W_Q={tmp_path / 'q.npy'}", f"W_K={tmp_path / 'k.npy'}")
    for words in (pairs, (tmp_path / "both.npz",)):
        status, out, _ = run(capsys, "check", LOOK, *words)
        assert status == 0 and "right to rounding" in out, out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RIGHT.encode())))
    assert run(capsys, "check", LOOK, "-")[0] == 0
    assert run(capsys, "check", LOOK, "--answer", RIGHT)[0] == 0
    assert exercises.check(LOOK, W_Q=q.T, W_K=k.T) and exercises.check(LOOK, {"W_Q": q, "W_K": k})
    assert exercises.check(LOOK, right) and exercises.check(str(LOOK), RIGHT)
    assert exercises.check("w1", "ab") and not exercises.check("w1", "cd")


def test_a_standard_input_that_is_no_text_is_a_diagnostic(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    expected = [
        (None, "E0747"),
        (io.TextIOWrapper(io.BytesIO(b"W_Q \xff")), "E0602"),
        (io.TextIOWrapper(io.BytesIO(b"#" * (1 << 21))), "E0747"),
    ]
    for stream, code in expected:
        monkeypatch.setattr(sys, "stdin", stream)
        status, out, _ = run(capsys, "check", LOOK, "-", "--json")
        assert status == 2 and [d["code"] for d in json.loads(out)["diagnostics"]] == [code]


def test_a_matrix_cannot_be_handed_in_twice(right: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "check", LOOK, f"W_Q={right}", f"W_Q={right}", "--json")
    assert status == 2 and "twice" in json.loads(out)["diagnostics"][0]["message"]


@pytest.mark.parametrize("size", ["1e300", "1e-300", "10^5000"])
def test_numbers_beyond_all_measure_are_a_diagnostic(size: str, capsys: Capture, tmp_path: Path) -> None:
    """No float can hold their scores, so nothing can be said of them; no traceback, and valid JSON."""
    import numpy as np

    factor = size if "^" in size else f"{'10^300' if size == '1e300' else '1/10^300'}"
    text = "".join(f"W_{m} = [[{factor}, 0, {factor}, 0], [0, {factor}, 0, {factor}]]\n" for m in "QK")
    status, out, _ = run(capsys, "check", LOOK, "--answer", text, "--json")
    assert status == 2 and json.loads(out)["diagnostics"][0]["code"] in ("E0782", "E0320")
    if "^" not in size:
        np.save(tmp_path / "q.npy", np.full((2, 4), float(size)))
        words = (f"W_Q={tmp_path / 'q.npy'}", f"W_K={tmp_path / 'q.npy'}", "--json")
        status, out, _ = run(capsys, "check", LOOK, *words)
        assert status == 2 and json.loads(out)["diagnostics"][0]["code"] == "E0782"


def test_what_cannot_be_kept_does_not_stop_a_check(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, "/dev/null/progress.json")
    status, out, err = run(capsys, "check", LOOK, "--answer", RIGHT)
    assert status == 0 and "exactly right" in out and err.startswith("note: ")


# ------------------------------------------------------------------ watch, progress


def test_watch_once(right: Path, capsys: Capture) -> None:
    assert run(capsys, "watch", LOOK, right, "--once")[0] == 0
    right.write_text(FORWARDS)
    assert run(capsys, "watch", LOOK, right, "--once")[0] == 1
    right.write_text("W_Q = rows (")
    status, out, _ = run(capsys, "watch", LOOK, right, "--once", "--json")
    assert status == 2 and json.loads(out)["diagnostics"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise there")
def test_watch_checks_on_save_and_ends_with_130(tmp_path: Path) -> None:
    answer, log = tmp_path / "answer.txt", tmp_path / "log"
    answer.write_text(FORWARDS)
    command = [sys.executable, "-m", "headspec", "exercise", "watch", str(LOOK), str(answer)]
    environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with (
        open(log, "w") as out,
        subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=environment, preexec_fn=heed_interrupts
        ) as dog,
    ):
        try:
            wait_for(log, "not right")
            answer.write_text("W_Q = rows (")
            wait_for(log, "error[E")
            answer.with_suffix(".new").write_text(RIGHT)
            answer.with_suffix(".new").replace(answer)
            wait_for(log, "exactly right")
            dog.send_signal(signal.SIGINT)
            assert dog.wait(20) == 130
        finally:
            dog.kill()
    assert "Traceback" not in log.read_text()


def heed_interrupts() -> None:
    """A shell that starts the tests in the background has its children ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(log: Path, text: str) -> None:
    end = time.monotonic() + 60
    while text not in log.read_text():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_progress(kept: Path, capsys: Capture) -> None:
    assert run(capsys, "progress") == (0, "nothing has been tried yet\n", "")
    progress.note_attempt("2c", right=True, score=1)
    assert "2c  solved" in run(capsys, "progress")[1]
    found = json.loads(run(capsys, "progress", "--json")[1])
    assert found["path"] == str(kept) and found["exercises"]["2c"]["attempts"] == 1
    status, out, err = run(capsys, "progress", "--reset")
    assert status == 0 and "nothing has been tried" in out and "before-reset" in err


# ------------------------------------------------------------------ for teachers


def test_the_example_of_the_page_holds(capsys: Capture) -> None:
    status, out, _ = run(capsys, "test", LOOK)
    assert status == 0 and out.startswith("look_two_back  Look two positions back: holds\n")


@pytest.mark.slow
def test_an_exercise_that_does_not_hold(tmp_path: Path, capsys: Capture) -> None:
    text = LOOK.read_text()
    (tmp_path / "a.toml").write_text(text.replace('mistake = "turned-the-wrong-way"', 'mistake = "E0709"'))
    (tmp_path / "b.toml").write_text(text.replace("W_K = [[0, 0, 1, 0]", "W_K = [[0, 0, 2, 0]"))
    (tmp_path / "c.toml").write_text(
        text.replace("rows 2*cos(alpha)*u_cos + 2*sin", "rows cos(alpha)*u_cos + (").strip()
    )
    accepted = text.replace('name = "two forwards"\nanswer = """', f'name = "two forwards"\nanswer = """{RIGHT}#')
    (tmp_path / "d.toml").write_text(
        accepted.replace("#\nW_Q", "# W_Q").replace(
            '\nW_K = rows u_cos, u_sin\n"""\nmistake = "turned', '\n"""\nmistake = "turned'
        )
    )
    status, out, _ = run(capsys, "test", "--course", tmp_path, "--json")
    found = {one["exercise"]: one for one in json.loads(out)}
    wrong = {name: [(c["kind"], c["name"]) for c in one["cases"] if not c["holds"]] for name, one in found.items()}
    assert status == 1
    assert wrong["a"] == [("wrong", "two forwards")] and wrong["b"] == [("right", "in coordinates")]
    assert wrong["d"] == [("wrong", "two forwards")]
    assert wrong["c"] == [("wrong", "twice as sharp is not twice as far")]
    told = text.replace('mistake = "turned-the-wrong-way"', 'mistake = "degrees"')
    (tmp_path / "e.toml").write_text(told)
    assert "(degrees by this file alone)" in run(capsys, "test", tmp_path / "e.toml")[1]
    out = run(capsys, "test", tmp_path / "a.toml")[1]
    assert "DOES NOT HOLD" in out and "expected was E0709" in out


def test_the_page_lists_every_key_and_every_mistake() -> None:
    from headspec.course.files.checks import COMMON, FITTING, OPTIONS
    from headspec.course.judging.properties import PROPERTIES
    from headspec.course.naming.mistakes import CODES

    page = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([^`\s]+)`", page))
    files = [ROOT / "headspec" / "course" / "files" / name for name in ("exercise_file.py", "checks.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    keys = set(re.findall(r'\.(?:text|texts|word|integer|sizes|rational|names)\("(\w+)"', source))
    assert len(keys) > 15 and keys - {"equals"} <= words | {"given"}
    assert {*FITTING, *COMMON, *OPTIONS} <= words and {o for options in OPTIONS.values() for o in options} <= words
    assert set(CODES) <= words
    assert set(PROPERTIES) <= words and {option for p in PROPERTIES.values() for option in p.kinds} <= words


@pytest.mark.slow
def test_the_scripts_for_graders(right: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "w1.txt").write_text("cd")
    (answers / "look_two_back.txt").write_text(RIGHT)
    (answers / "2c.txt").write_text("W_Q = rows (")
    script, grades = EXAMPLES / "grade_folder.py", tmp_path / "grades.json"
    command = [sys.executable, script, answers, "--exercises", "w1", "2c", "1a", LOOK, "--output", grades]
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1, done.stderr
    found = {one["exercise"]: one for one in json.loads(grades.read_text())["grades"]}
    assert [found[name]["score"] for name in ("w1", "2c", "1a", "look_two_back")] == [0, 0, 0, 1]
    assert found["1a"]["says"] == "nothing is handed in" and found["2c"]["says"].startswith("E0")
    assert (tmp_path / "summary.md").read_text() == done.stdout

    cells = [{"cell_type": "markdown", "source": ["# Answer w1\n", "ab"]}, {"cell_type": "code", "source": ["1/0"]}]
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    command = [sys.executable, EXAMPLES / "grade_notebook.py", notebook, "--exercises", "w1", "2c"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1 and json.loads(done.stdout)["score"] == 0.5, done.stderr


# ------------------------------------------------------------------ reports and notebooks

CASE = Counterexample(
    tokens=("<bos>", "a", "b", "a"),
    head="back",
    query=3,
    pattern=(0.62, 0.2, 0.1, 0.08),
    expected=(0.0, 0.0, 1.0, 0.0),
    mass=0.1,
    sentence="for `<bos> a b a`, at position 3 your head puts 0.62 on position 0",
    sharpened={"back": 2.5},
)


def made(verdict: str, **more: object) -> CheckResult:
    return CheckResult("where it looks", "pattern", "back", verdict, "It <b>looks</b>.", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (("exact",), "exactly right"),
        (("exact", "rounded"), "right to rounding"),
        (("rounded", "enough"), "right enough"),
        (("right",), "right"),
        (("right", "exact"), "exactly right"),
        (("exact", "wrong"), "not right"),
        (("exact", "undecided"), "not decided"),
    ],
)
def test_the_verdict_comes_first(verdicts: tuple[str, ...], words: str) -> None:
    result = Result("9x", "T", tuple(map(made, verdicts)))
    first = str(result).split("\n")[0]
    assert first.startswith(f"9x  T: {words}") and f"{words}</span>" in result_html(result)
    assert first == render_result(result, Style(unicode=False)).split("\n")[0]
    last = str(result).split("\n")[-1]
    assert ("hint 9x" in last) == (not result.right)


def test_a_refutation_in_full() -> None:
    check = made("wrong", figures=("worst mass: 0.1",), mistakes=(Mistake("sign", "The sign."),), counterexample=CASE)
    text = render_result(Result("9x", "T", (check,), notes=("A note.",)))
    assert text.index("It <b>") < text.index("mistake: The sign. [sign]") < text.index("for `<bos> a b a`")
    for line in ("<bos> a b [a]", "W_Q of `back` multiplied by 2.5", "worst mass: 0.1", "note: A note."):
        assert line in text, text
    assert re.search(r"0 <bos> +0\.62000 █+·+ 0\.00000", text) and re.search(r"2 b +0\.10000 █·+ 1\.00000", text)
    again = made("wrong", counterexample=CASE)
    assert render_result(Result("9x", "T", (again,))).count("at position 3") == 1
    told = CheckResult("n", "pattern", "back", "wrong", f"F{CASE.sentence[1:]}.", counterexample=CASE)
    assert render_result(Result("9x", "T", (told,))).count("at position 3") == 1
    coloured = render_result(Result("9x", "T", (check,)), Style(colour=True))
    assert "\x1b[1;31m" in coloured and "\x1b" not in text


def test_html_is_escaped_and_well_formed() -> None:
    from xml.etree import ElementTree

    check = made("wrong", figures=("<script>",), mistakes=(Mistake("sign", "<i> `x<y`"),), counterexample=CASE)
    page = result_html(Result("9x", "<T>", (check,), notes=("<n>",)))
    assert "<script" not in page and "&lt;bos&gt;" in page and "<code>x&lt;y</code>" in page
    tree = ElementTree.fromstring(page.replace("&nbsp;", " ").replace("<br>", "<br/>"))
    weights = [title.text for title in tree.iter("{http://www.w3.org/2000/svg}title")]
    assert weights[0] == "<bos> (0): 0.6200" and len(weights) == 8


def test_long_sequences_are_shown_around_the_query() -> None:
    from headspec.course.pages.report import marked_tokens, row_svg

    n = 60
    pattern = tuple(1 / n for _ in range(n))
    case = Counterexample(tuple("ab" * 30), "h", 50, pattern, pattern, 0.1, "s")
    assert "[a]" in marked_tokens(case) and marked_tokens(case).startswith("... ") and len(marked_tokens(case)) < 80
    assert row_svg(case).count("<rect") == 48
    assert row_svg(Counterexample((), "h", 0, (), (), 0.0, "s")) == ""


def test_what_python_shows(capsys: Capture) -> None:
    assert exercises.list()[0].number == course()[0].number
    assert course()[0].title in repr(exercises.list()) and "<table>" in exercises.list()._repr_html_()
    assert [s.number for s in exercises.list(EXAMPLES)] == ["look_two_back"]
    shown = exercises.show("2c")
    assert "hand in" in str(shown) == repr(shown) or "hand in" in str(shown)
    assert shown._repr_markdown_().startswith("### 2c  ") and shown.json["number"] == "2c"
    assert repr(exercises.hint("2c", 2)).startswith("Hint 2 of") and exercises.hint("2c")._repr_markdown_()
    assert exercises.solution("2c").startswith("```\n")
    kept = exercises.progress().of("2c")
    assert kept.hints == 2 and kept.solution_seen
    with pytest.raises(headspec.SpecError, match="E0748"):
        exercises.hint("2c", 99)
    with pytest.raises(headspec.SpecError, match="E0747"):
        exercises.check("2c")
    with pytest.raises(headspec.SpecError, match="E0747"):
        exercises.check("2c", [[1]])
    with pytest.raises(headspec.SpecError, match="E0747"):
        exercises.check("2c", "W_Q = 0", W_Q=[[1]])
    with pytest.raises(headspec.SpecError, match="E0608"):
        exercises.check("2c", "W_Q = 0", convention="diagonal")  # type: ignore[arg-type]
    assert not hasattr(headspec, "exercise")
