"""The typed program: what a spec says once every name is known and every set is finite.

In: nothing (pure data, made by ``resolution``).  Out: frozen types that the reference interpreter and the
circuits both read, and which therefore hold no exact-algebra objects: numbers that are not rational stay
syntax (``dsl.expressions.Expr`` over +, -, *, /, ^, sqrt, cos, sin, pi and declared symbols; params are
already replaced).  Not for: meaning (``reference``) or matrices (``circuits``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from compiler.claims import Expectation
from compiler.computing import Compute
from compiler.encodings import Quadratic, Subspace, Value
from compiler.heads import Head, matches_number
from compiler.inputs.sequences import SequenceLanguage
from compiler.limits import NEURONS
from dsl.expressions import Expr
from dsl.span import Span
from dsl.tree import Spec

Activation = Literal["relu", "reglu", "gelu", "silu"]
"""reglu: relu(W_gate x + b_gate) * (W_in x + b_in).  gelu and silu stand for relu at a power-of-two scale."""
Dtype = Literal["float64", "float32", "float16", "bfloat16"]


@dataclass(frozen=True, slots=True)
class EmbedLine:
    """``source`` is ``token`` or ``position``; ``matrix`` (one row per token/position) for raw dims; ``images`` (token
    or position, value) where an expression of it is embedded, and not the token or position itself."""

    source: Literal["token", "position"]
    target: str
    matrix: tuple[tuple[Expr, ...], ...] | None = None
    images: tuple[tuple[Value, Value], ...] | None = None
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str
    positive: bool
    value: Expr | None
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rotary:
    """Rotates the first ``dims`` coordinates of queries and keys: pair p by position * base^(-2p/dims).

    ``layout`` ``half`` pairs i with i + dims/2 (Hugging Face), ``pairs`` pairs 2i with 2i+1."""

    base: Fraction
    dims: int
    layout: Literal["half", "pairs"]


@dataclass(frozen=True, slots=True)
class Alibi:
    """Adds -slope_h * (query position - key position) to the scores of head h."""


@dataclass(frozen=True, slots=True)
class Basis:
    """How named coordinates lie in the residual stream; ``axis`` is the identity.  ``vectors``: row i is u_i."""

    kind: Literal["axis", "hadamard", "reflection", "rotation", "vectors"]
    arguments: tuple[Expr, ...] = ()
    vectors: tuple[tuple[Expr, ...], ...] = ()
    span: Span = field(default_factory=Span, compare=False, repr=False)


BLANK = "\0"
"""Stands in a prompt where the model writes; no spec can have it for a token.  Its id is the size of the vocabulary."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Which tokens of the valid inputs the model writes itself.

    ``prompts`` are the valid inputs with ``BLANK`` for these tokens (its last token): a valid input is a prompt with
    every blank filled, in order, by what the reference meaning predicts there."""

    prompts: SequenceLanguage
    span: Span = field(default_factory=Span, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OwnToken:
    """A token at the end of the vocabulary that says one ``value`` of a predicted subspace, and is never read."""

    text: str
    subspace: str
    value: Value


@dataclass(frozen=True, slots=True)
class Origin:
    """The tree that a program comes from, and the numbers it was resolved with."""

    spec: Spec
    settings: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Program:
    """Everything a spec says.  ``width`` is the number of residual coordinates (d_model), ``neurons`` the most that an
    MLP may have.  ``tokens`` is the vocabulary: what may be read, and behind it the tokens that predictions have of
    their ``own``.

    With ``generate``, ``sequences`` allows any token of its part where the model writes: more than the valid inputs.

    ``remarks`` are what the compiler has to say of its own choices, such as a compute line in another layer."""

    name: str
    doc: str | None
    tokens: tuple[str, ...]
    context: int
    sequences: SequenceLanguage
    mass: Fraction
    dtype: Dtype
    width: int
    basis: Basis
    biases: bool
    positions: Rotary | Alibi | None
    symbols: tuple[Symbol, ...]
    subspaces: tuple[Subspace, ...]
    embeds: tuple[EmbedLine, ...]
    layers: tuple[tuple[Head, ...], ...]
    predict: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    computes: tuple[Compute, ...] = ()
    activation: Activation = "relu"
    neurons: int = NEURONS
    generate: Generate | None = None
    own: tuple[OwnToken, ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)
    origin: Origin | None = field(default=None, compare=False, repr=False)
    text: str = field(default="", compare=False, repr=False)
    path: str = field(default="<text>", compare=False)

    def subspace(self, name: str) -> Subspace:
        """The subspace called ``name``; raises KeyError if there is none."""
        for subspace in self.subspaces:
            if subspace.name == name:
                return subspace
        raise KeyError(name)

    @property
    def read_tokens(self) -> tuple[str, ...]:
        """The tokens that may be read: all but those that predictions have of their own."""
        return self.tokens[: len(self.tokens) - len(self.own)]

    def own_values(self, name: str) -> tuple[Value | None, ...] | None:
        """By token, the value of ``name`` that it says; None where this is not predicted in tokens of its own."""
        if all(token.subspace != name for token in self.own):
            return None
        said = tuple(token.value if token.subspace == name else None for token in self.own)
        return (None,) * len(self.read_tokens) + said

    @property
    def heads(self) -> tuple[Head, ...]:
        """All heads, in order of layer and then of index."""
        return tuple(head for layer in self.layers for head in layer)

    @property
    def widens(self) -> bool:
        """True when the common d_head is the next power of four, so that no score is rounded by its root: where shares
        or squares want it, nobody says a width, and nothing else (a matrix, a rotation) settles it."""
        subspaces = {subspace.name: subspace for subspace in self.subspaces}
        squares = any(isinstance(subspace.encoding, Quadratic) for subspace in self.subspaces)
        seeks = any(matches_number(term, subspaces) for head in self.heads for term in head.terms)
        fine = squares or seeks or any(head.has_shares for head in self.heads)
        said = any(h.d_head is not None or h.explicit for h in self.heads)
        return fine and not said and not isinstance(self.positions, Rotary)

    def head(self, name: str) -> Head:
        """The head called ``name`` (or labelled ``L0H1``); raises KeyError if there is none."""
        for head in self.heads:
            if head.is_called(name):
                return head
        raise KeyError(name)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """``where.cos0``, ``content.a`` ...; an unused coordinate is called ``x12``."""
        names = [f"x{i}" for i in range(self.width)]
        for subspace in self.subspaces:
            for coordinate, component in zip(subspace.coordinates, subspace.components, strict=True):
                names[coordinate] = f"{subspace.name}.{component}"
        return tuple(names)
