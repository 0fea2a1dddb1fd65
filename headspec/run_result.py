"""What a compiled model does with one text: its prediction, its attention patterns, its logits.

In: nothing (data, made by ``Model.run``).  Out: ``RunResult``, which prints and draws itself.  Not for: how it is drawn
(``patterns``, ``plotting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """What the compiled model does with one text.

    ``patterns[layer]`` has shape (head, query, key); ``logits`` (position, vocabulary).  ``prediction`` is None for a
    spec without ``predict``; ``margin`` is how far its logit is above the next.  ``heads`` names each pattern by
    (layer, index); ``valid`` says whether the spec's ``sequences`` allow the text (of a spec that generates: or a text
    that begins with it).  The last ``generated`` tokens are the model's own."""

    tokens: tuple[str, ...]
    prediction: str | None
    margin: float
    patterns: tuple[NDArray[np.float64], ...]
    logits: NDArray[np.float64]
    heads: tuple[tuple[int, int, str], ...]
    valid: bool
    generated: int = 0

    def pattern(self, head: str) -> NDArray[np.float64]:
        """The attention pattern (query, key) of the head called ``head`` (or ``L0H1``); KeyError if there is none."""
        for layer, index, name in self.heads:
            if head in (name, f"L{layer}H{index}"):
                found: NDArray[np.float64] = self.patterns[layer][index]
                return found
        names = ", ".join(name for _, _, name in self.heads)
        raise KeyError(f"no head is called {head!r}; there is {names}")

    def __repr__(self) -> str:
        says = "" if self.prediction is None else f", predicts {self.prediction!r} by {self.margin:.4g}"
        heads = ", ".join(f"L{layer}H{index} {name}" for layer, index, name in self.heads)
        return f"<headspec run of {len(self.tokens)} tokens{says}; patterns of {heads}>"

    def to_json(self) -> dict[str, object]:
        return {
            "tokens": list(self.tokens),
            "prediction": self.prediction,
            "margin": self.margin if self.margin - self.margin == 0 else None,
            "valid": self.valid,
            "generated": list(self.tokens[len(self.tokens) - self.generated :]),
            "heads": [
                {"name": name, "layer": layer, "index": index, "pattern": self.patterns[layer][index].tolist()}
                for layer, index, name in self.heads
            ],
        }

    def __str__(self) -> str:
        from headspec.pictures.patterns import draw_run

        return draw_run(self)

    def _repr_html_(self) -> str:
        from headspec.pictures.plotting import notebook_html

        return notebook_html(self)
