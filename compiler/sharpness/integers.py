"""Matching integers: the kernel of 2uv - v^2, and what floats leave of its margin.

In: a ``Program``, and what earlier heads leak.  Out: ``Kernel``, and how little an earlier head may leak.  Not for:
other encodings (``kernels``).

2uv - v^2 = u^2 - (u - v)^2, and softmax does not see u^2: the key v = u + d stays d^2 below the one that fits.  If u is
wrong by x, that becomes d^2 - 2xd.  Rounding moves a score by at most 7 r (2|u|v + v^2), r the unit roundoff: W_Q, the
query, the product and the sum, the root of d_head, and the difference that softmax takes.  That drowns the margin 1 as
soon as 42 r u^2 > 1 (u = 630 in float32).

It need not: where the strength is a power of two, sqrt(d_head) too, and u and v are integers that nothing blurs, every
step above is exact up to v^2 = 1/r (v = 4096 in float32), since its result is a whole number of units.  Nothing blurs
a copied integer where the softmax of all other keys is 0 in the float type: ``SATURATED`` below the one that fits.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from compiler.circuits.features import scalar
from compiler.encodings import OneHot, Quadratic, ScalarValue, Subspace
from compiler.heads import Equal, Head, Term, matches_number
from compiler.mlp.activations import rounding
from compiler.mlp.lines import Line
from compiler.program import Rotary
from compiler.sharpness.computed import Computed
from compiler.sharpness.profiles import Floats, Kernel, Profile

ROUNDINGS = 7
"""Roundings between exact integers and the score 2uv - v^2, relative to 2|u|v + v^2."""

TOLERATED = 1 / 8
"""The share of the margin 1 that rounding may take before the exact way is chosen, and that a blurred u may take."""

SPAN = 1 << 18
"""The farthest that two compared values may lie apart, after all shifts of copies."""


class Integers(Computed):
    """The kernels of quadratic keys, and of one-hot keys that a number looks for."""

    def by_squares(self, term: Term) -> bool:
        """Is this line's score -(u - v)^2, up to what the query settles?"""
        relation = term.relation
        quadratic = isinstance(relation, Equal) and isinstance(self.subspaces[relation.key].encoding, Quadratic)
        return quadratic or matches_number(term, self.subspaces)

    def quadratic(self, head: Head, term: Term) -> Kernel:
        """The kernel of a line ``key.KEY == query.QUERY + shift`` that is scored by squares."""
        relation = term.relation
        assert isinstance(relation, Equal)
        key, query = self.subspaces[relation.key], self.subspaces[relation.query]
        least, most = self._targets(head, relation)
        targets = np.arange(least, most + 1, dtype=np.float64)
        causal = self.positional(key) and self.positional(query)
        exact = self.is_exact(head, term) and self.noise(query.name) == 0
        low, high = self.values_range(query)
        noise = self.noise(query.name)
        found = self.squares(
            key, targets, min(1.0, noise) * (high - low), causal=causal, shift=relation.shift, exact=exact
        )
        if isinstance(query.encoding, ScalarValue | Quadratic) or not noise:
            return found
        lost = noise * max(abs(low), abs(high), len(targets)) ** 2  # what leaks may have no number, and scores 0
        return replace(found, fit_low=found.fit_low - lost, miss_high=found.miss_high + lost)

    def squares(
        self,
        key: Subspace,
        targets: Floats,
        deviation: float = 0.0,
        *,
        causal: bool = False,
        shift: int = 0,
        exact: bool = False,
    ) -> Kernel:
        """2uv - v^2 for targets u that are known within ``deviation``; 2uv - v^2 + 1 for one-hot keys, of which one
        that shows nothing is u^2 + 1 below what fits."""
        lifted = isinstance(key.encoding, OneHot)
        low, high = int(targets.min()), int(targets.max())
        key_low, key_high = (int(end) for end in self.values_range(key))
        most = max(abs(low), abs(high)) + lifted
        largest = max(most, abs(key_low), abs(key_high))
        reach = int(max(high - key_low, key_high - low, 1))
        margins, error = rounded_margins(most, largest, reach, self.roundoff, exact=exact)
        margins -= 2 * deviation * np.arange(reach + 1)
        blur = 4 * largest**2 * self.noise(key.name)
        full = self.always_full(key) and not lifted  # a one-hot may leave positions out
        found = None
        if isinstance(key.encoding, Quadratic) and full and reach <= SPAN:
            found = Profile(margins, targets, key.encoding.low, key.encoding.high, causal, shift)
        lowest = max(reach, most + 1) if lifted else reach
        bounds = (-blur, 0.0, -(float(lowest) ** 2) - blur, blur - float(margins[1:].min()))
        advice = _advice(self.program.dtype, self.roundoff, most)
        return Kernel(
            *bounds,
            error,
            unique=self.positional(key) if lifted else full,
            flat=key.name not in self.written,  # equal values are equal numbers
            profile=found,
            full_keys=full,
            full=full,
            doubled=exact,
            advice=advice,
        )

    def _targets(self, head: Head, relation: Equal) -> tuple[int, int]:
        """Between which integers u + shift lies where a key can fit (without ``rest`` nothing is claimed elsewhere)."""
        key, query = self.subspaces[relation.key], self.subspaces[relation.query]
        low, high = (int(end) + relation.shift for end in self.values_range(query))
        if head.rests or relation.key in self.written:
            return low, high
        least, most = (int(end) for end in self.values_range(key))
        low, high = max(low, least), min(high, most)
        return (low, high) if low <= high else (least, least)

    # ---------------------------------------------------------------- exact integers

    def is_exact(self, head: Head, term: Term) -> bool:
        """Is this line's score free of rounding, if no earlier head blurs it, and does it have to be?"""
        relation = term.relation
        assert isinstance(relation, Equal)
        most = max(abs(end) for end in self._targets(head, relation)) + matches_number(term, self.subspaces)
        if 6 * ROUNDINGS * self.roundoff * most**2 <= TOLERATED or most**2 * self.roundoff > 1:
            return False
        alone = len(head.terms) == 1 and term.when is None and not head.rests and head.prefer is None
        strength = None if term.strength is None else scalar(term.strength)
        doubled = strength is None or (strength.is_rational() and _is_power_of_two(strength.as_fraction()))
        keys = (self._is_whole(relation.key) and relation.key not in self.written) or self._is_hot(relation.key)
        whole = self._is_whole(relation.query) and keys
        return alone and doubled and whole and self.program.basis.kind == "axis" and self.root_is_exact()

    def root_is_exact(self) -> bool:
        """The common d_head is a power of four (as stated, or because nobody states one), so that the score is divided
        by a power of two."""
        if self.program.widens:
            return True
        widths = [head.d_head for head in self.program.heads]
        turned = self.program.positions.dims if isinstance(self.program.positions, Rotary) else 0
        largest = max(turned, *(width or 0 for width in widths), 1)
        return None not in widths and _is_power_of_two(Fraction(largest)) and math.isqrt(largest) ** 2 == largest

    def _is_whole(self, name: str, before: float = math.inf) -> bool:
        """Are only integers embedded, copied or computed into this number, or halves, quarters, eighths of them?"""
        if not isinstance(self.subspaces[name].encoding, ScalarValue | Quadratic):
            return False
        copies = self.copies_into(name, before)
        lines = [line for line in self.lines if line.compute.target == name and line.compute.layer < before]
        if not all(map(self._is_exact_line, lines)):
            return False
        if name in self.written and not self.copies_into(name) and not lines:
            return False
        factors = [scalar(c.coefficient) for _, c in copies]
        exact = all(f.is_rational() and f.as_fraction().denominator in (1, 2, 4, 8) for f in factors)
        alone = all(self.looks_at_one(h) for h, _ in copies)  # the third of a sum is rounded
        return exact and alone and all(self._is_whole(c.source, h.layer) for h, c in copies)

    def _is_exact_line(self, line: Line) -> bool:
        """Does the line only see integers, and is nothing rounded in it?"""
        if line.figures is None or self.program.activation not in ("relu", "reglu"):
            return False
        layer = line.compute.layer
        whole = all(self._is_hot(name) or self._is_whole(name, layer + 0.5) for name in line.gains)
        return whole and rounding(self.program.dtype, line.figures) == 0

    def _is_hot(self, name: str) -> bool:
        return isinstance(self.subspaces[name].encoding, OneHot) and name not in self.written

    # ---------------------------------------------------------------- what earlier heads may leak

    def matching_tolerance(self, head: Head) -> float:
        """The greatest leak of ``head`` that later matches of integers survive with most of their margin; 0: none."""
        least, reached = 1.0, self.shares(head)
        for later in (h for h in self.program.heads if h.layer > head.layer):
            for term in later.terms:
                if isinstance(term.relation, Equal) and term.relation.query in reached:
                    least = min(least, self._line_tolerance(later, term, reached[term.relation.query]))
        return least

    def _line_tolerance(self, head: Head, term: Term, share: float) -> float:
        """``share``: how much of a unit of leak reaches the query."""
        relation = term.relation
        assert isinstance(relation, Equal)
        query = self.subspaces[relation.query]
        if term.when is not None or not self.by_squares(term):
            return 1.0
        if self.is_exact(head, term):
            return 0.0
        if self.computed(query):
            feeding = sum(h.layer < head.layer and query.name in self.shares(h) for h in self.program.heads)
            return TOLERATED / (2 * max(1, feeding) * max(1.0, share * self.unit(query)))
        low, high = self.values_range(query)
        shares = sum(
            abs(self.number(c.coefficient)) for h in self.program.heads for c in h.copies if c.target == query.name
        )
        return TOLERATED / (2 * max(1.0, high - low) * max(1.0, shares))


def rounded_margins(most: int, largest: int, reach: int, roundoff: float, *, exact: bool) -> tuple[Floats, float]:
    """Per unit of strength: the margins m(d), d = 0..reach, that rounding leaves, and the error of the score that fits.

    ``most`` bounds the target, ``largest`` the keys too.  With v = u + d, 2uv + v^2 = 3u^2 + (4ud + d^2): the first
    part is the error of what fits, which counts twice, and the rest is charged to m(d)."""
    offsets = np.arange(reach + 1, dtype=np.float64)
    squares = offsets**2
    if not exact:
        return squares - ROUNDINGS * roundoff * (4 * most * offsets + squares), 3 * ROUNDINGS * roundoff * most**2
    keys = np.minimum(most + offsets, largest)
    lost = ROUNDINGS * roundoff * (2 * most * keys + keys**2)
    return squares - np.where(keys**2 * roundoff <= 1, 0.0, lost), 0.0


def _advice(dtype: str, roundoff: float, most: int) -> str:
    """What would do where rounding leaves no margin."""
    limit = math.isqrt(round(1 / roundoff))
    if most > limit:
        return f"integers up to {limit} at most in {dtype}; a wider float type, fewer positions, or phases"
    return (
        "let no step round: this line alone in its head, without a strength or with a power of two, and no `d_head` "
        f"but powers of four (4, 16, 64 ..): then integers up to {limit} are told apart exactly in {dtype}"
    )


def _is_power_of_two(value: Fraction) -> bool:
    top, bottom = value.numerator, value.denominator
    return top > 0 and (top & (top - 1)) == 0 and (bottom & (bottom - 1)) == 0
