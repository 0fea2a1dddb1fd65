"""Exact matrices by name, with the names of their rows and columns; as text, LaTeX or JSON.

In: ``Weights`` and a name such as ``W_Q``.  Out: ``NamedMatrix``, and its renderings.
Not for: computing a matrix that the weights do not hold already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean

if TYPE_CHECKING:
    from compiler.exact import Matrix, Scalar
    from compiler.head_weights import HeadWeights
    from compiler.pipeline import Weights
    from compiler.program import Program

HEAD_MATRICES = ("W_Q", "W_K", "W_V", "W_O", "QK", "OV", "b_Q", "b_K", "b_V")
MODEL_MATRICES = ("W_E", "W_pos", "W_U", "b_U")
GRID_COLUMNS = 12
GRID_WIDTH = 150
LISTED = 400
SHARED = 3  # so many equal entries share a line
STEPS = {(0, 1): "along the row", (1, 1): "down the diagonal", (1, 0): "down the column"}


@dataclass(frozen=True, slots=True)
class NamedMatrix:
    """``matrix`` with a title (``previous W_Q``) and a name for every row and column."""

    title: str
    matrix: Matrix
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    rank: int | None = None

    def __post_init__(self) -> None:
        assert len(self.row_names) == self.matrix.rows, (self.title, len(self.row_names), self.matrix.rows)
        assert len(self.column_names) == self.matrix.columns, (self.title, self.matrix.columns)


def residual_names(program: Program) -> tuple[str, ...]:
    """``where.cos0`` for axis-aligned models; in another basis a coordinate is of no one subspace: ``x0``"""
    if program.basis.kind == "axis":
        return program.coordinate_names
    return tuple(f"x{i}" for i in range(program.width))


def find_head(weights: Weights, word: str) -> HeadWeights:
    """The weights of the head called ``word`` or labelled ``L0H1``; SpecError E0606 if there is none."""
    for head in weights.heads:
        if word in (head.head.name, f"L{head.head.layer}H{head.head.index}"):
            return head
    names = [head.head.name for head in weights.heads]
    raise SpecError(
        Diagnostic(
            "E0606",
            f"there is no head `{word}` in this model",
            help=did_you_mean(word, names) or f"its heads are {', '.join(names) or 'none'}",
        )
    )


def find_matrix(weights: Weights, name: str, head: str | None = None) -> NamedMatrix:
    """The matrix ``name`` of ``head``, or of the model.  SpecError E0606 when there is none of that name.

    A head's matrix without a head is taken from the only head, if there is only one."""
    if name in MODEL_MATRICES:
        return _of_model(weights, name)
    if name not in HEAD_MATRICES:
        raise SpecError(_unknown_matrix(name))
    if head is not None:
        return of_head(find_head(weights, head), name, residual_names(weights.program))
    if len(weights.heads) != 1:
        names = ", ".join(h.head.name for h in weights.heads)
        raise SpecError(Diagnostic("E0606", f"{name} of which head?", help=f"name one of {names}"))
    return of_head(weights.heads[0], name, residual_names(weights.program))


def find_matrices(weights: Weights, name: str, head: str | None = None) -> list[NamedMatrix]:
    """As ``find_matrix``; but a head's matrix without a head is that of every head."""
    if head is None and name in HEAD_MATRICES:
        residual = residual_names(weights.program)
        return [of_head(one, name, residual) for one in weights.heads]
    return [find_matrix(weights, name, head)]


def _unknown_matrix(name: str) -> Diagnostic:
    known = (*HEAD_MATRICES, *MODEL_MATRICES)
    return Diagnostic(
        "E0606",
        f"there is no matrix `{name}`",
        help=did_you_mean(name, known) or did_you_mean(name.upper(), known) or f"the matrices are {', '.join(known)}",
    )


def of_head(weights: HeadWeights, name: str, residual: tuple[str, ...]) -> NamedMatrix:
    """One of ``HEAD_MATRICES``; QK is indexed (query coordinate, key coordinate), OV (written, read)."""
    matrix: Matrix = getattr(weights, name)
    inner = tuple(str(i) for i in range(weights.d_head))
    title = f"{weights.head.name} {name}"
    match name:
        case "W_Q" | "W_K" | "W_V":
            return NamedMatrix(title, matrix, inner, residual)
        case "W_O":
            return NamedMatrix(title, matrix, residual, inner)
        case "QK" | "OV":
            certificate = weights.qk_certificate if name == "QK" else weights.ov_certificate
            names = (_extended(residual, matrix.rows), _extended(residual, matrix.columns))
            return NamedMatrix(title, matrix, *names, _rank(certificate))
    return NamedMatrix(title, matrix, inner, ("bias",))


def _extended(names: tuple[str, ...], size: int) -> tuple[str, ...]:
    """Circuits of a model with biases have one more coordinate, the constant 1."""
    return names if len(names) == size else (*names, *(["bias"] * (size - len(names))))


def _rank(certificate: object) -> int | None:
    rank = getattr(certificate, "rank", None)
    return rank if isinstance(rank, int) else None


def _of_model(weights: Weights, name: str) -> NamedMatrix:
    residual, tokens = residual_names(weights.program), weights.program.tokens
    positions = tuple(str(p) for p in range(weights.program.context))
    match name:
        case "W_E":
            return NamedMatrix(name, weights.W_E, residual, tokens)
        case "W_pos":
            return NamedMatrix(name, weights.W_pos, residual, positions)
        case "W_U":
            return NamedMatrix(name, weights.W_U, tokens, residual)
    return NamedMatrix(name, weights.b_U, tokens, ("bias",))


# ------------------------------------------------------------------ rendering


def render_matrix(named: NamedMatrix, *, latex: bool = False) -> str:
    """A grid of the columns (and, for circuits, rows) that are not zero; a list of entries when it is too wide."""
    if latex:
        return _latex(named)
    if not named.matrix.entries:
        return f"{_heading(named)}\n  (zero)"
    return "\n".join([_heading(named), *_body(named)])


def draw_circuit(matrix: Matrix, residual: tuple[str, ...]) -> str:
    """A matrix between residual streams (a net head, a virtual head) as ``render_matrix`` draws it, without heading."""
    rows, columns = (_extended(residual, size) for size in matrix.shape)
    return dedent("\n".join(_body(NamedMatrix("", matrix, rows, columns))))


def _body(named: NamedMatrix) -> list[str]:
    rows, columns = _occupied(named)
    if len(columns) <= GRID_COLUMNS:
        grid = _grid(named, rows, columns)
        if max(map(len, grid)) <= GRID_WIDTH:
            return grid
    return _listing(named)


def _heading(named: NamedMatrix) -> str:
    matrix, count = named.matrix, len(named.matrix.entries)
    rank = "" if named.rank is None else f", rank {named.rank}"
    return f"{named.title}  ({matrix.rows} x {matrix.columns}), {count} nonzero{'s' * (count != 1)}{rank}"


def _occupied(named: NamedMatrix) -> tuple[list[int], list[int]]:
    """Rows and columns to draw: all rows of a small factor, otherwise those with an entry."""
    matrix = named.matrix
    rows = sorted({i for i, _ in matrix.entries})
    if matrix.rows <= GRID_COLUMNS:
        rows = list(range(matrix.rows))
    return rows, sorted({j for _, j in matrix.entries})


def _grid(named: NamedMatrix, rows: Sequence[int], columns: Sequence[int]) -> list[str]:
    entries = named.matrix.entries
    cells = [["", *(named.column_names[j] for j in columns)]]
    for i in rows:
        cells.append([named.row_names[i], *(str(entries[i, j]) if (i, j) in entries else "." for j in columns)])
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _listing(named: NamedMatrix) -> list[str]:
    """One line per nonzero, in row-major order; equal entries of a row, a diagonal, a column or a block share one."""
    lines = [_run_text(named, run) for run in _runs(named.matrix)]
    if len(lines) <= LISTED:
        return lines
    return [*lines[:LISTED], f"  ... and {len(lines) - LISTED} more lines (--json gives all)"]


@dataclass(frozen=True, slots=True)
class _Run:
    """Equal entries: ``length`` from (row, column) on, ``step`` (rows, columns) apart; and so ``height`` times, each a
    row lower."""

    row: int
    column: int
    step: tuple[int, int]
    length: int
    height: int = 1

    def places(self) -> list[tuple[int, int]]:
        down, along = self.step
        lines = range(self.row, self.row + self.height)
        return [(row + i * down, self.column + i * along) for row in lines for i in range(self.length)]

    @property
    def size(self) -> int:
        return self.length * self.height


def _runs(matrix: Matrix) -> list[_Run]:
    runs: list[_Run] = []
    taken: set[tuple[int, int]] = set()
    for (i, j), value in sorted_entries(matrix):
        if (i, j) not in taken:
            lines = [_run(matrix, i, j, step, value, taken) for step in STEPS]
            run = max((*lines, _block(matrix, lines[0], value, taken)), key=lambda run: run.size)
            run = run if run.size >= SHARED else _Run(i, j, (0, 1), 1)
            taken.update(run.places())
            runs.append(run)
    return runs


def _run(matrix: Matrix, i: int, j: int, step: tuple[int, int], value: Scalar, taken: set[tuple[int, int]]) -> _Run:
    length, (down, along) = 1, step
    while (place := (i + length * down, j + length * along)) not in taken and matrix.entries.get(place) == value:
        length += 1
    return _Run(i, j, step, length)


def _block(matrix: Matrix, top: _Run, value: Scalar, taken: set[tuple[int, int]]) -> _Run:
    """The run ``top`` of a row with the equal ones below it."""
    block, below = top, replace(top, row=top.row + 1)
    while all(place not in taken and matrix.entries.get(place) == value for place in below.places()):
        block, below = replace(block, height=block.height + 1), replace(below, row=below.row + 1)
    return block


def _run_text(named: NamedMatrix, run: _Run) -> str:
    i, j = run.row, run.column
    first = f"[{named.row_names[i]}, {named.column_names[j]}]"
    if run.size == 1:
        return f"  {first}  {named.matrix.entries[i, j]}"
    row, column = run.places()[-1]
    way = f"{run.length} {STEPS[run.step]}" if run.height == 1 else f"a block of {run.height} x {run.length}"
    last = f"[{named.row_names[row]}, {named.column_names[column]}]"
    return f"  {first} ... {last}  {named.matrix.entries[i, j]}  ({way})"


def sorted_entries(matrix: Matrix) -> list[tuple[tuple[int, int], Scalar]]:
    """Nonzero entries in row-major order."""
    return sorted(matrix.entries.items(), key=lambda entry: entry[0])


# ------------------------------------------------------------------ LaTeX


def _latex(named: NamedMatrix) -> str:
    """An array of the occupied rows and columns, labelled; needs only standard LaTeX."""
    matrix = named.matrix
    if not matrix.entries:
        return f"{_latex_title(named)} = 0_{{{matrix.rows} \\times {matrix.columns}}}"
    rows, columns = _occupied(named)
    head = " & ".join(["", *(_latex_text(named.column_names[j]) for j in columns)])
    body = [
        " & ".join(
            [_latex_text(named.row_names[i])]
            + [matrix.entries[i, j].to_latex() if (i, j) in matrix.entries else "0" for j in columns]
        )
        for i in rows
    ]
    lines = " \\\\\n".join(body)
    begin = f"\\begin{{array}}{{r|{'c' * len(columns)}}}"
    return f"{_latex_title(named)} =\n{begin}\n{head} \\\\ \\hline\n{lines}\n\\end{{array}}"


def _latex_title(named: NamedMatrix) -> str:
    head, _, name = named.title.rpartition(" ")
    symbol = {"QK": "W_Q^T W_K", "OV": "W_O W_V"}.get(name)
    if symbol is None:
        letter, _, index = name.partition("_")
        symbol = f"{letter}_{{{_latex_index(index)}}}" if index else letter
    owner = f"^{{{_latex_text(head)}}}" if head and name not in ("QK", "OV") else ""
    return symbol + owner


def _latex_index(index: str) -> str:
    return index if len(index) == 1 else f"\\mathrm{{{index}}}"


_LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
}


def _latex_text(text: str) -> str:
    return "\\text{" + "".join(_LATEX_ESCAPES.get(c, c) for c in text) + "}"
