"""One process at a time goes on from a checkpoint: two would each overwrite what the other has done.

In: a checkpoint's path.  Out: the right to write it, for as long as a block lasts.  Not for: what is written
(``keeping``).

The mark is a lock of the operating system on ``FILE.lock``: it goes when its process does, killed or not, so that
nothing has to be cleared up by hand.  Where there are no such locks (Windows) nobody is kept out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from dsl.diagnostics import Diagnostic, SpecError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def held(path: Path | None) -> Iterator[None]:
    """``path`` is ours, if it is anything; SpecError E0671 where another process has it.

    Where no file can be made beside it there is no lock: the checkpoint itself cannot be written then, which its
    writer says."""
    lock = path.with_name(f"{path.name}.lock") if path is not None else None
    handle = _open(lock) if lock is not None and fcntl is not None else None
    if path is None or lock is None or handle is None:
        yield
        return
    try:
        if not _taken(handle, lock):
            _refuse(path)
        yield
        lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _open(lock: Path) -> int | None:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _taken(handle: int, lock: Path) -> bool:
    """Whether the lock is ours now, and still the file of that name: its last holder may have removed it since."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(handle).st_ino == lock.stat().st_ino
    except OSError:
        return False


def _refuse(path: Path) -> NoReturn:
    help = "wait for it; or give each run a `--checkpoint` of its own, and add them up with `--merge`"
    raise SpecError(Diagnostic("E0671", f"another process is writing `{path}`", help=help))
