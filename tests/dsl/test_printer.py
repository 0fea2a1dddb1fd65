"""The formatter on messy text; the laws are in ``tests/property/test_round_trip.py``."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dsl import expressions as E
from dsl import token_patterns as P
from dsl import tree as T
from dsl.parser import parse, parse_expression
from dsl.printing.expressions import print_expression
from dsl.printing.printer import print_spec
from tests.dsl.goldens import GOLDEN, compare

MESSY = sorted((GOLDEN / "format").glob("*.messy"))


@pytest.mark.parametrize("path", MESSY, ids=lambda p: p.stem)
def test_messy_text_is_formatted(path) -> None:  # type: ignore[no-untyped-def]
    printed = print_spec(parse(path.read_text(encoding="utf-8")))
    compare(path.with_suffix(".head"), printed)
    assert print_spec(parse(printed)) == printed


def test_no_golden_is_left_over() -> None:
    assert sorted(p.stem for p in (GOLDEN / "format").glob("*.head")) == [p.stem for p in MESSY]


def test_a_built_tree_gets_blank_lines_between_its_parts() -> None:
    spec = T.Spec((T.ModelDecl("m"), T.TokensDecl((P.TokenItem("a"),)), T.PredictDecl("c"), T.PredictDecl("d")))
    assert print_spec(spec) == "model m\n\ntokens a\n\npredict c\npredict d\n"


def test_empty() -> None:
    assert print_spec(T.Spec(())) == ""
    assert print_spec(parse("# only this")) == "# only this\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [("1/10", "0.1"), ("5/4", "1.25"), ("1/3", "1/3"), ("-2", "-2"), ("1/1024", "0.0009765625"), ("100", "100")],
)
def test_numbers_are_printed_exactly(value: str, text: str) -> None:
    assert print_expression(E.Number(Fraction(value))) == text


def test_a_number_without_decimals_is_set_apart() -> None:
    third = E.Number(Fraction(1, 3))
    assert print_expression(E.Binary("^", third, E.Number(Fraction(-2)))) == "(1/3)^-2"


@pytest.mark.parametrize(
    "text", ["1/2 * key.a + 1", "2*pi/10", "a^2", "cos(a)*where.cos0 - sin(a)*where.sin0", "a mod 2 // 3"]
)
def test_canonical_spacing(text: str) -> None:
    printed = print_expression(parse_expression(text))
    assert parse_expression(printed) == parse_expression(text)
    assert printed == text.replace(" // ", "//")
