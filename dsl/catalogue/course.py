"""Catalogue entries for exercise files and the course (E0740..E0779).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0740",
        "no such exercise",
        "An exercise is named by its number (`2c`) or by the path of its .toml file. `headspec exercise list` has all "
        "of the course; with `--course FOLDER` it has those of the folder.",
    ),
    Entry(
        "E0741",
        "exercise file is not TOML",
        "Exercises are TOML files of at most 256 KiB. Texts stand in quotation marks; a text of several lines stands "
        "between triple quotation marks, and one with backslashes (LaTeX) between triple apostrophes.",
    ),
    Entry(
        "E0742",
        "unknown key in an exercise",
        "The table has no key of that name, or the check is of a kind that does not use it. docs/exercises.md lists "
        "every key of every table.",
    ),
    Entry(
        "E0743",
        "missing key in an exercise",
        "Something without which the exercise cannot be shown or judged is missing: a statement, a hint, a solution, a "
        "check, what is asked for, or the spec that is given.",
    ),
    Entry(
        "E0744",
        "value of the wrong kind in an exercise",
        "The key is known, and its value is not what can stand there: a number where text is expected, a word that is "
        "not among the choices, or a float where an exact number is needed. Exact numbers are written as text.",
    ),
    Entry(
        "E0745",
        "check does not fit the exercise",
        "Each kind of answer is judged by its own kinds of check: heads by `pattern`, `move` and `property`, matrices "
        "by `equal`, and so on; and a check judges a head or a name that is asked for.",
    ),
    Entry(
        "E0746",
        "exercise and its given spec disagree",
        "The exercise names a head, a direction, a symbol or a file that the given spec does not have. Directions are "
        "named as in a spec, `where.cos0`; heads by the names they have there.",
    ),
)
