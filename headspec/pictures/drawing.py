"""A result as a picture in a file.

In: what ``Model.run``, ``attribute``, ``attention_tree``, ``points`` or ``fourier`` returned.  Out: an HTML, SVG or PNG
file.  Not for: how each is drawn (``plotting``, ``analyses.drawings``, ``spectra.drawing``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.settings import check_choice

if TYPE_CHECKING:
    from headspec.analyses.attribution import Attribution
    from headspec.analyses.geometry import Points
    from headspec.analyses.tree import Tree
    from headspec.run_result import RunResult
    from headspec.spectra.figures import Fourier

KINDS = ("html", "svg", "png")


def plot(result: RunResult | Attribution | Tree | Points | Fourier, path: str | Path, *, title: str = "") -> Path:
    """Draw ``result`` into ``path``, whose ending says how: .html (nothing is loaded from a network), .svg or .png.

    ``title`` stands above attention patterns; the others have their own.  SpecError E0608 for another ending, E0605
    where the file cannot be written, E0609 for a PNG without matplotlib."""
    from headspec.files import write_bytes

    path = Path(path)
    write_bytes(path, _render(result, plot_kind(path), title))
    return path


def _render(result: RunResult | Attribution | Tree | Points | Fourier, kind: str, title: str) -> bytes:
    from headspec.analyses.drawings import render_drawing
    from headspec.pictures.plotting import render_plot
    from headspec.run_result import RunResult
    from headspec.spectra.drawing import render_fourier_plot
    from headspec.spectra.figures import Fourier

    match result:
        case RunResult():
            return render_plot(result, kind, title=title)
        case Fourier():
            return render_fourier_plot(result, kind)
        case _:
            return render_drawing(result, kind)


def plot_kind(output: Path) -> str:
    """What the ending of a file's name says to draw; SpecError E0608."""
    ending = output.suffix.lower().removeprefix(".")
    if not ending:
        help = f"for example `{output.name or 'plot'}.html`; .svg and .png do too"
        raise SpecError(Diagnostic("E0608", f"the ending of `{output}` does not say what to draw", help=help))
    return check_choice("kind of plot", ending, KINDS)
