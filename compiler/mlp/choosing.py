"""Which neurons realise a line: every method that applies is tried, and the smallest is taken.

In: a ``Compute`` and the stream.  Out: ``Finished``; a SpecError where one layer of neurons cannot do it (E0520 to
E0522).  Not for: matrices (``building``) or phases (``phases``).

The methods: affine parts are passed on; what depends on one integer combination s of the inputs is a piecewise-linear
function of s (``ridges``), where s may be an affine part of the expression, a small combination of several, a
radix code of them, or a sum of discrete logarithms; ANDs of one-hots and conditions on numbers (``gates``);
products (``products``); steps along a direction of a code (``staircases``).  For numbers, sums of such are tried too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from compiler.computing import Arithmetic, Choice, Fixed, Negation, Negative, ValueExpr, read_subspaces
from compiler.encodings import Code, OneHot, Value
from compiler.limits import NEURONS
from compiler.mlp.affine import Finished, finish
from compiler.mlp.codes import log_codes
from compiler.mlp.combining import integer_codes
from compiler.mlp.domains import Domain, combinations, values_over
from compiler.mlp.evaluating import Answer, NoValue, function_of
from compiler.mlp.forms import Form, total
from compiler.mlp.gates import Gate, and_gates, gated, indicator
from compiler.mlp.pieces import Fewest, Pricing, every_piece
from compiler.mlp.products import ONE, products
from compiler.mlp.reading import Reader, Reduced, constant_of
from compiler.mlp.ridges import shapes
from compiler.mlp.safety import is_safe
from compiler.mlp.searches import Searches, height
from compiler.mlp.staircases import staircase
from compiler.mlp.targets import ANY_NUMBER, Target, any_token, texts_of
from compiler.mlp.vectors import Sum

TRIED = 3
"""So many codes are looked at closely."""

AND_COMBINATIONS = 1 << 14
DEPTH = 12


@dataclass(frozen=True)
class Chooser:
    """Tries the methods for a line.  ``gated_units``: the activation multiplies (reglu).  ``beyond``: neurons that were
    too many to be looked at.  ``searches``: what choosers of the same program found, if any."""

    reader: Reader
    biases: bool
    gated_units: bool
    known: dict[tuple[ValueExpr, Target], Fewest] = field(default_factory=dict, compare=False)
    beyond: list[int] = field(default_factory=list, compare=False)
    searches: Searches | None = field(default=None, compare=False)

    @property
    def domain(self) -> Domain:
        return self.reader.domain

    def smallest(self, value: ValueExpr, target: Target) -> Finished | None:
        """The fewest neurons for ``value``; None if no method applies."""
        return self._search(value, target, DEPTH).found

    def can(self, part: ValueExpr) -> bool:
        """Can one layer make this part, as a number or, if it is a token, as a one-hot?"""
        texts = texts_of(part, self.domain.subspaces)
        return self.smallest(part, any_token(texts) if texts else ANY_NUMBER) is not None

    def _finish(self, sum_: Sum) -> Finished:
        return finish(sum_, self.domain, biases=self.biases)

    def _best(self, value: ValueExpr, target: Target, depth: int) -> Sum | None:
        found = self._search(value, target, depth).found
        return None if found is None else found.sum

    def _both(self, value: ValueExpr, depth: int) -> list[Sum]:
        """The smallest and the leanest way to make a number; one, where they are the same; none, where none is."""
        best = self._search(value, ANY_NUMBER, depth)
        found = [one.sum for one in (best.found, best.lean) if one is not None]
        return found[:1] if best.found is best.lean else found

    def _search(self, value: ValueExpr, target: Target, depth: int) -> Fewest:
        key = (value, target)
        if key not in self.known:
            self.known[key] = self._remembered(value, target, depth)
        return self.known[key]

    def _remembered(self, value: ValueExpr, target: Target, depth: int) -> Fewest:
        """As in an earlier search, which another chooser may have made."""
        if self.searches is None or height(value) > depth:  # what is not looked into depends on where it stands
            return self._searched(value, target, depth)
        key = self.searches.key(self.reader, value, target)
        if key not in self.searches.found:
            self.searches.found[key] = self._searched(value, key[1], depth)
        return self.searches.found[key]

    def _searched(self, value: ValueExpr, target: Target, depth: int) -> Fewest:
        best = Fewest()
        for one in self._sums(value, target, depth, best):
            best.take(self._finish(one))
        return best

    # ---------------------------------------------------------------- the methods

    def _sums(self, value: ValueExpr, target: Target, depth: int, best: Fewest) -> Iterator[Sum]:
        """Ways to make ``value``; those that take more neurons than ``best`` by then may be left out."""
        affine = self._affine(value, target)
        if affine is not None:
            yield affine
            if target.linear:
                return
        reduced = self.reader.reduce(value)
        if reduced is not None:
            yield from self._ridges(value, reduced, target, best)
        yield from self._logs(value, target, best)
        yield from self._staircases(value, target)
        yield from self._and_gates(value, target, min(best.neurons, NEURONS))
        if depth:
            yield from self._choices(value, target, depth - 1)
            if target.linear and affine is None:
                yield from self._arithmetic(value, depth - 1)

    def _affine(self, value: ValueExpr, target: Target) -> Sum | None:
        """A number into a number, or anything that one one-hot decides."""
        form = self.reader.form(value) if target.linear else None
        if form is not None:
            return Sum("affine", ((form, ONE),), slopes=((form, 1.0),))
        if not read_subspaces(value):
            fixed = constant_of(value)
            return Sum("affine", constant=tuple((target.vector(fixed) or {}).items()) if fixed is not None else ())
        table = self.reader.table(value)
        if not table:
            return None
        same: dict[Value | bool, list[int]] = {}
        for coordinate, image in table.items():
            if target.vector(image) is not None:
                same.setdefault(image, []).append(coordinate)
        pairs = [(Form.of(dict.fromkeys(places, 1)), target.vector(image) or {}) for image, places in same.items()]
        terms = tuple((form, vector) for form, vector in pairs if vector)
        return Sum("affine", terms, shifts=((read_subspaces(value), 2 * target.largest(same)),))

    def _ridges(self, value: ValueExpr, reduced: Reduced, target: Target, best: Fewest | None) -> Iterator[Sum]:
        table = {place: answer for place, answer in reduced.table.items() if target.vector(answer) is not None}
        if not table:
            yield Sum("affine")
            return
        if not reduced.directions:
            yield Sum("affine", constant=tuple((target.vector(table[()]) or {}).items()))
        elif len(reduced.directions) == 1:
            yield from self._one_ridge(reduced.directions[0], {v: a for (v,), a in table.items()}, target, best)
        else:
            kept = 0
            for code in sorted(integer_codes(table), key=lambda c: target.knots(c.points, c.kinds, c.answers)):
                form = total(d.times(w) for w, d in zip(code.weights, reduced.directions, strict=True))
                if kept < TRIED and is_safe(self.reader, value, form, code.table):
                    kept += 1
                    yield from self._one_ridge(form, code.table, target, best)

    def _one_ridge(self, form: Form, points: dict[int, Answer], target: Target, best: Fewest | None) -> Iterator[Sum]:
        places = sorted(points)
        answers = {answer: kind for kind, answer in enumerate(dict.fromkeys(points.values()))}
        kinds = np.array([answers[points[place]] for place in places], dtype=np.int64)
        moved = np.array([place - places[0] for place in places], dtype=np.int64)
        count = target.knots(moved, kinds, list(answers))
        if count > NEURONS:
            self.beyond.append(count)
            return
        if best is not None and (
            (count + 1) // 2 - 1 > best.neurons or best.beats(target.least(moved, kinds, list(answers)))
        ):
            return
        vectors = [target.vector(points[place]) or {} for place in places]
        for ridge in shapes(places, vectors):
            if best is None:
                yield from every_piece(ridge, form)
            else:
                yield from Pricing(ridge, form, self.domain, self.biases).cheapest(best)

    def _logs(self, value: ValueExpr, target: Target, best: Fewest) -> Iterator[Sum]:
        for form, points in log_codes(self.reader, value):
            kept = {place: answer for place, answer in points.items() if target.vector(answer) is not None}
            if kept:
                yield from self._one_ridge(form, kept, target, best)

    def _staircases(self, value: ValueExpr, target: Target) -> Iterator[Sum]:
        """Any function of one code."""
        names = read_subspaces(value)
        if len(names) != 1 or not isinstance(self.domain.subspaces[names[0]].encoding, Code):
            return
        group, index = self.reader.place[names[0]]
        shown = dict.fromkeys(row[index] for row in self.domain.groups[group].rows if row[index] is not None)
        function, wanted = function_of(value, {names[0]: 0}), []
        for held in shown:
            try:
                vector = target.vector(function((held,)))
            except NoValue:
                continue
            if held is not None and vector is not None:
                wanted.append((held, vector))
        found = staircase(self.domain.subspaces[names[0]], wanted)
        if found is not None:
            yield found

    def _and_gates(self, value: ValueExpr, target: Target, most: int) -> Iterator[Sum]:
        """A table over two or three one-hots, unless that takes more than ``most`` neurons."""
        groups = [g for g in self.domain.groups if set(g.names) & set(read_subspaces(value))]
        keys = [g.key for g in groups]
        if not 1 < len(groups) <= 3 or None in keys or combinations(groups) > AND_COMBINATIONS:
            return
        table = {place: target.vector(found) or {} for place, found in values_over(groups, value)}
        axes = [self._axis(g.names.index(k), g.rows, k) for g, k in zip(groups, keys, strict=True) if k]
        found = and_gates(axes, [k for k in keys if k], table, most)
        if found is not None:
            yield found

    def _axis(self, index: int, rows: Sequence[tuple[Value | None, ...]], name: str) -> list[int]:
        subspace = self.domain.subspaces[name]
        assert isinstance(subspace.encoding, OneHot)
        hot: dict[Value | None, int] = dict(zip(subspace.encoding.values, subspace.coordinates, strict=True))
        return [hot[row[index]] for row in rows]

    def _choices(self, value: ValueExpr, target: Target, depth: int) -> Iterator[Sum]:
        if not isinstance(value, Choice):
            return
        condition = indicator(self.reader, value.condition)
        opposite = indicator(self.reader, Negation(value.condition))
        if condition is not None and opposite is not None:
            one, other = self._best(value.then, target, depth), self._best(value.otherwise, target, depth)
            if one is not None and other is not None:
                first = gated(self.reader, one, condition, "where the condition holds")
                second = gated(self.reader, other, opposite, "where it does not")
                if first is not None and second is not None:
                    yield first + second
        if target.linear:
            yield from self._shifted(value, depth)

    def _shifted(self, value: Choice, depth: int) -> Iterator[Sum]:
        """if c then v else w = w + (if c then v - w else 0), where c and v - w are about one number: min, max, abs."""
        for kept, other, swap in ((value.otherwise, value.then, False), (value.then, value.otherwise, True)):
            if isinstance(kept, Fixed) and kept.value == 0:
                continue
            gap, nothing = Arithmetic("-", other, kept), Fixed(0)
            moved = Choice(value.condition, *((nothing, gap) if swap else (gap, nothing)))
            reduced = self.reader.reduce(moved)
            if reduced is None or len(reduced.directions) != 1:
                continue
            base = self._best(kept, ANY_NUMBER, depth)
            for ridge in self._ridges(moved, reduced, ANY_NUMBER, None) if base is not None else ():
                yield base + ridge  # type: ignore[operator]

    def _arithmetic(self, value: ValueExpr, depth: int) -> Iterator[Sum]:
        match value:
            case Negative(operand):
                yield from (inner.times(-1) for inner in self._both(operand, depth))
            case Arithmetic("+" | "-" as operator, left, right):
                one, other = self._both(left, depth), self._both(right, depth)
                for pair in dict.fromkeys([(0, 0), (len(one) - 1, len(other) - 1)] if one and other else []):
                    yield one[pair[0]] + other[pair[1]].times(1 if operator == "+" else -1)
            case Arithmetic("*", left, right):
                yield from self._product(left, right, depth)

    def _product(self, left: ValueExpr, right: ValueExpr, depth: int) -> Iterator[Sum]:
        one, other = self.reader.form(left), self.reader.form(right)
        for form, factor in ((one, right), (other, left)):
            if form is not None and form.is_constant:
                yield from (inner.times(form.constant) for inner in self._both(factor, depth))
        if one is not None and other is not None:
            yield from products(self.reader, one, other, gated_units=self.gated_units)
        for expression, factor in ((left, right), (right, left)):  # a condition written as a number: 0 or 1
            form = self.reader.form(expression)
            if form is not None and {0, 1} >= set(self._values(form)) != set():
                inner = self._best(factor, ANY_NUMBER, depth)
                held = None if inner is None else gated(self.reader, inner, [(1, Gate(form.plus(-1)))], "gated")
                if held is not None:
                    yield held

    def _values(self, form: Form) -> list[Fraction]:
        direction, scale, constant = form.primitive
        points = self.reader.points(direction)
        return [] if points is None or len(points) > 2 else [scale * p + constant for p in points]
