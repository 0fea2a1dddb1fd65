"""A model held against the meaning of its spec: what is looked at, on which device, and the verdict.

In: a model, a spec or a saved folder's model, and how much to look at.  Out: ``Verification``.  Not for: the comparison
itself (``comparing`` of a sample, ``headspec.every`` of all prompts).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends.files.loading import Loaded
    from headspec.every.asking import Choice
    from headspec.model import Model
    from headspec.verification.comparing import ObservedModel, Verification


def verify(
    model: Model | Loaded | str | Path | Any,
    *,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
    samples: int | None = None,
    exhaustive: bool = False,
    exhaustive_limit: int = 20_000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    outputs: int | None = None,
    checkpoint: str | Path | None = None,
    shard: tuple[int, int] = (1, 1),
    merge: Sequence[str | Path] = (),
    prompt_progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Hold a model in torch against the meaning of its spec and its ``expect`` lines.

    A query is right when at least ``mass`` of its attention is on the keys that the spec says, in equal shares; an
    output when the right token has the largest logit.  ``report.holds`` (or ``bool(report)``) is the verdict,
    ``print(report)`` a page of figures, ``report.to_json()`` the same for programs.

    ``model``: a compiled model, a spec (text, path or packaged name), what ``load`` returned, or any torch module with
    TransformerLens' ``run_with_hooks`` (weights changed by hand, say), for which ``spec`` says what is right.  The
    last two are judged as they are, on their own device and in their own float type.
    ``device``: auto, cpu, cuda, cuda:0.  ``samples``: how many sequences (default: some seconds' worth; every one
    where there are at most ``exhaustive_limit``, or if ``exhaustive``).  ``progress(done, total)`` is called on the
    way.  Raises SpecError when the spec cannot be realised, or for a device or a number of sequences that cannot be.

    A spec that claims every output (docs/verification.md) and has more prompts than ``exhaustive_limit``: its outputs
    are looked at for every prompt if ``exhaustive``, else for ``outputs`` of them, and patterns for a sample.  What is
    done is kept in ``checkpoint``; ``shard`` (i, n) does the i-th of n parts, ``merge`` adds other checkpoints."""
    from backends.torch_model import TorchModel
    from headspec.ablation.intervening import Intervened, find_subject
    from headspec.devices import observe_torch, own_device
    from headspec.every.asking import choose
    from headspec.every.keeping import Job
    from headspec.verification.comparing import verify_model

    subject = find_subject(model, spec, dtype, own_device(device))
    program, module = subject.program, subject.module
    job = Job(Path(checkpoint) if checkpoint else None, shard, tuple(Path(each) for each in merge))
    choice: Choice | None = None
    observed: ObservedModel = Intervened.as_it_is(subject)
    if isinstance(module, TorchModel):  # every prompt is for modules of ours, which run in blocks
        observed = observe_torch(module)
        choice = choose(
            program,
            job,
            exhaustive=exhaustive,
            exhaustive_limit=exhaustive_limit,
            samples=samples,
            outputs=outputs,
        )
    report = verify_model(
        program,
        observed,
        samples=samples,
        exhaustive=exhaustive and choice is None,
        exhaustive_limit=0 if exhaustive and choice is not None else exhaustive_limit,
        seed=seed,
        progress=progress,
    )
    if choice is None or not isinstance(module, TorchModel):
        return report
    from headspec.every.running import run

    return replace(report, every=run(choice, module, job, seed, prompt_progress))
