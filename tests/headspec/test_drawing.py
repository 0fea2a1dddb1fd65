"""Patterns in the terminal and in files."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from dsl.diagnostics import SpecError
from headspec.pictures.patterns import draw_pattern, draw_queries, draw_row, draw_run
from headspec.pictures.plotting import notebook_html, pack, render_plot
from headspec.run_result import RunResult
from headspec.terminal import Style

NASTY = ("<bos>", "</script><img src=x onerror=alert(1)>", "\"&'", "a", "\x1b[31m", "@DATA@")


def make_run(tokens: tuple[str, ...]) -> RunResult:
    n = len(tokens)
    uniform = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    previous = np.zeros((n, n))
    previous[np.arange(n), np.maximum(0, np.arange(n) - 1)] = 1
    heads = ((0, 0, "previous"), (0, 1, "idle"), (1, 0, "last"))
    return RunResult(
        tokens, tokens[-1], 1.5, (np.stack([previous, uniform]), uniform[None]), np.zeros((n, 3)), heads, True
    )


class Reader(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_html_escapes_what_tokens_say() -> None:
    page = render_plot(make_run(NASTY), "html", title="</title><img>", about="<b>").decode()
    reader = Reader()
    reader.feed(page)
    assert "img" not in reader.tags and "b" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert data is not None
    found = json.loads(data[1])
    assert found["tokens"] == list(NASTY)
    assert [head["name"] for head in found["heads"]] == ["previous", "idle", "last"]


def test_html_reaches_no_network() -> None:
    page = render_plot(make_run(("<bos>", "a")), "html", title="x").decode()
    reader = Reader()
    reader.feed(page)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name in ("src", "href", "action")]
    assert "default-src 'none'" in page
    page = re.sub(r'"weights":"[^"]*"', "", page)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttpRequest|innerHTML|document\.write|eval\(", page)


def test_packed_weights_can_be_read_back() -> None:
    pattern = np.array([[1.0, 0.0], [0.25, np.nan]])
    values = np.frombuffer(base64.b64decode(pack(pattern)), dtype="<u2")
    assert values.tolist() == [65534, round(65534 / 4), 65535]


def test_svg_is_well_formed_and_safe() -> None:
    drawing = render_plot(make_run(NASTY), "svg", title="<t>").decode()
    root = ET.fromstring(drawing)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "style", "text", "tspan", "g", "rect", "title", "polygon"}
    cells = [e for e in root.iter() if e.tag.endswith("rect") and any(c.tag.endswith("title") for c in e)]
    assert len(cells) == 3 * 6 * 7 / 2
    assert notebook_html(make_run(("a",))).startswith("<div><svg")


def test_a_long_svg_leaves_out_faint_cells() -> None:
    drawing = render_plot(make_run(("a",) * 400), "svg", title="long")
    assert len(drawing) < 200_000
    written = [text for element in ET.fromstring(drawing).iter() if (text := element.text) and text.isdigit()]
    assert {"0", "50"} <= set(written)  # positions, where tokens would not fit
    ET.fromstring(drawing)


def test_png_or_a_helpful_word() -> None:
    try:
        picture = render_plot(make_run(("$x$", "a_b")), "png", title="t")
    except SpecError as error:
        assert error.diagnostics[0].code == "E0609"
    else:
        assert picture.startswith(b"\x89PNG")


# ------------------------------------------------------------------ terminal


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("count", [1, 2, 7, 30, 64, 300])
def test_drawings_fit_the_terminal(width: int, count: int) -> None:
    run = make_run(tuple("abcdefgh"[i % 8] for i in range(count)))
    for pattern in run.patterns[0]:
        assert max(map(len, draw_pattern(run.tokens, pattern, Style(width)))) <= width


def test_a_terminal_gets_no_control_characters_from_tokens() -> None:
    run = make_run(NASTY)
    for style in (Style(), Style(unicode=False)):
        text = draw_run(run, style) + draw_queries(run, [5], run.tokens, style)
        assert "\x1b" not in text
    assert "\x1b[38;5;" in draw_run(run, Style(colour=True)) and "\x1b[31m" not in draw_run(run, Style(colour=True))


def test_ascii_when_blocks_cannot_be_shown() -> None:
    assert draw_run(make_run(("a", "b", "c")), Style(unicode=False)).isascii()


def test_a_query_table_names_positions() -> None:
    text = draw_queries(make_run(("1", "2", "3")), [2], ("a0", "b0", "c0"))
    assert "query c0 (position 2, token 3)" in text
    assert re.search(r"L0H0 previous +0\.00 +1\.00 +0\.00 +b0 1\.00", text)
    assert re.search(r"L0H1 idle .* uniform", text)


@pytest.mark.parametrize(("count", "tables"), [(10, 1), (20, 2), (400, 0)])
def test_a_query_table_of_many_keys_is_split(count: int, tables: int) -> None:
    names = tuple(f"k{i}" for i in range(count))
    text = draw_queries(make_run(("a",) * count), [count - 1], names, Style(100))
    assert text.count("  head ") == tables and text.count("top keys") == min(1, tables)
    assert all(len(line) <= 100 for line in text.splitlines())
    heading = " ".join(line for line in text.splitlines() if line.startswith("  head "))
    assert [word for word in heading.split() if word in names] == list(names if tables else ())


def test_a_worst_row_shows_what_was_expected() -> None:
    lines = draw_row(("a", "b"), (0.25, float("nan")), (0.0, 1.0))
    assert "0.25000" in lines[1] and "nan" in lines[2] and lines[2].endswith("1.00000")
