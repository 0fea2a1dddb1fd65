"""Program -> exact circuits: what every head's score and every head's move is, as sparse exact matrices.

In: a ``Program`` whose frequencies are known.  Out: ``Circuits``: per head the terms of its score circuit (each
with its own strength, solved or free) and its OV circuit, and the embedding and unembedding, all in *named*
coordinates (the basis of the stream comes last, in the pipeline).  Not for: splitting circuits into W_Q, W_K,
W_V, W_O (``factorization``) or choosing strengths (``sharpness``).

Conventions: columns; score(q <- k) = x_q^T T x_k with T the sum of strength * term. Coordinate ``width`` (one
past the last) is the constant 1 of b_Q, b_K, b_V where ``biases allowed`` is said.
"""

from __future__ import annotations

from compiler.circuits.embedding import position_embedding, token_embedding, unembedding
from compiler.circuits.heads import head_circuit, rotary_angle
from compiler.circuits.parts import Circuits, HeadCircuit, RotaryTerm, TermCircuit
from compiler.circuits.stream import Stream
from compiler.program import Program
from dsl.diagnostics import for_each

__all__ = ["Circuits", "HeadCircuit", "RotaryTerm", "TermCircuit", "build_circuits", "rotary_angle"]


def build_circuits(program: Program) -> Circuits:
    """Exact circuits of ``program``.  Raises SpecError where a line cannot be a bilinear score (E043x)."""
    stream = Stream(program)
    heads = for_each(program.heads, lambda head: head_circuit(stream, head))
    W_U, b_U = unembedding(stream)
    return Circuits(program, stream.dimension, heads, token_embedding(stream), position_embedding(stream), W_U, b_U)
