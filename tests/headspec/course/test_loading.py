"""Exercise files: what is read, and what is said of a file that is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.files.exercise_file import read_exercise
from headspec.course.files.loading import course, exercise_files, find_exercise, find_file, load_exercise, outline
from headspec.course.files.toml_places import find_places
from tests.headspec.light_imports import run_light

SPEC = """\
model look_back
symbol alpha = 0.6
param steps = 1
tokens a..c
context 4
sequences (a..c){1,4}
subspace where : phase(positions, frequencies = [alpha])
subspace v like where
embed position -> where
layer
  head back d_head 2 soft
    attend key.where == query.where - steps strength 20
    copy key.where -> v
expect head back: key.position == query.position - 1
"""
GOOD = '''\
order = 3
part = 2
title = "Look back"
source = "ours"
kind = "heads"
statement = """
Look one back: `W_Q` and `W_K`.
[[check]] is not a table here, nor is title = "x" a key.
"""
why = "It is the first step."
hints = ["one", "two"]
solution = """
W_Q = rows where.cos0, where.sin0
W_K = rows cos(alpha)*where.cos0 - sin(alpha)*where.sin0, sin(alpha)*where.cos0 + cos(alpha)*where.sin0
"""
explanation = "A turn."

[given]
spec = "back.head"
[given.names]
u = "where.cos0"

[[asked]]
head = "back"
matrices = ["W_Q", "W_O"]
d_head = 2

[[check]]
name = "where it looks"
kind = "pattern"
mass = "0.9"

[[right]]
name = "same"
answer = "W_Q = rows 1"

[[wrong]]
name = "other way"
answer = "W_Q = rows 2"
mistake = "turned-the-wrong-way"
'''


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes an exercise, with replacements, beside its spec."""

    def written(*changes: tuple[str, str], name: str = "mine", text: str = GOOD) -> Path:
        (tmp_path / "back.head").write_text(SPEC)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return written


def mistakes(path: Path) -> list[Diagnostic]:
    with pytest.raises(SpecError) as caught:
        load_exercise(path)
    return list(caught.value.diagnostics)


def one(path: Path) -> Diagnostic:
    (found,) = mistakes(path)
    return found


# ------------------------------------------------------------------ what is read


def test_a_good_file(write: Callable[..., Path]) -> None:
    exercise = load_exercise(write())
    assert (exercise.number, exercise.order, exercise.part, exercise.title) == ("mine", 3, 2, "Look back")
    assert exercise.statement.startswith("Look one back") and exercise.hints == ("one", "two")
    assert [(a.name, a.head, a.matrix, a.shape) for a in exercise.asked] == [
        ("W_Q", "back", "W_Q", (2, 4)),
        ("W_O", "back", "W_O", (4, 2)),
    ]
    (check,) = exercise.checks
    assert (check.kind, check.head, check.temperature, check.mass) == ("pattern", "back", "free", Fraction(9, 10))
    assert exercise.names == {"u": "where.cos0"} and exercise.spec_text == SPEC
    assert exercise.right[0].name == "same" and exercise.wrong[0].mistake == "turned-the-wrong-way"
    assert [h.d_head for h in exercise.weights.heads] == [2]


def test_a_spec_can_be_written_inline(write: Callable[..., Path]) -> None:
    exercise = load_exercise(write(('spec = "back.head"', f"spec = '''\n{SPEC}'''")))
    assert exercise.program is not None and exercise.program.name == "look_back"
    assert exercise.asked[0].shape == (2, 4)


def test_several_heads_are_numbered_in_order(write: Callable[..., Path]) -> None:
    again = '[[asked]]\nhead = "back"\nmatrices = ["W_V"]\nd_head = 3\n\n[[check]]'
    exercise = load_exercise(write(("[[check]]\nname", f"{again}\nhead = 'back'\nname")))
    assert [(a.name, a.shape) for a in exercise.asked] == [("W_Q1", (2, 4)), ("W_O1", (4, 2)), ("W_V2", (3, 4))]


QUESTION = """\
title = "Q"
kind = "{kind}"
statement = "?"
hints = ["h"]
solution = "s"
{rest}
"""


@pytest.mark.parametrize(
    ("kind", "rest", "options"),
    [
        ("choice", '[choices]\na = "x"\nb = "y"\n[[check]]\nname = "c"\nkind = "equal"\nequals = "a"', {"equals": "a"}),
        (
            "number",
            '[[asked]]\nname = "n"\n[[check]]\nname = "n"\nkind = "between"\nlow = "1/3"\nhigh = 4',
            {"low": Fraction(1, 3), "high": Fraction(4)},
        ),
        (
            "formula",
            '[[asked]]\nname = "f"\n[shapes]\nW_Q = ["d_head", "d_model"]\n'
            '[[check]]\nname = "f"\nkind = "equal"\nequals = "W_Q"',
            {"equals": "W_Q"},
        ),
        (
            "matrices",
            '[[asked]]\nname = "M"\nshape = [2, 3]\n[[check]]\nname = "M"\nkind = "equal"\nequals = "0"',
            {"equals": "0"},
        ),
        (
            "values",
            '[given]\nspec = "back.head"\n[[asked]]\nname = "alpha"\n[[asked]]\nname = "steps"\n'
            '[[check]]\nname = "it holds"\nkind = "promises"\nexhaustive = true',
            {"exhaustive": True},
        ),
        (
            "sequence",
            '[given]\nspec = "back.head"\n[[check]]\nname = "s"\nkind = "breaks"\nhead = "back"\nends_with = "a"',
            {"ends_with": "a"},
        ),
        (
            "spec",
            '[given]\nspec = "back.head"\n[[check]]\nname = "s"\nkind = "promises"\nsamples = 50',
            {"samples": 50},
        ),
    ],
)
def test_every_kind_of_exercise(kind: str, rest: str, options: object, write: Callable[..., Path]) -> None:
    exercise = load_exercise(write(text=QUESTION.format(kind=kind, rest=rest)))
    assert exercise.kind == kind and exercise.checks[0].options == options
    assert (exercise.order, exercise.part, exercise.why) == (1000, 1, "")


# ------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "says"),
    [
        ('title = "Look back"', "", "E0743", 1, "no `title`"),
        ('title = "Look back"', 'title = " "', "E0744", 3, "empty"),
        ('title = "Look back"', "title = 3", "E0744", 3, "whole number, and text"),
        ('title = "Look back"', 'title = "T"\ntitel = "x"', "E0742", 4, "did you mean `title`?"),
        ("order = 3", 'order = "3"', "E0744", 1, "text, and a whole number"),
        ("order = 3", "order = true", "E0744", 1, "true or false"),
        ("order = 3", "order = 2020-01-01", "E0744", 1, "a date"),
        ('kind = "heads"', 'kind = "haeds"', "E0744", 5, "did you mean `heads`?"),
        ('hints = ["one", "two"]', "hints = []", "E0744", 11, "empty"),
        ('hints = ["one", "two"]', 'hints = ["one", 2]', "E0744", 11, "list of texts"),
        ('spec = "back.head"', 'spec = "bakc.head"', "E0746", 19, "did you mean `back.head`?"),
        ('spec = "back.head"', 'spec = "back.txt"', "E0746", 19, "no .head file"),
        ('spec = "back.head"', "", "E0743", 18, "needs a given spec"),
        ('u = "where.cos0"', 'u = "where.cos1"', "E0746", 21, "did you mean `where.cos0`?"),
        ('u = "where.cos0"', 'alpha = "where.cos0"', "E0746", 21, "a symbol of the given spec"),
        ('u = "where.cos0"', '"u v" = "where.cos0"', "E0744", 21, "no name"),
        ('[[asked]]\nhead = "back"', '[[asked]]\nhead = "bakc"', "E0746", 24, "did you mean `back`?"),
        ('["W_Q", "W_O"]', '["W_Q", "W_OO"]', "E0744", 25, "did you mean `W_O`?"),
        ("d_head = 2", "d_head = 0", "E0744", 26, "from 1 to 4096"),
        ("d_head = 2", "", "E0743", 23, "no `d_head`"),
        ('kind = "pattern"', 'kind = "equal"\nequals = "0"', "E0745", 30, "cannot judge"),
        ('kind = "pattern"', 'kind = "pattern"\nhead = "bakc"', "E0745", 31, "did you mean `back`?"),
        ('kind = "pattern"', 'kind = "pattern"\nlow = 1', "E0742", 31, "no key `low`"),
        ('mass = "0.9"', "mass = 0.9", "E0744", 31, 'write mass = "0.9"'),
        ('mass = "0.9"', 'mass = "1"', "E0744", 31, "between 0 and 1"),
        ('mass = "0.9"', 'mass = "nine"', "E0744", 31, "not an integer"),
        ('mass = "0.9"', 'temperature = "cold"', "E0744", 31, "free, stated"),
        ('mass = "0.9"', 'dtype = "float8"', "E0744", 31, "did you mean `float"),
        ('answer = "W_Q = rows 1"', "", "E0743", 33, "[[right]] number 1 has no `answer`"),
        ('mistake = "turned-the-wrong-way"', 'mistake = "turned-the-wrong-wya"', "E0744", 40, "did you mean"),
        ('mistake = "turned-the-wrong-way"', 'sayz = "x"', "E0742", 40, "did you mean `says`?"),
        (
            'kind = "pattern"\nmass = "0.9"',
            'kind = "property"\nproperty = "split"',
            "E0770",
            31,
            "did you mean `splits`?",
        ),
    ],
)
def test_a_mistake_has_its_line(
    old: str, new: str, code: str, line: int, says: str, write: Callable[..., Path]
) -> None:
    found = [d for d in mistakes(write((old, new))) if d.code == code]
    assert found and found[0].span is not None, [d.code for d in mistakes(write((old, new)))]
    assert found[0].span.line == line
    assert says in found[0].render()


@pytest.mark.parametrize("equals", ["ac", "1"])
def test_the_right_choices_are_choices(equals: str, write: Callable[..., Path]) -> None:
    rest = f'[choices]\na = "x"\nb = "y"\n[[check]]\nname = "c"\nkind = "equal"\nequals = "{equals}"'
    found = one(write(text=QUESTION.format(kind="choice", rest=rest)))
    assert found.code == "E0745" and "a, b" in str(found.help)


def test_several_mistakes_are_reported_at_once(write: Callable[..., Path]) -> None:
    path = write(("order = 3", 'order = "3"'), ("d_head = 2", "d_head = 1.5"), ('u = "where.cos0"', 'u = "up"'))
    assert [(d.code, d.span.line) for d in mistakes(path) if d.span] == [("E0744", 1), ("E0746", 21), ("E0744", 26)]


def test_mistakes_of_the_given_spec_are_its_own(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write()
    (tmp_path / "back.head").write_text(SPEC.replace("attend key.where ==", "attend key.wehre =="))
    found = one(path)
    assert found.code.startswith("E02") and found.span is not None and found.span.source.name.endswith("back.head")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = ", 1),
        ("title = 'x'\n[[check]\n", 2),
        ('hints = ["a"\n\n', 1),
        ("a = [" * 5000, 1),
        ("a = " + "9" * 9000, 1),
    ],
)
def test_what_is_no_toml(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    found = one(path)
    assert found.code == "E0741" and (found.span is None or found.span.line == line)


@pytest.mark.parametrize("data", [b"title = 'caf\xe9'", b"#" * (5 << 20), b"#" * (300 << 10)])
def test_what_is_not_read_at_all(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    assert one(path).code in ("E0602", "E0603", "E0741")


@given(st.text(alphabet="ab=[]{}.\"'#\n \\", max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    try:
        _, page = read_exercise(Path("x.toml"), text)
        assert page.collector.found  # nothing so short is an exercise
    except SpecError as error:
        assert error.diagnostics


KEYS = st.text(alphabet="abcxyz_-", min_size=1, max_size=4)
VALUES = st.sampled_from(
    ['"x # y"', "3", "'[[a]]'", '"""\n[a]\nb = 1\n"""', "'''\nc = [\n'''", '[\n"]",\n1, # ]\n]', "{ a = 1 }", '"\\""']
)


@given(st.lists(st.tuples(st.sampled_from(["", "[{}]", "[[{}]]"]), KEYS, VALUES), max_size=12))
def test_places_are_those_of_the_keys(rows: list[tuple[str, str, str]]) -> None:
    """Every key that tomllib finds has a place, and there stands its name; nothing else has one."""
    lines = []
    for i, (header, key, value) in enumerate(rows):
        lines += [header.format(f"t{key}") if header else "", f"{key}{i} = {value}"]
    text = "\n".join(lines)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    places = find_places(text)
    named = {path for path in places if not isinstance(path[-1], int)}
    assert all(text[slice(*places[path])] == path[-1] for path in named)
    keys = set()
    for key, value in data.items():
        tables = value if isinstance(value, list) and all(isinstance(v, dict) for v in value) and value else [value]
        for i, table in enumerate(tables):
            path = (key, i) if tables is value else (key,)
            keys |= {path} | {(*path, k) for k in table} if isinstance(table, dict) and key[0] == "t" else {path}
    assert keys == set(places)


# ------------------------------------------------------------------ finding


@pytest.mark.parametrize("word", ["2c", "2C", "2(c)", " 2.c ", "exercise 2c"])
def test_an_exercise_has_one_number_and_many_spellings(word: str) -> None:
    assert find_file(word).name == "2c.toml"


@pytest.mark.parametrize(
    ("word", "help"), [("2cc", "did you mean `2c`?"), ("nothing", "1a"), ("no/such.toml", "number")]
)
def test_what_is_not_found(word: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        find_exercise(word)
    (found,) = caught.value.diagnostics
    assert found.code == "E0740" and help in str(found.help)


def test_a_teachers_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    write(("order = 3", "order = 9"), name="z")
    write(name="m")
    (tmp_path / "README.md").write_text("no exercise")
    assert [(entry.number, entry.order) for entry in outline(tmp_path)] == [("m", 3), ("z", 9)]
    assert find_exercise("Z", tmp_path).order == 9
    assert find_exercise(str(tmp_path / "m.toml")).number == "m"
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "none"):
        with pytest.raises(SpecError, match="E0740"):
            exercise_files(folder)


def test_the_course_is_in_order_and_read_once() -> None:
    found = course()
    assert found is course() and len(found) >= 25
    assert [e.number for e in found] == [entry.number for entry in outline()]
    assert [(e.order, e.number) for e in found] == sorted((e.order, e.number) for e in found)
    assert len({e.order for e in found}) == len(found), "two exercises stand in the same place"
    assert all(len(e.hints) >= 2 and e.explanation and e.why and e.source for e in found)
    assert all(len(e.right) >= 5 and len(e.wrong) >= 8 for e in found)


def test_a_list_reads_no_specs() -> None:
    run_light(
        "from headspec.course.files.loading import outline\nassert len(outline()) > 1",
        {"lark", "numpy", "sympy", "torch", "compiler.pipeline", "dsl.parser"},
    )
