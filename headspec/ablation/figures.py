"""The result of an ablation: frozen figures before and after, and their JSON.

In: what ``tally`` counted.  Out: ``Ablation``.  Its JSON keys are an interface (docs/ablation.md): keys are
added, never renamed.  Not for: how it is drawn for people (``report``).
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headspec.ablation.edits import Edit, Place
from headspec.metrics import Accuracy, Measures

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EditFigures:
    """An edit, and how much it ``touched``: edges (query and key) of a pattern, or positions of an activation."""

    edit: Edit
    where: str
    touched: int

    def to_json(self) -> dict[str, object]:
        return {"kind": self.edit.kind, "text": self.edit.text, "where": self.where, "touched": self.touched}


@dataclass(frozen=True, slots=True)
class LengthAccuracy:
    """Accuracy on the sequences of one length."""

    length: int
    before: Accuracy
    after: Accuracy

    def to_json(self) -> dict[str, object]:
        return {"length": self.length, "before": self.before.to_json(), "after": self.after.to_json()}


@dataclass(frozen=True, slots=True)
class HeadMeasures:
    """The metrics of one head.  ``basis`` says whose promise they are taken on: ``expect``, ``reference`` or none."""

    head: Place
    basis: str | None
    before: Measures
    after: Measures

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.head.name,
            "layer": self.head.layer,
            "index": self.head.index,
            "basis": self.basis,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is said after one position, before and after; ``right`` is empty where nothing is judged."""

    position: int
    token: str
    subspace: str
    right: tuple[str, ...]
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def to_json(self) -> dict[str, object]:
        return {
            "position": self.position,
            "token": self.token,
            "subspace": self.subspace,
            "right": list(self.right),
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, eq=False)
class Example:
    """One sequence: what is decoded after each of its positions, and each head's pattern (query, key), before and
    after.  ``valid``: the spec's ``sequences`` allow it (of a spec that generates: or a text that begins with it)."""

    tokens: tuple[str, ...]
    decoded: tuple[Decoded, ...]
    patterns: tuple[tuple[Place, NDArray[Any], NDArray[Any]], ...]
    valid: bool

    def to_json(self, *, patterns: bool) -> dict[str, object]:
        drawn = [
            {"name": p.name, "layer": p.layer, "index": p.index, "before": _rows(before), "after": _rows(after)}
            for p, before, after in self.patterns
        ]
        shown: dict[str, object] = {
            "tokens": list(self.tokens),
            "valid": self.valid,
            "decoded": [decoded.to_json() for decoded in self.decoded],
        }
        return shown | ({"patterns": drawn} if patterns else {})


@dataclass(frozen=True, slots=True)
class Texts:
    """What greedy decoding appends to a text, before and after."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {"before": list(self.before), "after": list(self.after)}


@dataclass(frozen=True, repr=False)
class Ablation:
    """What a model says and where it looks, as it is (``before``) and with the edits (``after``).

    ``changed`` of the judged tokens are decoded differently, ``ties`` of them are ties after the edits (decoded as
    greedy decoding does: the first in the vocabulary).  ``constant`` is the accuracy of always giving the best one
    answer, ``constant_token`` that answer (None where several subspaces are predicted)."""

    spec: str
    device: str
    dtype: str
    edits: tuple[EditFigures, ...]
    renormalised: bool
    sampled: bool
    complete: bool
    seed: int
    sequences: int
    lengths: tuple[LengthAccuracy, ...]
    changed: int
    ties: int
    constant: float | None
    constant_token: str | None
    heads: tuple[HeadMeasures, ...]
    example: Example
    source: tuple[str, ...] | None = None
    generated: Texts | None = None
    predicts: bool = field(default=True)

    @property
    def before(self) -> Accuracy:
        """The accuracy of the model as it is, over all lengths."""
        return sum((length.before for length in self.lengths), Accuracy())

    @property
    def after(self) -> Accuracy:
        """The accuracy with the edits."""
        return sum((length.after for length in self.lengths), Accuracy())

    def head(self, name: str) -> HeadMeasures:
        """The metrics of the head called ``name`` (or ``L0H1``); KeyError if there is none."""
        for figures in self.heads:
            if figures.head.is_called(name):
                return figures
        raise KeyError(name)

    def pattern(self, head: str, *, before: bool = False) -> NDArray[Any]:
        """The pattern (query, key) of a head on the example, after the edits or before; KeyError if there is none."""
        for place, old, new in self.example.patterns:
            if place.is_called(head):
                return old if before else new
        raise KeyError(head)

    def to_json(self) -> dict[str, object]:
        """The machine-readable report, with the keys of docs/ablation.md."""
        return {
            "spec": self.spec,
            "device": self.device,
            "dtype": self.dtype,
            "edits": [edit.to_json() for edit in self.edits],
            "renormalised": self.renormalised,
            "source": None if self.source is None else list(self.source),
            "sampled": self.sampled,
            "complete": self.complete,
            "seed": self.seed,
            "sequences": self.sequences,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "changed": self.changed,
            "ties": self.ties,
            "constant": {"accuracy": self.constant, "token": self.constant_token},
            "lengths": [length.to_json() for length in self.lengths],
            "heads": [head.to_json() for head in self.heads],
            "example": self.example.to_json(patterns=not self.sampled),
            "generated": None if self.generated is None else self.generated.to_json(),
        }

    def __repr__(self) -> str:
        shares = [share for accuracy in (self.before, self.after) if (share := accuracy.tokens) is not None]
        says = f"; accuracy {shares[0]:.2%} before, {shares[1]:.2%} after" if len(shares) == 2 else ""
        return f"<ablation of {self.spec}: {len(self.edits)} edits, {self.sequences} sequences{says}>"

    def __str__(self) -> str:
        from headspec.ablation.report import render_ablation

        return render_ablation(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _rows(pattern: NDArray[Any]) -> list[list[float | None]]:
    """JSON knows no NaN: it becomes null."""
    return [[float(w) if np.isfinite(w) else None for w in row] for row in pattern]
