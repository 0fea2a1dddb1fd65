"""Short specs that ask for very much: each ends soon, with one error that says what was too much."""

from __future__ import annotations

import pytest

from compiler import limits
from compiler.resolution import circles, resolve
from dsl.diagnostics import SpecError
from dsl.parser import parse

SPEC = """\
tokens 0..3
layout a b
subspace digit : onehot(0..3)
embed token -> digit
predict digit
"""
SUMS = [
    "expect digit after b == sum(sum(1 for i in 0..999) for j in 0..999)",
    "expect digit after b == sum(sum(0 for i in 0..-1) for j in 0..999)",
    "expect digit after b == sum(sum(1 for q in primes(2, 999)) for j in 0..99)",
    "for i in 0..999\n  for j in 0..999\n    for k in j..j - 1\n      embed token -> digit",
]
FAMILIES = [
    "for i in 0..999\n  for j in 0..999\n    for k in 0..999\n      subspace s[i, j, k] : onehot(0..3)",
    "layer\n  for i in 0..999\n    head h[i]\n      for k in 0..999\n        attend key.digit == query.digit",
]
CASES = [("FAMILY_PARTS", lines) for lines in SUMS + FAMILIES] + [("FAMILY_LINES", lines) for lines in FAMILIES]


@pytest.mark.parametrize(("limit", "lines"), CASES)
def test_families_in_one_another_are_counted_together(monkeypatch: pytest.MonkeyPatch, limit: str, lines: str) -> None:
    monkeypatch.setattr(limits, limit, 1500)
    with pytest.raises(SpecError) as refused:
        resolve(parse(SPEC + lines, name="hostile"))
    assert [d.code for d in refused.value.diagnostics] == ["E0320"], refused.value
    assert "written out" in refused.value.diagnostics[0].message


def test_what_is_written_out_once_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAMILY_PARTS", 250)
    resolve(parse(SPEC + "expect digit after b == sum(i for i in 0..99) mod 4", name="small"))


def test_primes_are_those_that_nothing_divides() -> None:
    program = resolve(parse(SPEC + "expect digit after b == sum(1000*q for q in primes(3, 97)) mod 4", name="primes"))
    claim = str(program.expectations[0])
    named = {n for n in range(100) if f"Fraction({n}, 1)" in claim} - {4}
    assert named == {n for n in range(3, 97) if all(n % d for d in range(2, n))}


DOUBLED = "param k0 = 15^3000\n" + "".join(f"param k{i + 1} = k{i}*k{i}\n" for i in range(50))
SUMMED = "param k0 = 1/(15^3000 + 1)\n" + "".join(f"param k{i + 1} = k{i} + 1/(k{i} + {i})\n" for i in range(50))


@pytest.mark.parametrize("params", [DOUBLED, SUMMED, "param big = 30^4000\n"])
def test_numbers_do_not_grow_in_small_steps(params: str) -> None:
    with pytest.raises(SpecError) as refused:
        resolve(parse(params + SPEC, name="hostile"))
    assert refused.value.diagnostics[0].code == "E0320" and "bits" in refused.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("neurons 15^(-3500)", "E0212"),
        ("neurons -(15^3500)", "E0211"),
        ("residual 15^3500", "E0320"),
        ("symbol s = sqrt(-(15^3500))", "E0213"),
    ],
)
def test_long_numbers_are_shown_by_their_ends(line: str, code: str) -> None:
    with pytest.raises(SpecError) as refused:
        resolve(parse(SPEC + line, name="hostile"))
    assert [d.code for d in refused.value.diagnostics] == [code]
    assert len(refused.value.diagnostics[0].message) < 200


@pytest.mark.parametrize("base", ["token[1]", "9", "(token[1] mod 2)"])
def test_powers_of_powers_in_claims_are_not_worked_out(base: str) -> None:
    power = base
    for _ in range(6):
        power = f"({power})^63"
    with pytest.raises(SpecError) as refused:
        resolve(parse(f"{SPEC}expect digit after b == {power} mod 4", name="hostile"))
    assert [d.code for d in refused.value.diagnostics] == ["E0320" if "mod" in base else "E0457"]


def test_choosing_very_many_turns_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    margins = circles.margins

    def counted(turns: list[int], period: int) -> circles.Floats:
        looked.append(len(turns))
        return margins(turns, period)

    monkeypatch.setattr(circles, "margins", counted)
    monkeypatch.setattr(circles, "CLIMB", 10**7)
    chosen = circles.choose_turns(40, 1009)
    assert len(set(chosen)) == 40 and 1 <= min(chosen) and max(chosen) <= 504
    assert sum(looked) < 1000


def test_very_many_layers_are_refused_before_they_are_looked_at() -> None:
    layers = "for i in 0..LAST\n  layer\n    head h[i]\n      attend key.digit == query.digit\n"
    with pytest.raises(SpecError) as refused:
        resolve(parse(SPEC + layers.replace("LAST", "9999"), name="hostile"))
    assert [(d.code, "10,000 layers" in d.message) for d in refused.value.diagnostics] == [("E0320", True)]
