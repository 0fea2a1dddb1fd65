"""The command line: exit statuses, diagnostics, what scripts rely on."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from headspec.cli import main
from tests.headspec.light_imports import run_light

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def starter(tmp_path: Path, capsys: Capture) -> Path:
    """A freshly written starter spec."""
    path = tmp_path / "mine.head"
    assert main(["new", "mine", "-o", str(path)]) == 0
    capsys.readouterr()
    return path


def test_help_imports_nothing_heavy() -> None:
    heavy = {"torch", "sympy", "numpy", "lark", "networkx", "mpmath", "rich", "safetensors", "matplotlib"}
    printed = run_light("import headspec\nfrom headspec.cli import main\nassert main(['--help']) == 0", heavy)
    for word in ("new", "compile", "show", "expand", "run", "plot", "verify", "ablate", "fmt", "specs", "explain"):
        assert f"    {word} " in printed


@pytest.mark.parametrize(
    "command", ["new", "compile", "show", "expand", "run", "plot", "verify", "ablate", "fmt", "specs", "explain"]
)
def test_every_command_has_help_with_an_example(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    assert f"headspec {command}" in capsys.readouterr().out.split("example:")[1]


def test_version(capsys: Capture) -> None:
    import headspec

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"headspec {headspec.__version__}"


@pytest.mark.parametrize("words", [[], ["help"]])
def test_without_a_command_there_is_help(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    assert "examples:" in capsys.readouterr().out


def test_help_of_a_command(capsys: Capture) -> None:
    assert main(["help", "exercise", "check"]) == 0
    assert "usage: headspec exercise check" in capsys.readouterr().out


# ------------------------------------------------------------------ the input is at fault


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["verify", "no-such-spec"], "E0601"),
        (["verify", "{folder}"], "E0601"),
        (["verify", "{latin}"], "E0602"),
        (["verify", "{large}"], "E0603"),
        (["verify", "{starter}", "--set", "beta"], "E0604"),
        (["verify", "{starter}", "--set", "beta=1e9"], "E0604"),
        (["verify", "{starter}", "--set", "beta=1/0"], "E0604"),
        (["verify", "{starter}", "--set", "beta=__import__"], "E0604"),
        (["verify", "{starter}", "--set", "k=1", "--set", "k=2"], "E0604"),
        (["new", "mine", "-o", "{starter}"], "E0605"),
        (["new", "not a name"], "E0608"),
        (["verify", "{starter}", "--samples", "-3"], "E0608"),
        (["verify", "{starter}", "--samples", "0"], "E0608"),
        (["run", "{starter}", "<bos> a", "--queries", ""], "E0607"),
        (["plot", "{starter}", "<bos> a", "-o", "no-ending"], "E0608"),
        (["plot", "{starter}", "<bos> a", "-o", "no-such-folder/x.svg"], "E0605"),
        (["nonsense"], "E0608"),
        (["new", "mine", "--from", "no-such-spec"], "E0601"),
        (["specs", "no-such-spec"], "E0601"),
        (["plot", "{starter}", "<bos> a", "-o", "x.pdf"], "E0608"),
        (["explain", "E9999"], "E0608"),
        (["fmt", "no-such-file.head"], "E0601"),
    ],
)
def test_a_mistake_is_a_diagnostic(words: list[str], code: str, starter: Path, tmp_path: Path, capsys: Capture) -> None:
    latin, large = tmp_path / "latin.head", tmp_path / "large.head"
    latin.write_bytes(b"model caf\xe9\n")
    large.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    places = {"folder": tmp_path, "latin": latin, "large": large, "starter": starter}
    status = main([word.format(**places) if word.startswith("{") else word for word in words])
    captured = capsys.readouterr()
    assert status == 2
    assert captured.err.startswith(f"error[{code}]: ") and captured.out == ""
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("name", "data", "help"),
    [
        ("model.safetensors", b"\x10\0\0\0{}\x1b[2J\xff", "the spec of these weights is `{folder}/spec.head`"),
        ("a.head", "model a\n".encode("utf-16"), "save the file as UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_not_shown(
    name: str, data: bytes, help: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "spec.head").write_text("model a\n")
    (tmp_path / name).write_bytes(data)
    assert main(["verify", str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error[E0602]") and help.format(folder=tmp_path) in said
    assert "\x1b" not in said and len(said.splitlines()) == 2


def test_with_json_a_diagnostic_is_json(capsys: Capture) -> None:
    assert main(["verify", "inducton", "--json"]) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["diagnostics"][0]["code"] == "E0601"
    assert captured.err == ""


@pytest.mark.parametrize(
    ("words", "help"),
    [
        ("verfy induction", "did you mean `verify`?"),
        ("nonsense", "commands are new, compile, "),
        ("exercise shw 1a", "did you mean `show`?"),
        ("verify induction n=2", "did you mean `--set n=2`?"),
        ("verify induction --n 2", "did you mean `--set n=2`?"),
        ("verify induction --devce cpu", "did you mean `--device`?"),
        ("run induction a b", "put it in quotes"),
        ("verify induction --dtype fp16", "did you mean `float16`?"),
        ("verify induction --dtype BF16", "did you mean `bfloat16`?"),
        ("verify induction --dtype FLOAT32", "did you mean `float32`?"),
        ("verify induction foo", "usage: headspec verify "),
        ("verify induction --samples many", "usage: headspec verify "),
        ("show induction --matrix W_q", "did you mean `W_Q`?"),
        ("verify w1", "it is an exercise: `headspec exercise show w1`"),
    ],
)
def test_what_was_meant_on_the_command_line(words: str, help: str, capsys: Capture) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert help in said.partition("  = help: ")[2]


def test_a_file_is_found_missing_its_ending(starter: Path, capsys: Capture) -> None:
    assert main(["verify", str(starter.with_suffix(""))]) == 2
    assert f"did you mean `{starter}`?" in capsys.readouterr().err


def test_a_packaged_spec_is_printed_and_copied(tmp_path: Path, capsys: Capture) -> None:
    assert main(["specs", "induction"]) == 0
    text = capsys.readouterr().out
    assert "\nmodel induction\n" in text
    assert main(["new", "mine", "--from", "induction", "-o", str(tmp_path / "mine.head")]) == 0
    assert (tmp_path / "mine.head").read_text() == text.replace("\nmodel induction\n", "\nmodel mine\n")


def test_a_near_name_is_suggested(capsys: Capture) -> None:
    assert main(["show", "inducton"]) == 2
    assert "induction" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    import headspec.commands.files

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(headspec.commands.files, "specs", interrupted)
    assert main(["specs"]) == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("words", [["specs"], ["specs", "--json"], ["explain", "E9999", "--json"]])
def test_an_output_that_cannot_be_written_is_told(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "headspec", *words], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2 and b"cannot be written" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="standard output is closed by a shell")
def test_a_standard_output_that_is_closed_is_no_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m headspec specs >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0 and done.stderr == b""


@pytest.mark.parametrize(
    ("text", "warned"),
    [("<bos> a b", "with what the model went on with, this text is not"), ("a b", ": this text is not")],
)
def test_a_text_that_nothing_is_claimed_about(text: str, warned: str, starter: Path, capsys: Capture) -> None:
    assert main(["run", str(starter), text, "--generate", "2"]) == 0
    assert warned in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m headspec explain | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""


# ------------------------------------------------------------------ new, fmt, specs, explain


def test_new_says_what_it_wrote(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "mine.head"
    assert main(["new", "mine", "-o", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": str(path)} and path.exists()


def test_the_starter_is_formatted(starter: Path, capsys: Capture) -> None:
    assert main(["fmt", "--check", str(starter)]) == 0


def test_fmt_formats_once(starter: Path, capsys: Capture) -> None:
    untidy = starter.read_text().replace("subspace content :", "subspace    content:")
    starter.write_text(untidy)
    assert main(["fmt", "--check", str(starter)]) == 1
    assert main(["fmt", "--diff", str(starter)]) == 0
    assert starter.read_text() == untidy
    assert "-subspace    content:" in capsys.readouterr().out
    assert main(["fmt", str(starter)]) == 0
    once = starter.read_text()
    assert main(["fmt", str(starter)]) == 0
    assert starter.read_text() == once != untidy
    assert [path.name for path in starter.parent.iterdir()] == [starter.name]


def test_fmt_changes_nothing_when_one_file_is_at_fault(starter: Path, tmp_path: Path, capsys: Capture) -> None:
    untidy = starter.read_text().replace("subspace content :", "subspace    content:")
    starter.write_text(untidy)
    bad = tmp_path / "bad.head"
    bad.write_text("modle x\n")
    assert main(["fmt", str(starter), str(bad)]) == 2
    assert starter.read_text() == untidy


def test_specs_are_listed_with_what_they_do(capsys: Capture) -> None:
    assert main(["specs", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert any(spec["name"] == "library/induction" and spec["about"] for spec in found)


def test_explain_lists_and_explains(capsys: Capture) -> None:
    assert main(["explain", "--json"]) == 0
    codes = [entry["code"] for entry in json.loads(capsys.readouterr().out)]
    assert codes == sorted(codes) and {f"E060{i}" for i in range(1, 10)} <= set(codes)
    assert main(["explain", "e0601"]) == 0
    assert capsys.readouterr().out.startswith("E0601: ")


# ------------------------------------------------------------------ what a compiled spec says


def test_the_starter_holds(starter: Path, capsys: Capture) -> None:
    assert main(["verify", str(starter), "--samples", "60"]) == 0
    assert capsys.readouterr().out.startswith("mine: holds\n")


def test_a_spec_that_does_not_hold_exits_1(starter: Path, capsys: Capture) -> None:
    starter.write_text(starter.read_text().replace('-> "b"', '-> "c"'))
    assert main(["verify", str(starter), "--samples", "20", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] is False and found["expectations"][-1]["worst"]["predicted"] == "b"
    assert found["expectations"][-1]["text"] == 'expect "<bos> a b c a" -> "c"'


def test_what_members_of_a_family_say_alike_is_said_once(capsys: Capture) -> None:
    """In JSON each has its own entry."""
    words = ["compile", "systems/multiplication/direct", "--set", "n=2"]
    assert main(words) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  split[0]: ")]
    assert len(said) == len(set(said)) == 3
    assert main([*words, "--json"]) == 0
    heads = [each["head"] for each in json.loads(capsys.readouterr().out)["strengths"]]
    assert heads.count("split[0]") == 5
    assert sum(int(line.rpartition(", ")[2].split()[0]) if line.endswith(" times") else 1 for line in said) == 5


def test_compile_saves_a_folder_that_verifies(starter: Path, tmp_path: Path, capsys: Capture) -> None:
    import headspec

    folder = tmp_path / "out"
    assert main(["compile", str(starter), "-o", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [head["name"] for head in found["heads"]] == ["previous", "induction"]
    assert found["written"] == str(folder) and (folder / "model.safetensors").exists()
    assert headspec.verify(headspec.load(folder, device="cpu"), samples=40).holds
    assert main(["verify", str(folder), "--samples", "20", "--device", "cpu"]) == 0


def test_show_prints_exact_matrices(starter: Path, capsys: Capture) -> None:
    assert main(["show", str(starter), "previous", "--matrix", "W_Q,W_U"]) == 0
    text = capsys.readouterr().out
    assert "previous W_Q" in text and "where.cos0" in text and "down the diagonal" in text
    assert main(["show", str(starter), "L1H0", "--matrix", "QK", "--latex"]) == 0
    assert capsys.readouterr().out.startswith("W_Q^T W_K")
    assert main(["show", str(starter), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"row", "column", "exact", "float"} <= found["matrices"][0]["nonzeros"][0].keys()
    assert [m["name"] for m in found["matrices"][-4:]] == ["W_E", "W_pos", "W_U", "b_U"]
    assert len(found["matrices"]) == 2 * 9 + 4 and found["coordinates"][0] == "content.a"
    assert {name for name, _ in found["values"].items()} >= {"s_previous", "r_previous", "s_induction"}


@pytest.mark.parametrize("words", [["nobody"], ["--matrix", "W_X"], ["previous", "--matrix", ""]])
def test_show_names_what_is_missing(words: list[str], starter: Path, capsys: Capture) -> None:
    assert main(["show", str(starter), *words]) == 2
    assert capsys.readouterr().err.startswith(("error[E0606]", "error[E0608]"))


def test_expand(starter: Path, capsys: Capture) -> None:
    assert main(["expand", str(starter), "--json"]) == 0
    assert "composition_scores" in json.loads(capsys.readouterr().out)
    assert main(["expand", str(starter)]) == 0
    assert "previous -> induction" in capsys.readouterr().out


def test_expand_answers_exercises_1c_and_1d(capsys: Capture) -> None:
    """One token back W_net2 + W_net1 with all eight entries, two tokens back W_net2 W_net1 with (15, 0) alone."""
    assert main(["expand", "1b", "--json"]) == 0
    once, twice = json.loads(capsys.readouterr().out)["moved"]
    reads = {8: 0, 9: 1, 10: 2, 11: 3, 12: 4, 13: 5, 14: 6, 15: 8}
    places = [(entry["row"], entry["column"], entry["exact"]) for entry in once["matrix"]["nonzeros"]]
    assert places == [(row, column, "1") for row, column in reads.items()]
    assert [(e["row"], e["column"], e["exact"]) for e in twice["matrix"]["nonzeros"]] == [(15, 0, "1")]
    assert main(["expand", "1b"]) == 0
    text = capsys.readouterr().out
    assert "1 head: rank 8, squared norm 8" in text and "2 heads: rank 1, squared norm 1" in text
    assert text.count("moved.0      1      .") == 2  # W_net1, alone and in the sum


def test_run_draws_and_predicts(starter: Path, capsys: Capture) -> None:
    assert main(["run", str(starter), "<bos> a b c a"]) == 0
    text = capsys.readouterr().out
    assert "L1H0 induction" in text and "b  (by 0.9" in text
    assert main(["run", str(starter), "<bos> a b c a", "--queries", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prediction"] == "b"
    assert found["queries"][0]["heads"][1]["top"][0]["position"] == 2


def test_run_names_slots(starter: Path, capsys: Capture) -> None:
    assert main(["run", str(starter), "<bos>abc", "--slots", "s x0 x1 x2", "--queries", "x2"]) == 0
    assert "query x2 (position 3, token c)" in capsys.readouterr().out
    assert main(["run", str(starter), "<bos>abc", "--slots", "s"]) == 2


def test_run_warns_outside_the_sequences(starter: Path, capsys: Capture) -> None:
    assert main(["run", str(starter), "a b <bos>"]) == 0
    assert "warning: " in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_plot_writes_a_file(kind: str, starter: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / f"out.{kind}"
    assert main(["plot", str(starter), "<bos> a b a", "-o", str(target)]) == 0
    assert "induction" in target.read_text() and "wrote" in capsys.readouterr().out


def test_errors_in_a_spec_are_its_own(starter: Path, capsys: Capture) -> None:
    starter.write_text(starter.read_text().replace("key.before == query.content", "key.befor == query.content"))
    for command in (["verify"], ["compile"], ["show"], ["expand"]):
        assert main([*command, str(starter)]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error[E02") and "before" in captured.err and f"{starter}:" in captured.err
