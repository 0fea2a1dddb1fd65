"""What students do instead: score circuits that differ from ours in one typical way.

In: our head, with its lines, and our QK circuit.  Out: ``Variant`` s, the most specific first.  Not for: telling
whether an answer is one of them (``mistakes``), nor for what heads move (``move_mistakes``) or for single pairs of
cosine and sine (``turned_pairs``).

A variant is made from the lines of our head: another shift, a line left out or with the other sign, other subspaces, or
another 2 x 2 block for a pair of cosine and sine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from headspec.course.naming import wording

if TYPE_CHECKING:
    from compiler.circuits.stream import Stream
    from compiler.exact import Matrix, Scalar
    from compiler.heads import Head, Relation, Term
    from compiler.pipeline import Weights
    from compiler.program import Program

FARTHEST = 4
"""Shifts that are wrong by up to so many are looked for."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A wrong head: the ``code`` of its mistake, what to tell who hands it in, and its QK circuit."""

    code: str
    says: str
    circuit: Matrix


@dataclass(frozen=True)
class OurHead:
    """Our solution's head as the sum of its lines; ``solved`` are the strengths that were found for it."""

    head: Head
    stream: Stream
    solved: Mapping[str, Scalar]

    @property
    def program(self) -> Program:
        return self.stream.program

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.head.terms

    def parts(self, head: Head | None = None) -> list[Matrix]:
        """The circuits of the attend and avoid lines (of ``head``, or of ours), then all others as one."""
        from compiler.circuits.heads import head_circuit
        from compiler.exact import Matrix

        circuit = head_circuit(self.stream, head or self.head)
        rest = Matrix.zeros(self.stream.dimension, self.stream.dimension)
        lines: dict[int, Matrix] = {}
        for term in circuit.terms:
            matrix = term.circuit().substitute(self.solved)
            if term.line is None:
                rest = rest + matrix
            else:
                lines[term.line] = matrix
        return [*(lines[i] for i in sorted(lines)), rest]

    def changed(self, relations: Mapping[int, Relation]) -> list[Matrix]:
        """``parts`` with other relations in some lines."""
        terms = tuple(
            replace(term, relation=relations[i]) if i in relations else term for i, term in enumerate(self.terms)
        )
        return self.parts(replace(self.head, terms=terms))


def our_head(weights: Weights, name: str) -> OurHead:
    """The head ``name`` of compiled weights, taken apart again."""
    from compiler.circuits.stream import Stream
    from compiler.exact import Scalar

    solved = {name: Scalar.rational(value) for name, value in weights.strengths.bindings.items()}
    return OurHead(weights.program.head(name), Stream(weights.program), solved)


def pattern_variants(our: OurHead, circuit: Matrix, values: Mapping[str, Fraction] | None) -> Iterator[Variant]:
    """Every wrong head that has a name.  ``circuit``: our QK.  Lazily, since most answers are one of the first."""
    from headspec.course.naming.turned_pairs import pair_variants

    if our.terms and our.head.matrix("W_Q") is None:
        parts = our.parts()
        yield from _shifts(our)
        yield from _whole(circuit)
        yield from _lines(our, parts)
        yield from _subspaces(our, parts)
        yield from pair_variants(our, parts, values)
        return
    yield from _whole(circuit)


def total(parts: list[Matrix]) -> Matrix:
    """The sum of ``parts``, of which there is at least one."""
    return sum(parts[1:], start=parts[0])


# ---------------------------------------------------------------- the whole


def _whole(circuit: Matrix) -> Iterator[Variant]:
    yield Variant(
        "queries-and-keys-swapped",
        "Queries and keys have changed places: what W_Q should do W_K does, and the other way round. The query is the "
        "position that looks, the key the one that is looked at.",
        circuit.T,
    )
    yield Variant(
        "sign",
        "The sign is wrong: your scores are smallest where they should be largest, so the head looks everywhere but "
        "there. Change the sign of W_Q or of W_K, not of both.",
        -circuit,
    )


# ---------------------------------------------------------------- shifts


def _shifts(our: OurHead) -> Iterator[Variant]:
    """One line with another shift, and all lines that have one with the opposite shift or with none."""
    from compiler.heads import Equal
    from dsl.diagnostics import SpecError

    found = [(i, term.relation) for i, term in enumerate(our.terms) if isinstance(term.relation, Equal)]
    lines = [(i, relation) for i, relation in found if _takes_shifts(our, relation)]
    changes: list[tuple[dict[int, Equal], str, int | None]]
    changes = [
        ({i: relation}, code, new)
        for i, relation in lines
        for code, new in other_shifts(relation.shift, turns=_turns(our, relation))
    ]
    turned = {i: relation for i, relation in lines if relation.shift and _turns(our, relation)}
    if len(turned) > 1:
        changes += [(turned, "turned-the-wrong-way", None), (turned, "not-turned", 0)]
    for relations, code, shift in changes:
        other = {i: replace(r, shift=-r.shift if shift is None else shift) for i, r in relations.items()}
        try:
            circuit = total(our.changed(other))
        except SpecError:  # not every encoding takes every shift
            continue
        first = min(relations)
        yield Variant(code, shift_says(code, relations[first], other[first]), circuit)


def other_shifts(shift: int, *, turns: bool = True) -> list[tuple[str, int]]:
    """(code, shift) of the shifts that come in the place of ``shift``; ``turns``: a shift is a turn."""
    named: dict[int, str] = {-shift: "turned-the-wrong-way", 0: "not-turned"} if shift and turns else {}
    for far in range(1, FARTHEST + 1):
        for new in (shift - far, shift + far):
            named.setdefault(new, "off-by-one" if far == 1 else "off-by-several")
    return [(code, new) for new, code in named.items()]


def _takes_shifts(our: OurHead, relation: Relation) -> bool:
    from compiler.encodings import OneHot, Phase, Quadratic
    from compiler.heads import Equal

    assert isinstance(relation, Equal)
    encoding = our.stream.subspaces[relation.key].encoding
    numbers = isinstance(encoding, OneHot) and all(isinstance(value, int) for value in encoding.values)
    return numbers or isinstance(encoding, Phase | Quadratic)


def _turns(our: OurHead, relation: Relation) -> bool:
    """Is what is compared a pair of cosine and sine?  Numbers and one-hot vectors are shifted, and nothing rotates."""
    from compiler.encodings import Phase
    from compiler.heads import Equal

    assert isinstance(relation, Equal)
    return isinstance(our.stream.subspaces[relation.key].encoding, Phase)


def shift_says(code: str, ours: Relation, theirs: Relation) -> str:
    """What to tell who has the relation ``theirs`` in the place of ``ours``."""
    looks = f"your head looks for `{wording.relation_text(theirs)}`, and is meant to look for "
    looks += f"`{wording.relation_text(ours)}`"
    match code:
        case "turned-the-wrong-way":
            return f"The turn goes the wrong way: {looks}. Change the sign of the sines, or turn the other matrix."
        case "not-turned":
            return f"Nothing is turned: {looks}. One of W_Q and W_K has to rotate each pair of cosine and sine."
        case "off-by-one":
            return f"One step off: {looks}."
        case _:
            return f"Some steps off: {looks}."


# ---------------------------------------------------------------- lines


def _lines(our: OurHead, parts: list[Matrix]) -> Iterator[Variant]:
    """A line left out, or with the other sign, where the head has several."""
    if len(our.terms) < 2:
        return
    for i, term in enumerate(our.terms):
        others = total([part for j, part in enumerate(parts) if j != i])
        yield Variant("one-line-missing", line_missing(term), others)
        code = "attend-instead-of-avoid" if term.negated else "avoid-instead-of-attend"
        yield Variant(code, line_negated(term), others - parts[i])


def line_missing(term: Term) -> str:
    return (
        f"One part of the score is missing: nothing in your W_Q^T W_K says `{wording.line(term)}`; the rest is right. "
        "Give it dimensions of its own."
    )


def line_negated(term: Term) -> str:
    does = "looks for what it should avoid" if term.negated else "avoids what it should look for"
    return (
        f"One part of the score has the wrong sign: your head {does} in `{wording.line(term)}`. Change the sign of "
        "these rows of W_Q or of W_K, and leave the others."
    )


# ---------------------------------------------------------------- subspaces


def _subspaces(our: OurHead, parts: list[Matrix]) -> Iterator[Variant]:
    """A line that reads another subspace of the same size at the key, at the query, or at both."""
    for i, term in enumerate(our.terms):
        rest = total([part for j, part in enumerate(parts) if j != i])
        key = getattr(term.relation, "key", None)
        query = getattr(term.relation, "query", None)
        for side, columns, rows in _other_sides(our, key, query):
            says = f"It reads the wrong subspace {side} in `{wording.line(term)}`; the rest is right."
            for part in (parts[i], *_unturned(our, i)):
                yield Variant("reads-the-wrong-subspace", says, rest + _moved(part, rows, columns))
    yield from _exchanged(our, parts)


def _unturned(our: OurHead, line: int) -> list[Matrix]:
    """The circuit of the line without its shift, where it has one."""
    from compiler.heads import Equal

    relation = our.terms[line].relation
    if not isinstance(relation, Equal) or not relation.shift:
        return []
    return [our.changed({line: replace(relation, shift=0)})[line]]


def _exchanged(our: OurHead, parts: list[Matrix]) -> Iterator[Variant]:
    """Two lines that read each other's subspaces, at the key or at the query."""
    for i, j in combinations(range(len(our.terms)), 2):
        rest = total([part for n, part in enumerate(parts) if n not in (i, j)])
        for side in ("key", "query"):
            first, second = (getattr(our.terms[n].relation, side, None) for n in (i, j))
            there, back = _alternatives(our, first).get(str(second)), _alternatives(our, second).get(str(first))
            if there is None or back is None:
                continue
            both: list[tuple[dict[int, int], dict[int, int]]]
            both = [(there, {}), (back, {})] if side == "query" else [({}, there), ({}, back)]
            circuit = _moved(parts[i], *both[0]) + _moved(parts[j], *both[1])
            which = "keys" if side == "key" else "queries"
            says = f"The {which} read `{first}` and `{second}` in each other's places: each part of the score compares "
            yield Variant(
                "reads-the-wrong-subspace", f"{says}two things that have nothing to do with each other.", rest + circuit
            )


def _other_sides(
    our: OurHead, key: str | None, query: str | None
) -> Iterator[tuple[str, dict[int, int], dict[int, int]]]:
    """(words, what becomes of key coordinates, and of query coordinates)."""
    keys, queries = _alternatives(our, key), _alternatives(our, query)
    for name, columns in keys.items():
        yield f"for its keys, `{name}` and not `{key}`,", columns, {}
    for name, rows in queries.items():
        yield f"for its queries, `{name}` and not `{query}`,", {}, rows
    for name, columns in keys.items():
        for other, rows in queries.items():
            words = f"`{name}`" if name == other else f"`{name}` for its keys and `{other}` for its queries"
            yield f"({words})", columns, rows


def _alternatives(our: OurHead, name: str | None) -> dict[str, dict[int, int]]:
    """Subspaces of the same size -> where the coordinates of ``name`` would be in them."""
    if name is None:
        return {}
    ours = our.stream.subspaces[name].coordinates
    others = [s for s in our.program.subspaces if s.name != name and len(s.coordinates) == len(ours)]
    return {s.name: dict(zip(ours, s.coordinates, strict=True)) for s in others}


def _moved(matrix: Matrix, rows: Mapping[int, int], columns: Mapping[int, int]) -> Matrix:
    """The same entries at other places."""
    from compiler.exact import Matrix

    entries = {(rows.get(i, i), columns.get(j, j)): entry for (i, j), entry in matrix.entries.items()}
    return Matrix(matrix.rows, matrix.columns, entries)
