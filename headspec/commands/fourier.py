"""``headspec plot --fourier``: spectra of embeddings and neurons, as a picture, as text or as JSON.

In: parsed options.  Out: the report; with ``-o`` a file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError
from headspec.commands.output import say, say_json
from headspec.pictures.drawing import plot_kind

OF_TEXT = ("text", "generate", "stop", "slots")
OF_FOURIER = ("tokens", "prompt", "layer", "sigmas", "fit", "dtype", "device")


def plot_fourier(arguments: argparse.Namespace) -> int:
    """Analyse, report, draw."""
    from headspec.commands.verify import find_model
    from headspec.spectra.analysis import fourier
    from headspec.spectra.report import render_fourier
    from headspec.terminal import style_of

    kind = None if arguments.output is None else plot_kind(Path(arguments.output))
    found = fourier(
        find_model(arguments),
        tokens=arguments.tokens,
        prompt=arguments.prompt,
        layer=arguments.layer,
        sigmas=arguments.sigmas,
        fit=arguments.fit,
        device=arguments.device or "auto",
    )
    written = {}
    if kind is not None:
        from headspec.files import write_bytes
        from headspec.spectra.drawing import render_fourier_plot

        write_bytes(Path(arguments.output), render_fourier_plot(found, kind))
        written = {"written": arguments.output, "kind": kind}
    if arguments.json:
        say_json(found.to_json() | written)
        return 0
    say(render_fourier(found, style_of(sys.stdout)))
    if written:
        say(f"wrote {arguments.output}")
    return 0


def check_options(arguments: argparse.Namespace) -> None:
    """An analysis takes no text, and a drawing of one text no options of an analysis; SpecError E0608."""
    of_fourier = [name for name in OF_FOURIER if getattr(arguments, name) is not None]
    of_text = [name for name in OF_TEXT if getattr(arguments, name)]
    if arguments.fourier and of_text:
        said = "TEXT" if of_text[0] == "text" else f"--{of_text[0]}"
        help = "leave it out, or give `--prompt '{a} {b} ='`"
        raise SpecError(
            Diagnostic("E0608", f"--fourier goes through all pairs of tokens and takes no {said}", help=help)
        )
    if not arguments.fourier and of_fourier:
        raise SpecError(Diagnostic("E0608", f"--{of_fourier[0]} says what to analyse", help="with --fourier"))
    if not arguments.fourier and (arguments.text is None or arguments.output is None):
        missing = "TEXT" if arguments.text is None else "-o FILE"
        help = 'for example `headspec plot induction "<bos> a b c a" -o induction.html`'
        raise SpecError(Diagnostic("E0608", f"command line: {missing} is missing", help=help))
