"""Which values a compute line can give, and whether its target can hold them.

In: typed compute lines, what is known about their inputs (``inputs``), the ``Scope``.  Out: nothing, or E0480 (a value
outside the target), E0482 (a table without an image), E0483 (a division by zero), each with inputs that lead there.
Not for: the meaning of a line (``reference``).

Where the combinations of inputs are few they are gone through, every one.  Otherwise intervals bound the value, with
every input on its own, and inputs drawn at random look for an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NoReturn

import numpy as np

from compiler.computing import Compute, LookedUp, read_subspaces
from compiler.encodings import Encoding, Phase, Value
from compiler.resolution.circles import period_of
from compiler.resolution.computes import SPELLED, size_of
from compiler.resolution.encoded import kind_of, name_of, values_of
from compiler.resolution.inputs import MOST_ROWS, Inputs, Ints, Table
from compiler.resolution.intervals import Interval, Known, bounds
from compiler.resolution.scope import Scope, fail
from compiler.resolution.sets import show, show_all
from compiler.resolution.trials import Bools, Result, Trial

DRAWN = 1 << 16
WORK = 1 << 26
"""Values worked out for one line, at most."""
LARGEST = 1 << 40
"""Integers of this size and more are refused: what is worked out here stays within 64 bits."""


def check_ranges(scope: Scope, inputs: Inputs, computes: Sequence[Compute]) -> None:
    """Check every line, in order of layers, and note in ``inputs.images`` what each can give."""
    writers = [compute.target for compute in computes]
    for compute in computes:
        with scope.attempt():
            image = _check(inputs, replace(compute, value=compute.meaning))
            if image is not None and _only_writer(inputs, compute, writers):
                inputs.images[compute.target] = image


def _only_writer(inputs: Inputs, compute: Compute, writers: Sequence[str]) -> bool:
    target = compute.target
    heads = inputs.heads.values()
    copied = any(copy.target == target for head in heads for copy in head.copies)
    written = copied or any(head.matrix("W_O") is not None for head in heads)
    return not written and writers.count(target) == 1 and all(line.target != target for line in inputs.embeds)


def _check(inputs: Inputs, compute: Compute) -> Ints | None:
    names = read_subspaces(compute.value)
    found = _bounded(inputs, compute)
    table = inputs.table(names, compute.layer, min(MOST_ROWS, WORK // size_of(compute.value)))
    everything = table is not None
    if table is None:
        table = inputs.draw(names, compute.layer, np.random.default_rng(0), min(DRAWN, WORK // size_of(compute.value)))
    trial = Trial(inputs, table)
    result = trial.evaluate(compute.value)
    held = _held(inputs, compute, result.value)
    _refuse_first(inputs, compute, trial, result, held)
    if everything:
        return np.unique(turned(inputs.subspaces[compute.target].encoding, result.value[result.known & held]))
    if not found.certain or not _within(inputs, compute, found):
        _cannot_tell(inputs, compute, found)
    return None


def _bounded(inputs: Inputs, compute: Compute) -> Interval:
    """The value's interval, from the intervals of the inputs; E0480 where integers grow beyond 2^40."""
    reads = {}
    for name in read_subspaces(compute.value):
        values = inputs.all_values(name)
        reads[name] = (int(values.min(initial=0)), int(values.max(initial=0)))
    found = bounds(compute.value, Known(reads, inputs.apart(tuple(reads), compute.layer)))
    if found.largest >= LARGEST:
        message = f"integers of {found.largest.bit_length()} bits may occur here, and the most is 40"
        help = "reckon modulo something, or in smaller steps"
        fail("E0480", message, compute.value.span, label="too large", help=help)
    return found


# ------------------------------------------------------------------ what the target holds


def _held(inputs: Inputs, compute: Compute, values: Ints) -> Bools:
    encoding = inputs.subspaces[compute.target].encoding
    values, members = turned(encoding, values), values_of(encoding)
    if isinstance(members, range):
        return np.asarray((values >= members.start) & (values < members.stop))
    return np.isin(values, [inputs.code(member) for member in members])


def turned(encoding: Encoding, values: Ints) -> Ints:
    """A phase that closes after so many values keeps one of those that are as many apart: from its least one on."""
    if not isinstance(encoding, Phase):
        return values
    period = period_of(encoding)
    return values if period is None else np.asarray(encoding.low + (values - encoding.low) % period)


def _within(inputs: Inputs, compute: Compute, found: Interval) -> bool:
    encoding = inputs.subspaces[compute.target].encoding
    if found.high - found.low > 1 << 20 or kind_of(encoding) == "tokens":
        return False
    return bool(_held(inputs, compute, np.arange(found.low, found.high + 1)).all())


# ------------------------------------------------------------------ refusals


def _refuse_first(inputs: Inputs, compute: Compute, trial: Trial, result: Result, held: Bools) -> None:
    """The first row without a value, or with one that the target does not hold, if there is any."""
    wrong = ~result.known | ~held
    if not wrong.any():
        return
    row = int(wrong.argmax())
    figures = tuple(_figures(inputs, trial.table, row))
    if result.known[row]:
        _outside(inputs, compute, int(result.value[row]), figures)
    trouble = next(t for t in trial.troubles if t.rows[row])
    part = trouble.part
    if isinstance(part, LookedUp):
        texts = isinstance(part.pairs[0][0], str)
        argument: Value = inputs.tokens[int(trouble.argument[row])] if texts else int(trouble.argument[row])
        _no_image(compute, part, argument, figures)
    fail(
        "E0483",
        f"the right side of `{part.operator}` can be 0",
        part.right.span,
        label="a division by zero",
        help="leave these inputs out: `if x == 0 then 0 else ..`",
        figures=figures,
    )


def _no_image(compute: Compute, part: LookedUp, argument: Value, figures: tuple[str, ...]) -> NoReturn:
    if part.span == compute.value.span and part.table == SPELLED:
        found = f"the value can be {show(argument)}, which is no token that `{compute.target}` holds"
        fail("E0480", found, part.span, label="can leave the range", help=_mend(compute.target), figures=figures)
    fail(
        "E0482",
        f"`{part.table}` has no entry for {show(argument)}",
        part.span,
        label=f"{show(argument)} can stand here",
        help=f"add it to the table: `{show(argument)} -> ..`, or ask before: `if x in {{..}} then .. else ..`",
        figures=figures,
    )


def _mend(target: str) -> str:
    return f"enlarge the set of `{target}`, or bound the value: `mod`, `min(x, 9)`, `if .. then .. else ..`"


def _outside(inputs: Inputs, compute: Compute, code: int, figures: tuple[str, ...]) -> NoReturn:
    target = inputs.subspaces[compute.target]
    value = show(inputs.value(compute.target, code))
    values = f"{target.name} ({name_of(target.encoding)}): {show_all(tuple(values_of(target.encoding)))}"
    found = f"the value can be {value}, which `{target.name}` does not hold"
    fail(
        "E0480",
        found,
        compute.value.span,
        label="can leave the range",
        help=_mend(target.name),
        figures=(*figures, values),
    )


def _cannot_tell(inputs: Inputs, compute: Compute, found: Interval) -> None:
    target = inputs.subspaces[compute.target]
    names = read_subspaces(compute.value)
    count = prod(len(inputs.all_values(name)) for name in names)
    figures = (
        f"{count:,} combinations of {', '.join(names)} are too many to try",
        f"bounds for each alone: {found.low} to {found.high}" + ("" if found.certain else ", and not always a value"),
        f"{target.name} ({name_of(target.encoding)}): {show_all(tuple(values_of(target.encoding)))}",
    )
    message = f"it cannot be shown that the value stays within `{target.name}`"
    fail("E0480", message, compute.value.span, label="perhaps not", help=_mend(target.name), figures=figures)


def _figures(inputs: Inputs, table: Table, row: int) -> list[str]:
    """The inputs of ``row``, and which of them were taken to be independent."""
    shown = [f"{name} = {inputs.text(name, int(c[row]))}" for name, c in table.columns.items()]
    figures = [f"for instance with {', '.join(shown)}"] if shown else []
    if table.free and len(table.columns) > 1:
        names = ", ".join(f"`{name}`" for name in table.free)
        figures.append(f"taken for possible beside every other value: any value of {names}")
    return figures
