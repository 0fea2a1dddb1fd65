"""Does a head look at one key at most?  Where it does not, a number that it copies is a mean.

In: a ``Head``, and what is embedded and nowhere written (``Plain``).  Out: True where the lines and the valid inputs
alone show that no query has two keys to share its attention between.  Not for: which key it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compiler.computing import Compute
from compiler.encodings import Encoding, OneHot, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Among, Equal, Head, Offset, Prefer, Related, Term
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import EmbedLine
from compiler.spelled import stands_for
from dsl.expressions import Number


@dataclass(frozen=True)
class Plain:
    """Subspaces that nothing but their embedding writes: name -> (``token`` or ``position``, encoding)."""

    encodings: Mapping[str, tuple[str, Encoding]]
    tokens: tuple[str, ...]
    sequences: SequenceLanguage

    @staticmethod
    def of(
        subspaces: Iterable[Subspace],
        embeds: Iterable[EmbedLine],
        heads: Iterable[Head],
        computes: Iterable[Compute],
        tokens: tuple[str, ...],
        sequences: SequenceLanguage,
    ) -> Plain:
        heads = tuple(heads)
        written = {copy.target for head in heads for copy in head.copies} | {line.target for line in computes}
        encodings = {subspace.name: subspace.encoding for subspace in subspaces}
        if any(head.matrix("W_O") is not None for head in heads):
            return Plain({}, tokens, sequences)
        found = {
            line.target: (str(line.source), encodings[line.target])
            for line in embeds
            if line.matrix is None and line.images is None and line.target in encodings and line.target not in written
        }
        return Plain(found, tokens, sequences)

    def looks_at_one(self, head: Head) -> bool:
        """At most one key fits, and at most one is left to rest on, at every query of every valid sequence."""
        if head.is_soft or head.has_shares:
            return False
        named = any(self._names_one(term) for term in head.terms if not term.negated and term.when is None)
        chosen = head.prefer is not None and self._orders(head.prefer)
        resting = [self._tokens_of(rest.condition) for rest in head.rests]
        rests = not resting or (None not in resting and self._most(resting) <= 1)
        return (named or chosen) and rests

    def _names_one(self, term: Term) -> bool:
        match term.relation:
            case Offset():
                return True
            case Equal(key):
                return self._tells_positions(key)
            case Among(key, values):
                if len(values) == 1 and self._tells_positions(key):
                    return True
                return self._most([self._tokens_of(term.relation)]) <= 1
            case Related():
                return False

    def _orders(self, prefer: Prefer) -> bool:
        return prefer.by == "position" or self._tells_positions(prefer.by)

    def _tells_positions(self, name: str) -> bool:
        """No two positions show the same value (those outside the range of a number show 0)."""
        source, encoding = self.encodings.get(name, ("", None))
        if source != "position":
            return False
        if isinstance(encoding, ScalarValue | Quadratic):
            return encoding.low <= 0 and self.sequences.longest - 1 <= encoding.high
        return isinstance(encoding, OneHot) or (isinstance(encoding, Phase) and _never_returns(encoding))

    def _tokens_of(self, condition: Among) -> frozenset[str] | None:
        """The tokens for which the condition holds; None where they do not decide it."""
        source, encoding = self.encodings.get(condition.key, ("", None))
        if source != "token" or not isinstance(encoding, OneHot):
            return None
        return frozenset(token for token in self.tokens if stands_for(token, encoding.values) in condition.values)

    def _most(self, sets: Iterable[frozenset[str] | None]) -> int:
        """How many of these tokens a valid sequence has at most."""
        total: frozenset[str] = frozenset()
        for tokens in sets:
            if tokens is None:
                return self.sequences.longest
            total |= tokens
        return self.sequences.most_of(total)


def _never_returns(encoding: Phase) -> bool:
    """Some frequency is a rational number of radians, whose multiples are no whole turns (or will be chosen so)."""
    if encoding.frequencies is None:
        return True
    return any(isinstance(frequency, Number) and frequency.value for frequency in encoding.frequencies)
