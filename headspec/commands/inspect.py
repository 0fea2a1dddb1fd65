"""``headspec compile``, ``show`` and ``expand``: what the exact weights are.

In: parsed options.  Out: matrices and figures as text, LaTeX or JSON; a folder of weights.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import TYPE_CHECKING

from headspec.commands.output import say, say_json
from headspec.settings import check_choice, check_dtype, parse_settings

if TYPE_CHECKING:
    from compiler.head_weights import HeadWeights
    from compiler.pipeline import Weights
    from headspec.matrices.named import NamedMatrix
    from headspec.model import Model

DEFAULT_MATRICES = "W_Q,W_K,W_V,W_O"
BIASES = ("b_Q", "b_K", "b_V")


def _model(arguments: argparse.Namespace, dtype: str | None = None) -> Model:
    import headspec

    return headspec.compile(arguments.spec, settings=parse_settings(arguments.settings), dtype=dtype)


# ------------------------------------------------------------------ compile


def compile_spec(arguments: argparse.Namespace) -> int:
    """Exact weights and their sizes; with ``-o``, saved."""
    dtype = check_dtype(arguments.dtype) if arguments.dtype else None
    model = _model(arguments, dtype)
    summary = summarise(model)
    if arguments.output:
        summary["written"] = str(model.save(arguments.output, force=arguments.force))
    if arguments.json:
        say_json(summary)
    else:
        say(_summary_text(model, summary))
    return 0


def summarise(model: Model) -> dict[str, object]:
    """Sizes, heads with d_head and ranks, solved strengths, symbols that have no value yet."""
    weights, program = model.weights, model.weights.program
    return {
        "model": program.name,
        "d_model": program.width,
        "n_layers": len(program.layers),
        "n_ctx": program.context,
        "d_vocab": len(program.tokens),
        "dtype": program.dtype,
        "mass": float(program.mass),
        "heads": [_head_json(head) for head in weights.heads],
        "mlps": [{"layer": m.layer, "neurons": m.W_in.rows, "notes": list(m.notes)} for m in weights.mlps],
        "remarks": list(program.remarks),
        "strengths": [
            {"head": r.head, "line": r.line, "strength": str(r.value), "gap": r.gap, "leak": r.leak}
            for r in weights.strengths.reports
        ],
        "rounding": [
            {
                "target": r.line.compute.target,
                "expected": float(r.expected),
                "proved": None if r.proved is None else float(r.proved),
                "certified": r.certified,
            }
            for r in weights.strengths.roundings
        ],
        "symbols": {name: str(value) for name, value in sorted(weights.bindings.items())},
        "free": sorted(weights.free),
        "values": {name: str(value) for name, value in sorted(weights.bindings.items())},
    }


def _head_json(head: HeadWeights) -> dict[str, object]:
    qk, ov = head.qk_certificate, head.ov_certificate
    return {
        "name": head.head.name,
        "layer": head.head.layer,
        "index": head.head.index,
        "d_head": head.d_head,
        "qk_rank": qk.rank if qk else None,
        "ov_rank": ov.rank if ov else None,
    }


def _summary_text(model: Model, summary: dict[str, object]) -> str:
    from headspec.mlps import mlp_summary

    weights, program = model.weights, model.weights.program
    lines = [
        f"{program.name}: d_model {program.width}, {len(program.layers)} layer{'s' * (len(program.layers) != 1)}, "
        f"context {program.context}, {len(program.tokens)} tokens, {program.dtype}",
        *(_head_text(head) for head in weights.heads),
        *_each_once([f"  {report}" for report in weights.strengths.reports]),
        *(f"  {line}" for mlp in weights.mlps for line in mlp_summary(mlp).split("\n")),
        *(f"  {rounding}" for rounding in weights.strengths.roundings),
        *(f"  note: {remark}" for remark in program.remarks),
    ]
    if weights.free:
        lines.append(f"  no value yet: {', '.join(sorted(weights.free))} (--set NAME=VALUE)")
    if "written" in summary:
        lines.append(f"wrote {summary['written']}")
    return "\n".join(lines)


def _each_once(lines: list[str]) -> list[str]:
    """A family writes one line for each of its members, which often say the same."""
    counted = ((line, sum(1 for _ in same)) for line, same in groupby(lines))
    return [line if count == 1 else f"{line}, {count} times" for line, count in counted]


def _head_text(head: HeadWeights) -> str:
    ranks = [
        f"{circuit} rank {certificate.rank}"
        for circuit, certificate in (("QK", head.qk_certificate), ("OV", head.ov_certificate))
        if certificate is not None
    ]
    return f"  {head.head.place} {head.head.name}: " + ", ".join([f"d_head {head.d_head}", *ranks])


# ------------------------------------------------------------------ show


def show(arguments: argparse.Namespace) -> int:
    """The chosen matrices of the chosen heads."""
    from headspec.matrices.named import HEAD_MATRICES, MODEL_MATRICES
    from headspec.matrices.text import render_matrix
    from headspec.mlps import render_mlps

    weights = _model(arguments).weights
    names = arguments.matrix
    if names is None and arguments.json:
        names = ",".join(HEAD_MATRICES if arguments.head else (*HEAD_MATRICES, *MODEL_MATRICES))
    matrices = choose_matrices(weights, arguments.head, names)
    if arguments.json:
        say_json(_matrices_json(weights, matrices))
    else:
        parts = [render_matrix(named, latex=arguments.latex) for named in matrices]
        if arguments.head is None and arguments.matrix is None and weights.mlps:
            parts.append(render_mlps(weights))
            parts += [f"note: {remark}" for remark in weights.program.remarks]
        say("\n\n".join(parts))
    return 0


def choose_matrices(weights: Weights, head: str | None, names: str | None) -> list[NamedMatrix]:
    """The matrices called ``names`` (comma-separated) of ``head`` or of every head; SpecError E0606, E0608.

    Without names: W_Q, W_K, W_V, W_O, and those biases that are not zero."""
    from headspec.matrices.named import HEAD_MATRICES, MODEL_MATRICES, find_head, find_matrix

    words = [word.strip() for word in (DEFAULT_MATRICES if names is None else names).split(",")]
    for word in words:
        check_choice("matrix", word, (*HEAD_MATRICES, *MODEL_MATRICES))
    heads = [find_head(weights, head)] if head else list(weights.heads)
    biases = BIASES if names is None else ()
    found = [
        find_matrix(weights, word, h.head.name)
        for h in heads
        for word in (*words, *(b for b in biases if not getattr(h, b).is_zero()))
        if word in HEAD_MATRICES
    ]
    return found + [find_matrix(weights, word) for word in words if word in MODEL_MATRICES]


def _matrices_json(weights: Weights, matrices: list[NamedMatrix]) -> dict[str, object]:
    from headspec.matrices.named import residual_names
    from headspec.mlps import mlps_json

    return {
        "model": weights.program.name,
        "coordinates": list(residual_names(weights.program)),
        "free": sorted(weights.free),
        "values": {name: str(value) for name, value in sorted(weights.bindings.items())},
        "matrices": [_matrix_json(weights, named) for named in matrices],
        "mlps": mlps_json(weights),
    }


def _matrix_json(weights: Weights, named: NamedMatrix) -> dict[str, object]:
    from compiler.exact import matrix_to_json

    head, _, name = named.title.rpartition(" ")
    return {
        "name": name,
        "head": head or None,
        "rank": named.rank,
        **matrix_to_json(named.matrix, named.row_names, named.column_names, weights.bindings),
    }


# ------------------------------------------------------------------ expand


def expand(arguments: argparse.Namespace) -> int:
    """Net heads, score circuits, composition scores, virtual heads and paths, with ranks and singular values."""
    from compiler.composition.expansion import expand as expand_weights
    from compiler.composition.rendering import render_expansion
    from headspec.matrices.named import residual_names
    from headspec.matrices.text import draw_circuit

    weights = _model(arguments).weights
    expansion, names = expand_weights(weights), residual_names(weights.program)
    if arguments.json:
        say_json({"model": weights.program.name, "coordinates": list(names), **expansion.to_json()})
    else:
        text = render_expansion(expansion, lambda matrix: draw_circuit(matrix, names))
        say(f"{weights.program.name}\n\n{text}")
    return 0
