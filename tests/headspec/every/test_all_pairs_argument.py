"""The bounds of `benchmarks/multiplication_all_pairs.py` hold where everything can be looked at, and can fail."""

from __future__ import annotations

import importlib.util
import sys
from itertools import product
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
sys.path.insert(0, str(ROOT))

from benchmarks.all_pairs.forms import Form  # noqa: E402
from benchmarks.all_pairs.neurons import followed  # noqa: E402


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


@pytest.mark.parametrize("at_the_bend", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_what_strays_is_bounded(seed: int, at_the_bend: bool) -> None:
    """Neurons of two positions, of which a third moves the arguments a little, and an error of the stream besides:
    every value of every text is within the bound, and the farthest is not much nearer than the bound says."""
    rng, tokens, width, count = np.random.default_rng(seed), 4, 3, 12
    tables = {i: rng.normal(size=(tokens, width)) * (1.0 if i < 2 else 0.001) for i in range(3)}
    w_in, w_out = rng.normal(size=(width, count)), rng.normal(size=(count, 2))
    w_in[:, 1::2], w_out[1::2] = w_in[:, ::2], -w_out[::2]  # steps: two neurons of one slope
    bias, err = rng.normal(size=count), np.array([0.0, 0.002, 0.0])
    if at_the_bend:  # one neuron, which is never above 0 but where something strays
        w_in, w_out = w_in[:, :1], w_out[:1]
        bias = -sum((tables[i] @ w_in).max(axis=0) for i in (0, 1))
    form, _ = followed(Form(np.zeros(width), tables, err=err), (0, 1), w_in, bias, w_out)
    farthest = np.zeros(2)
    for a, b, c, error in product(range(tokens), range(tokens), range(tokens), (-err, 0 * err, err)):
        x = tables[0][a] + tables[1][b] + tables[2][c] + error
        away = abs(np.maximum(x @ w_in + bias, 0) @ w_out - form.pairs[0, 1][a, b])
        farthest = np.maximum(farthest, away)
    assert (farthest <= form.err).all() and (form.err <= 3 * farthest).all()
