"""One head: from its circuits to W_Q, W_K, W_V, W_O and biases, with certificates of their ranks.

In: a ``HeadCircuit`` and the ``Strengths``.  Out: ``HeadWeights``, in named coordinates or in another basis.  Not for:
the factors of one matrix (``factorization``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from compiler.circuits import Circuits, HeadCircuit, RotaryTerm, rotary_angle
from compiler.circuits.basis import ExactBasis
from compiler.circuits.features import Feature, scalar
from compiler.exact import Matrix, Scalar
from compiler.factorization import Factors, RankCertificate, explain_rank, factorize
from compiler.heads import ExplicitMatrix, Head
from compiler.mlp.weights import MlpWeights as MlpWeights
from compiler.program import Program, Rotary
from compiler.sharpness import (
    Strengths,
    rotary_frequencies,
    rotary_weights,
)
from dsl.diagnostics import Diagnostic, SpecError


@dataclass(frozen=True, slots=True)
class HeadWeights:
    """One head, exactly.  W_Q, W_K, W_V (d_head, d_model), W_O (d_model, d_head), biases (d_head, 1).

    score(q <- k) = (W_Q x_q + b_Q) . (W_K x_k + b_K) / sqrt(d_head) - slope (q - k); the factor sqrt(d_head) of a
    solved head is absorbed in W_Q.  QK = W_Q^T W_K and OV = W_O W_V.  Under rotary positions rows 0..rotary_dims-1 of
    W_Q and W_K are the ones that turn."""

    head: Head
    d_head: int
    W_Q: Matrix
    W_K: Matrix
    W_V: Matrix
    W_O: Matrix
    b_Q: Matrix
    b_K: Matrix
    b_V: Matrix
    rotary_dims: int
    slope: Scalar
    qk_certificate: RankCertificate | None
    ov_certificate: RankCertificate | None

    @property
    def QK(self) -> Matrix:
        """The QK circuit W_Q^T W_K, shape (d_model, d_model)."""
        return self.W_Q.T @ self.W_K

    @property
    def OV(self) -> Matrix:
        """The OV circuit W_O W_V, shape (d_model, d_model)."""
        return self.W_O @ self.W_V


def factorize_head(circuits: Circuits, circuit: HeadCircuit, strengths: Strengths) -> HeadWeights:
    """The exact weights of a head; SpecError E0440 where its d_head is too small for them."""
    head, dimension = circuit.head, circuits.dimension
    rotary = circuits.program.positions
    turned = rotary.dims if isinstance(rotary, Rotary) else 0
    values = {name: Scalar.rational(value) for name, value in strengths.bindings.items()}
    query, key, qk_certificate = _score_rows(circuits, circuit, values, turned)
    value, output, ov_certificate = _move_rows(circuit, dimension)
    needed = ((qk_certificate, query.rows - turned), (ov_certificate, value.rows))
    least = all(certificate is None or certificate.rank == rows for certificate, rows in needed)
    d_head = _common_d_head(circuit, query, value, dimension, turned, least=least)
    written = head.matrix("W_Q")
    own = 1 if written is None else written.rows
    if own != d_head:  # the model divides scores by sqrt(d_head); what is written means them divided by its own root
        query = query.scale(Scalar.sqrt(d_head) / Scalar.sqrt(own))
    query, key, value, output = (padded(m, d_head) for m in (query, key, value, output))
    width = circuits.program.width
    return HeadWeights(
        head=head,
        d_head=d_head,
        W_Q=_columns(query, 0, width),
        W_K=_columns(key, 0, width),
        W_V=_columns(value, 0, width),
        W_O=_columns(output, 0, width).T,
        b_Q=_columns(query, width, dimension),
        b_K=_columns(key, width, dimension),
        b_V=_columns(value, width, dimension),
        rotary_dims=turned,
        slope=circuit.slope.substitute(values),
        qk_certificate=qk_certificate,
        ov_certificate=ov_certificate,
    )


def _score_rows(
    circuits: Circuits, circuit: HeadCircuit, values: Mapping[str, Scalar], turned: int
) -> tuple[Matrix, Matrix, RankCertificate | None]:
    """Rows of W_Q and W_K (without sqrt(d_head)) over all coordinates, the turning rows first."""
    dimension = circuits.dimension
    given_query, given_key = circuit.head.matrix("W_Q"), circuit.head.matrix("W_K")
    if given_query is not None and given_key is not None:
        return _explicit(given_query, dimension), _explicit(given_key, dimension), None
    target = circuit.qk(dimension).substitute(values)
    factors = factorize(target)
    query, key = factors.left, factors.right
    if turned:
        soft = circuit.head.is_soft
        above_query, above_key = _rotary_rows(circuits.program, circuit.rotary, dimension, turned, soft=soft)
        query, key = above_query.substitute(values).stack(query), above_key.stack(key)
    return query, key, factors.certificate


def _rotary_rows(
    program: Program, terms: tuple[RotaryTerm, ...], dimension: int, turned: int, *, soft: bool
) -> tuple[Matrix, Matrix]:
    """For every pair p the constant query (cos, sin)(shift theta_p) w_p strength, and the constant key (1, 0)."""
    assert isinstance(program.positions, Rotary)
    rotary = program.positions
    pairs = rotary.dims // 2
    query: dict[tuple[int, int], Scalar] = {}
    key: dict[tuple[int, int], Scalar] = {}
    for term in terms:
        chosen = rotary_weights(rotary_frequencies(rotary), term.shift, program.sequences.longest)
        weights = (Fraction(1),) * pairs if soft else chosen  # the score of a soft head is its meaning
        for p in range(pairs):
            size = term.strength * Scalar.rational(term.sign * weights[p])
            first, second = (p, p + pairs) if rotary.layout == "half" else (2 * p, 2 * p + 1)
            turn = rotary_angle(rotary, p) * Fraction(term.shift)
            _add_row(query, first, term.query, size * Scalar.cos(turn))
            _add_row(query, second, term.query, size * Scalar.sin(turn))
            if not size.is_zero():
                for coordinate, entry in term.key.items():
                    key[(first, coordinate)] = entry
    return Matrix(turned, dimension, query), Matrix(turned, dimension, key)


def _add_row(entries: dict[tuple[int, int], Scalar], row: int, functional: Feature, size: Scalar) -> None:
    for coordinate, entry in functional.items():
        total = entries.get((row, coordinate), Scalar.rational(0)) + entry * size
        entries.pop((row, coordinate), None)
        if not total.is_zero():
            entries[(row, coordinate)] = total


def _move_rows(circuit: HeadCircuit, dimension: int) -> tuple[Matrix, Matrix, RankCertificate | None]:
    """Rows of W_V and of W_O^T over all coordinates."""
    given_value, given_output = circuit.head.matrix("W_V"), circuit.head.matrix("W_O")
    if given_value is not None and given_output is not None:
        return _explicit(given_value, dimension), _explicit_output(given_output, dimension), None
    factors: Factors = factorize(circuit.ov.T)
    return factors.left, factors.right, factors.certificate


def _explicit(matrix: ExplicitMatrix, dimension: int) -> Matrix:
    entries = {(row, column): scalar(entry) for row, column, entry in matrix.entries}
    return Matrix(matrix.rows, dimension, {place: e for place, e in entries.items() if not e.is_zero()})


def _explicit_output(matrix: ExplicitMatrix, dimension: int) -> Matrix:
    entries = {(column, row): scalar(entry) for row, column, entry in matrix.entries}
    return Matrix(matrix.columns, dimension, {place: e for place, e in entries.items() if not e.is_zero()})


def _common_d_head(
    circuit: HeadCircuit, query: Matrix, value: Matrix, dimension: int, turned: int, *, least: bool
) -> int:
    """The width that holds both factors: as declared, else the larger of the two (the other gets rows of zeros).

    ``least``: that no factors have fewer rows is proved."""
    needed, stated = max(query.rows, value.rows, 1), circuit.head.d_head
    if stated is None:
        return needed
    if stated >= needed:
        return stated
    raise SpecError(_too_small(circuit, stated, query.rows, value.rows, dimension, turned, least=least))


def _too_small(
    circuit: HeadCircuit, stated: int, score_rows: int, move_rows: int, dimension: int, turned: int, *, least: bool
) -> Diagnostic:
    rows = [
        f"`{label}` has rank {rank}" for label, rank in explain_rank([(t.label, t.circuit()) for t in circuit.terms])
    ]
    if turned:
        rows.append(f"rotary positions take {turned} dimensions of every head")
    proved = "certified: no fewer can do" if least else "the least that we know how to build"
    rows.append(f"scores together need {score_rows}, copies need {move_rows} ({proved})")
    return Diagnostic(
        "E0440",
        f"head `{circuit.head.name}` needs d_head {max(score_rows, move_rows)}, and is given {stated}",
        circuit.head.span,
        "too few dimensions for what its lines say",
        help=f"say `d_head {max(score_rows, move_rows)}`, leave it out, or move a line to another head",
        figures=tuple(rows),
    )


def padded(matrix: Matrix, rows: int) -> Matrix:
    """``matrix``, with rows of zeros below up to ``rows``."""
    return matrix if matrix.rows == rows else Matrix(rows, matrix.columns, matrix.entries)


def _columns(matrix: Matrix, start: int, stop: int) -> Matrix:
    if (start, stop) == (0, matrix.columns):
        return matrix
    entries = {(i, j - start): e for (i, j), e in matrix.entries.items() if start <= j < stop}
    return Matrix(matrix.rows, max(1, stop - start), entries)


def change_head_basis(head: HeadWeights, basis: ExactBasis | None) -> HeadWeights:
    """Read through the dual, write along the vectors: W' = W B^-1 for queries, keys and values, W_O' = B W_O."""
    if basis is None:
        return head
    return replace(
        head,
        W_Q=head.W_Q @ basis.dual,
        W_K=head.W_K @ basis.dual,
        W_V=head.W_V @ basis.dual,
        W_O=basis.vectors @ head.W_O,
    )
