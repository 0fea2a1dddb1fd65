"""How commands print: text to people, JSON to programs.

In: strings and JSON values.  Out: lines on standard output; warnings on standard error.
Not for: errors (``cli.main`` reports those).
"""

from __future__ import annotations

import json
import sys


def say(text: str = "") -> None:
    """A line on standard output; characters it cannot encode are escaped instead of failing."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding))


def say_json(value: object) -> None:
    """One JSON document; NaN and infinities are bugs here, not output."""
    print(
        json.dumps(value, indent=2, ensure_ascii=sys.stdout.encoding.lower() not in ("utf-8", "utf8"), allow_nan=False)
    )


def warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
