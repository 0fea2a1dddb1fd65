"""The catalogue is complete, and each of its examples does what it says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from dsl.answers.formulas import parse_formula
from dsl.answers.reading import parse_answer
from dsl.catalogue import CATALOGUE, MODULES
from dsl.catalogue.entry import Entry
from dsl.diagnostics import SpecError
from dsl.parser import parse

ROOT = Path(__file__).parents[2]
PACKAGES = ("dsl", "compiler", "backends", "headspec")
WITH_EXAMPLE = [entry for entry in CATALOGUE.values() if entry.example]


def codes(text: str, phase: str) -> set[str]:
    """The codes that the check of ``text`` up to ``phase`` reports."""
    try:
        if phase in ("answer", "formula"):
            parse_answer(text) if phase == "answer" else parse_formula(text)
            return set()
        spec = parse(text)
        if phase != "parse":
            from compiler.resolution import resolve

            program = resolve(spec)
        if phase == "compile":
            from compiler.pipeline import compile_program

            compile_program(program)
    except SpecError as error:
        return {d.code for d in error.diagnostics}
    return set()


def codes_in_source() -> set[str]:
    files = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py") if "catalogue" not in p.parts]
    return {code for file in files for code in re.findall(r'"(E0\d{3})"', file.read_text(encoding="utf-8"))}


def test_every_code_in_use_is_explained() -> None:
    assert sorted(codes_in_source() - set(CATALOGUE)) == []


def test_no_entry_is_left_over() -> None:
    assert sorted(set(CATALOGUE) - codes_in_source()) == []


def test_no_code_is_explained_twice() -> None:
    counts = Counter(entry.code for module in MODULES for entry in module.ENTRIES)
    assert [code for code, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda e: e.code)
def test_entry_is_whole(entry: Entry) -> None:
    assert re.fullmatch(r"E0\d{3}", entry.code)
    assert entry.title and not entry.title.endswith(".")
    assert len(entry.explanation) > 40 and entry.explanation.endswith(".")
    assert bool(entry.example) == bool(entry.mended)
    assert entry.phase in ("parse", "resolve", "compile", "answer", "formula")


@pytest.mark.parametrize("entry", WITH_EXAMPLE, ids=lambda e: e.code)
def test_example_triggers_its_code_and_the_mended_one_does_not(entry: Entry) -> None:
    assert entry.code in codes(entry.example, entry.phase)
    assert entry.code not in codes(entry.mended, entry.phase)


@pytest.mark.parametrize("entry", [e for e in WITH_EXAMPLE if e.phase in ("answer", "formula")], ids=lambda e: e.code)
def test_examples_of_answers_have_one_mistake_and_mend_to_none(entry: Entry) -> None:
    assert codes(entry.example, entry.phase) == {entry.code}
    assert codes(entry.mended, entry.phase) == set()


@pytest.mark.parametrize("entry", [e for e in WITH_EXAMPLE if e.phase == "parse"], ids=lambda e: e.code)
def test_syntax_examples_have_one_mistake_and_mend_to_none(entry: Entry) -> None:
    assert codes(entry.example, "parse") == {entry.code}
    assert codes(entry.mended, "resolve") == set()
