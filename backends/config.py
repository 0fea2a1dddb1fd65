"""The sizes and the positional scheme of a model: what a state dict does not say.

In: ``Lowered``, or a JSON object read from a file.  Out: ``Config``.  Not for: weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from backends.lowered import Lowered
from compiler.program import Activation, Alibi, Rotary

DTYPES = ("float64", "float32", "float16", "bfloat16")
MAX_SIZE = 2**31 - 1


@dataclass(frozen=True)
class Config:
    """``tokens[i]`` is the text of token id i; ``positions`` None means absolute (W_pos alone).

    ``d_mlp`` neurons in every layer (those that a layer lacks are zero), 0 for a model of attention alone, and then
    ``activation`` is None."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    n_ctx: int
    d_vocab: int
    positions: Rotary | Alibi | None
    tokens: tuple[str, ...]
    d_mlp: int = 0
    activation: Activation | None = None

    @property
    def gated(self) -> bool:
        return self.activation == "reglu"

    @classmethod
    def of(cls, lowered: Lowered) -> Config:
        return cls(
            n_layers=lowered.n_layers,
            n_heads=lowered.n_heads,
            d_model=lowered.d_model,
            d_head=lowered.d_head,
            n_ctx=lowered.n_ctx,
            d_vocab=lowered.d_vocab,
            positions=lowered.program.positions,
            tokens=tuple(lowered.program.tokens),
            d_mlp=max(1, lowered.d_mlp) if lowered.mlps else 0,
            activation=lowered.activation,
        )

    def to_json(self) -> dict[str, object]:
        """A JSON object; keys are TransformerLens' where it has them."""
        return {
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "d_model": self.d_model,
            "d_head": self.d_head,
            "n_ctx": self.n_ctx,
            "d_vocab": self.d_vocab,
            **self._mlp_to_json(),
            "normalization_type": None,
            "positions": _positions_to_json(self.positions),
            "tokens": list(self.tokens),
        }

    def _mlp_to_json(self) -> dict[str, object]:
        """TransformerLens calls a gated ReLU ``relu`` with ``gated_mlp``."""
        if not self.d_mlp:
            return {"attn_only": True}
        word = "relu" if self.gated else self.activation
        return {"attn_only": False, "d_mlp": self.d_mlp, "act_fn": word, "gated_mlp": self.gated}

    @classmethod
    def from_json(cls, data: object) -> Config:
        """The inverse of ``to_json``; ValueError with a plain message for anything malformed."""
        fields = _object(data, "config")
        tokens = fields.get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ValueError("config: `tokens` is not a list of texts")
        d_mlp, activation = _mlp_from_json(fields)
        config = cls(
            n_layers=_size(fields, "n_layers", least=0),
            n_heads=_size(fields, "n_heads"),
            d_model=_size(fields, "d_model"),
            d_head=_size(fields, "d_head"),
            n_ctx=_size(fields, "n_ctx"),
            d_vocab=_size(fields, "d_vocab"),
            positions=_positions_from_json(fields.get("positions")),
            tokens=tuple(tokens),
            d_mlp=d_mlp,
            activation=activation,
        )
        if len(set(tokens)) != config.d_vocab or len(tokens) != config.d_vocab:
            raise ValueError(f"config: {len(set(tokens))} different tokens, and d_vocab is {config.d_vocab}")
        if isinstance(config.positions, Rotary) and config.positions.dims > config.d_head:
            raise ValueError(f"config: {config.positions.dims} rotary dims, and d_head is {config.d_head}")
        return config

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the state dict and its shape, in TransformerLens' names."""
        shapes: dict[str, tuple[int, ...]] = {
            "embed.W_E": (self.d_vocab, self.d_model),
            "pos_embed.W_pos": (self.n_ctx, self.d_model),
            "unembed.W_U": (self.d_model, self.d_vocab),
            "unembed.b_U": (self.d_vocab,),
        }
        slopes = {"slopes": (self.n_heads,)} if isinstance(self.positions, Alibi) else {}
        for layer in range(self.n_layers):
            for name, shape in (self.layer_shapes() | slopes).items():
                shapes[f"blocks.{layer}.attn.{name}"] = shape
            for name, shape in self.mlp_shapes().items():
                shapes[f"blocks.{layer}.mlp.{name}"] = shape
        return shapes

    def layer_shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters of one layer's attention."""
        heads, model, head = self.n_heads, self.d_model, self.d_head
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("W_Q", "W_K", "W_V"), (heads, model, head))
        shapes |= dict.fromkeys(("b_Q", "b_K", "b_V"), (heads, head))
        return shapes | {"W_O": (heads, head, model), "b_O": (model,)}

    def mlp_shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters of one layer's MLP; none in a model of attention alone."""
        if not self.d_mlp:
            return {}
        shapes: dict[str, tuple[int, ...]] = {
            "W_in": (self.d_model, self.d_mlp),
            "b_in": (self.d_mlp,),
            "W_out": (self.d_mlp, self.d_model),
            "b_out": (self.d_model,),
        }
        gate = {"W_gate": (self.d_model, self.d_mlp), "b_gate": (self.d_mlp,)}
        return shapes | (gate if self.gated else {})


def _mlp_from_json(fields: Mapping[str, object]) -> tuple[int, Activation | None]:
    """(d_mlp, activation).  Files from before there were MLPs say ``attn_only`` and nothing else."""
    alone = fields.get("attn_only")
    if not isinstance(alone, bool):
        raise ValueError("config: `attn_only` is neither true nor false")
    if alone:
        return 0, None
    gated, word = fields.get("gated_mlp"), fields.get("act_fn")
    if not isinstance(gated, bool):
        raise ValueError("config: `gated_mlp` is neither true nor false")
    return _size(fields, "d_mlp"), _activation(word, gated)


def _activation(word: object, gated: bool) -> Activation:
    match word, gated:
        case "relu", True:
            return "reglu"
        case "relu", False:
            return "relu"
        case "gelu", False:
            return "gelu"
        case "silu", False:
            return "silu"
    raise ValueError(f"config: no {'gated ' * gated}activation is called {word!r}")


def _positions_to_json(positions: Rotary | Alibi | None) -> dict[str, object]:
    match positions:
        case None:
            return {"kind": "absolute"}
        case Alibi():
            return {"kind": "alibi"}
        case Rotary(base, dims, layout):
            return {"kind": "rotary", "base": str(base), "dims": dims, "layout": layout}


def _positions_from_json(data: object) -> Rotary | Alibi | None:
    fields = _object(data, "config: `positions`")
    match fields.get("kind"):
        case "absolute":
            return None
        case "alibi":
            return Alibi()
        case "rotary":
            return Rotary(_base(fields.get("base")), _even(fields), _layout(fields.get("layout")))
        case kind:
            raise ValueError(f"config: no positional scheme is called {kind!r}")


def _base(text: object) -> Fraction:
    if not isinstance(text, str) or len(text) > 100 or "e" in text.lower():
        raise ValueError("config: the rotary base is not a fraction")
    try:
        base = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError("config: the rotary base is not a fraction") from None
    if base <= 0:
        raise ValueError("config: the rotary base is not positive")
    return base


def _even(fields: Mapping[str, object]) -> int:
    dims = _size(fields, "dims")
    if dims % 2:
        raise ValueError("config: the rotary dims are odd")
    return dims


def _layout(word: object) -> Literal["half", "pairs"]:
    match word:
        case "half":
            return "half"
        case "pairs":
            return "pairs"
    raise ValueError(f"config: no rotary layout is called {word!r}")


def _object(data: object, what: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise ValueError(f"{what} is not a JSON object")
    return data


def _size(fields: Mapping[str, object], name: str, least: int = 1) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_SIZE:
        raise ValueError(f"config: `{name}` is {value!r}, and not an integer from {least} to {MAX_SIZE}")
    return value
