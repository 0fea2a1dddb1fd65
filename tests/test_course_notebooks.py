"""The notebooks of docs/course can be handed out as they are: they run, refuse what is wrong, and can be finished.

Each notebook runs once, in a kernel of its own and far from this checkout. Behind every cell that a student fills in,
the same cell is run with our solution in the place of `...`; and once in each notebook with something that cannot be
read.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from headspec.course.files.loading import find_exercise, outline
from headspec.course.naming.codes import CODES

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "course").glob("*.ipynb"))
PLACEHOLDER = "yours = ...\n"
UNREADABLE = 'yours = "W_Q = [[1, )"\n'
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MADE = {
    "w4": "x_q^T (1, d_model) cannot be multiplied by W_Q (d_head, d_model)",
    "w5": "the pattern not transposed",
    "w6": "the size of the matrix",
    "1a": "copies-to-the-wrong-subspace",
    "1b": "reads-what-head-1-reads",
    "1c": "transposed",
    "1d": "multiplied in the other order",
    "2a": "reads-the-wrong-subspace",
    "2b": "reads-only-part",
    "2c": "turned-the-wrong-way",
    "2d": "only-by-a-tie",
    "2e": "scaled-copy",
    "2f": "not-turned",
    "3": "reads-the-wrong-subspace",
    "4a": "not-turned",
    "4b": "turned-by-the-distance",
    "4c": "content with content",
    "5a": "forgot-sqrt-d-head",
    "5b": "one earlier copy",
    "5d": "no loss",
    "6a": "without the division by 4",
    "6b": "powers of ten",
    "6c": "forgot-sqrt-d-head",
    "7b": "norms not taken out",
    "7c": "the minus in the wrong place",
    "7d": "entries instead of singular values",
    "8a": "off-by-one",
    "8b": "the position is added",
    "9a": "uniform",
    "9b": "with <bos>",
    "9c": "without w",
}
"""Exercise -> the mistake that the first attempt in its notebook makes: its code; or the name of a wrong answer in the
exercise's file, on which the teacher has a word; or what else is said of it."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
Cell = Any  # nbformat's nodes have no types


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def number_of(cell: Cell) -> str:
    """The exercise that a cell belongs to: cells are called 2c-show, 2c-attempt, 2c-yours and so on."""
    return cell.id.partition("-")[0]


def tagged(notebook: Any, tag: str) -> list[Cell]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


# ------------------------------------------------------------------ as files


@every_notebook
def test_it_is_clean(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == KERNEL
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id)
        assert set(cell.metadata) <= {"tags"}
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)
    written = json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=1, ensure_ascii=False)
    assert path.read_text(encoding="utf-8") == written + "\n", "not as Jupyter writes it: a save would change it all"


def test_every_exercise_is_in_one_notebook_in_the_order_of_the_course() -> None:
    cells = [cell for path in NOTEBOOKS for cell in read(path).cells]
    course = [entry.number for entry in outline()]
    assert [number_of(cell) for cell in cells if cell.id.endswith("-show")] == course
    assert [number_of(cell) for cell in cells if cell.id.endswith("-yours")] == course
    for cell in cells:
        number = number_of(cell)
        if cell.id.endswith("-show"):
            assert cell.source == f'exercises.show("{number}")'
        if cell.id.endswith("-yours"):
            assert cell.metadata.tags == ["yours"]
            assert cell.source == f'{PLACEHOLDER}\nattempt("{number}", yours)'


def test_first_attempts_are_those_listed_here() -> None:
    cells = [cell for path in NOTEBOOKS for cell in tagged(read(path), "attempt")]
    assert [number_of(cell) for cell in cells] == list(MADE)
    for cell in cells:
        assert re.search(rf'exercises\.check\(\s*"{number_of(cell)}"', cell.source), cell.id


def test_all_begin_with_the_same_lines_of_code() -> None:
    assert len({next(c.source for c in read(path).cells if c.cell_type == "code") for path in NOTEBOOKS}) == 1


# ------------------------------------------------------------------ as they run


@dataclass(frozen=True)
class Run:
    """A notebook with its outputs, and what the progress file said in the end; ``filled`` are the cells with our
    solutions, ``slips`` those that cannot be read."""

    notebook: Any
    progress: dict[str, Any]
    filled: list[Cell] = field(default_factory=list)
    slips: list[Cell] = field(default_factory=list)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("course")
    notebook, filled, slips = with_our_answers(read(request.param))
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(variable, str(folder / "jupyter"))
        patch.setenv("HEADSPEC_PROGRESS", str(folder / "progress.json"))
        client = NotebookClient(notebook, timeout=240, allow_errors=True, resources={"metadata": {"path": str(folder)}})
        client.execute(env=dict(os.environ))
    yield Run(notebook, json.loads((folder / "progress.json").read_text(encoding="utf-8")), filled, slips)


def with_our_answers(notebook: Any) -> tuple[Any, list[Cell], list[Cell]]:
    """The cells, and behind each that a student fills in the same one with our solution."""
    cells, filled, slips = [], [], []
    for cell in notebook.cells:
        cells.append(cell)
        if cell in tagged(notebook, "yours"):
            solution = f"yours = {find_exercise(number_of(cell)).solution!r}\n"
            filled.append(another(cell, "ours", solution))
            slips += [] if slips else [another(cell, "slip", UNREADABLE)]
            cells += [filled[-1], *(slips if len(filled) == 1 else [])]
    notebook.cells = cells
    return notebook, filled, slips


def another(cell: Cell, name: str, answer: str) -> Cell:
    source = cell.source.replace(PLACEHOLDER, answer)
    assert source != cell.source
    return nbformat.v4.new_code_cell(source, id=f"{number_of(cell)}-{name}")


def shown(cell: Cell) -> str:
    """What a cell displays, as a notebook would: HTML if there is some, else Markdown, else text."""
    data = [output.data for output in cell.outputs if output.output_type == "execute_result"]
    return "".join(found.get("text/html") or found.get("text/markdown") or found["text/plain"] for found in data)


def without_tags(fragment: str) -> str:
    return html.unescape(re.sub(r"<[^<>]+>", " ", fragment))


def without_marks(text: str) -> str:
    """No backquotes, and no blanks: tags have left some behind."""
    return "".join(text.replace("`", "").split())


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(run: Run) -> None:
    for cell in run.notebook.cells:
        if cell.cell_type == "code" and cell not in run.slips:
            kinds = {output.output_type for output in cell.outputs}
            assert kinds <= {"execute_result"}, f"{cell.id}: {cell.outputs}"
            assert bool(kinds) == (cell.id != "setup"), f"{cell.id} shows nothing"


@pytest.mark.slow
def test_pictures_are_drawn(run: Run) -> None:
    pictures = [cell for cell in run.notebook.cells if cell.id.endswith(("-picture", "-run"))]
    assert pictures and all("<svg" in shown(cell) for cell in pictures)


@pytest.mark.slow
def test_placeholders_are_not_yet_answers(run: Run) -> None:
    for cell in tagged(run.notebook, "yours"):
        assert shown(cell).startswith("'not yet"), f"{cell.id}: {shown(cell)}"


@pytest.mark.slow
def test_first_attempts_are_refused_and_told_why(run: Run) -> None:
    for cell in tagged(run.notebook, "attempt"):
        exercise, mistake, text = find_exercise(number_of(cell)), MADE[number_of(cell)], shown(cell)
        assert "not right" in text, f"{cell.id}: {text}"
        if mistake in CODES:
            assert f"<code>{mistake}</code>" in text, f"{cell.id}: {text}"
        else:
            said = next((wrong.says for wrong in exercise.wrong if wrong.name == mistake), mistake)
            assert said and without_marks(said) in without_marks(without_tags(text)), f"{cell.id}: {text}"
        if exercise.checks[0].kind == "pattern":
            assert re.search(r"For <code>.+</code>, at position \d+ your head", text) and "<svg" in text, cell.id


@pytest.mark.slow
def test_it_can_be_finished(run: Run) -> None:
    numbers = [number_of(cell) for cell in run.filled]
    assert numbers == [number_of(cell) for cell in tagged(run.notebook, "yours")]
    for cell in run.filled:
        assert "right" in shown(cell) and "not right" not in shown(cell), f"{cell.id}: {shown(cell)}"
    records = run.progress["exercises"]
    assert set(records) == set(numbers)
    assert all(record["solved"] for record in records.values())


@pytest.mark.slow
def test_what_cannot_be_read_is_pointed_at_without_a_traceback(run: Run) -> None:
    (slip,) = run.slips
    assert [output.output_type for output in slip.outputs] == ["stream"]
    assert slip.outputs[0].name == "stdout" and slip.outputs[0].text.startswith("error[E")
