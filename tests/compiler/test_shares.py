"""Attention in given proportions: who gets what, its scores as logarithms, and what floats make of them."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import headspec
from compiler.circuits.stream import Stream
from compiler.exact import Scalar
from compiler.exact.logarithms import Logarithms, logarithm
from compiler.exact.printing import scalar_to_latex, scalar_to_sympy
from compiler.pipeline import Weights, compile_program
from compiler.program import Program
from compiler.reference import Status, interpret
from compiler.resolution import resolve
from compiler.sharing import Places, SharedRow, shared_rows
from compiler.sharpness.kernels import KernelReader
from compiler.sharpness.shares import solve_shares
from dsl.diagnostics import SpecError
from dsl.parser import parse
from headspec.devices import observe_torch
from headspec.verification.comparing import verify_model

LIBRARY = Path(headspec.__file__).parents[1] / "specs" / "library" / "proportions.head"

TOP = """\
model shares
tokens 0..3, "#", "="
layout "#" d[0..5] "="
sequences "#" (0..3){6} "="
subspace mark  : onehot({"#", "="})
subspace slot  : onehot(slots)
subspace digit : scalar(0..3)
subspace seen  : onehot(0..3)
subspace value : scalar(0..999)
embed token    -> mark
embed token    -> digit
embed token    -> seen
embed position -> slot
head read d_head 16
"""
PROMPT = ("#", "0", "1", "2", "3", "0", "1", "=")
REST = '  rest key.mark == "#"\n'


def ln(value: Fraction) -> Scalar:
    return Logarithms.of_all([value]).of(value)


def program_of(lines: str, top: str = TOP) -> Program:
    return resolve(parse(top + lines))


def rows_of(program: Program) -> tuple[SharedRow, ...]:
    embeds = {line.target: line for line in program.embeds}
    subspaces = {subspace.name: subspace for subspace in program.subspaces}
    return shared_rows(program.head("read"), Places(subspaces, embeds, frozenset(), program.sequences))


def pattern_of(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """(the reference pattern of the one head, its states) for `# 0 1 2 3 0 1 =`."""
    tokens = np.array([[program.tokens.index(token) for token in PROMPT]])
    meaning = interpret(program, tokens).head("read")
    return meaning.pattern[0], meaning.status[0]


def exact_shares(weights: Weights, query: int, tokens: tuple[str, ...]) -> list[float]:
    """The softmax of the exact scores of a query, without those that say "not here" (a score of 0)."""
    circuits, head = weights.circuits, weights.head("read")
    ids = [weights.program.tokens.index(token) for token in tokens]
    stream = [
        {
            row: circuits.W_E.by_column.get(token, {}).get(row, ln(Fraction(1)))
            + circuits.W_pos.by_column.get(place, {}).get(row, ln(Fraction(1)))
            for row in range(circuits.W_E.rows)
        }
        for place, token in enumerate(ids)
    ]
    qk, root = head.QK, math.sqrt(head.d_head)
    found = []
    for key in range(query + 1):
        total = ln(Fraction(1))
        for (i, j), entry in qk.entries.items():
            total = total + stream[query][i] * entry * stream[key][j]
        level = float(weights.bindings["s_read"])
        found.append(0.0 if total.is_zero() else math.exp(total.to_float(weights.bindings) / root - level))
    return found


# ------------------------------------------------------------------ who gets what


def test_rest_takes_what_the_lines_leave() -> None:
    program = program_of("  for i in 0..2\n    attend key.slot == query.slot - i share 1/2 * 10^(-i)\n" + REST)
    pattern, _ = pattern_of(program)
    assert pattern[5].tolist() == pytest.approx([89 / 200, 0, 0, 1 / 200, 1 / 20, 1 / 2, 0, 0], abs=1e-15)
    assert pattern[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0], "a rest key may have a share too: it gets both"
    assert pattern[1].tolist() == pytest.approx([1 / 2, 1 / 2, 0, 0, 0, 0, 0, 0], abs=1e-15)
    assert pattern[2].tolist() == pytest.approx([9 / 20, 1 / 20, 1 / 2, 0, 0, 0, 0, 0], abs=1e-15)


def test_shares_are_per_key() -> None:
    program = program_of('  attend key.slot < query.slot share 1/8 when query.mark == "="\n' + REST)
    pattern, status = pattern_of(program)
    assert pattern[7].tolist() == [1 / 8 + 1 / 8, *[1 / 8] * 6, 0]
    assert pattern[6].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert status.tolist() == [*[Status.REST] * 7, Status.FIT]


def test_keys_after_the_query_get_nothing() -> None:
    pattern, _ = pattern_of(program_of("  attend key.slot >= query.slot share 1/5\n" + REST))
    assert pattern[3].tolist() == [4 / 5, 0, 0, 1 / 5, 0, 0, 0, 0]
    assert pattern[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_rest_keys_share_equally_what_is_left() -> None:
    lines = "  attend key.slot == d[2] share 1/4 when query.slot == d[5]\n  rest key.slot in {0, 1}\n"
    pattern, _ = pattern_of(program_of(lines))
    assert pattern[6].tolist() == [3 / 8, 3 / 8, 0, 1 / 4, 0, 0, 0, 0]
    assert pattern[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_what_is_embedded_of_a_token_may_settle_a_line() -> None:
    top = TOP.replace('"#" (0..3){6}', '"#" "3" (0 | 2){5}').replace(
        "subspace mark", "subspace odd : onehot(0..1)\nsubspace mark"
    )
    top = top.replace("embed position", "embed token mod 2 -> odd\nembed position")
    program = program_of('  attend key.odd == 1 share 1/4 when query.mark == "="\n' + REST, top)
    assert [row.given for row in rows_of(program)] == [{}] * 7 + [{1: 0}]
    weights = compile_program(program)
    assert exact_shares(weights, 7, ("#", "3", "0", "2", "0", "2", "0", "=")) == pytest.approx([3 / 4, 1 / 4, *[0] * 6])


def test_without_rest_the_other_queries_are_unclaimed() -> None:
    lines = "".join(f"  attend key.slot == {k} share {s} when query.slot == 5\n" for k, s in [(2, "1/3"), (5, "2/3")])
    program = program_of(lines)
    pattern, status = pattern_of(program)
    assert pattern[5].tolist() == pytest.approx([0, 0, 1 / 3, 0, 0, 2 / 3, 0, 0], abs=1e-15)
    assert [i for i, s in enumerate(status) if s == Status.UNCLAIMED] == [0, 1, 2, 3, 4, 6, 7]
    assert [row.claimed for row in rows_of(program)] == [False] * 5 + [True] + [False] * 2


def test_scalars_are_weighed_and_onehots_mixed() -> None:
    lines = "  for i in 0..2\n    attend key.slot == query.slot - i share 1/2 * 10^(-i)\n" + REST
    program = program_of(lines + "  copy 200 * key.digit -> value\n")
    tokens = np.array([[program.tokens.index(token) for token in PROMPT]])
    meaning = interpret(program, tokens, with_values=True)
    assert meaning.values["value"].code[0, 1:7].tolist() == [0, 100, 210, 321, 32, 103]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ("  attend key.slot == query.slot share 0\n" + REST, "E0424", "no share"),
        ("  attend key.slot == query.slot share 5/4\n" + REST, "E0424", "no share"),
        ("  attend key.slot == query.slot share 1/(10^30 + 7)\n" + REST, "E0424", "too fine"),
        (
            "  attend key.slot == query.slot share 1/2\n  attend key.slot == query.slot - 1\n" + REST,
            "E0424",
            "no share",
        ),
        ("  avoid key.slot == query.slot share 1/2\n" + REST, "E0424", "avoid"),
        ("  attend key.slot == query.slot share 1/2 strength 3\n" + REST, "E0424", "strength"),
        ("  attend key.slot == query.slot share 1/2\n  prefer latest by slot\n" + REST, "E0424", "prefer"),
        ("  attend key.seen == query.seen share 1/9\n" + REST, "E0425", "token at position 1"),
        ("  attend key.slot == query.slot share 1/2 when query.seen == 2\n" + REST, "E0425", "position 1"),
        ("  attend key.slot == query.slot share 1/2\n  rest key.seen == 0\n", "E0425", "position 1"),
        (
            "  attend key.slot == query.slot share 2/3\n  attend key.slot == query.slot - 1 share 1/2\n" + REST,
            "E0426",
            "7/6",
        ),
        ("  attend key.slot == query.slot share 2/3\n", "E0426", "2/3 for the query at position 0"),
        ("  attend key.slot == query.slot share 1/3\n  attend key.slot == 2 share 1/3\n" + REST, "E0426", "two lines"),
    ],
)
def test_refusals(lines: str, code: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        program_of(lines)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert words in str(caught.value)


def test_a_subspace_that_a_head_writes_is_refused() -> None:
    first = "head early\n  attend key.slot == query.slot\n  copy key.slot -> slot2\n"
    top = TOP.replace("embed token    -> mark", "subspace slot2 like slot\nembed token    -> mark").replace(
        "head read", first + "head read"
    )
    with pytest.raises(SpecError, match="E0425"):
        program_of("  attend key.slot == query.slot2 share 1/2\n" + REST, top)


def test_rest_keys_of_one_token_that_need_two_scores() -> None:
    top = TOP.replace('(0..3){6} "="', '"#" (0..3){5} "="')
    lines = "  attend key.slot == 1 share 1/2 when query.slot == 5\n" + REST
    with pytest.raises(SpecError, match="E0510"):
        compile_program(program_of(lines, top))


def test_positions_without_an_indicator() -> None:
    top = TOP.replace("slot  : onehot(slots)", "slot  : onehot(0..5)").replace(
        "subspace mark", "subspace one : constant\nsubspace mark"
    )
    compile_program(program_of("  attend key.slot == query.slot share 1/2 when query.slot == 5\n" + REST, top))
    lines = '  attend key.slot == 3 share 1/2 when query.mark == "="\n' + REST  # at 6 all is left, at 7 one half
    with pytest.raises(SpecError, match="E0431"):
        compile_program(program_of(lines, top))


# ------------------------------------------------------------------ scores


def test_logarithms() -> None:
    for number in (1, 2, 3, 10, 97, 999_983):
        assert abs(float(logarithm(number, 160)) - math.log(number)) < 1e-15 * max(1, math.log(number))
        assert abs(logarithm(number, 160) - logarithm(number, 400)) < Fraction(1, 1 << 160)
    assert abs(logarithm(6, 200) - logarithm(2, 200) - logarithm(3, 200)) < Fraction(3, 1 << 200)
    with pytest.raises(ValueError, match="not a real number"):
        logarithm(0, 10)


def test_equal_weights_are_equal_scores() -> None:
    assert ln(Fraction(1, 4)) == ln(Fraction(1, 2)) + ln(Fraction(1, 2))
    assert ln(Fraction(6, 35)) == ln(Fraction(2, 5)) + ln(Fraction(3, 7))
    assert ln(Fraction(1)).is_zero()


def test_logarithms_for_readers() -> None:
    share = ln(Fraction(1, 20))
    assert str(share) == "-2*ln(2) - ln(5)"
    assert scalar_to_latex(share) == r"-2 \ln 2 - \ln 5"
    assert float(scalar_to_sympy(share, frozenset())) == pytest.approx(-math.log(20), rel=1e-15)


@pytest.mark.parametrize("seed", range(12))
def test_exact_scores_are_the_logarithms_of_random_shares(seed: int) -> None:
    """Any table of positions: shares drawn, rest keys among those that get some, up to four of them."""
    rng = random.Random(seed)
    wanted: dict[int, dict[int, Fraction]] = {}
    lines = ""
    for query in rng.sample(range(8), 5):
        left = Fraction(1)
        for key in rng.sample(range(query + 1), rng.randint(1, query + 1)):
            share = left * Fraction(rng.randint(1, 6), 12)
            left -= share
            wanted.setdefault(query, {})[key] = share
            lines += f"  attend key.slot == {key} share {share} when query.slot == {query}\n"
    rests = [0, *rng.sample(range(1, 8), rng.randint(0, 3))]
    try:
        program = program_of(lines + f"  rest key.slot in {{{', '.join(map(str, rests))}}}\n")
    except SpecError as error:
        assert "too fine" in str(error)
        return
    for query in range(8):
        shares = wanted.setdefault(query, {})
        visible = [key for key in rests if key <= query]
        part = (1 - sum(shares.values())) / len(visible)
        for key in visible:
            shares[key] = shares.get(key, Fraction(0)) + part
    weights = compile_program(program)
    tokens = PROMPT
    pattern, _ = pattern_of(program)
    for query in range(8):
        asked = [float(wanted[query].get(key, 0)) for key in range(query + 1)]
        assert exact_shares(weights, query, tokens) == pytest.approx(asked, rel=1e-12)
        assert pattern[query, : query + 1].tolist() == pytest.approx(asked, rel=1e-12)
    head = weights.head("read")
    assert head.W_Q.T @ head.W_K == head.QK and head.qk_certificate is not None


def test_few_dimensions() -> None:
    """A band of three shares over four keys: a dimension for each key, and one for the rest."""
    lines = (
        "  for i in 0..2\n    attend key.slot == query.slot - 3 - i share 1/2 * 10^(-i) when query.slot in {4, 5, 6}\n"
    )
    weights = compile_program(program_of(lines + REST))
    certificate = weights.head("read").qk_certificate
    assert certificate is not None and certificate.rank == 4


def products_of_large_primes(width: str) -> str:
    """Shares p^a q^b / 10^7 of four keys, in five queries: logarithms in the span of 1, ln p, ln q, and no others."""
    keys = ((1009, 1031), (1013, 1033), (1019, 1039), (1021, 1049))
    lines = ""
    for query, (a, b) in zip((4, 5, 6, 7, 3), ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0)), strict=True):
        for key, (p, q) in enumerate(keys):
            lines += f"  attend key.slot == {key} share {p**a * q**b}/10^7 when query.slot == {query}\n"
    return TOP.replace("d_head 16", width) + lines + REST


def test_common_factors_of_large_numbers_are_seen() -> None:
    """Rows of rank three, and what is left in a column of its own; it was five, with p q taken for a new number."""
    head = compile_program(resolve(parse(products_of_large_primes("")))).head("read")
    certificate = head.qk_certificate
    assert certificate is not None and certificate.rank == 4 and certificate.bits
    assert certificate.verify(head.QK)


def test_too_few_dimensions_are_called_certified_only_where_they_are() -> None:
    """The rank is four, and the factors that we find have five rows."""
    with pytest.raises(SpecError, match="E0440") as caught:
        compile_program(resolve(parse(products_of_large_primes("d_head 4"))))
    assert "the least that we know how to build" in str(caught.value)
    band = "  for i in 0..2\n    attend key.slot == query.slot - 3 - i share 1/4 when query.slot in {4, 5, 6}\n" + REST
    with pytest.raises(SpecError, match="E0440") as caught:
        compile_program(program_of(band, TOP.replace("d_head 16", "d_head 2")))
    assert "certified: no fewer can do" in str(caught.value)


# ------------------------------------------------------------------ floats


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_read_by_one_head(dtype: str) -> None:
    model = headspec.compile(LIBRARY, dtype=dtype)
    result = headspec.verify(model, exhaustive=True, device="cpu")
    assert result.holds and result.complete and result.sequences == 1000
    assert result.outputs.checked == 1000 and result.outputs.undetermined == 0
    [report] = model.weights.strengths.reports
    assert result.heads[0].max_tv <= report.leak * (1 + 1e-6)


TWO = (
    TOP.replace("0..3", "0..4")
    .replace("d[0..5]", "a[0..1] b[0..1]")
    .replace("{6}", "{4}")
    .replace("0..999", "0..88")
    .split("head")[0]
)
TWO += """\
for x in 0..1
  head read[x] d_head 4
    for i in 0..1
      attend key.slot == 2 * x + 1 + i share 1/2 * 10^(-i) when query.mark == "="
    rest key.mark == "#"
    copy 20 * key.digit -> value
subspace out : onehot(0..4)
compute out = value mod 5
predict out
expect "# 4 3 1 4 =" -> "2"
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_heads_that_add_into_one_number(dtype: str) -> None:
    result = headspec.verify(headspec.compile(TWO, dtype=dtype), exhaustive=True, device="cpu")
    assert result.holds and result.outputs.checked == 5**4 and result.outputs.undetermined == 0


def test_half_floats_are_refused_with_what_they_lack() -> None:
    lines = '  attend key.slot == 1 share 1/3 when query.mark == "="\n' + REST + "  copy key.digit -> value\n"
    for dtype in ("bfloat16", "float16"):
        with pytest.raises(SpecError) as caught:
            _ = headspec.compile(TOP + lines, dtype=dtype).weights
        [diagnostic] = caught.value.diagnostics
        assert diagnostic.code == "E0512" and "float64" in str(diagnostic.help)


def larger(coefficient: int, most: int, line: str, width: str = "") -> str:
    """The number of the library with other factors, without its claims."""
    text = LIBRARY.read_text(encoding="utf-8").split("expect")[0].replace(" d_head 4", width)
    text = text.replace("200 *", f"{coefficient} *").replace("0..999", f"0..{most}")
    return text.replace("value mod 7", line)


def off(lines: str, top: str = TOP) -> float:
    """How far rounding may move the shares, by the bound."""
    program = program_of(lines, top)
    return solve_shares(program.head("read"), KernelReader(Stream(program), {})).off


def test_scores_that_are_sums_round_more() -> None:
    """A rest key that has a share too; a constant, where no position is indicated."""
    line = "  attend key.slot == 1 share 1/8 when query.slot == 5\n"
    apart, both = off(line + REST), off(line + "  attend key.slot == 0 share 1/8 when query.slot == 6\n" + REST)
    top = TOP.replace("slot  : onehot(slots)", "slot  : onehot(0..5)\nsubspace one : constant")
    constant = off(line + REST, top)
    assert 0 < apart < both < constant


def test_without_a_stated_width_the_root_of_d_head_rounds_nothing() -> None:
    lines = "".join(f"  attend key.slot == {k} share 1/10 when query.slot == 7\n" for k in range(1, 6)) + REST
    free = headspec.compile(TOP.replace(" d_head 16", "") + lines)
    assert free.weights.heads[0].d_head == 2 and free.lowered.d_head == 4
    reports = [
        headspec.compile(TOP.replace("d_head 16", w) + lines).weights.strengths.reports for w in ("d_head 5", "")
    ]
    assert reports[0][0].value >= reports[1][0].value


def test_shares_far_below_what_counts_are_held_too() -> None:
    """Down to parts in 10^24: twelve digits at weights of powers of a hundred, read as their leading ones."""
    lines = "".join(f"  attend key.slot == {k} share 1/2*100^(-{2 * k}) when query.slot == 7\n" for k in range(1, 7))
    model = headspec.compile(TOP + lines + REST)
    pattern = model.run(" ".join(PROMPT)).patterns[0][0][7]
    wanted = [100.0 ** (-2 * k) / 2 for k in range(1, 7)]
    assert np.asarray(pattern)[1:7] == pytest.approx(wanted, rel=1e-2)


def test_every_share_is_held_to_its_own_size() -> None:
    """bfloat16 keeps the whole within a quarter, and not every share."""
    text = TOP.replace("tokens", "mass 3/4\ntokens", 1).replace(" d_head 16", " d_head 5")
    for key, share in ((1, "1/3"), (2, "1/50")):
        text += f"  attend key.slot == {key} share {share} when query.slot == 5\n"
    with pytest.raises(SpecError, match="E0512"):
        _ = headspec.compile(text + REST, dtype="bfloat16").weights


def test_a_line_that_asks_more_than_roundings_of_the_root_leave() -> None:
    """Numbers up to 60,000 are told from their neighbours where d_head is a power of four, or in float64."""
    text = larger(12_000, 60_000, "value // 30000", " d_head 5")
    with pytest.raises(SpecError) as caught:
        _ = headspec.compile(text).weights
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "E0512" and "powers of four" in str(diagnostic.help)
    assert headspec.verify(headspec.compile(text, dtype="float64"), samples=200, device="cpu").holds
    free = headspec.compile(text.replace(" d_head 5", ""))
    assert headspec.verify(free, exhaustive=True, device="cpu").holds


def test_neurons_that_round_what_is_nearly_whole() -> None:
    """Three thousand steps, each good to a part in 2^24 of some thousands; of two thousand half look to either side."""
    with pytest.raises(SpecError, match="E0524"):
        _ = headspec.compile(larger(600, 2999, "value mod 2")).weights
    assert headspec.verify(headspec.compile(larger(400, 1999, "value mod 2")), exhaustive=True, device="cpu").holds


@pytest.mark.parametrize("basis", ["hadamard", "reflection"])
def test_other_bases(basis: str) -> None:
    lines = '  attend key.slot == 1 share 1/3 when query.mark == "="\n' + REST + "  copy 3 * key.digit -> value\n"
    text = (TOP + lines).replace("tokens", f"basis {basis}\ndtype float64\ntokens", 1)
    assert headspec.verify(headspec.compile(text), samples=200, device="cpu").holds


# ------------------------------------------------------------------ mutations


def test_a_share_that_is_wrong_by_a_twentieth_is_found() -> None:
    """The smallest share is 1/200: its error is judged by itself, not by the mass."""
    text = LIBRARY.read_text(encoding="utf-8").split("compute")[0]
    program = resolve(parse(text))
    other = text.replace("attend key.slot == d[i] share 5 * 10^(-i) when", "attend key.slot == d[i] share SHARE when")
    line = '    attend key.slot == d[{}] share {} when query.mark == "="\n'
    lines = "".join(line.format(i, share) for i, share in [(1, "1/2"), (2, "1/20"), (3, "21/4000")])
    start, end = other.index("  for i"), other.index("  rest")
    model = headspec.compile(other[:start] + lines.replace("    attend", "  attend") + other[end:])
    observed = observe_torch(model.torch(device="cpu"))
    assert not verify_model(program, observed, exhaustive=True).holds
    assert verify_model(model.program, observed, exhaustive=True).holds
