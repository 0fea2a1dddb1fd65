"""How the exact factorisation grows, with d_model and with the number of nonzeros, and against plain SymPy.

    python benchmarks/exact_compile.py [--write] [--limit 20]

The circuit is that of a previous-token head: 2 x 2 blocks beta * R(alpha_j) with symbols, written into a d_model x
d_model matrix.  Timed: ``factorize`` (cover, factors, the product multiplied out and compared, the rank certified) and,
apart, the certificate's ``verify``.  The same matrix is given to ``sympy.Matrix.rank`` and ``rank_decomposition``, each
in a process of its own that is stopped after ``--limit`` seconds.

Growth exponents are least-squares slopes of log time over log size.
``--write`` puts the tables in ``benchmarks/results/exact_compile.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from compiler.exact import Angle, Matrix, Scalar  # noqa: E402
from compiler.factorization import factorize  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "exact_compile.md"
WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
NONZEROS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
FEW, WIDE = 32, 4096
PEERS = ("rank", "rank_decomposition")


def circuit(d_model: int, nonzeros: int) -> Matrix:
    """beta * R(alpha_j) on nonzeros/4 pairs of coordinates, spread over d_model of them."""
    entries: dict[tuple[int, int], Scalar] = {}
    beta = Scalar.symbol("beta")
    step = d_model // (nonzeros // 2)
    for j in range(nonzeros // 4):
        angle = Angle.symbol(f"alpha_{j}")
        c, s = beta * Scalar.cos(angle), beta * Scalar.sin(angle)
        x, y = 2 * j * step, (2 * j + 1) * step
        entries |= {(x, x): c, (x, y): s, (y, x): -s, (y, y): c}
    return Matrix(d_model, d_model, entries)


@dataclass(frozen=True)
class Timing:
    d_model: int
    nonzeros: int
    d_head: int
    factorize_ms: float
    verify_ms: float


def best_of(repeats: int, action: Callable[[], object]) -> float:
    """The least of ``repeats`` wall-clock times, in milliseconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def measure(d_model: int, nonzeros: int) -> Timing:
    target = circuit(d_model, nonzeros)
    factors = factorize(target)
    assert factors.is_least
    assert factors.certificate.verify(target)
    fresh = [circuit(d_model, nonzeros) for _ in range(5)]  # no index of rows and columns is kept from before
    return Timing(
        d_model,
        nonzeros,
        factors.dimension,
        best_of(5, lambda: factorize(fresh.pop())),
        best_of(5, lambda: factors.certificate.verify(target)),
    )


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The least-squares slope of log time over log size."""
    xs, ys = [math.log(s) for s in sizes], [math.log(t) for t in times]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)


def peer(method: str, d_model: int, nonzeros: int, limit: float) -> float | None:
    """Milliseconds that ``sympy.Matrix.METHOD`` takes on the same matrix in its own process; None above ``limit``."""
    command = [sys.executable, __file__, "--limit", str(limit), "--peer", method, str(d_model), str(nonzeros)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit + 600)
    return None if found.stdout.strip() == "over" else float(found.stdout)


def run_peer(method: str, d_model: int, nonzeros: int, limit: float) -> None:
    """The clock starts when the matrix is built."""
    import sympy

    def stop(*_: object) -> None:
        print("over", flush=True)
        os._exit(0)

    matrix = sympy.Matrix(circuit(d_model, nonzeros).to_sympy({"beta"}))
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    started = time.perf_counter()
    getattr(matrix, method)()
    print(1000 * (time.perf_counter() - started))


def peer_times(method: str, limit: float) -> dict[int, float | None]:
    """By d_model, until the first one that does not finish."""
    out: dict[int, float | None] = {}
    for d_model in WIDTHS:
        out[d_model] = peer(method, d_model, FEW, limit)
        if out[d_model] is None:
            break
    return out


# ---------------------------------------------------------------- tables


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def peer_cell(times: dict[int, float | None], timing: Timing, limit: float) -> str:
    if timing.d_model not in times:
        return "not tried"
    found = times[timing.d_model]
    if found is None:
        return f"> {limit:g} s ({1000 * limit / timing.factorize_ms:,.0f}x or more)"
    return f"{found:,.0f} ms ({found / timing.factorize_ms:,.0f}x)"


def width_table(timings: Sequence[Timing], limit: float) -> str:
    peers = {method: peer_times(method, limit) for method in PEERS}
    rows = [
        [
            str(t.d_model),
            str(t.d_head),
            f"{t.factorize_ms:.2f}",
            f"{t.verify_ms:.2f}",
            *(peer_cell(peers[method], t, limit) for method in PEERS),
        ]
        for t in timings
    ]
    names = [f"sympy.Matrix.{method}" for method in PEERS]
    return table(["d_model", "d_head", "factorize (ms)", "verify (ms)", *names], rows)


def nonzero_table(timings: Sequence[Timing]) -> str:
    rows = [[str(t.nonzeros), str(t.d_head), f"{t.factorize_ms:.2f}", f"{t.verify_ms:.2f}"] for t in timings]
    return table(["nonzeros", "d_head", "factorize (ms)", "verify (ms)"], rows)


def report(limit: float) -> str:
    by_width = [measure(d_model, FEW) for d_model in WIDTHS]
    by_count = [measure(WIDE, nonzeros) for nonzeros in NONZEROS]
    width_slope = exponent(WIDTHS, [t.factorize_ms for t in by_width])
    count_slope = exponent(NONZEROS, [t.factorize_ms for t in by_count])
    return "\n".join(
        [
            "# Exact factorisation: growth and comparison",
            "",
            f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; one run, best of 5.",
            "Written by `python benchmarks/exact_compile.py --write`.",
            "",
            f"## {FEW} nonzeros, growing d_model",
            "",
            width_table(by_width, limit),
            "",
            f"Time of `factorize` grows as d_model^{width_slope:.2f}.",
            "",
            f"## d_model {WIDE}, growing number of nonzeros",
            "",
            nonzero_table(by_count),
            "",
            f"Time of `factorize` grows as nonzeros^{count_slope:.2f}.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds that a peer may take (default 20)")
    parser.add_argument("--peer", nargs=3, metavar=("METHOD", "D_MODEL", "NONZEROS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        method, d_model, nonzeros = arguments.peer
        run_peer(method, int(d_model), int(nonzeros), arguments.limit)
        return
    text = report(arguments.limit)
    print(text)
    if arguments.write:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
