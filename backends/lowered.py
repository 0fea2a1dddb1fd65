"""A whole model in float64 arrays, in the shapes that run.

In: nothing (data, made by ``lowering``).  Out: ``Lowered`` and its parts, whose shapes are checked.  Not for: other
float types (each backend rounds to its own).
"""

from __future__ import annotations

from dataclasses import dataclass

from backends.rounding import Array
from compiler.program import Activation, Program

ENTRY_BOUND = 2.0**-52
"""Every float64 entry is within one unit in the last place: |float - exact| <= 2^-52 |exact|."""


@dataclass(frozen=True, eq=False)
class LoweredHead:
    """One head in floats.  W_Q, W_K, W_V : (d_head, d_model); W_O : (d_model, d_head); biases : (d_head,)."""

    name: str
    layer: int
    index: int
    W_Q: Array
    W_K: Array
    W_V: Array
    W_O: Array
    b_Q: Array
    b_K: Array
    b_V: Array
    slope: float = 0.0


@dataclass(frozen=True, eq=False)
class LoweredMlp:
    """The MLP of one layer in floats.  W_in, W_gate : (d_mlp, d_model); b_in, b_gate : (d_mlp,);
    W_out : (d_model, d_mlp); b_out : (d_model,).  The gate is there for gated activations only."""

    layer: int
    activation: Activation
    W_in: Array
    b_in: Array
    W_out: Array
    b_out: Array
    W_gate: Array | None = None
    b_gate: Array | None = None

    @property
    def d_mlp(self) -> int:
        """The number of neurons."""
        return len(self.W_in)

    @property
    def gated(self) -> bool:
        return self.activation == "reglu"

    def check(self, d_model: int) -> None:
        """AssertionError unless every array has the shape it should."""
        neurons = self.d_mlp
        assert self.W_in.shape == (neurons, d_model), self.W_in.shape
        assert self.b_in.shape == (neurons,), self.b_in.shape
        assert self.W_out.shape == (d_model, neurons), self.W_out.shape
        assert self.b_out.shape == (d_model,), self.b_out.shape
        assert (self.W_gate is not None) == (self.b_gate is not None) == self.gated, self.activation
        assert self.W_gate is None or self.W_gate.shape == self.W_in.shape
        assert self.b_gate is None or self.b_gate.shape == self.b_in.shape


@dataclass(frozen=True, eq=False, repr=False)
class Lowered:
    """A whole model in floats.  W_E : (d_vocab, d_model), W_pos : (n_ctx, d_model), W_U : (d_model, d_vocab),
    b_U : (d_vocab,).  ``n_heads`` is the most heads of a layer; heads that a layer lacks are zero.  ``mlps`` has the
    MLPs of the layers that have one.  ``bound`` is the relative error of every entry."""

    program: Program
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_vocab: int
    n_ctx: int
    W_E: Array
    W_pos: Array
    W_U: Array
    b_U: Array
    heads: tuple[LoweredHead, ...]
    mlps: tuple[LoweredMlp, ...] = ()
    bound: float = ENTRY_BOUND

    def __repr__(self) -> str:
        sizes = f"d_model {self.d_model}, {self.n_layers} layers of {self.n_heads} heads, d_head {self.d_head}"
        return f"<{self.program.name} in floats: {sizes}; entries within {self.bound:.1e}>"

    def __post_init__(self) -> None:
        assert self.W_E.shape == (self.d_vocab, self.d_model), self.W_E.shape
        assert self.W_pos.shape == (self.n_ctx, self.d_model), self.W_pos.shape
        assert self.W_U.shape == (self.d_model, self.d_vocab), self.W_U.shape
        assert self.b_U.shape == (self.d_vocab,), self.b_U.shape
        assert all(h.layer < self.n_layers and h.index < self.n_heads for h in self.heads)
        layers = [mlp.layer for mlp in self.mlps]
        assert len(set(layers)) == len(layers) and all(0 <= layer < self.n_layers for layer in layers), layers
        assert len({mlp.activation for mlp in self.mlps}) <= 1, "one activation for the whole model"
        for mlp in self.mlps:
            mlp.check(self.d_model)

    def layer(self, number: int) -> tuple[LoweredHead, ...]:
        """The heads of one layer, by index."""
        return tuple(sorted((h for h in self.heads if h.layer == number), key=lambda h: h.index))

    def mlp(self, number: int) -> LoweredMlp | None:
        """The MLP of one layer; None if it has none."""
        return next((mlp for mlp in self.mlps if mlp.layer == number), None)

    @property
    def d_mlp(self) -> int:
        """The most neurons of a layer; 0 without MLPs."""
        return max((mlp.d_mlp for mlp in self.mlps), default=0)

    @property
    def activation(self) -> Activation | None:
        """What the MLPs compute; None without MLPs."""
        return self.mlps[0].activation if self.mlps else None
