"""Multiplication, compiled: sizes, accuracy and margins of the circuits, and the paper's analyses of them.

    python benchmarks/multiplication.py [--write] [--sample 1000000] [--largest 4] [--circuits cache] [--analyses]

Every circuit of ``specs/systems/multiplication/`` for 1 x 1 to n x n digits: its sizes, the seconds that compiling
takes, in float32 the products that are wrong and the least margin (every pair of numbers for n = 1, 2; for larger n the
extreme pairs and random ones, ``--sample`` together), each output after the right digits before it; then greedy
decoding of whole products from prompts alone, in float32 and in bfloat16.  Then, for 4 x 4, what Bai et al. 2025 (arXiv
2510.00184) measure in trained models: a probe for the running sum, how much of weights and of last hidden states a few
frequencies hold, and which digits affect which output.  ``--write`` puts the tables in
``benchmarks/results/multiplication.md``, with ``--analyses`` only those of the paper, the others staying as they are;
the exit status is 1 if anything is wrong in float32.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headspec  # noqa: E402
from compiler.claimed_outputs import complete_by_claims, prompts  # noqa: E402
from headspec.analyses.probing import Probe  # noqa: E402
from headspec.every.keeping import Job  # noqa: E402
from headspec.every.plan import plan  # noqa: E402
from headspec.every.running import run_every, run_sample  # noqa: E402
from headspec.spectra.fits import Fit, fit_rows  # noqa: E402

FOLDER = ROOT / "specs" / "systems" / "multiplication"
RESULTS = ROOT / "benchmarks" / "results" / "multiplication.md"
PROBES = "## A linear probe for the running sum"  # the first heading of what the paper measures
ALL, DECODED, PROBED = 10_000, 2_000, 4_000
SITES = ("blocks.0.hook_resid_mid", "blocks.0.hook_resid_post", "blocks.1.hook_resid_mid", "blocks.1.hook_resid_post")
ORDER = (5, 2, 1, 3, 4)  # in which their script adds up frequencies, after the mean
FITTED = ("W_E", "W_U", "W_out W_U", "last hidden states W_U")
PAPER_FITS = {"W_E": 0.84, "W_out W_U": 0.95, "last hidden states W_U": 0.99}  # median R^2 by k = 0, 1, 2, 5: table 1
PAPER = {  # mean absolute error of the probe after the attention of layer 2, for c^_2 to c^_6
    "paper, fine-tuned, fails": (93.69, 113.27, 74.47, 79.40, 28.22),
    "paper, implicit chain of thought": (2.00, 1.89, 1.74, 0.97, 0.56),
}
PUBLISHED = [  # (model, exact match): 4 x 4 digits, 1000 pairs held out
    ("fine-tuned, 2 layers x 4 heads", "< 1 % (digits about 81 %)"),
    ("fine-tuned, 12 layers x 8 heads", "< 1 %"),
    ("with a loss on the running sum, 2 x 4", "99 %"),
    ("implicit chain of thought, 2 x 4", "100 %"),
]


@dataclass(frozen=True)
class Row:
    """One circuit for n x n digits."""

    name: str
    n: int
    seconds: float
    width: int
    head: int
    heads: tuple[int, ...]
    neurons: tuple[int, ...]
    parameters: int
    nonzero: int
    checked: int
    complete: bool
    wrong: int
    margin: float
    decoded: float
    half_exact: float
    half_digits: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--sample", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=4)
    parser.add_argument("--circuits", default=",".join(sorted(path.stem for path in FOLDER.glob("*.head"))))
    parser.add_argument("--analyses", action="store_true", help="only what the paper measures")
    arguments = parser.parse_args()
    names, rows = arguments.circuits.split(","), []
    analyses = [*probes(names), *fits(names), *effects(names)]
    if arguments.analyses:
        before = RESULTS.read_text(encoding="utf-8").split(PROBES)[0]
        return finish(before + "\n".join(analyses), arguments.write)
    for name in names:
        for n in range(1, arguments.largest + 1) if has_n(name) else (4,):
            rows.append(measure(name, n, arguments.sample))
            print(*cells(rows[-1]), flush=True)
    command = f"python benchmarks/multiplication.py --sample {arguments.sample} --largest {arguments.largest}"
    finish("\n".join([*heading(command), *sizes(rows), *published(), *analyses]), arguments.write)
    return 1 if any(row.wrong or row.decoded < 1 for row in rows) else 0


def finish(text: str, write: bool) -> int:
    print(text)
    if write:
        RESULTS.write_text(text + "\n", encoding="utf-8")
    return 0


# ------------------------------------------------------------------ one circuit


def has_n(name: str) -> bool:
    """Is the number of digits a param?"""
    return "\nparam n " in (FOLDER / f"{name}.head").read_text(encoding="utf-8")


def compiled(name: str, n: int = 4) -> headspec.Model:
    return headspec.compile(FOLDER / f"{name}.head", settings={"n": n} if has_n(name) else None)


def measure(name: str, n: int, sample: int) -> Row:
    start = time.perf_counter()
    model = compiled(name, n)
    lowered = model.lowered
    seconds = time.perf_counter() - start
    module, program = model.torch("float32", "cpu"), model.program
    found = run_every(plan(program), module, Job()) if n <= 2 else run_sample(plan(program), module, sample)
    decoded, _ = decode(model, "float32", DECODED)
    exact, digits = decode(model, "bfloat16", DECODED)
    sizes = module.sizes
    return Row(
        name,
        n,
        seconds,
        sizes.d_model,
        sizes.d_head,
        tuple(len(layer) for layer in program.layers),
        tuple(len(mlp.b_in) for mlp in lowered.mlps),
        sum(parameter.numel() for parameter in module.parameters()),
        sum(int((parameter != 0).sum()) for parameter in module.parameters()),
        found.checked,
        found.complete,
        found.wrong,
        float("nan") if found.least_margin is None else found.least_margin,
        decoded,
        exact,
        digits,
    )


def decode(model: headspec.Model, dtype: str, number: int) -> tuple[float, float]:
    """(exact match, digits right) of products written by greedy decoding from random prompts (all if there are few)."""
    form = prompts(model.program)
    rng = np.random.default_rng(1)
    few = form.count <= number
    numbers = np.arange(form.count) if few else rng.integers(0, form.count, number)
    rows = form.at(numbers.astype(np.int64))
    right = complete_by_claims(model.program, rows).sequences
    texts = model.torch(dtype, "cpu").generate(torch.from_numpy(rows), right.shape[1] - rows.shape[1]).numpy()
    same = texts[:, rows.shape[1] :] == right[:, rows.shape[1] :]
    return float(same.all(axis=1).mean()), float(same.mean())


# ------------------------------------------------------------------ tables


def heading(command: str) -> list[str]:
    torch_version = torch.__version__.split("+")[0]
    return [
        "# Multiplication, compiled",
        "",
        f"`{command}`, {platform.machine()}, torch {torch_version}, on the CPU. `docs/multiplication.md` says what the "
        "circuits do and what the figures are.",
        "",
    ]


def table(rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:], ""]


def cells(row: Row) -> list[str]:
    wide = "all " if row.complete else ""
    return [
        row.name,
        f"{row.n} x {row.n}",
        str(row.width),
        str(row.head),
        ", ".join(map(str, row.heads)),
        ", ".join(map(str, row.neurons)),
        f"{row.parameters:,}",
        f"{row.nonzero:,}",
        f"{row.seconds:.1f}",
        f"{wide}{row.checked:,}",
        f"{row.wrong:,}",
        f"{row.margin:.4f}",
        f"{row.decoded:.2%}",
        f"{row.half_exact:.2%}, {row.half_digits:.1%}",
    ]


def sizes(rows: list[Row]) -> list[str]:
    head = ["circuit", "digits", "d_model", "d_head", "heads", "neurons", "parameters", "not 0", "compile s"]
    head += ["pairs", "wrong", "least margin", "decoded right", "bfloat16: decoded right, digits"]
    return [
        "## Sizes, accuracy, margins",
        "",
        "Pairs, wrong and least margin (of the right digit's logit above the next; neighbouring digits are 1 apart in "
        "exact arithmetic) are of float32, each output after the right digits before it, so that nothing wrong means "
        "that every product is decoded rightly; *decoded* is greedy decoding from the prompt alone, of every pair or "
        f"{DECODED:,} random ones.",
        "",
        *table([head, *map(cells, rows)]),
    ]


def published() -> list[str]:
    heading = "Published, 4 x 4 digits, 1,000 pairs held out, d_model 768:"
    return [heading, "", *table([["trained", "exact match"], *map(list, PUBLISHED)])]


def running_sum(k: int, after: str) -> str:
    """c^_k = (sum_{i+j<=k} 10^(i+j) a_i b_j) // 10^k, looked for after ``after``."""
    pairs = "sum(sum(if i + j <= {k} then 10^(i + j)*token[a[i]]*token[b[j]] else 0 for j in 0..3) for i in 0..3)"
    return f"c_hat[{k}] after {after} == {pairs.replace('{k}', str(k))}//10^{k}"


def probes(names: list[str]) -> list[str]:
    head = ["", *(f"c^_{k}" for k in range(8))]
    rows = [[name, "", "", *(f"{value:.2f}" for value in values), ""] for name, values in PAPER.items()]
    guess: list[str] = []
    later = []
    for name in names:
        model = compiled(name)
        found = probed(model, [running_sum(k, f"c[{k}] - 1") for k in range(8)])
        guess = guess or [f"{probe.guess:.2f}" for probe in found if probe.site == SITES[2]]
        rows += [[f"{name}, {site}", *(f"{p.mae:.4f}" for p in found if p.site == site)] for site in SITES]
        written = probed(model, [running_sum(k, f"c[{k}]") for k in range(7)])  # after c7 nothing is run
        later += [[f"{name}, {site}", *(f"{p.mae:.4f}" for p in written if p.site == site), ""] for site in SITES]
    rows.insert(2, ["always saying the mean", *guess])
    return [
        PROBES,
        "",
        f"Mean absolute error on {PROBED // 2:,} random pairs of 4 x 4 digits, fitted to as many others, where c_k is "
        "predicted (at the token before it). The paper's are at `blocks.1.hook_resid_mid`, after the attention of "
        "layer 2.",
        "",
        *table([head, *rows]),
        "At the token c_k itself, when it is written already, which is where the paper's script reads c^_k:",
        "",
        *table([head, *later]),
    ]


def probed(model: headspec.Model, targets: list[str]) -> tuple[Probe, ...]:
    return headspec.probe(model, targets, site=SITES, samples=PROBED, device="cpu").probes


def fits(names: list[str]) -> list[str]:
    """Table 1 of the paper, and what its script prints besides: median R^2, and R^2 as frequencies are added."""
    head = ["median R^2 by k = 0, 1, 2, 5", *FITTED]
    rows = [["paper, implicit chain of thought", *(f"{PAPER_FITS[n]:.2f}" if n in PAPER_FITS else "" for n in FITTED)]]
    added = [["R^2 of all rows together", "rows that vary", *(f"+ {k}" for k in ORDER)]]
    for name in names:
        found = fitted(name)
        rows.append([name, *("-" if fit.median is None else f"{fit.median[2]:.4f}" for fit in found)])
        added += [
            [f"{name}, {fit.name}", f"{fit.varying:,} of {fit.rows:,}", *(f"{x:.4f}" for x in fit.together or ())]
            for fit in found
        ]
    line = fit_rows("", np.arange(10.0)[None], ORDER).median
    assert line is not None
    rows += [
        ["any vector d -> u d + v, say the digit itself", *[f"{line[2]:.4f}"] * 4],
        ["noise, mean", *[f"{5 / 9:.4f}"] * 4],
    ]
    return [
        "## Frequencies",
        "",
        "How much of vectors over the digits 0 .. 9 the mean and a few frequencies hold (`headspec plot --fourier "
        "--fit`). Rows are the dimensions of W_E and W_U, the neurons of the last layer, and 1,000 random texts, after "
        "c1, where c2 is predicted. With all frequencies everything is 1, as in the paper.",
        "",
        *table([head, *rows]),
        *table(added),
    ]


def fitted(name: str) -> tuple[Fit, ...]:
    """The fits of the weights, and of the last hidden states after c1."""
    model = compiled(name)
    weights = headspec.fourier(model, tokens="0..9", fit=ORDER, device="cpu").fits[: len(PAPER_FITS)]
    form, module = prompts(model.program), model.torch("float32", "cpu")
    numbers = np.random.default_rng(0).integers(0, form.count, 1000)
    texts = complete_by_claims(model.program, form.at(numbers)).sequences[:, :12]  # a b of 4 digits, *, =, c0 and c1
    last = module.run_with_cache(torch.from_numpy(texts))[1]["blocks.1.hook_resid_post"][:, -1]
    digits = [model.program.tokens.index(str(d)) for d in range(10)]
    answers = (last @ module.unembed.W_U[:, digits]).detach().double().numpy()
    return (*weights, fit_rows(FITTED[-1], answers, ORDER))


def effects(names: list[str]) -> list[str]:
    lines = ["## Which digit affects which output", ""]
    for name in names:
        found = headspec.attribute(compiled(name), samples=1000, device="cpu")
        rows = [[name, *(output.name for output in found.outputs)]]
        for i, digit in enumerate(found.inputs):
            shown = zip(found.effect[i], found.reaches[i], strict=True)
            rows.append([digit, *("" if x != x else f"{x + 0.0:.2f}" if reaches else "-" for x, reaches in shown)])
        lines += table(rows)
    return [
        *lines,
        "Mean loss of the predicted digit's logit when one digit becomes another and all others stay, 1,000 texts; - "
        "where no logit changes by 0.5 % of the largest, blank where the digit is not seen yet.",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
