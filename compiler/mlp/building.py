"""The MLP of every layer as exact matrices.

In: a ``Program`` and its stream.  Out: ``Line`` for every compute line, ``MlpWeights`` for every layer that has some.
Not for: which neurons a line takes (``choosing``).

x += W_out act(W_in x + b_in) + b_out.  Without biases a constant direction of the stream does their work (E0430 if
there is none).  Neurons of different lines that read the same number are one neuron.  gelu and silu stand for relu:
act(K z)/K, with K a power of two (``activations``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from compiler.circuits.basis import ExactBasis
from compiler.circuits.features import Feature
from compiler.circuits.stream import Entries, Stream
from compiler.computing import Compute
from compiler.exact import Matrix, Scalar
from compiler.mlp import refusals
from compiler.mlp.activations import error_note, float_trouble, scale_of
from compiler.mlp.lines import Line, Unfit, realise
from compiler.mlp.neurons import Neuron
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from dsl.diagnostics import for_each


def realise_computes(program: Program) -> tuple[Line, ...]:
    """Neurons for every compute line, by layer.  Raises SpecError E0520 to E0525, all lines' troubles together."""
    stream = Stream(program)

    def realised(compute: Compute) -> Line:
        line = try_line(stream, compute)
        if isinstance(line, Unfit):
            raise line.refusal()
        return line

    lines = for_each(program.computes, realised)
    check_limit(program, lines)
    return lines


def try_line(stream: Stream, compute: Compute) -> Line | Unfit:
    """The line as neurons, or why one layer cannot do it.  Raises SpecError E0522 and E0523."""
    try:
        line = realise(stream, compute)
    except Unfit as unfit:
        return unfit
    trouble = float_trouble(stream.program, line)
    return line if trouble is None else Unfit(compute, lambda: trouble)


def check_limit(program: Program, lines: Sequence[Line]) -> None:
    """E0521 for every layer whose lines take more neurons together than an MLP may have."""
    for_each(sorted({line.compute.layer for line in lines}), lambda layer: _check_layer(program, layer, lines))


def _check_layer(program: Program, layer: int, lines: Sequence[Line]) -> None:
    here = [line for line in lines if line.compute.layer == layer]
    count = len(_merged([neuron for line in here for neuron in line.neurons]))
    if count > program.neurons:
        raise refusals.too_many_together(layer, here, count, program.neurons)


def build_mlps(program: Program, lines: Iterable[Line]) -> tuple[MlpWeights, ...]:
    """The matrices of every layer that computes, in named coordinates."""
    stream = Stream(program)
    layers: dict[int, list[Line]] = {}
    for line in lines:
        layers.setdefault(line.compute.layer, []).append(line)
    return tuple(_build(stream, layer, layers[layer]) for layer in sorted(layers))


def change_basis(mlp: MlpWeights, basis: ExactBasis | None) -> MlpWeights:
    """Read through the dual, write along the vectors."""
    if basis is None:
        return mlp
    gate = None if mlp.W_gate is None else mlp.W_gate @ basis.dual
    W_out, b_out = basis.vectors @ mlp.W_out, basis.vectors @ mlp.b_out
    return replace(mlp, W_in=mlp.W_in @ basis.dual, W_out=W_out, b_out=b_out, W_gate=gate)


# -------------------------------------------------------------------- one layer


def _build(stream: Stream, layer: int, lines: list[Line]) -> MlpWeights:
    program = stream.program
    activation, width = program.activation, program.width
    neurons = _merged([neuron for line in lines for neuron in line.neurons])
    scale = scale_of(activation, lines)
    count = len(neurons)
    reads, biases = _reads(stream, lines, [(n.reads, n.constant) for n in neurons], scale)
    writes = {(row, i): entry / scale for i, n in enumerate(neurons) for row, entry in n.writes.items()}
    constants: Feature = {}
    for line in lines:
        for row, entry in line.constant.items():
            constants[row] = constants.get(row, Scalar.rational(0)) + entry
    read = Matrix(count, width, reads), Matrix(count, 1, biases)
    gate: tuple[Matrix, Matrix] | tuple[None, None] = (None, None)
    if activation == "reglu":
        gate = read
        factors, offsets = _reads(stream, lines, [(n.factor, n.factor_constant) for n in neurons], 1)
        read = Matrix(count, width, factors), Matrix(count, 1, offsets)
    return MlpWeights(
        layer=layer,
        activation=activation,
        W_in=read[0],
        b_in=read[1],
        W_out=Matrix(width, count, writes),
        b_out=Matrix(width, 1, {(row, 0): entry for row, entry in constants.items()}),
        W_gate=gate[0],
        b_gate=gate[1],
        labels=tuple(n.label for n in neurons),
        notes=tuple(line.note for line in lines) + error_note(activation, scale, lines),
    )


def _reads(
    stream: Stream, lines: list[Line], forms: list[tuple[Feature, Scalar]], scale: int
) -> tuple[Entries, Entries]:
    """Rows of W_in and b_in; without biases constants are read from the direction that is always 1."""
    rows: Entries = {}
    biases: Entries = {}
    for i, (weights, constant) in enumerate(forms):
        row = dict(weights)
        if not constant.is_zero():
            if stream.program.biases:
                biases[(i, 0)] = constant * scale
            else:
                for c, entry in stream.one(lines[0].compute.span, "this line").items():
                    row[c] = row.get(c, Scalar.rational(0)) + entry * constant
        rows |= {(i, c): entry * scale for c, entry in row.items() if not entry.is_zero()}
    return rows, biases


def _merged(neurons: list[Neuron]) -> list[Neuron]:
    """Neurons that read the same as one."""
    found: dict[tuple[object, ...], Neuron] = {}
    for neuron in neurons:
        key = (
            frozenset(neuron.reads.items()),
            neuron.constant,
            frozenset(neuron.factor.items()),
            neuron.factor_constant,
        )
        old = found.get(key)
        if old is None:
            found[key] = neuron
            continue
        writes = dict(old.writes)
        for row, entry in neuron.writes.items():
            writes[row] = writes.get(row, Scalar.rational(0)) + entry
        label = old.label if neuron.label == old.label else f"{old.label}; {neuron.label}"
        found[key] = replace(old, writes={r: e for r, e in writes.items() if not e.is_zero()}, label=label)
    return list(found.values())
