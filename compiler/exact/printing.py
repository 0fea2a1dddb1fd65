"""Exact numbers and matrices for readers: text, LaTeX, SymPy, JSON.

In: ``Scalar`` and ``Matrix``.  Out: strings, SymPy objects (imported on the first call), plain dictionaries.  Not for:
arithmetic, nor for saving weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from compiler.exact.angle import Angle
from compiler.exact.constants import logarithm_of
from compiler.exact.reading import Piece, pieces
from compiler.exact.roots import Rational

if TYPE_CHECKING:
    from compiler.exact.matrix import Matrix
    from compiler.exact.scalar import Scalar

GREEK = frozenset(
    """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega""".split()  # noqa: SIM905 -- a word list
)
CHUNK_DIGITS = 4000
_CHUNK = 10**CHUNK_DIGITS
MOST_DENSE = 16
"""Matrices with more rows or columns than this are listed by their nonzeros."""

# ---------------------------------------------------------------- text


def scalar_to_text(scalar: Scalar) -> str:
    """``2*beta*cos(alpha_0)``, ``1/2*sqrt(2)``, ``1 - cos(pi/7)``; our own expression syntax."""
    return _joined([_piece_text(piece) for piece in pieces(scalar)])


def angle_to_text(angle: Angle) -> str:
    parts = [_times(weight, name) for name, weight in angle.symbols]
    if angle.radians:
        parts.append(_rational_text(angle.radians))
    if angle.turns:
        parts.append(_times(2 * angle.turns, "pi"))
    return _joined(parts)


def _rational_text(value: Rational) -> str:
    """As ``str``, of any length: Python refuses to write integers of more than 4300 digits."""
    if value < 0:
        return "-" + _rational_text(-value)
    below = "" if value.denominator == 1 else f"/{_digits(value.denominator)}"
    return _digits(value.numerator) + below


def _digits(number: int) -> str:
    if number < _CHUNK:
        return str(number)
    return _digits(number // _CHUNK) + str(number % _CHUNK).zfill(CHUNK_DIGITS)


def _joined(parts: Sequence[str]) -> str:
    text = " + ".join(parts) or "0"
    return text.replace("+ -", "- ")


def _times(weight: Rational, name: str) -> str:
    """``2*pi/5``, ``-alpha``, ``alpha/3``."""
    weight = Fraction(weight)
    head = {1: name, -1: f"-{name}"}.get(weight.numerator)
    if head is None:
        head = f"{_rational_text(weight.numerator)}*{name}"
    return head if weight.denominator == 1 else f"{head}/{_digits(weight.denominator)}"


def _piece_text(piece: Piece) -> str:
    factors = [f"sqrt({_digits(piece.radicand)})"] if piece.radicand != 1 else []
    factors += [name if n == 1 else f"{name}^{n}" for name, n in piece.powers if n > 0]
    factors += [f"{piece.function}({angle_to_text(piece.angle)})"] if piece.function else []
    below = "".join(f"/{name}" if n == -1 else f"/{name}^{-n}" for name, n in piece.powers if n < 0)
    if piece.coefficient == 1 and factors:
        return "*".join(factors) + below
    if piece.coefficient == -1 and factors:
        return "-" + "*".join(factors) + below
    return "*".join([_rational_text(piece.coefficient), *factors]) + below


# ---------------------------------------------------------------- LaTeX


def scalar_to_latex(scalar: Scalar) -> str:
    r"""``2 \beta \cos\left(\alpha_{0}\right)``, ``\frac{1}{2} \sqrt{2}``."""
    return _joined([_piece_latex(piece) for piece in pieces(scalar)])


def name_to_latex(name: str) -> str:
    r"""``alpha_0`` -> ``\alpha_{0}``, ``s_previous`` -> ``s_{\mathrm{previous}}``, ``ln(2)`` -> ``\ln 2``."""
    number = logarithm_of(name)
    if number is not None:
        return f"\\ln {number}"
    base, _, index = name.partition("_")
    return _word_latex(base) + (f"_{{{_word_latex(index)}}}" if index else "")


def _word_latex(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    escaped = word.replace("_", r"\_")
    return escaped if len(word) == 1 or word.isdigit() else f"\\mathrm{{{escaped}}}"


def _rational_latex(value: Rational) -> str:
    if value.denominator == 1:
        return _rational_text(value)
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{_digits(abs(value.numerator))}}}{{{_digits(value.denominator)}}}"


def _power_latex(name: str, power: int) -> str:
    return name_to_latex(name) + (f"^{{{power}}}" if power != 1 else "")


def _weighted_latex(weight: Rational, rest: str) -> str:
    if not rest or weight not in (1, -1):
        return f"{_rational_latex(weight)} {rest}".strip()
    return rest if weight == 1 else f"-{rest}"


def _angle_latex(angle: Angle) -> str:
    parts = [_weighted_latex(weight, name_to_latex(name)) for name, weight in angle.symbols]
    if angle.radians:
        parts.append(_rational_latex(angle.radians))
    if angle.turns:
        parts.append(_weighted_latex(2 * angle.turns, r"\pi"))
    return _joined(parts)


def _piece_latex(piece: Piece) -> str:
    factors = [f"\\sqrt{{{_digits(piece.radicand)}}}"] if piece.radicand != 1 else []
    factors += [_power_latex(name, n) for name, n in piece.powers]
    factors += [f"\\{piece.function}\\left({_angle_latex(piece.angle)}\\right)"] if piece.function else []
    return _weighted_latex(piece.coefficient, " ".join(factors))


# ---------------------------------------------------------------- SymPy


def scalar_to_sympy(scalar: Scalar, positive: frozenset[str]) -> Any:
    """A SymPy expression in cos, sin, sqrt and symbols (positive where named so, real otherwise)."""
    return _ToSympy(positive).scalar(scalar)


def matrix_to_sympy(matrix: Matrix, positive: frozenset[str]) -> Any:
    """``sympy.Matrix``, or ``sympy.SparseMatrix`` above 65 536 entries."""
    import sympy

    convert = _ToSympy(positive)
    entries = {place: convert.scalar(entry) for place, entry in matrix.entries.items()}
    sparse = sympy.SparseMatrix(matrix.rows, matrix.columns, entries)
    return sparse if matrix.rows * matrix.columns > 1 << 16 else sympy.Matrix(sparse)


class _ToSympy:
    def __init__(self, positive: frozenset[str]) -> None:
        import sympy

        self.sympy = sympy
        self.positive = positive

    def scalar(self, scalar: Scalar) -> Any:
        return self.sympy.Add(*(self._piece(piece) for piece in pieces(scalar)))

    def _rational(self, value: Rational) -> Any:
        return self.sympy.Rational(value.numerator, value.denominator)

    def _symbol(self, name: str) -> Any:
        if name == "pi":
            return self.sympy.pi
        number = logarithm_of(name)
        if number is not None:
            return self.sympy.log(number)
        return self.sympy.Symbol(name, positive=True) if name in self.positive else self.sympy.Symbol(name, real=True)

    def _angle(self, angle: Angle) -> Any:
        total = self._rational(angle.radians) + 2 * self.sympy.pi * self._rational(angle.turns)
        return total + sum(self._rational(weight) * self._symbol(name) for name, weight in angle.symbols)

    def _piece(self, piece: Piece) -> Any:
        value = self._rational(piece.coefficient) * self.sympy.sqrt(piece.radicand)
        for name, power in piece.powers:
            value = value * self._symbol(name) ** power
        if piece.function:
            value = value * getattr(self.sympy, piece.function)(self._angle(piece.angle))
        return value


# ---------------------------------------------------------------- matrices


def render_matrix(
    matrix: Matrix,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    latex: bool = False,
    max_dense: int = MOST_DENSE,
) -> str:
    """A table with aligned columns, a LaTeX ``bmatrix``, or, with more than ``max_dense`` rows or columns that are not
    zero, the list of nonzeros.  In a text table zero rows and columns are left out of a large matrix, and counted."""
    rows, columns = list(range(matrix.rows)), list(range(matrix.columns))
    if max(len(rows), len(columns)) > max_dense:
        rows, columns = sorted(matrix.by_row), sorted(matrix.by_column)
    if max(len(rows), len(columns)) > max_dense:
        return _listing(matrix, _names(row_names, matrix.rows), _names(column_names, matrix.columns), latex)
    if latex:
        return _bmatrix(matrix.submatrix(rows, columns)) + _left_out(matrix, rows, columns, "% ")
    row_texts = [_names(row_names, matrix.rows)[i] for i in rows] if row_names is not None else None
    column_texts = [_names(column_names, matrix.columns)[j] for j in columns] if column_names is not None else None
    table = _table(matrix.submatrix(rows, columns), row_texts, column_texts)
    return table + _left_out(matrix, rows, columns, "")


def _names(names: Sequence[str] | None, count: int) -> Sequence[str]:
    return [str(i) for i in range(count)] if names is None else names


def _left_out(matrix: Matrix, rows: Sequence[int], columns: Sequence[int], comment: str) -> str:
    if (len(rows), len(columns)) == matrix.shape:
        return ""
    return f"\n{comment}{matrix.rows} x {matrix.columns}; rows and columns of zeros are left out"


def _table(matrix: Matrix, row_names: Sequence[str] | None, column_names: Sequence[str] | None) -> str:
    cells = [[str(matrix[i, j]) for j in range(matrix.columns)] for i in range(matrix.rows)]
    if column_names is not None:
        cells.insert(0, list(column_names))
    if row_names is not None:
        labels = ([""] if column_names is not None else []) + list(row_names)
        cells = [[label, *line] for label, line in zip(labels, cells, strict=True)]
    if not cells or not cells[0]:
        return f"({matrix.rows} x {matrix.columns})"
    widths = [max(len(line[j]) for line in cells) for j in range(len(cells[0]))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def _bmatrix(matrix: Matrix) -> str:
    lines = [" & ".join(scalar_to_latex(matrix[i, j]) for j in range(matrix.columns)) for i in range(matrix.rows)]
    return "\\begin{bmatrix}\n" + " \\\\\n".join(lines) + "\n\\end{bmatrix}"


def _listing(matrix: Matrix, row_names: Sequence[str], column_names: Sequence[str], latex: bool) -> str:
    lines = [f"{'% ' if latex else ''}{matrix.rows} x {matrix.columns}, {len(matrix.entries)} nonzeros"]
    for row, column, entry in matrix.nonzeros():
        text = scalar_to_latex(entry) if latex else str(entry)
        lines.append(f"{row_names[row]}, {column_names[column]}: {text}")
    return "\n".join(lines)


def matrix_to_json(
    matrix: Matrix,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
    bindings: Mapping[str, Rational] | None = None,
) -> dict[str, Any]:
    """{shape, row_names, column_names, nonzeros: [{row, column, exact, float}]} in row-major order.

    ``float`` is null where ``bindings`` is None or does not give every symbol of the entry a value."""
    nonzeros = [
        {"row": row, "column": column, "exact": str(entry), "float": _float_or_none(entry, bindings)}
        for row, column, entry in matrix.nonzeros()
    ]
    return {
        "shape": [matrix.rows, matrix.columns],
        "row_names": None if row_names is None else list(row_names),
        "column_names": None if column_names is None else list(column_names),
        "nonzeros": nonzeros,
    }


def _float_or_none(entry: Scalar, bindings: Mapping[str, Rational] | None) -> float | None:
    if bindings is None or not entry.symbols() <= bindings.keys():
        return None
    return entry.to_float(bindings)
