"""Every spec under ``tests/specs/bad`` fails exactly as its comments say.

An expectation is a comment that starts with ``#!``: codes with the column they point at, separated by commas.

    attend key.a = query.b      #! E0112 16           this line, column 16
    #! ^ E0104 19                                     the next line (where a comment there would change the error)
    rest key.a == "abc
    #! E0401 nowhere                                  an error without a place

The check stops where the user's would: parse, then resolve, and, if a line ``# phase: compile`` appears, compile.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.diagnostics import SpecError
from dsl.parser import parse

BAD = Path(__file__).parent / "specs" / "bad"
SPECS = sorted(BAD.rglob("*.head"))
_ITEM = re.compile(r"\s*(E\d{4}) (\d+|nowhere)\s*")

Place = tuple[str, int, int]


def expectations(text: str) -> set[Place]:
    """The (code, line, column) that the comments of ``text`` announce; line and column are 0 for ``nowhere``."""
    found: set[Place] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        _, marker, announced = line.partition("#!")
        if not marker:
            continue
        below = line.lstrip().startswith("#!") and announced.lstrip().startswith("^")
        for item in announced.replace("^", "", 1).split(","):
            match = _ITEM.fullmatch(item)
            assert match is not None, f"line {number}: `{item}` is no expectation"
            place = (0, 0) if match[2] == "nowhere" else (number + below, int(match[2]))
            found.add((match[1], *place))
    return found


def mistakes(text: str) -> set[Place]:
    """The (code, line, column) of everything the full check finds in ``text``."""
    try:
        spec = parse(text)
        from compiler.resolution import resolve

        program = resolve(spec)
        if re.search(r"^# phase: compile$", text, re.MULTILINE):
            from compiler.pipeline import compile_program

            compile_program(program)
    except SpecError as error:
        return {
            (d.code, d.span.line, d.span.column) if d.span is not None else (d.code, 0, 0) for d in error.diagnostics
        }
    return set()


@pytest.mark.parametrize("path", SPECS, ids=lambda p: str(p.relative_to(BAD)))
def test_bad_spec_fails_as_its_comments_say(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = expectations(text)
    assert expected, "a bad spec announces at least one error"
    assert mistakes(text) == expected


def test_runner_reads_its_own_notation() -> None:
    text = 'a  #! E0101 3, E0102 4\n  #! ^ E0104 19\nb "x\n#! E0401 nowhere\n'
    assert expectations(text) == {("E0101", 1, 3), ("E0102", 1, 4), ("E0104", 3, 19), ("E0401", 0, 0)}


def test_runner_sees_a_missing_and_a_surplus_error() -> None:
    assert mistakes("tokens a,\n") == {("E0119", 1, 10)}
    assert mistakes("tokens a,\n") != expectations("tokens a,  #! E0119 9\n")
