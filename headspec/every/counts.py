"""What was found of some prompts: how many, how many wrong, the least margin and where.

In: what batches, processes and machines found.  Out: ``Counts``, which add up: the order does not matter.  Not for:
which prompts these are (``ranges``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SHOWN = 5
"""Wrong prompts that are kept: the first, in the order of their numbers."""

Ids = tuple[int, ...]
"""A prompt as token ids."""


@dataclass(frozen=True, slots=True, order=True)
class Least:
    """The least of claimed logit minus best other logit: which prompt, and which claim (counted from 0)."""

    margin: float
    prompt: Ids
    claim: int


@dataclass(frozen=True, slots=True)
class Counts:
    """``checked`` prompts, ``wrong`` those of which any claim is; ``wrong_at[i]``: at claim i, after the right text."""

    checked: int
    wrong: int
    wrong_at: tuple[int, ...]
    least: Least | None = None
    first_wrong: tuple[Ids, ...] = ()

    @staticmethod
    def none(claims: int) -> Counts:
        return Counts(0, 0, (0,) * claims)

    def __add__(self, other: Counts) -> Counts:
        leasts = [least for least in (self.least, other.least) if least is not None]
        return Counts(
            self.checked + other.checked,
            self.wrong + other.wrong,
            tuple(a + b for a, b in zip(self.wrong_at, other.wrong_at, strict=True)),
            min(leasts, default=None),
            tuple(sorted({*self.first_wrong, *other.first_wrong})[:SHOWN]),
        )

    def to_json(self) -> dict[str, Any]:
        """Margins as texts: JSON has no infinities."""
        least = self.least
        return {
            "checked": self.checked,
            "wrong": self.wrong,
            "wrong_at": list(self.wrong_at),
            "least": None if least is None else [repr(least.margin), list(least.prompt), least.claim],
            "first_wrong": [list(ids) for ids in self.first_wrong],
        }

    @staticmethod
    def from_json(found: Any) -> Counts:
        """Raises KeyError, TypeError or ValueError for anything that ``to_json`` does not write."""
        least, wrong_at = found["least"], _ids(found["wrong_at"])
        if least is not None:
            margin, prompt, claim = least
            if not isinstance(margin, str) or not 0 <= _number(claim) < len(wrong_at):
                raise ValueError("least")
            least = Least(float(margin), _ids(prompt), claim)
        if not isinstance(found["first_wrong"], list) or len(found["first_wrong"]) > SHOWN:
            raise ValueError("first_wrong")
        counts = Counts(
            _number(found["checked"]),
            _number(found["wrong"]),
            wrong_at,
            least,
            tuple(_ids(row) for row in found["first_wrong"]),
        )
        if not counts.agree():
            raise ValueError("figures that contradict one another")
        return counts

    def agree(self) -> bool:
        """Can these be figures of one run?  What is wrong has a margin of 0 or less, and is shown."""
        if not max((0, *self.wrong_at)) <= self.wrong <= min(self.checked, sum(self.wrong_at)):
            return False
        if self.least is None:
            return not self.checked and not self.first_wrong
        least = self.least.margin
        shown = sorted(set(self.first_wrong)) == list(self.first_wrong)
        errs = least <= 0 if self.wrong else least > 0
        return bool(self.checked) and errs and shown and len(self.first_wrong) <= self.wrong


def _number(found: Any) -> int:
    if type(found) is not int or found < 0:
        raise ValueError("no count")
    return found


def _ids(found: Any) -> Ids:
    if not isinstance(found, list):
        raise TypeError("no list")
    return tuple(_number(each) for each in found)
