"""Every spec that is shipped, from text to exact weights to floats: sizes, processor time and memory.

    python benchmarks/compile_specs.py [--write] [SPEC ...]

Each spec in a process of its own, in which everything is imported and the grammar read beforehand.  Timed are, in
seconds of processor time (other work on the machine counts little): text to exact weights (``parse``, ``resolve``,
``compile_program``), and exact weights to floats (``lower``).  Memory is the most that the process held, in MiB; what
stands at the top of the table, ``nothing``, is held before any spec is read.

A second table has lines that are hard to make of neurons: most of them the compiler does in steps, and some it refuses
(the code says why), which takes as long.  Each letter is a digit that a head of its own copies.

``--write`` puts both tables in ``benchmarks/results/compile_specs.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from backends.lowering import lower  # noqa: E402
from compiler.pipeline import compile_program  # noqa: E402
from compiler.resolution import resolve  # noqa: E402
from dsl.diagnostics import SpecError  # noqa: E402
from dsl.parser import parse  # noqa: E402

SPECS = ROOT / "specs"
RESULTS = ROOT / "benchmarks" / "results" / "compile_specs.md"
FIRST = "tokens a\nsubspace one : constant\n"
"""Read before anything is timed: the grammar is built then."""


HARD = (
    ("ab", "scalar(0..10)", "(a*a*b + 3*a*b*b + 5*a + 7) mod 11"),
    ("abc", "scalar(0..729)", "a*b*c"),
    ("abc", "scalar(0..99)", "(((a*b + c)//2)*a)//7"),
    ("abc", "scalar(0..81)", "(a*b)//(c + 1)"),
    ("abcd", "scalar(0..9)", "max(min(a, b), min(c, d))"),
    ("abcd", "scalar(0..81)", "max(a*b, c*d)"),
    ("abcd", "scalar(0..6)", "(a*b*c*d) mod 7"),
    ("abcd", "onehot(0..2)", "if a + b > c + d then 2 else if a*b == c*d then 1 else 0"),
    ("abcd", "scalar(0..9)", "((10*a + b)*(10*c + d)//10) mod 10"),
    ("abcd", "onehot(0..15)", "(a*b mod 2) + 2*(b*c mod 2) + 4*(c*d mod 2) + 8*(a*d mod 2)"),
    ("abcd", "scalar(-81..81)", "if a == 0 then b*c else if a == 1 then b*d else if a < 5 then b - c else b*c - d"),
    (
        "abc",
        "scalar(-40..40)",
        "if a > b then (if b > c then a*b//4 - c else a + c*b mod 7 - 3) "
        "else (if a == c then 3*b - a else (a + b + c)//4)",
    ),
    ("abcdef", "scalar(0..1)", "if a*b*c*d > e*f*a*b + c then (a*b + c*d) mod 2 else (e*f + a) mod 2"),
)
"""What is read, the target, and the expression."""


@dataclass(frozen=True)
class Row:
    """``lines`` of text, without comments and empty ones; ``neurons`` of every MLP; seconds; MiB."""

    spec: str
    lines: int
    d_model: int
    layers: int
    neurons: tuple[int, ...]
    compiled: float
    lowered: float
    memory: float

    def __str__(self) -> str:
        neurons = " + ".join(map(str, self.neurons)) or "-"
        sizes = f"{self.lines} | {self.d_model} | {self.layers} | {neurons}"
        return f"| {self.spec} | {sizes} | {self.compiled:.2f} | {self.lowered:.3f} | {self.memory:.0f} |"


def measure(named: tuple[str, str]) -> Row:
    name, text = named
    started = time.process_time()
    weights = compile_program(resolve(parse(text, name)))
    compiled = time.process_time()
    lower(weights)
    lowered = time.process_time()
    return Row(
        name,
        sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines()),
        weights.program.width,
        len(weights.program.layers),
        tuple(mlp.W_in.rows for mlp in weights.mlps),
        compiled - started,
        lowered - compiled,
        memory(),
    )


def memory() -> float:
    """The most that this process held, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024**2 if sys.platform == "darwin" else 1024)


def in_processes(function: Callable[[Any], Any], given: Sequence[Any]) -> list[Any]:
    """One process for each, one after the other."""
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        return list(pool.imap(function, given, chunksize=1))


def text_of(name: str) -> str:
    return (SPECS / name).with_suffix(".head").read_text(encoding="utf-8")


def hard(letters: str, target: str, expression: str) -> str:
    """A spec whose last position reads what one head for each letter copies from a position of its own."""
    last = len(letters) - 1
    lines = ["tokens 0..9", f"context {last + 1}", "biases allowed", "subspace digit : onehot(tokens)"]
    lines += ["subspace where : onehot(positions)", *(f"subspace {letter} : scalar(0..9)" for letter in letters)]
    lines += [f"subspace made : {target}", "embed token -> digit", "embed position -> where"]
    for place, letter in enumerate(letters):
        lines += [f"head copy_{letter}", f"  attend key.where == {place} when query.where == {last}"]
        lines += ["  copy key.digit through value -> " + letter]
    table = ", ".join(f'"{digit}" -> {digit}' for digit in range(10))
    return "\n".join([lines[0], f"table value: {table}", *lines[1:], f"compute made = {expression}", ""])


def measure_hard(line: tuple[str, str, str]) -> str:
    """The row of a line of ``HARD``."""
    started = time.process_time()
    try:
        mlps = compile_program(resolve(parse(hard(*line)))).mlps
        result = " + ".join(str(mlp.W_in.rows) for mlp in mlps)
    except SpecError as error:
        result = "refused: " + ", ".join(dict.fromkeys(d.code for d in error.diagnostics))
    return f"| `{line[2]}` | {line[1]} | {result} | {time.process_time() - started:.2f} | {memory():.0f} |"


def table(rows: Sequence[Row], before: float) -> str:
    head = "| spec | lines | d_model | layers | neurons | compile (s) | lower (s) | peak memory (MiB) |"
    last = f"| nothing | - | - | - | - | - | - | {before:.0f} |"
    return "\n".join([head, "|" + " --- |" * 8, last, *map(str, sorted(rows, key=lambda row: -row.compiled))])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", help="as in `systems/modular/primes`; otherwise all")
    parser.add_argument("--write", action="store_true", help="write the table of all specs beside the other results")
    options = parser.parse_args()
    resolve(parse(FIRST))
    every = sorted(path.relative_to(SPECS).with_suffix("").as_posix() for path in SPECS.rglob("*.head"))
    before = memory()
    body = table(in_processes(measure, [(name, text_of(name)) for name in options.specs or every]), before)
    if not options.specs:
        head = "| line | target | neurons | compile (s) | peak memory (MiB) |\n|" + " --- |" * 5
        body += "\n\n## Lines that are hard\n\n" + "\n".join([head, *in_processes(measure_hard, HARD)])
    print(body)
    if options.write and not options.specs:
        where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores."
        how = "Seconds of processor time, one run.  Written by `python benchmarks/compile_specs.py --write`."
        RESULTS.write_text(f"# Every spec, compiled\n\n{where}\n{how}\n\n{body}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
