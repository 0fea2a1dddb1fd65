"""``headspec attribute``, ``headspec probe``, ``headspec plot --tree`` and ``--points``.

In: parsed options.  Out: the report as text or JSON; with ``-o`` a file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.commands.output import say, say_json
from headspec.pictures.drawing import plot_kind

if TYPE_CHECKING:
    from headspec.analyses.attribution import Attribution
    from headspec.analyses.geometry import Points
    from headspec.analyses.tree import Tree

OF_TREE = ("least",)
OF_POINTS = ("at", "vary")
OF_OTHERS = ("tokens", "prompt", "layer", "sigmas", "generate", "stop", "slots")


def attribute(arguments: argparse.Namespace) -> int:
    """Change one token at a time, report."""
    from headspec.analyses.attribution import attribute as run_attribution
    from headspec.commands.verify import find_model

    if arguments.text and (arguments.samples is not None or arguments.length is not None):
        raise SpecError(Diagnostic("E0608", "texts are given, and samples asked for", help="leave out one of the two"))
    kind = _kind(arguments)
    found = run_attribution(
        find_model(arguments),
        arguments.text or None,
        samples=256 if arguments.samples is None else arguments.samples,
        recomplete=arguments.recomplete,
        length=arguments.length,
        seed=arguments.seed,
        device=arguments.device,
    )
    return _report(arguments, found, kind)


def probe(arguments: argparse.Namespace) -> int:
    """Fit, judge, report."""
    from headspec.analyses.probing import probe as run_probe
    from headspec.commands.verify import find_model

    found = run_probe(
        find_model(arguments),
        arguments.target,
        site=arguments.site,
        samples=2000 if arguments.samples is None else arguments.samples,
        length=arguments.length,
        ridge=arguments.ridge,
        seed=arguments.seed,
        device=arguments.device,
    )
    if arguments.json:
        say_json(found.to_json())
    else:
        say(str(found))
    return 0


def wanted(arguments: argparse.Namespace) -> bool:
    """Does this ``plot`` draw a tree or points?  SpecError E0608 where options do not go together."""
    asked = [name for name in ("tree", "points", "fourier") if getattr(arguments, name) not in (None, False)]
    if len(asked) > 1:
        raise SpecError(Diagnostic("E0608", f"--{asked[0]} and --{asked[1]} are two drawings", help="ask for one"))
    mine = {"tree": OF_TREE, "points": OF_POINTS}.get(asked[0] if asked else "", ())
    for name in (*OF_TREE, *OF_POINTS):
        if getattr(arguments, name) is not None and name not in mine:
            owner = "tree OUTPUT" if name in OF_TREE else "points SITE"
            raise SpecError(Diagnostic("E0608", f"--{name} belongs to --{owner.split()[0]}", help=f"with --{owner}"))
    if not mine:
        return False
    others = [name for name in OF_OTHERS if getattr(arguments, name)]
    if others:
        raise SpecError(Diagnostic("E0608", f"--{asked[0]} takes no --{others[0]}", help="leave it out"))
    if asked[0] == "points" and (arguments.at is None or arguments.vary is None):
        help = "for example `--points 'split[0]' --at 'c[0]' --vary 'a[0],b[1]'`"
        raise SpecError(Diagnostic("E0608", "--points needs --at POSITION and --vary P,Q", help=help))
    return True


def plot(arguments: argparse.Namespace) -> int:
    """A tree, or points."""
    from headspec.analyses.geometry import points
    from headspec.analyses.tree import LEAST, attention_tree
    from headspec.commands.verify import find_model

    kind, device = _kind(arguments), arguments.device or "auto"
    if arguments.tree is not None:
        least = LEAST if arguments.least is None else arguments.least
        tree = attention_tree(find_model(arguments), arguments.tree, arguments.text, least=least, device=device)
        return _report(arguments, tree, kind)
    vary = _pair(arguments.vary)
    cloud = points(find_model(arguments), arguments.points, arguments.at, vary, arguments.text, device=device)
    return _report(arguments, cloud, kind)


def _pair(words: str) -> tuple[str, str]:
    """``a[0],b[1]``; also ``x[0,1],x[1,0]``: the comma in the middle, outside of brackets."""
    depth, cuts = 0, list[int]()
    for i, letter in enumerate(words):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            cuts.append(i)
    if len(cuts) != 1:
        raise SpecError(Diagnostic("E0608", f"`{words}` is not two positions", help="for example --vary 'a[0],b[1]'"))
    return words[: cuts[0]], words[cuts[0] + 1 :]


def _kind(arguments: argparse.Namespace) -> str | None:
    return None if arguments.output is None else plot_kind(Path(arguments.output))


def _report(arguments: argparse.Namespace, found: Attribution | Tree | Points, kind: str | None) -> int:
    written = {}
    if kind is not None:
        from headspec.analyses.drawings import render_drawing
        from headspec.files import write_bytes

        write_bytes(Path(arguments.output), render_drawing(found, kind))
        written = {"written": arguments.output, "kind": kind}
    if arguments.json:
        say_json(found.to_json() | written)
        return 0
    say(str(found))
    if written:
        say(f"wrote {arguments.output}")
    return 0
