"""How fast a spec compiles and is verified: text to exact weights, floats, and sequences per second held to account.

    python benchmarks/verification_throughput.py [--write] [--device cpu]

The library's induction spec at growing contexts, each phase timed in one process: resolution, exact weights, lowering,
then the verifier over random and adversarial sequences.  In the same run, the two sides of a verification alone (the
torch module with patterns, the reference meaning) on one batch, so that the ratio between them can be read off.
``--write`` puts the table in ``benchmarks/results/verification_throughput.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import headspec  # noqa: E402
from compiler.reference import interpret  # noqa: E402
from headspec.devices import observe_torch  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "verification_throughput.md"
CASES = ((32, "float32"), (256, "float32"), (2048, "float32"), (2048, "bfloat16"))
PAIRS_PER_BATCH = 2**22
"""Query-key pairs in the batch on which the two sides are timed alone."""


@dataclass(frozen=True)
class Row:
    context: int
    dtype: str
    exact: float
    lowered: float
    sequences: int
    positions: int
    seconds: float
    model: float
    reference: float
    holds: bool

    def cells(self) -> list[str]:
        return [
            str(self.context),
            self.dtype,
            f"{self.exact:.2f}",
            f"{self.lowered:.2f}",
            f"{self.sequences:,}",
            f"{self.sequences / self.seconds:,.0f}",
            f"{self.positions / self.seconds:,.0f}",
            f"{self.model / self.reference:.1f}",
            "holds" if self.holds else "DOES NOT HOLD",
        ]


HEADER = [
    "context",
    "dtype",
    "text to exact weights (s)",
    "lowering (s)",
    "sequences",
    "sequences/s",
    "query positions/s",
    "model time / reference time",
    "verdict",
]


def measure(context: int, dtype: str, device: str) -> Row:
    path = ROOT / "specs" / "library" / "induction.head"
    start = time.perf_counter()
    model = headspec.compile(path, settings={"n": Fraction(context)}, dtype=dtype)
    _ = model.weights
    exact = time.perf_counter()
    _ = model.lowered
    lowered = time.perf_counter()
    report = headspec.verify(model, device=device)
    done = time.perf_counter()
    module = observe_torch(model.torch(device=device))
    tokens = model.program.sequences.sample(np.random.default_rng(0), context, max(1, PAIRS_PER_BATCH // context**2))
    return Row(
        context,
        dtype,
        exact - start,
        lowered - exact,
        report.sequences,
        report.positions,
        done - lowered,
        best(lambda: module.observe(tokens)),
        best(lambda: interpret(model.weights.program, tokens)),
        report.holds,
    )


def best(action: object, times: int = 3) -> float:
    assert callable(action)
    found = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table beside the other results")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    rows = [measure(context, dtype, options.device).cells() for context, dtype in CASES]
    lines = [" | ".join(row) for row in [HEADER, ["---"] * len(HEADER), *rows]]
    table = "\n".join(f"| {line} |" for line in lines)
    print(table)
    if options.write:
        card = torch.cuda.get_device_name() if options.device.startswith("cuda") else f"{os.cpu_count()} CPU cores"
        where = f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, {card}; one run."
        head = "# Verification of the induction spec\n\n" + where
        how = "Written by `python benchmarks/verification_throughput.py --write`."
        RESULTS.write_text(f"{head}\n{how}\n\n{table}\n", encoding="utf-8")
    return 0 if all(row[-1] == "holds" for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
