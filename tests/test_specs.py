"""The specs that are shipped: each parses, stands in the one format, compiles, and does what it says.

The claims are those of the specs' own `expect` lines; here they are only held to, on samples small enough for a
shared core.  What must *not* hold is tested too: a spec that says something false does not verify.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import headspec
from dsl.parser import parse
from dsl.printing.printer import print_spec
from dsl.tree import ExpectHead, ExpectOutput, ExpectValue, ForDecl, ModelDecl

SPECS = Path(__file__).resolve().parent.parent / "specs"
PATHS = sorted(SPECS.rglob("*.head"))
every_spec = pytest.mark.parametrize("path", PATHS, ids=[path.relative_to(SPECS).as_posix() for path in PATHS])


def test_there_are_specs() -> None:
    names = {path.relative_to(SPECS).with_suffix("").as_posix() for path in PATHS}
    assert {f"exercises/{part}" for part in ("1a", "1b", "2a", "2b", "2c", "2d", "2e", "2f", "3")} <= names
    assert {"library/induction", "library/induction_rotary", "systems/attention_table"} <= names


@every_spec
def test_stands_in_the_one_format(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert print_spec(parse(text, path.name)) == text


@every_spec
def test_says_what_it_does_and_what_to_look_at(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    header = text.split("\nmodel ")[0]
    assert header.startswith("# ") and "# From: " in header and "# Look at: " in header
    statements = parse(text, path.name).statements
    models = [s for s in statements if isinstance(s, ModelDecl)]
    assert len(models) == 1 and models[0].doc
    lines = [line for s in statements for line in (s.body if isinstance(s, ForDecl) else (s,))]
    assert any(isinstance(line, ExpectHead | ExpectOutput | ExpectValue) for line in lines)


@every_spec
def test_verifies(path: Path) -> None:
    report = headspec.verify(headspec.compile(path), samples=24)
    assert report.holds, report
    assert report.sequences > 0 and report.basis == "expect"
    checked = {e.text: e.checked for e in report.expectations}
    assert all(checked.values()), f"an expect line that was never put to the test: {checked}"


@pytest.mark.parametrize(
    ("n", "samples"), [(32, 24), (256, 6), pytest.param(2048, 1, marks=pytest.mark.slow)], ids=["32", "256", "2048"]
)
@pytest.mark.parametrize("name", ["induction", "previous_token"])
def test_holds_at_every_length(name: str, n: int, samples: int) -> None:
    report = headspec.verify(headspec.compile(SPECS / "library" / f"{name}.head", settings={"n": n}), samples=samples)
    assert report.holds, report


@pytest.mark.slow
def test_induction_holds_at_2048_in_bfloat16_with_chosen_frequencies() -> None:
    model = headspec.compile(SPECS / "library" / "induction.head", settings={"n": 2048}, dtype="bfloat16")
    report = headspec.verify(model, samples=1)
    assert report.dtype == "bfloat16" and max(report.lengths) == 2048
    assert report.holds, report


@pytest.mark.parametrize("k", [1, 2, 7])
def test_offset_back_by_any_number(k: int) -> None:
    model = headspec.compile(SPECS / "library" / "offset_back.head", settings={"k": k, "n": 24})
    assert headspec.verify(model, samples=12).holds


def test_pointer_arithmetic_counts_what_it_cannot_decide() -> None:
    """Two earlier copies: the mean of two positions is no position, so the queries are skipped and counted."""
    model = headspec.compile(SPECS / "library" / "induction_pointer.head", settings={"n": 16})
    report = headspec.verify(model, samples=24)
    second = next(head for head in report.heads if head.name == "induction")
    assert report.holds and second.undetermined > 0


def test_the_cure_decides_everything() -> None:
    model = headspec.compile(SPECS / "library" / "induction_pointer_latest.head", settings={"n": 16})
    report = headspec.verify(model, samples=24)
    assert report.holds and all(head.undetermined == 0 for head in report.heads)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("previous_token", '-> "b"', '-> "c"'),
        ("induction", "key.position - 1] ==", "key.position] =="),
        ("duplicate_token", "key.position < query.position", "key.position <= query.position"),
        ("first_token", "expect head opening: key.position == 0", "expect head opening: key.position == 1"),
    ],
)
def test_a_false_claim_does_not_hold(name: str, right: str, wrong: str) -> None:
    text = (SPECS / "library" / f"{name}.head").read_text(encoding="utf-8")
    assert right in text
    mutant = headspec.compile(text.replace(right, wrong), settings={"n": 16})
    assert not headspec.verify(mutant, samples=24).holds


TABLE = {
    ("a1_b0", 8): (1, 4),
    ("a0_b1", 8): (0, 5),
    ("a2_b0", 9): (2, 4),
    ("a1_b1", 9): (1, 5),
}
"""Head and query slot (c1 = 8, c2 = 9) of the source's table: the slots it looks at.  Every other query is uniform."""


@pytest.mark.parametrize("prefix", ["", "again_"], ids=["layer 1", "layer 2"])
@pytest.mark.parametrize("head", [head for head, _ in TABLE])
def test_the_attention_table_is_reproduced(head: str, prefix: str) -> None:
    pattern = headspec.compile("attention_table").run("1 2 3 * 4 5 6 7 8 9").pattern(prefix + head)
    for query in range(10):
        keys = TABLE.get((head, query), tuple(range(query + 1)))
        wanted = [1 / len(keys) if key in keys else 0.0 for key in range(10)]
        assert pattern[query].tolist() == pytest.approx(wanted, abs=0.005)


@pytest.mark.parametrize(
    ("name", "written", "tried", "codes"),
    [
        ("duplicate_token", "slot    : onehot(positions)", "slot : phase(positions)", {"E0504"}),
        ("induction_pointer", "phase(positions, frequencies = fourier)", "phase(positions)", {"E0504"}),
        ("induction_pointer_latest", "phase(positions, frequencies = fourier)", "phase(positions)", {"E0502"}),
    ],
)
def test_what_the_comments_say_is_refused_is_refused(name: str, written: str, tried: str, codes: set[str]) -> None:
    """A few cos/sin pairs say "not here" louder to the near than to the far: several copies would share unequally."""
    text = (SPECS / "library" / f"{name}.head").read_text(encoding="utf-8")
    assert written in text
    with pytest.raises(headspec.SpecError) as caught:
        assert headspec.compile(text.replace(written, tried)).weights is None
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == codes
