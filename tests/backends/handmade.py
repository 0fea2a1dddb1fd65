"""Models written out by hand, without the compiler: their weights can be checked by reading.

``previous_token_and_induction`` (one-hot tokens and positions), ``rotary_previous`` (both layouts), ``alibi_recent``,
``running_parity`` (heads and an MLP), and ``random_lowered`` (dense, with MLPs if asked for; for laws).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np

from backends.lowered import Lowered, LoweredHead, LoweredMlp
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import Activation, Alibi, Basis, Program, Rotary

TOKENS = ("<bos>", "a", "b", "c", "d")


def program(
    positions: Rotary | Alibi | None = None,
    *,
    tokens: tuple[str, ...] = TOKENS,
    context: int = 12,
    width: int = 8,
    layers: int = 1,
    text: str = "",
) -> Program:
    return Program(
        name="handmade",
        doc=None,
        tokens=tokens,
        context=context,
        sequences=SequenceLanguage.everything(tokens, context),
        mass=Fraction(99, 100),
        dtype="float32",
        width=width,
        basis=Basis("axis"),
        biases=False,
        positions=positions,
        symbols=(),
        subspaces=(),
        embeds=(),
        layers=((),) * layers,
        predict=(),
        expectations=(),
        text=text,
    )


def head(name: str, layer: int, index: int, d_head: int, width: int, **arrays: Any) -> LoweredHead:
    """A head whose matrices are zero but for those given."""
    zero: dict[str, Any] = {m: np.zeros((d_head, width)) for m in ("W_Q", "W_K", "W_V")}
    zero |= {"W_O": np.zeros((width, d_head))} | {b: np.zeros(d_head) for b in ("b_Q", "b_K", "b_V")}
    return LoweredHead(name, layer, index, **(zero | arrays))


def lowered(
    program: Program, heads: list[LoweredHead], n_heads: int = 1, mlps: tuple[LoweredMlp, ...] = (), **arrays: Any
) -> Lowered:
    vocab, width, context = len(program.tokens), program.width, program.context
    zero: dict[str, Any] = {
        "W_E": np.zeros((vocab, width)),
        "W_pos": np.zeros((context, width)),
        "W_U": np.zeros((width, vocab)),
        "b_U": np.zeros(vocab),
    }
    return Lowered(
        program=program,
        n_layers=len(program.layers),
        n_heads=n_heads,
        d_model=width,
        d_head=heads[0].W_Q.shape[0] if heads else 1,
        d_vocab=vocab,
        n_ctx=context,
        heads=tuple(heads),
        mlps=mlps,
        **(zero | arrays),
    )


def previous_token_and_induction(context: int = 12, strength: float = 60.0) -> Lowered:
    """content (5) | position (context) | before (5) | guess (5), all one-hot.

    Head ``previous`` attends to position - 1 (position 0 to itself) and copies content to before; head ``induction``
    attends where before equals its content and copies content to guess; ``<bos>`` has half a match with everything,
    so that it takes the attention of a token that is new."""
    v = len(TOKENS)
    content, where = slice(0, v), slice(v, v + context)
    before, guess, width = slice(v + context, 2 * v + context), slice(2 * v + context, 3 * v + context), 3 * v + context
    d_head = context
    shift = np.eye(context, k=-1)
    shift[0, 0] = 1
    q0, k0, k1, q1 = (np.zeros((d_head, width)) for _ in range(4))
    q0[:, where] = shift.T * strength * np.sqrt(d_head)
    k0[:, where] = np.eye(context)
    q1[:v, content] = np.eye(v) * strength * np.sqrt(d_head)
    k1[:v, before] = np.eye(v)
    k1[:v, 0] = 0.5
    reads = np.zeros((d_head, width))
    reads[:v, content] = np.eye(v)
    to_before, to_guess = np.zeros((width, d_head)), np.zeros((width, d_head))
    to_before[before, :v] = to_guess[guess, :v] = np.eye(v)
    w_e, w_pos, w_u = np.zeros((v, width)), np.zeros((context, width)), np.zeros((width, v))
    w_e[:, content], w_pos[:, where], w_u[guess] = np.eye(v), np.eye(context), np.eye(v)
    heads = [
        head("previous", 0, 0, d_head, width, W_Q=q0, W_K=k0, W_V=reads, W_O=to_before),
        head("induction", 1, 0, d_head, width, W_Q=q1, W_K=k1, W_V=reads, W_O=to_guess),
    ]
    return lowered(program(width=width, context=context, layers=2), heads, W_E=w_e, W_pos=w_pos, W_U=w_u)


def rotary_previous(layout: Literal["half", "pairs"], dims: int = 4, strength: float = 40.0) -> Lowered:
    """key.position == query.position - 1 by a constant query rotated back one step, and a constant key."""
    v, width, d_head = len(TOKENS), 2 * len(TOKENS), dims + 2
    rotary = Rotary(Fraction(100), dims, layout)
    pairs = np.arange(dims // 2)
    first, second = (pairs, pairs + dims // 2) if layout == "half" else (2 * pairs, 2 * pairs + 1)
    angles = 100.0 ** (-2 * pairs / dims)
    b_q, b_k = np.zeros(d_head), np.zeros(d_head)
    b_q[first], b_q[second] = strength * np.cos(-angles), strength * np.sin(-angles)
    b_k[first] = 1.0
    w_v, w_o = np.zeros((d_head, width)), np.zeros((width, d_head))
    w_v[:v, :v] = np.eye(v, v)[:d_head]
    w_o[v:, : min(v, d_head)] = np.eye(v, min(v, d_head))
    w_e, w_u = np.eye(v, width), np.zeros((width, v))
    w_u[v:] = np.eye(v)
    only = head("previous", 0, 0, d_head, width, W_V=w_v, W_O=w_o, b_Q=b_q, b_K=b_k)
    return lowered(program(rotary, width=width), [only], W_E=w_e, W_U=w_u)


def alibi_recent(slopes: tuple[float, ...] = (0.5, 2.0)) -> Lowered:
    """Heads that see nothing but distance: their patterns are geometric, exp(-slope distance)."""
    v = len(TOKENS)
    heads = [head(f"recent{i}", 0, i, v, v, W_V=np.eye(v), W_O=np.eye(v), slope=s) for i, s in enumerate(slopes)]
    return lowered(program(Alibi(), width=v), heads, n_heads=len(slopes), W_E=np.eye(v), W_U=np.eye(v))


def running_parity(context: int = 12) -> Lowered:
    """x | 1 | mean | parity.  A uniform head writes the mean m of the tokens x in {0, 1}; at the end of a sequence of
    full length s = m context is their number, and the MLP bends it: relu(s) - 2 relu(s - 1) + 2 relu(s - 2) - ... is 0
    at even s and 1 at odd.  logit_c = 2 c y - c^2."""
    width, tokens = 4, ("0", "1")
    w_e, w_v, w_o = np.zeros((2, width)), np.zeros((1, width)), np.zeros((width, 1))
    w_e[:, 0], w_e[:, 1], w_v[0, 0], w_o[2, 0] = (0, 1), 1, 1, 1
    knots = np.arange(context)
    w_in, w_out = np.zeros((context, width)), np.zeros((width, context))
    w_in[:, 2], w_in[:, 1] = context, -knots
    w_out[3] = np.where(knots == 0, 1, 2 * (-1.0) ** knots)
    w_u = np.zeros((width, 2))
    w_u[3, 1], w_u[1, 1] = 2, -1
    mlp = LoweredMlp(0, "relu", w_in, np.zeros(context), w_out, np.zeros(width))
    only = head("mean", 0, 0, 1, width, W_V=w_v, W_O=w_o)
    shape = program(tokens=tokens, width=width, context=context)
    return lowered(shape, [only], mlps=(mlp,), W_E=w_e, W_U=w_u)


def random_lowered(
    seed: int, positions: Rotary | Alibi | None = None, activation: Activation | None = None, layers: int | None = None
) -> Lowered:
    """Dense random weights of random sizes, one layer short of a head; entries of standard deviation 1/2.

    With an ``activation`` every layer but the second has an MLP, each of its own size."""
    rng = np.random.default_rng(seed)
    depth, n_heads, d_head, width, context = (int(rng.integers(1, top)) for top in (4, 4, 7, 9, 12))
    depth = layers or depth
    d_head = max(d_head, positions.dims if isinstance(positions, Rotary) else 1)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape) / 2

    heads = [
        LoweredHead(
            f"h{layer}{index}",
            layer,
            index,
            **{m: normal(d_head, width) for m in ("W_Q", "W_K", "W_V")},
            W_O=normal(width, d_head),
            **{b: normal(d_head) for b in ("b_Q", "b_K", "b_V")},
            slope=float(2.0 ** -(index + 1)) if isinstance(positions, Alibi) else 0.0,
        )
        for layer in range(depth)
        for index in range(n_heads)
    ]
    shape = program(positions, width=width, context=context, layers=depth)
    v = len(shape.tokens)
    kept = heads[:-1] if len(heads) > 1 else heads
    arrays = {"W_E": normal(v, width), "W_pos": normal(context, width), "W_U": normal(width, v), "b_U": normal(v)}
    mlps = tuple(random_mlp(rng, layer, width, activation) for layer in range(depth) if activation and layer != 1)
    return lowered(shape, kept, n_heads=n_heads, mlps=mlps, **arrays)


def random_mlp(rng: np.random.Generator, layer: int, width: int, activation: Activation) -> LoweredMlp:
    """1 to 9 neurons, biases too."""
    neurons, gated = int(rng.integers(1, 10)), activation == "reglu"

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape) / 2

    return LoweredMlp(
        layer,
        activation,
        W_in=normal(neurons, width),
        b_in=normal(neurons),
        W_out=normal(width, neurons),
        b_out=normal(width),
        W_gate=normal(neurons, width) if gated else None,
        b_gate=normal(neurons) if gated else None,
    )
