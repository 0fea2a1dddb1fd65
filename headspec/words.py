"""Between a person's line of text and the token ids of a model.

In: ``"<bos> a b c a"`` (spaces between tokens) or, when every character is a token, ``"abca"``.
Out: token ids; SpecError E0607 when a word is no token or the text is too long.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.span import Source, Span


def read_tokens(text: str, tokens: Sequence[str], context: int) -> tuple[int, ...]:
    """Token ids of ``text``; a word that is no token is split into the longest tokens it begins with."""
    ids: list[int] = []
    position = {token: i for i, token in enumerate(tokens)}
    lengths = sorted({len(token) for token in tokens}, reverse=True)
    for start, word in _words(text):
        ids += _split(text, start, word, position, lengths)
    if not ids:
        raise SpecError(Diagnostic("E0607", "the text holds no tokens", help=f"for example {tokens[0]!r}"))
    if len(ids) > context:
        help = "shorten it, or raise `context` in the spec"
        message = f"the text holds {len(ids)} tokens, more than the context of {context}"
        raise SpecError(Diagnostic("E0607", message, help=help))
    return tuple(ids)


def _words(text: str) -> list[tuple[int, str]]:
    words, offset = [], 0
    for word in text.split():
        offset = text.index(word, offset)
        words.append((offset, word))
        offset += len(word)
    return words


def _split(text: str, start: int, word: str, position: dict[str, int], lengths: list[int]) -> list[int]:
    if word in position:
        return [position[word]]
    ids, offset = [], 0
    while offset < len(word):
        size = next((n for n in lengths if word[offset : offset + n] in position), 0)
        if not size:
            raise SpecError(_unknown(text, start, word, position))
        ids.append(position[word[offset : offset + size]])
        offset += size
    return ids


def _unknown(text: str, start: int, word: str, position: dict[str, int]) -> Diagnostic:
    known = list(position)
    shown = " ".join(known[:24]) + (" ..." if len(known) > 24 else "")
    return Diagnostic(
        "E0607",
        f"`{word}` is not a token of this model",
        Span(start, start + len(word), Source("<text>", text)),
        label="not a token",
        help=did_you_mean(word, known) or f"the tokens are {shown}",
    )
