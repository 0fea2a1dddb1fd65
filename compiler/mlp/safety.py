"""Inputs that do not matter where a condition says so: may they show anything there?

In: an expression and a code s for it.  Out: whether the value at s survives an input that is not looked at.  Not for:
inputs that are looked at (a mixture there makes the line undetermined).

Of ``if c then a else b`` only one branch is looked at; the other may read an earlier head's mixture.  Then s lies
anywhere between the values that it has for the pure ones, and the function must be the same at all points there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from compiler.computing import Choice, Junction, ValueExpr, parts, read_subspaces
from compiler.mlp.domains import combinations
from compiler.mlp.evaluating import Answer
from compiler.mlp.forms import Form
from compiler.mlp.reading import COMBINATIONS, Reader


def is_safe(reader: Reader, expression: ValueExpr, form: Form, points: dict[int, Answer]) -> bool:
    """False where an input that is not looked at may move s past points with other values."""
    optional = {reader.place[name][0] for name in _optional(expression)}
    groups = reader.domain.groups
    varying = [g for g in sorted(optional) if len(groups[g].names) == 1]  # decided by the token: no mixtures
    if not varying:
        return True
    shares = reader.domain.contributions(form)
    if combinations(groups) > COMBINATIONS:
        return False
    places = sorted(points)
    return all(_holds(shares, g, points, places, int(form.constant)) for g in varying)


def _optional(expression: ValueExpr) -> Iterator[str]:
    """Subspaces that are not always looked at."""
    if isinstance(expression, Choice):
        always = set(read_subspaces(expression.condition))
        one, other = set(read_subspaces(expression.then)), set(read_subspaces(expression.otherwise))
        yield from (one ^ other) - always
    if isinstance(expression, Junction):
        yield from read_subspaces(expression.left)
        yield from read_subspaces(expression.right)
    for part in parts(expression):
        yield from _optional(part)


def _holds(shares: list[list], g: int, points: dict[int, Answer], places: list[int], constant: int) -> bool:  # type: ignore[type-arg]
    """For all other inputs: where the value is the same for every value of input g, it is so in between too."""
    bases = {constant}
    for i, share in enumerate(shares):
        if i != g:
            bases = {base + other for base in bases for other in {int(own) for own in share}}
    owns = sorted({int(own) for own in shares[g]})
    for base in bases:
        seen = _few(points.get(base + own) for own in owns)
        if len(seen) == 1:
            between = places[bisect_left(places, base + owns[0]) : bisect_right(places, base + owns[-1])]
            if any(points[p] not in seen for p in between):
                return False
    return True


def _few(answers: Iterator[Answer | None]) -> set[Answer]:
    """Up to two different ones."""
    found: set[Answer] = set()
    for answer in answers:
        if answer is not None:
            found.add(answer)
            if len(found) > 1:
                break
    return found
