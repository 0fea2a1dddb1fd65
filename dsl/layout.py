"""Text -> indented lines: comments, strings, brackets and indentation, before any grammar.

In: a ``Source`` whose newlines are ``\\n``.  Out: ``Layout``: the logical lines as a forest (a line's block
hangs below it), the comments, and the text with its comments blanked, so that offsets stay true.  A line goes
on inside brackets and after a comma at its end.  Mistakes go to the ``Collector``; a line that has one is kept, with
``sound`` False, so that its block still finds its place.  Not for: what a line says (``parser``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from dsl.diagnostics import Collector
from dsl.span import Source, Span
from dsl.tree import Comment
from dsl.words import OPENERS

MAX_NESTING = 64
MAX_ERRORS = 50
"""More than these are not reported at once: the rest is not even looked for."""

_PIECE = re.compile(
    r"""(?P<newline>\n) | (?P<space>[ \t]+) | (?P<comment>\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*") | (?P<unclosed>"[^\n]*)
      | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<word>\w+) | (?P<other>.)""",
    re.VERBOSE,
)
_OPENER = re.compile(rf"[ \t]*({'|'.join(OPENERS)})\b")
_PARTNER = {"(": ")", "[": "]", "{": "}"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass
class Line:
    """A logical line: characters ``start`` to ``stop``, its indentation, and the lines of its block."""

    start: int
    stop: int
    indent: str
    sound: bool = True
    block: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """``lines`` are those of the first level; ``text`` has blanks where the comments were."""

    source: Source
    text: str
    lines: tuple[Line, ...]
    comments: tuple[Comment, ...]

    def words(self, line: Line) -> str:
        return self.text[line.start : line.stop]


def read_layout(source: Source, collector: Collector, starts: re.Pattern[str] = _OPENER) -> Layout:
    """The lines of ``source``; what is wrong with brackets, strings and indentation goes to ``collector``.

    ``starts`` matches what begins a line of its own even where a bracket is still open (group 1, after blanks)."""
    refuse_characters(source, collector)
    scanner = _Scanner(source, collector, starts)
    scanner.run()
    return Layout(source, "".join(scanner.text), _nest(source, scanner.lines, collector), tuple(scanner.comments))


def refuse_characters(source: Source, collector: Collector) -> None:
    """Complains about the first character that cannot be seen and is no blank."""
    for match in _FORBIDDEN.finditer(source.text):
        name = unicodedata.name(match.group(), "a control character")
        collector.add(
            "E0101",
            f"the character U+{ord(match.group()):04X} ({name}) cannot stand in a spec",
            Span(match.start(), match.end(), source),
            label="invisible here",
            help="delete it; in a quoted token write \\n for a newline and \\t for a tab",
        )
        return


class _Scanner:
    """One pass over the text; cuts it into logical lines and notes the comments."""

    def __init__(self, source: Source, collector: Collector, starts: re.Pattern[str]) -> None:
        self.source = source
        self.collector = collector
        self.starts = starts
        self.text = list(_FORBIDDEN.sub(" ", source.text))
        self.lines: list[Line] = []
        self.comments: list[Comment] = []
        self.line: Line | None = None
        self.brackets: list[tuple[str, int]] = []
        self.indent = ""
        self.after_comma = False
        self.fresh = True  # nothing but blanks so far on this physical line

    def run(self) -> None:
        for match in _PIECE.finditer(self.source.text):
            kind = match.lastgroup
            assert kind is not None
            if kind == "newline":
                self._newline(match.end())
            elif kind == "space":
                self.indent = match.group() if self.fresh else self.indent
            elif kind == "comment":
                self._comment(match)
            else:
                self._piece(kind, match)
        self._finish()

    def _newline(self, stop: int) -> None:
        if not self._continues(stop):
            self._finish()
        self.indent, self.fresh = "", True

    def _continues(self, stop: int) -> bool:
        """Whether the line goes on after the newline that ends at ``stop``."""
        if self.line is None or not (self.brackets or self.after_comma):
            return False
        match = self.starts.match(self.source.text, stop)
        if match is None:
            return True
        return match.start(1) - stop > len(self.line.indent)

    def _comment(self, match: re.Match[str]) -> None:
        span = Span(match.start(), match.end(), self.source)
        self.comments.append(Comment(match.group().rstrip(), own_line=self.fresh, span=span))
        self.text[match.start() : match.end()] = " " * (match.end() - match.start())
        self.fresh = False

    def _piece(self, kind: str, match: re.Match[str]) -> None:
        if self.line is None:
            self.line = Line(match.start(), match.end(), self.indent)
        self.line.stop = match.end()
        self.fresh = False
        self.after_comma = match.group() == ","
        if kind == "open":
            self._open(match)
        elif kind == "close":
            self._close(match)
        elif kind == "unclosed":
            self._wrong(
                "E0104", "this quoted text has no end", match, "opened here", 'close it with `"` on the same line'
            )

    def _open(self, match: re.Match[str]) -> None:
        self.brackets.append((match.group(), match.start()))
        if len(self.brackets) == MAX_NESTING + 1:
            self._wrong(
                "E0115",
                f"brackets nest more than {MAX_NESTING} deep",
                match,
                f"number {MAX_NESTING + 1}",
                "name the parts, or write the value out",
            )

    def _close(self, match: re.Match[str]) -> None:
        if not self.brackets:
            self._wrong("E0103", f"`{match.group()}` closes nothing", match, "nothing is open here", "delete it")
            return
        opened, _ = self.brackets.pop()
        if _PARTNER[opened] != match.group():
            self._wrong(
                "E0103",
                f"`{opened}` is closed by `{match.group()}`",
                match,
                f"`{_PARTNER[opened]}` expected",
                f"write `{_PARTNER[opened]}`",
            )

    def _wrong(self, code: str, message: str, match: re.Match[str], label: str, help: str) -> None:
        assert self.line is not None
        if self.line.sound and len(self.collector.found) < MAX_ERRORS:
            self.collector.add(code, message, Span(match.start(), match.end(), self.source), label=label, help=help)
        self.line.sound = False

    def _finish(self) -> None:
        if self.line is None:
            return
        if self.brackets and self.line.sound:
            self._complain_about_open(*self.brackets[-1])
            self.line.sound = False
        self.lines.append(self.line)
        self.line, self.brackets, self.after_comma = None, [], False

    def _complain_about_open(self, opened: str, start: int) -> None:
        if len(self.collector.found) < MAX_ERRORS:
            span, help = Span(start, start + 1, self.source), f"add `{_PARTNER[opened]}`"
            self.collector.add("E0103", f"`{opened}` is never closed", span, label="opened here", help=help)


def _nest(source: Source, lines: list[Line], collector: Collector) -> tuple[Line, ...]:
    """Hangs each line below the nearest earlier one that is indented less."""
    root = Line(0, 0, "")
    stack = [(root, _margin(lines))]  # (whose block, its indentation)
    previous = root
    for line in lines:
        if line.indent.startswith(stack[-1][1]) and line.indent != stack[-1][1] and previous is not root:
            stack.append((previous, line.indent))
        popped = None
        while len(stack) > 1 and len(stack[-1][1]) > len(line.indent):
            popped = stack.pop()
        if stack[-1][1] != line.indent:
            stack += [popped] if popped is not None else []  # read it as a line of the block it nearly matches
            _complain_about_indent(source, line, stack[-1][1], collector)
        stack[-1][0].block.append(line)
        previous = line
    return tuple(root.block)


def _margin(lines: list[Line]) -> str:
    """The indentation of the first level: that of the first line, unless most lines stand further left."""
    first = lines[0].indent if lines else ""
    further_left = sum(line.indent != first and first.startswith(line.indent) for line in lines)
    return "" if 2 * further_left > len(lines) else first


def _complain_about_indent(source: Source, line: Line, wanted: str, collector: Collector) -> None:
    line.sound = False
    if len(collector.found) >= MAX_ERRORS:
        return
    mixed = "\t" in line.indent + wanted and " " in line.indent + wanted
    docstring = source.text.startswith('"', line.start) and not wanted
    help = "indent every line of a block alike, best by two spaces"
    collector.add(
        "E0102",
        "tabs and spaces are mixed in this indentation" if mixed else "this indentation matches no line above",
        Span(line.start - len(line.indent), max(line.start, line.start - len(line.indent) + 1), source),
        label="indented by " + _describe(line.indent) + f", the block above by {_describe(wanted)}",
        help="it belongs below a line `model NAME` or `head NAME`" if docstring else help,
    )


def _describe(indent: str) -> str:
    counts = [(indent.count(" "), "space"), (indent.count("\t"), "tab")]
    parts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n]
    return " and ".join(parts) or "nothing"
