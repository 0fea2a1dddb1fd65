"""Every product of two numbers of four digits was looked at: what is checked in is of the weights of today."""

from __future__ import annotations

from pathlib import Path

import pytest

import headspec
from headspec.every.checkpoint import identity_of, load
from headspec.every.plan import plan

ROOT = Path(__file__).parents[3]
CHECKPOINTS = sorted((ROOT / "benchmarks" / "results" / "exhaustive").glob("*.json"))


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_what_was_found_of_every_product_is_of_these_weights(path: Path) -> None:
    """Where it fails the weights are others: go through all prompts again (``benchmarks/exhaustive.py --all``)."""
    model = headspec.compile(ROOT / "specs" / "systems" / "multiplication" / f"{path.stem}.head")
    work = plan(model.program)
    found = load(path, identity_of(work, model.torch("float32", "cpu")), work)
    assert len(found.done) == found.counts.checked == work.prompts.count == 10**8
    assert found.counts.wrong == 0


def test_something_was_found() -> None:
    assert "cache" in [path.stem for path in CHECKPOINTS]
