"""Sums and differences of phases: the phase product.

In: an expression over phases of equal frequencies, and a phase to write to.  Out: ``PhaseSum``: neurons, and what is
needed to bound how exact they are.  Not for: phases into anything else (no linear map shows their value).

With A, B the angles of the two numbers, psi = (A + B)/2 and D = (A - B)/2, the m neurons of a frequency are
relu(cos(A + phi) + cos(B + phi)) = relu(2 cos D cos(psi + phi)), phi = 2 pi k/m.  Read with
3 pi/(2 m) (cos 2 phi, -sin 2 phi) they give |cos D| (cos, sin)(A + B), and harmonics n with 2n = +-2 modulo m beside,
3/(4 n^2 - 1) of it each.  A shift turns what is written.  The neurons see no more than the sum of the two vectors,
which may stand in one place (``pairs``).  One number alone passes as relu(x) - relu(-x), exactly.

At the frequency pi every number is +1 or -1, and |a + b| - |a| = a b: four neurons, exactly; of their sum s alone
|s| - 1: two, and one for the constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from compiler.circuits.features import ONE, ZERO, Feature, nonzero, phase_angles, scalar
from compiler.computing import Arithmetic, Fixed, LookedUp, Negative, Read, ValueExpr
from compiler.encodings import Phase, Subspace, of_one_value
from compiler.exact import Angle, Scalar
from compiler.mlp.neurons import Neuron
from compiler.program import Activation, Dtype

COUNTS = (5, 7, 9, 11, 15, 21, 31)
"""Neurons for each frequency that are tried, fewest first (m odd; 3 fails)."""

BLOCK = 1 << 22

SIGNIFICAND: dict[Dtype, int] = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
"""Bits of a number, the leading one included."""

SUP: dict[Activation, float] = {"gelu": 0.17, "silu": 0.279}
"""The greatest |act(t) - relu(t)|."""

ACTIVATION_SCALE = 4096
"""The largest K of act(K z)/K, and the one for phases, whose neurons see any number."""

Floats = npt.NDArray[np.float64]


Source = tuple[Subspace, int]
"""A phase, or a pair of phases, and its sign in a sum."""

WHOLE = ("first", "second")
"""The two sides of a pair; together they are its sum."""


@dataclass(frozen=True)
class Summand:
    """sign (1 or -1) * subspace; of a pair one ``side``."""

    name: str
    sign: int
    side: str = ""


@dataclass(frozen=True)
class Angles:
    """A sum of ``summands``, plus ``shift``."""

    summands: tuple[Summand, ...]
    shift: int

    @property
    def sources(self) -> tuple[tuple[str, int], ...] | None:
        """(subspace, sign) of every phase and every pair; None where one side of a pair stands without the other."""
        sides = [one for one in self.summands if one.side]
        found = [(one.name, one.sign) for one in self.summands if one.side != WHOLE[1]]
        for name, sign in dict.fromkeys((one.name, one.sign) for one in sides):
            if sorted(one.side for one in sides if (one.name, one.sign) == (name, sign)) != list(WHOLE):
                return None
        return tuple(found)


@dataclass(frozen=True)
class PhaseProduct:
    """What a phase product does to a later comparison: gains |cos(alpha_j d/2)| for every difference d that can occur,
    ``aliasing``, the harmonics beside it as a share, ``blur``, what the activation may add to an entry; ``exact`` lists
    the frequencies j whose gain is 1, without harmonics."""

    differences: tuple[int, int]
    aliasing: float
    blur: float = 0.0
    exact: tuple[int, ...] = ()

    def margins(self, frequencies: Floats, weights: Floats, reach: int) -> Floats:
        """For offsets 0..reach the least over all gains of
        sum_j w_j g_j ((1 - cos alpha_j d) - aliasing * 2 |sin(alpha_j d/2)|)."""
        offsets = np.arange(reach + 1, dtype=np.float64)
        half = np.abs(np.sin(np.outer(offsets, frequencies / 2)))
        wanted = weights * (2 * half * half - 2 * self._beside(len(frequencies)) * half)
        least = np.full(reach + 1, np.inf)
        for gains in self._gains(frequencies, reach):
            least = np.minimum(least, (wanted @ gains.T).min(axis=1))
        found: Floats = least - 4 * self.blur * float(weights.sum())
        found[0] = 0.0
        return found

    def highest(self, frequencies: Floats, weights: Floats, reach: int) -> float:
        """The greatest score of an offset that is not 0."""
        offsets = np.arange(1, reach + 1, dtype=np.float64)
        shown = weights * (np.cos(np.outer(offsets, frequencies)) + self._beside(len(frequencies)))
        return max(float((shown @ gains.T).max()) for gains in self._gains(frequencies, reach)) + 2 * self.blur

    def _gains(self, frequencies: Floats, reach: int) -> Iterator[Floats]:
        """|cos(alpha_j d/2)| by difference and frequency, in blocks."""
        low, high = self.differences
        rows = max(1, BLOCK // (reach + 1))
        for start in range(low, high + 1, rows):
            block = np.arange(start, min(start + rows, high + 1), dtype=np.float64)
            gains = np.abs(np.cos(np.outer(block, frequencies / 2)))
            gains[:, list(self.exact)] = 1.0
            yield gains

    def _beside(self, count: int) -> Floats:
        """The harmonics of each of ``count`` frequencies."""
        shares = np.full(count, self.aliasing)
        shares[list(self.exact)] = 0.0
        return shares

    def gains(self, frequencies: Floats, weights: Floats) -> tuple[float, float]:
        """The least and the greatest total weight, harmonics included."""
        low, high = self.differences
        gains = np.abs(np.cos(np.outer(np.arange(low, high + 1, dtype=np.float64), frequencies / 2)))
        gains[:, list(self.exact)] = 1.0
        totals = gains @ weights
        return float(totals.min()) * (1 - self.aliasing), float(totals.max()) * (1 + self.aliasing)


def blur_of(activation: Activation) -> float:
    """What act(K z)/K may add to an entry of a phase product: the weights of one entry add up to less than 3 pi/2."""
    return SUP.get(activation, 0.0) / ACTIVATION_SCALE * 3 * np.pi / 2


def aliasing(count: int) -> float:
    """sum of 3/(4 n^2 - 1) over n >= 2 with 2n = +-2 modulo ``count``; an upper bound."""
    last = 200_000
    n = np.arange(2, last, dtype=np.int64)
    hit = ((2 * n - 2) % count == 0) | ((2 * n + 2) % count == 0)
    return float((3 / (4.0 * n[hit] ** 2 - 1)).sum()) + 3 / (4 * last)


def angles_of(expression: ValueExpr) -> Angles | None:
    """The expression as a signed sum of subspaces, sides of pairs and an integer; None if it is anything else."""
    match expression:
        case Read(name):
            return Angles((Summand(name, 1),), 0)
        case LookedUp(("first" | "second") as side, _, Read(name)):
            return Angles((Summand(name, 1, side),), 0)
        case Fixed(int(value)):
            return Angles((), value)
        case Negative(operand):
            inner = angles_of(operand)
            return None if inner is None else _signed(inner, -1)
        case Arithmetic("+" | "-" as operator, left, right):
            one, other = angles_of(left), angles_of(right)
            if one is None or other is None:
                return None
            other = _signed(other, 1 if operator == "+" else -1)
            return Angles(one.summands + other.summands, one.shift + other.shift)
        case _:
            return None


def _signed(angles: Angles, sign: int) -> Angles:
    return Angles(tuple(replace(one, sign=sign * one.sign) for one in angles.summands), sign * angles.shift)


def passed_on(source: Subspace, sign: int, shift: int, target: Subspace) -> list[Neuron]:
    """(cos, sin)(alpha (sign v + shift)): every component as relu(x) - relu(-x)."""
    neurons: list[Neuron] = []
    for j, angle in enumerate(_angles(source)):
        size = _magnitude(target, j)
        for i in (0, 1):
            read = {source.coordinates[2 * j + i]: _magnitude(source, j).inverse()}
            turn = angle * shift
            # cos(x + k) = cos x cos k - sin x sin k; sin(x + k) = sin x cos k + cos x sin k, and sin(-v) = -sin v
            share = [Scalar.cos(turn), Scalar.sin(turn)] if i == 0 else [-Scalar.sin(turn), Scalar.cos(turn)]
            written = {target.coordinates[2 * j + r]: s * size * (1 if i == 0 else sign) for r, s in enumerate(share)}
            label = f"{target.name}: {source.components[2 * j + i]}"
            neurons += [Neuron(read, written, label), Neuron(_times(read, -1), _times(written, -1), label)]
    return neurons


def multiplied(sources: Sequence[Source], shift: int, target: Subspace, count: int) -> list[Neuron]:
    """``count`` neurons for every frequency; four where it is pi, or three.  ``sources``: two phases, or one pair."""
    neurons: list[Neuron] = []
    exact = halves(target)
    for j, angle in enumerate(_angles(target)):
        if j in exact:
            neurons += _signs(sources, shift, target, j)
            continue
        size = _magnitude(target, j) * Scalar.pi() * Fraction(3, 2 * count)
        for k in range(count):
            phi = Angle(turns=Fraction(k, count))
            read: Feature = {}
            for source, sign in sources:
                inverse = _magnitude(source, j).inverse()
                _add(read, source.coordinates[2 * j], Scalar.cos(phi) * inverse)
                _add(read, source.coordinates[2 * j + 1], Scalar.sin(phi) * inverse * -sign)
            out = phi * 2 + angle * -shift
            written = {
                target.coordinates[2 * j]: Scalar.cos(out) * size,
                target.coordinates[2 * j + 1]: Scalar.sin(out) * size * -1,
            }
            label = f"{target.name}: frequency {j}, turned {k}/{count}"
            neurons.append(Neuron(nonzero(read), nonzero(written), label))
    return neurons


def halves(subspace: Subspace) -> tuple[int, ...]:
    """The pairs that turn by exactly half a turn with each step: their sine is 0, and their cosine a sign."""
    half = Angle(turns=Fraction(1, 2))
    return tuple(j for j, angle in enumerate(_angles(subspace)) if angle in (half, -half))


def _signs(sources: Sequence[Source], shift: int, target: Subspace, j: int) -> list[Neuron]:
    """The product of two signs, a b = |a + b| - |a|, where |a| is 1 if a stands nowhere by itself."""
    read = [{s.coordinates[2 * j]: _magnitude(s, j).inverse()} for s, _ in sources]
    written = {target.coordinates[2 * j]: _magnitude(target, j) * (-1) ** (shift % 2)}
    label = f"{target.name}: frequency {j}, a sign"
    total: Feature = {}
    for coordinate, entry in [item for one in read for item in one.items()]:
        _add(total, coordinate, entry)
    both = [Neuron(_times(total, sign), written, label) for sign in (1, -1)]
    if len(read) == 1:
        return [*both, Neuron({}, _times(written, -1), label, constant=ONE)]
    return both + [Neuron(_times(read[0], sign), _times(written, -1), label) for sign in (1, -1)]


def phase_of(subspace: Subspace) -> Phase:
    """The phase that the subspace holds, one value or the sum of two."""
    encoding = of_one_value(subspace.encoding)
    assert isinstance(encoding, Phase)
    return encoding


def _angles(subspace: Subspace) -> tuple[Angle, ...]:
    return phase_angles(phase_of(subspace))


def _magnitude(subspace: Subspace, j: int) -> Scalar:
    return scalar(phase_of(subspace).magnitudes[j])


def _add(entries: Feature, place: int, amount: Scalar) -> None:
    entries[place] = entries.get(place, ZERO) + amount


def _times(entries: Feature, factor: int) -> Feature:
    return {i: entry * factor for i, entry in entries.items()}
