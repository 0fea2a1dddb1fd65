"""Typed reading of the tables of an exercise file; every mistake is a diagnostic with its line.

In: a table that ``tomllib`` read, and the page it stands on.  Out: texts, numbers, lists; what is wrong goes to the
page's collector, and a harmless value takes its place, so that several mistakes are reported at once.
Not for: what the keys mean (``loading``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from fractions import Fraction
from functools import cached_property

from dsl.diagnostics import Collector, did_you_mean
from dsl.span import Source, Span
from headspec.course.files.toml_places import Path, find_places, nearest_place

MISSING, WRONG, UNKNOWN = "E0743", "E0744", "E0742"
_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    str: "text",
    list: "a list",
    dict: "a table",
    datetime: "a date",
    date: "a date",
    time: "a time of day",
}


@dataclass
class Page:
    """The text of one exercise file, the places of its keys, and the mistakes found so far."""

    source: Source
    collector: Collector = field(default_factory=Collector)

    @cached_property
    def places(self) -> dict[Path, tuple[int, int]]:
        return find_places(self.source.text)

    def span(self, path: Path) -> Span:
        start, stop = nearest_place(self.places, path) or (0, 0)
        return Span(start, stop, self.source)

    def fault(self, code: str, path: Path, message: str, *, label: str = "", help: str | None = None) -> None:
        """Note a mistake at the key that ``path`` names."""
        self.collector.add(code, message, self.span(path), label=label, help=help)


@dataclass
class Table:
    """One table; ``path`` says where it stands (``("check", 0)``).  ``known`` gathers the keys that were asked for."""

    page: Page
    data: Mapping[str, object]
    path: Path = ()
    known: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """``[[check]] number 2``, as a person would say it."""
        if not self.path:
            return "the exercise"
        if isinstance(self.path[-1], int):
            return f"[[{self.path[-2]}]] number {self.path[-1] + 1}"
        return f"[{'.'.join(map(str, self.path))}]"

    def fault(self, key: str, message: str, *, code: str = WRONG, label: str = "", help: str | None = None) -> None:
        self.page.fault(code, (*self.path, key), message, label=label, help=help)

    # ------------------------------------------------------------------ keys

    def text(self, key: str, default: str | None = None, *, example: str = "...") -> str:
        """A text that is not blank; ``default`` None says that it has to be there."""
        found = self._value(key, str, None if default is None else default, f'{key} = "{example}"')
        if isinstance(found, str) and (found.strip() or key not in self.data or default == ""):
            return found
        if isinstance(found, str):
            self.fault(key, f"`{key}` is empty", label="nothing is written here", help=f'write {key} = "{example}"')
        return default or ""

    def word(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """One of ``choices``; the first of them stands in for a mistake."""
        allowed = list(choices)
        found = self._value(key, str, default, f'{key} = "{allowed[0]}"')
        if isinstance(found, str) and found in allowed:
            return found
        if isinstance(found, str):
            help = did_you_mean(found, allowed) or f"it is one of {', '.join(allowed)}"
            self.fault(key, f"`{key}` cannot be `{found}`", label="not one of the words that can stand here", help=help)
        return default or allowed[0]

    def integer(self, key: str, default: int | None = None, *, low: int = 1, high: int = 1_000_000) -> int:
        """A whole number from ``low`` to ``high``."""
        found = self._value(key, int, default, f"{key} = {low}")
        if isinstance(found, int) and (low <= found <= high):
            return found
        if isinstance(found, int):
            self.fault(key, f"`{key}` is {found}", label=f"a whole number from {low} to {high} is expected")
        return default if default is not None else low

    def flag(self, key: str, default: bool) -> bool:
        found = self._value(key, bool, default, f"{key} = true")
        return found if isinstance(found, bool) else default

    def rational(self, key: str, default: Fraction | None = None) -> Fraction | None:
        """An exact number written as text (``"0.99"``, ``"99/100"``) or a whole number."""
        from headspec.settings import parse_rational

        self.known.append(key)
        if key not in self.data:
            return default
        found = self.data[key]
        if isinstance(found, int) and not isinstance(found, bool):
            return Fraction(found)
        try:
            if isinstance(found, str):
                return parse_rational(found)
            self._not_exact(key, found)
        except ValueError as error:
            self.fault(key, str(error), label="an exact number is expected", help=f'such as {key} = "99/100"')
        return default

    def _not_exact(self, key: str, found: object) -> None:
        number = str(found) if isinstance(found, float) else "0.99"
        message = f"`{key}` is {_kind(found)}; exact numbers are written as text"
        self.fault(key, message, label="in quotation marks", help=f'write {key} = "{number}"')

    def texts(self, key: str, *, required: bool = True, example: str = '["...", "..."]') -> tuple[str, ...]:
        """A list of texts, none of them blank; at least one where ``required``."""
        found = self._value(key, list, None if required else [], f"{key} = {example}")
        if not isinstance(found, list):
            return ()
        good = [item for item in found if isinstance(item, str) and item.strip()]
        if len(good) < len(found):
            self.fault(key, f"`{key}` is a list of texts", label="something in it is no text, or blank")
        if required and not found:
            self.fault(key, f"`{key}` is empty", label="at least one is needed", help=f"write {key} = {example}")
        return tuple(good)

    def names(self, key: str) -> tuple[str, ...]:
        """One name, or a list of names; none where the key is not there."""
        if isinstance(self.data.get(key), str):
            return (self.text(key),)
        return self.texts(key, required=False, example='["beta"]')

    def sizes(self, key: str) -> tuple[int, int] | None:
        """Two whole numbers, ``[rows, columns]``; None where the key is not there."""
        found = self._value(key, list, [], f"{key} = [16, 16]")
        if not isinstance(found, list) or key not in self.data:
            return None
        if len(found) == 2 and all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 4096 for n in found):
            return found[0], found[1]
        self.fault(key, f"`{key}` is [rows, columns]", label="two whole numbers from 1 to 4096 are expected")
        return None

    # ------------------------------------------------------------------ tables

    def table(self, key: str) -> Table:
        """The table ``[key]``; an empty one where it is not there."""
        found = self._value(key, dict, {}, f"[{'.'.join(map(str, (*self.path, key)))}]")
        return Table(self.page, found if isinstance(found, dict) else {}, (*self.path, key))

    def tables(self, key: str, *, required: bool = False) -> list[Table]:
        """The tables ``[[key]]``, in order."""
        found = self._value(key, list, None if required else [], f"[[{key}]]")
        if not isinstance(found, list):
            return []
        for i, item in enumerate(found):
            if not isinstance(item, dict):
                self.page.fault(WRONG, (*self.path, key), f"entry {i + 1} of `{key}` is {_kind(item)}, not a table")
        return [Table(self.page, item, (*self.path, key, i)) for i, item in enumerate(found) if isinstance(item, dict)]

    def entries(self) -> dict[str, str]:
        """All keys of the table, each with a text."""
        return {key: self.text(key) for key in self.data}

    def rest(self) -> dict[str, object]:
        """The keys that nobody has asked for so far; they count as known from now on."""
        left = {key: value for key, value in self.data.items() if key not in self.known}
        self.known += left
        return left

    def finish(self) -> None:
        """Complain of keys that nobody asked for."""
        for key in self.data:
            if key not in self.known:
                help = did_you_mean(key, self.known) or f"the keys here are {', '.join(dict.fromkeys(self.known))}"
                self.fault(key, f"{self.title} has no key `{key}`", code=UNKNOWN, label="not a key here", help=help)

    def _value(self, key: str, kind: type, default: object, example: str) -> object:
        """The value of ``key``, or ``default`` where it is not there; None after a mistake."""
        self.known.append(key)
        if key not in self.data:
            if default is None:
                message = f"{self.title} has no `{key}`"
                self.page.fault(MISSING, self.path, message, label=f"`{key}` is missing", help=f"add {example}")
            return default
        found = self.data[key]
        if type(found) is kind:
            return found
        message = f"`{key}` is {_kind(found)}, and {_NAMES[kind]} is expected"
        self.fault(key, message, label=f"{_NAMES[kind]} is expected", help=f"write {example}")
        return None


def _kind(value: object) -> str:
    return _NAMES.get(type(value), "something else")
