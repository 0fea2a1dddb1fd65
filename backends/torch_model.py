"""A torch module with TransformerLens' parameter names: batched heads, fused attention, a KV cache.

In: ``Lowered``, or a ``Config`` and a state dict.  Out: ``TorchModel``: logits, every activation under its
TransformerLens hook name, greedy generation.  Not for: exactness (the weights are rounded to ``dtype``).

Shapes: B sequences of n tokens, H heads, D = d_model, d = d_head, V = d_vocab, d_mlp neurons.  Weights stand on the
right: q = x W_Q + b_Q.  In float16 and bfloat16 the residual stream, q, k, v and the neurons are rounded to that type,
while rotations, scores, softmax and sums over keys are taken in float32 (fused kernels may round the pattern itself to
the type).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backends.attention import Attention, Hook, KVCache, Recorder, RotaryTables
from backends.config import Config
from backends.lowered import Lowered
from backends.mlp import Mlp
from backends.stacked import StackedWeights
from backends.state import check_range, dtype_name, state_arrays, torch_dtype
from compiler.program import Rotary
from dsl.diagnostics import Diagnostic, SpecError

Names = Collection[str] | Callable[[str], bool]
"""Which hooks to keep: their names, or a predicate over names."""


class Embed(nn.Module):
    W_E: nn.Parameter

    def __init__(self, config: Config, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(config.d_vocab, config.d_model, dtype=dtype, device=device))


class PosEmbed(nn.Module):
    W_pos: nn.Parameter

    def __init__(self, config: Config, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(config.n_ctx, config.d_model, dtype=dtype, device=device))


class Unembed(nn.Module):
    W_U: nn.Parameter
    b_U: nn.Parameter

    def __init__(self, config: Config, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(config.d_model, config.d_vocab, dtype=dtype, device=device))
        self.b_U = nn.Parameter(torch.zeros(config.d_vocab, dtype=dtype, device=device))


class Block(nn.Module):
    """x -> y = x + attn(x) -> y + mlp(y); without neurons the layer ends at y."""

    attn: Attention
    mlp: Mlp | None

    def __init__(self, config: Config, layer: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.attn = Attention(config, layer, dtype, device)
        self.mlp = Mlp(config, layer, dtype, device) if config.d_mlp else None
        self.prefix = f"blocks.{layer}."

    def forward(
        self, x: Tensor, tables: RotaryTables | None, record: Recorder, cache: KVCache | None, since: int = 0
    ) -> Tensor:
        """x (B, n, D) -> (B, n - since, D)."""
        x = record.keep(self.prefix + "hook_resid_pre", x)
        out = record.keep(self.prefix + "hook_attn_out", self.attn(x, tables, record, cache, since))
        x = _add(out, x[:, since:], kept=record.wants(self.prefix + "hook_attn_out"))
        if self.mlp is not None:
            x = record.keep(self.prefix + "hook_resid_mid", x)
            moved = record.keep(self.prefix + "hook_mlp_out", self.mlp(x, record))
            x = _add(moved, x, kept=record.wants(self.prefix + "hook_mlp_out"))
        return record.keep(self.prefix + "hook_resid_post", x)


class TorchModel(StackedWeights):
    """A transformer without LayerNorm, with MLPs or of attention alone.  Its state dict is ``Config.shapes()``; its
    parameters can be trained.  ``W_Q``, ``W_in``, ``W_E`` and so on are the weights of all layers in one tensor."""

    embed: Embed
    pos_embed: PosEmbed
    unembed: Unembed

    def __init__(self, sizes: Config, dtype: str = "float32", device: str | torch.device = "cpu") -> None:
        """All weights zero; ``from_lowered`` and ``loading.load`` fill them."""
        super().__init__()
        kind, place = torch_dtype(dtype), torch.device(device)
        self.sizes = sizes
        self.config: dict[str, object] = sizes.to_json()
        self.tables = RotaryTables(sizes.positions, sizes.n_ctx) if isinstance(sizes.positions, Rotary) else None
        self.embed = Embed(sizes, kind, place)
        self.pos_embed = PosEmbed(sizes, kind, place)
        self.blocks = nn.ModuleList(Block(sizes, layer, kind, place) for layer in range(sizes.n_layers))
        self.unembed = Unembed(sizes, kind, place)

    @classmethod
    def from_lowered(cls, lowered: Lowered, dtype: str = "float32", device: str | torch.device = "cpu") -> TorchModel:
        """Every float64 entry rounded to ``dtype``.  SpecError E0508 when one is too large for it."""
        model = cls(Config.of(lowered), dtype, device)
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in state_arrays(lowered).items()}
        for name, tensor in tensors.items():
            check_range(name, tensor, dtype)
        model.load_state_dict(tensors, strict=True)
        return model

    @property
    def dtype(self) -> torch.dtype:
        return self.embed.W_E.dtype

    @property
    def device(self) -> torch.device:
        return self.embed.W_E.device

    def forward(self, tokens: Any, cache: KVCache | None = None) -> Tensor:
        """tokens (B, n) of ids -> logits (B, n, V).  With a cache, tokens continue what the cache holds.

        SpecError E0509: tokens that are not (B, n) ids, or more positions than n_ctx.  (Ids that are on an
        accelerator already are not looked at.)"""
        return self._run(tokens, Recorder(), cache)

    def logits_since(self, tokens: Any, since: int) -> Tensor:
        """``forward(tokens)[:, since:]`` (B, n - since, V), up to rounding, with less work: in the last layer the
        positions before ``since`` are only read.  ValueError unless 0 <= since < n."""
        if not 0 <= since < tokens.shape[1]:
            raise ValueError(f"no position {since} among {tokens.shape[1]}")
        return self._run(tokens, Recorder(), None, since)

    def run_with_cache(self, tokens: Any, names: Names | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """(logits, activations by TransformerLens hook name); ``names`` says which to keep, None means all.

        hook_embed, hook_pos_embed, and under ``blocks.{l}.``: hook_resid_pre, hook_attn_out, hook_resid_post (B, n, D);
        attn.hook_q, hook_k, hook_v, hook_z (B, n, H, d); attn.hook_rot_q, hook_rot_k under rotary;
        attn.hook_attn_scores, hook_pattern (B, H, n, n), scores -inf above the diagonal, in float32 or wider;
        attn.hook_result (B, n, H, D).  With MLPs also hook_resid_mid (before the MLP) and hook_mlp_out (B, n, D),
        mlp.hook_pre, mlp.hook_post, and mlp.hook_pre_linear where gated (B, n, d_mlp)."""
        record = Recorder(_predicate(names))
        logits = self._run(tokens, record, None)
        return logits, record.kept

    def run_with_hooks(
        self,
        tokens: Any,
        fwd_hooks: Sequence[tuple[str | Callable[[str], bool], Hook]] = (),
        cache: KVCache | None = None,
    ) -> Tensor:
        """Logits (B, n, V) with activations changed on the way, as in TransformerLens.

        Each of ``fwd_hooks`` is a name of ``run_with_cache`` (or a predicate over names) and a function
        ``f(value, hook=point)``: what it returns takes the activation's place, None leaves it.  With a ``cache`` the
        tokens continue what it holds: patterns have the new queries and all keys so far.  KeyError for a name that this
        model has not."""
        named = [place for place, _ in fwd_hooks if isinstance(place, str)]
        record = Recorder(hooks=[(_predicate(place), hook) for place, hook in fwd_hooks])
        logits = self._run(tokens, record, cache)
        for name in named:
            if name not in record.passed:
                raise KeyError(name)
        return logits

    def _run(self, tokens: Any, record: Recorder, cache: KVCache | None, since: int = 0) -> Tensor:
        start = 0 if cache is None else cache.length
        ids = self._check_tokens(tokens, start)
        stop = start + ids.shape[1]
        embedded = F.embedding(ids, self.embed.W_E)
        positions = self.pos_embed.W_pos[start:stop]
        embedded = record.keep("hook_embed", embedded)
        positions = record.keep("hook_pos_embed", positions.expand(embedded.shape))
        x = _add(embedded, positions, kept=record.wants("hook_embed"))
        for block in self.blocks[:-1]:
            x = block(x, self.tables, record, cache)
        x = self.blocks[-1](x, self.tables, record, cache, since) if len(self.blocks) else x[:, since:]
        if cache is not None:
            cache.length = stop
        return torch.addmm(self.unembed.b_U, x.flatten(0, 1), self.unembed.W_U).view(*x.shape[:2], -1)

    @torch.no_grad()
    def generate(self, tokens: Any, n: int, stop: int | Collection[int] | None = None) -> Tensor:
        """Greedy: tokens (B, m) and up to n more -> (B, m + k), k <= n.

        A sequence that has produced a ``stop`` id repeats it; all stopped, generation ends.  Equal to feeding
        the whole text again at each step, with one step's work.  SpecError E0509 when m + n > n_ctx."""
        ids = self._check_tokens(tokens, 0)
        total = ids.shape[1] + n
        if n < 0 or total > self.sizes.n_ctx:
            raise SpecError(_too_long(total, self.sizes.n_ctx))
        stops = torch.tensor(_stop_ids(stop), dtype=torch.long, device=self.device)
        cache = KVCache(self.sizes, len(ids), total, self.dtype, self.device)
        done = torch.zeros(len(ids), dtype=torch.bool, device=self.device)
        fed = ids
        for _ in range(n):
            chosen = self.forward(fed, cache)[:, -1].argmax(dim=-1)
            chosen = torch.where(done, ids[:, -1], chosen)
            ids, fed = torch.cat([ids, chosen[:, None]], dim=1), chosen[:, None]
            done |= torch.isin(chosen, stops)
            if len(stops) and bool(done.all()):
                break
        return ids

    def _check_tokens(self, tokens: Any, start: int) -> Tensor:
        ids = torch.as_tensor(tokens)
        if ids.ndim != 2 or not ids.numel() or ids.dtype.is_floating_point or ids.dtype == torch.bool:
            found = f"{dtype_name(ids.dtype)} of shape {tuple(ids.shape)}"
            raise SpecError(
                Diagnostic("E0509", f"tokens are {found}", help="give integer ids of shape (batch, length)")
            )
        if start + ids.shape[1] > self.sizes.n_ctx:
            raise SpecError(_too_long(start + ids.shape[1], self.sizes.n_ctx))
        if ids.device.type == "cpu":
            low, high = (int(end) for end in ids.aminmax())
            if low < 0 or high >= self.sizes.d_vocab:
                known = f"the model knows 0 to {self.sizes.d_vocab - 1}"
                raise SpecError(Diagnostic("E0509", f"ids from {low} to {high}, and {known}"))
        return ids.to(device=self.device, dtype=torch.long)


# ------------------------------------------------------------------ small things


def _add(fresh: Tensor, other: Tensor, *, kept: bool) -> Tensor:
    """fresh + other, into ``fresh`` when nobody needs it any more: a fifth of a small model's time is new memory."""
    return fresh + other if kept or torch.is_grad_enabled() else fresh.add_(other)


def _predicate(names: Names | None) -> Callable[[str], bool]:
    if names is None:
        return lambda name: True
    if callable(names):
        return names
    wanted = frozenset([names] if isinstance(names, str) else names)
    return wanted.__contains__


def _stop_ids(stop: int | Collection[int] | None) -> list[int]:
    if stop is None:
        return []
    return [stop] if isinstance(stop, int) else sorted(stop)


def _too_long(length: int, n_ctx: int) -> Diagnostic:
    return Diagnostic(
        "E0509", f"{length} positions, and the model's context is {n_ctx}", help="raise `context` in the spec"
    )
