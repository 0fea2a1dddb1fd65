"""Activations that stand for relu, and floats that stand for integers: how near they are.

In: lines of one layer.  Out: the scale K of act(K z)/K, and a note of its error; E0524 and E0525 where an error could
change a value.  Not for: finding neurons.

relu(z) - act(K z)/K is 0 at z = 0, at most sup/K anywhere (sup of |gelu(t) - relu(t)| is 0.17, of silu 0.279), and
falls fast: |z| Phi(-K |z|) for gelu, |z|/(1 + e^(K |z|)) for silu.  What neurons of numbers see are multiples of a
grain, so K is the least power of two for which the error one grain away from the knots is nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.mlp import refusals
from compiler.mlp.figures import Figures, is_power_of_two
from compiler.mlp.lines import Line
from compiler.mlp.phases import ACTIVATION_SCALE, SIGNIFICAND, SUP
from compiler.program import Activation, Dtype, Program
from dsl.diagnostics import SpecError

NEGLIGIBLE = 2.0**-20
EIGHTH = 0.125
"""Of the step between neighbouring values: what rounding may move a computed entry by."""

LARGEST: dict[Dtype, float] = {"float64": 1e308, "float32": 3e38, "float16": 65504.0, "bfloat16": 3e38}


def scale_of(activation: Activation, lines: Sequence[Line]) -> int:
    """K; 1 for relu and reglu."""
    if activation not in SUP:
        return 1
    return max(_scale(activation, line) for line in lines)


def _scale(activation: Activation, line: Line) -> int:
    if line.figures is None:
        return ACTIVATION_SCALE
    scale = 1
    while scale < ACTIVATION_SCALE and _error(activation, scale, line.figures) > NEGLIGIBLE:
        scale *= 2
    return scale


def _error(activation: Activation, scale: int, figures: Figures) -> float:
    """What an entry is off by where every neuron is one grain away from its knot (or on it)."""
    grain = float(figures.grain)
    if not grain:  # nothing is known of how near the knots are
        return SUP[activation] / scale * figures.written
    z = scale * grain
    share = math.erfc(z / math.sqrt(2)) / 2 if activation == "gelu" else 1 / (1 + math.exp(min(700.0, z)))
    return figures.written * grain * share


def float_trouble(program: Program, line: Line) -> SpecError | None:
    """E0524 where rounding, E0525 where the activation could change a value."""
    if line.figures is None or fits_floats(program, line.figures):
        return None
    left = _smoothed(program, line.figures)
    if left > EIGHTH:
        return refusals.no_scale(line.compute, program.activation, left)
    return refusals.too_coarse(line.compute, program.dtype, rounding(program.dtype, line.figures))


def fits_floats(program: Program, figures: Figures) -> bool:
    """Does neither rounding nor the activation change a value?"""
    return max(_smoothed(program, figures), rounding(program.dtype, figures)) <= EIGHTH


def _smoothed(program: Program, figures: Figures) -> float:
    """What the activation moves an entry by at the largest scale."""
    return _error(program.activation, ACTIVATION_SCALE, figures) if program.activation in SUP else 0.0


def rounding(dtype: Dtype, figures: Figures) -> float:
    """A bound on what rounding moves an entry by: nothing where all numbers are multiples of a power of two that fit.

    Products are added up in float32 at least."""
    if figures.reach > LARGEST[dtype]:
        return math.inf
    bits, wide = SIGNIFICAND[dtype], max(24, SIGNIFICAND[dtype])
    dyadic = is_power_of_two(figures.grain.denominator)
    if dyadic and figures.reach <= figures.grain * 2**bits:
        error = 0.0
    else:
        error = 3 * 2.0**-bits * figures.felt
    out = figures.out_grain
    if not (out and is_power_of_two(out.denominator) and figures.total <= float(out) * 2.0**wide):
        error += 3 * (2.0**-wide * figures.total + 2.0**-bits)
    return error


def error_note(activation: Activation, scale: int, lines: Sequence[Line]) -> tuple[str, ...]:
    """What is said of an activation that is not relu."""
    if activation not in SUP:
        return ()
    written = max(_written(line) for line in lines)
    anywhere = SUP[activation] / scale * written
    grained = max((_error(activation, scale, line.figures) for line in lines if line.figures is not None), default=0.0)
    return (
        f"{activation}({scale} z)/{scale} for relu(z): an entry is off by at most {anywhere:.2g} anywhere, and by "
        f"{grained:.2g} where the inputs are pure values",
    )


def _written(line: Line) -> float:
    if line.figures is not None:
        return line.figures.written
    sums: dict[int, float] = {}
    for neuron in line.neurons:
        for row, entry in neuron.writes.items():
            sums[row] = sums.get(row, 0.0) + abs(entry.to_float(dict.fromkeys(entry.symbols(), 1)))
    return max(sums.values(), default=0.0)
