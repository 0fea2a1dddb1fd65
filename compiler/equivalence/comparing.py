"""Two score circuits, two moves: the same on everything reachable?

In: a ``Scene`` and two circuits.  Out: ``Sameness``.  Not for: which sequence shows a difference (the verifier finds
one).

**Scores.**  A query q always sees itself, so its attention is fixed by the differences x_q^T B (x_k - x_q) over the
keys it sees.  Two circuits A and B give the same pattern at temperature tau iff  x_q^T (A - tau B) (x_k - x_q) = 0
for every reachable pair: finitely many conditions a_j = tau b_j, linear in the entries of the circuits.  They are
collected as combinations of *equal entries* first, so that a head that depends on q - k alone has as many conditions
as there are offsets, not as there are pairs.

**Moves.**  Two OV circuits move the same iff they agree on every vector that a key can be.

**Rounded numbers.**  With values for all symbols, D = A - tau B need not vanish exactly: the two patterns of a query
differ by at most tanh(osc/4) in total variation, osc being the oscillation of D over its keys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compiler.equivalence.scenes import Scene
from compiler.equivalence.temperature import Conditions, factor_between, split_among
from compiler.exact import Matrix, Scalar
from compiler.exact.logarithms import refinement

Floats = NDArray[np.float64]

ROUNDED = 1e-3
"""Patterns closer than this in total variation count as the same up to rounding."""
ROUNDED_MOVE = 1e-5
"""The same for moves, relative to the largest entry moved."""
SLACK = 1e-11


@dataclass(frozen=True, slots=True)
class Sameness:
    """``temperature``: the factor between the two scores, as text; ``distance`` bounds the total variation between the
    patterns (for moves: the largest difference, relative to the largest entry); 0 where it is exact."""

    kind: Literal["exact", "rounded", "different"]
    temperature: str = "1"
    distance: float = 0.0
    factor: float | None = None

    def __bool__(self) -> bool:
        return self.kind != "different"


DIFFERENT = Sameness("different", "1", 1.0)


def same_pattern(scene: Scene, answer: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None = None) -> Sameness:
    """Do the QK circuits ``answer`` and ``ours`` (d_model, d_model) give the same attention, up to one factor > 0?

    ``values`` None: for all values of the symbols (those declared positive should be positive in any case).  With
    values, symbols are replaced, and rounding is allowed for: the answer is then "rounded" at best."""
    if values is not None:
        return _nearly_same(scene, answer, ours, values)
    answer, ours = _over_one_base(answer, ours)
    if _plainly_different(scene, answer, ours):
        return DIFFERENT
    tau = factor_between(_conditions(scene, answer, ours))
    return DIFFERENT if tau is None else Sameness("exact", tau.text, 0.0, tau.value)


def _over_one_base(*circuits: Matrix) -> list[Matrix]:
    """Two heads with shares may write the same logarithm in different ways (``exact.logarithms``)."""
    common = refinement(entry for circuit in circuits for entry in circuit.entries.values())
    return [circuit.substitute(common) if common else circuit for circuit in circuits]


def _plainly_different(scene: Scene, answer: Matrix, ours: Matrix) -> bool:
    """Not proportional at some values of the symbols, in floats and by far: then not for all values either.

    Spares wrong answers the exact work; what passes is decided exactly."""
    names = answer.symbols() | ours.symbols() | scene.vectors.symbols() | scene.our_vectors.symbols()
    values = {name: Fraction(3 + 2 * i, 5 + i) for i, name in enumerate(sorted(names))}
    a, b, tau = _fitted(scene, answer, ours, values)
    left = float(np.abs(a - tau * b).max(initial=0.0))
    return left > 1e-6 * float(max(np.abs(a).max(initial=0.0), np.abs(tau * b).max(initial=0.0)))


def same_family(scene: Scene, answer: Matrix, terms: Sequence[tuple[Matrix, Scalar]], free: frozenset[str]) -> Sameness:
    """Is ``answer`` a sum of the ``terms`` (circuit, our strength), each with a strength > 0 of its own?

    Only where every strength of ours that contains a symbol of ``free`` still contains one: a family, not one of its
    members, for a member may be too soft or too sharp.  Exact; decided only where the strengths can be read off one
    after the other (some condition sees one term alone, and so on)."""
    strengths = split_among(_all_conditions(scene, _over_one_base(answer, *(circuit for circuit, _ in terms))))
    if strengths is None:
        return DIFFERENT
    for found, (_, ours) in zip(strengths, terms, strict=True):
        if ours.symbols() & free and not found.symbols() & free:
            return DIFFERENT
    return Sameness("exact", "1", 0.0, None)


def _nearly_same(scene: Scene, answer: Matrix, ours: Matrix, values: Mapping[str, Fraction]) -> Sameness:
    """tau by least squares, and tanh(osc/4) for what is left, at the temperature of ``ours``.

    In float64: SLACK of the largest score is added to osc, far more than the sums can be off."""
    a, b, tau = _fitted(scene, answer, ours, values)
    if tau <= 0 or not math.isfinite(tau):
        return DIFFERENT
    osc = 2 * float(np.abs(a / tau - b).max(initial=0.0)) + SLACK * float(np.abs(b).max(initial=0.0))
    distance = math.tanh(osc / 4)
    kind: Literal["rounded", "different"] = "rounded" if distance <= ROUNDED else "different"
    return Sameness(kind, f"{tau:.6g}", distance, tau)


def _fitted(scene: Scene, answer: Matrix, ours: Matrix, values: Mapping[str, Fraction]) -> tuple[Floats, Floats, float]:
    """The differences a of ``answer`` and b of ``ours``, and the tau for which a = tau b by least squares."""
    a = _differences(scene, scene.vectors, answer, values)
    b = _differences(scene, scene.our_vectors, ours, values)
    square = float(b @ b)
    return a, b, float(a @ b) / square if square else 0.0


def _differences(scene: Scene, vectors: Matrix, circuit: Matrix, values: Mapping[str, Fraction]) -> Floats:
    """x_q^T B (x_k - x_q) of every pair, as floats."""
    place = {feature: i for i, feature in enumerate(scene.features)}
    weights = np.zeros((len(scene.states), max(1, len(scene.features))))
    for i, state in enumerate(scene.states):
        for feature, weight in state:
            weights[i, place[feature]] = float(weight)
    x = _dense(vectors, values)
    form = x.T @ _dense(circuit, values) @ x
    q, k = np.array(scene.pairs).reshape(-1, 2).T
    read = weights @ form
    differences: Floats = np.einsum("pf,pf->p", read[q], weights[k] - weights[q])
    return differences


def _dense(matrix: Matrix, values: Mapping[str, Fraction]) -> Floats:
    out = np.zeros(matrix.shape)
    for place, entry in matrix.entries.items():
        out[place] = entry.to_float(values)
    return out


def same_move(scene: Scene, answer: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None = None) -> Sameness:
    """Do the OV circuits ``answer`` and ``ours`` (d_model, d_model) move the same from every key that there can be?"""
    left = _on_states(scene, answer @ scene.vectors - ours @ scene.our_vectors)
    if not any(left):
        return Sameness("exact", "1", 0.0, 1.0)
    if values is None:
        return DIFFERENT
    largest = max((abs(entry.to_float(values)) for entry in _on_states(scene, ours @ scene.our_vectors)), default=0.0)
    distance = max(abs(entry.to_float(values)) for entry in left) / (largest or 1.0)
    return Sameness("rounded" if distance <= ROUNDED_MOVE else "different", "1", distance, 1.0)


def _on_states(scene: Scene, moved: Matrix) -> list[Scalar]:
    """Entries of what is moved, state by state; each different one once."""
    place = {feature: i for i, feature in enumerate(scene.features)}
    found: dict[Scalar, None] = {}
    seen: set[tuple[tuple[tuple[int, Scalar], ...], ...]] = set()
    columns = {j: tuple(sorted(c.items(), key=_first)) for j, c in moved.by_column.items()}
    for state in scene.states:
        parts = [(columns.get(place[feature], ()), weight) for feature, weight in state]
        key = tuple(part for part, _ in parts if part)
        if not key or (key in seen and all(weight == 1 for _, weight in parts)):
            continue
        seen.add(key)
        total: dict[int, Scalar] = {}
        for part, weight in parts:
            for row, entry in part:
                total[row] = total.get(row, Scalar.rational(0)) + entry * weight
        found |= dict.fromkeys(total.values())
    return list(found)


def _first(item: tuple[int, Scalar]) -> int:
    return item[0]


def _conditions(scene: Scene, answer: Matrix, ours: Matrix) -> Conditions:
    """The distinct (a_j, b_j) that are not (0, 0)."""
    return [(a, b) for a, b in _all_conditions(scene, [answer, ours])]


def _all_conditions(scene: Scene, circuits: Sequence[Matrix]) -> list[tuple[Scalar, ...]]:
    """The distinct tuples of x_q^T B (x_k - x_q), one entry per circuit B, that are not all zero.

    The first circuit is the answer's and reads its own stream, the others read ours."""
    streams = [scene.vectors, *([scene.our_vectors] * (len(circuits) - 1))]
    forms = [x.T @ circuit @ x for x, circuit in zip(streams, circuits, strict=True)]
    kinds: dict[tuple[Scalar, ...], int] = {}
    entry_kind = {
        place: kinds.setdefault(tuple(form[place] for form in forms), len(kinds))
        for place in {place for form in forms for place in form.entries}
    }
    values = list(kinds)
    found: dict[tuple[Scalar, ...], None] = {}
    for combination in _combinations(scene, entry_kind):
        condition = tuple(
            Scalar.sum(values[kind][i] * weight for kind, weight in combination) for i in range(len(forms))
        )
        if any(condition):
            found[condition] = None
    return list(found)


Combination = tuple[tuple[int, Fraction], ...]
Part = tuple[tuple[int, Fraction], ...]
"""The features of a state that some entry of a circuit reads, and their weights."""


def _combinations(scene: Scene, entry_kind: Mapping[tuple[int, int], int]) -> set[Combination]:
    """x_q^T B (x_k - x_q) as combinations of kinds of entries; each different one once.

    Pairs that no entry can tell apart are looked at once."""
    queries = _parts(scene, {i for i, _ in entry_kind})
    keys = _parts(scene, {j for _, j in entry_kind})
    scores: dict[tuple[Part, Part], dict[int, Fraction]] = {}

    def score(query: Part, key: Part) -> dict[int, Fraction]:
        if (query, key) not in scores:
            scores[query, key] = _score(query, key, entry_kind)
        return scores[query, key]

    found: set[Combination] = set()
    for query, key, own in {(queries[q], keys[k], keys[q]) for q, k in scene.pairs}:
        if key is not own and query:
            total = dict(score(query, key))
            for kind, weight in score(query, own).items():
                total[kind] = total.get(kind, 0) - weight
            found.add(tuple(sorted((kind, weight) for kind, weight in total.items() if weight)))
    found.discard(())
    return found


def _parts(scene: Scene, read: set[int]) -> list[Part]:
    """Per state what is read of it; equal parts are one object."""
    place = {feature: i for i, feature in enumerate(scene.features)}
    one: dict[Part, Part] = {}
    parts = []
    for state in scene.states:
        part = tuple((place[f], _plain(weight)) for f, weight in state if place[f] in read)
        parts.append(one.setdefault(part, part))
    return parts


def _plain(weight: Fraction) -> Fraction:
    """Whole numbers as int, which is much faster to count with."""
    return weight.numerator if weight.denominator == 1 else weight  # type: ignore[return-value]


def _score(query: Part, key: Part, entry_kind: Mapping[tuple[int, int], int]) -> dict[int, Fraction]:
    """x_q^T B x_k by kinds of entries."""
    total: dict[int, Fraction] = {}
    for i, w in query:
        for j, v in key:
            kind = entry_kind.get((i, j))
            if kind is not None:
                total[kind] = total.get(kind, 0) + w * v
    return total
