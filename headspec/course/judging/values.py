"""Judging what is not a head: numbers, choices, formulas, matrices by name, sequences, values of symbols.

In: an ``Exercise``, a ``Check`` (equal, between, promises, breaks, keeps), an ``Answer``.  Out: ``CheckResult``.  Not
for: heads (``pattern_judge``, ``move_judge``) and their properties (``properties``).

Formulas and matrices are held against ours in ``algebra``, models and sequences in ``promises`` and ``sequences``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError
from dsl.expressions import Binary, Call, Expr, Name, Number
from headspec.course.results import CheckResult, Verdict

if TYPE_CHECKING:
    from compiler.exact.quotients import Quotient
    from headspec.course.answer import Answer
    from headspec.course.exercise import Check, Exercise

SIZES = ("d_head", "d_model", "n", "d_vocab")
"""Sizes that a number may speak of without their being declared; of the first two, the former is never larger."""
CLOSE = Fraction(1, 10**6)
"""Floats count as equal within this share of the right number."""
LONGEST_TEXT = 60
"""Of an answer that a message repeats."""


def judge_value(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """One check of one answer.

    Raises SpecError for an answer that cannot be read as what is asked (E0760, E0766) or cannot be compiled, and for an
    exercise that is at fault (E0765)."""
    match check.kind:
        case "promises":
            from headspec.course.judging.promises import judge_promises

            return judge_promises(exercise, check, answer)
        case "breaks" | "keeps":
            from headspec.course.judging.sequences import judge_sequence

            return judge_sequence(exercise, check, answer)
        case "between":
            return _judge_between(exercise, check, answer)
        case "equal":
            return _judge_equal(exercise, check, answer)
    raise AssertionError(f"a check of kind {check.kind} is not judged here")


def _judge_equal(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    match exercise.kind:
        case "choice":
            return _judge_choice(check, answer)
        case "formula":
            from headspec.course.judging.algebra import judge_formula

            return judge_formula(exercise, check, answer)
        case "matrices":
            from headspec.course.judging.algebra import judge_matrix

            return judge_matrix(exercise, check, answer)
    return _judge_number(exercise, check, answer)


def asked_name(exercise: Exercise, check: Check) -> str:
    """Which of the things asked for the check is about: the one it names, else the only one; E0765 if neither is."""
    names = [item.name for item in exercise.asked]
    wanted = str(check.options.get("name", check.name))
    if wanted in names:
        return wanted
    if len(names) == 1:
        return names[0]
    help = f"a check is named after what it judges: {', '.join(names)}"
    raise SpecError(Diagnostic("E0765", f"check `{check.name}` names nothing that is asked for", help=help))


def said(check: Check, verdict: Verdict, message: str, figures: Iterable[str] = ()) -> CheckResult:
    """The result of ``check``."""
    return CheckResult(check.name, check.kind, check.head, verdict, message, tuple(figures))


def missing(check: Check, name: str) -> CheckResult:
    return said(check, "wrong", f"Nothing is handed in for `{name}`.")


# -------------------------------------------------------------------- choices


def _judge_choice(check: Check, answer: Answer) -> CheckResult:
    """Equal sets; otherwise how many of the chosen letters are right, and not which."""
    equals = check.options["equals"]
    words = equals if isinstance(equals, list | tuple) else [equals]
    right = {letter for word in words for letter in str(word).lower() if letter.isalpha()}
    chosen = {letter.lower() for letter in answer.choice}
    good = len(chosen & right)
    if chosen == right:
        return said(check, "right", f"Right: {', '.join(sorted(right))}.")
    return replace(
        said(check, "wrong", _choice_message(len(chosen), good)), numbers={"chosen": len(chosen), "right": good}
    )


def _choice_message(chosen: int, good: int) -> str:
    if not chosen:
        return "Nothing is chosen."
    if good == chosen:
        return "What is chosen is right, but it is not all." if chosen > 1 else "That one is right, but it is not all."
    if not good:
        return "That one is not right." if chosen == 1 else f"None of the {chosen} letters chosen is right."
    return f"{good} of the {chosen} letters chosen {'is' if good == 1 else 'are'} right."


# -------------------------------------------------------------------- numbers


def _judge_number(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """Equal to one of the texts of ``equals`` (a text, several joined by ``or``, or a list), for all values of the
    symbols; with ``tolerance`` also within it; floats also within their rounding."""
    name = asked_name(exercise, check)
    if name not in answer.expressions:
        return missing(check, name)
    given = answer.expressions[name]
    rights = _alternatives(check)
    strange = _strange(exercise, check, given, rights)
    if strange:
        return said(check, "wrong", f"`{name}` speaks of {strange}, which the exercise does not have.")
    try:
        equal = any(_equal(given, right) for right in rights)
    except ValueError as error:
        return said(check, "wrong", f"`{name}` cannot be read as an exact number: {error}.")
    if equal:
        return said(check, "right", f"`{name} = {_text(given)}` is right.")
    return _judge_near(exercise, check, answer, name, rights)


def _equal(given: Expr, right: Expr) -> bool:
    from compiler.exact.quotients import equal_numbers

    return equal_numbers(_ordered(given), _ordered(right))


def _ordered(expression: Expr) -> Expr:
    """``min(d_head, d_model)`` is d_head, ``max(d_head, d_model)`` is d_model: heads are not wider than the stream."""
    match expression:
        case Call("min" | "max" as function, arguments):
            names = {part.name for part in arguments if isinstance(part, Name)}
            if {"d_head", "d_model"} <= names:
                dropped = "d_model" if function == "min" else "d_head"
                left = tuple(p for p in arguments if not (isinstance(p, Name) and p.name == dropped))
                return replace(expression, arguments=left)
    return expression


def _judge_near(exercise: Exercise, check: Check, answer: Answer, name: str, rights: tuple[Expr, ...]) -> CheckResult:
    """What is not equal may be within the tolerance, or a float next to it."""
    given = answer.expressions[name]
    distances = [d for right in rights if (d := _distance(exercise, given, right)) is not None]
    tolerance = check.options.get("tolerance")
    if distances and tolerance is not None and min(d for d, _ in distances) <= Fraction(str(tolerance)):
        return said(check, "right", f"`{name} = {_text(given)}` is right to within {tolerance}.")
    near = any(distance <= CLOSE * max(Fraction(1), abs(size)) for distance, size in distances)
    if near and answer.numeric:
        return said(check, "rounded", f"`{name} = {_text(given)}` is right up to the rounding of a float.")
    if near:
        return said(check, "wrong", f"`{name} = {_text(given)}` is very near, but not exact: hand in the exact number.")
    return said(check, "wrong", f"`{name} = {_text(given)}` is not right.")


def _distance(exercise: Exercise, given: Expr, right: Expr) -> tuple[Fraction, Fraction] | None:
    """(|given - right|, right) to some 30 digits, for a number without symbols; ours have their declared values."""
    from compiler.exact.quotients import quotient

    try:
        a, b = quotient(given), quotient(right).at(symbol_values(exercise))
        x, y = (part.top.enclose({})[0] / part.bottom.enclose({})[0] for part in (a, b))
    except (ValueError, ZeroDivisionError):
        return None
    return abs(x - y), y


def symbol_values(exercise: Exercise) -> dict[str, Fraction]:
    """The values that the given spec declares for its symbols."""
    from compiler.symbol_values import declared_values

    return declared_values(exercise.program) if exercise.program is not None else {}


def _alternatives(check: Check) -> tuple[Expr, ...]:
    """The expressions of ``equals``; E0765 where one cannot be read."""
    equals = check.options["equals"]
    texts = equals if isinstance(equals, list | tuple) else [equals]
    return tuple(part for text in texts for part in _parts(read_expected(check, str(text))))


def _parts(expression: Expr) -> list[Expr]:
    match expression:
        case Binary("or", left, right):
            return [*_parts(left), *_parts(right)]
    return [expression]


def read_expected(check: Check, text: str) -> Expr:
    """A teacher's number; SpecError E0765 where it is none."""
    from dsl.answers.reading import parse_value

    try:
        return parse_value(text, f"equals of check `{check.name}`")
    except SpecError as error:
        raise unreadable(check, error) from None


def unreadable(check: Check, error: SpecError) -> SpecError:
    """The exercise is at fault: what its ``equals`` says cannot be read."""
    first = error.diagnostics[0]
    message = f"`equals` of check `{check.name}` cannot be read: {first.message}"
    return SpecError(Diagnostic("E0765", message, first.span, first.label, first.help))


def _strange(exercise: Exercise, check: Check, given: Expr, rights: tuple[Expr, ...]) -> str:
    """The symbols that neither the exercise nor the right answer speaks of, as words."""
    from compiler.exact.quotients import symbols_of

    known = set(SIZES) | {size for shape in exercise.shapes.values() for size in shape}
    known |= {name for right in rights for name in symbols_of(right)}
    known |= {symbol.name for symbol in exercise.program.symbols} if exercise.program is not None else set()
    stated = check.options.get("symbols", ())
    known |= set(map(str, stated)) if isinstance(stated, list | tuple) else set()
    return " and ".join(f"`{name}`" for name in sorted(symbols_of(given) - known))


def _text(expression: Expr) -> str:
    """As it was written, else as its value."""
    written = " ".join(expression.span.text.split())
    if written:
        return written if len(written) <= LONGEST_TEXT else f"{written[: LONGEST_TEXT - 3]}..."
    from compiler.exact import Scalar

    try:
        return str(Scalar.from_expression(expression))
    except ValueError:
        return "this number"


# -------------------------------------------------------------------- between


def _judge_between(exercise: Exercise, check: Check, answer: Answer) -> CheckResult:
    """low <= number <= high, exactly, at the values that the given spec declares for its symbols."""
    from compiler.exact.quotients import quotient

    name = asked_name(exercise, check)
    if name not in answer.expressions:
        return missing(check, name)
    given = answer.expressions[name]
    try:
        number = quotient(given).at(symbol_values(exercise))
        below = [number.compared(bound) for bound in _bound(check, "low")]
        above = [number.compared(bound) for bound in _bound(check, "high")]
    except ValueError as error:
        return said(check, "wrong", f"`{name} = {_text(given)}` is not a number here: {error}.")
    if any(side < 0 for side in below):
        return said(check, "wrong", f"`{name} = {_text(given)}` is too small.")
    if any(side > 0 for side in above):
        return said(check, "wrong", f"`{name} = {_text(given)}` is too large.")
    return said(check, "right", f"`{name} = {_text(given)}` is within the bounds.")


def _bound(check: Check, side: str) -> list[Quotient]:
    from compiler.exact.quotients import quotient

    bound = check.options.get(side)
    match bound:
        case None:
            return []
        case int() | Fraction():
            return [quotient(Number(Fraction(bound)))]
    return [quotient(read_expected(check, str(bound)))]
