"""The ``headspec`` command: its options, and what a script may rely on.

In: words of a command line.  Out: text or JSON on standard output, and an exit status: 0 it holds (or is done),
1 it does not hold, 2 the input is at fault, with a diagnostic on standard error (with ``--json``: as JSON on
standard output); 130 when interrupted.  Not for: doing the work: each command lives in a module of ``commands``
that is imported when the command is run, so that ``--help`` is quick.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from headspec import __version__
from headspec.commands.ablate_options import add_ablate
from headspec.commands.analysis_options import add_attribute, add_drawings, add_probe
from headspec.commands.common_options import (
    Commands,
    add_command,
    add_device,
    add_json,
    add_seed,
    add_settings,
    positive_number,
    whole_number,
)
from headspec.commands.every_options import add_every
from headspec.commands.exercise_options import add_exercise
from headspec.commands.fourier_options import add_fourier
from headspec.commands.parser import Parser

HOLDS, DOES_NOT_HOLD, AT_FAULT, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\
SPEC is the path of a .head file, or the name of a packaged spec (`headspec specs`).

examples:
  headspec new mine && headspec verify mine.head
  headspec show induction previous --matrix W_Q,QK
  headspec run induction "<bos> a b c a"
  headspec plot induction "<bos> a b c a" -o induction.html
  headspec exercise

exit status: 0 it holds, 1 it does not hold, 2 the input is at fault.
"""


def build_parser() -> Parser:
    """The whole command line; each command carries ``action``, ``module:function`` of what does it."""
    parser = Parser(
        prog="headspec",
        description="Exact transformer weights from a text about attention heads.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"headspec {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    looking = (add_ablate, add_attribute, add_probe)
    for add in (_new, _compile, _show, _expand, _run, _plot, _verify, *looking, add_exercise, _fmt, _specs, _explain):
        add(commands)
    return parser


def _command(
    commands: Commands, name: str, action: str, help: str, example: str, *, spec: bool = True
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, action, help, f"example:\n  {example}")
    parser.set_defaults(json=False)
    if spec:
        parser.add_argument("spec", metavar="SPEC", help="a .head file, or the name of a packaged spec")
        add_settings(parser)
    return parser


def _new(commands: Commands) -> None:
    parser = _command(
        commands, "new", "commands.files:new", "write a commented starter spec", "headspec new mine", spec=False
    )
    parser.add_argument("name", metavar="NAME", help="the model's name")
    parser.add_argument("--from", dest="source", metavar="SPEC", help="begin with a copy of this spec")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: NAME.head)")
    add_json(parser)


def _compile(commands: Commands) -> None:
    parser = _command(
        commands,
        "compile",
        "commands.inspect:compile_spec",
        "compute exact weights, lower them to floats and save them",
        "headspec compile induction -o induction/ --dtype bfloat16",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", help="save safetensors, config and spec in this folder")
    parser.add_argument("--force", action="store_true", help="write into a folder that has other things in it")
    parser.add_argument("--dtype", metavar="TYPE", help="float64, float32, float16 or bfloat16 (default: the spec's)")
    add_json(parser)


def _show(commands: Commands) -> None:
    parser = _command(
        commands,
        "show",
        "commands.inspect:show",
        "print the exact matrices, as in a paper",
        "headspec show induction previous --matrix W_Q,W_K --latex",
    )
    parser.add_argument("head", metavar="HEAD", nargs="?", help="a head by name or as L0H1 (default: all)")
    parser.add_argument(
        "--matrix",
        metavar="NAMES",
        help="comma-separated: W_Q, W_K, W_V, W_O, QK, OV, b_Q, b_K, b_V, W_E, W_pos, W_U, b_U"
        " (default: W_Q,W_K,W_V,W_O and any bias that is not zero; with --json all of them)",
    )
    parser.add_argument("--latex", action="store_true", help="LaTeX instead of text")
    add_json(parser)


def _expand(commands: Commands) -> None:
    parser = _command(
        commands,
        "expand",
        "commands.inspect:expand",
        "net heads, virtual heads, path expansion, composition scores, ranks and singular values",
        "headspec expand induction",
    )
    add_json(parser)


def _run(commands: Commands) -> None:
    parser = _command(
        commands,
        "run",
        "commands.run:run",
        "what the compiled model says, its attention patterns drawn in the terminal",
        'headspec run induction "<bos> a b c a" --queries 4',
    )
    _text(parser)
    parser.add_argument(
        "--queries",
        metavar="LIST",
        help="print every head's weights at these query positions instead (numbers, slot names or tokens)",
    )
    add_json(parser)


def _plot(commands: Commands) -> None:
    parser = _command(
        commands,
        "plot",
        "commands.run:plot",
        "draw attention patterns, trees of attention, points, or a Fourier analysis, as one self-contained file",
        'headspec plot induction "<bos> a b c a" -o induction.html',
    )
    _text(parser, optional=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="a .html, .svg or .png file")
    add_fourier(parser)
    add_drawings(parser)
    add_json(parser)


def _text(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="?" if optional else None, help="tokens, separated by spaces")
    parser.add_argument(
        "--generate", type=positive_number, default=0, metavar="N", help="let the model go on with up to N tokens"
    )
    parser.add_argument("--stop", metavar="TOKEN", help="end the generated text with this token")
    parser.add_argument(
        "--slots", metavar="NAMES", help="names for the positions, separated by spaces, to show instead of tokens"
    )


def _verify(commands: Commands) -> None:
    parser = _command(
        commands,
        "verify",
        "commands.verify:verify",
        "hold the compiled model (or a saved folder) against the spec's meaning and its expect lines",
        "headspec verify induction --samples 5000 --dtype bfloat16",
    )
    add_device(parser)
    parser.add_argument(
        "--samples",
        type=positive_number,
        metavar="N",
        help="how many sequences to look at (default: some seconds' worth)",
    )
    parser.add_argument("--exhaustive", action="store_true", help="look at every valid sequence")
    parser.add_argument(
        "--exhaustive-limit",
        type=whole_number,
        default=20_000,
        metavar="N",
        help="look at every sequence anyway when there are at most N (default: 20000)",
    )
    add_seed(parser)
    add_every(parser)
    add_json(parser)


def _fmt(commands: Commands) -> None:
    parser = _command(
        commands, "fmt", "commands.files:fmt", "format specs in place", "headspec fmt --check specs/*.head", spec=False
    )
    parser.add_argument("specs", metavar="SPEC", nargs="+", help=".head files")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is not formatted")
    parser.add_argument("--diff", action="store_true", help="change nothing; print what would change")
    add_json(parser)


def _specs(commands: Commands) -> None:
    parser = _command(
        commands,
        "specs",
        "commands.files:specs",
        "list the packaged specs, or print one",
        "headspec specs induction",
        spec=False,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="print this one's text (default: list all)")
    add_json(parser)


def _explain(commands: Commands) -> None:
    parser = _command(
        commands,
        "explain",
        "commands.files:explain",
        "a longer word on an error code",
        "headspec explain E0104",
        spec=False,
    )
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as E0104 (default: list all codes)")
    add_json(parser)


# ------------------------------------------------------------------ running


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status.  A user's mistake never shows a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # closed: the exit status is all that is wanted
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        status = _answered(words)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        _drop_output()
        return HOLDS
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO):
            raise
        _drop_output()
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return AT_FAULT


def _answered(words: list[str]) -> int:
    from dsl.diagnostics import SpecError

    try:
        return _dispatch(words)
    except SpecError as error:
        _report(error, as_json="--json" in words)
        return AT_FAULT


def _drop_output() -> None:
    """What is still to be written goes nowhere, so that nothing complains at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    try:
        arguments = build_parser().parse_args(words or ["--help"])
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    module, _, function = arguments.action.partition(":")
    action = cast(Callable[[argparse.Namespace], int], getattr(import_module(f"headspec.{module}"), function))
    return action(arguments)


def _report(error: Exception, *, as_json: bool) -> None:
    from dsl.diagnostics import SpecError

    assert isinstance(error, SpecError)
    if as_json:
        import json

        print(json.dumps({"diagnostics": [d.to_json() for d in error.diagnostics]}, indent=2, ensure_ascii=False))
    else:
        print(error, file=sys.stderr)
