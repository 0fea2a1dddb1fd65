"""Whatever a spec says, resolution answers with a program or a diagnostic, and quickly.

Words of the shipped specs are exchanged, dropped and doubled; most results still parse, and mean something else.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from compiler.program import Program
from compiler.resolution import resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.head")) + sorted((ROOT / "tests" / "specs" / "bad").rglob("*.head"))
WORDS = re.compile(r'"[^"]*"|\w+|\.\.|->|[=!<>]=|\S')
_OTHERS = ["0", "-1", "7", "1/2", '"a"', "tokens", "positions", "key", "query", "position", "beta", "(", "]", "10^12"]


def mutant(text: str, generator: random.Random) -> str:
    """``text`` with one to three words replaced by others of its own, dropped or doubled."""
    for _ in range(generator.randint(1, 3)):
        words = list(WORDS.finditer(text))
        place, other = generator.choice(words), generator.choice(words).group()
        fresh = generator.choice([other, other, other, "", place.group() + " " + other, generator.choice(_OTHERS)])
        text = text[: place.start()] + fresh + text[place.end() :]
    return text


def outcome(text: str) -> Program | SpecError:
    try:
        return resolve(parse(text))
    except SpecError as error:
        return error


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_mutant_is_a_program_or_a_diagnostic(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    generator = random.Random(path.name)
    for _ in range(12):
        changed = mutant(text, generator)
        found = outcome(changed)
        if isinstance(found, SpecError):
            assert all(d.message and (d.help or d.label) for d in found.diagnostics)
            assert found.diagnostics[0].render()


def test_the_order_of_declarations_does_not_matter() -> None:
    """Statements of different kinds may change places: the program says the same."""
    text = (ROOT / "specs" / "library" / "induction.head").read_text(encoding="utf-8")
    spec = parse(text)
    kinds = sorted(spec.statements, key=lambda s: type(s).__name__)
    turned = type(spec)(tuple(kinds), span=spec.span)
    assert turned.statements != spec.statements
    assert resolve(turned) == resolve(spec)
