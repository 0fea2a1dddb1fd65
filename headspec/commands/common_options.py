"""Commands, options that several of them have, and the numbers that options take, said once.

In: an ``argparse`` parser (or a group of one), or a word.  Out: the same with the options, or the number.  Not for:
options of one command alone.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

Commands = Any  # argparse's own type has no public name


def add_command(commands: Commands, name: str, action: str, help: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of a command; ``action`` is the module and the function that do it, ``commands.run:run``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action=action)
    return parser


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="give a param or a symbol an exact value (3, 3/2, 0.25); may be repeated",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """On what a model runs, and in which float type."""
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda, cuda:0 (default: auto)")
    parser.add_argument("--dtype", metavar="TYPE", help="compile for this float type instead of the spec's")


def add_seed(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument("--seed", type=whole_number, default=0, metavar="N", help="seed of the sample (default: 0)")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output on standard output")


# ------------------------------------------------------------------ types of values


def whole_number(word: str) -> int:
    """0 or more, of at most 12 digits."""
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise argparse.ArgumentTypeError(f"`{word}` is not a whole number")
    return int(word)


def positive_number(word: str) -> int:
    """1 or more, of at most 12 digits."""
    if not (word.isascii() and word.isdigit() and len(word) <= 12 and int(word)):
        raise argparse.ArgumentTypeError(f"`{word}` is not a whole number of at least 1")
    return int(word)


def number_between(word: str, low: float, high: float) -> float:
    """A number from ``low`` to ``high``."""
    try:
        found = float(word)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise argparse.ArgumentTypeError(f"`{word}` is not a number from {low:g} to {high:g}")
    return found
