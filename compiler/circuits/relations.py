"""Relations as score circuits: what makes a key match a query, as a bilinear form.

In: a ``Term``. Out: the matrix T with x_q^T T x_k largest where the relation holds, without its strength.
Not for: how much larger (``kernels``), or for what rests, prefers and cancels (``circuits``).
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from compiler.circuits.features import ONE, Feature, feature, phase_angles, placed
from compiler.circuits.stream import Entries, Stream, one_hot_coordinates
from compiler.encodings import Code, OneHot, Phase, Quadratic, ScalarValue, Subspace, Value
from compiler.exact import Matrix, Scalar
from compiler.heads import Among, Equal, Offset, Related, Term, matches_number
from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Span


def relation_matrix(stream: Stream, term: Term) -> Matrix:
    match term.relation:
        case Among(key, values):
            functional = _constant_side(stream, term)
            return stream.outer(functional, _among_key(stream.subspaces[key], values, term.span))
        case Equal(key, query, shift):
            return _equal(stream, stream.subspaces[key], stream.subspaces[query], shift, term)
        case Related(key, query, pairs):
            return _related(stream, stream.subspaces[key], stream.subspaces[query], dict(pairs), term)
        case Offset():
            raise AssertionError("offsets are rotary terms")
        case _ as never:
            assert_never(never)


def _constant_side(stream: Stream, term: Term) -> Feature:
    if term.when is not None:
        return stream.indicator(term.when)
    return stream.one(term.span, "a comparison with a constant")


def _among_key(key: Subspace, values: tuple[Value, ...], span: Span) -> Feature:
    encoding = key.encoding
    if isinstance(encoding, Quadratic):
        assert len(values) == 1 and isinstance(values[0], int), "resolution lets one value through"
        return placed(key, {0: Scalar.rational(2 * values[0]), 1: Scalar.rational(-1)})
    total: Feature = {}
    for value in values:
        for i, entry in feature(encoding, value).items():
            total[i] = total.get(i, Scalar.rational(0)) + entry
    return placed(key, total)


def _equal(stream: Stream, key: Subspace, query: Subspace, shift: int, term: Term) -> Matrix:
    """key == query + shift: rows of the query's functionals against what the key must show for them."""
    rows = _query_rows(stream, query, term)
    if rows is not None:
        entries: Entries = {}
        for coordinate, value in rows:
            if isinstance(value, int) or shift == 0:
                wanted = value + shift if isinstance(value, int) else value
                _put(entries, coordinate, _wanted(key, wanted))
        return stream.matrix(entries)
    match key.encoding, query.encoding:
        case Phase(), Phase():
            return _rotation(stream, key, query, shift)
        case OneHot(), (Phase() | Code()):
            return _one_hot_key(stream, key, query, shift)
        case Quadratic(), (ScalarValue() | Quadratic()):
            return _quadratic_key(stream, key, query, shift, term.span)
        case Code(), Code():
            pairs = zip(query.coordinates, key.coordinates, strict=True)
            return stream.matrix(dict.fromkeys(pairs, ONE))
        case OneHot(), (ScalarValue() | Quadratic()):
            return _one_hot_number(stream, key, query, shift, term)
        case _:
            raise AssertionError("resolution checks that the encodings fit")


def _query_rows(stream: Stream, query: Subspace, term: Term) -> list[tuple[int, Value]] | None:
    """(coordinate, value) of the one-hot that says what the query is, restricted by ``when``; None if
    the query is not one-hot and there is no ``when``."""
    if term.when is None:
        if isinstance(query.encoding, OneHot):
            return list(zip(query.coordinates, query.encoding.values, strict=True))
        return None
    gate = stream.gate_subspace(term.when)
    name = gate.name
    same_source = (
        name in stream.embeds
        and query.name in stream.embeds
        and stream.embeds[name].source == stream.embeds[query.name].source
        and not stream.written & {name, query.name}
    )
    if isinstance(gate.encoding, OneHot) and (name == query.name or same_source):
        return _shown(stream, gate, query, term)
    raise SpecError(_two_query_features(term, query.name))


def _two_query_features(term: Term, query: str) -> Diagnostic:
    assert term.when is not None
    return Diagnostic(
        "E0432",
        f"this line reads query.{query} under a condition on query.{term.when.feature}",
        term.when.span,
        "a product of two query features",
        help="a score is bilinear in one query and one key: let one one-hot subspace carry both, "
        "or compare the key with a constant",
        figures=(f"score = [{term.when.feature} holds] * [key matches query.{query}] has degree 2 in the query",),
    )


def _shown(stream: Stream, gate: Subspace, query: Subspace, term: Term) -> list[tuple[int, Value]]:
    """(coordinate of the gate, what the query then shows), left out where the query then shows nothing.

    Raises SpecError E0432 where one value of the gate leaves several to the query."""
    assert term.when is not None and isinstance(gate.encoding, OneHot)
    hot = zip(gate.coordinates, gate.encoding.values, strict=True)
    allowed = [(c, v) for c, v in hot if v in set(term.when.values)]
    if gate.name == query.name:
        return allowed
    shown = stream.values_together(gate, query)
    rows = [(c, v) for c, gated in allowed for v in shown.get(gated, ())]
    if len({c for c, _ in rows}) < len(rows):
        raise SpecError(_two_query_features(term, query.name))
    if isinstance(query.encoding, ScalarValue | Quadratic):  # a number that is not there reads as 0
        rows = [(c, 0 if v is None else v) for c, v in rows]
    return [(c, v) for c, v in rows if v is not None]


def _wanted(key: Subspace, value: Value) -> Feature:
    """The key functional that is largest at ``value``."""
    if isinstance(key.encoding, Quadratic):
        assert isinstance(value, int)
        return placed(key, {0: Scalar.rational(2 * value), 1: Scalar.rational(-1)})
    return placed(key, feature(key.encoding, value))


def _rotation(stream: Stream, key: Subspace, query: Subspace, shift: int) -> Matrix:
    """Pair j of the query turned by shift * alpha_j: sum_j l_j l'_j cos alpha_j (u + shift - v).

    cos a(u + s - v) = (c cos au - s' sin au) cos av + (s' cos au + c sin au) sin av, c = cos as, s' = sin as."""
    assert isinstance(query.encoding, Phase)
    entries: Entries = {}
    for j, angle in enumerate(phase_angles(query.encoding)):
        c, s = Scalar.cos(angle * Fraction(shift)), Scalar.sin(angle * Fraction(shift))
        qc, qs = query.coordinates[2 * j], query.coordinates[2 * j + 1]
        kc, ks = key.coordinates[2 * j], key.coordinates[2 * j + 1]
        entries |= {(qc, kc): c, (qs, kc): -s, (qc, ks): s, (qs, ks): c}
    return stream.matrix(entries)


def _one_hot_key(stream: Stream, key: Subspace, query: Subspace, shift: int) -> Matrix:
    assert isinstance(key.encoding, OneHot)
    entries: Entries = {}
    for coordinate, value in zip(key.coordinates, key.encoding.values, strict=True):
        source = value - shift if isinstance(value, int) else value
        for q, entry in placed(query, feature(query.encoding, source)).items():
            entries[(q, coordinate)] = entry
    return stream.matrix(entries)


def _quadratic_key(stream: Stream, key: Subspace, query: Subspace, shift: int, span: Span) -> Matrix:
    """2 (u + shift) v - v^2 = (u + shift)^2 - (u + shift - v)^2: largest where v = u + shift, by 1 or more."""
    value, square = key.coordinates
    entries = {(query.coordinates[0], value): Scalar.rational(2)}
    for c, entry in stream.one(span, "matching an integer, 2uv - v^2,").items():
        entries[(c, square)] = entry * Scalar.rational(-1)
        if shift:
            entries[(c, value)] = entries.get((c, value), Scalar.rational(0)) + entry * Scalar.rational(2 * shift)
    return stream.matrix(entries)


def _one_hot_number(stream: Stream, key: Subspace, query: Subspace, shift: int, term: Term) -> Matrix:
    """2 (u + shift) v - v^2 + 1 on the coordinate of v: a one-hot shows v and v^2 to a linear map.

    That is (u + shift)^2 + 1 - (u + shift - v)^2, so a key that shows nothing, and scores 0, is 1 or more below what
    fits as well.  Raises SpecError E0405 where a head or an MLP writes the key, E0430 without a constant direction."""
    if key.name in stream.written:
        raise SpecError(_blurred_number_key(term, key, query))
    one = stream.one(term.span, "matching an integer, 2uv - v^2,")
    if len(one) > 1:
        raise SpecError(_no_single_constant(term))
    (constant,) = one
    entries: Entries = {}
    for value, coordinate in one_hot_coordinates(key).items():
        v = int(value)
        entries[(query.coordinates[0], coordinate)] = Scalar.rational(2 * v)
        entries[(constant, coordinate)] = Scalar.rational(2 * shift * v - v * v + 1)
    return stream.matrix(entries)


def _blurred_number_key(term: Term, key: Subspace, query: Subspace) -> Diagnostic:
    kind = "scalar" if isinstance(query.encoding, ScalarValue) else "quadratic"
    return Diagnostic(
        "E0405",
        f"`{key.name}` (onehot) is matched with a number, `{query.name}` ({kind}), and not embedded alone",
        term.span,
        "what heads and MLPs bring is blurred, by v^2 here",
        help=f"declare `{key.name}` quadratic, or `{query.name}` onehot; under a `when` on a one-hot that "
        "the same token or position decides, it is a table",
    )


def _no_single_constant(term: Term) -> Diagnostic:
    return Diagnostic(
        "E0430",
        "matching a number with a one-hot key needs a constant, and no single direction of the stream is always 1",
        term.span,
        "this line compares with a constant",
        help="add `subspace one : constant`, or say `biases allowed`",
    )


def fit_level(stream: Stream, term: Term) -> Feature:
    """The query functional that equals the score of a key that fits, where that depends on the query: (u + shift)^2
    for a quadratic key, and 1 more for a one-hot one.  Softmax does not see it, but a rest key has to be given it too.

    Raises SpecError E0511 where the query shows u but not its square."""
    relation = term.relation
    if isinstance(relation, Offset):
        return {}
    lifted = matches_number(term, stream.subspaces)
    if not lifted and not isinstance(stream.subspaces[relation.key].encoding, Quadratic):
        return {}
    match relation:
        case Among(_, values):
            return _scaled(_constant_side(stream, term), int(values[0]) ** 2)
        case Equal(_, name, shift):
            query = stream.subspaces[name]
            rows = _query_rows(stream, query, term)
            if rows is not None:
                _refuse_empty_queries(stream, query, term)
                return {c: Scalar.rational((int(v) + shift) ** 2) for c, v in rows if int(v) + shift}
            if isinstance(query.encoding, Quadratic):
                value, square = query.coordinates
                level = {square: ONE} | ({value: Scalar.rational(2 * shift)} if shift else {})
                more = shift**2 + lifted
                return level | (_scaled(stream.one(term.span, "adding a constant"), more) if more else {})
            raise SpecError(
                Diagnostic(
                    "E0511",
                    f"`rest` beside a comparison with query.{name}, whose square the query does not show",
                    term.span,
                    "a key that fits scores (u + k)^2 here, and the rest keys must keep below it for every u",
                    help=f"make `{name}` quadratic or one-hot, or leave out `rest`",
                )
            )
        case Related():
            return {}


def _refuse_empty_queries(stream: Stream, query: Subspace, term: Term) -> None:
    """Where the query shows nothing all keys score 0, as much as what fits elsewhere less its level: no one score of
    the rest keys lies below the one and above the other."""
    when = term.when
    if stream.always_shows(query) or (when is not None and when.feature == query.name):
        return
    raise SpecError(
        Diagnostic(
            "E0511",
            f"`rest` beside a comparison with query.{query.name}, which may show nothing",
            term.span,
            "where the query shows no value every key scores 0 here, and a rest key cannot be put above that",
            help=f"let `{query.name}` hold every token (or position), or give the line a `when` on it",
        )
    )


def _scaled(functional: Feature, factor: int) -> Feature:
    return {c: entry * Scalar.rational(factor) for c, entry in functional.items() if factor}


def _related(
    stream: Stream, key: Subspace, query: Subspace, pairs: dict[Value, tuple[Value, ...]], term: Term
) -> Matrix:
    rows = _query_rows(stream, query, term)
    assert rows is not None, "tables relate one-hot subspaces"
    entries: Entries = {}
    for coordinate, value in rows:
        for image in pairs.get(value, ()):
            _put(entries, coordinate, _wanted(key, image))
    return stream.matrix(entries)


def _put(entries: Entries, row: int, functional: Feature) -> None:
    for column, entry in functional.items():
        entries[(row, column)] = entry
