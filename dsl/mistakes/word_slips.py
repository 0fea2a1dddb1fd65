"""Common slips in words: tokens without quotes, words misspelt or out of place, lines that end too early.

In: a ``Slip``.  Out: its ``Diagnostic``, or None where it is another one.  Not for: the order in which they are tried
(``syntax_errors``), signs (``sign_slips``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from dsl.diagnostics import Diagnostic, did_you_mean
from dsl.mistakes.expectations import form, phrase
from dsl.mistakes.slips import Slip, word_before
from dsl.words import KEYWORDS


def choice(slip: Slip) -> Diagnostic | None:
    if slip.word == "if" and slip.expects_expression:
        help = "put it in parentheses: `(if C then A else B)`"
        return slip.report("E0111", "`if` cannot follow an operator", "not here", help)
    if slip.word == "if" and slip.keyword == "compute":
        return slip.report("E0111", "`if` stands before both values", "not here", "write `if C then A else B`")
    if slip.word == "?" and slip.keyword == "compute":
        return slip.report("E0111", "`?` chooses nothing", "not an operator", "write `if C then A else B`")
    return None


def singular(slip: Slip) -> Diagnostic | None:
    """``onehot(token)``, ``phase(position)``: the set of them is meant."""
    match = re.search(r"[(,]\s*(token|position)\b(?!\s*[\[.])", slip.text)
    if match is None or slip.keyword != "subspace" or not match.start(1) <= slip.at <= match.end() + 1:
        return None
    found = replace(slip, at=match.start(1), word=match[1])
    return found.report("E0111", f"`{match[1]}` is not a set", "one of them", f"did you mean `{match[1]}s`?")


def bare_token(slip: Slip) -> Diagnostic | None:
    is_special = slip.word.startswith("<") and slip.word.endswith(">") and len(slip.word) > 2
    wants_text = "STRING" in slip.accepted and not slip.expects_expression and slip.word.isidentifier()
    if not is_special and not wants_text or "WORD" in slip.accepted or slip.word in KEYWORDS:
        return None
    if slip.near_keyword:
        return None
    return slip.report(
        "E0113",
        f"the token `{slip.word}` is not quoted",
        "quotes expected",
        f'write `"{slip.word}"` (bare only after `tokens` and `sequences`)',
    )


def claim_of_nothing(slip: Slip) -> Diagnostic | None:
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


def keyword_as_name(slip: Slip) -> Diagnostic | None:
    if "NAME" not in slip.accepted or slip.word not in KEYWORDS or slip.expects_expression:
        return None
    message = f"`{slip.word}` is a word of the language and cannot be a name"
    return slip.report("E0107", message, "a name expected", f"choose another name, such as `{slip.word}_1`")


def misspelt(slip: Slip) -> Diagnostic | None:
    if slip.near_keyword is None:
        return None
    return slip.report(
        "E0111", f"`{slip.word}` is not expected here", f"expected {phrase(slip.accepted)}", slip.near_keyword
    )


def line_ends(slip: Slip) -> Diagnostic | None:
    if slip.word:
        return None
    expected = phrase(slip.accepted)
    after = word_before(slip.before)
    return slip.report("E0119", f"the line ends too early, after `{after}`", f"expected {expected}", form(slip.keyword))
