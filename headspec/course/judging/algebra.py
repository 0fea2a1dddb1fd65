"""Formulas and products of matrices, held against ours.

In: an ``Exercise`` of kind formula or matrices, a ``Check`` of kind equal, an ``Answer``.  Out: ``CheckResult``.  Not
for: the algebra itself (``compiler.formulas.comparing``).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.judging.values import asked_name, missing, said, unreadable
from headspec.course.results import CheckResult

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar
    from dsl.answers.formulas import Formula
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise

CLOSE = Fraction(1, 10**6)
"""Entries handed in as floats count as equal within this share of the largest entry."""
MISFITS = ("E0761", "E0762")
"""Codes of formulas whose shapes do not fit: wrong answers, with a word on where."""


# -------------------------------------------------------------------- formulas


def judge_formula(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Equal for all matrices of the shapes stated.

    A formula whose shapes do not fit is a wrong answer; one with a name that is not given, or too large to multiply
    out, a SpecError (E0760, E0763)."""
    from compiler.formulas.comparing import canonical, difference
    from dsl.answers.formulas import parse_formula

    name = asked_name(exercise, check)
    if name not in answer.formulas:
        return missing(check, name)
    ours = canonical(_expected(check), exercise.shapes)
    written = parse_formula(answer.formulas[name], answer.name)
    try:
        given = canonical(written, exercise.shapes)
    except SpecError as error:
        return _misfit(check, name, error)
    words = difference(given, ours)
    if words is None:
        return said(check, "right", f"`{name}` is right.", [f"written out: {given.brief()}"])
    return said(check, "wrong", f"`{name}` is not right: {words}.", [f"yours, written out: {given.brief()}"])


def _misfit(check: Check, name: str, error: SpecError) -> CheckResult:
    """Shapes that do not fit, as a wrong answer; anything else is raised again."""
    first = error.diagnostics[0]
    if first.code not in MISFITS:
        raise error
    return said(check, "wrong", f"`{name}` does not fit together: {first.message}.", [first.label, first.help or ""])


def _expected(check: Check) -> Formula:
    from dsl.answers.formulas import parse_formula

    try:
        return parse_formula(str(check.options["equals"]), f"equals of check `{check.name}`")
    except SpecError as error:
        raise unreadable(check, error) from None


# -------------------------------------------------------------------- matrices


def judge_matrix(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Equal to a formula over our solution's matrices: exactly, or where floats were handed in to six digits.

    With floats the symbols have the values that the given spec declares."""
    name = asked_name(exercise, check)
    given = answer.matrices.get(("", name))
    if given is None:
        return missing(check, name)
    ours = _our_matrix(exercise, check)
    if given.shape != ours.shape:
        words = f"`{name}` has the shape {given.rows} x {given.columns}; asked for is {ours.rows} x {ours.columns}"
        return said(check, "wrong", f"{words}.")
    if given == ours:
        return said(check, "exact", f"`{name}` is right in every entry.")
    if answer.numeric:
        values = dict(exercise.weights.bindings)
        return _judge_floats(exercise, check, name, given.substitute(values), ours.substitute(values))
    return _first_difference(exercise, check, name, given, ours, Fraction(0))


def _our_matrix(exercise: Exercise, check: Check) -> Matrix:
    """What ``equals`` says, with our solution's matrices.  E0764, E0765 where the exercise is at fault."""
    from compiler.formulas.comparing import evaluate, names_of

    formula = _expected(check)
    try:
        return evaluate(formula, {name: _of_ours(exercise, name) for name in names_of(formula)})
    except SpecError as error:
        raise unreadable(check, error) from None


def _of_ours(exercise: Exercise, name: str) -> Matrix:
    """``second.OV``: a matrix of one of our heads, over named directions."""
    from headspec.course.judging.handed_in import our_matrices

    head, _, matrix = name.rpartition(".")
    heads = [h.name for h in exercise.program.heads] if exercise.program is not None else []
    if head not in heads or matrix not in ("W_Q", "W_K", "W_V", "W_O", "QK", "OV"):
        help = f"write HEAD.MATRIX: {', '.join(heads) or 'no heads'}; W_Q, W_K, W_V, W_O, QK, OV"
        raise SpecError(Diagnostic("E0764", f"our solution has no matrix `{name}`", help=help))
    found: Matrix = getattr(our_matrices(exercise, head), matrix)
    return found


def _judge_floats(exercise: Exercise, check: Check, name: str, given: Matrix, ours: Matrix) -> CheckResult:
    difference = given - ours
    size = max((abs(_number(e)) for e in ours.entries.values()), default=Fraction(1))
    worst = max((abs(_number(e)) for e in difference.entries.values()), default=Fraction(0))
    if worst > CLOSE * size:
        return _first_difference(exercise, check, name, given, ours, CLOSE * size)
    figure = f"the largest error of an entry is {float(worst):.2g}, the largest entry {float(size):.4g}"
    result = said(check, "rounded", f"`{name}` is right up to the rounding of its numbers.", [figure])
    return replace(result, numbers={"largest_error": float(worst)})


def _first_difference(
    exercise: Exercise, check: Check, name: str, given: Matrix, ours: Matrix, allowed: Fraction
) -> CheckResult:
    """Names the first entry that differs and what stands there; ours is told only where it is 0."""
    places = [place for place, e in sorted((given - ours).entries.items()) if not allowed or abs(_number(e)) > allowed]
    row, column = places[0]
    found = given[row, column]
    value = f"{found.to_float():.6g}" if allowed else str(found)
    words = (
        f"`{name}` is wrong at row {row}, column {column}{_directions(exercise, given, row, column)}: there is {value}"
    )
    if ours[row, column].is_zero():
        words += ", and 0 is right"
    many = "1 entry is wrong" if len(places) == 1 else f"{len(places)} entries are wrong"
    figures = [f"{many} of {given.rows * given.columns}; rows and columns are counted from 0"]
    if given.T == ours:
        figures.append("the transpose would be right")
    return replace(said(check, "wrong", f"{words}.", figures), numbers={"wrong_entries": len(places)})


def _directions(exercise: Exercise, matrix: Matrix, row: int, column: int) -> str:
    """`` (to `moved.0`, from `low.0`)`` where rows and columns are directions of the stream."""
    program = exercise.program
    if program is None or matrix.shape != (program.width, program.width):
        return ""
    names = program.coordinate_names
    return f" (row `{names[row]}`, column `{names[column]}`)"


def _number(entry: Scalar) -> Fraction:
    return entry.enclose({})[0]
