"""The options of ``headspec exercise`` and of its commands.

In: the command line's parsers.  Out: one more, whose ``action`` names a function of ``commands.exercise``.  Imports
nothing but argparse, so that ``--help`` is quick.  Not for: doing the work.
"""

from __future__ import annotations

import argparse
from typing import Any

from headspec.commands.common_options import Commands, add_command

EPILOG = """\
N is an exercise's number, such as 2c, or the path of a teacher's .toml file.

a first round:
  headspec exercise                          the list, and what to do next
  headspec exercise show 2c                  what is given, what is asked, a form to fill in
  headspec exercise check 2c answer.txt      is it right? if not: where it fails, and why
  headspec exercise hint 2c                  the next hint
  headspec exercise watch 2c answer.txt      check again whenever the file is saved
  headspec exercise solution 2c              our answer, and why it is right

exit status of check: 0 right, 1 not right, 2 the input is at fault.  --json is for graders (docs/grading.md);
it leaves the progress alone.
"""
ANSWERS = """\
ANSWER is
  a text file        matrices, head lines of a spec, LaTeX, or `name = value` lines
  - (a hyphen)       the same on standard input
  W_Q=q.npy ...      one file of numbers for each matrix (.npy .npz .safetensors .json .csv)
  weights.npz        one file of numbers that has them all by name
"""


def add_exercise(commands: Commands) -> None:
    """``headspec exercise``, with its own commands below it."""
    parser = commands.add_parser(
        "exercise",
        help="the course: exercises in writing attention heads, hints, and a checker",
        description="Exercises in writing attention heads by hand; every right answer is accepted.",
        epilog=f"{EPILOG}\nexample:\n  headspec exercise show 1a",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action="commands.exercise:overview", json=False, course=None)
    _shared(parser)
    below = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_intermixed(type(parser)))
    for add in (_list, _show, _check, _hint, _solution, _watch, _progress, _grade, _test):
        add(below)


def _intermixed(parser: type[argparse.ArgumentParser]) -> type[argparse.ArgumentParser]:
    """``check 2c --json answer.txt``: options may stand between the words, which argparse allows only when asked."""

    class Intermixed(parser):  # type: ignore[misc, valid-type]
        entered = False

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            if self.entered:
                return super().parse_known_args(args, namespace)
            self.entered = True
            try:
                return self.parse_known_intermixed_args(args, namespace)
            finally:
                self.entered = False

    return Intermixed


def _command(below: Commands, name: str, help: str, example: str, *, more: str = "") -> argparse.ArgumentParser:
    epilog = f"{more}{chr(10) if more else ''}example:\n  headspec exercise {example}"
    action = f"commands.exercise:{name if name != 'list' else 'overview'}"
    parser = add_command(below, name, action, help, epilog)
    _shared(parser)
    return parser


def _shared(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before or after the command."""
    parser.add_argument(
        "--course",
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="a folder of exercises instead of the packaged ones",
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="machine-readable output on standard output"
    )


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="N", help="an exercise's number, such as 2c, or the path of a .toml file")


def _list(below: Commands) -> None:
    _command(below, "list", "list the exercises, with what is solved and what comes next", "list")


def _show(below: Commands) -> None:
    _number(_command(below, "show", "what is given, what is asked, and a form to fill in", "show 2c"))


def _check(below: Commands) -> None:
    parser = _command(
        below, "check", "judge an answer; a wrong one is refuted by an example", "check 2c answer.txt", more=ANSWERS
    )
    _number(parser)
    parser.add_argument("answers", metavar="ANSWER", nargs="*", help="a file, `-`, or NAME=FILE pairs")
    parser.add_argument("--answer", metavar="TEXT", dest="text", help="the answer itself, for short ones")
    _convention(parser)


def _convention(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--convention",
        metavar="WORD",
        help="column (W_Q is d_head x d_model) or row (transposed), where shapes leave it open",
    )


def _grade(below: Commands) -> None:
    parser = _command(
        below,
        "grade",
        "for teachers: judge many answers to one exercise",
        "grade 2c class/*/2c.txt --csv grades.csv",
    )
    parser.set_defaults(action="commands.grading:run")
    _number(parser)
    parser.add_argument("answers", metavar="FILE", nargs="+", help="one file for each answer")
    parser.add_argument("--csv", metavar="FILE", help="also write a table: answer, right, score, what is wrong")
    _convention(parser)


def _hint(below: Commands) -> None:
    parser = _command(below, "hint", "the next hint, from gentle to nearly all", "hint 2c")
    _number(parser)
    parser.add_argument(
        "level", metavar="LEVEL", nargs="?", help="which hint: 1, 2, ... (default: the next unseen one)"
    )


def _solution(below: Commands) -> None:
    _number(_command(below, "solution", "our answer, and why it is right", "solution 2c"))


def _watch(below: Commands) -> None:
    parser = _command(below, "watch", "check again whenever the answer is saved; Ctrl-C ends it", "watch 2c answer.txt")
    _number(parser)
    parser.add_argument("answers", metavar="FILE", nargs="+", help="the answer's file, or NAME=FILE pairs")
    _convention(parser)
    parser.add_argument("--once", action="store_true", help="stop after the first check, with its exit status")


def _progress(below: Commands) -> None:
    parser = _command(below, "progress", "what has been tried and solved", "progress")
    parser.add_argument("--reset", action="store_true", help="start anew; the old file is kept beside")


def _test(below: Commands) -> None:
    parser = _command(
        below,
        "test",
        "for teachers: does an exercise accept its solution and right answers, and refuse the wrong ones",
        "test mine.toml",
    )
    parser.add_argument(
        "exercises", metavar="FILE", nargs="*", help=".toml files or numbers (default: the whole course)"
    )
