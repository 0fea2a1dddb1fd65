"""Reports for people: a verification as a page of text.

In: ``Verification``.  Out: lines of text, plain unless a ``Style`` allows colour.  Not for: machine-readable
output (``Verification.to_json``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headspec.pictures.patterns import draw_row
from headspec.terminal import PLAIN, Style
from headspec.verification.figures import (
    Case,
    ExpectationFigures,
    GenerationFigures,
    HeadFigures,
    OutputFigures,
    Verification,
    WrongGeneration,
    WrongMeaning,
    WrongOutput,
)

SHOWN_TOKENS = 24


def render_verification(result: Verification, style: Style = PLAIN) -> str:
    """The verdict first, then heads, ``expect`` lines, outputs, and the worst cases of what does not hold."""
    lines = [_verdict(result, style), *_scope(result), ""]
    lines += _heads_table(result)
    if result.expectations:
        lines += ["", "expect lines", *_expectations(result.expectations)]
    lines += ["", _outputs(result.outputs)]
    if result.generated is not None:
        lines += _generated(result.generated)
    if result.every is not None:
        lines += ["", *result.every.lines()]
    if result.notes:
        lines += ["", *(f"note: {note}" for note in result.notes)]
    for head in result.heads:
        if head.worst is not None and not head.holds:
            lines += [
                "",
                f"head {head.name} is outside its limits at {head.wrong} of {head.checked} queries; the worst:",
            ]
            lines += _case(head.worst, style)
    for line in result.expectations:
        if not line.holds:
            lines += ["", f"line {line.line} does not hold at {line.wrong} of {line.checked}; the worst:"]
            lines += _wrong(line.worst, style)
    if result.outputs.first_wrong is not None:
        lines += ["", "the first wrong output:", *_wrong(result.outputs.first_wrong, style)]
    if result.generated is not None and result.generated.first_wrong is not None:
        lines += ["", "the first wrong generated token:", *_wrong(result.generated.first_wrong, style)]
    return "\n".join(lines)


def _verdict(result: Verification, style: Style) -> str:
    word = style.verdict(result.holds, "holds" if result.holds else "DOES NOT HOLD")
    return f"{result.spec}: {word}"


def _scope(result: Verification) -> list[str]:
    which = "every valid sequence" if result.complete else f"a sample, seed {result.seed}"
    low, high = result.lengths
    lengths = f"length {low}" if low == high else f"lengths {low} to {high}"
    against = {
        "expect": "its `expect` lines and its reference meaning",
        "reference": "its reference meaning only (the spec has no `expect` lines)",
    }[result.basis]
    return [
        f"  {_count(result.sequences, 'sequence')} ({which}), {lengths}, {_count(result.positions, 'query position')}",
        f"  held against {against}; mass {result.mass:g}",
        f"  {result.dtype} on {result.device}, {result.seconds:.1f} s",
    ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


# ------------------------------------------------------------------ tables


def _heads_table(result: Verification) -> list[str]:
    if not result.heads:
        return ["no heads"]
    header = ["head", "", "least mass", "mean mass", "argmax", "max TV", "judged", "unclaimed", "undetermined", ""]
    return table([header, *(_head_row(head) for head in result.heads)])


def _head_row(head: HeadFigures) -> list[str]:
    judged = head.checked > 0
    return [
        f"L{head.layer}H{head.index}",
        head.name + (" (soft)" if head.soft else ""),
        f"{head.min_mass:.5f}" if judged else "-",
        f"{head.mean_mass:.5f}" if judged else "-",
        percent(head.argmax_agreement) if judged else "-",
        f"{head.max_tv:.5f}" if judged else "-",
        f"{head.checked:,}",
        f"{head.unclaimed:,}",
        f"{head.undetermined:,}",
        ("holds" if head.holds else f"WRONG at {head.wrong:,}") if judged else "never judged",
    ]


def percent(share: float) -> str:
    """Never 100 % when something disagreed."""
    return "100 %" if share == 1 else f"{min(share * 100, 99.99):.2f} %"


def table(rows: list[list[str]], left: Collection[int] | None = None) -> list[str]:
    """Lines of equal columns: those numbered ``left`` (first, second and last) begin together, the others end so."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = {0, 1, len(widths) - 1} if left is None else left
    return [
        (
            "  "
            + "  ".join(
                c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]


def _expectations(lines: Sequence[ExpectationFigures]) -> list[str]:
    """Figures in columns, then the line as it stands in the spec."""
    header = ["line", "", "least mass", "judged", "not spoken of", ""]
    return table([header, *map(_expectation, lines)])


def _expectation(line: ExpectationFigures) -> list[str]:
    if not line.checked:
        state = "never applied"
    else:
        state = "holds" if line.holds else f"WRONG at {line.wrong:,}"
    mass = "" if line.min_mass is None else f"{line.min_mass:.5f}"
    return [str(line.line), state, mass, f"{line.checked:,}", f"{line.skipped:,}", line.text]


def _outputs(outputs: OutputFigures) -> str:
    if not outputs.checked and not outputs.undetermined:
        return "outputs: none predicted"
    margin = "" if outputs.min_margin is None else f", least margin {outputs.min_margin:.4g}"
    state = "all right" if outputs.holds else f"WRONG at {outputs.wrong:,}"
    judged = f"{outputs.checked:,} judged{' after every token' * outputs.every_position}"
    return f"outputs: {state} ({judged}, {outputs.undetermined:,} undetermined{margin})"


def _generated(generated: GenerationFigures) -> list[str]:
    """One line, and the lengths that are not all right."""
    if not generated.prompts:
        return ["generated: nothing (no prompt determines what follows)"]
    state = "all right" if generated.holds else f"WRONG from {_count(generated.wrong, 'prompt')}"
    counts = f"{_count(generated.prompts, 'prompt')}, {_count(generated.tokens, 'token')}"
    lines = [f"generated: {state} ({counts}, {generated.undetermined:,} undetermined)"]
    if generated.outside:
        lines.append(f"  {_count(generated.outside, 'text')} end outside `sequences`, beyond which nothing is judged")
    bad = [figures for figures in generated.lengths if figures.wrong]
    return lines + [f"  length {figures.length}: {figures.wrong} of {figures.checked} wrong" for figures in bad]


# ------------------------------------------------------------------ cases


def _wrong(case: Case | WrongOutput | None, style: Style) -> list[str]:
    match case:
        case Case():
            return _case(case, style)
        case WrongGeneration():
            return _wrong_text(case)
        case WrongMeaning():
            right = " or ".join(case.right) or "(nothing)"
            lines = [
                f"  {_tokens(case.tokens)}",
                f"  the spec's own meaning predicts {case.predicted}, the line {right}",
            ]
            return lines
        case WrongOutput():
            right = " or ".join(case.right) or "(nothing)"
            return [f"  {_tokens(case.tokens)}", f"  predicted {case.predicted}, right is {right}"]
    return []


def _wrong_text(case: WrongGeneration) -> list[str]:
    found, wanted = case.generated[case.position], case.expected[case.position]
    differs = f"{found}, not {wanted}" if found != wanted else f"{found} is no likelier than another token"
    return [
        f"  {_tokens(case.tokens[: len(case.tokens) - case.position])}",
        f"  generated {_tokens(case.generated)}",
        f"  expected  {_tokens(case.expected)}",
        f"  they part at generated token {case.position + 1}: {differs}",
    ]


def _case(case: Case, style: Style) -> list[str]:
    lines = [
        f"  {_tokens(case.tokens)}",
        f"  at query {case.query} ({case.tokens[case.query]}): mass {case.mass:.5f} where it was expected",
    ]
    return lines + [f"  {line}" for line in draw_row(case.tokens, case.pattern, case.expected, style)]


def _tokens(tokens: tuple[str, ...]) -> str:
    if len(tokens) <= SHOWN_TOKENS:
        return " ".join(tokens)
    half = SHOWN_TOKENS // 2
    return f"{' '.join(tokens[:half])} ... {' '.join(tokens[-half:])}  ({len(tokens)} tokens)"
