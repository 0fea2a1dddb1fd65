"""``headspec exercise``: the course at the command line.

In: parsed options.  Out: text or JSON, and the exit status: 0 right (or done), 1 not right, 2 the input is at fault.
With ``--json`` the progress is left alone.  Not for: judging (``course.checking``), nor reading answers
(``course.reading``).
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import Diagnostic, SpecError, for_each
from headspec.commands.output import say, say_json
from headspec.course.files.loading import Entry, exercise_files, find_exercise, find_file, load_exercise, outline
from headspec.course.pages import progress as keeping
from headspec.course.pages.progress import Progress, Record, key_of, read_progress
from headspec.terminal import Style, style_of

if TYPE_CHECKING:
    from headspec.course.answer import Convention
    from headspec.course.exercise import Exercise
    from headspec.course.results import Result

PARTS = {1: "the course", 2: "where it goes on"}


def _folder(arguments: argparse.Namespace) -> Path | None:
    return Path(arguments.course) if arguments.course else None


def asked_exercise(arguments: argparse.Namespace) -> Exercise:
    return find_exercise(arguments.number, _folder(arguments))


def _word(arguments: argparse.Namespace) -> str:
    """How the user called the exercise, for the commands that are suggested."""
    return f"{shlex.quote(arguments.number)}{_course(arguments)}"


def _course(arguments: argparse.Namespace) -> str:
    return f" --course {shlex.quote(arguments.course)}" if arguments.course else ""


def _tell(kept: Progress) -> None:
    for notice in kept.notices:
        print(f"note: {notice}", file=sys.stderr)


# ------------------------------------------------------------------ the list


def overview(arguments: argparse.Namespace) -> int:
    """Every exercise with what is known of it, and what to do next."""
    kept = read_progress()
    entries = outline(_folder(arguments))
    if arguments.json:
        say_json([_entry_json(entry, kept.of(key_of(entry.path))) for entry in entries])
        return 0
    _tell(kept)
    say(render_list(entries, kept, style_of(sys.stdout), course=_course(arguments)))
    return 0


def _entry_json(entry: Entry, record: Record) -> dict[str, object]:
    return {
        "number": entry.number,
        "title": entry.title,
        "part": entry.part,
        "order": entry.order,
        "source": entry.source,
        "kind": entry.kind,
        "hints": entry.hints,
        "solved": record.solved is not None,
        "attempts": record.attempts,
        "best": record.best,
    }


def render_list(entries: Sequence[Entry], kept: Progress, style: Style, *, course: str = "") -> str:
    """Parts one below the other; solved exercises are ticked, tried ones dotted.  ``course``: how the suggested command
    names the folder."""
    lines: list[str] = []
    width = max(len(entry.number) for entry in entries)
    for part in dict.fromkeys(entry.part for entry in entries):
        lines += ([""] if lines else []) + [style.paint(f"part {part}: {PARTS.get(part, 'more')}", "1")]
        for entry in entries:
            if entry.part == part:
                record = kept.of(key_of(entry.path))
                lines.append(f"  {_mark(record, style)} {entry.number:<{width}}  {entry.title}{_tried(record)}")
    return "\n".join([*lines, "", *_what_next(entries, kept, course)])


def _mark(record: Record, style: Style) -> str:
    if record.solved:
        return style.verdict(True, "✓" if style.unicode else "+")
    return ("·" if style.unicode else ".") if record.attempts else " "


def _tried(record: Record) -> str:
    if record.solved or not record.attempts:
        return ""
    best = f", best {record.best:.0%}" if record.best else ""
    return f"   ({record.attempts} attempt{'s' * (record.attempts != 1)}{best})"


def _what_next(entries: Sequence[Entry], kept: Progress, course: str) -> list[str]:
    solved = sum(kept.of(key_of(entry.path)).solved is not None for entry in entries)
    following = next_unsolved(entries, kept)
    lines = [f"{solved} of {len(entries)} solved"]
    if following is None:
        return [*lines, "all of them: write one yourself (docs/exercises.md)"]
    return [*lines, f"next: headspec exercise show {following.number}{course}   ({following.title})"]


def next_unsolved(entries: Sequence[Entry], kept: Progress, after: str = "") -> Entry | None:
    """The first exercise not solved yet, from ``after`` on if there is one."""
    numbers = [entry.number for entry in entries]
    start = numbers.index(after) + 1 if after in numbers else 0
    order = [*entries[start:], *entries[:start]]
    return next((entry for entry in order if kept.of(key_of(entry.path)).solved is None), None)


# ------------------------------------------------------------------ one exercise


def show(arguments: argparse.Namespace) -> int:
    """What is given, what is asked, a form to fill in."""
    from headspec.course.pages.showing import exercise_json, render_exercise

    exercise = asked_exercise(arguments)
    if arguments.json:
        say_json(exercise_json(exercise))
    else:
        say(render_exercise(exercise, style_of(sys.stdout), word=_word(arguments)))
    return 0


def hint(arguments: argparse.Namespace) -> int:
    """The hint asked for, or the next one that has not been seen."""
    from headspec.course.pages.helping import hint_text

    exercise = asked_exercise(arguments)
    count, key = len(exercise.hints), key_of(exercise)
    seen = read_progress().of(key).hints
    level = _level(arguments.level) if arguments.level is not None else min(seen + 1, count)
    text = hint_text(exercise, level)
    if arguments.json:
        say_json({"exercise": exercise.number, "level": level, "of": count, "text": exercise.hints[level - 1]})
        return 0
    say(_drawn(text))
    if level == count:
        say(f"\nthat was the last one; `headspec exercise solution {_word(arguments)}` shows the answer")
    _tell(keeping.note_hint(key, level))
    return 0


def _level(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 4):
        raise SpecError(Diagnostic("E0748", f"`{word}` is no hint", help="hints are numbered 1, 2, 3 ..."))
    return int(word)


def solution(arguments: argparse.Namespace) -> int:
    """Our answer, and why it is right; the progress notes that it was seen."""
    from headspec.course.pages.helping import solution_text

    exercise = asked_exercise(arguments)
    if arguments.json:
        number, answer = exercise.number, exercise.solution
        say_json({"exercise": number, "solution": answer, "explanation": exercise.explanation})
        return 0
    say(_drawn(solution_text(exercise, plain=not style_of(sys.stdout).colour)))
    _tell(keeping.note_solution(key_of(exercise)))
    return 0


def _drawn(text: str) -> str:
    from headspec.course.pages.showing import draw_markdown

    return draw_markdown(text, style_of(sys.stdout))


# ------------------------------------------------------------------ checking


def check(arguments: argparse.Namespace) -> int:
    """Judge an answer once."""
    exercise = asked_exercise(arguments)
    result = _judge(exercise, arguments)
    if arguments.json:
        say_json(result.to_json())
        return 0 if result.right else 1
    _show_result(exercise, result, arguments)
    return 0 if result.right else 1


def _judge(exercise: Exercise, arguments: argparse.Namespace) -> Result:
    from headspec.course.checking import check_answer
    from headspec.course.handing_in.submitting import read_words

    given = getattr(arguments, "text", None)
    return check_answer(exercise, read_words(exercise, arguments.answers, given, asked_convention(arguments)))


def asked_convention(arguments: argparse.Namespace) -> Convention | None:
    from headspec.settings import check_choice

    if arguments.convention is None:
        return None
    return "row" if check_choice("convention", arguments.convention, ("column", "row")) == "row" else "column"


def _show_result(exercise: Exercise, result: Result, arguments: argparse.Namespace) -> None:
    from headspec.course.pages.report import render_result

    say(render_result(result, style_of(sys.stdout), word=_word(arguments)))
    kept = keeping.note_attempt(key_of(exercise), right=result.right, score=result.score)
    if result.right:
        following = next_unsolved(outline(exercise.path.parent), kept, exercise.number)
        say(
            f"      `headspec exercise show {following.number}`: {following.title}"
            if following
            else "      all are solved"
        )
    _tell(kept)


def watch(arguments: argparse.Namespace) -> int:
    """Check now, and after every save, until interrupted (exit status 130)."""
    from headspec.course.handing_in.submitting import files_of
    from headspec.course.pages.watching import watch as watch_files

    exercise = asked_exercise(arguments)
    paths = files_of(arguments.answers)
    if not paths:
        raise SpecError(Diagnostic("E0747", "standard input cannot be watched", help="name the file that you save"))
    if not arguments.json:
        absent = [str(path) for path in paths if not path.exists()]
        waiting = f"; waiting for {', '.join(absent)}, which is not there yet" if absent else ""
        print(f"watching {', '.join(map(str, paths))}{waiting}; Ctrl-C ends it", file=sys.stderr)
    return watch_files(paths, lambda: _check_again(exercise, arguments), once=arguments.once)


def _check_again(exercise: Exercise, arguments: argparse.Namespace) -> int:
    """One check while watching: a mistake in the file is shown, and the watch goes on."""
    if not arguments.json:
        say(f"--- {time.strftime('%H:%M:%S')} " + "-" * 40)
    try:
        result = _judge(exercise, arguments)
    except SpecError as error:
        _show_error(error, as_json=arguments.json)
        return 2
    finally:
        sys.stdout.flush()
    if arguments.json:
        say_json(result.to_json())
    else:
        _show_result(exercise, result, arguments)
    sys.stdout.flush()
    return 0 if result.right else 1


def _show_error(error: SpecError, *, as_json: bool) -> None:
    if as_json:
        say_json({"diagnostics": [diagnostic.to_json() for diagnostic in error.diagnostics]})
    else:
        say(str(error))


# ------------------------------------------------------------------ progress, and teachers


def progress(arguments: argparse.Namespace) -> int:
    """What is kept, and where; with --reset it starts anew."""
    kept = keeping.reset() if arguments.reset else read_progress()
    if arguments.json:
        say_json(kept.to_json())
        return 0
    say(str(kept))
    _tell(kept)
    return 0


def test(arguments: argparse.Namespace) -> int:
    """Judge the exercises' own answers; 1 when one is not judged as its file says."""
    from headspec.course.files.rehearsal import rehearse, render_rehearsal

    folder = _folder(arguments)
    words = arguments.exercises
    paths = [find_file(word, folder) for word in words] if words else list(exercise_files(folder).values())
    exercises = sorted(for_each(paths, load_exercise), key=lambda e: (e.order, e.number))
    found = []
    for exercise in exercises:
        found.append(rehearse(exercise))
        if not arguments.json:
            say(render_rehearsal(found[-1], style_of(sys.stdout)))
    if arguments.json:
        say_json([rehearsal.to_json() for rehearsal in found])
    return 0 if all(rehearsal.holds for rehearsal in found) else 1
