"""A Fourier analysis as a page of text.

In: ``Fourier``.  Out: lines of text, plain unless a ``Style`` allows colour.  Not for: machine-readable output
(``Fourier.to_json``), nor pictures (``panels``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headspec.spectra.figures import SINGLE, Fourier, Neurons, Task
from headspec.spectra.fits import Fit
from headspec.spectra.transforms import FLOOR, Floats, Spectrum
from headspec.terminal import PLAIN, Style, plain_label
from headspec.verification.report import percent, table

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII_BLOCKS = " .:-=+*#%@"
MOST_ROWS = 16
MOST_TASKS = 64
MOST_LISTED = 6
MOST_FITTED = 8


def render_fourier(result: Fourier, style: Style = PLAIN) -> str:
    """The embedding, its singular values, the positions, the neurons, the logits, the fits, and what is missing."""
    first, last = plain_label(result.tokens[0]), plain_label(result.tokens[-1])
    p = len(result.tokens)
    lines = [f"{result.name}: Fourier analysis over {p} tokens, {first} to {last}, {result.dtype} on {result.device}"]
    lines += ["", f"embedding W_E, {p} tokens in {result.width} dimensions", *_spectrum(result.embedding, style)]
    lines += ["", *_singular(result, style)]
    if result.positions is not None:
        first_place, second_place = result.positions.places
        r = result.positions.correlation
        said = "none, for one of them is constant" if r is None else f"{r:.2f}"
        lines += [
            "",
            f"position embeddings of a (at {first_place}) and b (at {second_place}): Pearson correlation {said}",
        ]
    if result.neurons is not None:
        lines += ["", *_neurons(result, result.neurons, style)]
    if result.logits is not None:
        lines += ["", "what the neurons add to the logits, W_out W_U", *_spectrum(result.logits, style)]
    if result.tasks:
        lines += ["", *_tasks(result.tasks)]
    if result.fits:
        lines += ["", *_fits(result.fits)]
    lines += [f"note: {note}" for note in result.notes]
    return "\n".join(lines)


def _spectrum(spectrum: Spectrum, style: Style) -> list[str]:
    """All frequencies as a row of blocks, the active ones as a table."""
    magnitude, share = spectrum.magnitude, spectrum.share
    rows = [["frequency", "period", "cos", "sin", "magnitude", "share"]]
    for k in spectrum.active[:MOST_ROWS]:
        numbers = [f"{x:.4g}" for x in (spectrum.p / k, spectrum.cos[k], spectrum.sin[k], magnitude[k])]
        rows.append([str(k), *numbers, percent(float(share[k]))])
    lines = [_blocks(magnitude[1:], style)]
    lines += _rows(rows, len(spectrum.active))
    count = len(spectrum.active)
    bar = f"magnitude above mean + {spectrum.sigmas:g} sigma, {spectrum.threshold:.4g}"
    lines.append(f"  {count} of {len(magnitude) - 1} frequencies active ({bar})")
    return lines


def _rows(rows: list[list[str]], count: int) -> list[str]:
    if count == 0:
        return []
    more = [f"  ... and {count - MOST_ROWS} more (--json has all)"] if count > MOST_ROWS else []
    return [*table(rows, left=()), *more]


def _singular(result: Fourier, style: Style) -> list[str]:
    found = result.singular
    rows = [
        ["", "50 %", "90 %"],
        ["of the sum of singular values", str(found.half), str(found.ninety)],
        ["of the sum of their squares", str(found.square_half), str(found.square_ninety)],
    ]
    return [f"singular values of it: rank {found.rank}; how many hold", *table(rows, left=(0,))]


def _neurons(result: Fourier, neurons: Neurons, style: Style) -> list[str]:
    spectra, prompts = neurons.spectra, len(result.tokens) ** 2
    texts = plain_label(result.prompt or "")
    active, keys = spectra.count_active(), spectra.count_keys()
    shown = [k for k in range(1, len(active)) if active[k] or keys[k]]
    rows = [["frequency", "active in", "key of", "explained"]]
    for k in shown[:MOST_ROWS]:
        shares = spectra.share[spectra.key == k]
        rows.append([str(k), f"{active[k]:,}", f"{keys[k]:,}", percent(float(shares.mean())) if len(shares) else "-"])
    single, two = int((spectra.share >= SINGLE).sum()), int((spectra.pair_share >= SINGLE).sum())
    vary = f"{spectra.varying:,} of {len(spectra.key):,} vary with a and b"
    return [
        f"neurons of layer {neurons.layer}, {len(spectra.key):,} of them, on {prompts:,} prompts `{texts}`",
        _blocks(active[1:].astype(np.float64), style),
        *_rows(rows, len(shown)),
        f"  {vary}; of {single:,} one frequency explains {SINGLE:.0%} or more, of {two:,} one of a and one of b",
        f"  (active: above mean + {spectra.sigmas:g} sigma of the neuron's own 2-D spectrum)",
    ]


def _tasks(tasks: Sequence[Task]) -> list[str]:
    """A line for each task: its size, the frequencies that hold nine tenths, how much they do, its neurons."""
    rows = [["task", "answers", "neurons", "frequencies for 90 %", "their share"]]
    for task in tasks[:MOST_TASKS]:
        first, rest = task.main[:MOST_LISTED], len(task.main) - MOST_LISTED
        listed = ", ".join(map(str, first)) + (f" and {rest} more" if rest > 0 else "")
        share = percent(float(task.logits.share[list(task.main)].sum())) if task.main else "-"
        rows.append([task.name, str(task.logits.p), str(len(task.neurons)), listed or "none", share])
    more = [f"  ... and {len(tasks) - MOST_TASKS} more (--json has all)"] if len(tasks) > MOST_TASKS else []
    return [f"what the neurons add to the logits of {len(tasks)} tasks", *table(rows, left=(0, 3)), *more]


def _fits(fits: Sequence[Fit]) -> list[str]:
    """Two lines for each kind of row: the median of its R^2 as frequency after frequency is added, and all together."""
    order = fits[0].frequencies
    shown = [*range(min(len(order), MOST_FITTED)), *([len(order) - 1] if len(order) > MOST_FITTED else [])]
    rows = [["", "rows that vary", "R^2", *(f"{'..' if i >= MOST_FITTED else ''}+{order[i]}" for i in shown)]]
    for fit in fits:
        if fit.median is None or fit.together is None:
            rows.append([fit.name, f"0 of {fit.rows:,}", "", *("-" for _ in shown)])
            continue
        rows.append([fit.name, f"{fit.varying:,} of {fit.rows:,}", "median", *(f"{fit.median[i]:.4f}" for i in shown)])
        rows.append(["", "", "together", *(f"{fit.together[i]:.4f}" for i in shown)])
    return ["fits by the mean and one frequency after the other", *table(rows, left=(0, 2))]


def _blocks(values: Floats | Sequence[float], style: Style) -> str:
    """The frequencies from 1 on, a character each (several, where need be); the tallest is the largest."""
    found = np.asarray(values, dtype=np.float64)
    room = style.width - 4
    group = -(-len(found) // room)
    tall = [float(found[i : i + group].max()) for i in range(0, len(found), group)]
    most = max(tall, default=0.0)
    blocks = BLOCKS if style.unicode else ASCII_BLOCKS
    levels = [0 if v <= FLOOR * most else max(1, round(v / most * (len(blocks) - 1))) for v in tall]
    return f"  |{style.paint(''.join(blocks[level] for level in levels), '38;5;38')}|"
