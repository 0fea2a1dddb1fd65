"""Whatever compiles, holds: random two-layer specs over all encodings, verified on every valid sequence.

A spec may be refused (a SpecError with a code); what is not refused must pass the verifier exhaustively, since
"weights that cannot realise the meaning are refused" is a promise of the compiler.
"""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headspec
from headspec.verification.comparing import verify_model
from tests.property.specs_drawn import random_spec, without_refused_lines
from tests.test_weight_mutations import Observed

HEADER = """\
model drawn
tokens a, b, c, <bos>
context 5
sequences <bos> (a..c){1,4}
subspace content : onehot(tokens)
subspace slot : onehot(positions)
subspace where : phase(positions, 3)
subspace wheel : phase(positions, frequencies = fourier)
subspace square : quadratic(positions)
subspace index : scalar(positions)
subspace letter : code(tokens, 4)
subspace one : constant
subspace c1 like content
subspace p1 like where
subspace s1 like slot
subspace out like content
embed token -> content
embed token -> letter
embed position -> slot
embed position -> where
embed position -> wheel
embed position -> square
embed position -> index
table next: "a" -> "b", "b" -> "c", "c" -> "a"
"""

FIRST = (
    "key.content == query.content",
    "key.content != query.content",
    "key.content == next(query.content)",
    "key.letter == query.letter",
    'key.content in {"a", "c"}',
    'key.content == "b"',
    "key.slot == query.slot - 1",
    "key.slot < query.slot",
    "key.slot in {1, 2}",
    "key.where == query.where",
    "key.where == query.where - 2",
    "key.where == 1",
    "key.wheel == query.wheel - 1",
    "key.square == query.index - 1",
    "key.square == 2",
)
SECOND = (
    "key.c1 == query.content",
    "key.content == query.c1",
    "key.where == query.p1 + 1",
    "key.slot == query.s1",
    "key.s1 == query.slot - 1",
    'key.c1 == "a"',
    "key.content == query.content",
)
WHENS = ("", "", "", " when query.slot == 3", " when query.slot in {2, 4}", ' when query.content == "b"')
MOVES = (("content", "c1"), ("where", "p1"), ("slot", "s1"))
PREFERENCES = ("", "", "", *(f"    prefer {p}\n" for p in ("latest by index", "earliest by index", "latest by slot")))


@st.composite
def heads(draw: st.DrawFn, name: str, relations: tuple[str, ...], moves: tuple[tuple[str, str], ...]) -> str:
    lines = [f"  head {name}\n"]
    for _ in range(draw(st.integers(1, 2))):
        word = draw(st.sampled_from(["attend", "attend", "attend", "avoid"]))
        lines.append(f"    {word} {draw(st.sampled_from(relations))}{draw(st.sampled_from(WHENS))}\n")
    if draw(st.booleans()):
        lines.append('    rest key.content == "<bos>"\n')
    lines.append(draw(st.sampled_from(PREFERENCES)))
    lines += [f"    copy key.{source} -> {target}\n" for source, target in moves]
    return "".join(lines)


@st.composite
def specs(draw: st.DrawFn) -> str:
    first = draw(heads("first", FIRST, MOVES))
    second = draw(heads("second", SECOND, (("content", "out"),)))
    return f"{HEADER}layer\n{first}layer\n{second}predict out\n"


@given(specs())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_compiles_holds(text: str) -> None:
    try:
        model = headspec.compile(text)
        lowered = model.lowered
    except headspec.SpecError:
        return
    report = verify_model(lowered.program, Observed(lowered), exhaustive=True)
    assert report.holds, f"{text}\n{report}"


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_compiles_of_the_whole_language_holds(random: Random) -> None:
    text = random_spec(random)
    model = without_refused_lines(text)
    if model is None:
        return
    report = verify_model(model.lowered.program, Observed(model.lowered), exhaustive=True)
    assert report.holds, f"{text}\n{report}"
