"""Embedding and unembedding, exactly: W_E, W_pos, W_U, b_U in named coordinates.

In: the ``embed`` and ``predict`` lines. Out: sparse exact matrices. Not for: the basis of the stream
(``basis``).
"""

from __future__ import annotations

from compiler.circuits.features import ONE, Feature, embedded_value, feature, placed, scalar
from compiler.circuits.stream import Entries, Stream
from compiler.encodings import Constant, Quadratic, ScalarValue, Subspace, of_one_value
from compiler.exact import Matrix, Scalar
from compiler.program import EmbedLine


def token_embedding(stream: Stream) -> Matrix:
    """W_E (width, vocabulary): column t is the sum of what each ``embed token`` sends t to; constants are 1."""
    entries: Entries = {}
    for t, token in enumerate(stream.program.tokens):
        for subspace in stream.program.subspaces:
            if isinstance(subspace.encoding, Constant):
                entries[(subspace.coordinates[0], t)] = ONE
        for embed in stream.program.embeds:
            if embed.source == "token":
                for row, entry in _embedded(stream, embed, token, t).items():
                    entries[(row, t)] = entry
    return Matrix(stream.program.width, len(stream.program.tokens), entries)


def position_embedding(stream: Stream) -> Matrix:
    """W_pos (width, context): column p is what ``embed position`` sends p to."""
    entries: Entries = {}
    for embed in stream.program.embeds:
        if embed.source == "position":
            for p in range(stream.program.context):
                for row, entry in _embedded(stream, embed, "", p).items():
                    entries[(row, p)] = entry
    return Matrix(stream.program.width, stream.program.context, entries)


def _embedded(stream: Stream, embed: EmbedLine, token: str, index: int) -> Feature:
    subspace = stream.subspaces[embed.target]
    if embed.matrix is not None:
        row = {i: scalar(entry) for i, entry in enumerate(embed.matrix[index])}
        return placed(subspace, {i: entry for i, entry in row.items() if not entry.is_zero()})
    encoding = of_one_value(subspace.encoding)
    value = embedded_value(embed, token, index, encoding)
    return {} if value is None else placed(subspace, feature(encoding, value))


def unembedding(stream: Stream) -> tuple[Matrix, Matrix]:
    """W_U (vocabulary, width) and b_U: the logit of c is f(c) . y, or 2cy - c^2 where y is a number.

    Without ``biases allowed`` a `constant` that is declared takes the place of b_U."""
    weights: Entries = {}
    bias: Entries = {}
    for name in stream.program.predict:
        subspace = stream.subspaces[name]
        said = stream.program.own_values(name)
        found = (embedded_value("token", token, 0, subspace.encoding) for token in stream.program.tokens)
        values = list(said if said is not None else found)
        if isinstance(subspace.encoding, (ScalarValue, Quadratic)):
            numbers = [None if value is None else int(value) for value in values]
            _numeric_logits(weights, bias, subspace, numbers, others=said is None)
            continue
        for t, value in enumerate(values):
            if value is not None:
                for column, entry in placed(subspace, feature(subspace.encoding, value)).items():
                    weights[(t, column)] = entry
    one = [s.coordinates[0] for s in stream.program.subspaces if isinstance(s.encoding, Constant)]
    if one and not stream.program.biases:
        weights |= {(t, one[0]): entry for (t, _), entry in bias.items()}
        bias = {}
    count = len(stream.program.tokens)
    return Matrix(count, stream.program.width, weights), Matrix(count, 1, bias)


def _numeric_logits(
    weights: Entries, bias: Entries, subspace: Subspace, values: list[int | None], *, others: bool
) -> None:
    """2cy - c^2, largest at c = y; a token that is no number stays below all that is best at some y (``_below``), if
    there are ``others`` among which this prediction is decided."""
    below = _below([value for value in values if value is not None])
    for token, value in enumerate(values):
        if value is None and not others:
            continue
        if value is None:
            bias[(token, 0)] = Scalar.rational(below)
        elif value:
            weights[(token, subspace.coordinates[0])] = Scalar.rational(2 * value)
            bias[(token, 0)] = Scalar.rational(-value * value)


def _below(values: list[int]) -> int:
    """A logit below max_c (2cy - c^2) for every y from 0 (where nothing is written) to the values c and beyond.

    The maximum is convex in y.  It is least at y = 0, where it is -c^2 for the smallest |c| = m, or, with neighbours
    a < 0 < b, where these two are equal: ab.  2m + 1 is left for what y may be off by (half a step moves it by m)."""
    nearest = min((abs(c) for c in values), default=0)
    negative, positive = [c for c in values if c < 0], [c for c in values if c > 0]
    crossing = max(negative) * min(positive) if nearest and negative and positive else 0
    return min(-nearest * nearest, crossing) - 2 * nearest - 1
