"""Golden files: compare with what stands under ``tests/golden``, or write it when ``UPDATE_GOLDEN=1`` is set."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"


def compare(path: Path, text: str) -> None:
    """Asserts that the golden file at ``path`` holds ``text``."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: set UPDATE_GOLDEN=1 and look at what it becomes"
    assert path.read_text(encoding="utf-8") == text
