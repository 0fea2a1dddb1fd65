"""Products of the circuits of heads: net heads, virtual heads, paths, the terms of a score.

In: exact weights (any object with the shape of ``WeightsLike``).  Out: ``Product``, measured and labelled; products
that are zero are counted.  Not for: how much one head reads of another (``scores``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from compiler.composition.measures import Bindings, SingularValues, singular_values, squared_norm
from compiler.exact import Matrix, RankCertificate, Scalar, matrix_to_json
from compiler.heads import Head
from compiler.program import Program


class HeadLike(Protocol):
    """What this module reads of ``pipeline.HeadWeights``."""

    @property
    def head(self) -> Head: ...
    @property
    def W_V(self) -> Matrix: ...
    @property
    def W_O(self) -> Matrix: ...
    @property
    def QK(self) -> Matrix: ...
    @property
    def OV(self) -> Matrix: ...


class WeightsLike(Protocol):
    """What this module reads of ``pipeline.Weights``."""

    @property
    def program(self) -> Program: ...
    @property
    def heads(self) -> Sequence[HeadLike]: ...
    @property
    def bindings(self) -> Mapping[str, Fraction]: ...
    @property
    def W_E(self) -> Matrix: ...
    @property
    def W_U(self) -> Matrix: ...


@dataclass(frozen=True, slots=True)
class Product:
    """A labelled product of weights: a net head, a virtual head, a path.  ``heads`` has the first layer first."""

    label: str
    heads: tuple[str, ...]
    matrix: Matrix
    certificate: RankCertificate
    squared_norm: Scalar
    singular: SingularValues | None = None

    @property
    def rank(self) -> int:
        return self.certificate.rank

    def to_json(self, bindings: Bindings | None = None) -> dict[str, Any]:
        return {
            "label": self.label,
            "heads": list(self.heads),
            "rank": self.rank,
            "certificate": self.certificate.to_json(),
            "squared_norm": str(self.squared_norm),
            "singular_values": None if self.singular is None else self.singular.to_json(),
            "matrix": matrix_to_json(self.matrix, bindings=bindings),
        }


def net_head(head: HeadLike, bindings: Bindings) -> Product:
    """W_OV = W_O W_V with its rank and singular values."""
    return _product(f"OV[{head.head.name}]", (head.head.name,), head.OV, bindings)


def virtual_head(earlier: HeadLike, later: HeadLike, bindings: Bindings) -> Product:
    """W_OV2 W_OV1: what the later head moves of what the earlier one moved."""
    names = (earlier.head.name, later.head.name)
    return _product(f"OV[{names[1]}] OV[{names[0]}]", names, later.OV @ earlier.OV, bindings)


def v_composition(earlier: HeadLike, later: HeadLike, bindings: Bindings) -> Product:
    """W_V2 W_O1 (d_head2 x d_head1): its singular values are the cosines of the angles between what is written and read
    when both have orthonormal rows and columns."""
    names = (earlier.head.name, later.head.name)
    return _product(f"W_V[{names[1]}] W_O[{names[0]}]", names, later.W_V @ earlier.W_O, bindings)


def _product(label: str, heads: tuple[str, ...], matrix: Matrix, bindings: Bindings, spectrum: bool = True) -> Product:
    singular = singular_values(matrix, bindings) if spectrum else None
    return Product(label, heads, matrix, matrix.rank(), squared_norm(matrix), singular)


def moved_by_length(weights: WeightsLike) -> tuple[Product, ...]:
    """For k = 1, 2, ...: the sum of W_OVk ... W_OV1 over all chains of k heads, each in a later layer than the one
    before.  These are the coefficients of t^k in (1 + t S_n) ... (1 + t S_1), with S_l the sum of layer l's W_OV."""
    sums: list[Matrix] = []  # sums[k - 1] for chains that end in a layer already seen
    for layer in sorted({head.head.layer for head in weights.heads}):
        first, *others = (head.OV for head in weights.heads if head.head.layer == layer)
        step = sum(others, start=first)
        longer = [step, *(step @ moved for moved in sums)]
        sums = [*(a + b for a, b in zip(sums, longer, strict=False)), longer[-1]]
    names = tuple(head.head.name for head in weights.heads)
    return tuple(
        _product(f"{k} head{'s' * (k > 1)}", names, matrix, weights.bindings, spectrum=False)
        for k, matrix in enumerate(sums, 1)
        if not matrix.is_zero()
    )


def output_paths(weights: WeightsLike, layers: int | None = None) -> tuple[tuple[Product, ...], int]:
    """Every path W_U W_OVn ... W_OV1 W_E through at most ``layers`` heads that is not zero, and how many are."""
    most = len(weights.program.layers) if layers is None else layers
    found: list[tuple[tuple[HeadLike, ...], Matrix]] = []
    zero = 0
    frontier: list[tuple[tuple[HeadLike, ...], Matrix]] = [((), weights.W_E)]
    while frontier:
        heads, moved = frontier.pop(0)
        seen = weights.W_U @ moved
        zero += seen.is_zero()
        if not seen.is_zero():
            found.append((heads, seen))
        if len(heads) < most:
            for head in _later(weights.heads, heads):
                extended = head.OV @ moved
                zero += extended.is_zero()
                if not extended.is_zero():
                    frontier.append(((*heads, head), extended))
    return tuple(_path(heads, matrix, weights.bindings) for heads, matrix in found), zero


def _later(heads: Sequence[HeadLike], path: Sequence[HeadLike]) -> list[HeadLike]:
    return [head for head in heads if not path or head.head.layer > path[-1].head.layer]


def _path(heads: Sequence[HeadLike], matrix: Matrix, bindings: Bindings) -> Product:
    names = tuple(head.head.name for head in heads)
    label = " ".join(["W_U", *(f"OV[{name}]" for name in reversed(names)), "W_E"])
    return _product(label, names, matrix, bindings, spectrum=False)


def score_circuits(head: HeadLike, earlier: Sequence[HeadLike], bindings: Bindings) -> tuple[tuple[Product, ...], int]:
    """Q1^T W_QK K1 for Q1 and K1 the identity or an earlier W_OV: the terms of a head's score, zero ones counted."""
    found: list[Product] = []
    zero = 0
    middle = f"QK[{head.head.name}]"
    for query in (None, *earlier):
        left = head.QK if query is None else query.OV.T @ head.QK
        for key in (None, *earlier):
            matrix = left if key is None else left @ key.OV
            names = tuple(h.head.name for h in (query, key) if h is not None)
            before = [] if query is None else [f"OV[{query.head.name}]^T"]
            after = [] if key is None else [f"OV[{key.head.name}]"]
            zero += matrix.is_zero()
            if not matrix.is_zero():
                label = " ".join([*before, middle, *after])
                found.append(_product(label, (*names, head.head.name), matrix, bindings, spectrum=False))
    return tuple(found), zero
