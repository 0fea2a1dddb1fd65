"""Circuits, exactly: scores and moves of whole positions, computed in exact numbers and compared with formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest

from compiler.circuits import Circuits, HeadCircuit, build_circuits
from compiler.circuits.features import Feature, feature, phase_angles, placed
from compiler.encodings import Phase
from compiler.exact import Matrix, Scalar
from compiler.program import Program
from compiler.resolution import resolve
from compiler.sharpness import complete_frequencies
from dsl.parser import parse

HEADER = """
tokens a, b, <bos>
context 5
sequences <bos> (a|b){1,4}
subspace content : onehot(tokens)
subspace where : phase(positions, 2, magnitudes = [1, 1/2])
subspace index : scalar(positions)
subspace square : quadratic(positions)
subspace one : constant
subspace before like content
subspace pointer like where
embed token -> content
embed position -> where
embed position -> index
embed position -> square
"""


def circuits_of(*lines: str) -> Circuits:
    text = HEADER + "layer\n  head it\n" + "".join(f"    {line}\n" for line in lines)
    return build_circuits(complete_frequencies(resolve(parse(text))))


def stream(circuits: Circuits, token: str, position: int) -> Feature:
    """What stands in the stream at a position before the first layer."""
    t = circuits.program.tokens.index(token)
    entries = dict(circuits.W_E.column(t))
    for row, entry in circuits.W_pos.column(position).items():
        entries[row] = entries.get(row, Scalar.rational(0)) + entry
    return entries


def score(circuits: Circuits, head: HeadCircuit, query: tuple[str, int], key: tuple[str, int]) -> Scalar:
    """x_q^T T x_k, exactly."""
    q, k = stream(circuits, *query), stream(circuits, *key)
    T = head.qk(circuits.dimension)
    terms = [q[i] * entry * k[j] for (i, j), entry in T.entries.items() if i in q and j in k]
    return Scalar.sum(terms)


def every_place(program: Program) -> list[tuple[str, int]]:
    return [("<bos>", 0)] + [(t, p) for p in range(1, program.context) for t in "ab"]


@pytest.mark.parametrize(
    "lines",
    [
        ("attend key.where == query.where - 1",),
        ("attend key.content == query.content",),
        ("attend key.content == query.content", "avoid key.where == query.where"),
        ("attend key.square == query.square - 2",),
    ],
)
def test_a_rest_key_has_one_score_at_every_query(lines: tuple[str, ...]) -> None:
    """No stray term: above what fits could score, the rest key's score is its own strength and nothing else."""
    circuits = circuits_of(*lines, 'rest key.content == "<bos>"')
    [head] = circuits.heads
    own = Scalar.symbol("r_it")
    for query in every_place(circuits.program):
        level = Scalar.rational(0)
        if "square" in lines[0]:
            level = Scalar.symbol("s_it") * Scalar.rational((query[1] - 2) ** 2)
        assert score(circuits, head, query, ("<bos>", 0)) == own + level


def test_a_rotation_scores_by_the_offset_alone() -> None:
    circuits = circuits_of("attend key.where == query.where - 1")
    encoding = circuits.program.subspace("where").encoding
    assert isinstance(encoding, Phase)
    angles = phase_angles(encoding)
    for q in range(5):
        for k in range(5):
            wanted = Scalar.cos(angles[0] * (q - 1 - k)) + Scalar.cos(angles[1] * (q - 1 - k)) * Fraction(1, 4)
            assert score(circuits, circuits.heads[0], ("a", q), ("b", k)) == wanted * Scalar.symbol("s_it")


@pytest.mark.parametrize("query", ["index", "square"])
def test_integers_score_by_their_distance_up_to_the_query(query: str) -> None:
    circuits = circuits_of(f"attend key.square == query.{query} - 1")
    for q in range(5):
        for k in range(5):
            wanted = Scalar.symbol("s_it") * Scalar.rational((q - 1) ** 2 - (q - 1 - k) ** 2)
            assert score(circuits, circuits.heads[0], ("a", q), ("a", k)) == wanted


def moved(circuits: Circuits, token: str, position: int) -> Feature:
    x = stream(circuits, token, position)
    column = Matrix(circuits.dimension, 1, {(i, 0): entry for i, entry in x.items()})
    return (circuits.heads[0].ov @ column).column(0)


def test_a_copy_writes_the_value_turned_and_scaled() -> None:
    circuits = circuits_of("attend key.content == query.content", "copy 1/2 * key.where + 3 -> pointer")
    target = circuits.program.subspace("pointer")
    for p in range(5):
        wanted = {c: e * Fraction(1, 2) for c, e in placed(target, feature(target.encoding, p + 3)).items()}
        assert moved(circuits, "a", p) == wanted


def test_a_copy_through_a_table_writes_the_image() -> None:
    text = HEADER.replace("context 5", 'context 5\ntable swap: "a" -> "b", "b" -> "a"')
    text += "layer\n  head it\n    attend key.content == query.content\n    copy key.content through swap -> before\n"
    circuits = build_circuits(complete_frequencies(resolve(parse(text))))
    target = circuits.program.subspace("before")
    for token, image in (("a", "b"), ("b", "a")):
        assert moved(circuits, token, 1) == placed(target, feature(target.encoding, image))
    assert moved(circuits, "<bos>", 0) == {}


def test_terms_add_up_and_keep_their_own_strengths() -> None:
    circuits = circuits_of("attend key.content == query.content strength 5", "avoid key.where == query.where")
    same = score(circuits, circuits.heads[0], ("a", 2), ("a", 2))
    assert same == Scalar.rational(5) - Scalar.symbol("s_it") * Scalar.rational(Fraction(5, 4))
