"""How many tokens a second a compiled model reads, against the same circuit head by head.

    python benchmarks/torch_throughput.py [--write] [--device cpu] [--dtype float32]

One spec (heads that look 1, 2, ... back, then induction heads that read what they wrote) is compiled at several sizes,
once with an MLP of random weights in every layer, and run three ways in one process, on the same tokens: the torch
module (batched heads, fused attention), a loop over heads that writes out the formula, and generation with and without
the KV cache.  The answers are compared before anything is timed.  ``--write`` puts the table in
``benchmarks/results/torch_throughput.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from backends.lowered import Lowered, LoweredMlp  # noqa: E402
from backends.lowering import lower  # noqa: E402
from backends.torch_model import TorchModel  # noqa: E402
from compiler.pipeline import compile_program  # noqa: E402
from compiler.resolution import resolve  # noqa: E402
from dsl.parser import parse  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "torch_throughput.md"


@dataclass(frozen=True)
class Size:
    heads: int
    context: int
    batch: int
    neurons: int = 0


SIZES = (
    Size(1, 32, 1),
    Size(1, 64, 64),
    Size(4, 64, 64),
    Size(4, 256, 16),
    Size(4, 256, 16, neurons=1024),
    Size(8, 256, 16),
    Size(4, 1024, 4),
)

NEW_TOKENS = 32


def spec(size: Size) -> str:
    """``size.heads`` heads in each of two layers."""
    lines = [
        "model throughput",
        "tokens a..z, 0..9, <bos>",
        f"context {size.context}",
        f"sequences <bos> (a..z | 0..9){{1,{size.context - 1}}}",
        "subspace content : onehot(tokens)",
        "subspace where : phase(positions)",
        *(f"subspace before{k} like content" for k in range(1, size.heads + 1)),
        "subspace guess like content",
        "embed token -> content",
        "embed position -> where",
        "layer",
    ]
    for k in range(1, size.heads + 1):
        lines += [f"  head back{k}", f"    attend key.where == query.where - {k}", '    rest key.content == "<bos>"']
        lines += [f"    copy key.content -> before{k}"]
    lines.append("layer")
    for k in range(1, size.heads + 1):
        lines += [
            f"  head induction{k}",
            f"    attend key.before{k} == query.content",
            '    rest key.content == "<bos>"',
        ]
        lines += ["    copy key.content -> guess"]
    return "\n".join([*lines, "predict guess", ""])


def with_mlps(lowered: Lowered, neurons: int) -> Lowered:
    """The same heads, and in each layer ``neurons`` of random weights (time does not depend on what they say)."""
    rng, width = np.random.default_rng(0), lowered.d_model

    def mlp(layer: int) -> LoweredMlp:
        w_in, w_out = rng.normal(size=(neurons, width)), rng.normal(size=(width, neurons))
        return LoweredMlp(layer, "relu", w_in / width, np.zeros(neurons), w_out / neurons, np.zeros(width))

    return replace(lowered, mlps=tuple(mlp(layer) for layer in range(lowered.n_layers))) if neurons else lowered


# ------------------------------------------------------------------ the same circuit, head by head


class HeadByHead:
    """y = x + sum_h softmax(q k^T / sqrt(d)) v W_O, one head after the other, then y + relu(y W_in) W_out, as one would
    first write it."""

    def __init__(self, lowered: Lowered, dtype: torch.dtype, device: str) -> None:
        def put(array: object) -> Tensor:
            return torch.as_tensor(array).to(device=device, dtype=dtype)

        self.lowered = lowered
        self.W_E, self.W_pos, self.W_U, self.b_U = map(put, (lowered.W_E, lowered.W_pos, lowered.W_U, lowered.b_U))
        names = ("W_Q", "b_Q", "W_K", "b_K", "W_V", "b_V", "W_O")
        self.layers = [
            [[put(getattr(h, name)) for name in names] for h in lowered.layer(layer)]
            for layer in range(lowered.n_layers)
        ]
        self.mlps = [(put(mlp.W_in), put(mlp.W_out)) for mlp in lowered.mlps] or [None] * lowered.n_layers

    def __call__(self, tokens: Tensor) -> Tensor:
        n = tokens.shape[1]
        x = self.W_E[tokens] + self.W_pos[:n]
        hidden = torch.ones(n, n, dtype=torch.bool, device=x.device).triu(1)
        for heads, mlp in zip(self.layers, self.mlps, strict=True):
            added = torch.zeros_like(x)
            for w_q, b_q, w_k, b_k, w_v, b_v, w_o in heads:
                q, k, v = x @ w_q.T + b_q, x @ w_k.T + b_k, x @ w_v.T + b_v
                scores = (q @ k.transpose(1, 2) / math.sqrt(self.lowered.d_head)).masked_fill(hidden, -math.inf)
                added = added + scores.softmax(-1) @ v @ w_o.T
            x = x + added
            if mlp is not None:
                x = x + (x @ mlp[0].T).relu() @ mlp[1].T
        return x @ self.W_U + self.b_U


# ------------------------------------------------------------------ timing


def race(first: Callable[[], object], second: Callable[[], object], device: str, budget: float) -> tuple[float, float]:
    """The best time of each, in seconds; they take turns, so that both see the same machine."""
    best = [math.inf, math.inf]
    first(), second()
    start, turns = time.perf_counter(), 0
    while turns < 2 or time.perf_counter() - start < budget:
        for i, action in enumerate((first, second)):
            began = time.perf_counter()
            action()
            if device != "cpu":
                torch.cuda.synchronize()
            best[i] = min(best[i], time.perf_counter() - began)
        turns += 1
    return best[0], best[1]


def regenerate(model: TorchModel, tokens: Tensor, n: int) -> Tensor:
    """Greedy generation that reads the whole text again for every token."""
    for _ in range(n):
        tokens = torch.cat([tokens, model(tokens)[:, -1].argmax(-1, keepdim=True)], dim=1)
    return tokens


@torch.no_grad()
def measure(size: Size, dtype: str, device: str) -> str:
    start = time.perf_counter()
    lowered = with_mlps(lower(compile_program(resolve(parse(spec(size))))), size.neurons)
    compiled = time.perf_counter() - start
    model = TorchModel.from_lowered(lowered, dtype, device)
    loop = HeadByHead(lowered, model.dtype, device)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, lowered.d_vocab - 1, (size.batch, size.context), generator=generator).to(device)
    tokens[:, 0] = lowered.d_vocab - 1
    torch.testing.assert_close(model(tokens), loop(tokens), rtol=0.02, atol=0.02)
    fast, slow = race(lambda: model(tokens), lambda: loop(tokens), device, budget=2)
    new = min(NEW_TOKENS, size.context // 2)
    prompt = tokens[:, :-new]
    cached, again = race(lambda: model.generate(prompt, new), lambda: regenerate(model, prompt, new), device, budget=1)
    return (
        f"| 2 x {size.heads} | {size.context} | {size.batch} | {lowered.d_model} | {lowered.d_head} | {lowered.d_mlp} "
        f"| {compiled:.2f} | {tokens.numel() / fast:,.0f} | {size.batch / fast:,.0f} | {slow / fast:.2f} "
        f"| {size.batch * new / cached:,.0f} | {again / cached:.2f} |"
    )


HEADER = """\
| layers x heads | context | batch | d_model | d_head | d_mlp | compile, s | tokens/s | sequences/s \
| head by head / module | generated tokens/s | without / with KV cache |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else platform.machine() + " CPU"
    rows = [
        "# Throughput of compiled torch modules",
        "",
        f"Made by `python benchmarks/torch_throughput.py --write`. {os.cpu_count()} cores ({options.threads} threads), "
        f"{device}, torch {torch.__version__}, Python {platform.python_version()}, {options.dtype}. Ratios are times "
        "within one run; above 1 the module (or the cache) is faster.",
        "",
        HEADER,
    ]
    print("\n".join(rows))
    for size in SIZES:
        rows.append(measure(size, options.dtype, options.device))
        print(rows[-1], flush=True)
    if options.write:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
