"""Linear probes: can a number of the text be read off the residual stream by a linear map?

In: a model, targets, sites.  Out: ``Probes``: for each target at each site the error on texts that it was not fitted
to.  Not for: what a site is called (``headspec.ablation.edits``), nor what a target is worth (``targets``).

y ~ w.x + b by least squares on one half of the texts, x (d,) the activation at the target's position, standardised;
``ridge`` adds ridge |w|^2 to the mean squared error.  Bai et al. 2025 (arXiv 2510.00184) read the running sum so, after
the attention of the second layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.intervening import find_subject
from headspec.analyses.sites import Site, activations, find_sites
from headspec.analyses.targets import Target, read_targets
from headspec.analyses.texts import sample_texts
from headspec.scope import Places

if TYPE_CHECKING:
    from headspec.model import Model

Floats = NDArray[np.float64]

LEAST_TEXTS = 8


@dataclass(frozen=True, slots=True)
class Probe:
    """One target at one site.  Over the texts held out: ``mae`` mean |y - y'|, ``r2`` = 1 - sum (y - y')^2 / sum (y -
    mean y)^2 (None where y does not vary), ``guess`` the mean error of always saying the mean; ``low`` and ``high``
    are the ends of y."""

    target: str
    after: int
    place: str
    site: str
    mae: float
    r2: float | None
    guess: float
    low: float
    high: float

    def to_json(self) -> dict[str, object]:
        return {
            "target": self.target,
            "after": self.after,
            "place": self.place,
            "site": self.site,
            "mae": self.mae,
            "r2": self.r2,
            "guess": self.guess,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True)
class Probes:
    """``fitted`` texts were fitted to, ``held_out`` others judged."""

    model: str
    device: str
    dtype: str
    fitted: int
    held_out: int
    seed: int
    ridge: float
    probes: tuple[Probe, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "fitted": self.fitted,
            "held_out": self.held_out,
            "seed": self.seed,
            "ridge": self.ridge,
            "probes": [probe.to_json() for probe in self.probes],
        }

    def __str__(self) -> str:
        from headspec.analyses.report import render_probes

        return render_probes(self)


def probe(
    model: Any,
    targets: str | Sequence[str],
    *,
    site: str | Sequence[str] = (),
    samples: int = 2000,
    length: int | None = None,
    ridge: float = 0.0,
    seed: int = 0,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
) -> Probes:
    """Fit a linear probe for every target at every site, on half of ``samples`` valid inputs; judge it on the others.

    ``targets``: lines ``NAME after POSITION == EXPRESSION`` (see ``targets``).  ``site``: a head, ``stream LAYER``,
    or a hook such as ``blocks.1.hook_resid_mid``; by default the stream after the attention of the last layer.

    Raises SpecError: E0608 for samples, lengths or a ridge that there are not, E0641 for sites, E0681 (and the codes of
    claims) for targets."""
    subject = find_subject(model, spec, dtype, device)
    program, named = subject.program, Places.of(subject.program, subject.settings).names
    found = read_targets(program, subject.settings, targets)
    sites = find_sites(subject, site)
    if samples < LEAST_TEXTS or not 0 <= ridge < np.inf:
        said = f"{samples} samples" if samples < LEAST_TEXTS else f"a ridge of {ridge}"
        raise SpecError(Diagnostic("E0608", said, help=f"at least {LEAST_TEXTS} samples, and a ridge from 0 up"))
    texts = sample_texts(program, samples, seed, length)
    texts = texts[np.random.default_rng(seed).permutation(len(texts))]
    late = next((target for target in found if target.after >= texts.shape[1]), None)
    if late is not None:
        message = f"`{late.name}` is read at position {late.after}, and the texts have {texts.shape[1]} tokens"
        raise SpecError(Diagnostic("E0681", message, late.claim.span, help="choose a longer --length"))
    places = sorted({target.after for target in found})
    seen = activations(subject, texts, sites, places)
    fitted = len(texts) // 2
    probes = tuple(
        _probe(target, site, named, seen[site.text][:, places.index(target.after)], values, fitted, ridge)
        for target, values in ((target, target.values(program, texts)) for target in found)
        for site in sites
    )
    from backends.interventions import place_of

    device, kind = place_of(subject.module)
    return Probes(program.name, device, kind, fitted, len(texts) - fitted, seed, ridge, probes)


def _probe(target: Target, site: Site, names: Sequence[str], x: Floats, y: Floats, fitted: int, ridge: float) -> Probe:
    weights = fit(x[:fitted], y[:fitted], ridge)
    rest = y[fitted:]
    wrong = rest - weights(x[fitted:])
    varied = float(((rest - rest.mean()) ** 2).sum())
    return Probe(
        target.name,
        target.after,
        names[target.after],
        site.text,
        float(np.abs(wrong).mean()),
        None if varied == 0 else 1 - float((wrong**2).sum()) / varied,
        float(np.abs(rest - y[:fitted].mean()).mean()),
        float(y.min()),
        float(y.max()),
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """x (B, d) -> w.(x - mean)/deviation + b, (B,)."""

    mean: Floats
    deviation: Floats
    weights: Floats
    bias: float

    def __call__(self, x: Floats) -> Floats:
        found: Floats = (x - self.mean) / self.deviation @ self.weights + self.bias
        return found


def fit(x: Floats, y: Floats, ridge: float = 0.0) -> Fit:
    """The least (1/B) sum (y - y')^2 + ridge |w|^2 over w, b; without a ridge, of the shortest w.  x (B, d), y (B,)."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    constant = deviation <= 1e-9 * np.maximum(1.0, np.abs(mean))
    deviation = np.where(constant, np.inf, deviation)  # a coordinate that does not vary has no weight
    z, bias = (x - mean) / deviation, float(y.mean())
    if ridge:
        weights = np.linalg.solve(z.T @ z / len(z) + ridge * np.eye(z.shape[1]), z.T @ (y - bias) / len(z))
    else:
        weights = np.linalg.lstsq(z, y - bias, rcond=1e-9)[0]
    return Fit(mean, deviation, weights, bias)
