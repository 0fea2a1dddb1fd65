"""Names of generators that are numbers: pi, and natural logarithms ``ln(n)``.

In: a name.  Out: whether it is one of them, and of what it is the logarithm.  Not for: their values (``numeric``).
"""

from __future__ import annotations

import re
from functools import lru_cache

PI = "pi"
_LOGARITHM = re.compile(r"ln\(([1-9][0-9]*)\)")


def logarithm_name(number: int) -> str:
    """What ln(number) is called among symbols, for an integer above 1 (ln 1 is 0, and no generator)."""
    assert number > 1, number
    return f"ln({number})"


@lru_cache(maxsize=1 << 12)
def logarithm_of(name: str) -> int | None:
    """The integer n > 1 where ``name`` is ``ln(n)``; None for every other name."""
    found = _LOGARITHM.fullmatch(name)
    return int(found[1]) if found is not None and int(found[1]) > 1 else None


def is_constant(name: str) -> bool:
    """Is it a number, and not free?"""
    return name == PI or logarithm_of(name) is not None
