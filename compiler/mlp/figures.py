"""How large and how fine the numbers of a line's neurons are.

In: finished neurons and their domain.  Out: ``Figures``.  Not for: what a float type makes of them (``activations``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from compiler.mlp.affine import Finished
from compiler.mlp.domains import Domain
from compiler.mlp.forms import Form
from compiler.mlp.vectors import Entry, number


@dataclass(frozen=True)
class Figures:
    """``grain``: everything that is summed before an activation is a multiple of it; ``reach``: the greatest such sum
    of absolute values.  ``written``: the greatest sum of absolute weights into one entry; ``total``: the same, each
    times the most that its neuron gives, and ``out_grain`` what all these are multiples of (0: not rational)."""

    grain: Fraction
    reach: Fraction
    written: float
    total: float
    out_grain: Fraction


def figures_of(found: Finished, domain: Domain) -> Figures:
    forms = [form for bend in found.bends for form in (bend.form, bend.factor) if form is not None]
    grain = _divisor([w for form in forms for w in (*(w for _, w in form.weights), form.constant)])
    reach = max((_reach(domain, form) for form in forms), default=Fraction(0))
    written: dict[int, float] = {}
    total: dict[int, float] = {}
    for bend in found.bends:
        most = float(_reach(domain, bend.form)) * (1.0 if bend.factor is None else float(_reach(domain, bend.factor)))
        for i, entry in bend.out.items():
            size = abs(number(entry))
            written[i] = written.get(i, 0.0) + size
            total[i] = total.get(i, 0.0) + size * most
    for i, entry in found.constant.items():
        total[i] = total.get(i, 0.0) + abs(number(entry))
    entries: list[Entry] = [entry for bend in found.bends for entry in bend.out.values()]
    rational = [entry for entry in entries if isinstance(entry, Fraction)]
    gated = any(bend.factor is not None for bend in found.bends)
    out = grain * (grain if gated else 1) * _divisor(rational) if len(rational) == len(entries) else Fraction(0)
    return Figures(grain, reach, max(written.values(), default=0.0), max(total.values(), default=0.0), out)


def _divisor(values: Iterable[Fraction]) -> Fraction:
    """The greatest number that all are multiples of (1 for none)."""
    kept = [value for value in values if value]
    if not kept:
        return Fraction(1)
    return Fraction(math.gcd(*(v.numerator for v in kept)), math.lcm(*(v.denominator for v in kept)))


def _reach(domain: Domain, form: Form) -> Fraction:
    """The greatest sum of absolute values of what is added up in ``form``."""
    direction, scale, constant = form.primitive
    if direction not in domain.reaches:
        ends = domain.extremes(Form(tuple((c, abs(w)) for c, w in direction.weights)))
        domain.reaches[direction] = sum((max(Fraction(-low), Fraction(high)) for low, high in ends), Fraction(0))
    return abs(constant) + abs(scale) * domain.reaches[direction]
