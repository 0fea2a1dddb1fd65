"""Our weights in a HookedTransformer of TransformerLens, unchanged.

In: ``TorchModel``.  Out: a ``transformer_lens.HookedTransformer`` without norms that holds the same state dict.  Needs
transformer_lens below 4: later versions have no HookedTransformer.  Not for: running it.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from compiler.program import Alibi, Rotary
from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from backends.config import Config
    from backends.torch_model import TorchModel

_BUFFERS = ("attn.mask", "attn.IGNORE", "attn.rotary_sin", "attn.rotary_cos")
"""What TransformerLens keeps in its state dict and works out for itself."""


def hooked_transformer(module: TorchModel) -> Any:
    """A HookedTransformer of the module's sizes, float type and device, with its weights.

    SpecError E0609 where there is no HookedTransformer, E0618 for what it cannot hold."""
    lens = _library()
    sizes = module.sizes
    config = lens.HookedTransformerConfig(
        n_layers=sizes.n_layers,
        n_heads=sizes.n_heads,
        d_model=sizes.d_model,
        d_head=sizes.d_head,
        n_ctx=sizes.n_ctx,
        d_vocab=sizes.d_vocab,
        normalization_type=None,
        dtype=module.dtype,
        device=str(module.device),
        seed=0,
        **_mlps(sizes),
        **_positions(sizes),
    )
    made = lens.HookedTransformer(config)
    state, wanted = module.state_dict(), made.state_dict()
    assert all(name in state or name.endswith(_BUFFERS) for name in wanted)
    made.load_state_dict({name: tensor for name, tensor in state.items() if name in wanted}, strict=False)
    return made


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies
            lens: Any = import_module("transformer_lens")
    except ImportError:
        lens = None
    if not hasattr(lens, "HookedTransformer"):
        found = "which is not installed" if lens is None else "and this version has no HookedTransformer"
        help = 'pip install "transformer_lens<4"'
        raise SpecError(Diagnostic("E0609", f"this needs transformer_lens, {found}", help=help))
    return lens


def _mlps(sizes: Config) -> dict[str, object]:
    if not sizes.d_mlp:
        return {"attn_only": True}
    if sizes.gated:
        _refuse("gated neurons with biases on their gates", "write `activation relu`")
    return {"d_mlp": sizes.d_mlp, "act_fn": sizes.activation}


def _positions(sizes: Config) -> dict[str, object]:
    match sizes.positions:
        case None:
            return {}
        case Alibi():
            _refuse("ALiBi with slopes of its own for each head", "leave out `positions alibi`")
        case Rotary(base, dims, layout):
            if base.denominator != 1:
                _refuse(f"a rotary base of {base}", "choose a whole number")
            kind: dict[str, object] = {"positional_embedding_type": "rotary", "rotary_dim": dims}
            return kind | {"rotary_base": int(base), "rotary_adjacent_pairs": layout == "pairs"}
    raise AssertionError(sizes.positions)


def _refuse(what: str, help: str) -> None:
    raise SpecError(Diagnostic("E0618", f"a HookedTransformer has no {what}", help=help))
