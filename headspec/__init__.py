"""headspec: exact transformer weights from a text about attention heads.

In: a head spec (text, or the path of a ``.head`` file).  Out: a ``Model`` with exact and floating weights.
Everything here is imported when it is first used, so that ``import headspec`` costs nothing:

>>> import headspec                                                          # doctest: +SKIP
>>> model = headspec.compile("specs/library/induction.head")                 # doctest: +SKIP
>>> model.run("<bos> a b c a").prediction                                    # doctest: +SKIP
'b'
>>> headspec.verify(model).holds                                             # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dsl.diagnostics import SpecError as SpecError
    from headspec import exercises as exercises
    from headspec import metrics as metrics
    from headspec.ablation.ablating import ablate as ablate
    from headspec.ablation.figures import Ablation as Ablation
    from headspec.analyses.attribution import Attribution as Attribution
    from headspec.analyses.attribution import attribute as attribute
    from headspec.analyses.geometry import Points as Points
    from headspec.analyses.geometry import points as points
    from headspec.analyses.probing import Probes as Probes
    from headspec.analyses.probing import probe as probe
    from headspec.analyses.tree import Tree as Tree
    from headspec.analyses.tree import attention_tree as attention_tree
    from headspec.generation import Generated as Generated
    from headspec.model import Model as Model
    from headspec.model import compile as compile
    from headspec.model import load as load
    from headspec.pictures.drawing import plot as plot
    from headspec.run_result import RunResult as RunResult
    from headspec.spectra.analysis import fourier as fourier
    from headspec.spectra.figures import Fourier as Fourier
    from headspec.verification.comparing import Verification as Verification
    from headspec.verification.verifying import verify as verify

_HOMES = {
    "ablate": "headspec.ablation.ablating",
    "Ablation": "headspec.ablation.figures",
    "attention_tree": "headspec.analyses.tree",
    "attribute": "headspec.analyses.attribution",
    "Attribution": "headspec.analyses.attribution",
    "plot": "headspec.pictures.drawing",
    "points": "headspec.analyses.geometry",
    "Points": "headspec.analyses.geometry",
    "probe": "headspec.analyses.probing",
    "Probes": "headspec.analyses.probing",
    "Tree": "headspec.analyses.tree",
    "compile": "headspec.model",
    "fourier": "headspec.spectra.analysis",
    "Fourier": "headspec.spectra.figures",
    "load": "headspec.model",
    "verify": "headspec.verification.verifying",
    "Generated": "headspec.generation",
    "Model": "headspec.model",
    "RunResult": "headspec.run_result",
    "Verification": "headspec.verification.comparing",
    "SpecError": "dsl.diagnostics",
}

_MODULES = ("exercises", "metrics")

__all__ = [
    "Ablation",
    "Attribution",
    "Fourier",
    "Generated",
    "Model",
    "Points",
    "Probes",
    "RunResult",
    "SpecError",
    "Tree",
    "Verification",
    "__version__",
    "ablate",
    "attention_tree",
    "attribute",
    "compile",
    "exercises",
    "fourier",
    "load",
    "metrics",
    "plot",
    "points",
    "probe",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home the first time it is asked for (PEP 562)."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"headspec.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'headspec' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
