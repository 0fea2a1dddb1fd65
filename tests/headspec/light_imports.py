"""A script in a process of its own, which must not import what is slow to import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection


def run_light(script: str, heavy: Collection[str]) -> str:
    """What ``script`` prints; AssertionError where it fails, or has imported any of ``heavy`` at its end."""
    check = f"import sys\nfound = {set(heavy)!r} & set(sys.modules)\nassert not found, found\n"
    done = subprocess.run([sys.executable, "-c", f"{script}\n{check}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
