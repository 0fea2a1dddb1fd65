"""Lists of tokens, cut apart where no bracket is open.

In: tokens of ``math_tokens``, with brackets that pair (but for ``trimmed``).  Out: parts of them.  Not for: what they
mean (``latex``, ``formula_reading``).
"""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from dsl.answers.token_parsing import CLOSING, OPENING

Tokens = Sequence[Token]
_ASIDE = ("AMP", "NEWROW", "COMMA", "SEMICOLON", "FULLSTOP", "ASIDE")


def trimmed(tokens: list[Token]) -> list[Token]:
    """Without separators and words around, and without the breaks of a long line."""
    start, stop = 0, len(tokens)
    while start < stop and tokens[start].type in _ASIDE:
        start += 1
    while start < stop and tokens[stop - 1].type in _ASIDE:
        stop -= 1
    kept: list[Token] = []
    depth = 0
    for token in tokens[start:stop]:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 and token.type == "AMP" and kept and kept[-1].type == "NEWROW":
            kept.pop()
        else:
            kept.append(token)
    return kept


def split(tokens: Tokens, separator: str) -> list[list[Token]]:
    """Cut at the separators that stand in no bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 and token.type == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def closing(tokens: Tokens, start: int) -> int:
    """Where the bracket that opens at ``start`` closes (brackets are balanced)."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].type in OPENING) - (tokens[index].type in CLOSING)
        if depth == 0:
            return index
    return len(tokens)


def without_transposes(tokens: list[Token]) -> tuple[list[Token], bool]:
    """What stands before every ``^T`` at the end, and whether they were odd in number."""
    stop = len(tokens)
    while stop and tokens[stop - 1].type == "TRANSPOSE":
        stop -= 1
    return tokens[:stop], (len(tokens) - stop) % 2 == 1


def around(tokens: Tokens, begin: int) -> tuple[int, int, bool]:
    """Where the matrix that begins at ``begin`` starts and stops with its brackets, and whether it is transposed."""
    start, stop, transposed = begin, closing(tokens, begin), False
    while stop + 1 < len(tokens):
        following = tokens[stop + 1].type
        if following == "TRANSPOSE":
            transposed = not transposed
        elif start and OPENING.get(tokens[start - 1].type) == following:
            start -= 1
        else:
            break
        stop += 1
    return start, stop, transposed


def is_factor(tokens: Tokens) -> bool:
    """Whether ``tokens`` can stand before a matrix as a product: no sum outside brackets, no division at its end."""
    depth = 0
    for number, token in enumerate(tokens):
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth == 0 and number and token.type in ("PLUS", "MINUS"):
            return False
    return not tokens or tokens[-1].type != "SLASH"
