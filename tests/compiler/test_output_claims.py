"""Claims about outputs over tokens, held against plain Python; sums and families; prompts by number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from compiler.claimed_outputs import claimed_ids, complete_by_claims, prompts
from compiler.claims import ValueExpectation
from compiler.program import BLANK, Program
from compiler.resolution import resolve
from compiler.token_values import Spelling, bounds
from dsl.diagnostics import SpecError
from dsl.parser import parse
from tests.compiler.adding import ADDITION

TOP = """
tokens x, 0..4, 12, 5..9, 10, "-1", 007, y
layout a b c d
sequences tokens 0..4 (1 | 10 | 12 | 007 | "-1") tokens
subspace seen : onehot(tokens)
embed token -> seen
predict seen
"""


def claimed(value: str, top: str = TOP, after: str = "c") -> tuple[Program, ValueExpectation]:
    program = resolve(parse(f"{top}expect seen after {after} == {value}\n"))
    (claim,) = program.expectations
    assert isinstance(claim, ValueExpectation)
    return program, claim


# ------------------------------------------------------------------ what a claim is worth

EXPRESSIONS: list[tuple[str, Callable[[str, int, int], int | str]]] = [
    ("token[b]", lambda a, b, c: str(b)),
    ("token[b] + token[c]", lambda a, b, c: b + c),
    ("(token[b] - 9)//2 + 5", lambda a, b, c: (b - 9) // 2 + 5),
    ("-token[b] mod 3", lambda a, b, c: -b % 3),
    ("token[b]//(-2) + 2", lambda a, b, c: b // -2 + 2),
    ("token[b]^2 - 2^3", lambda a, b, c: b**2 - 8),
    ("token[c]^0", lambda a, b, c: 1),
    ("20//(token[b] + 1) mod 13", lambda a, b, c: 20 // (b + 1) % 13),
    ("token[c]//(token[b] + 1)", lambda a, b, c: c // (b + 1)),
    ("token[c]//(token[b] - 5) + 12", lambda a, b, c: c // (b - 5) + 12),
    ("token[c] mod (token[b] + 2)", lambda a, b, c: c % (b + 2)),
    ("token[c] mod (token[b] - 5) + 4", lambda a, b, c: c % (b - 5) + 4),
    ("(token[c] + 20) mod 40 - 20", lambda a, b, c: c),
    ("token[c] mod 7", lambda a, b, c: c % 7),
    ("7", lambda a, b, c: 7),
    ("40 + token[b]", lambda a, b, c: 40 + b),
    ('if token[a] == "x" then "y" else token[a]', lambda a, b, c: "y" if a == "x" else a),
    ('if token[a] != token[d - 1] then 3 else "0"', lambda a, b, c: 3),
    ("if token[b] in {0, 3..4} and token[c] > 1 then 1 else 2", lambda a, b, c: 1 if b in (0, 3, 4) and c > 1 else 2),
    ('if not token[a] in {"x", "5"} or false then 1 else 2', lambda a, b, c: 2 if a in ("x", "5") else 1),
    ("if true then token[b] else 1", lambda a, b, c: b),
    ("if token[b] <= 2 or token[c] >= 12 then 0 else 9", lambda a, b, c: 0 if b <= 2 or c >= 12 else 9),
    ("sum(i*token[b] for i in 1..3)", lambda a, b, c: 6 * b),
    ("sum(sum(i*j for j in 0..i) for i in {1, 2})", lambda a, b, c: 7),
    ("sum(token[i] for i in b..c)", lambda a, b, c: b + c),
    ("sum(1 for i in 3..2)", lambda a, b, c: 0),
]
DIFFERENT = {'if token[a] != token[d - 1] then 3 else "0"'}


@pytest.mark.parametrize(("text", "meaning"), EXPRESSIONS, ids=lambda x: x if isinstance(x, str) else "")
@pytest.mark.parametrize("library", [np, torch], ids=["numpy", "torch"])
def test_a_claim_is_worth_what_python_says(text: str, meaning: Callable[[str, int, int], int | str], library) -> None:  # type: ignore[no-untyped-def]
    program, claim = claimed(text)
    rows = program.sequences.enumerate(4)
    found = claimed_ids(program, claim, library.asarray(rows))
    assert found.shape == (len(rows),) and found.dtype == library.int64
    for row, token in zip(rows, np.asarray(found), strict=True):
        texts = [program.tokens[i] for i in row]
        value = str(meaning(texts[0], int(texts[1]), int(texts[2])))
        if text in DIFFERENT and texts[0] == texts[2]:
            value = "0"
        wanted = program.tokens.index(value) if value in program.tokens else -1
        assert int(token) == wanted, texts


def test_spelling_there_and_back() -> None:
    spelling = Spelling(("a", "3", "4", "007", "9", "8", "-2", "b"))
    ids = np.array([1, 2, 3, 4, 5, 6])
    assert spelling.numbers(ids).tolist() == [3, 4, 7, 9, 8, -2]
    assert spelling.ids(np.array([3, 4, 7, 9, 8, -2, 5, -3])).tolist() == [1, 2, -1, 4, 5, 6, -1, -1]
    assert [spelling.ids(n) for n in (3, 7)] == [1, -1]


@pytest.mark.parametrize("text", [text for text, _ in EXPRESSIONS if "if" not in text and text != "token[b]"])
def test_bounds_enclose_every_value(text: str) -> None:
    program, claim = claimed(text)
    seen: list[int] = []
    low, high = bounds(claim.value, lambda place: {1: (0, 4), 2: (-1, 12)}[place], seen.append)
    tops = dict(EXPRESSIONS)[text]
    values = [int(tops("x", b, c)) for b in range(5) for c in (1, 10, 12, 7, -1)]
    assert low <= min(values) and max(values) <= high
    assert min(seen) <= low and high <= max(seen)


@pytest.mark.parametrize(("factor", "wide"), [(9, False), (10, True)])
def test_numbers_on_both_sides_of_64_bits_are_exact(factor: int, wide: bool) -> None:
    top = TOP.replace("12,", "12, 999999999,").replace("sequences tokens 0..4", "sequences tokens 999999999")
    program, claim = claimed(f"(token[b]^2 + token[b]*2 + 2)*{factor}//7 mod 10", top)
    assert claim.wide == wide
    rows = program.sequences.enumerate(4)
    (worth,) = np.unique(claimed_ids(program, claim, rows))
    assert program.tokens[worth] == str(((10**9 - 1) ** 2 + 2 * (10**9 - 1) + 2) * factor // 7 % 10)
    if wide:
        with pytest.raises(SpecError, match="E0457"):
            claimed_ids(program, claim, torch.asarray(rows))
    else:
        assert set(claimed_ids(program, claim, torch.asarray(rows)).tolist()) == {worth}


def test_wide_claims_complete_texts_too() -> None:
    text = ADDITION.replace("//10^k mod 10", "*10^20//10^(k + 20) mod 10")
    rows = prompts(resolve(parse(ADDITION))).at(np.arange(0, 10_000, 7))
    plain = complete_by_claims(resolve(parse(ADDITION)), rows)
    wide = complete_by_claims(resolve(parse(text)), rows)
    assert (wide.sequences == plain.sequences).all() and wide.sequences.dtype == np.int64
    with pytest.raises(SpecError, match="E0457"):
        complete_by_claims(resolve(parse(text)), torch.asarray(rows))


def test_a_sum_in_a_compute_line() -> None:
    program = resolve(parse(TOP.replace("predict seen", "subspace n : scalar(0..9)\ncompute n = sum(i for i in 0..3)")))
    (line,) = program.computes
    again = resolve(parse(TOP.replace("predict seen", "subspace n : scalar(0..9)\ncompute n = (0 + 1) + (2 + 3)")))
    assert line.value == again.computes[0].value


# ------------------------------------------------------------------ prompts, and texts completed by claims


def test_prompts_by_number_are_those_listed() -> None:
    program = resolve(parse(ADDITION))
    assert program.generate is not None
    found = prompts(program)
    listed = program.generate.prompts.enumerate(9)
    assert (found.count, found.length, found.blanks) == (10_000, 6, (6, 7, 8))
    assert (found.at(np.arange(10_000)) == listed[:, :6]).all()
    assert (listed[:, 6:] == len(program.tokens)).all() and program.generate.prompts.tokens[-1] == BLANK
    some = torch.tensor([9999, 0, 4711])
    assert (found.at(some).numpy() == listed[some.numpy(), :6]).all()


def test_prompts_of_scattered_tokens() -> None:
    program = resolve(parse(TOP))
    found = prompts(program)
    assert found.blanks == () and found.count == 16 * 5 * 5 * 16
    assert (found.at(np.arange(found.count)) == program.sequences.enumerate(4)).all()


def test_completion_by_claims_adds() -> None:
    program = resolve(parse(ADDITION))
    numbers = torch.arange(10_000)
    rows = prompts(program).at(numbers)
    found = complete_by_claims(program, rows)
    a, b, c = (found.sequences[:, [i]].flatten() + 10 * found.sequences[:, [i + 1]].flatten() for i in (0, 3, 6))
    assert (c + 100 * found.sequences[:, 8] == a + b).all()
    assert (found.sequences[:, :6] == rows).all()
    assert [(claim.subspace, claim.after) for claim in found.claims] == [("out", 5), ("out", 6), ("out", 7)]
    assert all((claim.ids == found.sequences[:, claim.after + 1]).all() for claim in found.claims)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("for k in 0..2\n", "for k in 1..2\n", "position 6 is generated"),
        ('"=" 0..9{3}', '"=" (0..8 0..9 | 9 0) 0..9', "depends on other positions"),
        ("generate c[0..2]", "generate c[0], c[2]", "position 7 is free"),
    ],
)
def test_what_cannot_be_completed_by_claims(old: str, new: str, words: str) -> None:
    text = ADDITION.replace(old, new).replace("generate c[0..2]" if "9 0" in new else "never", "")
    program = resolve(parse(text))
    with pytest.raises(SpecError, match="E0459") as caught:
        complete_by_claims(program, np.zeros((1, 6), dtype=np.int64))
    assert words in caught.value.diagnostics[0].message
