"""Spans, excerpts and diagnostics."""

from __future__ import annotations

import pytest

from dsl.diagnostics import Collector, Diagnostic, Note, SpecError, did_you_mean
from dsl.span import Source, Span, render_excerpt

SOURCE = Source("a.head", "model m\n\tcopy key.a\nlast")


def test_lines_and_columns_count_from_one() -> None:
    assert SOURCE.line_column(0) == (1, 1)
    assert SOURCE.line_column(8) == (2, 1)
    assert SOURCE.line_column(len(SOURCE.text)) == (3, 5)
    assert [SOURCE.line(n) for n in (0, 1, 3, 4)] == ["", "model m", "last", ""]


def test_tabs_are_kept_under_the_line() -> None:
    assert render_excerpt(Span(9, 13, SOURCE), "here") == "  |\n2 | \tcopy key.a\n  | \t^^^^ here"


def test_a_span_over_several_lines_is_underlined_on_its_first() -> None:
    assert render_excerpt(Span(14, 24, SOURCE)).endswith(" ^^^^^")


def test_of_a_long_line_the_part_around_the_span_is_shown() -> None:
    source = Source("long.head", "a" * 1000 + "wrong" + "b" * 1000)
    _, shown, underlined = render_excerpt(Span(1000, 1005, source), "here").split("\n")
    assert len(shown) < 250 and shown.startswith("1 | ... a") and shown.endswith("b ...")
    at = underlined.index("^^^^^ here")
    assert shown[at : at + 5] == "wrong"


def test_characters_that_a_terminal_would_obey_are_not_printed() -> None:
    excerpt = render_excerpt(Span(7, 8, Source("a.head", "model \x1b[2J\x07\u202e")))
    assert excerpt.split("\n")[1] == "1 | model \ufffd[2J\ufffd\ufffd"


def test_rendering_a_diagnostic() -> None:
    note = Note(Span(0, 5, SOURCE), "declared here")
    found = Diagnostic("E0111", "it is wrong", Span(20, 24, SOURCE), "this", "do that", (note,), ("1 > 0",))
    assert found.render().split("\n") == [
        "error[E0111]: it is wrong",
        " --> a.head:3:1",
        "  |",
        "3 | last",
        "  | ^^^^ this",
        "  |",
        "1 | model m",
        "  | ^^^^^ declared here",
        "  = 1 > 0",
        "  = help: do that",
    ]


def test_json_has_the_same_facts() -> None:
    found = Diagnostic("E0111", "it is wrong", Span(20, 24, SOURCE), "this", "do that", (), ("f",)).to_json()
    assert (found["file"], found["line"], found["column"], found["label"]) == ("a.head", 3, 1, "this")
    assert Diagnostic("E0601", "no place").to_json()["line"] is None


def test_errors_are_sorted_by_place_and_collected_once() -> None:
    collector = Collector()
    collector.check()
    for start in (9, 0, 9):
        collector.add("E0111", "wrong", Span(start, start + 1, SOURCE))
    with pytest.raises(SpecError) as caught:
        collector.check()
    assert [d.span.start for d in caught.value.diagnostics if d.span] == [0, 9]


def test_many_mistakes_are_counted_not_printed() -> None:
    found = [Diagnostic("E0111", f"number {n}.") for n in range(45)]
    error = SpecError(found)
    assert str(error).count("error[") == 20 and str(error).endswith("\n\nand 25 more")
    assert len(error.diagnostics) == 45


def test_an_error_without_a_diagnostic_is_our_bug() -> None:
    with pytest.raises(AssertionError):
        SpecError([])


def test_did_you_mean() -> None:
    assert did_you_mean("atend", ["attend", "avoid"]) == "did you mean `attend`?"
    assert did_you_mean("xyz", ["attend"]) is None
    assert did_you_mean("ATTEND", ["avoid", "attend"]) == "did you mean `attend`?"
    assert did_you_mean("W_q", ["W_V", "W_Q", "W_K"]) == "did you mean `W_Q`?"
    assert did_you_mean("Atend", ["attend", "avoid"]) == "did you mean `attend`?"
