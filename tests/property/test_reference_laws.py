"""The fast reference interpreter against a slow one: plain loops over Fractions, written from the language page."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from compiler.encodings import OneHot, Phase, Quadratic, ScalarValue, Subspace, Value
from compiler.heads import Among, Condition, Copy, Equal, Head, Prefer, Related, Relation, Rest, Term
from compiler.program import Program
from compiler.reference import Kind, Status, interpret
from dsl.expressions import Number
from tests.compiler.handmade_programs import copy, phase, program

TOKENS = ("a", "b", "1", "2")
CONTEXT = 5
PLACES = tuple(range(CONTEXT))
ENCODINGS = {
    "content": OneHot(TOKENS, ordered=False),
    "place": OneHot(PLACES, ordered=True),
    "where": phase(0, CONTEXT - 1),
    "index": ScalarValue(0, CONTEXT - 1),
    "square": Quadratic(0, CONTEXT - 1),
    "w": OneHot(TOKENS, ordered=False),
    "s": OneHot(PLACES, ordered=True),
    "z": phase(0, CONTEXT - 1),
    "t": ScalarValue(-50, 50),
    "f": Quadratic(-50, 50),
}
EMBEDS = [("token", "content"), *(("position", name) for name in ("place", "where", "index", "square"))]

# ------------------------------------------------------------------ the slow interpreter

# What a subspace holds at one position: None (not known); shares of values, without zeros; for numbers a
# tuple of coordinates.
Cell = dict[Value, Fraction] | tuple[Fraction, ...] | None
OPEN, EMPTY = "open", "empty"


def reading(cell: Cell) -> Value | str | tuple[Value]:
    """OPEN, EMPTY or a 1-tuple with the value."""
    if cell is None:
        return OPEN
    if isinstance(cell, tuple):
        x = cell[0]
        pure = x.denominator == 1 and (len(cell) == 1 or cell[1] == x * x)
        return (int(x),) if pure else OPEN
    if not cell:
        return EMPTY
    ((value, share), *more) = cell.items()
    return (value,) if not more and share == 1 else OPEN


def logic_not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def compare(key: object, query: object, test: object) -> bool | None:
    if EMPTY in (key, query):
        return False
    if OPEN in (key, query):
        return None
    return bool(test(key[0], query[0]))  # type: ignore[operator, index]


class Slow:
    def __init__(self, prog: Program, row: list[int]) -> None:
        self.prog = prog
        self.row = row
        self.n = len(row)
        self.cells: dict[str, list[Cell]] = {s.name: [self.empty(s) for _ in row] for s in prog.subspaces}
        for i, token in enumerate(row):
            self.cells["content"][i] = {TOKENS[token]: Fraction(1)}
            self.cells["place"][i] = {i: Fraction(1)}
            self.cells["where"][i] = {i: Fraction(1)}
            self.cells["index"][i] = (Fraction(i),)
            self.cells["square"][i] = (Fraction(i), Fraction(i * i))
        self.status: dict[str, list[Status]] = {}
        self.support: dict[str, list[set[int]]] = {}
        for layer in prog.layers:
            self.layer(layer)

    @staticmethod
    def empty(subspace: Subspace) -> Cell:
        match subspace.encoding:
            case ScalarValue():
                return (Fraction(0),)
            case Quadratic():
                return (Fraction(0), Fraction(0))
            case _:
                return {}

    # -------------------------------------------------------------- attention

    def truth(self, relation: Relation, q: int, k: int) -> bool | None:
        def look(name: str, i: int) -> object:
            return reading(self.cells[name][i])

        match relation:
            case Among(key, values):
                return compare(look(key, k), (0,), lambda v, _: v in values)
            case Equal(key, query, shift):
                return compare(look(key, k), look(query, q), lambda v, u: v == (u + shift if shift else u))
            case Related(key, query, pairs):
                return compare(look(key, k), look(query, q), lambda v, u: v in dict(pairs).get(u, ()))
        raise AssertionError(relation)

    def holds(self, condition: Condition, q: int) -> bool | None:
        if condition.feature == "position":
            return q in condition.values
        return compare(reading(self.cells[condition.feature][q]), (0,), lambda v, _: v in condition.values)

    def fits(self, head: Head, q: int, k: int) -> bool | None:
        """Kleene's conjunction of (not when, or the relation) over the lines."""
        results = []
        for term in head.terms:
            relation = self.truth(term.relation, q, k)
            relation = logic_not(relation) if term.negated else relation
            active = True if term.when is None else self.holds(term.when, q)
            if active is False or relation is True:
                results.append(True)
            elif active is True and relation is False:
                results.append(False)
            else:
                results.append(None)
        return False if False in results else None if None in results else True

    def attend(self, head: Head, q: int) -> tuple[Status, set[int]]:
        fits = {k: self.fits(head, q, k) for k in range(q + 1)}
        active = any(t.when is None or self.holds(t.when, q) is not False for t in head.terms)
        maybe = [k for k in fits if fits[k] is None]
        sure = {k for k in fits if fits[k] is True}
        if head.prefer is not None:
            candidates = [k for k in fits if fits[k] is not False]
            by = {k: k if head.prefer.by == "position" else self.feature(head.prefer.by, k) for k in candidates}
            if len(candidates) > 1 and None in by.values():
                return Status.UNDETERMINED, set()
            if candidates and len(candidates) > 1 or candidates == maybe:
                choose = max if head.prefer.direction == "latest" else min
                best = {k for k in candidates if len(candidates) == 1 or by[k] == choose(by.values())}  # type: ignore[type-var]
                if best & set(maybe):
                    return Status.UNDETERMINED, set()
                sure = best & sure
        elif maybe:
            return Status.UNDETERMINED, set()
        if sure:
            return (Status.FIT if active or head.prefer else Status.IDLE), sure
        rests: set[int] = set()
        for k in range(q + 1):
            found = [self.truth(rest.condition, q, k) for rest in head.rests]
            if True in found:
                rests.add(k)
            elif None in found:
                return Status.UNDETERMINED, set()
        return (Status.REST, rests) if rests else (Status.UNCLAIMED, set())

    def feature(self, name: str, k: int) -> int | None:
        seen = reading(self.cells[name][k])
        return int(seen[0]) if isinstance(seen, tuple) else None

    # -------------------------------------------------------------- what moves

    def layer(self, heads: tuple[Head, ...]) -> None:
        written: list[tuple[str, int, Cell]] = []
        for head in heads:
            found = [self.attend(head, q) for q in range(self.n)]
            self.status[head.name] = [status for status, _ in found]
            self.support[head.name] = [support for _, support in found]
            for q, (_, support) in enumerate(found):
                written += [(c.target, q, self.moved(c, support)) for c in head.copies]
        for target, q, cell in written:
            self.cells[target][q] = plus(self.cells[target][q], cell)

    def moved(self, line: Copy, support: set[int]) -> Cell:
        cells = [self.cells[line.source][k] for k in sorted(support)]
        if not cells or any(cell is None for cell in cells):
            return None
        assert isinstance(line.coefficient, Number)
        scale = line.coefficient.value / len(cells)
        total = self.empty(self.prog.subspace(line.target))
        for cell in cells:
            total = plus(total, times(self.image(cell, line), scale))
        return total

    def image(self, cell: Cell, line: Copy) -> Cell:
        target = self.prog.subspace(line.target).encoding
        k = line.shift
        if isinstance(cell, tuple):
            moved = (cell[0] + k, *(y + 2 * k * cell[0] + k * k for y in cell[1:]))
            return moved[: 2 if isinstance(target, Quadratic) else 1]
        assert cell is not None
        total: Cell = self.empty(self.prog.subspace(line.target))
        for value, share in cell.items():
            moved_value: Value | None = value + k if isinstance(value, int) else value
            if line.table is not None:
                moved_value = dict(line.table).get(moved_value)
            total = plus(total, times(encoded(moved_value, target), share))
        return total


def encoded(value: Value | None, target: object) -> Cell:
    match target:
        case OneHot(values):
            return {value: Fraction(1)} if value is not None and value in values else {}
        case Phase():
            return {} if value is None else {value: Fraction(1)}
        case ScalarValue():
            return (Fraction(value or 0),)
        case _:
            return (Fraction(value or 0), Fraction(value or 0) ** 2)


def plus(left: Cell, right: Cell) -> Cell:
    if left is None or right is None:
        return None
    if isinstance(left, tuple) and isinstance(right, tuple):
        return tuple(a + b for a, b in zip(left, right, strict=True))
    assert isinstance(left, dict) and isinstance(right, dict)
    total = {v: left.get(v, Fraction(0)) + right.get(v, Fraction(0)) for v in {**left, **right}}
    return {v: share for v, share in total.items() if share}


def times(cell: Cell, scale: Fraction) -> Cell:
    if cell is None:
        return None
    if isinstance(cell, tuple):
        return tuple(x * scale for x in cell)
    return {v: share * scale for v, share in cell.items() if share * scale}


def slow_prediction(cell: Cell, name: str) -> set[str] | None:
    """The tokens that are right, or None where nothing is determined."""
    if cell is None:
        return None
    spelled: dict[str, Value] = {t: t for t in TOKENS} if name == "w" else {"1": 1, "2": 2}
    if isinstance(cell, tuple):
        if cell[0] < 0:  # all values are positive
            return None
        logits = {t: 2 * int(c) * cell[0] - int(c) ** 2 for t, c in spelled.items()}
        return {t for t, x in logits.items() if x == max(logits.values())}
    if not cell:
        return None
    if name == "z" or reading(cell) != OPEN:
        pure = reading(cell)
        named = {t for t, c in spelled.items() if pure == (c,)}
        return named or None
    shares = {t: cell.get(c, Fraction(0)) for t, c in spelled.items()}
    if not any(shares.values()):
        return None
    return {t for t, x in shares.items() if x == max(shares.values())}


# ------------------------------------------------------------------ random programs


def subset(values: tuple[Value, ...]) -> st.SearchStrategy[tuple[Value, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


NUMERIC_KEYS = ["place", "s", "where", "z", "square", "f"]
NUMERIC_QUERIES = [*NUMERIC_KEYS, "index", "t"]
texts, places = st.sampled_from(["content", "w"]), st.sampled_from(["place", "s"])
text_pairs = st.dictionaries(st.sampled_from(TOKENS), subset(TOKENS), max_size=3).map(lambda d: tuple(d.items()))
place_pairs = st.dictionaries(st.sampled_from(PLACES), subset(PLACES), max_size=3).map(lambda d: tuple(d.items()))
relations = st.one_of(
    st.builds(Equal, st.just("place"), st.just("place"), st.integers(-2, 0)),
    st.builds(Equal, texts, texts),
    st.builds(Equal, st.sampled_from(NUMERIC_KEYS), st.sampled_from(NUMERIC_QUERIES), st.integers(-2, 2)),
    st.builds(Among, texts, subset(TOKENS)),
    st.builds(Among, st.sampled_from(NUMERIC_KEYS), subset(PLACES)),
    st.builds(Related, texts, texts, text_pairs),
    st.builds(Related, places, places, place_pairs),
)
conditions = st.one_of(
    st.builds(Condition, texts, subset(TOKENS)),
    st.builds(Condition, st.sampled_from(["place", "s", "z", "position"]), subset(PLACES)),
)
terms = st.builds(Term, relations, st.booleans(), st.one_of(st.none(), st.none(), conditions))
coefficients = st.sampled_from([1, 1, 1, Fraction(1, 2), 2, -1, Fraction(1, 3)])
text_tables = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(TOKENS), st.sampled_from(TOKENS)).map(lambda d: tuple(d.items()))
)


@st.composite
def copies(draw: st.DrawFn) -> Copy:
    if draw(st.booleans()):
        return copy(draw(texts), "w", draw(coefficients), table=draw(text_tables))
    source, targets = draw(
        st.sampled_from(
            [
                (["place", "s"], ["s", "z", "t", "f"]),
                (["where", "z"], ["z"]),
                (["index", "t", "square", "f"], ["t"]),
                (["square", "f"], ["f"]),
            ]
        )
    )
    return copy(
        draw(st.sampled_from(source)),
        draw(st.sampled_from(targets)),
        draw(coefficients),
        shift=draw(st.integers(-2, 2)),
    )


prefers = st.builds(
    Prefer, st.sampled_from(["latest", "earliest"]), st.sampled_from(["position", "index", "place", "s", "z", "t"])
)
rests = st.builds(Rest, st.one_of(st.builds(Among, texts, subset(TOKENS)), st.builds(Among, places, subset(PLACES))))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    layers = []
    for layer in range(draw(st.integers(1, 3))):
        layers.append(
            [
                Head(
                    f"h{layer}{index}",
                    layer,
                    index,
                    tuple(draw(st.lists(terms, max_size=2))),
                    tuple(draw(st.lists(rests, max_size=2))),
                    draw(st.one_of(st.none(), st.none(), prefers)),
                    tuple(draw(st.lists(copies(), min_size=1, max_size=3))),
                )
                for index in range(draw(st.integers(1, 2)))
            ]
        )
    return program(TOKENS, CONTEXT, ENCODINGS, EMBEDS, layers, ("w", "s", "z", "t"))


rows_of = st.integers(1, CONTEXT).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=1, max_size=3)
)


@settings(max_examples=400, deadline=None)
@given(programs(), rows_of)
def test_the_fast_interpreter_agrees_with_the_slow_one(prog: Program, rows: list[list[int]]):
    prog = replace(prog, mass=Fraction(1), dtype="float64")  # nothing is too close to call
    meaning = interpret(prog, np.array(rows), every_position=True, with_values=True)
    for b, row in enumerate(rows):
        slow = Slow(prog, row)
        for head in meaning.heads:
            assert [Status(x) for x in head.status[b]] == slow.status[head.name], head.name
            found = [set(np.flatnonzero(line).tolist()) for line in head.support[b]]
            assert found == slow.support[head.name]
            for line, support in zip(head.pattern[b], found, strict=True):
                assert {float(x) for x in line} <= {0.0, 1.0 / max(1, len(support))}
            for status in slow.status[head.name]:
                event(status.name)
        for name, values in meaning.values.items():
            for p in range(len(row)):
                check_value(values.value(meaning.codec, b, p), slow.cells[name][p])
        for prediction in meaning.predictions:
            for p in range(len(row)):
                expected = slow_prediction(slow.cells[prediction.subspace][p], prediction.subspace)
                assert bool(prediction.determined[b, p]) == (expected is not None)
                right = {TOKENS[i] for i in np.flatnonzero(prediction.right[b, p])}
                assert right == (expected or set())


def check_value(found: object, cell: Cell) -> None:
    expected = reading(cell)
    if cell is None:
        assert found is Kind.UNKNOWN
    elif isinstance(expected, tuple):
        assert found == expected[0]
    elif expected == EMPTY:
        assert found is Kind.EMPTY
    else:
        assert found is Kind.MIXED


# ------------------------------------------------------------------ laws


@settings(max_examples=60, deadline=None)
@given(programs(), rows_of)
def test_a_prefix_means_what_it_meant_alone(prog: Program, rows: list[list[int]]):
    """Attention is causal: what comes later changes nothing."""
    whole = interpret(prog, np.array(rows), every_position=True)
    n = len(rows[0])
    short = interpret(prog, np.array(rows)[:, : max(1, n - 1)], every_position=True)
    m = max(1, n - 1)
    for long_head, short_head in zip(whole.heads, short.heads, strict=True):
        assert (long_head.status[:, :m] == short_head.status).all()
        assert (long_head.pattern[:, :m, :m] == short_head.pattern).all()
    for long_one, short_one in zip(whole.predictions, short.predictions, strict=True):
        assert (long_one.right[:, :m] == short_one.right).all()


@settings(max_examples=60, deadline=None)
@given(programs(), rows_of)
def test_the_order_of_heads_and_lines_does_not_matter(prog: Program, rows: list[list[int]]):
    def reverse(head: Head) -> Head:
        return Head(
            head.name, head.layer, head.index, head.terms[::-1], head.rests[::-1], head.prefer, head.copies[::-1]
        )

    layers = tuple(tuple(reverse(head) for head in reversed(layer)) for layer in prog.layers)
    turned = program(TOKENS, CONTEXT, ENCODINGS, EMBEDS, layers, prog.predict)
    one, two = interpret(prog, np.array(rows)), interpret(turned, np.array(rows))
    for head in one.heads:
        assert (head.status == two.head(head.name).status).all()
        assert (head.support == two.head(head.name).support).all()
    for left, right in zip(one.predictions, two.predictions, strict=True):
        assert (left.right == right.right).all()
        assert (left.determined == right.determined).all()
