"""A named matrix as LaTeX.

In: ``NamedMatrix``.  Out: an equation that needs only standard LaTeX.  Not for: text (``text``).
"""

from __future__ import annotations

from headspec.matrices.named import NamedMatrix, occupied


def render_latex(named: NamedMatrix) -> str:
    """An array of the occupied rows and columns, labelled; needs only standard LaTeX."""
    matrix = named.matrix
    if not matrix.entries:
        return f"{_latex_title(named)} = 0_{{{matrix.rows} \\times {matrix.columns}}}"
    rows, columns = occupied(named)
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
