"""``headspec run`` and ``headspec plot``: one text through the compiled model.

In: parsed options.  Out: patterns in the terminal, tables of chosen queries, JSON, or a file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from headspec.commands.output import say, say_json, warn
from headspec.settings import parse_settings

if TYPE_CHECKING:
    from headspec.model import Model
    from headspec.run_result import RunResult


def run(arguments: argparse.Namespace) -> int:
    """What the model says about a text, and where each head looks."""
    from headspec.pictures.patterns import draw_queries, draw_run
    from headspec.terminal import style_of

    model, result = _run(arguments)
    names = position_names(arguments.slots, result.tokens)
    queries = find_queries(arguments.queries, names, result.tokens) if arguments.queries is not None else None
    if arguments.json:
        say_json(_to_json(result, names, queries))
        return 0
    if not result.valid:
        warn(_beyond(model, arguments.text, result))
    style = style_of(sys.stdout)
    say(draw_run(result, style) if queries is None else draw_queries(result, queries, names, style))
    return 0


def plot(arguments: argparse.Namespace) -> int:
    """Draw into a file; the ending of its name says what kind."""
    from headspec.commands.analyses import plot as plot_analysis
    from headspec.commands.analyses import wanted
    from headspec.commands.fourier import check_options, plot_fourier
    from headspec.files import write_bytes
    from headspec.pictures.drawing import plot_kind
    from headspec.pictures.plotting import render_plot

    if wanted(arguments):
        return plot_analysis(arguments)
    check_options(arguments)
    if arguments.fourier:
        return plot_fourier(arguments)
    output = Path(arguments.output)
    kind = plot_kind(output)
    model, result = _run(arguments)
    names = position_names(arguments.slots, result.tokens)
    write_bytes(output, render_plot(result, kind, title=model.program.name, names=names, about=model.program.doc or ""))
    if arguments.json:
        say_json({"written": str(output), "kind": kind, "heads": len(result.heads), "tokens": len(result.tokens)})
    else:
        say(f"wrote {output}")
    return 0


def _beyond(model: Model, text: str, result: RunResult) -> str:
    """Nothing is claimed about this text: was it given so, or has the model gone on with it so?"""
    from headspec.verification.outputs import speaks_of
    from headspec.words import read_tokens

    program = model.program
    given = result.generated and speaks_of(program, read_tokens(text, program.tokens, program.context))
    what = "with what the model went on with, this text" if given else "this text"
    return f"{what} is not among the sequences that {program.name} speaks of; nothing is claimed about it"


def _run(arguments: argparse.Namespace) -> tuple[Model, RunResult]:
    import headspec

    model = headspec.compile(arguments.spec, settings=parse_settings(arguments.settings))
    if arguments.stop is not None and not arguments.generate:
        raise SpecError(Diagnostic("E0608", "--stop says where a generated text ends", help="with --generate N"))
    return model, model.run(arguments.text, arguments.generate, arguments.stop)


def position_names(slots: str | None, tokens: Sequence[str]) -> tuple[str, ...]:
    """What to call each position: its slot's name if slots are given (as many as there are tokens), else its token."""
    if slots is None:
        return tuple(tokens)
    names = tuple(slots.split())
    if len(names) != len(tokens):
        raise SpecError(
            Diagnostic(
                "E0607",
                f"{len(names)} slot names for {len(tokens)} tokens",
                help="give one name per token, separated by spaces",
            )
        )
    return names


def find_queries(words: str, names: Sequence[str], tokens: Sequence[str]) -> list[int]:
    """Positions from ``8,9`` (numbers are positions) or ``c1,c2`` (every position of that slot name or token).

    When names of positions are numbers themselves, ``name:8`` means the name.  SpecError E0607."""
    found: list[int] = []
    for word in (part.strip() for part in words.split(",")):
        found += [q for q in _positions(word, names, tokens) if q not in found]
    return found


def _positions(word: str, names: Sequence[str], tokens: Sequence[str]) -> list[int]:
    if word.isascii() and word.isdigit():
        positions = [int(word)] if len(word) < 10 and int(word) < len(tokens) else []
    else:
        name = word.removeprefix("name:")
        by_name = [q for q, other in enumerate(names) if other == name]
        positions = by_name or [q for q, token in enumerate(tokens) if token == name]
    if positions:
        return positions
    raise SpecError(
        Diagnostic(
            "E0607",
            f"there is no query `{word}` in this text",
            help=f"a position from 0 to {len(tokens) - 1}, or one of: {' '.join(dict.fromkeys(names))}",
        )
    )


def _to_json(result: RunResult, names: Sequence[str], queries: list[int] | None) -> dict[str, object]:
    """Without ``--queries`` everything; with it, per query and head the weights and the top keys."""
    whole = result.to_json() | {"names": list(names)}
    if queries is None:
        return whole
    del whole["heads"]
    return whole | {"queries": [_query_json(result, names, q) for q in queries]}


def _query_json(result: RunResult, names: Sequence[str], query: int) -> dict[str, object]:
    heads = []
    for layer, index, name in result.heads:
        weights = result.patterns[layer][index][query, : query + 1].tolist()
        order = sorted(range(len(weights)), key=lambda k: (-round(weights[k], 6), k))
        heads.append(
            {
                "name": name,
                "layer": layer,
                "index": index,
                "weights": weights,
                "top": [{"position": k, "name": names[k], "weight": weights[k]} for k in order[:4]],
            }
        )
    return {"position": query, "name": names[query], "token": result.tokens[query], "heads": heads}
