"""How large a spec may be, checked before anything of that size is built.

In: a count and where it was asked for.  Out: nothing, or a diagnostic E0320 that names the bound.  Not for:
what fits a machine; these bounds only keep a slip of the pen (``onehot(0..10^12)``) from filling memory.
"""

from __future__ import annotations

from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span

TOKENS = 65_536
CONTEXT = 65_536
VALUES = 65_536
WIDTH = 65_536
LAYERS = 128
HEADS = 1024
HEAD_WIDTH = 4096
EXPLICIT_ENTRIES = 1_000_000
PAIRS = 4_000_000
PHASE_PAIRS = 1_000_000
CODE_WORK = 20_000_000
NONZEROS = 20_000_000
BASIS_WIDTH = 512
EMBEDDED = 1_000_000
FOURIER = 256
VERIFIED_LENGTH = 8192
NEURONS = 16_384
PATTERN_STATES = 200_000
EXPRESSION = 10_000
FAMILY_LINES = 100_000
FAMILY_PARTS = 1_000_000
SHAPES = 70_000
NUMBER_BITS = 14_000  # 4214 digits: Python prints up to 4300
EXPONENT = 4096
OFFSET = 10**12
IMAGE = 1 << 62


def check_size(count: int, limit: int, what: str, span: Span | None, help: str | None = None) -> None:
    """Refuse (E0320) a ``count`` above ``limit``; ``what`` completes "... values in one set"."""
    if count > limit:
        raise SpecError(
            Diagnostic(
                "E0320",
                f"too large: {_readable(count)} {what}, and the most is {limit:,}",
                span,
                "this asks for too much",
                help or "check the number for a slip; a smaller size keeps the model exact and quick",
            )
        )


def _readable(count: int) -> str:
    return f"{count:,}" if count < 10**30 else f"about 2^{count.bit_length() - 1}"
