"""``headspec verify``: the verdict, its report, and a progress bar on standard error.

In: parsed options.  Out: the report as text or JSON; 0 when it holds, 1 when it does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.output import say, say_json
from headspec.settings import parse_settings

if TYPE_CHECKING:
    from backends.storage import Loaded
    from headspec.model import Model


def verify(arguments: argparse.Namespace) -> int:
    """Compile, look at sequences, report."""
    import headspec
    from headspec.report import render_verification
    from headspec.terminal import style_of

    model = find_model(arguments)
    with _progress(quiet=arguments.json) as progress:
        result = headspec.verify(
            model,
            device=arguments.device,
            samples=arguments.samples,
            exhaustive=arguments.exhaustive,
            exhaustive_limit=arguments.exhaustive_limit,
            seed=arguments.seed,
            progress=progress,
        )
    if arguments.json:
        say_json(result.to_json())
    else:
        say(render_verification(result, style_of(sys.stdout)))
    return 0 if result.holds else 1


def find_model(arguments: argparse.Namespace) -> Model | Loaded:
    """What SPEC means: a saved folder is taken as it was saved (E0608 with --set or --dtype), a spec is compiled."""
    import headspec

    if not (Path(arguments.spec) / "model.safetensors").is_file():
        return headspec.compile(arguments.spec, settings=parse_settings(arguments.settings), dtype=arguments.dtype)
    if arguments.settings or arguments.dtype:
        message = "a saved model has its float type and settings already"
        raise SpecError(Diagnostic("E0608", message, help="leave out --set and --dtype, or verify the spec"))
    return headspec.load(arguments.spec, device=arguments.device)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while the block runs, when standard error is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("verifying"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
