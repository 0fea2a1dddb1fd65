"""Where activations are read: a head, the residual stream, a hook.

In: ``stream 1``, ``blocks.1.hook_resid_mid``, ``fetch[0]``.  Out: ``Site``s, and their activations on texts, in
float64.  Not for: changing them (``headspec.ablation.intervening``).

Of a head, its output (D,), what it adds to the stream: z W_O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.limits import check_size
from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.edits import EditReader, Patch, Place
from headspec.ablation.intervening import Subject
from headspec.verification.sampling import Tokens

Floats = NDArray[np.float64]

MOST_NUMBERS = 1 << 27
BATCH = 1 << 22  # numbers in one activation of a run


@dataclass(frozen=True, slots=True)
class Site:
    """``text`` as written; ``hook`` is the activation; ``head`` is set where it is that of one head."""

    text: str
    hook: str
    head: Place | None = None


def find_sites(subject: Subject, words: str | Sequence[str]) -> tuple[Site, ...]:
    """The sites called so; by default the stream after the attention of the last layer.  SpecError E0641."""
    asked = [words] if isinstance(words, str) else list(words)
    reader = EditReader(subject.program, subject.settings, subject.layers, subject.heads)
    found = []
    for word in asked or [_default(subject)]:
        edit = reader.read("patch", word)[0]
        assert isinstance(edit, Patch)
        if edit.queries is not None:
            raise SpecError(Diagnostic("E0641", f"`{word}` names positions", help="name the site alone"))
        found.append(Site(word.strip(), edit.hook, edit.head))
    return tuple(found)


def _default(subject: Subject) -> str:
    last = subject.layers - 1
    names = dict(subject.module.named_parameters()) if hasattr(subject.module, "named_parameters") else {}
    return f"blocks.{last}.hook_resid_{'mid' if f'blocks.{last}.mlp.W_out' in names else 'post'}"


def activations(subject: Subject, texts: Tokens, sites: Sequence[Site], places: Sequence[int]) -> dict[str, Floats]:
    """Of every site, by its text: (B, len(places), D) at these positions of texts (B, n).

    SpecError E0320 for too many numbers, E0641 for a site that the model has not."""
    from backends.interventions import run

    width, hooks = subject.program.width, {site.hook for site in sites}
    size = len(texts) * len(places) * width * len(sites)
    check_size(size, MOST_NUMBERS, "activations", None, "look at fewer samples, sites or positions")
    parts: dict[str, list[Floats]] = {site.text: [] for site in sites}
    step = max(1, BATCH // (texts.shape[1] * max(width, 1)))
    for start in range(0, len(texts), step):
        seen = run(subject.module, texts[start : start + step], (), hooks)[1]
        for site in sites:
            if site.hook not in seen:
                help = "hook_resid_mid and hook_mlp_out come with MLPs"
                raise SpecError(Diagnostic("E0641", f"this model has no activation `{site.hook}`", help=help))
            parts[site.text].append(_of_site(subject, site, seen[site.hook][:, list(places)].astype(np.float64)))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _of_site(subject: Subject, site: Site, value: Floats) -> Floats:
    """(B, P, D) as it is; of a head, (B, P, H, d) -> (B, P, D) by its W_O (d, D)."""
    if site.head is None:
        return value
    out = dict(subject.module.named_parameters())[f"blocks.{site.head.layer}.attn.W_O"]  # type: ignore[attr-defined]
    matrix: Floats = out.detach().double().cpu().numpy()[site.head.index]
    found: Floats = value[:, :, site.head.index] @ matrix
    return found
