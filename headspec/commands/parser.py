"""The parser of the command line, whose mistakes are diagnostics like any other.

In: words.  Out: parsed options, or SpecError E0608 that says what was meant where that can be told.  Imports nothing
but argparse until something is wrong, so that ``--help`` is quick.  Not for: the commands and their options (``cli``).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """One command's options, or those of all commands."""

    below: Any = None
    """The commands below this one, where it has any: ``add_subparsers`` of argparse, whose type has no public name."""

    def add_subparsers(self, **options: Any) -> Any:
        self.below = super().add_subparsers(**options)
        return self.below

    def error(self, message: str) -> NoReturn:
        _fail(f"command line: {message}", " ".join(self.format_usage().split()))

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does it; what no command takes is told with a word on what may be meant."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            command = _command_of(self, args or ())
            _fail(f"command line: `{command.prog}` takes no `{left[0]}`", _meant(command, left))
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        names = tuple(action.choices or ())
        if action is self.below and value not in names:
            from dsl.diagnostics import did_you_mean

            _fail(
                f"command line: there is no command `{self.prog} {value}`",
                did_you_mean(value, names) or f"commands are {', '.join(names)}; `{self.prog} --help` says more",
            )
        super()._check_value(action, value)


def _command_of(parser: Parser, words: Sequence[str]) -> Parser:
    """The parser of the command that ``words`` are for."""
    for word in words:
        if parser.below is not None and word in parser.below.choices:
            parser = parser.below.choices[word]
    return parser


def _meant(command: Parser, left: Sequence[str]) -> str:
    """What may have been meant by the words that are left over."""
    from dsl.diagnostics import did_you_mean

    options = [option for action in command._actions for option in action.option_strings]
    takes_text = any(action.metavar == "TEXT" for action in command._actions)
    word = left[0]
    if word.startswith("-"):
        name = word.removeprefix("--").partition("=")[0]
        if "--set" in options and len(name) == 1 and len(left) == 2:
            return f"did you mean `--set {name}={left[1]}`?"
        near = did_you_mean(word, [option for option in options if option.startswith("--")])
        return near or f"`{command.prog} --help` lists its options"
    if "--set" in options and re.fullmatch(r"\w+=\S*", word):
        return f"did you mean `--set {word}`?"
    if takes_text:
        return 'a text of several tokens is one word: put it in quotes, "<bos> a b"'
    return " ".join(command.format_usage().split())


def _fail(message: str, help: str) -> NoReturn:
    from dsl.diagnostics import Diagnostic, SpecError

    raise SpecError(Diagnostic("E0608", message, help=help))
