"""Waiting for somebody to save a file.

In: paths, and what to do.  Out: it is done at once, and again whenever the files are saved and have come to rest.
Times and sizes are polled: that needs nothing of the operating system, and does not mind editors that write a new file
and rename it over the old one.  Not for: what is done (``commands.exercise``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

INTERVAL = 0.3

Stamp = tuple[int, int, int]


def stamps(paths: Sequence[Path]) -> tuple[Stamp | None, ...]:
    """Time, size and identity of every file; None for one that is not there just now."""
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def watch(
    paths: Sequence[Path],
    act: Callable[[], int],
    *,
    once: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Call ``act`` when all ``paths`` are there and at rest, and after every save; never returns unless ``once``.

    At rest means: the same at two polls in a row, so that a file is not read while it is being written.  The value is
    that of the first ``act``.  KeyboardInterrupt is the caller's."""
    done: tuple[Stamp | None, ...] | None = None
    before: tuple[Stamp | None, ...] | None = None
    while True:
        now = stamps(paths)
        if now == before and now != done and None not in now:
            status, done = act(), now
            if once:
                return status
        before = now
        sleep(INTERVAL)
