"""What rounding moves computed values by, from line to line: what is expected, and what is proved of any order of sums.

In: facts about a program whose strengths are solved.  Out: a ``LineRounding`` for every line of neurons; SpecError
E0524 where a value may be lost.  Not for: what leaks move (``computed``), or one line by itself (``mlp.activations``).

*Proved.*  Any sum of n products, in any order, with or without fused multiply-add, is off by at most
gamma_n sum |w_i x_i|, gamma_n = n v/(1 - n v), v the roundoff of the sum (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, sections 3.1 and 4.2); products with a weight or a neuron that is 0 add nothing, exactly.  So with u
the roundoff of the float type, and v that of float32 or better, a line whose neurons a_j = relu(z_j) have weights v_j
is off by

    sum |v_j| (gamma_n sum |w_ij x_i| + u |z_j|)  +  v sum |v_j a_j| + (m + 1) v P/(1 - (m + 2) v)  +  u |y|

for n numbers before a neuron and m neurons awake behind it, the bias and what stands in the stream: relu is
1-Lipschitz, and each of the m + 1 additions is off by half a unit in the last place of a partial sum, which is at most
P, the greater of what is added and what is taken off, rounded down to a power of two (Higham, section 2.1).  Weights
that no float is add u to each side.  Where everything is a multiple of one power of two that the
float type holds, and nothing blurs what is read, no sum rounds.

*Expected.*  Roundings of many numbers do not all go the same way: 2 u sum |v_j a_j|, as if each neuron, and their sum,
rounded once; what m neurons pass on to later lines is 4/sqrt(m) of that (Higham and Mary, A New Approach to
Probabilistic Rounding Error Analysis, 2019: sqrt(n) u in place of n u).  A line is refused by what it does itself;
beyond the proved bound it is only expected to hold, and a report says so.

*Carried.*  A line moves its result by ``gains`` for each unit of its inputs, a head by no more than the keys it looks
at are off: so each line passes on what it is off by, and what it makes of what its inputs are off by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits.features import scalar
from compiler.encodings import OneHot, Quadratic, ScalarValue
from compiler.heads import Copy, Head
from compiler.mlp.activations import rounding
from compiler.mlp.figures import Figures, is_power_of_two
from compiler.mlp.lines import Line
from compiler.mlp.phases import SIGNIFICAND
from compiler.sharpness.facts import SHARE_ROUNDINGS, spread_of
from compiler.sharpness.integers import Integers
from dsl.diagnostics import Diagnostic, SpecError

ALLOWED = Fraction(1, 4)
"""Of the step between values: what rounding may move a computed entry by; leaks may by as much."""

HALF = Fraction(1, 2)

DEVIATIONS = 4
"""Standard deviations of a sum of roundings that go their own ways: what later lines are expected to see."""

SUMMED = 24
"""Bits of the sums of a matrix product: those of float32, or more, also where the numbers have fewer."""

SUMS, ABREAST = 20, 4
"""Roundings of both sums of a head with shares that count as leaks: 20 + n/4 of n keys (``shares``)."""

WEIGHTS = 2
"""W_V and W_O, each rounded once."""


@dataclass(frozen=True, slots=True)
class LineRounding:
    """How far an entry of the target may be off, in steps between its values: ``expected``, and ``proved`` for any
    order of summation (None: nothing is), of which ``carried`` is passed on from before; ``leaked``: by what heads
    leak."""

    line: Line
    expected: Fraction
    proved: Fraction | None
    carried: Fraction | None
    leaked: Fraction

    @property
    def certified(self) -> bool:
        """Is no value lost, in whatever order floats are added?"""
        return self.proved is not None and self.proved + self.leaked < HALF

    def __str__(self) -> str:
        target = self.line.compute.target
        if self.proved is None:
            return f"{target}: no bound on its rounding is proved"
        if self.certified:
            return f"{target}: rounding moves it by at most {float(self.proved):.2g} of a step (proved for any order)"
        if self.expected >= HALF:
            return f"{target}: earlier lines may pass on roundings that change it; only verification says if they do"
        return (
            f"{target}: rounding is expected to move it by {float(self.expected):.2g} of a step; not proved, as sums "
            f"in the worst order could by {float(self.proved):.2g}"
        )


def gamma(count: int, roundoff: Fraction) -> Fraction:
    """n u/(1 - n u): what n roundings may change a number by, relative to it.  Raises OverflowError where n u >= 1."""
    if count * roundoff >= 1:
        raise OverflowError(count)
    return count * roundoff / (1 - count * roundoff)


def sum_error(terms: int, size: Fraction, roundoff: Fraction) -> Fraction:
    """The most that a sum of ``terms`` products is off by, in any order; ``size``: the sum of their absolute values."""
    return gamma(terms, roundoff) * size


def judge_roundings(reader: Integers, leaks: Mapping[str, float]) -> tuple[LineRounding, ...]:
    """Of every line of numbers.  ``leaks``: how much of its attention each solved head may leak.  Raises SpecError
    E0524 where rounding in a line itself is expected to move a value by more than a quarter of a step."""
    expected, proved = Roundings(reader, leaks, proved=False), Roundings(reader, leaks, proved=True)
    found = tuple(
        LineRounding(
            line, expected.of(line) or Fraction(0), proved.of(line), proved.carried(line), expected.leaked(line)
        )
        for line in reader.lines
        if line.figures is not None
    )
    troubles = [
        _too_coarse(reader, line, own) for line in reader.lines if (own := expected.own(line)) is None or own > ALLOWED
    ]
    if troubles:
        raise SpecError(troubles)
    return found


class Roundings:
    """Either bound, followed from the embedding to every line.  None where there is none."""

    def __init__(self, reader: Integers, leaks: Mapping[str, float], *, proved: bool) -> None:
        self.reader, self.leaks, self.proved = reader, leaks, proved
        program = reader.program
        self.roundoff = Fraction(1, 2 ** SIGNIFICAND[program.dtype])
        self.summed = Fraction(1, 2 ** max(SUMMED, SIGNIFICAND[program.dtype]))
        self.plain = program.basis.kind == "axis" and program.activation in ("relu", "reglu")
        self._shares: dict[tuple[str, float], Fraction | None] = {}

    # -------------------------------------------------------------- lines

    def of(self, line: Line) -> Fraction | None:
        """How far an entry of the target may be off."""
        own, carried = self.own(line), self.carried(line)
        return None if own is None or carried is None else own + carried

    def _passed_on(self, line: Line) -> Fraction | None:
        """What later lines see of it."""
        own = self.own(line)
        if self.proved or line.figures is None or own is None:
            return self.of(line)
        alike = 2 * self.roundoff * Fraction(line.figures.total) / math.isqrt(max(1, line.figures.awake))
        return min(own, DEVIATIONS * alike) + (self.carried(line) or Fraction(0))

    def carried(self, line: Line) -> Fraction | None:
        """What the line makes of what its inputs are off by."""
        total = Fraction(0)
        for source, gain in line.gains.items():
            share = self.share(source, line.compute.layer + 0.5)
            if share is None:
                return None
            total += Fraction(gain) * share
        return total

    def leaked(self, line: Line) -> Fraction:
        """What the line makes of what heads leak."""
        noises = {source: self.reader.noise(source, line.compute.layer) for source in line.gains}
        return sum((Fraction(gain) * Fraction(noises[source]) for source, gain in line.gains.items()), Fraction(0))

    def own(self, line: Line) -> Fraction | None:
        """What rounds in the line itself."""
        figures = line.figures
        if figures is None:
            return None if self.proved else Fraction(0)
        if not self._is_blurred(line):
            alone = rounding(self.reader.program.dtype, figures)
            if not alone or not self.proved:
                return Fraction(alone) if math.isfinite(alone) else None
        elif not self.proved:
            return 2 * self.roundoff * Fraction(figures.total)
        return self._in_any_order(line, figures) if self.plain else None

    def _is_blurred(self, line: Line) -> bool:
        """Does the line read what is only nearly whole?  (What leaks blur is not expected to round.)"""
        layer = line.compute.layer
        if not self.proved:
            heads = (h for h in self.reader.program.heads if h.has_shares and h.layer <= layer)
            return any(self.reader.shares(head).keys() & line.gains.keys() for head in heads)
        return any(self.reader.noise(source, layer) or self.share(source, layer + 0.5) != 0 for source in line.gains)

    def _in_any_order(self, line: Line, figures: Figures) -> Fraction | None:
        """The proved bound at the head of this file."""
        low, high = self.reader.values_range(self.reader.subspaces[line.compute.target])
        try:
            both = self._before(figures) + self._behind(figures)
        except OverflowError:
            return None
        return both + self.roundoff * Fraction(max(abs(low), abs(high), 1.0))

    def _before(self, figures: Figures) -> Fraction:
        """What the neurons are off by, each times its weight."""
        total, felt = Fraction(figures.total) * figures.factor, Fraction(figures.felt) * figures.factor
        weights = Fraction(0) if self._holds(figures.grain, figures.reach) else self.roundoff
        sums = Fraction(0)
        if weights or not figures.single:
            sums = sum_error(figures.terms, felt, self.summed) + weights * felt
        before = sums + self.roundoff * total
        # gated: the other factor rounds as well, and so does the product
        return before if figures.factor == 1 else 2 * before + self.roundoff * total

    def _behind(self, figures: Figures) -> Fraction:
        """What their products with the weights and the sum of these are off by."""
        total = Fraction(figures.total) * figures.factor
        weights = Fraction(0) if self._holds(figures.out_grain, Fraction(figures.written)) else self.roundoff
        return (self.summed + weights) * total + self._additions(figures, gamma(figures.awake + 2, self.summed))

    def _additions(self, figures: Figures, relative: Fraction) -> Fraction:
        """What the additions behind the neurons are off by; ``relative``: what their partial sums may be."""
        largest = Fraction(figures.partial) * figures.factor * (1 + relative)
        if not largest:
            return Fraction(0)
        unit = Fraction(2) ** (math.frexp(float(largest) * (1 + 2.0**-50))[1] - 1)
        return (figures.awake + 1) * self.summed * unit * (1 + relative)

    def _holds(self, grain: Fraction, most: Fraction) -> bool:
        """Are multiples of ``grain`` up to ``most`` numbers of the float type?"""
        dyadic = grain > 0 and is_power_of_two(grain.denominator)
        return dyadic and most * self.roundoff <= grain

    # -------------------------------------------------------------- subspaces

    def share(self, name: str, before: float) -> Fraction | None:
        """How far an entry of a subspace may be off, as a share of how far its values lie apart, by all that heads and
        lines wrote before a layer (``layer + 0.5``: before its neurons)."""
        key = (name, before)
        if key not in self._shares:
            self._shares[key] = self._sum(name, before)
        return self._shares[key]

    def _sum(self, name: str, before: float) -> Fraction | None:
        reader, unit = self.reader, Fraction(self.reader.unit(self.reader.subspaces[name]))
        parts: list[Fraction | None] = [self._embedded(name)]
        for line in reader.lines:
            if line.compute.target == name and line.compute.layer + 0.5 < before:
                moved = self._passed_on(line)
                parts.append(None if moved is None else moved / unit)
        for head, copy in reader.copies_into(name, before):
            brought = self.share(copy.source, head.layer)
            parts.append(None if brought is None else Fraction(reader.carried(copy)) * brought + self._mean(head, copy))
        known = [part for part in parts if part is not None]
        return sum(known, Fraction(0)) if len(known) == len(parts) else None

    def _embedded(self, name: str) -> Fraction:
        encoding = self.reader.subspaces[name].encoding
        if name not in self.reader.embeds or isinstance(encoding, OneHot):
            return Fraction(0)
        if isinstance(encoding, ScalarValue | Quadratic):
            most = max(abs(encoding.low), abs(encoding.high)) ** (2 if isinstance(encoding, Quadratic) else 1)
            return (
                Fraction(0)
                if most * self.roundoff <= 1
                else self.roundoff * most / Fraction(spread_of(self.reader.subspaces[name]))
            )
        return self.roundoff if self.proved else Fraction(0)

    def _mean(self, head: Head, copy: Copy) -> Fraction:
        """What rounds in a mean over the keys, as a share: the sum that softmax divides by, and that of the values.

        (What is expected of it is counted as a leak; of heads with shares also what is proved of their scores.)"""
        if not self.proved or self._copies_exactly(head, copy):
            return Fraction(0)
        longest = self.reader.program.sequences.longest
        counted = SUMS + longest // ABREAST if head.has_shares else 0
        sums = gamma(max(1, 2 * longest + SHARE_ROUNDINGS - counted), self.summed)
        relative = (WEIGHTS + 1) * self.roundoff + sums
        factor, target = abs(Fraction(self.reader.number(copy.coefficient))), self.reader.subspaces[copy.target]
        if isinstance(target.encoding, ScalarValue | Quadratic):
            ends = self.reader.values_range(self.reader.subspaces[copy.source], head.layer)
            images = [abs(image) for _, image in copy.table or () if isinstance(image, int)]
            most = max(images, default=0) if copy.table is not None else max(abs(end + copy.shift) for end in ends)
            factor = factor * Fraction(most) / Fraction(spread_of(target))
        return relative * factor

    def _copies_exactly(self, head: Head, copy: Copy) -> bool:
        """One key has all of the attention, to the bit, and the factor is a float."""
        coefficient = scalar(copy.coefficient)
        if self.leaks.get(head.name, 1.0) or not self.reader.looks_at_one(head) or not coefficient.is_rational():
            return False
        factor = abs(coefficient.as_fraction())
        return is_power_of_two(factor.denominator) and factor.numerator * self.roundoff <= 1


def _too_coarse(reader: Integers, line: Line, own: Fraction | None) -> Diagnostic:
    dtype, figures = reader.program.dtype, line.figures
    given = 0.0 if figures is None else figures.total
    return Diagnostic(
        "E0524",
        f"rounding in {dtype} may move `{line.compute.target}` by {math.inf if own is None else float(own):.3g}",
        line.compute.span,
        "what it reads is nearly whole, and not quite: sums that shares of the attention make, or codes",
        help=("" if dtype == "float64" else "a wider float type (`dtype float64`), or ") + "smaller ranges",
        figures=(f"the neurons of this line give up to {given:.3g} together",),
    )
