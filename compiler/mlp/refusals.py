"""Why one layer of neurons cannot do it: E0520 to E0525.

In: a line, and what was tried.  Out: SpecErrors, to be raised.  Not for: finding neurons (``choosing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compiler.computing import Compute, Read, parts
from compiler.encodings import Code, Encoding, Phase, PhasePairs, ScalarValue, Subspace
from compiler.limits import NEURONS
from compiler.mlp.choosing import Chooser
from compiler.mlp.reading import TRUTHS
from compiler.mlp.rewriting import inside
from compiler.mlp.wording import shown
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span

if TYPE_CHECKING:
    from compiler.mlp.lines import Line


def another_layer(chooser: Chooser, compute: Compute) -> SpecError:
    """E0520, naming a part that one layer can do."""
    part = next((p for p in inside(compute.value) if chooser.can(p)), None)
    help = "write it as two lines, the first into a subspace of its own"
    label = "too much for one layer of neurons"
    if part is not None:
        text = part.span.text if part.span.text.strip() else shown(part)
        text = f"if {text} then 1 else 0" if isinstance(part, TRUTHS) else text
        help = f"give the part `{text}` a subspace of its own: `compute part = {text}` one layer earlier; read `part`"
    return _error(
        "E0520",
        f"`{compute.target}` needs another layer",
        compute.value.span if compute.value.span.text else compute.span,
        label,
        help,
        "one layer adds up functions of single integer combinations of what it reads, products of two numbers, "
        "and either of these under a condition",
    )


def too_many(compute: Compute, count: int, most: int) -> SpecError:
    return _error(
        "E0521",
        f"`{compute.target}` would take {count:,} neurons, and the most is {most:,}",
        compute.span,
        "too many different values",
        ("" if most == NEURONS else f"write `neurons {count}` or more; or ")
        + "let it read numbers (scalar) instead of one-hots, or split it into two lines",
    )


def too_many_together(layer: int, lines: Sequence[Line], count: int, most: int) -> SpecError:
    """E0521, with what each line of the layer takes."""
    largest = max(lines, key=lambda line: len(line.neurons))
    return _error(
        "E0521",
        f"the lines of layer {layer} take {count:,} neurons together, and the most is {most:,}",
        largest.compute.span,
        f"the most of them: {len(largest.neurons):,}",
        f"write `neurons {count}` or more; or put a line into another layer, or let it read numbers (scalar)",
        *(f"{line.compute.target}: {len(line.neurons):,} ({line.method})" for line in lines),
    )


def unreadable(compute: Compute, subspace: Subspace) -> SpecError:
    kind = _kind(subspace.encoding)
    if isinstance(subspace.encoding, PhasePairs):
        return one_side(compute, subspace)
    if isinstance(subspace.encoding, Code):
        return _error(
            "E0522",
            f"an MLP cannot read the value of `{subspace.name}`: its vectors are too near each other",
            _where(compute, subspace.name),
            "on no direction that was tried does every value lie apart from the others",
            f"give `{subspace.name}` fewer values, vectors without symbols, or more dimensions; or hold the value as a "
            "number or a one-hot too, and read that",
        )
    return _error(
        "E0522",
        f"an MLP cannot read the value of `{subspace.name}` exactly: it is a {kind}",
        _where(compute, subspace.name),
        "no linear map of this encoding shows the value",
        f"hold the value as a number or a one-hot too (`subspace n : onehot(..)`, and embed or copy it beside "
        f"`{subspace.name}`); phases can be added and subtracted, and the result is a phase",
    )


def one_side(compute: Compute, pair: Subspace) -> SpecError:
    return _error(
        "E0522",
        f"an MLP sees nothing of `{pair.name}` but the sum of its two values: it is a pair of phases",
        compute.value.span if compute.value.span.text else compute.span,
        "another function of the two",
        f"write `first({pair.name}) + second({pair.name})`, with a number added or a sign before it; for anything else "
        "let the heads write into two subspaces",
    )


def mixed(compute: Compute, other: Subspace, target: Subspace) -> SpecError:
    return _error(
        "E0522",
        f"`{other.name}` is no phase, and is added to one",
        _where(compute, other.name),
        f"a {_kind(other.encoding)}",
        f"make it a phase one layer earlier: `subspace turned like {target.name}`, `compute turned = {other.name}`",
    )


def other_frequencies(compute: Compute, names: Sequence[str]) -> SpecError:
    return _error(
        "E0523",
        f"the frequencies of {', '.join(f'`{n}`' for n in names)} and `{compute.target}` differ",
        compute.span,
        "angles add up frequency by frequency",
        f"declare them alike: `subspace {compute.target} like {names[0]}`",
    )


def three_phases(compute: Compute) -> SpecError:
    return _error(
        "E0523",
        "one layer adds or subtracts two phases",
        compute.span,
        "more than two phases",
        "write it as two lines, the first into a phase of its own",
    )


def no_margin(compute: Compute, target: Subspace) -> SpecError:
    return _error(
        "E0523",
        f"no number of neurons keeps the values of `{target.name}` apart after this sum",
        compute.span,
        "each frequency is scaled by |cos| of half a difference, and too many are small at once",
        "give the phases more frequencies",
    )


def too_coarse(compute: Compute, dtype: str, error: float) -> SpecError:
    return _error(
        "E0524",
        f"rounding in {dtype} may move `{compute.target}` by {error:.3g}",
        compute.span,
        "the neurons see numbers that this float type cannot tell apart",
        "smaller ranges"
        if dtype == "float64"
        else f"a wider float type (`dtype {'float64' if dtype == 'float32' else 'float32'}`), or smaller ranges",
    )


def no_scale(compute: Compute, activation: str, error: float) -> SpecError:
    return _error(
        "E0525",
        f"{activation} is not near enough to relu for `{compute.target}`",
        compute.span,
        f"at the largest scale it may still be off by {error:.3g}",
        "say `activation relu`, or use smaller ranges",
    )


def _where(compute: Compute, name: str) -> Span:
    pending = [compute.value]
    while pending:
        part = pending.pop()
        if isinstance(part, Read) and part.subspace == name and part.span.text:
            return part.span
        pending += parts(part)
    return compute.span


def _kind(encoding: Encoding) -> str:
    if isinstance(encoding, Phase):
        return "phase"
    return "code" if isinstance(encoding, Code) else "number" if isinstance(encoding, ScalarValue) else "one-hot"


def _error(code: str, message: str, span: Span, label: str, help: str, *figures: str) -> SpecError:
    return SpecError(Diagnostic(code, message, span, label, help=help, figures=figures))
