"""Catalogue entries for the text of answers and formulas (E0701..E0719).

In: nothing (pure data).  Out: ``ENTRIES``.  Not for: merging (``dsl.catalogue``).
"""

from __future__ import annotations

from dsl.catalogue.entry import Entry


def _answer(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    """An entry whose example is the text of an answer."""
    return Entry(code, title, explanation, wrong, right, phase="answer")


def _formula(code: str, title: str, explanation: str, wrong: str, right: str) -> Entry:
    return Entry(code, title, explanation, wrong, right, phase="formula")


ENTRIES: tuple[Entry, ...] = (
    _answer(
        "E0701",
        "an answer without anything in it",
        "An answer is text: `NAME = VALUE` lines, heads as in a spec, a whole spec, LaTeX, a number, letters or "
        "tokens, as the exercise asks. Comments after `#` and `%` and the fences of a Markdown block count as nothing.",
        "# my answer comes here\n",
        "W_Q = [[1, 0]]\n",
    ),
    _answer(
        "E0702",
        "a line that gives nothing a value",
        "A line of an answer is `NAME = VALUE`, or belongs to a `head NAME`. The stage (tokens, subspaces, embeddings) "
        "is given and is left out; or the answer is a whole spec, which starts with `model NAME`.",
        "W_Q [[1, 0]]\n",
        "W_Q = [[1, 0]]\n",
    ),
    _answer(
        "E0703",
        "this names nothing that can be given a value",
        "Matrices are called W_Q, W_K, W_V and W_O (W_out is understood). For several heads: `W_Q1`, `W_Q^1`, counted "
        "from 1 in the order in which they are asked for, `previous.W_Q`, or lines below `head previous`. On the left "
        "of `=` stands the name alone, without `^T` and without factors.",
        "W_q = [[1, 0]]\n",
        "W_Q = [[1, 0]]\n",
    ),
    _answer(
        "E0704",
        "one name is given two values",
        "An answer says each thing once. Two heads have matrices of the same name: tell them apart by `W_Q1` and "
        "`W_Q2`, or by a line `head NAME` above.",
        "W_Q = [[1, 0]]\nW_Q = [[0, 1]]\n",
        "W_Q1 = [[1, 0]]\nW_Q2 = [[0, 1]]\n",
    ),
    _answer(
        "E0705",
        "rows of different lengths",
        "Every row of a matrix has as many entries as the others. Zeros are written out. A comma inside a number makes "
        "two entries of it: decimals have a point.",
        "W_Q = [[1, 0], [0]]\n",
        "W_Q = [[1, 0], [0, 1]]\n",
    ),
    _answer(
        "E0706",
        "this is not a list of rows",
        "A matrix is written by its rows, each in brackets of its own, all of them in one more pair: "
        "`[[1, 0], [0, 1]]`, even if there is one row only. No function stands around it. Vectors of the residual "
        "stream are listed by `rows where.cos0, ..` or `columns v.0, ..`.",
        "W_Q = [1, 0]\n",
        "W_Q = [[1, 0]]\n",
    ),
    _answer(
        "E0707",
        "a LaTeX command or environment that is not known",
        "Known are Greek letters, `\\frac`, `\\sqrt`, `\\cos`, `\\sin`, `\\cdot`, `\\times`, fonts, spacing, the "
        "matrix environments (`bmatrix`, `pmatrix`, `matrix`, `smallmatrix`, `array`) and what surrounds formulas "
        "(`$`, `align`, `equation`). Macros of one's own are not expanded.",
        "W_Q = \\begin{bmatix} 1 & 0 \\end{bmatix}\n",
        "W_Q = \\begin{bmatrix} 1 & 0 \\end{bmatrix}\n",
    ),
    _answer(
        "E0708",
        "brackets or environments that do not pair",
        "Every bracket, and every `\\begin{bmatrix}`, is closed by its own partner before the next name is given a "
        "value.",
        "W_Q = \\begin{bmatrix} 1 & 0\n",
        "W_Q = \\begin{bmatrix} 1 & 0 \\end{bmatrix}\n",
    ),
    _answer(
        "E0709",
        "entries that are not separated as they should be",
        "In LaTeX `&` stands between the entries of a row and `\\\\` between rows, inside a matrix environment; in "
        "plain text a comma stands between entries. No place is left empty: a zero is written `0`.",
        "W_Q = \\begin{bmatrix} 1, 0 \\end{bmatrix}\n",
        "W_Q = \\begin{bmatrix} 1 & 0 \\end{bmatrix}\n",
    ),
    _answer(
        "E0710",
        "this cannot stand here",
        "Entries are numbers, names, `+ - * / ^`, `sqrt`, `cos`, `sin` and brackets; formulas are names, `+ - *`, `^T` "
        "and brackets. Something stands where none of these can follow, or something is missing.",
        "x = \\frac{1}{2} +\n",
        "x = \\frac{1}{2} + 1\n",
    ),
    _answer(
        "E0711",
        "dots in place of what they stand for",
        "`..`, `\\ldots` and `\\ddots` tell a reader to go on in the same way. The checker does not guess: every entry "
        "is written, or the matrix is given by the directions it reads, which is shorter.",
        "W_Q = \\begin{bmatrix} 1 & \\cdots & 0 \\end{bmatrix}\n",
        "W_Q = \\begin{bmatrix} 1 & 0 & 0 \\end{bmatrix}\n",
    ),
    _answer(
        "E0712",
        "a sign is missing between two things",
        "In plain text a product is written with `*`: `2*x`. In LaTeX and in formulas things side by side are "
        "multiplied, but a number after something else is more likely an entry without its separator.",
        "x = 2 y\n",
        "x = 2*y\n",
    ),
    _answer(
        "E0713",
        "a decimal with a comma",
        "A decimal is written with a point, `0.5`; a comma separates entries. Fractions, `1/2`, are exact as well.",
        "x = 0,5\n",
        "x = 0.5\n",
    ),
    _answer(
        "E0714",
        "matrices where numbers are expected",
        "The entries of a matrix are asked for: products and sums of matrices are not multiplied out, but for one "
        "factor before a matrix and `^T` after it. Basis vectors fill a whole row (or column): one column of them "
        "gives the rows of a matrix, one row of them its columns.",
        "W_Q = \\begin{bmatrix} 1 & 0 \\end{bmatrix} + \\begin{bmatrix} 0 & 1 \\end{bmatrix}\n",
        "W_Q = \\begin{bmatrix} 1 & 1 \\end{bmatrix}\n",
    ),
    _answer(
        "E0715",
        "an answer too large or too deep to be read",
        "An answer has at most 262144 characters, numbers have at most 1000 digits, brackets nest at most 64 deep, and "
        "at most 200 operations stand in each other. Large matrices are handed in as numbers, in a `.npz` file.",
        "x = " + "1" * 1001 + "\n",
        "x = 10^1000\n",
    ),
    _formula(
        "E0716",
        "one formula is expected",
        "A name and `=` may stand before a formula. A chain of equalities is not one formula: write what it comes to.",
        "h = W_O W_V x = x",
        "h = W_O W_V x",
    ),
    _formula(
        "E0717",
        "something that no formula here has",
        "Formulas are made of names of matrices and vectors, `Id`, transposes, products, sums, and numbers before "
        "them, with `softmax(..)` and `sum_k(..)`. There are no inverses, powers, roots or entries; a number above a "
        "name is its index, `W_Q^1`.",
        "W_Q^{-1} x",
        "W_Q^T x",
    ),
    _formula(
        "E0718",
        "a division by something other than a number",
        "A formula may be divided by a number that is not zero: `A / 2` is `1/2 A`. Scales such as the square root of "
        "d_head are left out.",
        "A / B",
        "A / 2",
    ),
)
