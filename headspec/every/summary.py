"""From what was found to figures: token texts, what the model said instead, how fast it was.

In: a ``Checker`` and ``State``s.  Out: ``EveryFigures``.  Not for: how these look (``figures``).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from backends.state import dtype_name
from headspec.every.checking import Checker
from headspec.every.checkpoint import State
from headspec.every.cost import Cost, cost_of, device_name, measure
from headspec.every.figures import ClaimCount, EveryFigures, Speed, WrongPrompt

MEASURED = 100_000  # a run of so many prompts is worth a measurement of the device beside it


def cost(checker: Checker) -> Cost:
    """Of one prompt."""
    width = torch.finfo(checker.model.dtype).bits // 8
    return cost_of(checker.model.sizes, max(checker.after) + 1, checker.since, width)


def speed(checker: Checker, states: list[State], batch: int, *, measured: bool = True) -> Speed:
    """Of all processes together; the slowest says how long it took.  ``measured``: the device too."""
    device, each = checker.model.device, cost(checker)
    prompts, seconds = sum(state.counts.checked for state in states), max(state.seconds for state in states)
    found = Speed(prompts, seconds, len(states), device_name(device), batch, each.flops, each.bytes)
    if prompts < MEASURED or not measured:
        return found
    rates = measure(device, checker.model.dtype)
    return replace(
        found, device_flops_per_second=rates.flops_per_second, device_bytes_per_second=rates.bytes_per_second
    )


def figures(checker: Checker, state: State) -> EveryFigures:
    plan, counts = checker.plan, state.counts
    claims = zip(plan.claims, counts.wrong_at, strict=True)
    least = counts.least
    return EveryFigures(
        prompts=plan.prompts.count,
        checked=counts.checked,
        wrong=counts.wrong,
        claims=tuple(ClaimCount(c.span.line, c.subspace, c.after, wrong) for c, wrong in claims),
        least_margin=None if least is None else least.margin,
        least_prompt=() if least is None else plan.words(least.prompt),
        least_after=None if least is None else plan.claims[least.claim].after,
        first_wrong=tuple(_wrong(checker, prompt) for prompt in counts.first_wrong),
        dtype=dtype_name(checker.model.dtype),
        devices=state.devices,
        total_seconds=state.seconds,
    )


def _wrong(checker: Checker, prompt: tuple[int, ...]) -> WrongPrompt:
    predicted, claimed = checker.explain(prompt)
    words = [checker.plan.words((i,))[0] if i >= 0 else "(no token)" for i in claimed]
    return WrongPrompt(checker.plan.words(prompt), checker.plan.words(predicted), tuple(words))
