"""Ten thousand drawn answers: the checker's verdict against brute force over every valid sequence.

    python benchmarks/checker_agreement.py [--write] [--count 10000] [--seed 1]

Answers to six small exercises are drawn around ours (random gauges, terms that no softmax sees, other choices, floats,
one-entry mutants). Each is judged by the checker and by plain NumPy over all sequences (``tests/headspec/course/
brute_force.py``, which shares no code with it), and the counterexample of each refusal is replayed through the NumPy
model.  ``--write`` puts the table in ``benchmarks/results/checker_agreement.md``; the exit status is 1 if any verdict
differs.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.headspec.course.agreement import Agreement, compare  # noqa: E402

VERDICTS = ("exact", "rounded", "enough", "wrong", "undecided")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    agreement = Agreement()
    for done, agreement in enumerate(compare(arguments.count, arguments.seed), 1):
        if done % 500 == 0:
            print(f"{done} draws, {len(agreement.disagreements)} differ", file=sys.stderr)
    text = _table(agreement, arguments, time.perf_counter() - started)
    print(text)
    if arguments.write:
        (ROOT / "benchmarks" / "results" / "checker_agreement.md").write_text(text + "\n", encoding="utf-8")
    return 1 if agreement.disagreements else 0


def _table(agreement: Agreement, arguments: argparse.Namespace, seconds: float) -> str:
    names = list(dict.fromkeys(name for name, _ in agreement.counts))
    total: Counter[str] = Counter()
    lines = [
        "# The checker against brute force",
        "",
        f"`python benchmarks/checker_agreement.py --count {arguments.count} --seed {arguments.seed}`, "
        f"{platform.machine()}, Python {platform.python_version()}: {seconds:.0f} s for both sides and the replays.",
        "",
        "| exercise | " + " | ".join(VERDICTS) + " |",
        "|---" * (len(VERDICTS) + 1) + "|",
    ]
    for name in names:
        counts = [agreement.counts[name, verdict] for verdict in VERDICTS]
        total.update(dict(zip(VERDICTS, counts, strict=True)))
        lines.append(f"| {name} | " + " | ".join(map(str, counts)) + " |")
    lines.append("| all | " + " | ".join(str(total[v]) for v in VERDICTS) + " |")
    lines += ["", f"Verdicts that differ, or counterexamples that do not replay: {len(agreement.disagreements)}."]
    return "\n".join([*lines, *(f"- {word}" for word in agreement.disagreements[:20])])


if __name__ == "__main__":
    sys.exit(main())
