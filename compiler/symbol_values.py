"""The values of symbols: declared in the spec, and the frequencies of rotary positions.

In: a ``Program``.  Out: rationals by name.  Not for: strengths that are solved for (``sharpness``).
"""

from __future__ import annotations

from fractions import Fraction

from compiler.circuits.features import scalar
from compiler.mlp.weights import MlpWeights as MlpWeights
from compiler.program import Program, Rotary

THETA_BITS = 160
"""Rotary frequencies base^(-2p/dims) enter the exact weights as rationals within 2^-160 of their value."""


def declared_values(program: Program) -> dict[str, Fraction]:
    """The values given to symbols, as rationals (a value with pi or a root is taken within 2^-128)."""
    values: dict[str, Fraction] = {}
    for symbol in program.symbols:
        if symbol.value is not None:
            exact = scalar(symbol.value)
            values[symbol.name] = exact.as_fraction() if exact.is_rational() else exact.enclose(values, 128)[0]
    return values


def rotary_values(program: Program) -> dict[str, Fraction]:
    """theta_p = base^(-2p/dims) for p >= 1, each within 2^-160: theta_1 by an integer root, the others as its powers,
    with 32 bits to spare (a product of two numbers below 1 is wrong by less than 2^-190 more than they are)."""
    if not isinstance(program.positions, Rotary):
        return {}
    pairs, bits = program.positions.dims // 2, THETA_BITS + 32
    first = _root_of_inverse(program.positions.base, pairs, bits)
    values, power = {}, 1 << bits
    for p in range(1, pairs):
        power = power * first >> bits
        values[f"theta_{p}"] = Fraction(power, 1 << bits)
    return values


def _root_of_inverse(base: Fraction, degree: int, bits: int) -> int:
    """floor(base^(-1/degree) * 2^bits)."""
    return _integer_root((base.denominator << (bits * degree)) // base.numerator, degree)


def _integer_root(value: int, degree: int) -> int:
    """floor(value^(1/degree)) by bisection on the bits."""
    root = 0
    for bit in range(value.bit_length() // degree + 1, -1, -1):
        trial = root | (1 << bit)
        if trial**degree <= value:
            root = trial
    return root
