"""Answers that are words: letters of choices, tokens of a sequence, and the text of formulas.

In: an ``Exercise`` and a text.  Out: letters, tokens, or formulas by name.  Not for: what a formula says
(``dsl.answers.formulas``), nor whether the answer is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from dsl.diagnostics import Diagnostic, SpecError, did_you_mean
from dsl.span import Source, Span
from headspec.course.exercise import Exercise
from headspec.course.handing_in.targets import Targets

MOST_CHARACTERS = 100_000
_WORD = re.compile(r"[^\s,;]+")
_PADDING = "()[]{}.:`'\"*$"


def _source(text: str, name: str) -> Source:
    if len(text) > MOST_CHARACTERS:
        message = f"an answer of {len(text):,} characters is longer than the {MOST_CHARACTERS:,} that are read"
        raise SpecError(Diagnostic("E0734", message, help="is this the right text?"))
    return Source(name, text)


def _words(source: Source, pattern: re.Pattern[str]) -> Iterator[tuple[str, Span]]:
    from dsl.answers.text import clean

    for match in pattern.finditer(clean(source.text)):
        yield match.group(), Span(match.start(), match.end(), source)


# ------------------------------------------------------------------ choices


def read_choice(exercise: Exercise, text: str, name: str) -> frozenset[str]:
    """The letters in ``text``: ``ac``, ``a, c``, ``A C``, ``a and c``.  SpecError E0727."""
    letters = {letter.casefold(): letter for letter in exercise.choices}
    source = _source(text, name)
    found: set[str] = set()
    for word, span in _words(source, _WORD):
        bare = word.strip(_PADDING).casefold()
        if bare in letters:
            found.add(letters[bare])
        elif bare and all(letter in letters for letter in bare):
            found.update(letters[letter] for letter in bare)
        elif bare not in ("", "and", "&"):
            _no_choice(exercise, f"`{word}` is not one of the choices", span)
    if not found:
        _no_choice(exercise, "no choice is named", None)
    return frozenset(found)


def _no_choice(exercise: Exercise, message: str, span: Span | None) -> NoReturn:
    figures = tuple(f"{letter}: {text}" for letter, text in exercise.choices.items())
    help = "hand in letters, one or several: `a`, `a, c`"
    raise SpecError(Diagnostic("E0727", message, span, "not a choice" if span else "", help, figures=figures))


# ------------------------------------------------------------------ sequences


def read_tokens(exercise: Exercise, text: str, name: str) -> tuple[str, ...]:
    """The tokens in ``text``, a valid sequence of the given spec.  SpecError E0728 (no tokens), E0729 (not valid)."""
    program = exercise.program
    assert program is not None, exercise.number
    source = _source(text, name)
    known = set(program.tokens)
    found: list[str] = []
    for word, span in _pieces(source, known):
        if word not in known:
            _no_token(word, span, program.tokens)
        found.append(word)
    if not found:
        help = "tokens are separated by spaces"
        raise SpecError(Diagnostic("E0728", "no tokens are handed in", help=help))
    _check_valid(exercise, tuple(found), source)
    return tuple(found)


def _pieces(source: Source, known: set[str]) -> Iterator[tuple[str, Span]]:
    """Words between spaces; what is no token is taken apart at commas and out of quotes."""
    for match in re.finditer(r"\S+", source.text):
        if match.group() in known:
            yield match.group(), Span(match.start(), match.end(), source)
            continue
        for part in _WORD.finditer(match.group()):
            start = match.start() + part.start()
            word = part.group() if part.group() in known else part.group().strip("\"'`")
            if word:
                yield word, Span(start, start + len(part.group()), source)


def _no_token(word: str, span: Span, tokens: tuple[str, ...]) -> NoReturn:
    if len(word) > 1 and all(character in tokens for character in word):
        help: str | None = f"tokens are separated by spaces: `{' '.join(word[:12])}`"
    else:
        help = did_you_mean(word, tokens) or f"the tokens are {' '.join(tokens[:40])}{' ..' * (len(tokens) > 40)}"
    raise SpecError(Diagnostic("E0728", f"`{word[:40]}` is not a token here", span, "not a token", help))


def _check_valid(exercise: Exercise, tokens: tuple[str, ...], source: Source) -> None:
    from dsl.parser import parse
    from dsl.tree import SequencesDecl

    program = exercise.program
    assert program is not None, exercise.number
    places = {token: i for i, token in enumerate(program.tokens)}
    if program.sequences.accepts([places[token] for token in tokens]):
        return
    statements = parse(exercise.spec_text, exercise.spec_name).statements
    said = next((s.span.text for s in statements if isinstance(s, SequencesDecl)), "sequences: any tokens")
    lengths = program.sequences.lengths()
    figures = (" ".join(said.split()), f"lengths {lengths[0]} to {lengths[-1]}; this one has {len(tokens)} tokens")
    span = Span(0, len(source.text.rstrip()), source)
    help = "hand in a sequence of this form: only about these is anything promised"
    message = "this is not one of the valid sequences of the exercise"
    raise SpecError(Diagnostic("E0729", message, span, "not valid", help, figures=figures))


# ------------------------------------------------------------------ formulas

_ENVIRONMENT = r"\\(?:begin|end)\{(?:align|equation|gather|aligned|split)\*?\}"
_AROUND = re.compile(rf"{_ENVIRONMENT}|\\\[|\\\]|\$\$?|&|\\\\\s*$", re.MULTILINE)
_EQUATION = re.compile(r"\s*(?P<name>[^=\n]*?)\s*(?<![=<>!:]):?=(?!=)\s*")


def read_formulas(exercise: Exercise, text: str, name: str) -> dict[str, str]:
    """Name -> text of its formula: lines ``name = formula``, or one formula where one thing is asked.

    A line that has no ``=`` continues the one before it.  SpecError E0725 (missing), E0726 (not asked, or twice)."""
    from dsl.answers.text import clean

    targets = Targets(exercise)
    source = _source(text, name)
    found: dict[str, list[str]] = {}
    current: str | None = targets.asked[0].name if len(targets.asked) == 1 else None
    plain = _AROUND.sub(lambda match: " " * len(match.group()), clean(source.text))
    for match in re.finditer(r"[^\n]+", plain):
        line = match.group()
        equation = _EQUATION.match(line)
        if equation:
            span = Span(match.start() + equation.start("name"), match.start() + equation.end("name"), source)
            current = targets.find(equation["name"] or "=", span=span).name
            if found.get(current):
                raise SpecError(Diagnostic("E0726", f"`{current}` is given twice", span, "again", "keep one of them"))
            line = line[equation.end() :]
        if line.strip():
            if current is None:
                help = f"say which formula is which: `{targets.asked[0].name} = ..`"
                span = Span(match.start(), match.end(), source)
                raise SpecError(Diagnostic("E0726", "this formula has no name", span, "which one is it?", help))
            found.setdefault(current, []).append(line.strip())
    targets.check_all([item for item in targets.asked if found.get(item.name)], "the answer")
    return {name: " ".join(lines) for name, lines in found.items()}
