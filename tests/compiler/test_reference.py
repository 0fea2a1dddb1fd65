"""The reference meaning on cases worked out by hand; no expectation here comes from the code."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from fractions import Fraction

import numpy as np
import pytest

from compiler.claims import HeadExpectation
from compiler.encodings import Code, Constant, Dims, OneHot, Quadratic, ScalarValue
from compiler.heads import Among, Condition, Copy, Equal, Head, Offset, Prefer, Related, Rest, Term
from compiler.predicates import expectation_targets
from compiler.program import EmbedLine, Program, Rotary, Symbol
from compiler.reference import Kind, Meaning, Status, evaluate_number, interpret
from compiler.resolution import resolve
from compiler.sharpness.frequencies import complete_frequencies
from dsl.diagnostics import SpecError
from dsl.expressions import Binary, Call, Unary
from dsl.parser import parse
from tests.compiler.handmade_programs import copy, ids, matrix, number, phase, program, symbol

TOKENS = ("a", "b", "c", "<bos>")
CONTENT = OneHot(TOKENS, ordered=False)
BOS = (Rest(Among("content", ("<bos>",))),)
FIT, REST, UNCLAIMED, UNDETERMINED, SOFT, IDLE = Status


def induction(*, pointer: bool = False) -> Program:
    """``pointer``: the second head copies where the earlier copy stands, and a third follows the pointer + 1."""
    where = phase(0, 15)
    previous = Head("previous", 0, 0, (Term(Equal("where", "where", -1)),), BOS, None, (copy("content", "before"),))
    second = Head("induction", 1, 0, (Term(Equal("before", "content")),), BOS, None, (copy("content", "guess"),))
    layers = [[previous], [second]]
    if pointer:
        earlier = Term(Equal("content", "content")), Term(Equal("where", "where"), negated=True)
        find = Head("find", 0, 0, earlier, BOS, None, (copy("where", "pointer"),))
        follow = Head("follow", 1, 0, (Term(Equal("where", "pointer", 1)),), (), None, (copy("content", "guess"),))
        layers = [[find], [follow]]
    spaces = {"content": CONTENT, "where": where, "before": CONTENT, "guess": CONTENT, "pointer": where}
    return program(TOKENS, 16, spaces, [("token", "content"), ("position", "where")], layers, ("guess",))


def right(meaning: Meaning, row: int = 0, block: int = 0) -> set[str]:
    return {TOKENS[i] for i in np.flatnonzero(meaning.predictions[block].right[row])}


def statuses(meaning: Meaning, head: str) -> list[int]:
    return meaning.head(head).status[0].tolist()


# ------------------------------------------------------------------ induction


def test_the_previous_token_head_looks_one_back_and_position_zero_rests_on_bos():
    p = induction()
    meaning = interpret(p, ids(p, "<bos> a b"))
    assert meaning.head("previous").pattern[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert statuses(meaning, "previous") == [REST, FIT, FIT]


def test_induction_finds_what_followed_the_earlier_copy():
    p = induction()
    meaning = interpret(p, ids(p, "<bos> a b c a"))
    pattern = meaning.head("induction").pattern[0]
    # Position 1 (b follows a) holds before = "<bos>"; position 2 holds before = "a": the query "a" at 4 finds it.
    assert pattern[4].tolist() == [0, 0, 1, 0, 0]
    # Queries a, b, c without an earlier copy rest on <bos>.
    assert pattern[1].tolist() == [1, 0, 0, 0, 0]
    assert statuses(meaning, "induction")[1:] == [REST, REST, REST, FIT]
    assert right(meaning) == {"b"}


def test_two_different_followers_share_and_either_is_right():
    p = induction()
    meaning = interpret(p, ids(p, "<bos> a b a c a"))
    assert meaning.head("induction").pattern[0, 5].tolist() == [0, 0, 0.5, 0, 0.5, 0]
    assert right(meaning) == {"b", "c"}
    assert meaning.predictions[0].determined.tolist() == [True]


def test_the_largest_share_wins():
    p = induction()
    assert right(interpret(p, ids(p, "<bos> a b a c a b a"))) == {"b"}


def test_every_position_is_predicted_on_request():
    p = induction()
    prediction = interpret(p, ids(p, "<bos> a b a"), every_position=True).predictions[0]
    assert prediction.right.shape == (1, 4, 4)
    assert [TOKENS[row.argmax()] for row in prediction.right[0]] == ["<bos>", "<bos>", "<bos>", "b"]


def test_a_pointer_to_one_earlier_copy_is_followed():
    p = induction(pointer=True)
    meaning = interpret(p, ids(p, "<bos> b a c b"))
    assert meaning.head("find").pattern[0, 4].tolist() == [0, 1, 0, 0, 0]
    assert meaning.head("follow").pattern[0, 4].tolist() == [0, 0, 1, 0, 0]
    assert right(meaning) == {"a"}


def test_a_pointer_to_two_earlier_copies_is_no_position():
    p = induction(pointer=True)
    meaning = interpret(p, ids(p, "<bos> b a b b"), with_values=True)
    assert meaning.head("find").pattern[0, 4].tolist() == [0, 0.5, 0, 0.5, 0]
    assert meaning.values["pointer"].value(meaning.codec, 0, 4) is Kind.MIXED
    assert statuses(meaning, "follow")[4] == UNDETERMINED
    assert meaning.head("follow").pattern[0, 4].tolist() == [0] * 5
    assert meaning.predictions[0].determined.tolist() == [False]
    assert right(meaning) == set()


# ------------------------------------------------------------------ one head on content and index


def one_head(
    *terms: Term,
    rests: tuple[Rest, ...] = (),
    prefer: Prefer | None = None,
    copies: tuple[Copy, ...] = (),
    text: str = "a b a",
    soft: bool = False,
    more: tuple[Head, ...] = (),
) -> Meaning:
    spaces = {
        "content": CONTENT,
        "index": ScalarValue(0, 15),
        "square": Quadratic(0, 15),
        "place": OneHot(tuple(range(16)), ordered=True),
        "where": phase(0, 15),
        "out": CONTENT,
        "spot": phase(0, 15),
        "cell": OneHot(tuple(range(16)), ordered=True),
        "total": ScalarValue(0, 99),
        "found": Quadratic(0, 99),
    }
    embeds = [("token", "content"), *(("position", name) for name in ("index", "square", "place", "where"))]
    head = Head("head", 0, 0, terms, rests, prefer, copies, soft=soft)
    p = program(TOKENS, 16, spaces, embeds, [[head], list(more)], ("out",))
    return interpret(p, ids(p, text), with_values=True)


SAME = Term(Equal("content", "content"))


def test_a_head_without_lines_is_uniform():
    meaning = one_head()
    assert meaning.head("head").pattern[0].tolist() == [[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]
    assert statuses(meaning, "head") == [IDLE] * 3


def test_nothing_fits_and_no_rest_is_unclaimed_and_what_reads_it_is_undetermined():
    before = Term(Equal("where", "where", -1))
    reader = Head("reader", 1, 0, (Term(Equal("content", "out")),))
    meaning = one_head(before, copies=(copy("content", "out"),), text="a a b", more=(reader,))
    assert statuses(meaning, "head") == [UNCLAIMED, FIT, FIT]
    assert meaning.head("head").pattern[0, 0].tolist() == [0, 0, 0]
    assert statuses(meaning, "reader") == [UNDETERMINED, FIT, FIT]
    # out is "a" at positions 1 and 2.
    assert meaning.head("reader").pattern[0].tolist() == [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0]]


def test_rest_keys_share_equally():
    meaning = one_head(Term(Among("content", ("c",))), rests=(Rest(Among("content", ("a",))),))
    assert meaning.head("head").pattern[0].tolist() == [[1, 0, 0], [1, 0, 0], [0.5, 0, 0.5]]
    assert statuses(meaning, "head") == [REST] * 3


def test_prefer_keeps_one_of_the_keys_that_fit():
    for direction, expected in (("latest", [0, 0, 0, 1]), ("earliest", [1, 0, 0, 0])):
        for by in ("index", "position", "place", "where", "square"):
            meaning = one_head(SAME, prefer=Prefer(direction, by), text="a b a a")  # type: ignore[arg-type]
            assert meaning.head("head").pattern[0, 3].tolist() == expected
            assert statuses(meaning, "head") == [FIT] * 4


def test_prefer_alone_attends_to_one_key():
    meaning = one_head(prefer=Prefer("earliest", "index"))
    assert meaning.head("head").pattern[0, 2].tolist() == [1, 0, 0]
    assert statuses(meaning, "head") == [FIT] * 3


def test_avoid_excludes_and_when_restricts_lines_to_some_queries():
    itself = Term(Equal("where", "where"), negated=True)
    on_a = Term(Equal("content", "content"), when=Condition("content", ("a",)))
    meaning = one_head(itself, on_a, text="a b a b")
    assert meaning.head("head").pattern[0].tolist() == [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
        [1 / 3, 1 / 3, 1 / 3, 0],
    ]
    assert statuses(meaning, "head") == [UNCLAIMED, FIT, FIT, FIT]


def test_a_query_at_which_no_line_is_active_is_idle():
    meaning = one_head(Term(Among("content", ("a",)), when=Condition("position", (2,))))
    assert statuses(meaning, "head") == [IDLE, IDLE, FIT]
    assert meaning.head("head").pattern[0, 2].tolist() == [0.5, 0, 0.5]


def test_tables_relate_values():
    below = tuple((i, tuple(range(i))) for i in range(16))
    meaning = one_head(Term(Related("place", "place", below)), text="a a a")
    assert meaning.head("head").pattern[0].tolist() == [[0, 0, 0], [1, 0, 0], [0.5, 0.5, 0]]
    pair = (("a", ("b", "c")), ("b", ("b",)))
    meaning = one_head(Term(Related("content", "content", pair)), text="b c a b")
    assert meaning.head("head").pattern[0].tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.5, 0, 0, 0.5]]


def test_integers_compare_across_encodings():
    for key in ("square", "place", "where"):
        for query in ("index", "square", "place", "where"):
            meaning = one_head(Term(Equal(key, query, -2)), text="a b c a")
            assert meaning.head("head").pattern[0, 3].tolist() == [0, 1, 0, 0]


def test_an_empty_value_satisfies_no_relation():
    # `out` is empty everywhere: neither == nor a table nor a constant holds of it, and avoiding it excludes nothing.
    everything = tuple((t, TOKENS) for t in TOKENS)
    for relation in (Equal("content", "out"), Equal("out", "content"), Related("out", "content", everything)):
        assert statuses(one_head(Term(relation)), "head") == [UNCLAIMED] * 3
        assert one_head(Term(relation, negated=True)).head("head").pattern[0, 2].tolist() == [1 / 3] * 3
    assert statuses(one_head(Term(Among("out", TOKENS))), "head") == [UNCLAIMED] * 3
    assert statuses(one_head(Term(Among("content", ("a",)), when=Condition("out", TOKENS))), "head") == [IDLE] * 3


def test_an_empty_number_reads_as_zero():
    meaning = one_head(Term(Equal("square", "total")), text="a b c")
    assert meaning.head("head").pattern[0].tolist() == [[1, 0, 0]] * 3


# ------------------------------------------------------------------ what moves


def last(meaning: Meaning, name: str) -> object:
    return meaning.values[name].value(meaning.codec, 0, meaning.values[name].kind.shape[1] - 1)


FIRST = Term(Among("place", (0,)))
SECOND = Term(Among("place", (1,)))


def test_shifts_leave_the_range_of_a_phase_but_not_of_a_one_hot():
    assert last(one_head(SECOND, copies=(copy("where", "spot", shift=20),)), "spot") == 21
    assert last(one_head(SECOND, copies=(copy("where", "spot", shift=-20),)), "spot") == -19
    assert last(one_head(SECOND, copies=(copy("place", "cell", shift=14),)), "cell") == 15
    assert last(one_head(SECOND, copies=(copy("place", "cell", shift=15),)), "cell") is Kind.EMPTY
    assert last(one_head(SECOND, copies=(copy("place", "spot", shift=30),)), "spot") == 31


def test_numbers_move_by_arithmetic():
    assert last(one_head(SECOND, copies=(copy("index", "total", shift=5),)), "total") == 6
    assert last(one_head(SECOND, copies=(copy("square", "found", shift=5),)), "found") == 6
    assert last(one_head(SECOND, copies=(copy("place", "total", 3),)), "total") == 3
    # (0 + 1 + 2) / 3 is the number 1; its square is 5/3, so the pair (v, v^2) is no value.
    assert last(one_head(copies=(copy("index", "total"),)), "total") == 1
    assert last(one_head(copies=(copy("square", "found"),)), "found") is Kind.MIXED


def test_a_table_sends_what_it_does_not_name_to_nothing():
    table = (("a", "c"), ("c", "b"))
    assert last(one_head(FIRST, copies=(copy("content", "out", table=table),)), "out") == "c"
    assert last(one_head(SECOND, copies=(copy("content", "out", table=table),)), "out") is Kind.EMPTY


def test_several_copies_add_up():
    halves = (copy("content", "out", Fraction(1, 2)),) * 2
    assert last(one_head(FIRST, copies=halves), "out") == "a"
    other = copy("content", "out", table=(("a", "b"),))
    meaning = one_head(FIRST, copies=(copy("content", "out"), other))
    assert last(meaning, "out") is Kind.MIXED
    assert right(meaning) == {"a", "b"}
    meaning = one_head(FIRST, copies=(copy("content", "out", 2), other))
    assert right(meaning) == {"a"}
    assert last(one_head(FIRST, copies=(copy("content", "out"), copy("content", "out", -1))), "out") is Kind.EMPTY


def test_heads_of_a_layer_read_the_same_stream_and_all_write():
    write = (copy("content", "out"),)
    again = Head("again", 0, 1, (SECOND,), (), None, write)
    reader = Head("reader", 0, 2, (Term(Among("out", TOKENS)),))
    spaces = {"content": CONTENT, "place": OneHot((0, 1, 2), True), "out": CONTENT}
    heads = [Head("head", 0, 0, (FIRST,), (), None, write), again, reader]
    p = program(TOKENS, 3, spaces, [("token", "content"), ("position", "place")], [heads], ("out",))
    meaning = interpret(p, ids(p, "a b c"))
    assert right(meaning) == {"a", "b"}
    assert statuses(meaning, "reader") == [UNCLAIMED] * 3
    # Position 0: `again` is unclaimed there, so that the sum is not known.
    assert not interpret(p, ids(p, "a")).predictions[0].determined[0]


def test_mixtures_average_exactly_over_two_layers():
    # Layer 0: out = uniform over {a, b, a} at position 2 -> 2/3 a + 1/3 b.  Layer 1 averages out over positions 0..2:
    # a; 1/2 a + 1/2 b; 2/3 a + 1/3 b  ->  a has 13/18.
    spread = Head("spread", 1, 0, (), (), None, (copy("out", "out2"),))
    spaces = {"content": CONTENT, "out": CONTENT, "out2": CONTENT}
    first = Head("first", 0, 0, (), (), None, (copy("content", "out"),))
    p = program(TOKENS, 4, spaces, [("token", "content")], [[first], [spread]], ("out", "out2"))
    meaning = interpret(p, ids(p, "a b a"))
    assert right(meaning, block=0) == {"a"}
    assert right(meaning, block=1) == {"a"}
    # b a: out is b; 1/2 each.  Average at 1: 3/4 b.  c a b b: 1; 1/2; 1/3 ; 1/4 -> c leads.
    meaning = interpret(p, ids(p, "c a b b"))
    assert right(meaning, block=0) == {"b"}
    assert right(meaning, block=1) == {"c"}


def test_a_mixture_moves_as_it_is():
    # out = 2/3 a + 1/3 b at position 2; one key moves on, whole or as a third, and through a table.
    spaces = {"content": CONTENT, "place": OneHot((0, 1, 2, 3), True), "out": CONTENT, "moved": CONTENT}
    first = Head("first", 0, 0, (), (), None, (copy("content", "out"),))
    for line, expected in (
        (copy("out", "moved"), {"a"}),
        (copy("out", "moved", Fraction(1, 3)), {"a"}),
        (copy("out", "moved", -1), {"c", "<bos>"}),
        (copy("out", "moved", table=(("a", "c"), ("b", "b"))), {"c"}),
        (copy("out", "moved", table=(("b", "b"),)), {"b"}),
    ):
        second = Head("second", 1, 0, (Term(Among("place", (2,))),), (), None, (line,))
        embeds = [("token", "content"), ("position", "place")]
        p = program(TOKENS, 4, spaces, embeds, [[first], [second]], ("moved",))
        meaning = interpret(p, ids(p, "a b a c"), with_values=True)
        assert right(meaning) == expected
        assert last(meaning, "moved") is Kind.MIXED


def test_a_table_can_make_one_value_of_a_mixture():
    spaces = {"content": CONTENT, "out": CONTENT, "moved": CONTENT}
    first = Head("first", 0, 0, (), (), None, (copy("content", "out"),))
    line = copy("out", "moved", table=(("a", "c"), ("b", "c")))
    second = Head("second", 1, 0, (), (), None, (line,))
    p = program(TOKENS, 4, spaces, [("token", "content")], [[first], [second]], ("moved",))
    assert last(interpret(p, ids(p, "a b a"), with_values=True), "moved") == "c"


def test_a_circle_with_a_period_has_that_many_values():
    turn = Binary("/", Binary("*", number(2), symbol("pi")), number(10))
    circle = phase(0, 9, turn)
    spaces = {"digit": circle, "sum": circle}
    add = Head("add", 0, 0, (), (), None, (copy("digit", "sum", shift=7),))
    find = Head("find", 1, 0, (Term(Equal("digit", "sum")),))
    digits = tuple(str(i) for i in range(10))
    p = program(digits, 4, spaces, [("token", "digit")], [[add], [find]], ("sum",))
    meaning = interpret(p, ids(p, "5"), with_values=True)
    assert meaning.values["sum"].value(meaning.codec, 0, 0) == 2
    assert meaning.predictions[0].right[0].tolist() == [d == "2" for d in digits]


# ------------------------------------------------------------------ Kleene's logic


def kleene(*terms: Term, text: str = "a b c", prefer: Prefer | None = None) -> Meaning:
    """Layer 0 mixes the contents into `out` (undetermined to read, but for position 0); layer 1 is under test."""
    spread = Head("spread", 0, 0, (), (), None, (copy("content", "out"),))
    test = Head("test", 1, 0, terms, (), prefer)
    spaces = {"content": CONTENT, "place": OneHot((0, 1, 2), True), "out": CONTENT}
    p = program(TOKENS, 3, spaces, [("token", "content"), ("position", "place")], [[spread], [test]])
    return interpret(p, ids(p, text))


MIXED_KEY = Term(Equal("out", "content"))


def test_a_relation_on_a_mixture_is_undetermined():
    assert statuses(kleene(MIXED_KEY), "test") == [FIT, UNDETERMINED, UNDETERMINED]


def test_false_by_another_line_wins():
    # Only the key at place 0 is left, whose `out` is the pure "a".
    meaning = kleene(MIXED_KEY, FIRST, text="a b a")
    assert statuses(meaning, "test") == [FIT, UNCLAIMED, FIT]
    avoiding = Term(Among("place", (1, 2)), negated=True)
    assert statuses(kleene(MIXED_KEY, avoiding, text="a b a"), "test") == [FIT, UNCLAIMED, FIT]


def test_avoiding_a_mixture_is_undetermined_too():
    meaning = kleene(dataclasses.replace(MIXED_KEY, negated=True), text="a b a")
    assert statuses(meaning, "test") == [UNCLAIMED, UNDETERMINED, UNDETERMINED]


def test_an_undetermined_when_matters_only_where_its_line_would_exclude():
    line = Term(Among("content", ("a",)), when=Condition("out", ("a",)))
    # Query 1 sees a, b with `out` mixed: the key b is excluded or not, nobody knows.
    assert statuses(kleene(line), "test") == [FIT, UNDETERMINED, UNDETERMINED]
    # Every key is an "a" or ruled out by a second line: nothing depends on it.
    assert statuses(kleene(line, FIRST), "test") == [FIT, FIT, FIT]


def test_prefer_settles_what_an_open_key_cannot_change():
    # Keys 1 and 2 are open, key 0 is sure: the earliest is 0 whatever they are, the latest is not known.
    pure_or_mixed = Term(Among("out", ("a",)))
    earliest = kleene(pure_or_mixed, prefer=Prefer("earliest", "position"))
    assert statuses(earliest, "test") == [FIT, FIT, FIT]
    assert earliest.head("test").pattern[0, 2].tolist() == [1, 0, 0]
    latest = kleene(pure_or_mixed, prefer=Prefer("latest", "position"))
    assert statuses(latest, "test") == [FIT, UNDETERMINED, UNDETERMINED]


def test_an_open_key_that_ties_with_a_sure_one_leaves_it_open():
    # By `rank` (0 everywhere) all keys are equal: key 0 fits, keys 1 and 2 may.
    spread = Head("spread", 0, 0, (), (), None, (copy("content", "out"),))
    test = Head("test", 1, 0, (Term(Among("out", ("a",))),), (), Prefer("earliest", "rank"))
    spaces = {"content": CONTENT, "rank": ScalarValue(0, 9), "out": CONTENT}
    p = program(TOKENS, 3, spaces, [("token", "content")], [[spread], [test]])
    assert statuses(interpret(p, ids(p, "a b c")), "test") == [FIT, UNDETERMINED, UNDETERMINED]
    # Sure keys that tie share the attention.
    certain = dataclasses.replace(test, terms=(Term(Among("content", ("a",))),))
    p = program(TOKENS, 3, spaces, [("token", "content")], [[spread], [certain]])
    assert interpret(p, ids(p, "a b a")).head("test").pattern[0, 2].tolist() == [0.5, 0, 0.5]


# ------------------------------------------------------------------ soft heads


def test_a_soft_head_is_the_softmax_of_its_scores():
    strength = Binary("*", number(2), symbol("beta"))
    term = dataclasses.replace(SAME, strength=strength)
    head = Head("soft", 0, 0, (term,), (), None, (copy("content", "out"),), soft=True)
    spaces = {"content": CONTENT, "out": CONTENT}
    p = program(TOKENS, 4, spaces, [("token", "content")], [[head]], ("out",), symbols=(Symbol("beta", True, None),))
    meaning = interpret(p, ids(p, "a b a"), {"beta": 0.5})
    e = math.e
    assert np.allclose(
        meaning.head("soft").pattern[0],
        [[1, 0, 0], [1 / (1 + e), e / (1 + e), 0], [e / (2 * e + 1), 1 / (2 * e + 1), e / (2 * e + 1)]],
    )
    assert statuses(meaning, "soft") == [SOFT] * 3
    assert right(meaning) == {"a"}
    with pytest.raises(SpecError) as caught:
        interpret(p, ids(p, "a b a"))
    assert caught.value.diagnostics[0].code == "E0501"
    assert "--set beta=value" in str(caught.value)


def test_an_avoid_line_subtracts_and_when_gates():
    term = Term(Equal("content", "content"), negated=True, strength=number(1), when=Condition("position", (1,)))
    pattern = one_head(term, soft=True, text="a a b a").head("head").pattern[0]
    assert np.allclose(pattern[1, :2], [0.5, 0.5])
    assert np.allclose(pattern[3], 0.25)
    pattern = one_head(dataclasses.replace(term, when=None), soft=True, text="a b").head("head").pattern[0]
    assert np.allclose(pattern[1], [1 / (1 + math.exp(-1)), math.exp(-1) / (1 + math.exp(-1))])


def test_kernels_of_phases_and_squares():
    # Phases with frequencies 1 and 1/10: score(q=2 <- k) at shift -1 is cos(1 - k) + cos((1 - k)/10).
    pattern = one_head(Term(Equal("where", "where", -1)), soft=True).head("head").pattern[0, 2]
    scores = np.array([math.cos(1 - k) + math.cos((1 - k) / 10) for k in range(3)])
    assert np.allclose(pattern, np.exp(scores) / np.exp(scores).sum())
    # 2uv - v^2 with u = 2 - 1: 0, 1, 0.
    for query in ("index", "place", "square"):
        pattern = one_head(Term(Equal("square", query, -1)), soft=True).head("head").pattern[0, 2]
        assert np.allclose(pattern, np.array([1, math.e, 1]) / (2 + math.e))


def test_soft_results_are_vectors_that_relations_cannot_read():
    reader = Head("reader", 1, 0, (Term(Equal("content", "out")),))
    meaning = one_head(SAME, soft=True, copies=(copy("content", "out"),), text="a b", more=(reader,))
    # At position 0 the only key has all the mass: the vector is exactly "a".
    assert statuses(meaning, "reader") == [FIT, UNDETERMINED]


def test_a_soft_head_over_something_unknown_is_undetermined():
    unclaimed = Head("gap", 0, 0, (Term(Among("content", ("b",))),), (), None, (copy("content", "out"),))
    reader = Head("reader", 1, 0, (Term(Equal("out", "content")),), soft=True)
    spaces = {"content": CONTENT, "out": CONTENT}
    p = program(TOKENS, 4, spaces, [("token", "content")], [[unclaimed], [reader]])
    assert statuses(interpret(p, ids(p, "b a a")), "reader") == [SOFT] * 3
    assert statuses(interpret(p, ids(p, "a b a")), "reader") == [UNDETERMINED] * 3


# ------------------------------------------------------------------ explicit heads


def test_explicit_matrices_by_hand():
    # Two coordinates per token; W_Q x = x_0, W_K x = 2 x_1 (d_head 1); values x_1 go to coordinate 2.
    raw = EmbedLine("token", "low", tuple(tuple(number(x) for x in row) for row in ((1, 0), (1, 1), (3, 2), (0, 0))))
    head = Head(
        "given",
        0,
        0,
        explicit=(
            ("W_Q", matrix([[1, 0, 0, 0]])),
            ("W_K", matrix([[0, symbol("t"), 0, 0]])),
            ("W_V", matrix([[0, 1, 0, 0]])),
            ("W_O", matrix([[0], [0], [1], [0]])),
        ),
    )
    p = program(TOKENS, 4, {"low": Dims(2), "high": ScalarValue(0, 9)}, [raw], [[head]], width=4)
    meaning = interpret(p, ids(p, "a c"), {"t": 2}, with_values=True)
    # q = 3 at position 1; keys 2 * (0, 2); scores 0 and 12.
    weight = math.exp(12) / (1 + math.exp(12))
    assert np.allclose(meaning.head("given").pattern[0, 1], [1 - weight, weight])
    assert meaning.values["high"].value(meaning.codec, 0, 0) == 0
    assert meaning.values["high"].value(meaning.codec, 0, 1) is Kind.MIXED


def test_scores_are_divided_by_the_root_of_d_head():
    raw = EmbedLine("token", "low", tuple((number(x),) for x in (1, 2, 3, 0)))
    rows = [[1], [1], [1], [1]]
    head = Head("given", 0, 0, explicit=(("W_Q", matrix(rows)), ("W_K", matrix(rows))))
    p = program(TOKENS, 4, {"low": Dims(1)}, [raw], [[head]])
    # b then a: q = 1, keys 2 and 1, score 4 * q * k / 2.
    pattern = interpret(p, ids(p, "b a")).head("given").pattern[0, 1]
    assert np.allclose(pattern, np.array([math.exp(4), math.exp(2)]) / (math.exp(4) + math.exp(2)))


@pytest.mark.parametrize("layout", ["half", "pairs"])
def test_rotary_positions_turn_queries_and_keys(layout: str):
    # base 100, dims 4: angles 1 and 1/10 per position.  Ones in the first of each pair: score is
    # (cos d + cos(d/10)) / 2 at distance d.
    ones = [[1], [1], [0], [0]] if layout == "half" else [[1], [0], [1], [0]]
    head = Head("given", 0, 0, explicit=(("W_Q", matrix(ones)), ("W_K", matrix(ones))))
    p = program(TOKENS, 4, {"one": Constant()}, [], [[head]], positions=Rotary(Fraction(100), 4, layout))  # type: ignore[arg-type]
    pattern = interpret(p, ids(p, "a b c")).head("given").pattern[0, 2]
    scores = np.array([(math.cos(d) + math.cos(d / 10)) / 2 for d in (2, 1, 0)])
    assert np.allclose(pattern, np.exp(scores) / np.exp(scores).sum())


def test_relations_of_positions_under_rotary():
    head = Head("previous", 0, 0, (Term(Offset(-1)),), BOS)
    p = program(
        TOKENS, 4, {"content": CONTENT}, [("token", "content")], [[head]], positions=Rotary(Fraction(100), 4, "half")
    )
    meaning = interpret(p, ids(p, "<bos> a b"))
    assert meaning.head("previous").pattern[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_a_code_written_by_coordinates_is_read_back():
    pair = ((1, 1), (1, -1))
    code = Code(("a", "b"), tuple(tuple(number(x) for x in row) for row in pair), 2)
    move = matrix([[1, 0, 0, 0], [0, 1, 0, 0]])
    write = matrix([[0, 0], [0, 0], [1, 0], [0, 1]])
    swap = Head("move", 0, 0, (Term(Equal("name", "name")),), explicit=(("W_V", move), ("W_O", write)))
    reader = Head("reader", 1, 0, (Term(Equal("name", "target")),))
    p = program(TOKENS, 4, {"name": code, "target": code}, [("token", "name")], [[swap], [reader]], ("target",))
    meaning = interpret(p, ids(p, "a b b"), with_values=True)
    assert [meaning.values["target"].value(meaning.codec, 0, i) for i in range(3)] == ["a", "b", "b"]
    assert meaning.head("reader").pattern[0, 2].tolist() == [0, 0.5, 0.5]
    assert right(meaning) == {"b"}


def test_spare_coordinates_are_remembered():
    move = Head(
        "move", 0, 0, (SAME,), explicit=(("W_V", matrix([[1, 0, 0, 0, 0]])), ("W_O", matrix([[0]] * 4 + [[1]])))
    )
    score = matrix([[0, 0, 0, 0, 5]])
    reader = Head("reader", 1, 0, explicit=(("W_Q", score), ("W_K", score)))
    p = program(TOKENS, 4, {"content": CONTENT}, [("token", "content")], [[move], [reader]], width=5)
    pattern = interpret(p, ids(p, "b a")).head("reader").pattern[0, 1]
    assert np.allclose(pattern, [1 / (1 + math.exp(25)), math.exp(25) / (1 + math.exp(25))])


# ------------------------------------------------------------------ embeddings and numbers


def test_tokens_embed_as_the_integers_they_spell():
    spaces = {"digit": OneHot((0, 1, 2), True), "value": ScalarValue(0, 2), "angle": phase(0, 2)}
    p = program(("0", "2", "x", "7"), 4, spaces, [("token", name) for name in spaces], [], ("digit",))
    meaning = interpret(p, ids(p, "2 x 7"), with_values=True)
    assert [meaning.values["digit"].value(meaning.codec, 0, i) for i in range(3)] == [2, Kind.EMPTY, Kind.EMPTY]
    assert [meaning.values["angle"].value(meaning.codec, 0, i) for i in range(3)] == [2, Kind.EMPTY, Kind.EMPTY]
    assert [meaning.values["value"].value(meaning.codec, 0, i) for i in range(3)] == [2, 0, 0]
    assert interpret(p, ids(p, "2")).predictions[0].right.tolist() == [[False, True, False, False]]
    assert not interpret(p, ids(p, "7")).predictions[0].determined[0]


def test_numbers_of_expressions():
    half = Binary("/", number(1), number(2))
    assert evaluate_number(Unary("-", half), {}) == -0.5
    assert evaluate_number(Binary("^", number(2), number(-2)), {}) == 0.25
    assert evaluate_number(Call("cos", (symbol("pi"),)), {}) == -1
    assert evaluate_number(Call("sqrt", (number(9),)), {}) == 3
    assert evaluate_number(Binary("-", symbol("x"), number(1)), {"x": 3}) == 2
    for bad in (Binary("/", number(1), number(0)), Call("sqrt", (number(-1),)), Binary("^", number(2), half)):
        with pytest.raises(SpecError) as caught:
            evaluate_number(bad, {})
        assert caught.value.diagnostics[0].code == "E0213"


def test_symbols_may_be_declared_by_earlier_ones():
    symbols = (Symbol("x", True, number(2)), Symbol("y", False, Binary("+", symbol("x"), number(1))))
    head = Head("head", 0, 0, (), (), None, (copy("index", "total", symbol("y")),))
    spaces = {"index": ScalarValue(0, 9), "total": ScalarValue(0, 99)}
    p = program(TOKENS, 4, spaces, [("position", "index")], [[head]], symbols=symbols)
    for given, expected in (({}, 3), ({"x": 4}, 5), ({"y": 7}, 7)):
        meaning = interpret(p, ids(p, "a b c"), given, with_values=True)
        assert meaning.values["total"].value(meaning.codec, 0, 2) == expected  # times (0 + 1 + 2) / 3


# ------------------------------------------------------------------ batches


def test_a_batch_in_pieces_means_the_same(monkeypatch: pytest.MonkeyPatch):
    p = induction()
    tokens = np.random.default_rng(0).integers(0, 4, (20, 8))
    whole = interpret(p, tokens, with_values=True)
    monkeypatch.setattr("compiler.reference.interpretation.ENTRIES_PER_CHUNK", 3 * 8 * p.width)
    pieces = interpret(p, tokens, with_values=True)
    for name in ("previous", "induction"):
        assert (whole.head(name).pattern == pieces.head(name).pattern).all()
        assert (whole.head(name).status == pieces.head(name).status).all()
    assert (whole.predictions[0].right == pieces.predictions[0].right).all()
    assert (whole.values["before"].code == pieces.values["before"].code).all()


def test_rows_of_a_batch_do_not_disturb_each_other():
    p = induction()
    both = interpret(p, ids(p, "<bos> a b a", "<bos> c c c"))
    for row, text in enumerate(("<bos> a b a", "<bos> c c c")):
        alone = interpret(p, ids(p, text))
        assert (both.head("induction").pattern[row] == alone.head("induction").pattern[0]).all()
        assert right(both, row) == right(alone)


# ------------------------------------------------------------------ from text

LIBRARY = sorted(pathlib.Path(__file__).parents[2].joinpath("specs").glob("*/*.head"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_expectations_of_the_specs_agree_with_the_reference_meaning(path: pathlib.Path):
    p = complete_frequencies(resolve(parse(path.read_text(), str(path))))
    numbers = {s.name: 1.5 for s in p.symbols if s.value is None}
    lengths = [length for length in p.sequences.lengths() if length <= 10] or [p.sequences.shortest]
    tokens = p.sequences.sample(np.random.default_rng(0), lengths[-1], 60, "repeats")
    meaning = interpret(p, tokens, numbers)
    for claim in p.expectations:
        if isinstance(claim, HeadExpectation):
            head = meaning.head(p.head(claim.head).name)
            support, speaks = expectation_targets(claim, tokens, p.tokens, p.context)
            judged = speaks & head.claimed & (head.status != SOFT)
            assert (support == head.support)[judged].all(), claim.head
        else:
            prompt = np.array([[p.tokens.index(token) for token in claim.prompt]])
            predictions = interpret(p, prompt, numbers).predictions
            answer = p.tokens.index(claim.answer)
            assert any(x.determined[0] and x.right[0, answer] for x in predictions), claim.prompt
