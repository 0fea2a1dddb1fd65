"""Which parts of an expression are affine forms of the stream, and how the whole depends on them.

In: an expression and its ``Domain``.  Out: ``Reader``: forms of parts; ``Reduced``: the tuples of values that the
maximal affine parts can take together, and the value of the expression at each.  Not for: neurons.

Affine are: constants, numbers that a scalar, quadratic or one-hot subspace shows, their sums and multiples, the square
of what a quadratic shows, and *any* expression in what one one-hot decides (a table over it).  Truth values count as
0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compiler.computing import (
    Arithmetic,
    Compared,
    Contained,
    Junction,
    Negation,
    Negative,
    Read,
    ValueExpr,
    parts,
    read_subspaces,
)
from compiler.different import Rows
from compiler.encodings import OneHot, Quadratic, ScalarValue, Value
from compiler.mlp.domains import Domain
from compiler.mlp.evaluating import COMPARISONS, Answer, NoValue, function_of
from compiler.mlp.forms import Form
from compiler.mlp.tabulating import Rule, as_rows, sums, values_at

COMBINATIONS = 1 << 16
"""So many tuples of values are looked at, one by one."""

POINTS = 1 << 16
"""So many values of one number are looked at."""

TRUTHS = (Compared, Contained, Junction, Negation)


@dataclass(frozen=True)
class Part:
    """A maximal affine part: its form over the stream, and what its number means."""

    expression: ValueExpr
    form: Form
    decode: Callable[[int], Answer]


@dataclass(frozen=True)
class Reduced:
    """The expression as a function of ``directions`` (independent integer forms without constants): ``table`` has every
    tuple that they can take together and the value there; tuples at which there is no value are left out."""

    directions: tuple[Form, ...]
    table: dict[tuple[int, ...], Answer]


class Reader:
    """What the MLP of one layer can read off the stream by a linear map."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.place = domain.place
        self.known: dict[ValueExpr, Form | None] = {}
        self.reduced: dict[ValueExpr, Reduced | None] = {}

    # ---------------------------------------------------------------- affine forms

    def form(self, expression: ValueExpr) -> Form | None:
        """The expression (an integer or a truth value) as an affine form; None if it is not one."""
        if expression not in self.known:
            form = self._structural(expression)
            self.known[expression] = self._tabulated(expression) if form is None else form
        return self.known[expression]

    def _structural(self, expression: ValueExpr) -> Form | None:
        if not read_subspaces(expression):
            value = constant_of(expression)
            return None if value is None or isinstance(value, str) else Form.fixed(int(value))
        match expression:
            case Read(name):
                return self._read(name)
            case Negative(operand):
                inner = self.form(operand)
                return None if inner is None else inner.times(-1)
            case Negation(operand):
                inner = self.form(operand)
                return None if inner is None else inner.times(-1).plus(1)
            case Arithmetic("+" | "-" as op, left, right):
                one, other = self.form(left), self.form(right)
                if one is None or other is None:
                    return None
                return one + other if op == "+" else one - other
            case Arithmetic("*", left, right):
                return self._product(left, right)
            case _:
                return None

    def _read(self, name: str) -> Form | None:
        subspace = self.domain.subspaces[name]
        match subspace.encoding:
            case ScalarValue() | Quadratic():
                return Form.of({subspace.coordinates[0]: 1})
            case OneHot(values) if all(isinstance(v, int) for v in values):
                pairs = zip(subspace.coordinates, values, strict=True)
                return Form.of({c: int(v) for c, v in pairs})
            case _:
                return None

    def _product(self, left: ValueExpr, right: ValueExpr) -> Form | None:
        one, other = self.form(left), self.form(right)
        if one is None or other is None:
            return None
        if one.is_constant or other.is_constant:
            return other.times(one.constant) if one.is_constant else one.times(other.constant)
        return self.square(one) if one == other else None

    def square(self, form: Form) -> Form | None:
        """form^2, where it is a number and a constant: (k v + c)^2 for a quadratic v (or any f(v)^2 of a one-hot)."""
        coordinates = {c for c, _ in form.weights}
        for name in self.place:
            subspace = self.domain.subspaces[name]
            if not coordinates <= set(subspace.coordinates):
                continue
            if isinstance(subspace.encoding, OneHot):
                weights = form.by_coordinate
                squares = {c: (weights.get(c, 0) + form.constant) ** 2 for c in subspace.coordinates}
                return Form.of(squares)
            if isinstance(subspace.encoding, Quadratic) and coordinates == {subspace.coordinates[0]}:
                value, square = subspace.coordinates
                k, c = form.by_coordinate[value], form.constant
                return Form.of({square: k * k, value: 2 * k * c}, c * c)
        return None

    def _tabulated(self, expression: ValueExpr) -> Form | None:
        table = self.table(expression)
        if table is None or any(isinstance(v, str) for v in table.values()):
            return None
        return Form.of({c: int(v) for c, v in table.items()})

    def table(self, expression: ValueExpr) -> dict[int, Value] | None:
        """Coordinate of a one-hot -> value, where one one-hot decides the expression; rows without a value are free."""
        groups = {self.place[name][0] for name in read_subspaces(expression)}
        if len(groups) != 1:
            return None
        group = self.domain.groups[groups.pop()]
        if group.key is None:
            return None
        key = self.domain.subspaces[group.key]
        assert isinstance(key.encoding, OneHot)
        where = dict(zip(key.encoding.values, key.coordinates, strict=True))
        function = function_of(expression, {name: i for i, name in enumerate(group.names)})
        found: dict[int, Value] = {}
        for row in group.rows:
            try:
                value = function(row)
            except NoValue:
                continue
            shown = row[group.names.index(group.key)]
            assert shown is not None, "a key tells all rows apart"
            found[where[shown]] = value
        return found

    # ---------------------------------------------------------------- the whole as a function of its affine parts

    def parts(self, expression: ValueExpr) -> list[Part] | None:
        """The maximal affine parts; None if something is read that no linear map shows (a phase, a code)."""
        found: list[Part] = []
        return found if self._collect(expression, found) else None

    def _collect(self, expression: ValueExpr, found: list[Part]) -> bool:
        part = self._part(expression)
        if part is not None:
            found.append(part)
            return True
        if isinstance(expression, Read):
            return False
        return all(self._collect(inner, found) for inner in parts(expression))

    def _part(self, expression: ValueExpr) -> Part | None:
        """The expression as one part, if it can be one."""
        form = self.form(expression)
        if form is not None:
            truth = isinstance(expression, TRUTHS)
            return Part(expression, form, bool if truth else int)
        if isinstance(expression, Compared):
            one, other = self.form(expression.left), self.form(expression.right)
            if one is not None and other is not None:
                compare = COMPARISONS[expression.operator]
                return Part(expression, one - other, lambda difference: compare(difference, 0))
        table = self.table(expression)
        if not table:
            return None
        meanings = tuple(dict.fromkeys(table.values()))
        form = Form.of({c: meanings.index(v) for c, v in table.items()})
        return Part(expression, form, lambda number: meanings[number])

    def reduce(self, expression: ValueExpr) -> Reduced | None:
        """The expression by its affine parts; None where some part is not affine, or there is too much to look at."""
        if expression not in self.reduced:
            self.reduced[expression] = self._reduce(expression)
        return self.reduced[expression]

    def _reduce(self, expression: ValueExpr) -> Reduced | None:
        found = self.parts(expression)
        if found is None:
            return None
        forms = [self.canonical(part.form).primitive for part in found]
        directions = [d for d in dict.fromkeys(direction for direction, _, _ in forms) if d.weights]
        basis = independent(directions)
        places = self._places(basis)
        if places is None:
            return None
        rules = [Rule(*_rule(form, basis), part.decode) for part, form in zip(found, forms, strict=True)]
        by_part = {id(part.expression): rule for part, rule in zip(found, rules, strict=True)}
        return Reduced(tuple(basis), values_at(expression, by_part, places))

    def points(self, direction: Form) -> list[int] | None:
        """The integers that ``direction`` can take, in order; None if there are too many."""
        return _sums_of_one([[step[0] for step in group] for group in self._steps([direction])])

    def canonical(self, form: Form) -> Form:
        """The same number, with weight 0 on the first value of every one-hot (whose entries add up to 1)."""
        weights, constant = dict(form.weights), form.constant
        for name in self.place:
            subspace = self.domain.subspaces[name]
            if isinstance(subspace.encoding, OneHot) and not weights.keys().isdisjoint(subspace.coordinates):
                first = weights.get(subspace.coordinates[0], Fraction(0))
                if first:
                    constant += first
                    weights |= {c: weights.get(c, Fraction(0)) - first for c in subspace.coordinates}
        return Form.of(weights, constant)

    def spread(self, form: Form) -> Form:
        """The same number without a constant, where a one-hot that is read shows a value at every position."""
        read = {c for c, _ in form.weights}
        for name in (name for group in self.domain.groups for name in group.full):
            places = self.domain.subspaces[name].coordinates
            if form.constant and not read.isdisjoint(places):
                return form.plus(-form.constant) + Form.of(dict.fromkeys(places, form.constant))
        return form

    def _places(self, directions: Sequence[Form]) -> Rows | None:
        """Every tuple of values that the directions can take together, as rows; None if there are too many."""
        steps = self._steps(directions)
        if len(directions) != 1:
            return sums(steps, len(directions), COMBINATIONS)
        points = _sums_of_one([[step[0] for step in group] for group in steps])
        return None if points is None else as_rows(points)

    def _steps(self, directions: Sequence[Form]) -> list[list[tuple[int, ...]]]:
        """What each group can add to the directions."""
        shares = [self.domain.contributions(direction) for direction in directions]
        return [
            sorted({tuple(int(share[g][r]) for share in shares) for r in range(len(group.rows))})
            for g, group in enumerate(self.domain.groups)
        ]


def constant_of(expression: ValueExpr) -> Answer | None:
    """The value of an expression that reads nothing; None if it has none."""
    try:
        return function_of(expression, {})(())  # type: ignore[no-any-return]
    except NoValue:
        return None


def _sums_of_one(groups: list[list[int]]) -> list[int] | None:
    """All sums of one number from each group, as a set of bits."""
    low, bits = 0, 1
    for group in groups:
        if not group:
            return []
        least = min(group)
        low += least
        if max(group) - least + bits.bit_length() > POINTS:
            return None
        found = 0
        for value in set(group):
            found |= bits << (value - least)
        bits = found
    return [low + i for i, bit in enumerate(reversed(bin(bits)[2:])) if bit == "1"]


def _rule(form: tuple[Form, Fraction, Fraction], basis: Sequence[Form]) -> tuple[list[int], int, int]:
    """(weights, constant, below): scale * direction + constant = (weights . basis + constant) / below."""
    direction, scale, constant = form
    shares = (
        [scale * share for share in combination(direction, basis)] if direction.weights else [Fraction(0)] * len(basis)
    )
    below = math.lcm(constant.denominator, *(share.denominator for share in shares))
    return [int(share * below) for share in shares], int(constant * below), below


# -------------------------------------------------------------------- linear algebra on few forms


def independent(forms: Sequence[Form]) -> list[Form]:
    """The first forms (their constants aside) that are linearly independent."""
    kept: list[Form] = []
    rows: list[tuple[int, dict[int, Fraction]]] = []
    for form in forms:
        rest = _reduced(form.by_coordinate, rows)
        if rest:
            rows.append((min(rest), rest))
            kept.append(form)
    return kept


def _reduced(weights: dict[int, Fraction], rows: list[tuple[int, dict[int, Fraction]]]) -> dict[int, Fraction]:
    """``weights`` less the multiples of ``rows`` that cancel their pivots."""
    rest = dict(weights)
    for pivot, row in rows:
        factor = rest.get(pivot, Fraction(0)) / row[pivot]
        if factor:
            rest = {c: rest.get(c, Fraction(0)) - factor * row.get(c, Fraction(0)) for c in rest.keys() | row.keys()}
            rest = {c: w for c, w in rest.items() if w}
    return rest


def combination(form: Form, basis: Sequence[Form]) -> list[Fraction]:
    """The coefficients with form = sum of coefficient * basis (constants aside); the form must lie in their span."""
    slots = [-1 - i for i in range(len(basis))]  # a fictitious coordinate for each of the basis says how it was used
    rows: list[tuple[int, dict[int, Fraction]]] = []
    for slot, member in zip(slots, basis, strict=True):
        rest = _reduced(member.by_coordinate | {slot: Fraction(1)}, rows)
        rows.append((min(c for c in rest if c >= 0), rest))
    left = _reduced(form.by_coordinate, rows)
    assert all(c < 0 for c in left), "the form lies in the span"
    return [-left.get(slot, Fraction(0)) for slot in slots]
