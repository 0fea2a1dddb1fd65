"""Whole programs of the library at stated vocabularies and lengths, against plain Python, beside the peers' figures.

    python benchmarks/programs.py [--write] [--only sort,reverse]

For every program and size: d_model, parameters (every entry of the dense float32 model), seconds from text to that
model, and how many of the judged positions it predicts wrongly.  What is right is worked out by a few lines of Python
that know nothing of the spec: ``sorted``, ``reversed``, ``max``, ``count``, ``+``, a stack.  Positions are judged with
the right text so far before them; where none is wrong, greedy decoding writes the same text, and the first texts are
generated to see it.

The column *peers* quotes figures that were measured elsewhere (see ``SOURCES``), not by this script.
``--write`` puts the table in ``benchmarks/results/programs.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headspec  # noqa: E402
from backends.torch_model import TorchModel  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "programs.md"
SPECS = ROOT / "specs" / "systems" / "programs"
GENERATED = 2
POSITIONS = 20_000

SOURCES = """\
Peers, measured elsewhere on two shared CPU cores, at the versions of 2024 (Tracr, ALTA) and 2026 (TorchWright 0.2);
M: million parameters; s: seconds to compile; a row without them: none was measured at this size.
[Tracr](https://github.com/google-deepmind/tracr) compiles RASP without a causal mask: it answers in place where these
programs generate. Its `shuffle_dyck1` says whether a text is balanced, and not what closes a bracket. "As shipped" is
with its default `mlp_exactness`, 100; with 1e4 to 1e5 those positions become right.
[ALTA](https://github.com/google-deepmind/alta): its dense addition and its sort do not compile.
[TorchWright](https://pypi.org/project/torchwright/): its ten-digit calculator, the nearest to addition there is."""

Case = tuple[list[str], list[str | None]]
"""A text, and the token that is right after each of its tokens (None: nothing is asked there)."""


@dataclass(frozen=True)
class Size:
    """``vocabulary`` letters, numbers or kinds of brackets; ``length`` of the list; how ``deep``, at most."""

    vocabulary: int
    length: int
    peers: str = ""
    deep: int = 0


@dataclass(frozen=True)
class Task:
    """``text`` fits the packaged spec to a vocabulary; ``case`` draws a text and what is right."""

    name: str
    sizes: tuple[Size, ...]
    text: Callable[[str, Size], str]
    case: Callable[[np.random.Generator, Size], Case]


# ------------------------------------------------------------------ what is right


def generated(prompt: list[str], answer: list[str]) -> Case:
    return prompt + answer[:-1], [None] * (len(prompt) - 1) + list(answer)


def drawn(rng: np.random.Generator, size: Size) -> list[int]:
    """Numbers below the vocabulary: of all values, of three, or all equal."""
    values = min(size.vocabulary, int(rng.choice([size.vocabulary, 3, 1])))
    return [int(x) for x in rng.permutation(size.vocabulary)[:values][rng.integers(values, size=size.length)]]


def maximum(rng: np.random.Generator, size: Size) -> Case:
    numbers = drawn(rng, size)
    return [str(x) for x in numbers], [str(max(numbers[: i + 1])) for i in range(len(numbers))]


def histogram(rng: np.random.Generator, size: Size) -> Case:
    letters = [chr(ord("a") + x) for x in drawn(rng, size)]
    return ["<bos>", *letters], [None, *(str(letters[: i + 1].count(x)) for i, x in enumerate(letters))]


def reverse(rng: np.random.Generator, size: Size) -> Case:
    numbers = [str(x) for x in drawn(rng, size)]
    return generated(["<bos>", *numbers, "<sep>"], [*reversed(numbers), "<bos>"])


def sort(rng: np.random.Generator, size: Size) -> Case:
    numbers = drawn(rng, size)
    return generated(["<bos>", *map(str, numbers), "<sep>"], [*map(str, sorted(numbers)), "<bos>"])


def addition(rng: np.random.Generator, size: Size) -> Case:
    """Every second pair carries over all its digits: a random number and what is missing to 10^length."""
    first = rng.integers(10, size=size.length)
    second = 9 - first if rng.integers(2) else rng.integers(10, size=size.length)
    second[0] += bool(second[0] < 9)
    total = sum((int(a) + int(b)) * 10**i for i, (a, b) in enumerate(zip(first, second, strict=True)))
    digits = str(total).zfill(size.length + 1)[::-1]
    return generated(["<bos>", *map(str, first), "+", *map(str, second), "="], [*digits, "<eos>"])


def brackets(rng: np.random.Generator, size: Size) -> Case:
    """A walk between 0 and the greatest depth, that tends up and down in turns so that it sees both ends."""
    stack: list[int] = []
    text, wanted = ["<bos>"], ["<bos>"]
    up = 0.8
    for _ in range(size.length):
        up = 0.8 if not stack else 0.2 if len(stack) == size.deep else up
        if len(stack) < size.deep and (not stack or rng.random() < up):
            stack.append(int(rng.integers(size.vocabulary)))
            text.append(f"o{stack[-1]}")
        else:
            text.append(f"c{stack.pop()}")
        wanted.append(f"c{stack[-1]}" if stack else "<bos>")
    return text, list(wanted)


# ------------------------------------------------------------------ the specs at other sizes


def numbered(text: str, size: Size) -> str:
    last = size.vocabulary - 1
    return text.replace("0..9", f"0..{last}").replace('"0".."9"', f'"0".."{last}"')


def lettered(text: str, size: Size) -> str:
    return text.replace("0..32", f"0..{size.length}").replace("a..e", f"a..{chr(ord('a') + size.vocabulary - 1)}")


def renamed(text: str, size: Size) -> str:
    return text.replace("a..z", f"0..{size.vocabulary - 1}").split("\nexpect")[0]


def bracketed(text: str, size: Size) -> str:
    """The lines that name brackets, written out for so many kinds: o0 c0 o1 c1 ..."""
    kinds = range(size.vocabulary)
    opening, closing = [f"o{k}" for k in kinds], [f"c{k}" for k in kinds]
    quoted = ", ".join(f'"{o}"' for o in (*opening, "<bos>"))
    steps = ", ".join([f'"{o}" -> 1' for o in opening] + [f'"{c}" -> -1' for c in closing])
    pairs = ", ".join([f'"o{k}" -> "c{k}"' for k in kinds] + ['"<bos>" -> "<bos>"'])
    new = {
        "tokens": f"tokens {', '.join([*opening, *closing])}, <bos>",
        "sequences": f"sequences <bos> ({' | '.join([*opening, *closing])}){{1, n}}",
        "table step": f"table step: {steps}",
        "table closing": f"table closing: {pairs}",
        "    attend key.content": f"    attend key.content in {{{quoted}}}",
    }
    lines = []
    for line in text.split("\nexpect")[0].splitlines():
        word = next((word for word in new if line.startswith(word)), None)
        lines.append(line if word is None else new[word])
    return "\n".join(lines) + "\n"


TASKS = (
    Task(
        "maximum",
        (Size(1000, 50), Size(1000, 512), Size(4000, 512), Size(1000, 5000)),
        numbered,
        maximum,
    ),
    Task(
        "histogram",
        (Size(5, 100, "Tracr as shipped: 1561 of 1800 wrong"), Size(5, 1000), Size(5, 1800)),
        lettered,
        histogram,
    ),
    Task(
        "reverse",
        (
            Size(50, 50, "Tracr: 9.0 M, 8.7 s"),
            Size(50, 100, "Tracr: not within 420 s"),
            Size(50, 500),
            Size(50, 4000),
        ),
        renamed,
        reverse,
    ),
    Task(
        "sort",
        (
            Size(50, 50, "Tracr: d_model 2705, 122 M, 86 s; ALTA: does not compile"),
            Size(50, 100, "Tracr: 478 M, 487 s"),
            Size(50, 500),
            Size(100, 512),
            Size(50, 2000),
        ),
        numbered,
        sort,
    ),
    Task(
        "addition",
        (
            Size(10, 10, "TorchWright: 43 layers, 33 M; ALTA: does not compile"),
            Size(10, 100),
            Size(10, 1000),
            Size(10, 2046),
        ),
        lambda text, size: text,
        addition,
    ),
    Task(
        "brackets",
        (
            Size(13, 50, "Tracr, shuffle_dyck1: 23 M, 280 s", deep=25),
            Size(13, 500, deep=25),
            Size(8, 511, deep=32),
            Size(8, 5000, deep=32),
        ),
        bracketed,
        brackets,
    ),
)

# ------------------------------------------------------------------ measuring


@dataclass(frozen=True)
class Row:
    task: str
    size: Size
    context: int
    shape: str
    d_model: int
    parameters: int
    seconds: float
    wrong: int
    positions: int


@torch.no_grad()
def measure(task: Task, size: Size, seed: int = 0) -> Row:
    text = task.text((SPECS / f"{task.name}.head").read_text(encoding="utf-8"), size)
    started = time.perf_counter()
    settings = {"n": size.length} | ({"deepest": size.deep} if size.deep else {})
    model = headspec.compile(text, settings=settings)
    module = model.torch(device="cpu")
    seconds = time.perf_counter() - started
    rng = np.random.default_rng(seed)
    ids = {token: i for i, token in enumerate(model.program.tokens)}
    wrong = positions = 0
    for number, (tokens, wanted) in enumerate(cases(task, size, rng)):
        row = np.array([ids[t] for t in tokens])
        found = module(row[None]).float().numpy()[0].argmax(axis=1)
        asked = [i for i, right in enumerate(wanted) if right is not None]
        right = np.array([ids[str(wanted[i])] for i in asked])
        missed = int((found[asked] != right).sum())
        if not missed and number < GENERATED and asked[0] > 0 and task.name in ("reverse", "sort", "addition"):
            check_generated(module, row[: asked[0] + 1], right)
        wrong, positions = wrong + missed, positions + len(asked)
    lowered = model.lowered
    shape = f"{lowered.n_layers} x {lowered.n_heads}, d_head {lowered.d_head}, {lowered.d_mlp} neurons"
    parameters = sum(p.numel() for p in module.parameters())
    return Row(task.name, size, lowered.n_ctx, shape, lowered.d_model, parameters, seconds, wrong, positions)


def cases(task: Task, size: Size, rng: np.random.Generator) -> Iterator[Case]:
    count = max(2, min(200, POSITIONS // size.length))
    return (task.case(rng, size) for _ in range(count))


def check_generated(module: TorchModel, prompt: np.ndarray, right: np.ndarray) -> None:
    """The key-value cache and the feeding back of tokens lead to the same text."""
    text = module.generate(prompt[None], len(right) - 1).numpy()[0]
    assert (text[len(prompt) :] == right[:-1]).all(), "greedy decoding differs from the text that was judged"


def table(rows: list[Row]) -> str:
    columns = (
        "program",
        "vocabulary",
        "length",
        "context",
        "layers x heads",
        "d_model",
        "parameters",
        "compiled in (s)",
    )
    lines = [f"| {' | '.join((*columns, 'wrong', 'peers'))} |", "|" + " --- |" * 10]
    return "\n".join([*lines, *(line(row) for row in rows)])


def line(row: Row) -> str:
    size = row.size
    vocabulary = f"{size.vocabulary}" + (f", {size.deep} deep" if size.deep else "")
    cells = (row.task, vocabulary, size.length, row.context, row.shape, row.d_model, f"{row.parameters:,}")
    figures = (f"{row.seconds:.2f}", f"{row.wrong} of {row.positions:,}", size.peers)
    return f"| {' | '.join(map(str, (*cells, *figures)))} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table beside the other results")
    parser.add_argument("--only", default="", help="names of programs, separated by commas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [task.name for task in TASKS]
    rows = []
    for task in TASKS:
        for size in task.sizes if task.name in names else ():
            rows.append(measure(task, size))
            print(line(rows[-1]), flush=True)
    if options.write:
        where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; one run, float32."
        how = "Written by `python benchmarks/programs.py --write`."
        text = f"# Whole programs\n\n{where}\n{how}\n\n{table(rows)}\n\n{SOURCES}\n"
        RESULTS.write_text(text, encoding="utf-8")
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
