"""The right head, but not sharp enough: by how much, and what would do.

In: ``Facts`` with the factor that is needed, or with a tie.  Out: ``Mistake`` s.  Not for: finding that factor
(``factors``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headspec.course.results import Mistake

if TYPE_CHECKING:
    from headspec.course.exercise import Check, Exercise
    from headspec.course.naming.facts import Facts


def softness(exercise: Exercise, check: Check, facts: Facts) -> Iterator[Mistake]:
    if facts.tie is not None:
        yield Mistake("only-by-a-tie", _tie(*facts.tie))
    if facts.needed is None or facts.needed <= 1 or check.temperature != "stated":
        return
    head = exercise.weights.program.head(facts.head)
    d_head = head.d_head or exercise.weights.head(facts.head).d_head
    if facts.needed <= 1.03 * math.sqrt(d_head):
        says = f"Softmax sees the scores divided by sqrt(d_head) = {math.sqrt(d_head):.4g}. Without that division your "
        yield Mistake("forgot-sqrt-d-head", says + "head would be sharp enough: did you leave it out of the reckoning?")
    yield Mistake("too-soft", _too_soft(facts))


def _tie(right: int, wrong: int) -> str:
    what = "the first position" if wrong == 0 else f"position {wrong}"
    return (
        f"The right key (position {right}) and {what} have exactly the same score there, so they share the attention, "
        "and no factor on the scores parts them."
    )


def _too_soft(facts: Facts) -> str:
    assert facts.needed is not None
    mass = "" if facts.given_mass is None else f" (the right keys have {facts.given_mass:.4g} of the attention)"
    says = f"The right keys score highest, but by too little{mass}: multiply all scores by {_above(facts.needed)}"
    symbol = _overall_symbol(facts)
    if symbol is None:
        return f"{says}, in W_Q or in W_K."
    name, value = symbol
    return f"{says}. With {name} = {_above(facts.needed * value)} in place of {value:.4g} it would do."


def _above(value: float) -> str:
    """Three digits, rounded up."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.ceil(value / step - 1e-9) * step:.4g}"


def _overall_symbol(facts: Facts) -> tuple[str, float] | None:
    """A symbol that stands once in every term of every entry, with its value."""
    if facts.values is None or facts.answer.is_zero():
        return None
    powers = [dict(key[4]) for entry in facts.answer.entries.values() for key in entry.terms]
    shared = [name for name in powers[0] if all(p.get(name) == 1 for p in powers) and name in facts.values]
    return (shared[0], float(facts.values[shared[0]])) if shared else None
