"""Mistakes are named when an answer is the same head as ours with that mistake in it, and not otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from compiler.equivalence import reachable
from compiler.exact import Matrix, Scalar
from dsl.parser import parse_expression
from headspec.course.answer import Answer
from headspec.course.exercise import Check, Exercise, WrongAnswer
from headspec.course.judging.handed_in import answer_matrices, our_matrices
from headspec.course.naming.mistakes import CODES, Facts, listed_mistakes, name_mistakes
from headspec.course.results import Mistake

ROOT = Path(__file__).parents[3]

STAGE = """
model pairs
symbol a = 0.6
symbol b = 0.25
tokens x, y
context 5
sequences (x | y){1,5}
subspace where : phase(positions, frequencies = [a, b], magnitudes = [2, 1])
embed position -> where
layer
  head back d_head 4
    attend key.where == query.where - 1
"""
WIDE = """
model wide
symbol a = 0.6
symbol b = 0.25
symbol beta > 0 = 0.25
tokens x, y, z
context 6
sequences (x | y | z){1,6}
subspace letter : onehot(tokens)
subspace where : phase(positions, frequencies = [a, b], magnitudes = [2, 1])
subspace slow : phase(positions, frequencies = [0.01, 0.001])
subspace v like where
subspace mark : onehot(tokens)
embed token -> letter
embed position -> where
embed position -> slow
layer
  head far soft
    attend key.letter == query.letter strength 8
    avoid key.where == query.where strength 8*beta
    copy key.where -> v
    copy key.letter -> mark
"""
TURNING = """
model turning
tokens x, y
context 8
sequences (x | y){1,8}
positions rotary(base = 100, dims = 4, layout = half)
subspace letter : onehot(tokens)
subspace one : constant
embed token -> letter
layer
  head back d_head 4
    attend key.position == query.position - 1
"""
SAME = TURNING.replace("attend key.position == query.position - 1", "attend key.letter == query.letter").replace(
    "d_head 4", "d_head 6"
)


@cache
def exercise(text: str) -> Exercise:
    """An exercise about the only head of a spec."""
    return Exercise(
        number="t",
        order=1,
        part=1,
        title="",
        source="",
        statement="",
        why="",
        kind="heads",
        asked=(),
        checks=(),
        hints=(),
        solution="",
        explanation="",
        right=(),
        wrong=(),
        choices={},
        shapes={},
        spec_text=text,
        spec_name="t",
        names={},
        path=Path("t"),
    )


def rows(text: str, spec: str) -> Matrix:
    """``cos(a)*where.cos0 + where.sin1; letter.x``: one row after the other, empty rows included."""
    program = exercise(spec).program
    assert program is not None
    names = program.coordinate_names
    entries: dict[tuple[int, int], Scalar] = {}
    lines = text.split(";")
    for i, line in enumerate(lines):
        for sign, factor, name in re.findall(r"([+-]?)\s*(?:([^\s;]+)\*)?([a-z_]+\.\w+)", line):
            value = Scalar.from_expression(parse_expression(factor or "1"))
            entries[i, names.index(name)] = -value if sign == "-" else value
    return Matrix(len(lines), len(names), entries)


def named(spec: str, kind: str, first: Matrix, second: Matrix, **facts: object) -> tuple[Mistake, ...]:
    """The mistakes named for W_Q and W_K (kind pattern), or for W_V and the transpose of W_O (kind move)."""
    of = exercise(spec)
    head = of.weights.program.heads[0]
    given = {"W_Q": first, "W_K": second} if kind == "pattern" else {"W_V": first, "W_O": second.T}
    answer = Answer(matrices={(head.name, name): matrix for name, matrix in given.items()})
    theirs, ours = answer_matrices(of, answer, head.name), our_matrices(of, head.name)
    rotary = of.weights.program.positions is not None
    told = {
        "head": head.name,
        "answer": theirs.QK if kind == "pattern" else theirs.OV,
        "ours": ours.QK if kind == "pattern" else ours.OV,
        "scene": None if rotary else reachable(of.weights, head),
    }
    check = Check("c", kind, head.name, temperature=facts.pop("temperature", "free"))  # type: ignore[arg-type]
    return name_mistakes(of, answer, check, Facts(**(told | facts)))  # type: ignore[arg-type]


def codes(found: tuple[Mistake, ...]) -> list[str]:
    return [mistake.code for mistake in found]


PLAIN = "where.cos0; where.sin0; where.cos1; where.sin1"


def turn(first: str, second: str, signs: str = "+-+-", pairs: str = "01") -> str:
    """Rows of a turn by the angles ``first`` and ``second``; ``signs`` those of the four sines."""
    lines = []
    for j, angle in enumerate((first, second)):
        c, s, n = f"cos({angle})", f"sin({angle})", pairs[j]
        lines.append(f"{c}*where.cos{n} {signs[2 * j]} {s}*where.sin{n}")
        lines.append(f"{signs[2 * j + 1]} {s}*where.cos{n} + {c}*where.sin{n}")
    return "; ".join(lines)


BACK = [  # (code, W_Q, W_K) for "one step back"
    ("turned-the-wrong-way", turn("a", "b", "-+-+"), PLAIN),
    ("queries-and-keys-swapped", PLAIN, turn("a", "b")),
    ("not-turned", PLAIN, PLAIN),
    ("off-by-one", turn("2*a", "2*b"), PLAIN),
    ("off-by-several", turn("3*a", "3*b"), PLAIN),
    ("sign", turn("a", "b"), "-where.cos0; -where.sin0; -where.cos1; -where.sin1"),
    ("not-a-rotation", turn("a", "b", "++++"), PLAIN),
    ("not-a-rotation", turn("a", "b", "+-++"), PLAIN),
    ("turned-the-wrong-way", turn("a", "b", "+--+"), PLAIN),
    ("not-turned", turn("a", "0*b"), PLAIN),
    ("cos-and-sin-swapped", turn("pi/2-a", "pi/2-b"), PLAIN),
    ("wrong-frequency-order", turn("b", "a"), PLAIN),
    ("wrong-frequency-order", turn("a", "b", pairs="10"), PLAIN),
    ("wrong-frequency-order", turn("b", "a", pairs="10"), PLAIN),
    ("one-angle-for-all", turn("a", "a"), PLAIN),
    ("reads-only-part", turn("a", "b"), "where.cos0; where.sin0; where.cos1"),
    ("uniform", "0*where.cos0; ; ; ", PLAIN),
    ("one-entry-wrong", turn("a", "b").replace("sin(b)*where.sin1", "3*where.sin1"), PLAIN),
]


@pytest.mark.parametrize(("code", "query", "key"), BACK, ids=[f"{i}-{b[0]}" for i, b in enumerate(BACK)])
def test_one_step_back(code: str, query: str, key: str) -> None:
    height = max(query.count(";"), key.count(";"))
    first, second = (rows(text + ";" * (height - text.count(";")), STAGE) for text in (query, key))
    assert code in codes(named(STAGE, "pattern", first, second))


def test_a_right_head_has_no_mistake() -> None:
    assert named(STAGE, "pattern", rows(turn("a", "b"), STAGE), rows(PLAIN, STAGE)) == ()
    assert named(STAGE, "pattern", rows(PLAIN, STAGE), rows(turn("a", "b", "-+-+"), STAGE)) == ()


def test_the_same_in_another_gauge_and_louder() -> None:
    gauge = Matrix.from_rows([[1, 2, 0, 0], [0, 1, 0, 0], [3, 0, 1, 0], [0, 0, 5, 1]])
    query, key = rows(turn("2*a", "2*b"), STAGE), rows(PLAIN, STAGE)
    found = named(STAGE, "pattern", gauge.inverse().T.scale(7) @ query, gauge @ key)
    assert codes(found) == ["off-by-one"]
    assert "`key.where == query.where - 2`" in found[0].says


def test_a_head_that_is_none_of_them_is_not_given_a_name() -> None:
    odd = "where.cos0 + 2*where.cos1; 3*where.sin0; 5*where.cos1 - where.sin0; 7*where.cos0"
    assert named(STAGE, "pattern", rows(odd, STAGE), rows(PLAIN, STAGE)) == ()


def test_square_matrices_in_the_other_convention() -> None:
    mixed = Matrix.from_rows([[1, 2, 0, 0], [0, 1, 3, 0], [0, 0, 1, 5], [0, 0, 0, 1]])
    query, key = mixed.inverse().T @ rows(turn("a", "b"), STAGE), mixed @ rows(PLAIN, STAGE)
    assert codes(named(STAGE, "pattern", query.T, key.T)) == ["transposed"]
    assert codes(named(STAGE, "pattern", query, key)) == []


def test_floats_are_named_up_to_their_rounding() -> None:
    values = exercise(STAGE).weights.bindings
    for code, text in (("turned-the-wrong-way", turn("a", "b", "-+-+")), ("off-by-one", turn("2*a", "2*b"))):
        exact = rows(text, STAGE)
        rough = Matrix(
            4, 4, {p: Scalar.rational(round(e.to_float(values) * 10**7)) for p, e in exact.entries.items()}
        ).scale(Scalar.rational(1) / Scalar.rational(10**7))
        assert code in codes(named(STAGE, "pattern", rough, rows(PLAIN, STAGE), values=values))


def test_angles_in_degrees() -> None:
    values = exercise(STAGE).weights.bindings
    query = rows(turn("3/5*pi/180", "1/4*pi/180"), STAGE).substitute(values)
    assert codes(named(STAGE, "pattern", query, rows(PLAIN, STAGE), values=values)) == ["degrees"]


# ---------------------------------------------------------------- heads of two lines

LETTER = "letter.x; letter.y; letter.z"
FAR = [
    ("one-line-missing", f"{LETTER}; ; ; ; ", f"{LETTER}; {PLAIN}"),
    ("attend-instead-of-avoid", f"{LETTER}; {PLAIN}", f"{LETTER}; {PLAIN.replace('where', 'beta*where')}"),
    ("avoid-instead-of-attend", LETTER.replace("letter", "-letter") + "; @", f"{LETTER}; {PLAIN}"),
    ("attend-instead-of-avoid", f"{LETTER}; {PLAIN}", f"{LETTER}; {PLAIN}"),
    ("wrong-weights", LETTER.replace("letter", "9*letter") + "; @", f"{LETTER}; {PLAIN}"),
    ("reads-the-wrong-subspace", f"{LETTER}; @", f"{LETTER}; {PLAIN.replace('where', 'slow')}"),
    ("reads-only-part", "letter.x; letter.y; ; @", f"{LETTER}; {PLAIN}"),
    ("reads-too-much", f"{LETTER}; @; slow.cos0", f"{LETTER}; {PLAIN}; letter.x"),
    ("one-entry-wrong", f"{LETTER}; @", f"{LETTER}; {PLAIN}".replace("letter.y", "2*letter.y")),
]
AWAY = "; ".join(f"-beta*where.{c}" for c in ("cos0", "sin0", "cos1", "sin1"))


@pytest.mark.parametrize(("code", "query", "key"), FAR, ids=[f"{i}-{b[0]}" for i, b in enumerate(FAR)])
def test_two_lines(code: str, query: str, key: str) -> None:
    first, second = rows(query.replace("@", AWAY), WIDE), rows(key, WIDE)
    assert codes(named(WIDE, "pattern", first, second))[0] == code


def test_a_line_that_is_missing_is_quoted() -> None:
    found = named(WIDE, "pattern", rows(LETTER, WIDE), rows(LETTER, WIDE))
    assert "`avoid key.where == query.where`" in found[0].says


def test_what_softmax_does_not_see_is_no_mistake() -> None:
    query = rows(f"{LETTER}; {AWAY}; letter.x", WIDE)
    key = rows(f"{LETTER}; {PLAIN}; letter.x + letter.y + letter.z", WIDE)
    assert named(WIDE, "pattern", query, key) == ()


# ---------------------------------------------------------------- what is moved

READ = f"{PLAIN}; {LETTER}"
WRITE = f"{PLAIN.replace('where', 'v')}; {LETTER.replace('letter', 'mark')}"
MOVES = [
    ("copies-to-the-wrong-subspace", READ, f"{PLAIN.replace('where', 'slow')}; {LETTER.replace('letter', 'mark')}"),
    ("copies-in-another-order", READ, "v.sin0; v.cos0; v.cos1; v.sin1; mark.x; mark.y; mark.z"),
    ("copies-from-the-wrong-subspace", f"{PLAIN.replace('where', 'slow')}; {LETTER}", WRITE),
    ("copies-only-part", PLAIN + "; ; ; ", WRITE),
    ("copies-too-much", READ, WRITE.replace("v.cos0", "v.cos0 + slow.cos0")),
    ("copies-too-much", READ.replace("where.cos0", "where.cos0 + letter.x"), WRITE),
    ("copies-something-else", READ.replace("where.cos0", "where.sin1").replace("where.sin0", "where.cos1"), WRITE),
    ("one-entry-wrong", READ, WRITE.replace("v.cos0", "2*v.cos0")),
    ("scaled-copy", READ, "; ".join(f"beta*{name}" for name in WRITE.split("; "))),
    ("sign", READ, "; ".join(f"-{name}" for name in WRITE.split("; "))),
    ("transposed", WRITE, READ),
    ("copies-nothing", "v.cos0; ; ; ; ; ; ", WRITE),
]


@pytest.mark.parametrize(("code", "read", "written"), MOVES, ids=[f"{i}-{m[0]}" for i, m in enumerate(MOVES)])
def test_moves(code: str, read: str, written: str) -> None:
    assert codes(named(WIDE, "move", rows(read, WIDE), rows(written, WIDE)))[0] == code


def test_a_right_move_in_any_gauge_has_no_mistake() -> None:
    gauge = Matrix.from_rows([[1 if i == j else (2 if j == i + 1 else 0) for j in range(7)] for i in range(7)])
    assert named(WIDE, "move", gauge @ rows(READ, WIDE), gauge.inverse().T @ rows(WRITE, WIDE)) == ()


# ---------------------------------------------------------------- sharpness


def soft(**facts: object) -> tuple[Mistake, ...]:
    return named(STAGE, "pattern", rows(turn("a", "b"), STAGE), rows(PLAIN, STAGE), **facts)


def test_too_soft_by_what_the_softmax_divides_by() -> None:
    found = soft(needed=1.9, given_mass=0.8, temperature="stated")
    assert codes(found) == ["forgot-sqrt-d-head", "too-soft"]
    assert "sqrt(d_head) = 2" in found[0].says and "by 1.9" in found[1].says and "0.8" in found[1].says


def test_too_soft_by_more() -> None:
    assert codes(soft(needed=2.5, temperature="stated")) == ["too-soft"]


def test_a_free_temperature_is_never_too_soft() -> None:
    assert soft(needed=2.5) == ()
    assert soft(needed=1.0, temperature="stated") == soft(needed=0.5, temperature="stated") == ()


def test_the_symbol_that_would_do_is_named() -> None:
    query = rows(turn("a", "b"), STAGE).scale(Scalar.symbol("b"))
    found = named(
        STAGE,
        "pattern",
        query,
        rows(PLAIN, STAGE),
        needed=10.004,
        values=exercise(STAGE).weights.bindings,
        temperature="stated",
    )
    assert "With b = 2.51 in place of 0.25" in found[0].says  # 10.004 * 0.25, rounded up


def test_only_by_a_tie() -> None:
    assert "only-by-a-tie" in codes(soft(tie=(1, 0)))
    assert "first position" in soft(tie=(1, 0))[0].says and "position 2" in soft(tie=(1, 2))[0].says


# ---------------------------------------------------------------- rotary positions

ONE = "one.one; one.one; 0*one.one; 0*one.one"
STEP = "cos(1)*one.one; cos(1/10)*one.one; sin(1)*one.one; sin(1/10)*one.one"
TURNED = [
    ("turned-the-wrong-way", STEP, ONE),
    ("queries-and-keys-swapped", STEP, ONE),
    ("not-turned", ONE, ONE),
    ("off-by-one", ONE, STEP.replace("(1)", "(2)").replace("1/10", "2/10")),
    ("sign", ONE.replace("one.one", "-one.one"), STEP),
    ("uniform", ONE, "0*one.one; ; ; "),
    ("wrong-layout", "one.one; ; one.one; ", "cos(1)*one.one; sin(1)*one.one; cos(1/10)*one.one; sin(1/10)*one.one"),
]


@pytest.mark.parametrize(("code", "query", "key"), TURNED, ids=[t[0] for t in TURNED])
def test_rotary(code: str, query: str, key: str) -> None:
    if code == "sign":  # what is zero has no minus
        query = "-one.one; -one.one; ; "
    assert code in codes(named(TURNING, "pattern", rows(query, TURNING), rows(key, TURNING)))
    assert codes(named(TURNING, "pattern", rows(ONE, TURNING), rows(STEP, TURNING))) == []


def test_content_in_rows_that_turn() -> None:
    both = rows("letter.x; letter.y; ; ; ; ", SAME)
    assert codes(named(SAME, "pattern", both, both)) == ["turned-by-the-distance"]


# ---------------------------------------------------------------- listed by a teacher


def test_a_listed_answer_is_told_in_the_teachers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from headspec.course.naming import listed

    other = Answer(matrices={("back", "W_Q"): rows(PLAIN, STAGE).scale(3), ("back", "W_K"): rows(PLAIN, STAGE)})
    monkeypatch.setattr(listed, "_read", lambda key, text: other if text == "as it is" else None)
    of = replace(
        exercise(STAGE),
        wrong=(
            WrongAnswer("unreadable", "?", says="never said"),
            WrongAnswer("plain", "as it is", "not-turned", "You forgot the turn."),
        ),
    )
    head = of.weights.program.heads[0]
    circuits = [rows(PLAIN, STAGE).T @ rows(PLAIN, STAGE), rows(turn("a", "b"), STAGE).T @ rows(PLAIN, STAGE)]
    ours = our_matrices(of, "back").QK
    check = Check("c", "pattern", "back")
    found = [
        listed_mistakes(of, Answer(), check, Facts("back", circuit, ours, reachable(of.weights, head)))
        for circuit in circuits
    ]
    assert found == [(Mistake("not-turned", "You forgot the turn."),), ()]
    stated = replace(check, temperature="stated")
    facts = Facts("back", circuits[0], ours, reachable(of.weights, head))
    assert listed_mistakes(of, Answer(), stated, facts) == ()  # the listed one is three times as loud
    assert len(listed_mistakes(of, Answer(), stated, replace(facts, answer=circuits[0].scale(3)))) == 1


def test_listed_choices_sequences_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    from headspec.course.naming import listed

    answers = {
        "ab": Answer(choice=frozenset("ab")),
        "x y": Answer(tokens=("x", "y")),
        "sqrt(8)": Answer(expressions={"n": parse_expression("sqrt(8)")}),
    }
    monkeypatch.setattr(listed, "_read", lambda key, text: answers[text])
    for kind, text, same in (
        ("choice", "ab", Answer(choice=frozenset("ba"))),
        ("sequence", "x y", Answer(tokens=("x", "y"))),
        ("number", "sqrt(8)", Answer(expressions={"n": parse_expression("2*sqrt(2)")})),
    ):
        of = replace(exercise(STAGE), kind=kind, wrong=(WrongAnswer("w", text, says="No."),))  # type: ignore[arg-type]
        assert codes(listed_mistakes(of, same)) == ["listed"]
        other = Answer(choice=frozenset("c"), tokens=("x",), expressions={"n": parse_expression("3")})
        assert listed_mistakes(of, other) == ()


# ---------------------------------------------------------------- matrices, and all codes


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("transposed", [[1, 3], [2, 4]]),
        ("sign", [[-1, -2], [-3, -4]]),
        ("scaled-copy", [[2, 4], [6, 8]]),
        ("copies-only-part", [[1, 2], [3, 0]]),
        ("one-entry-wrong", [[1, 2], [3, 5]]),
    ],
)
def test_matrices_entry_by_entry(code: str, given: list[list[int]]) -> None:
    ours = Matrix.from_rows([[1, 2], [3, 4]])
    found = name_mistakes(exercise(STAGE), Answer(), Check("c", "equal"), Facts("", Matrix.from_rows(given), ours))
    assert codes(found) == [code]
    for unnamed in (ours, Matrix.from_rows([[1, 2], [7, 5]])):
        assert name_mistakes(exercise(STAGE), Answer(), Check("c", "equal"), Facts("", unnamed, ours)) == ()


def test_every_code_is_tried_here_or_with_the_properties() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    there = Path(__file__).with_name("test_properties.py").read_text(encoding="utf-8")
    assert [code for code in CODES if f'"{code}"' not in here + there] == []


def test_every_code_is_named_somewhere_and_listed() -> None:
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "headspec" / "course").rglob("*.py"))
    assert [code for code in CODES if source.count(f'"{code}"') < 2] == []
    given = set(re.findall(r'(?:Mistake|Variant|name)\(\s*"([a-z-]+)"', source))
    assert sorted(given - CODES.keys()) == []
