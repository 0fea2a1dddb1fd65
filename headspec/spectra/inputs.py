"""The circle of tokens that is analysed, and the prompts that go through all pairs of them.

In: words such as ``0..112`` and ``{a} {b} =``, a vocabulary, the spec's sequences.  Out: token ids; SpecError E0660
where there is no circle or no prompt, E0320 where there are too many.  Not for: running anything (``analysis``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.sequences import SequenceLanguage
from compiler.limits import check_size
from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

MOST_TOKENS = 2048
MOST_PAIRS = 1 << 18
LEAST = 3
A, B = "{a}", "{b}"

_INTEGER = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z")
_RANGE = re.compile(r"(.+?)\.\.(.+)\Z", re.S)


@dataclass(frozen=True, slots=True)
class Circle:
    """Token ids in the order of the values 0 .. p-1 (of whole numbers: consecutive ones), and their texts."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids with None at the two operands; ``places`` are their positions."""

    ids: tuple[int | None, ...]
    places: tuple[int, int]
    text: str

    def pairs(self, circle: Circle) -> NDArray[np.int64]:
        """(p^2, n): a runs slowly, b fast; the neurons are read at the last position.  SpecError E0320."""
        p = len(circle.ids)
        check_size(p * p, MOST_PAIRS, "pairs of operands", None, "look at fewer tokens: --tokens 0..511")
        grid = np.zeros((p, p, len(self.ids)), dtype=np.int64)
        grid[:] = [0 if i is None else i for i in self.ids]
        grid[:, :, self.places[0]] = np.array(circle.ids)[:, None]
        grid[:, :, self.places[1]] = np.array(circle.ids)[None, :]
        return grid.reshape(p * p, -1)


# ------------------------------------------------------------------ the circle


def read_circle(words: str | Sequence[str] | None, vocabulary: Sequence[str] | None, size: int) -> Circle:
    """``0..112``, ``a..g`` or ``0,2,4`` (or a list) as tokens; without words all whole numbers of the vocabulary.

    A module without a ``vocabulary`` has token ids for texts, 0 to ``size`` - 1, and no default."""
    known = {text: i for i, text in enumerate(vocabulary)} if vocabulary is not None else None
    if words is None:
        texts = _whole_numbers(vocabulary)
    else:
        parts = [part.strip() for part in words.split(",")] if isinstance(words, str) else [str(w) for w in words]
        texts = [text for part in parts for text in _spelled_out(part, known)]
    check_size(len(texts), MOST_TOKENS, "tokens on the circle", None, "say which: --tokens 0..112")
    if len(texts) < LEAST:
        found = f"{len(texts)} token{'s' * (len(texts) != 1)} to go round"
        raise _refused(found, f"at least {LEAST} have a frequency besides the mean: --tokens 0..112")
    if len(set(texts)) < len(texts):
        raise _refused("a token stands twice on the circle", "every token of --tokens once")
    return Circle(tuple(_token_id(text, known, size) for text in texts), tuple(texts))


def _whole_numbers(vocabulary: Sequence[str] | None) -> list[str]:
    if vocabulary is None:
        raise _refused("a module without a spec does not say which tokens are numbers", 'for example tokens="0..112"')
    numbers = sorted((text for text in vocabulary if _INTEGER.match(text)), key=int)
    if not numbers:
        raise _refused("no token is a whole number", "say which tokens go round, in order: --tokens a..z")
    if int(numbers[-1]) - int(numbers[0]) != len(numbers) - 1:
        shown = ", ".join(numbers[:6]) + (", ..." if len(numbers) > 6 else "")
        raise _refused(f"the whole numbers among the tokens have gaps: {shown}", "say which: --tokens 0..112")
    return numbers


def _spelled_out(part: str, known: dict[str, int] | None) -> list[str]:
    """A token, or a range of whole numbers or of single characters."""
    found = _RANGE.match(part)
    if found is None or (known is not None and part in known):
        return [part]
    low, high = found.groups()
    if _INTEGER.match(low) and _INTEGER.match(high):
        first, last = int(low), int(high)
    elif len(low) == len(high) == 1:
        first, last = ord(low), ord(high)
    else:
        raise _refused(f"`{part}` is no range", "a range of whole numbers, 0..112, or of characters, a..z")
    check_size(last - first + 1, MOST_TOKENS, "tokens on the circle", None, "say which: --tokens 0..112")
    return [str(i) if low.isdigit() else chr(i) for i in range(first, last + 1)]


def _token_id(text: str, known: dict[str, int] | None, size: int) -> int:
    if known is None:
        if _INTEGER.match(text) and int(text) < size:
            return int(text)
        raise _refused(f"`{text}` is no token id", f"without a spec tokens are ids, 0 to {size - 1}")
    if text not in known:
        raise _refused(f"`{text}` is not a token of this model", did_you_mean(text, list(known)) or "see --tokens")
    return known[text]


# ------------------------------------------------------------------ the prompt


def read_prompt(words: str, vocabulary: Sequence[str] | None, size: int) -> Prompt:
    """``{a} {b} =``: tokens (ids, where there is no vocabulary) separated by spaces, both operands once."""
    known = {text: i for i, text in enumerate(vocabulary)} if vocabulary is not None else None
    parts = words.split()
    for operand in (A, B):
        if parts.count(operand) != 1:
            raise _refused(f"`{operand}` stands {parts.count(operand)} times in the prompt", "for example '{a} {b} ='")
    ids = tuple(None if part in (A, B) else _token_id(part, known, size) for part in parts)
    return Prompt(ids, (parts.index(A), parts.index(B)), " ".join(parts))


def derive_prompt(language: SequenceLanguage, circle: Circle) -> Prompt | None:
    """The prompt that the sequences of a spec leave no choice about: all are equally long, the first two places that
    may hold every token of the circle are the operands, every other place up to the answer holds one token.  None where
    that is not so."""
    if language.shortest != language.longest:
        return None
    parts: list[str] = []
    operands = [A, B]
    for place in range(language.longest):
        here = language.tokens_at(place)
        if len(here) == 1:
            parts.append(next(iter(here)))
        elif operands and here >= set(circle.texts):
            parts.append(operands.pop(0))
        elif operands:
            return None
        else:
            break  # the answer: the prompt ends before it
    return None if operands else read_prompt(" ".join(parts), language.tokens, len(language.tokens))


def _refused(message: str, help: str) -> SpecError:
    return SpecError(Diagnostic("E0660", message, help=help))
