"""MLPs in words and as JSON: every neuron with what it reads, where it bends and what it writes.

In: ``Weights``.  Out: text, and JSON objects.  Not for: computing them (``compiler.mlp``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar
    from compiler.mlp.weights import MlpWeights
    from compiler.pipeline import Weights

LISTED = 40
"""So many neurons of a layer are listed; ``--json`` has all."""


def render_mlps(weights: Weights, layers: tuple[int, ...] | None = None) -> str:
    """Every MLP (of ``layers``, if given): its size, the method of each compute line, its neurons."""
    from headspec.matrices.named import residual_names

    names = residual_names(weights.program)
    chosen = [mlp for mlp in weights.mlps if layers is None or mlp.layer in layers]
    return "\n\n".join("\n".join(_lines(mlp, names)) for mlp in chosen)


def mlp_summary(mlp: MlpWeights) -> str:
    """``MLP of layer 1: 3 neurons (relu)``, and a line for each compute."""
    count = mlp.W_in.rows
    head = f"MLP of layer {mlp.layer}: {count} neuron{'s' * (count != 1)} ({mlp.activation})"
    return "\n".join([head, *(f"  {note}" for note in mlp.notes)])


def _lines(mlp: MlpWeights, names: tuple[str, ...]) -> list[str]:
    lines = [mlp_summary(mlp)]
    for i in range(min(mlp.W_in.rows, LISTED)):
        label = mlp.labels[i] if i < len(mlp.labels) else ""
        lines.append(f"  {i:>3}  {_neuron(mlp, i, names)}" + (f"    # {label}" if label else ""))
    if mlp.W_in.rows > LISTED:
        lines.append(f"  ...  and {mlp.W_in.rows - LISTED} more (`--json` lists all)")
    if not mlp.b_out.is_zero():
        lines.append(f"  always: {_sum(mlp.b_out.column(0), names)}")
    return lines


def _neuron(mlp: MlpWeights, i: int, names: tuple[str, ...]) -> str:
    """``relu(state.value + x.value - 1) -> -2 guess.0 + 2 guess.1``."""
    read = f"{mlp.activation}({_affine(mlp.W_in, mlp.b_in, i, names)})"
    if mlp.W_gate is not None and mlp.b_gate is not None:
        read = f"relu({_affine(mlp.W_gate, mlp.b_gate, i, names)}) * ({_affine(mlp.W_in, mlp.b_in, i, names)})"
    return f"{read} -> {_sum(mlp.W_out.column(i), names)}"


def _affine(matrix: Matrix, bias: Matrix, row: int, names: tuple[str, ...]) -> str:
    constant = bias[row, 0]
    text = _sum(matrix.row(row), names)
    if constant.is_zero():
        return text
    return f"{text} {_signed(constant)}" if text != "0" else str(constant)


def _sum(entries: dict[int, Scalar], names: tuple[str, ...]) -> str:
    """``2 n.value - content.a``."""
    parts: list[str] = []
    for column, entry in sorted(entries.items()):
        text = _signed(entry)
        sign, size = text[:2], text[2:]
        term = names[column] if size == "1" else f"{size} {names[column]}"
        parts.append(f"{sign}{term}" if parts or sign == "- " else term)
    return " ".join(parts) or "0"


def _signed(entry: Scalar) -> str:
    """``- 2`` or ``+ 2``; a sum in brackets."""
    if len(entry.terms) > 1:
        return f"+ ({entry})"
    text = str(entry)
    return f"- {text[1:]}" if text.startswith("-") else f"+ {text}"


def mlps_json(weights: Weights) -> list[dict[str, object]]:
    """Per MLP: layer, activation, neurons, notes, labels, and the matrices that are not empty, as ``show --json``."""
    from compiler.exact import matrix_to_json
    from headspec.matrices.named import residual_names

    names, bindings = residual_names(weights.program), weights.bindings
    found = []
    for mlp in weights.mlps:
        inner = tuple(str(i) for i in range(mlp.W_in.rows))
        matrices: dict[str, tuple[Matrix | None, tuple[str, ...], tuple[str, ...]]] = {
            "W_in": (mlp.W_in, inner, names),
            "b_in": (mlp.b_in, inner, ("bias",)),
            "W_gate": (mlp.W_gate, inner, names),
            "b_gate": (mlp.b_gate, inner, ("bias",)),
            "W_out": (mlp.W_out, names, inner),
            "b_out": (mlp.b_out, names, ("bias",)),
        }
        entry: dict[str, object] = {
            "layer": mlp.layer,
            "activation": mlp.activation,
            "neurons": mlp.W_in.rows,
            "notes": list(mlp.notes),
            "labels": list(mlp.labels),
        }
        for name, (matrix, rows, columns) in matrices.items():
            if matrix is not None:
                entry[name] = matrix_to_json(matrix, rows, columns, bindings)
        found.append(entry)
    return found
