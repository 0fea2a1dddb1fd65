"""Ablation and patching: what comes of an edit is what a plain transformer computes by hand with that edit.

On the copy circuit the outcome of every edit can also be said in words, and is counted exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import headspec
from backends.interventions import shape_of
from backends.lowered import Lowered
from backends.numpy_model import NumpyModel, softmax
from backends.state import state_arrays
from dsl.diagnostics import SpecError
from headspec import Ablation, Model, ablate
from headspec.ablation import tally as ablation_tally
from headspec.ablation.edits import EditReader
from headspec.ablation.intervening import Intervened, find_subject
from headspec.ablation.tally import claimed_positions
from headspec.verification.comparing import verify_model
from tests.headspec.iterations import COPY, GENERATING, LONGEST, PARITY

ALL = 10**5  # more samples than there are sequences: every one is looked at
MINUS_TWO = 'fetch: token[key.position + 2] == "<eoi>" at token[key.position] == "<eoi>"'
TEXT = "<copy> 1 0 1 1 <eoi> 1 0 1 1"

Bools = np.ndarray
Change = Callable[[int, int, np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def copy() -> Model:
    model = headspec.compile(COPY)
    assert headspec.verify(model, device="cpu").holds
    return model


def run(model: Any, *args: Any, **options: Any) -> Ablation:
    return ablate(model, *args, device="cpu", **options)


def sequences() -> Iterator[tuple[list[str], int]]:
    """Every valid input of the copy circuit, and the length of what is to be copied."""
    for length in range(1, LONGEST + 1):
        for bits in range(2**length):
            x = [str(bits >> i & 1) for i in range(length)]
            for tail in range(length + 1):
                for more in range(2**tail):
                    yield ["<copy>", *x, "<eoi>", *(str(more >> i & 1) for i in range(tail))], length


def said(key: str) -> str:
    """What ``find`` says of the token that it finds; of <copy> nothing, and the tie is broken for the first token."""
    return {"0": "0", "1": "1", "<eoi>": "<eos>"}.get(key, "0")


def count(decode: Callable[[list[str], int], str]) -> tuple[int, int, int]:
    """(tokens, right ones, whole sequences) where ``decode(text, length)`` is what is said after each text."""
    tokens = right = whole = 0
    for text, length in sequences():
        good = []
        for stop in range(length + 2, len(text) + 1):
            step = stop - length - 2
            answer = text[1 + step] if step < length else "<eos>"
            good.append(decode(text[:stop], length) == answer)
        tokens, right, whole = tokens + len(good), right + sum(good), whole + all(good)
    return tokens, right, whole


def counted(found: Ablation) -> tuple[int, int, int]:
    return found.after.judged, found.after.right, found.after.whole


# ------------------------------------------------------------------ the copy circuit, counted


def test_without_edits_it_copies(copy: Model) -> None:
    found = run(copy, samples=ALL)
    assert found.complete and found.sequences == len(list(sequences()))
    assert (found.before.tokens, found.before.tails, found.changed) == (1.0, 1.0, 0)
    assert counted(found) == count(lambda text, length: said(text[len(text) - length - 1]))
    assert [x.length for x in found.lengths] == list(range(3, 2 * LONGEST + 3))
    assert found.head("find").before.peaky_thres == found.head("L0H0").after.peaky_thres == 1.0
    assert found.before == found.after and "as it is" in str(found)


def test_without_its_edge_to_eoi_every_token_is_repeated(copy: Model) -> None:
    """u stays t, the key nearest to t + 1 is the query itself: what is said is the current token again."""
    found = run(copy, samples=ALL, zero='fetch: "<eoi>"')
    assert counted(found) == count(lambda text, length: said(text[-1]))
    assert found.after.tokens is not None and found.constant is not None
    assert found.after.tokens < found.constant < 0.5  # no better than always saying one thing
    assert found.head("fetch").after.peaky_abs == 0.0


def test_without_the_second_head_nothing_is_said(copy: Model) -> None:
    """All logits are zero: ties, which greedy decoding breaks for the first token."""
    found = run(copy, samples=ALL, zero="find")
    assert counted(found) == count(lambda text, length: "0")
    assert found.ties == found.after.judged
    assert found.after.tokens == found.constant and found.constant_token == "0"


def test_without_the_edge_to_its_token_the_second_head_is_at_chance(copy: Model) -> None:
    edge = 'find: token[query.position - key.position + 1] == "<eoi>"'
    found = run(copy, samples=ALL, zero=edge)
    assert found.after.tokens is not None and found.constant is not None
    assert found.after.tokens <= found.constant


@pytest.mark.parametrize("edits", [{"ideal": ["fetch", "find"]}, {"expected": ["fetch", "find"]}], ids=str)
def test_with_ideal_patterns_it_stays_perfect(copy: Model, edits: dict[str, Any]) -> None:
    found = run(copy, samples=ALL, **edits)
    assert (found.after.tokens, found.after.tails, found.changed) == (1.0, 1.0, 0)
    assert found.head("fetch").after.peaky_abs == found.head("find").after.peaky_abs == 1.0
    row = found.pattern("fetch")[found.example.tokens.index("<eoi>")]
    assert sorted(row.tolist())[-2:] == [0.0, 1.0]


def test_the_first_head_on_eoi_minus_two_copies_from_the_third_on(copy: Model) -> None:
    """u = t - e + 2: what is said is two steps ahead. After x3 .. xL comes <eos>, and then s1 and s2 again."""
    found = run(copy, samples=ALL, pattern=MINUS_TWO)

    def two_ahead(text: list[str], length: int) -> str:
        key = len(text) - 1 - (length + 1) + 3 if length > 1 else len(text) - 1  # of <copy>, t = 0: u stays t
        return said(text[key])

    assert counted(found) == count(two_ahead)
    generated = run(copy, "<copy> 1 1 0 1 <eoi>", pattern=MINUS_TWO, generate=6, stop="<eos>").generated
    assert generated is not None
    assert generated.before == ("1", "1", "0", "1", "<eos>") and generated.after == ("0", "1", "<eos>")


def test_samples_are_drawn_at_the_lengths_asked_for(copy: Model) -> None:
    found = run(copy, samples=40, lengths=[10, 6], seed=3)
    assert [(x.length, x.before.sequences) for x in found.lengths] == [(6, 20), (10, 20)]
    assert not found.complete and found.sampled and found.sequences == 40
    again = run(copy, samples=40, lengths=[10, 6], seed=3)
    assert again.to_json() == found.to_json()
    assert run(copy, samples=40, lengths=[10], seed=4).example.tokens != found.example.tokens


def test_the_example_is_one_in_which_something_changes(copy: Model) -> None:
    found = run(copy, samples=30, lengths=[8], zero='fetch: "<eoi>"')
    changed = [decoded for decoded in found.example.decoded if decoded.right and decoded.changed]
    assert changed and all(decoded.before in decoded.right for decoded in changed)


def test_at_says_what_is_judged(copy: Model) -> None:
    found = run(copy, TEXT, zero="find", at="7")
    assert found.after.judged == 1
    assert [decoded.position for decoded in found.example.decoded if decoded.right] == [7]
    found = run(copy, TEXT, zero="find", at='token[key.position] == "<eoi>"')  # wherever <eoi> can be seen
    assert [decoded.position for decoded in found.example.decoded if decoded.right] == [5, 6, 7, 8, 9]


def test_of_a_spec_that_generates_the_tail_is_judged() -> None:
    """From the first step on from which everything is determined, as far as a token follows: not after <eos>."""
    model = headspec.compile(GENERATING)
    found = run(model, "<copy> 1 0 <eoi> 1 0 <eos>")
    assert [decoded.position for decoded in found.example.decoded if decoded.right] == [3, 4, 5]
    assert found.before.tails == 1.0
    found = run(model, "<copy> 1 0 <eoi>")
    assert [decoded.position for decoded in found.example.decoded if decoded.right] == [3]
    assert found.example.valid and not run(model, "<copy> <copy>").example.valid


def test_of_a_spec_that_generates_nothing_is_judged_before_the_last_gap(copy: Model) -> None:
    """What is determined at position 0 is no step of the tail, which begins at 2; after <eos> nothing follows."""
    program = headspec.compile(GENERATING).program
    tokens = ids(copy, "<copy> 1 <eoi> 1 <eos>", "<copy> 1 <eoi> 1 <eoi>", "<copy> <copy> 1 1 1")
    determined = np.array([[True, False, True, True, True]] * 3)
    found = claimed_positions(program, tokens, determined)
    assert found.tolist() == [[False, False, True, True, False], [False] * 5, [False] * 5]


def test_what_is_undetermined_is_not_judged() -> None:
    """Before <eoi> the second head finds nothing, although these are valid inputs."""
    model = headspec.compile(COPY.replace("sequences <copy> (", "sequences <copy> ((0..1){0,2} | "))
    found = run(model, "<copy> 1 0 <eoi>")
    assert model.program.sequences.accepts(ids(model, "<copy> 1 0")[0])
    assert [decoded.position for decoded in found.example.decoded if decoded.right] == [3]
    assert (found.before.judged, found.before.tails) == (1, 1.0)
    assert run(model, "<copy> 1 0 <eoi>", at="key.position == 0").before.judged == 1  # though all are asked for


def test_each_predicted_subspace_decides_among_its_own_values() -> None:
    model = headspec.compile(
        """
model cases
tokens a, b, A, B
context 3
sequences (a..b){1,3}
table upper: "a" -> "A", "b" -> "B"
subspace content : onehot({"a", "b"})
subspace small   : onehot({"a", "b"})
subspace large   : onehot({"A", "B"})
subspace where   : phase(positions)
embed token    -> content
embed position -> where
layer
  head both
    attend key.where == query.where
    copy key.content -> small
    copy key.content through upper -> large
predict small
predict large
"""
    )
    found = run(model, "a b b", zero="both at 1")
    assert [(d.subspace, d.before, d.after) for d in found.example.decoded if d.position == 1] == [
        ("small", "b", "a"),  # two ties of zeros, each broken among its own
        ("large", "B", "A"),
    ]
    assert (found.before.tokens, found.after.right, found.after.judged, found.ties) == (1.0, 4, 6, 2)
    assert found.constant_token is None and found.constant == pytest.approx(2 / 3)


def test_a_text_that_is_no_valid_input_is_not_judged(copy: Model) -> None:
    found = run(copy, "<copy> <copy> 1 <eoi>", zero="find")
    assert found.after.judged == 0 and not found.example.valid and "nothing is claimed" in str(found)


# ------------------------------------------------------------------ parity, which has an MLP


@pytest.fixture(scope="module")
def parity() -> Model:
    return headspec.compile(PARITY)


def tails(found: Callable[[list[str], int], str | None]) -> tuple[int, int]:
    """(tokens, right ones) over whole texts of up to five bits, where ``found(text, step)`` is the token that the
    second head finds; what is said follows from it and the last token as the compute line says."""
    tokens = right = 0
    for length in range(1, 6):
        for bits in range(4**length):
            x = [str(bits >> i & 1) for i in range(length)]
            s = [str(bits >> (length + i) & 1) for i in range(length)]
            text = ["<parity>", *x, "<eoi>", *s]
            for step in range(length + 1):
                last = text[length + 1 + step]
                tokens += 1
                right += said_after(found(text[: length + 2 + step], step), last) == said_after(text[1 + step], last)
    return tokens, right


def said_after(found: str | None, last: str) -> str | None:
    if found == "<eoi>":
        return "<eos>"
    if last == "<eoi>":
        return found
    return "0" if last == found else "1"


WHOLE = {"samples": ALL, "lengths": [5, 7, 9, 11, 13]}


def test_parity_without_its_edge_to_eoi_adds_every_token_to_itself(parity: Model) -> None:
    """The second head finds the query itself: <eos> after <eoi>, and then 0 for ever."""
    found = run(parity, zero='fetch: "<eoi>"', **WHOLE)
    assert (found.before.tokens, found.before.tails) == (1.0, 1.0)
    assert (found.after.judged, found.after.right) == tails(lambda text, step: text[-1])
    assert found.after.whole == 0


def test_parity_with_ideal_patterns_stays_perfect(parity: Model) -> None:
    found = run(parity, ideal=["fetch", "find"], **WHOLE)
    assert (found.after.tokens, found.after.tails, found.changed) == (1.0, 1.0, 0)


def test_parity_with_its_first_head_on_eoi_minus_two_leaves_out_two_bits(parity: Model) -> None:
    """s_t is the parity of x3 .. x_{t+2}: the circuit runs on the input without its first two bits."""

    def two_ahead(text: list[str], step: int) -> str:
        e = text.index("<eoi>")
        return text[3 + step] if e > 2 else text[-1]

    found = run(parity, pattern=MINUS_TWO, **WHOLE)
    assert (found.after.judged, found.after.right) == tails(two_ahead)
    generated = run(parity, "<parity> 1 1 0 1 1 0 <eoi>", pattern=MINUS_TWO, generate=8, stop="<eos>").generated
    assert generated is not None
    assert generated.before == ("1", "0", "0", "1", "0", "0", "<eos>")
    assert generated.after == ("0", "1", "0", "0", "<eos>")


def test_what_the_mlp_adds_is_what_is_said(parity: Model) -> None:
    """Its output of another text at one position makes the answer of that text; the stream before it does too."""
    text, other = "<parity> 1 0 1 <eoi> 1", "<parity> 1 1 1 <eoi> 1"
    for site in ("blocks.1.hook_mlp_out", "blocks.1.hook_resid_mid", "blocks.1.hook_resid_post", "find"):
        last = run(parity, text, patch=f"{site} at 5", source=other).example.decoded[-1]
        assert (last.position, last.before, last.after) == (5, "1", "0"), site
    last = run(parity, text, patch="blocks.0.hook_attn_out at 5", source=other).example.decoded[-1]
    assert last.before == last.after == "1"  # both texts have <eoi> at 4


# ------------------------------------------------------------------ by hand


def by_hand(lowered: Lowered, tokens: np.ndarray, change: Change) -> np.ndarray:
    """Logits of a plain transformer whose patterns (B, n, n) go through ``change(layer, head, pattern)``."""
    model = NumpyModel(lowered)
    x = lowered.W_E[tokens] + lowered.W_pos[: tokens.shape[1]]
    for layer in range(lowered.n_layers):
        added = np.zeros_like(x)
        for head in lowered.layer(layer):
            pattern = change(layer, head.index, softmax(model.head_scores(head, x)))
            added += pattern @ (x @ head.W_V.T + head.b_V) @ head.W_O.T
        x = x + added
    return x @ lowered.W_U + lowered.b_U


def observed(model: Model, tokens: np.ndarray, **edits: Any) -> np.ndarray:
    empty: dict[str, Any] = dict.fromkeys(("zero", "pattern", "ideal", "expected", "patch"), ())
    options = empty | {"source": None, "renormalise": False} | edits
    return Intervened.of(find_subject(model, None, "float64", "cpu"), **options).observe(tokens)[1]


def ids(model: Model, *texts: str) -> np.ndarray:
    return np.array([[model.program.tokens.index(token) for token in text.split()] for text in texts])


@pytest.fixture(scope="module")
def induction() -> Model:
    return headspec.compile("induction", settings={"n": 8})


TEXTS = ("<bos> a b c a b", "<bos> c c a c a")


def cut(layer: int, edges: Bools, *, renormalise: bool = False) -> Change:
    def change(at: int, head: int, pattern: np.ndarray) -> np.ndarray:
        if at != layer:
            return pattern
        left = np.where(edges, 0.0, pattern)
        if not renormalise:
            return left
        return left / left.sum(axis=2, keepdims=True)

    return change


@pytest.mark.parametrize("renormalise", [False, True])
def test_zeroed_edges_by_hand(induction: Model, renormalise: bool) -> None:
    tokens = ids(induction, *TEXTS)
    edges = np.zeros((2, 6, 6), dtype=bool)
    edges[:, 4, 3] = edges[:, 5, 4] = True
    found = observed(
        induction,
        tokens,
        zero="previous: key.position == query.position - 1 at {4..5}",
        renormalise=renormalise,
    )
    expected = by_hand(induction.lowered, tokens, cut(0, edges, renormalise=renormalise))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert not np.allclose(found, observed(induction, tokens))


def test_renormalising_is_not_to_see_the_keys(induction: Model) -> None:
    """Scores of minus infinity before softmax, by hand."""
    tokens = ids(induction, TEXTS[0])
    lowered = induction.lowered
    model = NumpyModel(lowered)
    x = lowered.W_E[tokens] + lowered.W_pos[:6]
    scores = model.head_scores(lowered.layer(0)[0], x)
    scores[:, 3, 2] = -np.inf
    expected = by_hand(lowered, tokens, lambda layer, head, pattern: softmax(scores) if layer == 0 else pattern)
    found = observed(induction, tokens, zero="previous: 2 at 3", renormalise=True)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rows_that_are_not_cut_stay_as_they_are(induction: Model) -> None:
    """To the last bit: only the row of query 4 is renormalised."""
    found = run(induction, TEXTS[1], zero="induction: 2 at 4", renormalise=True)
    kept = [0, 1, 2, 3, 5]
    before, after = found.pattern("induction", before=True), found.pattern("induction")
    np.testing.assert_array_equal(after[kept], before[kept])
    assert after[4, 2] == 0 and after[4].sum() == pytest.approx(1) and before[4, 2] > 0


def test_a_row_of_which_nothing_is_left_stays_zero(induction: Model) -> None:
    found = run(induction, TEXTS[0], zero="previous", renormalise=True)
    assert not found.pattern("previous").any() and found.pattern("previous", before=True).any()
    assert np.isfinite(found.pattern("induction")).all()


def test_a_pattern_that_is_put_in_by_hand(induction: Model) -> None:
    """Keys 0 and 2 share; at queries that see neither of keys above 3, `otherwise` speaks."""
    tokens = ids(induction, *TEXTS)

    def change(layer: int, head: int, pattern: np.ndarray) -> np.ndarray:
        if layer == 0:
            return pattern
        put = pattern.copy()
        put[:, 3] = [1, 0, 0, 0, 0, 0]
        put[:, 4] = [0, 0, 0, 0, 1, 0]
        put[:, 5] = [0, 0, 0, 0, 0.5, 0.5]
        return put

    found = observed(induction, tokens, pattern="induction: key.position > 3 otherwise 0 at {3..5}")
    np.testing.assert_allclose(found, by_hand(induction.lowered, tokens, change), atol=1e-12)


def test_what_is_put_in_can_be_cut(induction: Model) -> None:
    tokens = ids(induction, TEXTS[0])
    found = observed(induction, tokens, pattern="induction: {0, 2}", zero="induction: 2")

    def change(layer: int, head: int, pattern: np.ndarray) -> np.ndarray:
        if layer == 0:
            return pattern
        put = np.zeros_like(pattern)
        put[:, :2, 0], put[:, 2:, 0] = 1.0, 0.5
        return put

    np.testing.assert_allclose(found, by_hand(induction.lowered, tokens, change), atol=1e-12)


def test_the_reference_pattern_and_the_expect_lines_are_different_statements() -> None:
    """A head whose expect line says less than its meaning: one query keeps its own pattern."""
    text = COPY.replace('expect head fetch: token[key.position] == "<eoi>"', "expect head fetch: key.position == 5")
    model = headspec.compile(text)
    ideal = run(model, TEXT, ideal="fetch").pattern("fetch")
    expected = run(model, TEXT, expected="fetch").pattern("fetch")
    assert ideal[2].tolist() == [1.0] + [0.0] * 9 and ideal[6, 5] == 1.0
    assert 0.9 < expected[2, 0] < 1.0 and expected[6, 5] == 1.0


# ------------------------------------------------------------------ patches


def test_the_whole_stream_of_another_text_is_that_text(induction: Model) -> None:
    for layer in range(3):
        found = observed(induction, ids(induction, TEXTS[0]), patch=f"stream {layer}", source=TEXTS[1])
        np.testing.assert_allclose(found, observed(induction, ids(induction, TEXTS[1])), atol=1e-12)


def test_the_stream_after_the_last_layer_is_what_is_read_out(induction: Model) -> None:
    tokens, other = ids(induction, TEXTS[0]), observed(induction, ids(induction, TEXTS[1]))
    found = observed(induction, tokens, patch="stream 2 at 5", source=TEXTS[1])
    np.testing.assert_allclose(found[:, 5], other[:, 5], atol=1e-12)
    np.testing.assert_allclose(found[:, :5], observed(induction, tokens)[:, :5], atol=1e-12)
    (edit,) = run(induction, TEXTS[0], patch="stream 2", source=TEXTS[1]).edits
    assert edit.where == "blocks.1.hook_resid_post"


def test_one_position_of_the_stream(induction: Model) -> None:
    """What stands at position 2 after the first layer is what the induction head finds there: d instead of b."""
    found = run(induction, "<bos> a b c a", patch="stream 1 at 2", source="<bos> a d c a")
    assert found.example.decoded[-1].before == "b" and found.example.decoded[-1].after == "d"
    assert found.source == ("<bos>", "a", "d", "c", "a")
    assert (found.edits[0].touched, found.edits[0].where) == (1, "blocks.1.hook_resid_pre")


def test_a_head_with_another_text_and_the_layer_of_that_head(induction: Model) -> None:
    """Each layer has one head, so that its output is the layer's."""
    tokens, other = ids(induction, TEXTS[0]), TEXTS[1]
    one = observed(induction, tokens, patch="previous at {1..4}", source=other)
    all_of_it = observed(induction, tokens, patch="blocks.0.hook_attn_out at {1..4}", source=other)
    np.testing.assert_allclose(one, all_of_it, atol=1e-12)
    assert not np.allclose(one, observed(induction, tokens))


@pytest.fixture(scope="module")
def two() -> Model:
    """Two heads side by side, which write into two subspaces."""
    return headspec.compile(
        """
model two
tokens a..d
context 4
sequences (a..d){1,4}
subspace content : onehot(tokens)
subspace where : phase(positions)
subspace first : onehot(tokens)
subspace own : onehot(tokens)
embed token -> content
embed position -> where
layer
  head start
    attend key.where == 0
    copy key.content -> first
  head self
    attend key.where == query.where
    copy key.content -> own
predict first
predict own
"""
    )


def test_one_of_two_heads_is_patched(two: Model) -> None:
    """`self` wrote c at position 2, and writes d; what `start` writes stays."""
    tokens = ids(two, "a b c d")
    moved = observed(two, tokens, patch="self at 2", source="d d d d") - observed(two, tokens)
    expected = np.zeros((1, 4, 4))
    expected[0, 2, 2], expected[0, 2, 3] = -1, 1
    np.testing.assert_allclose(moved, expected, atol=0.02)


@pytest.mark.parametrize(("head", "index", "lost"), [("start", 0, "a"), ("self", 1, "c")])
def test_one_of_two_heads_is_cut(two: Model, head: str, index: int, lost: str) -> None:
    tokens = ids(two, "a b c d")
    found = run(two, "a b c d", zero=f"{head} at 2")
    assert found.edits[0].where == f"L0H{index} {head}" and found.edits[0].touched == 3
    other = {"start": "self", "self": "start"}[head]
    np.testing.assert_array_equal(found.pattern(other), found.pattern(other, before=True))
    assert not found.pattern(head)[2].any() and found.pattern(head)[3].any()
    moved = observed(two, tokens, zero=f"{head} at 2") - observed(two, tokens)
    expected = np.zeros((1, 4, 4))
    expected[0, 2, "abcd".index(lost)] = -1
    np.testing.assert_allclose(moved, expected, atol=0.02)


def test_one_of_two_heads_is_given_a_pattern(two: Model) -> None:
    found = run(two, "a b c d", pattern="self: key.position == query.position - 1")
    assert np.diag(found.pattern("self"), -1).tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_array_equal(found.pattern("start"), found.pattern("start", before=True))
    assert [d.subspace for d in found.example.decoded] == ["first", "own"] * 4


# ------------------------------------------------------------------ whose model it is


class Point(nn.Module):
    """A hook point as TransformerLens has them: an identity with a name that forward hooks hang on."""

    name = ""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Lens(nn.Module):
    """One-head-a-layer attention in TransformerLens' manner, written anew: only names and calls are shared."""

    def __init__(self, arrays: dict[str, Any], d_head: int, layers: int) -> None:
        super().__init__()
        self.weights = nn.ParameterDict({k.replace(".", "/"): nn.Parameter(torch.tensor(v)) for k, v in arrays.items()})
        self.d_head, self.layers = d_head, layers
        names = [f"blocks.{i}.{n}" for i in range(layers) for n in ("attn.hook_pattern", "attn.hook_z")]
        names += [f"blocks.{i}.hook_resid_pre" for i in range(layers)] + [f"blocks.{layers - 1}.hook_resid_post"]
        self.points = nn.ModuleDict({name.replace(".", "/"): Point() for name in names})
        for name in names:
            self.points[name.replace(".", "/")].name = name

    def run_with_hooks(self, tokens: torch.Tensor, fwd_hooks: Any = ()) -> torch.Tensor:
        def attach(point: Any, f: Any) -> Any:
            return point.register_forward_hook(lambda module, args, output: f(output, hook=module))

        handles = [attach(self.points[name.replace(".", "/")], f) for name, f in fwd_hooks]
        try:
            return self(tokens)
        finally:
            for handle in handles:
                handle.remove()

    def point(self, name: str, value: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.points[name.replace(".", "/")](value)
        return out

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        w = {name.replace("/", "."): value for name, value in self.weights.items()}
        n = tokens.shape[1]
        x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][:n]
        for i in range(self.layers):
            x = self.point(f"blocks.{i}.hook_resid_pre", x)
            q, k, v = (
                torch.einsum("bnd,hde->bhne", x, w[f"blocks.{i}.attn.W_{m}"]) + w[f"blocks.{i}.attn.b_{m}"][:, None]
                for m in "QKV"
            )
            scores = (q @ k.mT / self.d_head**0.5).masked_fill(~torch.ones(n, n, dtype=torch.bool).tril(), -torch.inf)
            pattern = self.point(f"blocks.{i}.attn.hook_pattern", scores.softmax(-1))
            z = self.point(f"blocks.{i}.attn.hook_z", (pattern @ v).transpose(1, 2))
            x = x + torch.einsum("bnhe,hed->bnd", z, w[f"blocks.{i}.attn.W_O"])
        x = self.point(f"blocks.{self.layers - 1}.hook_resid_post", x)
        return x @ w["unembed.W_U"] + w["unembed.b_U"]


@pytest.mark.parametrize(
    "edits",
    [
        {"zero": 'fetch: "<eoi>"'},
        {"pattern": MINUS_TWO},
        {"ideal": ["fetch", "find"]},
        {"patch": ["find at 7", "stream 1 at 6"], "source": "<copy> 0 0 0 0 <eoi> 0 0 0 0"},
    ],
    ids=str,
)
def test_any_module_with_hooks_will_do(copy: Model, edits: dict[str, Any]) -> None:
    lens = Lens(state_arrays(copy.lowered), copy.lowered.d_head, 2)
    found, ours = run(lens, TEXT, spec=copy, **edits).to_json(), run(copy, TEXT, dtype="float64", **edits).to_json()
    np.testing.assert_allclose(_numbers(found["example"]), _numbers(ours["example"]), atol=1e-9)
    assert (found["after"], found["edits"]) == (ours["after"], ours["edits"])


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [x for part in value.values() for x in _numbers(part)]
    if isinstance(value, list):
        return [x for part in value for x in _numbers(part)]
    return [float(value)] if isinstance(value, (int, float)) else []


def test_heads_that_the_spec_does_not_name_can_be_cut(copy: Model) -> None:
    lens = Lens(state_arrays(copy.lowered), copy.lowered.d_head, 2)
    assert shape_of(lens) == (None, None)
    found = run(lens, TEXT, spec=copy, zero="L1H0")
    assert found.edits[0].where == "L1H0 find" and found.after.tokens is not None and found.after.tokens < 1


def test_a_saved_model_is_the_same(copy: Model, tmp_path: Path) -> None:
    loaded = headspec.load(copy.save(tmp_path / "saved"), device="cpu")
    found = ablate(loaded, TEXT, zero='fetch: "<eoi>"')
    assert found.to_json() == run(copy, TEXT, zero='fetch: "<eoi>"').to_json()


def test_an_ablated_model_can_be_verified(copy: Model) -> None:
    """It is a model like any other: the verification finds the cut edge, and nothing else in the first layer."""
    subject = find_subject(copy, None, None, "cpu")
    changed = Intervened.of(subject, 'fetch: "<eoi>" at 4', (), (), (), (), None, False)
    result = verify_model(copy.program, changed, samples=200)
    assert not result.holds and result.heads[0].wrong > 0
    assert verify_model(copy.program, changed.without_edits(), samples=200).holds


def test_a_spec_without_an_answer_has_patterns_and_no_accuracy() -> None:
    text = COPY.replace("predict guess\n", "")
    found = run(headspec.compile(text), TEXT, zero="fetch: 5")
    assert found.before.tokens is None and found.constant is None and "accuracy" not in str(found)
    assert found.head("fetch").after.peaky_abs == 0.0


# ------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"zero": "nobody"}, "E0606"),
        ({"zero": "L0H1"}, "E0606"),
        ({"zero": ""}, "E0640"),
        ({"zero": "fetch: "}, "E0640"),
        ({"zero": "fetch: 1 at 2 at 3"}, "E0640"),
        ({"zero": "fetch: 1 otherwise 2"}, "E0640"),
        ({"zero": ["fetch"] * 65}, "E0640"),
        ({"pattern": "fetch"}, "E0640"),
        ({"ideal": "fetch: 3"}, "E0640"),
        ({"zero": "fetch: key.content == 1"}, "E0453"),
        ({"zero": "fetch: 1.5"}, "E0212"),
        ({"zero": 'fetch: "nothing"'}, "E0210"),
        ({"zero": "fetch: key.position ="}, "E0112"),
        ({"patch": "nowhere", "source": TEXT}, "E0641"),
        ({"patch": "stream 3", "source": TEXT}, "E0641"),
        ({"patch": "blocks.2.hook_attn_out", "source": TEXT}, "E0641"),
        ({"patch": "blocks.0.hook_mlp_out", "source": TEXT}, "E0641"),
        ({"ideal": "L0H0", "zero": "L1H9"}, "E0606"),
        ({"patch": "find"}, "E0643"),
        ({"source": TEXT}, "E0643"),
        ({"patch": "find", "source": "<copy> 1"}, "E0643"),
        ({"patch": "find", "source": TEXT.removesuffix(" 1")}, "E0643"),
        ({"zero": "fetch: 3 at 2"}, "E0644"),
        ({"patch": "find at 50", "source": TEXT}, "E0644"),
        ({"samples": 10}, "E0645"),
        ({"lengths": [8]}, "E0645"),
        ({"text": None}, "E0645"),
        ({"text": None, "samples": 0}, "E0645"),
        ({"text": None, "samples": 10**9}, "E0645"),
        ({"text": None, "samples": 10, "lengths": [11]}, "E0645"),
        ({"text": None, "samples": 10, "generate": 2}, "E0645"),
        ({"text": []}, "E0645"),
        ({"text": "<copy> 2"}, "E0607"),
        ({"generate": 50}, "E0509"),
        ({"generate": 1, "stop": "2"}, "E0607"),
        ({"at": "1 +"}, "E0119"),
    ],
    ids=str,
)
def test_a_mistake_is_a_diagnostic(copy: Model, options: dict[str, Any], code: str) -> None:
    with pytest.raises(SpecError) as error:
        run(copy, **({"text": TEXT} | options))
    assert {d.code for d in error.value.diagnostics} == {code}


@given(
    st.sampled_from(["zero", "pattern", "ideal", "expected", "patch"]),
    st.lists(
        st.sampled_from(["fetch", ":", " at ", " otherwise ", '"<eoi>"', "key.position", "==", "3", "{", "}", "n"])
    ),
)
def test_any_line_is_read_or_refused(copy: Model, kind: str, words: list[str]) -> None:
    reader = EditReader(copy.program, {}, 2, 1)
    try:
        (edit,) = reader.read(kind, "".join(words))
    except SpecError as error:
        assert all(d.code.startswith("E0") for d in error.diagnostics)
    else:
        assert edit.kind == kind and edit.head is not None and edit.head.name == "fetch"


def test_a_head_without_expect_lines_has_no_expected_pattern() -> None:
    model = headspec.compile(COPY.partition("expect head find")[0])
    with pytest.raises(SpecError, match="E0642"):
        run(model, TEXT, expected="find")
    figures = run(model, TEXT, ideal="find").head("find")
    assert figures.basis == "reference" and figures.before.queries == 5
    model = headspec.compile(COPY.partition("expect head fetch")[0])
    assert run(model, TEXT).head("fetch").before.queries == 10  # resting counts too


def test_a_context_that_is_too_long_is_refused() -> None:
    text = """
model long
tokens a, b
context 9000
sequences (a..b){8193,9000}
subspace content : onehot(tokens)
subspace guess : onehot(tokens)
embed token -> content
layer
  head any
    attend key.content == query.content
    copy key.content -> guess
predict guess
"""
    model = headspec.compile(text)
    for options in ({"text": "a " * 8193}, {"samples": 1}, {"samples": 1, "lengths": [9000]}):
        with pytest.raises(SpecError, match="E0646"):
            run(model, **options)
    lens = Lens(state_arrays(model.lowered), model.lowered.d_head, 1)
    with pytest.raises(SpecError, match=r"E0646.*2049.*2048"):
        run(lens, "a " * 2049, spec=model)


LONG_EDITS: list[dict[str, Any]] = [
    {"zero": ['fetch: "<eoi>"', "find: key.position < 3 at {5..8}"]},
    {"zero": "find: key.position == 0", "renormalise": True, "at": "query.position > 2"},
    {"pattern": MINUS_TWO, "at": "{0..6}"},
    {"ideal": ["fetch", "find at query.position > 4"]},
    {"expected": "find"},
    {"patch": ["fetch at 6", "stream 1 at {1, 7}"], "source": "<copy> 0 0 0 1 <eoi> 0 0 0"},
]


@pytest.mark.parametrize("basis", ["expect", "reference"])
@pytest.mark.parametrize("options", LONG_EDITS)
def test_blocks_of_queries_say_what_whole_patterns_say(
    copy: Model, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], basis: str
) -> None:
    """All but invariance and the drawn patterns, for which patterns have to be whole."""
    if basis == "reference":
        copy = headspec.compile(COPY.partition("expect head fetch")[0])
        options = {"ideal" if key == "expected" else key: value for key, value in options.items()}
    texts = [TEXT.replace("1 0 1 1", bits) for bits in ("1 0 1 1", "0 1 0 0", "1 1 1 0")]
    whole = run(copy, texts, **options)
    monkeypatch.setattr(ablation_tally, "WHOLE", 2)
    monkeypatch.setattr(ablation_tally, "ENTRIES", 4 * len(TEXT.split()) * 2)  # four queries at a time
    found = run(copy, texts, **options)
    assert not found.example.patterns and whole.example.patterns
    assert found.example.decoded == whole.example.decoded
    kept = [
        {key: value for key, value in x.to_json().items() if key not in ("heads", "example")} for x in (found, whole)
    ]
    assert kept[0] == kept[1]
    for new, old in zip(found.heads, whole.heads, strict=True):
        for one, other in ((new.before, old.before), (new.after, old.after)):
            assert one.queries == other.queries and one.invariance is None
            assert one.peaky_thres == other.peaky_thres
            assert one.peaky_abs == pytest.approx(other.peaky_abs, rel=1e-6)


def test_what_is_no_model_is_refused(copy: Model) -> None:
    lens = Lens(state_arrays(copy.lowered), copy.lowered.d_head, 2)
    other = headspec.compile("induction")
    tokens = headspec.compile(COPY.replace("<eos>", "<eos>, <more>", 1))
    for model, spec, text in ((nn.Linear(2, 2), copy, "0"), (lens, None, "0"), (lens, other, "a"), (lens, tokens, "0")):
        with pytest.raises(SpecError, match="E0647"):
            run(model, text, spec=spec)
