"""Common slips in signs and numbers: another language's operators, quotes, brackets, arrows, colons.

In: a ``Slip``.  Out: its ``Diagnostic``, or None where it is another one.  Not for: the order in which they are tried
(``syntax_errors``), words (``word_slips``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from dsl.diagnostics import Diagnostic
from dsl.mistakes.expectations import form
from dsl.mistakes.slips import SIGNS, Slip, word_at, word_before
from dsl.words import HEAD_LINES

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


def strange_character(slip: Slip) -> Diagnostic | None:
    if len(slip.word) != 1 or slip.word.isalnum() or slip.word in SIGNS or slip.word == "_":
        return None
    name = unicodedata.name(slip.word, "no name")
    shown = f"`{slip.word}`" if slip.word.isprintable() else f"U+{ord(slip.word):04X}"
    help = "delete it, or quote it if it is a token"
    if slip.word in _LOOKALIKES:
        help = f"write `{_LOOKALIKES[slip.word]}`"
    elif slip.word == ";":
        help = "one line says one thing: begin a new line"
    return slip.report("E0101", f"{shown} ({name.lower()}) means nothing here", "not a sign of the language", help)


def single_quotes(slip: Slip) -> Diagnostic | None:
    if slip.word != "'":
        return None
    match = re.compile(r"'([^'\n\"\\]*)'").match(slip.text, slip.at)
    help = f'write `"{match.group(1)}"`' if match else 'write `"` on both sides'
    length = len(match.group()) if match else 1
    return slip.report("E0116", "tokens are quoted with double quotes", "single quotes", help, length)


def other_language(slip: Slip) -> Diagnostic | None:
    if slip.word == "not" and "IN" in slip.accepted:
        help = "write `not A in {..}`; in a head, `avoid A in {..}`"
        return slip.report("E0111", "`not` stands before a whole comparison", "not here", help)
    for width in (0, 1):
        sign = word_at(slip.text, slip.at - width)
        if sign in _OTHER_LANGUAGES and (width == 0 or len(sign) == 2 and slip.at):
            here = _OTHER_LANGUAGES[sign]
            return slip.report("E0111", f"`{sign}` is not an operator here", f"`{here}` is", f"write `{here}`")
    return None


def assignment_for_equality(slip: Slip) -> Diagnostic | None:
    if slip.word == "=" and slip.before.endswith("=") and slip.expects_expression:
        message = "`==` compares: a declaration is written with one `=`"
        return slip.report("E0112", message, "one too many", "write `=`")
    if slip.word == "==" and "EQUAL" in slip.accepted:
        message = "`==` compares: a value is given with one `=`"
        return slip.report("E0112", message, "one too many", "write `=`")
    if slip.word != "=" or "COMPARE" not in slip.accepted:
        return None
    return slip.report("E0112", "`=` compares nothing: a relation is written with `==`", "one `=`", "write `==`")


def chained_comparison(slip: Slip) -> Diagnostic | None:
    if slip.word not in ("==", "!=", "<", "<=", ">", ">=", "in", "=") or "AND" not in slip.accepted:
        return None
    if "COMPARE" in slip.accepted:
        return None
    help = "write two lines, one for each" if slip.keyword in HEAD_LINES else "write `A < B and B < C`"
    return slip.report("E0114", "comparisons do not chain", "the second comparison", help)


def three_dots(slip: Slip) -> Diagnostic | None:
    if slip.word != "." or not slip.before.endswith(".."):
        return None
    first, last = word_before(slip.before[:-2]), word_at(slip.text, slip.at + 1)
    return slip.report("E0111", "a range is written with two dots", "the third", f"write `{first}..{last}`")


def square_brackets(slip: Slip) -> Diagnostic | None:
    if slip.word != "[" or slip.keyword != "subspace" or "LPAR" not in slip.accepted:
        return None
    help = f"write `{word_before(slip.before)}(..)`"
    return slip.report("E0111", "what an encoding is of stands in round brackets", "`(` expected", help)


def percent(slip: Slip) -> Diagnostic | None:
    number = word_before(slip.before)
    if slip.word != "%" or slip.text[slip.at + 1 :].strip() or not number[:1].isdigit():
        return None
    return slip.report("E0111", "`%` is no unit", "not a number's end", f"write `{number}/100`, or a decimal")


def missing_arrow(slip: Slip) -> Diagnostic | None:
    if "ARROW" not in slip.accepted or slip.word in (",", "(", "[", "{") or slip.near_keyword:
        return None
    if slip.word in ("=>", "=", ":", "to", ">", "="):
        return slip.report("E0117", f"`->` is expected, and `{slip.word}` is written", "here", "write `->`")
    what = f"the arrow `->` is missing before `{slip.word}`" if slip.word else "the line ends before its arrow `->`"
    return slip.report("E0117", what, "`->` expected", form(slip.keyword))


def missing_colon(slip: Slip) -> Diagnostic | None:
    if "COLON" not in slip.accepted or slip.near_keyword or slip.word in ("[", "("):
        return None
    name = slip.before.split()[-1]
    if slip.word == "=":
        return slip.report("E0118", f"`:` is expected after `{name}`, and `=` is written", "here", "write `:`")
    return slip.report("E0118", f"the colon after `{name}` is missing", "`:` expected", form(slip.keyword))


def stray_arrow(slip: Slip) -> Diagnostic | None:
    if slip.word != ">" or slip.text[slip.at - 1] != "-" or "ARROW" in slip.accepted:
        return None
    arrow = replace(slip, at=slip.at - 1, word="->")
    is_quotable = slip.text[: slip.at - 1].rstrip()[-1:] in "([{"
    help = 'quote a token that is a sign: `"("`' if is_quotable else form(slip.keyword)
    return arrow.report("E0111", "`->` is not expected here", "expected an expression", help)


def block_colon(slip: Slip) -> Diagnostic | None:
    if slip.word != ":" or slip.text[slip.at :].strip() != ":":
        return None
    return slip.report(
        "E0111",
        f"`{slip.keyword}` takes no colon at its end",
        "delete this",
        "a block is told by its indentation alone",
    )


def malformed_number(slip: Slip) -> Diagnostic | None:
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


def _spoiled_number(slip: Slip, word: str) -> Diagnostic:
    power = re.fullmatch(r"([0-9.]+)[eE]([0-9]+)?", word)
    help = "write a product with `*`, and underscores nowhere"
    if power:
        help = f"write `{power[1]} * 10^{power[2] or 'N'}`; a small number is a decimal or a fraction"
    return slip.report("E0108", f"`{word}` is not a number", "digits run into letters", help, len(word))
