"""What must have been written before it is read.

In: resolved heads, the layers as written, embeds and the ``Scope``.  Out: nothing, or E0414 for every line that reads a
subspace which nothing has written by then.  Not for: what is written (``reference``).

The heads of one layer run in parallel: each reads what the layers before it have written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler.computing import Compute, Read, ValueExpr, parts
from compiler.encodings import Constant, Phase, Quadratic, ScalarValue, Subspace
from compiler.heads import Among, Equal, Head, Related, Relation
from compiler.program import EmbedLine
from compiler.resolution.scope import Scope, fail
from dsl.diagnostics import Note
from dsl.head_lines import CopyLine, MatrixLine
from dsl.span import Span
from dsl.tree import LayerDecl, PredictDecl


@dataclass(frozen=True)
class _Writer:
    """``what`` names it (``head `previous```); ``after_heads``: it is a compute line, which runs after the heads."""

    what: str
    layer: int
    span: Span
    after_heads: bool = False


@dataclass(frozen=True)
class _Read:
    subspace: str
    span: Span
    what: str


def check_liveness(
    scope: Scope,
    layers: Sequence[LayerDecl],
    computes: Sequence[Compute],
    embeds: Sequence[EmbedLine],
    predicts: Sequence[PredictDecl],
) -> None:
    """Record E0414 for every read of a subspace that is still empty there, and once for one that nothing writes."""
    ready = {line.target for line in embeds} | {
        n for n, s in scope.subspaces.items() if isinstance(s.encoding, Constant)
    }
    writers = _writers(scope, layers)
    told: set[str] = set()
    for head in scope.heads.values():
        for read in _reads(head):
            with scope.attempt():
                if read.subspace not in ready | told:
                    told |= {read.subspace} - writers.keys()
                    _check_read(scope, read, head.layer, writers.get(read.subspace, []))
    for compute in computes:
        for name, span in _read_by(compute.meaning):
            with scope.attempt():
                if name not in ready | told:
                    told |= {name} - writers.keys()
                    read = _Read(name, span, "`compute`")
                    _check_read(scope, read, compute.layer, writers.get(name, []), after_heads=True)
    for decl in predicts:
        with scope.attempt():
            if decl.subspace in scope.subspaces and decl.subspace not in ready | told | writers.keys():
                _nobody(scope, _Read(decl.subspace, decl.span.word(decl.subspace), "`predict`"))


def _writers(scope: Scope, layers: Sequence[LayerDecl]) -> dict[str, list[_Writer]]:
    """Every line that writes a subspace, also those that were refused: one mistake is not to cause another."""
    writers: dict[str, list[_Writer]] = {}
    for number, layer in enumerate(layers):
        for head in layer.heads:
            for line in head.lines:
                for name in _written(scope, head.name, line):
                    writers.setdefault(name, []).append(_Writer(f"head `{head.name}`", number, line.span))
        for compute in layer.computes:
            writers.setdefault(compute.target, []).append(_Writer("`compute`", number, compute.span, after_heads=True))
    return writers


def _written(scope: Scope, head: str, line: object) -> Iterator[str]:
    match line:
        case CopyLine():
            yield line.target
        case MatrixLine("W_O"):
            matrix = scope.heads[head].matrix("W_O") if head in scope.heads else None
            rows = None if matrix is None else {row for row, _, _ in matrix.entries}
            yield from (s.name for s in scope.subspaces.values() if rows is None or _touches(s, rows))


def _touches(subspace: Subspace, coordinates: set[int]) -> bool:
    return not coordinates.isdisjoint(subspace.coordinates)


def _reads(head: Head) -> Iterator[_Read]:
    for term in head.terms:
        what = "`avoid`" if term.negated else "`attend`"
        yield from (_Read(name, term.span, what) for name in _features(term.relation))
        if term.when is not None and term.when.feature != "position":
            yield _Read(term.when.feature, term.when.span, "`when`")
    for rest in head.rests:
        yield _Read(rest.condition.key, rest.span, "`rest`")
    if head.prefer is not None and head.prefer.by != "position":
        yield _Read(head.prefer.by, head.prefer.span, "`prefer`")
    for copy in head.copies:
        yield _Read(copy.source, copy.span, "`copy`")


def _features(relation: Relation) -> tuple[str, ...]:
    match relation:
        case Equal(key, query) | Related(key, query):
            return (key,) if key == query else (key, query)
        case Among(key):
            return (key,)
        case _:
            return ()


def _read_by(value: ValueExpr) -> Iterator[tuple[str, Span]]:
    """Every subspace that a compute line reads, where it is first named."""
    places: dict[str, Span] = {}
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, Read):
            places[part.subspace] = part.span
        pending += parts(part)
    yield from places.items()


def _check_read(scope: Scope, read: _Read, layer: int, writers: list[_Writer], *, after_heads: bool = False) -> None:
    if any(w.layer < layer or (after_heads and w.layer == layer and not w.after_heads) for w in writers):
        return
    if not writers:
        _nobody(scope, read)
    writer = writers[0]
    if writer.layer == layer:
        where = "in the same layer"
        order = "its heads run before what it computes" if writer.after_heads != after_heads else "they run in parallel"
        help = f"in one layer {order}; give the writer a layer of its own before this one"
    else:
        where = f"only later, in layer {writer.layer}"
        help = f"move this line after layer {writer.layer}, or {writer.what} before layer {layer}"
    fail(
        "E0414",
        f"{read.what} reads `{read.subspace}` in layer {layer}, which is still empty there",
        read.span,
        label="nothing has been written yet",
        help=help,
        notes=(Note(writer.span, f"written by {writer.what} {where}"),),
    )


def _nobody(scope: Scope, read: _Read) -> None:
    name = read.subspace
    encoding = scope.subspaces[name].encoding if name in scope.subspaces else None
    shown = "position" if isinstance(encoding, Phase | ScalarValue | Quadratic) else "token"
    fail(
        "E0414",
        f"{read.what} reads `{read.subspace}`, which nothing ever writes",
        read.span,
        label="always empty",
        help=f"write it first: `embed {shown} -> {name}`, or `copy key.A -> {name}` one layer earlier",
    )
