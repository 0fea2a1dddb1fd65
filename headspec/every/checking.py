"""One batch of prompts on the device: completed by the claims, run once, judged.

In: token ids (B, m) of prompts.  Out: ``Counts`` of it, later: what is found stays on the device until it is asked for,
so that a GPU is never waited for.  Not for: which prompts (``running``, ``drawing``).

Shapes: B prompts of m tokens, P claims, V = d_vocab.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from backends.torch_model import TorchModel
from compiler.claimed_outputs import ClaimedOutputs, complete_by_claims
from headspec.every.checkpoint import State
from headspec.every.counts import SHOWN, Counts, Ids, Least
from headspec.every.plan import Plan
from headspec.every.ranges import Range, Ranges
from headspec.verification.outputs import block_of


@dataclass(frozen=True)
class Found:
    """Of one batch, on the device: ``wrong`` (), ``wrong_at`` (P,), ``least`` () and its place among (B, P)."""

    checked: int
    wrong: Tensor
    wrong_at: Tensor
    least: Tensor
    place: Tensor


@dataclass
class Checker:
    """Holds a model against the claims of a plan; ``found`` are the batches that were run and not yet counted."""

    plan: Plan
    model: TorchModel
    found: list[tuple[Range, Found, Tensor]] = field(default_factory=list)

    def __post_init__(self) -> None:
        claims = self.plan.claims
        self.after = [claim.after for claim in claims]
        self.since = min(self.after)
        self.wide = any(claim.wide for claim in claims)
        names = [claim.subspace for claim in claims]
        blocks = np.stack([block_of(self.plan.program, name) for name in names])
        self.outside = torch.from_numpy(~blocks).to(self.model.device)  # (P, V)
        self.at = torch.tensor([after - self.since for after in self.after], device=self.model.device)

    def numbered(self, start: int, stop: int) -> Tensor:
        """The prompts start <= i < stop, (B, m), made on the device."""
        rows: Tensor = self.plan.prompts.at(torch.arange(start, stop, device=self.model.device))
        return rows

    def run(self, span: Range, rows: Tensor) -> None:
        """Judge these prompts, called ``span``; ``take`` counts them."""
        self.found.append((span, self.judge(rows), rows))

    @torch.inference_mode()
    def judge(self, rows: Tensor) -> Found:
        margins = self.margins(rows)
        bad = ~(margins > 0)
        least, place = margins.flatten().min(dim=0)
        return Found(len(rows), bad.any(dim=1).sum(), bad.sum(dim=0), least, place)

    @torch.inference_mode()
    def margins(self, rows: Tensor) -> Tensor:
        """(B, P): the claimed token's logit minus the best other of its block, in float32 or wider.

        0 is a tie, which is wrong; -inf where no token spells what is claimed, or a logit is not a number."""
        said = self.complete(rows)
        claimed = torch.stack([claim.ids for claim in said.claims], dim=1)
        logits = self._logits(said)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        logits = logits.masked_fill(self.outside, -math.inf)
        right = claimed.clamp(min=0)[:, :, None]
        best = logits.gather(2, right)[:, :, 0]
        rival = logits.scatter(2, right, -math.inf).amax(dim=2)
        margins = (best - rival).nan_to_num(-math.inf, math.inf, -math.inf)
        return margins.masked_fill((claimed < 0) | ~best.isfinite(), -math.inf)

    def complete(self, rows: Tensor) -> ClaimedOutputs:
        """Whole texts and claimed ids as tensors; claims that may leave 64 bits are worked out by NumPy, on the CPU."""
        if not self.wide:
            return complete_by_claims(self.plan.program, rows)
        said = complete_by_claims(self.plan.program, rows.cpu().numpy())
        sequences = torch.from_numpy(said.sequences).to(rows.device)
        claims = (replace(claim, ids=torch.from_numpy(claim.ids).to(rows.device)) for claim in said.claims)
        return ClaimedOutputs(sequences, tuple(claims))

    # -------------------------------------------------------------- counting

    def take(self) -> State:
        """What the batches since the last time amount to; waits for the device."""
        counts, taken = Counts.none(len(self.after)), len(self.found)
        for _, found, rows in self.found[:taken]:
            counts += self._count(found, rows, len(counts.first_wrong))
        done = Ranges.of(span for span, _, _ in self.found[:taken])
        del self.found[:taken]
        return State(done, counts)

    def _count(self, found: Found, rows: Tensor, known: int) -> Counts:
        place = int(found.place)
        prompt = _ids(rows[place // len(self.after)])
        least = Least(float(found.least), prompt, place % len(self.after))
        wrong = int(found.wrong)
        shown = self._first_wrong(rows) if wrong and known < SHOWN else ()
        return Counts(found.checked, wrong, tuple(found.wrong_at.tolist()), least, shown)

    def _first_wrong(self, rows: Tensor) -> tuple[Ids, ...]:
        """The first wrong prompts of this batch, which is run once more: wrong ones are rare, or soon enough."""
        bad = ~(self.margins(rows) > 0).all(dim=1)
        return tuple(sorted({_ids(row) for row in rows[bad]})[:SHOWN])

    def explain(self, prompt: Ids) -> tuple[Ids, Ids]:
        """(predicted, claimed) tokens at each claim; -1 where no token spells what is claimed."""
        with torch.inference_mode():
            said = self.complete(torch.tensor([prompt], device=self.model.device))
            logits = self._logits(said)[0].masked_fill(self.outside, -math.inf)
        return _ids(logits.argmax(dim=1)), tuple(int(claim.ids[0]) for claim in said.claims)

    def _logits(self, said: ClaimedOutputs) -> Tensor:
        """(B, P, V) after the right text, in the model's float type."""
        tokens = said.sequences[:, : max(self.after) + 1].clamp(min=0)
        return self.model.logits_since(tokens, self.since)[:, self.at]


def _ids(row: Tensor) -> Ids:
    return tuple(row.tolist())
