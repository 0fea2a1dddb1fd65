"""Where each subspace stands in the residual stream, as JSON: so that a saved model says what its directions mean.

In: a program.  Out: name -> coordinates, components, encoding.  Not for: reading it back into a program (the spec's
text travels along for that).
"""

from __future__ import annotations

from typing import assert_never

from compiler.encodings import Code, Constant, Dims, Encoding, OneHot, Pairs, Phase, PhasePairs, Quadratic, ScalarValue
from compiler.program import Program
from dsl.expressions import Expr
from dsl.printing.expressions import print_expression


def subspaces_to_json(program: Program) -> dict[str, dict[str, object]]:
    """In the order of declaration; coordinates count in the named (axis-aligned) basis."""
    return {
        subspace.name: {
            "coordinates": list(subspace.coordinates),
            "components": list(subspace.components),
            "encoding": encoding_to_json(subspace.encoding),
        }
        for subspace in program.subspaces
    }


def encoding_to_json(encoding: Encoding) -> dict[str, object]:
    """``kind`` and what determines the features; exact numbers as texts of the language."""
    match encoding:
        case OneHot(values=values):
            return {"kind": "onehot", "values": list(values)}
        case Phase(low=low, high=high, frequencies=frequencies, magnitudes=magnitudes):
            numbers = {"frequencies": _texts(frequencies or ()), "magnitudes": _texts(magnitudes)}
            return {"kind": "phase", "low": low, "high": high} | numbers
        case PhasePairs(of=of):
            return {"kind": "pairs", "of": encoding_to_json(of)}
        case ScalarValue(low=low, high=high):
            return {"kind": "scalar", "low": low, "high": high}
        case Quadratic(low=low, high=high):
            return {"kind": "quadratic", "low": low, "high": high}
        case Pairs(members=members, vectors=vectors):
            pairs = [list(pair) for pair in members]
            return {"kind": "pairs", "values": pairs, "vectors": [_texts(vector) for vector in vectors]}
        case Code(values=values, vectors=vectors):
            return {"kind": "code", "values": list(values), "vectors": [_texts(vector) for vector in vectors]}
        case Dims(size=size):
            return {"kind": "dims", "size": size}
        case Constant():
            return {"kind": "constant"}
    assert_never(encoding)


def _texts(expressions: tuple[Expr, ...]) -> list[str]:
    return [print_expression(expression) for expression in expressions]
