"""How large and how fine the numbers of a line's neurons are.

In: finished neurons and their domain.  Out: ``Figures``.  Not for: what a float type makes of them (``activations``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from compiler.mlp.affine import Finished
from compiler.mlp.domains import Domain
from compiler.mlp.forms import Form
from compiler.mlp.vectors import Bend, Entry, number

GROUPS = 64
"""So many sets of neurons are held against each other."""


@dataclass(frozen=True)
class Figures:
    """``grain``: everything that is summed before an activation is a multiple of it; ``reach``: the greatest such sum
    of absolute values.  ``written``: the greatest sum of absolute weights into one entry; ``total``: the same, each
    times the most that its neuron gives, of those that can be awake together, and ``out_grain`` what all these are
    multiples of; ``felt``: the same, each times what its neuron sums up, in absolute values.  Grains are 0 where
    numbers are multiples of nothing: what is written may be no rational, what is read a code.  ``terms``: the most
    numbers that are added up before an activation, ``awake`` behind them in one entry; ``single``: of the first there
    is one, times a power of two, beside a constant; ``factor``: the most that a gated neuron is multiplied by;
    ``partial``: as ``total``, of what is added only or of what is taken off."""

    grain: Fraction
    reach: Fraction
    written: float
    total: float
    out_grain: Fraction
    felt: float
    terms: int = 0
    awake: int = 0
    single: bool = False
    factor: Fraction = Fraction(1)
    partial: float = 0.0


def figures_of(found: Finished, domain: Domain) -> Figures:
    figures = _of_whole_numbers(found, domain)
    return figures if _is_whole(found.bends, domain) else _of_codes(figures, found.bends, domain)


def _of_whole_numbers(found: Finished, domain: Domain) -> Figures:
    forms = [form for bend in found.bends for form in (bend.form, bend.factor) if form is not None]
    grain = _divisor([w for form in forms for w in (*(w for _, w in form.weights), form.constant)])
    reach = max((_reach(domain, form) for form in forms), default=Fraction(0))
    written: dict[int, float] = {}
    gives: dict[int, float] = {}
    for bend in found.bends:
        factor = 1.0 if bend.factor is None else float(_reach(domain, bend.factor))
        gives[id(bend)] = factor * max(0.0, float(domain.range_of(bend.form)[1]))
        for i, entry in bend.out.items():
            written[i] = written.get(i, 0.0) + abs(number(entry))
    constant = max((abs(number(entry)) for entry in found.constant.values()), default=0.0)
    camps = _camps(found.bends, domain)
    total = _awake(camps, gives) + constant
    entries: list[Entry] = [entry for bend in found.bends for entry in bend.out.values()]
    rational = [entry for entry in entries if isinstance(entry, Fraction)]
    gated = any(bend.factor is not None for bend in found.bends)
    out = grain * (grain if gated else 1) * _divisor(rational) if len(rational) == len(entries) else Fraction(0)
    most = max(written.values(), default=0.0)
    gates = [_reach(domain, bend.factor) for bend in found.bends if bend.factor is not None]
    return Figures(
        grain=grain,
        reach=reach,
        written=most,
        total=total,
        out_grain=out,
        felt=float(reach) * most,
        terms=max((len(form.weights) + bool(form.constant) for form in forms), default=0),
        awake=_together(camps) + bool(found.constant),
        single=all(map(_is_single, forms)),
        factor=max([Fraction(1), *gates]),
        partial=max(_awake(camps, gives, sign=sign) for sign in (1, -1)) + constant,
    )


def _is_single(form: Form) -> bool:
    """Is one number read, times a power of two, so that nothing rounds but the sum with a constant?"""
    sizes = [abs(weight) for _, weight in form.weights]
    return len(sizes) <= 1 and all(is_power_of_two(w.numerator) and is_power_of_two(w.denominator) for w in sizes)


def is_power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


# -------------------------------------------------------------------- lines that read codes


def _is_whole(bends: Iterable[Bend], domain: Domain) -> bool:
    """Are all coordinates that are read integers?"""
    read = {c for bend in bends for form in (bend.form, bend.factor) if form is not None for c, _ in form.weights}
    return all(
        entry.denominator == 1 for rows in domain.entries for row in rows for c, entry in row.items() if c in read
    )


def _of_codes(figures: Figures, bends: Sequence[Bend], domain: Domain) -> Figures:
    """Each neuron rounds for itself; of those that look to the left of a place and those to its right, one side does.

    Where one is awake what it adds up is more than what it takes off, so all of it is at most twice the first."""
    camps, known = _camps(bends, domain), dict[Form, Fraction]()
    factors = {id(b): 1.0 if b.factor is None else 2 * float(_reach(domain, b.factor)) for b in bends}
    gives = {id(b): factors[id(b)] * max(0.0, float(domain.range_of(b.form)[1])) for b in bends}
    sums = {id(b): factors[id(b)] * float(min(_reach(domain, b.form), 2 * _gain(domain, b.form, known))) for b in bends}
    nothing = Fraction(0)
    total, felt = _awake(camps, gives), _awake(camps, sums)
    return replace(figures, grain=nothing, total=total, out_grain=nothing, felt=felt, single=False, partial=total)


def _gain(domain: Domain, form: Form, known: dict[Form, Fraction]) -> Fraction:
    """The most that is added up in ``form``, what is taken off left out."""
    weights = form.plus(-form.constant)
    if weights not in known:
        ends = [domain.extremes(Form((pair,))) for pair in form.weights]
        known[weights] = sum((max(Fraction(0), Fraction(high)) for group in ends for _, high in group), Fraction(0))
    return max(Fraction(0), form.constant) + known[weights]


Camp = list[Bend]


def _awake(camps: Sequence[tuple[Camp, Camp]], sizes: Mapping[int, float], sign: int = 0) -> float:
    """The greatest sum of |weight| * size into one entry, over neurons that can be awake together; of weights of one
    ``sign`` only, where it is not 0."""

    def within(camp: Camp, entry: int) -> float:
        weights = ((number(bend.out[entry]), sizes[id(bend)]) for bend in camp if entry in bend.out)
        return sum(abs(weight) * size for weight, size in weights if weight * sign >= 0)

    entries = {entry for pair in camps for camp in pair for bend in camp for entry in bend.out}
    return max((sum(max(within(a, i), within(b, i)) for a, b in camps) for i in entries), default=0.0)


def _together(camps: Sequence[tuple[Camp, Camp]]) -> int:
    """The most neurons that write one entry and can be awake together."""
    counts = [[Counter(entry for bend in camp for entry in bend.out) for camp in pair] for pair in camps]
    entries = {entry for pair in counts for count in pair for entry in count}
    return max((sum(max(a[i], b[i]) for a, b in counts) for i in entries), default=0)


def _camps(bends: Sequence[Bend], domain: Domain) -> list[tuple[Camp, Camp]]:
    """All neurons; no neuron of the one half of a pair is awake with one of the other half."""
    found: dict[tuple[Form, bool], Camp] = {}
    for bend in bends:
        direction, scale, _ = bend.form.primitive
        found.setdefault((direction, scale > 0), []).append(bend)
    left = [(camp, _widest(camp)) for camp in found.values()]
    pairs: list[tuple[Camp, Camp]] = []
    while left:
        camp, widest = left.pop()
        near = left if len(left) < GROUPS else []
        i = next((i for i, (_, form) in enumerate(near) if domain.range_of(widest + form)[1] <= 0), None)
        pairs.append((camp, [] if i is None else left.pop(i)[0]))
    return pairs


def _widest(camp: Camp) -> Form:
    """The one that is awake wherever another one is; all of them are multiples of it but for their constants."""
    scaled = [bend.form.times(1 / abs(bend.form.primitive[1])) for bend in camp]
    return max(scaled, key=lambda form: form.constant)


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
