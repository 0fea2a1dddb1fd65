"""A right answer in its canonical form: the factors multiply back, and the gauge takes them to what was handed in."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.equivalence import Scene
from compiler.exact import Matrix, Scalar
from dsl.parser import parse_expression
from headspec.course.answer import Answer
from headspec.course.exercise import Exercise
from headspec.course.files.loading import find_exercise
from headspec.course.handing_in.reading import read_answer
from headspec.course.judging.bench import Bench
from headspec.course.judging.canonical import canonical_form


@cache
def exercise(number: str) -> Exercise:
    return find_exercise(number)


def solution(number: str) -> Answer:
    return read_answer(exercise(number), text=exercise(number).solution)


def read_rows(number: str, words: list[str]) -> Matrix:
    """The printed rows as a matrix again, by our own answer grammar."""
    of = exercise(number)
    head = of.asked[0].head
    text = f"W_K = rows {', '.join(words)}\nW_Q = rows {', '.join(words)}"
    return read_answer(of, text=text).matrices[head, "W_K"]


def gauged(answer: Answer, gauge: Matrix, names: tuple[str, str]) -> Answer:
    """The second matrix times H from the left, the first times H^-T (W_O is on the stream's side: times H^-1)."""
    inverse = gauge.inverse()
    changed = {}
    for (head, name), matrix in answer.matrices.items():
        if name == names[1]:
            changed[head, name] = gauge @ matrix
        elif name == names[0]:
            changed[head, name] = matrix @ inverse if name == "W_O" else inverse.T @ matrix
        else:
            changed[head, name] = matrix
    return replace(answer, matrices=changed)


def triangular(numbers: list[int]) -> Matrix:
    rows = [[1 if i == j else (numbers[4 * i + j] if j < i else 0) for j in range(4)] for i in range(4)]
    return Matrix.from_rows(rows) @ Matrix.from_rows(rows[::-1])


def scene(number: str, answer: Answer, head: str) -> Scene:
    return Bench(exercise(number), answer).scene(head)


def matrix_of(words: list[list[str]]) -> Matrix:
    return Matrix.from_rows([[Scalar.from_expression(parse_expression(word)) for word in row] for row in words])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=16, max_size=16))
def test_the_gauge_takes_the_canonical_form_to_the_answer(numbers: list[int]) -> None:
    gauge = triangular(numbers)
    answer = gauged(solution("2c"), gauge, ("W_Q", "W_K"))
    figures, found = canonical_form(exercise("2c"), answer, "previous", "pattern")
    assert found["same_as_ours"] is True and "as in our solution" in figures[0]
    canonical = found["canonical"]
    assert isinstance(canonical, dict) and isinstance(found["gauge"], list)
    plain = {name: read_rows("2c", rows) for name, rows in canonical.items()}
    H, scale = matrix_of(found["gauge"]), Scalar.from_expression(parse_expression(str(found["scale"])))
    theirs = {name: answer.matrices["previous", name] for name in ("W_Q", "W_K")}
    assert H @ plain["W_K"] == theirs["W_K"]
    assert H.inverse().T.scale(scale) @ plain["W_Q"] == theirs["W_Q"]
    assert plain["W_Q"].T.scale(scale) @ plain["W_K"] == theirs["W_Q"].T @ theirs["W_K"]


def test_the_canonical_form_does_not_depend_on_the_gauge_or_the_temperature() -> None:
    forms = []
    for factor, gauge in ((1, Matrix.identity(4)), (14, triangular(list(range(16))))):
        answer = gauged(solution("2c"), gauge, ("W_Q", "W_K"))
        louder = {key: m.scale(factor) if key[1] == "W_Q" else m for key, m in answer.matrices.items()}
        forms.append(canonical_form(exercise("2c"), replace(answer, matrices=louder), "previous", "pattern")[1])
    assert forms[0]["canonical"] == forms[1]["canonical"]
    assert (forms[0]["scale"], forms[1]["scale"]) == ("1", "14")


def test_our_own_solution_needs_no_gauge() -> None:
    figures, found = canonical_form(exercise("2c"), solution("2c"), "previous", "pattern")
    assert [line for line in figures if "gauge" in line] == []
    assert len(figures) == 3 and re.match(r"  W_Q = rows ", figures[1]) and figures[2].startswith("  W_K = rows ")
    assert found["unseen"] == []


def test_what_no_softmax_sees_is_listed() -> None:
    of = exercise("6c")
    words = [f"content.{token}" for token in "abcdefghi"]
    keys = [f"{words[0]} + {' + '.join(words)}".replace("content.a + content.a", "2*content.a"), *words[1:]]
    answer = read_answer(of, text=f"W_Q = rows {', '.join(words)}\nW_K = rows {', '.join(keys)}")
    figures, found = canonical_form(of, answer, "same", "pattern", scene("6c", answer, "same"))
    assert found["same_as_ours"] is False and found["gauge"] is None
    unseen = found["unseen"]
    assert isinstance(unseen, list) and len(unseen) == 5 and unseen[-1].endswith("more")
    assert unseen[0].startswith("`content.a` of the query with `content.")
    assert figures[-1].endswith("which together no softmax sees")
    assert canonical_form(of, answer, "same", "pattern")[1]["unseen"] == []  # where nobody has looked


def right(number: str, name: str) -> Answer:
    return read_answer(exercise(number), text=next(r.answer for r in exercise(number).right if r.name == name))


def test_another_basis_between_two_heads_is_not_called_unseen() -> None:
    """Written with signs and sizes and read with them: every term counts, and none is besides ours."""
    answer = right("3", "written with signs and sizes, and read with them")
    found = canonical_form(exercise("3"), answer, "induction", "pattern", scene("3", answer, "induction"))
    assert found[1]["unseen"] == [] and not any("softmax" in line for line in found[0])


def test_what_is_besides_is_reckoned_at_the_temperature_of_the_whole() -> None:
    """5 (a + <bos>) + 4 (b + c) is ours and 4 times what all keys share; it is not 5 times ours and something more."""
    answer = right("9a", "a score that all keys share")
    unseen = canonical_form(exercise("9a"), answer, "counter", "pattern", scene("9a", answer, "counter"))[1]["unseen"]
    assert isinstance(unseen, list) and len(unseen) == 4 and all(word.endswith("(4)") for word in unseen)


def test_values_that_cancel_are_not_said_to_be_empty() -> None:
    answer = right("9a", "the value by what it is not")
    figures, _ = canonical_form(exercise("9a"), answer, "counter", "move", scene("9a", answer, "counter"))
    assert figures[-1].endswith("which together come to nothing at every key")


def test_moves_have_a_canonical_form_and_a_gauge_too() -> None:
    gauge = triangular([2, 1, 0, -1] * 4)
    answer = gauged(solution("1a"), gauge, ("W_O", "W_V"))
    figures, found = canonical_form(exercise("1a"), answer, "first", "move")
    assert found["canonical"] == {
        "W_V": [f"low.{i}" for i in range(4)],
        "W_O": [f"moved.{i}" for i in range(4)],
    }
    assert isinstance(found["gauge"], list) and matrix_of(found["gauge"]) == gauge
    assert "W_O = columns moved.0" in figures[2] and "W_V = H C_V, W_O = C_O H^-1" in figures[-1]


def test_moves_of_what_no_key_has_are_listed() -> None:
    answer = solution("2e")
    key = next(k for k in answer.matrices if k[1] == "W_V")
    program = exercise("2e").weights.program
    place = program.coordinate_names.index("v.cos0")
    extra = Matrix(answer.matrices[key].rows, program.width, {(0, place): Scalar.rational(1)})
    more = replace(answer, matrices={**answer.matrices, key: answer.matrices[key] + extra})
    figures, found = canonical_form(exercise("2e"), more, key[0], "move", scene("2e", more, key[0]))
    assert found["same_as_ours"] is False
    assert figures[-1] == "besides, your W_O W_V reads `v.cos0` into `v.cos0` (1), where no key has anything"


def test_rows_that_neither_matrix_uses_do_not_stand_in_the_way() -> None:
    answer = solution("2c")
    wider = {key: m.stack(Matrix.zeros(2, m.columns)) for key, m in answer.matrices.items()}
    found = canonical_form(exercise("2c"), replace(answer, matrices=wider), "previous", "pattern")[1]
    assert found["same_as_ours"] is True and isinstance(found["gauge"], list) and len(found["gauge"]) == 4


def test_floats_have_no_canonical_form() -> None:
    assert canonical_form(exercise("2c"), replace(solution("2c"), numeric=True), "previous", "pattern") == ((), {})
