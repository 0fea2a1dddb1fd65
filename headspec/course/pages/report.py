"""What a check found, for people: a page of text, or a fragment for notebooks.

In: ``Result``.  Out: lines of text, plain unless a ``Style`` allows colour; HTML in which every word of an answer is
escaped.  The verdict comes first, what to do next comes last.  Not for: programs (``Result.to_json``).
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable

from headspec.course.results import CheckResult, Counterexample, Result, Verdict
from headspec.pictures.patterns import draw_row
from headspec.terminal import PLAIN, Style, plain_label

WORDS: dict[Verdict, str] = {
    "exact": "exactly right",
    "rounded": "right to rounding",
    "enough": "right enough",
    "right": "right",
    "wrong": "not right",
    "undecided": "not decided",
}
_WORST_FIRST: tuple[Verdict, ...] = ("wrong", "undecided", "enough", "rounded", "exact", "right")
SHOWN_TOKENS = 24


def overall(result: Result) -> Verdict:
    """The verdict on the whole answer: that of its worst check."""
    found = {check.verdict for check in result.checks}
    return next((verdict for verdict in _WORST_FIRST if verdict in found), "undecided")


def next_step(result: Result, word: str = "") -> str:
    """A sentence with the command that helps most now; ``word`` names the exercise, where its number does not."""
    if result.right:
        return f"next: `headspec exercise solution {word or result.exercise}` shows our answer, and why"
    return f"next: `headspec exercise hint {word or result.exercise}` gives a hint; then check again"


# ------------------------------------------------------------------ text


def render_result(result: Result, style: Style = PLAIN, *, word: str = "") -> str:
    """The verdict, each check with its figures, mistakes and counterexample, and what to do next."""
    verdict = style.verdict(result.right, WORDS[overall(result)])
    lines = [f"{result.exercise}  {result.title}: {verdict}"]
    if len(result.checks) > 1:
        lines[0] += f"  ({sum(check.right for check in result.checks)} of {len(result.checks)} checks)"
    for check in result.checks:
        lines += ["", *_check(check, style)]
    for note in result.notes:
        lines += ["", *_wrapped(f"note: {note}", 2, style)]
    return "\n".join([*lines, "", next_step(result, word)])


def _check(check: CheckResult, style: Style) -> list[str]:
    mark = ("✓" if check.right else "✗") if style.unicode else ("+" if check.right else "x")
    head = f" (head {check.head})" if check.head else ""
    title = style.verdict(check.right, f"{mark} {check.name}{head}: {WORDS[check.verdict]}")
    lines = [f"  {title}", *_wrapped(check.message, 4, style)]
    for mistake in check.mistakes:
        lines += _wrapped(f"mistake: {mistake.says} [{mistake.code}]", 4, style)
    if check.counterexample is not None:
        lines += ["", *_counterexample(check, check.counterexample, style)]
    figures = [line for figure in check.figures for line in _figure(figure, style)]
    return lines + ([""] if figures and check.counterexample else []) + figures


def _figure(figure: str, style: Style) -> list[str]:
    """The lines of a figure with their indentation; long ones go on below, further in."""
    lines = []
    for line in figure.split("\n"):
        indent = len(line) - len(line.lstrip())
        wrapped = _wrapped(line.strip(), 4 + indent, style)
        lines += [wrapped[0], *(f"    {part}" for part in wrapped[1:])]
    return lines


def said(check: CheckResult) -> bool:
    """Whether the counterexample's sentence is in the message already."""
    case = check.counterexample
    return case is not None and case.sentence.rstrip(".").lower() in check.message.lower()


def _counterexample(check: CheckResult, case: Counterexample, style: Style) -> list[str]:
    """A sentence, the sequence with its query marked, and the query's row: your weights as bars, ours beside them."""
    lines = [] if said(check) else _wrapped(case.sentence, 4, style)
    if case.pattern:
        lines += [f"    {marked_tokens(case)}"]
        lines += [f"    {line}" for line in draw_row(case.tokens, case.pattern, case.expected, style)]
    return lines + [line for text in replay(case) for line in _wrapped(text, 4, style)]


def replay(case: Counterexample) -> list[str]:
    """How to see the same numbers in a model of one's own; nothing where the temperature is stated."""
    if not any(factor != 1 for factor in case.sharpened.values()):
        return []
    factors = " and ".join(f"W_Q of `{head}` multiplied by {factor:.6g}" for head, factor in case.sharpened.items())
    return [f"(the temperature is free: shown with {factors})"]


def marked_tokens(case: Counterexample) -> str:
    """``a b c [a]``: the sequence, the query in brackets; long ones around the query."""
    words = [plain_label(token) for token in case.tokens]
    if 0 <= case.query < len(words):
        words[case.query] = f"[{words[case.query]}]"
    if len(words) <= SHOWN_TOKENS:
        return " ".join(words)
    start = max(0, min(case.query - SHOWN_TOKENS + 4, len(words) - SHOWN_TOKENS))
    shown = " ".join(words[start : start + SHOWN_TOKENS])
    return f"{'... ' if start else ''}{shown}{' ...' if start + SHOWN_TOKENS < len(words) else ''}"


def _wrapped(text: str, indent: int, style: Style) -> list[str]:
    width, margin = min(style.width, 110), " " * indent
    return [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(
            paragraph, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
        )
        or [""]
    ]


# ------------------------------------------------------------------ notebooks

_GOOD, _BAD = "#1a7f37", "#b3261e"
CELL = 30


def result_html(result: Result) -> str:
    """A fragment without scripts: the verdict, every check, and the counterexample as two rows of shaded squares."""
    checks = "".join(_check_html(check) for check in result.checks)
    notes = "".join(f"<p><i>{_code(note)}</i></p>" for note in result.notes)
    heading = f"{html.escape(result.exercise)} &nbsp;{html.escape(result.title)}: "
    return (
        f"<div><p><b>{heading}{_coloured(WORDS[overall(result)], result.right)}</b></p>{checks}{notes}"
        f"<p>{_code(_notebook_step(result))}</p></div>"
    )


def _notebook_step(result: Result) -> str:
    """The same advice as ``next_step``, as Python."""
    call = "solution" if result.right else "hint"
    what = "shows our answer, and why" if result.right else "gives a hint"
    return f'next: `exercises.{call}("{result.exercise}")` {what}'


def _check_html(check: CheckResult) -> str:
    mark, head = ("✓" if check.right else "✗"), f" (head {check.head})" if check.head else ""
    parts = [f"<p>{_coloured(f'{mark} {check.name}{head}: {WORDS[check.verdict]}', check.right)}<br>"]
    parts.append(f"{_code(check.message)}</p>")
    parts += [f"<p>mistake: {_code(m.says)} <code>{html.escape(m.code)}</code></p>" for m in check.mistakes]
    if check.counterexample is not None:
        case = check.counterexample
        parts.append(("" if said(check) else f"<p>{_code(case.sentence)}</p>") + row_svg(case))
        parts += [f"<p>{_code(text)}</p>" for text in replay(case)]
    if check.figures:
        parts.append(f"<pre>{html.escape(chr(10).join(check.figures))}</pre>")
    return "".join(parts)


def row_svg(case: Counterexample) -> str:
    """Attention of one query as an inline drawing: a column for each key, the answer's weight over the expected one."""
    from headspec.pictures.svg import shade

    if not case.pattern:
        return ""
    left, shown = 76, _shown_keys(case)
    parts = [_svg_text(left - 6, 36 + 15, "yours", "end"), _svg_text(left - 6, 66 + 15, "expected", "end")]
    for column, key in enumerate(shown):
        x = left + column * CELL
        parts.append(_svg_text(x + CELL / 2 - 1, 26, _short(case.tokens[key]), "middle", bold=key == case.query))
        for y, row in ((34, case.pattern), (64, case.expected)):
            weight = float(row[key])
            about = html.escape(f"{plain_label(case.tokens[key])} ({key}): {weight:.4f}")
            parts.append(
                f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}" fill="{shade(weight)}">'
                f"<title>{about}</title></rect>"
            )
    width = left + len(shown) * CELL + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 98" width="{width}" height="98" role="img"'
        f' style="background:#fff" aria-label="attention of query {case.query}">{"".join(parts)}</svg>'
    )


def _shown_keys(case: Counterexample) -> list[int]:
    """All keys, or of many those that matter most."""
    keys = range(min(len(case.pattern), len(case.expected), len(case.tokens)))
    heaviest = sorted(keys, key=lambda k: (-max(case.pattern[k], case.expected[k]), k))
    return sorted(heaviest[:SHOWN_TOKENS])


def _svg_text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = "bold" if bold else "normal"
    style = f"font:{weight} 11px ui-monospace,Menlo,Consolas,monospace;fill:#444a53"
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" style="{style}">{html.escape(text)}</text>'


def _short(token: str) -> str:
    label = plain_label(token)
    return label if len(label) <= 4 else label[:3] + "…"


def _coloured(text: str, good: bool) -> str:
    return f'<span style="color:{_GOOD if good else _BAD};font-weight:600">{html.escape(text)}</span>'


def _code(text: str) -> str:
    """Escaped text; what stands between backquotes as code."""
    parts: Iterable[str] = (
        f"<code>{html.escape(part)}</code>" if i % 2 else html.escape(part) for i, part in enumerate(text.split("`"))
    )
    return "".join(parts).replace("\n", "<br>")
