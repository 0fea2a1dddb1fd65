"""Interventions: a torch model runs, and attention patterns or activations are changed on the way.

In: any module with TransformerLens' hooks (``HookedModel``), token ids, and masks and values as NumPy arrays.
Out: logits and what was looked at, as NumPy arrays.  Not for: which edges, and what it means (``headspec.ablation``).

Shapes: B sequences of n tokens; patterns (B, H, n, n), query before key; streams (B, n, D); head outputs (B, n, H, d).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backends.attention import Hook, HookPoint, KVCache
from backends.state import dtype_name
from backends.torch_model import TorchModel

Bools = NDArray[np.bool_]
Hooks = Sequence[tuple[str, Hook]]


class HookedModel(Protocol):
    """``TorchModel``, TransformerLens' ``HookedTransformer``, or anything that answers to the same call.

    ``run_with_hooks(ids, fwd_hooks=[(name, f), ..])`` runs ids (B, n) and gives logits (B, n, V).  At the activation
    ``name`` it calls ``f(value, hook=point)`` with ``point.name == name``; what ``f`` returns takes its place."""

    def run_with_hooks(self, tokens: Any, fwd_hooks: Any) -> Any: ...

    def parameters(self) -> Any: ...


def pattern_name(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_pattern"


def shape_of(model: HookedModel) -> tuple[int | None, int | None]:
    """(layers, heads of each) as the model says it, in ``sizes`` or, as TransformerLens does, in ``cfg``."""
    for attribute in ("sizes", "cfg"):
        said = getattr(model, attribute, None)
        layers, heads = getattr(said, "n_layers", None), getattr(said, "n_heads", None)
        if isinstance(layers, int) and isinstance(heads, int):
            return layers, heads
    return None, None


def place_of(model: HookedModel) -> tuple[str, str]:
    """(device, float type) of the first parameter: ``("cpu", "float32")``."""
    first = next(iter(model.parameters()))
    return str(first.device), dtype_name(first.dtype)


def run(
    model: HookedModel,
    tokens: NDArray[np.int64],
    hooks: Hooks = (),
    look_at: Collection[str] = (),
    cache: KVCache | None = None,
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """(logits (B, n, V), the activations called ``look_at``, after every hook), in float32 or wider.

    With a cache, tokens continue what it holds, and patterns are (B, H, n, keys so far)."""
    seen: dict[str, NDArray[Any]] = {}

    def look(value: Tensor, hook: HookPoint) -> None:
        seen[hook.name] = _array(value)

    device = next(iter(model.parameters())).device
    with torch.no_grad():
        ids = torch.as_tensor(tokens, dtype=torch.long, device=device)
        chosen = [*hooks, *((name, look) for name in sorted(look_at))]
        if cache is not None and isinstance(model, TorchModel):
            return _array(model.run_with_hooks(ids, chosen, cache)), seen
        return _array(model.run_with_hooks(ids, fwd_hooks=chosen)), seen


def takes_cache(model: HookedModel) -> bool:
    """Can it be run part by part, with hooks?"""
    return isinstance(model, TorchModel)


def cache_for(model: HookedModel, tokens: NDArray[np.int64]) -> KVCache | None:
    """A cache with which ``run`` goes on through the tokens (B, n), part by part; None for a model that takes none."""
    if not isinstance(model, TorchModel):
        return None
    return KVCache(model.sizes, len(tokens), tokens.shape[1], model.dtype, model.device)


def zero_edges(head: int, edges: Bools, *, renormalise: bool) -> Hook:
    """The weights of ``edges`` (B, query, key) become 0; renormalised, what is left of each row they cut adds up to 1
    again, as if those keys could not be seen (a row of which nothing is left stays 0)."""

    def hook(value: Tensor, hook: HookPoint) -> Tensor:
        cut = torch.as_tensor(edges, device=value.device)
        pattern = value.clone()
        rows = pattern[:, head].masked_fill(cut, 0.0)
        if renormalise:
            total = rows.sum(dim=-1, keepdim=True)
            touched = cut.any(dim=-1, keepdim=True) & (total > 0)
            rows = torch.where(touched, rows / torch.where(touched, total, 1.0), rows)
        pattern[:, head] = rows
        return pattern

    return hook


def put_pattern(head: int, rows: Bools, weights: NDArray[np.float64]) -> Hook:
    """At the queries ``rows`` (B, n) the pattern is ``weights`` (B, n, n); elsewhere it is left alone."""

    def hook(value: Tensor, hook: HookPoint) -> Tensor:
        pattern = value.clone()
        chosen = torch.as_tensor(rows, device=value.device)[..., None]
        put = torch.as_tensor(weights, device=value.device).to(value.dtype)
        pattern[:, head] = torch.where(chosen, put, pattern[:, head])
        return pattern

    return hook


def put_activation(positions: Bools, source: NDArray[Any], head: int | None) -> Hook:
    """At ``positions`` (B, n) the activation is that of ``source`` (1, m, ...) at the same position; with ``head``,
    that head's part of it (B, n, H, d) alone.  Every chosen position is below m."""

    def hook(value: Tensor, hook: HookPoint) -> Tensor:
        batch, place = torch.as_tensor(np.argwhere(positions), device=value.device).unbind(dim=1)
        other = torch.as_tensor(source, device=value.device).to(value.dtype)[0]
        changed = value.clone()
        if head is None:
            changed[batch, place] = other[place]
        else:
            changed[batch, place, head] = other[place, head]
        return changed

    return hook


def put_vectors(head: int, position: int, vectors: NDArray[Any]) -> Hook:
    """Of queries, keys or values (B, n, H, d), those of ``head`` at ``position`` are ``vectors`` (B, d)."""

    def hook(value: Tensor, hook: HookPoint) -> Tensor:
        changed = value.clone()
        changed[:, position, head] = torch.as_tensor(vectors, device=value.device).to(value.dtype)
        return changed

    return hook


def _array(tensor: Tensor) -> NDArray[Any]:
    """The tensor's numbers, exactly: half types become float32."""
    wide = tensor if tensor.element_size() >= 4 else tensor.float()
    array: NDArray[Any] = wide.detach().cpu().numpy().copy()
    return array
