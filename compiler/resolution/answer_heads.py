"""The heads of an answer in place of those of a given spec.

In: the tree of the given spec, and ``layer`` blocks (or a whole spec whose stage is the same).  Out: a ``Spec``: the
stage and the claims of the given one with the answer's heads, every node with the span of where it was written.  Not
for: whether the heads are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from compiler.program import Program
from compiler.resolution.scope import fail
from dsl.printing.printer import print_spec
from dsl.span import Source, Span
from dsl.tree import (
    BasisDecl,
    EmbedDecl,
    ExpectHead,
    ExpectOutput,
    HeadDecl,
    LayerDecl,
    LayerItem,
    ModelDecl,
    PositionsDecl,
    SequencesDecl,
    SettingDecl,
    Spec,
    Statement,
    SubspaceDecl,
    SymbolDecl,
    TokensDecl,
)

CLAIMS = (ExpectHead, ExpectOutput)


def put_heads(given: Spec, layers: Sequence[LayerDecl], dropped: Iterable[str], name: str, stage: Spec) -> Spec:
    """``stage`` with the layers of the answer and the heads of ``given`` that are neither in them nor ``dropped``.

    ``stage`` is ``given``, or the answer's own whole spec.  A layer of the answer stands where the given spec has a
    head of the same name, as far as the order of the answer's layers allows.  Claims of ``given`` about heads that
    are there are kept.  ``name`` is what the result is called in reports."""
    ours = [s for s in given.statements if isinstance(s, LayerDecl)]
    merged = _merged(ours, layers, frozenset(dropped))
    present = {head.name for layer in merged for head in layer.heads}
    claims = [s for s in given.statements if isinstance(s, CLAIMS)]
    kept = [s for s in claims if not isinstance(s, ExpectHead) or s.head in present]
    other = [s for s in stage.statements if not isinstance(s, LayerDecl | ExpectHead | ExpectOutput)]
    statements = (*other, *merged, *kept)
    text = print_spec(Spec(statements))
    return Spec(statements, span=Span(0, len(text), Source(name, text)))


def _merged(ours: Sequence[LayerDecl], answer: Sequence[LayerDecl], dropped: frozenset[str]) -> list[LayerDecl]:
    places = {head.name: number for number, layer in enumerate(ours) for head in layer.heads}
    given = {head.name for layer in answer for head in layer.heads}
    items: dict[int, list[LayerItem]] = {}
    spans: dict[int, Span] = {}
    number = -1
    for layer in answer:
        wanted = [places[head.name] for head in layer.heads if head.name in places]
        number = max(number + 1, min(wanted, default=0))
        items.setdefault(number, []).extend(layer.items)
        spans[number] = layer.span
    for number, layer in enumerate(ours):
        gone = {*given, *dropped}
        kept = [item for item in layer.items if not isinstance(item, HeadDecl) or item.name not in gone]
        items.setdefault(number, []).extend(kept)
        spans.setdefault(number, layer.span)
    return [LayerDecl(tuple(items[n]), span=spans[n]) for n in sorted(items) if items[n]]


def called(layers: Sequence[LayerDecl], name: str) -> tuple[LayerDecl, ...]:
    """Layers with a single head, that head called ``name``; other layers as they are."""
    heads = [head for layer in layers for head in layer.heads]
    if len(heads) != 1:
        return tuple(layers)
    return tuple(
        replace(layer, items=tuple(replace(i, name=name) if isinstance(i, HeadDecl) else i for i in layer.items))
        for layer in layers
    )


# ------------------------------------------------------------------ a whole spec


def check_same_stage(ours: Program, given: Spec, theirs: Program, tree: Spec) -> None:
    """E0730 at the first thing that the answer's own spec declares differently from the given one.

    It may declare more symbols, params and tables; its ``mass``, ``dtype`` and claims are not looked at."""
    for what, one, other, kind in _differences(ours, theirs):
        if one != other:
            said, wanted = _said(tree, kind), _said(given, kind)
            help = (
                f"the given spec says `{' '.join(wanted.text.split())}`"
                if wanted
                else f"the given spec says nothing of {what}"
            )
            start = said or next((s.span for s in tree.statements), tree.span)
            fail("E0730", f"the answer's {what} are not the given ones", start, label="differs", help=help)


Kind = tuple[type[Statement], str]


def _differences(ours: Program, theirs: Program) -> Iterator[tuple[str, object, object, Kind]]:
    """(what, ours, theirs, the statement that declares it), in the order in which a spec is understood."""
    yield "tokens", ours.tokens, theirs.tokens, (TokensDecl, "")
    yield "positions (`context`)", ours.context, theirs.context, (SettingDecl, "context")
    yield "sequences", ours.sequences, theirs.sequences, (SequencesDecl, "")
    symbols = {symbol.name: symbol for symbol in theirs.symbols}
    for symbol in ours.symbols:
        yield f"terms for the symbol `{symbol.name}`", symbol, symbols.get(symbol.name), (SymbolDecl, symbol.name)
    subspaces = {subspace.name: subspace for subspace in theirs.subspaces}
    for subspace in ours.subspaces:
        found = subspaces.pop(subspace.name, None)
        yield f"dimensions of `{subspace.name}`", subspace, found, (SubspaceDecl, subspace.name)
    for name in subspaces:
        yield f"subspaces (there is no `{name}`)", None, name, (SubspaceDecl, name)
    yield "dimensions (`residual`)", ours.width, theirs.width, (SettingDecl, "residual")
    targets = [embed.target for embed in (*ours.embeds, *theirs.embeds)]
    for target in dict.fromkeys(targets):
        one, other = ([e for e in p.embeds if e.target == target] for p in (ours, theirs))
        yield f"embeddings into `{target}`", one, other, (EmbedDecl, target)
    yield "basis vectors", ours.basis, theirs.basis, (BasisDecl, "")
    yield "biases", ours.biases, theirs.biases, (SettingDecl, "biases")
    yield "positional scores", ours.positions, theirs.positions, (PositionsDecl, "")


def _said(tree: Spec, kind: Kind) -> Span | None:
    """Where ``tree`` declares a thing, if it does."""
    wanted, name = kind
    for statement in tree.statements:
        if isinstance(statement, wanted) and not isinstance(statement, ModelDecl):
            match statement:
                case SettingDecl(setting) if setting != name:
                    continue
                case SymbolDecl(own) | SubspaceDecl(own) if own != name:
                    continue
                case EmbedDecl(_, target) if target != name:
                    continue
            return statement.span
    return None
