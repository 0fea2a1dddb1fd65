"""The options of ``headspec ablate``.

In: the command line's parsers.  Out: one more, whose ``action`` names a function of ``commands.ablate``.  Imports
nothing but argparse, so that ``--help`` is quick.  Not for: doing the work.
"""

from __future__ import annotations

from typing import Any

from headspec.commands.common_options import (
    Commands,
    add_command,
    add_device,
    add_json,
    add_seed,
    add_settings,
    whole_number,
)

EPILOG = """\
KEYS and QUERIES are predicates as in `expect` lines (`key.position == query.position - 1`), or short for one: a
position (3), a token ("<bos>"), a set of them ({3..5, "a"}). Patterns are put in first, then edges are zeroed.
Without any edit the model is measured as it is.

example:
  headspec ablate induction "<bos> a b c a" --zero 'previous: key.position == query.position - 1'

more of them:
  headspec ablate induction --samples 500 --zero 'induction: "<bos>"' --renormalise
  headspec ablate induction --samples 500 --ideal previous --ideal induction
  headspec ablate induction "<bos> a b c a" --pattern 'previous: key.position == query.position - 2'
  headspec ablate induction "<bos> a b c a" --from "<bos> a d c a" --patch 'stream 1 at 2'
"""


def add_ablate(commands: Commands) -> None:
    """``headspec ablate SPEC [TEXT] ...``."""
    help = "zero attention edges, put in patterns or activations, and see what the model says then"
    parser = add_command(commands, "ablate", "commands.ablate:ablate", help, EPILOG)
    parser.add_argument("spec", metavar="SPEC", help="a .head file, the name of a packaged spec, or a saved folder")
    parser.add_argument("text", metavar="TEXT", nargs="?", help="tokens, separated by spaces (or --samples)")
    _add_edits(parser.add_argument_group("what is changed (each may be repeated)"))
    _add_runs(parser.add_argument_group("what it is run on"))
    add_settings(parser)
    add_device(parser)
    add_json(parser)


def _add_edits(group: Any) -> None:
    edits = {
        "--zero": ("HEAD[: KEYS] [at QUERIES]", "these edges carry nothing; without KEYS all of the head's"),
        "--pattern": ("HEAD: KEYS [otherwise KEYS] [at QUERIES]", "these keys take all attention, in equal shares"),
        "--ideal": ("HEAD [at QUERIES]", "put in the pattern of the head's reference meaning"),
        "--expected": ("HEAD [at QUERIES]", "put in the pattern that the head's `expect` lines name"),
        "--patch": ("SITE [at QUERIES]", "put in activations of --from TEXT: a head's output, `stream LAYER`, a hook"),
    }
    for option, (form, help) in edits.items():
        group.add_argument(option, metavar=f"'{form}'", action="append", default=[], help=help)
    group.add_argument("--from", dest="source", metavar="TEXT", help="the text that patches come from")
    group.add_argument(
        "--renormalise",
        action="store_true",
        help="what is left of a row that --zero cut adds up to 1 again (default: it stays as it is)",
    )


def _add_runs(group: Any) -> None:
    group.add_argument("--samples", type=whole_number, metavar="N", help="so many valid sequences instead of a TEXT")
    group.add_argument("--length", metavar="LIST", help="draw them at these lengths, such as 8,16 (default: up to 12)")
    add_seed(group)
    group.add_argument("--at", metavar="QUERIES", help="judge here (default: where the spec claims an answer)")
    group.add_argument(
        "--generate", type=whole_number, default=0, metavar="N", help="also go on with TEXT by up to N tokens"
    )
    group.add_argument("--stop", metavar="TOKEN", help="end the generated text with this token")
