"""The Fourier analysis of a model: ours, or any module with TransformerLens' names.

In: a compiled model, a spec, what ``load`` returned, or a torch module.  Out: ``Fourier``.  Not for: the formulas
(``transforms``), nor which prompts are run (``inputs``).

Of a module these parameters are read: ``embed.W_E`` (V, D); if there, ``pos_embed.W_pos`` (n, D), ``unembed.W_U``
(D, V) and ``blocks.{l}.mlp.W_out`` (d_mlp, D); and the activations ``blocks.{l}.mlp.hook_post``, and for fits
``blocks.{l}.hook_resid_post`` of the last layer, by ``run_with_hooks``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.limits import check_size
from dsl.diagnostics import Diagnostic, SpecError
from headspec.analyses.texts import given_places
from headspec.spectra.figures import SINGLE, Fourier, Neurons, Positions, Task
from headspec.spectra.fits import Fit, fit_rows, read_frequencies
from headspec.spectra.inputs import Circle, Prompt, derive_prompt, read_circle, read_prompt
from headspec.spectra.tasks import tasks_of
from headspec.spectra.transforms import (
    EMBEDDING_SIGMAS,
    NEURON_SIGMAS,
    Floats,
    NeuronSpectra,
    embedding_spectrum,
    neuron_spectrum,
    position_correlation,
    singular_values,
)

if TYPE_CHECKING:
    from compiler.program import Program
    from headspec.model import Model

MOST_ACTIVATIONS = 1 << 26
BATCH = 1 << 22  # numbers in one activation of a batch
EXAMPLES = 3


def fourier(
    model: Any,
    *,
    spec: Model | str | Path | None = None,
    tokens: str | Sequence[str] | None = None,
    prompt: str | None = None,
    layer: int | None = None,
    sigmas: float | None = None,
    fit: str | Sequence[int] | None = None,
    dtype: str | None = None,
    device: str = "auto",
) -> Fourier:
    """Spectra of the embedding, of the neurons over all pairs of operands, and of the logits they write.

    ``model``: a ``Model``, what ``load`` returned, a spec (text, path, name), or any torch module with TransformerLens'
    names; ``spec`` says what the tokens of a module are called (without it they are ids).
    ``tokens``: the circle, as ``"0..112"`` or in a list; by default all whole numbers of the vocabulary.
    ``prompt``: ``"{a} {b} ="``; by default what the spec's sequences leave no choice about.
    ``layer``: whose neurons; by default those of the last layer that has any.
    ``sigmas``: active is what is above mean + sigmas * sigma; by default 1 for embeddings and logits, 2 for neurons.
    ``fit``: frequencies, as ``"5,2,1"`` or in a list, whose R^2 is wanted for the embedding, the unembedding, what
    neurons add to the logits, and the last hidden states over all pairs of operands.

    SpecError E0660 where there is nothing to go round, no such layer or frequency; E0320 for more than it should be."""
    subject = _find(model, spec, dtype, device)
    rows = subject.parameter("embed.W_E")
    if rows is None or rows.ndim != 2:
        raise _refused(
            "the module has no `embed.W_E` of shape (vocabulary, d_model)", "name it as TransformerLens does"
        )
    program = subject.program
    vocabulary = None if program is None else program.tokens
    if vocabulary is not None and len(rows) < len(vocabulary):
        raise _refused(f"the module embeds {len(rows)} tokens, and the spec has {len(vocabulary)}", "give its own spec")
    circle, notes = read_circle(tokens, vocabulary, len(rows)), list[str]()
    order = None if fit is None else read_frequencies(fit, len(circle.ids))
    embedded = rows[list(circle.ids)]
    asked = _prompt(subject, circle, prompt, len(rows), notes)
    one = EMBEDDING_SIGMAS if sigmas is None else sigmas
    place = _layer(subject, layer, notes)
    neurons = None
    if asked is not None and place is not None:
        neurons = _neurons(subject, circle, asked, place, NEURON_SIGMAS if sigmas is None else sigmas)
    tasks = () if place is None else _tasks(subject, place, one)
    answers = None if tasks or (place is None and order is None) else _answers(subject, circle, rows.shape[1], notes)
    written = None if answers is None or place is None else subject.written(place) @ answers
    return Fourier(
        name=subject.name,
        device=subject.device,
        dtype=subject.dtype,
        tokens=circle.texts,
        prompt=None if asked is None else asked.text,
        width=rows.shape[1],
        embedding=embedding_spectrum(embedded, one),
        singular=singular_values(embedded),
        positions=_positions(subject, asked, notes),
        neurons=neurons,
        logits=None if written is None else embedding_spectrum(written.T, one),
        notes=tuple(notes),
        tasks=tasks,
        fits=() if order is None else _fits(subject, circle, asked, embedded, answers, written, order),
    )


# ------------------------------------------------------------------ the model


@dataclass(frozen=True, eq=False)
class _Subject:
    """A torch module, its parameters, its name; ``program`` is None where nobody says what its tokens mean."""

    module: Any
    program: Program | None
    parameters: Mapping[str, Any]
    name: str
    device: str
    dtype: str

    def parameter(self, name: str) -> Floats | None:
        """A parameter as float64, or None."""
        found = self.parameters.get(name)
        return None if found is None else np.asarray(found.detach().double().cpu().numpy(), dtype=np.float64)

    def written(self, layer: int) -> Floats:
        """W_out (d_mlp, D) of a layer that has neurons."""
        found = self.parameter(f"blocks.{layer}.mlp.W_out")
        assert found is not None
        return found

    def mlps(self) -> list[int]:
        """The layers with neurons, ascending."""
        return self.layers(".mlp.W_out")

    def layers(self, ending: str = "") -> list[int]:
        """The layers that have a parameter of this name, ascending."""
        ends = (name.split(".") for name in self.parameters if name.endswith(ending))
        return sorted({int(parts[1]) for parts in ends if parts[0] == "blocks" and parts[1].isdigit()})


def _find(model: Any, spec: Model | str | Path | None, dtype: str | None, device: str) -> _Subject:
    from backends.interventions import place_of
    from headspec.ablation.intervening import find_subject

    bare = spec is None and hasattr(model, "run_with_hooks") and hasattr(model, "named_parameters")
    if bare:
        where, kind = place_of(model)
        return _Subject(model, None, dict(model.named_parameters()), type(model).__name__, where, kind)
    subject = find_subject(model, spec, dtype, device)
    module: Any = subject.module
    where, kind = place_of(module)
    program = subject.program
    return _Subject(module, program, dict(module.named_parameters()), program.name, where, kind)


# ------------------------------------------------------------------ the parts


def _prompt(subject: _Subject, circle: Circle, words: str | None, size: int, notes: list[str]) -> Prompt | None:
    """The prompt that was asked for, or the one that the sequences leave; or a note that there is none."""
    program = subject.program
    if words is not None:
        found = read_prompt(words, None if program is None else program.tokens, size)
        if program is not None and len(found.ids) > program.context:
            raise _refused(f"the prompt has {len(found.ids)} tokens, and the context {program.context}", "shorten it")
        return found
    derived = None if program is None else derive_prompt(program.sequences, circle)
    if derived is not None and program is not None and program.generate is not None:
        whole = given_places(program, program.sequences.shortest)
        derived = None if any(whole[len(derived.ids) :]) else derived  # what is given goes on: more than two operands
    if derived is None:
        notes.append("positions and neurons are left out: say where the operands stand, --prompt '{a} {b} ='")
    return derived


def _layer(subject: _Subject, layer: int | None, notes: list[str]) -> int | None:
    """The layer whose neurons are read, the last with any that writes something; or a note that there is none."""
    layers = subject.mlps()
    if layer is not None and layer not in layers:
        known = f"layers with neurons: {', '.join(map(str, layers))}" if layers else "the model has no MLP"
        raise _refused(f"there are no neurons in layer {layer}", known)
    if layer is not None:
        return layer
    writing = [i for i in layers if np.any(subject.parameter(f"blocks.{i}.mlp.W_out"))]
    if not writing:
        notes.append("neurons and their logits are left out: the model has no MLP")
    return writing[-1] if writing else None


def _positions(subject: _Subject, prompt: Prompt | None, notes: list[str]) -> Positions | None:
    rows = subject.parameter("pos_embed.W_pos")
    if rows is None:
        notes.append("the correlation of positions is left out: the model has no position embeddings")
    if rows is None or prompt is None:
        return None
    if max(prompt.places) >= len(rows):
        raise _refused(f"the prompt has {len(prompt.ids)} tokens, and the model {len(rows)} positions", "shorten it")
    pair = rows[list(prompt.places)]
    return Positions(prompt.places, pair, position_correlation(*pair))


def _neurons(subject: _Subject, circle: Circle, prompt: Prompt, layer: int, sigmas: float) -> Neurons:
    name, count = f"blocks.{layer}.mlp.hook_post", int(subject.parameters[f"blocks.{layer}.mlp.W_out"].shape[0])
    acts = _activations(subject, circle, prompt, name, count, "neurons")
    spectra = neuron_spectrum(acts, sigmas)
    examples = _examples(spectra)
    return Neurons(layer, spectra, examples, acts[:, :, list(examples)].astype(np.float64))


def _activations(subject: _Subject, circle: Circle, prompt: Prompt, name: str, count: int, what: str) -> NDArray[Any]:
    """(p, p, count), the activation of this name at the last token of every prompt, in the model's own float type."""
    from backends.interventions import run

    p, help = len(circle.ids), "look at fewer tokens: --tokens 0..30"
    check_size(p * p * count, MOST_ACTIVATIONS, f"activations ({p:,}^2 pairs of {count:,} {what})", None, help)
    prompts = prompt.pairs(circle)
    widest = max(max(array.shape, default=1) for array in subject.parameters.values())
    step = max(1, BATCH // (widest * prompts.shape[1]))
    found = []
    for start in range(0, len(prompts), step):
        try:
            seen = run(subject.module, prompts[start : start + step], (), {name})[1]
        except KeyError as error:
            if error.args[:1] != (name,):
                raise
            seen = {}
        if name not in seen or seen[name].ndim != 3:
            raise _refused(f"the module has no activation `{name}` (B, n, {what})", "name it as TransformerLens does")
        found.append(seen[name][:, -1])
    return np.concatenate(found).reshape(p, p, -1)


def _examples(spectra: NeuronSpectra) -> tuple[int, ...]:
    """Of each of the most frequent pairs of frequencies, the neuron that varies the most."""
    pairs = [(first, second) for first, second in spectra.pair.tolist()]
    varying = [j for j, pair in enumerate(pairs) if pair != (0, 0)]
    counts = Counter(pairs[j] for j in varying if spectra.pair_share[j] >= SINGLE) or Counter(pairs[j] for j in varying)
    order = sorted(counts, key=lambda pair: (-counts[pair], pair))[:EXAMPLES]
    return tuple(max((j for j in varying if pairs[j] == pair), key=lambda j: spectra.variance[j]) for pair in order)


def _tasks(subject: _Subject, layer: int, sigmas: float) -> tuple[Task, ...]:
    """The logits of every prediction with tokens of its own; none of a module that does not answer with them."""
    out, unembed = (subject.parameter(name) for name in (f"blocks.{layer}.mlp.W_out", "unembed.W_U"))
    program = subject.program
    if program is None or out is None or unembed is None or unembed.shape != (out.shape[1], len(program.tokens)):
        return ()
    return tasks_of(program, out @ unembed, sigmas)


def _answers(subject: _Subject, circle: Circle, width: int, notes: list[str]) -> Floats | None:
    """(D, p): the columns of W_U that answer with the tokens of the circle; or a note that there are none."""
    unembed = subject.parameter("unembed.W_U")
    if unembed is None or unembed.shape[0] != width:
        notes.append("the logits are left out: the module has no `unembed.W_U` of shape (d_model, vocabulary)")
        return None
    own = subject.program is not None and unembed.shape[1] != len(subject.program.tokens)
    if own or max(circle.ids) >= unembed.shape[1]:
        notes.append("the logits are left out: the tokens of the circle are not among those it answers with")
        return None
    return unembed[:, list(circle.ids)]


def _fits(
    subject: _Subject,
    circle: Circle,
    prompt: Prompt | None,
    embedded: Floats,
    answers: Floats | None,
    written: Floats | None,
    order: Sequence[int],
) -> tuple[Fit, ...]:
    """The fits of Bai et al.: rows along the circle, one for each dimension, neuron or prompt.  Hidden states are
    multiplied by W_U as they are: no bias, no LayerNorm."""
    rows = {"W_E": embedded.T, "W_U": answers, "W_out W_U": written}
    if prompt is not None and answers is not None:
        name, width = f"blocks.{subject.layers()[-1]}.hook_resid_post", len(answers)
        last = _activations(subject, circle, prompt, name, width, "dimensions").reshape(-1, width)
        rows["last hidden states W_U"] = last.astype(np.float64) @ answers
    return tuple(fit_rows(name, found, order) for name, found in rows.items() if found is not None)


def _refused(message: str, help: str) -> SpecError:
    return SpecError(Diagnostic("E0660", message, help=help))
