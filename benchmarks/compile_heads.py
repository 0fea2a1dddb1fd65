"""How long a whole head takes from text to exact, certified factors: over d_model, and over the number of its lines.

    python benchmarks/compile_heads.py [--write]

A previous-token head that reads phases and copies tokens, in streams of 16 to 4096 coordinates (context 64), and
a head with 1 to 16 `attend` lines.  Timed: text to program, program to circuits (embeddings included), strengths,
factors with certificates; the best of three.  ``--write`` puts the tables in ``benchmarks/results/compile_heads.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from compiler.circuits import build_circuits  # noqa: E402
from compiler.pipeline import compile_program  # noqa: E402
from compiler.resolution import resolve  # noqa: E402
from compiler.sharpness import complete_frequencies, solve_strengths  # noqa: E402
from dsl.parser import parse  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "compile_heads.md"
WIDTHS = (16, 64, 256, 768, 1024, 4096)
LINES = (1, 2, 4, 8, 16)
PARTS = ("text to program", "circuits", "strengths", "all, with factors")


def wide(d_model: int) -> str:
    """Half of the stream (at most 128 coordinates) are phases: the d_head of the head."""
    pairs = min(64, d_model // 4)
    tokens = min(16, d_model // 8)
    names = ", ".join(f"t{i}" for i in range(tokens))
    return "\n".join(
        [
            f"tokens {names}",
            "context 64",
            f"residual {d_model}",
            "subspace content : onehot(tokens)",
            f"subspace where : phase(positions, {pairs}) at {d_model - 2 * pairs}..{d_model - 1}",
            "subspace before like content",
            "embed token -> content",
            "embed position -> where",
            "layer",
            f"  head previous d_head {2 * pairs}",
            "    attend key.where == query.where - 1",
            "    copy key.content -> before",
        ]
    )


def lined(count: int) -> str:
    """``count`` one-hot subspaces compared at once by one head."""
    names = [f"s{i}" for i in range(count)]
    return "\n".join(
        [
            "tokens a..z",
            "context 64",
            *(f"subspace {name} : onehot(tokens)" for name in names),
            *(f"embed token -> {name}" for name in names),
            "layer",
            "  head same",
            *(f"    attend key.{name} == query.{name}" for name in names),
        ]
    )


def measure(text: str) -> list[float]:
    """Seconds of the four parts, the best of three each."""
    best = [math.inf] * len(PARTS)
    for _ in range(3):
        marks = [time.perf_counter()]
        program = resolve(parse(text))
        marks.append(time.perf_counter())
        circuits = build_circuits(complete_frequencies(program))
        marks.append(time.perf_counter())
        solve_strengths(circuits, {})
        marks.append(time.perf_counter())
        compile_program(program)
        whole = time.perf_counter() - marks[-1] + marks[1] - marks[0]
        spent = [b - a for a, b in zip(marks, marks[1:], strict=False)]
        best = [min(old, new) for old, new in zip(best, [*spent, whole], strict=True)]
    return best


def table(title: str, name: str, rows: list[tuple[int, list[float]]]) -> str:
    lines = [f"## {title}", "", f"| {name} | " + " | ".join(f"{p} (ms)" for p in PARTS) + " |"]
    lines.append("|" + " --- |" * (len(PARTS) + 1))
    lines += [f"| {n} | " + " | ".join(f"{1000 * s:.1f}" for s in times) + " |" for n, times in rows]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables beside the other results")
    options = parser.parse_args()
    body = "\n\n".join(
        [
            table("Growing d_model, context 64", "d_model", [(d, measure(wide(d))) for d in WIDTHS]),
            table("Growing number of lines", "attend lines", [(n, measure(lined(n))) for n in LINES]),
        ]
    )
    print(body)
    if options.write:
        where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; best of three."
        how = "Written by `python benchmarks/compile_heads.py --write`."
        RESULTS.write_text(f"# From text to exact heads\n\n{where}\n{how}\n\n{body}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
