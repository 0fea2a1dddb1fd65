"""Tokens -> Lark's tree, and what to say where that fails.

In: a grammar over ``math_tokens`` and some of its tokens.  Out: a tree, or None and a diagnostic.  Not for: what
the tree means (``latex``, ``formulas``).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from dsl.answers.math_tokens import span_of
from dsl.diagnostics import Collector
from dsl.layout import MAX_ERRORS, MAX_NESTING
from dsl.parser import MAX_DEPTH, depth_of
from dsl.span import Source

MAX_TOKENS = 10_000
OPENING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE", "BEGIN": "END"}
CLOSING = frozenset(OPENING.values())
_ENDS = {"NUMBER", "NAME", "MEMBER", "RPAR", "RSQB", "RBRACE", "TRANSPOSE"}


@cache
def grammar(name: str) -> Lark:
    """The grammar of ``dsl/answers/NAME.lark``, whose terminals are all made by hand."""
    text = files("dsl.answers").joinpath(f"{name}.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start="value", propagate_positions=True)


def parse_tokens(
    name: str, tokens: Sequence[Token], source: Source, collector: Collector, between: str = ""
) -> Tree[Token] | None:
    """The tree of ``tokens``, of which there is at least one; None where there is none, and the collector knows why.

    ``between`` is what separates entries where they stand (``&``, ``,``), empty outside a matrix."""
    if len(tokens) > MAX_TOKENS:
        message = f"one expression has more than {MAX_TOKENS} names, numbers and signs"
        _say(collector, source, tokens[0], "E0715", message, "starts here", "simplify it, or name its parts")
        return None
    reading: Any = grammar(name).parse_interactive()  # its methods have no types
    for number, token in enumerate(tokens):
        try:
            reading.feed_token(token)
        except UnexpectedInput:
            _explain(tokens, number, reading.accepts(), source, collector, between)
            return None
    try:
        found: Tree[Token] = reading.feed_eof(tokens[-1])
    except UnexpectedInput:
        shown = span_of(source, tokens[-1]).text
        help = "write what follows it, or delete it"
        _say(collector, source, tokens[-1], "E0710", f"something is missing after `{shown}`", "nothing after it", help)
        return None
    if depth_of(found) > MAX_DEPTH:
        message = f"this nests or chains more than {MAX_DEPTH} operations"
        _say(collector, source, tokens[0], "E0715", message, "starts here", "simplify it, or name its parts")
        return None
    return found


def balanced(tokens: Sequence[Token], source: Source, collector: Collector) -> bool:
    """Whether brackets and environments close in pairs, and not too many in each other."""
    open_: list[Token] = []
    for token in tokens:
        if token.type in OPENING:
            open_.append(token)
            if len(open_) > MAX_NESTING:
                message = f"brackets nest more than {MAX_NESTING} deep"
                _say(collector, source, token, "E0715", message, f"number {len(open_)}", "simplify it")
                return False
        elif token.type in CLOSING:
            if not open_:
                shown = span_of(source, token).text
                _say(
                    collector, source, token, "E0708", f"`{shown}` closes nothing", "nothing is open here", "delete it"
                )
                return False
            if not _close(open_.pop(), token, source, collector):
                return False
    if open_:
        first = open_[-1]
        shown, wanted = span_of(source, first).text, _partner(first)
        _say(collector, source, first, "E0708", f"`{shown}` is never closed", "opened here", f"add `{wanted}`")
    return not open_


def _close(opened: Token, token: Token, source: Source, collector: Collector) -> bool:
    same = OPENING[opened.type] == token.type and (token.type != "END" or str(opened) == str(token))
    if not same:
        wanted = _partner(opened)
        message = f"`{span_of(source, opened).text}` is closed by `{span_of(source, token).text}`"
        _say(collector, source, token, "E0708", message, f"`{wanted}` expected", f"write `{wanted}`")
    return same


def _partner(opened: Token) -> str:
    return f"\\end{{{opened}}}" if opened.type == "BEGIN" else {"(": ")", "[": "]", "{": "}"}[str(opened)]


def _say(
    collector: Collector, source: Source, token: Token, code: str, message: str, label: str, help: str | None
) -> None:
    if len(collector.found) < MAX_ERRORS:
        collector.add(code, message, span_of(source, token), label=label, help=help)


# ------------------------------------------------------------------ a token that is not expected


def _explain(
    tokens: Sequence[Token], number: int, accepted: Set[str], source: Source, collector: Collector, between: str
) -> None:
    token = tokens[number]
    before = tokens[number - 1] if number else None
    after = tokens[number + 1] if number + 1 < len(tokens) else None
    message = _separator(token, before, after, between) or _side_by_side(token, before, between) or _matrix(token)
    if message is None:
        shown = span_of(source, token).text
        wanted = "a number, a name or `(`" if "NUMBER" in accepted else "an operator" if "PLUS" in accepted else "`(`"
        message = ("E0710", f"`{shown}` is not expected here", f"expected {wanted}", _help(token))
    _say(collector, source, token, *message)


def _help(token: Token) -> str:
    return {
        "EQUAL": "one thing has one value: write each on a line of its own",
        "ASIDE": "leave words out, or write them after `%`",
        "HAT": "write a power as `x^{2}`",
    }.get(token.type, "delete it, or write what it belongs to")


def _separator(
    token: Token, before: Token | None, after: Token | None, between: str
) -> tuple[str, str, str, str] | None:
    if token.type == "COMMA" and _is_decimal(token, before, after) and between != "&":
        return "E0713", "a decimal is written with a point", "a comma", f"write `{before}.{after}`"
    if token.type in ("COMMA", "SEMICOLON") and between == "&":
        wanted = "&" if token.type == "COMMA" else "\\\\"
        help = "write `&` between entries and `\\\\` between rows; a decimal has a point, `0.5`"
        return "E0709", f"`{token}` separates nothing here", f"`{wanted}` expected", help
    if token.type in ("AMP", "NEWROW"):
        help = "write `\\begin{bmatrix} .. \\end{bmatrix}` around the entries"
        return "E0709", f"`{token}` separates entries, and no matrix is open", "outside a matrix", help
    return None


def _is_decimal(token: Token, before: Token | None, after: Token | None) -> bool:
    numbers = before is not None and after is not None and before.type == after.type == "NUMBER"
    return bool(numbers and before and after and (before.end_pos, token.end_pos) == (token.start_pos, after.start_pos))


def _side_by_side(token: Token, before: Token | None, between: str) -> tuple[str, str, str, str] | None:
    if token.type != "NUMBER" or before is None or before.type not in _ENDS:
        return None
    sign = f"`{between}` between two entries, " if between else ""
    return (
        "E0712",
        "a number follows without a sign",
        "a sign is missing before it",
        f"write {sign}`\\cdot` or `*` for a product",
    )


def _matrix(token: Token) -> tuple[str, str, str, str] | None:
    if token.type != "BEGIN":
        return None
    help = "write the entries themselves"
    return "E0714", "a matrix cannot stand inside an expression", "a matrix", help
