"""What is said of a compute line's inputs holds on every valid sequence, as the reference meaning has it."""

from __future__ import annotations

import itertools
import random

import numpy as np

from compiler.program import Program
from compiler.reference import interpret
from compiler.reference.values import Kind
from compiler.resolution import resolve
from compiler.resolution.inputs import ABSENT, Inputs
from compiler.resolution.intervals import Known, bounds
from dsl.parser import parse

STAGE = """\
tokens 0..2, "+", "."
context 5
table turn: 0 -> 2, 1 -> 0
subspace letter : onehot(tokens)
subspace digit : onehot(0..2)
subspace where : quadratic(positions)
subspace place : onehot(positions)
embed token -> letter
embed token -> digit
embed position -> where
embed position -> place
"""
SEQUENCES = ('(0..2){1,3} "+" (0..2)?', '(0..1){L} "+" (0..2){L}', "tokens{1,4}", '("." | 0..2){2,4}')
ATTENDS = (
    "attend key.where == query.where - 1",
    'attend key.letter == "+"',
    "attend key.letter == query.letter",
    "attend key.digit in {0, 2}",
    "attend key.place in {0, 1, 2} when query.digit == 1",
    'avoid key.letter == "."',
    "attend key.digit == query.digit + 1",
)
COPIES = {
    "key.digit": "onehot(0..2)",
    "key.where": "quadratic(positions)",
    "key.place - 1": "onehot(-1..3)",
    "key.letter": "onehot(tokens)",
    "key.digit through turn": "onehot(0..2)",
}


def drawn(rng: random.Random) -> Program:
    lines = [f"{STAGE}sequences {rng.choice(SEQUENCES)}"]
    for i in range(2):
        copy, encoding = rng.choice(list(COPIES.items()))
        lines += [f"subspace out{i} : {encoding}", f"subspace more{i} : onehot(0..2)", "layer", f"  head h{i}"]
        lines += [f"    {line}" for line in rng.sample(ATTENDS, rng.randrange(1, 3))]
        lines += ['    rest key.letter == "+"'] if rng.random() < 0.4 else []
        lines += ["    prefer latest by where"] if rng.random() < 0.5 else []
        lines += [f"    copy {copy} -> out{i}", f"    copy key.digit -> more{rng.randrange(2)}"]
    return resolve(parse("\n".join(lines) + "\nlayer\n  compute digit = 0\n"))


def shown(p: Program, names: list[str]) -> dict[str, np.ndarray]:
    """What each of ``names`` shows at every position of every valid sequence; ABSENT where it shows nothing."""
    found: dict[str, list[int]] = {name: [] for name in names}
    ids = {token: i for i, token in enumerate(p.tokens)}
    for length in p.sequences.lengths():
        meaning = interpret(p, p.sequences.enumerate(length), with_values=True)
        for name in names:
            reading = meaning.values[name]
            values = {int(c): meaning.codec.value(int(c)) for c in np.unique(reading.code[reading.kind == Kind.PURE])}
            codes = {c: ids[v] if isinstance(v, str) else int(v) for c, v in values.items()}
            pure = (reading.kind == Kind.PURE).ravel()
            found[name] += [codes[int(c)] if p else ABSENT for c, p in zip(reading.code.ravel(), pure, strict=True)]
    return {name: np.array(values) for name, values in found.items()}


def test_every_combination_that_occurs_is_in_the_table() -> None:
    rng = random.Random(1)
    narrower = 0
    for _ in range(25):
        p = drawn(rng)
        spaces = {s.name: s for s in p.subspaces}
        inputs = Inputs(p.tokens, spaces, p.embeds, p.layers, (), p.sequences)
        names = [n for n in spaces if n != "digit"]
        everywhere = shown(p, names)
        for pair in itertools.combinations(names, 2):
            table = inputs.table(pair, 2)
            assert table is not None
            rows = set(zip(*(table.columns[name].tolist() for name in pair), strict=True))
            columns = np.stack([everywhere[name] for name in pair])
            occurring = {tuple(row) for row in np.unique(columns, axis=1).T.tolist() if ABSENT not in row}
            numbers = [n for n in pair if n.startswith(("out", "more")) and _is_number(p, n)]
            occurring = {row for row in occurring if not _unwritten(pair, row, numbers)}
            assert occurring <= rows, (p.text, pair, occurring - rows)
            everything = len(inputs.all_values(pair[0])) * len(inputs.all_values(pair[1]))
            narrower += len(rows) < everything
            drawn_rows = inputs.draw(pair, 2, np.random.default_rng(0), 50)
            assert set(zip(*(drawn_rows.columns[name].tolist() for name in pair), strict=True)) <= rows
            for (a, b), least in inputs.apart(pair, 2).items():
                assert all(row[pair.index(a)] - row[pair.index(b)] >= least for row in rows)
    assert narrower > 100


def _is_number(p: Program, name: str) -> bool:
    return type(p.subspace(name).encoding).__name__ in ("Quadratic", "ScalarValue")


def _unwritten(pair: tuple[str, ...], row: tuple[int, ...], numbers: list[str]) -> bool:
    """A number to which nothing was written shows 0, whatever it could hold."""
    return any(row[pair.index(name)] == 0 for name in numbers)


def test_bounds_hold_what_they_bound() -> None:
    from tests.compiler.test_programs import NoValue, _drawn, _evaluate

    rng = random.Random(2)
    stage = "tokens 0..3\ncontext 3\ntable next: 0 -> 1, 1 -> 2, 2 -> 0\nsubspace digit : onehot(0..3)\n"
    stage += "subspace other : onehot(0..2)\nembed token -> digit\nembed position -> other\n"
    from compiler.resolution.scope import Scope, Table
    from compiler.resolution.typed_values import typed
    from dsl.diagnostics import SpecError
    from dsl.parser import parse_expression
    from dsl.span import Span

    p = resolve(parse(stage))
    table = Table("next", (0, 1, 2), ((1,), (2,), (0,)), False, Span())
    scope = Scope(subspaces={s.name: s for s in p.subspaces}, tables={"next": table}, tokens=p.tokens)
    for _ in range(100):
        text = _drawn(rng, rng.randrange(1, 4))
        tree = parse_expression(text)
        try:
            value, _ = typed(scope, tree)
        except SpecError:
            continue
        for apart in ({}, {("digit", "other"): 0}):
            found = bounds(value, Known({"digit": (0, 3), "other": (0, 2)}, apart))
            for digit, other in itertools.product(range(4), range(3)):
                if apart and digit < other:
                    continue
                try:
                    result = _evaluate(tree, {"digit": digit, "other": other})
                    assert found.low <= result <= found.high, text
                except NoValue:
                    assert not found.certain, text
