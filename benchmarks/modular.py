"""Modular arithmetic, compiled: every input, every task, beside the trained models of the papers.

    python benchmarks/modular.py [--write] [--only PART ..]

The specs of ``specs/systems/modular`` are compiled, and the ordinary torch module answers all p^2 inputs; an answer is
the token with the largest logit among those of its task, and right if Python's own % says so.  The margin is the right
logit less the best wrong one.  Nothing here asks the reference meaning.  Figures of trained models are those that
Nanda et al. 2023 (arXiv 2301.05217) and Syrkis and Soegaard 2024 report; their parameters are counted from the sizes
given there.  ``--write`` puts the tables into ``benchmarks/results/modular.md``; PART is addition, remainders, primes,
shuffled or sizes.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import headspec  # noqa: E402
from headspec.verification.outputs import block_of  # noqa: E402

SPECS = ROOT / "specs" / "systems" / "modular"
RESULTS = ROOT / "benchmarks" / "results" / "modular.md"
BATCH = 1 << 22  # logits at a time
SAMPLE = 20_000  # inputs of larger models
LOGITS = 30_000_000  # of all these inputs together
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# ------------------------------------------------------------------ models and their answers


def built(spec: str, dtype: str = "float32", **settings: int) -> tuple[headspec.Model, float]:
    """A compiled model (``spec``: a name in ``SPECS``, or a text), and CPU seconds until its weights are floats."""
    start = time.process_time()
    text = spec if "\n" in spec else (SPECS / f"{spec}.head").read_text(encoding="utf-8")
    model = headspec.compile(text, settings=settings, dtype=dtype)
    assert model.lowered.n_layers == len(model.program.layers)
    return model, time.process_time() - start


def inputs(p: int, most: int | None = None) -> Ints:
    """(p^2, 2): every pair; or ``most`` of them, drawn, a quarter of the numbers from the ends."""
    if most is None or p * p <= most:
        return np.array(np.unravel_index(np.arange(p * p), (p, p))).T
    rng = np.random.default_rng(0)
    ends = rng.choice([0, 1, p // 2, p - 2, p - 1], (most, 2))
    return np.where(rng.random((most, 2)) < 0.25, ends, rng.integers(0, p, (most, 2)))


@dataclass(frozen=True)
class Answers:
    """``said`` (N, tasks) values, ``margins`` (N, tasks), in the order of the predictions."""

    said: Ints
    margins: Floats

    @property
    def right(self) -> Floats:
        """The share of right answers of each task: those that beat all others."""
        return np.asarray((self.margins > 0).mean(axis=0))


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def answers(model: headspec.Model, pairs: Ints, right: Ints, dtype: str = "float32") -> Answers:
    """What the torch module says after ``a b =``; ``right`` (N, tasks) is only for the margins."""
    program, module = model.program, model.torch(dtype)
    blocks = [np.flatnonzero(block_of(program, name)) for name in program.predict]
    equals = program.tokens.index("=")
    ids = np.concatenate([pairs, np.full((len(pairs), 1), equals)], axis=1)
    if program.own_values(program.predict[0]) is None:
        blocks = [block[block != equals] for block in blocks]  # "=" is never right, and no number
    said, margins = [], []
    step = max(1, BATCH // (3 * len(program.tokens)))
    for start in range(0, len(ids), step):
        logits = module(torch.from_numpy(ids[start : start + step]))[:, -1].double().numpy()
        found = [_decide(logits[:, block], right[start : start + step, t]) for t, block in enumerate(blocks)]
        said.append(np.stack([value for value, _ in found], axis=1))
        margins.append(np.stack([margin for _, margin in found], axis=1))
    return Answers(np.concatenate(said), np.concatenate(margins))


def _decide(logits: Floats, right: Ints) -> tuple[Ints, Floats]:
    rows = np.arange(len(logits))
    best, rivals = logits[rows, right], logits.copy()
    rivals[rows, right] = -np.inf
    return logits.argmax(axis=1), best - rivals.max(axis=1)


def primes_below(p: int) -> list[int]:
    return [q for q in range(2, p) if all(q % d for d in range(2, q))]


def sums(pairs: Ints, p: int) -> Ints:
    return (pairs[:, :1] + pairs[:, 1:]) % p


def remainders(pairs: Ints, p: int, first: int = 2) -> Ints:
    numbers = pairs[:, 0] + p * pairs[:, 1]
    return np.stack([numbers % q for q in primes_below(p) if q >= first], axis=1)


def parameters(model: headspec.Model) -> int:
    """All entries of all matrices, embeddings and zeros included."""
    return sum(tensor.numel() for tensor in model.torch().state_dict().values() if tensor.is_floating_point())


def neurons(model: headspec.Model) -> int:
    return sum(mlp.W_in.rows for mlp in model.weights.mlps)


# ------------------------------------------------------------------ parts

ADDITION = [
    "frequencies",
    "heads",
    "d_model",
    "neurons",
    "parameters",
    "right, f32",
    "margin, f32",
    "right, bf16",
    "margin, bf16",
    "CPU seconds to compile",
]


def trained(
    label: str, heads: int, width: int, hidden: int, outputs: int, biases: int, margin: str, took: str
) -> list[str]:
    """The row of a published model: its sizes, and what follows from them for its parameters (114 tokens, 3 places)."""
    entries = width * (114 + 3 + outputs) + 4 * width * width + 2 * width * hidden + biases
    return [label, str(heads), str(width), str(hidden), f"{entries:,}", "100 %", margin, "", "", took]


def frequencies(model: headspec.Model) -> str:
    from compiler.circuits.features import phase_angles
    from compiler.encodings import Phase

    encoding = next((s.encoding for s in model.program.subspaces if isinstance(s.encoding, Phase)), None)
    if encoding is None:
        return "none: numbers"
    return ", ".join(str(int(angle.turns * (encoding.high + 1))) for angle in phase_angles(encoding))


def _row(first: str, spec: str, right_of: Callable[[Ints, int], Ints], p: int, **settings: int) -> list[str]:
    """The columns of ``ADDITION`` for one spec: compiled for each float type, and run in it."""
    pairs = inputs(p)
    right, found = right_of(pairs, p), []
    for dtype in ("float32", "bfloat16"):
        try:
            model, seconds = built(spec, dtype, **settings)
        except headspec.SpecError as error:
            found += ["refused", error.diagnostics[0].code]
            continue
        if dtype == "float32":
            sizes = [str(max(len(layer) for layer in model.program.layers)), str(model.program.width)]
            sizes += [str(neurons(model)), f"{parameters(model):,}"]
            label, compiled = first or frequencies(model), f"{seconds:.1f}"
        got = answers(model, pairs, right, dtype)
        found += [f"{100 * got.right.mean():.5g} %", f"{got.margins.min():.3g}"]
    return [label, *sizes, *found, compiled]


def addition() -> Iterator[str]:
    text = (SPECS / "addition_fourier.head").read_text(encoding="utf-8")
    best = text.replace("[14, 35, 41, 42, 52]", "[1, 19, 22, 35, 52]")
    assert best != text
    rows = [trained("trained: 14, 35, 41, 42, 52", 4, 128, 512, 114, 640, "9.6", "40,000 epochs")]
    rows.append(_row("ours: 14, 35, 41, 42, 52", "addition_fourier", sums, 113))
    rows.append(_row("ours: 1, 19, 22, 35, 52", best, sums, 113))
    rows += [_row("", "addition_chosen", sums, 113, k=k) for k in (1, 2, 3, 4, 5, 6, 8, 12, 16)]
    rows.append(_row("", "addition_scalars", sums, 113))
    yield "## (a + b) mod 113\n\n" + table(ADDITION, rows)
    yield (
        "All 12,769 inputs. Pairs (cos, sin) have norm 1, so that k frequencies give the right answer a logit of at\n"
        "most k; the margin of a trained model is in units of its own. Frequencies without `ours` are the compiler's\n"
        "choice."
    )


def remainder_tables() -> Iterator[str]:
    rows = [
        trained("trained, 29 tasks", 4, 256, 1024, sum(primes_below(113)), 0, "", "40,000 to 65,000 epochs"),
        _row("residues, 29 tasks", "remainders", remainders, 113),
        _row("42 pairs, 29 tasks", "remainders_fourier", remainders, 113, two=59, three=113),
        _row("56 pairs, 29 tasks", "remainders_fourier", remainders, 113, two=5, three=113),
        _row("63 pairs, 29 tasks", "remainders_fourier", remainders, 113),
        _row("107 pairs, 29 tasks", "remainders_fourier", remainders, 113, k=4, two=113, three=113),
        _row("residues, masked: 25 tasks", "remainders", _masked, 113, least=11),
        _row("59 pairs, masked: 25 tasks", "remainders_fourier", _masked, 113, least=11),
    ]
    yield "## (x0 + 113 x1) mod q for all primes q < 113\n\n" + table(["features", *ADDITION[1:]], rows)
    yield (
        "All 12,769 inputs of all tasks: 370,301 answers, and 319,225 where q = 2, 3, 5, 7 are masked. The paper's\n"
        "model has no biases, and neither have these."
    )


def _masked(pairs: Ints, p: int) -> Ints:
    return remainders(pairs, p, 11)


def prime_rules() -> Iterator[str]:
    """Two rules on the decoded remainders, beside a sieve."""
    p = 113
    pairs = inputs(p)
    right = remainders(pairs, p)
    model, _ = built("remainders")
    said = answers(model, pairs, right).said
    numbers = pairs[:, 0] + p * pairs[:, 1]
    sieve = np.ones(p * p, dtype=np.bool_)
    sieve[:2] = False
    for d in range(2, p):
        sieve[d * d :: d] = False
    prime = sieve[numbers]
    short = (said > 0).all(axis=1)
    small = np.isin(numbers, primes_below(p))
    whole = small | ((numbers > 1) & short)
    wrong = sorted(int(n) for n in numbers[short != prime])
    yield "## Primes"
    yield (
        f"From the {said.shape[1]} remainders that the model says, for all {len(numbers):,} numbers, of which "
        f"{int(prime.sum()):,} are prime:\n\n"
        f"- *no remainder is 0* (the paper's rule) is wrong {len(wrong)} times, at\n  {', '.join(map(str, wrong))}:\n"
        "  1 has no remainder 0, and each of these primes has one, its own.\n"
        f"- *one of the 29 primes, or above 1 with no remainder 0* is wrong {int((whole != prime).sum())} times."
    )
    yield detector(pairs, prime)


def detector(pairs: Ints, prime: Bools) -> str:
    """`primes`, which says the verdict itself: the larger of its two logits."""
    model, seconds = built("primes")
    program = model.program
    verdicts = [program.tokens.index(token) for token in ("not", "prime")]
    ids = np.concatenate([pairs, np.full((len(pairs), 1), program.tokens.index("="))], axis=1)
    with torch.no_grad():
        logits = model.torch()(torch.from_numpy(ids))[:, -1].double().numpy()
    _, margins = _decide(logits, np.array(verdicts)[prime.astype(int)])
    return (
        f"`primes` says itself whether a number is prime, in {len(program.layers)} blocks: d_model {program.width}, "
        f"{neurons(model)} neurons,\n{parameters(model):,} parameters, compiled in {seconds:.1f} CPU seconds; wrong "
        f"{int((margins <= 0).sum())} times of {len(pairs):,}, by a margin of\n{margins.min():.3g} at least among all "
        "tokens."
    )


def shuffled() -> Iterator[str]:
    """The control of the paper: the same labels in another order have no formula, so a model can only list them."""
    rng = np.random.default_rng(0)
    rows = []
    for p in (13, 43, 113):
        q = primes_below(p)[-1]
        labels = [(a + p * b) % q for b in range(p) for a in range(p)]
        mixed = [labels[i] for i in rng.permutation(len(labels))]
        for name, values in (("as they are", labels), ("shuffled", mixed)):
            try:
                model, seconds = built(listed(p, q, values))
            except headspec.SpecError as error:
                rows.append([str(p), str(q), name, "", f"refused, {error.diagnostics[0].code}", ""])
                continue
            pairs = inputs(p)
            right = np.array(values)[pairs[:, 0] + p * pairs[:, 1]][:, None]
            got = answers(model, pairs, right)
            rows.append(
                [str(p), str(q), name, str(neurons(model)), f"{100 * got.right.mean():.5g} %", f"{seconds:.1f}"]
            )
    yield "## Shuffled labels\n\n" + table(["p", "q", "labels", "neurons", "right", "CPU seconds"], rows)
    pairs, p = inputs(113), 113
    right = remainders(pairs, p)
    model, _ = built("remainders")
    said = answers(model, pairs, right).said
    mixed_right = right[rng.permutation(len(right))]
    yield (
        "One task x0 + p x1 mod q, given as a list of p^2 labels, q the largest prime below p; digits are one-hot.\n"
        "In another order there is nothing to find but pairs that happen to share a label: the neurons grow with p^2.\n"
        "The true list is a function of n with a step for each multiple of q, of which the compiler makes few\n"
        "neurons, too steep for float32 at p = 113; told the rule, it takes two.\n"
        "Against labels shuffled over the inputs, `remainders` is right in\n"
        f"{100 * (said == mixed_right).mean():.3g} % of 370,301 answers; "
        f"chance is {100 * np.mean([1 / q for q in primes_below(p)]):.3g} %."
    )


def listed(p: int, q: int, values: Sequence[int]) -> str:
    """A spec whose answers stand in a table, by x0 + p x1."""
    entries = ", ".join(f"{n} -> {value}" for n, value in enumerate(values))
    return f"""\
model listed
tokens 0..{p - 1}, "="
context 3
sequences 0..{p - 1} 0..{p - 1} "="
table label: {entries}
subspace digit : onehot(0..{p - 1})
subspace x like digit
subspace y like digit
subspace answer : scalar(0..{q - 1})
subspace where : onehot(positions)
embed token -> digit
embed position -> where
layer
  head units
    attend key.where == 0
    copy key.digit -> x
  head tens
    attend key.where == 1
    copy key.digit -> y
  compute answer = label(x + {p} * y)
predict answer
"""


def sizes() -> Iterator[str]:
    """What still holds at p beyond 113, in float32."""
    rows = []
    for spec, right_of, ps in (
        ("addition_scalars", sums, (113, 997, 2049, 2050)),
        ("addition_chosen", sums, (113, 499, 997)),
        ("remainders", remainders, (113, 199, 499, 929)),
        ("remainders_fourier", remainders, (113, 157, 199, 307)),
    ):
        for p in ps:
            try:
                model, _ = built(spec, p=p)
            except headspec.SpecError as error:
                first = error.diagnostics[0]
                rows.append([f"`{spec}`", str(p), "", "", f"refused, {first.code}: {first.message}", ""])
                continue
            pairs = inputs(p, min(SAMPLE, LOGITS // len(model.program.tokens)))
            got = answers(model, pairs, right_of(pairs, p))
            which = "all" if len(pairs) == p * p else f"{len(pairs):,}"
            share = f"{100 * got.right.mean():.6g} %"
            rows.append([f"`{spec}`", str(p), str(model.program.width), which, share, f"{got.margins.min():.3g}"])
    yield "## Sizes in float32\n\n" + table(["spec", "p", "d_model", "inputs", "right", "margin"], rows)


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "addition": addition,
    "remainders": remainder_tables,
    "primes": prime_rules,
    "shuffled": shuffled,
    "sizes": sizes,
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=list(PARTS))
    arguments = parser.parse_args()
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    machine = f"{versions}, {platform.machine()}, {os.cpu_count()} CPU cores, shared with other work; one run."
    pieces = [f"# Modular arithmetic\n\n{machine}\nWritten by `python benchmarks/modular.py --write`."]
    built("addition_scalars")  # imports are not counted
    for name in arguments.only:
        for piece in PARTS[name]():
            pieces.append(piece)
            print(piece, end="\n\n", flush=True)
    if arguments.write:
        RESULTS.write_text("\n\n".join(pieces) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
