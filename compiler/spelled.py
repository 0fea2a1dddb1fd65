"""What a token stands for: its text, or the integer that it spells.

In: a token.  Out: a value.  Not for: the reference meaning, which reads tokens for itself (``reference.numbers``).
"""

from __future__ import annotations

from collections.abc import Collection

from compiler.encodings import Value


def spelled_number(token: str) -> int | None:
    """The integer that a token spells: digits, perhaps with a sign before; None for any other text."""
    digits = token.removeprefix("-")
    return int(token) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def stands_for(token: str, values: Collection[Value]) -> Value | None:
    """The one of ``values`` that embedding the token shows: its text where they hold it, else its integer; or None."""
    if token in values:
        return token
    number = spelled_number(token)
    return number if number in values else None
