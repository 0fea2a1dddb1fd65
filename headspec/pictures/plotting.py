"""Attention patterns as files: a self-contained HTML page, an SVG, a PNG; and fragments for notebooks.

In: a ``RunResult`` (duck-typed: tokens, patterns, heads, prediction).  Out: bytes or HTML text.  Token texts are
untrusted: they reach HTML only escaped, or through JSON and ``textContent``.  Nothing is loaded from a network.
Not for: the terminal (``patterns``).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compiler.heads import Head
    from compiler.program import Program
    from headspec.run_result import RunResult

NOT_A_NUMBER = 65535


def render_plot(
    result: RunResult, kind: str, *, title: str, names: Sequence[str] | None = None, about: str = ""
) -> bytes:
    """The file's bytes; ``kind`` is html, svg or png; ``names`` label the positions instead of their tokens."""
    labels = tuple(names or result.tokens)
    match kind:
        case "html":
            return render_html(result, title=title, names=labels, about=about).encode("utf-8")
        case "svg":
            from headspec.pictures.svg import render_svg

            return render_svg(result, title=title, names=labels).encode("utf-8")
        case "png":
            from headspec.pictures.png import render_png

            return render_png(result, title=title, names=labels)
    raise ValueError(f"no plot of kind {kind!r}")


def render_html(result: RunResult, *, title: str, names: Sequence[str], about: str = "") -> str:
    """One page with inline style, script and data, and a content security policy that forbids everything else."""
    values = {
        "TITLE": html.escape(title),
        "ABOUT": html.escape(about),
        "STYLE": _asset("page.css"),
        "SCRIPT": _asset("page.js"),
        "DATA": _script_json(_payload(result, names)),
    }
    # One pass over the template, so that a mark inside an inserted text stays text.
    return re.sub("@([A-Z]+)@", lambda mark: values[mark[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return files("headspec").joinpath("assets", name).read_text(encoding="utf-8")


def _payload(result: RunResult, names: Sequence[str]) -> dict[str, object]:
    return {
        "tokens": list(result.tokens),
        "names": list(names),
        "prediction": result.prediction,
        "heads": [
            {"name": name, "layer": layer, "index": index, "weights": pack(result.patterns[layer][index])}
            for layer, index, name in result.heads
        ],
    }


def pack(pattern: NDArray[Any]) -> str:
    """The lower triangle, row by row, as base64 of little-endian 16-bit integers: round(65534 w), 65535 for NaN."""
    import numpy as np

    rows, columns = np.tril_indices(len(pattern))
    weights = pattern[rows, columns]
    scaled = np.where(np.isfinite(weights), np.clip(np.nan_to_num(weights), 0, 1) * 65534, NOT_A_NUMBER)
    return base64.b64encode(np.rint(scaled).astype("<u2").tobytes()).decode("ascii")


def _script_json(value: object) -> str:
    """JSON that can stand in a script element: no ``<``, ``>``, ``&`` or line separators."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ------------------------------------------------------------------ notebooks


def notebook_html(result: RunResult) -> str:
    """The patterns as an inline SVG: notebooks show it without running any script."""
    from headspec.pictures.svg import render_svg

    return f"<div>{render_svg(result, title='', names=result.tokens)}</div>"


def summary_html(program: Program) -> str:
    """What a model is: its sizes, and its heads with their docstrings, or the lines that say what they do."""
    rows = "".join(
        f"<tr><td>{head.place}</td><td><b>{html.escape(head.name)}</b></td>"
        f"<td style='text-align:left'>{_says(head)}</td></tr>"
        for head in program.heads
    )
    sizes = f"d_model {program.width}, context {program.context}, {len(program.tokens)} tokens, {program.dtype}"
    return (
        f"<div><b>{html.escape(program.name)}</b> <span>{html.escape(program.doc or '')}</span>"
        f"<p>{sizes}</p><table>{rows}</table></div>"
    )


def _says(head: Head) -> str:
    if head.doc:
        return html.escape(head.doc)
    prefer = () if head.prefer is None else (head.prefer,)
    lines = [" ".join(line.span.text.split()) for line in (*head.terms, *head.rests, *prefer, *head.copies)]
    return "<br>".join(f"<code>{html.escape(line)}</code>" for line in lines if line)
