"""Numbers, texts and names from outside."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dsl.diagnostics import SpecError
from headspec.commands.run import find_queries, position_names
from headspec.files import read_text, write_text
from headspec.settings import exact_settings, parse_rational, parse_settings
from headspec.words import read_tokens


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", Fraction(3)),
        ("-3/2", Fraction(-3, 2)),
        ("+0.25", Fraction(1, 4)),
        (" 7 ", Fraction(7)),
        ("0.1", Fraction(1, 10)),
    ],
)
def test_rationals(text: str, value: Fraction) -> None:
    assert parse_rational(text) == value


@pytest.mark.parametrize(
    "text", ["", "1e3", "nan", "inf", "1_000", "0x10", "1/0", "a", "1//2", "--3", "1.", ".5", "１", "9" * 41]
)
def test_what_is_no_rational(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rational(text)


def test_settings() -> None:
    assert parse_settings(["a=1", "b_2 = 3/2"]) == {"a": Fraction(1), "b_2": Fraction(3, 2)}
    assert exact_settings({"a": 1, "b": "1/3", "c": 0.5, "d": Fraction(2)})["b"] == Fraction(1, 3)


@pytest.mark.parametrize("value", [True, None, float("nan"), float("inf"), "x", [1]])
def test_settings_that_are_no_numbers(value: object) -> None:
    with pytest.raises(SpecError) as caught:
        exact_settings({"a": value})
    assert caught.value.diagnostics[0].code == "E0604"


TOKENS = ("<bos>", "a", "b", "ab", "(")


@pytest.mark.parametrize(
    ("text", "ids"),
    [("<bos> a b", (0, 1, 2)), ("<bos>ab(a", (0, 3, 4, 1)), ("  a\tb\n", (1, 2)), ("aab", (1, 3))],
)
def test_texts_become_tokens(text: str, ids: tuple[int, ...]) -> None:
    assert read_tokens(text, TOKENS, 8) == ids


@pytest.mark.parametrize("text", ["", "   ", "a c", "<bos> a a a a a a a a", "<bso>"])
def test_texts_that_are_no_tokens(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_tokens(text, TOKENS, 8)
    assert caught.value.diagnostics[0].code == "E0607"


def test_the_unknown_word_is_underlined() -> None:
    with pytest.raises(SpecError) as caught:
        read_tokens("a b a <bso>", TOKENS, 8)
    assert "did you mean `<bos>`?" in str(caught.value)
    assert "      ^^^^^ not a token" in str(caught.value)


def test_queries_by_position_slot_and_token() -> None:
    tokens, names = ("1", "*", "2", "="), ("a0", "*", "b0", "c0")
    assert find_queries("3,1", names, tokens) == [3, 1]
    assert find_queries("c0, *", names, tokens) == [3, 1]
    assert find_queries("=", names, tokens) == [3]
    assert find_queries("name:1", names, tokens) == [0]
    for bad in ("9", "c7", "", "-1"):
        with pytest.raises(SpecError):
            find_queries(bad, names, tokens)


def test_slot_names_must_be_as_many_as_tokens() -> None:
    assert position_names("x y", ("a", "b")) == ("x", "y")
    assert position_names(None, ("a", "b")) == ("a", "b")
    with pytest.raises(SpecError):
        position_names("x", ("a", "b"))


def test_texts_are_read_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.head"
    path.write_bytes("\ufeffmodel x\r\n# é\r".encode())
    assert read_text(path) == "model x\n# é\n"


def test_writing_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "x.head"
    write_text(path, "one")
    path.chmod(0o640)
    write_text(path, "two")
    assert path.read_text() == "two" and path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(SpecError) as caught:
        write_text(path, "three", overwrite=False)
    assert caught.value.diagnostics[0].code == "E0605" and path.read_text() == "two"
    with pytest.raises(SpecError):
        write_text(tmp_path / "no" / "folder", "x")
