"""What Lark and the parser stumble over -> diagnostics a person can act on.

In: where a line went wrong and what could have stood there.  Out: ``Diagnostic`` with codes E01xx, in the
language's own words.  Each common slip has a function of its own, tried in order.  Not for: mistakes of meaning
(``compiler.resolution``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Set
from dataclasses import dataclass, replace

from lark.exceptions import UnexpectedInput

from dsl.diagnostics import Diagnostic, did_you_mean
from dsl.expectations import form, keywords, phrase
from dsl.layout import Layout, Line
from dsl.span import Source, Span
from dsl.words import HEAD_LINES, KEYWORDS

_WORD = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|<\w[^<>\s"]*>|\d+\.\d+|\w+|->|===?|=>|=<|<>|!=|<=|>=|//|\*\*|&&|\|\||\.\.|.', re.DOTALL
)
_LOOKALIKES = {
    "“": '"',
    "”": '"',
    "„": '"',
    "‘": '"',
    "’": '"',
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "*",
    "·": "*",
    "…": "..",
    "∈": "in",
    "\u00a0": " ",
}
_OTHER_LANGUAGES = {
    "===": "==",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "**": "^",
    "%": "mod",
    "&&": "and",
    "&": "and",
    "||": "or",
    "!": "not",
}
_SIGNS = set("()[]{}<>=!+-*/^.,:|?'%&")


@dataclass(frozen=True)
class _Slip:
    """A line that the grammar refuses: ``word`` at ``at`` of ``text`` is not among the ``accepted`` terminals."""

    source: Source
    start: int
    text: str
    at: int
    word: str
    accepted: Set[str]

    @property
    def keyword(self) -> str:
        return word_at(self.text, 0)

    @property
    def before(self) -> str:
        return self.text[: self.at].rstrip()

    @property
    def expects_expression(self) -> bool:
        return {"NUMBER", "NAME", "LPAR"} <= self.accepted

    def report(self, code: str, message: str, label: str = "", help: str | None = None, length: int = 0) -> Diagnostic:
        start = self.start + self.at
        return Diagnostic(
            code, message, Span(start, start + max(1, length or len(self.word)), self.source), label, help
        )


def word_at(text: str, offset: int) -> str:
    """The word or sign that starts at ``offset`` (empty at the end)."""
    match = _WORD.match(text, offset)
    return match.group() if match else ""


def explain(error: UnexpectedInput, layout: Layout, line: Line) -> Diagnostic:
    """The diagnostic for a line that the grammar refuses."""
    text = layout.words(line)
    at = _place_of(error, text)
    parser = getattr(error, "interactive_parser", None)
    accepted = frozenset(parser.accepts()) if parser is not None else frozenset()
    slip = _Slip(layout.source, line.start, text, at, word_at(text, at), accepted)
    for explanation in _EXPLANATIONS:
        found = explanation(slip)
        if found is not None:
            return found
    return _unexpected(slip)


def _place_of(error: UnexpectedInput, text: str) -> int:
    token = getattr(error, "token", None)
    at: int | None = error.pos_in_stream
    if at is None or token is not None and token.type == "$END":
        return len(text)
    return at


# ------------------------------------------------------------------ the slips, most telling first


def _strange_character(slip: _Slip) -> Diagnostic | None:
    if len(slip.word) != 1 or slip.word.isalnum() or slip.word in _SIGNS or slip.word == "_":
        return None
    name = unicodedata.name(slip.word, "no name")
    shown = f"`{slip.word}`" if slip.word.isprintable() else f"U+{ord(slip.word):04X}"
    help = "delete it, or quote it if it is a token"
    if slip.word in _LOOKALIKES:
        help = f"write `{_LOOKALIKES[slip.word]}`"
    elif slip.word == ";":
        help = "one line says one thing: begin a new line"
    return slip.report("E0101", f"{shown} ({name.lower()}) means nothing here", "not a sign of the language", help)


def _single_quotes(slip: _Slip) -> Diagnostic | None:
    if slip.word != "'":
        return None
    match = re.compile(r"'([^'\n\"\\]*)'").match(slip.text, slip.at)
    help = f'write `"{match.group(1)}"`' if match else 'write `"` on both sides'
    length = len(match.group()) if match else 1
    return slip.report("E0116", "tokens are quoted with double quotes", "single quotes", help, length)


def _assignment_for_equality(slip: _Slip) -> Diagnostic | None:
    if slip.word == "=" and slip.before.endswith("=") and slip.expects_expression:
        message = "`==` compares: a declaration is written with one `=`"
        return slip.report("E0112", message, "one too many", "write `=`")
    if slip.word == "==" and "EQUAL" in slip.accepted:
        message = "`==` compares: a value is given with one `=`"
        return slip.report("E0112", message, "one too many", "write `=`")
    if slip.word != "=" or "COMPARE" not in slip.accepted:
        return None
    return slip.report("E0112", "`=` compares nothing: a relation is written with `==`", "one `=`", "write `==`")


def _choice(slip: _Slip) -> Diagnostic | None:
    if slip.word == "if" and slip.expects_expression:
        help = "put it in parentheses: `(if C then A else B)`"
        return slip.report("E0111", "`if` cannot follow an operator", "not here", help)
    if slip.word == "?" and slip.keyword == "compute":
        return slip.report("E0111", "`?` chooses nothing", "not an operator", "write `if C then A else B`")
    return None


def _missing_arrow(slip: _Slip) -> Diagnostic | None:
    if "ARROW" not in slip.accepted or slip.word in (",", "(", "[", "{") or _is_near_keyword(slip):
        return None
    if slip.word in ("=>", "=", ":", "to", ">", "="):
        return slip.report("E0117", f"`->` is expected, and `{slip.word}` is written", "here", "write `->`")
    what = f"the arrow `->` is missing before `{slip.word}`" if slip.word else "the line ends before its arrow `->`"
    return slip.report("E0117", what, "`->` expected", form(slip.keyword))


def _missing_colon(slip: _Slip) -> Diagnostic | None:
    if "COLON" not in slip.accepted or _is_near_keyword(slip) or slip.word in ("[", "("):
        return None
    name = slip.before.split()[-1]
    if slip.word == "=":
        return slip.report("E0118", f"`:` is expected after `{name}`, and `=` is written", "here", "write `:`")
    return slip.report("E0118", f"the colon after `{name}` is missing", "`:` expected", form(slip.keyword))


def _chained_comparison(slip: _Slip) -> Diagnostic | None:
    if slip.word not in ("==", "!=", "<", "<=", ">", ">=", "in", "=") or "AND" not in slip.accepted:
        return None
    if "COMPARE" in slip.accepted:
        return None
    help = "write two lines, one for each" if slip.keyword in HEAD_LINES else "write `A < B and B < C`"
    return slip.report("E0114", "comparisons do not chain", "the second comparison", help)


def _singular(slip: _Slip) -> Diagnostic | None:
    """``onehot(token)``, ``phase(position)``: the set of them is meant."""
    match = re.search(r"[(,]\s*(token|position)\b(?!\s*[\[.])", slip.text)
    if match is None or slip.keyword != "subspace" or not match.start(1) <= slip.at <= match.end() + 1:
        return None
    found = replace(slip, at=match.start(1), word=match[1])
    return found.report("E0111", f"`{match[1]}` is not a set", "one of them", f"did you mean `{match[1]}s`?")


def _three_dots(slip: _Slip) -> Diagnostic | None:
    if slip.word != "." or not slip.before.endswith(".."):
        return None
    first, last = word_before(slip.before[:-2]), word_at(slip.text, slip.at + 1)
    return slip.report("E0111", "a range is written with two dots", "the third", f"write `{first}..{last}`")


def _square_brackets(slip: _Slip) -> Diagnostic | None:
    if slip.word != "[" or slip.keyword != "subspace" or "LPAR" not in slip.accepted:
        return None
    help = f"write `{word_before(slip.before)}(..)`"
    return slip.report("E0111", "what an encoding is of stands in round brackets", "`(` expected", help)


def _percent(slip: _Slip) -> Diagnostic | None:
    number = word_before(slip.before)
    if slip.word != "%" or slip.text[slip.at + 1 :].strip() or not number[:1].isdigit():
        return None
    return slip.report("E0111", "`%` is no unit", "not a number's end", f"write `{number}/100`, or a decimal")


def _other_language(slip: _Slip) -> Diagnostic | None:
    if slip.word == "not" and "IN" in slip.accepted:
        help = "write `not A in {..}`; in a head, `avoid A in {..}`"
        return slip.report("E0111", "`not` stands before a whole comparison", "not here", help)
    for width in (0, 1):
        sign = word_at(slip.text, slip.at - width)
        if sign in _OTHER_LANGUAGES and (width == 0 or len(sign) == 2 and slip.at):
            here = _OTHER_LANGUAGES[sign]
            return slip.report("E0111", f"`{sign}` is not an operator here", f"`{here}` is", f"write `{here}`")
    return None


def _bare_token(slip: _Slip) -> Diagnostic | None:
    is_special = slip.word.startswith("<") and slip.word.endswith(">") and len(slip.word) > 2
    wants_text = "STRING" in slip.accepted and not slip.expects_expression and slip.word.isidentifier()
    if not is_special and not wants_text or "WORD" in slip.accepted or slip.word in KEYWORDS:
        return None
    if _is_near_keyword(slip):
        return None
    return slip.report(
        "E0113",
        f"the token `{slip.word}` is not quoted",
        "quotes expected",
        f'write `"{slip.word}"` (bare only after `tokens` and `sequences`)',
    )


def _claim_of_nothing(slip: _Slip) -> Diagnostic | None:
    """``expect a -> "b"`` and ``expect hed first: ..``: what stands after `expect` alone was meant otherwise."""
    match = re.match(r"expect\s+(\w+)\s+", slip.text)
    if "_AFTER" not in slip.accepted or match is None or match.end() != slip.at:
        return None
    first = replace(slip, at=match.start(1), word=match[1])
    if slip.word.startswith("->"):
        return first.report(
            "E0113", f"the token `{match[1]}` is not quoted", "quotes expected", f'write `"{match[1]}"`'
        )
    near = did_you_mean(match[1], ("head",))
    return first.report("E0111", f"`{match[1]}` is not expected here", "expected `head`", near) if near else None


def _stray_arrow(slip: _Slip) -> Diagnostic | None:
    if slip.word != ">" or slip.text[slip.at - 1] != "-" or "ARROW" in slip.accepted:
        return None
    arrow = replace(slip, at=slip.at - 1, word="->")
    is_quotable = slip.text[: slip.at - 1].rstrip()[-1:] in "([{"
    help = 'quote a token that is a sign: `"("`' if is_quotable else form(slip.keyword)
    return arrow.report("E0111", "`->` is not expected here", "expected an expression", help)


def _block_colon(slip: _Slip) -> Diagnostic | None:
    if slip.word != ":" or slip.text[slip.at :].strip() != ":":
        return None
    return slip.report(
        "E0111",
        f"`{slip.keyword}` takes no colon at its end",
        "delete this",
        "a block is told by its indentation alone",
    )


def _malformed_number(slip: _Slip) -> Diagnostic | None:
    rest = slip.text[slip.at :]
    match = re.match(r"\d[\w.]*", rest)
    if match and "NUMBER" in slip.accepted:
        return _spoiled_number(slip, match.group())
    if re.match(r"\.\d", rest) and "NUMBER" in slip.accepted:
        return slip.report("E0108", "a number starts with a digit", "here", "write `0` before the point")
    if slip.word == "." and re.match(r"\.\d", rest) and slip.before[-1:].isdigit():
        return slip.report("E0108", "a number has one point", "the second", "delete one of the points")
    if slip.word == "." and slip.before[-1:].isdigit():
        return slip.report(
            "E0108", "digits must follow the point", "nothing after it", "delete the point, or write `.0`"
        )
    return None


def _spoiled_number(slip: _Slip, word: str) -> Diagnostic:
    power = re.fullmatch(r"([0-9.]+)[eE]([0-9]+)?", word)
    help = "write a product with `*`, and underscores nowhere"
    if power:
        help = f"write `{power[1]} * 10^{power[2] or 'N'}`; a small number is a decimal or a fraction"
    return slip.report("E0108", f"`{word}` is not a number", "digits run into letters", help, len(word))


def _keyword_as_name(slip: _Slip) -> Diagnostic | None:
    if "NAME" not in slip.accepted or slip.word not in KEYWORDS or slip.expects_expression:
        return None
    message = f"`{slip.word}` is a word of the language and cannot be a name"
    return slip.report("E0107", message, "a name expected", f"choose another name, such as `{slip.word}_1`")


def _misspelt(slip: _Slip) -> Diagnostic | None:
    if not _is_near_keyword(slip):
        return None
    return slip.report(
        "E0111", f"`{slip.word}` is not expected here", f"expected {phrase(slip.accepted)}", _near_keyword(slip)
    )


def _line_ends(slip: _Slip) -> Diagnostic | None:
    if slip.word:
        return None
    expected = phrase(slip.accepted)
    after = word_before(slip.before)
    return slip.report("E0119", f"the line ends too early, after `{after}`", f"expected {expected}", form(slip.keyword))


def _unexpected(slip: _Slip) -> Diagnostic:
    expected = phrase(slip.accepted)
    label = f"expected {expected}" if expected else ""
    help = form(slip.keyword)
    if "WORD" in slip.accepted and slip.word in _SIGNS - set("|,.)"):
        help = f'quote a token that is a sign: `"{slip.word}"`'
    return slip.report("E0111", f"`{slip.word}` is not expected here", label, help)


_EXPLANATIONS: tuple[Callable[[_Slip], Diagnostic | None], ...] = (
    _strange_character,
    _single_quotes,
    _claim_of_nothing,
    _stray_arrow,
    _block_colon,
    _singular,
    _three_dots,
    _square_brackets,
    _percent,
    _assignment_for_equality,
    _choice,
    _chained_comparison,
    _bare_token,
    _missing_arrow,
    _missing_colon,
    _other_language,
    _malformed_number,
    _misspelt,
    _keyword_as_name,
    _line_ends,
)


def _near_keyword(slip: _Slip) -> str | None:
    if not slip.word.isidentifier():
        return None
    return did_you_mean(slip.word, keywords(slip.accepted))


def _is_near_keyword(slip: _Slip) -> bool:
    return _near_keyword(slip) is not None


def word_before(text: str) -> str:
    """The last word or sign of ``text``."""
    found = _WORD.findall(text.rstrip())
    return found[-1] if found else ""
