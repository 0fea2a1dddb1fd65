"""The specs of the library, from text to each backend and back from disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.files.loading import load
from backends.files.model_folder import TENSORS
from backends.files.saving import save
from backends.lowered import Lowered
from backends.lowering import lower
from backends.numpy_model import NumpyModel
from backends.torch_model import TorchModel
from compiler.pipeline import Weights, compile_program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse
from tests.backends.comparing import tolerance

LIBRARY = Path(__file__).resolve().parents[2] / "specs" / "library"
SPECS = ("induction", "previous_token", "induction_rotary", "previous_token_alibi")


def compiled(name: str, settings: Mapping[str, Fraction] | None = None) -> Weights:
    path = LIBRARY / f"{name}.head"
    return compile_program(resolve(parse(path.read_text(), str(path)), settings or {}))


def valid_tokens(lowered: Lowered, n: int = 4) -> np.ndarray:
    language = lowered.program.sequences
    length = min(language.longest, 24)
    return language.sample(np.random.default_rng(0), length, n)


@pytest.fixture(scope="module", params=SPECS)
def weights(request: pytest.FixtureRequest) -> Weights:
    return compiled(request.param)


def test_floats_multiply_back_to_the_exact_circuits(weights: Weights) -> None:
    """W_Q^T W_K in floats over sqrt(d_head) is the exact QK over its own sqrt(d_head): no factor is lost."""
    lowered = lower(weights)
    for exact, found in zip(weights.heads, lowered.heads, strict=True):
        for circuit, product in (
            (exact.QK, found.W_Q.T @ found.W_K * np.sqrt(exact.d_head / lowered.d_head)),
            (exact.OV, found.W_O @ found.W_V),
        ):
            dense = np.zeros(circuit.shape)
            for row, column, entry in circuit.nonzeros():
                dense[row, column] = entry.to_float(weights.bindings)
            np.testing.assert_allclose(product, dense, rtol=1e-13, atol=1e-13 * max(1.0, np.abs(dense).max()))


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_torch_is_the_oracle_on_valid_sequences(weights: Weights, dtype: str) -> None:
    lowered = lower(weights)
    ids = valid_tokens(lowered)
    run = NumpyModel(lowered).forward(ids)
    with torch.no_grad():
        logits = TorchModel.from_lowered(lowered, dtype)(ids).double().numpy()
    assert np.abs(logits - run.logits).max() <= tolerance(lowered, run, dtype)


def test_a_folder_gives_back_the_model_and_the_program(weights: Weights, tmp_path: Path) -> None:
    lowered = lower(weights)
    found = load(save(lowered, weights.program, tmp_path / "model"))
    assert found.program.tokens == weights.program.tokens
    assert found.program.layers == weights.program.layers
    assert set(found.subspaces) == {s.name for s in weights.program.subspaces}
    ids = valid_tokens(lowered)
    with torch.no_grad():
        assert torch.equal(found.model(ids), TorchModel.from_lowered(lowered, weights.program.dtype)(ids))


def test_settings_travel_with_the_model(tmp_path: Path) -> None:
    settings = {"n": Fraction(16)}
    weights = compiled("previous_token", settings)
    found = load(save(lower(weights), weights.program, tmp_path / "model", settings=settings))
    assert found.program.context == 16


def test_another_models_spec_is_not_taken_for_its_own(tmp_path: Path) -> None:
    weights = compiled("previous_token")
    found = load(save(lower(weights), weights.program, tmp_path / "model", settings={"n": Fraction(16)}))
    with pytest.raises(SpecError, match="E0615"):
        _ = found.program


SCRIPT = """
import sys
from pathlib import Path
from backends.lowering import lower
from backends.files.saving import save
from compiler.pipeline import compile_program
from compiler.resolution import resolve
from dsl.parser import parse
program = resolve(parse(Path(sys.argv[1]).read_text()))
weights = compile_program(program)
save(lower(weights), weights.program, sys.argv[2])
"""


@pytest.mark.slow
def test_the_same_spec_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Nothing ordered comes out of a set: Python's hashes are seeded differently each time."""
    digests = set()
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, "-c", SCRIPT, str(LIBRARY / "induction.head"), str(out)]
        root = str(LIBRARY.parents[1])
        subprocess.run(command, check=True, cwd=root, env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root})
        digests.add(hashlib.sha256((out / TENSORS).read_bytes()).hexdigest())
    assert len(digests) == 1
