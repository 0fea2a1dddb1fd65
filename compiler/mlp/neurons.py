"""One neuron, exactly: what it reads, what it writes, what it is for.

In: nothing (pure data).  Out: ``Neuron``.  Not for: finding them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.circuits.features import ONE, ZERO, Feature
from compiler.exact import Scalar


@dataclass(frozen=True)
class Neuron:
    """relu(reads . x + constant) * writes, by residual coordinate; under reglu times (factor . x + factor_constant)."""

    reads: Feature
    writes: Feature
    label: str
    constant: Scalar = ZERO
    factor: Feature = field(default_factory=dict)
    factor_constant: Scalar = ONE
