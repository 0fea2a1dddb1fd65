"""Patterns of tokens: one of several, one after another, any of some, repeated.

In: nothing (pure data, made by ``resolution.patterns``).  Out: ``Pattern``, its least length, and the same strings in
other patterns.  Not for: recognising strings (``automaton``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Tok:
    """One token, any of ``tokens``."""

    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cat:
    """The parts, one after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """Any one of the options."""

    options: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Rep:
    """``low`` to ``high`` copies of ``body``; ``high`` None means as many as the context holds."""

    body: Pattern
    low: int
    high: int | None


Pattern = Tok | Cat | Alt | Rep
EMPTY = Cat(())


def min_length(pattern: Pattern) -> int:
    """The length of the shortest string of ``pattern``; at least ``NEVER`` if it has none."""
    match pattern:
        case Tok(tokens):
            return 1 if tokens else NEVER
        case Cat(parts):
            return min(NEVER, sum(min_length(part) for part in parts))
        case Alt(options):
            return min((min_length(option) for option in options), default=NEVER)
        case Rep(body, low, high):
            if high is not None and high < low:
                return NEVER
            return min(NEVER, low * min_length(body)) if low else 0
    assert_never(pattern)


def most_of(pattern: Pattern, tokens: frozenset[str], context: int) -> int:
    """How many of ``tokens`` a string of up to ``context`` tokens has at most, by the pattern: an upper bound."""
    match pattern:
        case Tok(here):
            return 1 if here & tokens else 0
        case Cat(parts):
            found = sum(most_of(part, tokens, context) for part in parts)
        case Alt(options):
            found = max((most_of(option, tokens, context) for option in options), default=0)
        case Rep(body, _, high):
            found = most_of(body, tokens, context) * (context if high is None else max(high, 0))
        case _:
            assert_never(pattern)
    return min(found, context)


def fit_to_context(pattern: Pattern, context: int) -> Pattern:
    """The same strings up to ``context`` tokens, with what cannot fit pruned and no nullable repeat bodies."""
    match pattern:
        case Tok():
            return pattern
        case Cat(parts):
            return Cat(tuple(fit_to_context(part, context) for part in parts))
        case Alt(options):
            return Alt(tuple(fit_to_context(o, context) for o in options if min_length(o) <= context))
        case Rep(body, low, high):
            return _fit_repeat(fit_to_context(body, context), low, high, context)
    assert_never(pattern)


def _fit_repeat(body: Pattern, low: int, high: int | None, context: int) -> Pattern:
    if min_length(body) == 0:
        low, body = 0, without_empty(body)
    shortest = min_length(body)
    if shortest > context or high == 0:
        return EMPTY if low == 0 else Alt(())
    most = context // shortest
    return Rep(body, low, None if high is None else min(high, max(most, low)))


def without_empty(pattern: Pattern) -> Pattern:
    """The same strings but the empty one (repeat bodies must not be nullable)."""
    match pattern:
        case Tok():
            return pattern
        case Cat(parts):
            return _cat_without_empty(parts)
        case Alt(options):
            return Alt(tuple(without_empty(option) for option in options))
        case Rep(body, low, high):
            return Alt(()) if high == 0 else Rep(body, max(low, 1), high)
    assert_never(pattern)


def _cat_without_empty(parts: tuple[Pattern, ...]) -> Pattern:
    if any(min_length(part) > 0 for part in parts):
        return Cat(parts)
    return Alt(tuple(Cat((without_empty(parts[i]), *parts[i + 1 :])) for i in range(len(parts))))


def most_tokens(pattern: Pattern) -> int | None:
    """The length of the longest text that ``pattern`` speaks of; None where there is none."""
    match pattern:
        case Tok():
            return 1
        case Cat(parts):
            lengths = [most_tokens(part) for part in parts]
            return None if None in lengths else sum(length or 0 for length in lengths)
        case Alt(options):
            lengths = [most_tokens(option) for option in options]
            return None if None in lengths else max(length or 0 for length in lengths)
        case Rep(body, _, high):
            each = most_tokens(body)
            return 0 if each == 0 else None if high is None or each is None else high * each
