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
    Entry(
        "E0747",
        "no answer, or several",
        "An answer is one text (a file, standard input, or the text after `--answer`), or files of numbers, one for "
        "each matrix (`W_Q=q.npy W_K=k.npy`) or one with all of them by name. In Python: a text, a `pathlib.Path`, or "
        "objects by name.",
    ),
    Entry(
        "E0748",
        "no such hint",
        "Hints are numbered from 1, the gentlest, on; `headspec exercise hint N` shows the next one that has not been "
        "seen. After the last one there is the solution.",
    ),
    Entry(
        "E0760",
        "name in a formula that is not given",
        "A formula is made of the matrices and vectors that the exercise gives, of `^T`, `Id`, sums, products, "
        "rational factors, `softmax(F)` and `sum_k(F)`. `headspec exercise show N` lists the names and their shapes.",
    ),
    Entry(
        "E0761",
        "matrices that cannot be multiplied",
        "In a product each matrix has as many rows as the one before it has columns; a 1 x 1 product may stand "
        "anywhere. Vectors are columns: `x^T y` is a number, `x y^T` a matrix.",
    ),
    Entry(
        "E0762",
        "matrices that cannot be added",
        "Only matrices of one shape are added. `Id` stands for the identity of whatever size fits, and is square.",
    ),
    Entry(
        "E0763",
        "formula too large",
        "Formulas are compared by multiplying them out, up to 2000 terms of 64 factors. Answers to exercises have a "
        "few.",
    ),
    Entry(
        "E0764",
        "formula without an exact value",
        "Where a formula stands for the entries of a matrix it is made of products and sums of matrices that there "
        "are, such as `second.OV first.OV`; a softmax has no exact value, and an identity needs a size.",
    ),
    Entry(
        "E0765",
        "right answer of a check cannot be read",
        "What stands behind `equals`, `low` or `high` of a check is no number, formula or name that can be understood; "
        "or the check does not say which of the things asked for it judges.",
    ),
    Entry(
        "E0766",
        "value for something that is not asked for",
        "An answer gives values to the symbols and params that the exercise asks for, and leaves the others of its "
        "spec as they are.",
    ),
    Entry(
        "E0770",
        "unknown property",
        "A check of kind `property` names one of the properties that the checker can decide: `splits`, `rank`, "
        "`composition`, `writes-into`, `reads-from`. docs/exercises.md says what each of them asks.",
    ),
    Entry(
        "E0771",
        "option of a property missing or unknown",
        "Each property takes its own options beside `name`, `kind`, `head` and `property`; some may be left out. The "
        "message lists what this one takes.",
    ),
    Entry(
        "E0772",
        "option of a property makes no sense",
        "An option names a head or a subspace that the given spec does not have, or it is not the number, the word or "
        "the truth value that can stand there.",
    ),
)
