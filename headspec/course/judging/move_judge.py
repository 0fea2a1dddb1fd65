"""Does a head move what it should?

In: a ``Bench`` and a ``Check`` of kind ``move``.  Out: ``Judged``, with the first thing that is moved otherwise.  Not
for: naming the mistake (``mistakes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from compiler.equivalence import Sameness, Scene, same_move
from compiler.exact import Matrix
from headspec.course.exercise import Check
from headspec.course.judging.bench import Bench, Judged
from headspec.course.results import CheckResult, Verdict


def judge_move(bench: Bench, check: Check) -> Judged:
    """Does the head of ``check`` move what ours moves, from every key (or residual vector) that there can be?"""
    theirs, ours = bench.theirs(check.head), bench.ours(check.head)
    values = bench.values if bench.answer.numeric else None
    scene = bench.scene(check.head)
    if check.on == "everywhere":
        same = same_everywhere(theirs.OV, ours.OV, values)
    else:
        same = same_move(scene, theirs.OV, ours.OV, values)
    where = "from every residual vector" if check.on == "everywhere" else "from everything that a key can hold"
    numbers: dict[str, object] = {"distance": same.distance}
    if same:
        rounded = f", up to the rounding of your numbers ({same.distance:.1g})" if same.kind == "rounded" else ""
        message = f"It moves what our head moves, {where}{rounded}."
        verdict: Verdict = "rounded" if same.kind == "rounded" else "exact"
        return Judged(CheckResult(check.name, check.kind, check.head, verdict, message, numbers=numbers), scene)
    message = _wrong_move(bench, check, scene, theirs.OV)
    return Judged(CheckResult(check.name, check.kind, check.head, "wrong", message, numbers=numbers), scene)


def same_everywhere(theirs: Matrix, ours: Matrix, values: Mapping[str, Fraction] | None) -> Sameness:
    """Entry by entry; with values, up to rounding relative to the largest entry."""
    left = theirs - ours
    if left.is_zero():
        return Sameness("exact")
    if values is None:
        return Sameness("different", "1", 1.0)
    largest = max((abs(e.to_float(values)) for e in ours.entries.values()), default=0.0) or 1.0
    distance = max(abs(e.to_float(values)) for e in left.entries.values()) / largest
    return Sameness("rounded" if distance <= 1e-5 else "different", "1", distance)


def _wrong_move(bench: Bench, check: Check, scene: Scene, ov: Matrix) -> str:
    """The first thing that is not moved as it should be, in words."""
    names = bench.exercise.weights.program.coordinate_names
    ours = bench.ours(check.head).OV
    if check.on == "everywhere":
        i, j, _ = next((ov - ours).nonzeros())
        theirs_entry, our_entry = ov[i, j], ours[i, j]
        return (
            f"Your W_O W_V takes {names[j]} to {names[i]} with the factor {theirs_entry}; "
            f"{'nothing should be moved there' if our_entry.is_zero() else 'another factor is asked for'}."
        )
    moved, wanted = ov @ scene.vectors, ours @ scene.our_vectors
    place = {feature: i for i, feature in enumerate(scene.features)}
    for state in scene.states:
        for row in range(ov.rows):
            got = sum((moved[row, place[f]].to_float(bench.values) * float(w) for f, w in state), 0.0)
            should = sum((wanted[row, place[f]].to_float(bench.values) * float(w) for f, w in state), 0.0)
            if abs(got - should) > 1e-9 * (1 + abs(should)):
                return (
                    f"From a key that holds {_held(bench, state)} your head writes {got:.3g} into {names[row]}; "
                    f"it should write {should:.3g}."
                )
    return "For some values of the symbols your head moves something else than it should."


def _held(bench: Bench, state: tuple[tuple[tuple[tuple[str, ...], int], Fraction], ...]) -> str:
    """```b` at position 3``."""
    program = bench.exercise.weights.program
    own = [column for (path, column), _ in state if not path]
    tokens = [program.tokens[c] for c in own if c < len(program.tokens)]
    places = [c - len(program.tokens) for c in own if c >= len(program.tokens)]
    return f"`{tokens[0]}` at position {places[0]}" if tokens and places else "what some key can hold"
