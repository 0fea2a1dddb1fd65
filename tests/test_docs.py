"""README.md and docs/ do what they show.

Every fenced block is held to its label: ```python blocks of one page run in order as one script, and what they print is
compared with the ```text block that follows, if one does; in ```console blocks every `$ ` line is run as a
command, and what is shown below it is compared; ```head blocks are parsed, and compiled if they start with `model`.
`...` in shown output stands for anything.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import headspec
from dsl.parser import parse

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<label>[\w-]*)\n(?P<body>.*?)^```$", re.M | re.S)
END = "-- end of block --"
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
every_page = pytest.mark.parametrize("page", PAGES, ids=[p.relative_to(ROOT).as_posix() for p in PAGES])


@dataclass(frozen=True)
class Block:
    label: str
    body: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["label"], m["body"], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text)]


def run(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False)


def assert_shown(found: str, shown: str, where: str) -> None:
    """Equal line by line, trailing blanks aside; `...` in ``shown`` matches anything."""

    def trimmed(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())

    pattern = re.escape(trimmed(shown)).replace(re.escape("..."), r"[\s\S]*?")
    assert re.fullmatch(pattern, trimmed(found)), f"{where}: shown\n{shown}\nfound\n{found}"


@every_page
def test_python_blocks(page: Path, tmp_path: Path) -> None:
    found = [b for b in blocks(page) if b.label in ("python", "text")]
    code = [b for b in found if b.label == "python"]
    if not code:
        return
    for folder in ("specs", "docs"):
        os.symlink(ROOT / folder, tmp_path / folder)
    script = tmp_path / f"{page.stem}_blocks.py"
    script.write_text("".join(f"{b.body}\nprint({END!r})\n" for b in code), encoding="utf-8")
    done = run([sys.executable, "-W", "error", str(script)], tmp_path)
    assert done.returncode == 0, f"{page.name}\n{done.stderr}"
    printed = dict(zip(code, done.stdout.split(END + "\n"), strict=False))
    for block, following in itertools.pairwise(found):
        if block.label == "python" and following.label == "text":
            assert_shown(printed[block], following.body, f"{page.name}:{following.line}")


@every_page
def test_console_blocks(page: Path, tmp_path: Path) -> None:
    for folder in ("specs", "docs"):
        os.symlink(ROOT / folder, tmp_path / folder)
    for block in blocks(page):
        if block.label == "console":
            run_console(block, page, tmp_path)


def run_console(block: Block, page: Path, cwd: Path) -> None:
    for part in re.split(r"^\$ ", block.body, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        words = shlex.split(command, comments=True)
        if words[0] != "headspec":
            continue  # make and pip are not run from inside the tests
        done = run([sys.executable, "-m", *words], cwd)
        where = f"{page.name}:{block.line}: {command}"
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{where}\n{done.stdout}{done.stderr}"
        if shown.strip():
            assert_shown(done.stdout + done.stderr, shown, where)


@every_page
def test_head_blocks(page: Path) -> None:
    for block in blocks(page):
        if block.label == "head":
            parse(block.body, f"{page.name}:{block.line}")
            if "layer\n" in block.body and block.body.lstrip().startswith("model"):
                assert headspec.compile(block.body).weights.heads


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(re.sub(FENCE, "", page.read_text(encoding="utf-8"))):
        target = match["target"]
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_language_page_shows_every_keyword() -> None:
    from dsl.words import HEAD_LINES, LAYER_LINES, STATEMENTS

    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    missing = [word for word in (*STATEMENTS, *LAYER_LINES, *HEAD_LINES) if not re.search(rf"`[^`]*\b{word}\b", text)]
    assert not missing


def test_a_wrong_page_would_fail(tmp_path: Path) -> None:
    """The comparison itself: equal passes, `...` passes, anything else does not."""
    assert_shown("a  \nb\n", "a\nb", "here")
    assert_shown("a\nb\nc\n", "a\n...\nc", "here")
    with pytest.raises(AssertionError):
        assert_shown("a\nb\n", "a\nc", "here")
