"""A form to fill in: what an answer to an exercise looks like, with nothing right in it yet.

In: ``Exercise``.  Out: text that ``reading`` reads as it stands.  Not for: reading it.
"""

from __future__ import annotations

from itertools import groupby

from headspec.course.exercise import Asked, Exercise

CONVENTION = "residual vectors are columns: W_Q, W_K, W_V are d_head x d_model, W_O is d_model x d_head"


def answer_template(exercise: Exercise) -> str:
    """Zeros, the first choice, the first token: lines to copy and to change."""
    match exercise.kind:
        case "heads":
            return _heads(exercise)
        case "matrices":
            return "\n".join(f"{item.name} = {_matrix(item, exercise)}" for item in exercise.asked)
        case "formula":
            name = next(iter(exercise.shapes), "")
            return _lines(exercise, f"{name}^T {name}" if name else "0")
        case "number":
            return _lines(exercise, "0")
        case "values":
            return _lines(exercise, "1")
        case "choice":
            return next(iter(exercise.choices), "a")
        case "sequence":
            return " ".join(_some_tokens(exercise))
        case "spec":
            return _spec(exercise)


def _lines(exercise: Exercise, value: str) -> str:
    return "\n".join(f"{item.name} = {value}" for item in exercise.asked)


def _heads(exercise: Exercise) -> str:
    """Rows and columns of zeros; below ``head`` lines where there are several heads."""
    groups = [(head, list(items)) for head, items in groupby(exercise.asked, lambda item: item.head)]
    if len(groups) == 1:
        return "\n".join(_head_lines(groups[0][1]))
    parts = []
    for head, items in groups:
        parts += [f"head {head}", *(f"  {line}" for line in _head_lines(items))]
    return "\n".join(parts)


def _head_lines(items: list[Asked]) -> list[str]:
    lines = []
    for item in items:
        rows, columns = item.shape or (1, 1)
        kind, count = ("columns", columns) if item.matrix == "W_O" else ("rows", rows)
        lines.append(f"{item.matrix} = {kind} {', '.join(['0'] * count)}")
    return lines


def _matrix(item: Asked, exercise: Exercise) -> str:
    """Rows of residual vectors on one line, where that is what rows are; else zeros entry by entry."""
    rows, columns = item.shape or (1, 1)
    if exercise.program is not None and columns == exercise.program.width:
        return f"rows {', '.join(['0'] * rows)}"
    row = f"[{', '.join(['0'] * columns)}]"
    return "[" + ",\n  ".join([row] * rows) + "]"


def _some_tokens(exercise: Exercise) -> tuple[str, ...]:
    """A short valid sequence."""
    import numpy as np

    program = exercise.program
    assert program is not None, exercise.number
    length = min(program.sequences.lengths(), key=lambda n: (abs(n - 4), n))
    ids = program.sequences.sample(np.random.default_rng(0), length, 1)[0]
    return tuple(program.tokens[int(i)] for i in ids)


def _spec(exercise: Exercise) -> str:
    program = exercise.program
    assert program is not None, exercise.number
    names = [item.head for item in exercise.asked] or [head.name for head in program.heads]
    first, last = program.subspaces[0].name, program.subspaces[-1].name
    blocks = []
    for name in names:
        line = f"attend key.{first} == query.{first}"
        blocks.append(f"layer\n  head {name}\n    {line}\n    copy key.{first} -> {last}")
    return "\n".join(blocks)
