"""From a program to exact weights: the list of phases, to be read from top to bottom.

In: a ``Program``. Out: ``Weights``: exact W_Q, W_K, W_V, W_O for every head with their rank certificates, the
MLPs, the embeddings, and the values of symbols. Not for: floats (``backends.lowering``).

    Program -> complete_frequencies -> in_layers -> build_circuits -> solve_strengths -> factorize, build_mlps
            -> change of basis -> Weights
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from compiler.circuits import Circuits, build_circuits
from compiler.circuits.basis import exact_basis
from compiler.exact import Matrix
from compiler.head_weights import HeadWeights, change_head_basis, factorize_head
from compiler.mlp.building import build_mlps, change_basis
from compiler.mlp.weights import MlpWeights
from compiler.program import Program
from compiler.sharpness import Strengths, check_readouts, complete_frequencies, solve_strengths
from compiler.spilling import in_layers
from compiler.symbol_values import declared_values, rotary_values
from dsl.diagnostics import for_each


@dataclass(frozen=True, slots=True, repr=False)
class Weights:
    """A whole model, exactly.

    W_E (d_model, vocabulary), W_pos (d_model, context), W_U (vocabulary, d_model), b_U (vocabulary, 1).

    ``bindings`` has the values of all symbols that have one (declared, solved, rotary frequencies);
    ``free`` the names that still have none."""

    program: Program
    circuits: Circuits
    heads: tuple[HeadWeights, ...]
    W_E: Matrix
    W_pos: Matrix
    W_U: Matrix
    b_U: Matrix
    bindings: Mapping[str, Fraction]
    strengths: Strengths
    free: frozenset[str]
    mlps: tuple[MlpWeights, ...] = ()

    def __repr__(self) -> str:
        heads = ", ".join(f"{head.head.name} (d_head {head.d_head})" for head in self.heads)
        return f"<exact weights of {self.program.name}: d_model {self.program.width}; {heads}>"

    def head(self, name: str) -> HeadWeights:
        """The head called ``name`` (or labelled ``L0H1``); raises KeyError if there is none."""
        wanted = self.program.head(name)
        return next(h for h in self.heads if h.head == wanted)


def compile_program(program: Program) -> Weights:
    """All phases up to exact weights.  Raises SpecError where a claim cannot be realised."""
    program, lines = in_layers(complete_frequencies(program))
    check_readouts(program)
    circuits = build_circuits(program)
    bindings = declared_values(program) | rotary_values(program)
    strengths = solve_strengths(circuits, bindings, lines)
    heads = for_each(circuits.heads, lambda head: factorize_head(circuits, head, strengths))
    basis = exact_basis(program.basis, program.width)
    heads = tuple(change_head_basis(head, basis) for head in heads)
    mlps = tuple(change_basis(mlp, basis) for mlp in build_mlps(program, lines))
    W_E, W_pos, W_U = circuits.W_E, circuits.W_pos, circuits.W_U
    if basis is not None:
        W_E, W_pos, W_U = basis.vectors @ W_E, basis.vectors @ W_pos, W_U @ basis.dual
    bindings = bindings | dict(strengths.bindings)
    free = _free_symbols(heads, W_E, W_pos, W_U, *_matrices_of(mlps)) - bindings.keys() - {"pi"}
    return Weights(program, circuits, heads, W_E, W_pos, W_U, circuits.b_U, bindings, strengths, frozenset(free), mlps)


def _free_symbols(heads: tuple[HeadWeights, ...], *others: Matrix) -> set[str]:
    names: set[str] = set()
    for head in heads:
        for matrix in (head.W_Q, head.W_K, head.W_V, head.W_O, head.b_Q, head.b_K, head.b_V):
            names |= matrix.symbols()
        names |= head.slope.symbols()
    for matrix in others:
        names |= matrix.symbols()
    return names


def _matrices_of(mlps: tuple[MlpWeights, ...]) -> list[Matrix]:
    found = [matrix for mlp in mlps for matrix in (mlp.W_in, mlp.b_in, mlp.W_out, mlp.b_out, mlp.W_gate, mlp.b_gate)]
    return [matrix for matrix in found if matrix is not None]
