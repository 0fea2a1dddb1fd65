"""Everything that an answer is built from: an exercise as a page of text, and as JSON.

In: ``Exercise``.  Out: ``exercise_json``, whose keys are added and never renamed, and ``render_exercise``.  Neither
gives the solution away: of the given spec only the stage is shown, without heads and claims.  Not for: judging.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from headspec.course.exercise import Asked, Check, Exercise
from headspec.course.pages.templates import CONVENTION, answer_template
from headspec.terminal import PLAIN, Style

if TYPE_CHECKING:
    from compiler.encodings import Subspace
    from compiler.program import Program, Symbol

SHOWN = 12
"""So many directions of a subspace are listed; of more, the first and the last."""


# ------------------------------------------------------------------ JSON


def exercise_json(exercise: Exercise) -> dict[str, object]:
    """Keys: number, title, part, order, source, kind, statement, why, asked, convention, names, choices, shapes,
    checks, template, hints (how many), and ``stage`` (null where no spec is given): see ``stage_json``."""
    return {
        "number": exercise.number,
        "title": exercise.title,
        "part": exercise.part,
        "order": exercise.order,
        "source": exercise.source,
        "kind": exercise.kind,
        "statement": exercise.statement,
        "why": exercise.why,
        "asked": [_asked_json(item) for item in exercise.asked],
        "convention": CONVENTION,
        "names": dict(exercise.names),
        "choices": dict(exercise.choices),
        "shapes": {name: list(shape) for name, shape in exercise.shapes.items()},
        "checks": [_check_json(check) for check in exercise.checks],
        "template": answer_template(exercise),
        "hints": len(exercise.hints),
        "stage": stage_json(exercise),
    }


def _asked_json(item: Asked) -> dict[str, object]:
    return {
        "name": item.name,
        "head": item.head or None,
        "matrix": item.matrix or None,
        "shape": list(item.shape) if item.shape else None,
    }


def _check_json(check: Check) -> dict[str, object]:
    """What is judged and on which terms; never the answer."""
    return {
        "name": check.name,
        "kind": check.kind,
        "head": check.head or None,
        "temperature": check.temperature if check.kind == "pattern" else None,
        "mass": str(check.mass) if check.mass is not None else None,
        "dtype": check.dtype,
    }


def stage_json(exercise: Exercise) -> dict[str, object] | None:
    """Keys: spec, d_model, tokens, context, sequences, mass, dtype, symbols, subspaces, directions.

    ``directions``: every name that an answer may use -> its coordinate, and the vector as [[index, value], ...]."""
    program = exercise.program
    if program is None:
        return None
    named = {name: i for i, name in enumerate(program.coordinate_names)}
    directions = named | {alias: named[name] for alias, name in exercise.names.items()}
    return {
        "spec": stage_text(exercise),
        "d_model": program.width,
        "tokens": list(program.tokens),
        "context": program.context,
        "sequences": sequences_text(exercise),
        "mass": str(program.mass),
        "dtype": program.dtype,
        "symbols": [_symbol_json(symbol) for symbol in program.symbols],
        "subspaces": [
            {"name": s.name, "coordinates": list(s.coordinates), "directions": [f"{s.name}.{c}" for c in s.components]}
            for s in program.subspaces
        ],
        "directions": {name: {"coordinate": i, "vector": [[i, "1"]]} for name, i in directions.items()},
    }


def _symbol_json(symbol: Symbol) -> dict[str, object]:
    return {"name": symbol.name, "assumption": "positive" if symbol.positive else "real", "value": _value(symbol)}


def _value(symbol: Symbol) -> str | None:
    from dsl.printing.expressions import print_expression

    return print_expression(symbol.value) if symbol.value is not None else None


# ------------------------------------------------------------------ the stage


def stage_text(exercise: Exercise) -> str:
    """The given spec without its heads, claims and comments: what an answer in lines of a spec goes on from."""
    from dsl.parser import parse
    from dsl.printing.printer import print_spec
    from dsl.tree import ExpectHead, ExpectOutput, LayerDecl, ModelDecl, Spec

    tree = parse(exercise.spec_text, exercise.spec_name)
    kept = (s for s in tree.statements if not isinstance(s, LayerDecl | ExpectHead | ExpectOutput))
    return print_spec(Spec(tuple(replace(s, doc=None) if isinstance(s, ModelDecl) else s for s in kept)))


def sequences_text(exercise: Exercise) -> str:
    """The pattern of the valid sequences as the spec has it; empty where every sequence is valid."""
    from dsl.parser import parse
    from dsl.tree import SequencesDecl

    statements = parse(exercise.spec_text, exercise.spec_name).statements
    found = (" ".join(s.span.text.split()) for s in statements if isinstance(s, SequencesDecl))
    return next(found, "").removeprefix("sequences").strip()


def _positions_text(exercise: Exercise) -> str:
    """The line that says how queries and keys are turned; empty where they are not."""
    found = (line.strip() for line in stage_text(exercise).split("\n") if line.startswith("positions "))
    return next(found, "")


# ------------------------------------------------------------------ text


def render_exercise(exercise: Exercise, style: Style = PLAIN, *, word: str = "") -> str:
    """The statement, what is given, what to hand in, and the command that checks it; ``word`` is what the exercise was
    called on the command line, where that is not its number."""
    title = style.paint(f"{exercise.number}  {exercise.title}", "1")
    lines = [
        title + (f"   ({exercise.source})" if exercise.source else ""),
        "",
        draw_markdown(exercise.statement, style),
    ]
    if exercise.choices:
        lines += ["", *_choices(exercise, style)]
    if exercise.program is not None:
        lines += ["", style.paint("given", "1"), *_stage(exercise, exercise.program, style)]
    lines += ["", style.paint("to hand in", "1"), *_asked_lines(exercise)]
    if exercise.kind != "choice":
        lines += ["", *_template_lines(exercise)]
    if exercise.why:
        lines += ["", style.paint("why", "1"), _indented(draw_markdown(exercise.why, style))]
    return "\n".join([*lines, "", *_commands(exercise, word or exercise.number)])


def draw_markdown(text: str, style: Style) -> str:
    """Drawn by rich in a terminal with colour; as it was written elsewhere."""
    if not style.colour:
        return textwrap.dedent(text)
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    page = StringIO()
    Console(file=page, width=min(style.width, 100), force_terminal=True).print(Markdown(text))
    return "\n".join(line.rstrip() for line in page.getvalue().strip("\n").split("\n"))


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")


def _choices(exercise: Exercise, style: Style) -> list[str]:
    return [f"  {style.paint(letter, '1')}  {' '.join(text.split())}" for letter, text in exercise.choices.items()]


def _stage(exercise: Exercise, program: Program, style: Style) -> list[str]:
    sequences = sequences_text(exercise) or f"every text of up to {program.context} tokens"
    lines = [
        f"  d_model {program.width}; tokens {_listed(program.tokens)}; context {program.context}",
        f"  sequences {sequences}",
    ]
    if positions := _positions_text(exercise):
        lines.append(f"  {positions}")
    if program.symbols:
        lines.append(f"  symbols {', '.join(map(_symbol_text, program.symbols))}")
    lines += ["", "  directions of the residual stream, by coordinate"]
    lines += [_subspace_line(subspace, exercise) for subspace in program.subspaces]
    return lines


def _symbol_text(symbol: Symbol) -> str:
    value = _value(symbol)
    return f"{symbol.name}{' > 0' if symbol.positive else ''}{f' (= {value} in numbers)' if value else ''}"


def _subspace_line(subspace: Subspace, exercise: Exercise) -> str:
    """``    0-3  where.cos0, where.sin0 (u_cos_0, u_sin_0) ...``"""
    other = {direction: alias for alias, direction in exercise.names.items()}
    names = [f"{subspace.name}.{component}" for component in subspace.components]
    shown = [f"{name} = {other[name]}" if name in other else name for name in names]
    first, last = subspace.coordinates[0], subspace.coordinates[-1]
    consecutive = last - first + 1 == len(subspace.coordinates)
    where = (
        (f"{first}-{last}" if last > first else f"{first}") if consecutive else _listed(map(str, subspace.coordinates))
    )
    return f"  {where:>7}  {_listed(shown, ', ')}"


def _listed(words: object, between: str = " ") -> str:
    found = list(words)  # type: ignore[call-overload]
    if len(found) > SHOWN:
        found = [*found[: SHOWN - 2], "...", found[-1]]
    return between.join(found)


def _asked_lines(exercise: Exercise) -> list[str]:
    match exercise.kind:
        case "heads":
            lines = [f"  {_asked_text(item)}" for item in exercise.asked]
            return [*lines, f"  {CONVENTION};", f"  {_transposed(exercise)}"]
        case "matrices":
            return [*(f"  {_asked_text(item)}" for item in exercise.asked), f"  {CONVENTION}"]
        case "formula" | "number" | "values":
            names = ", ".join(item.name for item in exercise.asked)
            return [f"  {names}", *_shape_lines(exercise)]
        case "choice":
            return ["  the letters of all that apply, such as `a` or `a, c`"]
        case "sequence":
            return ["  a valid sequence of tokens, with spaces between"]
        case "spec":
            names = ", ".join(dict.fromkeys(item.head for item in exercise.asked))
            return [f"  heads as lines of a spec{f': {names}' if names else ''} (docs/language.md)"]


def _transposed(exercise: Exercise) -> str:
    if any(item.shape and item.shape[0] != item.shape[1] for item in exercise.asked):
        return "the transposed convention is understood too"
    return "square arrays of numbers fit the transposed convention too: `--convention column` or `row` says which"


def _asked_text(item: Asked) -> str:
    rows, columns = item.shape or (0, 0)
    head = f" of head {item.head}" if item.head else ""
    return f"{item.matrix or item.name}{head}, {rows} x {columns}"


def _shape_lines(exercise: Exercise) -> list[str]:
    return [f"    {name} is {' x '.join(shape)}" for name, shape in exercise.shapes.items()]


def _template_lines(exercise: Exercise) -> list[str]:
    lines = answer_template(exercise).split("\n")
    shown = lines if len(lines) <= 24 else [*lines[:22], "..."]
    return ["  for example, to be changed:", "", *(f"    {_clip(line)}" for line in shown)]


def _clip(line: str) -> str:
    return line if len(line) <= 100 else line[:97] + "..."


def _commands(exercise: Exercise, word: str) -> list[str]:
    short = exercise.kind in ("choice", "formula", "number", "sequence")
    answer = f'--answer "{_one_line(exercise)}"' if short else "answer.txt"
    return [
        f"check it:  headspec exercise check {word} {answer}",
        f"a hint:    headspec exercise hint {word}   (there are {len(exercise.hints)})",
    ]


def _one_line(exercise: Exercise) -> str:
    """The form on one line, where that can be handed in."""
    lines = answer_template(exercise).split("\n")
    return (lines[0] if len(lines) == 1 else "...").replace('"', "'")


# ------------------------------------------------------------------ notebooks


def exercise_markdown(exercise: Exercise) -> str:
    """The same page for a notebook."""
    source = f" <small>({exercise.source})</small>" if exercise.source else ""
    parts = [f"### {exercise.number}  {exercise.title}{source}", textwrap.dedent(exercise.statement)]
    if exercise.choices:
        parts.append("\n".join(f"- **{letter}** {' '.join(c.split())}" for letter, c in exercise.choices.items()))
    if exercise.program is not None:
        parts += ["**Given**", _fenced(textwrap.dedent("\n".join(_stage(exercise, exercise.program, PLAIN))))]
    parts += ["**To hand in**", "\n".join(f"- {line.strip()}" for line in _asked_lines(exercise))]
    if exercise.kind != "choice":
        parts.append(_fenced(answer_template(exercise)))
    if exercise.why:
        parts += ["**Why**", exercise.why]
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    return f"```\n{text}\n```"
