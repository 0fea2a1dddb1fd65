"""How heads act together: net heads, virtual heads, composition scores, path expansion, singular values.

In: exact weights (any object with the shape of ``WeightsLike``).  Out: ``Expansion``, frozen, printable, with
``to_json``.  Not for: attention patterns of an input (run the model), nor MLPs.

Definitions, after Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", with residual vectors as
columns, W_QK = W_Q^T W_K (score = x_query^T W_QK x_key) and W_OV = W_O W_V; head 1 stands in an earlier layer:

    Q-composition  |W_QK2^T W_OV1| / (|W_QK2| |W_OV1|)      virtual head   W_OV2 W_OV1
    K-composition  |W_QK2   W_OV1| / (|W_QK2| |W_OV1|)      V-composition matrix   W_V2 W_O1
    V-composition  |W_OV2   W_OV1| / (|W_OV2| |W_OV1|)      path   W_U W_OVn ... W_OV1 W_E

    moved by k heads   the sum of W_OVk ... W_OV1 over all chains of k heads: for k = 1 the net heads, for k = 2 the
                       virtual heads.  With k previous-token heads it is what is copied from k tokens back.

with Frobenius norms |.|.  Random matrices do not score 0: Elhage et al. compare with that baseline; so should you.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any, Literal, Protocol

from compiler.exact import Matrix, RankCertificate, Scalar, matrix_to_json, render_matrix
from compiler.exact.roots import Rational
from compiler.exact.terms import Terms, add_product
from compiler.heads import Head
from compiler.program import Program

Kind = Literal["Q", "K", "V"]
Bindings = Mapping[str, Rational]
MOST_LINES = 20  # of a drawn product

# ---------------------------------------------------------------- what goes in


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


# ---------------------------------------------------------------- what comes out


@dataclass(frozen=True, slots=True)
class SingularValues:
    """Largest first.  ``squares`` are exact where the rows or the columns are orthogonal, else None: then ``values``
    come from numpy's float64 ``svd``.  ``values`` is None while symbols have no value."""

    squares: tuple[Scalar, ...] | None
    values: tuple[float, ...] | None

    @property
    def exact(self) -> bool:
        return self.squares is not None

    def to_json(self) -> dict[str, Any]:
        squares = None if self.squares is None else [str(s) for s in self.squares]
        return {"exact": self.exact, "squares": squares, "values": None if self.values is None else list(self.values)}


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


@dataclass(frozen=True, slots=True)
class CompositionScore:
    """How much ``later`` reads of what ``earlier`` writes, 0 to 1.  ``squared`` is exact where the norms divide
    exactly; ``value`` is None while symbols have no value."""

    kind: Kind
    earlier: str
    later: str
    squared: Scalar | None
    value: float | None

    def to_json(self) -> dict[str, Any]:
        squared = None if self.squared is None else str(self.squared)
        return {
            "kind": self.kind,
            "earlier": self.earlier,
            "later": self.later,
            "squared": squared,
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Expansion:
    """An attention-only model as a sum of products; products that are zero are left out and counted in ``zero``."""

    net_heads: tuple[Product, ...]
    score_circuits: tuple[Product, ...]
    scores: tuple[CompositionScore, ...]
    value_compositions: tuple[Product, ...]
    virtual_heads: tuple[Product, ...]
    moved: tuple[Product, ...]
    paths: tuple[Product, ...]
    zero: int
    bindings: Mapping[str, Fraction]

    def to_json(self) -> dict[str, Any]:
        def products(items: Sequence[Product]) -> list[dict[str, Any]]:
            return [item.to_json(self.bindings) for item in items]

        return {
            "net_heads": products(self.net_heads),
            "score_circuits": products(self.score_circuits),
            "composition_scores": [score.to_json() for score in self.scores],
            "value_compositions": products(self.value_compositions),
            "virtual_heads": products(self.virtual_heads),
            "moved": products(self.moved),
            "paths": products(self.paths),
            "zero_products": self.zero,
        }


# ---------------------------------------------------------------- exact measures


def squared_norm(matrix: Matrix) -> Scalar:
    """The squared Frobenius norm, exactly."""
    total: Terms = {}
    for entry in matrix.entries.values():
        add_product(total, entry.short, entry.short)
    return Scalar(total)


def singular_values(matrix: Matrix, bindings: Bindings) -> SingularValues:
    """The nonzero singular values: exact squares where M M^T or M^T M is diagonal, else numeric (float64)."""
    core = matrix.submatrix(sorted(matrix.by_row), sorted(matrix.by_column))
    for side in (core, core.T):
        squares = _orthogonal_squares(side)
        if squares is not None:
            return _sorted_squares(squares, bindings)
    return SingularValues(None, _numeric(core, bindings))


def _orthogonal_squares(matrix: Matrix) -> list[Scalar] | None:
    """The squared lengths of the rows where they are orthogonal to each other, else None."""
    gram = matrix @ matrix.T
    if any(i != j for i, j in gram.entries):
        return None
    return [gram[i, i] for i in range(matrix.rows)]


def _sorted_squares(squares: Sequence[Scalar], bindings: Bindings) -> SingularValues:
    floats = [_float(square, bindings) for square in squares]
    known = [f for f in floats if f is not None]
    if len(known) < len(squares):
        return SingularValues(tuple(squares), None)
    order = sorted(range(len(squares)), key=lambda i: (-known[i], i))
    return SingularValues(tuple(squares[i] for i in order), tuple(sqrt(max(known[i], 0.0)) for i in order))


def _numeric(matrix: Matrix, bindings: Bindings) -> tuple[float, ...] | None:
    import numpy as np

    if not matrix.symbols() <= bindings.keys():
        return None
    dense = np.zeros(matrix.shape)
    for (i, j), entry in matrix.entries.items():
        dense[i, j] = entry.to_float(bindings)
    values = np.linalg.svd(dense, compute_uv=False)
    floor = float(values[0]) * max(matrix.shape) * 2.0**-52 if len(values) else 0.0
    return tuple(float(v) for v in values if v > floor)


def _float(scalar: Scalar, bindings: Bindings) -> float | None:
    return scalar.to_float(bindings) if scalar.symbols() <= bindings.keys() else None


def composition_score(kind: Kind, earlier: HeadLike, later: HeadLike, bindings: Bindings) -> CompositionScore:
    """The Q-, K- or V-composition score of two heads (module docstring); 0 where either circuit is zero."""
    reader = {"Q": later.QK.T, "K": later.QK, "V": later.OV}[kind]
    product, first, second = (squared_norm(m) for m in (reader @ earlier.OV, reader, earlier.OV))
    squared = _quotient(product, first * second)
    value = _score_value(squared, product, first, second, bindings)
    return CompositionScore(kind, earlier.head.name, later.head.name, squared, value)


def _quotient(numerator: Scalar, denominator: Scalar) -> Scalar | None:
    """numerator / denominator where that is exact: one term below, or a rational multiple of one another."""
    if numerator.is_zero():
        return numerator
    if len(denominator.terms) == 1:
        return numerator / denominator
    if numerator.terms.keys() != denominator.terms.keys():
        return None
    ratios = {Fraction(c) / denominator.terms[key] for key, c in numerator.terms.items()}
    return Scalar.rational(ratios.pop()) if len(ratios) == 1 else None


def _score_value(
    squared: Scalar | None, product: Scalar, first: Scalar, second: Scalar, bindings: Bindings
) -> float | None:
    if squared is not None:
        value = _float(squared, bindings)
        return None if value is None else sqrt(max(value, 0.0))
    parts = [_float(part, bindings) for part in (product, first, second)]
    known = [sqrt(max(part, 0.0)) for part in parts if part is not None]
    return known[0] / (known[1] * known[2]) if len(known) == 3 else None


# ---------------------------------------------------------------- products of heads


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
        step = _sum([head.OV for head in weights.heads if head.head.layer == layer])
        longer = [step, *(step @ moved for moved in sums)]
        sums = [*(a + b for a, b in zip(sums, longer, strict=False)), longer[-1]]
    names = tuple(head.head.name for head in weights.heads)
    return tuple(
        _product(f"{k} head{'s' * (k > 1)}", names, matrix, weights.bindings, spectrum=False)
        for k, matrix in enumerate(sums, 1)
        if not matrix.is_zero()
    )


def _sum(matrices: Sequence[Matrix]) -> Matrix:
    total = matrices[0]
    for matrix in matrices[1:]:
        total = total + matrix
    return total


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


def expand(weights: WeightsLike, layers: int | None = None) -> Expansion:
    """Everything above for a whole model; ``layers`` bounds the number of heads in a path (default: all layers)."""
    bindings = weights.bindings
    pairs = [(a, b) for b in weights.heads for a in weights.heads if a.head.layer < b.head.layer]
    paths, zero = output_paths(weights, layers)
    circuits: list[Product] = []
    for head in weights.heads:
        found, missing = score_circuits(head, [a for a, b in pairs if b is head], bindings)
        circuits += found
        zero += missing
    kinds: tuple[Kind, ...] = ("Q", "K", "V")
    composing = [(a, b) for a, b in pairs if not (b.W_V @ a.W_O).is_zero()]
    return Expansion(
        net_heads=tuple(net_head(head, bindings) for head in weights.heads),
        score_circuits=tuple(circuits),
        scores=tuple(composition_score(kind, a, b, bindings) for a, b in pairs for kind in kinds),
        value_compositions=tuple(v_composition(a, b, bindings) for a, b in composing),
        virtual_heads=tuple(virtual_head(a, b, bindings) for a, b in composing),
        moved=moved_by_length(weights),
        paths=paths,
        zero=zero,
        bindings=bindings,
    )


# ---------------------------------------------------------------- for readers


Drawing = Callable[[Matrix], str]


def render_expansion(expansion: Expansion, draw: Drawing | None = None) -> str:
    """Plain text: scores as a table, products with rank, norm and singular values.  Net heads, virtual heads and what
    moves through one, two, ... heads are drawn in full by ``draw`` (default: ``exact.render_matrix``) where that is
    short."""
    draw = draw or render_matrix
    moved = expansion.moved if len(expansion.net_heads) > 1 else ()
    blocks = [
        _block("Net heads (OV = W_O W_V)", [_with_matrix(p, draw) for p in expansion.net_heads]),
        _block("Score circuits", [_line(p) for p in expansion.score_circuits]),
        _block("Composition scores", [_score_line(s) for s in expansion.scores]),
        _block("V-composition", [_line(p) for p in expansion.value_compositions]),
        _block("Virtual heads", [_with_matrix(p, draw) for p in expansion.virtual_heads]),
        _block("Moved through exactly so many heads (sum over all chains)", [_with_matrix(p, draw) for p in moved]),
        _block("Paths from tokens to logits", [_line(p) for p in expansion.paths]),
    ]
    blocks.append(f"{expansion.zero} further product{' is' if expansion.zero == 1 else 's are'} zero.")
    return "\n\n".join(block for block in blocks if block)


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _line(product: Product) -> str:
    text = f"{product.label}: rank {product.rank}, squared norm {product.squared_norm}"
    return text if product.singular is None else f"{text}, singular values {_spectrum(product.singular)}"


def _spectrum(singular: SingularValues) -> str:
    """``1 (26 times), 1/2``; numeric values are marked with ``~``."""
    if singular.squares is not None:
        names = [_root_text(square) for square in singular.squares]
    elif singular.values is not None:
        names = [f"~{value:.6g}" for value in singular.values]
    else:
        return "unknown until every symbol has a value"
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in counts.items()) or "none"


def _root_text(square: Scalar) -> str:
    try:
        return str(Scalar.sqrt(square.as_fraction()))
    except ValueError:
        return f"sqrt({square})"


def _score_line(score: CompositionScore) -> str:
    value = "unknown until every symbol has a value" if score.value is None else f"{score.value:.6g}"
    exact = "" if score.squared is None or score.squared.is_zero() else f" = {_root_text(score.squared)}"
    return f"{score.kind}: {score.earlier} -> {score.later}  {value}{exact}"


def _with_matrix(product: Product, draw: Drawing) -> str:
    if product.matrix.is_zero():
        return _line(product)
    drawn = draw(product.matrix).splitlines()
    return "\n    ".join([_line(product), *(drawn if len(drawn) <= MOST_LINES else [])])
