"""Every prompt of the multiplication specs: how many are right, how fast, what checkpoints cost.

    python benchmarks/exhaustive.py [--write] [--device cpu] [--specs direct cache] [--outputs 1000000] [--all]

Per spec: all prompts of n = 1, 2 and 3 (`table` has n = 4 alone); of n = 4 the extreme prompts and a random sample of
``--outputs``, in float32; and a tenth of that sample with the same weights rounded to bfloat16, for which the compiler
refuses to make any (E0524).  Then the cost of keeping a checkpoint, and of going on from one.

``--all`` goes through every one of the 10^8 prompts of n = 4 (an hour or less on two cores), or goes on with them: the
checkpoint is ``benchmarks/results/exhaustive/SPEC.json``, and what it says is a table of its own.  It counts for those
weights only, bit by bit: of others it is refused.

``--write`` puts the tables in ``benchmarks/results/exhaustive.md``.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

import headspec  # noqa: E402
from headspec.every.checking import Checker  # noqa: E402
from headspec.every.checkpoint import identity_of, load  # noqa: E402
from headspec.every.cost import device_name  # noqa: E402
from headspec.every.figures import EveryFigures  # noqa: E402
from headspec.every.keeping import Job  # noqa: E402
from headspec.every.plan import Plan, plan  # noqa: E402
from headspec.every.running import run_every, run_sample  # noqa: E402
from headspec.every.summary import figures as figures_of  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "exhaustive.md"
WHOLE = ROOT / "benchmarks" / "results" / "exhaustive"
"""Checkpoints of every prompt of n = 4, one for each spec."""
SPECS = ROOT / "specs" / "systems" / "multiplication"
KEPT = 200
"""The share of all prompts (one in so many) on which checkpoints are timed."""

COLUMNS = (
    "spec",
    "n",
    "dtype",
    "prompts",
    "which",
    "wrong",
    "least margin",
    "prompts/s",
    "batch",
    "kflop each",
    "kB each",
    "of the matrix rate",
    "of the memory rate",
)


def is_family(name: str) -> bool:
    """Is the number of digits a param?"""
    return "\nparam n " in (SPECS / f"{name}.head").read_text(encoding="utf-8")


def task(name: str, n: int, dtype: str, device: str) -> tuple[Plan, torch.nn.Module]:
    model = headspec.compile(SPECS / f"{name}.head", settings={"n": Fraction(n)} if is_family(name) else None)
    return plan(model.program), model.torch(dtype, device)


def row(name: str, n: int, figures: EveryFigures) -> list[str]:
    speed, margin = figures.speed, figures.least_margin
    assert speed is not None and margin is not None
    said = speed.to_json()
    fractions = [said["fraction_of_matrix_rate"], said["fraction_of_memory_rate"]]
    return [
        name,
        str(n),
        figures.dtype,
        f"{figures.checked:,}",
        "all" if figures.complete else "sample",
        f"{figures.wrong:,}",
        f"{margin:.4g}",
        f"{speed.prompts_per_second:,.0f}",
        str(speed.batch),
        f"{speed.flops_per_prompt / 1000:,.0f}",
        f"{speed.bytes_per_prompt / 1000:,.1f}",
        *("-" if share is None else f"{share:.1%}" for share in fractions),
    ]


def rows(name: str, options: argparse.Namespace) -> list[list[str]]:
    found = []
    for n in (1, 2, 3) if is_family(name) else ():
        work, module = task(name, n, "float32", options.device)
        found.append(row(name, n, run_every(work, module, Job())))
        print(" | ".join(found[-1]), flush=True)
    for dtype, number in (("float32", options.outputs), ("bfloat16", options.outputs // 10)):
        work, module = task(name, 4, dtype, options.device)
        found.append(row(name, 4, run_sample(work, module, number)))
        print(" | ".join(found[-1]), flush=True)
    return found


WHOLE_COLUMNS = ("spec", "prompts", "done", "wrong", "least margin", "at", "hours", "devices", "weights")


def whole(name: str, device: str) -> list[str]:
    """What the checkpoint of ``name`` says; SpecError E0670 where it is of other weights than those of today."""
    work, module = task(name, 4, "float32", device)
    identity = identity_of(work, module)  # type: ignore[arg-type]
    found = figures_of(Checker(work, module), load(WHOLE / f"{name}.json", identity, work))  # type: ignore[arg-type]
    assert found.least_margin is not None
    return [
        name,
        f"{found.prompts:,}",
        f"{found.checked:,}",
        f"{found.wrong:,}",
        f"{found.least_margin:.4g}",
        f"`{' '.join(found.least_prompt)}`",
        f"{found.total_seconds / 3600:.2f}",
        "; ".join(found.devices),
        identity.weights[:16],
    ]


def keeping(name: str, device: str) -> list[list[str]]:
    """The same part of all prompts: nothing kept; a checkpoint every 5 s, and every 0.1 s; and going on when done."""
    work, module = task(name, 4, "float32", device)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for words, file, every in (
            ("none", None, 5.0),
            ("every 5 s", "a.json", 5.0),
            ("every 0.1 s", "b.json", 0.1),
            ("already done", "a.json", 5.0),
        ):
            path = Path(folder) / file if file else None
            started = time.perf_counter()
            figures = run_every(work, module, Job(path, (1, KEPT), batch=1024, save_every=every))
            seconds = time.perf_counter() - started
            found.append([words, f"{figures.checked:,}", f"{figures.wrong:,}", f"{seconds:.2f}"])
            print(" | ".join(found[-1]), flush=True)
    return found


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables beside the other results")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--specs", nargs="+", default=["direct", "cache", "prism", "table"])
    parser.add_argument("--outputs", type=int, default=1_000_000)
    parser.add_argument("--all", action="store_true", help="every prompt of n = 4 too, or those that are left")
    options = parser.parse_args()
    if options.all:
        for name in options.specs:
            run_every(*task(name, 4, "float32", options.device), Job(WHOLE / f"{name}.json"))
    body = [line for name in options.specs for line in rows(name, options)]
    every = [whole(path.stem, options.device) for path in sorted(WHOLE.glob("*.json"))]
    kept = keeping(options.specs[0], options.device)
    tables = (
        table(WHOLE_COLUMNS, every)
        + "\n\n"
        + table(COLUMNS, body)
        + "\n\n"
        + table(("checkpoint", "prompts", "wrong", "seconds in all"), kept)
    )
    print(tables)
    if options.write:
        where = (
            f"{device_name(torch.device(options.device))}, torch {torch.__version__}, {platform.machine()}; one run."
        )
        how = f"Written by `python benchmarks/exhaustive.py {' '.join(sys.argv[1:])}`"
        RESULTS.write_text(f"# Every prompt\n\n{how} on {where}\n\n{tables}\n\n{NOTES}\n", encoding="utf-8")
    right = [line[5] for line in body if line[2] == "float32"] + [line[3] for line in every]
    return 0 if all(wrong == "0" for wrong in right) else 1


NOTES = """\
The first table is every product of two numbers of four digits, from `headspec verify SPEC --exhaustive --checkpoint
FILE` or `--all`: the files lie in [exhaustive/](exhaustive/), and a test holds that they are of the weights that are
compiled today. The hours are those of all threads, beside other work.

`wrong` are prompts of which any generated token is wrong; `least margin` is the least of the right token's logit minus
the best other, over all claimed positions. In bfloat16 a sum up to 90 n (and what is added up to get it) does not fit
into 8 bits; the compiler says so (E0524) and these lines show it. Rates of the device (a product of square matrices in
the float type, a copy) are measured in the same run, after the prompts; operations and bytes are counted from the
sizes, each activation written once and read once, so that the fractions are what the plain module leaves to gain."""


if __name__ == "__main__":
    raise SystemExit(main())
