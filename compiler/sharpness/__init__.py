"""How sharp: the strengths and frequencies that give every head its mass, for the context and the float type.

In: exact ``Circuits`` and the values of symbols.  Out: ``Strengths``.  Not for: proving the lowered floats.

``frequencies`` chooses phases for a context, ``facts`` and ``kernels`` say how well each line tells keys apart,
``problem`` states what must hold, ``solving`` finds the least strengths, ``readouts`` looks at predicted numbers,
``rounding`` at lines of neurons, ``soft_heads`` at patterns that are a meaning, ``outright`` at given matrices;
``rest_conflicts`` and ``refusals`` say why there are none.
"""

from compiler.sharpness.frequencies import complete_frequencies, rotary_weights
from compiler.sharpness.kernels import rotary_frequencies
from compiler.sharpness.readouts import check_readouts
from compiler.sharpness.solving import StrengthReport, Strengths, solve_strengths

__all__ = [
    "StrengthReport",
    "Strengths",
    "check_readouts",
    "complete_frequencies",
    "rotary_frequencies",
    "rotary_weights",
    "solve_strengths",
]
