"""``headspec exercise grade``: the answers of a whole class to one exercise.

In: parsed options.  Out: a line for each answer as it is judged, a summary, or JSON; a table of comma-separated values.
Exit status 0 when all are right, 1 when one is not.  Not for: the judging (``course.grading``).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from headspec.commands.exercise import asked_convention, asked_exercise
from headspec.commands.output import say, say_json
from headspec.course.grading import as_csv, grade, render_grade, render_summary
from headspec.files import write_text
from headspec.terminal import plain_label, style_of


def run(arguments: argparse.Namespace) -> int:
    """Judge every answer; no student's progress is read or written."""
    exercise, convention = asked_exercise(arguments), asked_convention(arguments)
    style, width = style_of(sys.stdout), max(len(plain_label(answer)) for answer in arguments.answers)
    if not arguments.json:
        count = len(arguments.answers)
        say(f"{exercise.number}  {exercise.title}: {count} answer{'s' * (count != 1)}\n")
    found = []
    for answer in arguments.answers:
        found.append(grade(exercise, answer, convention))
        if not arguments.json:
            say(render_grade(found[-1], width, style))
            sys.stdout.flush()
    if arguments.csv:
        write_text(Path(arguments.csv), as_csv(found))
    if arguments.json:
        say_json({"exercise": exercise.number, "grades": [one.to_json() for one in found]})
    else:
        say("\n" + render_summary(found) + (f"\nwrote {arguments.csv}" if arguments.csv else ""))
    return 0 if all(one.right for one in found) else 1
