"""The exact matrices of the exercises, as ``headspec show`` prints them, against files that a person has read.

``UPDATE_GOLDEN=1`` rewrites the files; one that belongs to no spec fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import headspec
from headspec.commands.inspect import choose_matrices
from headspec.matrices.text import render_matrix
from tests.dsl.goldens import GOLDEN, compare

ROOT = Path(__file__).resolve().parents[2]
SPECS = ("1a", "1b", "2a", "2b", "2c", "2d", "2e", "2f", "3")


def printed(name: str) -> str:
    model = headspec.compile(ROOT / "specs" / "exercises" / f"{name}.head")
    parts = [render_matrix(named).rstrip() for named in choose_matrices(model.weights, None, None)]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", SPECS)
def test_matrices_print_as_they_were_read(name: str) -> None:
    compare(GOLDEN / "matrices" / f"{name}.txt", printed(name))


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in (GOLDEN / "matrices").iterdir()} == set(SPECS)
