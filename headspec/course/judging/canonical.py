"""A right answer as we would write it, and what takes one to the other.

In: an answer that is exactly right.  Out: lines for the reader, and the same for programs.  Not for: judging.

The circuit of the answer, W_Q^T W_K or W_O W_V, is split again into the sparse factors that the compiler would choose.
All other factors of the same circuit come from these by an invertible H (the gauge): W_K = H C_K, W_Q = tau H^-T C_Q.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headspec.course.naming import wording

if TYPE_CHECKING:
    from compiler.equivalence import Scene
    from compiler.exact import Matrix, Scalar
    from compiler.program import Program
    from headspec.course.answer import Answer
    from headspec.course.exercise import Exercise
    from headspec.course.judging.handed_in import HeadMatrices

Kind = Literal["pattern", "move", "QK", "OV"]
MOST_ENTRIES = 4
MOST_ROWS = 16


def canonical_form(
    exercise: Exercise, answer: Answer, head: str, kind: str, scene: Scene | None = None
) -> tuple[tuple[str, ...], dict[str, object]]:
    """Lines and JSON for the answer's QK circuit (``kind`` pattern or QK) or OV circuit (move or OV).

    What the answer has besides ours is told where ``scene`` shows that it makes no difference by itself.

    Keys: canonical (name -> rows as text), scale, gauge (rows as text, or None), same_as_ours, unseen (entries)."""
    from headspec.course.judging.handed_in import answer_matrices, our_matrices

    theirs, ours = answer_matrices(exercise, answer, head), our_matrices(exercise, head)
    program = exercise.weights.program
    if answer.numeric:
        return (), {}
    if kind in ("pattern", "QK"):
        return _scores(program, theirs, ours, scene)
    return _moves(program, theirs, ours, scene)


# ---------------------------------------------------------------- the two circuits


Found = tuple[tuple[str, ...], dict[str, object]]


def _scores(program: Program, theirs: HeadMatrices, ours: HeadMatrices, scene: Scene | None) -> Found:
    from compiler.factorization import factorize
    from headspec.course.judging.ratios import content

    scale = content(theirs.QK)
    factors = factorize(theirs.QK.scale(scale.inverse()))
    rows = {"W_Q": _rows(program, factors.left), "W_K": _rows(program, factors.right)}
    same, unseen = _beside_ours(program, theirs.QK, ours.QK, scene)
    figures = _said("W_Q^T W_K", scale, rows, "rows", same)
    gauge = None
    if same:
        gauge = _gauge(theirs.W_Q, theirs.W_K, factors.left, factors.right, scale)
        figures += _gauge_said(gauge, scale, "W_K = H C_K, W_Q = {scale}H^-T C_Q", "C_Q and C_K are", theirs.W_K.rows)
    figures += _unseen_said(unseen)
    return tuple(figures), _numbers(rows, scale, gauge, same, unseen)


def _moves(program: Program, theirs: HeadMatrices, ours: HeadMatrices, scene: Scene | None) -> Found:
    from compiler.exact import Scalar
    from compiler.factorization import factorize

    factors = factorize(theirs.OV.T)
    rows = {"W_V": _rows(program, factors.left), "W_O": _rows(program, factors.right)}
    same = theirs.OV == ours.OV
    left = theirs.OV - ours.OV
    told = scene is not None and scene.vectors == scene.our_vectors
    unseen = _entries_said(program, left, "reads `{1}` into `{0}`") if told else []
    one = Scalar.rational(1)
    figures = _said("W_O W_V", one, rows, "columns", same)
    gauge = _gauge(theirs.W_O.T, theirs.W_V, factors.right, factors.left, one) if same else None
    if same:
        figures += _gauge_said(gauge, one, "W_V = H C_V, W_O = C_O H^-1", "C_V and C_O are", theirs.W_V.rows)
    if unseen and scene is not None:
        empty = not any(scene.vectors.by_row.get(place) for place in left.by_column)
        why = "where no key has anything" if empty else "which together come to nothing at every key"
        figures.append(f"besides, your W_O W_V {wording.listed(unseen)}, {why}")
    return tuple(figures), _numbers(rows, one, gauge, same, unseen)


def _numbers(
    rows: dict[str, list[str]], scale: Scalar, gauge: Matrix | None, same: bool, unseen: list[str]
) -> dict[str, object]:
    return {
        "canonical": rows,
        "scale": str(scale),
        "gauge": None if gauge is None else _dense(gauge),
        "same_as_ours": same,
        "unseen": unseen,
    }


# ---------------------------------------------------------------- in words


def _said(circuit: str, scale: Scalar, rows: dict[str, list[str]], last: str, same: bool) -> list[str]:
    times = "" if str(scale) == "1" else f", {scale} times"
    ours = " (as in our solution)" if same else ""
    lines = [f"canonical form of {circuit}{times}{ours}:"]
    for name, words in rows.items():
        keyword = last if name == "W_O" else "rows"
        shown = ", ".join(words[:MOST_ROWS]) + (", ..." if len(words) > MOST_ROWS else "")
        lines.append(f"  {name} = {keyword} {shown}" if words else f"  {name} = 0")
    return lines


def _rows(program: Program, matrix: Matrix) -> list[str]:
    """Each row as a combination of named directions."""
    return [_combination(program, matrix.row(i)) for i in range(matrix.rows)]


def _combination(program: Program, row: dict[int, Scalar]) -> str:
    names = program.coordinate_names
    parts = [_times(entry, names[j] if j < len(names) else "bias") for j, entry in sorted(row.items())]
    return " + ".join(parts).replace("+ -", "- ") or "0"


def _times(entry: Scalar, name: str) -> str:
    text = str(entry)
    if text in ("1", "-1"):
        return text[:-1] + name
    return f"({text})*{name}" if " + " in text or " - " in text else f"{text}*{name}"


def _gauge_said(gauge: Matrix | None, scale: Scalar, formula: str, which: str, size: int) -> list[str]:
    from compiler.exact import Matrix

    if gauge is None:
        return []
    if gauge == Matrix.identity(size):
        return []
    times = "" if str(scale) == "1" else f"{scale} "
    rows = "; ".join(", ".join(row) for row in _dense(gauge))
    shown = f"with H = [{rows}]" if len(rows) <= 100 else f"with an invertible H ({size} x {size})"
    return [f"gauge: {formula.format(scale=times)} {shown}, where {which} the canonical ones"]


def _dense(matrix: Matrix) -> list[list[str]]:
    return [[str(matrix[i, j]) for j in range(matrix.columns)] for i in range(matrix.rows)]


# ---------------------------------------------------------------- what the softmax does not see


def _beside_ours(program: Program, theirs: Matrix, ours: Matrix, scene: Scene | None) -> tuple[bool, list[str]]:
    """(are they proportional?, what the answer has besides ours, if softmax sees nothing of that)."""
    from headspec.course.judging.ratios import common_ratio

    ratio = common_ratio(theirs, ours)
    if ratio is not None and theirs == ours.scale(ratio):
        return True, []
    if theirs == ours or scene is None or scene.vectors != scene.our_vectors:
        return theirs == ours, []  # written in another basis, nothing is besides
    factor = _temperature(scene, theirs, ours, ratio)
    if factor is None:
        return False, []
    return False, _entries_said(program, theirs - ours.scale(factor), "`{0}` of the query with `{1}` of the key")


def _temperature(scene: Scene, theirs: Matrix, ours: Matrix, ratio: Scalar | None) -> Scalar | None:
    """The t for which softmax sees nothing of theirs - t ours: what most entries say, or all scores together."""
    from compiler.equivalence import same_pattern
    from compiler.exact import Scalar
    from headspec.course.judging.ratios import near_fraction

    whole = same_pattern(scene, theirs, ours)
    found = [] if whole.factor is None else [Scalar.rational(near_fraction(whole.factor))]
    for t in found if ratio is None else [ratio, *found]:
        if same_pattern(scene, theirs, ours.scale(t)).temperature == "1":
            return t
    return None


def _entries_said(program: Program, left: Matrix, pattern: str) -> list[str]:
    names = program.coordinate_names
    entries = [(i, j, e) for i, j, e in left.nonzeros() if max(i, j) < len(names)]
    words = [f"{pattern.format(names[i], names[j])} ({entry})" for i, j, entry in entries[:MOST_ENTRIES]]
    more = len(entries) - MOST_ENTRIES
    return words + ([f"{more} more"] if more > 0 else [])


def _unseen_said(unseen: list[str]) -> list[str]:
    if not unseen:
        return []
    together = " together" if len(unseen) > 1 else ""
    return [f"besides, your W_Q^T W_K compares {wording.listed(unseen)}, which{together} no softmax sees"]


# ---------------------------------------------------------------- the gauge


def _gauge(left: Matrix, right: Matrix, plain_left: Matrix, plain_right: Matrix, scale: Scalar) -> Matrix | None:
    """H with right = H plain_right and H^T left = scale plain_left; None where it cannot be read off.

    Rows that both factors leave empty count for nothing."""
    left, right = _without_empty_rows(left, right)
    if right.rows != plain_right.rows:
        return None
    gauge = _solved(right, plain_right)
    return gauge if gauge is not None and gauge.T @ left == plain_left.scale(scale) else None


def _without_empty_rows(left: Matrix, right: Matrix) -> tuple[Matrix, Matrix]:
    kept = sorted(left.by_row.keys() | right.by_row.keys())
    return left.submatrix(kept, range(left.columns)), right.submatrix(kept, range(right.columns))


def _solved(matrix: Matrix, plain: Matrix) -> Matrix | None:
    """H with matrix = H plain, read off the columns of ``plain`` that hold a single entry of one term; checked."""
    from compiler.exact import Matrix

    entries = {}
    for d in range(plain.rows):
        column = next((c for c, entry in plain.row(d).items() if _alone(plain, c, entry)), None)
        if column is None:
            return None
        for i, entry in matrix.column(column).items():
            entries[i, d] = entry / plain[d, column]
    found = Matrix(matrix.rows, plain.rows, entries)
    return found if found @ plain == matrix else None


def _alone(plain: Matrix, column: int, entry: Scalar) -> bool:
    return len(plain.by_column[column]) == 1 and len(entry.terms) == 1
