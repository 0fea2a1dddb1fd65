"""Hints one by one, and the solution.

In: ``Exercise`` and the level of a hint.  Out: text in Markdown.  Not for: noting that they were seen (``progress``).
"""

from __future__ import annotations

from dsl.diagnostics import Diagnostic, SpecError
from headspec.course.exercise import Exercise


def hint_text(exercise: Exercise, level: int) -> str:
    """Hint ``level`` of 1..n; SpecError E0748 when there is none."""
    count = len(exercise.hints)
    if not 1 <= level <= count:
        message = f"exercise {exercise.number} has {count} hint{'s' * (count != 1)}, and no hint {level}"
        help = f"`headspec exercise solution {exercise.number}` shows the answer" if level > count else None
        raise SpecError(Diagnostic("E0748", message, help=help))
    return f"Hint {level} of {count}: {exercise.hints[level - 1]}"


def solution_text(exercise: Exercise, *, plain: bool = False) -> str:
    """Our answer, as a block of code unless ``plain``, and why it is right."""
    why = f"\n\n{exercise.explanation}" if exercise.explanation else ""
    return f"{exercise.solution}{why}" if plain else f"```\n{exercise.solution}\n```{why}"
