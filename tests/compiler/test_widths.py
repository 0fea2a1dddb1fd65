"""Heads whose two circuits want different widths: rows of zeros fill up, and no score changes."""

from __future__ import annotations

import numpy as np
import pytest

import headspec

SPEC = """\
model widths
tokens a..d, <bos>
context 6
sequences <bos> (a..d){1,5}
subspace content : onehot(tokens)
subspace place   : phase(positions, frequencies = [1])
subspace out     : onehot(tokens)
embed token -> content
embed position -> place
layer
  head narrow HEAD
    SCORES
    MOVES
predict out
"""
GIVEN = "W_Q = rows 3*place.cos0 + place.sin0\n    W_K = rows place.sin0"
ONE_MOVE = "W_V = rows content.a\n    W_O = columns out.b"
TWO = "W_Q = rows place.cos0, 2*content.a\n    W_K = rows place.sin0, content.b"


def spec(head: str, scores: str, moves: str) -> str:
    return SPEC.replace("HEAD", head).replace("SCORES", scores).replace("MOVES", moves)


@pytest.mark.parametrize(("scores", "rows"), [(GIVEN, 1), (TWO, 2)])
def test_scores_of_what_is_written_are_divided_by_the_root_of_its_rows(scores: str, rows: int) -> None:
    """Held against softmax(q . k / sqrt(rows)), worked out here, and against the reference meaning."""
    model = headspec.compile(spec("soft", scores, "copy key.content -> out"))
    [head] = model.weights.heads
    assert (head.d_head, head.W_Q.rows, head.W_K.rows) == (5, 5, 5)
    text = "<bos> a b d b c"
    ids = [model.program.tokens.index(token) for token in text.split()]
    x = model.lowered.W_E[ids] + model.lowered.W_pos[: len(ids)]
    cos, sin = (x[:, model.program.subspace("place").coordinates[i]] for i in (0, 1))
    a, b = (x[:, model.program.subspace("content").coordinates[i]] for i in (0, 1))
    query, key = ([3 * cos + sin], [sin]) if rows == 1 else ([cos, 2 * a], [sin, b])
    score = np.array(query).T @ np.array(key) / np.sqrt(rows)
    score[np.triu_indices(len(ids), 1)] = -np.inf
    weights = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    assert np.allclose(model.run(text).pattern("narrow"), weights, atol=1e-6)
    assert headspec.verify(model, device="cpu", samples=200).heads[0].wrong == 0


def test_moves_that_are_written_are_filled_up_too() -> None:
    model = headspec.compile(spec("", "attend key.content == query.content", ONE_MOVE))
    [head] = model.weights.heads
    assert (head.d_head, head.W_V.rows, head.W_O.columns) == (5, 5, 5)
    assert len(head.W_V.entries) == len(head.W_O.entries) == 1
    assert headspec.verify(model, device="cpu", samples=200).heads[0].wrong == 0
    two = "W_V = rows content.a, content.b\n    W_O = columns out.b, out.a"
    [both] = headspec.compile(spec("soft", GIVEN, two)).weights.heads
    assert both.d_head == 2 and str(both.W_Q.entries[0, 5]) == "3*sqrt(2)"


def test_a_width_that_is_stated_stays() -> None:
    with pytest.raises(headspec.SpecError) as found:
        headspec.compile(spec("soft d_head 1", GIVEN, "copy key.content -> out")).weights  # noqa: B018
    assert found.value.diagnostics[0].code == "E0440"
    with pytest.raises(headspec.SpecError) as found:
        headspec.compile(spec("soft d_head 5", GIVEN, "copy key.content -> out"))
    assert found.value.diagnostics[0].code == "E0420"


@pytest.mark.parametrize("kind", ["scalar", "quadratic"])
def test_a_one_hot_key_is_matched_with_a_number_beside_a_constant_only(kind: str) -> None:
    text = spec("", "attend key.content == query.content", "copy key.content -> out")
    text = text.replace("a..d", "0..3").replace("embed token -> content", "embed token -> content\nembed token -> n")
    text = text.replace("subspace out", f"subspace n : {kind}(0..3)\nsubspace slot : onehot(positions)\nsubspace out")
    text = text.replace("embed position", "embed position -> slot\nembed position")
    with pytest.raises(headspec.SpecError) as found:
        headspec.compile(text.replace("key.content == query.content", "key.slot == query.n")).weights  # noqa: B018
    assert found.value.diagnostics[0].code == "E0430"
