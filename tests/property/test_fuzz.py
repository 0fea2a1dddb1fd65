"""Spoiled specs: whatever is done to a good one, the answer is a program or a ``SpecError``, in bounded time."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.pipeline import compile_program
from compiler.resolution import resolve
from dsl.catalogue import CATALOGUE
from dsl.diagnostics import SpecError
from dsl.parser import MAX_CHARACTERS, parse, parse_expression
from dsl.printing.printer import print_spec

GOOD = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "specs").rglob("*.head"))]
SECONDS = 30.0
_PIECE = re.compile(r"\w+|[ ]+|\n|->|.", re.DOTALL)
_STRAY = [
    "",
    "\t",
    "(",
    "]",
    '"',
    "#",
    "->",
    "=",
    "..",
    "-1",
    "0",
    "99999999999",
    "1/0",
    "key.",
    "when",
    "é",
    "\0",
    "\ud800",
]


def spoil(text: str, rng: random.Random) -> str:
    """``text`` after one to four small accidents to its words, its lines or its characters."""
    for _ in range(rng.randint(1, 4)):
        pieces = text.splitlines(keepends=True) if rng.random() < 0.4 else _PIECE.findall(text)
        if not pieces:
            return rng.choice(_STRAY)
        i, j = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        match rng.randrange(6):
            case 0:
                del pieces[i]
            case 1:
                pieces.insert(i, pieces[j])
            case 2:
                pieces[i], pieces[j] = pieces[j], pieces[i]
            case 3:
                pieces[i] = rng.choice(_STRAY)
            case 4:
                pieces.insert(i, chr(rng.randrange(0x250)))
            case _:
                pieces = pieces[:i]
        text = "".join(pieces)
    return text


def check(text: str) -> None:
    """Parses and resolves; only ``SpecError`` may come out.  What parses, prints, and says the same again."""
    start = time.monotonic()
    try:
        spec = parse(text)
        assert parse(print_spec(spec)) == spec
        resolve(spec)
    except SpecError as error:
        assert str(error)
    assert time.monotonic() - start < SECONDS


@given(st.integers(0, 10**9))
def test_spoiled_specs_get_an_answer(seed: int) -> None:
    rng = random.Random(seed)
    check(spoil(rng.choice(GOOD), rng))


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    check(text)
    try:
        parse_expression(text)
    except SpecError as error:
        assert str(error)


@given(st.lists(st.sampled_from([*" \n\t(){}[]\"'#=<>-+*/^.,:|?abc01", "layer", "head", "attend", "tokens "])))
def test_any_signs_get_an_answer(words: list[str]) -> None:
    check("".join(words))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "param k = " + "-" * 100_000 + "1",
        "param k = " + "not " * 20_000 + "1",
        "param k = " + "2^" * 20_000 + "2",
        "param k = 1" + "+1" * 20_000,
        "param k = " + "9" * 100_000,
        "sequences a" + "?" * 20_000,
        ")\n" * 50_000,
        "foo\n" * 50_000,
        '"' * 100_001,
        "\0" * 100_000,
        "".join(" " * i + "layer\n" for i in range(300)),
        "x" * (MAX_CHARACTERS + 1),
    ],
    ids=lambda t: f"{t[:12]!r} {len(t)}",
)
def test_hostile_text_is_refused(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(SpecError):
        parse(text)
    assert time.monotonic() - start < SECONDS


SMALL = [text for entry in CATALOGUE.values() for text in (entry.example, entry.mended) if text]


@pytest.mark.slow
@given(st.integers(0, 10**9))
def test_spoiled_small_specs_compile_or_are_refused(seed: int) -> None:
    rng = random.Random(seed)
    start = time.monotonic()
    try:
        program = resolve(parse(spoil(rng.choice(SMALL), rng)))
        if program.context <= 64 and program.width <= 200:
            compile_program(program)
    except SpecError as error:
        assert str(error)
    assert time.monotonic() - start < SECONDS
