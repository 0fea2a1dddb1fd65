"""Which of the things asked for a name means: ``W_Q``, ``W_out1``, ``previous.W_Q``, ``W^2_V``.

In: an ``Exercise`` and names as people write them in texts and files.  Out: ``Asked``.  Not for: what stands under the
name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.span import Span
from headspec.course.exercise import Asked, Exercise

SPELLINGS = {"W_Q": ("W_Q",), "W_K": ("W_K",), "W_V": ("W_V",), "W_O": ("W_O", "W_out")}
OTHERS = {"W_E": "the embedding", "W_U": "the unembedding", "W_pos": "the embedding of positions"}


def plain(name: str) -> str:
    """A name without what people write differently: case, ``_ . / ^``, brackets, spaces and backslashes."""
    return "".join(character for character in name.casefold() if character.isalnum())


class Targets:
    """The things that an exercise asks for, by every name that may be used for them."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.asked = tuple(item for item in exercise.asked if item.name or item.matrix)
        self.heads = tuple(dict.fromkeys(item.head for item in exercise.asked if item.head))

    @cached_property
    def _by_name(self) -> dict[str, Asked]:
        found: dict[str, Asked] = {}
        for item in self.asked:
            for name in self._names(item):
                found.setdefault(plain(name), item)
        return found

    def _names(self, item: Asked) -> Iterable[str]:
        yield item.name
        if not item.matrix:
            return
        alone = sum(other.matrix == item.matrix for other in self.asked) == 1
        marks: list[object] = [item.head, *self._numbers(item)]
        for spelling in SPELLINGS.get(item.matrix, (item.matrix,)):
            yield from (name for mark in marks for name in (f"{spelling}{mark}", f"{mark}{spelling}"))
            if alone:
                yield spelling

    def _numbers(self, item: Asked) -> Iterable[int]:
        """What number the head may be called by: its place among those asked for; for a head asked for alone also
        its place in the given spec."""
        yield self.heads.index(item.head) + 1
        program = self.exercise.program
        if len(self.heads) == 1 and program is not None:
            yield from (i + 1 for i, head in enumerate(program.heads) if head.name == item.head)

    def find(self, name: str, head: str | int | None = None, span: Span | None = None) -> Asked:
        """What ``name`` (of ``head``: its name or its number from 1) means; SpecError E0726 when it was not asked."""
        numbered = head is not None and head != ""
        names = (f"{name}{head}", f"{head}{name}") if numbered else (name,)
        for written in names:
            if plain(written) in self._by_name:
                return self._by_name[plain(written)]
        shown = f"{name} of head {head}" if numbered else name
        raise SpecError(Diagnostic("E0726", self._message(name, shown), span, "not asked here", self._help(name)))

    def knows(self, name: str) -> bool:
        return plain(name) in self._by_name

    def only(self) -> Asked | None:
        """The one thing asked for; None where there are several."""
        return self.asked[0] if len(self.asked) == 1 else None

    def _message(self, name: str, shown: str) -> str:
        several = [item for item in self.asked if item.matrix and plain(name) in map(plain, SPELLINGS[item.matrix])]
        if len(several) > 1:
            return f"`{shown}` of which head?" if name == shown else f"there is no `{shown}` to hand in"
        if self.exercise.kind == "heads" and plain(name) in map(plain, (*sum(SPELLINGS.values(), ()), *OTHERS)):
            return f"`{shown}` is not asked for"
        return f"nothing called `{shown}` is asked for"

    def _help(self, name: str) -> str:
        near = did_you_mean(name, [item.name for item in self.asked])
        listed = f"asked for: {self.listing(self.asked)}"
        return f"{near} {listed}" if near else listed

    def listing(self, items: Iterable[Asked]) -> str:
        """``W_Q1`` and ``W_K1`` of head `first`, ..."""
        items = tuple(items)
        if not any(item.matrix for item in items) or len(self.heads) < 2:
            return ", ".join(f"`{item.name}`" for item in items)
        of_heads = []
        for head in dict.fromkeys(item.head for item in items):
            names = ", ".join(f"`{item.name}`" for item in items if item.head == head)
            of_heads.append(f"{names} of head `{head}`")
        return "; ".join(of_heads)

    # -------------------------------------------------------------- the whole

    def check_all(self, found: Iterable[Asked], where: str) -> None:
        """E0725 where something that is asked for is not among ``found``."""
        given = set(found)
        missing = [item for item in self.asked if item not in given]
        if missing:
            what = f"{self.listing(missing)} {'is' if len(missing) == 1 else 'are'} not in {where}"
            raise SpecError(Diagnostic("E0725", what, help=f"asked for: {self.listing(self.asked)}"))
