"""The valid inputs: every token sequence that a spec allows, up to the context.

In: a pattern (``Tok``, ``Cat``, ``Alt``, ``Rep``), the token list and the context.  Out: a ``SequenceLanguage``
that counts, enumerates, samples and recognises them, and says which token can stand where.  Not for: the
syntax of patterns (``dsl``), nor what a sequence means.

One pattern is an ``AutomatonLanguage``; repeats that share a length make a ``RepeatedLanguage`` (``repeats``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compiler.inputs.patterns import Alt, Cat, Pattern, Rep, Tok

__all__ = ["Alt", "Cat", "Pattern", "Place", "Policy", "Rep", "SequenceLanguage", "Tok"]

Policy = Literal["random", "equal", "repeats", "distinct"]
Ids = NDArray[np.int64]


Place = tuple[int, tuple[int, ...]]
"""A position, and token ids that behave alike there."""


@dataclass(frozen=True)
class SequenceLanguage(ABC):
    """All valid sequences.  Build with ``from_pattern`` or ``everything``, or by ``repeats``; equal when what they were
    built from is."""

    tokens: tuple[str, ...]
    context: int

    @staticmethod
    def from_pattern(pattern: Pattern, tokens: tuple[str, ...], context: int) -> SequenceLanguage:
        """The sequences of ``pattern`` with 1..context tokens.

        Raises ValueError: "no sequence ..." where none fits, or where the automaton grows too large."""
        from compiler.inputs.automaton_language import build_language

        return build_language(pattern, tokens, context)

    @staticmethod
    def everything(tokens: tuple[str, ...], context: int) -> SequenceLanguage:
        """Every non-empty string of tokens up to ``context``."""
        return SequenceLanguage.from_pattern(Rep(Tok(frozenset(tokens)), 1, None), tokens, context)

    @abstractmethod
    def lengths(self) -> tuple[int, ...]:
        """The lengths that occur, ascending."""

    @property
    def shortest(self) -> int:
        return self.lengths()[0]

    @property
    def longest(self) -> int:
        return self.lengths()[-1]

    @abstractmethod
    def count(self, length: int | None = None) -> int:
        """How many valid sequences there are (of ``length``, or in all): an exact integer of any size."""

    def accepts(self, ids: Sequence[int] | Ids) -> bool:
        """Is this sequence of token ids valid?"""
        row = np.asarray(ids, dtype=np.int64)
        return bool(len(row)) and bool(self.accepts_all(row[None, :])[0])

    @abstractmethod
    def accepts_all(self, ids: Ids) -> NDArray[np.bool_]:
        """(B, n) token ids -> (B,), one answer per row."""

    @abstractmethod
    def begins(self, ids: Sequence[int] | Ids) -> bool:
        """Is this the beginning of a valid sequence, or the whole of one?  The empty beginning is."""

    @abstractmethod
    def positions_of(self, token: str) -> frozenset[int]:
        """The positions (from 0) at which ``token`` stands in some valid sequence; exact."""

    @abstractmethod
    def tokens_at(self, position: int) -> frozenset[str]:
        """The tokens that stand at ``position`` (from 0) in some valid sequence; exact."""

    @abstractmethod
    def most_of(self, tokens: frozenset[str]) -> int:
        """How many of ``tokens`` stand in one valid sequence: an upper bound, by the pattern."""

    @abstractmethod
    def enumerate(self, length: int) -> Ids:
        """(N, length): every valid sequence of ``length``, in the order of token ids.

        Raises ValueError beyond 10^8 entries; ask ``count`` first."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, length: int, n: int, policy: Policy = "random") -> Ids:
        """(n, length) valid sequences of ``length``, drawn independently; ValueError if there is none.

        ``random`` is uniform over the sequences of that length (up to float64 rounding of the counts).  The
        others are greedy and meant to provoke: ``equal`` repeats the last token, or else an earlier one,
        wherever it may; ``repeats`` draws from few tokens, now and then a new one; ``distinct`` takes new ones
        for as long as there are any, then the least used."""

    @abstractmethod
    def is_free(self) -> bool:
        """Can any token stand at any position, whatever stands elsewhere, at every length?"""

    @abstractmethod
    def places_together(self) -> dict[Place, set[Place]]:
        """Every place that occurs with a later one -> the later ones; token ids that behave alike share a place.

        Raises ValueError where the places are too many to go through."""
