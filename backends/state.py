"""The state dict of a torch model: from the arrays of a lowered one, in any float type.

In: ``Lowered``, or a state dict.  Out: arrays or tensors under TransformerLens' parameter names; E0508 for an entry
that a type does not hold.  Not for: modules (``torch_model``), files (``saving``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from backends.attention import wider
from backends.config import Config
from backends.lowered import Lowered, LoweredHead, LoweredMlp
from backends.rounding import Array
from dsl.diagnostics import Diagnostic, SpecError


def state_arrays(lowered: Lowered) -> dict[str, Array]:
    """The state dict in float64: transposed to stand on the right, heads stacked, missing heads and neurons zero."""
    config = Config.of(lowered)
    arrays: dict[str, Array] = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    arrays |= {"embed.W_E": lowered.W_E, "pos_embed.W_pos": lowered.W_pos}
    arrays |= {"unembed.W_U": lowered.W_U, "unembed.b_U": lowered.b_U}
    for head in lowered.heads:
        for name, value in _head_arrays(head):
            if (key := f"blocks.{head.layer}.attn.{name}") in arrays:
                arrays[key][head.index] = value
    for mlp in lowered.mlps:
        for name, value in _mlp_arrays(mlp).items():
            target = arrays[f"blocks.{mlp.layer}.mlp.{name}"]
            target[tuple(slice(size) for size in value.shape)] = value
    return arrays


def _head_arrays(head: LoweredHead) -> list[tuple[str, Any]]:
    return [
        ("W_Q", head.W_Q.T),
        ("W_K", head.W_K.T),
        ("W_V", head.W_V.T),
        ("W_O", head.W_O.T),
        ("b_Q", head.b_Q),
        ("b_K", head.b_K),
        ("b_V", head.b_V),
        ("slopes", head.slope),
    ]


def _mlp_arrays(mlp: LoweredMlp) -> dict[str, Array]:
    arrays: dict[str, Array] = {"W_in": mlp.W_in.T, "b_in": mlp.b_in, "W_out": mlp.W_out.T, "b_out": mlp.b_out}
    if mlp.W_gate is not None and mlp.b_gate is not None:
        arrays |= {"W_gate": mlp.W_gate.T, "b_gate": mlp.b_gate}
    return arrays


def cast_state(state: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """A state dict in another float type (slopes in float32 at least).  SpecError E0508 when an entry is too large."""
    kind = torch_dtype(dtype)
    for name, tensor in state.items():
        check_range(name, tensor, dtype)
    return {name: t.to(wider(kind) if name.endswith(".slopes") else kind) for name, t in state.items()}


def torch_dtype(name: str) -> torch.dtype:
    """``bfloat16`` -> torch.bfloat16; KeyError for anything but the four float types."""
    types = {t: cast(torch.dtype, getattr(torch, t)) for t in ("float64", "float32", "float16", "bfloat16")}
    return types[name]


def dtype_name(dtype: torch.dtype) -> str:
    """torch.bfloat16 -> ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def check_range(name: str, tensor: Tensor, dtype: str) -> None:
    """E0508 where an entry is too large for ``dtype``."""
    largest, limit = float(tensor.abs().max()) if tensor.numel() else 0.0, torch.finfo(torch_dtype(dtype)).max
    if math.isfinite(largest) and largest <= limit:
        return
    raise SpecError(
        Diagnostic(
            "E0508",
            f"an entry of {name} is {largest:.4g}, and {dtype} ends at {limit:.4g}",
            help="use `dtype bfloat16`, or a smaller strength",
        )
    )
