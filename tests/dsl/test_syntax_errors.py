"""How syntax errors read: the whole rendering of every bad spec, against golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.catalogue.syntax import ENTRIES
from dsl.diagnostics import SpecError
from dsl.mistakes.expectations import FORMS, keywords, phrase
from dsl.parser import parse
from dsl.words import OPENERS
from tests.dsl.goldens import GOLDEN, compare

BAD = sorted((Path(__file__).parents[1] / "specs" / "bad" / "syntax").glob("*.head"))


def render(text: str, name: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text, name)
    return "\n\n".join(diagnostic.render() for diagnostic in caught.value.diagnostics) + "\n"


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_messages(path: Path) -> None:
    compare(GOLDEN / "syntax_errors" / f"{path.stem}.txt", render(path.read_text(encoding="utf-8"), path.name))


def test_no_golden_is_left_over() -> None:
    assert sorted(p.stem for p in (GOLDEN / "syntax_errors").glob("*.txt")) == [p.stem for p in BAD]


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_every_message_helps(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        parse(path.read_text(encoding="utf-8"))
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.span is not None
        assert diagnostic.label
        assert diagnostic.help
        assert "__ANON" not in str(diagnostic) and "_WHEN" not in diagnostic.render()


def test_every_syntax_code_occurs_in_a_bad_spec() -> None:
    announced = "".join(path.read_text(encoding="utf-8") for path in BAD)
    assert [e.code for e in ENTRIES if e.code not in announced] == []


def test_every_keyword_has_its_form() -> None:
    assert set(FORMS) == set(OPENERS)


def test_phrases() -> None:
    assert phrase({"NAME", "COLON"}) == "a name or `:`"
    assert phrase({"NUMBER", "LPAR", "LSQB", "NAME", "MINUS", "RPAR"}) == "an expression or `)`"
    assert phrase({"PLUS", "STAR", "_WHEN", "$END"}) == "an operator, `when` or the end of the line"
    assert phrase(set()) == ""
    assert keywords({"_WHEN", "AND", "SOURCE", "COLON"}) == ("and", "position", "token", "when")
