"""The modular arithmetic of ``specs/systems/modular``: every answer of the torch module against Python's own %."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import headspec
from backends.torch_model import TorchModel
from headspec.model import Model
from headspec.verification.outputs import block_of

SPECS = Path(__file__).resolve().parent.parent / "specs" / "systems" / "modular"


def primes_below(p: int) -> list[int]:
    return [q for q in range(2, p) if all(q % d for d in range(2, q))]


def said(model: Model, module: TorchModel, p: int) -> np.ndarray:
    """(p, p, tasks): after ``x0 x1 =``, the number that each task says; -1 where two tokens tie."""
    program = model.program
    pairs = np.array(np.unravel_index(np.arange(p * p), (p, p))).T
    ids = np.concatenate([pairs, np.full((p * p, 1), program.tokens.index("="))], axis=1)
    with torch.no_grad():
        logits = module(torch.from_numpy(ids))[:, -1].double().numpy()
    found = []
    for name in program.predict:
        block = np.flatnonzero(block_of(program, name))
        ranked = np.sort(logits[:, block], axis=1)
        tokens = [program.tokens[i].rpartition("=")[2] or "=" for i in block[logits[:, block].argmax(axis=1)]]
        numbers = np.array([int(token) if token != "=" else -1 for token in tokens])
        found.append(np.where(ranked[:, -1] > ranked[:, -2], numbers, -1))
    return np.stack(found, axis=1).reshape(p, p, -1)


def expected(p: int, kind: str, least: int = 2) -> np.ndarray:
    first, second = np.arange(p)[:, None, None], np.arange(p)[None, :, None]
    if kind == "sum":
        return np.asarray((first + second) % p)
    return np.asarray((first + p * second) % np.array([q for q in primes_below(p) if q >= least]))


ADDITION = ("addition_fourier", "addition_chosen", "addition_scalars")


@pytest.mark.parametrize("name", ADDITION)
def test_all_sums_modulo_113(name: str) -> None:
    model = headspec.compile(SPECS / f"{name}.head")
    assert np.array_equal(said(model, model.torch(), 113), expected(113, "sum"))
    widest = max(len(layer) for layer in model.program.layers)
    assert len(model.program.layers) == 1 and widest <= 4 and model.program.width <= 128
    assert sum(mlp.W_in.rows for mlp in model.weights.mlps) <= 512


@pytest.mark.parametrize("name", ["remainders", "remainders_fourier"])
def test_all_29_remainders_of_all_numbers(name: str) -> None:
    model = headspec.compile(SPECS / f"{name}.head")
    found = said(model, model.torch(), 113)
    assert found.shape == (113, 113, 29)
    assert np.array_equal(found, expected(113, "remainder"))
    assert len(model.program.layers) == 1 and len(model.program.layers[0]) <= 4 and model.program.width <= 256
    assert sum(mlp.W_in.rows for mlp in model.weights.mlps) <= 1024
    biases = [model.lowered.b_U, *(h.b_Q for h in model.lowered.heads), *(m.b_in for m in model.lowered.mlps)]
    assert not any(bias.any() for bias in [*biases, *(m.b_out for m in model.lowered.mlps)])


def test_a_frequency_takes_four_coordinates() -> None:
    """Half a pair at the digits, a pair and an answer at "=", in two places of two; three are for positions."""
    for name, answers in (("remainders_fourier", [f"r[{q}]" for q in primes_below(113)]), ("addition_chosen", ["sum"])):
        program = headspec.compile(SPECS / f"{name}.head").program
        frequencies = sum(len(program.subspace(answer).coordinates) // 2 for answer in answers)
        assert program.width == 3 + 4 * frequencies and (len(answers), frequencies) in ((29, 63), (1, 5))


def test_two_neurons_reduce_a_remainder() -> None:
    (mlp,) = headspec.compile(SPECS / "remainders.head").weights.mlps
    assert mlp.W_in.rows == 2 * len(primes_below(113))


@pytest.mark.parametrize("name", ["remainders", "remainders_fourier"])
@pytest.mark.parametrize("settings", [{"p": 13}, {"p": 23, "least": 11}])
def test_other_primes_and_masked_tasks(name: str, settings: dict[str, int]) -> None:
    model = headspec.compile(SPECS / f"{name}.head", settings=settings)
    p, least = settings["p"], settings.get("least", 2)
    assert model.program.predict == tuple(f"r[{q}]" for q in primes_below(p) if q >= least)
    assert np.array_equal(said(model, model.torch(), p), expected(p, "remainder", least))


def test_a_number_is_prime_by_its_remainders() -> None:
    """The short rule (no remainder is 0) is wrong at 1 and at the primes below p; here with p = 13, numbers to 168."""
    model = headspec.compile(SPECS / "remainders.head", settings={"p": 13})
    found = said(model, model.torch(), 13)
    short = {x0 + 13 * x1 for x0 in range(13) for x1 in range(13) if (found[x0, x1] > 0).all()}
    primes = set(primes_below(169))
    assert short ^ primes == {1, *primes_below(13)}
    assert {n for n in range(169) if n in primes_below(13) or (n > 1 and n in short)} == primes


def test_the_prime_detector_on_all_numbers() -> None:
    """Two blocks, float32: the larger of the two logits, on all 12,769 numbers, beside trial division by every d."""
    model = headspec.compile(SPECS / "primes.head")
    program, p = model.program, 113
    ids = np.array([[x0, x1, program.tokens.index("=")] for x1 in range(p) for x0 in range(p)])
    verdicts = [program.tokens.index(token) for token in ("not", "prime")]
    with torch.no_grad():
        logits = model.torch()(torch.from_numpy(ids))[:, -1].double().numpy()
    assert len(program.layers) == 2 and (logits.argmax(axis=1)[:, None] == verdicts).any(axis=1).all()
    found = set(np.flatnonzero(logits[:, verdicts[1]] > logits[:, verdicts[0]]).tolist())
    assert found == set(primes_below(p * p))


@pytest.mark.parametrize("p", [3, 10, 13])
def test_the_prime_detector_keeps_its_claims(p: int) -> None:
    """p need not be prime: what is below p^2 and not prime has a divisor below p.  The claim is about tokens alone."""
    report = headspec.verify(headspec.compile(SPECS / "primes.head", settings={"p": p}))
    assert report.holds and report.complete and report.sequences == p * p


def least_margin(module: TorchModel, p: int) -> float:
    """Over all pairs, the logit of the right sum less the largest other; tokens are 0..p - 1 and "="."""
    pairs = np.array(np.unravel_index(np.arange(p * p), (p, p))).T
    with torch.no_grad():
        ids = np.concatenate([pairs, np.full((p * p, 1), p)], axis=1)
        logits = module(torch.from_numpy(ids))[:, -1, :p].double().numpy()
    rows, right = np.arange(p * p), pairs.sum(axis=1) % p
    best = logits[rows, right].copy()
    logits[rows, right] = -np.inf
    return float((best - logits.max(axis=1)).min())


def test_frequencies_help_each_other() -> None:
    """One of the five alone has a hair of a margin at best; all together have more than a thousand times that."""
    lowered = headspec.compile(SPECS / "addition_fourier.head").lowered
    (mlp,) = lowered.mlps
    alone = []
    for frequency in range(5):
        out = np.zeros_like(mlp.W_out)
        kept = slice(5 * frequency, 5 * frequency + 5)
        out[:, kept] = mlp.W_out[:, kept]
        alone.append(least_margin(TorchModel.from_lowered(replace(lowered, mlps=(replace(mlp, W_out=out),))), 113))
    together = least_margin(TorchModel.from_lowered(lowered), 113)
    assert together > 0.2 and 1000 * max(alone) < together, alone


def test_too_few_frequencies_for_a_float_type_are_refused() -> None:
    """One frequency leaves 2e-5 at p = 113: enough for float32, and not for bfloat16."""
    path = SPECS / "addition_chosen.head"
    assert headspec.compile(path, settings={"k": 1}).weights.mlps
    with pytest.raises(headspec.SpecError) as caught:
        _ = headspec.compile(path, settings={"k": 1}, dtype="bfloat16").weights
    assert [d.code for d in caught.value.diagnostics] == ["E0523"]


@pytest.mark.parametrize("p", [1, 2])
def test_the_least_moduli_are_moduli_too(p: int) -> None:
    report = headspec.verify(headspec.compile(SPECS / "addition_scalars.head", settings={"p": p}), device="cpu")
    assert report.holds and report.complete
