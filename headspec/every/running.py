"""All prompts, or this process's part of them, batch by batch, with a checkpoint every few seconds.

In: a ``Plan``, a torch module, a ``Job``.  Out: ``EveryFigures``.  Not for: one batch (``checking``), nor for files
(``keeping``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from backends.torch_model import TorchModel
from headspec.every.asking import Choice
from headspec.every.checking import Checker
from headspec.every.checkpoint import State, identity_of
from headspec.every.cost import best_time, device_name
from headspec.every.drawing import draw
from headspec.every.figures import EveryFigures
from headspec.every.holding import held
from headspec.every.keeping import SAVE, Job, begin, end, keeper
from headspec.every.plan import Plan
from headspec.every.processes import Group
from headspec.every.ranges import Range, Ranges
from headspec.every.summary import cost, figures, speed

Progress = Callable[[int, int], None]
"""Called with the prompts done, and those there are for this process."""

LOOK = 0.5  # seconds between looks at what the device found
AHEAD = 64  # batches that may be under way
CPU_BYTES = 1 << 28  # of activations in a batch; on a GPU a quarter of what is free
MOST = 65_535  # prompts in a batch: more are too many for the fused attention on a GPU (pytorch issue 146704)


def run(choice: Choice, model: TorchModel, job: Job, seed: int = 0, progress: Progress | None = None) -> EveryFigures:
    """What was chosen: every prompt, or a sample."""
    if choice.number is None:
        return run_every(choice.plan, model, job, progress)
    return run_sample(choice.plan, model, choice.number, seed, progress)


def run_every(plan: Plan, model: TorchModel, job: Job, progress: Progress | None = None) -> EveryFigures:
    """Go through every prompt of the job's shard that is not done yet; each process returns the same figures.

    SpecError E0670 where a file does not fit, E0671 where another run is writing it, E0601 or E0605 where one cannot
    be read or written."""
    checker, identity = Checker(plan, model), identity_of(plan, model)
    with Group() as group, held(job.checkpoint if group.rank == 0 else None):
        before = begin(plan, identity, job) if group.rank == 0 else State.nothing(len(plan.claims))
        before = State.from_json(json.loads(group.from_first(json.dumps(before.to_json()))))
        index, count = job.shard
        todo = (Ranges.of([(0, plan.prompts.count)]).share(index - 1, count) - before.done).share(
            group.rank, group.count
        )
        batch = job.batch or _best_batch(checker, len(todo))
        keep = keeper(job, identity, before, group.rank if group.count > 1 else None)
        own = _work(checker, _numbered(checker, todo, batch), len(todo), keep, job.save_every, progress)
        found = [State.from_json(json.loads(text)) for text in group.gather(json.dumps(own.to_json()))]
        total = sum(found, start=before)
        if group.rank == 0 and job.checkpoint is not None:
            end(job.checkpoint, identity, total)
        rate = speed(checker, found, batch, measured=group.rank == 0)
    return replace(figures(checker, total), resumed=len(before.done), shard=job.shard, speed=rate)


def run_sample(
    plan: Plan, model: TorchModel, number: int, seed: int = 0, progress: Progress | None = None
) -> EveryFigures:
    """The extreme prompts and random ones, at least ``number`` together, in the same way."""
    checker = Checker(plan, model)
    batch = _best_batch(checker, number)
    rows = (torch.from_numpy(rows).to(model.device) for rows in draw(plan.prompts, number, seed, batch))
    total = _work(checker, _in_turn(rows), number, None, SAVE, progress)
    return replace(figures(checker, total), seed=seed, speed=speed(checker, [total], batch))


# ------------------------------------------------------------------ the loop

Batches = Iterator[tuple[Range, torch.Tensor]]


def _numbered(checker: Checker, todo: Ranges, batch: int) -> Batches:
    return ((span, checker.numbered(*span)) for span in todo.chunks(batch))


def _in_turn(batches: Iterator[torch.Tensor]) -> Batches:
    """Prompts that have no number are counted as they come."""
    start = 0
    for rows in batches:
        yield (start, start + len(rows)), rows
        start += len(rows)


def _work(
    checker: Checker,
    batches: Batches,
    amount: int,
    keep: Callable[[State], None] | None,
    save_every: float,
    progress: Progress | None,
) -> State:
    """Run ``batches``; what is found and its ranges are added in one step, so that no checkpoint has one without the
    other.  Interrupted (Ctrl-C), it keeps what is done."""
    state = State.nothing(len(checker.after))
    device = (device_name(checker.model.device),)
    started = looked = kept = time.perf_counter()

    def look() -> None:
        nonlocal state, looked
        looked = time.perf_counter()
        state = replace(state + checker.take(), seconds=looked - started, devices=device)
        if progress is not None:
            progress(state.counts.checked, amount)

    try:
        for span, rows in batches:
            checker.run(span, rows)
            now = time.perf_counter()
            if now - looked >= min(LOOK, save_every) or len(checker.found) >= AHEAD:
                look()
            if keep is not None and now - kept >= save_every:
                look()
                keep(state)
                kept = time.perf_counter()
    except KeyboardInterrupt:
        look()
        if keep is not None:
            keep(state)
        raise
    if checker.found:
        look()
    if keep is not None and state.counts.checked:
        keep(state)
    return state


def _best_batch(checker: Checker, amount: int) -> int:
    """Of some sizes, each four times the one before, the last that is faster by a twentieth."""
    device, each = checker.model.device, max(1, cost(checker).bytes)
    room = torch.cuda.mem_get_info(device)[0] // 4 if device.type == "cuda" else CPU_BYTES
    most = max(1, min(room // each, amount // 16, checker.plan.prompts.count, MOST))
    best, rate, size = min(most, 256), 0.0, 256
    while size <= most:
        rows = checker.numbered(0, size)
        found = size / best_time(lambda rows=rows: checker.judge(rows), device, times=3)  # type: ignore[misc]
        if found < 1.05 * rate:
            break
        best, rate, size = size, found, 4 * size
    return best
