"""Which values a subspace can show, by what has been written into it.

In: the ``Stream``, a subspace and a layer.  Out: its values.  Not for: which of them stand together (``domains``).

A subspace that heads copy into shows what the copied ones can show (for numbers, sums of that, and where a head can
share its attention, every integer between: means of numbers are numbers); where anything else writes, any value of
its encoding.  What is not known of a subspace is not known of what is copied from it either: its numbers may lie
outside its range, and in that of the other.
"""

from __future__ import annotations

from itertools import product

from compiler.circuits.features import embedded_value, scalar
from compiler.circuits.stream import Stream, copied_value
from compiler.encodings import Code, Encoding, OneHot, Pairs, Phase, Quadratic, ScalarValue, Subspace, Value
from compiler.heads import Copy, Head
from compiler.program import EmbedLine

SUMS = 1 << 16


def possible_values(stream: Stream, name: str, layer: int) -> tuple[Value, ...]:
    """The values of its encoding that ``name`` can show to the MLP of ``layer``, in their order."""
    declared = values_of(stream.subspaces[name].encoding)
    found = _values(stream, name, layer, layer)
    return declared if found is None else tuple(v for v in declared if v in found)


def _values(stream: Stream, name: str, heads: int, computes: int) -> set[Value] | None:
    """After the heads of layers up to ``heads`` and the lines of layers below ``computes``; None where that is not
    known."""
    subspace = stream.subspaces[name]
    if any(h.explicit for h in stream.program.heads if h.layer <= heads):
        return None
    shares: list[set[Value] | None] = [_embedded(stream, subspace)] if name in stream.embeds else []
    lines = sum(c.target == name and c.layer < computes for c in stream.program.computes)
    shares += [set(values_of(subspace.encoding))] * lines
    for head in stream.program.heads:
        if head.layer <= heads:
            shares += [_copied(stream, head, copy) for copy in head.copies if copy.target == name]
    known = [values for values in shares if values is not None]
    return _together(subspace, known) if len(known) == len(shares) else None


def _copied(stream: Stream, head: Head, copy: Copy) -> set[Value] | None:
    """What a head can bring: one of the values of the source, or a mean of them."""
    source = _values(stream, copy.source, head.layer - 1, head.layer)
    if source is None or not _plain(head, copy):
        return None
    subspace = stream.subspaces[copy.target]
    if isinstance(subspace.encoding, Pairs):
        return None  # parts of pairs
    if isinstance(subspace.encoding, ScalarValue) and not _is_pure(stream, copy.source, head.layer - 1, head.layer):
        return None  # a mixture of 1 and 4 is copied as a number between them, a sum of them as 5
    moved = {v for v in (copied_value(copy, value) for value in source) if v is not None} | _nothing(subspace)
    if not isinstance(subspace.encoding, ScalarValue) or stream.plain.looks_at_one(head):
        return moved
    ends = [int(v) for v in moved]
    return set(range(min(ends), max(ends) + 1)) if max(ends) - min(ends) < SUMS else None


def _is_pure(stream: Stream, name: str, heads: int, computes: int) -> bool:
    """Is a number, or shows one value (or none) wherever what is written there is determined."""
    if isinstance(stream.subspaces[name].encoding, ScalarValue | Quadratic):
        return True
    lines = sum(c.target == name and c.layer < computes for c in stream.program.computes)
    copies = [(h, c) for h in stream.program.heads if h.layer <= heads for c in h.copies if c.target == name]
    if (name in stream.embeds) + lines + len(copies) > 1:
        return False
    return all(
        _plain(h, c) and stream.plain.looks_at_one(h) and _is_pure(stream, c.source, h.layer - 1, h.layer)
        for h, c in copies
    )


def _plain(head: Head, copy: Copy) -> bool:
    coefficient = scalar(copy.coefficient)
    return not head.is_soft and not head.has_shares and coefficient.is_rational() and coefficient.as_fraction() == 1


def _nothing(subspace: Subspace) -> set[Value]:
    """What a number shows where a key shows nothing."""
    return {0} if isinstance(subspace.encoding, ScalarValue | Quadratic) else set()


def _together(subspace: Subspace, shares: list[set[Value]]) -> set[Value] | None:
    """One of one-hots' values, sums of numbers; None where this is not known."""
    if isinstance(subspace.encoding, ScalarValue):
        totals: set[int] = {0}
        for share in shares:
            if len(totals) * len(share) > SUMS:
                return None
            totals = {a + int(b) for a, b in product(totals, share)}
        return set(totals)
    if isinstance(subspace.encoding, Quadratic) and len(shares) != 1:
        return None if shares else {0}
    return set().union(*shares)


def _embedded(stream: Stream, subspace: Subspace) -> set[Value] | None:
    """A number that is not embedded is 0, also where 0 is outside its range."""
    embed = stream.embeds[subspace.name]
    if embed.matrix is not None:
        return None
    if embed.source == "token":
        places = [(token, 0) for token in stream.program.read_tokens]
    else:
        places = [("", position) for position in range(stream.program.sequences.longest)]
    shown = {shown_value(subspace.encoding, embed, token, position) for token, position in places}
    return {value for value in shown if value is not None} | (_nothing(subspace) if None in shown else set())


def shown_value(encoding: Encoding, source: EmbedLine, token: str, position: int) -> Value | None:
    """What an embedding shows; 0 where a number is not written, None where anything else is not."""
    value = embedded_value(source, token, position, encoding)
    if value is None and isinstance(encoding, ScalarValue | Quadratic) and encoding.low <= 0 <= encoding.high:
        return 0
    return value


def values_of(encoding: Encoding) -> tuple[Value, ...]:
    match encoding:
        case OneHot(values) | Code(values):
            return values
        case Phase(low, high) | ScalarValue(low, high) | Quadratic(low, high):
            return tuple(range(low, high + 1))
        case _:
            return ()
