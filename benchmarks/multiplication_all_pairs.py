"""Why all pairs of numbers follow: bounds from the weights alone, over all digit values, without running a prompt.

    python benchmarks/multiplication_all_pairs.py [--write] [--specs direct cache table prism] [--n 4]

The float32 weights are read as exact numbers, and what they compute is followed as *forms*: a constant, plus one table
for each position (a vector for each token that can stand there), plus one for each pair of positions, plus a bound of
all that was left out.  (1) Scores do not depend on tokens, only on positions: so patterns are constants.  (2) Neurons
of the first layer, where they matter, read two positions and next to nothing of the others: tables over 10 x 10 digits
are exact, and what strays from them (attention that leaks, errors of the stream) strays for all of them at once: it is
multiplied by the sum of their slopes, which for both neurons of a step is 0 beyond it.  (3) So what the second MLP
reads after c_k - 1 is known up to delta, and is held against sum 10^(m-k) a_i b_j - sum 10^(m-k) c_m, which for right
digits c is an integer v.
(4) From v - delta to v + delta the logits are piecewise linear in one number: their extremes are at the ends and bends.

Rounding in float32 is included, under these assumptions: sums are added in any order, with or without fused
multiply-add, every operation rounded to nearest; exp is right to 4 units in the last place.  Not a formal proof (these
bounds are themselves worked out in float64), and it says nothing where a step's condition fails or a bound is too
coarse: as for `prism` beyond n = 1, whose neurons add up to thousands before they cancel.  The exit status is 1 if
there is any digit that nothing is said of.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headspec  # noqa: E402
from benchmarks.all_pairs.forms import Inconclusive, attention, embedded, in_stream  # noqa: E402
from benchmarks.all_pairs.last_layer import Bound, conclude  # noqa: E402
from benchmarks.all_pairs.neurons import neurons  # noqa: E402
from compiler.claimed_outputs import prompts  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "multiplication_all_pairs.md"


def compiled(name: str, n: int) -> headspec.Model:
    spec = ROOT / f"specs/systems/multiplication/{name}.head"
    family = "\nparam n " in spec.read_text(encoding="utf-8")
    return headspec.compile(spec, settings={"n": Fraction(n)} if family else None)


def bounds(name: str, n: int, changed: float = 0.0) -> list[Bound]:
    """One for each generated digit; the neurons of the first layer are ``changed`` by that share first, for
    those who want to see it fail."""
    model = compiled(name, n)
    module = model.torch("float32", "cpu")
    state = {key: tensor.detach().double().numpy() for key, tensor in module.state_dict().items()}
    state["blocks.0.mlp.W_out"] *= 1 + changed
    if any(abs(state[key]).max() > 0 for key in state if ".attn.b_" in key):
        raise Inconclusive("biases of heads")
    given = prompts(model.program)
    digits = list(range(10))
    places = [digits if ids is None else list(ids) for ids in given.places][:-1]
    x = embedded(state, places)
    x = [in_stream(a, b) for a, b in zip(x, attention(state, 0, x), strict=True)]
    x = [in_stream(form, neurons(state, 0, form)) for form in x]
    x = [in_stream(a, b) for a, b in zip(x, attention(state, 1, x), strict=True)]
    return [conclude(state, n, k, x[2 * n + 1 + k]) for k in range(2 * n)]


# ------------------------------------------------------------------ the table


def rows(name: str, n: int) -> tuple[list[str], bool]:
    """The lines of one spec, and whether every digit is argued for."""
    try:
        found = bounds(name, n)
    except Inconclusive as reason:
        return [f"| {name} | {n} | - | - | - | - | inconclusive: {reason} |"], False
    return [_line(name, n, bound) for bound in found], all(bound.margin > 0 for bound in found)


def _line(name: str, n: int, bound: Bound) -> str:
    said = f"{bound.rounding:.2e} | {bound.margin:.3f}" if bound.margin > 0 else "- | too coarse"
    return f"| {name} | {n} | c{bound.k} | {bound.values} | {bound.delta:.2e} | {said} |"


HEAD = [
    "| spec | n | digit | values of v | delta | rounding of the last sums | least margin |",
    "|---|---|---|---|---|---|---|",
]
NOTES = """\
Nothing is run: from the float32 weights
alone, over all digit values, `delta` bounds how far what the last MLP reads is from the integer v that the digit is
read from, and the last column is a lower bound of the margin for every v and everything within delta, rounding
included. What is assumed stands at the head of the script. Where a bound is too coarse nothing follows: neither that
all pairs are right, nor that any is wrong. Margins that were seen: [exhaustive.md](exhaustive.md)."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table beside the other results")
    parser.add_argument("--specs", nargs="+", default=["direct", "cache", "table", "prism"])
    parser.add_argument("--n", type=int, default=4)
    options = parser.parse_args()
    runs = [(name, options.n) for name in options.specs]
    parts, holds = [], True
    for name, n in [*runs, *([("prism", 1)] if options.n > 1 and "prism" in options.specs else [])]:
        lines, all_digits = rows(name, n)
        print("\n".join(lines), flush=True)
        parts, holds = parts + lines, holds and all_digits
    if options.write:
        how = f"Written by `python benchmarks/multiplication_all_pairs.py --write`. {NOTES}"
        RESULTS.write_text("\n".join([f"# All pairs, by bounds\n\n{how}\n", *HEAD, *parts]) + "\n", encoding="utf-8")
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
