"""Neurons for the affine part of what a line writes: a ReLU passes on what is never negative.

In: a ``Sum`` and its ``Domain``.  Out: ``Finished``: neurons and what is left for b_out.  Not for: bends (``ridges``).

A number x in low..high passes as relu(x - low), which the constant low mends; relu(x) where low >= 0, and a constant
that is a multiple of what x writes goes into the same neuron.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from compiler.mlp.domains import Domain
from compiler.mlp.forms import Form
from compiler.mlp.vectors import Bend, Frozen, Sum, Vector, frozen, merged, plus, ratio, scaled

Term = tuple[Form, Vector]

Cost = tuple[int, int]
"""Neurons, then how large the numbers are that they read with."""


@dataclass(frozen=True)
class Finished:
    """All neurons of one line; ``constant`` is b_out (always zero without biases)."""

    sum: Sum
    bends: tuple[Bend, ...]
    constant: Vector

    @cached_property
    def cost(self) -> Cost:
        return len(self.bends), sum(bend.form.numbers for bend in self.bends)


def finish(sum_: Sum, domain: Domain, *, biases: bool) -> Finished:
    """``sum_`` as neurons alone."""
    constant = dict(sum_.constant)
    terms: list[Term] = []
    for form, vector in sum_.terms:
        constant = plus(constant, scaled(vector, form.constant))
        if form.weights:
            terms.append((form.plus(-form.constant), vector))
    bends: list[Bend] = list(sum_.bends)
    for form, vector in _fewest(terms):
        bend, constant = _passed_on(form, vector, constant, domain)
        bends.append(bend)
    if constant and not (biases and bends):
        bends.append(Bend(Form.fixed(1), constant, "constant"))
        constant = {}
    return Finished(sum_, tuple(merged(bends)), constant)


def _passed_on(form: Form, vector: Vector, constant: Vector, domain: Domain) -> tuple[Bend, Vector]:
    """form * vector as one neuron, and what becomes of the constant."""
    low, high = domain.range_of(form)
    extra = ratio(constant, vector)
    if extra and low + extra >= 0:
        return Bend(form.plus(extra), vector, "passed on"), {}
    if extra and high + extra <= 0:
        return Bend(form.plus(extra).times(-1), scaled(vector, -1), "passed on"), {}
    if low >= 0:
        return Bend(form, vector, "passed on"), constant
    if high <= 0:
        return Bend(form.times(-1), scaled(vector, -1), "passed on"), constant
    return Bend(form.plus(-low), vector, "passed on"), plus(constant, scaled(vector, low))


def _fewest(terms: list[Term]) -> list[Term]:
    """The same sum with few terms: by what is read, or by what is written."""
    by_direction = _by_direction(terms)
    parallel = _parallel(by_direction)
    if parallel is not None:
        return parallel
    by_component = _by_component(by_direction)
    if by_component is not None and len(by_component) < len(by_direction):
        return by_component
    return by_direction


def _by_direction(terms: list[Term]) -> list[Term]:
    found: dict[Form, Vector] = {}
    for form, vector in terms:
        direction, scale, _ = form.primitive
        found[direction] = plus(found.get(direction, {}), scaled(vector, scale))
    same: dict[Frozen, Term] = {}
    for direction, vector in found.items():  # different inputs that write the same are added up before the neuron
        if vector:
            key = frozen(vector)
            same[key] = (same[key][0] + direction if key in same else direction, vector)
    return [(form, vector) for form, vector in same.values() if form.weights]


def _parallel(terms: list[Term]) -> list[Term] | None:
    """One term, where all of them write along one vector."""
    if not terms:
        return []
    vector = terms[0][1]
    form = Form()
    for direction, written in terms:
        share = ratio(written, vector)
        if share is None:
            return None
        form = form + direction.times(share)
    return [(form, vector)] if form.weights else []


def _by_component(terms: list[Term]) -> list[Term] | None:
    rows: dict[int, Form] = {}
    for form, vector in terms:
        for i, entry in vector.items():
            if not isinstance(entry, Fraction):
                return None
            rows[i] = rows.get(i, Form()) + form.times(entry)
    return _by_direction([(row, {i: Fraction(1)}) for i, row in rows.items() if row.weights])
