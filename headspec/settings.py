"""Numbers and choices given outside a spec: ``--set beta=3/2``, ``--dtype bfloat16``.

In: words.  Out: exact rationals, or one of the allowed words; SpecError E0604 or E0608 otherwise.
Nothing here is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Literal, cast

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

Dtype = Literal["float64", "float32", "float16", "bfloat16"]
DTYPES = ("float64", "float32", "float16", "bfloat16")

_NICKNAMES = {"double": "float64", "single": "float32", "float": "float32", "half": "float16"}
_NICKNAMES |= {f"{short}{size}": f"float{size}" for short in ("fp", "f") for size in (16, 32, 64)}
_NICKNAMES |= {"bf16": "bfloat16"}

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<top>[0-9]{1,40})/(?P<bottom>[0-9]{1,40})|(?P<decimal>[0-9]{1,40}(?:\.[0-9]{1,40})?))\Z"
)


def parse_rational(text: str) -> Fraction:
    """``3``, ``-3/2``, ``0.25`` as an exact fraction; ValueError for anything else."""
    match = _NUMBER.match(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not an integer, a fraction or a decimal")
    sign = -1 if match["sign"] == "-" else 1
    if match["decimal"] is not None:
        return sign * Fraction(match["decimal"])
    if int(match["bottom"]) == 0:
        raise ValueError(f"`{text}` divides by zero")
    return sign * Fraction(int(match["top"]), int(match["bottom"]))


def parse_settings(words: Iterable[str]) -> dict[str, Fraction]:
    """``["beta=3/2", "k=2"]`` as exact values by name; SpecError E0604 for a word of another form."""
    settings: dict[str, Fraction] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not equals or not _NAME.match(name):
            raise SpecError(_bad_setting(f"`{word}` is not of the form name=value"))
        if name in settings:
            raise SpecError(_bad_setting(f"`{name}` is set twice"))
        settings[name] = _value(name, value)
    return settings


def exact_settings(settings: Mapping[str, object] | None) -> dict[str, Fraction]:
    """Settings handed over in Python: int, Fraction, a decimal string, or a float taken at its exact binary value."""
    return {name: _exact(name, value) for name, value in (settings or {}).items()}


def _exact(name: str, value: object) -> Fraction:
    match value:
        case bool():
            pass
        case int() | Fraction():
            return Fraction(value)
        case str():
            return _value(name, value)
        case float() if value == value and abs(value) != float("inf"):
            return Fraction(value)
    raise SpecError(_bad_setting(f"the value of `{name}` is {value!r}, which is not a rational number"))


def _value(name: str, text: str) -> Fraction:
    try:
        return parse_rational(text)
    except ValueError as error:
        raise SpecError(_bad_setting(f"the value of `{name}`: {error}")) from None


def _bad_setting(message: str) -> Diagnostic:
    return Diagnostic("E0604", message, help="for example --set beta=3, --set beta=3/2 or --set beta=0.25")


@contextmanager
def told_of(settings: Mapping[str, Fraction]) -> Iterator[None]:
    """A mistake of meaning that arises within may be one of the settings: its first diagnostic says what they were."""
    try:
        yield
    except SpecError as error:
        first, *others = error.diagnostics
        if not settings or first.span is None:
            raise
        given = ", ".join(f"{name} = {value}" for name, value in settings.items())
        figures = (*first.figures, f"with {given}, set from outside the spec")
        raise SpecError([replace(first, figures=figures), *others]) from None


def check_choice(what: str, word: str, choices: Iterable[str]) -> str:
    """``word`` if it is one of ``choices``, else SpecError E0608; ``what`` names their kind, as in `float type`."""
    allowed = tuple(choices)
    if word in allowed:
        return word
    near = did_you_mean(word, allowed)
    raise SpecError(
        Diagnostic(
            "E0608", f"`{word}` is not a {what}", help=f"{near + ' ' if near else ''}one of: {', '.join(allowed)}"
        )
    )


def check_dtype(word: str) -> Dtype:
    """``word`` as a float type; SpecError E0608 for any other word."""
    meant = _NICKNAMES.get(word.lower())
    if meant is not None:
        raise SpecError(Diagnostic("E0608", f"`{word}` is not a float type", help=f"did you mean `{meant}`?"))
    return cast(Dtype, check_choice("float type", word, DTYPES))
