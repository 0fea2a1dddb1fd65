"""Soft heads: is the softmax of their scores told by the float type, and by what earlier heads leak?

In: a soft head with lines, and facts about its program.  Out: nothing; SpecError E0512 where its pattern may be farther
from its meaning than ``mass`` allows.  Not for: matrices that are given outright, whose scores nobody bounds.

With every score off by at most d the pattern is off by at most tanh(d/2), in total variation (``shares``).  A line of
strength s adds |s| (e + (f + g) (h - l)): e its kernel's rounding, f and g the foreign shares that earlier heads leave
in what it compares, and l to h all that one unit of it can score.
"""

from __future__ import annotations

import math

from compiler.heads import Among, Equal, Head, Related, Term
from compiler.sharpness.kernels import KernelReader
from dsl.diagnostics import Diagnostic, SpecError


def check_soft(head: Head, reader: KernelReader) -> None:
    """Raises SpecError E0512."""
    parts = [_parts(head, term, reader) for term in head.terms]
    rounded, leaked = (sum(sides) for sides in zip(*parts, strict=True)) if parts else (0.0, 0.0)
    allowed = 1 - float(reader.program.mass)
    off = math.tanh((rounded + leaked) / 2)
    if off <= allowed:
        return
    dtype = reader.program.dtype
    wider = "a wider float type, one-hot subspaces, " if dtype != "float64" else ""
    why = f"rounding may move its scores by {rounded:.2g}" if rounded > leaked else "earlier heads leak into its scores"
    raise SpecError(
        Diagnostic(
            "E0512",
            f"head `{head.name}` cannot hold its pattern in {dtype}",
            head.terms[0].span,
            why,
            help=f"{wider}lower strengths, or a mass that asks less of this pattern",
            figures=(f"up to {off:.2g} of the attention may be elsewhere, and `mass` allows {allowed:.2g}",),
        )
    )


def _parts(head: Head, term: Term, reader: KernelReader) -> tuple[float, float]:
    """What rounding, and what leaks, may move a score by."""
    kernel, relation = reader.kernel(head, term), term.relation
    strength = 1.0 if term.strength is None else abs(reader.number(term.strength))
    names = [relation.key] if isinstance(relation, Equal | Related | Among) else []
    names += [relation.query] if isinstance(relation, Equal | Related) else []
    names += [term.when.feature] if term.when is not None and term.when.feature in reader.subspaces else []
    across = max(kernel.fit_high, kernel.miss_high) - min(kernel.fit_low, kernel.miss_low)
    return strength * kernel.error, strength * across * sum(reader.noise(name) for name in names)
