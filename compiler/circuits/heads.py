"""A head's circuits: its lines as terms of the score, what rests, prefers and cancels, and what it moves.

In: a ``Head`` and the ``Stream``.  Out: ``HeadCircuit``.  Not for: what a single relation looks like
(``relations``) or a single copy (``moves``).
"""

from __future__ import annotations

from fractions import Fraction

from compiler.circuits.features import ONE, ZERO, Feature, feature, nonzero, placed, scalar
from compiler.circuits.moves import copy_matrix
from compiler.circuits.parts import HeadCircuit, RotaryTerm, TermCircuit, TermKind
from compiler.circuits.relations import fit_level, relation_matrix
from compiler.circuits.shares import share_terms
from compiler.circuits.stream import Entries, Stream, one_hot_coordinates
from compiler.encodings import OneHot, Quadratic, ScalarValue
from compiler.exact import Angle, Matrix, Scalar
from compiler.heads import Head, Offset, Term
from compiler.program import Alibi, Rotary
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span


def head_circuit(stream: Stream, head: Head) -> HeadCircuit:
    """All circuits of one head.  Raises SpecError (E0430 to E0434, E0511) where a line cannot be a bilinear score."""
    _refuse_soft_wishes(head)
    terms: list[TermCircuit] = []
    rotary: list[RotaryTerm] = []
    if head.has_shares:
        terms = share_terms(stream, head)
    elif head.matrix("W_Q") is None:
        autos = sum(1 for t in head.terms if t.strength is None)
        for number, term in enumerate(head.terms):
            suffix = f"_{number + 1}" if autos > 1 else ""
            if isinstance(term.relation, Offset):
                rotary.append(_rotary_term(stream, head, number, term.relation, suffix))
            else:
                terms.append(_term(stream, head, number, suffix))
        terms += _rest_terms(stream, head)
    prefer, slope, slope_auto = _prefer(stream, head)
    ov = Matrix.zeros(stream.dimension, stream.dimension)
    for copy in head.copies:
        ov = ov + copy_matrix(stream, copy)
    return HeadCircuit(head, tuple(terms + prefer), tuple(rotary), ov, slope, slope_auto)


def _refuse_soft_wishes(head: Head) -> None:
    """A soft head has the meaning of its scores: `rest` and `prefer` have no score until a mass is claimed."""
    wishes = [rest.span for rest in head.rests]
    if head.prefer is not None:
        wishes.append(head.prefer.span)
    if head.is_soft and wishes:
        raise SpecError(
            Diagnostic(
                "E0434",
                f"head `{head.name}` makes no claim, so its `rest` and `prefer` lines have no strength",
                wishes[0],
                "nothing says how strong this should be",
                help='drop `soft`, or say it as a line with a strength (`attend key.content == "<bos>" strength 2`)',
            )
        )


def _strength(head: Head, term: Term, suffix: str) -> tuple[Scalar, str | None]:
    if term.strength is not None:
        return scalar(term.strength), None
    if head.is_soft:
        return ONE, None
    name = f"s_{head.name}{suffix}"
    return Scalar.symbol(name), name


def _term(stream: Stream, head: Head, number: int, suffix: str) -> TermCircuit:
    term = head.terms[number]
    matrix = relation_matrix(stream, term)
    if term.negated:
        matrix = matrix.scale(Scalar.rational(-1))
    strength, auto = _strength(head, term, suffix)
    kind: TermKind = "avoid" if term.negated else "attend"
    cancel = _cancel(stream, head, term, matrix)
    stray = bool(head.rests) and not _rest_is_cancelled(stream, head, term)
    label = _label(term.span, kind)
    return TermCircuit(label, kind, matrix, strength, auto, cancel, number, stray, term.span)


def _rotary_term(stream: Stream, head: Head, number: int, relation: Offset, suffix: str) -> RotaryTerm:
    term = head.terms[number]
    strength, auto = _strength(head, term, suffix)
    query = stream.one(term.span, "a relation of positions") if term.when is None else stream.indicator(term.when)
    key = dict(stream.one(term.span, "a relation of positions"))
    for coordinate in _rest_coordinates(stream, head):
        key[coordinate] = key.get(coordinate, Scalar.rational(0)) - ONE
    key = {i: entry for i, entry in key.items() if not entry.is_zero()}
    sign = -1 if term.negated else 1
    label = _label(term.span, "avoid" if term.negated else "attend")
    return RotaryTerm(label, relation.shift, sign, dict(query), key, strength, auto, number, term.span)


def _rest_coordinates(stream: Stream, head: Head) -> list[int]:
    found: list[int] = []
    for rest in head.rests:
        subspace = stream.subspaces[rest.condition.key]
        if not isinstance(subspace.encoding, OneHot):
            raise SpecError(
                Diagnostic(
                    "E0433",
                    f"`rest` reads `{subspace.name}`, which is not one-hot",
                    rest.span,
                    "the rest keys need an exact indicator",
                    help="name the rest keys by a one-hot subspace, usually the tokens' content",
                )
            )
        hot = one_hot_coordinates(subspace)
        found += [hot[v] for v in rest.condition.values if v in hot]
    return sorted(set(found))


def _gate(stream: Stream, head: Head, span: Span) -> Feature:
    """Where the head is active: everywhere if some line has no ``when``, else where any line is."""
    conditions = [t.when for t in head.terms if t.when is not None]
    if len(conditions) < len(head.terms) or not conditions:
        return stream.one(span, "`rest`")
    gate: Feature = {}
    for condition in conditions:
        gate |= stream.indicator(condition)
    if len({stream.gate_subspace(condition).name for condition in conditions}) > 1:
        raise SpecError(
            Diagnostic(
                "E0503",
                f"no score of the rest keys of head `{head.name}` serves conditions on two features",
                span,
                "where both conditions hold the rest keys would be given it twice",
                help="give all lines of this head conditions on one feature, or split the head in two",
            )
        )
    return gate


def _rest_terms(stream: Stream, head: Head) -> list[TermCircuit]:
    coordinates = _rest_coordinates(stream, head)
    if not coordinates or not head.terms:  # without lines every key fits, and nothing rests
        return []
    span = head.rests[0].span
    matrix = stream.outer(_gate(stream, head, span), dict.fromkeys(coordinates, ONE))
    name = f"r_{head.name}"
    return [TermCircuit(_label(span, "rest"), "rest", matrix, Scalar.symbol(name), name, span=span)]


def _cancel(stream: Stream, head: Head, term: Term, matrix: Matrix) -> Matrix | None:
    """Minus the line's own score on the rest keys, which sit at a known value of what the line reads.

    A rest key with token t shows f(v) in the line's key subspace (v is t itself, or the one position where
    t can stand), so the column of t is set to -T f(v): the sum over both is zero for every query. (Where the
    score of what fits depends on the query, as u^2 does, the sum is that level instead.)"""
    assert not isinstance(term.relation, Offset)
    read = stream.subspaces[term.relation.key]
    entries: Entries = {}
    level = fit_level(stream, term) if head.rests else {}
    if term.negated:
        level = {row: -entry for row, entry in level.items()}
    for token, coordinate in rest_tokens(stream, head):
        known = stream.known_value(read, token, head.layer)
        if known is None or (known.value is None and not level):
            continue
        key = {} if known.value is None else placed(read, feature(read.encoding, known.value))
        stray = _apply(matrix, key)
        for row in stray.keys() | level.keys():
            entries[(row, coordinate)] = level.get(row, ZERO) - stray.get(row, ZERO)
    entries = nonzero(entries)
    return stream.matrix(entries) if entries else None


def rest_tokens(stream: Stream, head: Head) -> list[tuple[str, int]]:
    """(token, coordinate) of every rest key that a one-hot embedding of tokens tells apart."""
    found: list[tuple[str, int]] = []
    for rest in head.rests:
        subspace = stream.subspaces[rest.condition.key]
        embed = stream.embeds.get(subspace.name)
        if embed is None or embed.source != "token" or embed.images is not None or subspace.name in stream.written:
            continue
        if not isinstance(subspace.encoding, OneHot):
            continue
        hot = one_hot_coordinates(subspace)
        found += [(str(v), hot[v]) for v in rest.condition.values if v in hot]
    return sorted(set(found), key=lambda pair: pair[1])


def _rest_is_cancelled(stream: Stream, head: Head, term: Term) -> bool:
    """True when no rest key carries a stray score of this line."""
    assert not isinstance(term.relation, Offset)
    read = stream.subspaces[term.relation.key]
    tokens = rest_tokens(stream, head)
    named = {(rest.condition.key, value) for rest in head.rests for value in rest.condition.values}
    return len(tokens) == len(named) and all(
        stream.known_value(read, token, head.layer) is not None for token, _ in tokens
    )


def _prefer(stream: Stream, head: Head) -> tuple[list[TermCircuit], Scalar, str | None]:
    zero = Scalar.rational(0)
    if head.prefer is None:
        return [], zero, None
    name = f"p_{head.name}"
    sign = 1 if head.prefer.direction == "latest" else -1
    if head.prefer.by == "position":
        assert isinstance(stream.program.positions, Alibi), "resolution allows this under alibi only"
        return [], Scalar.symbol(name) * Scalar.rational(sign), name
    subspace = stream.subspaces[head.prefer.by]
    match subspace.encoding:
        case ScalarValue() | Quadratic():
            key: Feature = {subspace.coordinates[0]: Scalar.rational(sign)}
        case OneHot(values):
            pairs = zip(subspace.coordinates, values, strict=True)
            key = {c: Scalar.rational(sign * int(v)) for c, v in pairs if int(v) != 0}
        case _:
            raise AssertionError("resolution allows ordered features only")
    matrix = stream.outer(stream.one(head.prefer.span, "`prefer`"), key)
    label = _label(head.prefer.span, "prefer")
    return [TermCircuit(label, "prefer", matrix, Scalar.symbol(name), name, span=head.prefer.span)], zero, None


def _apply(matrix: Matrix, vector: Feature) -> Feature:
    total: Feature = {}
    for (row, column), entry in matrix.entries.items():
        if column in vector:
            total[row] = total.get(row, Scalar.rational(0)) + entry * vector[column]
    return total


def _label(span: Span, default: str) -> str:
    text = " ".join(span.text.split())
    return text or default


def rotary_angle(rotary: Rotary, pair: int) -> Angle:
    """theta_p = base^(-2p/dims): 1 for p = 0, else the symbol ``theta_p`` (its value is in the bindings)."""
    return Angle(radians=Fraction(1)) if pair == 0 else Angle.symbol(f"theta_{pair}")
