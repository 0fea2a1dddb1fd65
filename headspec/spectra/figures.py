"""The result of a Fourier analysis: frozen figures, and their JSON.

In: what ``transforms`` computed.  Out: ``Fourier``.  Its JSON keys are an interface (docs/fourier.md): keys are added,
never renamed.  Not for: how it is shown (``report``, ``panels``).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from headspec.spectra.fits import Fit
from headspec.spectra.transforms import Floats, NeuronSpectra, SingularValues, Spectrum, components_for

SINGLE = 0.85
"""A neuron of which one frequency explains so much is taken to be of that frequency (Nanda et al.)."""


@dataclass(frozen=True, eq=False)
class Positions:
    """The position embeddings of both operands, (2, d_model), and their correlation (None where one is constant)."""

    places: tuple[int, int]
    rows: Floats
    correlation: float | None

    def to_json(self) -> dict[str, object]:
        return {"positions": list(self.places), "correlation": self.correlation}


@dataclass(frozen=True, eq=False)
class Neurons:
    """The neurons of a layer, on every pair of operands.  ``images`` (p, p, at most 3) are the activations of
    ``examples``: of the strongest neuron of each of the most frequent pairs of frequencies."""

    layer: int
    spectra: NeuronSpectra
    examples: tuple[int, ...]
    images: Floats

    @property
    def keys(self) -> tuple[int, ...]:
        """The frequencies of the pairs, one of a and one of b, that explain ``SINGLE`` or more of some neuron."""
        found = self.spectra.pair[self.spectra.pair_share >= SINGLE]
        return tuple(sorted({int(k) for k in found.ravel()} - {0}))

    def to_json(self) -> dict[str, object]:
        found = self.spectra
        return {
            "layer": self.layer,
            "neurons": len(found.key),
            "varying": found.varying,
            "sigmas": found.sigmas,
            "active_in": found.count_active().tolist(),
            "key_of": found.count_keys().tolist(),
            "single_at": SINGLE,
            "keys": list(self.keys),
            "power": found.power.tolist(),
            "each": [
                {"variance": v, "pair": p, "pair_share": q, "key": k, "share": s, "active": list(a)}
                for v, p, q, k, s, a in zip(
                    found.variance.tolist(),
                    found.pair.tolist(),
                    found.pair_share.tolist(),
                    found.key.tolist(),
                    found.share.tolist(),
                    found.active,
                    strict=True,
                )
            ],
        }


@dataclass(frozen=True, eq=False)
class Task:
    """One of several predictions that have tokens of their own: the spectrum of W_out W_U along these, and the
    ``neurons`` that move its logits more than those of any other task."""

    name: str
    logits: Spectrum
    neurons: tuple[int, ...]

    @property
    def main(self) -> tuple[int, ...]:
        """The fewest frequencies that hold nine tenths of the spectrum (of all but the mean)."""
        order = np.argsort(-self.logits.share, kind="stable")
        count = components_for(self.logits.share[order], 0.9)
        return tuple(sorted(int(k) for k in order[:count]))

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "main": list(self.main), "neurons": list(self.neurons)} | _spectrum_json(self.logits)


@dataclass(frozen=True, repr=False, eq=False)
class Fourier:
    """The Fourier analysis of a model: ``tokens`` are the p tokens of the circle, in order, ``prompt`` the texts on
    which neurons were read, with ``{a}`` and ``{b}`` for the operands (None where none were), ``width`` is d_model.

    ``embedding``: the spectrum of W_E; ``singular``: its singular values; ``logits``: the spectrum, along the tokens
    that are answered, of what each of these neurons adds to their logits, W_out W_U (of later layers nothing is seen);
    ``tasks``: the same for each prediction that has tokens of its own, and then ``logits`` is None.
    ``fits``: how much of embedding, unembedding, logits and last hidden states the frequencies hold that were asked
    for; of hidden states each prompt is a row.  ``notes`` say what is missing, and why."""

    name: str
    device: str
    dtype: str
    tokens: tuple[str, ...]
    prompt: str | None
    width: int
    embedding: Spectrum
    singular: SingularValues
    positions: Positions | None
    neurons: Neurons | None
    logits: Spectrum | None
    notes: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    fits: tuple[Fit, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The machine-readable report, with the keys of docs/fourier.md."""
        return {
            "model": self.name,
            "device": self.device,
            "dtype": self.dtype,
            "tokens": list(self.tokens),
            "prompt": self.prompt,
            "d_model": self.width,
            "embedding": _spectrum_json(self.embedding),
            "singular_values": {
                "values": self.singular.values.tolist(),
                "rank": self.singular.rank,
                "half": self.singular.half,
                "ninety": self.singular.ninety,
                "square_half": self.singular.square_half,
                "square_ninety": self.singular.square_ninety,
            },
            "positions": self.positions.to_json() if self.positions else None,
            "neurons": self.neurons.to_json() if self.neurons else None,
            "logits": _spectrum_json(self.logits) if self.logits else None,
            "tasks": [task.to_json() for task in self.tasks],
            "fits": [fit.to_json() for fit in self.fits],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        active = ", ".join(map(str, self.embedding.active)) or "none"
        return f"<Fourier analysis of {self.name}: {len(self.tokens)} tokens, active in the embedding: {active}>"

    def __str__(self) -> str:
        from headspec.spectra.report import render_fourier

        return render_fourier(self)

    def _repr_html_(self) -> str:
        from headspec.spectra.drawing_svg import render_svg
        from headspec.spectra.panels import make_panels

        return f"<div>{render_svg(make_panels(self), title='')}</div><pre>{html.escape(str(self))}</pre>"


def _spectrum_json(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "cos": spectrum.cos.tolist(),
        "sin": spectrum.sin.tolist(),
        "magnitude": spectrum.magnitude.tolist(),
        "share": spectrum.share.tolist(),
        "sigmas": spectrum.sigmas,
        "threshold": spectrum.threshold,
        "active": list(spectrum.active),
    }
