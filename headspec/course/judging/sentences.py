"""A broken promise as a sentence: where a head looks, and where it should.

In: a sequence, a query, the pattern row there, the shares expected.  Out: ``Counterexample`` with its sentence.  Not
for: finding it.
"""

from __future__ import annotations

from collections.abc import Sequence

from headspec.course.results import Counterexample

SHOWN_TOKENS = 24


def counterexample(
    tokens: Sequence[str],
    head: str,
    query: int,
    pattern: Sequence[float],
    expected: Sequence[float],
    asked: float,
    sharpened: dict[str, float] | None = None,
) -> Counterexample:
    """``pattern`` and ``expected`` over keys 0.. (what follows ``query`` is left out); ``asked`` is the least mass."""
    row, shares = tuple(pattern[: query + 1]), tuple(expected[: query + 1])
    on = sum(p for p, share in zip(row, shares, strict=True) if share > 0)
    sentence = (
        f"for `{shown(tokens)}`, at position {query} your head `{head}` {looks(row, shares, asked)}; "
        f"{should(row, shares, asked)}"
    )
    return Counterexample(tuple(tokens), head, query, row, shares, on, sentence, dict(sharpened or {}))


def looks(row: Sequence[float], shares: Sequence[float], asked: float) -> str:
    """What the head does: ``puts 0.62 on position 0``."""
    if not all(p - p == 0 for p in row):
        return "puts something that is not a number on its keys"
    top, right = _wrong_top(row, shares, asked), _right(shares)
    if top is not None:
        return f"puts {figure(row[top], asked)} on position {top}"
    on = sum(row[k] for k in right)
    if on < asked:
        return f"puts only {figure(on, asked)} on {positions(right)}"
    return "puts " + listed([f"{figure(row[k], asked)} on position {k}" for k in right])


def should(row: Sequence[float], shares: Sequence[float], asked: float) -> str:
    """What it should do: ``it should put at least 0.99 on position 2``; ``there`` where ``looks`` names the place."""
    right = _right(shares)
    if len({round(shares[k], 12) for k in right}) > 1:
        return "it should put " + listed([f"{figure(shares[k], asked)} on position {k}" for k in right])
    sound = all(p - p == 0 for p in row)
    place = "there" if sound and _wrong_top(row, shares, asked) is None else f"on {positions(right)}"
    return f"it should put at least {asked:g} {place}" + (", in equal shares" if len(right) > 1 else "")


def _right(shares: Sequence[float]) -> list[int]:
    return [k for k, share in enumerate(shares) if share > 0]


def _wrong_top(row: Sequence[float], shares: Sequence[float], asked: float) -> int | None:
    """The wrong key with more weight than any right one; None where the right ones have enough, or more than any."""
    right = _right(shares)
    others = [k for k in range(len(row)) if k not in right]
    if not others or sum(row[k] for k in right) >= asked:
        return None
    top = max(others, key=lambda k: row[k])
    return top if row[top] >= max((row[k] for k in right), default=0.0) else None


def shown(tokens: Sequence[str]) -> str:
    """The tokens, the middle of long sequences left out."""
    if len(tokens) <= SHOWN_TOKENS:
        return " ".join(tokens)
    half = SHOWN_TOKENS // 2
    return f"{' '.join(tokens[:half])} .. {' '.join(tokens[-half:])}"


def positions(places: Sequence[int]) -> str:
    """``position 2``; ``positions 1, 2 and 5``."""
    if len(places) == 1:
        return f"position {places[0]}"
    if len(places) > 8:
        return f"the {len(places)} positions {places[0]} to {places[-1]} that fit"
    return f"positions {listed([str(place) for place in places])}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; of many the first eight."""
    if len(parts) > 8:
        parts = [*parts[:7], f"so on ({len(parts)} in all)"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing"


def figure(mass: float, asked: float) -> str:
    """Two decimals, or as many as it takes to see on which side of ``asked`` the mass is."""
    for digits in range(2, 12):
        text = f"{mass:.{digits}f}"
        if (float(text) < asked) == (mass < asked):
            return text
    return repr(mass)


def pattern_row(row: Sequence[float]) -> str:
    """``0: 0.05  1: 0.95``: the row, of long ones the largest eight."""
    places = sorted(range(len(row)), key=lambda k: -row[k])[:8] if len(row) > 12 else range(len(row))
    return "  ".join(f"{k}: {row[k]:.3f}" for k in sorted(places))
