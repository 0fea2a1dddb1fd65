"""What Lark and the parser stumble over -> diagnostics a person can act on.

In: where a line went wrong and what could have stood there.  Out: ``Diagnostic`` with codes E01xx, in the
language's own words.  Each common slip has a function of its own, tried in order.  Not for: mistakes of meaning
(``compiler.resolution``).
"""

from __future__ import annotations

from collections.abc import Callable

from lark.exceptions import UnexpectedInput

from dsl.diagnostics import Diagnostic
from dsl.layout import Layout, Line
from dsl.mistakes import sign_slips, word_slips
from dsl.mistakes.expectations import form, phrase
from dsl.mistakes.slips import SIGNS, Slip, word_at

_EXPLANATIONS: tuple[Callable[[Slip], Diagnostic | None], ...] = (
    sign_slips.strange_character,
    sign_slips.single_quotes,
    word_slips.claim_of_nothing,
    sign_slips.stray_arrow,
    sign_slips.block_colon,
    word_slips.singular,
    sign_slips.three_dots,
    sign_slips.square_brackets,
    sign_slips.percent,
    sign_slips.assignment_for_equality,
    word_slips.choice,
    sign_slips.chained_comparison,
    word_slips.bare_token,
    sign_slips.missing_arrow,
    sign_slips.missing_colon,
    sign_slips.other_language,
    sign_slips.malformed_number,
    word_slips.misspelt,
    word_slips.keyword_as_name,
    word_slips.line_ends,
)
"""The slips, most telling first."""


def explain(error: UnexpectedInput, layout: Layout, line: Line) -> Diagnostic:
    """The diagnostic for a line that the grammar refuses."""
    text = layout.words(line)
    at = _place_of(error, text)
    parser = getattr(error, "interactive_parser", None)
    accepted = frozenset(parser.accepts()) if parser is not None else frozenset()
    slip = Slip(layout.source, line.start, text, at, word_at(text, at), accepted)
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


def _unexpected(slip: Slip) -> Diagnostic:
    expected = phrase(slip.accepted)
    label = f"expected {expected}" if expected else ""
    help = form(slip.keyword) or "delete it, or begin a new line with it"
    if "WORD" in slip.accepted and slip.word in SIGNS - set("|,.)"):
        help = f'quote a token that is a sign: `"{slip.word}"`'
    return slip.report("E0111", f"`{slip.word}` is not expected here", label, help)
