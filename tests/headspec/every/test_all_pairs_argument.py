"""The bounds of `benchmarks/multiplication_all_pairs.py` hold where everything can be looked at, and can fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from compiler.claimed_outputs import complete_by_claims
from headspec.every.keeping import Job
from headspec.every.plan import plan
from headspec.every.running import run_every, run_sample

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def argument() -> ModuleType:
    path = ROOT / "benchmarks" / "multiplication_all_pairs.py"
    spec = importlib.util.spec_from_file_location("multiplication_all_pairs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("direct", 2), ("cache", 2), ("prism", 1), ("table", 4)])
def test_bounds_are_bounds(argument: ModuleType, name: str, n: int) -> None:
    """Every prompt where there are at most 10,000, extreme and random ones else."""
    model = argument.compiled(name, n)
    module, work = model.torch("float32", "cpu"), plan(model.program)
    found = argument.bounds(name, n)
    seen = run_every(work, module, Job(batch=1000)) if n < 3 else run_sample(work, module, 10_000)
    assert seen.wrong == 0 and seen.least_margin is not None
    assert 0 < min(bound.margin for bound in found) <= seen.least_margin

    count, rng = work.prompts.count, np.random.default_rng(0)
    numbers = np.arange(count) if count <= 10_000 else rng.integers(0, count, 10_000)
    said = complete_by_claims(model.program, work.prompts.at(torch.from_numpy(numbers))).sequences
    with torch.inference_mode():
        _, cache = module.run_with_cache(said[:, :-1], ["blocks.1.hook_resid_mid"])
    summed = cache["blocks.1.hook_resid_mid"][:, 2 * n + 1 :, model.program.subspace("sum").coordinates[0]]
    for bound in found:
        read = summed[:, bound.k].double().numpy()
        exact = np.rint(read)
        assert abs(read - exact).max() <= bound.delta < 0.5
        assert (exact % 10 == said[:, 2 * n + 2 + bound.k].numpy()).all() and exact.max() < bound.values


@pytest.mark.slow
def test_a_bound_that_is_too_coarse_is_no_bound(argument: ModuleType) -> None:
    lines, holds = argument.rows("prism", 2)
    assert not holds and any("too coarse" in line for line in lines)


@pytest.mark.slow
def test_a_model_that_errs_is_not_argued_for(argument: ModuleType) -> None:
    found = argument.bounds("direct", 2, changed=0.01)
    assert min(bound.margin for bound in found) < 0
