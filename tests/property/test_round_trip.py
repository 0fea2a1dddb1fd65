"""Laws of the printer: it says what the tree says, keeps every comment, and printing twice changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dsl import expressions as E
from dsl import token_patterns as P
from dsl import tree as T
from dsl.parser import parse, parse_expression
from dsl.printing.expressions import print_expression
from dsl.printing.printer import print_spec
from tests.property import trees

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.head"))
slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])


@slow
@given(trees.expressions)
def test_expression_survives_its_text(expression: E.Expr) -> None:
    assert parse_expression(print_expression(expression)) == expression


@slow
@given(trees.patterns)
def test_pattern_survives_its_text(pattern: P.Pattern) -> None:
    spec = T.Spec((T.SequencesDecl(pattern),))
    assert parse(print_spec(spec)) == spec


@slow
@given(trees.specs)
def test_tree_survives_its_text(spec: T.Spec) -> None:
    text = print_spec(spec)
    assert parse(text) == spec
    assert print_spec(parse(text)) == text


@slow
@given(trees.specs, st.data())
def test_comments_and_blank_lines_survive(spec: T.Spec, data: st.DataObject) -> None:
    text = _sprinkle(print_spec(spec), data)
    tree = parse(text)
    printed = print_spec(tree)
    again = parse(printed)
    assert tree == spec
    assert again == spec
    assert print_spec(again) == printed
    assert sorted(c.text for c in again.comments) == sorted(c.text for c in tree.comments)


def _sprinkle(text: str, data: st.DataObject) -> str:
    """``text`` with comments at the ends of lines and between them, and blank lines."""
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        kind = data.draw(st.sampled_from(("leave", "leave", "trail", "above", "blank")))
        indent = " " * data.draw(st.integers(0, 6)) if kind == "above" else ""
        lines += {"above": [f"{indent}# above {number}"], "blank": ["", ""]}.get(kind, [])
        lines.append(f"{line} #trail {number}" if kind == "trail" else line)
    return "\n".join(lines)


@example("a - (b - c)", "a - (b - c)")
@example("(a - b) - c", "a - b - c")
@example("(a ^ b) ^ c", "(a^b)^c")
@example("a ^ (b ^ c)", "a^b^c")
@example("-(a ^ 2)", "-a^2")
@example("(-a) ^ 2", "(-a)^2")
@example("a * (-b)", "a*-b")
@example("not (a == b)", "not a == b")
@example("(not a) and b", "not a and b")
@example("not (a and b)", "not (a and b)")
@example("(a or b) and c", "(a or b) and c")
@example("(1/2) * key.a + 1", "1/2 * key.a + 1")
@example("2 * pi / 10", "2*pi/10")
@example("0.50", "0.5")
@given(st.just("1"), st.just("1"))
def test_parentheses_are_the_fewest(written: str, canonical: str) -> None:
    assert print_expression(parse_expression(written)) == canonical


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_specs_of_the_library_survive(path: Path) -> None:
    tree = parse(path.read_text(encoding="utf-8"), path.name)
    printed = print_spec(tree)
    again = parse(printed)
    assert again == tree
    assert print_spec(again) == printed
    assert [c.text for c in again.comments] == [c.text for c in tree.comments]
