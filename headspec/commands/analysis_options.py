"""The options of ``headspec attribute``, ``headspec probe``, and ``headspec plot --tree`` and ``--points``.

In: the command line's parsers.  Out: more of them, whose ``action`` names a function of ``commands.analyses``.  Imports
nothing but argparse, so that ``--help`` is quick.  Not for: doing the work.
"""

from __future__ import annotations

import argparse

from headspec.commands.common_options import (
    Commands,
    add_command,
    add_device,
    add_json,
    add_seed,
    add_settings,
    number_between,
    whole_number,
)

ATTRIBUTE = """\
example:
  headspec attribute systems/multiplication/direct -o attribution.svg
"""
PROBE = """\
A TARGET is written as a claim, NAME after POSITION == EXPRESSION; a `for` line may stand above it.

example:
  headspec probe systems/multiplication/direct \\
    --target 's after c[1] - 1 == token[a[0]]*token[b[1]] + token[a[1]]*token[b[0]]'
"""


def add_attribute(commands: Commands) -> None:
    """``headspec attribute SPEC [TEXT ..]``."""
    parser = _command(commands, "attribute", "which token of a text affects which output, and how much", ATTRIBUTE)
    parser.add_argument("text", metavar="TEXT", nargs="*", help="tokens, separated by spaces (default: --samples)")
    parser.add_argument("--samples", type=whole_number, metavar="N", help="so many valid inputs (default: 256)")
    parser.add_argument(
        "--recomplete",
        action="store_true",
        help="what the model wrote is right for the changed text too (default: all other tokens stay)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="draw it: a .html, .svg or .png file")
    _common(parser)


def add_probe(commands: Commands) -> None:
    """``headspec probe SPEC --target TARGET``."""
    parser = _command(commands, "probe", "read numbers off the residual stream by a linear map", PROBE)
    parser.add_argument(
        "--target", metavar="TARGET", action="append", required=True, help="the number; may be repeated"
    )
    parser.add_argument(
        "--site",
        metavar="SITE",
        action="append",
        default=[],
        help="a head, `stream LAYER`, or a hook such as blocks.1.hook_resid_mid; may be repeated (default: the stream "
        "after the attention of the last layer)",
    )
    parser.add_argument("--samples", type=whole_number, metavar="N", help="so many valid inputs (default: 2000)")
    parser.add_argument("--ridge", type=_ridge, default=0.0, metavar="X", help="adds X |w|^2 to the mean squared error")
    _common(parser)


def add_drawings(parser: argparse.ArgumentParser) -> None:
    """``--tree``, ``--points`` and what belongs to them; all None where they are not given."""
    group = parser.add_argument_group("trees of attention, and points")
    group.add_argument(
        "--tree",
        metavar="OUTPUT",
        help="what an output is made of: which head reads what where, who retrieves it; without TEXT on a sample, "
        "without -o only the report",
    )
    group.add_argument("--least", type=_part, metavar="X", help="leave out edges with less attention (default: 0.001)")
    group.add_argument(
        "--points", metavar="SITE", help="an activation for all pairs of two tokens, along its principal components"
    )
    group.add_argument("--at", metavar="POSITION", help="where --points reads it: a number or the name of a slot")
    group.add_argument("--vary", metavar="P,Q", help="the positions whose tokens vary, such as 'a[0],b[1]'")


def _command(commands: Commands, name: str, help: str, epilog: str) -> argparse.ArgumentParser:
    parser = add_command(commands, name, f"commands.analyses:{name}", help, epilog)
    parser.add_argument("spec", metavar="SPEC", help="a .head file, the name of a packaged spec, or a saved folder")
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--length", type=whole_number, metavar="N", help="of the samples (default: the longest)")
    add_seed(parser)
    add_settings(parser)
    add_device(parser)
    add_json(parser)


def _ridge(word: str) -> float:
    return number_between(word, 0, 1e12)


def _part(word: str) -> float:
    return number_between(word, 1e-9, 1)
