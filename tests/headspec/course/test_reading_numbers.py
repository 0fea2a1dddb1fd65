"""Files and objects: the same matrices from every source, and what is wrong with the others in words."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from compiler.exact import Matrix
from headspec.course.exercise import Asked
from headspec.course.handing_in.reading import read_answer
from tests.headspec.course.making import (
    PREVIOUS,
    K,
    Q,
    code,
    exact,
    make_exercise,
    previous,
    refused,
    save,
    square,
    two_heads,
)


def numbers(matrix: Matrix) -> list[list[Fraction]]:
    return [[matrix[i, j].as_fraction() for j in range(matrix.columns)] for i in range(matrix.rows)]


FOUR = np.arange(48).reshape(4, 12)


# ------------------------------------------------------------------ the same from every source


dyadic = st.integers(-(2**20) + 1, 2**20 - 1).map(lambda n: Fraction(n, 1024))
tables = st.lists(st.lists(dyadic, min_size=12, max_size=12), min_size=1, max_size=4)


def row_text(row: list[Fraction]) -> str:
    return f"[{', '.join(map(str, row))}]"


@settings(max_examples=10)
@given(tables, tables)
def test_a_matrix_is_the_same_from_text_objects_and_files(
    tmp_path_factory: pytest.TempPathFactory, query: list[list[Fraction]], key: list[list[Fraction]]
) -> None:
    key = (key * 4)[: len(query)]
    exercise, folder = previous(), tmp_path_factory.mktemp("answer")
    tables = {"W_Q": query, "W_K": key}
    wanted = read_answer(exercise, objects=tables).matrices
    assert wanted[Q].entries == Matrix.from_rows(query).entries
    text = "\n".join(f"{name} = [{', '.join(map(row_text, rows))}]" for name, rows in tables.items())
    strings = {name: [[str(x) for x in row] for row in rows] for name, rows in tables.items()}
    floats = {name: np.array([[float(x) for x in row] for row in rows]) for name, rows in tables.items()}
    answers = [
        read_answer(exercise, text=text),
        read_answer(exercise, objects=strings),
        read_answer(exercise, objects=floats),
        read_answer(exercise, objects={n: torch.tensor(a) for n, a in floats.items()}),
        read_answer(
            exercise,
            objects={n: sympy.Matrix([[sympy.Rational(str(x)) for x in r] for r in t]) for n, t in tables.items()},
        ),
        read_answer(exercise, objects={n: Matrix.from_rows(t) for n, t in tables.items()}),
        read_answer(exercise, files=written(folder, floats, strings, text)),
        *(
            read_answer(exercise, files=[file])
            for file in (folder / n for n in ("a.npz", "a.safetensors", "a.json", "a.txt"))
        ),
    ]
    for answer in answers:
        assert answer.matrices == wanted and not answer.numeric


def written(
    folder: Path, floats: Mapping[str, np.ndarray], strings: Mapping[str, object], text: str
) -> dict[str, Path]:
    """The same two matrices in every kind of file; W_Q as .npy and W_K as .csv."""
    np.save(folder / "first.npy", floats["W_Q"])
    np.savez(folder / "a.npz", **floats)
    save_file({name: torch.tensor(array) for name, array in floats.items()}, folder / "a.safetensors")
    (folder / "a.json").write_text(json.dumps(strings))
    (folder / "a.txt").write_text(text)
    with open(folder / "second.csv", "w", newline="") as file:
        csv.writer(file).writerows(strings["W_K"])  # type: ignore[arg-type]
    return {"W_Q": folder / "first.npy", "W_K": folder / "second.csv"}


def test_exact_entries_survive_json_csv_and_sympy(tmp_path: Path) -> None:
    cell = "1/2*cos(alpha_0) - sqrt(2)"
    a = sympy.Symbol("alpha_0", positive=True)
    exercise = make_exercise("matrices", (Asked("M", shape=(1, 2)),), PREVIOUS)
    (tmp_path / "M.json").write_text(json.dumps({"M": [[cell, "two"]]}))
    (tmp_path / "M.csv").write_text(f'"{cell}", two\n')
    answers = [
        read_answer(exercise, text=f"M = [[{cell}, two]]"),
        read_answer(exercise, text=f"[[{cell}, two]]"),
        read_answer(exercise, files=[tmp_path / "M.json"]),
        read_answer(exercise, files=[tmp_path / "M.csv"]),
        read_answer(exercise, objects={"M": sympy.Matrix([[sympy.cos(a) / 2 - sympy.sqrt(2), 2]])}),
        read_answer(exercise, objects={"M": np.array([[sympy.cos(a) / 2 - sympy.sqrt(2), 2]])}),
        read_answer(exercise, objects={"M": [[sympy.cos(a) / 2 - sympy.sqrt(2), 2]]}),
    ]
    for answer in answers:
        assert answer.matrices["", "M"][0, 0] == exact(cell)
        assert answer.matrices["", "M"][0, 1] == exact("2")


# ------------------------------------------------------------------ files


ONES = [[1] * 12] * 4


@pytest.mark.parametrize(
    "value",
    [
        {"W_Q": ONES, "W_K": ONES},
        {"previous": {"W_Q": ONES, "W_K": ONES}},
        {"previous.W_Q": ONES, "w_k": ONES},
        {"exercise": "9z", "convention": "column", "matrices": {"W_Q": ONES, "W_K": ONES}},
        {"answer": {"W_Q": ONES, "W_K": ONES}},
        {"answer": "W_Q = rows u_cos_0\nW_K = rows u_sin_0"},
    ],
)
def test_json_in_several_forms(tmp_path: Path, value: object) -> None:
    assert set(read_answer(previous(), files=[save(tmp_path / "a.json", value)]).matrices) == {Q, K}


def test_a_convention_may_stand_in_the_file(tmp_path: Path) -> None:
    turned = [[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 3], [0, 0, 4, 0]]
    path = save(tmp_path / "a.json", {"convention": "row", "matrices": {"W_Q": turned, "W_K": turned}})
    assert read_answer(square(), files=[path]).convention == "row"
    assert read_answer(square(), files=[path], convention="column").convention == "column"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[" * 100_000, "E0733"),
        ('{"W_Q": [[1]], "W_Q": [[2]]}', "E0733"),
        ({"W_Q": ONES}, "E0725"),
        ({"W_Q": ONES, "W_K": None}, "E0725"),
        ({"W_Q": ONES, "W_K": ONES, "W_V": ONES}, "E0726"),
        ({"W_Q": ONES, "w_q": ONES}, "E0726"),
        ({"W_Q": {"a": ONES}}, "E0726"),
        ({"other": {"W_Q": ONES}}, "E0726"),
        ({"W_Q": [[1, 2], [3]], "W_K": ONES}, "E0736"),
        ({"W_Q": [1, 2], "W_K": ONES}, "E0736"),
        ({"W_Q": 3, "W_K": ONES}, "E0736"),
        ({"W_Q": [[None] * 12], "W_K": ONES}, "E0721"),
        ({"W_Q": [["1/"] * 12], "W_K": [[1] * 12]}, "E0119"),
        ({"W_Q": [["gamma"] * 12], "W_K": [[1] * 12]}, "E0720"),
        ({"W_Q": [["where.cos0"] * 12], "W_K": [[1] * 12]}, "E0721"),
        ('{"W_Q": [[1e400]], "W_K": [[1]]}', "E0722"),
        ('{"W_Q": [[' + ",".join(["1e400"] * 12) + ']], "W_K": [[' + ",".join(["1"] * 12) + "]]}", "E0735"),
        ('{"W_Q": [[' + ",".join(["9" * 999] * 12) + ']], "W_K": [[' + ",".join(["1"] * 12) + "]]}", ""),
        ('{"W_Q": ' + "9" * 1001 + "}", "E0733"),
        ("[[NaN]]", "E0733"),
        ("[[1]]", "E0726"),
        ({"exercise": "2b", "W_Q": ONES, "W_K": ONES}, "E0731"),
        ({"convention": "diagonal", "W_Q": ONES, "W_K": ONES}, "E0731"),
        ({}, "E0731"),
        ("3", "E0726"),
    ],
)
def test_json_that_does_not_fit(tmp_path: Path, value: object, expected: str) -> None:
    path = save(tmp_path / "a.json", value)
    if expected:
        assert code(previous(), files=[path]) == expected
    else:
        assert read_answer(previous(), files=[path]).matrices


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "E0733"),
        ("1,2\n3\n", "E0736"),
        ("1,,2\n", "E0733"),
        ("a b\n", "E0720"),
        ("nan, 1\n", "E0735"),
        ("1e999, 1\n", "E0735"),
        (("1," * 1001 + "\n") * 1000, "E0734"),
        ("\udcff", "E0733"),
        ('"' + "1" * 200_000, "E0733"),
        ("1+, 2\n", "E0119"),
    ],
)
def test_tables_that_do_not_fit(tmp_path: Path, text: str, expected: str) -> None:
    exercise = make_exercise("matrices", (Asked("M", shape=(1, 2)),))
    path = tmp_path / "M.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert code(exercise, files=[path]) == expected


@pytest.mark.parametrize(
    "text",
    ["1, 2\n3, 4\n", "1;2\n3;4", "1\t2\n3\t4\n", "# saved\n1.0 2.0\n\n3.0 4.0\n", "1,2\r\n3,4\r\n", "\ufeff1,2\n3,4"],
)
def test_tables_with_every_separator(tmp_path: Path, text: str) -> None:
    exercise = make_exercise("matrices", (Asked("M", shape=(2, 2)),))
    path = tmp_path / "M.csv"
    path.write_text(text, encoding="utf-8")
    assert numbers(read_answer(exercise, files=[path]).matrices["", "M"]) == [[1, 2], [3, 4]]


def test_what_numpy_writes_as_text_is_read(tmp_path: Path) -> None:
    exercise = make_exercise("matrices", (Asked("M", shape=(2, 2)),))
    np.savetxt(tmp_path / "M.csv", [[0.1, 2], [3, 4]])
    answer = read_answer(exercise, files=[tmp_path / "M.csv"])
    assert answer.matrices["", "M"][0, 0].as_fraction() == Fraction(0.1) and answer.numeric


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.pkl", "a.bin"])
def test_pickles_are_not_opened(tmp_path: Path, name: str) -> None:
    found = refused(previous(), files=[tmp_path / name])  # not even looked for
    assert found[0].code == "E0732" and "pickles run code" in str(found[0].help)


@pytest.mark.parametrize("name", ["a.xlsx", "a.py", "a.ipynb"])
def test_other_files_are_not_read(tmp_path: Path, name: str) -> None:
    assert code(previous(), files=[tmp_path / name]) == "E0732"


def test_files_are_named_by_what_they_are_called(tmp_path: Path) -> None:
    for name in ("W_Q", "W_K"):
        np.save(tmp_path / f"{name}.npy", FOUR)
    assert set(read_answer(previous(), files=[tmp_path / "W_Q.npy", tmp_path / "W_K.npy"]).matrices) == {Q, K}
    np.save(tmp_path / "some.npy", FOUR)
    assert code(previous(), files=[tmp_path / "some.npy"]) == "E0726"
    assert set(read_answer(previous("W_Q"), files=[tmp_path / "some.npy"]).matrices) == {Q}
    assert code(previous(), files=[tmp_path / "W_Q.npy", tmp_path / "W_Q.npy"]) == "E0726"
    assert code(previous(), files=[tmp_path / "nothing.npy"]) == "E0601"
    assert code(previous(), files=[tmp_path / "nothing.txt"]) == "E0601"


def test_a_head_may_have_a_file(tmp_path: Path) -> None:
    for name in ("first", "second"):
        np.savez(tmp_path / f"{name}.npz", W_V=np.ones((1, 21)), W_O=np.ones((21, 1)))
    files = {name: tmp_path / f"{name}.npz" for name in ("first", "second")}
    assert len(read_answer(two_heads(), files=files).matrices) == 4
    assert code(two_heads(), files={"third": files["first"]}) == "E0726"
    np.savez(tmp_path / "one.npz", np.ones((4, 12)))
    assert read_answer(previous("W_Q"), files=[tmp_path / "one.npz"]).matrices


# ------------------------------------------------------------------ objects


def test_floats_keep_their_binary_value_and_mark_the_answer() -> None:
    array = np.full((4, 12), 0.1)
    answer = read_answer(previous(), objects={"W_Q": array, "W_K": array.astype(np.float32)})
    assert answer.numeric and answer.matrices[Q][0, 0].as_fraction() == Fraction(0.1)
    assert answer.matrices[K][0, 0].as_fraction() == Fraction(float(np.float32(0.1)))
    for short in (FOUR, FOUR / 8, FOUR.astype(np.float32), torch.tensor(FOUR % 16).to(torch.bfloat16)):
        assert not read_answer(previous("W_Q"), objects={"W_Q": short}).numeric


def test_a_rounded_cosine_of_a_narrow_type_is_not_taken_for_exact() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        tensor = torch.cos(torch.arange(48) * 0.6).reshape(4, 12).to(dtype)
        assert read_answer(previous("W_Q"), objects={"W_Q": tensor}).numeric


def test_texts_among_objects() -> None:
    objects = {"W_Q": "rows u_cos_0, u_sin_0", "W_K": ["u_cos_0", "2*where.sin0"]}
    assert read_answer(previous(), objects=objects).matrices[K][1, 5] == exact("2")
    objects = {"W_V": "rows content.a", "W_O": ["before.a"]}
    assert read_answer(previous("W_V W_O"), objects=objects).convention == "column"
    found = refused(previous(), objects={"W_Q": "rows nothing", "W_K": "rows u_cos_0"})
    assert found[0].span is not None and found[0].span.text == "nothing"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "E0725"),
        (np.ones(12), "E0736"),
        (np.ones((2, 4, 12)), "E0736"),
        (np.ones((0, 12)), "E0736"),
        (sympy.MatrixSymbol("M", 4, 12), "E0736"),
        (sympy.Matrix(1, 12, [sympy.Symbol("gamma")] * 12), "E0720"),
        (sympy.Matrix(1, 12, [sympy.exp(1)] * 12), "E0721"),
        (np.full((1, 12), np.nan), "E0735"),
        (lambda: 1, "E0736"),
        ({"a": 1}, "E0726"),
        ("1 +", "E0119"),
    ],
)
def test_objects_that_do_not_fit(value: object, expected: str) -> None:
    assert code(previous("W_Q"), objects={"W_Q": value}) == expected


def test_one_source_at_a_time() -> None:
    assert code(previous()) == "E0731"
    assert code(previous(), text="W_Q = rows u_cos_0", objects={"W_K": ONES}) == "E0731"
