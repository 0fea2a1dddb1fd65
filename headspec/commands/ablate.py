"""``headspec ablate``: cut edges, put in patterns or activations, and see what the model says then.

In: parsed options.  Out: the report as text or JSON; the exit status is 0 whatever comes of it.
"""

from __future__ import annotations

import argparse
import sys

from dsl.diagnostics import Diagnostic, SpecError
from headspec.commands.output import say, say_json, warn


def ablate(arguments: argparse.Namespace) -> int:
    """Run with and without the edits, report."""
    from headspec.ablation.ablating import ablate as run_ablation
    from headspec.ablation.report import render_ablation
    from headspec.commands.verify import find_model
    from headspec.terminal import style_of

    if arguments.stop is not None and not arguments.generate:
        raise SpecError(Diagnostic("E0608", "--stop says where a generated text ends", help="with --generate N"))
    found = run_ablation(
        find_model(arguments),
        arguments.text,
        zero=arguments.zero,
        pattern=arguments.pattern,
        ideal=arguments.ideal,
        expected=arguments.expected,
        patch=arguments.patch,
        source=arguments.source,
        renormalise=arguments.renormalise,
        at=arguments.at,
        samples=arguments.samples,
        lengths=None if arguments.length is None else read_lengths(arguments.length),
        generate=arguments.generate,
        stop=arguments.stop,
        device=arguments.device,
        seed=arguments.seed,
    )
    if arguments.json:
        say_json(found.to_json())
        return 0
    if not found.example.valid:
        warn(f"this text is not among the sequences that {found.spec} speaks of; nothing is claimed about it")
    say(render_ablation(found, style_of(sys.stdout)))
    return 0


def read_lengths(words: str) -> tuple[int, ...]:
    """``8,16`` as numbers; SpecError E0608."""
    parts = [word.strip() for word in words.split(",")]
    if all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return tuple(int(part) for part in parts)
    raise SpecError(Diagnostic("E0608", f"`{words}` is not a list of lengths", help="for example --length 8,16"))
