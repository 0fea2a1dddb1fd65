"""The shape that two tokens give an activation: points for all pairs of them, and whether these are a Minkowski sum.

In: a model, a site, a position, two positions whose tokens vary.  Out: ``Points``.  Not for: spectra of embeddings
(``headspec.spectra``).

x_ij, the activation with token i at the first and j at the second position, is split as in a two-way analysis of
variance, x_ij = m + A_i + B_j + e_ij, with A and B the means over the other index.  Where e = 0 the points are the
Minkowski sum of the shapes A and B: a copy of one at every corner of the other.  A head that looks at both positions
with fixed weights makes one, alpha A + (1 - alpha) B (Bai et al. 2025, arXiv 2510.00184).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compiler.limits import check_size
from compiler.spelled import spelled_number
from dsl.diagnostics import Diagnostic, SpecError
from headspec.ablation.intervening import find_subject
from headspec.analyses.sites import activations, find_sites
from headspec.analyses.texts import choices, read_text, sample_texts
from headspec.scope import Places
from headspec.spectra.transforms import coefficients, embedding_spectrum
from headspec.verification.sampling import Tokens

if TYPE_CHECKING:
    from headspec.model import Model

Floats = NDArray[np.float64]

MOST_PAIRS = 1 << 14
COMPONENTS = 3
SLIGHT = 1e-6
SHOWN = 0.02  # a frequency with less of the variance is not drawn
FLOOR = 1e-8
"""Variance below this part of the mean square is rounding, and what attention leaks."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A position that varies, and the tokens that stand there."""

    name: str
    place: int
    tokens: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plane:
    """The points (p, q, 2) seen along two directions, which ``across`` and ``up`` name."""

    across: str
    up: str
    coordinates: Floats

    def to_json(self) -> dict[str, object]:
        return {"across": self.across, "up": self.up, "coordinates": self.coordinates.tolist()}


@dataclass(frozen=True, eq=False)
class Points:
    """``coordinates`` (p, q, 3): the points along their principal components, which hold ``variance`` (3,) of their
    variance.  ``shares``: what A, B and e hold of it; ``radii``: the root mean squares of A and of B.  ``spectra``: of
    A and of B, by frequency k = 0 .. p // 2, the part of its variance, where its tokens are consecutive numbers.
    ``planes`` are what is drawn: where A goes round few circles, the plane of each (principal components of equal size
    are any directions among them), else principal components."""

    model: str
    device: str
    dtype: str
    site: str
    at: str
    text: tuple[str, ...]
    axes: tuple[Axis, Axis]
    coordinates: Floats
    variance: Floats
    shares: tuple[float, float, float]
    radii: tuple[float, float]
    spectra: tuple[tuple[float, ...] | None, tuple[float, ...] | None]
    planes: tuple[Plane, ...]

    @property
    def additive(self) -> float:
        """The part of the variance that a Minkowski sum of two shapes explains."""
        return self.shares[0] + self.shares[1]

    def to_json(self) -> dict[str, object]:
        return {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "site": self.site,
            "at": self.at,
            "text": list(self.text),
            "axes": [{"name": a.name, "position": a.place, "tokens": list(a.tokens)} for a in self.axes],
            "coordinates": self.coordinates.tolist(),
            "variance": self.variance.tolist(),
            "shares": list(self.shares),
            "additive": self.additive,
            "radii": list(self.radii),
            "spectra": [None if s is None else list(s) for s in self.spectra],
            "planes": [plane.to_json() for plane in self.planes],
        }

    def __str__(self) -> str:
        from headspec.analyses.report import render_points

        return render_points(self)


def points(
    model: Any,
    site: str,
    at: str | int,
    vary: tuple[str | int, str | int],
    text: str | None = None,
    *,
    seed: int = 0,
    spec: Model | str | Path | None = None,
    device: str = "auto",
    dtype: str | None = None,
) -> Points:
    """The activation ``site`` at position ``at`` for all pairs of tokens at the positions ``vary``.

    Positions are numbers or names of slots; all other tokens are those of ``text``, or of a random valid input.  Raises
    SpecError: E0320 for more than 16,384 pairs, E0641 for a site, E0680 for positions that there are not, that cannot
    vary or are not seen, and where nothing comes of it."""
    subject = find_subject(model, spec, dtype, device)
    program, places = subject.program, Places.of(subject.program, subject.settings)
    base = sample_texts(program, 1, seed)[:1] if text is None else read_text(program, text)
    where = places.find(str(at))
    first, second = _axes(program, places, vary, where)
    if where >= base.shape[1]:
        raise SpecError(Diagnostic("E0680", f"the text has {base.shape[1]} tokens, and no position {where}"))
    p, q = len(first.tokens), len(second.tokens)
    check_size(p * q, MOST_PAIRS, "pairs of tokens", None, "vary other positions")
    found = find_sites(subject, site)[0]
    texts = _pairs(program.tokens, base, first, second)
    x = activations(subject, texts, [found], [where])[found.text][:, 0].reshape(p, q, -1)
    split = split_sum(x)
    if split.total == 0:
        message = f"`{site}` at {places.names[where]} does not depend on {first.name} and {second.name}"
        raise SpecError(Diagnostic("E0680", message, help="vary what it looks at; `headspec run` draws that"))
    from backends.interventions import place_of

    coordinates, variance = principal(x)
    spectrum = _spectrum(first, split.first, split.shares[0])
    return Points(
        program.name,
        *place_of(subject.module),
        site,
        places.names[where],
        tuple(program.tokens[i] for i in base[0]),
        (first, second),
        coordinates,
        variance,
        split.shares,
        (_radius(split.first), _radius(split.second)),
        (spectrum, _spectrum(second, split.second, split.shares[1])),
        circles(x, split.first, spectrum) or components(coordinates),
    )


def _radius(shape: Floats) -> float:
    """The root mean square of the rows of ``shape`` (p, d)."""
    return float(np.sqrt((shape**2).sum(1).mean()))


def _axes(program: Any, places: Places, vary: Sequence[str | int], where: int) -> tuple[Axis, Axis]:
    axes = [_axis(program, places, str(word), where) for word in vary]
    if len(axes) != 2 or axes[0].place == axes[1].place:
        raise SpecError(Diagnostic("E0680", "two different positions are to vary", help="for example a[0],b[0]"))
    return axes[0], axes[1]


def _axis(program: Any, places: Places, word: str, where: int) -> Axis:
    place = places.find(word)
    tokens = tuple(program.tokens[i] for i in choices(program, place))
    if place > where or len(tokens) < 2:
        why = f"stands behind {places.names[where]}" if place > where else "always holds the same token"
        raise SpecError(Diagnostic("E0680", f"`{word}` {why}", help="vary a position that is seen and free"))
    return Axis(places.names[place], place, tokens)


def _pairs(vocabulary: tuple[str, ...], base: Tokens, slow: Axis, fast: Axis) -> Tokens:
    """(p q, n): all pairs of their tokens."""
    first, second = ([vocabulary.index(token) for token in axis.tokens] for axis in (slow, fast))
    texts = np.repeat(base, len(first) * len(second), axis=0)
    texts[:, slow.place] = np.repeat(first, len(second))
    texts[:, fast.place] = np.tile(second, len(first))
    return texts


# ------------------------------------------------------------------ formulas


@dataclass(frozen=True, eq=False)
class Split:
    """first (p, d) and second (q, d): A and B; ``shares`` of A, B and e in ``total``, the variance of all points."""

    first: Floats
    second: Floats
    total: float
    shares: tuple[float, float, float]


def split_sum(x: Floats) -> Split:
    """x (p, q, d) = m + A_i + B_j + e_ij.  The three parts are orthogonal, so their variances add up."""
    mean = x.mean(axis=(0, 1))
    first, second = x.mean(axis=1) - mean, x.mean(axis=0) - mean
    rest = x - mean - first[:, None] - second
    total = float(((x - mean) ** 2).sum(axis=2).mean())
    parts = [float((part**2).sum(axis=-1).mean()) for part in (first, second, rest)]
    if total <= FLOOR * float((x**2).sum(axis=2).mean()):
        return Split(first, second, 0.0, (0.0, 0.0, 0.0))
    return Split(first, second, total, (parts[0] / total, parts[1] / total, parts[2] / total))


def principal(x: Floats) -> tuple[Floats, Floats]:
    """x (p, q, d) -> coordinates (p, q, 3) along its principal components, and (3,) their parts of the variance.

    Each axis points so that its largest entry is positive; where there are fewer dimensions, the rest is 0."""
    rows = x.reshape(-1, x.shape[2])
    rows = rows - rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    directions = directions[:COMPONENTS]
    flip = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    found = np.zeros((len(rows), COMPONENTS))
    found[:, : len(directions)] = rows @ (directions * flip[:, None]).T
    shares = np.zeros(COMPONENTS)
    shares[: len(directions)] = sizes[:COMPONENTS] ** 2 / float((sizes**2).sum())
    return found.reshape(*x.shape[:2], COMPONENTS), shares


def components(coordinates: Floats) -> tuple[Plane, ...]:
    """(p, q, 3) -> the three planes of principal components."""
    pairs = ((0, 1), (1, 2), (0, 2))
    return tuple(Plane(f"PC{i + 1}", f"PC{j + 1}", coordinates[..., [i, j]]) for i, j in pairs)


def circles(x: Floats, first: Floats, spectrum: tuple[float, ...] | None) -> tuple[Plane, ...]:
    """x (p, q, d) in the plane of each frequency of ``first`` (p, d), if at most three hold nearly all of it.

    The directions of frequency k are sum_t cos(2 pi k t/p) A_t and sum_t sin(2 pi k t/p) A_t; p/2 turns are a sign,
    with one direction, and are drawn against the first of the frequency before."""
    if spectrum is None:
        return ()
    found = sorted(k for k in range(1, len(spectrum)) if spectrum[k] > SHOWN)
    if not 1 < len(found) <= COMPONENTS or sum(spectrum[k] for k in found) < 1 - SHOWN:
        return ()
    parts, flat, planes = coefficients(first), x - x.mean(axis=(0, 1)), list[Plane]()
    for before, k in zip([found[0], *found], found, strict=False):
        sign = 2 * k == len(first)
        pair = (parts[0, k], parts[0, before]) if sign else (parts[0, k], parts[1, k])
        names = (f"cos {k}", f"cos {before}" if sign else f"sin {k}")
        planes.append(Plane(*names, flat @ _orthonormal(*pair).T))
    return tuple(planes)


def _orthonormal(first: Floats, second: Floats) -> Floats:
    """(2, d): the first direction, and what is left of the second; 0 where nothing is."""
    u = first / max(1e-30, float(np.linalg.norm(first)))
    rest = second - (second @ u) * u
    return np.stack([u, rest / max(1e-30, float(np.linalg.norm(rest)))])


def _spectrum(axis: Axis, shape: Floats, share: float) -> tuple[float, ...] | None:
    """By frequency, the part of the variance; None where tokens are no numbers in order, or hardly matter."""
    numbers = [spelled_number(token) for token in axis.tokens]
    if share < SLIGHT or len(numbers) < 3 or numbers != list(range(len(numbers))):
        return None
    return tuple(embedding_spectrum(shape).share.tolist())
