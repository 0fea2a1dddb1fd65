"""``headspec verify``: the verdict, its report, and a progress bar on standard error.

In: parsed options.  Out: the report as text or JSON; 0 when it holds, 1 when it does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.commands.output import say, say_json
from headspec.settings import parse_settings

if TYPE_CHECKING:
    from backends.files.loading import Loaded
    from headspec.model import Model


def verify(arguments: argparse.Namespace) -> int:
    """Compile, look at sequences, report."""
    import headspec
    from headspec.every.asking import environment
    from headspec.terminal import style_of
    from headspec.verification.report import render_verification

    rank = environment("RANK")  # under torchrun the first process speaks for all
    model = find_model(arguments)
    with _progress(quiet=arguments.json or rank > 0) as (progress, prompt_progress):
        result = headspec.verify(
            model,
            device=arguments.device,
            samples=arguments.samples,
            exhaustive=arguments.exhaustive,
            exhaustive_limit=arguments.exhaustive_limit,
            seed=arguments.seed,
            progress=progress,
            outputs=arguments.outputs,
            checkpoint=arguments.checkpoint,
            shard=arguments.shard,
            merge=arguments.merge,
            prompt_progress=prompt_progress,
        )
    if rank > 0:
        return 0
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


Progress = Callable[[int, int], None]


@contextmanager
def _progress(*, quiet: bool) -> Iterator[tuple[Progress | None, Progress | None]]:
    """Bars on standard error while the block runs, when standard error is a terminal: of what the sample takes, and
    of every prompt, with its rate and the time left."""
    if quiet or not sys.stderr.isatty():
        yield None, None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Task as Row
    from rich.text import Text

    class Rate(ProgressColumn):
        """Prompts per second, of those that are counted one by one."""

        def render(self, task: Row) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f} prompts/s" if task.fields["counted"] and speed else "")

    percentage = TextColumn("{task.percentage:>5.1f} %")
    columns = (TextColumn("{task.description}"), BarColumn(), percentage, TimeElapsedColumn(), Rate())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, counted: bool, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, counted=counted)
            bar.update(tasks[what], completed=done, total=total)

        yield partial(show, "patterns", False), partial(show, "prompts", True)
