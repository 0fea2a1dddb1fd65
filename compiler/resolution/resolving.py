"""Tree -> Program: every name looked up, every set finite, every mistake reported at once.

In: a ``dsl.tree.Spec`` and values for its params and symbols.  Out: ``compiler.program.Program``.  Not for: numbers
that only circuits know (strengths, frequencies).

The order below is the order in which a spec can be understood: numbers, tokens, valid inputs, subspaces, what is
embedded, heads, claims.  The parts live in the modules ``resolve_*``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath
from types import MappingProxyType

from compiler import limits
from compiler.claims import Expectation
from compiler.computing import Compute, Part, Split
from compiler.heads import Head
from compiler.inputs.sequences import SequenceLanguage
from compiler.program import Activation, Basis, Dtype, EmbedLine, Generate, Origin, OwnToken, Program
from compiler.resolution.basis import resolve_basis
from compiler.resolution.claims import (
    resolve_head_expectation,
    resolve_output_expectation,
    resolve_own_tokens,
    resolve_predicts,
)
from compiler.resolution.computes import numbered, resolve_computes, told_apart, with_parts
from compiler.resolution.embeds import resolve_embeds
from compiler.resolution.families import expand
from compiler.resolution.filling import check_pairs
from compiler.resolution.generated_parts import resolve_generate
from compiler.resolution.heads import resolve_layers
from compiler.resolution.inputs import Inputs
from compiler.resolution.layout import add_parts, resolve_subspaces
from compiler.resolution.liveness import check_liveness
from compiler.resolution.numbers import size
from compiler.resolution.output_claims import OutputClaims
from compiler.resolution.patterns import beyond_context, resolve_sequences
from compiler.resolution.ranges import check_ranges
from compiler.resolution.scheduling import schedule
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import resolve_tokens
from compiler.resolution.settings import (
    resolve_activation,
    resolve_biases,
    resolve_context,
    resolve_dtype,
    resolve_mass,
    resolve_neurons,
    resolve_params,
    resolve_positions,
    resolve_table,
)
from compiler.resolution.shares import check_shares
from compiler.resolution.slots import check_layout, resolve_layout
from compiler.resolution.statements import Statements
from dsl.span import Source
from dsl.tree import (
    BasisDecl,
    EmbedDecl,
    ExpectHead,
    ExpectOutput,
    ExpectValue,
    GenerateDecl,
    LayoutDecl,
    ModelDecl,
    ParamDecl,
    PositionsDecl,
    PredictDecl,
    SequencesDecl,
    Spec,
    SubspaceDecl,
    SymbolDecl,
    TableDecl,
    TokensDecl,
)

NO_SETTINGS: Mapping[str, Fraction] = MappingProxyType({})


def resolve(spec: Spec, settings: Mapping[str, Fraction] = NO_SETTINGS, splits: Sequence[Split] = ()) -> Program:
    """The typed program of ``spec``; ``settings`` replace params and give values to symbols, and ``splits`` say which
    compute lines are done in steps.

    Raises SpecError with every independent mistake: E02xx names and numbers, E03xx encodings, layout and sizes,
    E04xx heads, E045x claims."""
    try:
        program = _resolve(Statements(spec.statements, Scope(), spec.span.source), spec.span.source, settings, splits)
        return replace(program, origin=Origin(spec, settings))
    except RecursionError:
        help = "name its parts with `param`, or write shorter sums"
        fail("E0320", "an expression is nested too deeply", spec.span, help=help)


def _resolve(spec: Statements, source: Source, settings: Mapping[str, Fraction], splits: Sequence[Split]) -> Program:
    scope, split = spec.scope, {one.number: one for one in splits}
    resolve_params(scope, spec.all(ParamDecl, SymbolDecl), settings)
    numbers = _numbers(spec)
    _tokens(spec)
    spec = Statements(told_apart(expand(scope, spec.statements, source)), scope, source)
    sequences = _sequences(spec)
    basis = _subspaces(spec, [part for one in splits for part in one.parts])
    embeds = resolve_embeds(scope, spec.all(EmbedDecl))
    numbers_of = numbered(spec.statements)
    scheduled = schedule(scope, spec.statements, {i: split[n] for i, n in numbers_of.items() if n in split})
    layers = resolve_layers(scope, scheduled.layers)
    computes = resolve_computes(scope, scheduled.layers, numbers_of, split)
    _ranges(scope, layers, computes, embeds, sequences)
    check_shares(scope, layers, computes, embeds, sequences)
    predict = resolve_predicts(scope, spec.all(PredictDecl))
    own = _own_tokens(spec)
    if scheduled.sound:
        check_liveness(scope, scheduled.layers, computes, embeds, spec.all(PredictDecl))
    expectations = _claims(spec, sequences, frozenset(token.text for token in own))
    generate = _generate(spec, sequences)
    model = spec.one(ModelDecl)
    scope.errors.check()
    assert sequences is not None, "a failure has been reported"
    return Program(
        name=model.name if model else _default_name(source),
        doc=model.doc if model else None,
        tokens=(*scope.tokens, *(token.text for token in own)),
        context=scope.context,
        sequences=sequences,
        mass=numbers.mass,
        dtype=numbers.dtype,
        width=scope.width,
        basis=basis,
        biases=numbers.biases,
        positions=scope.positions,
        symbols=tuple(scope.symbols.values()),
        subspaces=tuple(scope.subspaces.values()),
        embeds=embeds,
        layers=layers,
        predict=predict,
        expectations=expectations,
        computes=with_parts(computes, split, scheduled.parts),
        activation=numbers.activation,
        neurons=numbers.neurons,
        generate=generate,
        own=own,
        remarks=(*beyond_context(sequences), *scheduled.remarks),
        text=source.text,
        path=source.name,
    )


def _own_tokens(spec: Statements) -> tuple[OwnToken, ...]:
    own: tuple[OwnToken, ...] = ()
    with spec.scope.attempt("tokens"):
        own = resolve_own_tokens(spec.scope, spec.all(PredictDecl))
    return own


def _generate(spec: Statements, sequences: SequenceLanguage | None) -> Generate | None:
    found = None
    with spec.scope.attempt():
        if sequences is not None:
            decl, pattern, predicts = spec.one(GenerateDecl), spec.one(SequencesDecl), spec.all(PredictDecl)
            found = resolve_generate(spec.scope, decl, pattern, sequences, predicts)
    return found


def _default_name(source: Source) -> str:
    return PurePath(source.name.strip("<>")).stem or "model"


# ------------------------------------------------------------------ numbers and tokens


@dataclass
class _Numbers:
    mass: Fraction = Fraction(99, 100)
    dtype: Dtype = "float32"
    biases: bool = False
    activation: Activation = "relu"
    neurons: int = limits.NEURONS


def _numbers(spec: Statements) -> _Numbers:
    scope, numbers = spec.scope, _Numbers()
    with scope.attempt("context"):
        resolve_layout(scope, spec.one(LayoutDecl))
        scope.context = resolve_context(scope, spec.setting("context"))
    with scope.attempt():
        numbers.mass = resolve_mass(scope, spec.setting("mass"))
    with scope.attempt():
        numbers.dtype = resolve_dtype(spec.setting("dtype"))
    with scope.attempt():
        numbers.biases = resolve_biases(spec.setting("biases"))
    with scope.attempt():
        numbers.activation = resolve_activation(spec.setting("activation"))
    with scope.attempt():
        numbers.neurons = resolve_neurons(scope, spec.setting("neurons"))
    with scope.attempt():
        scope.positions = resolve_positions(scope, spec.one(PositionsDecl))
    return numbers


def _tokens(spec: Statements) -> None:
    """Tokens into the scope."""
    scope = spec.scope
    decl = spec.one(TokensDecl)
    with scope.attempt("tokens"):
        if decl is None:
            help = "list the vocabulary: `tokens a..z, <bos>`"
            fail("E0207", "the spec declares no tokens", spec.start, label="no `tokens` line", help=help)
        scope.tokens = resolve_tokens(scope, decl)
        scope.token_ids = {token: i for i, token in enumerate(scope.tokens)}


def _sequences(spec: Statements) -> SequenceLanguage | None:
    """Tables into the scope; the valid inputs, or None when they could not be understood."""
    scope = spec.scope
    for table in spec.all(TableDecl):
        with scope.attempt(table.name):
            scope.declare("table", table.name, table.span)
            scope.tables[table.name] = resolve_table(scope, table)
    sequences: SequenceLanguage | None = None
    with scope.attempt("sequences"):
        pattern, layout = spec.one(SequencesDecl), spec.one(LayoutDecl)
        if scope.tokens and not {"tokens", "context"} & scope.broken:
            sequences = None if layout and not pattern else resolve_sequences(scope, pattern)
            sequences = check_layout(scope, layout, sequences) if layout else sequences
    return sequences


# ------------------------------------------------------------------ subspaces and claims


def _subspaces(spec: Statements, parts: Sequence[Part]) -> Basis:
    scope, basis = spec.scope, Basis("axis")
    residual = None
    with scope.attempt("residual"):
        decl = spec.setting("residual")
        if decl is not None:
            residual = (size(scope, decl.value, "residual", limits.WIDTH), decl.span)
    resolve_subspaces(scope, spec.all(SubspaceDecl), residual)
    with scope.attempt("residual"):
        add_parts(scope, parts, residual)
    with scope.attempt():
        chosen = spec.one(BasisDecl)
        if not scope.broken.intersection(("residual", *(s.name for s in spec.all(SubspaceDecl)))):
            basis = resolve_basis(scope, chosen)
    return basis


def _ranges(
    scope: Scope,
    layers: tuple[tuple[Head, ...], ...],
    computes: tuple[Compute, ...],
    embeds: tuple[EmbedLine, ...],
    sequences: SequenceLanguage | None,
) -> None:
    """Values that a compute line can give, where all that it reads could be understood."""
    if not scope.errors.found:
        check_pairs(scope, layers, embeds, computes)
    if computes and sequences is not None and not scope.errors.found:
        check_ranges(scope, Inputs(scope.tokens, scope.subspaces, embeds, layers, computes, sequences), computes)


def _claims(spec: Statements, sequences: SequenceLanguage | None, own: frozenset[str]) -> tuple[Expectation, ...]:
    scope = spec.scope
    claims: list[Expectation] = []
    predicts = spec.all(PredictDecl)
    outputs = None if sequences is None else OutputClaims(scope, sequences, [decl.subspace for decl in predicts])
    for decl in spec.all(ExpectHead, ExpectOutput, ExpectValue):
        with scope.attempt():
            if isinstance(decl, ExpectHead):
                claims.append(resolve_head_expectation(scope, decl))
            elif isinstance(decl, ExpectOutput) and sequences is not None:
                claims.append(resolve_output_expectation(scope, decl, sequences, predicts, own))
            elif isinstance(decl, ExpectValue) and outputs is not None:
                claims.append(outputs.resolve(decl))
    return tuple(claims)
