"""Rows or columns: the one convention that all matrices of an answer share.

In: matrices as they were handed in (``Given``) and what was asked for.  Out: ``Oriented``: the same matrices in the
column convention, W_Q, W_K, W_V (d_head, d_model) and W_O (d_model, d_head), filled up with zeros to the d_head asked
for.  Not for: reading entries.

A convention is understood where the shapes allow only one for all matrices together, or where rows or columns were
given as residual vectors.  Where both fit, the answer is taken if it is the same head both ways; otherwise the student
is asked.  Matrices that a statement defines by a formula (kind ``matrices``) are in the convention of the statement,
the column convention, unless another one is named or only another one fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from dsl.diagnostics import Diagnostic, SpecError, for_each
from dsl.span import Span
from headspec.course.answer import Convention
from headspec.course.exercise import Asked, Exercise

if TYPE_CHECKING:
    from compiler.exact import Matrix
    from compiler.exact.importing import Imported

Shape = tuple[int, int]
BOTH: tuple[Convention, Convention] = ("column", "row")
PARTNERS = (("W_Q", "W_K"), ("W_V", "W_O"))
MOST_PRODUCTS = 1_000_000
"""Comparing both readings of square matrices is given up above so many products; the student is then asked."""
READS = {"W_Q": "queries have", "W_K": "keys have", "W_V": "values have", "W_O": "values have"}


@dataclass(frozen=True)
class Given:
    """One matrix as handed in.  ``load`` reads its entries, once its shape is known to fit.  ``label``: what it is
    called there.  ``vectors``: how it lists residual vectors, if it does (``rows where.cos0, ..``); its coordinates are
    then the named directions, otherwise those of the stream."""

    asked: Asked
    shape: Shape
    load: Callable[[], Imported]
    label: str
    span: Span | None = None
    vectors: str = ""

    @property
    def fixed(self) -> Convention | None:
        """The convention that listed residual vectors fix: columns of W_O and rows of the others are one."""
        if not self.asked.matrix or not self.vectors:
            return None
        return "column" if (self.vectors == "columns") == (self.asked.matrix == "W_O") else "row"


@dataclass(frozen=True)
class Oriented:
    """(head, matrix) -> exact matrix, column convention, over the named directions."""

    matrices: Mapping[tuple[str, str], Matrix]
    numeric: bool
    convention: Convention


def orient(exercise: Exercise, givens: Sequence[Given], convention: Convention | None) -> Oriented:
    """All matrices in the column convention.

    SpecError E0722 (a shape that does not fit), E0723 (both conventions fit, or one fits some and the other others),
    E0724 (d_head), and what the entries are refused for."""
    rules = _Rules(exercise)
    fitting = for_each(givens, lambda given: rules.fitting(given, convention))
    shared = [c for c in BOTH if all(c in fits for fits in fitting)]
    if not shared:
        _conflict(givens, fitting)
    loaded = dict(zip(givens, for_each(givens, lambda given: given.load()), strict=True))
    if len(shared) == 2 and exercise.kind == "heads" and not _same_both_ways(loaded):
        _ask(givens, rules)
    chosen = shared[0]
    turned = {given: _turned(found.matrix, chosen) for given, found in loaded.items()}
    _check_partners(turned)
    matrices = {(g.asked.head, g.asked.matrix or g.asked.name): rules.finished(g, m) for g, m in turned.items()}
    return Oriented(matrices, any(found.numeric for found in loaded.values()), chosen)


def _turned(matrix: Matrix, convention: Convention) -> Matrix:
    return matrix if convention == "column" else matrix.T


# ------------------------------------------------------------------ shapes


class _Rules:
    """Which shapes an exercise asks for."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.width = exercise.program.width if exercise.program is not None else None

    def fitting(self, given: Given, wanted: Convention | None) -> tuple[Convention, ...]:
        """The conventions that the shape allows; E0722, E0724 where there is none, or not ``wanted``."""
        fits = tuple(c for c in BOTH if self._fits(given, c))
        if wanted is not None and wanted not in fits and fits:
            self._other_convention(given, wanted)
        if not fits:
            self._refuse(given, wanted or given.fixed or "column")
        return fits if wanted is None else (wanted,)

    def _fits(self, given: Given, convention: Convention) -> bool:
        if given.fixed not in (None, convention):
            return False
        wanted = given.asked.shape
        found = given.shape if convention == "column" else given.shape[::-1]
        if wanted is None or not given.asked.matrix:
            return wanted is None or found == wanted
        inner = 1 if given.asked.matrix == "W_O" else 0
        return found[1 - inner] == wanted[1 - inner] and found[inner] <= wanted[inner]

    def finished(self, given: Given, matrix: Matrix) -> Matrix:
        """In named coordinates, with rows (of W_O: columns) of zeros up to the d_head asked for."""
        from compiler.exact import Matrix as Exact

        shape = given.asked.shape
        if given.asked.matrix:
            matrix = self._named(given, matrix)
        return matrix if shape is None or matrix.shape == shape else Exact(*shape, matrix.entries)

    def _named(self, given: Given, matrix: Matrix) -> Matrix:
        """Coordinates of the stream -> named directions: W B for what reads, B^-1 W_O for what writes."""
        program = self.exercise.program
        if given.vectors or program is None or program.basis.kind == "axis":
            return matrix
        from compiler.circuits.basis import exact_basis

        basis = exact_basis(program.basis, program.width)
        assert basis is not None, program.basis
        return basis.dual @ matrix if given.asked.matrix == "W_O" else matrix @ basis.vectors

    # -------------------------------------------------------------- refusals

    def _refuse(self, given: Given, convention: Convention) -> NoReturn:
        wanted = given.asked.shape
        assert wanted is not None, given.label
        shown = wanted if convention == "column" else wanted[::-1]
        matrix, inner = given.asked.matrix, 1 if given.asked.matrix == "W_O" else 0
        ways = (given.shape, given.shape[::-1])
        if matrix and any(found[1 - inner] == wanted[1 - inner] and found[inner] > wanted[inner] for found in ways):
            message = f"`{given.label}` is {_show(given.shape)}, and d_head is {wanted[inner]} here"
            help = self._product(given, wanted) or f"the exercise gives the head {wanted[inner]} dimensions: use fewer"
            _fail("E0724", message, given, "too many dimensions", help)
        sizes = f": {READS[matrix]} {wanted[inner]} dimensions, the stream has {wanted[1 - inner]}" if matrix else ""
        message = f"`{given.label}` is {_show(given.shape)}, and {_show(shown)} is asked for{sizes}"
        _fail("E0722", message, given, "does not fit", self._hint(given, wanted))

    def _hint(self, given: Given, wanted: Shape) -> str:
        """What probably happened."""
        product = self._product(given, wanted)
        if product:
            return product
        if given.shape[::-1] == wanted:
            return "give its transpose"
        readable = f"{_show(wanted)}, or {_show(wanted[::-1])} with residual vectors as rows (`--convention row`)"
        for count, asked, word in zip(given.shape, wanted, ("row", "column"), strict=True):
            others = given.shape[1] == wanted[1] if word == "row" else given.shape[0] == wanted[0]
            if others and count != asked:
                many = f"{abs(asked - count)} {word}{'s' * (abs(asked - count) != 1)}"
                return (
                    f"{many} {'too many' if count > asked else 'missing'}; a matrix of zeros is still {_show(wanted)}"
                )
        return f"its shape is {readable}" if given.asked.matrix else f"its shape is {_show(wanted)}"

    def _product(self, given: Given, wanted: Shape) -> str | None:
        if given.asked.matrix and self.width and given.shape == (self.width, self.width) and max(wanted) == self.width:
            whole = "W_Q^T W_K" if given.asked.matrix in ("W_Q", "W_K") else "W_O W_V"
            return f"this has the shape of the product `{whole}`; what is asked for is its two factors"
        return None

    def _other_convention(self, given: Given, wanted: Convention) -> NoReturn:
        other = "row" if wanted == "column" else "column"
        message = f"`{given.label}` is {_show(given.shape)}, which is not the {wanted} convention"
        if given.vectors:
            message = f"`{given.label}` is given by its {given.vectors}, which is not the {wanted} convention"
        _fail("E0722", message, given, f"fits the {other} convention", f"leave the convention out, or say `{other}`")


def _show(shape: Shape) -> str:
    return f"({shape[0]}, {shape[1]})"


def _fail(code: str, message: str, given: Given, label: str, help: str | None) -> NoReturn:
    raise SpecError(Diagnostic(code, message, given.span, label, help))


def _check_partners(turned: Mapping[Given, Matrix]) -> None:
    """E0724 where the two factors of a circuit have another d_head."""
    for first, second in PARTNERS:
        for given, matrix in turned.items():
            if given.asked.matrix != second:
                continue
            other = next((g for g in turned if (g.asked.head, g.asked.matrix) == (given.asked.head, first)), None)
            own = matrix.columns if second == "W_O" else matrix.rows
            if other is not None and turned[other].rows != own:
                found = f"`{given.label}` has d_head {own}, and `{other.label}` has {turned[other].rows}"
                help = "give both the same d_head; a row of zeros fills up"
                _fail("E0724", found, given, "the shapes disagree", help)


# ------------------------------------------------------------------ where both fit, or neither for all


def _same_both_ways(loaded: Mapping[Given, Imported]) -> bool:
    """Is every circuit the same in both conventions?  W_Q^T W_K = W_Q W_K^T, W_O W_V = W_O^T W_V^T; a factor alone must
    be symmetric."""
    by_place = {(g.asked.head, g.asked.matrix): found.matrix for g, found in loaded.items()}
    for first, second in PARTNERS:
        for head in {head for head, _ in by_place}:
            one, other = by_place.get((head, first)), by_place.get((head, second))
            if one is None or other is None:
                alone = one or other
                if alone is not None and alone != alone.T:
                    return False
                continue
            left = one.T if first == "W_Q" else other
            right = other if first == "W_Q" else one
            if _products(left, right) > MOST_PRODUCTS or left @ right != left.T @ right.T:
                return False
    return True


def _products(left: Matrix, right: Matrix) -> int:
    return sum(len(column) * len(right.by_row.get(k, {})) for k, column in left.by_column.items())


def _ask(givens: Sequence[Given], rules: _Rules) -> NoReturn:
    shapes = ", ".join(f"`{given.label}` {_show(given.shape)}" for given in givens)
    message = f"the shapes fit both conventions: {shapes}"
    figures = (
        "column: residual vectors are columns, q = W_Q x, W_Q is (d_head, d_model), W_O (d_model, d_head)",
        "row: residual vectors are rows, q = x W_Q, W_Q is (d_model, d_head), W_O (d_head, d_model)",
    )
    help = 'say which one is meant: `--convention column` or `--convention row` (in Python `convention="column"`)'
    if rules.exercise.names or rules.exercise.program is not None:
        help += ", or list residual vectors: `W_Q = rows ..`"
    raise SpecError(Diagnostic("E0723", message, givens[0].span, "columns or rows?", help, figures=figures))


def _conflict(givens: Sequence[Given], fitting: Sequence[tuple[Convention, ...]]) -> NoReturn:
    sides = {c: [g for g, fits in zip(givens, fitting, strict=True) if fits == (c,)] for c in BOTH}
    column, row = sides["column"][0], sides["row"][0]
    figures = tuple(f"{c} convention: " + ", ".join(f"`{g.label}` {_how(g)}" for g in sides[c]) for c in BOTH)
    odd = row if len(sides["row"]) <= len(sides["column"]) else column
    help = "turn the ones or the others: all matrices of an answer share one convention"
    if odd is row and odd.asked.matrix == "W_O":
        listed = " its columns are residual vectors: `W_O = columns ..`" if odd.vectors else " give its transpose"
        help = f"in the column convention W_O is (d_model, d_head), the other way round than W_V:{listed}"
    message = f"`{column.label}` and `{row.label}` are in different conventions"
    raise SpecError(Diagnostic("E0723", message, odd.span, "the other way round", help, figures=figures))


def _how(given: Given) -> str:
    return f"by its {given.vectors}" if given.vectors else _show(given.shape)
