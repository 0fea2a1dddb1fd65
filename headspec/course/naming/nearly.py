"""What is nearly our head: the mistakes that are read off the answer itself, where no variant of ours fits.

In: a refused answer, its ``Facts`` and a ``Glimpse`` of its scene.  Out: one ``Mistake``, or none.  Not for: wrong
heads that can be written down beforehand (``variants``).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from headspec.course.judging.ratios import common_ratio
from headspec.course.naming import wording
from headspec.course.naming.glimpse import CLOSE
from headspec.course.naming.variants import line_missing, line_negated
from headspec.course.results import Mistake

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar
    from compiler.program import Program
    from headspec.course.answer import Answer
    from headspec.course.exercise import Exercise
    from headspec.course.naming.facts import Facts
    from headspec.course.naming.glimpse import Glimpse
    from headspec.course.naming.variants import OurHead


def nearly(exercise: Exercise, answer: Answer, facts: Facts, glimpse: Glimpse, our: OurHead) -> list[Mistake]:
    """What is said where no variant fits: the first of these that does."""
    program = exercise.weights.program
    looks: tuple[Callable[[], list[Mistake]], ...] = (
        lambda: _transposed(exercise, answer, facts, glimpse),
        lambda: _weights(facts, glimpse, our),
        lambda: _left_out(program, facts, glimpse),
        lambda: _too_much(program, facts, glimpse),
        lambda: wrong_entries(exercise, facts, "W_Q^T W_K", "between the query's", "and the key's"),
    )
    return next((found for look in looks if (found := look())), [])


def _fits(a: Matrix, b: Matrix, facts: Facts, glimpse: Glimpse) -> bool:
    """The same pattern: seen in floats, then decided."""
    from compiler.equivalence import same_pattern

    assert glimpse.scene is not None
    if not glimpse.same_scores(glimpse.scores(a), glimpse.scores(b)):
        return False
    return bool(same_pattern(glimpse.scene, a, b, facts.values))


def _transposed(exercise: Exercise, answer: Answer, facts: Facts, glimpse: Glimpse) -> list[Mistake]:
    """Square W_Q or W_K that would be right if it were transposed."""
    query = answer.matrices.get((facts.head, "W_Q"))
    key = answer.matrices.get((facts.head, "W_K"))
    if query is None or key is None or query.rows != query.columns or key.rows != query.rows:
        return []
    ways = (
        ("W_Q and W_K are transposed", query @ key.T),
        ("W_Q is transposed", query @ key),
        ("W_K is transposed", query.T @ key.T),
    )
    for what, circuit in ways:
        if _fits(circuit, facts.ours, facts, glimpse):
            says = (
                f"{what}: with rows and columns exchanged it would be right. Rows of W_Q and W_K are dimensions of the "
            )
            return [Mistake("transposed", says + "head, columns dimensions of the stream (W_Q x, with x a column).")]
    return []


def _weights(facts: Facts, glimpse: Glimpse, our: OurHead) -> list[Mistake]:
    """Our lines with other weights against each other; some of them 0, or of the wrong sign."""
    if len(our.terms) < 2 or our.head.matrix("W_Q") is not None:
        return []
    table = np.stack([glimpse.scores(part) for part in our.parts()[: len(our.terms)]], axis=1)
    theirs = glimpse.scores(facts.answer)
    weights = np.linalg.lstsq(table, theirs, rcond=None)[0]
    left = np.abs(theirs - table @ weights).max(initial=0.0)
    if left > CLOSE * np.abs(theirs).max(initial=0.0):
        return []
    shares = weights * np.abs(table).max(axis=0) / np.abs(theirs).max(initial=0.0)
    for term, share in zip(our.terms, shares.tolist(), strict=True):
        if abs(share) <= CLOSE:
            return [Mistake("one-line-missing", line_missing(term))]
        if share < 0:
            code = "attend-instead-of-avoid" if term.negated else "avoid-instead-of-attend"
            return [Mistake(code, line_negated(term))]
    times = [f"{weight / weights[0]:.3g} times as strong" for weight in weights.tolist()[1:]]
    words = [f"`{wording.line(term)}` is {much}" for term, much in zip(our.terms[1:], times, strict=True)]
    says = f"The parts of the score are right, and weighed wrongly: beside `{wording.line(our.terms[0])}`, "
    return [Mistake("wrong-weights", f"{says}{wording.listed(words)} as it should be.")]


def _left_out(program: Program, facts: Facts, glimpse: Glimpse) -> list[Mistake]:
    """Ours without the rows or columns that are empty in the answer."""
    from compiler.exact import Matrix

    rows = facts.ours.by_row.keys() - facts.answer.by_row.keys()
    columns = facts.ours.by_column.keys() - facts.answer.by_column.keys()
    if not rows and not columns:
        return []
    entries = {(i, j): e for (i, j), e in facts.ours.entries.items() if i not in rows and j not in columns}
    if not entries or not _fits(facts.answer, Matrix(*facts.ours.shape, entries), facts, glimpse):
        return []
    parts = [f"the queries leave out {wording.places(program, rows)}"] if rows else []
    parts += [f"the keys leave out {wording.places(program, columns)}"] if columns else []
    return [Mistake("reads-only-part", f"A part is missing: {wording.listed(parts)}. The rest is right.")]


def _too_much(program: Program, facts: Facts, glimpse: Glimpse) -> list[Mistake]:
    """The answer is right where our circuit has entries, between subspaces that ours does not compare it has others."""
    from compiler.exact import Matrix

    owner = {c: s.name for s in program.subspaces for c in s.coordinates}
    blocks = {(owner.get(i, ""), owner.get(j, "")) for i, j in facts.ours.entries}
    inside = {p: e for p, e in facts.answer.entries.items() if (owner.get(p[0], ""), owner.get(p[1], "")) in blocks}
    if len(inside) == len(facts.answer.entries):
        return []
    if not _fits(Matrix(*facts.ours.shape, inside), facts.ours, facts, glimpse):
        return []
    extra = {(owner.get(i, "?"), owner.get(j, "?")) for i, j in facts.answer.entries.keys() - inside.keys()}
    words = [f"the query's `{query}` with the key's `{key}`" for query, key in sorted(extra)]
    says = f"The score compares more than it should: besides what is asked, {wording.listed(words[:3])}."
    return [Mistake("reads-too-much", says)]


def wrong_entries(exercise: Exercise, facts: Facts, name: str, first: str, second: str) -> list[Mistake]:
    """One or two entries of the circuit are wrong, and all others right (at one temperature, for scores)."""
    ratio: Scalar | Fraction | int | None = 1
    if name == "W_Q^T W_K":
        ratio = common_ratio(facts.answer, facts.ours) if facts.values is None else _usual_ratio(facts)
    if ratio is None:
        return []
    wrong = _strays(facts, facts.answer - facts.ours.scale(ratio))
    if not 0 < len(wrong) <= 2 or len(facts.ours.entries) < 4:
        return []
    names = exercise.weights.program.coordinate_names
    words = [f"{first} `{names[i]}` {second} `{names[j]}`" for i, j in wrong if max(i, j) < len(names)]
    says = f"Nearly: all entries of {name} are right but {'this one' if len(wrong) == 1 else 'these'}: "
    return [Mistake("one-entry-wrong", f"{says}{wording.listed(words)}.")] if words else []


def _strays(facts: Facts, difference: Matrix) -> list[tuple[int, int]]:
    if facts.values is None or difference.symbols() - facts.values.keys():
        return sorted(difference.entries)
    values = facts.values
    largest = max((abs(e.to_float(values)) for e in facts.answer.entries.values()), default=0.0)
    return sorted(place for place, e in difference.entries.items() if abs(e.to_float(values)) > 1e-6 * largest)


def _usual_ratio(facts: Facts) -> Fraction | None:
    """The median of the ratios of entries, in floats."""
    assert facts.values is not None
    values = facts.values
    pairs = [(facts.answer[place].to_float(values), e.to_float(values)) for place, e in facts.ours.entries.items()]
    ratios = sorted(a / b for a, b in pairs if b)
    return Fraction(ratios[len(ratios) // 2]) if ratios else None
