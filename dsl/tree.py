"""The syntax tree of a head spec: what was written, before any name is looked up.

In: nothing (pure data).  Out: frozen dataclasses in closed unions, every node with its span.  Not for:
meaning.  A tree may speak of subspaces that do not exist; ``compiler.resolution`` finds that out.

Spans are excluded from comparison, so ``parse(print(tree)) == tree`` is the round-trip law.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Union

from dsl.expressions import Expr, ListOf, span_field
from dsl.head_lines import Line
from dsl.span import Span
from dsl.token_patterns import Pattern, TokenItem

# ------------------------------------------------------------------ declarations


@dataclass(frozen=True, slots=True)
class ModelDecl:
    name: str
    doc: str | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class TokensDecl:
    items: tuple[TokenItem, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class SequencesDecl:
    pattern: Pattern
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class GenerateDecl:
    """``generate c[0..7], end``: slots of the layout, or named parts of the valid inputs, that the model writes."""

    slots: tuple[Slot, ...]
    span: Span = span_field()


SettingName = Literal["context", "mass", "dtype", "residual", "biases", "activation", "neurons"]


@dataclass(frozen=True, slots=True)
class SettingDecl:
    """One-valued settings: ``context 64``, ``mass 0.99``, ``dtype float32``, ``residual 16``,
    ``biases allowed``.  Words (``float32``, ``allowed``) arrive as ``Name``."""

    setting: SettingName
    value: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Option:
    """``name = value`` inside parentheses."""

    name: str
    value: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class BasisDecl:
    """``basis hadamard``, ``basis reflection``, ``basis rotation(3, 4, 5)``, or ``basis [[..], ..]`` whose rows
    are the vectors u_0, u_1, ..."""

    kind: Literal["hadamard", "reflection", "rotation", "vectors"]
    arguments: tuple[Expr, ...] = ()
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class PositionsDecl:
    """``positions rotary(base = 10000, dims = 16, layout = half)`` or ``positions alibi``."""

    scheme: str
    options: tuple[Option, ...] = ()
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class SymbolDecl:
    """``symbol beta > 0 = 3``: a real symbol, ``> 0`` if positive, with a default value if one is given."""

    name: str
    positive: bool = False
    value: Expr | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ParamDecl:
    """``param k = 3``: a rational that ``--set k=5`` replaces before anything else happens."""

    name: str
    value: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class TableEntry:
    """``"(" -> ")"`` or ``"a" -> {"b", "c"}``."""

    argument: Expr
    image: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class TableDecl:
    name: str
    entries: tuple[TableEntry, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class LayoutDecl:
    """``layout a0 a1 "*" b0 b1``: what stands at each position: a slot with a name, or always the same token."""

    slots: tuple[Slot, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Slot:
    """A position of the layout; exactly one of ``name`` and ``token`` is given.  A name's index may hold ranges."""

    name: str | None
    token: str | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Encoding:
    """``onehot(tokens)``, ``phase(positions, 8, magnitudes = [..])``, ``constant``."""

    kind: str
    arguments: tuple[Expr, ...] = ()
    options: tuple[Option, ...] = ()
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class SubspaceDecl:
    """``subspace where : phase(positions) at 4..7``; exactly one of ``encoding`` and ``like`` is given.
    ``name_span`` covers the name alone."""

    name: str
    encoding: Encoding | None
    like: str | None = None
    at: tuple[Expr, ...] | None = None
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class EmbedDecl:
    """``embed token -> content``; with ``= [[..], ..]`` (one row per token or position) for raw ``dims``; with
    ``image`` where it is not the token (or position) itself, ``embed 113*token mod q -> high``: there
    ``Name("token")`` is it."""

    source: str
    target: str
    matrix: ListOf | None = None
    image: Expr | None = None
    span: Span = span_field()
    target_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class PredictDecl:
    """``predict guess``; ``predict guess as tokens`` where its values get tokens of their ``own``."""

    subspace: str
    own: bool = False
    span: Span = span_field()


# ------------------------------------------------------------------ heads


HeadLine = Union[Line, "ForDecl"]


@dataclass(frozen=True, slots=True)
class HeadDecl:
    """``head previous at 0.3 d_head 8 soft``, its docstring and its lines in order."""

    name: str
    at: tuple[int, int] | None = None
    d_head: Expr | None = None
    soft: bool = False
    doc: str | None = None
    lines: tuple[HeadLine, ...] = ()
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ComputeDecl:
    """``compute TARGET = VALUE``: what the MLP of a layer adds, after the layer's heads."""

    target: str
    value: Expr
    span: Span = span_field()
    target_span: Span = span_field()


LayerItem = Union[HeadDecl, ComputeDecl, "ForDecl"]


@dataclass(frozen=True, slots=True)
class LayerDecl:
    """``layer`` and what stands below it, in order of writing."""

    items: tuple[LayerItem, ...]
    span: Span = span_field()

    @property
    def heads(self) -> tuple[HeadDecl, ...]:
        return tuple(item for item in self.items if isinstance(item, HeadDecl))

    @property
    def computes(self) -> tuple[ComputeDecl, ...]:
        return tuple(item for item in self.items if isinstance(item, ComputeDecl))


# ------------------------------------------------------------------ claims


@dataclass(frozen=True, slots=True)
class ExpectHead:
    head: str
    predicate: Expr
    otherwise: Expr | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ExpectOutput:
    """``expect "<bos> a b c a" -> "b"``: the prediction at the last token; ``generated``: ``->*``, all that follows."""

    prompt: str
    answer: str
    generated: bool = False
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ExpectValue:
    """``expect out after c[k] - 1 == VALUE``: what ``subspace`` predicts at the position ``after``."""

    subspace: str
    after: Expr
    value: Expr
    span: Span = span_field()


# ------------------------------------------------------------------ families


@dataclass(frozen=True, slots=True)
class ForDecl:
    """``for VARIABLE in VALUES`` and the lines below it: statements, items of a layer, or lines of a head."""

    variable: str
    values: Expr
    body: tuple[Statement | HeadLine, ...]
    span: Span = span_field()
    variable_span: Span = span_field()


Statement = (
    ModelDecl
    | TokensDecl
    | SequencesDecl
    | GenerateDecl
    | SettingDecl
    | BasisDecl
    | PositionsDecl
    | SymbolDecl
    | ParamDecl
    | TableDecl
    | LayoutDecl
    | SubspaceDecl
    | EmbedDecl
    | PredictDecl
    | LayerDecl
    | HeadDecl
    | ComputeDecl
    | ForDecl
    | ExpectHead
    | ExpectOutput
    | ExpectValue
)


@dataclass(frozen=True, slots=True)
class Comment:
    """``# ...`` as written; ``before`` counts the statement or head line it precedes or trails, so that the
    printer can keep it.  Comments are not compared."""

    text: str
    span: Span = span_field()
    own_line: bool = True


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole file: its statements in order, and its comments in order of appearance."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    span: Span = span_field()
